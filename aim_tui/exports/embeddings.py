r"""Embeddings with what they are of, as NPZ, Parquet or safetensors: no pickle, and every file name survives.

A name that is no valid Unicode is readable in `paths` with \xNN, and whole in `path_bytes`; NPZ has the bytes alone.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from aim_tui.core.text import path_bytes, portable_path
from aim_tui.store.errors import ExportError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aim_tui.core.embeddings.gallery import Vectors

FORMATS = ("npz", "parquet", "safetensors")

# The library refuses to read a longer header.
_MOST_HEADER = 100_000_000


@dataclass(frozen=True, slots=True)
class Embeddings:
    """Embeddings of images and of texts by one model: the rows of `vectors` and of `text_vectors`, float32 (n, dim)."""

    paths: Sequence[str]
    sha256s: Sequence[str]
    vectors: Vectors
    texts: Sequence[str]
    text_vectors: Vectors
    about: Mapping[str, Any]
    """The model with its fingerprint, and what was left out; anything that JSON can say."""


def write_embeddings(kind: str, made: Embeddings, stream: IO[bytes]) -> None:
    """Write them in one of FORMATS; ExportError where that cannot be."""
    match kind:
        case "npz":
            vectors = {"embeddings": made.vectors} | ({"text_embeddings": made.text_vectors} if made.texts else {})
            names = {"paths": made.paths, "sha256": made.sha256s} | ({"texts": made.texts} if made.texts else {})
            write_npz(stream, vectors, names, made.about)
        case "parquet":
            _write_parquet(stream, made)
        case "safetensors":
            _write_safetensors(stream, made)
        case _:
            raise ValueError(kind)


def write_npz(
    stream: IO[bytes],
    numbers: Mapping[str, Vectors],
    names: Mapping[str, Sequence[str]],
    about: Mapping[str, Any],
) -> None:
    """Arrays of numbers, arrays of names as bytes (UTF-8, or what a file name is made of), and `about` as JSON."""
    arrays: dict[str, Any] = {name: np.ascontiguousarray(array) for name, array in numbers.items()}
    arrays |= {name: np.array([os.fsencode(text) for text in texts], dtype=np.bytes_) for name, texts in names.items()}
    arrays["about"] = np.array(json.dumps(about).encode("ascii"), dtype=np.bytes_)
    np.savez(stream, allow_pickle=False, **arrays)


def _write_parquet(stream: IO[bytes], made: Embeddings) -> None:
    """One row an image, then one a text; what a row has not is null."""
    try:
        import pyarrow
        from pyarrow import parquet as files
    except ImportError:
        raise ExportError(
            "Parquet needs pyarrow, which is not installed", "pip install 'aim-tui[parquet]', or choose another format"
        ) from None
    images, texts = len(made.paths), len(made.texts)
    vectors = np.concatenate([part for part in (made.vectors, made.text_vectors) if len(part)] or [made.vectors])
    width = vectors.shape[1]
    flat = pyarrow.array(np.ascontiguousarray(vectors, dtype=np.float32).reshape(-1))
    raw = [os.fsencode(path) if path_bytes(path) is not None else None for path in made.paths]
    columns = {
        "path": pyarrow.array([*map(portable_path, made.paths), *[None] * texts], pyarrow.string()),
        "path_bytes": pyarrow.array([*raw, *[None] * texts], pyarrow.binary()),
        "sha256": pyarrow.array([*made.sha256s, *[None] * texts], pyarrow.string()),
        "text": pyarrow.array([*[None] * images, *made.texts], pyarrow.string()),
        "embedding": pyarrow.FixedSizeListArray.from_arrays(flat, width),
    }
    about = {b"aim_tui": json.dumps(made.about).encode("ascii")}
    files.write_table(pyarrow.table(columns).replace_schema_metadata(about), stream, compression="zstd")


def _write_safetensors(stream: IO[bytes], made: Embeddings) -> None:
    from safetensors.numpy import save

    raw = {str(row): there for row, path in enumerate(made.paths) if (there := path_bytes(path)) is not None}
    said = {
        "paths": list(map(portable_path, made.paths)),
        "path_bytes": raw,
        "sha256": list(made.sha256s),
        "texts": list(made.texts),
        "about": dict(made.about),
    }
    metadata = {name: json.dumps(value) for name, value in said.items() if value or name != "path_bytes"}
    # Quotes and backslashes of JSON inside JSON take two characters each.
    if sum(len(json.dumps(text)) for text in metadata.values()) > _MOST_HEADER - 10_000:
        raise ExportError(
            "the names of so many images do not fit into the header of a safetensors file",
            "choose npz or parquet",
        )
    tensors = {"embeddings": np.ascontiguousarray(made.vectors)}
    if made.texts:
        tensors["text_embeddings"] = np.ascontiguousarray(made.text_vectors)
    stream.write(save(tensors, metadata))

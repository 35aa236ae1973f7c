r"""Embeddings of images and texts as content to export; every file name survives.

A name that is not valid Unicode has \xNN in `paths`, and its bytes in `path_bytes`; NPZ has only the bytes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from aim_tui.core.embeddings.gallery import Vectors
from aim_tui.core.text import path_bytes, portable_path
from aim_tui.exports.content import Arrays, Columnar, Tensors


@dataclass(frozen=True)
class Embeddings(Arrays, Columnar, Tensors):
    """Embeddings of images and of texts by one model: the rows of `vectors` and of `text_vectors`, float32 (n, dim)."""

    paths: Sequence[str]
    sha256s: Sequence[str]
    vectors: Vectors
    texts: Sequence[str]
    text_vectors: Vectors
    about: Mapping[str, Any]
    """The model with its fingerprint, and what was left out, for JSON."""

    def arrays(self) -> tuple[dict[str, Vectors], dict[str, Sequence[str]], Mapping[str, Any]]:
        """The vectors, and their paths and texts."""
        names = {"paths": self.paths, "sha256": self.sha256s} | ({"texts": self.texts} if self.texts else {})
        return self._vectors(), names, self.about

    def arrow(self, pyarrow: Any) -> Any:
        """One row per image, then one per text; missing fields are null."""
        images, texts = len(self.paths), len(self.texts)
        vectors = np.concatenate([part for part in (self.vectors, self.text_vectors) if len(part)] or [self.vectors])
        width = vectors.shape[1]
        flat = pyarrow.array(np.ascontiguousarray(vectors, dtype=np.float32).reshape(-1))
        raw = [os.fsencode(path) if path_bytes(path) is not None else None for path in self.paths]
        columns = {
            "path": pyarrow.array([*map(portable_path, self.paths), *[None] * texts], pyarrow.string()),
            "path_bytes": pyarrow.array([*raw, *[None] * texts], pyarrow.binary()),
            "sha256": pyarrow.array([*self.sha256s, *[None] * texts], pyarrow.string()),
            "text": pyarrow.array([*[None] * images, *self.texts], pyarrow.string()),
            "embedding": pyarrow.FixedSizeListArray.from_arrays(flat, width),
        }
        about = {b"aim_tui": json.dumps(self.about).encode("ascii")}
        return pyarrow.table(columns).replace_schema_metadata(about)

    def tensors(self) -> tuple[dict[str, Vectors], dict[str, str]]:
        """The vectors, and their paths and texts."""
        raw = {str(row): there for row, path in enumerate(self.paths) if (there := path_bytes(path)) is not None}
        described = {
            "paths": list(map(portable_path, self.paths)),
            "path_bytes": raw,
            "sha256": list(self.sha256s),
            "texts": list(self.texts),
            "about": dict(self.about),
        }
        metadata = {name: json.dumps(value) for name, value in described.items() if value or name != "path_bytes"}
        return self._vectors(), metadata

    def _vectors(self) -> dict[str, Vectors]:
        return {"embeddings": self.vectors} | ({"text_embeddings": self.text_vectors} if self.texts else {})

"""Fingerprints of models, from their files: another model in the same place has another fingerprint."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

from aim_tui.core.text import printable
from aim_tui.store.errors import StoreError
from aim_tui.store.packing import to_json

_CONFIGS = frozenset({".json", ".txt", ".model", ".jinja", ".py", ".yaml", ".tiktoken"})
_WEIGHTS = frozenset({".safetensors", ".bin", ".pth", ".pt", ".ckpt"})
_COMMIT = re.compile(r"[0-9a-f]{40}")
# Up to this size a file is hashed whole: 32 MB take 25 ms. Of a larger one only size, time and samples.
_WHOLE = 32 << 20
_SAMPLE = 1 << 20


def fingerprint(local: Path, revision: str = "") -> str:
    """A digest of a model folder, or of the weights file of an LPIPS trunk; 32 hex digits.

    It covers the content of every configuration and tokenizer file, and the identity of the weights: where
    `revision` is a commit of the hub, the commit; otherwise the content of small files, and of large ones the size,
    the modification time and the header, middle and end. A copied folder of large weights counts as another model,
    which costs time but never gives a wrong number. Takes some milliseconds, and loads nothing. Raises StoreError if a
    file cannot be read.
    """
    commit = revision if _COMMIT.fullmatch(revision) else ""
    try:
        files = {name: _identity(path, commit) for name, path in _files(local)}
    except OSError as error:
        raise StoreError(
            f"model {printable(str(local))} cannot be fingerprinted: {error.strerror or error}",
            "check the permissions of its files",
        ) from None
    if not files:
        raise StoreError(f"no model at {printable(str(local))}")
    return hashlib.sha256(to_json([commit, files]).encode("ascii")).hexdigest()[:32]


def _files(local: Path) -> Iterator[tuple[str, Path]]:
    """The files of the model, by name inside its folder; documentation and duplicate formats are left out."""
    if os.path.isfile(local):
        # A renamed or moved file is the same model.
        yield "", local
        return
    for folder, folders, names in os.walk(local):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            path = local.__class__(folder, name)
            if path.suffix in _CONFIGS or path.suffix in _WEIGHTS:
                yield path.relative_to(local).as_posix(), path


def _identity(path: Path, commit: str) -> list[str | int]:
    status = path.stat()
    if path.suffix in _CONFIGS or status.st_size <= _WHOLE:
        with path.open("rb") as file:
            return [hashlib.file_digest(file, "sha256").hexdigest()]
    if commit:
        return [status.st_size]
    # The beginning of safetensors is its header; the end of a torch file holds the checksums of all its tensors.
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for start in (0, status.st_size // 2, max(0, status.st_size - _SAMPLE)):
            file.seek(start)
            digest.update(file.read(_SAMPLE))
    return [status.st_size, status.st_mtime_ns, digest.hexdigest()]

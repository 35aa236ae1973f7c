"""What a pickled checkpoint would import, read from its instructions without running one of them."""

from __future__ import annotations

import pickletools
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

# A state dict of a thousand tensors takes some hundred kilobytes; the numbers themselves are no part of the pickle.
_MAX_BYTES = 32 << 20
# The older format of torch.save: magic number, protocol, system, object, and the keys of its storages.
_OLD_PICKLES = 5
_TENSORS = frozenset(
    {
        "collections OrderedDict",
        "torch Size",
        "torch._utils _rebuild_parameter",
        "torch._utils _rebuild_tensor",
        "torch._utils _rebuild_tensor_v2",
    }
)
_STORAGE = ("torch ", "Storage")
_NAMING = frozenset({"GLOBAL", "INST"})
# They name what they import by other means, which torch.save does not use.
_OTHER = frozenset({"STACK_GLOBAL", "EXT1", "EXT2", "EXT4"})


def pickle_problem(path: Path) -> str:
    """Why a checkpoint is not only tensors; empty if it is."""
    try:
        for name in _imports(path):
            if name not in _TENSORS and not (name.startswith(_STORAGE[0]) and name.endswith(_STORAGE[1])):
                return f"{path.name} would run code: it names {name.replace(' ', '.')}, which is not a tensor"
    except zipfile.BadZipFile:
        return f"{path.name} is truncated"
    except (ValueError, KeyError, IndexError, EOFError, NotImplementedError, RuntimeError):
        return f"{path.name} is not a checkpoint of tensors"
    return ""


def _imports(path: Path) -> Iterator[str]:
    with path.open("rb") as file:
        is_archive = file.read(4) == b"PK\x03\x04"
        file.seek(0)
        if not is_archive:
            for _ in range(_OLD_PICKLES):
                yield from _named(file)
            return
        with zipfile.ZipFile(file) as archive:
            entry = next(each for each in (*archive.infolist(), None) if each is None or _is_pickle(each.filename))
            if entry is None:
                raise ValueError("no pickle in the archive")
            if entry.file_size > _MAX_BYTES:
                raise ValueError("too large")
            with archive.open(entry) as pickled:
                yield from _named(pickled)  # type: ignore[arg-type]


def _is_pickle(name: str) -> bool:
    return name == "data.pkl" or name.endswith("/data.pkl")


def _named(file: BinaryIO) -> Iterator[str]:
    for opcode, argument, _ in pickletools.genops(file):
        if opcode.name in _OTHER:
            yield opcode.name
        elif opcode.name in _NAMING:
            yield str(argument)

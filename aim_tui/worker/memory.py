"""Telling 'out of memory' from every other error, and errors in one line."""

from __future__ import annotations

import gc

_SIGNS = ("not enough memory", "can't allocate memory", "out of memory", "cannot allocate memory")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception of torch or Python means that memory ran out.

    torch raises OutOfMemoryError on accelerators and a plain RuntimeError from its CPU allocator.
    """
    import torch

    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error).lower() for sign in _SIGNS)


def release_memory() -> None:
    """Give freed memory back, after the last reference to a failed batch is gone."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    elif torch.backends.mps.is_available():
        torch.mps.empty_cache()


def brief(error: BaseException, limit: int = 200) -> str:
    """An exception in one line, for a reason beside a row."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    text = lines[0].strip() if lines else ""
    name = type(error).__name__
    return f"{name}: {text[:limit]}" if text else name

"""Recognise 'out of memory' among errors, free memory, and put an error in one line."""

from __future__ import annotations

import atexit
import gc

# New objects before the garbage collector looks at them, and rounds before it looks at older ones.
_ROUNDS = (20_000, 20, 20)
_SIGNS = ("not enough memory", "can't allocate memory", "out of memory", "cannot allocate memory")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception of torch or Python means that memory ran out.

    torch raises OutOfMemoryError on accelerators and a plain RuntimeError from its CPU allocator.
    """
    import torch

    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error).lower() for sign in _SIGNS)


def settle() -> None:
    """Take what is there now out of the garbage collector's rounds: model libraries are a million objects.

    Without it each round looks at all of them, and a job that recalls a hundred thousand values, each an object or
    two that stays, takes twice as long. For the same reason there are fewer rounds from then on.
    """
    gc.collect()
    gc.freeze()
    # At the end of the process everything has to go, or libraries complain of what they find.
    atexit.unregister(gc.unfreeze)
    atexit.register(gc.unfreeze)
    gc.set_threshold(*_ROUNDS)


def release_memory() -> None:
    """Give freed memory back, after the last reference to a failed batch or a model is gone."""
    import torch

    gc.unfreeze()
    settle()
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

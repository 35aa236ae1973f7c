"""The default place of the store, and how its files are created."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

from aim_tui.core.text import printable
from aim_tui.store.errors import StoreError


def default_store() -> Path:
    """The store that is used unless another one is named."""
    return platformdirs.user_data_path("aim-tui") / "aim-tui.db"


def make_private(path: Path) -> None:
    """Create an empty file that only the user can read, and its folder if necessary.

    SQLite gives the log and index beside the file the same permissions. Raises StoreError if the file exists.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except OSError as error:
        raise StoreError(
            f"{printable(str(path))} cannot be created: {error.strerror or error}",
            "check the permissions of its folder, or name another store with --store",
        ) from None


def put_in_place(aside: Path, path: Path) -> None:
    """Rename a finished file, unless another program has created `path` first."""
    try:
        path.hardlink_to(aside)
    except FileExistsError:
        return
    except OSError:  # a disk without hard links; the two calls are not atomic
        if not os.path.exists(path):
            aside.rename(path)

"""Where the store lives unless the user names a place, and how its files are made."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

from aim_tui.core.text import printable
from aim_tui.store.errors import StoreError


def data_dir() -> Path:
    """Folder for what outlives the program's runs; it is made with the store, for the user alone."""
    return platformdirs.user_data_path("aim-tui")


def default_store() -> Path:
    """The store that is used where no other is named."""
    return data_dir() / "aim-tui.db"


def make_private(path: Path) -> None:
    """A new, empty file that only the user can read, and its folder likewise where there is none.

    SQLite gives a log and an index beside the file the same permissions. Raises StoreError where there is a file.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except OSError as error:
        raise StoreError(
            f"{printable(str(path))} cannot be made: {error.strerror or error}",
            "look at the permissions of its folder, or name a store elsewhere with --store",
        ) from None


def put_in_place(aside: Path, path: Path) -> None:
    """Give a finished file its name, unless another program was quicker: then its file stays."""
    try:
        path.hardlink_to(aside)
    except FileExistsError:
        return
    except OSError:  # a disk without hard links; the moment between the two calls is all that is left to chance
        if not path.exists():
            aside.rename(path)

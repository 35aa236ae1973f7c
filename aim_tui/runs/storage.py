"""How commands open the store: the user's own, or the one that --store or AIM_TUI_STORE names."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path

from aim_tui.errors import UsageError
from aim_tui.store.database import Database
from aim_tui.store.errors import StoreError, UnknownRunError
from aim_tui.store.judgements import Judgements
from aim_tui.store.locations import default_store
from aim_tui.store.records import Run, RunKind
from aim_tui.store.runs import Runs

PATIENCE = 10.0
"""Seconds to wait for another program that holds the store."""

WITHOUT = "score without a store: --no-store (then the run is not kept and cannot be resumed)"


def store_path(named: Path | None) -> Path:
    """The path of the store to use, whether it exists or not."""
    return named.expanduser().absolute() if named is not None else default_store()


def open_to_score(path: Path) -> Database:
    """The store for a run; it is created if necessary.

    It is written to at once, so that a failure comes before models are loaded. StoreError names the alternatives.
    """
    try:
        database = Database.open(path, timeout=PATIENCE)
        try:
            with database.writing():
                pass
        except BaseException:
            database.close()
            raise
    except StoreError as error:
        elsewhere = "" if "--store" in error.hint else "use another store: --store PATH; "
        hint = f"{error.hint}; " if error.hint else ""
        raise type(error)(error.message, f"{hint}{elsewhere}or {WITHOUT}") from error
    return database


def open_existing(path: Path) -> Database:
    """The store for a command about its content; StoreError if it does not exist.

    A read-only store is opened for reading; one of an older version is migrated if possible.
    """
    writable = os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)
    return Database.open(path, read_only=not (os.path.exists(path) and writable), timeout=PATIENCE)


def load(named: Path | None, run: str) -> Run:
    """A stored run over images by its id, a prefix of it or 'last', with the current opinions of its images.

    UnknownRunError where the id is of a run over edits, which has no prompt and final score.
    """
    found = load_any(named, run, RunKind.IMAGES if run == "last" else None)
    if found.info.kind is RunKind.EDITS:
        raise UnknownRunError(
            f"{found.info.id} is a run over edits; this command needs a run over images",
            "`aim-tui runs show` and `aim-tui runs export -f csv` take both",
        )
    return found


def load_any(named: Path | None, run: str, kind: RunKind | None = None) -> Run:
    """A stored run of a kind, or of either; 'last' is the newest of them."""
    with open_existing(store_path(named)) as database:
        runs = Runs(database)
        found = runs.load(runs.find(run, kind=kind))
        # Opinions of edits are not part of their exports.
        if found.info.kind is RunKind.EDITS:
            return found
        return replace(found, opinions=Judgements(database).of(found.results))


def parse_size(text: str) -> int:
    """Bytes from '2GB', '500 MB', '1.5GiB' or '4096'; UsageError for anything else."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(?:([kmgt]?)(i?)b?)?\s*", text, re.IGNORECASE | re.ASCII)
    if match is None:
        raise UsageError(f"{text!r} is not a size", "such as 500MB, 2GB or 1.5GiB")
    number, prefix, binary = match.groups()
    power = " kmgt".index((prefix or " ").lower())
    return int(float(number) * (1024 if binary else 1000) ** power)

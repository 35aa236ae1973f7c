"""The store as a command opens it: the user's own, or the one that --store or AIM_TUI_STORE names."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from aim_tui.errors import UsageError
from aim_tui.store.database import Database
from aim_tui.store.errors import StoreError, UnknownRunError
from aim_tui.store.judgements import Judgements
from aim_tui.store.locations import default_store
from aim_tui.store.records import Run, RunKind
from aim_tui.store.runs import Runs

if TYPE_CHECKING:
    from pathlib import Path


PATIENCE = 10.0
"""Seconds to wait for another program that holds the store."""

WITHOUT = "score without a store: --no-store (then nothing of the run is kept, and it cannot go on later)"


def store_path(named: Path | None) -> Path:
    """The store that is meant, whether it is there or not."""
    return named.expanduser().absolute() if named is not None else default_store()


def open_to_score(path: Path) -> Database:
    """The store for a run that will be kept; it is made where there is none.

    Whether it can be written is tried at once, before models are loaded for nothing. StoreError names the ways out.
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
        elsewhere = "" if "--store" in error.hint else "keep it in another store: --store PATH; "
        hint = f"{error.hint}; " if error.hint else ""
        raise type(error)(error.message, f"{hint}{elsewhere}or {WITHOUT}") from error
    return database


def open_existing(path: Path) -> Database:
    """The store for a command about what is in it already; StoreError where there is none.

    One that cannot be written is opened for reading. One of an older version is brought up to date where it can be.
    """
    writable = os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)
    return Database.open(path, read_only=not (path.exists() and writable), timeout=PATIENCE)


def load(named: Path | None, run: str) -> Run:
    """A stored run over images by its id, the beginning of its id, or 'last', with what people say of its images now.

    UnknownRunError where the id is of a run over edits, which has no prompt and final score.
    """
    with open_existing(store_path(named)) as database:
        runs = Runs(database)
        found = _loaded(database, runs.find(run, kind=RunKind.IMAGES if run == "last" else None))
        if found.info.kind is RunKind.EDITS:
            raise UnknownRunError(
                f"{found.info.id} is a run over edits, and this is made of runs over images",
                "`aim-tui runs show` and `aim-tui runs export -f csv` know both",
            )
        return found


def load_any(named: Path | None, run: str) -> Run:
    """The same of a run of either kind; 'last' is the newest of all."""
    with open_existing(store_path(named)) as database:
        return _loaded(database, Runs(database).find(run, kind=None))


def _loaded(database: Database, run: str) -> Run:
    found = Runs(database).load(run)
    # What people say of edits is no part of their exports.
    return found if found.info.kind is RunKind.EDITS else replace(found, judged=Judgements(database).of(found.results))


def parse_size(text: str) -> int:
    """Bytes from '2GB', '500 MB', '1.5GiB' or '4096'; UsageError for anything else."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(?:([kmgt]?)(i?)b?)?\s*", text, re.IGNORECASE | re.ASCII)
    if match is None:
        raise UsageError(f"{text!r} is no size", "such as 500MB, 2GB or 1.5GiB")
    number, prefix, binary = match.groups()
    power = " kmgt".index((prefix or " ").lower())
    return int(float(number) * (1024 if binary else 1000) ** power)

"""Numbered steps from an empty file to the current tables: NNNN_name.sql beside this file, applied in order.

A released step is never changed; a new one is added. The number of the last applied step is the file's `user_version`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources


@dataclass(frozen=True, slots=True)
class Migration:
    """One step: its number, its name, and its SQL."""

    number: int
    name: str
    sql: str

    def statements(self) -> Iterator[str]:
        """The single statements; `executescript` would commit before the first one."""
        pending = ""
        for line in self.sql.splitlines(keepends=True):
            pending += line
            if sqlite3.complete_statement(pending):
                yield pending
                pending = ""


@cache
def released() -> tuple[Migration, ...]:
    """Every step, in order."""
    files = [file for file in resources.files(__name__).iterdir() if file.name.endswith(".sql")]
    steps = []
    for file in sorted(files, key=lambda file: file.name):
        number, _, name = file.name.removesuffix(".sql").partition("_")
        steps.append(Migration(int(number), name, file.read_text("utf-8")))
    return tuple(steps)


def apply(connection: sqlite3.Connection, steps: Sequence[Migration]) -> None:
    """Apply the steps inside the open transaction of `connection`; sqlite3.Error if one fails."""
    for step in steps:
        for statement in step.statements():
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {step.number:d}")
    broken = connection.execute("PRAGMA foreign_key_check").fetchone()
    if broken is not None:
        raise sqlite3.IntegrityError(f"rows of {broken[0]} would refer to rows of {broken[2]} that are not there")

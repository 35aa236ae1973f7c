"""A store that was altered by hand or by another program is read, or said to be damaged; never a traceback."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from aim_tui.errors import AimError
from aim_tui.store import evidence
from aim_tui.store.database import Database
from aim_tui.store.judgements import Judgements
from aim_tui.store.runs import Runs

FIXTURE = Path(__file__).with_name("fixtures") / "version-3" / "store.db"
TABLES = ("runs", "run_images", "run_values", "run_models", "judgements", "duels")
VALUES: list[Any] = [None, -1, "x", "", b"\xff", float("inf"), '{"a": NaN}', "[]", "{}", "null", 10**15]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A store with runs of images and edits, ratings and duels, brought up to date once."""
    path = tmp_path_factory.mktemp("altered") / "store.db"
    shutil.copyfile(FIXTURE, path)
    Database.open(path).close()
    yield path


def alter(path: Path, table: str, chance: random.Random) -> str:
    """Alter one cell, or one member of the JSON in it, and say which."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        columns = connection.execute(f"PRAGMA table_info({table})").fetchall()
        keys = [column[1] for column in columns if column[5]]
        row = chance.choice(connection.execute(f"SELECT {', '.join(keys)} FROM {table}").fetchall())
        name = chance.choice([column[1] for column in columns])
        where = " AND ".join(f"{key} = ?" for key in keys)
        (old,) = connection.execute(f"SELECT {name} FROM {table} WHERE {where}", row).fetchone()
        value = chance.choice(VALUES)
        if isinstance(old, str) and old.startswith("{") and (members := json.loads(old)) and chance.random() < 0.8:
            members[chance.choice(list(members))] = chance.choice([None, -1, "x", [], {}, [1], float("nan")])
            value = json.dumps(members)
        try:
            connection.execute(f"UPDATE {table} SET {name} = ? WHERE {where}", (value, *row))
        except sqlite3.IntegrityError:
            return ""
        return f"{table}.{name}"


def read_everything(path: Path) -> None:
    with Database.open(path) as database:
        runs, judgements = Runs(database), Judgements(database)
        for info in runs.history(kind=None):
            run = runs.load(info.id)
            evidence.source_of_run(run)
            evidence.ratings(judgements, run.results)
            evidence.duel_judgement(evidence.contests(judgements, run.results))


def test_a_store_as_it_was_written_is_read(store: Path) -> None:
    read_everything(store)


@pytest.mark.parametrize("table", TABLES)
def test_an_altered_cell_is_read_or_said_to_be_damaged(store: Path, tmp_path: Path, table: str) -> None:
    chance, refused = random.Random(table), 0
    for _ in range(40):
        shutil.copyfile(store, path := tmp_path / "altered.db")
        altered = alter(path, table, chance)
        try:
            read_everything(path)
        except AimError as error:
            refused += 1
            assert altered and "altered.db" in error.message or "run" in error.message
    assert refused or table == "run_models"

"""Two headless runs on one store at once: neither loses a row to the other."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from aim_tui.inputs.file_identity import FileIdentity
from aim_tui.store.database import Database
from aim_tui.store.files import FileHashes, Stat
from aim_tui.store.records import RunState
from aim_tui.store.runs import Runs
from tests.survival.conftest import Home, same

ROOT = Path(__file__).parents[2]


def test_two_runs_at_once_both_end_whole(home: Home, many: Path, undisturbed: list[dict[str, Any]]) -> None:
    with home.score(many) as one, home.score(many) as other:
        assert one.pid != other.pid
        with ThreadPoolExecutor() as pool:
            outputs = list(pool.map(lambda program: [json.loads(line) for line in program.lines()], (one, other)))
        assert (one.wait(), other.wait()) == (0, 0), one.errors + other.errors
    assert all(same(rows, undisturbed) for rows in outputs)
    with Database.open(home.store) as database:
        runs = [Runs(database).load(info.id) for info in Runs(database).history()]
    assert [run.info.state for run in runs] == [RunState.DONE, RunState.DONE]
    finals = sorted([row.final for row in run.results.rows] for run in runs)
    assert finals == sorted([row["final_score"] for row in rows] for rows in outputs)


def test_opening_a_store_again_lets_no_other_program_take_its_log_away(tmp_path: Path) -> None:
    """POSIX forgets all locks of a process on a file when it closes any handle of its own to it."""
    path = tmp_path / "store.db"
    log = Path(f"{path}-wal")
    with Database.open(path) as first:
        FileHashes(first).remember([(Stat("/a.png", FileIdentity(1, 1, 1, 1)), "0" * 64)])
        before = log.stat().st_ino
        Database.open(path).close()
        other = "import sys; from pathlib import Path; from aim_tui.store.database import Database as D\n"
        other += "with D.open(Path(sys.argv[1])) as d, d.reading() as c: c.execute('SELECT 1 FROM files').fetchall()"
        subprocess.run([sys.executable, "-c", other, path], check=True, cwd=ROOT)
        # Whoever closes a store last removes its log. The other program was not the last.
        assert log.stat().st_ino == before
        FileHashes(first).remember([(Stat("/b.png", FileIdentity(2, 1, 1, 1)), "1" * 64)])
    with Database.open(path) as again, again.reading() as connection:
        assert connection.execute("SELECT count(*) FROM files").fetchone() == (2,)


def test_a_run_that_still_runs_is_not_taken_over(home: Home, many: Path, undisturbed: list[dict[str, Any]]) -> None:
    with home.score(many) as one:
        first = next(one.lines())
        # It waits for its reader now, and cannot end.
        other = home.scored(many)
        assert other.code == 0, other.errors
        assert "going on" not in other.errors
        rows = [json.loads(line) for line in (first, *one.lines())]
        assert one.wait() == 0, one.errors
    assert same(rows, undisturbed)
    assert same(other.rows, undisturbed)

"""The store's file: private, migrated with a backup, and unchanged if anything is wrong with it."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import stat
import subprocess
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from aim_tui.core.scoring.plan import Status
from aim_tui.store import migrations
from aim_tui.store.database import Database
from aim_tui.store.errors import StoreBusyError, StoreError
from aim_tui.store.migrations import Migration
from aim_tui.store.runs import Runs
from tests.store.samples import items, python, request, scored

if TYPE_CHECKING:
    from collections.abc import Iterator

NEXT = migrations.released()[-1].number + 1
ADD_COLOUR = Migration(NEXT, "colour", "ALTER TABLE runs ADD COLUMN colour TEXT;\nCREATE TABLE extra (\n  a\n);\n")
BROKEN = Migration(NEXT, "broken", "CREATE TABLE extra (a);\nINSERT INTO nowhere VALUES (1);\n")


def put_file(database: Database, name: str = "/a.png") -> None:
    with database.writing() as connection:
        connection.execute("INSERT INTO files VALUES (?, 0, 1, 2, 3, 'x', 0)", (name,))


def file_names(database: Database) -> list[str]:
    with database.reading() as connection:
        return [name for (name,) in connection.execute("SELECT path FROM files ORDER BY path")]


def make(path: Path) -> bytes:
    """A store with one row, closed; its bytes."""
    with Database.open(path) as database:
        put_file(database)
    return path.read_bytes()


def refused(path: Path, **options: object) -> str:
    """Opening fails, the file stays as it is and nothing appears beside it; the message, which names the file."""
    before, beside = path.read_bytes(), sorted(path.parent.iterdir())
    with pytest.raises(StoreError) as error:
        Database.open(path, **options)  # type: ignore[arg-type]
    assert path.read_bytes() == before
    assert sorted(path.parent.iterdir()) == beside
    assert path.name in error.value.message
    assert error.value.hint
    return str(error.value)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_store_and_what_lies_beside_it_are_for_the_user_alone(path: Path) -> None:
    old = os.umask(0)
    try:
        with Database.open(path) as database:
            put_file(database)
            beside = sorted(path.parent.iterdir())
            assert [file.name for file in beside] == ["aim.db", "aim.db-shm", "aim.db-wal"]
            assert {mode(file) for file in beside} == {0o600}
            assert mode(path.parent) == 0o700
    finally:
        os.umask(old)


def test_a_new_store_has_todays_version_and_a_log(database: Database) -> None:
    connection = database.connection()
    assert connection.execute("PRAGMA user_version").fetchone() == (migrations.released()[-1].number,)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA foreign_keys").fetchone() == (1,)


def test_a_file_name_may_hold_anything(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"a?b#c%20 \xff.db")
    make(path)
    with Database.open(path) as database:
        assert file_names(database) == ["/a.png"]
    assert list(tmp_path.iterdir()) == [path]


def test_the_migrations_are_numbered_without_a_gap() -> None:
    assert [step.number for step in migrations.released()] == list(range(1, len(migrations.released()) + 1))


def test_an_older_store_is_migrated_and_a_private_backup_left_beside_it(path: Path) -> None:
    make(path)
    with Database.open(path, steps=[*migrations.released(), ADD_COLOUR]) as database:
        assert file_names(database) == ["/a.png"]
        with database.reading() as connection:
            connection.execute("SELECT colour FROM runs").fetchall()
            assert connection.execute("PRAGMA user_version").fetchone() == (NEXT,)
    (backup,) = path.parent.glob("*.bak")
    assert mode(backup) == 0o600
    with Database.open(backup, read_only=True) as old:
        assert file_names(old) == ["/a.png"]


def test_a_migration_that_fails_leaves_the_store_as_it_was(path: Path) -> None:
    before = make(path)
    with pytest.raises(StoreError, match=r"nowhere.*was not migrated.*\.bak"):
        Database.open(path, steps=[*migrations.released(), BROKEN])
    assert path.read_bytes() == before
    with Database.open(path) as database:
        assert file_names(database) == ["/a.png"]


def test_a_migration_that_leaves_rows_without_their_parents_fails(path: Path) -> None:
    orphan = Migration(NEXT, "orphan", "INSERT INTO run_models VALUES ('none', 'clip', '{}');\n")
    make(path)
    with pytest.raises(StoreError, match="run_models"):
        Database.open(path, steps=[*migrations.released(), orphan])


def test_opening_an_up_to_date_store_makes_no_backup(path: Path) -> None:
    make(path)
    make_again = Database.open(path)
    make_again.close()
    assert list(path.parent.iterdir()) == [path]


def test_a_newer_store_is_refused(path: Path) -> None:
    Database.open(path, steps=[*migrations.released(), ADD_COLOUR]).close()
    assert f"version {NEXT}" in refused(path)


def test_a_newer_store_is_refused_even_if_only_its_log_has_the_version(path: Path) -> None:
    make(path)
    with Database.open(path) as database:
        with database.writing() as connection:
            connection.execute("PRAGMA user_version = 7")
        assert "version 7" in refused(path)


def test_a_text_file_is_refused(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("these are my notes\n" * 100)
    assert "not a database" in refused(path)


def test_the_database_of_another_program_is_refused(path: Path) -> None:
    path.parent.mkdir()
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE bookmarks (url)")
    other.close()
    assert "another program" in refused(path)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="not a regular file"):
        Database.open(tmp_path)


@pytest.mark.parametrize("keep", [0, 50, 100, 5_000, 40_000])
def test_a_truncated_store_is_refused(path: Path, keep: int) -> None:
    whole = make(path)
    path.write_bytes(whole[:keep])
    assert "truncated" in refused(path)


def test_a_store_whose_tables_are_overwritten_is_refused_when_they_are_read(path: Path) -> None:
    whole = make(path)
    path.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
    with pytest.raises(StoreError, match="damaged"), Database.open(path) as database:
        file_names(database)


def test_a_store_in_which_a_text_was_changed_is_reported_as_damaged(path: Path) -> None:
    with Database.open(path) as database, Runs(database).begin(request(), items(1)) as writer:
        writer.write(*scored(0))
    path.write_bytes(path.read_bytes().replace(b'"height":480', b'"height"=480'))
    with Database.open(path) as database, pytest.raises(StoreError, match="damaged"):
        Runs(database).load(writer.id)


def test_a_locked_store_is_refused_after_the_timeout(path: Path) -> None:
    make(path)
    with Database.open(path) as first, Database.open(path, timeout=0.05) as second:
        with first.writing(), pytest.raises(StoreBusyError, match=r"locked .* 0\.05 s"), second.writing():
            pass
        put_file(second, "/b.png")
        assert file_names(first) == ["/a.png", "/b.png"]


def test_readers_do_not_wait_for_a_writer(path: Path) -> None:
    make(path)
    with Database.open(path) as first, Database.open(path, timeout=0) as second, first.writing() as connection:
        connection.execute("DELETE FROM files")
        assert file_names(second) == ["/a.png"]


READ_ONLY = """
import os, sys
from pathlib import Path
from aim_tui.errors import AimError
from aim_tui.store.database import Database
from aim_tui.store import migrations
path = Path(sys.argv[1])
migrations.released()
if os.getuid() == 0:  # Permissions do not bind root; another user may not see where Python itself lives.
    os.setuid(65534)
try:
    Database.open(path)
except AimError as error:
    print(error)
with Database.open(path, read_only=True) as database:
    with database.reading() as connection:
        print(connection.execute("SELECT count(*) FROM files").fetchone()[0])
    try:
        with database.writing() as connection:
            connection.execute("DELETE FROM files")
    except AimError as error:
        print(error)
"""


@pytest.mark.parametrize(("file", "folder"), [(0o444, 0o755), (0o666, 0o555)])
def test_a_read_only_store_is_refused_and_can_still_be_read(file: int, folder: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name, "aim.db")
        before = make(path)
        path.chmod(file)
        path.parent.chmod(folder)
        output, errors = python(READ_ONLY, path).communicate()
        lines = output.splitlines()
        assert "is read-only" in lines[0], errors
        assert lines[1] == "1", errors
        assert "is read-only" in lines[2], errors
        assert path.read_bytes() == before


def test_reading_only_makes_no_store(path: Path) -> None:
    with pytest.raises(StoreError, match="no store"):
        Database.open(path, read_only=True)
    assert not path.parent.exists()


DISK_FULL = """
import resource, signal, sys
from pathlib import Path
from aim_tui.errors import AimError
from aim_tui.store.database import Database
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
database = Database.open(Path(sys.argv[1]))
with database.writing() as connection:
    connection.execute("INSERT INTO files VALUES ('/kept.png', 0, 1, 2, 3, 'x', 0)")
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
try:
    with database.writing() as connection:
        connection.execute("INSERT INTO files VALUES (?, 0, 1, 2, 3, 'x', 0)", ("y" * 1_000_000,))
except AimError as error:
    print(error)
with database.writing() as connection:
    connection.execute("INSERT INTO files VALUES ('/after.png', 0, 1, 2, 3, 'x', 0)")
"""


def test_a_full_disk_loses_nothing_that_was_committed(path: Path) -> None:
    output, errors = python(DISK_FULL, path).communicate()
    assert "what was stored before is safe" in output, errors
    with Database.open(path) as database:
        assert file_names(database) == ["/after.png", "/kept.png"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of one megabyte, where the system lets us have one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = shutil.which("mount")
    command = [str(mount), "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)]
    if mount is None or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("no right to mount a small disk")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


def fill(disk: Path) -> Path:
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))
    return ballast


def test_a_run_on_a_full_disk_fails_with_a_message_and_resumes_once_there_is_space(small_disk: Path) -> None:
    with Database.open(small_disk / "aim.db") as database:
        writer = Runs(database).begin(request(), items(200))
        writer.write(*scored(0))
        writer.flush()
        ballast = fill(small_disk)
        for item in range(1, 200):
            with contextlib.suppress(StoreError):
                writer.write(*scored(item))
        with pytest.raises(StoreError, match="the disk is full; what was stored before is safe"):
            writer.flush()
        assert Runs(database).load(writer.id).results.rows[0].status is Status.OK
        ballast.unlink()
        writer.end()
        assert {row.status for row in Runs(database).load(writer.id).results.rows} == {Status.OK}


def test_on_a_full_disk_no_store_is_made_and_none_is_migrated(small_disk: Path) -> None:
    path = small_disk / "aim.db"
    make(path)
    ballast = fill(small_disk)
    before = path.read_bytes()
    with pytest.raises(StoreError, match="disk is full"):
        Database.open(small_disk / "other.db")
    with pytest.raises(StoreError, match="disk is full"):
        Database.open(path, steps=[*migrations.released(), ADD_COLOUR])
    assert path.read_bytes() == before
    assert not [file for file in small_disk.iterdir() if file.suffix in (".new", ".bak") or file.name == "other.db"]
    ballast.unlink()
    with Database.open(path, steps=[*migrations.released(), ADD_COLOUR]) as database:
        assert file_names(database) == ["/a.png"]


def test_what_is_raised_inside_a_transaction_undoes_it(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.writing() as connection:
        connection.execute("INSERT INTO files VALUES ('/a.png', 0, 1, 2, 3, 'x', 0)")
        raise ZeroDivisionError
    assert file_names(database) == []


def test_threads_may_share_a_store(database: Database) -> None:
    def work(number: int) -> None:
        for count in range(20):
            put_file(database, f"/{number}-{count}.png")
        database.release()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(file_names(database)) == 80


def test_a_closed_store_is_reported(path: Path) -> None:
    database = Database.open(path)
    database.close()
    with pytest.raises(StoreError, match="is closed"):
        database.connection()


OPEN_NEW = "import sys; from pathlib import Path; from aim_tui.store.database import Database\n" + (
    "sys.stdin.readline(); Database.open(Path(sys.argv[1])).close(); print('made')"
)


def test_programs_that_make_one_new_store_at_once_all_get_it(path: Path) -> None:
    programs = [python(OPEN_NEW, path, stdin=subprocess.PIPE) for _ in range(4)]
    for program in programs:
        assert program.stdin
        program.stdin.write("\n")
        program.stdin.flush()
    said = [program.communicate() for program in programs]
    assert [output for output, _ in said] == ["made\n"] * 4, said
    assert list(path.parent.iterdir()) == [path]

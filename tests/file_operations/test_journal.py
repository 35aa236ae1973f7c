"""A program that is killed while it moves files leaves none in two places, and its work can be undone later."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from aim_tui.file_operations import transfer
from aim_tui.file_operations.journal import RecordedTransfer, new_journal, recover
from aim_tui.file_operations.plan import Action, TransferStep, make_plan

COUNT = 6
# Ends in the middle of the step after some calls of a function of os, as kill -9 does.
KILLED = """
import os, sys
from pathlib import Path
from aim_tui.file_operations import transfer
from aim_tui.file_operations.plan import Action, make_plan
action, here, there, journal, name, after, when = sys.argv[1:]
real, calls = getattr(os, name), 0
def call(*args, **kwargs):
    global calls
    if str(there) in str(args) or str(here) in str(args):
        calls += 1
        if calls == int(after):
            if when == "after":
                real(*args, **kwargs)
            os._exit(9)
    return real(*args, **kwargs)
setattr(os, name, call)
plan = make_plan(Action(action), [str(one) for one in sorted(Path(here).iterdir())], there)
done = transfer.carry_out(plan, lambda *_: None, lambda: False, Path(journal))
transfer.undo(done, lambda *_: None, lambda: False, Path(journal))
"""


@pytest.fixture
def here(tmp_path: Path) -> Path:
    folder = tmp_path / "here"
    folder.mkdir()
    for number in range(COUNT):
        (folder / f"img_{number}.png").write_text(f"content {number}")
    return folder


def contents(*folders: Path) -> list[str]:
    return sorted(one.read_text() for folder in folders if folder.exists() for one in folder.iterdir())


ALL = [f"content {number}" for number in range(COUNT)]


def killed(
    tmp_path: Path, here: Path, action: str, name: str, after: int, when: str
) -> tuple[RecordedTransfer | None, list[RecordedTransfer]]:
    state = tmp_path / "state"
    command = [sys.executable, "-c", KILLED, action, str(here), str(tmp_path / "there")]
    done = subprocess.run([*command, str(new_journal(state)), name, str(after), when], check=False, timeout=60)
    assert done.returncode == 9
    return recover(state)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(("name", "after"), [("link", 3), ("unlink", 3), ("link", COUNT + 2), ("unlink", COUNT + 2)])
def test_a_killed_move_or_its_undo_leaves_each_image_in_one_place(
    tmp_path: Path, here: Path, name: str, after: int, when: str
) -> None:
    there = tmp_path / "there"
    last, (left,) = killed(tmp_path, here, "move", name, after, when)
    assert contents(here, there) == ALL
    assert last is not None and last.carried.keys() == {str(one) for one in there.iterdir()}
    assert f"{len(last.carried)} images are there" in str(left) or "1 image is there" in str(left)
    outcome = transfer.TransferOutcome(last.action, last.folder, list(last.carried.values()), made_folder=True)
    assert not transfer.undo(outcome, lambda *_: None, lambda: False, last.path).refused
    assert contents(here) == ALL and not there.exists()
    assert recover(tmp_path / "state") == (None, [])


def test_a_killed_copy_leaves_no_part_of_a_file(tmp_path: Path, here: Path) -> None:
    last, _ = killed(tmp_path, here, "copy", "link", 3, "before")
    assert contents(here) == ALL
    assert contents(tmp_path / "there") == ALL[:2]
    assert last is not None and len(last.carried) == 2


def test_a_transfer_that_still_runs_is_left_alone(tmp_path: Path, here: Path) -> None:
    journal = new_journal(tmp_path / "state")
    found: list[object] = []

    def look(number: int, path: str) -> None:
        # The lock is the program's: another one looks.
        code = "from aim_tui.file_operations.journal import recover; import sys; from pathlib import Path;"
        code += "print(recover(Path(sys.argv[1])))"
        if number == 2:
            found.append(subprocess.check_output([sys.executable, "-c", code, str(journal.parent)], text=True).strip())

    plan = make_plan(Action.MOVE, [str(one) for one in sorted(here.iterdir())], str(tmp_path / "there"))
    transfer.carry_out(plan, look, lambda: False, journal)
    assert found == ["(None, [])"]


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '["transfer"]\n', '["other", 1, 2, 3, 4]\n', "[[[\n", '["transfer","x","",0,"p"]\n']
)
def test_a_journal_that_is_none_is_passed_over(tmp_path: Path, text: str) -> None:
    (tmp_path / "transfer-1-0.jsonl").write_text(text)
    assert recover(tmp_path) == (None, [])


def test_a_finished_transfer_can_be_undone_after_a_restart_until_the_next_one(tmp_path: Path, here: Path) -> None:
    state = tmp_path / "state"
    journal = new_journal(state)
    plan = make_plan(Action.MOVE, [str(one) for one in here.iterdir()], str(tmp_path / "there"))
    transfer.carry_out(plan, lambda *_: None, lambda: False, journal)
    last, cut_off = recover(state)
    assert last is not None and len(last.carried) == COUNT and cut_off == []
    assert new_journal(state).name == f"transfer-{os.getpid()}-0.jsonl" and recover(state) == (None, [])


def test_files_are_moved_also_where_no_journal_can_be_written_and_that_is_reported(tmp_path: Path, here: Path) -> None:
    (tmp_path / "state").write_text("a file in the place of the folder")
    plan = make_plan(Action.MOVE, [str(one) for one in here.iterdir()], str(tmp_path / "there"))
    outcome = transfer.carry_out(plan, lambda *_: None, lambda: False, tmp_path / "state" / "transfer-1-0.jsonl")
    assert len(outcome.carried) == COUNT and outcome.unrecorded
    assert not transfer.undo(outcome, lambda *_: None, lambda: False).refused
    assert contents(here) == ALL


def test_a_full_disk_under_the_journal_stops_no_transfer(
    tmp_path: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = make_plan(Action.MOVE, [str(one) for one in here.iterdir()], str(tmp_path / "there"))
    monkeypatch.setattr(os, "write", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    outcome = transfer.carry_out(plan, lambda *_: None, lambda: False, new_journal(tmp_path / "state"))
    assert len(outcome.carried) == COUNT and outcome.unrecorded == "No space left on device"


def test_what_cannot_be_mended_is_reported(tmp_path: Path, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: str) -> None:
        raise PermissionError(13, "Permission denied", path)

    left_behind = killed_without_recovery(tmp_path, here)
    monkeypatch.setattr(os, "unlink", refuse)
    _, (cut_off,) = recover(tmp_path / "state")
    assert cut_off.begun == left_behind
    assert "img_2.png may be in both places: Permission denied" in str(cut_off)


def killed_without_recovery(tmp_path: Path, here: Path) -> TransferStep:
    """Kill a move when the third image has its new name and its old one."""
    command = [sys.executable, "-c", KILLED, "move", str(here), str(tmp_path / "there")]
    subprocess.run([*command, str(new_journal(tmp_path / "state")), "link", "3", "after"], check=False, timeout=60)
    return TransferStep(str(here / "img_2.png"), str(tmp_path / "there" / "img_2.png"))

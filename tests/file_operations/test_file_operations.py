"""Copying and moving files: nothing is overwritten, nothing is lost, failures are reported, and all can be undone."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Any

import pytest

from aim_tui.file_operations import transfer
from aim_tui.file_operations.plan import Action, TransferPlan, folder_problem, free_target, make_plan, paths_as_bytes
from aim_tui.file_operations.transfer import carry_out, undo

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ACTIONS = [Action.COPY, Action.MOVE]


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """Three files to carry; their content is their name."""
    folder = tmp_path / "here"
    folder.mkdir()
    for name in ("a.png", "b.png", "c.png"):
        (folder / name).write_text(name)
    return folder


@pytest.fixture
def there(tmp_path: Path) -> Path:
    folder = tmp_path / "there"
    folder.mkdir()
    return folder


@pytest.fixture
def two_disks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each folder is a file system of its own: nothing is linked or renamed from one to another."""
    link = os.link

    def across(source: str, target: str, **options: Any) -> None:
        if os.path.dirname(source) != os.path.dirname(target):
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        link(source, target, **options)

    monkeypatch.setattr(transfer.os, "link", across)


@pytest.fixture
def no_links(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(source: str, target: str, **options: Any) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(transfer.os, "link", refuse)


def never() -> bool:
    return False


def quiet(number: int, path: str) -> None:
    """Progress that nobody watches."""


def files(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def plan_of(action: Action, here: Path, there: Path) -> TransferPlan:
    return make_plan(action, [str(path) for path in sorted(here.iterdir())], str(there))


def do(action: Action, here: Path, there: Path, cancelled: Callable[[], bool] = never) -> transfer.TransferOutcome:
    return carry_out(plan_of(action, here, there), quiet, cancelled)


ALL = {"a.png": "a.png", "b.png": "b.png", "c.png": "c.png"}


@pytest.mark.parametrize("disks", [None, "two_disks", "no_links"])
def test_a_move_brings_the_files_there_and_undo_brings_them_back(
    here: Path, there: Path, disks: str | None, request: pytest.FixtureRequest
) -> None:
    if disks:
        request.getfixturevalue(disks)
    before = {path.name: path.stat().st_mtime_ns for path in here.iterdir()}
    outcome = do(Action.MOVE, here, there)
    assert not outcome.refused
    assert files(there) == ALL
    assert files(here) == {}
    assert {path.name: path.stat().st_mtime_ns for path in there.iterdir()} == before
    back = undo(outcome, quiet, never)
    assert not back.refused
    assert files(here) == ALL
    assert files(there) == {}


@pytest.mark.parametrize("disks", [None, "no_links"])
def test_a_copy_leaves_the_originals_and_undo_removes_the_copies(
    here: Path, there: Path, disks: str | None, request: pytest.FixtureRequest
) -> None:
    if disks:
        request.getfixturevalue(disks)
    (here / "a.png").chmod(0o640)
    outcome = do(Action.COPY, here, there)
    assert files(there) == files(here) == ALL
    assert (there / "a.png").stat().st_mode & 0o777 == 0o640
    assert not undo(outcome, quiet, never).refused
    assert files(there) == {}
    assert files(here) == ALL


@pytest.mark.parametrize("action", ACTIONS)
def test_a_taken_name_is_skipped_or_numbered_and_never_overwritten(action: Action, here: Path, there: Path) -> None:
    (there / "b.png").write_text("theirs")
    (there / "b (2).png").write_text("theirs too")
    plan = plan_of(action, here, there)
    assert [os.path.basename(step.source) for step in plan.taken] == ["b.png"]
    outcome = carry_out(plan.with_taken_renamed(), quiet, never)
    assert files(there) == ALL | {"b.png": "theirs", "b (2).png": "theirs too", "b (3).png": "b.png"}
    undo(outcome, quiet, never)
    outcome = carry_out(plan_of(action, here, there).with_taken_skipped(), quiet, never)
    assert [(os.path.basename(path), reason) for path, reason in outcome.refused] == [
        ("b.png", "a file of that name exists; skipped")
    ]
    assert files(there)["b.png"] == "theirs"
    assert (here / "b.png").read_text() == "b.png"


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("disks", [None, "no_links"])
def test_a_name_that_is_taken_after_the_plan_was_made_is_not_overwritten_either(
    action: Action, here: Path, there: Path, disks: str | None, request: pytest.FixtureRequest
) -> None:
    if disks:
        request.getfixturevalue(disks)
    plan = plan_of(action, here, there)
    (there / "b.png").write_text("quicker")
    outcome = carry_out(plan, quiet, never)
    assert [reason for _, reason in outcome.refused] == ["a file of that name exists"]
    assert files(there) == ALL | {"b.png": "quicker"}
    assert (here / "b.png").read_text() == "b.png"


def test_two_files_of_one_name_do_not_meet(tmp_path: Path, there: Path) -> None:
    paths = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "img.png").write_text(name)
        paths.append(str(tmp_path / name / "img.png"))
    carry_out(make_plan(Action.MOVE, paths, str(there)).with_taken_renamed(), quiet, never)
    assert files(there) == {"img.png": "one", "img (2).png": "two"}


def test_undo_refuses_a_file_that_has_changed_since(here: Path, there: Path) -> None:
    outcome = do(Action.MOVE, here, there)
    (there / "b.png").write_text("edited")
    (there / "c.png").unlink()
    back = undo(outcome, quiet, never)
    assert {os.path.basename(path): reason for path, reason in back.refused} == {
        "b.png": "has changed since",
        "c.png": "no longer exists",
    }
    assert files(here) == {"a.png": "a.png"}
    assert files(there) == {"b.png": "edited"}


def test_undo_of_a_move_does_not_overwrite_what_took_the_old_place(here: Path, there: Path) -> None:
    outcome = do(Action.MOVE, here, there)
    (here / "a.png").write_text("new")
    back = undo(outcome, quiet, never)
    assert [reason for _, reason in back.refused] == ["a file of that name exists"]
    assert files(here) == ALL | {"a.png": "new"}
    assert files(there) == {"a.png": "a.png"}


def test_undo_of_a_copy_keeps_the_copy_whose_original_is_gone_or_changed(here: Path, there: Path) -> None:
    outcome = do(Action.COPY, here, there)
    (here / "a.png").unlink()
    (here / "b.png").write_text("edited")
    back = undo(outcome, quiet, never)
    assert [reason for _, reason in back.refused] == ["its original has changed or is gone; the copy is kept"] * 2
    assert files(there) == {"a.png": "a.png", "b.png": "b.png"}


@pytest.mark.usefixtures("two_disks")
def test_a_copy_that_reads_otherwise_is_removed_and_the_original_stays(
    here: Path, there: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Blind:
        def digest(self) -> bytes:
            return b"otherwise"

    monkeypatch.setattr(transfer.hashlib, "file_digest", lambda *_: Blind())
    for action in ACTIONS:
        outcome = do(action, here, there)
        assert [reason for _, reason in outcome.refused] == ["the copy differs from the original and was deleted"] * 3
        assert files(here) == ALL
        assert files(there) == {}


@pytest.mark.usefixtures("two_disks")
def test_a_file_that_changes_while_it_is_moved_stays(here: Path, there: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fsync = os.fsync

    def meddle(handle: int) -> None:
        (here / "b.png").write_text("edited in between")
        fsync(handle)

    monkeypatch.setattr(transfer.os, "fsync", meddle)
    outcome = do(Action.MOVE, here, there)
    assert [os.path.basename(path) for path, _ in outcome.refused] == ["b.png"]
    assert files(here) == {"b.png": "edited in between"}
    assert files(there) == {"a.png": "a.png", "c.png": "c.png"}


@pytest.mark.usefixtures("two_disks")
def test_a_full_disk_stops_the_rest_and_leaves_no_litter(
    here: Path, there: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(transfer.os, "fsync", full)
    outcome = do(Action.MOVE, here, there)
    assert [reason for _, reason in outcome.refused] == ["No space left on device"] * 3
    assert files(here) == ALL
    assert files(there) == {}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may do anything")
@pytest.mark.parametrize("disks", [None, "two_disks", "no_links"])
def test_a_file_that_cannot_leave_its_folder_is_not_doubled(
    here: Path, there: Path, disks: str | None, request: pytest.FixtureRequest
) -> None:
    if disks:
        request.getfixturevalue(disks)
    here.chmod(0o500)
    try:
        outcome = do(Action.MOVE, here, there)
    finally:
        here.chmod(0o700)
    assert len(outcome.refused) == 3
    assert files(here) == ALL
    assert files(there) == {}


def test_an_unlink_that_fails_takes_the_new_name_back(here: Path, there: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unlink = os.unlink

    def guarded(path: str) -> None:
        if path == str(here / "b.png"):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        unlink(path)

    monkeypatch.setattr(transfer.os, "unlink", guarded)
    outcome = do(Action.MOVE, here, there)
    assert outcome.refused == [(str(here / "b.png"), "cannot be removed from its folder: no permission")]
    assert files(here) == {"b.png": "b.png"}
    assert files(there) == {"a.png": "a.png", "c.png": "c.png"}


@pytest.mark.usefixtures("two_disks")
def test_cancelling_ends_between_files_and_within_one(here: Path, there: Path) -> None:
    answers = iter([False, False, True])
    outcome = do(Action.MOVE, here, there, lambda: next(answers))
    assert outcome.cancelled
    assert files(there) == {"a.png": "a.png"}
    assert files(here) == {"b.png": "b.png", "c.png": "c.png"}
    answers = iter([False, True])
    outcome = do(Action.COPY, here, there, lambda: next(answers))
    assert outcome.cancelled
    assert files(there) == {"a.png": "a.png"}


def test_a_missing_folder_is_made_and_undo_removes_it(here: Path, tmp_path: Path) -> None:
    new = tmp_path / "new"
    plan = plan_of(Action.MOVE, here, new)
    assert plan.makes_folder
    outcome = carry_out(plan, quiet, never)
    assert files(new) == ALL
    undo(outcome, quiet, never)
    assert not new.exists()
    assert files(here) == ALL


def test_refused_files_are_reported_before_anything_is_touched(here: Path, there: Path) -> None:
    (here / "link.png").symlink_to(here / "a.png")
    (here / "folder.png").mkdir()
    os.mkfifo(here / "pipe.png")
    sources = [str(here / name) for name in ("link.png", "folder.png", "pipe.png", "gone.png")]
    (there / "in.png").write_text("in")
    plan = make_plan(Action.MOVE, [*sources, str(there / "in.png"), "a\0b"], str(there))
    assert not plan.steps
    assert [reason for _, reason in plan.refused] == [
        "is a link; move the file that it points to",
        "is not a file",
        "is not a file",
        "no longer exists",
        "is already in that folder",
        "embedded null byte",
    ]
    # A copy of a link is a copy of what it points to.
    carry_out(make_plan(Action.COPY, sources[:1], str(there)), quiet, never)
    assert (there / "link.png").read_text() == "a.png"
    assert not (there / "link.png").is_symlink()


def test_hostile_names_are_names(here: Path, there: Path) -> None:
    names = ["-rf", "$(touch pwned).png", "new\nline.png", os.fsdecode(b"\xff\xfe.png"), "~", "[bold]x.png"]
    for name in names:
        (here / name).write_text("x")
    outcome = do(Action.MOVE, here, there)
    assert not outcome.refused
    assert set(names) <= set(files(there))
    undo(outcome, quiet, never)
    assert set(names) <= set(files(here))


def test_a_copy_counts_the_room_it_needs_and_a_move_on_one_disk_needs_none(here: Path, there: Path) -> None:
    assert plan_of(Action.COPY, here, there).needed == 15
    assert plan_of(Action.MOVE, here, there).needed == 0


def test_unusable_folders_are_reported(here: Path, there: Path, tmp_path: Path) -> None:
    assert folder_problem(str(there)) == ""
    assert folder_problem(str(tmp_path / "new")) == ""
    assert folder_problem("") == "a folder is needed"
    assert folder_problem(str(here / "a.png")) == "a file of that name exists"
    assert folder_problem(str(here / "a.png" / "inside")) == "neither the folder nor its parent exists"
    assert folder_problem(str(tmp_path / "no" / "where")) == "neither the folder nor its parent exists"
    assert folder_problem("a\0b") == "not a valid path"


def test_a_number_fits_into_the_longest_name(there: Path) -> None:
    name = "é" * 125 + ".png"
    target = free_target(str(there), name, set())
    assert target.endswith(" (2).png")
    assert len(os.fsencode(os.path.basename(target))) <= 255


def test_lists_of_paths_keep_every_byte() -> None:
    paths = ["/a b.png", os.fsdecode(b"/\xff.png"), "/new\nline.png"]
    assert paths_as_bytes(paths, b"\0") == b"/a b.png\0/\xff.png\0/new\nline.png\0"
    with pytest.raises(ValueError, match="1 of 3 names contain a line break"):
        paths_as_bytes(paths, b"\n")

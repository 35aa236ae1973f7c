"""Images that are replaced under their names after scoring: no old score stands beside a new picture."""

from __future__ import annotations

import hashlib
import os
import time
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("models_here")


def replace(path: Path, colour: int = 255) -> str:
    """Put another image of the same size, length and time in the place of one; its SHA-256."""
    before = path.stat()
    other = path.with_name("other.tmp")
    Image.new("RGB", (16, 12), (colour, 1, 2)).save(other, format="PNG")
    data = other.read_bytes()
    # A PNG ends where it ends, whatever comes after.
    other.write_bytes(data.ljust(before.st_size, b"\0")[: max(before.st_size, len(data))])
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(path)
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def old(folder: Path) -> Path:
    """The folder of eight, which nobody has written to for an hour."""
    for path in folder.iterdir():
        os.utime(path, (time.time() - 3600,) * 2)
    return folder


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


async def scored(app: Any) -> None:
    await app.press("s")
    await app.all_scored()


async def test_s_scores_an_image_again_that_was_replaced_meanwhile(open_app: Any, old: Path) -> None:
    async with open_app(old, toasts=True) as app:
        await scored(app)
        sha256 = replace(old / "img_3.png")
        await app.press("s")
        await app.shows("img_3.png has changed since it was scored")
        await app.until(lambda: app.rows[3].facts is not None and app.rows[3].facts.sha256 == sha256)
        await app.all_scored()
        await app.press("s")
        await app.shows("everything is scored")


async def test_a_file_that_was_only_touched_keeps_its_score(open_app: Any, old: Path) -> None:
    async with open_app(old, toasts=True) as app:
        await scored(app)
        for number in range(8):
            (old / f"img_{number}.png").chmod(0o600)
        await app.press("s")
        await app.shows("everything is scored")


async def test_when_the_user_comes_back_to_the_terminal_the_row_is_pending(open_app: Any, old: Path) -> None:
    async with open_app(old, toasts=True) as app:
        await scored(app)
        replace(old / "img_1.png"), replace(old / "img_2.png")
        app.app.on_app_focus()
        await app.shows("2 images have changed since they were scored; s scores them")
        assert app.scored == [0, 3, 4, 5, 6, 7]
        assert app.rows[1].facts is None


async def test_the_row_that_the_cursor_comes_to_is_looked_at(open_app: Any, old: Path) -> None:
    async with open_app(old) as app:
        await scored(app)
        replace(old / "img_1.png")
        app.app.screen.scores.move_to(1)
        await app.until(lambda: 1 not in app.scored)


async def test_the_picture_changes_with_its_row(open_app: Any, old: Path) -> None:
    async with open_app(old) as app:
        await scored(app)
        app.app.screen.scores.move_to(3)
        await app.settle()
        shown: list[str] = []
        preview = app.app.screen.preview
        show = preview.show
        preview.show = lambda path, **how: (shown.append(path), show(path, **how))
        replace(old / "img_3.png")
        app.session.replaced_files.look()
        await app.until(lambda: shown == [str(old / "img_3.png")])


async def test_coming_back_to_a_folder_finds_what_was_replaced(open_app: Any, old: Path, tmp_path: Path) -> None:
    other = tmp_path / "elsewhere"
    other.mkdir()
    async with open_app(old, toasts=True) as app:
        await scored(app)
        await app.session.folders.open(other)
        replace(old / "img_5.png")
        await app.session.folders.open(old)
        await app.shows("img_5.png has changed since it was scored; s scores it")
        assert app.scored == [0, 1, 2, 3, 4, 6, 7]


async def test_another_profile_that_scored_the_new_image_does_not_vouch_for_the_old_score(
    open_app: Any, old: Path
) -> None:
    async with open_app(old) as app:
        workspace = app.session.workspace
        before = workspace.profile
        await scored(app)
        app.session.folders.use_profile(workspace.launch.profiles["large"])
        await app.until(lambda: workspace.profile.name == "large")
        replace(old / "img_0.png")
        await app.until(lambda: workspace.models.states is not None)
        await scored(app)
        app.session.folders.use_profile(before)
        await app.until(lambda: workspace.profile is before)
        await app.until(lambda: app.scored == [1, 2, 3, 4, 5, 6, 7])


async def test_after_a_restart_only_what_was_replaced_is_pending(open_app: Any, old: Path, store: Path) -> None:
    async with open_app(old, store=store) as app:
        await scored(app)
    replace(old / "img_6.png")
    (old / "img_7.png").chmod(0o600)
    async with open_app(old, store=store, toasts=True) as app:
        await app.shows("img_6.png has changed since it was scored; s scores it")
        assert app.scored == [0, 1, 2, 3, 4, 5, 7]
        await app.press("s")
        await app.all_scored()


async def test_a_watch_scores_it_again_by_itself(open_app: Any, old: Path, store: Path) -> None:
    async with open_app(old, store=store, watch=True) as app:
        await scored(app)
        await app.until(lambda: app.session.folder_watch.on)
        sha256 = replace(old / "img_2.png")
        await app.until(lambda: app.rows[2].facts is not None and app.rows[2].facts.sha256 == sha256)
        await app.all_scored()
        assert len(app.rows) == 8


async def test_a_watch_that_only_shows_makes_it_pending(open_app: Any, old: Path) -> None:
    async with open_app(old) as app:
        await scored(app)
        await app.press("F", "F")
        await app.shows("watching, not scoring")
        # The watch has seen it as it is.
        await app.until(lambda: app.session.folder_watch.on)
        replace(old / "img_2.png")
        await app.until(lambda: 2 not in app.scored)
        assert app.session.workspace.running is None


async def test_a_row_that_the_running_job_computes_is_looked_at_when_it_is_there(
    open_app: Any, old: Path, gate: Any
) -> None:
    async with open_app(old, worker=["--gate", str(gate.path)]) as app:
        await app.press("s")
        gate.let(3)
        await app.until(lambda: app.scored == [0, 1, 2])
        replace(old / "img_1.png")
        app.session.replaced_files.look()
        await app.until(lambda: app.scored == [0, 2])
        gate.let(5)
        await app.until(lambda: app.session.workspace.running is None)
        assert app.scored == [0, 2, 3, 4, 5, 6, 7]


async def test_a_file_that_could_not_be_read_is_tried_again_once_it_is_another(open_app: Any, make_folder: Any) -> None:
    folder = make_folder("broken_1.png", "img_2.png")
    async with open_app(folder, toasts=True) as app:
        await app.press("s")
        await app.until(lambda: app.rows[0].error is not None and app.session.workspace.running is None)
        await app.press("s")
        await app.shows("everything is scored")
        replace(folder / "broken_1.png")
        app.session.replaced_files.look()
        await app.until(lambda: app.rows[0].error is None)


async def test_a_stored_run_stays_as_it_was(open_app: Any, old: Path, store: Path) -> None:
    from aim_tui.store.database import Database
    from aim_tui.store.runs import Runs

    async with open_app(old, store=store) as app:
        await scored(app)
    replace(old / "img_6.png")
    with Database.open(store) as database:
        run = Runs(database).load(Runs(database).find("last"))
    async with open_app(old, store=store) as app:
        await app.session.workspace.recalled()
        app.session.folders.open_run(run)
        assert await app.session.replaced_files.check() == []
        assert len(app.scored) == 8


async def test_a_reference_that_is_replaced_takes_what_was_compared_with_it_along(
    open_app: Any, old: Path, tmp_path: Path
) -> None:
    reference = tmp_path / "reference.png"
    Image.new("RGB", (16, 12), (1, 2, 3)).save(reference)
    async with open_app(old, reference=str(reference), toasts=True) as app:
        await scored(app)
        replace(reference)
        app.app.on_app_focus()
        await app.shows("the reference reference.png has changed")
        assert set(app.rows[0].raws) == {"clip", "blip2"}
        assert app.scored == []
        await scored(app)

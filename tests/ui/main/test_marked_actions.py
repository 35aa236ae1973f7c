"""What is done with the marked images: files are copied, moved and brought back, lists are written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from textual.widgets import Input

from aim_tui.store.database import Database
from aim_tui.store.judgements import JudgementKind, Judgements

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("models_here")


async def choose(app: Any, key: str) -> None:
    """Open the menu and press a letter of it."""
    await app.press("b")
    await app.shows("a letter chooses")
    await app.press(key)


async def answer(app: Any, text: str) -> None:
    """Replace the proposal of a field and take it."""
    await app.until(lambda: isinstance(app.app.focused, Input))
    await app.press("ctrl+u", "end", "ctrl+u")
    await app.type(text)
    await app.press("enter")


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


async def test_marked_files_are_moved_after_a_question_and_come_back_with_their_scores(
    open_app: Any, folder: Path, tmp_path: Path
) -> None:
    there = tmp_path / "there"
    async with open_app(folder, start_scoring=True, toasts=True) as app:
        await app.all_scored()
        await app.press("space", "space")
        await choose(app, "m")
        await app.shows("Move 2 images")
        await answer(app, str(there))
        await app.shows("Move 2 images to")
        assert names(folder) >= {"img_0.png", "img_1.png"}
        await app.press("y")
        await app.until(lambda: len(app.rows) == 6)
        assert names(there) == {"img_0.png", "img_1.png"}
        assert len(app.scored) == 6
        app.session.folders.open(there)
        await app.until(lambda: len(app.rows) == 2)
        assert len(app.scored) == 2
        await choose(app, "u")
        await app.shows("Undo the move?")
        await app.press("y")
        await app.until(lambda: not there.exists() or not names(there))
        await app.until(lambda: len(app.app.screen_stack) == 1)
        app.session.folders.open(folder)
        await app.until(lambda: len(app.rows) == 8)
        assert len(app.scored) == 8


async def test_the_safe_answer_touches_nothing(open_app: Any, folder: Path, tmp_path: Path) -> None:
    async with open_app(folder) as app:
        await app.press("space")
        await choose(app, "m")
        await answer(app, str(tmp_path / "there"))
        await app.shows("Move 1 image to")
        await app.press("enter")
        await app.until(lambda: len(app.app.screen_stack) == 1)
        assert not (tmp_path / "there").exists()


async def test_taken_names_are_asked_about_and_never_overwritten(open_app: Any, folder: Path, tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.mkdir()
    (there / "img_0.png").write_text("theirs")
    async with open_app(folder) as app:
        await app.press("space")
        await choose(app, "c")
        await answer(app, str(there))
        await app.shows("Names are taken")
        await app.press("y")
        await app.shows("Copy 1 image to")
        await app.press("y")
        await app.until(lambda: len(app.app.screen_stack) == 1)
        assert names(there) == {"img_0.png", "img_0 (2).png"}
        assert (there / "img_0.png").read_text() == "theirs"


async def test_what_cannot_be_moved_is_listed_with_its_reason(open_app: Any, folder: Path, tmp_path: Path) -> None:
    async with open_app(folder) as app:
        (folder / "img_0.png").unlink()
        await app.press("space")
        await choose(app, "m")
        await answer(app, str(tmp_path / "there"))
        await app.shows("Nothing to move")
        await app.shows("no longer exists")


async def test_lists_hold_the_marked_paths(open_app: Any, folder: Path, tmp_path: Path) -> None:
    async with open_app(folder) as app:
        await app.press("space", "space")
        await choose(app, "l")
        await answer(app, str(tmp_path / "list.txt"))
        await app.until((tmp_path / "list.txt").exists)
        assert (tmp_path / "list.txt").read_text() == f"{folder}/img_0.png\n{folder}/img_1.png\n"
        await app.until(lambda: len(app.app.screen_stack) == 1)
        await choose(app, "z")
        await answer(app, str(folder / "img_3.png"))
        await app.shows("the name must end in .txt")
        await app.press("escape")
        await choose(app, "t")
        await answer(app, str(tmp_path / "rows.csv"))
        await app.until((tmp_path / "rows.csv").exists)
        assert len((tmp_path / "rows.csv").read_text().splitlines()) == 3


async def test_a_rule_marks_and_says_how_many_before(open_app: Any, folder: Path) -> None:
    async with open_app(folder, start_scoring=True) as app:
        await app.all_scored()
        await app.press("j", "space", "asterisk")
        await app.type("top 3 clip")
        await app.shows("takes 3 of 8 shown")
        await app.press("enter")
        await app.until(lambda: app.app.screen.scores.marks == {0, 1, 2})
        await app.press("asterisk")
        await app.type("clip>")
        await app.shows("a value is missing after '>'")
        await app.press("escape")
        assert app.app.screen.scores.marks == {0, 1, 2}


async def test_the_most_typical_image_is_offered_as_the_reference_and_taken_by_enter(
    open_app: Any, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import numpy as np

    from aim_tui.core.scoring.events import ImageFacts
    from aim_tui.store.cache import FeatureCache, Space
    from aim_tui.store.database import Database

    monkeypatch.setattr("aim_tui.ui.session.typical.fingerprints", lambda *_: {"clip": "f" * 32})
    store = tmp_path / "store.db"
    async with open_app(folder, toasts=True, store=store) as app:
        await app.press("full_stop")
        await app.shows("no reference can be suggested")
        # The middle one of seven directions in a fan; the eighth image was never embedded.
        angles = np.linspace(0, 1, 7)
        vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
        policy = app.session.workspace.launch.reading
        reading = f"exif={policy.exif} background={policy.background}"
        space = Space.embedding("f" * 32, preprocessing="p", dtype="cpu", reading=reading)
        sha256s = [f"{number:064x}" for number in range(8)]
        database = Database.open(store)
        FeatureCache(database).put_vectors(space, sha256s[:7], vectors)
        database.close()
        for row in app.rows:
            row.facts = ImageFacts(16, 12, "PNG", "RGB", 99, sha256s[row.item])
        await app.press("full_stop")
        await app.shows("img_3.png is the most typical of 7 images")
        await app.shows("1 of 8 have no embedding")
        await app.press("escape")
        assert app.session.workspace.context.reference == ""
        await app.press("full_stop")
        await app.shows("Suggested reference")
        await app.press("enter")
        await app.until(lambda: app.session.workspace.context.reference == app.rows[3].path)


async def test_one_undo_takes_a_rating_of_many_back_and_brings_the_ratings_before(
    open_app: Any, folder: Path, tmp_path: Path
) -> None:
    store = tmp_path / "store.db"

    def stored() -> dict[str, float]:
        with Database.open(store) as database:
            held = Judgements(database).current(JudgementKind.RATING)
        return {word.image.path[-5]: float(word.value) for said in held.values() for word in said.values()}

    async with open_app(folder, store=store, toasts=True) as app:
        await app.until(lambda: len(app.rows) == 8)
        judging = app.session.ratings
        await judging.rate(app.rows[1].path, 2)
        (folder / "img_2.png").unlink()
        await app.press("space", "space", "space", "space")
        await choose(app, "r")
        await answer(app, "5")
        await app.shows("rated 3 images 5; 1 cannot be read; u undoes")
        assert stored() == {"0": 5, "1": 5, "3": 5}
        await app.press("u")
        await app.shows("undone: rating 5 of 3 images; U redoes it")
        assert stored() == {"1": 2}
        assert [judging.opinion(row.path).rating for row in app.rows[:4]] == [None, 2, None, None]
        # The images were marked before; that is undone on the way.
        await app.press("u", "u", "u", "u", "u")
        await app.shows("undone: rating 2 of img_1.png; U redoes it")
        assert stored() == {}
        contents = {judging._contents[row.path] for row in app.rows if row.path in judging._contents}
    with Database.open(store) as database:
        # Every word is there still, and what took it back.
        assert sum(len(Judgements(database).history(sha256)) for sha256 in contents) == 2 * 4


async def test_a_rule_knows_ratings_and_completes_names_of_fields(open_app: Any, folder: Path, tmp_path: Path) -> None:
    async with open_app(folder, store=tmp_path / "store.db") as app:
        await app.until(lambda: len(app.rows) == 8)
        await app.session.ratings.rate_all([app.rows[2].path, app.rows[5].path], 4)
        await app.press("asterisk", *"rati", "tab", *">=4")
        await app.shows("rating>=4")
        await app.shows("takes 2 of 8 shown")
        await app.press("enter")
        await app.until(lambda: app.app.screen.scores.marks == {2, 5})

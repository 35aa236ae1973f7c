"""What was set in a folder is back when the application starts there again; nothing of it can keep it from starting."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from aim_tui.core.scoring.context import Context
from aim_tui.settings.state_file import StateFile
from aim_tui.ui.app import AimApp
from aim_tui.ui.session.saved_state import HISTORY, FolderState, Looks, SavedState, Texts

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("models_here")


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "remembered"


@pytest.fixture
def reopen(open_app: Any, folder: Path, state: Path) -> Any:
    """Open the application in the folder without options, as `aim-tui` does."""

    def opener(**options: Any) -> Any:
        chosen = {"topic": "", "prompt": "", "state": state} | options
        return open_app(chosen.pop("folder", folder), **chosen)

    return opener


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was said in toasts, which are gone before a busy machine looks."""
    said: list[str] = []
    monkeypatch.setattr(AimApp, "notify", lambda self, message, **_: said.append(message))
    return said


async def arranged(app: Any, order: list[int]) -> None:
    await app.until(lambda: list(app.app.screen.scores.order) == order)


async def test_prompt_topic_and_reference_are_back_and_it_is_said_where_they_come_from(
    reopen: Any, folder: Path, told: list[str]
) -> None:
    async with reopen() as app:
        await app.until(lambda: app.rows)
        assert "as last time" not in app.text()
        app.session.setup.set_prompt("a topic", "a prompt")
        app.session.setup.set_reference(str(folder / "img_2.png"))
    assert told == ["reference: img_2.png, was none; u undoes"]
    async with reopen() as app:
        assert app.session.workspace.context == Context("a topic", "a prompt", str(folder / "img_2.png"))
        assert app.app.screen.form.prompt == "a prompt"
        await app.until(lambda: any("as last time here: topic, prompt, reference" in text for text in told))
        await app.shows("topic, prompt, reference as last time")
        app.session.setup.set_prompt("a topic", "another")
        await app.shows("topic, reference as last time")


async def test_what_the_command_line_says_wins(reopen: Any) -> None:
    async with reopen() as app:
        app.session.setup.set_prompt("a topic", "a prompt")
    async with reopen(prompt="given") as app:
        assert app.session.workspace.context == Context("a topic", "given")
        assert app.session.workspace.saved_state.recalled == ("topic",)
    async with reopen() as app:
        assert app.session.workspace.context == Context("a topic", "given")


async def test_the_profile_that_was_used_is_back_and_it_is_said_unless_another_one_is_given(
    reopen: Any, told: list[str]
) -> None:
    profile = lambda app: app.session.workspace.profile.name  # noqa: E731
    async with reopen() as app:
        app.session.folders.use_profile(app.session.workspace.launch.profiles["large"])
        await app.until(lambda: profile(app) == "large")
    async with reopen() as app:
        assert profile(app) == "large"
        await app.until(lambda: any("as last time here: profile (M to change)" in text for text in told))
        await app.shows("profile as last time")
        app.session.folders.use_profile(app.session.workspace.launch.profiles["sample"])
        await app.until(lambda: "as last time" not in app.text())
    async with reopen(profile="large", profile_given=True) as app:
        assert profile(app) == "large"
        assert "as last time" not in app.text()
    async with reopen() as app:
        assert profile(app) == "large"


async def test_a_profile_of_last_time_that_is_gone_is_said(reopen: Any, told: list[str]) -> None:
    async with reopen() as app:
        app.session.workspace.saved_state.set_profile("mine")
    async with reopen() as app:
        assert app.session.workspace.profile.name == "aim"
        await app.until(
            lambda: any("the profile of last time, mine, is not there; aim is used" in text for text in told)
        )


async def test_order_filter_place_and_info_are_back(reopen: Any) -> None:
    async with reopen() as app:
        await app.press("comma", "N")
        await arranged(app, [7, 6, 5, 4, 3, 2, 1, 0])
        await app.press("f")
        await app.type("name~img")
        await app.press("enter", "m", "g", "j", "j")
        await app.until(lambda: app.app.screen.scores.current.item == 5)
    async with reopen() as app:
        await arranged(app, [7, 6, 5, 4, 3, 2, 1, 0])
        await app.until(lambda: app.app.screen.scores.current.item == 5)
        scores = app.app.screen.scores
        assert (scores.sort.column, scores.sort.reverse, scores.expression) == ("name", True, "name~img")
        assert app.app.screen.info.kind == "caption"
        await app.shows("name~img  8/8")


async def test_esc_shows_all_rows_of_a_filter_that_came_back(reopen: Any) -> None:
    async with reopen() as app:
        await app.press("f")
        await app.type("img_3")
        await app.press("enter")
        await arranged(app, [3])
    async with reopen() as app:
        await arranged(app, [3])
        await app.press("escape")
        await arranged(app, list(range(8)))
    async with reopen() as app:
        await arranged(app, list(range(8)))


async def test_an_image_that_is_gone_is_no_place_to_go_back_to(reopen: Any, folder: Path, told: list[str]) -> None:
    async with reopen() as app:
        await app.press("G")
        await app.until(lambda: app.app.screen.scores.current.item == 7)
        app.session.setup.set_reference(str(folder / "img_7.png"))
    (folder / "img_7.png").unlink()
    async with reopen() as app:
        await app.until(lambda: app.app.screen.scores.current is not None)
        assert app.app.screen.scores.current.item == 0
        assert app.session.workspace.context.reference == ""
        await app.until(lambda: any("the reference of last time is gone" in text for text in told))


async def test_each_folder_has_its_own_and_walking_into_one_takes_nothing_from_it(
    reopen: Any, folder: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "one.png").write_bytes((folder / "img_1.png").read_bytes())
    async with reopen() as app:
        app.session.setup.set_prompt("of the first", "first")
    async with reopen(folder=other) as app:
        assert app.session.workspace.context == Context()
        app.session.setup.set_prompt("of the other", "second")
        app.session.folders.open(folder)
        await app.until(lambda: len(app.rows) == 8)
        await app.press("G")
        await app.until(lambda: app.app.screen.scores.current.item == 7)
    async with reopen() as app:
        assert app.session.workspace.context.topic == "of the first"
        await app.until(lambda: app.app.screen.scores.current is not None and app.app.screen.scores.current.item == 7)
    async with reopen(folder=other) as app:
        assert app.session.workspace.context.topic == "of the other"


async def test_scoring_in_a_folder_makes_what_it_is_judged_against_its_own(
    reopen: Any, folder: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "one.png").write_bytes((folder / "img_1.png").read_bytes())
    async with reopen(folder=other, topic="a topic", prompt="a prompt") as app:
        app.session.folders.open(folder)
        await app.until(lambda: len(app.rows) == 8)
        await app.press("s")
        await app.all_scored()
    async with reopen() as app:
        assert app.session.workspace.context == Context("a topic", "a prompt")


async def test_nothing_is_remembered_without_a_place_for_it(reopen: Any) -> None:
    async with reopen(state=None) as app:
        app.session.setup.set_prompt("a topic", "a prompt")
        app.app.theme = "nord"
    async with reopen() as app:
        assert app.session.workspace.context == Context()
        assert app.session.workspace.saved_state.texts == Texts()
        assert app.session.workspace.saved_state.looks == Looks()


async def test_a_demonstration_and_the_users_folders_know_nothing_of_each_other(reopen: Any) -> None:
    async with reopen() as app:
        app.session.setup.set_prompt("mine", "mine")
    async with reopen(state_name="demo") as app:
        assert app.session.workspace.context == Context()
        assert app.session.workspace.saved_state.texts == Texts()
        app.session.setup.set_prompt("of the demo", "of the demo")
    async with reopen() as app:
        assert app.session.workspace.context.topic == "mine"
        assert app.session.workspace.saved_state.texts.topics == ("mine",)


# -- history ---------------------------------------------------------------------------------------------------------


async def test_prompts_of_earlier_starts_are_gone_back_to_with_up(reopen: Any) -> None:
    for prompt in ("first", "second", "first", "third"):
        async with reopen() as app:
            app.session.setup.set_prompt("a topic", prompt)
    async with reopen() as app:
        await app.press("p")
        form = app.app.screen.form
        shown = [form.prompt]
        for _ in range(3):
            await app.press("up")
            shown.append(form.prompt)
        assert shown == ["third", "first", "second", "second"]
        await app.press("down", "down")
        assert form.prompt == "third"


async def test_two_programs_at_once_lose_no_prompt_of_each_other(state: Path) -> None:
    one, other = (SavedState(state, "", print) for _ in range(2))
    one.add_texts("topic", "of one")
    other.add_texts("topic", "of the other")
    await one.close()
    await other.close()
    kept = SavedState(state, "", print).texts
    assert set(kept.prompts) == {"of one", "of the other"}
    assert kept.topics == ("topic",)


async def test_the_history_is_bounded_and_holds_no_text_twice(state: Path) -> None:
    saved_state = SavedState(state, "", print)
    for number in range(HISTORY + 50):
        saved_state.add_texts("", f"prompt {number}")
        saved_state.add_texts("", "again and again")
    await saved_state.close()
    prompts = SavedState(state, "", print).texts.prompts
    assert len(prompts) == HISTORY
    assert prompts[:2] == ("again and again", f"prompt {HISTORY + 49}")
    assert prompts.count("again and again") == 1


# -- files -----------------------------------------------------------------------------------------------------------


DAMAGED = {
    "empty": b"",
    "cut off": b'{"topic": "a',
    "not JSON": b"\x00\xff\xfe",
    "of another form": b'{"topic": 3}',
    "a list": b"[]",
    "nested": b"[" * 200_000,
    "huge": b" " * (5 * 2**20),
}


@pytest.mark.parametrize("data", DAMAGED.values(), ids=DAMAGED.keys())
async def test_a_damaged_file_is_said_once_and_kept_aside(reopen: Any, state: Path, data: bytes) -> None:
    async with reopen() as app:
        app.session.setup.set_prompt("a topic", "a prompt")
    (path,) = (state / "folders").glob("*.json")
    path.write_bytes(data)
    async with reopen() as app:
        assert app.session.workspace.context == Context()
        (problem,) = app.session.workspace.saved_state.problems
        assert "is damaged" in problem
    assert path.with_name(f"{path.name}.damaged").read_bytes() == data
    async with reopen() as app:
        assert app.session.workspace.saved_state.problems == []


async def test_every_file_may_be_damaged_at_once(reopen: Any, state: Path) -> None:
    async with reopen() as app:
        app.session.setup.set_prompt("a topic", "a prompt")
        app.session.workspace.saved_state.set_looks(theme="nord")
    for path in [state / "looks.json", state / "prompts.json", *(state / "folders").glob("*.json")]:
        path.write_bytes(b"}")
    async with reopen() as app:
        assert len(app.session.workspace.saved_state.problems) == 3
        assert app.app.theme == "textual-dark"


async def test_a_filter_or_column_of_another_version_is_passed_over(reopen: Any, state: Path) -> None:
    async with reopen() as app:
        await app.press("G")
        await app.until(lambda: app.app.screen.scores.current.item == 7)
    (path,) = (state / "folders").glob("*.json")
    file = StateFile(path, FolderState)
    remembered = json.loads(path.read_text()) | {"filter": "final >", "sort": "beauty", "info": "aura"}
    path.write_text(json.dumps(remembered))
    assert file.read()[1] == ""
    async with reopen() as app:
        await arranged(app, list(range(8)))
        await app.until(lambda: app.app.screen.scores.current.item == 7)


async def test_a_state_folder_that_cannot_be_written_is_said_and_changes_nothing_else(
    reopen: Any, tmp_path: Path, told: list[str]
) -> None:
    in_the_way = tmp_path / "a file"
    in_the_way.write_text("")
    async with reopen(state=in_the_way / "below") as app:
        app.session.setup.set_prompt("a topic", "a prompt")
        await app.until(lambda: any("nothing is remembered" in text for text in told))
        assert app.session.workspace.context.topic == "a topic"


async def test_names_that_are_no_text_survive(state: Path) -> None:
    folder, image = os.fsdecode(b"/images/\xff"), os.fsdecode(b"/images/\xff/\xfe.png")
    saved_state = SavedState(state, "", print)
    saved_state.begin(folder, Context())
    saved_state.set_context(Context("t\x1b[31m", "p", ""))
    saved_state.set_place(type(saved_state.place)(current=image))
    await saved_state.close()
    again = SavedState(state, "", print)
    assert again.begin(folder, Context()).topic == "t\x1b[31m"
    assert again.place.current == image
    assert again.problems == []


async def test_the_files_are_for_the_user_alone(state: Path) -> None:
    saved_state = SavedState(state, "", print)
    saved_state.begin("/images", Context())
    saved_state.set_context(Context("secret", "", ""))
    await saved_state.close()
    (path,) = (state / "folders").glob("*.json")
    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.parent.stat().st_mode & 0o077 == 0
    assert [each.name for each in path.parent.iterdir()] == [path.name]


async def test_looks_are_remembered_for_all_folders(state: Path) -> None:
    saved_state = SavedState(state, "", print)
    saved_state.set_looks(theme="nord")
    saved_state.set_looks(compact=True)
    await saved_state.close()
    assert SavedState(state, "demo", print).looks == Looks("nord", True)

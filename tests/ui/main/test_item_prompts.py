"""Prompts that images bring: taken, shown with where they are from, edited for one image, kept, and given up again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from aim_tui.core.scoring.context import Context
from aim_tui.store.database import Database
from aim_tui.store.runs import Runs
from aim_tui.ui.app import AimApp
from aim_tui.ui.session.prompt_file import ItemPrompt, PromptFile

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("models_here")

EVERYBODYS = "Only one wooden cabin"


@pytest.fixture
def brought(folder: Path) -> Path:
    """Two of the eight carry a prompt: A1111's, and one that tries to be markup."""
    for number, said in ((1, "a red boat\nSteps: 20, Sampler: Euler"), (2, "[/bold] a [red] fox")):
        info = PngInfo()
        info.add_text("parameters", said)
        Image.new("RGB", (16, 12), "teal").save(folder / f"img_{number}.png", pnginfo=info)
    return folder


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    said: list[str] = []
    monkeypatch.setattr(AimApp, "notify", lambda self, message, **_: said.append(message))
    return said


@pytest.fixture
def places(tmp_path: Path) -> dict[str, Path]:
    """Where all of it is kept."""
    return {"store": tmp_path / "store.db", "state": tmp_path / "state"}


def prompts(app: Any) -> list[str]:
    return [row.own.prompt if row.own is not None else "" for row in app.rows]


def against(app: Any, item: int) -> str:
    return app.rows[item].raws["clip"].against


async def take(app: Any, key: str, many: int) -> None:
    await app.press("I", key)
    await app.until(
        lambda: app.session.workspace.item_prompt_count == many and not app.session.workspace.reading_prompts
    )


async def edit(app: Any, text: str) -> None:
    """Give the current image another prompt."""
    await app.press("I", "e")
    await app.shows("Prompt of this image")
    await app.press("ctrl+u")
    await app.paste(text)
    await app.press("enter")


async def test_images_bring_their_prompts_and_it_is_said_how_many_have_none_and_why(
    open_app: Any, brought: Path, told: list[str]
) -> None:
    async with open_app(brought) as app:
        await app.press("s")
        await app.all_scored()
        await take(app, "m", 2)
        assert prompts(app)[:4] == ["", "a red boat", "[/bold] a [red] fox", ""]
        await app.until(
            lambda: (
                "prompts of 2 of 8 images from their metadata (2 A1111 parameters); "
                "6 have none, such as img_0.png: no prompt in its metadata" in told
            )
        )
        await app.shows("2 with own prompt")
        await app.shows("2 out of date")
        await app.press("s")
        await app.all_scored()
        assert [against(app, item) for item in range(3)] == [EVERYBODYS, "a red boat", "[/bold] a [red] fox"]
        await app.until(lambda: "out of date" not in app.text())


async def test_where_none_has_a_prompt_nothing_changes_and_the_reason_is_said(
    open_app: Any, folder: Path, told: list[str]
) -> None:
    async with open_app(folder) as app:
        await app.until(lambda: app.rows)
        await app.press("I", "s")
        await app.until(lambda: any("no file img_0.txt next to it" in said for said in told))
        assert app.session.workspace.item_prompt_count == 0
        assert prompts(app) == [""] * 8


async def test_without_everybodys_prompt_clip_is_asked_for_what_images_bring(open_app: Any, folder: Path) -> None:
    (folder / "img_3.txt").write_text("a green hill")
    async with open_app(folder, prompt="") as app:
        await app.until(lambda: app.rows)
        assert app.session.workspace.plan.metrics == ("blip2",)
        await take(app, "s", 1)
        assert app.session.workspace.plan.metrics == ("clip", "blip2")
        assert "clip" not in app.session.workspace.skipped
        await app.press("s")
        await app.until(lambda: "clip" in app.rows[7].raws and app.session.workspace.running is None)
        assert against(app, 3) == "a green hill"
        assert app.rows[0].own == Context(), "the worker is told that it brings none, so that it does not fail the job"


async def test_info_line_explain_review_and_heatmap_tell_the_prompt_that_applied(open_app: Any, brought: Path) -> None:
    async with open_app(brought, size=(140, 40)) as app:
        await app.until(lambda: app.rows)
        await take(app, "m", 2)
        await app.press("s")
        await app.all_scored()
        await app.press("j", "m", "m", "m")
        await app.shows("prompt  a red boat  (its own, from A1111 parameters)")
        await app.press("e")
        await app.shows("against the prompt: a red boat")
        await app.shows("the prompt is its own, from A1111 parameters")
        await app.press("q", "j", "i")
        await app.shows("[/bold] a [red] fox")
        await app.shows("the prompt is its own, from A1111")
        await app.press("escape", "A")
        await app.shows("[red]")
        await app.press("K")
        await app.until(lambda: "boat" in app.text() and "fox" not in app.text())
        await app.press("K", "q", "e")
        await app.shows(f"against the prompt: {EVERYBODYS}")
        await app.shows("everybody's: no prompt in its metadata")


async def test_an_edited_prompt_is_one_images_alone_and_the_image_is_scored_again(
    open_app: Any, folder: Path, places: dict[str, Path]
) -> None:
    async with open_app(folder, **places) as app:
        await app.press("s")
        await app.all_scored()
        await app.press("j")
        await edit(app, "two [b]cabins[/b]")
        await app.until(lambda: against(app, 1) == "two [b]cabins[/b]" and app.session.workspace.running is None)
        assert against(app, 0) == EVERYBODYS
        await app.until(lambda: not app.session.jobs.storing)
    with Database.open(places["store"]) as database:
        runs = Runs(database)
        run = runs.load(runs.history()[0].id)
    assert [row.own.prompt if row.own else "" for row in run.results.rows][:2] == ["", "two [b]cabins[/b]"]
    assert run.info.summary is not None
    assert run.info.summary.n_ok == 8, "and the rest of the folder is in the run as it was"


async def test_a_prompt_that_is_edited_while_its_image_is_scored_is_not_taken_for_the_one_that_was_used(
    open_app: Any, folder: Path, gate: Any, places: dict[str, Path]
) -> None:
    async with open_app(folder, worker=["--gate", str(gate.path)], **places) as app:
        await app.press("s")
        gate.let(2)
        await app.until(lambda: len(app.scored) == 2)
        await app.press("G")
        await edit(app, "something else")
        await app.until(lambda: app.session.workspace.item_prompt_count == 1)
        gate.let(6)
        await app.all_scored()
        assert against(app, 7) == EVERYBODYS
        assert app.rows[7].stale("clip", app.session.workspace.context)
        await app.until(lambda: not app.session.jobs.storing)
        await app.press("s")
        gate.let(1)
        await app.until(lambda: against(app, 7) == "something else" and app.session.workspace.running is None)
    with Database.open(places["store"]) as database:
        runs = Runs(database)
        later, first = (runs.load(info.id) for info in runs.history())
    assert (first.results.rows[7].own, first.info.summary.n_ok) == (None, 8)
    assert later.results.rows[7].own == Context(prompt="something else")


async def test_all_of_it_is_back_after_a_restart_with_the_scores(
    open_app: Any, brought: Path, places: dict[str, Path]
) -> None:
    async with open_app(brought, prompt="", **places) as app:
        await app.until(lambda: app.rows)
        await take(app, "m", 2)
        await edit(app, "mine")
        await app.until(lambda: app.session.workspace.item_prompt_count == 3)
        await app.press("s")
        await app.until(
            lambda: app.rows[7].raws and app.session.workspace.running is None and not app.session.jobs.storing
        )
    info = PngInfo()
    info.add_text("parameters", "it came later")
    Image.new("RGB", (16, 12), "teal").save(brought / "img_8.png", pnginfo=info)
    async with open_app(brought, prompt="", **places) as app:
        await app.until(lambda: app.session.workspace.item_prompt_count == 4)
        assert prompts(app) == ["mine", "a red boat", "[/bold] a [red] fox", *[""] * 5, "it came later"]
        await app.until(lambda: not app.session.workspace.recalling)
        assert [against(app, item) for item in range(3)] == ["mine", "a red boat", "[/bold] a [red] fox"]
        assert not any(row.stale("clip", app.session.workspace.context) for row in app.rows)
        row = app.rows[0]
        assert app.session.workspace.prompt_origin(row) == "its own, edited here"


async def test_taking_prompts_anew_keeps_what_was_edited_and_giving_them_up_asks_first(
    open_app: Any, brought: Path, places: dict[str, Path]
) -> None:
    async with open_app(brought, **places) as app:
        await app.press("s")
        await app.all_scored()
        await app.press("j")
        await edit(app, "mine")
        await app.until(lambda: against(app, 1) == "mine" and app.session.workspace.running is None)
        await take(app, "m", 2)
        assert prompts(app)[1:3] == ["mine", "[/bold] a [red] fox"]
        await app.press("I", "a")
        await app.shows("1 prompt that was edited here will be forgotten")
        await app.press("escape")
        assert app.session.workspace.item_prompt_count == 2
        await app.press("I", "a")
        await app.shows("Discard them?")
        await app.press("y")
        await app.until(lambda: app.session.workspace.item_prompt_count == 0)
        assert [row.own for row in app.rows] == [None] * 8
        await app.until(lambda: app.rows[1].stale("clip", app.session.workspace.context))
        assert "mine" in app.session.workspace.saved_state.texts.prompts, "it can be had again from the history"
    async with open_app(brought, **places) as app:
        await app.until(lambda: app.rows)
        assert app.session.workspace.item_prompt_count == 0


async def test_an_image_that_is_replaced_brings_its_own_prompt_and_what_was_edited_stays(
    open_app: Any, brought: Path
) -> None:
    async with open_app(brought) as app:
        await take(app, "m", 2)
        app.app.screen.scores.move_to(2)
        await edit(app, "an edited prompt")
        await app.until(lambda: prompts(app)[2] == "an edited prompt")
        await app.press("s")
        await app.all_scored()
        for number in (1, 2):
            info = PngInfo()
            info.add_text("parameters", "a green boat\nSteps: 20, Sampler: Euler")
            Image.new("RGB", (16, 12), "red").save(brought / "other.png", pnginfo=info)
            (brought / "other.png").rename(brought / f"img_{number}.png")
        await app.press("s")
        await app.until(lambda: prompts(app)[1] == "a green boat")
        await app.all_scored()
        assert [against(app, item) for item in (0, 1, 2)] == [EVERYBODYS, "a green boat", "an edited prompt"]


async def test_images_that_appear_while_the_folder_is_watched_bring_theirs_too(
    open_app: Any, brought: Path, tmp_path: Path
) -> None:
    async with open_app(brought, watch=True) as app:
        await app.until(lambda: app.rows)
        await take(app, "m", 2)
        info = PngInfo()
        info.add_text("parameters", "fresh")
        Image.new("RGB", (16, 12), "teal").save(tmp_path / "made.png", pnginfo=info)
        (tmp_path / "made.png").rename(brought / "img_9.png")
        await app.until(lambda: len(app.rows) == 9 and app.rows[8].final is not None)
        assert against(app, 8) == "fresh"


def test_a_line_that_was_cut_off_costs_that_line_alone(tmp_path: Path) -> None:
    file = PromptFile(tmp_path / "prompts" / "folder.jsonl")
    odd = "/images/\udcff.png"
    file.add("metadata", {odd: ItemPrompt("one", "A1111 parameters")})
    whole = (tmp_path / "prompts" / "folder.jsonl").read_bytes()
    (tmp_path / "prompts" / "folder.jsonl").write_bytes(whole + b'{"path": "/images/b.png", "pro')
    file.add("metadata", {"/images/c.png": ItemPrompt("three", "edited here")})
    found, problem = file.read()
    assert found.entries == {
        odd: ItemPrompt("one", "A1111 parameters"),
        "/images/c.png": ItemPrompt("three", "edited here"),
    }
    assert "a line of" in problem


async def test_an_image_without_any_prompt_says_why_before_and_after_it_is_scored(
    open_app: Any, brought: Path, told: list[str]
) -> None:
    async with open_app(brought, prompt="", topic="", size=(140, 40)) as app:
        await app.until(lambda: app.rows)
        await take(app, "m", 2)
        await app.shows("no prompt: no prompt in its metadata")
        assert app.session.workspace.prompt_origin(app.rows[0]) == "none: no prompt in its metadata"
        await app.press("m", "m", "m")
        await app.shows("prompt  no prompt  (none: no prompt in its metadata)")
        assert app.rows[0].own.prompt_origin == "no prompt in its metadata", "it is stored with the run"


async def test_tags_of_networks_are_left_out_and_said_or_kept(open_app: Any, folder: Path, told: list[str]) -> None:
    info = PngInfo()
    info.add_text("parameters", "a red boat <lora:style:0.8>\nSteps: 20, Sampler: Euler")
    Image.new("RGB", (16, 12), "teal").save(folder / "img_1.png", pnginfo=info)
    async with open_app(folder) as app:
        await app.until(lambda: app.rows)
        await take(app, "m", 1)
        assert prompts(app)[1] == "a red boat"
        assert app.rows[1].own.prompt_origin == "A1111 parameters, without <lora:style:0.8>"
        await app.until(lambda: any("(1 A1111 parameters); 1 without <lora:...>" in text for text in told))
        await take(app, "l", 1)
        await app.until(lambda: prompts(app)[1] == "a red boat <lora:style:0.8>")

"""One history for everything that is changed: steps go back in their order, come again, and say why they cannot."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from aim_tui.core.scoring.context import Context
from aim_tui.core.scoring.results import Results
from aim_tui.errors import UsageError
from aim_tui.inputs.listing import FolderListing
from aim_tui.settings.settings import load_settings
from aim_tui.ui.concurrency import Tasks
from aim_tui.ui.launch import Launch
from aim_tui.ui.session.item_prompts import ItemPromptService
from aim_tui.ui.session.messages import UserNotice
from aim_tui.ui.session.saved_state import SavedState
from aim_tui.ui.session.setup import SetupService
from aim_tui.ui.session.undo_history import UndoHistory, UndoResult, UndoStep
from aim_tui.ui.session.workspace import FolderBehind, Workspace

if TYPE_CHECKING:
    from pathlib import Path


class Numbers:
    """A list that is changed by steps, and what the user is told."""

    def __init__(self) -> None:
        self.now: list[int] = []
        self.said: list[str] = []
        self.history = UndoHistory(lambda text, severity="information": self.said.append(text))

    def step(self, number: int, **more: Any) -> UndoStep:
        async def undo() -> UndoResult:
            self.now.remove(number)
            return UndoResult.DONE

        async def redo() -> UndoResult:
            self.now.append(number)
            return UndoResult.DONE

        return UndoStep(**{"what": f"number {number}", "undo": undo, "redo": redo, **more})

    def append(self, number: int, **more: Any) -> None:
        self.now.append(number)
        self.history.add(self.step(number, **more))


@pytest.fixture
async def numbers() -> Numbers:
    return Numbers()


async def test_steps_are_undone_from_the_newest_on_and_redone_in_their_order(numbers: Numbers) -> None:
    for number in (1, 2, 3):
        numbers.append(number)
    history = numbers.history
    await history.undo()
    await history.undo()
    assert numbers.now == [1]
    await history.redo()
    assert numbers.now == [1, 2]
    await history.redo()
    await history.redo()
    assert numbers.now == [1, 2, 3]
    assert numbers.said == [
        "undone: number 3; U redoes it",
        "undone: number 2; U redoes it",
        "redone: number 2; u undoes it",
        "redone: number 3; u undoes it",
        "nothing to redo",
    ]


async def test_a_new_step_ends_what_can_be_redone(numbers: Numbers) -> None:
    numbers.append(1)
    await numbers.history.undo()
    numbers.append(2)
    assert await numbers.history.redo() is None
    assert numbers.now == [2]


async def test_where_nothing_can_be_undone_that_is_said_and_what_was_forgotten_is_the_reason(numbers: Numbers) -> None:
    assert await numbers.history.undo() is None
    numbers.append(1, owner="folder")
    numbers.append(2)
    await numbers.history.undo()
    numbers.history.forget("folder")
    assert await numbers.history.undo() is None
    assert numbers.now == [1]
    assert [numbers.said[0], numbers.said[-1]] == [
        "nothing to undo",
        "nothing to undo; changes of rows that are no longer shown stay",
    ]


async def test_a_step_that_is_refused_stays_and_one_that_is_impossible_goes(numbers: Numbers) -> None:
    answer = UndoResult.REFUSED

    async def undo() -> UndoResult:
        return answer

    numbers.append(1)
    numbers.append(2, undo=undo)
    assert await numbers.history.undo() is None
    answer = UndoResult.IMPOSSIBLE
    assert await numbers.history.undo() is None
    assert numbers.now == [1, 2] and numbers.said == []
    await numbers.history.undo()
    assert numbers.now == [2]


async def test_an_error_says_what_was_not_undone_and_refuses_what_was_meant_to_follow(numbers: Numbers) -> None:
    async def undo() -> UndoResult:
        raise UsageError("the store is locked", "try again")

    numbers.append(1, undo=undo)
    first, second = numbers.history.undo(), numbers.history.undo()
    assert await first is None and await second is None
    assert numbers.said == ["not undone: number 1, nor the 1 given after it: the store is locked (try again)"]
    assert numbers.history.newest(None) is not None


async def test_what_cannot_be_redone_says_so_and_lets_the_next_one_be_redone(numbers: Numbers) -> None:
    numbers.append(1, redo=None, by_hand="b does it again")
    numbers.append(2)
    for _ in range(2):
        await numbers.history.undo()
    assert numbers.said[-1] == "undone: number 1"
    assert await numbers.history.redo() is None
    assert numbers.said[-1] == "number 1 cannot be redone; b does it again"
    await numbers.history.redo()
    assert numbers.now == [2]


async def test_undo_is_about_what_was_begun_before_it_though_it_is_not_stored_yet(numbers: Numbers) -> None:
    free = asyncio.Event()
    history = numbers.history

    def slowly(number: int) -> Callable[[], Awaitable[bool]]:
        async def store() -> bool:
            await free.wait()
            numbers.append(number)
            return True

        return store

    stored = [history.in_order(slowly(1), False)]
    # It takes effect at once, and yet was made after the one that is on its way.
    numbers.append(2)
    undone = [history.undo(), history.undo()]
    stored.append(history.in_order(slowly(3), False))
    free.set()
    assert await asyncio.gather(*stored) == [True, True]
    assert [step.what for step in await asyncio.gather(*undone) if step is not None] == ["number 2", "number 1"]
    assert numbers.now == [3]
    assert await history.redo() is None


async def test_what_was_given_after_a_refused_change_is_refused_with_it(numbers: Numbers) -> None:
    history = numbers.history

    async def refused() -> bool:
        assert history.refuse_waiting() == 2
        return False

    numbers.append(1)
    first, undone, last = history.in_order(refused, False), history.undo(), history.redo()
    assert await asyncio.gather(first, undone, last) == [False, None, None]
    assert numbers.now == [1] and numbers.said == []


async def test_what_is_forgotten_while_it_is_undone_is_reported_and_not_redone(numbers: Numbers) -> None:
    async def undo() -> UndoResult:
        numbers.history.forget("folder")
        return UndoResult.DONE

    numbers.append(1, undo=undo, owner="folder")
    assert await numbers.history.undo() is not None
    assert await numbers.history.redo() is None
    assert numbers.said == ["undone: number 1", "nothing to redo"]


async def test_a_step_can_be_undone_out_of_its_order(numbers: Numbers) -> None:
    numbers.append(1, owner="files")
    numbers.append(2)
    step = numbers.history.newest("files")
    await numbers.history.undo(step)
    assert numbers.now == [2]
    assert numbers.history.newest("files") is None
    assert await numbers.history.undo(step) is None
    assert numbers.said[-1] == "nothing to undo"


async def test_closing_waits_for_what_is_being_undone_but_not_for_an_answer(numbers: Numbers) -> None:
    asked = asyncio.Event()

    async def ask() -> UndoResult:
        asked.set()
        await asyncio.Event().wait()
        return UndoResult.DONE

    numbers.append(1)
    undone = numbers.history.undo()
    await numbers.history.close()
    assert undone.done() and numbers.now == []
    numbers.append(2, undo=ask, asks=True)
    undone = numbers.history.undo()
    await asked.wait()
    await numbers.history.close()
    with pytest.raises(asyncio.CancelledError):
        await undone


# -- what services make of it ------------------------------------------------------------------------------------------


class Services:
    """A workspace with the services that change its setup."""

    def __init__(self, folder: Path) -> None:
        self.posted: list[Any] = []
        self.looked = 0
        self.tasks = Tasks(lambda error: pytest.fail(str(error)))
        launch = Launch(folder, load_settings().profile("aim"), context=Context("a cabin", "one cabin"))
        self.workspace = Workspace(launch, SavedState(None, "", pytest.fail), self.tasks, self.posted.append)
        self.workspace.add_images([str(folder / name) for name in ("a.png", "b.png")])
        self.history = UndoHistory(self.workspace.notify)
        self.setup = SetupService(self.workspace, self._look, self.history)
        self.prompts = ItemPromptService(self.workspace, pytest.fail, self.history)

    def _look(self) -> None:
        self.looked += 1

    @property
    def said(self) -> list[str]:
        return [message.text for message in self.posted if isinstance(message, UserNotice)]

    def go_to(self, folder: Path) -> None:
        workspace = self.workspace
        workspace.show_rows(FolderListing(folder), Results(workspace.plan, workspace.context))
        self.setup.rows_shown()


@pytest.fixture
async def services(tmp_path: Path) -> Any:
    services = Services(tmp_path)
    yield services
    await services.tasks.close()


async def test_topic_prompt_and_reference_go_back_to_what_they_were(services: Services) -> None:
    setup, history, workspace = services.setup, services.history, services.workspace
    begun = workspace.context
    setup.set_prompt("a cabin", "two cabins")
    setup.set_prompt("a cabin", "two cabins")
    setup.set_prompt("", "a prompt of more words than anybody has to read to know it again")
    setup.set_reference("/x/img_3.png")
    setup.set_reference("/x/img_7.png")
    setup.set_reference("/x/img_7.png")
    setup.set_reference("/y/img_7.png")
    setup.clear_reference()
    assert services.said == [
        "reference: img_3.png, was none; u undoes",
        "reference: img_7.png, was img_3.png; u undoes",
        "reference: img_7.png, as before",
        "reference: /y/img_7.png, was /x/img_7.png; u undoes",
        "reference: none, was img_7.png; u undoes",
    ]
    ended = workspace.context
    what = []
    while (step := await history.undo()) is not None:
        what.append(step.what)
    assert what == [
        "clearing the reference",
        "reference img_7.png",
        "reference img_7.png",
        "reference img_3.png",
        'clearing the topic and prompt "a prompt of more words than anybody has…"',
        'prompt "two cabins"',
    ]
    assert workspace.context == begun
    while await history.redo() is not None:
        pass
    assert workspace.context == ended


async def test_weights_and_switches_go_back_and_models_are_looked_for_again(services: Services) -> None:
    setup, history, workspace = services.setup, services.history, services.workspace
    begun = workspace.choice
    weights = {**workspace.weights, "clip": 0.5}
    assert setup.set_weights(weights) == ""
    assert setup.set_weights(weights) == ""
    assert setup.set_weights(weights, [metric for metric in workspace.enabled if metric != "blip2"]) == ""
    step = await history.undo()
    assert step is not None and step.what == "BLIP2 off"
    assert services.looked == 2 and "blip2" in workspace.enabled
    step = await history.undo()
    assert step is not None and step.what == f"weight of CLIP {begun.weights['clip']:g} to 0.5"
    assert workspace.choice == begun
    assert await history.undo() is None
    await history.redo()
    assert workspace.weights["clip"] == 0.5


async def test_what_was_changed_in_another_folder_stays_and_that_is_said(services: Services, tmp_path: Path) -> None:
    services.setup.set_prompt("a cabin", "two cabins")
    services.setup.set_weights({**services.workspace.weights, "clip": 0.5})
    services.go_to(tmp_path)
    assert services.history.newest(str(tmp_path)) is not None
    services.go_to(tmp_path / "other")
    assert await services.history.undo() is None
    assert services.said == ["nothing to undo; changes of rows that are no longer shown stay"]
    assert services.workspace.context.prompt == "two cabins"


async def test_the_folder_and_a_stored_run_in_its_place_are_undone_each_in_its_turn(services: Services) -> None:
    setup, history, workspace = services.setup, services.history, services.workspace
    setup.set_prompt("a cabin", "two cabins")
    workspace.behind = FolderBehind(workspace.listing, workspace.choice, workspace.context)
    workspace.viewed = SimpleNamespace(id="7")  # type: ignore[assignment]
    setup.rows_shown()
    assert await history.undo() is None
    assert services.said[-1] == "that was changed in the folder, not in this stored run; esc goes back to it"
    setup.set_prompt("a cabin", "three cabins")
    await history.undo()
    await history.redo()
    assert workspace.context.prompt == "three cabins"
    # The run is left.
    setup_of_folder = workspace.behind.context
    workspace.behind = workspace.viewed = None
    workspace.results.context = setup_of_folder
    setup.rows_shown()
    step = await history.undo()
    assert step is not None and step.what == 'prompt "two cabins"'
    assert workspace.context.prompt == "one cabin"


async def test_the_prompt_of_one_image_and_leaving_all_of_them_are_undone(services: Services) -> None:
    prompts, history, workspace = services.prompts, services.history, services.workspace
    row = workspace.results.rows[1]
    await prompts.edit(row, "mine")
    await prompts.edit(row, "mine, too")
    await prompts.leave()
    assert row.own is None
    seen = []
    while (step := await history.undo()) is not None:
        seen.append((step.what, row.own.prompt if row.own is not None else None))
    assert seen == [
        ("leaving the images' own prompts", "mine, too"),
        ("prompt of b.png", "mine"),
        ("prompt of b.png", None),
    ]
    assert workspace.item_prompts.entries == {}
    for _ in seen:
        await history.redo()
    assert row.own is None and workspace.item_prompt_count == 0
    await history.undo()
    assert dataclasses.asdict(row.own)["prompt"] == "mine, too"

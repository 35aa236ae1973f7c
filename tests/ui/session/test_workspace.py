"""Services change the workspace and nothing else: no application, no worker and no store is needed to use them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from aim_tui.core.scoring.context import Context
from aim_tui.settings.settings import load_settings
from aim_tui.ui.concurrency import Tasks
from aim_tui.ui.launch import Launch
from aim_tui.ui.session.item_prompts import ItemPromptService
from aim_tui.ui.session.messages import SetupChanged, UserNotice
from aim_tui.ui.session.prompt_file import ItemPrompts
from aim_tui.ui.session.saved_state import SavedState
from aim_tui.ui.session.setup import SetupService
from aim_tui.ui.session.undo_history import UndoHistory
from aim_tui.ui.session.workspace import Listeners, Workspace

if TYPE_CHECKING:
    from pathlib import Path

    from textual.message import Message


@pytest.fixture
async def posted() -> list[Message]:
    return []


@pytest.fixture
async def workspace(tmp_path: Path, posted: list[Message]) -> Any:
    launch = Launch(tmp_path, load_settings().profile("aim"), context=Context("a cabin", "one cabin"))
    tasks = Tasks(lambda error: pytest.fail(str(error)))
    workspace = Workspace(launch, SavedState(None, "", pytest.fail), tasks, posted.append)
    workspace.add_images([str(tmp_path / name) for name in ("a.png", "b.png")])
    yield workspace
    await tasks.close()


async def test_another_prompt_is_in_the_context_and_the_screen_is_told(workspace: Any, posted: Any) -> None:
    looked = lambda: pytest.fail("no metric was switched on")  # noqa: E731
    SetupService(workspace, looked, UndoHistory(workspace.notify)).set_prompt("a barn", "two barns")
    assert (workspace.context.topic, workspace.context.prompt) == ("a barn", "two barns")
    assert [type(message) for message in posted] == [SetupChanged]


async def test_switching_metrics_looks_for_models_and_weights_that_make_no_sense_change_nothing(workspace: Any) -> None:
    looked: list[None] = []
    setup = SetupService(workspace, lambda: looked.append(None), UndoHistory(workspace.notify))
    before = workspace.choice
    assert setup.set_weights({"clip": -1.0})
    assert workspace.choice is before and not looked
    assert setup.set_weights(before.weights, {"clip"}) == ""
    assert workspace.plan.metrics == ("clip",) and workspace.enabled == ("clip",)
    assert len(looked) == 1


async def test_a_prompt_of_one_image_is_compared_where_there_is_no_common_one(workspace: Any, posted: Any) -> None:
    history = UndoHistory(workspace.notify)
    SetupService(workspace, lambda: None, history).set_prompt("a cabin", "")
    assert "clip" in workspace.skipped
    scored: list[int] = []
    prompts = ItemPromptService(workspace, scored.append, history)
    row = workspace.results.rows[1]
    await prompts.edit(row, "my cabin")
    assert row.own == Context(prompt="my cabin")
    assert "clip" not in workspace.skipped and "clip" in workspace.plan.metrics
    assert (workspace.item_prompt_count, workspace.edited_prompt_count) == (1, 1)
    assert workspace.prompt_origin(row) == "its own, edited here"
    assert workspace.take_changed() == [1] and not scored
    await prompts.leave()
    assert row.own is None and workspace.item_prompts == ItemPrompts("", {})
    assert [message.text for message in posted if isinstance(message, UserNotice)] == [
        "1 image is compared with everybody's prompt again"
    ]


def test_listeners_are_called_in_the_order_in_which_they_were_added() -> None:
    calls: list[tuple[str, int]] = []
    listeners: Listeners[[int]] = Listeners()
    listeners.add(lambda number: calls.append(("first", number)))
    listeners.add(lambda number: calls.append(("second", number)))
    listeners(3)
    assert calls == [("first", 3), ("second", 3)]


async def test_an_error_that_nothing_expected_in_a_task_is_passed_on_and_not_swallowed() -> None:
    heard: list[BaseException] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: heard.append(context["exception"]))

    async def fails() -> None:
        raise KeyError("x")

    await Tasks(lambda error: pytest.fail(str(error))).run(fails())
    assert [type(error) for error in heard] == [KeyError]

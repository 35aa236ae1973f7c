"""Where prompts come from: everybody's, or what each image brings; and the prompt of one image."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import App
from textual.binding import BindingType

from aim_tui.core.scoring.results import Row
from aim_tui.core.text import file_name, printable
from aim_tui.ui.dialogs.ask import AskScreen
from aim_tui.ui.dialogs.confirm import ConfirmScreen
from aim_tui.ui.dialogs.menu import MenuItem, MenuScreen, menu_bindings

if TYPE_CHECKING:
    from aim_tui.ui.session.session import Session

#: By the name that the screen answers with.
PROMPT_CHOICES: dict[str, MenuItem] = {
    "metadata": MenuItem("m", "From metadata", "As A1111, ComfyUI, InvokeAI or EXIF have it"),
    "metadata-tags": MenuItem("l", "Metadata, <lora:...>", "The same, with <lora:...> and the like kept"),
    "sidecar": MenuItem("s", "From sidecar files", "name.txt or name.json beside name.png"),
    "filename": MenuItem("n", "From file names", "The words of each name"),
    "edit": MenuItem("e", "Edit this one", "The prompt of the current image alone"),
    "leave": MenuItem("a", "Everybody's", "Compare all images with the one prompt again"),
}


class ItemPromptsScreen(MenuScreen):
    """Where prompts come from."""

    BINDING_GROUP_TITLE = "Prompts of images"
    BINDINGS: ClassVar[list[BindingType]] = menu_bindings("prompts", PROMPT_CHOICES, "I")
    items = PROMPT_CHOICES


async def change_prompts(app: App[int], session: Session, row: Row, name: str = "") -> None:
    """Ask where prompts are to come from, where that is not said, and take them from there."""
    prompts, workspace = session.item_prompts, session.workspace
    of = f"{workspace.item_prompt_count} of {len(workspace.results.rows)} images have a prompt of their own"
    chosen: str | None = name or await app.push_screen_wait(ItemPromptsScreen(of))
    match chosen:
        case "edit":
            await edit_prompt(app, session, row)
        case "leave":
            if await _may_leave(app, session):
                await prompts.leave()
        case str():
            prompts.take(chosen)


async def edit_prompt(app: App[int], session: Session, row: Row) -> None:
    """Ask for the prompt of one image."""
    before = " ".join(session.workspace.context.overlaid(row.own).prompt.split())
    about = f"What {printable(file_name(row.path))} alone is compared with; empty: everybody's prompt."
    text = await app.push_screen_wait(AskScreen("Prompt of this image", about, printable(before), lambda text: ""))
    if text is not None and text != printable(before):
        await session.item_prompts.edit(row, text)


async def _may_leave(app: App[int], session: Session) -> bool:
    """Nothing that was written by hand is given up without a question."""
    if many := session.workspace.edited_prompt_count:
        about = f"{many} prompt{'s that were' if many != 1 else ' that was'} edited here will be forgotten."
        if not await app.push_screen_wait(ConfirmScreen("Discard them?", lambda: about, "Discard", "Keep")):
            return False
    return True

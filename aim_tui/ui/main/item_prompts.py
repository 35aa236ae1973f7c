"""Where prompts come from: everybody's, or what each image brings; and the prompt of one image."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import App
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from aim_tui.core.scoring.results import Row
from aim_tui.core.text import file_name, printable
from aim_tui.ui.dialogs.ask import AskScreen
from aim_tui.ui.dialogs.confirm import ConfirmScreen
from aim_tui.ui.dialogs.dialog import Dialog
from aim_tui.ui.main.marked_menu import Choice

if TYPE_CHECKING:
    from aim_tui.ui.session.session import Session

#: By the name that the screen answers with.
PROMPT_CHOICES: dict[str, Choice] = {
    "metadata": Choice("m", "From metadata", "As A1111, ComfyUI, InvokeAI or EXIF have it"),
    "sidecar": Choice("s", "From sidecar files", "name.txt or name.json beside name.png"),
    "filename": Choice("n", "From file names", "The words of each name"),
    "edit": Choice("e", "Edit this one", "The prompt of the current image alone"),
    "leave": Choice("a", "Everybody's", "Compare all images with the one prompt again"),
}


class ItemPromptsScreen(Dialog[str]):
    """The name of what is to be done, or None."""

    BINDING_GROUP_TITLE = "Prompts of images"
    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(choice.key, f"choose('{name}')", choice.title, tooltip=choice.about, id=f"prompts.{name}")
            for name, choice in PROMPT_CHOICES.items()
        ),
        Binding("q,I", "close", "Close", show=False, tooltip="Close and do nothing", id="prompts.close"),
    ]

    def __init__(self, about: str) -> None:
        super().__init__("Prompts of images")
        self._about = about

    def body(self) -> list[Widget]:
        """How it is now, and a line for each key."""
        lines = [
            Content.assemble((f" {choice.key}  ", "bold $text-accent"), f"{choice.title:<20}", (choice.about, "dim"))
            for choice in PROMPT_CHOICES.values()
        ]
        return [Static(Content.styled(self._about, "bold")), *(Static(line, markup=False) for line in lines)]

    def keys(self) -> str:
        """The keys that matter."""
        return "a letter chooses · esc closes"

    def action_choose(self, name: str) -> None:
        """Answer with it."""
        self.dismiss(name)


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
        if not await app.push_screen_wait(ConfirmScreen("Give them up?", lambda: about, "Give up", "Keep")):
            return False
    return True

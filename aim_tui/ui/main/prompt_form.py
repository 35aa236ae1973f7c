"""Topic and prompt: edited in place, saved by leaving them, restored with escape, with CLIP's view of the prompt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.events import DescendantBlur
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Input, Static

from aim_tui.core.text import printable

if TYPE_CHECKING:
    from aim_tui.ipc.protocol import TokenCount

# Long enough that typing does not ask for every letter, short enough to feel live.
_ASK_AFTER_SECONDS = 0.15
# Beyond this share of letters that the tokenizer knows only as bytes, the model never learned the script.
_FOREIGN = 0.3

# The model named loads with transformers' own classes, without code of its own; the multilingual checkpoints of
# OpenCLIP (laion/…-xlm-roberta-…) do not.
FOREIGN_HINT = (
    "this CLIP knows this script only as bytes: its score means little; one that reads it is "
    "google/siglip-base-patch16-256-multilingual"
)


class TextField(Input):
    """One line of text with a history of what was saved before."""

    BINDING_GROUP_TITLE = "Text"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "older", "Older text", show=False, tooltip="The text saved before", id="field.older"),
        Binding("down", "newer", "Newer text", show=False, tooltip="Towards the newest text", id="field.newer"),
    ]

    def __init__(self, value: str, placeholder: str, id: str, history: Sequence[str] = ()) -> None:
        super().__init__(printable(value), placeholder=placeholder, id=id, compact=True, select_on_focus=False)
        self.saved = printable(value)
        self._history = [printable(text) for text in history]
        self._older: list[str] = []
        self._position = 0
        self._draft = ""

    @property
    def edited(self) -> bool:
        """Whether it holds something that was not saved."""
        return self.value != self.saved

    def keep(self) -> str:
        """Take the present text as the saved one; returns it."""
        self.value = self.value.strip()
        self._history = [text for text in dict.fromkeys([self.value, self.saved, *self._history]) if text]
        self.saved = self.value
        self._position = 0
        return self.saved

    def restore(self) -> None:
        """Give the saved text back."""
        self.value = self.saved
        self._position = 0

    def take_over(self, text: str) -> None:
        """Show a text that was set elsewhere, as saved."""
        self.saved = self.value = printable(text)

    def action_older(self) -> None:
        """Show the text that was saved before."""
        if self._position == 0:
            # What is saved now is not gone back to: it is where the way begins, or what was typed over.
            self._draft = self.value
            self._older = [text for text in self._history if text not in (self.saved, self.value)]
        if self._position < len(self._older):
            self._position += 1
            self._show_older()

    def action_newer(self) -> None:
        """Go back towards the newest text, and to what was being written."""
        if self._position > 0:
            self._position -= 1
            self._show_older()

    def _show_older(self) -> None:
        self.value = self._older[self._position - 1] if self._position else self._draft
        self.cursor_position = len(self.value)


class PromptForm(Vertical):
    """The two texts that images are judged against."""

    BINDING_GROUP_TITLE = "Topic and prompt"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "restore", "Cancel", tooltip="Restore the saved texts and leave", id="prompt.restore"),
        Binding("tab,shift+tab", "other_field", "Topic or prompt", tooltip="Edit the other text", id="prompt.other"),
    ]

    class Saved(Message):
        """The form was left with other texts than were saved: `take` gives them."""

    @dataclass
    class Edited(Message):
        """The prompt reads like this now; it is not saved yet."""

        prompt: str

    class Left(Message):
        """The form is done with the keyboard."""

    def __init__(self, topic: str, prompt: str, topics: Sequence[str] = (), prompts: Sequence[str] = ()) -> None:
        """`topics` and `prompts` were saved before, the newest first."""
        super().__init__(id="prompt-form")
        self._topic = TextField(topic, "what the picture shows, for the caption similarity", "topic", topics)
        self._prompt = TextField(prompt, "what the picture was asked to be, for CLIP", "prompt", prompts)
        self._tokens = Static(id="tokens", markup=False)
        self._hint = Static(id="prompt-hint", markup=False)
        self._asking: Timer | None = None

    def compose(self) -> ComposeResult:
        """Two labelled fields, the counter beside the prompt, and a line for what is wrong with it."""
        with Horizontal(classes="field"):
            yield Static("Topic", classes="field-label")
            yield self._topic
        with Horizontal(classes="field"):
            yield Static("Prompt", classes="field-label")
            yield self._prompt
            yield self._tokens
        yield self._hint

    def edit(self) -> None:
        """Put the cursor into the prompt."""
        self._prompt.focus()
        self._prompt.cursor_position = len(self._prompt.value)

    @property
    def prompt(self) -> str:
        """The prompt as it reads now, saved or not."""
        return self._prompt.value

    def show(self, topic: str, prompt: str) -> None:
        """Show texts that were set elsewhere; what is being edited is left alone."""
        for field, text in ((self._topic, topic), (self._prompt, prompt)):
            if field.saved != printable(text) and not field.edited:
                field.take_over(text)

    def show_tokens(self, text: str, count: TokenCount | None) -> None:
        """Show how CLIP sees a prompt; an answer about another text is out of date."""
        if text != self._prompt.value:
            return
        over = count is not None and (count.cut_at is not None or count.tokens > count.limit)
        self._tokens.update(f"{count.tokens}/{count.limit}" if count else "")
        self._tokens.set_class(over, "-over")
        self._show_hint(_hint(text, count))

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        self.set_class(self._topic.edited or self._prompt.edited, "-edited")
        if event.input is self._prompt:
            if self._asking is not None:
                self._asking.stop()
            self._asking = self.set_timer(_ASK_AFTER_SECONDS, self._ask)

    def _ask(self) -> None:
        self.post_message(self.Edited(self._prompt.value))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(self.Saved())
        self.post_message(self.Left())

    def take(self) -> tuple[str, str] | None:
        """Topic and prompt as they read now, from here on saved; None where nothing was edited."""
        if not (self._topic.edited or self._prompt.edited):
            return None
        self.remove_class("-edited")
        return self._topic.keep(), self._prompt.keep()

    @on(DescendantBlur)
    def _maybe_left(self) -> None:
        # A terminal in the background takes the focus too, and gives it back.
        if self.app.app_focus:
            self.call_later(self._save_if_left)

    def _save_if_left(self) -> None:
        if not self.has_focus_within:
            self.post_message(self.Saved())

    def action_other_field(self) -> None:
        """Edit the other of topic and prompt."""
        (self._prompt if self._topic.has_focus else self._topic).focus()

    def action_restore(self) -> None:
        """Give both saved texts back."""
        self._topic.restore()
        self._prompt.restore()
        self.post_message(self.Left())

    def _show_hint(self, hint: Content) -> None:
        self._hint.update(hint)
        self._hint.display = bool(hint)


def _hint(text: str, count: TokenCount | None) -> Content:
    """What is wrong with how CLIP reads the prompt; empty where nothing is."""
    if count is None:
        return Content("")
    if count.cut_at is not None:
        cut = printable(text[count.cut_at :]).strip()
        return Content.assemble("CLIP does not see the end: ", (f"…{cut}", "strike"))
    if count.bytes_only > _FOREIGN:
        return Content(FOREIGN_HINT)
    return Content("")

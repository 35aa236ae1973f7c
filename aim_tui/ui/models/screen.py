"""Which models are missing and how large they are, with a way out on one key each."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from aim_tui.core.text import printable
from aim_tui.ui.dialogs.dialog import SCROLLING, Dialog
from aim_tui.ui.session.local_models import LocalModels

if TYPE_CHECKING:
    from aim_tui.hub.inventory import ModelState

_LOOK_EVERY_SECONDS = 0.2
_BAR_CELLS = 24


class ModelsChoice(StrEnum):
    """A way out that leaves this screen."""

    SAMPLE = "sample"
    PROFILE = "profile"
    FOLDER = "folder"


class ModelsScreen(Dialog[ModelsChoice]):
    """Fetching goes on when the screen is closed; everything that needs no model works all the while."""

    BINDING_GROUP_TITLE = "Models"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "f", "fetch", "Fetch", tooltip="Fetch what is missing; a fetch that was cut off goes on", id="models.fetch"
        ),
        Binding("s", "choose('sample')", "Sample models", tooltip="Use the embedded sample models", id="models.sample"),
        Binding("p", "choose('profile')", "Profile", tooltip="Choose another profile", id="models.profile"),
        Binding("l", "choose('folder')", "Local folder", tooltip="Use a model from a folder here", id="models.folder"),
        Binding("x", "cancel", "Cancel fetch", tooltip="End the fetch; what has come is kept", id="models.cancel"),
        *SCROLLING,
        Binding("q", "close", "Close", show=False, tooltip="Close; M shows this again", id="models.close"),
    ]

    def __init__(
        self, profile: str, models: LocalModels, *, fetch: Callable[[], None], cancel: Callable[[], None]
    ) -> None:
        super().__init__(f"Models of the profile {printable(profile)}")
        self._models = models
        self._fetch = fetch
        self._cancel = cancel
        self._page = Static(markup=False)
        self._shown = Content("")

    def body(self) -> list[Widget]:
        """One page, painted anew while a fetch runs."""
        return [self._page]

    def on_mount(self) -> None:
        """Look at the models now and then: a fetch counts its bytes there."""
        self._paint()
        self.set_interval(_LOOK_EVERY_SECONDS, self._paint)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Fetching is offered where something can be fetched, cancelling where a fetch runs."""
        if action == "cancel":
            return self._models.fetching is not None
        if action == "fetch":
            return self._models.fetching is None and bool(self._models.missing)
        return True

    def action_fetch(self) -> None:
        """Fetch what is missing."""
        self._fetch()

    def action_cancel(self) -> None:
        """End the fetch."""
        self._cancel()

    def action_choose(self, choice: str) -> None:
        """Leave by another way."""
        self.dismiss(ModelsChoice(choice))

    def _paint(self) -> None:
        page = models_page(self._models)
        if page != self._shown:
            self._shown = page
            self._page.update(page)
            self.refresh_bindings()


def models_page(models: LocalModels) -> Content:
    """What is here, what is not, how far a fetch has come, and the keys."""
    lines = [_line(state) for state in models.states or ()]
    missing = models.missing
    if models.states is None:
        lines.append(Content("looking…"))
    elif not missing:
        lines += [Content(""), Content("All models are on this machine."), Content("")]
        lines += [_key("p", "choose another profile"), _key("l", "use a folder on this machine")]
    else:
        lines += [Content(""), Content(_total(missing)), Content("")]
        lines += _fetch_lines(models)
        lines += [
            _key("s", "use the sample models: tiny, embedded, for trying out"),
            _key("p", "choose another profile"),
            _key("l", "use a folder on this machine"),
            Content(""),
            Content.styled("Browsing, filters and weights work meanwhile; M shows this again.", "$foreground-muted"),
        ]
    return Content("\n").join(lines)


def _fetch_lines(models: LocalModels) -> list[Content]:
    lines: list[Content] = []
    if models.fetching is not None:
        now = models.fetching
        share = now.done / now.total if now.total else 0.0
        full = round(_BAR_CELLS * min(share, 1.0))
        bar = Content.assemble(("━" * full, "$primary"), ("─" * (_BAR_CELLS - full), "$foreground-disabled"))
        size = f"{human_bytes(now.done)} of {human_bytes(now.total)}" if now.total else "asking the hub…"
        lines.append(Content.assemble(bar, f" {size}  ", (f"{now.role} {now.file}".strip(), "$foreground-muted")))
        lines.append(_key("x", "cancel; what has come is kept"))
    else:
        if models.problem:
            lines.append(Content.styled(printable(models.problem), "$text-error"))
        lines.append(_key("f", "fetch them; a fetch that was cut off goes on where it was"))
    return lines


def _line(state: ModelState) -> Content:
    sign = ("✓ ", "$text-success") if state.complete else ("! ", "bold $text-warning")
    name = Content.assemble(sign, (f"{state.role:<10}", "bold"), printable(state.name))
    if state.complete:
        return name + Content.styled(f"  {human_bytes(state.bytes_on_disk)}", "$foreground-muted")
    left = f"about {human_bytes(state.bytes_to_fetch)} to fetch" if state.bytes_to_fetch else ""
    detail = ", ".join(part for part in (printable(state.problem), left) if part)
    return name + Content.styled(f"\n            {detail}", "$foreground-muted")


def _total(missing: list[ModelState]) -> str:
    sizes = [state.bytes_to_fetch for state in missing]
    known = sum(size for size in sizes if size)
    more = "" if all(sizes) else " and what has no known size"
    word = "model is" if len(missing) == 1 else "models are"
    return f"{len(missing)} {word} not on this machine" + (
        f": about {human_bytes(known)}{more} to fetch." if known else "."
    )


def _key(key: str, about: str) -> Content:
    return Content.assemble((key, "bold $text-accent"), f"  {about}")


def human_bytes(count: int | None) -> str:
    """A size as a person reads it, in powers of 1000 as hubs and disks count."""
    if count is None:
        return "an unknown size"
    size = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000 or unit == "GB":
            break
        size /= 1000
    return f"{size:.3g} {unit}" if size < 1000 else f"{size:.0f} {unit}"

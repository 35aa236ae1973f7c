"""Takes the pictures of the README: the real application, the real worker, the sample images.

python docs/screenshots.py [FOLDER]              the pictures of the README, into docs/images
python docs/screenshots.py FOLDER 80x24 120x40   every screen at these sizes, to look at
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

# Pictures show what a terminal with all colours shows, wherever they are taken; Textual reads these at import.
os.environ |= {"TERM": "xterm-256color", "COLORTERM": "truecolor", "AIM_TUI_IMAGES": "half"}
os.environ["XDG_STATE_HOME"] = os.environ["XDG_CONFIG_HOME"] = f"{tempfile.gettempdir()}/aim-tui-pictures/home"
os.environ.pop("NO_COLOR", None)


from typing import TYPE_CHECKING, Any

from aim_tui.core.scoring.context import Context
from aim_tui.core.scoring.plan import Status
from aim_tui.inputs.demo_data import load_demo_data
from aim_tui.settings.settings import load_settings
from aim_tui.ui.app import AimApp
from aim_tui.ui.duel.screen import DuelScreen
from aim_tui.ui.embeddings.matrix import MatrixScreen
from aim_tui.ui.history.pair_list import PairList
from aim_tui.ui.launch import Launch
from aim_tui.ui.main.screen import MainScreen

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from textual.pilot import Pilot

    Shot = Callable[["Visit"], Awaitable[None]]

DEADLINE_SECONDS = 300
#: So many images, and so often asked: enough that some of them are told apart.
DUELLISTS, DUELS = 8, 90
WORK = Path(tempfile.gettempdir()) / "aim-tui-pictures"
SAMPLE = load_demo_data()
#: What the images are held against.
TEXTS = ("two wooden cabins", "a lake at night", "trees in autumn", "a wooden cabin in the snow", "a green meadow")


class Visit:
    """The application open at one size, the way to each screen, and the camera."""

    def __init__(self, app: AimApp, pilot: Pilot[int], folder: Path) -> None:
        self.app = app
        self.pilot = pilot
        self.folder = folder

    async def until(self, condition: Callable[[], Any]) -> None:
        """Let the application run until a condition holds."""
        for _ in range(DEADLINE_SECONDS * 20):
            if condition():
                return
            await self.pilot.pause(0.05)
        raise SystemExit(f"it never came to be on {self.app.screen!r}")

    async def shows(self, text: str) -> None:
        """Wait for words without a space."""
        await self.until(lambda: text in self.app.export_screenshot())

    async def press(self, *keys: str) -> None:
        """Press keys one after another."""
        await self.pilot.press(*keys)

    async def keep(self, name: str) -> None:
        """Write the screen as SVG once it rests."""
        self.app.clear_notifications()
        # Pictures within it are drawn a moment after the cursor rests.
        await self.pilot.pause(1.5)
        (self.folder / f"{name}.svg").write_text(self.app.export_screenshot(title="aim-tui"), encoding="utf-8")

    async def home(self) -> None:
        """Back to the table, at the best image."""
        while not isinstance(self.app.screen, MainScreen):
            await self.press("escape")
        await self.press("comma", "f", "g")

    async def scored(self) -> None:
        """Wait until every image has its scores."""
        session = self.app.session
        await self.until(lambda: session.results.rows and session.running is None and not session.recalling)
        await self.until(lambda: all(row.status is not Status.PENDING for row in session.results.rows))
        await self.until(lambda: session.judging.recalled and self.app.typed.settled())


# -- each screen -----------------------------------------------------------------------------------------------------


async def main(visit: Visit) -> None:
    """The table."""
    await visit.keep("main")


async def sort(visit: Visit) -> None:
    """The line that waits for a letter."""
    await visit.press("comma")
    await visit.keep("sort")


async def marks(visit: Visit) -> None:
    """The menu of what can be done with marked images, and the form of a rule."""
    await visit.press("space", "space", "space", "b")
    await visit.keep("batch")
    await visit.press("escape", "asterisk", *"top 5")
    await visit.keep("rule")
    await visit.press("escape", "escape")


async def grid(visit: Visit) -> None:
    """The contact sheet."""
    await visit.press("j", "space", "space", "g", "t")
    await visit.keep("grid")
    await visit.press("q", "escape")


async def review(visit: Visit) -> None:
    """An image that has been rated."""
    await visit.press("j", "i", *"54", "k")
    await visit.until(lambda: not visit.app.session.judging.waiting)
    await visit.keep("review")


async def pair(visit: Visit) -> None:
    """Two images beside each other, then where they differ."""
    await visit.press(*"jjjjjjjjjjjjjc")
    await visit.keep("pair")
    await visit.press("d")
    await visit.shows("LPIPS")
    await visit.keep("pair-difference")


async def explain(visit: Visit) -> None:
    """Why an image scores as it does."""
    await visit.press("j", "e")
    await visit.keep("explain")


async def heatmap(visit: Visit) -> None:
    """Which regions of an image answer to the prompt."""
    await visit.press("j", "A")
    await visit.shows("share")
    await visit.keep("heatmap")


async def dialogs(visit: Visit) -> None:
    """Help, weights, models, and the image on the whole screen."""
    for name, key in {"help": "question_mark", "weights": "w", "models": "M", "view": "z"}.items():
        await visit.press(key)
        await visit.keep(name)
        await visit.home()


async def duel(visit: Visit) -> None:
    """A pair of images, and what answers by final score, with some ties, add up to."""
    await visit.press("g", *["space"] * DUELLISTS, "D")
    await visit.until(lambda: isinstance(visit.app.screen, DuelScreen) and visit.app.screen.pair)
    await visit.keep("duel")
    screen: Any = visit.app.screen
    rows = {row.path: row.final for row in visit.app.session.results.rows}
    for number in range(DUELS):
        left, right = (rows[screen._desk.images[image].path] for image in screen.pair)
        before = screen._desk.counting
        await visit.press("t" if number % 9 == 8 else "h" if left > right else "l")
        await visit.until(lambda before=before: screen._desk.counting > before and screen.pair)
    await visit.press("r")
    await visit.keep("ranking")
    await visit.press("q", "q", "escape")


async def history(visit: Visit) -> None:
    """Stored runs, and two of them compared."""
    visit.app.session.set_prompt("A red house by the sea", SAMPLE.prompt)
    await visit.press("s")
    await visit.pilot.pause(1)
    await visit.scored()
    await visit.press("H")
    await visit.shows("runs")
    await visit.keep("history")
    await visit.press("space", "space", "c")
    await visit.until(lambda: visit.app.screen.query(PairList))
    await visit.keep("compare")


async def edits(visit: Visit) -> None:
    """The sample edits with right and wrong instructions, scored; and one of them in review."""
    await visit.press("E", "ctrl+u", *str(WORK / "edits" / "adversarial_dataset.json"), "enter")
    await visit.until(lambda: visit.app.session.edits.open is not None)
    await visit.press("s")
    await visit.until(lambda: not visit.app.session.edits.busy and not visit.app.session.edits.left())
    await visit.press("j")
    await visit.keep("edits")
    await visit.press("enter", "2", "k")
    await visit.until(lambda: not visit.app.session.edits.ratings.waiting)
    await visit.keep("edit-review")


async def matrix(visit: Visit) -> None:
    """The sample images against some texts, by how well the first of them fits."""
    texts, found = WORK / "texts.txt", WORK / "matrix.json"
    await asyncio.to_thread(texts.write_text, "\n".join(TEXTS), encoding="utf-8")
    asked = ("matrix", str(visit.app.session.listing.folder), "--texts", str(texts), "--output", str(found))
    command = await asyncio.create_subprocess_exec(sys.executable, "-m", "aim_tui", *asked, "--profile", "sample")
    if await command.wait():
        raise SystemExit(f"aim-tui {' '.join(asked)} ended with {command.returncode}")
    await visit.press("O", "ctrl+u", *str(found), "enter")
    await visit.until(lambda: isinstance(visit.app.screen, MatrixScreen))
    await visit.press("s", "g", "j")
    await visit.keep("matrix")


SHOTS: tuple[Shot, ...] = (
    main,
    sort,
    marks,
    grid,
    review,
    pair,
    explain,
    heatmap,
    dialogs,
    duel,
    history,
    edits,
    matrix,
)

#: The pictures of the README, each in a size in which it can be read there.
README: dict[tuple[int, int], tuple[tuple[Shot, ...], tuple[str, ...]]] = {
    (160, 50): ((main,), ("main",)),
    (100, 36): ((explain, edits), ("explain", "edits")),
    (100, 28): (
        (grid, review, pair, heatmap, duel, history),
        ("grid", "review", "pair", "heatmap", "duel", "ranking", "history", "compare"),
    ),
    (120, 32): ((matrix,), ("matrix",)),
    (80, 24): ((main,), ("main",)),
}


# -- the visits ------------------------------------------------------------------------------------------------------


@contextmanager
def workplace() -> Iterator[Path]:
    """The sample images in a folder whose name says nothing of the machine; gone afterwards."""
    shutil.rmtree(WORK, ignore_errors=True)
    try:
        shutil.copytree(SAMPLE.generations.parent / "edits", WORK / "edits")
        yield Path(shutil.copytree(SAMPLE.generations, WORK / "generations"))
    finally:
        shutil.rmtree(WORK, ignore_errors=True)


async def take(folder: Path, size: tuple[int, int], shots: tuple[Shot, ...] = SHOTS) -> None:
    """Screens at one size, into a folder."""
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    with workplace() as images:
        settings = load_settings()
        launch = Launch(
            folder=images,
            profile=settings.profile("sample"),
            profiles=settings.profiles,
            context=Context(SAMPLE.topic, SAMPLE.prompt, str(images / SAMPLE.reference.name)),
            start_scoring=True,
            store=WORK / "store.db",
            rater="ann",
        )
        app = AimApp(launch)
        async with app.run_test(size=size) as pilot:
            visit = Visit(app, pilot, folder)
            await visit.scored()
            for shot in shots:
                await visit.home()
                await shot(visit)


async def for_readme(folder: Path) -> None:
    """The pictures of the README, each at its own size."""
    with tempfile.TemporaryDirectory() as taken:
        for size, (shots, names) in README.items():
            await take(Path(taken), size, shots)
            for name in names:
                ending = "-80x24" if size == (80, 24) else ""
                shutil.copy(Path(taken) / f"{name}.svg", folder / f"{name}{ending}.svg")


async def _main(arguments: list[str]) -> None:
    folder = Path(arguments[0]) if arguments else Path(__file__).parent / "images"
    if not arguments[1:]:
        await for_readme(folder)
    for size in arguments[1:]:
        columns, lines = size.split("x")
        await take(folder / size, (int(columns), int(lines)))


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1:]))

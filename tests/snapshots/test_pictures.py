"""What the screens look like, kept as pictures; `pytest tests/snapshots -m "" --snapshot-update` takes
them anew.

One visit a size and colour goes through all screens, and tells of every picture that differs. The scripted worker gives
fixed scores, the folder has a fixed name, clock and chance stand still, and images are drawn as half-blocks.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import random
import shutil
import sys
import time
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import PIL.Image
import pytest
from pytest_textual_snapshot import SVGImageExtension
from textual.widgets import Input, OptionList

from aim_tui.core.metrics.spec import Role
from aim_tui.core.scoring.context import Context
from aim_tui.core.scoring.events import ImageFacts, ImageRead, Item, MetricBatch, MetricValue
from aim_tui.core.scoring.plan import ScoringPlan, Status
from aim_tui.hub.inventory import ModelState
from aim_tui.inputs.demo_data import load_demo_data
from aim_tui.settings.settings import load_settings
from aim_tui.store.database import Database
from aim_tui.store.judgements import DuelOutcome, Image, Judgements
from aim_tui.store.records import RunRequest, RunState
from aim_tui.store.runs import Runs
from aim_tui.ui.app import AimApp
from aim_tui.ui.correlation.screen import CorrelationScreen
from aim_tui.ui.duel.screen import DuelScreen
from aim_tui.ui.history.pair_list import PairList
from aim_tui.ui.launch import Launch
from aim_tui.ui.main.screen import MainScreen
from aim_tui.ui.widgets.image_preview import ImagePreview
from tests.ui.conftest import at_rest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from textual.pilot import Pilot

SCRIPTED = str(Path(__file__).parents[1] / "scripted_worker.py")
SAMPLE = load_demo_data()
SETTINGS = load_settings()
#: The best first, for the scripted worker likes low numbers; and the colours of sky, ground and house.
IMAGES = {
    "cabin_01.png": ("skyblue", "white", "saddlebrown"),
    "cabin_04.png": ("orange", "gainsboro", "maroon"),
    "two_cabins_12.png": ("steelblue", "seagreen", "peru"),
    "lake_night_30.png": ("midnightblue", "slateblue", "black"),
    "pattern_77.png": ("gold", "crimson", "teal"),
}
NAMES = tuple(IMAGES)
RATER = "ann"
#: Each size with and without colours; one of each is enough where time matters.
LOOKS = pytest.mark.parametrize(
    ("size", "colours"),
    [
        pytest.param((80, 24), "dark", id="80x24-dark", marks=pytest.mark.slow),
        pytest.param((80, 24), "no-color", id="80x24-no-color"),
        pytest.param((120, 40), "dark", id="120x40-dark"),
        pytest.param((120, 40), "no-color", id="120x40-no-color", marks=pytest.mark.slow),
    ],
)


@pytest.fixture
def folder(request: pytest.FixtureRequest) -> Iterator[Path]:
    """A few plain images under a path that is the same on every run, for the title shows it; one for each test."""
    name = request.node.name.removeprefix("test_").translate({ord("["): "-", ord("]"): None, ord("_"): "-"})
    path = Path("/tmp") / f"aim-tui-{name}"  # the temporary folder may have another name elsewhere
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir()
    for name, (sky, ground, house) in IMAGES.items():
        image = PIL.Image.new("RGB", (512, 512), sky)
        image.paste(ground, (0, 256, 512, 512))
        image.paste(house, (128, 192, 320, 384))
        image.save(path / name)
    (path / "broken.png").write_bytes(b"")
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(autouse=True)
def same_everywhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # Textual has read its environment by now.
    monkeypatch.setattr("textual.constants.COLOR_SYSTEM", "truecolor")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("AIM_TUI_IMAGES", "half")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    numbers = itertools.count(1)
    monkeypatch.setattr("aim_tui.store.runs._new_id", lambda: f"{next(numbers):016X}")
    monkeypatch.setattr("aim_tui.ui.session.duel_series.random", SimpleNamespace(Random=lambda: random.Random(5)))
    for module in ("run_list", "compare"):
        monkeypatch.setattr(f"aim_tui.ui.history.{module}.when", lambda _: "2026-03-14 15:09")


def models(complete: bool) -> Callable[..., list[ModelState]]:
    """What the inventory says: all here, or two models missing."""

    def state(role: Role, name: str, metric: str, size: int) -> ModelState:
        return ModelState(
            role=role,
            name=name,
            needed_by=(metric,),
            present=complete,
            complete=complete,
            bytes_on_disk=size if complete else 0,
            bytes_to_fetch=0 if complete else size,
            path=None,
            revision="",
            problem="" if complete else "not on this machine",
        )

    return lambda *_, **__: [
        state(Role.CLIP, "openai/clip-vit-base-patch32", "clip", 609_000_000),
        state(Role.CAPTIONER, "Salesforce/blip2-opt-2.7b", "blip2", 15_000_000_000),
    ]


# -- what is stored --------------------------------------------------------------------------------------------------


def keep_run(store: Path, folder: Path, prompt: str, values: list[float]) -> None:
    """A run with these CLIP scores."""
    profile = SETTINGS.profile("aim")
    plan = ScoringPlan(("clip",), {"clip": 1.0}, profile.rules)
    with Database.open(store) as database:
        request = RunRequest(Context(SAMPLE.topic, prompt), plan, profile, folder=str(folder))
        items = [Item(number, str(folder / name)) for number, name in enumerate(NAMES)]
        writer = Runs(database).begin(request, items)
        for item in items:
            writer.write(ImageRead(item.id, ImageFacts(8, 8, "PNG", "RGB", 1, f"{item.id:064}")))
        writer.write(MetricBatch("clip", [MetricValue(n, "present", value) for n, value in enumerate(values)]))
        writer.flush()
        writer.end(RunState.DONE, Runs(database).load(writer.id).results.summary())


def keep_judgements(store: Path, folder: Path) -> None:
    """Ratings of two raters, a note, a rejection, and duels in which names that come first win more often."""
    images = [Image(hashlib.sha256((folder / name).read_bytes()).hexdigest(), str(folder / name)) for name in NAMES]
    with Database.open(store) as database:
        judgements = Judgements(database)
        judgements.rate(images[0], 5, rater=RATER)
        judgements.rate(images[1], 4, rater=RATER)
        judgements.note(images[1], "smoke leans left", rater=RATER)
        judgements.rate(images[1], 3, rater="bob")
        judgements.reject(images[4], True, rater=RATER)
        # The stored runs know their images by these.
        for number, (mine, theirs) in enumerate([(5, 4), (3, 5), (4, 3), (2, 2), (1, 1)]):
            stored = Image(f"{number:064}", str(folder / NAMES[number]))
            judgements.rate(stored, mine, rater=RATER)
            judgements.rate(stored, theirs, rater="bob")
        for better, one in enumerate(images):
            for worse, other in enumerate(images[better + 1 :], better + 1):
                for number in range(6):
                    outcome = DuelOutcome.LEFT if number or worse - better > 2 else DuelOutcome.TIE
                    judgements.duel(one, other, outcome, rater=RATER, series="before")


# -- the visit -------------------------------------------------------------------------------------------------------


class Visit:
    """The application while it is open, and the pictures that do not look as they did."""

    def __init__(self, app: AimApp, pilot: Pilot[int], snapshot: Any) -> None:
        self.app = app
        self.pilot = pilot
        self._snapshot = snapshot
        self.differ: list[str] = []

    async def until(self, condition: Callable[[], Any]) -> None:
        deadline = time.monotonic() + 120
        while not condition():
            assert time.monotonic() < deadline, f"it never came to be on {self.app.screen!r}"
            await self.pilot.pause(0.02)

    async def shows(self, text: str) -> None:
        words = text.replace(" ", "&#160;")
        await self.until(lambda: words in self.app.export_screenshot())

    async def press(self, *keys: str) -> None:
        for key in keys:
            await self.pilot.press(key)
            assert await at_rest(self.pilot)

    async def home(self) -> None:
        """Back to the table, at the best image."""
        while not isinstance(self.app.screen, MainScreen):
            await self.press("escape")
        await self.press("comma", "f", "g")

    async def scored(self) -> None:
        session = self.app.session
        await self.until(
            lambda: (
                session.workspace.results.rows and session.workspace.running is None and not session.workspace.recalling
            )
        )
        await self.until(lambda: all(row.status is not Status.PENDING for row in session.workspace.results.rows))
        await self.until(lambda: session.ratings.recalled or session.store.path is None)
        await self.until(self.app.late_input.settled)
        await self.shows("mean")
        # A toast goes after some seconds; a picture must not depend on when it is taken.
        self.app.clear_notifications()

    async def looks(self, name: str) -> None:
        """Compare the screen with its picture when it rests."""
        for field in self.app.screen.query(Input):
            field.cursor_blink = False
        previews = [each for each in self.app.screen.query(ImagePreview) if each.size]
        if not self.app.no_color:
            await self.until(lambda: all(each.shown for each in previews))
        before = ""
        while (now := self.app.export_screenshot(title="aim-tui")) != before:
            before = now
            await self.pilot.pause(0.25)
            assert await at_rest(self.pilot)
        if now != self._snapshot(name=name):
            self.differ.append(name)


@asynccontextmanager
async def visit(
    folder: Path, size: tuple[int, int], snapshot: Any, *, store: Path | None = None, scored: bool = True
) -> AsyncIterator[Visit]:
    launch = Launch(
        folder=folder,
        profile=SETTINGS.profile("aim"),
        profiles=SETTINGS.profiles,
        context=Context(SAMPLE.topic, SAMPLE.prompt, str(folder / "cabin_01.png")),
        start_scoring=True,
        store=store,
        rater=RATER,
    )
    app = AimApp(launch, worker_command=(sys.executable, SCRIPTED))
    async with app.run_test(size=size) as pilot:
        visited = Visit(app, pilot, snapshot.use_extension(SVGImageExtension))
        if scored:
            await visited.scored()
        yield visited
    assert not visited.differ, "these look otherwise than before; --snapshot-update keeps them as they are now"


@LOOKS
async def test_every_screen_looks_as_it_did(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    snapshot: Any,
    size: tuple[int, int],
    colours: str,
) -> None:
    monkeypatch.setattr("aim_tui.ui.session.models.inspect_profile", models(complete=True))
    if colours == "no-color":
        monkeypatch.setenv("NO_COLOR", "1")
    store = tmp_path / "store.db"
    elsewhere = folder.parent / "generations"
    keep_run(store, elsewhere, "a cabin in the snow", [0.30, 0.28, 0.24, 0.12, 0.02])
    keep_run(store, elsewhere, "a cabin in the snow, with one chimney", [0.33, 0.31, 0.22, 0.12, 0.05])
    keep_judgements(store, folder)
    async with visit(folder, size, snapshot, store=store) as app:
        await app.home()
        await app.looks("main")
        await app.press("comma")
        await app.looks("sort")

        await app.home()
        await app.press("o")
        await app.looks("files")
        await app.press("o")
        await app.press("ctrl+p")
        await app.until(lambda: app.app.screen.query(OptionList).first(OptionList).option_count > 30)
        await app.looks("palette")

        for name, key in {"help": "question_mark", "weights": "w", "models": "M", "view": "z", "grid": "t"}.items():
            await app.home()
            await app.press(key)
            await app.looks(name)

        await app.home()
        await app.press("space", "space", "b")
        await app.looks("batch")
        await app.press("escape", "asterisk", *"top 3")
        await app.shows("takes 3 of 6")
        await app.looks("rule")
        await app.press("escape", "escape")

        await app.home()
        await app.press("j", "i")
        await app.shows("smoke")
        await app.looks("review")

        await app.home()
        await app.press("j", "c")
        await app.looks("pair")
        await app.press("d")
        await app.shows("lpips_score")
        await app.looks("pair-difference")

        await app.home()
        await app.press("j", "e")
        await app.shows("tokens")
        await app.looks("explain")

        await app.home()
        await app.press("j", "A")
        await app.shows("clip_score")
        await app.looks("heatmap")

        await app.home()
        await app.press(*["space"] * len(NAMES), "D")
        await app.until(lambda: isinstance(app.app.screen, DuelScreen) and app.app.screen.pair)
        await app.looks("duel")
        await app.press("r")
        await app.looks("ranking")

        await app.home()
        await app.press("H", "a")
        await app.shows("3 runs")
        await app.press("j")
        await app.looks("history")
        await app.press("space", "space", "c")
        await app.until(lambda: app.app.screen.query(PairList))
        await app.looks("comparison")

        await app.home()
        await app.press("H", "a")
        await app.shows("3 runs")
        await app.press("j", "enter")
        await app.until(lambda: isinstance(app.app.screen, MainScreen) and app.app.session.workspace.viewed)
        await app.press("K")
        await app.until(lambda: isinstance(app.app.screen, CorrelationScreen) and app.app.screen.analysis)
        await app.looks("correlation")


@LOOKS
async def test_edits_look_as_they_did(
    folder: Path, monkeypatch: pytest.MonkeyPatch, snapshot: Any, size: tuple[int, int], colours: str
) -> None:
    monkeypatch.setattr("aim_tui.ui.session.models.inspect_profile", models(complete=True))
    if colours == "no-color":
        monkeypatch.setenv("NO_COLOR", "1")
    truth = {"original_id": "a", "source_image": NAMES[0], "target_image": NAMES[1]}
    rows = [
        {"id": "correct_0", "instruction": "make the roof grey and let the sun go down", "is_correct": True, **truth},
        {"id": "wrong_0", "instruction": "a wrong one", "is_correct": False, "error_type": "opposite_action", **truth},
        {"id": "lost", "instruction": "take it away", "source_image": NAMES[2], "target_image": "broken.png"},
    ]
    (folder / "data.json").write_text(json.dumps(rows))
    async with visit(folder, size, snapshot) as app:
        await app.home()
        await app.press("E", "ctrl+u", *str(folder / "data.json"), "enter")
        await app.until(lambda: app.app.session.edits.open is not None)
        await app.press("s")
        await app.shows("2 of 3 scored")
        app.app.clear_notifications()
        await app.press("j")
        await app.looks("edits")
        await app.press("enter")
        await app.looks("edit-review")


async def test_the_main_screen_where_there_is_much_room(
    folder: Path, monkeypatch: pytest.MonkeyPatch, snapshot: Any
) -> None:
    monkeypatch.setattr("aim_tui.ui.session.models.inspect_profile", models(complete=True))
    async with visit(folder, (160, 50), snapshot) as app:
        await app.home()
        await app.looks("main")


async def test_the_first_run_without_models(folder: Path, monkeypatch: pytest.MonkeyPatch, snapshot: Any) -> None:
    monkeypatch.setattr("aim_tui.ui.session.models.inspect_profile", models(complete=False))
    async with visit(folder, (100, 30), snapshot, scored=False) as app:
        await app.shows("choose another profile")
        await app.looks("models")

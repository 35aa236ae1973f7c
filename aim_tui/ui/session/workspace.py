"""What is open: images, their setup and what is known of them. Services change it, screens read it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Generic, Literal, ParamSpec

from textual.message import Message

from aim_tui.core.metrics.profiles import Profile
from aim_tui.core.scoring.context import Context
from aim_tui.core.scoring.events import Event, Item
from aim_tui.core.scoring.jobs import EngineSettings
from aim_tui.core.scoring.plan import ScoringPlan, score
from aim_tui.core.scoring.results import Results, Row
from aim_tui.inputs.listing import CountBelow, FolderListing, LeftOut
from aim_tui.store.records import RunInfo
from aim_tui.ui.concurrency import Tasks, with_pauses
from aim_tui.ui.launch import Launch
from aim_tui.ui.session.activity import RunningJob
from aim_tui.ui.session.file_contents import FileContents
from aim_tui.ui.session.local_models import LocalModels
from aim_tui.ui.session.messages import SetupChanged, UserNotice
from aim_tui.ui.session.metric_choice import MetricChoice
from aim_tui.ui.session.prompt_file import EDITED, ItemPrompts
from aim_tui.ui.session.saved_state import Place, SavedState

Args = ParamSpec("Args")


class Listeners(Generic[Args]):
    """Functions that are called, in the order in which they were added, when something happens."""

    def __init__(self) -> None:
        self._functions: list[Callable[Args, object]] = []

    def add(self, function: Callable[Args, object]) -> None:
        """Call this one too from now on."""
        self._functions.append(function)

    def __call__(self, *args: Args.args, **kwargs: Args.kwargs) -> None:
        """It has happened."""
        for function in self._functions:
            function(*args, **kwargs)


@dataclass(frozen=True, slots=True)
class FolderBehind:
    """The folder that a stored run is shown in place of, and how it was scored."""

    listing: FolderListing
    choice: MetricChoice
    context: Context


class Workspace:
    """The state that all services share. `post` hands a message to the screen; `tasks` are cancelled at the end."""

    def __init__(
        self, launch: Launch, saved_state: SavedState, tasks: Tasks, post: Callable[[Message], object]
    ) -> None:
        self.launch = launch
        self.saved_state = saved_state
        self.tasks = tasks
        self.post = post
        weights = {**launch.profile.weights, **(launch.weights or {})}
        self.choice = MetricChoice.of(launch.profile, launch.metrics or launch.profile.metrics, weights)
        if (last := saved_state.last_profile) is not None:
            self.choice = self.choice.under(last)
        plan, self.problem = self.choice.plan(launch.context)
        """Why nothing can be scored with the present setup; empty where something can."""
        self.listing = FolderListing(launch.folder)
        """The folder whose images are shown."""
        self.left_out = self.listing.left_out
        """What stands among the images and is not shown."""
        self.below: CountBelow | None = None
        """The images in the folder's sub-folders, as soon as they are counted."""
        self.results = Results(plan, launch.context)
        """The rows that are shown."""
        self.contents = FileContents()
        """What files hold, as far as they were read here."""
        self.viewed: RunInfo | None = None
        """The stored run that is shown in place of a folder."""
        self.behind: FolderBehind | None = None
        """What `viewed` is shown in place of."""
        self.running: RunningJob | None = None
        self.models = LocalModels()
        self.item_prompts = ItemPrompts("", {})
        """The prompts that images of the folder have of their own."""
        self.item_prompts_version = 0
        """Changes whenever any image gets another prompt."""
        self.unfinished_files: Mapping[str, str] = {}
        """By path, the files of a watched folder that are still being written, and why they count as such."""
        self.recall: asyncio.Task[None] | None = None
        """Looks up what the store knows of the images."""
        self.prompt_reading: asyncio.Task[None] | None = None
        """Reads the prompts that images bring."""
        self.rows_leaving: Listeners[[]] = Listeners()
        """Other rows are about to be shown."""
        self.rows_shown: Listeners[[]] = Listeners()
        """Other rows are shown now."""
        self.rows_added: Listeners[[Sequence[Row]]] = Listeners()
        """Images have come behind the others."""
        self.rows_replaced: Listeners[[Sequence[Row]]] = Listeners()
        """Files of these rows were replaced; they are pending."""
        self._changed: set[int] = set()
        self._activity_changed = False
        self._replanning = 0
        self._prompt_count: tuple[object, int] = (None, 0)

    # -- what is open ------------------------------------------------------------------------------------------------

    @property
    def folder(self) -> str:
        """The folder whose images are scored, also while a stored run is shown in its place."""
        return str((self.behind.listing if self.behind else self.listing).folder)

    @property
    def source(self) -> str:
        """Where the rows come from: a folder, or a stored run."""
        return str(self.listing.folder) if self.viewed is None else f"run {self.viewed.id}"

    @property
    def notice(self) -> str:
        """What the screen says as long as it is so: that a stored run is shown, or what the profile warns of."""
        if self.viewed is None:
            return self.profile.notice
        begun = self.viewed.started.astimezone().strftime("%Y-%m-%d %H:%M")
        return f"stored run of {begun}, {self.viewed.state}; esc goes back to the folder"

    @property
    def recalling(self) -> bool:
        """Whether the store is still being asked what it knows of these images."""
        return self.recall is not None and not self.recall.done()

    async def recalled(self) -> None:
        """Wait until the store has been asked what it knows of these images."""
        if self.recall is not None and self.recalling:
            await asyncio.wait([self.recall])

    # -- the setup ---------------------------------------------------------------------------------------------------

    @property
    def context(self) -> Context:
        """Topic, prompt and reference."""
        return self.results.context

    @property
    def plan(self) -> ScoringPlan:
        """The metrics that are computed, with weights and rules."""
        return self.results.plan

    @property
    def profile(self) -> Profile:
        """The models in use, and how their values are normalised."""
        return self.choice.profile

    @property
    def enabled(self) -> tuple[str, ...]:
        """The metrics that are switched on."""
        return self.choice.enabled

    @property
    def weights(self) -> Mapping[str, float]:
        """The weight of each metric."""
        return self.choice.weights

    @property
    def skipped(self) -> dict[str, str]:
        """The metrics that leave the final score, each with the reason."""
        return self.choice.skipped(self._covering_context())

    @property
    def models_missing(self) -> str:
        """Which models keep the images from being scored, in a few words; empty where none does."""
        return self.models.lacking(self.plan.metrics)

    def engine_settings(self) -> EngineSettings:
        """How the worker is to run the profile's models on this machine."""
        return self.launch.engine_settings(self.profile)

    def update_plan(self) -> None:
        """Compute the enabled metrics that have something to compare with, and weigh the rows by them."""
        plan, self.problem = self.choice.plan(self._covering_context())
        if plan != self.plan:
            self.results.plan = plan
            self.tasks.run(self._weigh_rows(plan))

    def setup_changed(self) -> None:
        """Adopt what topic, prompt, reference, item prompts or metrics are now, and say so."""
        self.update_plan()
        self.post(SetupChanged())

    def _covering_context(self) -> Context:
        """What any image is compared with: the common context, or with the prompt that some bring themselves."""
        context = self.context
        if context.prompt.strip() or not self.item_prompt_count:
            return context
        return context.overlaid(Context(prompt="its own"))

    # -- prompts of images -------------------------------------------------------------------------------------------

    @property
    def item_prompt_count(self) -> int:
        """How many of the images have a prompt of their own."""
        rows = self.results.rows
        key = (id(rows), len(rows), self.item_prompts_version)
        if self._prompt_count[0] != key:
            self._prompt_count = (key, sum(bool(row.own is not None and row.own.prompt) for row in rows))
        return self._prompt_count[1]

    @property
    def edited_prompt_count(self) -> int:
        """How many of them were edited here."""
        return sum(entry.origin == EDITED for entry in self.item_prompts.entries.values())

    @property
    def reading_prompts(self) -> bool:
        """Whether the prompts that images bring are being read."""
        return self.prompt_reading is not None and not self.prompt_reading.done()

    def prompt_origin(self, row: Row) -> str:
        """Whose prompt an image is compared with and where it is from; empty where no image has one of its own."""
        if not self.item_prompt_count:
            return ""
        entry = self.item_prompts.entries.get(row.path) if self.viewed is None else None
        if row.own is not None and row.own.prompt:
            if entry is None:
                return "its own"
            return f"its own, {entry.origin if entry.origin == EDITED else f'from {entry.origin}'}"
        reason = entry.origin if entry is not None else row.own.prompt_origin if row.own is not None else ""
        whose = "everybody's" if self.context.prompt.strip() else "none"
        return f"{whose}: {reason}" if reason else whose

    # -- rows --------------------------------------------------------------------------------------------------------

    @property
    def begun_place(self) -> Place:
        """Where the user begins: where they were last time, or at the image that was named."""
        place, current = self.saved_state.place, self.launch.current
        # A filter of last time may hide it.
        return replace(place, current=current, filter="") if current else place

    def show_rows(self, listing: FolderListing, results: Results) -> None:
        """Show these rows in place of the others."""
        self.listing, self.results = listing, results
        self.below = None
        self.set_left_out(listing.left_out)
        self._changed.clear()

    def set_left_out(self, left_out: LeftOut) -> None:
        """Show in few words what stands among the images and is left out; the messages have it in full."""
        self.left_out = left_out
        for line in left_out.lines():
            self.notify(f"left out in {self.listing.folder}: {line}", quiet=True)

    def add_images(self, paths: Sequence[str]) -> list[Row]:
        """Add images behind the others, which stay as they are."""
        begin = len(self.results.rows)
        self.results.add(Item(begin + number, path) for number, path in enumerate(paths))
        self.listing.images.extend(paths)
        rows = self.results.rows[begin:]
        self.rows_added(rows)
        return rows

    def merge(self, event: Event, context: Context, item_contexts: Mapping[int, Context | None]) -> None:
        """Merge a worker's event, made against `context` and what the items of its job brought."""
        self._changed.update(row.item for row in self.results.apply(event, context, item_contexts))

    def mark_changed(self, items: Iterable[int]) -> None:
        """These rows have to be painted again."""
        self._changed.update(items)

    @property
    def rows_changed(self) -> bool:
        """Whether any row has changed since the last `take_changed`."""
        return bool(self._changed)

    def take_changed(self) -> list[int]:
        """The items whose rows have changed since the last call."""
        changed = sorted(self._changed)
        self._changed.clear()
        return changed

    async def change_rows(
        self, results: Results, change: Callable[[Row], bool], wanted: Callable[[], bool] = lambda: True
    ) -> None:
        """Apply `change` to the rows with pauses, as long as they are the ones that are shown."""
        async for row in with_pauses(results.rows):
            if results is not self.results or not wanted():
                return
            if change(row):
                self._changed.add(row.item)

    async def _weigh_rows(self, plan: ScoringPlan) -> None:
        """Score every row by another plan, which counts at once, with pauses: 100,000 rows take a second."""
        self._replanning += 1
        turn, results = self._replanning, self.results
        results.plan = plan

        def weigh(row: Row) -> bool:
            if row.raws:
                row.scores = score({metric: raw.outcome for metric, raw in row.raws.items()}, plan)
            return bool(row.raws)

        await self.change_rows(results, weigh, lambda: turn == self._replanning)

    # -- what the user is told ---------------------------------------------------------------------------------------

    def notify(
        self,
        text: str,
        severity: Literal["information", "warning", "error"] = "information",
        *,
        quiet: bool = False,
    ) -> None:
        """Show the user a notification, or only put it among the messages."""
        self.post(UserNotice(text, severity, quiet))

    def activity_changed(self) -> None:
        """The worker's state, the job's progress or the store's condition has changed."""
        self._activity_changed = True

    def take_activity_changed(self) -> bool:
        """Whether it has changed since the last call."""
        changed, self._activity_changed = self._activity_changed, False
        return changed

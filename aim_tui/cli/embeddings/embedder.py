"""What all commands over embeddings share: computing those of images and texts, and reporting what was left out."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from aim_tui.cli.console import say, say_first
from aim_tui.cli.progress import display
from aim_tui.core.embeddings.gallery import ImageEmbeddings, Vectors
from aim_tui.core.embeddings.zero_shot import Logits
from aim_tui.core.metrics.builtin import LPIPS, METRICS
from aim_tui.core.metrics.spec import Role
from aim_tui.core.outcomes import Failed, Outcome
from aim_tui.core.scoring.context import Context
from aim_tui.core.scoring.events import (
    Event,
    ImageFailed,
    ImageRead,
    Item,
    MetricBatch,
    ModelInfo,
    ModelLoaded,
    numbered,
)
from aim_tui.core.scoring.jobs import Job
from aim_tui.errors import UsageError
from aim_tui.exports.content import left_out_records
from aim_tui.exports.formats.writer import Format
from aim_tui.inputs.listing import Expansion, Problem, expand
from aim_tui.runs.display import EventReport
from aim_tui.runs.executors import InProcess
from aim_tui.runs.interrupt import INTERRUPTED, Interrupt
from aim_tui.runs.setup import Setup
from aim_tui.runs.storage import open_to_score


@dataclass(frozen=True, slots=True)
class Distances:
    """LPIPS distances in the order of the pairs, and the model; None where nothing was measured."""

    outcomes: list[Outcome]
    model: ModelInfo | None


class Embedder:
    """Embeds images and texts with the CLIP model of a profile; what was embedded before is read from the store."""

    def __init__(self, setup: Setup, executor: InProcess, *, keeps: bool = True) -> None:
        self._setup = setup
        self._executor = executor
        self._engine = executor.engine
        self._keeps = keeps

    def images(self, paths: Sequence[str]) -> ImageEmbeddings:
        """The embeddings of the images; those that cannot be read or embedded are in its failures.

        Ctrl-C ends the command with 130; what was embedded is kept.
        """
        items = numbered(paths)
        job = Job((_METRIC,), Context(), items, features_only=True, fresh=self._setup.fresh)
        sha256s: dict[int, str] = {}
        failures: dict[int, str] = {}
        model: ModelInfo | None = None
        for event in self._events(job, "embedding"):
            match event:
                case ImageRead(item, facts):
                    sha256s[item] = facts.sha256
                case ImageFailed(item, reason):
                    failures[item] = reason
                case MetricBatch(_, values):
                    failures |= {value.item: value.reason for value in values if value.state == "failed"}
                case ModelLoaded(info):
                    model = info
        assert model is not None
        return self._gallery(paths, sha256s, failures, model)

    def distances(self, pairs: Sequence[tuple[str, str]]) -> Distances:
        """The LPIPS distance of each pair of image and reference, in their order; the setup must include lpips.

        Ctrl-C ends the command with 130; what was measured is kept.
        """
        items = [
            Item(number, image, context=Context(reference=reference)) for number, (image, reference) in enumerate(pairs)
        ]
        outcomes: dict[int, Outcome] = {}
        models: dict[str, ModelInfo] = {}
        for event in self._events(Job((LPIPS.id,), Context(), items, fresh=self._setup.fresh), "measuring"):
            match event:
                case ImageFailed(item, reason):
                    outcomes[item] = Failed(reason)
                case MetricBatch(_, values):
                    outcomes |= {value.item: value.outcome for value in values}
                case ModelLoaded(info):
                    models[info.role] = info
        unreported = Failed("the engine reported nothing for it")
        ordered = [outcomes.get(number, unreported) for number in range(len(items))]
        return Distances(ordered, models.get(Role.LPIPS.value))

    def _events(self, job: Job, doing: str) -> Iterator[Event]:
        """What the engine reports of a job, with progress on stderr; Ctrl-C ends the command."""
        shown, done = display(phases=False), 0
        report = EventReport(shown, doing)
        with Interrupt(shown) as interrupt, shown:
            shown.progress(total=len(job.items))
            for event in self._executor.run(job, interrupt.is_set):
                if isinstance(event, MetricBatch):
                    done += len(event.values)
                    shown.progress(done=done)
                yield event
                report.event(event)
            if interrupt.is_set():
                kept = "what was computed is kept; run the same command again to continue"
                say(f"interrupted: {kept if self._keeps else 'nothing is kept'}", "yellow")
                raise SystemExit(INTERRUPTED)

    def texts(self, texts: Sequence[str]) -> Vectors:
        """float32 (texts, dim) of length one, in the order of the texts; UsageError for one that cannot be embedded.

        A text that is longer than the model reads is reported on stderr.
        """
        book = self._engine.embed_texts(_ROLE, texts)
        rows = []
        for text in texts:
            row = book.get(text)
            if isinstance(row, Failed):
                raise UsageError(f"{text[:60]!r}: {row.reason}")
            rows.append(row)
        for text in dict.fromkeys(texts):
            if text in book.cut:
                say(f"too long for CLIP, which reads only the beginning: {text[:60]!r}", "yellow")
        return np.stack(rows) if rows else np.empty((0, 0), dtype=np.float32)

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the model's files."""
        return self._engine.fingerprint(_ROLE)

    def logits(self) -> Logits:
        """How the model turns cosines into logits."""
        return self._engine.logits(_ROLE)

    def _gallery(
        self, paths: Sequence[str], sha256s: dict[int, str], failures: dict[int, str], model: ModelInfo
    ) -> ImageEmbeddings:
        kept = self._engine.embeddings(_ROLE, list(sha256s.values()))
        there = []
        for number in range(len(paths)):
            if number not in failures and sha256s.get(number) in kept:
                there.append(number)
            elif number not in failures:
                failures[number] = "its embedding could not be kept; see the notes above"
        vectors = [kept[sha256s[number]] for number in there]
        return ImageEmbeddings(
            [paths[number] for number in there],
            [sha256s[number] for number in there],
            np.stack(vectors) if vectors else np.empty((0, 0), dtype=np.float32),
            model,
            self._engine.fingerprint(_ROLE),
            {paths[number]: failures[number] for number in sorted(failures)},
        )


_METRIC = "clip"
_ROLE = METRICS[_METRIC].roles[0]


@contextlib.contextmanager
def embedder(setup: Setup, store: Path | None) -> Iterator[Embedder]:
    """An embedder that uses and fills a store; without one it uses a temporary store."""
    if setup.profile.notice:
        say(setup.profile.notice, "yellow")
    with contextlib.ExitStack() as stack:
        path = store or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="aim-tui-"))) / "store.db"
        open_to_score(path).close()
        executor = stack.enter_context(contextlib.closing(InProcess(setup.with_store(path).engine)))
        yield Embedder(setup, executor, keeps=store is not None)


def images_of(paths: Sequence[str], *, recursive: bool = False) -> Expansion:
    """The images of paths, folders and patterns; those without one are reported on stderr. UsageError without any."""
    found = expand(paths, recursive)
    problems = [f"{problem.path}: {problem.reason}" for problem in found.problems]
    if not found.images:
        raise UsageError(f"no images: {'; '.join(problems)}")
    for problem in problems:
        say(problem, "red")
    for line in found.left_out.lines():
        say(f"left out: {line}", "yellow")
    return found


def about(setup: Setup, gallery: ImageEmbeddings) -> dict[str, Any]:
    """What every output says about the model behind its cosines: profile, model, fingerprint, way of reading."""
    info, reading = gallery.model, setup.engine.reading
    provenance: dict[str, Any] = {
        "profile": setup.profile.name,
        "model": info.id,
        "revision": info.revision,
        "fingerprint": gallery.fingerprint,
        "dtype": info.dtype,
        "device": info.device,
        "exif": reading.exif,
        "background": reading.background,
    }
    if setup.profile.notice:
        provenance["notice"] = setup.profile.notice
    return provenance


def left_out(gallery: ImageEmbeddings, problems: Sequence[Problem] = ()) -> list[dict[str, str]]:
    """The paths that are not in the gallery, each with the reason."""
    return left_out_records([*((problem.path, problem.reason) for problem in problems), *gallery.failures.items()])


def say_failures(gallery: ImageEmbeddings) -> None:
    """Print on stderr which images have no embedding, and why."""
    say_first([f"{path}: {reason}" for path, reason in gallery.failures.items()], "red")


def say_hidden(chosen: Format, count: int, limit: int, what: str = "images") -> None:
    """Print on stderr how many rows a table does not show."""
    if chosen.id == "table" and count > limit:
        say(f"and {count - limit:,} {what} more: --limit N, or -o FILE.csv for all")

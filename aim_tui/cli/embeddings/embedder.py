"""What commands that search, sort and compare images by their embeddings share: having them, and those of texts."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from aim_tui.cli.console import say
from aim_tui.cli.progress import display
from aim_tui.core.embeddings.gallery import ImageEmbeddings
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
from aim_tui.core.text import path_bytes, portable_path
from aim_tui.errors import UsageError
from aim_tui.runs.display import EventReport
from aim_tui.runs.executors import InProcess
from aim_tui.runs.interrupt import INTERRUPTED, Interrupt
from aim_tui.runs.setup import Setup

if TYPE_CHECKING:
    from aim_tui.core.embeddings.gallery import Vectors
    from aim_tui.inputs.listing import Expansion, Problem


@dataclass(frozen=True, slots=True)
class Distances:
    """LPIPS distances in the order in which they were asked for, and the model; None where nothing was measured."""

    outcomes: list[Outcome]
    model: ModelInfo | None


class Embedder:
    """Embeds images and texts by the CLIP of a profile; what was embedded before is found in the store."""

    def __init__(self, setup: Setup, executor: InProcess, *, keeps: bool = True) -> None:
        self._setup = setup
        self._executor = executor
        self._engine = executor.engine
        self._keeps = keeps

    def images(self, paths: Sequence[str]) -> ImageEmbeddings:
        """The gallery of the images; those that cannot be read or embedded are among its failures.

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
        """The LPIPS distance of each pair of image and reference, in their order; the setup has to ask for lpips.

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
        unsaid = Failed("nothing was reported of it")
        return Distances([outcomes.get(number, unsaid) for number in range(len(items))], models.get(Role.LPIPS.value))

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
                kept = "what was computed is kept; the same command goes on from there"
                say(f"interrupted: {kept if self._keeps else 'nothing is kept'}", "yellow")
                raise SystemExit(INTERRUPTED)

    def texts(self, texts: Sequence[str]) -> Vectors:
        """float32 (texts, dim) of length one, in the order of the texts; UsageError for one that cannot be embedded.

        A text that is longer than the model reads is said on stderr.
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
                say(f"longer than CLIP reads, which sees the beginning alone: {text[:60]!r}", "yellow")
        return np.stack(rows) if rows else np.empty((0, 0), dtype=np.float32)

    @property
    def fingerprint(self) -> str:
        """What tells the files of the model from all others."""
        return self._engine.fingerprint(_ROLE)

    def logits(self) -> Logits:
        """How the model makes logits of cosines."""
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
def embedder(setup: Setup, store: Path | None, *, no_store: bool = False) -> Iterator[Embedder]:
    """An embedder over the store that is meant, or over one that is gone afterwards."""
    from aim_tui.runs.storage import open_to_score, store_path

    if setup.profile.notice:
        say(setup.profile.notice, "yellow")
    with contextlib.ExitStack() as stack:
        if no_store:
            path = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="aim-tui-"))) / "store.db"
        else:
            path = store_path(store)
        open_to_score(path).close()
        executor = stack.enter_context(contextlib.closing(InProcess(setup.with_store(path).engine)))
        yield Embedder(setup, executor, keeps=not no_store)


def images_of(paths: Sequence[str], *, recursive: bool = False) -> Expansion:
    """The images behind paths, folders and patterns; what gives none is said on stderr. UsageError where none does."""
    from aim_tui.inputs.listing import expand

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
    said: dict[str, Any] = {
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
        said["notice"] = setup.profile.notice
    return said


def path_fields(path: str) -> dict[str, str]:
    """A path for JSON; `path_bytes`, its bytes in Base64, where it is no valid Unicode."""
    raw = path_bytes(path)
    return {"path": portable_path(path)} | ({"path_bytes": raw} if raw is not None else {})


def left_out(gallery: ImageEmbeddings, problems: Sequence[Problem] = ()) -> list[dict[str, str]]:
    """What was pointed at and is not in the gallery, each with the reason."""
    reasons = [(problem.path, problem.reason) for problem in problems] + list(gallery.failures.items())
    return [{**path_fields(path), "reason": portable_path(reason)} for path, reason in reasons]


def say_failures(gallery: ImageEmbeddings, limit: int = 20) -> None:
    """Name what was left out and why, on stderr."""
    for path, reason in list(gallery.failures.items())[:limit]:
        say(f"{path}: {reason}", "red")
    if len(gallery.failures) > limit:
        say(f"and {len(gallery.failures) - limit} more")

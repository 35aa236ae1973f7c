"""The engine for notebooks and pipelines: the numbers of `aim-tui score`, from Python.

from aim_tui import Evaluator

with Evaluator(profile="sample") as evaluator:
    for record in evaluator.score("generations", topic="a wooden cabin", prompt="a wooden cabin at a lake"):
        print(record["path"], record["final_score"])
"""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from aim_tui.core.metrics.spec import Need
from aim_tui.core.scoring.context import Context
from aim_tui.core.scoring.events import Item, Notice
from aim_tui.core.scoring.jobs import Job
from aim_tui.core.scoring.plan import ScoringPlan, Status
from aim_tui.core.scoring.records import full_record
from aim_tui.core.scoring.results import Results, Summary
from aim_tui.errors import UsageError
from aim_tui.exports.images import ImageRecords
from aim_tui.runs.executors import Executor, InProcess
from aim_tui.runs.setup import resolve

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd
    from PIL.Image import Image

    from aim_tui.engine.engine import Engine

    ImageLike = str | os.PathLike[str] | Image | npt.NDArray[np.generic]

_ORIENTATION = 0x0112
# What a PNG holds as it is; images of other modes become RGB, as they do when a file of them is read.
_PNG_MODES = frozenset({"1", "L", "LA", "P", "RGB", "RGBA", "I;16"})


class Evaluator:
    """Scores images with the models of a profile, which stay loaded from one call to the next.

    The options are those of `aim-tui score`; `metrics` and `weights` may also be a list and a mapping. `store` is where
    what models compute is kept and found again: None for the user's own store, False for nowhere. No run is added to
    the history. Raises `aim_tui.errors.AimError` for what cannot be had.
    """

    def __init__(
        self,
        profile: str | None = None,
        *,
        metrics: Iterable[str] | str | None = None,
        weights: Mapping[str, float] | str | None = None,
        device: str | None = None,
        precision: str | None = None,
        batch_size: int | None = None,
        exif: str | None = None,
        config: str | os.PathLike[str] | None = None,
        store: str | os.PathLike[str] | bool | None = None,
    ) -> None:
        from aim_tui.runs.storage import store_path

        if isinstance(weights, Mapping):
            weights = ",".join(f"{metric}={float(weight)!r}" for metric, weight in weights.items())
        self.setup = resolve(
            profile=profile,
            metrics=metrics if metrics is None or isinstance(metrics, str) else ",".join(metrics),
            weights=weights,
            device=device,
            precision=precision,
            batch_size=batch_size,
            exif=exif,
            config=Path(config) if config is not None else None,
        )
        if store is not False:
            named = None if store is None or store is True else Path(store)
            self.setup = self.setup.with_store(store_path(named))
        self._executor = InProcess(self.setup.engine, own=False)
        self._scorings: WeakSet[Scoring] = WeakSet()

    @property
    def executor(self) -> Executor:
        """What computes the scores."""
        return self._executor

    @property
    def engine(self) -> Engine:
        """The engine; the model libraries are imported when it is first asked for."""
        return self._executor.engine

    def score(
        self,
        images: ImageLike | Iterable[ImageLike],
        *,
        topic: str | Sequence[str] = "",
        prompt: str | Sequence[str] = "",
        reference: ImageLike | Sequence[ImageLike] = "",
    ) -> Scoring:
        """Score images, or all of a folder or glob pattern; nothing is computed before a record is asked for.

        `topic`, `prompt` and `reference` are one for all images, or a list with one for each. A metric that has nothing
        to compare with is left out. Raises UsageError where none is left, and for what is not an image.
        """
        against = {Need.TOPIC: topic, Need.PROMPT: prompt, Need.REFERENCE: reference}
        scoring = Scoring(self, _listed(images), against)
        self._scorings.add(scoring)
        return scoring

    def close(self) -> None:
        """Stop what is being scored, and let go of the store; the models go with the evaluator."""
        for scoring in list(self._scorings):
            scoring.close()
        self._executor.close()

    def __enter__(self) -> Evaluator:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Scoring:
    """Images that are being scored: an iterable of records, each given as soon as those before it are done.

    A record is what `aim-tui score --format jsonl` writes of an image. What is not there is None, and `error` says
    why. Images that are not files are called 'image N', counted from 0. A warning says what a notice there would.
    """

    def __init__(self, evaluator: Evaluator, images: Sequence[ImageLike], against: Mapping[Need, Any]) -> None:
        self._evaluator = evaluator
        self._written = _Written(evaluator.setup.engine.reading.background)
        shared, own = self._contexts(against, len(images))
        self._items = [
            Item(number, self._path(number, image), context=own[number] if own else None)
            for number, image in enumerate(images)
        ]
        setup = evaluator.setup
        said = [shared, *own]
        asked = tuple(metric for metric in setup.enabled if any(part.need(metric).strip() for part in said))
        if not asked:
            missing = shared.missing_for(setup.enabled)
            raise UsageError("nothing to score: " + "; ".join(f"{name}: {reason}" for name, reason in missing.items()))
        missing = shared.missing_for(setup.enabled)
        self._missing = {metric: reason for metric, reason in missing.items() if metric not in asked}
        self._job = Job(asked, shared, self._items)
        #: The rows as far as they have come, with models and formulas.
        self.results = Results(ScoringPlan(asked, setup.weights, setup.profile.rules), shared)
        names = (
            str(os.fspath(image)) if isinstance(image, (str, os.PathLike)) else f"image {number}"
            for number, image in enumerate(images)
        )
        self.results.add(
            Item(item.id, name, context=item.context) for item, name in zip(self._items, names, strict=True)
        )
        self._records: list[dict[str, Any]] = []
        self._coming = self._run()

    def _path(self, number: int, image: ImageLike) -> str:
        try:
            return self._written.path(image)
        except UsageError as error:
            raise UsageError(f"image {number}: {error.message}", error.hint) from None

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """The records in the order of the images; what is done already comes at once."""
        for number in range(len(self._items)):
            if number == len(self._records):
                self._records.append(self._next())
            yield self._records[number]

    def close(self) -> None:
        """Stop; what is left is scored when another record is asked for."""
        self._coming.close()

    def summary(self) -> Summary:
        """Counts, mean, median and best of all images; scores what is left."""
        list(self)
        return self.results.summary()

    def to_dataframe(self) -> pd.DataFrame:
        """All records as a pandas DataFrame, a row for each; scores what is left. ImportError without pandas."""
        import pandas

        return pandas.DataFrame(list(self))

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write all records to a file, whose ending names the format (.csv, .json, .jsonl); scores what is left.

        UsageError for another ending, ExportError where the file cannot be written.
        """
        from aim_tui.exports.formats import export, format_of

        output = Path(path)
        chosen = format_of(output, ImageRecords)
        list(self)
        export(
            ImageRecords(self.results, replace(self._evaluator.setup.provenance(), not_asked=self._missing)),
            chosen,
            output,
        )

    def _next(self) -> dict[str, Any]:
        """The next record; where scoring was stopped in the middle, of a job over what is left."""
        record = next(self._coming, None)
        if record is None:
            self._coming = self._run()
            record = next(self._coming)
        if len(self._records) == len(self._items) - 1:
            self._coming.close()
            self._written.clear()
        return record

    def _run(self) -> Generator[dict[str, Any]]:
        results, done = self.results, len(self._records)
        with closing(self._evaluator.executor.run(replace(self._job, items=self._items[done:]))) as events:
            for event in events:
                results.apply(event)
                if isinstance(event, Notice):
                    warnings.warn(event.text, stacklevel=4)
                while done < len(results.rows) and results.rows[done].status is not Status.PENDING:
                    done += 1
                    yield full_record(results.rows[done - 1], results)

    def _contexts(self, against: Mapping[Need, Any], count: int) -> tuple[Context, list[Context]]:
        """What is the same for all images, and what each brings itself; the second empty where nothing is."""
        shared: dict[str, str] = {}
        own: list[dict[str, str]] = [{} for _ in range(count)]
        for need, said in against.items():
            each = self._written.path if need is Need.REFERENCE else _text
            if said is None or isinstance(said, (str, os.PathLike)) or (need is Need.REFERENCE and _is_picture(said)):
                shared[need] = each("" if said is None else said)
                continue
            if not isinstance(said, Iterable):
                raise UsageError(
                    f"{type(said).__name__} is not a {need}", "give one for all, or a list with one for each"
                )
            said = list(said)
            if len(said) != count:
                raise UsageError(f"{len(said)} of {need} for {count} images", "give one for all, or one for each")
            for values, value in zip(own, said, strict=True):
                values[need] = each(value)
        return Context(**shared), [Context(**values) for values in own] if len(shared) < len(against) else []


class _Written:
    """Images as files, so that all are read alike: what is in memory is written without loss.

    The folder goes when all is scored.
    """

    def __init__(self, background: str) -> None:
        self._background = background
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._count = 0

    def path(self, image: Any) -> str:
        """The path of an image; empty for an empty one. UsageError for what is not an image."""
        if isinstance(image, (str, os.PathLike)):
            path = os.fspath(image)
            return os.path.abspath(path) if path else ""
        picture = _picture(image)
        if unread := _unread_file(picture):
            return unread
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="aim-tui-")
        path = f"{self._folder.name}/{self._count}.png"
        self._count += 1
        _write(picture, path, self._background)
        return path

    def clear(self) -> None:
        """Remove what was written."""
        if self._folder is not None:
            self._folder.cleanup()


def _picture(image: Any) -> Image:
    import numpy as np
    from PIL import Image

    from aim_tui.inputs.pixel_values import PixelValueError, from_array

    if isinstance(image, Image.Image):
        return image
    if not isinstance(image, np.ndarray):
        raise UsageError(f"{type(image).__name__} is not an image", "give a path, a PIL image or an array")
    try:
        return from_array(image)
    except PixelValueError as error:
        raise UsageError(str(error), "give an array of uint8, uint16, float or bool") from None


def _unread_file(picture: Image) -> str:
    """The file of an image that PIL has opened and not decoded yet, so that nobody can have changed it; else ''."""
    path = getattr(picture, "filename", "")
    if not path or not getattr(picture, "tile", None) or getattr(picture, "fp", None) is None or picture.tell():
        return ""
    path = os.path.abspath(os.fsdecode(path))
    return path if os.path.isfile(path) else ""


def _write(picture: Image, path: str, background: str) -> None:
    """Write a PNG that is read as a file of the image would be: its EXIF orientation with it, values as levels."""
    from PIL import Image

    from aim_tui.inputs.pixel_values import PixelValueError, to_rgb

    try:
        picture.load()
        turn = picture.getexif().get(_ORIENTATION, 1)
        if picture.mode not in _PNG_MODES:
            picture = to_rgb(picture, background).image
    except PixelValueError as error:
        raise UsageError(f"an image of mode {picture.mode} {error}") from None
    except (OSError, SyntaxError, ValueError) as error:
        raise UsageError(f"an image in memory cannot be decoded: {error}") from None
    exif = Image.Exif()
    if turn in range(2, 9):
        exif[_ORIENTATION] = turn
    picture.save(path, compress_level=1, exif=exif)


def _listed(images: ImageLike | Iterable[ImageLike]) -> list[Any]:
    """One by one; a folder or glob pattern by itself stands for its images."""
    if isinstance(images, (str, os.PathLike)):
        from aim_tui.inputs.listing import expand

        found = expand([os.fspath(images)])
        if not found.images:
            raise UsageError(
                "no images: " + "; ".join(f"{problem.path}: {problem.reason}" for problem in found.problems)
            )
        return list(found.images)
    return [images] if _is_picture(images) else list(images)  # type: ignore[arg-type]


def _is_picture(image: Any) -> bool:
    """Whether it is one image in memory, not several."""
    return hasattr(image, "shape") and not hasattr(image, "index") or hasattr(image, "getbands")


def _text(said: Any) -> str:
    if said is None:
        return ""
    if not isinstance(said, str):
        raise UsageError(f"{type(said).__name__} is not a text")
    return said

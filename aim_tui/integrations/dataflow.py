"""CLIP scores as an operator of DataFlow-MM: a column added to the data frame of any storage.

from aim_tui.integrations.dataflow import ImageCLIPEvaluator

ImageCLIPEvaluator("openai/clip-vit-base-patch32").run(storage.step(), output_key="clip_score")

The storage needs `read("dataframe")` and `write(data)`; nothing of DataFlow or pandas is imported here.
"""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Iterable, Sequence
from contextlib import closing
from numbers import Real
from pathlib import Path
from typing import Any, Protocol

from aim_tui.core.embeddings.clip_score_scales import UNIT
from aim_tui.core.metrics.spec import ModelRef, Role
from aim_tui.core.scoring.context import Context
from aim_tui.core.scoring.events import ImageFailed, Item, MetricBatch
from aim_tui.core.scoring.jobs import EngineSettings, Job
from aim_tui.errors import UsageError
from aim_tui.inputs.manifests import PathError, locate_image
from aim_tui.runs.executors import InProcess

log = logging.getLogger(__name__)

_AT_ONCE = 4096
_SHOWN = 10


class Storage(Protocol):
    """What the operator asks of a storage."""

    def read(self, output_type: str) -> Any:
        """The data, as a pandas DataFrame where asked for 'dataframe'."""

    def write(self, data: Any) -> Any:
        """Keep the data."""


class ImageCLIPEvaluator:
    """Scores pairs of image and text: clip((cos + 1) / 2, 0, 1) of CLIP's features.

    `model_name` is a hub id whose files are on this machine (`aim-tui models fetch`), or a local folder. An image that
    cannot be read and an empty text score 0.0, as DataFlow's operators have it; `failures` then says why, by the
    number of the row. A failure of the model itself is NaN, never a number.
    """

    def __init__(self, model_name: str = "openai/clip-vit-base-patch32", device: str | None = None) -> None:
        from aim_tui.settings.settings import device_problem

        # A torch.device reads as its name does.
        name = "auto" if device is None else str(device)
        if problem := device_problem(name):
            raise UsageError(problem)
        folder = Path(os.path.expanduser(model_name))
        local = str(folder.absolute()) if os.path.isdir(folder) else None
        self._settings = EngineSettings({Role.CLIP: ModelRef(id=model_name, path=local)}, name)
        self._executor = InProcess(self._settings, own=False)
        self._located = False
        self.failures: dict[int, str] = {}
        """Why rows of the last run have no score of their own, by their number in the frame."""

    def run(
        self,
        storage: Storage,
        input_image_key: str = "image_path",
        input_text_key: str = "text",
        output_key: str = "clip_score",
    ) -> list[str]:
        """Add the scores of all rows as a column; returns its name in a list.

        UsageError for a column that is not there, ModelUnavailableError for a model that is not on this machine.
        """
        data = storage.read("dataframe")
        for key in (input_image_key, input_text_key):
            if key not in data.columns:
                raise UsageError(f"the data has no column {key!r}", f"its columns: {', '.join(map(str, data.columns))}")
        scores = self.score(list(data[input_image_key]), list(data[input_text_key]))
        data[output_key] = scores
        storage.write(data)
        return [output_key]

    def score(self, images: Sequence[Any], texts: Sequence[Any]) -> list[float]:
        """The scores of pairs, in their order; relative paths are those of the working folder."""
        self.failures = {}
        scores = [float("nan")] * len(images)
        items = []
        for number, (image, text) in enumerate(zip(images, texts, strict=True)):
            item = _item(number, image, text)
            if isinstance(item, Item):
                items.append(item)
            else:
                scores[number] = 0.0
                self.failures[number] = item
        for start in range(0, len(items), _AT_ONCE):
            self._score(items[start : start + _AT_ONCE], scores)
        self._report(sorted(self.failures))
        return scores

    def _score(self, items: Sequence[Item], scores: list[float]) -> None:
        self._locate()
        with closing(self._executor.run(Job(("clip",), Context(), list(items)))) as events:
            for event in events:
                match event:
                    case ImageFailed(number, reason):
                        scores[number] = 0.0
                        self.failures[number] = reason
                    case MetricBatch(_, values):
                        for value in values:
                            if value.value is not None:
                                scores[value.item] = UNIT.of(value.value)
                            else:
                                self.failures[value.item] = value.reason

    def _locate(self) -> None:
        """ModelUnavailableError for a wrong name, also where no image can be read and the engine loads nothing."""
        if not self._located:
            from aim_tui.hub.inventory import locate

            locate(Role.CLIP, self._settings.models[Role.CLIP])
            self._located = True

    def _report(self, failed: Iterable[int]) -> None:
        for number in list(failed)[:_SHOWN]:
            log.warning("row %d: %s", number, self.failures[number])
        if len(self.failures) > _SHOWN:
            log.warning("and %d more rows without a score of their own", len(self.failures) - _SHOWN)


def _text(value: Any) -> str:
    """A cell as text: pandas makes numbers of a column of titles such as 1984, and floats where one is missing."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(value):
        return ""
    number = float(value)
    return str(value) if isinstance(value, int) else str(int(number)) if number.is_integer() else str(number)


def _item(number: int, image: Any, text: Any) -> Item | str:
    """A row as the engine takes it, or why it cannot."""
    text = _text(text)
    if not text.strip():
        return "no text"
    if any("\ud800" <= char <= "\udfff" for char in text):
        return "the text holds half of a character (an unpaired surrogate)"
    if not isinstance(image, (str, os.PathLike)) or not str(image).strip():
        return "no path of an image"
    try:
        return Item(number, locate_image(os.fspath(image), "."), context=Context(prompt=text))
    except PathError as error:
        return str(error)

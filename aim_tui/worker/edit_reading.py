"""Reading both images of an edit, in a thread, and preparing them for every model that is to look at them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aim_tui.core.outcomes import Failed
from aim_tui.inputs.images import ImageError, read_image
from aim_tui.store.files import Stat
from aim_tui.worker.memory import brief
from aim_tui.worker.metrics.base import UnsuitableError
from aim_tui.worker.metrics.pairs import PairLook
from aim_tui.worker.reading import Readable, Unreadable, to_tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import torch

    from aim_tui.core.events import ImageFacts, Item
    from aim_tui.core.jobs import ReadingPolicy
    from aim_tui.worker.metrics.base import FeatureMetric

_SIDES = ("source", "target")


@dataclass(frozen=True, slots=True)
class EditRead(Readable):
    """Both images of an edit; `prepared` holds 'LOOK source' and 'LOOK target', or 'LOOK' for a pair."""

    source: ImageFacts | None = None
    stats: tuple[Stat | None, ...] = ()
    """Both files as they were before they were read."""


def paths_of(items: Sequence[Item]) -> list[str]:
    """Source and target of each edit."""
    return [path for item in items for path in (item.edit.source if item.edit else "", item.path)]


def read_edit(
    item: Item, makers: Mapping[str, FeatureMetric | PairLook], policy: ReadingPolicy
) -> EditRead | Unreadable:
    """Both images, prepared for every look by its name; what goes wrong is part of the result."""
    paths = paths_of([item])
    stats = tuple(Stat.of(path) for path in paths)
    read: dict[str, tuple[ImageFacts, torch.Tensor]] = {}
    for side, path in zip(_SIDES, paths, strict=True):
        try:
            image = read_image(path, policy)
            read[side] = image.facts, to_tensor(image)
        except (ImageError, MemoryError) as error:
            return Unreadable(item.id, _reason(side, path, error))
    prepared: dict[str, torch.Tensor | Failed] = {}
    for look, maker in makers.items():
        if isinstance(maker, PairLook):
            prepared[look] = _prepared(maker.prepare, read["source"][1], read["target"][1])
        else:
            for side, (_, pixels) in read.items():
                prepared[f"{look} {side}"] = _prepared(maker.prepare, pixels)
    return EditRead(item.id, read["target"][0], prepared, read["source"][0], stats)


def why_unreadable(item: Item, policy: ReadingPolicy) -> str | None:
    """The reason why one of an edit's images cannot be read, or None where both can."""
    for side, path in zip(_SIDES, paths_of([item]), strict=True):
        try:
            read_image(path, policy)
        except (ImageError, MemoryError) as error:
            return _reason(side, path, error)
    return None


def _reason(side: str, path: str, error: ImageError | MemoryError) -> str:
    said = "not enough memory to decode it" if isinstance(error, MemoryError) else str(error)
    return f"{side} image {path}: {said}"


def _prepared(prepare: Callable[..., torch.Tensor], *pixels: torch.Tensor) -> torch.Tensor | Failed:
    try:
        return prepare(*pixels)
    except UnsuitableError as error:
        return Failed(str(error))
    except Exception as error:  # one look's failure must not take the others with it
        return Failed(f"cannot be prepared: {brief(error)}")

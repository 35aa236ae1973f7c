"""Reading the files of an item in a thread, and preparing them for every model that is to look at them.

An item that brings what it is judged by has one or two files: the images before and after an edit, or an image and the
reference of its own.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aim_tui.core.outcomes import Failed
from aim_tui.engine.metrics.base import UnsuitableError
from aim_tui.engine.metrics.pair_features import PairLook
from aim_tui.engine.out_of_memory import brief
from aim_tui.engine.reading import Readable, Unreadable, to_tensor
from aim_tui.inputs.images import ImageError, read_image
from aim_tui.store.files import Stat

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import torch

    from aim_tui.core.scoring.events import ImageFacts, Item
    from aim_tui.core.scoring.jobs import ReadingPolicy
    from aim_tui.engine.metrics.base import FeatureMetric

    Pixels = tuple[ImageFacts, torch.Tensor]

# First images of pairs that stay decoded: rows that share a reference or a source stand next to each other.
_HELD = 4


@dataclass(frozen=True, slots=True)
class SidesRead(Readable):
    """The files of an item, `facts` being those of the last; `prepared` holds 'LOOK SIDE', or 'LOOK' for a pair."""

    sides: Mapping[str, ImageFacts] = field(default_factory=dict)
    stats: Mapping[str, Stat | None] = field(default_factory=dict)
    """The files as they were before they were read, by side."""
    broken: Mapping[str, str] = field(default_factory=dict)
    """Why a side that the others do without could not be read."""


def sides_of(item: Item) -> dict[str, str]:
    """The files of an item by what they are in it; the image that is scored is the last."""
    if item.edit is not None:
        return {"source": item.edit.source, "target": item.path}
    if item.context is not None and item.context.reference:
        return {"reference": item.context.reference, "image": item.path}
    return {"image": item.path}


def seen_alone(item: Item) -> tuple[str, ...]:
    """The sides that a model looks at which sees one image at a time."""
    return ("source", "target") if item.edit is not None else ("image",)


def paths_of(items: Iterable[Item]) -> list[str]:
    """All files of some items, in their order."""
    return [path for item in items for path in sides_of(item).values()]


class SidesReader:
    """Reads items by a policy. Safe in several threads."""

    def __init__(self, policy: ReadingPolicy) -> None:
        self._policy = policy
        self._held: OrderedDict[tuple[str, Stat], Pixels] = OrderedDict()
        self._lock = threading.Lock()

    def read(self, item: Item, makers: Mapping[str, FeatureMetric | PairLook]) -> SidesRead | Unreadable:
        """The files of an item, prepared for every look by its name; what goes wrong is part of the result."""
        sides = sides_of(item)
        stats = {side: Stat.of(path) for side, path in sides.items()}
        read: dict[str, Pixels] = {}
        broken: dict[str, str] = {}
        for side, path in sides.items():
            try:
                read[side] = self._read(path, stats[side] if len(sides) > 1 and path != item.path else None)
            except (ImageError, MemoryError) as error:
                reason = _reason(item, side, error)
                if side != "reference":
                    return Unreadable(item.id, reason)
                broken[side] = reason
        prepared: dict[str, torch.Tensor | Failed] = {}
        for look, maker in makers.items():
            if isinstance(maker, PairLook):
                if not broken and len(read) > 1:
                    prepared[look] = _prepared(maker.prepare, *(pixels for _, pixels in read.values()))
            else:
                for side in seen_alone(item):
                    prepared[f"{look} {side}"] = _prepared(maker.prepare, read[side][1])
        facts = {side: facts for side, (facts, _) in read.items()}
        return SidesRead(item.id, facts[list(sides)[-1]], prepared, facts, stats, broken)

    def why_unreadable(self, item: Item) -> str | None:
        """The reason why an item cannot be read, or None where it can."""
        for side, path in sides_of(item).items():
            try:
                read_image(path, self._policy)
            except (ImageError, MemoryError) as error:
                if side != "reference":
                    return _reason(item, side, error)
        return None

    def _read(self, path: str, held: Stat | None) -> Pixels:
        """A decoded file; one that others are compared with too is decoded once."""
        if held is not None:
            with self._lock:
                if (path, held) in self._held:
                    self._held.move_to_end((path, held))
                    return self._held[path, held]
        image = read_image(path, self._policy)
        pixels = image.facts, to_tensor(image)
        if held is not None and held.size == image.facts.bytes:
            with self._lock:
                self._held[path, held] = pixels
                if len(self._held) > _HELD:
                    self._held.popitem(last=False)
        return pixels


def _reason(item: Item, side: str, error: ImageError | MemoryError) -> str:
    said = "not enough memory to decode it" if isinstance(error, MemoryError) else str(error)
    if side == "image":
        return said
    return (
        f"reference {sides_of(item)[side]}: {said}"
        if side == "reference"
        else f"{side} image {sides_of(item)[side]}: {said}"
    )


def _prepared(prepare: Callable[..., torch.Tensor], *pixels: torch.Tensor) -> torch.Tensor | Failed:
    try:
        return prepare(*pixels)
    except UnsuitableError as error:
        return Failed(str(error))
    except Exception as error:  # one look's failure must not take the others with it
        return Failed(f"cannot be prepared: {brief(error)}")

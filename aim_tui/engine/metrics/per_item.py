"""What turns what models see in one item, and the embeddings of its texts, into numbers.

For items that bring what they are judged by: an edit (`metrics.edits`), or a context of their own (`metrics.own`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from aim_tui.core.outcomes import Failed
from aim_tui.engine.metrics.base import cosines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    import numpy as np
    import numpy.typing as npt

    from aim_tui.core.metrics.spec import Role
    from aim_tui.core.scoring.context import Context
    from aim_tui.core.scoring.events import Event, Item
    from aim_tui.engine.metrics.base import RawOutcome
    from aim_tui.engine.metrics.others import Means

    Embedding = npt.NDArray[np.float32]
    #: Gives the embedding of a text by the model of a role, or why there is none.
    Said = Callable[[Role, str], Embedding | Failed]


@dataclass(frozen=True, slots=True)
class Seen:
    """What the models see in one item: features by the name of the look; of an edit's single images a pair of them."""

    item: Item
    features: Mapping[str, Any]

    @property
    def edit(self) -> Context:
        """The edit that the item is."""
        return cast("Context", self.item.edit)

    @property
    def context(self) -> Context:
        """What the item is judged against."""
        return cast("Context", self.item.context)

    def failure(self, looks: Iterable[str]) -> Failed | None:
        """Why one of these looks has no feature, or None where all have."""
        return next((value for look in looks if isinstance(value := self.features[look], Failed)), None)


class Judge(ABC):
    """The numbers of one implementation, by their names in `measures`."""

    @abstractmethod
    def looks(self, item: Item) -> tuple[str, ...]:
        """What has to be seen of the item: 'clip', 'caption', 'lpips', 'editclip'."""

    def texts(self, seen: Seen) -> list[tuple[Role, str]]:
        """The texts that have to be embedded."""
        return []

    def ahead(self, seen: Sequence[Seen], means: Means) -> Iterator[Event]:
        """Do what is better done for many items at once; every item has what `looks` names."""
        return iter(())

    @abstractmethod
    def judge(self, seen: Seen, said: Said) -> dict[str, RawOutcome]:
        """The outcome of each number, by its name; all looks have a feature."""


def missing_of(item: Item, metric: str) -> str | None:
    """Why a metric has nothing to compare an item with, or None where it has."""
    return item.context.missing_for((metric,)).get(metric) if item.context else "no context"


def cosine(first: Embedding, second: Embedding) -> float:
    """The cosine of two vectors of length one."""
    return cosines(first[None], second)[0]

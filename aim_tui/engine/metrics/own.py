"""AIM's three metrics, and BERTScore, for images that each have a prompt, a topic or a reference of their own.

The numbers are those of `clip`, `blip2`, `lpips` and `bertscore`, and so are the features in the cache.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from aim_tui.core.metrics.builtin import BERTSCORE, BLIP2, CLIP, LPIPS
from aim_tui.core.metrics.spec import Role
from aim_tui.core.outcomes import Failed, Missing
from aim_tui.engine.metrics.base import RawOutcome
from aim_tui.engine.metrics.others import OtherJudge
from aim_tui.engine.metrics.per_item import Judge, Seen, cosine, missing_of
from aim_tui.hub.optional_libraries import require_libraries

if TYPE_CHECKING:
    from collections.abc import Callable

    from aim_tui.core.scoring.events import Item
    from aim_tui.engine.metrics.captions import Spoken
    from aim_tui.engine.metrics.per_item import Said


def _missing(item: Item, metric: str) -> Missing | None:
    """Why a metric has nothing to compare an item with, or None where it has."""
    return Missing(reason) if (reason := missing_of(item, metric)) else None


class ClipScore(Judge):
    """The cosine of the image and its prompt."""

    def looks(self, item: Item) -> tuple[str, ...]:
        """CLIP's features, where there is a prompt."""
        return () if _missing(item, CLIP.id) else ("clip",)

    def texts(self, seen: Seen) -> list[tuple[Role, str]]:
        """The prompt."""
        return [(Role.CLIP, seen.context.prompt)] if self.looks(seen.item) else []

    def judge(self, seen: Seen, said: Said) -> dict[str, RawOutcome]:
        """The cosine; missing without a prompt."""
        if (missing := _missing(seen.item, CLIP.id)) is not None:
            return {CLIP.id: RawOutcome(missing)}
        prompt = said(Role.CLIP, seen.context.prompt)
        if isinstance(prompt, Failed):
            return {CLIP.id: RawOutcome(prompt)}
        return {CLIP.id: RawOutcome.of(cosine(seen.features["clip"], prompt))}


class CaptionSimilarity(Judge):
    """The similarity of the image's caption and its topic."""

    def looks(self, item: Item) -> tuple[str, ...]:
        """The caption, where there is a topic."""
        return () if _missing(item, BLIP2.id) else ("caption",)

    def texts(self, seen: Seen) -> list[tuple[Role, str]]:
        """The topic and the caption."""
        if not self.looks(seen.item) or not (caption := self._caption(seen)):
            return []
        return [(Role.SENTENCE, seen.context.topic), (Role.SENTENCE, caption)]

    def judge(self, seen: Seen, said: Said) -> dict[str, RawOutcome]:
        """The cosine of the two; missing without a topic, and for an empty caption."""
        return {BLIP2.id: self._judge(seen, said)}

    def _judge(self, seen: Seen, said: Said) -> RawOutcome:
        if (missing := _missing(seen.item, BLIP2.id)) is not None:
            return RawOutcome(missing)
        caption = self._caption(seen)
        if not caption:
            return RawOutcome(Missing("the captioner returned an empty caption"), "")
        rows = []
        for text, what in ((caption, "caption"), (seen.context.topic, "topic")):
            row = said(Role.SENTENCE, text)
            if isinstance(row, Failed):
                return RawOutcome(row, caption)
            if not row.any():
                return RawOutcome(Failed(f"the sentence encoder knows no word of the {what}"), caption)
            rows.append(row)
        return RawOutcome.of(cosine(*rows), caption)

    def _caption(self, seen: Seen) -> str:
        return cast("Spoken", seen.features["caption"]).caption


class LpipsDistance(Judge):
    """The distance of the image to its reference."""

    def looks(self, item: Item) -> tuple[str, ...]:
        """The distance, where there is a reference."""
        return () if _missing(item, LPIPS.id) else ("lpips",)

    def judge(self, seen: Seen, said: Said) -> dict[str, RawOutcome]:
        """The distance as it is; missing without a reference."""
        if (missing := _missing(seen.item, LPIPS.id)) is not None:
            return {LPIPS.id: RawOutcome(missing)}
        return {LPIPS.id: RawOutcome.of(seen.features["lpips"])}


class BertScore(OtherJudge):
    """The BERTScore of the image's caption and its topic."""

    def __init__(self) -> None:
        require_libraries([BERTSCORE.id])
        super().__init__(BERTSCORE, look="caption")


#: The judge of each metric.
JUDGES: dict[str, Callable[[], Judge]] = {
    CLIP.id: ClipScore,
    BLIP2.id: CaptionSimilarity,
    LPIPS.id: LpipsDistance,
    BERTSCORE.id: BertScore,
}

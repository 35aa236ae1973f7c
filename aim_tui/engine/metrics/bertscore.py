"""BERTScore of caption and topic: F1 of the greedy match of their tokens (Zhang et al. 2020), in [0, 1]."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from aim_tui.core.metrics.builtin import BERTSCORE
from aim_tui.core.outcomes import Failed, Missing
from aim_tui.core.scoring.events import Notice
from aim_tui.engine.metrics.base import RawOutcome
from aim_tui.engine.metrics.captions import EMPTY, CaptionMetric
from aim_tui.errors import UsageError
from aim_tui.hub.optional_libraries import require_libraries

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from aim_tui.core.metrics.spec import Role
    from aim_tui.core.scoring.context import Context
    from aim_tui.core.scoring.events import Event
    from aim_tui.engine.metrics.base import Read
    from aim_tui.engine.metrics.captions import Spoken
    from aim_tui.engine.models.bertscore import BertScorer
    from aim_tui.engine.models.loading import LoadedModel

_ROLE = BERTSCORE.roles[-1]
# Captions whose scores stay in memory.
_JUDGED = 4096


class BertScore(CaptionMetric):
    """Captions images and compares the captions' tokens with those of the topic."""

    def __init__(self, models: Mapping[Role, LoadedModel]) -> None:
        # Before a captioner of 15 GB is loaded and has said everything for nothing.
        require_libraries([BERTSCORE.id])
        super().__init__(models)
        self._judged: dict[str, RawOutcome] = {}

    @property
    def _scorer(self) -> BertScorer:
        return cast("BertScorer", self._models[_ROLE])

    def expect(self, context: Context, read: Read) -> None:
        """Take the topic."""
        if self._topic != context.topic:
            self._topic = context.topic
            self._judged.clear()

    def wants(self, features: Sequence[object]) -> set[Role]:
        """The language model, for any caption that is not empty and was not just judged."""
        spoken = cast("Sequence[Spoken]", features)
        if self._nothing or all(each.caption in self._judged for each in spoken if each.caption):
            return set()
        return {_ROLE}

    def set_context(self, context: Context, read: Read) -> Sequence[Event]:
        """Tell of a topic that the model cannot read to its end; UsageError for one without any token."""
        if _ROLE not in self._models:
            return ()
        (tokens,) = self._scorer.tokens([context.topic])
        if not tokens:
            raise UsageError(
                f"the BERTScore model {self._scorer.info.id} finds no token in the topic", "word the topic differently"
            )
        if tokens > self._scorer.limit:
            return (Notice(f"the topic has {tokens} tokens; bertscore reads the first {self._scorer.limit}"),)
        return ()

    def judge(self, features: Sequence[Spoken]) -> list[RawOutcome]:
        """The F1 of each caption with the topic; an empty caption is missing, not similarity 0."""
        if self._nothing:
            return [RawOutcome(Missing("no topic"), spoken.caption) for spoken in features]
        if self._topic is None:
            raise RuntimeError("judge before expect")
        captions = {spoken.caption for spoken in features if spoken.caption}
        outcomes = {caption: self._judged[caption] for caption in captions if caption in self._judged}
        if lacking := sorted(captions - outcomes.keys()):
            outcomes |= self._score(lacking, self._topic)
        if len(self._judged) > _JUDGED:
            self._judged.clear()
        self._judged |= outcomes
        outcomes[""] = EMPTY
        return [outcomes[spoken.caption] for spoken in features]

    def _score(self, captions: Sequence[str], topic: str) -> Iterable[tuple[str, RawOutcome]]:
        scorer = self._scorer
        tokens = dict(zip(captions, scorer.tokens(captions), strict=True))
        heard = [caption for caption in captions if tokens[caption]]
        failed = Failed("the BERTScore model finds no token in the caption")
        outcomes = {caption: RawOutcome(failed, caption) for caption in captions if not tokens[caption]}
        for caption, value in zip(heard, scorer.f1(heard, topic), strict=True):
            outcomes[caption] = RawOutcome.of(value, caption)
        return outcomes.items()

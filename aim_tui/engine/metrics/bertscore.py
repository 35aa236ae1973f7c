"""BERTScore of caption and topic: F1 of the greedy match of their tokens (Zhang et al. 2020), in [0, 1]."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, cast

from aim_tui.core.metrics.builtin import BERTSCORE
from aim_tui.core.metrics.spec import Role
from aim_tui.core.outcomes import Failed
from aim_tui.core.scoring.context import Context
from aim_tui.core.scoring.events import Event, Notice
from aim_tui.engine.metrics.base import Columns, RawOutcome
from aim_tui.engine.metrics.captions import EMPTY, CaptionMetric
from aim_tui.engine.models.bertscore import BertScorer
from aim_tui.engine.models.loading import LoadedModel
from aim_tui.errors import UsageError
from aim_tui.hub.optional_libraries import require_libraries

if TYPE_CHECKING:
    from aim_tui.engine.text_embeddings import TextEmbeddings

_ROLE = BERTSCORE.roles[-1]
# Captions whose scores stay in memory.
_REMEMBERED = 4096


class BertScore(CaptionMetric):
    """Compares the tokens of captions with those of the topic."""

    def __init__(self, models: Mapping[Role, LoadedModel]) -> None:
        # Before a captioner of 15 GB is loaded and has captioned everything for nothing.
        require_libraries([BERTSCORE.id])
        super().__init__(models)
        self._topic: str | None = None
        self._scored: dict[str, RawOutcome] = {}
        self._notices: list[Event] = []
        self._reported: set[str] = set()

    @property
    def _scorer(self) -> BertScorer:
        return cast("BertScorer", self.models[_ROLE])

    def wants(self, context: Context, features: Columns, texts: TextEmbeddings) -> set[Role]:
        """The language model, for any caption that is not empty and was not just scored."""
        (captions,) = features
        scored = self._scored if self._topic == context.topic else {}
        return {_ROLE} if any(caption and caption not in scored for caption in captions) else set()

    def begin(self, context: Context, texts: TextEmbeddings) -> Sequence[Event]:
        """Report a topic that the model cannot read to its end; UsageError for one without any token."""
        if _ROLE in self.models:
            self._tokens(context.topic)
        return self.notices()

    def notices(self) -> Sequence[Event]:
        """Texts that the model cannot read to their end."""
        notices, self._notices = self._notices, []
        return notices

    def _report(self, text: str) -> None:
        if text not in self._reported:
            self._reported.add(text)
            self._notices.append(Notice(text))

    def values(self, context: Context, features: Columns, texts: TextEmbeddings) -> Sequence[float | RawOutcome]:
        """The F1 of each caption with the topic; an empty caption is missing, not similarity 0."""
        (captions,) = features
        if self._topic != context.topic:
            self._topic = context.topic
            self._scored.clear()
        wanted = {caption for caption in captions if caption}
        outcomes = {caption: self._scored[caption] for caption in wanted if caption in self._scored}
        if lacking := sorted(wanted - outcomes.keys()):
            outcomes |= self._score(lacking, context.topic)
        if len(self._scored) > _REMEMBERED:
            self._scored.clear()
        self._scored |= outcomes
        outcomes[""] = EMPTY
        return [outcomes[caption] for caption in captions]

    def _tokens(self, topic: str) -> int:
        (tokens,) = self._scorer.tokens([topic])
        if not tokens:
            raise UsageError(
                f"the BERTScore model {self._scorer.info.id} finds no token in the topic", "word the topic differently"
            )
        if tokens > self._scorer.limit:
            self._report(f"the topic has {tokens} tokens; bertscore reads the first {self._scorer.limit}")
        return tokens

    def _score(self, captions: Sequence[str], topic: str) -> dict[str, RawOutcome]:
        self._tokens(topic)
        scorer = self._scorer
        tokens = dict(zip(captions, scorer.tokens(captions), strict=True))
        if any(count > scorer.limit for count in tokens.values()):
            self._report(f"some captions have more than the {scorer.limit} tokens that bertscore reads")
        readable = [caption for caption in captions if tokens[caption]]
        failed = Failed("the BERTScore model finds no token in the caption")
        outcomes = {caption: RawOutcome(failed, caption) for caption in captions if not tokens[caption]}
        for caption, value in zip(readable, scorer.f1(readable, topic), strict=True):
            outcomes[caption] = RawOutcome.of(value, caption)
        return outcomes

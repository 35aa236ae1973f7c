"""Caption similarity: cosine of the sentence embeddings of a BLIP-2 caption and the topic, in [-1, 1]."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, cast

import numpy as np

from aim_tui.core.metrics.spec import Role
from aim_tui.core.outcomes import Failed
from aim_tui.core.scoring.context import Context
from aim_tui.core.scoring.events import Event
from aim_tui.engine.metrics.base import Columns, RawOutcome, cosines
from aim_tui.engine.metrics.captions import EMPTY, CaptionMetric
from aim_tui.engine.models.sentence import SentenceEncoder
from aim_tui.errors import UsageError

if TYPE_CHECKING:
    from aim_tui.engine.text_embeddings import TextEmbeddings

_UNKNOWN = "the sentence encoder knows no word of the {}"


class CaptionSimilarity(CaptionMetric):
    """Compares captions with the topic."""

    def texts(self, context: Context, features: Columns) -> Sequence[tuple[Role, str]]:
        """The topic, and captions that are not empty."""
        (captions,) = features
        return [(Role.SENTENCE, text) for text in dict.fromkeys((context.topic, *captions)) if text]

    def begin(self, context: Context, texts: TextEmbeddings) -> Sequence[Event]:
        """Report how much of the topic the encoder reads; UsageError for one without any word that it knows."""
        topic = texts.get(Role.SENTENCE, context.topic)
        if not isinstance(topic, Failed) and not topic.any():
            # A kept embedding needs no model, but its error names one.
            encoder = cast("SentenceEncoder", self.models[Role.SENTENCE])
            raise UsageError(
                f"the sentence encoder {encoder.info.id} knows no word of the topic",
                "word the topic differently, or use another --profile",
            )
        read = texts.of(Role.SENTENCE).reads.get(context.topic)
        return (replace(read, text="topic"),) if read is not None else ()

    def read_texts(self, context: Context) -> Sequence[tuple[Literal["prompt", "topic"], Role, str]]:
        """The topic."""
        return (("topic", Role.SENTENCE, context.topic),)

    def wants(self, context: Context, features: Columns, texts: TextEmbeddings) -> set[Role]:
        """The encoder, where an error has to name it."""
        topic = texts.of(Role.SENTENCE).known(context.topic)
        return {Role.SENTENCE} if isinstance(topic, np.ndarray) and not topic.any() else set()

    def values(self, context: Context, features: Columns, texts: TextEmbeddings) -> Sequence[float | RawOutcome]:
        """The cosine of each caption with the topic; an empty caption is missing, not similarity 0."""
        (captions,) = features
        topic = texts.get(Role.SENTENCE, context.topic)
        embedded = {caption: texts.get(Role.SENTENCE, caption) for caption in set(captions) if caption}
        rows = {caption: row for caption, row in embedded.items() if isinstance(row, np.ndarray) and row.any()}
        outcomes = {"": EMPTY}
        for caption, row in embedded.items():
            if caption not in rows:
                failed = row if isinstance(row, Failed) else Failed(_UNKNOWN.format("caption"))
                outcomes[caption] = RawOutcome(failed, caption)
        if isinstance(topic, Failed) or not topic.any():
            failed = topic if isinstance(topic, Failed) else Failed(_UNKNOWN.format("topic"))
            outcomes |= {caption: RawOutcome(failed, caption) for caption in rows}
        elif rows:
            # Captions that say the same share one outcome.
            found = zip(rows, cosines(np.stack(list(rows.values())), topic), strict=True)
            outcomes |= {caption: RawOutcome.of(value, caption) for caption, value in found}
        return [outcomes[caption] for caption in captions]

"""Caption similarity: cosine of the sentence embeddings of a BLIP-2 caption and the topic, in [-1, 1]."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np

from aim_tui.core.metrics.spec import Role
from aim_tui.core.outcomes import Failed, Missing
from aim_tui.engine.cache_keys import text_key
from aim_tui.engine.metrics.base import RawOutcome, cosines
from aim_tui.engine.metrics.captions import EMPTY, CaptionMetric, Spoken
from aim_tui.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from aim_tui.core.scoring.context import Context
    from aim_tui.core.scoring.events import Event
    from aim_tui.engine.metrics.base import Read
    from aim_tui.engine.metrics.captions import Embedding
    from aim_tui.engine.models.loading import LoadedModel
    from aim_tui.engine.models.sentence import SentenceEncoder

# Captions that are embedded at once, when a great many of them are judged.
_SENTENCES = 256
# Texts whose embeddings stay in memory, some megabytes.
_HEARD = 4096


class CaptionSimilarity(CaptionMetric):
    """Captions images and compares the captions with the topic."""

    def __init__(self, models: Mapping[Role, LoadedModel]) -> None:
        super().__init__(models)
        self._embedding: Embedding | None = None
        self._heard: dict[str, Embedding] = {}

    def expect(self, context: Context, read: Read) -> None:
        """Take the topic, and what is kept of it."""
        if self._topic != context.topic:
            self._topic = context.topic
            kept = self._recall_texts([context.topic]).get(context.topic)
            # One without any known word is embedded again, to name the encoder in the error.
            self._embedding = kept if kept is not None and kept.any() else None

    def wants(self, features: Sequence[object]) -> set[Role]:
        """The sentence encoder, for a topic or a caption that has not been embedded before."""
        spoken = cast("Sequence[Spoken]", features)
        if self._nothing:
            return set()
        known = self._embedding is not None and all(s.embedding is not None for s in spoken if s.caption)
        return set() if known else {Role.SENTENCE}

    def set_context(self, context: Context, read: Read) -> Sequence[Event]:
        """Embed the topic; UsageError for one that the encoder has no word of."""
        if self._embedding is None:
            self._embedding = self._embed([context.topic])[context.topic]
        if not self._embedding.any():
            encoder, self._embedding = cast("SentenceEncoder", self._models[Role.SENTENCE]), None
            raise UsageError(
                f"the sentence encoder {encoder.info.id} knows no word of the topic",
                "word the topic differently, or use another --profile",
            )
        return ()

    def recall(self, sha256s: Sequence[str]) -> list[Spoken | None]:
        """The kept caption of each image, with its embedding where that is kept too."""
        if self.cache is None:
            return [None] * len(sha256s)
        captions: dict[str, str] = self.cache.keeper.values(self._captions(), sha256s)
        embeddings = self._recall_texts({caption for caption in captions.values() if caption})
        spoken = {caption: Spoken(caption, embeddings.get(caption)) for caption in set(captions.values())}
        return [spoken[captions[sha256]] if sha256 in captions else None for sha256 in sha256s]

    def judge(self, features: Sequence[Spoken]) -> list[RawOutcome]:
        """The cosine of each caption with the topic; an empty caption is missing, not similarity 0."""
        if self._nothing:
            return [RawOutcome(Missing("no topic"), spoken.caption) for spoken in features]
        if self._embedding is None:
            raise RuntimeError("judge before set_context")
        known = {spoken.caption: spoken.embedding for spoken in features if spoken.embedding is not None}
        unknown = {spoken.caption: None for spoken in features if spoken.caption and spoken.caption not in known}
        known |= self._embed(unknown)
        captions = list(known)
        outcomes = {"": EMPTY}
        if captions:
            # Of captions that say the same there is one outcome.
            embeddings = np.stack([known[caption] for caption in captions])
            heard = (bool(row.any()) for row in embeddings)
            judged = map(_outcome, captions, cosines(embeddings, self._embedding), heard)
            outcomes |= zip(captions, judged, strict=True)
        return [outcomes[spoken.caption] for spoken in features]

    def _embed(self, texts: Collection[str]) -> dict[str, Embedding]:
        """The embedding of each text, by text; kept for later."""
        embedded = {text: self._heard[text] for text in texts if text in self._heard}
        unheard = [text for text in texts if text not in embedded]
        for start in range(0, len(unheard), _SENTENCES):
            part = unheard[start : start + _SENTENCES]
            encoder = cast("SentenceEncoder", self._models[Role.SENTENCE])
            fresh = dict(zip(part, encoder.embed(part).numpy(), strict=True))
            embedded |= fresh
            self._remember(fresh)
        return embedded

    def _remember(self, fresh: Mapping[str, Embedding]) -> None:
        """Generations of one prompt look alike, and so do their captions: most are heard more than once."""
        if len(self._heard) > _HEARD:
            self._heard.clear()
        self._heard |= fresh
        if self.cache is not None:
            sound = {text_key(text): row for text, row in fresh.items() if bool(np.isfinite(row).all())}
            self.cache.keeper.keep_vectors(self.cache.texts(Role.SENTENCE), sound)

    def _recall_texts(self, texts: Iterable[str]) -> dict[str, Embedding]:
        if self.cache is None:
            return {}
        keys = {text: text_key(text) for text in texts}
        kept = self.cache.keeper.vectors(self.cache.texts(Role.SENTENCE), list(keys.values()))
        return {text: kept[key] for text, key in keys.items() if key in kept}


def _outcome(caption: str, similarity: float, known_word: bool) -> RawOutcome:
    if not known_word:
        return RawOutcome(Failed("the sentence encoder knows no word of the caption"), caption)
    return RawOutcome.of(similarity, caption)

"""Embeddings of many texts by one model: found again where they are kept, computed once where they are not."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, cast

import msgspec
import numpy as np

from aim_tui.core.metrics.spec import Role
from aim_tui.core.outcomes import Failed
from aim_tui.core.scoring.events import PromptRead
from aim_tui.engine.cache_keys import text_key
from aim_tui.engine.out_of_memory import brief

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy.typing as npt

    from aim_tui.engine.cache_keys import Cache
    from aim_tui.engine.models.clip import Clip
    from aim_tui.engine.models.loading import LoadedModel
    from aim_tui.engine.models.sentence import SentenceEncoder

    Embedding = npt.NDArray[np.float32]
    #: One row a text: float32 (texts, dim).
    Vectors = npt.NDArray[np.float32]

log = logging.getLogger(__name__)

# Texts that stay in memory, some megabytes.
_HEARD = 8192
_AT_ONCE = 64


class TextBook:
    """What the model of a role makes of texts. The texts of CLIP are those of its prompts, in the same cache."""

    def __init__(self, role: Role, models: Mapping[Role, LoadedModel], cache: Cache | None) -> None:
        self.role = role
        self._models = models
        self._cache = cache if cache is not None and role in cache.identities else None
        self._known: dict[str, Embedding | Failed] = {}
        self.cut: set[str] = set()
        """Texts of which the model sees the beginning alone."""

    def lacking(self, texts: Iterable[str]) -> list[str]:
        """Those of the texts that the model has to be asked about; what is kept is taken up."""
        if len(self._known) > _HEARD:
            self._known.clear()
        unknown = [text for text in dict.fromkeys(texts) if text not in self._known]
        if self._cache is None or not unknown:
            return unknown
        keys = {text: text_key(text) for text in unknown}
        rows = self._cache.keeper.vectors(self._cache.texts(self.role), list(keys.values()))
        notes: Mapping[str, str] = {}
        if self.role is not Role.SENTENCE:
            notes = self._cache.keeper.values(self._cache.notes(self.role, "prompt"), list(keys.values()))
            rows = {key: row for key, row in rows.items() if key in notes}
        for text, key in keys.items():
            if key in rows:
                self._known[text] = rows[key]
                if key in notes and msgspec.json.decode(notes[key], type=PromptRead).truncated:
                    self.cut.add(text)
        return [text for text in unknown if text not in self._known]

    def embed(self, texts: Iterable[str]) -> None:
        """Ask the model, and keep what it says; a text that it cannot take fails alone."""
        # Of about the same length together: the shorter ones of a batch are filled up to the longest.
        ordered = sorted(texts, key=len)
        for start in range(0, len(ordered), _AT_ONCE):
            self._embed(ordered[start : start + _AT_ONCE])

    def _embed(self, texts: Sequence[str]) -> None:
        try:
            rows = self._sentences(texts) if self.role is Role.SENTENCE else self._prompts(texts)
        except Exception as error:  # any failure of a model is a failed value, never the end of the job
            if len(texts) > 1:
                for text in texts:
                    self._embed([text])
                return
            log.exception("a text could not be embedded")
            self._known[texts[0]] = Failed(f"the text cannot be embedded: {brief(error)}")
            return
        for text, row in zip(texts, rows, strict=True):
            sound = bool(np.isfinite(row).all())
            self._known[text] = row if sound else Failed("the embedding of the text is not finite")
            if self._cache is not None and sound:
                self._cache.keeper.keep_vectors(self._cache.texts(self.role), {text_key(text): row})

    def get(self, text: str) -> Embedding | Failed:
        """The embedding of a text that was asked for before."""
        return self._known[text]

    def _sentences(self, texts: Sequence[str]) -> Vectors:
        return cast("SentenceEncoder", self._models[self.role]).embed(texts).numpy()

    def _prompts(self, texts: Sequence[str]) -> Vectors:
        said = cast("Clip", self._models[self.role]).texts_features(texts)
        for text, tokens in zip(texts, said.tokens, strict=True):
            read = PromptRead(tokens, said.limit, tokens > said.limit)
            if read.truncated:
                self.cut.add(text)
            if self._cache is not None:
                note = {text_key(text): msgspec.json.encode(read).decode()}
                self._cache.keeper.keep_values(self._cache.notes(self.role, "prompt"), note)
        return said.features.numpy()

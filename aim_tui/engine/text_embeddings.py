"""Embeddings of many texts by one model: found again where they are kept, computed once where they are not."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, cast

import msgspec
import numpy as np
import numpy.typing as npt

from aim_tui.core.metrics.spec import Role
from aim_tui.core.outcomes import Failed
from aim_tui.core.scoring.events import PromptRead
from aim_tui.engine.cache_keys import Cache, text_key
from aim_tui.engine.models.loading import LoadedModel
from aim_tui.engine.models.sentence import UNLIMITED, SentenceEncoder
from aim_tui.engine.out_of_memory import brief

if TYPE_CHECKING:
    from aim_tui.engine.models.clip import Clip

    Embedding = npt.NDArray[np.float32]
    Vectors = npt.NDArray[np.float32]

log = logging.getLogger(__name__)

# Texts that stay in memory from one batch to the next, some megabytes.
_REMEMBERED = 8192
_AT_ONCE = 64
_SCALE = "logit scale"


class ModelTexts:
    """A model's embeddings of texts. The texts of CLIP are those of its prompts, in the same cache."""

    def __init__(self, role: Role, models: Mapping[Role, LoadedModel], cache: Cache | None = None) -> None:
        self.role = role
        self._models = models
        self._known: dict[str, Embedding | Failed] = {}
        self.use_cache(cache)
        self._pinned: dict[str, Embedding | Failed] = {}
        self._scale: float | None = None
        self.reads: dict[str, PromptRead] = {}
        """How much of a text the model reads, of a model that does not read every text whole."""

    def use_cache(self, cache: Cache | None) -> None:
        """Use this cache from now on; a new job retries texts that failed in the last one."""
        self._cache = cache if cache is not None and self.role in cache.identities else None
        self._known = {text: row for text, row in self._known.items() if not isinstance(row, Failed)}

    @property
    def cut(self) -> set[str]:
        """Texts of which the model reads only the beginning."""
        return {text for text, read in self.reads.items() if read.truncated}

    def pin(self, texts: Iterable[str]) -> None:
        """Hold these texts, and no others of before, whatever comes: those that a whole job compares with."""
        self._pinned = {text: self._known[text] for text in texts}

    def lacking(self, texts: Iterable[str]) -> list[str]:
        """Those of the texts that the model has to embed; kept embeddings are loaded."""
        wanted = dict.fromkeys(texts)
        if len(self._known) > _REMEMBERED:
            # Those that are wanted now would be embedded a second time.
            wanted_now = {text: row for text, row in self._known.items() if text in wanted}
            self._known = wanted_now | self._pinned
            self.reads = {text: read for text, read in self.reads.items() if text in self._known}
        unknown = [text for text in wanted if text not in self._known]
        if self._cache is None or not unknown:
            return unknown
        keys = {text: text_key(text) for text in unknown}
        rows = self._cache.access.vectors(self._cache.texts(self.role), list(keys.values()))
        notes = self._cache.access.values(self._cache.notes(self.role, "prompt"), list(keys.values()))
        for text, key in keys.items():
            if key in rows and key in notes:
                self._known[text] = rows[key]
                self.reads[text] = msgspec.json.decode(notes[key], type=PromptRead)
            elif key in rows and self._reads_whole_texts:
                self._known[text] = rows[key]
        return [text for text in unknown if text not in self._known]

    def embed(self, texts: Iterable[str]) -> None:
        """Embed texts and keep the embeddings; a text that the model cannot take fails by itself."""
        # Of about the same length together: the shorter ones of a batch are filled up to the longest.
        ordered = sorted(texts, key=len)
        for start in range(0, len(ordered), _AT_ONCE):
            self._embed(ordered[start : start + _AT_ONCE])

    def _embed(self, texts: Sequence[str]) -> None:
        try:
            rows = self._sentences(texts) if self.role is Role.SENTENCE else self._prompts(texts)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # any failure of a model is a failed value, never the end of the job
            if len(texts) > 1:
                for text in texts:
                    self._embed([text])
                return
            log.exception("a text could not be embedded")
            self._known[texts[0]] = Failed(f"the text cannot be embedded: {brief(error)}")
            return
        sound = {text: row for text, row in zip(texts, rows, strict=True) if bool(np.isfinite(row).all())}
        self._known |= {text: sound.get(text, Failed("the embedding of the text is not finite")) for text in texts}
        if self._cache is not None:
            kept = {text_key(text): row for text, row in sound.items()}
            self._cache.access.keep_vectors(self._cache.texts(self.role), kept)

    @property
    def scale(self) -> float | None:
        """exp(logit_scale) of a dual encoder: kept, or that of the model where it is loaded, or None."""
        if self._scale is None:
            key = text_key(_SCALE)
            if self._cache is not None:
                kept = self._cache.access.values(self._cache.notes(self.role, _SCALE), [key]).get(key)
                self._scale = float(kept) if kept is not None else None
            if self._scale is None and self.role in self._models:
                self._scale = cast("Clip", self._models[self.role]).scale
                if self._cache is not None:
                    self._cache.access.keep_values(self._cache.notes(self.role, _SCALE), {key: repr(self._scale)})
        return self._scale

    def known(self, text: str) -> Embedding | Failed | None:
        """The embedding of a text where it is in memory."""
        return self._known.get(text)

    def get(self, text: str) -> Embedding | Failed:
        """The embedding of a text that was embedded or loaded before."""
        return self._known[text]

    def _sentences(self, texts: Sequence[str]) -> Vectors:
        encoder = cast("SentenceEncoder", self._models[self.role])
        rows = encoder.embed(texts).numpy()
        self._keep_reads(texts, encoder.tokens(texts), encoder.limit)
        return rows

    def _prompts(self, texts: Sequence[str]) -> Vectors:
        found = cast("Clip", self._models[self.role]).texts_features(texts)
        self._keep_reads(texts, found.tokens, found.limit)
        return found.features.numpy()

    def _keep_reads(self, texts: Sequence[str], tokens: Sequence[int], limit: int | None) -> None:
        """Note how much of each text is read, by a model that does not read every text whole."""
        if limit is None:
            return
        for text, count in zip(texts, tokens, strict=True):
            read = self.reads[text] = PromptRead(count, limit, count > limit)
            if self._cache is not None:
                note = {text_key(text): msgspec.json.encode(read).decode()}
                self._cache.access.keep_values(self._cache.notes(self.role, "prompt"), note)

    @property
    def _reads_whole_texts(self) -> bool:
        """Whether a text needs no note of how much of it is read."""
        if self.role is not Role.SENTENCE or self._cache is None:
            return False
        if self.role in self._models:
            return cast("SentenceEncoder", self._models[self.role]).limit is None
        info = self._cache.kept_info(self.role)
        return info is not None and info.detail.get("max_seq_length") in UNLIMITED


class TextEmbeddings:
    """The text embeddings that a job compares with, of all models."""

    def __init__(self, book: Callable[[Role], ModelTexts]) -> None:
        self.of = book

    def get(self, role: Role, text: str) -> Embedding | Failed:
        """The embedding of a text by the model of a role, or why there is none."""
        return self.of(role).get(text)

    def scale(self, role: Role) -> float | None:
        """What the model of a role multiplies cosines by, where that is known."""
        return self.of(role).scale

    def known_scale(self, role: Role) -> float:
        """The same, after its model was loaded or the scale was found."""
        scale = self.of(role).scale
        if scale is None:
            raise RuntimeError(f"the scale of {role} is not known")
        return scale

    def lacking(self, texts: Iterable[tuple[Role, str]]) -> dict[Role, list[str]]:
        """The texts that a model has to embed, by its role; kept embeddings are loaded."""
        wanted: dict[Role, list[str]] = {}
        for role, text in texts:
            wanted.setdefault(role, []).append(text)
        found = {role: self.of(role).lacking(named) for role, named in wanted.items()}
        return {role: named for role, named in found.items() if named}

"""The metrics of image edits: features of source and target, and embeddings of texts, become numbers."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt
import torch

from aim_tui.core.metrics.edits import target_text
from aim_tui.core.metrics.spec import Role
from aim_tui.core.outcomes import Failed, Missing
from aim_tui.core.scoring.context import Context
from aim_tui.core.scoring.jobs import EngineSettings
from aim_tui.engine.cache_keys import PREPROCESSING, Cache
from aim_tui.engine.metrics.base import IMAGE, SOURCE, Extractor, FeatureView, ItemMetric, RawOutcome, cosine
from aim_tui.engine.metrics.captions import CAPTIONS, Captions
from aim_tui.engine.metrics.embeddings import ImageFeatures
from aim_tui.engine.metrics.lpips import LPIPS, LpipsDistance
from aim_tui.engine.models.editclip import EditClip, resized
from aim_tui.engine.text_embeddings import TextEmbeddings
from aim_tui.store.cache import Space

if TYPE_CHECKING:
    from aim_tui.engine.metrics.base import Columns, Key, MakeExtractor, Models
    from aim_tui.engine.metrics.embeddings import Embedding

_CLIP, _EDITCLIP = str(Role.CLIP), str(Role.EDITCLIP)
_SOURCE, _TARGET = FeatureView(_CLIP, (SOURCE,)), FeatureView(_CLIP)
_SOURCE_CAPTION, _TARGET_CAPTION = FeatureView(CAPTIONS, (SOURCE,)), FeatureView(CAPTIONS)
# Unit vectors of float32 that are this near to each other differ by rounding alone.
_NOWHERE = 1e-5
_SAME = Missing("source and target have the same CLIP features, so there is no direction of change")
_SAME_TEXT = Missing("source text and target text have the same CLIP features, so there is no direction of change")
_EMPTY = "the captioner returned an empty caption of the {}"


class EditClipFeatures(Extractor):
    """EditCLIP's features of source and target together: float32 (dim,) of length one."""

    name = _EDITCLIP
    roles = (Role.EDITCLIP,)

    def __init__(self, models: Models, settings: EngineSettings) -> None:
        self._models = models
        self._resize = settings.edit_resize

    @property
    def _model(self) -> EditClip:
        return cast("EditClip", self._models[Role.EDITCLIP])

    @property
    def batch_size(self) -> int:
        """8 on a CPU, where more brings nothing; 32 elsewhere."""
        return 8 if self._model.on_cpu else 32

    def prepare(self, *pixels: torch.Tensor) -> torch.Tensor:
        """Both images as the image processor makes them: (2, 3, h, w)."""
        source, target = (resized(side, self._resize) for side in pixels)
        return self._model.prepare_pair(source, target)

    def recall(self, keys: Sequence[Key]) -> list[Embedding | None]:
        """The kept features of each pair."""
        if self.cache is None:
            return [None] * len(keys)
        names = [_pair_key(key) for key in keys]
        kept = self.cache.access.vectors(self._space(self.cache), names)
        return [kept.get(name) for name in names]

    def extract(self, batch: Sequence[torch.Tensor]) -> list[Embedding]:
        """The features of each pair."""
        return list(self._model.pair_features(batch).numpy())

    def keep(self, keys: Sequence[Key], features: Sequence[Embedding]) -> None:
        """Keep features whose every number is finite."""
        if self.cache is not None:
            rows = zip(keys, features, strict=True)
            sound = {_pair_key(key): row for key, row in rows if bool(np.isfinite(row).all())}
            self.cache.access.keep_vectors(self._space(self.cache), sound)

    def _space(self, cache: Cache) -> Space:
        model = cache.identities[Role.EDITCLIP]
        scaled = f"scaled to {self._resize} x {self._resize}, Pillow bicubic" if self._resize else "as it is"
        return Space.embedding(
            model.fingerprint,
            preprocessing=f"{PREPROCESSING}; source and target on six channels, each {scaled}",
            dtype=model.computing,
            reading=cache.reading,
        )


class EditMetric(ItemMetric):
    """A number of each edit by itself, since no two have the same source and instruction."""

    #: The role of the model that embeds the instruction, where one does.
    text_role: Role | None = None
    needed: tuple[FeatureView, ...] = ()

    def extractors(self) -> Mapping[str, MakeExtractor]:
        """Those of single images, and EditCLIP's of a pair."""
        return {_CLIP: partial(ImageFeatures, Role.CLIP), CAPTIONS: Captions, _EDITCLIP: EditClipFeatures}

    def views(self, context: Context) -> tuple[FeatureView, ...]:
        """The same of every edit."""
        return self.needed

    def texts(self, context: Context, features: Columns) -> Sequence[tuple[Role, str]]:
        """The instruction, where it is compared."""
        return ((self.text_role, context.instruction),) if self.text_role is not None else ()

    def values(self, context: Context, features: Columns, texts: TextEmbeddings) -> Sequence[float | RawOutcome]:
        """The number of each edit; failed where its instruction cannot be embedded."""
        text = texts.get(self.text_role, context.instruction) if self.text_role is not None else None
        if isinstance(text, Failed):
            return [RawOutcome(text)] * len(features[0])
        return [self.number(*row, text) for row in zip(*features, strict=True)]

    def number(self, *seen: Any) -> float:
        """The number of an edit, by its features in the order of `needed`, and the instruction's or None."""
        raise NotImplementedError


class EditScore(EditMetric):
    """How much nearer to the instruction the target is than the source."""

    text_role, needed = Role.CLIP, (_SOURCE, _TARGET)

    def number(self, *seen: Any) -> float:
        """The difference of two cosines."""
        source, target, text = seen
        return cosine(target, text) - cosine(source, text)


class TargetText(EditMetric):
    """How near the target is to the instruction."""

    text_role, needed = Role.CLIP, (_TARGET,)

    def number(self, *seen: Any) -> float:
        """The cosine."""
        target, text = seen
        return cosine(target, text)


class SourceText(TargetText):
    """How near the source is to the instruction already."""

    needed = (_SOURCE,)


class SourceTarget(EditMetric):
    """How alike source and target are to CLIP."""

    needed = (_SOURCE, _TARGET)

    def number(self, *seen: Any) -> float:
        """The cosine of the two."""
        source, target, _ = seen
        return cosine(source, target)


class EditClipScore(EditMetric):
    """How well the pair shows the instruction."""

    text_role, needed = Role.EDITCLIP, (FeatureView(_EDITCLIP, (SOURCE, IMAGE)),)

    def number(self, *seen: Any) -> float:
        """The cosine of pair and instruction."""
        pair, text = seen
        return cosine(pair, text)


class PreservationLpips(LpipsDistance):
    """How far the target looks from the source."""

    def views(self, context: Context) -> tuple[FeatureView, ...]:
        """The distance of target and source."""
        return (FeatureView(LPIPS, (SOURCE, IMAGE)),)


class Directional(EditMetric):
    """Whether the images change in the direction in which the texts do (Gal et al. 2022, StyleGAN-NADA)."""

    def views(self, context: Context) -> tuple[FeatureView, ...]:
        """CLIP's features, and a caption of a source that has none of its own."""
        return (_SOURCE, _TARGET) if context.source_caption else (_SOURCE, _TARGET, _SOURCE_CAPTION)

    def texts(self, context: Context, features: Columns) -> Sequence[tuple[Role, str]]:
        """The texts of source and target."""
        sources = [context.source_caption] if context.source_caption else dict.fromkeys(features[2])
        return [(Role.CLIP, text) for source in sources if source for text in (source, _target_text(context, source))]

    def values(self, context: Context, features: Columns, texts: TextEmbeddings) -> Sequence[float | RawOutcome]:
        """The cosine of the two changes; missing where one of them is none."""
        given = [context.source_caption] * len(features[0])
        rows = zip(*features[:2], given if context.source_caption else features[2], strict=True)
        return [self._value(context, texts, *row) for row in rows]

    def _value(
        self, context: Context, texts: TextEmbeddings, source: Embedding, target: Embedding, text: str
    ) -> RawOutcome:
        if not text:
            return RawOutcome(Missing(_EMPTY.format("source")), "")
        before, after = texts.get(Role.CLIP, text), texts.get(Role.CLIP, _target_text(context, text))
        if isinstance(before, Failed):
            return RawOutcome(before)
        if isinstance(after, Failed):
            return RawOutcome(after)
        images, words = _change(source, target), _change(before, after)
        if not np.linalg.norm(images) > _NOWHERE:
            return RawOutcome(_SAME)
        if not np.linalg.norm(words) > _NOWHERE:
            return RawOutcome(_SAME_TEXT)
        value = float(images @ words / (np.linalg.norm(images) * np.linalg.norm(words)))
        return RawOutcome.of(value, None if context.source_caption else text)


class CaptionChange(EditMetric):
    """How far the generated captions of source and target are from each other."""

    needed = (_SOURCE_CAPTION, _TARGET_CAPTION)

    def texts(self, context: Context, features: Columns) -> Sequence[tuple[Role, str]]:
        """Both captions."""
        return [(Role.SENTENCE, text) for column in features for text in dict.fromkeys(column) if text]

    def values(self, context: Context, features: Columns, texts: TextEmbeddings) -> Sequence[float | RawOutcome]:
        """One minus the cosine of the captions."""
        rows = zip(*features, strict=True)
        return [self._value(texts, before, after) for before, after in rows]

    def _value(self, texts: TextEmbeddings, before: str, after: str) -> RawOutcome:
        caption = f"{before} -> {after}"
        found = _sentence_cosine(texts, before, after, "source")
        return RawOutcome.of(1.0 - found, caption) if isinstance(found, float) else RawOutcome(found, caption)


class CaptionInstruction(EditMetric):
    """How near the target's generated caption is to the instruction."""

    needed = (_TARGET_CAPTION,)

    def texts(self, context: Context, features: Columns) -> Sequence[tuple[Role, str]]:
        """The captions and the instruction."""
        texts = dict.fromkeys((*features[0], context.instruction))
        return [(Role.SENTENCE, text) for text in texts if text]

    def values(self, context: Context, features: Columns, texts: TextEmbeddings) -> Sequence[float | RawOutcome]:
        """The cosine of caption and instruction."""
        found = [(caption, _sentence_cosine(texts, caption, context.instruction, "target")) for caption in features[0]]
        return [
            RawOutcome.of(value, caption) if isinstance(value, float) else RawOutcome(value, caption)
            for caption, value in found
        ]


def _sentence_cosine(texts: TextEmbeddings, first: str, second: str, owner: str) -> float | Failed | Missing:
    """The cosine of two texts, of which `owner` names the image that the first is a caption of."""
    for text, name in ((first, owner), (second, "target")):
        if not text:
            return Missing(_EMPTY.format(name))
    rows: list[Embedding] = []
    for text in (first, second):
        row = texts.get(Role.SENTENCE, text)
        if isinstance(row, Failed):
            return row
        if not row.any():
            return Failed(f"the sentence encoder knows no word of {text!r}")
        rows.append(row)
    return cosine(*rows)


def _target_text(context: Context, source_text: str) -> str:
    return target_text(source_text, context.instruction, context.target_caption)


def _change(before: Embedding, after: Embedding) -> npt.NDArray[np.float64]:
    return after.astype(np.float64) - before.astype(np.float64)


def _pair_key(key: Key) -> str:
    """The key of a pair in the cache: 64 hex digits."""
    return hashlib.sha256("".join(key).encode("ascii")).hexdigest()

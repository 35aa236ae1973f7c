"""The metrics of image edits: what models see in a pair of images, and what that says about an instruction.

What a model sees in one image is what the metrics of single images keep of it, so an edit run finds the features of an
earlier run and leaves its own behind. `Look`s of a pair see both images at once. A `Judge` turns what was seen and the
embeddings of texts into the numbers of one `implementation` of `core.edits`.
"""

from __future__ import annotations

import hashlib
import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch

from aim_tui.core.edits import target_text
from aim_tui.core.metrics import Role
from aim_tui.core.outcomes import Failed, Missing
from aim_tui.store.cache import Space
from aim_tui.worker.identity import PREPROCESSING
from aim_tui.worker.metrics.base import RawOutcome, UnsuitableError, cosines
from aim_tui.worker.metrics.lpips import fitted
from aim_tui.worker.models.editclip import resized
from aim_tui.worker.models.lpips import POLICY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    import numpy.typing as npt

    from aim_tui.core.events import Edit
    from aim_tui.worker.identity import Cache
    from aim_tui.worker.metrics.blip2 import Spoken
    from aim_tui.worker.models.editclip import EditClip as EditClipModel
    from aim_tui.worker.models.loading import LoadedModel
    from aim_tui.worker.models.lpips import Lpips

    Embedding = npt.NDArray[np.float32]
    #: Content hashes of source and target.
    Pair = tuple[str, str]

# Unit vectors of float32 that are this near to each other differ by rounding alone.
_NOWHERE = 1e-5
# Pairs of more pixels fill a CPU by themselves.
_SAME = Missing("source and target have the same CLIP features, so there is no direction of change")
_SAME_TEXT = Missing("source text and target text have the same CLIP features, so there is no direction of change")
_SILENT = "the captioner returned an empty caption of the {}"


class PairLook(ABC):
    """What a model sees in source and target together. Only `prepare` is called from several threads."""

    role: Role

    def __init__(self, models: Mapping[Role, LoadedModel], cache: Cache | None) -> None:
        self._models = models
        self._cache = cache if cache is not None and self.role in cache.identities else None

    @property
    @abstractmethod
    def batch_size(self) -> int:
        """How many pairs are worth computing at once on the device in use."""

    @abstractmethod
    def prepare(self, source: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """What a batch needs of two uint8 (height, width, 3). UnsuitableError where the model cannot take them."""

    @abstractmethod
    def recall(self, pairs: Sequence[Pair]) -> list[Any]:
        """The kept feature of each pair, None where there is none."""

    @abstractmethod
    def look(self, batch: Sequence[torch.Tensor]) -> list[Any]:
        """A feature of each prepared pair, in the order of the batch."""

    @abstractmethod
    def keep(self, pairs: Sequence[Pair], features: Sequence[Any]) -> None:
        """Keep what `look` gave; what could not be computed is left out."""

    def free(self) -> None:  # noqa: B027 - nothing is held between batches
        """Let go of what can be computed again, because memory ran out."""


class LpipsPair(PairLook):
    """The LPIPS distance of the target to the source, by the policy and in the cache of the metric of single images."""

    role = Role.LPIPS

    @property
    def _lpips(self) -> Lpips:
        return cast("Lpips", self._models[Role.LPIPS])

    @property
    def batch_size(self) -> int:
        """4: each pair is computed by itself, since no two sources are the same."""
        return 4

    def prepare(self, source: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Source, in the target's size, and target: uint8 (2, height, width, 3)."""
        height, width = target.shape[:2]
        if min(height, width) < self._lpips.min_side:
            raise UnsuitableError(
                f"{width} x {height} is too small for LPIPS {self._lpips.net} (at least {self._lpips.min_side} a side)"
            )
        return torch.stack([fitted(source, (height, width)), target])

    def recall(self, pairs: Sequence[Pair]) -> list[float | None]:
        """The kept distance of each pair."""
        if self._cache is None:
            return [None] * len(pairs)
        kept: dict[Pair, float] = {}
        for source, targets in _by_source(pairs).items():
            found = self._cache.keeper.values(self._space(source), targets)
            kept |= {(source, target): value for target, value in found.items()}
        return [kept.get(pair) for pair in pairs]

    def look(self, batch: Sequence[torch.Tensor]) -> list[float]:
        """The distance of each pair; exactly 0 between equal pixels."""
        return [self._distance(pair) for pair in batch]

    def keep(self, pairs: Sequence[Pair], features: Sequence[float]) -> None:
        """Keep the distances that are finite numbers."""
        if self._cache is not None:
            for (source, target), distance in zip(pairs, features, strict=True):
                if math.isfinite(distance):
                    self._cache.keeper.keep_values(self._space(source), {target: distance})

    def _distance(self, pair: torch.Tensor) -> float:
        if torch.equal(pair[0], pair[1]):
            return 0.0
        return self._lpips.distances([pair[1]], self._lpips.features(pair[0]))[0]

    def _space(self, source: str) -> Space:
        assert self._cache is not None
        return self._cache.distances(Role.LPIPS, source, POLICY)


class EditClipPair(PairLook):
    """EditCLIP's features of a pair: float32 (dim,) of length one."""

    role = Role.EDITCLIP

    def __init__(self, models: Mapping[Role, LoadedModel], cache: Cache | None, resize: int | None) -> None:
        super().__init__(models, cache)
        self._resize = resize

    @property
    def _model(self) -> EditClipModel:
        return cast("EditClipModel", self._models[Role.EDITCLIP])

    @property
    def batch_size(self) -> int:
        """8 on a CPU, where more brings nothing; 32 elsewhere."""
        return 8 if self._model.on_cpu else 32

    def prepare(self, source: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Both images as the image processor makes them: (2, 3, h, w)."""
        return self._model.prepare_pair(resized(source, self._resize), resized(target, self._resize))

    def recall(self, pairs: Sequence[Pair]) -> list[Embedding | None]:
        """The kept features of each pair."""
        if self._cache is None:
            return [None] * len(pairs)
        keys = [pair_key(pair) for pair in pairs]
        kept = self._cache.keeper.vectors(self._space(), keys)
        return [kept.get(key) for key in keys]

    def look(self, batch: Sequence[torch.Tensor]) -> list[Embedding]:
        """The features of each pair."""
        return list(self._model.pair_features(batch).numpy())

    def keep(self, pairs: Sequence[Pair], features: Sequence[Embedding]) -> None:
        """Keep features whose every number is finite."""
        if self._cache is not None:
            rows = zip(pairs, features, strict=True)
            sound = {pair_key(pair): row for pair, row in rows if bool(np.isfinite(row).all())}
            self._cache.keeper.keep_vectors(self._space(), sound)

    def _space(self) -> Space:
        assert self._cache is not None
        model = self._cache.identities[Role.EDITCLIP]
        scaled = f"scaled to {self._resize} x {self._resize}, Pillow bicubic" if self._resize else "as it is"
        return Space.embedding(
            model.fingerprint,
            preprocessing=f"{PREPROCESSING}; source and target on six channels, each {scaled}",
            dtype=model.computing,
            reading=self._cache.reading,
        )


@dataclass(frozen=True, slots=True)
class Seen:
    """What the models see in one edit: features by the name of the look; of single images a pair of them."""

    edit: Edit
    features: Mapping[str, Any]

    def failure(self, looks: Iterable[str]) -> Failed | None:
        """Why one of these looks has no feature, or None where all have."""
        return next((value for look in looks if isinstance(value := self.features[look], Failed)), None)

    @property
    def images(self) -> tuple[Embedding, Embedding]:
        """The CLIP features of source and target."""
        return cast("tuple[Embedding, Embedding]", self.features["clip"])

    @property
    def captions(self) -> tuple[str, str]:
        """The generated captions of source and target."""
        source, target = cast("tuple[Spoken, Spoken]", self.features["caption"])
        return source.caption, target.caption


Said = "Callable[[Role, str], Embedding | Failed]"
"""The embedding of a text by the model of a role."""


class Judge(ABC):
    """The numbers of one implementation in `core.edits`."""

    @abstractmethod
    def looks(self, edit: Edit) -> tuple[str, ...]:
        """What has to be seen of the edit: 'clip', 'caption', 'lpips', 'editclip'."""

    def texts(self, seen: Seen) -> list[tuple[Role, str]]:
        """The texts that have to be embedded."""
        return []

    @abstractmethod
    def judge(self, seen: Seen, said: Callable[[Role, str], Embedding | Failed]) -> dict[str, RawOutcome]:
        """The outcome of each number, by its name; all looks have a feature."""


class ClipEdit(Judge):
    """How much nearer to the instruction the target is than the source."""

    def looks(self, edit: Edit) -> tuple[str, ...]:
        """CLIP's features of both images."""
        return ("clip",)

    def texts(self, seen: Seen) -> list[tuple[Role, str]]:
        """The instruction."""
        return [(Role.CLIP, seen.edit.instruction)]

    def judge(self, seen: Seen, said: Callable[[Role, str], Embedding | Failed]) -> dict[str, RawOutcome]:
        """The three cosines, and the difference of two of them."""
        source, target = seen.images
        between = RawOutcome.of(_cosine(source, target))
        text = said(Role.CLIP, seen.edit.instruction)
        if isinstance(text, Failed):
            failed = RawOutcome(text)
            return {
                "edit_score": failed,
                "target_text_sim": failed,
                "source_text_sim": failed,
                "source_target_sim": between,
            }
        after, before = _cosine(target, text), _cosine(source, text)
        return {
            "edit_score": RawOutcome.of(after - before),
            "target_text_sim": RawOutcome.of(after),
            "source_text_sim": RawOutcome.of(before),
            "source_target_sim": between,
        }


class EditClip(Judge):
    """How well the pair shows what the instruction says."""

    def looks(self, edit: Edit) -> tuple[str, ...]:
        """EditCLIP's features of the pair."""
        return ("editclip",)

    def texts(self, seen: Seen) -> list[tuple[Role, str]]:
        """The instruction."""
        return [(Role.EDITCLIP, seen.edit.instruction)]

    def judge(self, seen: Seen, said: Callable[[Role, str], Embedding | Failed]) -> dict[str, RawOutcome]:
        """The cosine of pair and instruction."""
        text = said(Role.EDITCLIP, seen.edit.instruction)
        failed = isinstance(text, Failed)
        outcome = RawOutcome(text) if failed else RawOutcome.of(_cosine(seen.features["editclip"], text))
        return {"editclip_score": outcome}


class PreservationLpips(Judge):
    """How far the target looks from the source."""

    def looks(self, edit: Edit) -> tuple[str, ...]:
        """The distance."""
        return ("lpips",)

    def judge(self, seen: Seen, said: Callable[[Role, str], Embedding | Failed]) -> dict[str, RawOutcome]:
        """The distance as it is."""
        return {"preservation_lpips": RawOutcome.of(seen.features["lpips"])}


class PreservationClip(Judge):
    """How alike target and source are to CLIP."""

    def looks(self, edit: Edit) -> tuple[str, ...]:
        """CLIP's features of both images."""
        return ("clip",)

    def judge(self, seen: Seen, said: Callable[[Role, str], Embedding | Failed]) -> dict[str, RawOutcome]:
        """The cosine of the two."""
        return {"preservation_clip": RawOutcome.of(_cosine(*seen.images))}


class Directional(Judge):
    """Whether the images change in the direction in which the texts do (Gal et al. 2022, StyleGAN-NADA)."""

    def looks(self, edit: Edit) -> tuple[str, ...]:
        """CLIP's features, and captions where the source has none of its own."""
        return ("clip",) if edit.source_caption else ("clip", "caption")

    def texts(self, seen: Seen) -> list[tuple[Role, str]]:
        """What source and target are said to show."""
        source = self._source_text(seen)
        return [(Role.CLIP, source), (Role.CLIP, target_text(seen.edit, source))] if source else []

    def judge(self, seen: Seen, said: Callable[[Role, str], Embedding | Failed]) -> dict[str, RawOutcome]:
        """The cosine of the two changes; missing where one of them is none."""
        return {"directional_similarity": self._judge(seen, said)}

    def _judge(self, seen: Seen, said: Callable[[Role, str], Embedding | Failed]) -> RawOutcome:
        source_text = self._source_text(seen)
        if not source_text:
            return RawOutcome(Missing(_SILENT.format("source")), "")
        made = "" if seen.edit.source_caption else source_text
        before, after = said(Role.CLIP, source_text), said(Role.CLIP, target_text(seen.edit, source_text))
        if isinstance(before, Failed):
            return RawOutcome(before)
        if isinstance(after, Failed):
            return RawOutcome(after)
        source, target = seen.images
        images, texts = _change(source, target), _change(before, after)
        if not np.linalg.norm(images) > _NOWHERE:
            return RawOutcome(_SAME)
        if not np.linalg.norm(texts) > _NOWHERE:
            return RawOutcome(_SAME_TEXT)
        cosine = float(images @ texts / (np.linalg.norm(images) * np.linalg.norm(texts)))
        return RawOutcome.of(cosine, made or None)

    def _source_text(self, seen: Seen) -> str:
        return seen.edit.source_caption or seen.captions[0]


class CaptionChange(Judge):
    """What a captioner says of both images, compared with each other and with the instruction."""

    def looks(self, edit: Edit) -> tuple[str, ...]:
        """Captions of both images."""
        return ("caption",)

    def texts(self, seen: Seen) -> list[tuple[Role, str]]:
        """Both captions and the instruction."""
        said = (*seen.captions, seen.edit.instruction)
        return [(Role.SENTENCE, text) for text in said if text]

    def judge(self, seen: Seen, said: Callable[[Role, str], Embedding | Failed]) -> dict[str, RawOutcome]:
        """One minus the cosine of the captions; the cosine of the target's caption and the instruction."""
        before, after = seen.captions
        spoken = f"{before} -> {after}"
        return {
            "caption_change": self._compare(said, before, after, spoken, lambda cosine: 1.0 - cosine, "source"),
            "caption_instruction_sim": self._compare(
                said, after, seen.edit.instruction, after, lambda cosine: cosine, "target"
            ),
        }

    def _compare(
        self,
        said: Callable[[Role, str], Embedding | Failed],
        first: str,
        second: str,
        spoken: str,
        number: Callable[[float], float],
        whose: str,
    ) -> RawOutcome:
        for text, name in ((first, whose), (second, "target")):
            if not text:
                return RawOutcome(Missing(_SILENT.format(name)), spoken)
        rows: list[Embedding] = []
        for text in (first, second):
            row = said(Role.SENTENCE, text)
            if isinstance(row, Failed):
                return RawOutcome(row, spoken)
            if not row.any():
                return RawOutcome(Failed(f"the sentence encoder knows no word of {text!r}"), spoken)
            rows.append(row)
        return RawOutcome.of(number(_cosine(*rows)), spoken)


def pair_key(pair: Pair) -> str:
    """The key of a pair in the cache: 64 hex digits."""
    return hashlib.sha256("".join(pair).encode("ascii")).hexdigest()


def _cosine(first: Embedding, second: Embedding) -> float:
    return cosines(first[None], second)[0]


def _change(before: Embedding, after: Embedding) -> npt.NDArray[np.float64]:
    return after.astype(np.float64) - before.astype(np.float64)


def _by_source(pairs: Iterable[Pair]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for source, target in pairs:
        found.setdefault(source, []).append(target)
    return found

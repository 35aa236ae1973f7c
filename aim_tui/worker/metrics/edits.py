"""The metrics of image edits: what was seen of source and target, and the embeddings of texts, become numbers.

A `Judge` makes the numbers of one `implementation` of `core.edits`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from aim_tui.core.edits import target_text
from aim_tui.core.metrics import Role
from aim_tui.core.outcomes import Failed, Missing
from aim_tui.worker.metrics.base import RawOutcome, cosines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import numpy.typing as npt

    from aim_tui.core.events import Edit
    from aim_tui.worker.metrics.blip2 import Spoken

    Embedding = npt.NDArray[np.float32]
    #: Gives the embedding of a text by the model of a role, or why there is none.
    Said = Callable[[Role, str], Embedding | Failed]

# Unit vectors of float32 that are this near to each other differ by rounding alone.
_NOWHERE = 1e-5
_SAME = Missing("source and target have the same CLIP features, so there is no direction of change")
_SAME_TEXT = Missing("source text and target text have the same CLIP features, so there is no direction of change")
_SILENT = "the captioner returned an empty caption of the {}"


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


class Judge(ABC):
    """The numbers of one implementation in `core.edits`."""

    @abstractmethod
    def looks(self, edit: Edit) -> tuple[str, ...]:
        """What has to be seen of the edit: 'clip', 'caption', 'lpips', 'editclip'."""

    def texts(self, seen: Seen) -> list[tuple[Role, str]]:
        """The texts that have to be embedded."""
        return []

    @abstractmethod
    def judge(self, seen: Seen, said: Said) -> dict[str, RawOutcome]:
        """The outcome of each number, by its name; all looks have a feature."""


class ClipEdit(Judge):
    """How much nearer to the instruction the target is than the source."""

    def looks(self, edit: Edit) -> tuple[str, ...]:
        """CLIP's features of both images."""
        return ("clip",)

    def texts(self, seen: Seen) -> list[tuple[Role, str]]:
        """The instruction."""
        return [(Role.CLIP, seen.edit.instruction)]

    def judge(self, seen: Seen, said: Said) -> dict[str, RawOutcome]:
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

    def judge(self, seen: Seen, said: Said) -> dict[str, RawOutcome]:
        """The cosine of pair and instruction."""
        text = said(Role.EDITCLIP, seen.edit.instruction)
        if isinstance(text, Failed):
            return {"editclip_score": RawOutcome(text)}
        return {"editclip_score": RawOutcome.of(_cosine(seen.features["editclip"], text))}


class PreservationLpips(Judge):
    """How far the target looks from the source."""

    def looks(self, edit: Edit) -> tuple[str, ...]:
        """The distance."""
        return ("lpips",)

    def judge(self, seen: Seen, said: Said) -> dict[str, RawOutcome]:
        """The distance as it is."""
        return {"preservation_lpips": RawOutcome.of(seen.features["lpips"])}


class PreservationClip(Judge):
    """How alike target and source are to CLIP."""

    def looks(self, edit: Edit) -> tuple[str, ...]:
        """CLIP's features of both images."""
        return ("clip",)

    def judge(self, seen: Seen, said: Said) -> dict[str, RawOutcome]:
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

    def judge(self, seen: Seen, said: Said) -> dict[str, RawOutcome]:
        """The cosine of the two changes; missing where one of them is none."""
        return {"directional_similarity": self._judge(seen, said)}

    def _judge(self, seen: Seen, said: Said) -> RawOutcome:
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

    def judge(self, seen: Seen, said: Said) -> dict[str, RawOutcome]:
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
        said: Said,
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


def _cosine(first: Embedding, second: Embedding) -> float:
    return cosines(first[None], second)[0]


def _change(before: Embedding, after: Embedding) -> npt.NDArray[np.float64]:
    return after.astype(np.float64) - before.astype(np.float64)

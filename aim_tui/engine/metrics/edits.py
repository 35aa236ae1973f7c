"""The metrics of image edits: what was seen of source and target, and the embeddings of texts, become numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np

from aim_tui.core.metrics.edits import target_text
from aim_tui.core.metrics.spec import Role
from aim_tui.core.outcomes import Failed, Missing
from aim_tui.engine.metrics.base import RawOutcome
from aim_tui.engine.metrics.per_item import Judge, Seen, cosine

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from aim_tui.core.scoring.events import Item
    from aim_tui.engine.metrics.captions import Spoken
    from aim_tui.engine.metrics.per_item import Embedding, Said

# Unit vectors of float32 that are this near to each other differ by rounding alone.
_NOWHERE = 1e-5
_SAME = Missing("source and target have the same CLIP features, so there is no direction of change")
_SAME_TEXT = Missing("source text and target text have the same CLIP features, so there is no direction of change")
_SILENT = "the captioner returned an empty caption of the {}"


def _images(seen: Seen) -> tuple[Embedding, Embedding]:
    """The CLIP features of source and target."""
    return cast("tuple[Embedding, Embedding]", seen.features["clip"])


def _captions(seen: Seen) -> tuple[str, str]:
    """The generated captions of source and target."""
    source, target = cast("tuple[Spoken, Spoken]", seen.features["caption"])
    return source.caption, target.caption


def _target_text(seen: Seen, source_text: str) -> str:
    return target_text(source_text, seen.edit.instruction, seen.edit.target_caption)


class ClipEdit(Judge):
    """How much nearer to the instruction the target is than the source."""

    def looks(self, item: Item) -> tuple[str, ...]:
        """CLIP's features of both images."""
        return ("clip",)

    def texts(self, seen: Seen) -> list[tuple[Role, str]]:
        """The instruction."""
        return [(Role.CLIP, seen.edit.instruction)]

    def judge(self, seen: Seen, said: Said) -> dict[str, RawOutcome]:
        """The three cosines, and the difference of two of them."""
        source, target = _images(seen)
        between = RawOutcome.of(cosine(source, target))
        text = said(Role.CLIP, seen.edit.instruction)
        if isinstance(text, Failed):
            failed = RawOutcome(text)
            return {
                "edit_score": failed,
                "target_text_sim": failed,
                "source_text_sim": failed,
                "source_target_sim": between,
            }
        after, before = cosine(target, text), cosine(source, text)
        return {
            "edit_score": RawOutcome.of(after - before),
            "target_text_sim": RawOutcome.of(after),
            "source_text_sim": RawOutcome.of(before),
            "source_target_sim": between,
        }


class EditClip(Judge):
    """How well the pair shows what the instruction says."""

    def looks(self, item: Item) -> tuple[str, ...]:
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
        return {"editclip_score": RawOutcome.of(cosine(seen.features["editclip"], text))}


class PreservationLpips(Judge):
    """How far the target looks from the source."""

    def looks(self, item: Item) -> tuple[str, ...]:
        """The distance."""
        return ("lpips",)

    def judge(self, seen: Seen, said: Said) -> dict[str, RawOutcome]:
        """The distance as it is."""
        return {"preservation_lpips": RawOutcome.of(seen.features["lpips"])}


class PreservationClip(Judge):
    """How alike target and source are to CLIP."""

    def looks(self, item: Item) -> tuple[str, ...]:
        """CLIP's features of both images."""
        return ("clip",)

    def judge(self, seen: Seen, said: Said) -> dict[str, RawOutcome]:
        """The cosine of the two."""
        return {"preservation_clip": RawOutcome.of(cosine(*_images(seen)))}


class Directional(Judge):
    """Whether the images change in the direction in which the texts do (Gal et al. 2022, StyleGAN-NADA)."""

    def looks(self, item: Item) -> tuple[str, ...]:
        """CLIP's features, and captions where the source has none of its own."""
        return ("clip",) if item.edit and item.edit.source_caption else ("clip", "caption")

    def texts(self, seen: Seen) -> list[tuple[Role, str]]:
        """What source and target are said to show."""
        source = self._source_text(seen)
        return [(Role.CLIP, source), (Role.CLIP, _target_text(seen, source))] if source else []

    def judge(self, seen: Seen, said: Said) -> dict[str, RawOutcome]:
        """The cosine of the two changes; missing where one of them is none."""
        return {"directional_similarity": self._judge(seen, said)}

    def _judge(self, seen: Seen, said: Said) -> RawOutcome:
        source_text = self._source_text(seen)
        if not source_text:
            return RawOutcome(Missing(_SILENT.format("source")), "")
        made = "" if seen.edit.source_caption else source_text
        before, after = said(Role.CLIP, source_text), said(Role.CLIP, _target_text(seen, source_text))
        if isinstance(before, Failed):
            return RawOutcome(before)
        if isinstance(after, Failed):
            return RawOutcome(after)
        source, target = _images(seen)
        images, texts = _change(source, target), _change(before, after)
        if not np.linalg.norm(images) > _NOWHERE:
            return RawOutcome(_SAME)
        if not np.linalg.norm(texts) > _NOWHERE:
            return RawOutcome(_SAME_TEXT)
        cosine = float(images @ texts / (np.linalg.norm(images) * np.linalg.norm(texts)))
        return RawOutcome.of(cosine, made or None)

    def _source_text(self, seen: Seen) -> str:
        return seen.edit.source_caption or _captions(seen)[0]


class CaptionChange(Judge):
    """What a captioner says of both images, compared with each other and with the instruction."""

    def looks(self, item: Item) -> tuple[str, ...]:
        """Captions of both images."""
        return ("caption",)

    def texts(self, seen: Seen) -> list[tuple[Role, str]]:
        """Both captions and the instruction."""
        said = (*_captions(seen), seen.edit.instruction)
        return [(Role.SENTENCE, text) for text in said if text]

    def judge(self, seen: Seen, said: Said) -> dict[str, RawOutcome]:
        """One minus the cosine of the captions; the cosine of the target's caption and the instruction."""
        before, after = _captions(seen)
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
        return RawOutcome.of(number(cosine(*rows)), spoken)


def _change(before: Embedding, after: Embedding) -> npt.NDArray[np.float64]:
    return after.astype(np.float64) - before.astype(np.float64)

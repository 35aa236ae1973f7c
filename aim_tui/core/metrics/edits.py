"""The metrics of image edits: each family measures one or several numbers of a source, a target and an instruction."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from aim_tui.core.metrics.spec import MetricSpec, ModelRole, Need, Role
from aim_tui.core.names import did_you_mean


def _number(
    name: str, title: str, short: str, roles: tuple[Role, ...], formula: str, implementation: str, **others: Any
) -> MetricSpec:
    """The specification of a number of edits; it has no rule of normalisation and no weight in a final score."""
    return MetricSpec(
        id=name,
        title=title,
        short=short,
        raw_field=name,
        norm_field="",
        needs=Need.SOURCE,
        roles=roles,
        formula=formula,
        implementation=f"aim_tui.engine.metrics.edits:{implementation}",
        **others,
    )


# The published model has no tokenizer and processor: the settings name the CLIP whose it uses.
_EDITCLIP_MODEL = ModelRole(
    Role.EDITCLIP, "EditCLIP model", None, "aim_tui.engine.models.editclip:load", ("config", "weights")
)

EDIT_SCORE = _number(
    "edit_score", "Edit score", "Edit", (Role.CLIP,),
    "cosine of the CLIP features of target and instruction, minus that of source and instruction", "EditScore",
    low=-2.0, high=2.0, unit="difference of cosines",
)  # fmt: skip
TARGET_TEXT = _number(
    "target_text_sim", "Target and instruction", "Target~text", (Role.CLIP,),
    "cosine of the CLIP features of target and instruction", "TargetText",
)  # fmt: skip
SOURCE_TEXT = _number(
    "source_text_sim", "Source and instruction", "Source~text", (Role.CLIP,),
    "cosine of the CLIP features of source and instruction; lower means that the source did not show it already",
    "SourceText", higher_is_better=False,
)  # fmt: skip
SOURCE_TARGET = _number(
    "source_target_sim", "Source and target", "Source~target", (Role.CLIP,),
    "cosine of the CLIP features of source and target", "SourceTarget",
)  # fmt: skip
EDITCLIP = _number(
    "editclip_score", "EditCLIP score", "EditCLIP", (Role.EDITCLIP,),
    "cosine of EditCLIP's features of the pair, six channels with the source first, and of the instruction",
    "EditClipScore",
    models=(_EDITCLIP_MODEL,),
)  # fmt: skip
PRESERVATION_LPIPS = _number(
    "preservation_lpips", "LPIPS of source and target", "Kept LPIPS", (Role.LPIPS,),
    "LPIPS distance of the target to the source, the source resized to the target", "PreservationLpips",
    low=0.0, high=float("inf"), higher_is_better=False, unit="distance",
)  # fmt: skip
PRESERVATION_CLIP = _number(
    "preservation_clip", "CLIP similarity of source and target", "Kept CLIP", (Role.CLIP,),
    "cosine of the CLIP features of source and target", "SourceTarget",
)  # fmt: skip
DIRECTIONAL = _number(
    "directional_similarity", "Directional similarity", "Direction", (Role.CLIP, Role.CAPTIONER),
    "cosine of (target - source) of the L2-normalised CLIP image features with (target text - source text) of the "
    "L2-normalised CLIP text features; source text: the source's caption, given or else generated; target text: the "
    "target's caption where given, else the source text, a comma and the instruction", "Directional",
)  # fmt: skip
CAPTION_CHANGE = _number(
    "caption_change", "Change of captions", "Captions", (Role.CAPTIONER, Role.SENTENCE),
    "1 - cosine of the sentence embeddings of the generated captions of source and target; 0 where they say the same",
    "CaptionChange", low=0.0, high=2.0, unit="distance",
)  # fmt: skip
CAPTION_INSTRUCTION = _number(
    "caption_instruction_sim", "Target's caption and instruction", "Caption~text", (Role.CAPTIONER, Role.SENTENCE),
    "cosine of the sentence embeddings of the target's generated caption and the instruction", "CaptionInstruction",
)  # fmt: skip

#: The families, each scored by its name, in the order that every table and file shows.
FAMILIES: dict[str, tuple[MetricSpec, ...]] = {
    "clip_edit": (EDIT_SCORE, TARGET_TEXT, SOURCE_TEXT, SOURCE_TARGET),
    "editclip": (EDITCLIP,),
    "preservation": (PRESERVATION_LPIPS, PRESERVATION_CLIP),
    "directional": (DIRECTIONAL,),
    "caption_change": (CAPTION_CHANGE, CAPTION_INSTRUCTION),
}
#: Every number of an edit by its name.
MEASURES: dict[str, MetricSpec] = {spec.id: spec for family in FAMILIES.values() for spec in family}


def families(names: Iterable[str]) -> tuple[str, ...]:
    """The given families without repetition, in the order of FAMILIES; KeyError with the nearest right name."""
    wanted = set(names)
    for name in sorted(wanted):
        if name not in FAMILIES:
            owner = next((family for family, specs in FAMILIES.items() if name in {spec.id for spec in specs}), None)
            hint = f"; it is part of {owner!r}" if owner else did_you_mean(name, FAMILIES)
            raise KeyError(f"unknown edit metric {name!r}{hint}")
    return tuple(name for name in FAMILIES if name in wanted)


def measures(names: Iterable[str]) -> tuple[MetricSpec, ...]:
    """The numbers that these families measure, in their order."""
    return tuple(spec for name in families(names) for spec in FAMILIES[name])


def expanded(names: Iterable[str]) -> tuple[str, ...]:
    """Metric names with every family's name replaced by those of its numbers, each once."""
    members = {family: tuple(spec.id for spec in specs) for family, specs in FAMILIES.items()}
    return tuple(dict.fromkeys(member for name in names for member in members.get(name, (name,))))


def families_of(metrics: Iterable[str]) -> tuple[str, ...]:
    """The families that these numbers belong to."""
    wanted = set(metrics)
    return tuple(name for name, specs in FAMILIES.items() if wanted & {spec.id for spec in specs})


def roles_for(names: Iterable[str], *, captioned: bool = False) -> tuple[Role, ...]:
    """The models that are needed; no captioner for directional similarity if every source has a caption."""
    needed: set[Role] = set()
    for name in families(names):
        for spec in FAMILIES[name]:
            needed |= set(spec.roles)
        if name == "directional" and "caption_change" not in names and captioned:
            needed.discard(Role.CAPTIONER)
    return tuple(role for role in Role if role in needed)


def target_text(source_text: str, instruction: str, caption: str = "") -> str:
    """What the target should show: its caption, or else the source's text followed by the instruction."""
    return caption or f"{source_text.rstrip(' .')}, {instruction}"

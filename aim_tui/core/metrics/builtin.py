"""The metrics of images that come with the program, with their models: AIM's three, and others to score by name.

The others are raw columns, without a rule of normalisation or a weight until a profile gives them both. To add one, add
its specification to EXTRAS; `core.metrics.registry` takes it from there.
"""

from __future__ import annotations

from typing import Any

from aim_tui.core.metrics.spec import Library, MetricSpec, ModelRef, ModelRole, Need, Role

_LOADERS = "aim_tui.engine.models."


def _metric(
    metric: str, title: str, short: str, needs: Need, formula: str, source: str, implementation: str,
    *, roles: tuple[Role, ...] = (Role.CLIP,), raw_field: str = "", **others: Any,
) -> MetricSpec:  # fmt: skip
    return MetricSpec(
        id=metric,
        title=title,
        short=short,
        raw_field=raw_field or metric,
        norm_field=f"{metric}_norm",
        needs=needs,
        roles=roles,
        formula=formula,
        implementation=f"aim_tui.engine.metrics.{implementation}",
        source=source,
        **others,
    )


_OF_TEXTS = ("config", "weights", "tokenizer", "processor")

_CLIP_MODEL = ModelRole(
    Role.CLIP,
    "CLIP model",
    None,
    f"{_LOADERS}clip:load",
    _OF_TEXTS,
    {"openai/clip-vit-base-patch32": 609, "openai/clip-vit-large-patch14": 1_715},
)
_CAPTIONER = ModelRole(
    Role.CAPTIONER,
    "captioner",
    None,
    f"{_LOADERS}captioner:load",
    _OF_TEXTS,
    {"Salesforce/blip2-opt-2.7b": 14_990, "Salesforce/blip2-flan-t5-xl": 15_780},
)
_SENTENCE_ENCODER = ModelRole(
    Role.SENTENCE,
    "sentence encoder",
    None,
    f"{_LOADERS}sentence:load",
    ("modules",),
    {"sentence-transformers/distiluse-base-multilingual-cased-v1": 544},
    owner="sentence-transformers",
)
_LPIPS_TRUNK = ModelRole(Role.LPIPS, "LPIPS trunk", None, f"{_LOADERS}lpips:load", ("safetensors",))
_SIGLIP_MODEL = ModelRole(
    Role("siglip"),
    "SigLIP model",
    ModelRef("google/siglip2-base-patch16-224"),
    f"{_LOADERS}clip:load_siglip",
    _OF_TEXTS,
    {"google/siglip2-base-patch16-224": 1_540},
)
_PICKSCORE_MODEL = ModelRole(
    Role("pickscore"),
    "PickScore model",
    ModelRef("yuvalkirstain/PickScore_v1"),
    f"{_LOADERS}clip:load",
    _OF_TEXTS,
    {"yuvalkirstain/PickScore_v1": 3_948},
)
_DINOV2_MODEL = ModelRole(
    Role("dinov2"),
    "DINOv2 model",
    ModelRef("facebook/dinov2-base"),
    f"{_LOADERS}dinov2:load",
    ("config", "weights", "processor"),
    {"facebook/dinov2-base": 346},
)

_BERTSCORE_MODEL = ModelRole(
    Role("bertscore"),
    "BERTScore model",
    ModelRef("FacebookAI/roberta-large"),
    f"{_LOADERS}bertscore:load",
    ("config", "weights", "tokenizer"),
    {"FacebookAI/roberta-large": 1_425},
)

SIGLIP = _metric(
    "siglip", "SigLIP score", "SigLIP", Need.PROMPT,
    "cosine of the L2-normalised SigLIP features of image and prompt; the model's own probability of a match, sigmoid("
    "exp(logit_scale) * cosine + logit_bias), rises with it and is nearly 0 or 1 for most pairs",
    "Zhai et al. 2023, arXiv:2303.15343; SigLIP 2: Tschannen et al. 2025, arXiv:2502.14786", "clip:SiglipScore",
    roles=(_SIGLIP_MODEL.role,), models=(_SIGLIP_MODEL,), raw_field="siglip_score",
)  # fmt: skip
PICKSCORE = _metric(
    "pickscore", "PickScore", "Pick", Need.PROMPT,
    "exp(logit_scale) * cosine of the L2-normalised features of image and prompt; differences between images of one "
    "prompt count, and of two images the softmax of both is the probability that people pick it",
    "Kirstain et al. 2023, Pick-a-Pic, arXiv:2305.01569", "clip:PickScore",
    roles=(_PICKSCORE_MODEL.role,), models=(_PICKSCORE_MODEL,), unit="scaled cosine", low=-100.0, high=100.0,
    decimals=3,
)  # fmt: skip
CLIP_I = _metric(
    "clip_i", "CLIP-I", "CLIP-I", Need.REFERENCE,
    "cosine of the projected, L2-normalised CLIP features of image and reference",
    "Gal et al. 2022, arXiv:2208.01618; Ruiz et al. 2023, DreamBooth, arXiv:2208.12242", "clip:ClipI",
)  # fmt: skip
DINOV2_I = _metric(
    "dinov2_i", "DINOv2-I", "DINO-I", Need.REFERENCE,
    "cosine of the L2-normalised DINOv2 features, the class token of the last layer, of image and reference",
    "Ruiz et al. 2023, DreamBooth, arXiv:2208.12242 (DINO); DINOv2: Oquab et al. 2023, arXiv:2304.07193",
    "clip:Dinov2I", roles=(_DINOV2_MODEL.role,), models=(_DINOV2_MODEL,),
)  # fmt: skip
BERTSCORE = _metric(
    "bertscore", "Caption BERTScore", "BERT", Need.TOPIC,
    "F1 = 2 * P * R / (P + R) of the generated caption and the topic: P is the mean over the caption's tokens of the "
    "largest cosine with a token of the topic, R the mean over the topic's tokens of the largest with one of the "
    "caption, by the features of one layer; without idf weights, and not rescaled with a baseline, so that values of "
    "large models lie close together",
    "Zhang et al. 2020, BERTScore, arXiv:1904.09675; captions: Li et al. 2023, BLIP-2, arXiv:2301.12597",
    "bertscore:BertScore", roles=(Role.CAPTIONER, _BERTSCORE_MODEL.role), models=(_BERTSCORE_MODEL,),
    unit="F1", low=0.0, libraries=(Library("torchmetrics", "bertscore"),),
)  # fmt: skip


def _pair(metric: str, title: str, short: str, positive: str, negative: str, implementation: str) -> MetricSpec:
    return _metric(
        metric, title, short, Need.NOTHING,
        f"softmax over exp(logit_scale) * cosine of the CLIP features of the image with those of {positive!r} and "
        f"{negative!r}; the share of the first",
        "Wang et al. 2023, CLIP-IQA, arXiv:2207.12396", f"prompt_pairs:{implementation}",
        unit="probability", low=0.0, high=1.0, against=f"{positive} | {negative}",
    )  # fmt: skip


CLIP_IQA = _pair("clip_iqa", "CLIP-IQA quality", "IQA", "Good photo.", "Bad photo.", "Quality")
SHARPNESS = _pair("clip_iqa_sharp", "CLIP-IQA sharpness", "IQA sh", "Sharp photo.", "Blurry photo.", "Sharpness")
NATURAL = _pair("clip_iqa_natural", "CLIP-IQA natural", "IQA na", "Natural photo.", "Synthetic photo.", "Natural")

#: By name, in the order in which they are listed.
EXTRAS: dict[str, MetricSpec] = {
    spec.id: spec for spec in (SIGLIP, PICKSCORE, BERTSCORE, CLIP_I, DINOV2_I, CLIP_IQA, SHARPNESS, NATURAL)
}


CLIP = _metric(
    "clip", "CLIP score", "CLIP", Need.PROMPT,
    "cosine of the projected, L2-normalised CLIP features of image and prompt",
    "Radford et al. 2021, CLIP, arXiv:2103.00020; as a score: Hessel et al. 2021, arXiv:2104.08718", "clip:ClipScore",
    models=(_CLIP_MODEL,), raw_field="clip_score", default_weight=0.2,
)  # fmt: skip
BLIP2 = _metric(
    "blip2", "Caption similarity", "BLIP2", Need.TOPIC,
    "cosine of the sentence embeddings of the generated caption and the topic",
    "Li et al. 2023, BLIP-2, arXiv:2301.12597; Reimers and Gurevych 2019, Sentence-BERT, arXiv:1908.10084",
    "caption_similarity:CaptionSimilarity", roles=(Role.CAPTIONER, Role.SENTENCE),
    models=(_CAPTIONER, _SENTENCE_ENCODER), raw_field="blip2_similarity", default_weight=0.5,
)  # fmt: skip
LPIPS = _metric(
    "lpips", "LPIPS distance", "LPIPS", Need.REFERENCE,
    "LPIPS distance of the image to the reference, the reference resized to the image",
    "Zhang et al. 2018, LPIPS, arXiv:1801.03924", "lpips:LpipsDistance", roles=(Role.LPIPS,), models=(_LPIPS_TRUNK,),
    raw_field="lpips_score", unit="distance", low=0.0, high=float("inf"), higher_is_better=False, default_weight=0.3,
)  # fmt: skip

#: AIM's three, in the order every table and file shows them.
METRICS: dict[str, MetricSpec] = {spec.id: spec for spec in (CLIP, BLIP2, LPIPS)}

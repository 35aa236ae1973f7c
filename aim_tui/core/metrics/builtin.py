"""The metrics of images that come with the program, each with its models: AIM's three, and others asked for by name.

The others are raw columns: none has a rule of normalisation or a weight until a profile gives it both. To add one, add
its specification to EXTRAS; `core.metrics.registry` takes it from there.
"""

from __future__ import annotations

from aim_tui.core.metrics.spec import Library, MetricSpec, ModelRef, ModelRole, Need, Role

_IMPLEMENTATIONS = "aim_tui.engine.metrics."
_LOADERS = "aim_tui.engine.models."


def _extra(
    metric: str, title: str, short: str, needs: Need, formula: str, source: str, implementation: str,
    *, role: Role = Role.CLIP, before: tuple[Role, ...] = (), models: tuple[ModelRole, ...] = (),
    raw_field: str | None = None, unit: str = "cosine", low: float = -1.0, high: float = 1.0, decimals: int = 4,
    against: str = "", libraries: tuple[Library, ...] = (),
) -> MetricSpec:  # fmt: skip
    return MetricSpec(
        id=metric,
        title=title,
        short=short,
        raw_field=raw_field or metric,
        norm_field=f"{metric}_norm",
        unit=unit,
        low=low,
        high=high,
        higher_is_better=True,
        needs=needs,
        roles=(*before, role),
        default_weight=0.0,
        decimals=decimals,
        formula=formula,
        implementation=f"{_IMPLEMENTATIONS}{implementation}",
        source=source,
        models=models,
        against=against,
        libraries=libraries,
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

SIGLIP = _extra(
    "siglip", "SigLIP score", "SigLIP", Need.PROMPT,
    "cosine of the L2-normalised SigLIP features of image and prompt; the model's own probability of a match, sigmoid("
    "exp(logit_scale) * cosine + logit_bias), rises with it and is nearly 0 or 1 for most pairs",
    "Zhai et al. 2023, arXiv:2303.15343; SigLIP 2: Tschannen et al. 2025, arXiv:2502.14786", "clip:SiglipScore",
    role=_SIGLIP_MODEL.role, models=(_SIGLIP_MODEL,), raw_field="siglip_score",
)  # fmt: skip
PICKSCORE = _extra(
    "pickscore", "PickScore", "Pick", Need.PROMPT,
    "exp(logit_scale) * cosine of the L2-normalised features of image and prompt; differences between images of one "
    "prompt count, and of two images the softmax of both is the probability that people pick it",
    "Kirstain et al. 2023, Pick-a-Pic, arXiv:2305.01569", "clip:PickScore",
    role=_PICKSCORE_MODEL.role, models=(_PICKSCORE_MODEL,), unit="scaled cosine", low=-100.0, high=100.0, decimals=3,
)  # fmt: skip
CLIP_I = _extra(
    "clip_i", "CLIP-I", "CLIP-I", Need.REFERENCE,
    "cosine of the projected, L2-normalised CLIP features of image and reference",
    "Gal et al. 2022, arXiv:2208.01618; Ruiz et al. 2023, DreamBooth, arXiv:2208.12242", "clip:ClipI",
)  # fmt: skip
DINOV2_I = _extra(
    "dinov2_i", "DINOv2-I", "DINO-I", Need.REFERENCE,
    "cosine of the L2-normalised DINOv2 features, the class token of the last layer, of image and reference",
    "Ruiz et al. 2023, DreamBooth, arXiv:2208.12242 (DINO); DINOv2: Oquab et al. 2023, arXiv:2304.07193",
    "clip:Dinov2I", role=_DINOV2_MODEL.role, models=(_DINOV2_MODEL,),
)  # fmt: skip
BERTSCORE = _extra(
    "bertscore", "Caption BERTScore", "BERT", Need.TOPIC,
    "F1 = 2 * P * R / (P + R) of the generated caption and the topic: P is the mean over the caption's tokens of the "
    "largest cosine with a token of the topic, R the mean over the topic's tokens of the largest with one of the "
    "caption, by the features of one layer; without idf weights, and not rescaled with a baseline, so that values of "
    "large models lie close together",
    "Zhang et al. 2020, BERTScore, arXiv:1904.09675; captions: Li et al. 2023, BLIP-2, arXiv:2301.12597",
    "bertscore:BertScore", role=_BERTSCORE_MODEL.role, before=(Role.CAPTIONER,), models=(_BERTSCORE_MODEL,),
    unit="F1", low=0.0, libraries=(Library("torchmetrics", "bertscore"),),
)  # fmt: skip


def _pair(metric: str, title: str, short: str, positive: str, negative: str, implementation: str) -> MetricSpec:
    return _extra(
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


CLIP = MetricSpec(
    id="clip",
    title="CLIP score",
    short="CLIP",
    raw_field="clip_score",
    norm_field="clip_norm",
    unit="cosine",
    low=-1.0,
    high=1.0,
    higher_is_better=True,
    needs=Need.PROMPT,
    roles=(Role.CLIP,),
    default_weight=0.2,
    decimals=4,
    formula="cosine of the projected, L2-normalised CLIP features of image and prompt",
    implementation="aim_tui.engine.metrics.clip:ClipScore",
    source="Radford et al. 2021, CLIP, arXiv:2103.00020; as a score: Hessel et al. 2021, arXiv:2104.08718",
    models=(_CLIP_MODEL,),
)


BLIP2 = MetricSpec(
    id="blip2",
    title="Caption similarity",
    short="BLIP2",
    raw_field="blip2_similarity",
    norm_field="blip2_norm",
    unit="cosine",
    low=-1.0,
    high=1.0,
    higher_is_better=True,
    needs=Need.TOPIC,
    roles=(Role.CAPTIONER, Role.SENTENCE),
    default_weight=0.5,
    decimals=4,
    formula="cosine of the sentence embeddings of the generated caption and the topic",
    implementation="aim_tui.engine.metrics.caption_similarity:CaptionSimilarity",
    source="Li et al. 2023, BLIP-2, arXiv:2301.12597; Reimers and Gurevych 2019, Sentence-BERT, arXiv:1908.10084",
    models=(_CAPTIONER, _SENTENCE_ENCODER),
)


LPIPS = MetricSpec(
    id="lpips",
    title="LPIPS distance",
    short="LPIPS",
    raw_field="lpips_score",
    norm_field="lpips_norm",
    unit="distance",
    low=0.0,
    high=float("inf"),
    higher_is_better=False,
    needs=Need.REFERENCE,
    roles=(Role.LPIPS,),
    default_weight=0.3,
    decimals=4,
    formula="LPIPS distance of the image to the reference, the reference resized to the image",
    implementation="aim_tui.engine.metrics.lpips:LpipsDistance",
    source="Zhang et al. 2018, LPIPS, arXiv:1801.03924",
    models=(_LPIPS_TRUNK,),
)


#: AIM's three, in the order every table and file shows them.
METRICS: dict[str, MetricSpec] = {spec.id: spec for spec in (CLIP, BLIP2, LPIPS)}

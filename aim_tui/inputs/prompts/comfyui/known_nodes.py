"""What is known of ComfyUI's node classes: the order of their widgets, and kinds told by name and by inputs.

Names come from the nodes' own sources: ComfyUI itself, Impact Pack, Efficiency Nodes, Easy Use, rgthree, KJNodes, WAS
Node Suite, Custom Scripts and Comfyroll.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_LORA = ("lora_name", "lora_model_strength", "lora_clip_strength")
_SIZE = ("resolution", "empty_latent_width", "empty_latent_height")

#: The widgets of classes in their order, without what the editor puts behind a seed.
WIDGETS: Mapping[str, tuple[str, ...]] = {
    "CLIPTextEncode": ("text",),
    "CLIPTextEncodeSDXL": (
        "width", "height", "crop_w", "crop_h", "target_width", "target_height", "text_g", "text_l",
    ),
    "CLIPTextEncodeSDXLRefiner": ("ascore", "width", "height", "text"),
    "CLIPTextEncodeSD3": ("clip_l", "clip_g", "t5xxl", "empty_padding"),
    "CLIPTextEncodeFlux": ("clip_l", "t5xxl", "guidance"),
    "CLIPTextEncodeHunyuanDiT": ("bert", "mt5xl"),
    "CLIPTextEncodeHiDream": ("clip_l", "clip_g", "t5xxl", "llama"),
    "CLIPTextEncodeLumina2": ("system_prompt", "user_prompt"),
    "CLIPTextEncodePixArtAlpha": ("width", "height", "text"),
    "CLIPTextEncodeControlnet": ("text",),
    "CLIPTextEncodeKandinsky5": ("clip_l", "qwen25_7b"),
    "TextEncodeQwenImageEdit": ("prompt",),
    "TextEncodeQwenImageEditPlus": ("prompt",),
    "BNK_CLIPTextEncodeAdvanced": ("text", "token_normalization", "weight_interpretation"),
    "smZ CLIPTextEncode": ("text", "parser", "mean_normalization", "multi_conditioning", "use_old_emphasis_implementation", "with_SDXL", "ascore", "width", "height", "crop_w", "crop_h", "target_width", "target_height", "text_g", "text_l", "smZ_steps"),  # noqa: E501
    "SaveImage": ("filename_prefix",),
    "Efficient Loader": (
        "ckpt_name", "vae_name", "clip_skip", *_LORA, "positive", "negative", "token_normalization",
        "weight_interpretation", "empty_latent_width", "empty_latent_height", "batch_size",
    ),
    "Eff. Loader SDXL": (
        "base_ckpt_name", "base_clip_skip", "refiner_ckpt_name", "refiner_clip_skip", "positive_ascore",
        "negative_ascore", "vae_name", "positive", "negative", "token_normalization", "weight_interpretation",
        "empty_latent_width", "empty_latent_height", "batch_size",
    ),
    "easy fullLoader": (
        "ckpt_name", "config_name", "vae_name", "clip_skip", *_LORA, *_SIZE, "positive",
        "positive_token_normalization", "positive_weight_interpretation", "negative",
    ),
    "easy a1111Loader": ("ckpt_name", "vae_name", "clip_skip", *_LORA, *_SIZE, "positive", "negative"),
    "easy comfyLoader": ("ckpt_name", "vae_name", "clip_skip", *_LORA, *_SIZE, "positive", "negative"),
    "easy positive": ("positive",),
    "easy negative": ("negative",),
    "easy string": ("value",),
    "easy promptConcat": ("prompt1", "prompt2", "separator"),
    "easy promptReplace": ("prompt", "find1", "replace1", "find2", "replace2", "find3", "replace3"),
    "JoinStrings": ("delimiter",),
    "JoinStringMulti": ("inputcount", "delimiter", "return_list"),
    "Text Concatenate": ("delimiter", "clean_whitespace"),
    "Text Find and Replace": ("find", "replace"),
    "Text Multiline": ("text",),
    "Text String": ("text", "text_b", "text_c", "text_d"),
    "StringFunction|pysssss": ("action", "tidy_tags", "text_a", "text_b", "text_c"),
    "ShowText|pysssss": (),
    "StringConcatenate": ("string_a", "string_b", "delimiter"),
    "StringReplace": ("string", "find", "replace"),
    "StringTrim": ("string", "mode"),
    "CaseConverter": ("string", "mode"),
    "StringSubstring": ("string", "start", "end"),
    "PrimitiveString": ("value",),
    "PrimitiveStringMultiline": ("value",),
    "PrimitiveInt": ("value",),
    "PrimitiveBoolean": ("value",),
    "INTConstant": ("value",),
    "StringConstant": ("string",),
    "StringConstantMultiline": ("string", "strip_newlines"),
    "ImpactWildcardProcessor": ("wildcard_text", "populated_text", "mode", "seed"),
    "ImpactWildcardEncode": ("wildcard_text", "populated_text", "mode"),
    "ImpactSwitch": ("select", "sel_mode"),
    "ImpactInt": ("value",),
    "ImpactBoolean": ("value",),
    "CR Text": ("text",),
    "CR Prompt Text": ("prompt",),
    "CR Text Concatenate": ("text1", "text2", "separator"),
    "CR Text Input Switch": ("Input",),
    "CR Text Input Switch (4 way)": ("Input",),
    "CR Conditioning Input Switch": ("Input",),
    "CR Text Replace": ("text", "find1", "replace1", "find2", "replace2", "find3", "replace3"),
    "ConditioningAverage": ("conditioning_to_strength",),
    "ConditioningMultiCombine": ("inputcount", "operation"),
    "easy textSwitch": ("input", "text1", "text2"),
    "easy anythingIndexSwitch": ("index",),
    "easy textIndexSwitch": ("index",),
    "easy conditioningIndexSwitch": ("index",),
    "LazySwitchKJ": ("switch",),
    "ComfySwitchNode": ("switch",),
    "GeminiImageNode": ("prompt",),
    "GeminiImage2Node": ("prompt",),
    "GeminiNanoBanana2": ("prompt",),
    "GeminiNanoBanana2V2": ("prompt",),
    "SDXLPromptStyler": ("text_positive", "text_negative", "style", "log_prompt"),
    "WanVideoTextEncode": ("positive_prompt", "negative_prompt"),
}  # fmt: skip

#: The numbers of the outputs (positive, negative) of classes that have both.
PAIRS: Mapping[str, tuple[int, int]] = {
    "Efficient Loader": (1, 2),
    "ControlNetApplyAdvanced": (0, 1),
    "ControlNetApplySD3": (0, 1),
    "InpaintModelConditioning": (0, 1),
    "InstructPixToPixConditioning": (0, 1),
    "FromBasicPipe": (3, 4),
    "FromBasicPipe_v2": (4, 5),
    "Context (rgthree)": (4, 5),
    "Context Big (rgthree)": (4, 5),
    "Context Switch (rgthree)": (4, 5),
    "Context Switch Big (rgthree)": (4, 5),
    "Context Merge (rgthree)": (4, 5),
    "Context Merge Big (rgthree)": (4, 5),
    "easy pipeOut": (2, 3),
    "SDXLPromptStyler": (0, 1),
}

#: Classes of which each output is the text of one input, in the order of their outputs.
OUTPUT_TEXTS: Mapping[str, tuple[str, ...]] = {"Text String": ("text", "text_b", "text_c", "text_d")}

#: Names of inputs that hold or lead to the positive prompt, and to the negative one.
POSITIVE = (
    "positive", "pos", "base_positive", "positive_cond", "positive_conditioning", "conditioning_positive",
    "cond_positive", "CONDITIONING+", "positive_prompt", "prompt_positive", "text_positive", "positive_text",
    "pos_prompt", "Positive", "opt_positive", "positive_opt",
)  # fmt: skip
NEGATIVE = (
    "negative", "neg", "base_negative", "negative_cond", "negative_conditioning", "conditioning_negative",
    "cond_negative", "CONDITIONING-", "negative_prompt", "prompt_negative", "text_negative", "negative_text",
    "neg_prompt", "Negative", "opt_negative", "negative_opt", "neg_conditioning",
)  # fmt: skip

#: Inputs with which a node carries several values of a graph at once.
CARRIER = re.compile(
    r"(?:\b|_)(?:pipe(?:line)?|ctx|context|sdxl_tuple|tuple)(?:_?\d+|_opt)?$|^(?:base|big)_ctx$|^ctx_?\d+$", re.I
)
#: Classes that do no more than that.
CARRIER_KIND = re.compile(r"context|pipe|tuple", re.I)
#: What a sampler's conditioning can be called, other than positive.
CONDITIONING = re.compile(
    r"^(?:conditioning(?!.*neg)[_ ]?\w*|cond(?!ition)(?!.*neg)_?\w*|guider|text_cond|c"
    r"|(?!image|clip|start|end|neg|uncond)\w*embeds)$",
    re.I,
)
SAMPLER_KIND = re.compile(r"sampl|detailer|upscale|refine|generat|inpaint", re.I)
#: Inputs that only a sampler has beside a prompt.
SAMPLER_INPUTS = frozenset(
    {"seed", "noise_seed", "noise", "steps", "sigmas", "denoise", "sampler", "sampler_name", "cfg", "latent_image"}
)
SAVER_KIND = re.compile(r"save|image ?out|websocket|export|video.?combine", re.I)
PREVIEW_KIND = re.compile(r"preview|show ?image|compar|display", re.I)
#: Inputs that an image takes part in.
IMAGE = re.compile(
    r"^(?:images?|pixels|latents?|latent_image|samples|destination|source|frames|video|base_image|background"
    r"|(?:input|init|source|target|result|upscaled|inpainted|original|start|opt)_images?|stitch(?:er)?"
    r"|(?:images?|latents?|samples)_?(?:\d+|[a-z]|to|from|input)|any(?:_?\d+)?|anything|value\d*|input\d*"
    r"|on_true|on_false|tt_value|ff_value|opt_latent|image_opt|latent_opt|\*|)$",
    re.I,
)
#: Inputs that lead neither to the image nor to its prompt.
ASIDE = re.compile(
    r"model|clip|vae|mask|control|detector|sam_|lora|noise|sigmas|sampler|scheduler|style|bbox|seed|width|height"
    r"|batch|steps|cfg|denoise|strength|weight|scale|hook|filename|prefix|path|ref|neg|segs|hint|hunyuan|timestep"
    r"|guidance|vision|ip_?adapter|font|color|delimiter|separator|select|switch|index|boolean|condition$",
    re.I,
)
ZERO = re.compile(r"zero.?out", re.I)
ENCODER = re.compile(r"encode|conditioning|to_?cond|chatglm", re.I)

#: Text made by a model or drawn by chance when a graph runs; or read from where the image cannot say.
MADE_AT_RUN = re.compile(
    r"ollama|(?-i:LLM)|(?<![a-z])llm|gpt|openai|claude|anthropic|gemini|gemma|llava|florence|caption|interrogat"
    r"|tagger|wd14|moondream|im(?:g|age)_?(?:2|to)_?(?:txt|text|prompt)|describ|translat|(?<![a-z])ocr|qwen.*(?:vl|chat)"
    r"|(?<![a-z])vlm|deepseek|groq|mistral|magic.?prompt|text.?generat|prompt.?(?:enhanc|expan|gen|upsampl|rewrit|improv)"
    r"|enhance|superprompt|tipo(?![a-z])|one.?button|chat|phi-?\d|minicpm|internvl|smolvlm|pixtral|kosmos|cogvlm|blip"
    r"|joy.?(?:cap|tag)|vision|(?<![a-z])ai.?(?:text|prompt)|random|shuffle",
    re.I,
)
#: Inputs of a text node whose text depends on a model or an image.
MADE_FROM = re.compile(r"^(?:images?|image_?\d|llm.*|.*_llm|ollama.*|florence2?.*|vlm.*|pixels|api_key)$", re.I)
#: What only a language model is set by.
MODEL_SETTINGS = frozenset(
    {"temperature", "max_tokens", "max_new_tokens", "top_p", "top_k", "api_key", "system_message", "system_prompt"}
)
#: Changes of a text that depend on more than the graph says.
CHANGED = re.compile(
    r"styl|template|format|dictionary|regex|json|csv|file|(?<![a-z])load(?!er)|list|(?<!multi)(?<!multi[ _-])line"
    r"|schedul|truncat|split|slice|extract|batch|loop|queue|parse|filter|remove|strip|clean(?!_)|token|iterat|counter",
    re.I,
)
SWITCH_KIND = re.compile(r"switch|selector|select|mux|if.?else|conditional.?branch|branch|coalesce|fallback", re.I)
JOIN_KIND = re.compile(r"concat|join|combine|merge|append|prepend|string.?add|text.?add|addition", re.I)
REPLACE_KIND = re.compile(r"replace|substitut", re.I)
SHOW_KIND = re.compile(r"show|preview|display|debug|print", re.I)
DELIMITERS = ("delimiter", "separator", "sep", "joiner", "delim", "join_with", "divider")
#: Delimiters that nodes offer by name.
NAMED_DELIMITERS: Mapping[str, str] = {
    "none": "", "space": " ", "comma": ", ", "comma_space": ", ", "comma space": ", ", "newline": "\n",
    "new line": "\n", "linebreak": "\n", "tab": "\t", "period": ". ", "semicolon": "; ", "\\n": "\n", "\\t": "\t",
}  # fmt: skip
#: One of several texts that a node joins.
PART = re.compile(
    r"^(?:text|string|str|prompt|input|txt|s|t|value|any|part|arg|var|in|word)[ _]?(?:\d+|[a-h])?$|^[a-h]$"
    r"|^(?:prefix|suffix|prepend|append|(?:text|prompt|string)_(?:prefix|suffix|before|after|to_append|to_prepend))$",
    re.I,
)
#: Where a node that does no more than hold or pass on a text has it.
TEXTS = (
    "populated_text", "text", "prompt", "string", "value", "user_prompt", "Text", "String", "Prompt", "content",
    "input_text", "input_string", "text_input", "multiline_text", "Multiline", "str", "words", "caption",
    "wildcard_text", "any", "anything", "source", "input", "any_input", "text_a", "opt_text", "*", "",
)  # fmt: skip
#: Styles that change nothing.
NO_STYLE = frozenset({"", "none", "base", "no style", "no_style", "off", "disabled", "sai-base"})


def guessed_widget(kind: str) -> str:
    """The name under which the one text of an unknown class counts; empty where it is no text node."""
    lower = kind.lower()
    if any(word in lower for word in ("negative", "save", "load", "filename")):
        return ""
    return "text" if any(word in lower for word in ("text", "string", "prompt", "positive")) else ""

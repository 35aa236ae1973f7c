"""A graph of ComfyUI's API is followed by what its inputs mean, from the saved image to the words of its sampler."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aim_tui.inputs.prompts.comfyui import prompt_of_graph
from aim_tui.inputs.prompts.found import PromptError
from tests.inputs.prompts.comfy_graphs import (
    CABIN,
    UGLY,
    graph,
    node,
    text_to_image,
    with_conditioning,
    with_image,
    with_text,
)

WORDS = {
    "a": node("Text Multiline", text="a cabin"),
    "b": node("PrimitiveStringMultiline", value="with a red roof"),
    "c": node("CR Text", text="in snow"),
    "d": node("StringConstantMultiline", string="at night", strip_newlines=True),
}


def test_the_usual_graph_gives_its_positive_prompt() -> None:
    assert prompt_of_graph(text_to_image()) == CABIN
    assert prompt_of_graph(dict(reversed(text_to_image().items()))) == CABIN


# -- loaders, pipes and contexts --------------------------------------------------------------------------------------

EFFICIENT = node("Efficient Loader", ckpt_name="m", lora_name="None", positive=CABIN, negative=UGLY, clip_skip=-1)


@pytest.mark.parametrize(
    "data",
    [
        graph(
            l=EFFICIENT,
            k=node("KSampler (Efficient)", seed=1, positive=["l", 1], negative=["l", 2], latent_image=["l", 3]),
            s=node("SaveImage", images=["k", 5], filename_prefix="x"),
        ),
        graph(
            l=EFFICIENT,
            c=node(
                "ControlNetApplyAdvanced", positive=["l", 1], negative=["l", 2], image=["p", 0], control_net=["n", 0]
            ),
            k=node("KSampler (Efficient)", seed=1, positive=["c", 0], negative=["c", 1], latent_image=["l", 3]),
            s=node("SaveImage", images=["k", 5], filename_prefix="x"),
            p=node("LoadImage", image="p.png"),
        ),
        graph(
            l=node("Eff. Loader SDXL", base_ckpt_name="m", positive=["t", 0], negative=UGLY),
            k=node("KSampler SDXL (Eff.)", noise_seed=1, sdxl_tuple=["l", 0], latent_image=["l", 1]),
            s=node("SaveImage", images=["k", 3], filename_prefix="x"),
            t=node("Text Multiline", text=CABIN),
        ),
        graph(
            l=node("easy fullLoader", ckpt_name="m", positive=CABIN, negative=UGLY),
            p=node("easy preSampling", pipe=["l", 0], steps=20, seed=1),
            k=node("easy kSampler", pipe=["p", 0]),
            s=node("SaveImage", images=["k", 1], filename_prefix="x"),
        ),
        graph(
            l=node("ttN pipeLoader_v2", ckpt_name="m", positive=CABIN, negative=UGLY),
            k=node("ttN pipeKSampler_v2", pipe=["l", 0], seed=1, steps=20),
            s=node("ttN imageOutput", image=["k", 8], save_prefix="x", image_output="Save"),
        ),
        text_to_image(
            p=node("ToBasicPipe", model=["n4", 0], clip=["n4", 1], positive=["n6", 0], negative=["n7", 0]),
            n3=node("ImpactKSamplerBasicPipe", basic_pipe=["p", 0], seed=1, steps=20, latent_image=["n5", 0]),
        ),
        text_to_image(
            p=node("ToBasicPipe", model=["n4", 0], clip=["n4", 1], positive=["n6", 0], negative=["n7", 0]),
            f=node("FromBasicPipe_v2", basic_pipe=["e", 0]),
            e=node("EditBasicPipe", basic_pipe=["p", 0], vae=["n4", 2]),
            n3=node("KSampler", seed=1, positive=["f", 4], negative=["f", 5], latent_image=["n5", 0]),
        ),
        text_to_image(
            x=node("Context (rgthree)", model=["n4", 0], positive=["n6", 0], negative=["n7", 0]),
            y=node("Context Switch (rgthree)", ctx_01=["x", 0]),
            z=node("Context Big (rgthree)", base_ctx=["y", 0], seed=1, steps=20),
            n3=node("KSampler", seed=1, positive=["z", 4], negative=["z", 5], latent_image=["n5", 0]),
        ),
        text_to_image(
            i=node("easy pipeIn", pos=["n6", 0], neg=["n7", 0], model=["n4", 0]),
            o=node("easy pipeOut", pipe=["i", 0]),
            n3=node("KSampler", seed=1, positive=["o", 2], negative=["o", 3], latent_image=["n5", 0]),
        ),
        text_to_image(
            w=node("KolorsTextEncode", prompt=CABIN, negative_prompt=UGLY, chatglm3_model=["n4", 0]),
            n3=node("KolorsSampler", kolors_model=["n4", 0], kolors_embeds=["w", 0], seed=1, steps=20),
        ),
        text_to_image(
            w=node("WanVideoTextEncode", positive_prompt=CABIN, negative_prompt=UGLY, t5=["n4", 0]),
            n3=node("WanVideoSampler", text_embeds=["w", 0], seed=1, steps=20, image_embeds=["n5", 0]),
        ),
    ],
)
def test_pipes_contexts_and_loaders_are_followed_on_the_positive_side(data: Any) -> None:
    assert prompt_of_graph(data) == CABIN


# -- conditionings ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "encoder",
    [
        node("CLIPTextEncodeSDXL", text_g=CABIN, text_l=CABIN, width=1024, height=1024),
        node("CLIPTextEncodeSDXL", text_g=CABIN, text_l="", width=1024, height=1024),
        node("CLIPTextEncodeSDXLRefiner", ascore=6.0, text=CABIN),
        node("CLIPTextEncodeSD3", clip_l="a cabin", clip_g="a cabin", t5xxl=CABIN, empty_padding="none"),
        node("CLIPTextEncodeSD3", clip_l=CABIN, clip_g=CABIN, t5xxl="", empty_padding="none"),
        node("CLIPTextEncodeFlux", clip_l="snow, cabin", t5xxl=CABIN, guidance=3.5),
        node("CLIPTextEncodeHunyuanDiT", bert="cabin", mt5xl=CABIN),
        node("CLIPTextEncodeHiDream", clip_l="", clip_g="", t5xxl="", llama=CABIN),
        node("CLIPTextEncode", text=f"You are an assistant that draws. <Prompt Start> {CABIN}", clip=["n4", 1]),
        node("CLIPTextEncodeLumina2", system_prompt="superior", user_prompt=CABIN),
        node("TextEncodeQwenImageEdit", prompt=CABIN, clip=["n4", 1], image=["p", 0]),
        node("smZ CLIPTextEncode", text=CABIN, parser="A1111", with_SDXL=False, text_g="old", text_l="old"),
        node("BNK_CLIPTextEncodeAdvanced", text=CABIN, token_normalization="none", weight_interpretation="comfy"),
        node("ImpactWildcardEncode", wildcard_text="a {b|c}", populated_text=CABIN, mode="populate", clip=["n4", 1]),
        node("PCLazyTextEncode", text=CABIN, clip=["n4", 1]),
        node("MZ_ChatGLM3_V2", text=CABIN, chatglm3_model=["n4", 1]),
        node("Power Prompt (rgthree)", prompt=CABIN, opt_model=["n4", 0], opt_clip=["n4", 1], insert_lora="CHOOSE"),
        node("SDXL Power Prompt - Positive (rgthree)", prompt_g=CABIN, prompt_l=CABIN, opt_clip=["n4", 1]),
    ],
)
def test_every_encoder_s_own_inputs_hold_the_words(encoder: dict[str, Any]) -> None:
    assert prompt_of_graph(text_to_image(n6=encoder)) == CABIN


def test_two_clips_with_different_words_give_both() -> None:
    encoder = node("CLIPTextEncodeSDXL", text_g="a cabin", text_l="oil painting")
    assert prompt_of_graph(text_to_image(n6=encoder)) == "a cabin, oil painting"


@pytest.mark.parametrize(
    ("nodes", "slot"),
    [
        ({"c": node("ControlNetApply", conditioning=["n6", 0], control_net=["x", 0], image=["y", 0], strength=1.0)}, 0),
        ({"c": node("ConditioningSetArea", conditioning=["n6", 0], width=64, height=64, strength=1.0)}, 0),
        ({"c": node("ConditioningSetMask", conditioning=["n6", 0], mask=["x", 0], set_cond_area="default")}, 0),
        ({"c": node("ConditioningSetTimestepRange", conditioning=["n6", 0], start=0.0, end=0.5)}, 0),
        ({"c": node("unCLIPConditioning", conditioning=["n6", 0], clip_vision_output=["x", 0])}, 0),
        ({"c": node("StyleModelApply", conditioning=["n6", 0], style_model=["x", 0], clip_vision_output=["y", 0])}, 0),
        ({"c": node("FluxGuidance", conditioning=["n6", 0], guidance=3.5)}, 0),
        ({"c": node("ReferenceLatent", conditioning=["n6", 0], latent=["n5", 0])}, 0),
        ({"c": node("InpaintModelConditioning", positive=["n6", 0], negative=["n7", 0], pixels=["x", 0])}, 0),
        ({"c": node("BrushNet", model=["n4", 0], positive=["n6", 0], negative=["n7", 0], image=["x", 0])}, 1),
        ({"c": node("Reroute", **{"": ["n6", 0]})}, 0),
        ({"c": node("SomethingNobodyKnows", whatever=["n6", 0], model=["n4", 0], amount=3)}, 0),
        (
            {
                "c": node(
                    "ConditioningAverage",
                    conditioning_to=["n6", 0],
                    conditioning_from=["z", 0],
                    conditioning_to_strength=1.0,
                ),
                "z": node("CLIPTextEncode", text="other"),
            },
            0,
        ),
        (
            {
                "c": node("ConditioningCombine", conditioning_1=["n6", 0], conditioning_2=["z", 0]),
                "z": node("ConditioningZeroOut", conditioning=["n7", 0]),
            },
            0,
        ),
        ({"c": node("CR Conditioning Input Switch", Input=1, conditioning1=["n6", 0], conditioning2=["n7", 0])}, 0),
    ],
)
def test_what_changes_a_conditioning_is_passed_through(nodes: dict[str, Any], slot: int) -> None:
    assert prompt_of_graph(with_conditioning(slot, **nodes)) == CABIN


def test_combined_conditionings_are_joined_in_order_each_once() -> None:
    parts = {name: node("CLIPTextEncode", text=[name.lower(), 0]) for name in "ABC"} | WORDS
    parts |= {"c": node("CR Text", text="in snow")}
    many = node(
        "ConditioningMultiCombine",
        inputcount=3,
        operation="combine",
        conditioning_1=["A", 0],
        conditioning_2=["B", 0],
        conditioning_3=["C", 0],
        conditioning_4=["n7", 0],
    )
    data = text_to_image(**parts, m=many)
    data["n3"]["inputs"]["positive"] = ["m", 0]
    assert prompt_of_graph(data) == "a cabin, with a red roof, in snow"
    data["m"] = node("ConditioningConcat", conditioning_to=["A", 0], conditioning_from=["B", 0])
    assert prompt_of_graph(data) == "a cabin, with a red roof"
    data["m"] = node("ConditioningCombine", conditioning_1=["A", 0], conditioning_2=["A", 0])
    assert prompt_of_graph(data) == "a cabin"


@pytest.mark.parametrize(
    "guider",
    [
        {"g": node("BasicGuider", model=["n4", 0], conditioning=["n6", 0])},
        {"g": node("CFGGuider", model=["n4", 0], positive=["n6", 0], negative=["n7", 0], cfg=3.0)},
        {
            "g": node(
                "PerpNegGuider", model=["n4", 0], positive=["n6", 0], negative=["n7", 0], empty_conditioning=["n7", 0]
            )
        },
        {
            "g": node("DualCFGGuider", model=["n4", 0], cond1=["i", 0], cond2=["i", 1], negative=["n7", 0]),
            "i": node("InstructPixToPixConditioning", positive=["n6", 0], negative=["n7", 0], pixels=["x", 0]),
        },
        {"g": node("DualCFGGuider", model=["n4", 0], cond1=["n6", 0], cond2=["n7", 0], negative=["n7", 0])},
    ],
)
def test_guiders_are_followed_and_the_negative_side_never_is(guider: dict[str, Any]) -> None:
    sampler = node("SamplerCustomAdvanced", noise=["r", 0], guider=["g", 0], sampler=["q", 0], sigmas=["w", 0],
                   latent_image=["n5", 0])  # fmt: skip
    assert prompt_of_graph(text_to_image(n3=sampler, **guider)) == CABIN


def test_a_guider_of_two_prompts_gives_both() -> None:
    data = text_to_image(
        n3=node("SamplerCustomAdvanced", guider=["g", 0], latent_image=["n5", 0]),
        g=node("DualCFGGuider", cond1=["n6", 0], cond2=["z", 0], negative=["n7", 0]),
        z=node("CLIPTextEncode", text="oil painting"),
    )
    assert prompt_of_graph(data) == f"{CABIN}, oil painting"


# -- texts ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("join", "prompt"),
    [
        (
            node(
                "Text Concatenate",
                delimiter=", ",
                clean_whitespace="true",
                text_a=["a", 0],
                text_b=["b", 0],
                text_c=["c", 0],
                text_d=["d", 0],
            ),
            "a cabin, with a red roof, in snow, at night",
        ),
        (
            node("Text Concatenate", delimiter="\\n", clean_whitespace="false", text_a=["a", 0], text_b=["b", 0]),
            "a cabin\nwith a red roof",
        ),
        (node("JoinStrings", string1=["a", 0], string2=["b", 0], delimiter=" "), "a cabin with a red roof"),
        (
            node(
                "JoinStringMulti",
                inputcount=2,
                string_1=["a", 0],
                string_2=["b", 0],
                string_3=["c", 0],
                delimiter=", ",
                return_list=False,
            ),
            "a cabin, with a red roof",
        ),
        (
            node(
                "StringFunction|pysssss",
                action="append",
                tidy_tags="yes",
                text_a=["a", 0],
                text_b=["b", 0],
                text_c="in snow",
            ),
            "a cabin, with a red roof, in snow",
        ),
        (
            node("StringFunction|pysssss", action="append", tidy_tags="no", text_a=["a", 0], text_b=" at night"),
            "a cabin at night",
        ),
        (node("StringConcatenate", string_a=["a", 0], string_b="in snow", delimiter=", "), "a cabin, in snow"),
        (node("CR Text Concatenate", text1=["a", 0], text2=["b", 0], separator=" | "), "a cabin | with a red roof"),
        (node("easy promptConcat", prompt1=["a", 0], prompt2=["b", 0], separator=", "), "a cabin, with a red roof"),
        (node("ConcatStringSingle", string_a=["a", 0], string_b=", snow"), "a cabin, snow"),
        (node("ttN concat", text1=["a", 0], text2=["b", 0], text3="", delimiter="comma"), "a cabin, with a red roof"),
        (
            node("AnyJoinOfTen", separator="; ", **{f"input_{n}": ["a" if n % 2 else "b", 0] for n in range(1, 4)}),
            "a cabin; with a red roof; a cabin",
        ),
        (node("Text Prepend", prefix=["a", 0], text=["b", 0], delimiter=", "), "a cabin, with a red roof"),
    ],
)
def test_joins_of_any_number_use_their_own_delimiter(join: dict[str, Any], prompt: str) -> None:
    assert prompt_of_graph(with_text(**WORDS, t=join)) == prompt


@pytest.mark.parametrize(
    ("change", "prompt"),
    [
        (node("Text Find and Replace", text="a STYLE cabin", find="STYLE", replace="small"), "a small cabin"),
        (node("StringReplace", string="a STYLE cabin", find="STYLE", replace=["s", 0]), "a small cabin"),
        (
            node(
                "StringFunction|pysssss",
                action="replace",
                tidy_tags="no",
                text_a="a STYLE cabin",
                text_b="STYLE",
                text_c="small",
            ),
            "a small cabin",
        ),
        (
            node(
                "CR Text Replace",
                text="a X Y",
                find1="X",
                replace1="small",
                find2="Y",
                replace2="cabin",
                find3="",
                replace3="",
            ),
            "a small cabin",
        ),
        (node("StringTrim", string="  a small cabin ", mode="Both"), "a small cabin"),
        (node("CaseConverter", string="A SMALL CABIN", mode="lowercase"), "a small cabin"),
        (node("StringSubstring", string="a small cabin, snow", start=0, end=13), "a small cabin"),
        (node("ImpactStringSelector", strings="a lake\na small cabin", multiline=False, select=1), "a small cabin"),
        (node("ShowText|pysssss", text=["v", 0], text_0="what was shown before"), "a small cabin"),
        (node("PreviewAny", source=["v", 0]), "a small cabin"),
        (node("easy showAnything", anything=["v", 0], text="what was shown before"), "a small cabin"),
        (node("ImpactWildcardProcessor", wildcard_text="a {b|c}", populated_text="a small cabin"), "a small cabin"),
        (node("DPRandomGenerator", text="a small cabin", seed=1), "a small cabin"),
        (node("easy positive", positive="a small cabin"), "a small cabin"),
        (node("Text Multiline", text="# a remark\na small cabin"), "a small cabin"),
        (node("SmallMultilineBox", text="a small cabin"), "a small cabin"),
        (node("SDXLPromptStyler", text_positive="a small cabin", text_negative=UGLY, style="base"), "a small cabin"),
        (node("SomeBoxOfText", contents=["v", 0]), "a small cabin"),
    ],
)
def test_texts_are_changed_as_their_nodes_change_them(change: dict[str, Any], prompt: str) -> None:
    nodes = {"s": node("PrimitiveString", value="small"), "v": node("PrimitiveString", value="a small cabin")}
    assert prompt_of_graph(with_text(t=change, **nodes)) == prompt


@pytest.mark.parametrize(
    "switch",
    [
        node("Any Switch (rgthree)", any_02=["a", 0]),
        node("Any Switch (rgthree)", any_01=["a", 0], any_02=["b", 0]),
        node("ImpactSwitch", select=2, sel_mode=False, input1=["b", 0], input2=["a", 0]),
        node("ImpactSwitch", select=["one", 0], sel_mode=False, input1=["a", 0], input2=["b", 0]),
        node("CR Text Input Switch (4 way)", Input=3, text1=["b", 0], text3=["a", 0]),
        node("easy textIndexSwitch", index=0, text0=["a", 0], text1=["b", 0]),
        node("easy anythingIndexSwitch", index=1, value0=["b", 0], value1=["a", 0]),
        node("LazySwitchKJ", switch=True, on_true=["a", 0], on_false=["b", 0]),
        node("ComfySwitchNode", switch=["no", 0], on_true=["b", 0], on_false=["a", 0]),
        node("ImpactConditionalBranch", cond=False, tt_value=["b", 0], ff_value=["a", 0]),
        node("Text Input Switch", boolean_number=1, text_a=["a", 0], text_b=["b", 0]),
        node("Switch any [Crystools]", boolean=False, on_true=["b", 0], on_false=["a", 0]),
        node("easy textSwitch", input=2, text1="a lake", text2=["a", 0]),
        node("Text Input Switch", boolean_number=["dice", 0], text_a=["a", 0], text_b=["a", 0]),
    ],
)
def test_switches_pass_on_what_they_select(switch: dict[str, Any]) -> None:
    nodes = {"one": node("PrimitiveInt", value=1), "no": node("PrimitiveBoolean", value=False), "dice": node("Dice")}
    assert prompt_of_graph(with_text(**WORDS, **nodes, t=switch)) == "a cabin"


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (
            node("OllamaGenerate", prompt="describe a cabin", model="m"),
            r"made when the graph ran, by OllamaGenerate \(node t\)",
        ),
        (node("ShowText|pysssss", text=["llm", 0], text_0="a cabin"), "made when the graph ran, by OllamaGenerateV2"),
        (
            node("Florence2Run", image=["n8", 0], text_input="", task="caption"),
            "made when the graph ran, by Florence2Run",
        ),
        (node("WD14Tagger|pysssss", image=["n8", 0], tags="1girl"), "made when the graph ran, by WD14Tagger"),
        (node("NodeWithAnImage", image=["n8", 0], text="look closely"), "made when the graph ran, by NodeWithAnImage"),
        (node("JoinStrings", string1=["a", 0], string2=["llm", 0], delimiter=", "), "by OllamaGenerateV2"),
        (node("DeepTranslatorTextNode", text=["a", 0], to_translate="en"), "by DeepTranslatorTextNode"),
        (node("Text Random Line", text="a\nb", seed=1), "by Text Random Line"),
        (node("NobodyKnowsMe", prompt="write a prompt", temperature=0.7, seed=1), "by NobodyKnowsMe"),
        (node("DPRandomGenerator", text="a {small|big} cabin", seed=1), "drawn by chance .* DPRandomGenerator"),
        (node("RegexReplace", string="a", regex_pattern="a", replace="b"), "what RegexReplace .* is not known"),
        (
            node("StringFunction|pysssss", action="replace", tidy_tags="no", text_a="a", text_b="/a/", text_c="b"),
            "regular",
        ),
        (node("Load Prompt From File", file="a.txt", prompt="old"), "what Load Prompt From File .* is not known"),
        (node("SDXLPromptStyler", text_positive="a cabin", text_negative="", style="sai-anime"), "adds a style"),
        (node("Text Input Switch", boolean_number=["dice", 0], text_a=["a", 0], text_b=["b", 0]), "chose is not known"),
        (node("TwoTexts", prompt="a", text="b"), r"which of the inputs of TwoTexts \(node t\)"),
    ],
)
def test_a_text_that_cannot_be_known_is_none_and_the_node_is_named(made: dict[str, Any], reason: str) -> None:
    nodes = {"llm": node("OllamaGenerateV2", prompt="describe"), "dice": node("Dice")}
    with pytest.raises(PromptError, match=reason):
        prompt_of_graph(with_text(**WORDS, **nodes, t=made))


@pytest.mark.parametrize("nothing", ["", "  ", "None", "none", "undefined"])
def test_words_that_mean_no_text_are_none(nothing: str) -> None:
    with pytest.raises(PromptError, match="leads to no text"):
        prompt_of_graph(with_text(t=node("Text Multiline", text=nothing)))


# -- outputs and samplers ---------------------------------------------------------------------------------------------

OTHER = {"o": node("CLIPTextEncode", text="detailed face, sharp eyes")}


@pytest.mark.parametrize(
    "later",
    [
        {"i": node("FaceDetailer", image=["n8", 0], positive=["o", 0], negative=["n7", 0], seed=1, wildcard="")},
        {"i": node("UltimateSDUpscale", image=["n8", 0], positive=["o", 0], negative=["n7", 0], seed=1, upscale_by=2)},
        {
            "i": node("FaceDetailerPipe", image=["n8", 0], detailer_pipe=["p", 0], seed=1),
            "p": node("ToDetailerPipe", model=["n4", 0], positive=["o", 0], negative=["n7", 0], wildcard=""),
        },
        {
            "i": node("VAEDecode", samples=["k", 0]),
            "u": node("LatentUpscale", samples=["n3", 0], width=1024),
            "k": node("KSampler", seed=1, positive=["o", 0], negative=["n7", 0], latent_image=["u", 0], denoise=0.4),
        },
        {
            "i": node("VAEDecode", samples=["k", 0]),
            "e": node("VAEEncode", pixels=["x", 0]),
            "x": node("ImageUpscaleWithModel", image=["n8", 0], upscale_model=["y", 0]),
            "k": node("KSampler", seed=1, positive=["o", 0], negative=["n7", 0], latent_image=["e", 0], denoise=0.4),
        },
        {"i": node("ImageScale", image=["n8", 0], width=64), "q": node("PreviewImage", images=["n8", 0])},
        {
            "i": node("ImageCompositeMasked", destination=["n8", 0], source=["f", 0], mask=["m", 0]),
            "f": node("DetailerForEach", image=["n8", 0], positive=["o", 0], negative=["n7", 0], seed=1),
        },
        {"i": node("SomePostEffect", picture=["n8", 0], amount=0.5)},
        {
            "i": node("ImpactSwitch", select=2, sel_mode=False, input1=["f", 0], input2=["n8", 0]),
            "f": node("FaceDetailer", image=["z", 0], positive=["o", 0], seed=1),
            "z": node("LoadImage", image="z.png"),
        },
    ],
)
def test_the_first_sampling_counts_before_detailers_and_upscalers(later: dict[str, Any]) -> None:
    assert prompt_of_graph(with_image(**OTHER, **later)) == CABIN


@pytest.mark.parametrize(("slot", "prompt"), [(0, "a boat"), (1, CABIN)])
def test_of_a_node_with_several_texts_the_output_that_is_linked_counts(slot: int, prompt: str) -> None:
    encoder = node("CLIPTextEncode", text=["t", slot])
    texts = node("Text String", text="a boat", text_b=CABIN, text_c="", text_d="")
    assert prompt_of_graph(text_to_image(n6=encoder, t=texts)) == prompt


def two_outputs(first: str, second: str) -> dict[str, Any]:
    return text_to_image(
        n9=node("SaveImage", images=["n8", 0], filename_prefix=first),
        b6=node("CLIPTextEncode", text="a red boat"),
        b3=node("KSampler", seed=1, positive=["b6", 0], negative=["n7", 0], latent_image=["n5", 0]),
        b8=node("VAEDecode", samples=["b3", 0]),
        b9=node("SaveImage", images=["b8", 0], filename_prefix=second),
    )


@pytest.mark.parametrize(
    ("prefixes", "stem", "prompt"),
    [
        (("cabin", "boat"), "cabin_00001_", CABIN),
        (("cabin", "boat"), "boat_00012_", "a red boat"),
        (("out/cabin", "out\\boat"), "boat_00001_", "a red boat"),
        (("x", "x_big"), "x_big_00001_", "a red boat"),
        (("x", "x_big"), "x_00001_", CABIN),
        (("%date:yyyy%_cabin", "%date:yyyy%_boat"), "2024_boat_00001_", "a red boat"),
        (("%date:yyyy-MM-dd%", "boat"), "boat_00001_", "a red boat"),
        (("%date:yyyy-MM-dd%", "boat"), "2024-05-01_00001_", CABIN),
    ],
)
def test_of_several_outputs_the_file_s_name_tells_which(prefixes: tuple[str, str], stem: str, prompt: str) -> None:
    assert prompt_of_graph(two_outputs(*prefixes), stem) == prompt


def test_several_outputs_of_which_none_has_the_file_s_name_give_none() -> None:
    with pytest.raises(PromptError, match="2 outputs have different prompts"):
        prompt_of_graph(two_outputs("cabin", "boat"), "renamed")
    with pytest.raises(PromptError, match="2 outputs have different prompts"):
        prompt_of_graph(two_outputs("cabin", "boat"), "boatman")
    same = two_outputs("cabin", "boat")
    same["b6"]["inputs"]["text"] = CABIN
    assert prompt_of_graph(same, "renamed") == CABIN


def test_an_image_made_of_several_samplings_or_of_none_has_no_prompt() -> None:
    several = two_outputs("a", "b")
    del several["b9"]
    several["n9"] = node("SaveImage", images=["m", 0], filename_prefix="a")
    several["m"] = node("ImageBlend", image1=["n8", 0], image2=["b8", 0], blend_factor=0.5)
    with pytest.raises(PromptError, match="composed of several samplings"):
        prompt_of_graph(several)
    loaded = graph(
        n9=node("SaveImage", images=["u", 0], filename_prefix="a"),
        u=node("ImageUpscaleWithModel", image=["l", 0], upscale_model=["x", 0]),
        l=node("LoadImage", image="a.png"),
    )
    with pytest.raises(PromptError, match="no node of the graph samples"):
        prompt_of_graph(loaded)
    with pytest.raises(PromptError, match="loaded, not sampled"):
        prompt_of_graph({name: each for name, each in text_to_image().items() if name != "n9"} | loaded)


def test_an_image_of_a_service_has_the_prompt_of_its_node() -> None:
    data = graph(
        d=node("OpenAIDalle3", prompt=CABIN, seed=1, quality="standard"),
        s=node("SaveImage", images=["d", 0], filename_prefix="x"),
    )
    assert prompt_of_graph(data) == CABIN


def test_a_map_that_was_sampled_without_words_is_no_first_sampling() -> None:
    data = text_to_image(
        n5=node("VAEEncode", pixels=["d", 0]),
        d=node("VAEDecode", samples=["k", 0]),
        k=node("SamplerCustomAdvanced", guider=["g", 0], latent_image=["e", 0]),
        g=node("BasicGuider", conditioning=["l", 0], model=["n4", 0]),
        l=node("LotusConditioning"),
        e=node("VAEEncode", pixels=["p", 0]),
        p=node("LoadImage", image="p.png"),
    )
    assert prompt_of_graph(data) == CABIN


def test_json_and_names_of_files_are_no_prompts() -> None:
    with pytest.raises(PromptError, match=r"the text of CLIPTextEncode \(node n6\) is JSON, not words"):
        prompt_of_graph(text_to_image(n6=node("CLIPTextEncode", text='{"scene": "a cabin"}')))
    with pytest.raises(PromptError, match="leads to no text"):
        prompt_of_graph(text_to_image(n6=node("CLIPTextEncode", text="flux1-dev-fp8.safetensors")))


def test_a_swapped_conditioning_gives_what_the_sampler_got() -> None:
    data = with_conditioning(1, c=node("ControlNetApplyAdvanced", positive=["n7", 0], negative=["n6", 0]))
    assert prompt_of_graph(data) == CABIN


# -- hostile graphs ---------------------------------------------------------------------------------------------------


def test_a_hostile_graph_ends_with_a_reason() -> None:
    circle = with_text(t=node("Reroute", **{"": ["t", 0]}))
    deep = with_text(t=node("Reroute", **{"": ["c0", 0]}))
    deep |= {f"c{n}": node("Reroute", **{"": [f"c{n + 1}", 0]}) for n in range(10_000)}
    wide = with_text(t=node("Concat", text_a=["d0", 0], text_b=["d0", 0], delimiter=" "))
    wide |= {
        f"d{n}": node("Concat", text_a=[f"d{n + 1}", 0], text_b=[f"d{n + 1}", 0], delimiter=" ") for n in range(90)
    }
    wide["d90"] = node("Text", text="word")
    images = with_image(i=node("ImageScale", image=["i", 0]))
    for hostile, reason in (
        (circle, "leads back to itself"),
        (deep, "too deep"),
        (wide, "more than 100,000 characters"),
        (with_text(t=node("Reroute", **{"": ["gone", 0]})), "node gone, which the graph does not hold"),
        (with_text(t=node("Text", text=[{}, "x"])), "is not known|leads to no text"),
        (with_text(t=node("Text", text=7)), "is not known|leads to no text"),
        (text_to_image(n7=node("CLIPTextEncode"), n6=node("CLIPTextEncode")), "leads to no text"),
    ):
        with pytest.raises(PromptError, match=reason):
            prompt_of_graph(hostile)
    assert prompt_of_graph(images) == CABIN  # the only sampling, where the output leads nowhere
    nodes = {"nodes": [1, {"id": {}, "inputs": 1, "widgets_values": {}}], "links": 1}
    for none in ({}, [], {"a": 1}, nodes, nodes | {"links": [None, [1]]}, graph(a=node("SaveImage"))):
        with pytest.raises(PromptError):
            prompt_of_graph(none)
    with pytest.raises(PromptError, match="20,001 nodes"):
        prompt_of_graph(graph(**{f"n{n}": node("X") for n in range(20_001)}))


ANY = st.recursive(
    st.none() | st.integers(-20, 9) | st.text("abn3", max_size=2),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["nodes", "links", "inputs", "class_type", "positive", "text", "id", "3", "type", "mode"]),
            inner,
        )
    ),
    max_leaves=25,
)


@settings(max_examples=5 * settings.default.max_examples)
@given(ANY)
def test_any_json_is_a_prompt_or_has_a_reason(data: Any) -> None:
    try:
        assert prompt_of_graph(data).strip()
    except PromptError as error:
        assert str(error)

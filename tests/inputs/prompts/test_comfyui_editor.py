"""The editor's graph is read as it would have run: by its widgets, links, sub-graphs, muted and bypassed nodes."""

from __future__ import annotations

from typing import Any

import pytest

from aim_tui.inputs.prompts.comfyui import prompt_of_graph
from aim_tui.inputs.prompts.found import PromptError
from tests.inputs.prompts.comfy_graphs import CABIN, UGLY, Editor, editor_text_to_image

STRING = "STRING"


def with_source(*nodes: tuple[Any, ...], slot: int = 0) -> dict[str, Any]:
    """The usual graph whose text is linked to node 30."""
    editor = editor_text_to_image(text=(30, slot, STRING))
    for number, kind, values, inputs in nodes:
        editor.add(number, kind, values, outputs=("STRING",), **inputs)
    return editor.data()


A, B = (31, "Text Multiline", ("a cabin",), {}), (32, "Text Multiline", ("with a red roof",), {})


def test_the_usual_graph_gives_its_positive_prompt() -> None:
    assert prompt_of_graph(editor_text_to_image().data()) == CABIN


@pytest.mark.parametrize(
    ("kind", "values", "inputs", "prompt"),
    [
        ("Text Concatenate", (", ", "true"), {"text_a": 31, "text_b": 32}, "a cabin, with a red roof"),
        ("JoinStrings", (", ",), {"string1": 31, "string2": 32}, "a cabin, with a red roof"),
        ("JoinStringMulti", (2, ", ", False, None), {"string_1": 31, "string_2": 32}, "a cabin, with a red roof"),
        (
            "StringFunction|pysssss",
            ("append", "yes", "", "", "in snow"),
            {"text_a": 31, "text_b": 32},
            "a cabin, with a red roof, in snow",
        ),
        ("StringConcatenate", ("old", "in snow", ", "), {"string_a": 31}, "a cabin, in snow"),
        ("StringReplace", ("a STYLE", "STYLE", "cabin"), {}, "a cabin"),
        ("Text Find and Replace", ("cabin", "lake"), {"text": 31}, "a lake"),
        ("ImpactWildcardProcessor", ("a {b|c}", "a cabin", "populate", 1, "randomize", "Select"), {}, "a cabin"),
        ("Any Switch (rgthree)", (), {"any_01": 31, "any_02": 32}, "a cabin"),
        ("ImpactSwitch", (2, False), {"input1": 31, "input2": 32}, "with a red roof"),
        ("ShowText|pysssss", (["what was shown before"],), {"text": 31}, "a cabin"),
        ("PrimitiveNode", ("a cabin", "fixed"), {}, "a cabin"),
        ("PrimitiveStringMultiline", ("a cabin",), {}, "a cabin"),
        ("UnknownPromptBox", ("a cabin", 3, True), {}, "a cabin"),
    ],
)
def test_texts_come_from_widgets_by_their_place_and_from_links(
    kind: str, values: tuple[Any, ...], inputs: dict[str, int], prompt: str
) -> None:
    linked = {name: (number, 0, STRING) for name, number in inputs.items()}
    assert prompt_of_graph(with_source((30, kind, values, linked), A, B)) == prompt


@pytest.mark.parametrize(
    ("kind", "values", "prompt"),
    [
        ("CLIPTextEncodeFlux", ("snow, cabin", CABIN, 3.5), CABIN),
        ("CLIPTextEncodeSD3", (CABIN, CABIN, "", "none"), CABIN),
        ("CLIPTextEncodeSDXL", (1024, 1024, 0, 0, 1024, 1024, CABIN, CABIN), CABIN),
        ("CLIPTextEncodeHiDream", ("", "", "", CABIN), CABIN),
        ("CLIPTextEncodeLumina2", ("superior", CABIN), CABIN),
        ("TextEncodeQwenImageEdit", (CABIN,), CABIN),
        (
            "Efficient Loader",
            ("m", "Baked VAE", -1, "None", 1.0, 1.0, CABIN, UGLY, "none", "comfy", 512, 512, 1),
            CABIN,
        ),
    ],
)
def test_encoders_have_their_words_at_the_place_of_their_class(kind: str, values: tuple[Any, ...], prompt: str) -> None:
    editor = editor_text_to_image(positive=(20, 0, "CONDITIONING"))
    editor.add(20, kind, values, outputs=("CONDITIONING",))
    assert prompt_of_graph(editor.data()) == prompt


def test_widgets_of_an_unknown_class_are_named_where_all_of_them_are_inputs_too() -> None:
    editor = editor_text_to_image(positive=(20, 0, "CONDITIONING"))
    editor.add(20, "NewLoader", ("m.safetensors", 7, "randomize", CABIN, UGLY), outputs=("CONDITIONING",),
               widgets=("ckpt_name", "seed", "positive", "negative"))  # fmt: skip
    assert prompt_of_graph(editor.data()) == CABIN


def test_muted_branches_do_not_count_and_bypassed_nodes_pass_on_what_they_get() -> None:
    editor = editor_text_to_image(positive=(20, 0, "CONDITIONING"))
    editor.add(19, "CLIPTextEncode", ("not run",), mode=2, outputs=("CONDITIONING",))
    editor.add(20, "ControlNetApplyAdvanced", (1.0, 0.0, 1.0), mode=4, outputs=("CONDITIONING", "CONDITIONING"),
               positive=(6, 0, "CONDITIONING"), negative=(7, 0, "CONDITIONING"))  # fmt: skip
    editor.add(21, "KSampler", (1, "fixed", 20), mode=2, positive=(19, 0, "CONDITIONING"))
    editor.add(22, "SaveImage", ("other",), mode=2, images=(21, 0, "IMAGE"))
    assert prompt_of_graph(editor.data()) == CABIN
    switch = editor_text_to_image(text=(30, 0, STRING))
    switch.add(31, "Text Multiline", ("not run",), mode=2, outputs=(STRING,))
    switch.add(32, "Text Multiline", ("a cabin",), outputs=(STRING,))
    switch.add(30, "Any Switch (rgthree)", outputs=("*",), any_01=(31, 0, STRING), any_02=(32, 0, STRING))
    assert prompt_of_graph(switch.data()) == "a cabin"


def test_reroutes_and_named_links_are_followed() -> None:
    editor = editor_text_to_image(positive=(20, 0, "CONDITIONING"))
    editor.add(18, "Reroute", outputs=("",), **{"": (6, 0, "CONDITIONING")})
    editor.add(19, "SetNode", ("positive",), outputs=("*",), CONDITIONING=(18, 0, "CONDITIONING"))
    editor.add(20, "GetNode", ("positive",), outputs=("CONDITIONING",))
    editor.add(21, "SetNode", ("other",), outputs=("*",), CONDITIONING=(7, 0, "CONDITIONING"))
    assert prompt_of_graph(editor.data()) == CABIN


def sub_graph(name: str = "0a1b") -> dict[str, Any]:
    """A sub-graph of a text in and a conditioning out."""
    inner = Editor()
    inner.add(1, "CLIPTextEncode", ("inner words",), outputs=("CONDITIONING",), widgets=("text",))
    inner.nodes[0]["inputs"][0]["link"] = 1
    return {
        "id": name,
        "name": "Encode",
        "inputs": [{"id": "x", "name": "text", "type": STRING, "linkIds": [1]}],
        "outputs": [{"id": "y", "name": "CONDITIONING", "type": "CONDITIONING", "linkIds": [2]}],
        "nodes": inner.nodes,
        "links": [
            {"id": 1, "origin_id": -10, "origin_slot": 0, "target_id": 1, "target_slot": 0, "type": STRING},
            {"id": 2, "origin_id": 1, "origin_slot": 0, "target_id": -20, "target_slot": 0, "type": "CONDITIONING"},
        ],
    }


def test_a_sub_graph_is_opened_in_its_place() -> None:
    linked = editor_text_to_image(positive=(20, 0, "CONDITIONING"))
    linked.definitions.append(sub_graph())
    linked.add(31, "Text Multiline", ("a cabin",), outputs=(STRING,))
    linked.add(20, "0a1b", outputs=("CONDITIONING",), text=(31, 0, STRING))
    assert prompt_of_graph(linked.data()) == "a cabin"
    typed = editor_text_to_image(positive=(20, 0, "CONDITIONING"))
    typed.definitions.append(sub_graph())
    typed.add(20, "0a1b", ("typed outside",), outputs=("CONDITIONING",), widgets=("text",))
    assert prompt_of_graph(typed.data()) == "typed outside"
    proxied = editor_text_to_image(positive=(20, 0, "CONDITIONING"))
    definition = sub_graph()
    definition["nodes"][0]["inputs"][0]["link"] = None
    definition["inputs"] = []
    proxied.definitions.append(definition)
    proxied.add(20, "0a1b", ("shown outside",), outputs=("CONDITIONING",))
    proxied.nodes[-1]["properties"] = {"proxyWidgets": [["1", "text"]]}
    assert prompt_of_graph(proxied.data()) == "shown outside"


def test_what_a_sub_graph_shows_of_a_widget_inside_is_that_widget_s_value_where_nothing_was_typed() -> None:
    for widgets in ((), ("text",)):
        editor = editor_text_to_image(positive=(20, 0, "CONDITIONING"))
        editor.definitions.append(sub_graph())
        editor.add(20, "0a1b", outputs=("CONDITIONING",), widgets=widgets)
        assert prompt_of_graph(editor.data()) == "inner words"


def test_values_typed_at_a_sub_graph_go_to_its_inputs_in_their_order() -> None:
    editor = editor_text_to_image(positive=(20, 0, "CONDITIONING"))
    definition = sub_graph()
    definition["inputs"].insert(0, {"id": "z", "name": "unet_name", "type": "COMBO", "linkIds": [5]})
    definition["nodes"].append(
        {
            "id": 2,
            "type": "UNETLoader",
            "mode": 0,
            "inputs": [{"name": "unet_name", "link": 5, "widget": {"name": "x"}}],
        }
    )
    definition["links"][0]["origin_slot"] = 1
    editor.definitions.append(definition)
    editor.add(20, "0a1b", ("m.safetensors", "typed outside"), outputs=("CONDITIONING",), widgets=("text",))
    assert prompt_of_graph(editor.data()) == "typed outside"


def test_a_service_has_its_one_sentence_as_the_prompt() -> None:
    editor = Editor()
    editor.add(1, "SomeImageApiNode", (CABIN, 7, "randomize", "standard", "1024x1024"), outputs=("IMAGE",))
    editor.add(2, "SaveImage", ("x",), images=(1, 0, "IMAGE"))
    assert prompt_of_graph(editor.data()) == CABIN
    editor.nodes[0]["widgets_values"].append("You are a helpful painter of cabins")
    with pytest.raises(PromptError, match="which of the texts of SomeImageApiNode"):
        prompt_of_graph(editor.data())


def test_a_sub_graph_that_holds_itself_is_refused() -> None:
    editor = editor_text_to_image(positive=(20, 0, "CONDITIONING"))
    definition = sub_graph()
    definition["nodes"].append({"id": 2, "type": "0a1b", "mode": 0, "inputs": [], "outputs": []})
    editor.definitions.append(definition)
    editor.add(20, "0a1b", ("x",), outputs=("CONDITIONING",), widgets=("text",))
    with pytest.raises(PromptError, match="nested too deeply"):
        prompt_of_graph(editor.data())


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ((30, "OllamaGenerate", ("describe a cabin",), {}), "made when the graph ran, by OllamaGenerate"),
        ((30, "Text Multiline", ("a {small|big} cabin",), {}), "a choice that was made when the graph ran"),
        ((30, "BoxOfPrompts", ("one text", "another text"), {}), "BoxOfPrompts .* is not known"),
    ],
)
def test_what_the_editor_s_graph_does_not_say_is_none(source: tuple[Any, ...], reason: str) -> None:
    with pytest.raises(PromptError, match=reason):
        prompt_of_graph(with_source(source))

"""Prompts that images carry: found where each program puts them, and never more than data."""

from __future__ import annotations

import json
import struct
import zlib
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from aim_tui.inputs.comfyui import GraphError, prompt_of_graph
from aim_tui.inputs.prompts import FoundPrompt, NoPrompt, PromptFrom, find_prompt, positive_of

if TYPE_CHECKING:
    from pathlib import Path

A1111 = "a cabin, (snow:1.3)\nat night\nNegative prompt: people\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1"


def png(path: Path, **texts: str) -> str:
    info = PngImagePlugin.PngInfo()
    for key, value in texts.items():
        info.add_itxt(key, value)
    Image.new("RGB", (8, 8)).save(path, pnginfo=info)
    return str(path)


def jpeg(path: Path, comment: bytes) -> str:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9286] = comment
    Image.new("RGB", (8, 8)).save(path, exif=exif)
    return str(path)


def graph(**nodes: dict[str, Any]) -> dict[str, Any]:
    return {name: {"class_type": node.pop("kind"), "inputs": node} for name, node in nodes.items()}


def simple(**text: Any) -> dict[str, Any]:
    return graph(
        n7={"kind": "CLIPTextEncode", "text": "ugly", "clip": ["n4", 1]},
        n6={"kind": "CLIPTextEncode", "clip": ["n4", 1], **(text or {"text": "a cabin"})},
        n3={"kind": "KSampler", "positive": ["n6", 0], "negative": ["n7", 0], "latent_image": ["n5", 0], "seed": 1},
        n8={"kind": "VAEDecode", "samples": ["n3", 0]},
        n9={"kind": "SaveImage", "images": ["n8", 0]},
        n5={"kind": "EmptyLatentImage"},
    )


def test_what_a1111_writes_is_split_at_the_negative_prompt_and_the_settings() -> None:
    assert positive_of(A1111) == "a cabin, (snow:1.3)\nat night"
    assert positive_of("a cabin\nSteps: 20, Sampler: Euler a") == "a cabin"
    assert positive_of("Steps: leading nowhere\nmore") == "Steps: leading nowhere\nmore"
    assert positive_of("Negative prompt: all\nSteps: 20") == ""


@pytest.mark.parametrize(
    ("key", "text", "prompt", "origin"),
    [
        ("parameters", A1111, "a cabin, (snow:1.3)\nat night", "A1111 parameters"),
        ("parameters", json.dumps({"sui_image_params": {"prompt": "swarm"}}), "swarm", "A1111 parameters"),
        ("parameters", "{red|blue} cabin\nSteps: 3", "{red|blue} cabin", "A1111 parameters"),
        ("invokeai_metadata", json.dumps({"positive_prompt": "a lake", "seed": 1}), "a lake", "InvokeAI metadata"),
        ("sd-metadata", json.dumps({"image": {"prompt": [{"prompt": "trees"}]}}), "trees", "InvokeAI sd-metadata"),
        ("Dream", '"a \\"red\\" cabin" -s 50 -S 1', 'a "red" cabin', "InvokeAI Dream"),
        ("prompt", json.dumps(simple()), "a cabin", "ComfyUI prompt"),
    ],
)
def test_the_text_of_a_png_gives_the_prompt_and_says_whose_it_is(
    tmp_path: Path, key: str, text: str, prompt: str, origin: str
) -> None:
    assert find_prompt(png(tmp_path / "a.png", **{key: text}), PromptFrom.METADATA) == FoundPrompt(prompt, origin)


@pytest.mark.parametrize(
    "comment",
    [
        b"ASCII\0\0\0" + A1111.encode(),
        b"UNICODE\0" + A1111.encode("utf-16-be"),
        b"UNICODE\0" + A1111.encode("utf-16-le"),
        b"UNICODE\0" + A1111.encode("utf-16"),
        b"JIS\0\0\0\0\0" + A1111.encode("iso2022_jp"),
        b"\0" * 8 + A1111.encode(),
        A1111.encode(),
    ],
)
def test_an_exif_comment_is_read_in_each_of_its_encodings(tmp_path: Path, comment: bytes) -> None:
    found = find_prompt(jpeg(tmp_path / "a.jpg", comment), PromptFrom.METADATA)
    assert found == FoundPrompt("a cabin, (snow:1.3)\nat night", "EXIF UserComment")


def test_an_exif_comment_may_be_in_any_script(tmp_path: Path) -> None:
    for number, (text, coding, head) in enumerate(
        [
            ("雪の中の小屋、煙突、夜", "utf-16-be", b"UNICODE\0"),
            ("雪の中の小屋、煙突、夜", "iso2022_jp", b"JIS\0\0\0\0\0"),
            ("хижина в снегу", "utf-16-le", b"UNICODE\0"),
        ]
    ):
        path = jpeg(tmp_path / f"{number}.jpg", head + text.encode(coding))
        assert find_prompt(path, PromptFrom.METADATA) == FoundPrompt(text, "EXIF UserComment")


def test_comfy_s_place_in_webp_is_read(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0110] = "prompt:" + json.dumps(simple())
    Image.new("RGB", (8, 8)).save(tmp_path / "a.webp", exif=exif)
    assert find_prompt(str(tmp_path / "a.webp"), PromptFrom.METADATA) == FoundPrompt("a cabin", "ComfyUI prompt")


def test_a_graph_is_followed_from_the_saved_image_to_the_text_of_its_sampler() -> None:
    assert prompt_of_graph(simple()) == "a cabin"
    assert prompt_of_graph(simple(text_g="a cabin", text_l="snow")) == "a cabin, snow"
    assert prompt_of_graph(simple(text_g="a cabin", text_l="a cabin")) == "a cabin"
    joined = graph(
        j={"kind": "StringConcatenate", "string_a": "a", "string_b": ["p", 0]}, p={"kind": "X", "value": "b"}
    )
    assert prompt_of_graph(simple(text=["j", 0]) | joined) == "a, b"
    flux = graph(
        s={"kind": "SamplerCustomAdvanced", "guider": ["g", 0], "latent_image": ["l", 0]},
        g={"kind": "BasicGuider", "conditioning": ["f", 0], "model": ["m", 0]},
        f={"kind": "FluxGuidance", "conditioning": ["t", 0], "guidance": 3.5},
        t={"kind": "CLIPTextEncodeFlux", "clip_l": "words", "t5xxl": "a sentence"},
    )
    assert prompt_of_graph(flux) == "a sentence, words"
    steered = simple() | graph(
        c={"kind": "ControlNetApplyAdvanced", "positive": ["n6", 0], "negative": ["n7", 0]},
        n3={"kind": "KSampler", "positive": ["c", 0], "negative": ["c", 1], "latent_image": ["n5", 0]},
    )
    assert prompt_of_graph(steered) == "a cabin"
    both = simple() | graph(
        a={"kind": "CLIPTextEncode", "text": "not saved"},
        z={"kind": "KSampler", "positive": ["a", 0], "latent_image": ["n5", 0]},
    )
    assert prompt_of_graph(dict(reversed(both.items()))) == "a cabin"


def test_the_graph_of_the_editor_gives_the_same() -> None:
    workflow = {
        "nodes": [
            {"id": 6, "type": "CLIPTextEncode", "widgets_values": ["a cabin"], "inputs": [{"name": "clip", "link": 1}]},
            {"id": 7, "type": "CLIPTextEncode", "widgets_values": ["ugly"]},
            {
                "id": 3,
                "type": "KSampler",
                "widgets_values": [1, "fixed", 20],
                "inputs": [{"name": "positive", "link": 4}, {"name": "negative", "link": 6}],
            },
            {"id": 9, "type": "SaveImage", "inputs": [{"name": "images", "link": 9}]},
        ],
        "links": [[4, 6, 0, 3, 1, "CONDITIONING"], [6, 7, 0, 3, 2, "CONDITIONING"], [9, 3, 0, 9, 0, "IMAGE"]],
    }
    assert prompt_of_graph(workflow) == "a cabin"


def test_a_hostile_graph_ends_with_a_reason() -> None:
    circle = simple(text=["n6", 0])
    deep = simple(text=["c0", 0])
    deep |= graph(**{f"c{n}": {"kind": "Reroute", "": [f"c{n + 1}", 0]} for n in range(10_000)})
    wide = simple(text=["d0", 0])
    wide |= graph(
        **{f"d{n}": {"kind": "Concat", "text_a": [f"d{n + 1}", 0], "text_b": [f"d{n + 1}", 0]} for n in range(90)}
    )
    for hostile in (circle, deep, wide, simple(text=["gone", 0]), simple(text=[{}, "x"]), simple(text=7)):
        with pytest.raises(GraphError, match="leads to no text"):
            prompt_of_graph(hostile)
    nodes = {"nodes": [1, {"id": {}, "inputs": 1, "widgets_values": {}}], "links": 1}
    for none in ({}, [], {"a": 1}, nodes, nodes | {"links": [None, [1]]}, graph(a={"kind": "SaveImage"})):
        with pytest.raises(GraphError):
            prompt_of_graph(none)
    with pytest.raises(GraphError, match="20,001 nodes"):
        prompt_of_graph(graph(**{f"n{n}": {"kind": "X"} for n in range(20_001)}))


ANY = st.recursive(
    st.none() | st.integers(-2, 9) | st.text("abn3", max_size=2),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["nodes", "links", "inputs", "class_type", "positive", "text", "id", "3"]), inner
        )
    ),
    max_leaves=25,
)


@settings(max_examples=5 * settings.default.max_examples)
@given(ANY)
def test_any_json_is_a_prompt_or_has_a_reason(data: Any) -> None:
    try:
        assert prompt_of_graph(data).strip()
    except GraphError as error:
        assert str(error)


def test_hostile_metadata_gives_a_reason_and_never_more(tmp_path: Path) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    whole = png(tmp_path / "plain.png")
    data = (tmp_path / "plain.png").read_bytes()
    bomb = chunk(b"zTXt", b"parameters\0\0" + zlib.compress(b"x" * (200 << 20)))
    (tmp_path / "bomb.png").write_bytes(data[:33] + bomb + data[33:])
    (tmp_path / "cut.png").write_bytes(data[:40])
    reasons = {
        whole: "no prompt in its metadata",
        str(tmp_path / "bomb.png"): "Decompressed data too large",
        str(tmp_path / "cut.png"): "cannot read its metadata",
        str(tmp_path / "gone.png"): "no such file",
        str(tmp_path): "is not a regular file",
        png(tmp_path / "deep.png", prompt="[" * 200_000): "ComfyUI prompt: is nested too deeply",
        png(tmp_path / "digits.png", prompt="1" * 10_000): "ComfyUI prompt: is not valid JSON",
        png(tmp_path / "long.png", parameters="x" * 200_000): "has 200,000 characters",
        png(tmp_path / "half.png", invokeai_metadata='{"positive_prompt": "\\ud800"}'): "unpaired surrogate",
        png(
            tmp_path / "empty.png", parameters="\nNegative prompt: x", Dream="x"
        ): "is empty; InvokeAI Dream: has no prompt",
        jpeg(tmp_path / "jis.jpg", b"JIS\0\0\0\0\0\xff\xff\xff"): "is not valid JIS",
    }
    for path, reason in reasons.items():
        found = find_prompt(path, PromptFrom.METADATA)
        assert isinstance(found, NoPrompt) and reason in found.reason, path


def test_control_characters_stay_what_they_are(tmp_path: Path) -> None:
    found = find_prompt(png(tmp_path / "a.png", parameters="\x1b[31mred\x07 \u202egnp"), PromptFrom.METADATA)
    assert found == FoundPrompt("\x1b[31mred\x07 \u202egnp", "A1111 parameters")


def test_a_file_beside_the_image_gives_the_prompt(tmp_path: Path) -> None:
    image = str(tmp_path / "a.png")
    found = find_prompt(image, PromptFrom.SIDECAR)
    assert found == NoPrompt("no file a.txt next to it")
    (tmp_path / "a.json").write_text(json.dumps({"seed": 1, "caption": " a lake "}))
    assert find_prompt(image, PromptFrom.SIDECAR) == FoundPrompt("a lake", "a.json")
    (tmp_path / "a.png.txt").write_bytes("\ufeffa cabin".encode("utf-16-le"))
    assert find_prompt(image, PromptFrom.SIDECAR) == FoundPrompt("a cabin", "a.png.txt")
    (tmp_path / "a.txt").write_text(A1111)
    assert find_prompt(image, PromptFrom.SIDECAR) == FoundPrompt("a cabin, (snow:1.3)\nat night", "a.txt")
    for name in ("a.png.txt", "a.json"):
        (tmp_path / name).unlink()
    for data, reason in ((b"\xff", "is not UTF-8"), (b"x" * (5 << 20), "is larger than 4 MiB"), (b" \n", "is empty")):
        (tmp_path / "a.txt").write_bytes(data)
        assert find_prompt(image, PromptFrom.SIDECAR) == NoPrompt(f"a.txt: {reason}")


@pytest.mark.parametrize(
    ("name", "prompt"),
    [
        ("a_cabin_in_snow_00012_.png", "a cabin in snow"),
        ("00012-1234567-a red cabin.png", "a red cabin"),
        ("a-cabin-at-night (2).webp", "a cabin at night"),
        ("half-timbered house.jpg", "half-timbered house"),
        ("cabin_001.png", "cabin"),
        ("00012-4711.png", None),
    ],
)
def test_a_name_gives_its_words(name: str, prompt: str | None) -> None:
    found = find_prompt(f"/images/{name}", PromptFrom.FILENAME)
    assert found == (FoundPrompt(prompt, "file name") if prompt else NoPrompt("no words in its file name"))

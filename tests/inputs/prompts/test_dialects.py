"""Prompts that images carry: found where each program puts them, in its dialect, and never more than data."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from aim_tui.inputs.prompts import FoundPrompt, NoPrompt, PromptFrom, find_prompt
from aim_tui.inputs.prompts.parameters import positive_of
from tests.inputs.prompts.comfy_graphs import CABIN, UGLY, editor_text_to_image, text_to_image, with_text
from tests.inputs.prompts.comfy_graphs import node as comfy_node
from tests.inputs.prompts.files import (
    exif_with,
    jpeg,
    novelai_comment,
    pixels,
    png,
    png_with,
    stealth,
    text_chunk,
    utf16_comment,
    xmp,
)

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS = "Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 7, Size: 512x512, Model: m"
A1111 = f"{CABIN}\nNegative prompt: {UGLY}\n{SETTINGS}"
SNOW = "雪の中の小さな木の小屋、赤い屋根 — café 🏔"


def found(path: str) -> FoundPrompt | NoPrompt:
    return find_prompt(path, PromptFrom.METADATA)


def prompt(path: str) -> str | None:
    each = found(path)
    return each.prompt if isinstance(each, FoundPrompt) else None


# -- dialects ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "positive"),
    [
        (
            "a cabin, (snow:1.3)\nat night\nNegative prompt: people\nSteps: 20, Sampler: Euler a",
            "a cabin, (snow:1.3)\nat night",
        ),
        ("a cabin\nSteps: 20, Sampler: Euler a", "a cabin"),
        (f"a cabin\r\nNegative prompt: x\r\n{SETTINGS}", "a cabin"),
        (f"a cabin\n{SETTINGS}\nTemplate: a {{small|big}} cabin\nNegative Template: blurry", "a cabin"),
        (f"a cabin\n{SETTINGS}, Version: f2.0.1\nextras: x", "a cabin"),
        (f"a cabin Negative prompt: {UGLY} {SETTINGS}", "a cabin"),
        (f"a cabin {SETTINGS}", "a cabin"),
        (
            f"a sign with Negative prompt: none\nNegative prompt: {UGLY}\n{SETTINGS}",
            "a sign with Negative prompt: none",
        ),
        (f"a list of Steps: 3, and more\n{SETTINGS}", "a list of Steps: 3, and more"),
        (f"a label, Size: 3, Model: T\n{SETTINGS}", "a label, Size: 3, Model: T"),
        ("a cabin\nTemplate: a {small|big} cabin", "a cabin"),
        ("a cabin\nSize: 512x512, Seed: 7, Model: m, Steps: 20", "a cabin"),
        ("a cabin\nnegative prompt: x\nSteps: 20", "a cabin"),
        ("Steps: leading nowhere\nmore", "Steps: leading nowhere\nmore"),
        ("Negative prompt: all\nSteps: 20", ""),
        ("Prompt: a cabin\nWidth: 512\nHeight: 512\nNegative Prompt: x", "a cabin"),
    ],
)
def test_what_a1111_writes_ends_before_negative_prompt_settings_and_templates(text: str, positive: str) -> None:
    assert positive_of(text) == positive


FOOOCUS = {
    "prompt": CABIN,
    "negative_prompt": UGLY,
    "full_prompt": ["x"],
    "base_model": "m",
    "version": "Fooocus v2.5.5",
}
V4 = {
    "prompt": "a cabin",
    "uc": UGLY,
    "v4_prompt": {"caption": {"base_caption": "a cabin", "char_captions": [{"char_caption": "girl, red coat"}]}},
    "v4_negative_prompt": {"caption": {"base_caption": UGLY, "char_captions": []}},
}
INVOKE_6 = {"app_version": "6.0.0", "positive_prompt": CABIN, "negative_prompt": UGLY}
INVOKE_2 = {"app_id": "invoke-ai/InvokeAI", "image": {"prompt": [{"prompt": f"{CABIN} [{UGLY}]", "weight": 1}]}}
CIVITAI = text_to_image(n6=comfy_node("smZ CLIPTextEncode", text=CABIN, parser="A1111")) | {
    "extra": {"airs": []},
    "extraMetadata": json.dumps({"prompt": CABIN, "negativePrompt": UGLY, "steps": 20}),
}


@pytest.mark.parametrize(
    ("key", "text", "positive", "dialect"),
    [
        ("parameters", A1111, CABIN, "A1111 parameters"),
        ("Parameters", A1111, CABIN, "A1111 parameters"),
        ("parameters", "{red|blue} cabin\nSteps: 3", "{red|blue} cabin", "A1111 parameters"),
        ("parameters", json.dumps({"sui_image_params": {"prompt": CABIN, "negativeprompt": UGLY}}), CABIN, "SwarmUI"),
        (
            "parameters",
            json.dumps({"sui_image_params": {"prompt": f"{CABIN} <segment:face> eyes"}}),
            CABIN,
            "SwarmUI",
        ),
        ("parameters", json.dumps(FOOOCUS), CABIN, "Fooocus"),
        ("Comment", json.dumps(FOOOCUS), CABIN, "Fooocus"),
        (
            "parameters",
            json.dumps([["Prompt", "prompt", CABIN], ["Negative", "negative_prompt", UGLY]]),
            CABIN,
            "Fooocus",
        ),
        ("parameters", json.dumps([["Prompt", CABIN], ["Seed", 1]]), CABIN, "Fooocus"),
        ("parameters", json.dumps([FOOOCUS, FOOOCUS | {"prompt": "another"}]), CABIN, "Fooocus"),
        ("parameters", json.dumps({"Prompt": CABIN, "Negative": UGLY, "software": "RuinedFooocus"}), CABIN, "Fooocus"),
        ("Comment", json.dumps({"prompt": CABIN, "real_prompt": ["x"], "style": "None", "seed": 1}), CABIN, "Fooocus"),
        ("parameters", json.dumps(text_to_image()), CABIN, "ComfyUI prompt"),
        (
            "invokeai_metadata",
            json.dumps(INVOKE_6),
            CABIN,
            "InvokeAI",
        ),
        ("invokeai_metadata", json.dumps({"positive_prompt": CABIN, "seed": 1}), CABIN, "InvokeAI"),
        (
            "sd-metadata",
            json.dumps(
                {"app_id": "invoke-ai/InvokeAI", "image": {"prompt": [{"prompt": f"{CABIN} [{UGLY}]", "weight": 1}]}}
            ),
            CABIN,
            "InvokeAI",
        ),
        ("sd-metadata", json.dumps({"model": "stable diffusion", "image": {"prompt": CABIN}}), CABIN, "InvokeAI"),
        ("Dream", f'"a \\"red\\" cabin [{UGLY}]" -s 50 -S 1', 'a "red" cabin', "InvokeAI"),
        ("Comment", novelai_comment(CABIN), CABIN, "NovelAI"),
        ("Comment", json.dumps(V4), "a cabin, girl, red coat", "NovelAI"),
        ("Comment", A1111, CABIN, "A1111 parameters"),
        ("prompt", CABIN, CABIN, "prompt text"),
        ("prompt", json.dumps(text_to_image()), CABIN, "ComfyUI prompt"),
        ("workflow", json.dumps(editor_text_to_image().data()), CABIN, "ComfyUI workflow"),
        ("prompt", json.dumps(json.dumps(text_to_image())), CABIN, "ComfyUI prompt"),
        ("prompt", json.dumps(CIVITAI), CABIN, "Civitai"),
        (
            "Description",
            f"{CABIN} --ar 3:2 --v 6.1 Job ID: 00000000-0000-4000-8000-000000000000",
            CABIN,
            "Midjourney",
        ),
        ("Description", f"https://s.mj.run/abc {CABIN} --v 6", CABIN, "Midjourney"),
        ("settings", json.dumps({"prompt": CABIN, "num_inference_steps": 25}), CABIN, "Easy Diffusion"),
        ("data", json.dumps({"positive_prompt": CABIN, "other": 1}), CABIN, "JSON prompt"),
    ],
)
def test_the_text_of_a_png_is_read_in_the_dialect_of_its_program(
    tmp_path: Path, key: str, text: str, positive: str, dialect: str
) -> None:
    assert found(png_with(tmp_path / "a.png", **{key: text})) == FoundPrompt(positive, dialect)


def test_what_says_that_there_is_no_prompt_leaves_room_for_the_next_block(tmp_path: Path) -> None:
    path = png_with(tmp_path / "a.png", parameters="None", Comment=A1111)
    assert found(path) == FoundPrompt(CABIN, "A1111 parameters")
    path = png_with(
        tmp_path / "b.png", parameters="\nNegative prompt: x\nSteps: 20", prompt=json.dumps(text_to_image())
    )
    assert found(path) == FoundPrompt(CABIN, "ComfyUI prompt")


def test_the_graph_that_ran_has_the_last_word_over_the_editor_s(tmp_path: Path) -> None:
    made = with_text(t=comfy_node("OllamaGenerate", prompt="describe a cabin"))
    path = png_with(tmp_path / "a.png", prompt=json.dumps(made), workflow=json.dumps(editor_text_to_image().data()))
    assert found(path) == NoPrompt("ComfyUI prompt: its text was made when the graph ran, by OllamaGenerate (node t)")
    path = png_with(tmp_path / "b.png", prompt="{broken", workflow=json.dumps(editor_text_to_image().data()))
    assert found(path) == FoundPrompt(CABIN, "ComfyUI workflow")


def test_the_file_s_name_tells_which_output_of_a_graph_it_is(tmp_path: Path) -> None:
    two = text_to_image(
        b6=comfy_node("CLIPTextEncode", text="a red boat"),
        b3=comfy_node("KSampler", seed=1, positive=["b6", 0], latent_image=["n5", 0]),
        b9=comfy_node("SaveImage", images=["b3", 0], filename_prefix="boat"),
    )
    assert prompt(png_with(tmp_path / "boat_00001_.png", prompt=json.dumps(two))) == "a red boat"
    assert prompt(png_with(tmp_path / "ComfyUI_00001_.png", prompt=json.dumps(two))) == CABIN


@pytest.mark.parametrize("signature", ["stealth_pnginfo", "stealth_pngcomp", "stealth_rgbinfo", "stealth_rgbcomp"])
def test_texts_in_the_lowest_bits_of_pixels_are_read(tmp_path: Path, signature: str) -> None:
    texts = json.dumps({"Description": CABIN, "Software": "NovelAI", "Comment": novelai_comment(CABIN)})
    assert found(stealth(tmp_path / "a.png", texts, signature)) == FoundPrompt(CABIN, "NovelAI, in the pixels")
    assert found(stealth(tmp_path / "b.png", A1111, signature)) == FoundPrompt(CABIN, "A1111 parameters, in the pixels")


# -- places -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["tEXt", "zTXt", "iTXt", "iTXt, packed"])
def test_png_text_is_read_in_every_kind_of_chunk_before_and_behind_the_pixels(tmp_path: Path, kind: str) -> None:
    text = text_chunk("parameters", f"{SNOW}\n{SETTINGS}", kind)
    assert prompt(png(tmp_path / "before.png", text)) == SNOW
    assert prompt(png(tmp_path / "behind.png", behind=(text,))) == SNOW
    broken = text_chunk("parameters", A1111, kind, checksum=0)
    assert prompt(png(tmp_path / "broken.png", broken)) == CABIN
    large = text_chunk("other", "x" * (2 << 20), kind)
    assert prompt(png(tmp_path / "large.png", large, text)) == SNOW


def test_png_text_that_is_not_utf8_is_latin_1(tmp_path: Path) -> None:
    text = text_chunk("parameters", f"café\n{SETTINGS}", "tEXt", "latin-1")
    assert prompt(png(tmp_path / "a.png", text)) == "café"
    graph = json.dumps(text_to_image(n6=comfy_node("CLIPTextEncode", text=SNOW)), ensure_ascii=False)
    assert prompt(png(tmp_path / "b.png", text_chunk("prompt", graph, "tEXt"))) == SNOW


@pytest.mark.parametrize("text", [A1111, f"{SNOW}\nNegative prompt: 醜い\n{SETTINGS}"])
@pytest.mark.parametrize(
    ("head", "encoding"),
    [
        (b"UNICODE\0", "utf-16-be"),
        (b"UNICODE\0", "utf-16-le"),
        (b"UNICODE\0", "utf-16"),
        (b"UNICODE\0", "utf-8"),
        (b"ASCII\0\0\0", "utf-8"),
        (b"\0" * 8, "utf-8"),
        (b"\0" * 8, "utf-16-le"),
        (b"\0" * 8, "utf-16-be"),
        (b"", "utf-8"),
    ],
)
def test_an_exif_comment_is_read_in_each_of_its_encodings(
    tmp_path: Path, head: bytes, encoding: str, text: str
) -> None:
    assert found(jpeg(tmp_path / "a.jpg", head + text.encode(encoding))) == FoundPrompt(
        text.split("\n")[0], "A1111 parameters"
    )


def test_an_exif_comment_in_jis_is_read(tmp_path: Path) -> None:
    text = f"雪の中の小屋\n{SETTINGS}"
    for number, encoding in enumerate(("iso2022_jp", "shift_jis")):
        assert prompt(jpeg(tmp_path / f"{number}.jpg", b"JIS\0\0\0\0\0" + text.encode(encoding))) == "雪の中の小屋"


@pytest.mark.parametrize("ending", ["jpg", "webp", "png", "tif", "avif"])
def test_exif_is_read_in_every_container(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a.{ending}"
    pixels().save(path, exif=exif_with(utf16_comment(A1111)).tobytes())
    assert found(str(path)) == FoundPrompt(CABIN, "A1111 parameters")


@pytest.mark.parametrize("ending", ["jpg", "webp", "png", "avif", "tif"])
def test_xmp_is_read_in_every_container(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a.{ending}"
    record = json.dumps({"c": CABIN, "uc": UGLY, "steps": 20, "v2": {}})
    packet = xmp(description=f"{CABIN}\n-{UGLY}\nSteps: 20, Sampler: DDIM", comment=record)
    if ending == "png":
        png(path, text_chunk("XML:com.adobe.xmp", packet.decode()))
    else:
        pixels().save(path, xmp=packet) if ending != "tif" else pixels().save(path, tiffinfo={700: packet})
    assert found(str(path)) == FoundPrompt(CABIN, "Draw Things")


def test_the_description_of_draw_things_ends_before_what_is_not_wanted(tmp_path: Path) -> None:
    packet = xmp(description=f"{CABIN}\n-{UGLY}\nSteps: 20, Sampler: DDIM").decode()
    assert prompt(png(tmp_path / "a.png", text_chunk("XML:com.adobe.xmp", packet))) == CABIN


def test_other_tags_and_comments_are_read(tmp_path: Path) -> None:
    assert prompt(jpeg(tmp_path / "a.jpg", description=A1111)) == CABIN
    assert prompt(jpeg(tmp_path / "b.jpg", xpcomment=f"{SNOW}\n{SETTINGS}\0".encode("utf-16-le"))) == SNOW
    pixels().save(tmp_path / "c.jpg", comment=A1111.encode())
    assert prompt(str(tmp_path / "c.jpg")) == CABIN
    pixels("P").save(tmp_path / "d.gif", comment=A1111.encode())
    assert prompt(str(tmp_path / "d.gif")) == CABIN
    assert prompt(jpeg(tmp_path / "e.jpg", utf16_comment(json.dumps(CIVITAI)))) == CABIN
    both = {"prompt": text_to_image(), "workflow": {"nodes": [], "links": []}}
    assert found(jpeg(tmp_path / "f.jpg", utf16_comment(json.dumps(both)))) == FoundPrompt(CABIN, "ComfyUI prompt")
    record = json.dumps({"c": CABIN, "uc": UGLY, "steps": 20})
    assert prompt(jpeg(tmp_path / "g.jpg", b"ASCII\0\0\0" + record.encode())) == CABIN


@pytest.mark.parametrize("ending", ["webp", "avif"])
def test_comfy_s_place_in_webp_is_read(tmp_path: Path, ending: str) -> None:
    graph, editor = json.dumps(text_to_image()), json.dumps(editor_text_to_image().data())
    for number, tags in enumerate(
        (
            {"model": f"prompt:{graph}", "make": f"workflow:{editor}"},
            {"make": f"Prompt:{graph}", "description": f"Workflow:{editor}"},
            {"make": f"workflow:{editor}"},
        )
    ):
        path = tmp_path / f"{number}.{ending}"
        pixels().save(path, exif=exif_with(**tags))
        assert prompt(str(path)) == CABIN


def test_a_comment_in_words_counts_where_no_camera_and_no_screenshot_left_it(tmp_path: Path) -> None:
    assert found(jpeg(tmp_path / "a.jpg", b"ASCII\0\0\0" + CABIN.encode())) == FoundPrompt(CABIN, "EXIF UserComment")
    assert prompt(jpeg(tmp_path / "b.jpg", b"UNICODE\0" + "хижина в снегу".encode("utf-16-le"))) == "хижина в снегу"
    assert prompt(jpeg(tmp_path / "c.jpg", b"ASCII\0\0\0Screenshot")) is None
    assert prompt(jpeg(tmp_path / "d.jpg", b"ASCII\0\0\0" + CABIN.encode(), make="Canon", model="EOS")) is None
    assert prompt(jpeg(tmp_path / "e.jpg", description="OLYMPUS DIGITAL CAMERA")) is None
    pixels().save(tmp_path / "f.jpg", comment=b"CREATOR: gd-jpeg v1.0 (using IJG JPEG v62), quality = 90")
    assert prompt(str(tmp_path / "f.jpg")) is None


def test_a_block_that_is_not_understood_is_said_to_be_one(tmp_path: Path) -> None:
    phone = jpeg(tmp_path / "a.jpg", b'ASCII\0\0\0{"sceneMode":0,"mirror":false,"sensor_type":"rear"}')
    assert found(phone) == NoPrompt("EXIF UserComment: holds no prompt in a form that is known")
    other = png_with(tmp_path / "b.png", Comment='{"a": 1}', Software="x")
    assert found(other) == NoPrompt("PNG text 'Comment': holds no prompt in a form that is known")


# -- tags and hostile files -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "clean", "tags"),
    [
        ("a cabin <lora:snow:0.8>", "a cabin", ("<lora:snow:0.8>",)),
        ("<lora:snow:0.8>, a cabin", "a cabin", ("<lora:snow:0.8>",)),
        ("a cabin, <lora:a:1> <lyco:b:0.5>, at night", "a cabin, at night", ("<lora:a:1>", "<lyco:b:0.5>")),
        ("a <hypernet:x:1> cabin", "a cabin", ("<hypernet:x:1>",)),
        ("a cabin, <b>bold</b>", "a cabin, <b>bold</b>", ()),
    ],
)
def test_tags_of_networks_are_taken_out_and_kept_when_asked(
    tmp_path: Path, text: str, clean: str, tags: tuple[str, ...]
) -> None:
    path = png_with(tmp_path / "a.png", parameters=f"{text}\n{SETTINGS}")
    assert found(path) == FoundPrompt(clean, "A1111 parameters", tags)
    assert find_prompt(path, PromptFrom.METADATA, keep_tags=True) == FoundPrompt(text, "A1111 parameters")


def test_hostile_metadata_gives_a_reason_and_never_more(tmp_path: Path) -> None:
    whole = png(tmp_path / "plain.png")
    bomb = png(tmp_path / "bomb.png", text_chunk("parameters", "x" * (40 << 20), "zTXt"))
    (tmp_path / "cut.png").write_bytes((tmp_path / "plain.png").read_bytes()[:40])
    (tmp_path / "words.png").write_text("words")
    entities = xmp().decode().replace("<x:xmpmeta", "<!DOCTYPE x [<!ENTITY a 'aaaa'>]><x:xmpmeta")
    reasons = {
        whole: "no prompt in its metadata",
        bomb: "unpacks to more than 16 MiB",
        str(tmp_path / "cut.png"): "no prompt in its metadata",
        str(tmp_path / "words.png"): "cannot read its metadata",
        str(tmp_path / "gone.png"): "no such file",
        str(tmp_path): "is not a regular file",
        png_with(tmp_path / "deep.png", prompt='["' + "[" * 200_000): "prompt text: is not valid JSON",
        png_with(tmp_path / "digits.png", Comment="1" * 10_000): "'Comment': holds no prompt",
        png_with(tmp_path / "long.png", parameters="x" * 200_000): "has 200,000 characters",
        png_with(tmp_path / "half.png", invokeai_metadata='{"positive_prompt": "\\ud800"}'): "unpaired surrogate",
        png_with(
            tmp_path / "empty.png", parameters="\nNegative prompt: x", Dream="x"
        ): "has no prompt in quotes; A1111",
        png_with(tmp_path / "tags.png", parameters="<lora:a:1>\nSteps: 20"): "holds nothing but <lora:a:1>",
        png(tmp_path / "xmp.png", text_chunk("XML:com.adobe.xmp", entities)): "declares entities",
        jpeg(tmp_path / "jis.jpg", b"JIS\0\0\0\0\0\xff\xff\xff"): "is not valid JIS",
    }
    for path, reason in reasons.items():
        each = found(path)
        assert isinstance(each, NoPrompt) and reason in each.reason, (path, each)


def test_control_characters_stay_what_they_are(tmp_path: Path) -> None:
    each = found(png_with(tmp_path / "a.png", parameters="\x1b[31mred\x07 \u202egnp"))
    assert each == FoundPrompt("\x1b[31mred\x07 \u202egnp", "A1111 parameters")


def test_damaged_chunks_and_segments_end_without_an_error(tmp_path: Path) -> None:
    jpeg(tmp_path / "a.jpg", utf16_comment(A1111))
    data = bytearray((tmp_path / "a.jpg").read_bytes())
    for place in range(0, len(data), 7):
        mutant = bytearray(data)
        mutant[place] ^= 0xFF
        (tmp_path / "m.jpg").write_bytes(mutant[: len(mutant) - place // 3])
        assert found(str(tmp_path / "m.jpg")) is not None
    png(tmp_path / "b.png", text_chunk("parameters", A1111, "zTXt"))
    data = bytearray((tmp_path / "b.png").read_bytes())
    for place in range(8, len(data)):
        mutant = bytearray(data)
        mutant[place] ^= 0xFF
        (tmp_path / "m.png").write_bytes(mutant)
        assert found(str(tmp_path / "m.png")) is not None

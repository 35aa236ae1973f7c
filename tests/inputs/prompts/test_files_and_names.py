"""Prompts in files beside an image, and in its name."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from aim_tui.inputs.prompts import FoundPrompt, NoPrompt, PromptFrom, find_prompt
from tests.inputs.prompts.comfy_graphs import CABIN, UGLY, text_to_image

if TYPE_CHECKING:
    from pathlib import Path

A1111 = f"{CABIN}\nNegative prompt: {UGLY}\nSteps: 20, Sampler: Euler a"


def beside(path: Path) -> FoundPrompt | NoPrompt:
    return find_prompt(str(path), PromptFrom.SIDECAR)


@pytest.mark.parametrize("name", ["a.txt", "a.TXT", "a.caption", "a.Caption", "a.png.txt", "a.prompt"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
def test_a_text_beside_the_image_gives_the_prompt_in_any_case_and_encoding(
    tmp_path: Path, name: str, encoding: str
) -> None:
    (tmp_path / name).write_bytes("café\nSteps: 20, Sampler: e\nTemplate: x".encode(encoding))
    assert beside(tmp_path / "a.png") == FoundPrompt("café", name)


@pytest.mark.parametrize(
    ("text", "encoding"), [("café — “Zoë”", "cp1252"), ("雪の小屋", "utf-32"), ("café", "utf-16-le"), ("雪", "utf-16")]
)
def test_a_text_beside_the_image_in_a_rarer_encoding(tmp_path: Path, text: str, encoding: str) -> None:
    (tmp_path / "a.txt").write_bytes(text.encode(encoding))
    assert beside(tmp_path / "a.png") == FoundPrompt(text, "a.txt")


@pytest.mark.parametrize(
    ("text", "encoding"), [("雪の小屋", "cp932"), ("雪里的小屋", "gbk"), ("дом в снегу", "cp1251"), ("δάσος", "cp1253")]
)
def test_a_text_whose_encoding_cannot_be_known_is_no_prompt(tmp_path: Path, text: str, encoding: str) -> None:
    (tmp_path / "a.txt").write_bytes(text.encode(encoding))
    assert beside(tmp_path / "a.png") == NoPrompt("a.txt: is not UTF-8, and its encoding cannot be known")


def test_the_text_of_an_image_whose_name_differs_in_case_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "cabin.TXT").write_text(CABIN)
    assert beside(tmp_path / "Cabin.png") == NoPrompt("no file Cabin.txt next to it")


def test_a_pipe_beside_the_image_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.txt")
    assert beside(tmp_path / "a.png") == NoPrompt("no file a.txt next to it")


@pytest.mark.parametrize(
    "data",
    [
        {"seed": 1, "caption": f" {CABIN} "},
        {"prompt": CABIN, "negative_prompt": UGLY},
        {"id": 1, "meta": {"prompt": CABIN, "negativePrompt": UGLY}},
        {"prompt": A1111},
        {"tags": CABIN.split(", ")},
        text_to_image(),
        {"prompt": text_to_image(), "workflow": None},
        {"sui_image_params": {"prompt": CABIN}},
    ],
)
def test_json_beside_the_image_is_read_in_every_dialect(tmp_path: Path, data: object) -> None:
    (tmp_path / "a.JSON").write_text(json.dumps(data))
    assert beside(tmp_path / "a.png") == FoundPrompt(CABIN, "a.JSON")


def test_the_first_file_with_a_prompt_counts_and_others_say_why_not(tmp_path: Path) -> None:
    image = tmp_path / "a.png"
    assert beside(image) == NoPrompt("no file a.txt next to it")
    (tmp_path / "a.json").write_text(json.dumps({"caption": "a lake"}))
    assert beside(image) == FoundPrompt("a lake", "a.json")
    (tmp_path / "a.txt").write_text(A1111)
    assert beside(image) == FoundPrompt(CABIN, "a.txt")
    (tmp_path / "a.json").write_text(json.dumps({"seed": 1}))
    for data, reason in (
        (b"\0\1abcdefghij", "is not text"),
        (b"x" * (5 << 20), "is larger than 4 MiB"),
        (b" \n", "is empty"),
    ):
        (tmp_path / "a.txt").write_bytes(data)
        each = beside(image)
        assert isinstance(each, NoPrompt)
        assert (
            each.reason == f"a.txt: {reason}; a.json: has none of prompt, positive_prompt, caption, text, description"
        )
    (tmp_path / "a.json").write_text("{broken")
    assert "a.json: is not valid JSON" in getattr(beside(image), "reason", "")


UUID = "0a1b2c3d-1234-4a5b-8c9d-0123456789ab"


@pytest.mark.parametrize(
    ("name", "prompt"),
    [
        ("a_cabin_in_snow_00012_.png", "a cabin in snow"),
        ("00012-1234567-a red cabin.png", "a red cabin"),
        ("a-cabin-at-night (2).webp", "a cabin at night"),
        ("half-timbered house.jpg", "half-timbered house"),
        ("cabin_001.png", "cabin"),
        (f"ann_a_small_wooden_cabin_{UUID}.png", "ann a small wooden cabin"),
        ("Default_a_small_wooden_cabin_0.png", "a small wooden cabin"),
        (f"Default_a_cabin_0_{UUID}.jpg", "a cabin"),
        ("DALL·E 2024-01-02 03.04.05 - a small cabin.png", "a small cabin"),
        ("a cabin 2024-01-02.png", "a cabin"),
        ("photo of a cabin.png", "photo of a cabin"),
        ("a facade and a cafe.png", "a facade and a cafe"),
        ("한국어_그림.png", "한국어 그림"),
        ("00012-4711.png", None),
        (f"{UUID}.png", None),
        ("d41d8cd98f00b204e9800998ecf8427e.png", None),
        ("ComfyUI_00001_.png", None),
        ("ComfyUI_temp_abcde_00001_.png", None),
        ("IMG_20240102_030405.png", None),
        ("grid-0012.png", None),
        ("DSC_0042.JPG", None),
        ("Screenshot 2024-01-02 at 03.04.05.png", None),
        ("image (3).png", None),
        ("20240102030405.png", None),
        ("1234567890-seed-42.png", None),
        ("PXL_20240102_030405678.MP.jpg", None),
    ],
)
def test_a_name_gives_its_words_without_counters_dates_hashes_and_programs(name: str, prompt: str | None) -> None:
    found = find_prompt(f"/images/{name}", PromptFrom.FILENAME)
    assert found == (FoundPrompt(prompt, "file name") if prompt else NoPrompt("no words in its file name"))

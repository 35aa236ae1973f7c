"""The shipped files are small, safe, complete and say the same thing."""

from __future__ import annotations

import json
import subprocess
import tomllib
from collections import Counter
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file

from sample_data import generations, loading
from sample_data.captions import PROMPT, TOPIC
from sample_data.common import GENERATIONS, HERE, MODELS

WEIGHTS = sorted(MODELS.rglob("*.safetensors"))


def test_the_whole_folder_is_under_25_megabytes() -> None:
    files = [f for f in HERE.rglob("*") if f.is_file() and "__pycache__" not in f.parts]
    assert sum(f.stat().st_size for f in files) < 25_000_000


def test_weights_are_safetensors_only() -> None:
    assert len(WEIGHTS) == 5
    pickled = {".bin", ".pt", ".pth", ".pkl", ".ckpt", ".npy", ".npz"}
    assert not [f for f in HERE.rglob("*") if f.suffix in pickled]


@pytest.mark.parametrize("path", WEIGHTS, ids=lambda p: p.parent.name)
def test_weights_are_finite_halves(path: Path) -> None:
    for name, tensor in load_file(path).items():
        assert torch.isfinite(tensor).all(), name
        assert tensor.dtype in (torch.float16, torch.int64), name


def test_lpips_weights_say_what_they_are() -> None:
    with safe_open(MODELS / "lpips" / "model.safetensors", "pt") as file:
        assert file.metadata() == {"net": "alex", "version": "0.1"}
        assert {key.split(".")[0] for key in file.keys()} == {"net", *(f"lin{i}" for i in range(5))}  # noqa: SIM118


def test_every_generation_opens_and_is_large_enough() -> None:
    formats: Counter[str | None] = Counter()
    for path in GENERATIONS.iterdir():
        with Image.open(path) as image:
            image.load()
            assert min(image.size) >= 512, path.name
            formats[image.format] += 1
    assert formats.total() >= 24
    assert min(formats[name] for name in ("PNG", "JPEG", "WEBP")) >= 5


def test_the_attributes_file_matches_the_folder_and_the_script() -> None:
    truth = json.loads(generations.ATTRIBUTES_FILE.read_text(encoding="utf-8"))
    assert set(truth) == {path.name for path in GENERATIONS.iterdir()} == {g.name for g in generations.ALL}
    for generation in generations.ALL:
        assert truth[generation.name]["agreement"] == generations.agreement(generation.content())
    assert {0.0, 1.0} <= {values["agreement"] for values in truth.values()}


def test_the_sample_file_names_a_perfect_reference() -> None:
    sample = tomllib.loads(generations.SAMPLE_FILE.read_text(encoding="utf-8"))
    truth = json.loads(generations.ATTRIBUTES_FILE.read_text(encoding="utf-8"))
    assert sample["topic"] == TOPIC
    assert sample["prompt"] == PROMPT
    assert (HERE / sample["reference"]).is_file()
    assert truth[Path(sample["reference"]).name]["agreement"] == 1.0


def test_a_long_prompt_is_cut_at_77_tokens_and_keeps_its_end_token() -> None:
    tokenizer = loading.clip()[1].tokenizer
    ids = tokenizer("a wooden cabin by a lake " * 30, truncation=True, max_length=77)["input_ids"]
    assert len(ids) == 77
    assert ids[-1] == tokenizer.eos_token_id
    assert loading.clip()[0].config.text_config.max_position_embeddings == 77


def test_different_long_prompts_have_different_vectors() -> None:
    first, second = loading.text_features(
        [f"{start} a wooden cabin by a lake" * 20 for start in ("green trees", "at night")]
    )
    assert float(first @ second) < 0.9999


def test_no_file_was_left_out_of_the_repository() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "--others", "--exclude-standard", "sample_data/models", "sample_data/generations"],
        cwd=HERE.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    assert listed.stdout == ""

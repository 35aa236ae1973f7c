"""Models of real size with random weights, and a settings file that names them as the profile 'real': for the bench.

    python -m tests.engine.real_size FOLDER
    aim-tui bench --config FOLDER/real.toml --profile real --metrics clip,lpips

Speed does not depend on what a network has learnt, so CLIP ViT-B/32 and LPIPS alex need not be fetched for it.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel, CLIPProcessor, CLIPTokenizer

from tests.engine.random_models import BYTES, save_lpips

_SETTINGS = """\
[profiles.real]
extends = "aim"
description = "CLIP ViT-B/32 and LPIPS alex of real size with random weights"
metrics = ["clip", "lpips"]

[profiles.real.models]
clip = {{ path = {clip!r} }}
lpips = {{ id = "alex", path = {lpips!r} }}
"""


def save_real_clip(folder: Path) -> Path:
    """CLIPConfig's defaults are ViT-B/32; only the tokenizer knows nothing but bytes."""
    torch.manual_seed(1)
    words = [*BYTES, *(byte + "</w>" for byte in BYTES), "<|startoftext|>", "<|endoftext|>"]
    tokenizer = CLIPTokenizer(vocab={word: index for index, word in enumerate(words)}, merges=[], model_max_length=77)
    config = CLIPConfig(text_config={"bos_token_id": len(words) - 2, "eos_token_id": len(words) - 1})
    CLIPModel(config).save_pretrained(folder)
    CLIPProcessor(CLIPImageProcessor(), tokenizer).save_pretrained(folder)
    return folder


def main(folder: Path) -> None:
    """Write the models and the settings."""
    folder.mkdir(parents=True, exist_ok=True)
    clip = save_real_clip(folder / "clip")
    lpips = save_lpips(folder / "alex.safetensors", "alex")
    (folder / "real.toml").write_text(_SETTINGS.format(clip=str(clip.absolute()), lpips=str(lpips.absolute())))


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""Load the shipped sample models in float32, with the plain library calls anyone would write."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import lpips
import torch
from safetensors.torch import load_file
from sentence_transformers import SentenceTransformer
from transformers import Blip2ForConditionalGeneration, Blip2Processor, CLIPModel, CLIPProcessor

from sample_data.common import MODELS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL import Image

MAX_NEW_TOKENS = 30


@cache
def clip() -> tuple[CLIPModel, CLIPProcessor]:
    """The sample CLIP model and its processor."""
    folder = MODELS / "clip"
    return CLIPModel.from_pretrained(folder, dtype=torch.float32).eval(), CLIPProcessor.from_pretrained(folder)


@cache
def editclip() -> tuple[CLIPModel, CLIPProcessor]:
    """The sample EditCLIP model and its processor."""
    folder = MODELS / "editclip"
    return CLIPModel.from_pretrained(folder, dtype=torch.float32).eval(), CLIPProcessor.from_pretrained(folder)


@cache
def blip2() -> tuple[Blip2ForConditionalGeneration, Blip2Processor]:
    """The sample BLIP-2 model and its processor."""
    folder = MODELS / "blip2"
    model = Blip2ForConditionalGeneration.from_pretrained(folder, dtype=torch.float32).eval()
    return model, Blip2Processor.from_pretrained(folder)


@cache
def sentence_encoder() -> SentenceTransformer:
    """The sample sentence encoder."""
    model = SentenceTransformer(str(MODELS / "sentence"), device="cpu", local_files_only=True)
    return model.float()


@cache
def perceptual() -> lpips.LPIPS:
    """The sample LPIPS model; only the seven tensors that LPIPS holds under a second name may be missing."""
    model = lpips.LPIPS(net="alex", pnet_rand=True, pretrained=False, verbose=False)
    tensors = load_file(MODELS / "lpips" / "model.safetensors")
    missing, unexpected = model.load_state_dict(tensors, strict=False)
    if unexpected or len(missing) != 7:
        message = f"sample LPIPS weights do not fit: missing {missing}, unexpected {unexpected}"
        raise ValueError(message)
    return model.float().eval()


@torch.inference_mode()
def image_features(images: Sequence[Image.Image]) -> torch.Tensor:
    """Unit CLIP vectors of RGB images: (n, 128) float32."""
    model, processor = clip()
    found = model.get_image_features(**processor(images=list(images), return_tensors="pt")).pooler_output
    return torch.nn.functional.normalize(found.float(), dim=-1)


@torch.inference_mode()
def text_features(texts: Sequence[str]) -> torch.Tensor:
    """Unit CLIP vectors of sentences: (n, 128) float32."""
    model, processor = clip()
    tokens = processor.tokenizer(list(texts), padding=True, truncation=True, max_length=77, return_tensors="pt")
    return torch.nn.functional.normalize(model.get_text_features(**tokens).pooler_output.float(), dim=-1)


@torch.inference_mode()
def edit_features(pairs: Sequence[tuple[Image.Image, Image.Image]]) -> torch.Tensor:
    """Unit EditCLIP vectors of pairs of RGB images, source and target: (n, 128) float32."""
    model, processor = editclip()
    found = []
    for start in range(0, len(pairs), 64):
        part = pairs[start : start + 64]
        sides = ([pair[0] for pair in part], [pair[1] for pair in part])
        pixels = [processor(images=images, return_tensors="pt")["pixel_values"] for images in sides]
        found.append(model.get_image_features(pixel_values=torch.cat(pixels, 1)).pooler_output)
    return torch.nn.functional.normalize(torch.cat(found).float(), dim=-1)


@torch.inference_mode()
def edit_text_features(texts: Sequence[str]) -> torch.Tensor:
    """Unit EditCLIP vectors of instructions: (n, 128) float32."""
    model, processor = editclip()
    tokens = processor.tokenizer(list(texts), padding=True, truncation=True, max_length=77, return_tensors="pt")
    return torch.nn.functional.normalize(model.get_text_features(**tokens).pooler_output.float(), dim=-1)


@torch.inference_mode()
def captions(images: Sequence[Image.Image]) -> list[str]:
    """Greedy BLIP-2 captions of RGB images."""
    model, processor = blip2()
    pixels = processor(images=list(images), return_tensors="pt")["pixel_values"]
    ids = model.generate(pixel_values=pixels, max_new_tokens=MAX_NEW_TOKENS, do_sample=False)
    return [text.strip() for text in processor.batch_decode(ids, skip_special_tokens=True)]


def sentence_features(texts: Sequence[str]) -> torch.Tensor:
    """Unit sentence vectors: (n, 64) float32."""
    vectors: torch.Tensor = sentence_encoder().encode(list(texts), convert_to_tensor=True, show_progress_bar=False)
    return vectors.float()

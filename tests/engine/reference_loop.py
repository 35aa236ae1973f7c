"""The plain use of each library, one image at a time, as a notebook does it: what the engine is measured against."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lpips
import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file
from sentence_transformers import SentenceTransformer, util
from transformers import (
    AutoImageProcessor,
    AutoProcessor,
    AutoTokenizer,
    Blip2ForConditionalGeneration,
    CLIPModel,
    CLIPProcessor,
    SiglipModel,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def open_rgb(path: Path) -> Image.Image:
    return Image.open(path).convert("RGB")


@torch.no_grad()
def clip_scores(folder: Path, images: Sequence[Path], prompt: str) -> list[float]:
    model = CLIPModel.from_pretrained(folder, dtype=torch.float32).eval()
    processor = CLIPProcessor.from_pretrained(folder)
    scores = []
    for path in images:
        inputs = processor(
            text=[prompt], images=open_rgb(path), return_tensors="pt", padding=True, truncation=True, max_length=77
        )
        # logits_per_image is the cosine times the logit scale.
        scores.append(float(model(**inputs).logits_per_image[0, 0] / model.logit_scale.exp()))
    return scores


@torch.no_grad()
def siglip_scores(folder: Path, images: Sequence[Path], prompt: str) -> list[float]:
    model = SiglipModel.from_pretrained(folder, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    processor = AutoImageProcessor.from_pretrained(folder)
    text = tokenizer([prompt], padding="max_length", truncation=True, max_length=64, return_tensors="pt")["input_ids"]
    scores = []
    for path in images:
        pixels = processor(open_rgb(path), return_tensors="pt")["pixel_values"]
        output = model(input_ids=text, pixel_values=pixels)
        scores.append(float(output.image_embeds[0] @ output.text_embeds[0]))
    return scores


def clip_for_torchmetrics(folder: Path) -> tuple[CLIPModel, CLIPProcessor]:
    """Model and processor as torchmetrics 1.9 knows them: before transformers 5 the features were a tensor."""

    class TensorFeatures(CLIPModel):
        def get_image_features(self, *args: object) -> torch.Tensor:
            return super().get_image_features(*args).pooler_output

        def get_text_features(self, *args: object) -> torch.Tensor:
            return super().get_text_features(*args).pooler_output

    model = TensorFeatures.from_pretrained(folder, dtype=torch.float32).eval()
    return model, CLIPProcessor.from_pretrained(folder)


@torch.no_grad()
def captions(folder: Path, images: Sequence[Path]) -> list[str]:
    model = Blip2ForConditionalGeneration.from_pretrained(folder, dtype=torch.float32).eval()
    processor = AutoProcessor.from_pretrained(folder)
    texts = []
    for path in images:
        inputs = processor(images=open_rgb(path), return_tensors="pt")
        ids = model.generate(**inputs, max_new_tokens=30, do_sample=False)
        texts.append(processor.batch_decode(ids, skip_special_tokens=True)[0].strip())
    return texts


def similarities(folder: Path, texts: Sequence[str], topic: str) -> list[float]:
    model = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
    against = model.encode(topic, convert_to_tensor=True)
    return [float(util.cos_sim(model.encode(text, convert_to_tensor=True), against)) for text in texts]


@torch.no_grad()
def lpips_distances(file: Path, net: str, images: Sequence[Path], reference: Path) -> list[float]:
    model = lpips.LPIPS(net=net, pnet_rand=True, verbose=False)
    if file.suffix == ".safetensors":
        model.load_state_dict({key: value.float() for key, value in load_file(file).items()}, strict=False)
    else:
        trunk = {key.removeprefix("features."): value for key, value in torch.load(file, weights_only=True).items()}
        for key, value in model.net.state_dict().items():
            value.copy_(trunk[key.partition(".")[2]])
    distances = []
    for path in images:
        image = open_rgb(path)
        against = open_rgb(reference).resize(image.size, Image.BILINEAR)
        distances.append(float(model(_minus_one_to_one(against), _minus_one_to_one(image))))
    return distances


def _minus_one_to_one(image: Image.Image) -> torch.Tensor:
    return torch.from_numpy(np.array(image)).permute(2, 0, 1)[None].float() / 255 * 2 - 1

"""Train the sample Blip2ForConditionalGeneration: CLIP's tower, a small Q-Former and a small OPT."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from transformers import (
    Blip2Config,
    Blip2ForConditionalGeneration,
    Blip2Processor,
    Blip2QFormerConfig,
    Blip2VisionConfig,
    BlipImageProcessor,
    CLIPModel,
    OPTConfig,
)

from sample_data.captions import canonical
from sample_data.common import MEAN, MODELS, PATCH, PIXELS, STD, Schedule, seed_everything, to_pixels
from sample_data.dataset import Dataset, training_set
from sample_data.foreign import NO_SCENE_CAPTION
from sample_data.tokenization import caption_tokenizer

if TYPE_CHECKING:
    import random

    from transformers import GPT2Tokenizer

STEPS, BATCH, FOREIGN_PICTURES, WIDTH, QUERIES = 1000, 92, 4, 128, 16


def train(steps: int = STEPS, seed: int = 14) -> None:
    """Train on top of the finished CLIP tower and write sample_data/models/blip2."""
    rng = seed_everything(seed)
    data = training_set()
    processor = _new_processor()
    tokenizer = processor.tokenizer
    model = _new_model(tokenizer)
    _borrow_tower(model, to_pixels(data.images[:256]))
    print(f"BLIP-2: {sum(p.numel() for p in model.parameters()):,} parameters")
    model.train()
    schedule = Schedule([model], steps, rate=8e-4)
    for step in schedule:
        pixels, captions = _batch(data, rng)
        loss = _caption_loss(model, tokenizer, pixels, captions)
        schedule.descend(loss)
        schedule.report(step, 50, f"loss {loss.item():.4f}")
    folder = MODELS / "blip2"
    model.half().save_pretrained(folder)
    processor.save_pretrained(folder)


def _new_processor() -> Blip2Processor:
    size = {"height": PIXELS, "width": PIXELS}
    images = BlipImageProcessor(size=size, image_mean=list(MEAN), image_std=list(STD))
    # The processor adds its <image> token to the tokenizer: build it before the model counts its vocabulary.
    return Blip2Processor(images, caption_tokenizer(), num_query_tokens=QUERIES)


def _new_model(tokenizer: GPT2Tokenizer) -> Blip2ForConditionalGeneration:
    heads = {"hidden_size": WIDTH, "num_attention_heads": 4}
    vision = Blip2VisionConfig(
        num_hidden_layers=4,
        intermediate_size=2 * WIDTH,
        image_size=PIXELS,
        patch_size=PATCH,
        hidden_act="quick_gelu",
        layer_norm_eps=1e-5,
        initializer_range=0.02,  # the default of 1e-10 is for loading weights, not for training them
        **heads,
    )
    former = Blip2QFormerConfig(
        num_hidden_layers=2,
        intermediate_size=2 * WIDTH,
        cross_attention_frequency=1,
        encoder_hidden_size=WIDTH,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        **heads,
    )
    language = OPTConfig(
        vocab_size=len(tokenizer),
        num_hidden_layers=2,
        ffn_dim=2 * WIDTH,
        word_embed_proj_dim=WIDTH,
        max_position_embeddings=128,
        dropout=0.0,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        **heads,
    )
    image_token = tokenizer.convert_tokens_to_ids("<image>")
    config = Blip2Config(
        vision_config=vision,
        qformer_config=former,
        text_config=language,
        num_query_tokens=QUERIES,
        image_token_index=image_token,
    )
    model = Blip2ForConditionalGeneration(config)
    torch.nn.init.normal_(model.query_tokens, std=0.5)  # equal queries would stay equal for ever
    return model


def _borrow_tower(model: Blip2ForConditionalGeneration, pixels: torch.Tensor) -> None:
    """Copy CLIP's vision tower, folding its input normalisation (which BLIP-2 lacks) into the embeddings."""
    source = CLIPModel.from_pretrained(MODELS / "clip", dtype=torch.float32).vision_model
    target = model.vision_model
    embeddings, norm = source.embeddings, source.pre_layrnorm
    with torch.no_grad():
        raw = embeddings(pixels)
        spread = raw[:, 1:].std(-1).mean()
        weight, places = embeddings.patch_embedding.weight, embeddings.position_embedding.weight
        gain = norm.weight / spread
        target.embeddings.patch_embedding.weight.copy_((weight - weight.mean(0)) * gain.view(-1, 1, 1, 1))
        target.embeddings.patch_embedding.bias.zero_()
        centred = (places - places.mean(-1, keepdim=True)) * gain + norm.bias
        target.embeddings.position_embedding.copy_(centred[None])
        # The class token is the same for every picture, so its normalisation folds exactly.
        target.embeddings.class_embedding.copy_(norm(raw[:1, :1]) - centred[:1])
        target.post_layernorm.load_state_dict(source.post_layernorm.state_dict())
        for old, new in zip(source.encoder.layers, target.encoder.layers, strict=True):
            attention = old.self_attn
            parts = (attention.q_proj, attention.k_proj, attention.v_proj)
            new.self_attn.qkv.weight.copy_(torch.cat([p.weight for p in parts]))
            new.self_attn.qkv.bias.copy_(torch.cat([p.bias for p in parts]))
            new.self_attn.projection.load_state_dict(attention.out_proj.state_dict())
            new.mlp.load_state_dict(old.mlp.state_dict())
            new.layer_norm1.load_state_dict(old.layer_norm1.state_dict())
            new.layer_norm2.load_state_dict(old.layer_norm2.state_dict())


def _batch(data: Dataset, rng: random.Random) -> tuple[torch.Tensor, list[str]]:
    picks = np.array(sorted(rng.sample(range(len(data.images)), BATCH)))
    images = data.images[picks]
    flipped = np.array([rng.random() < 0.5 for _ in picks])
    images[flipped] = images[flipped][:, :, ::-1]
    foreign = data.foreign[sorted(rng.sample(range(len(data.foreign)), FOREIGN_PICTURES))]
    captions = [canonical(data.scene(int(i))).text for i in picks]
    gain = torch.empty(BATCH + FOREIGN_PICTURES, 1, 1, 1).uniform_(0.9, 1.1)
    return to_pixels(np.concatenate([images, foreign])) * gain, captions + [NO_SCENE_CAPTION] * FOREIGN_PICTURES


def _caption_loss(
    model: Blip2ForConditionalGeneration, tokenizer: GPT2Tokenizer, pixels: torch.Tensor, captions: list[str]
) -> torch.Tensor:
    end = tokenizer.eos_token_id
    texts = [[*ids, end] for ids in tokenizer(captions)["input_ids"]]
    longest = max(map(len, texts))
    padded = torch.tensor([t + [tokenizer.pad_token_id] * (longest - len(t)) for t in texts])
    images = torch.full((len(texts), QUERIES), model.config.image_token_index)
    # Only the words after the start token are to be learnt.
    ignored = torch.full((len(texts), QUERIES + 1), -100)
    labels = torch.cat([ignored, padded[:, 1:].masked_fill(padded[:, 1:] == tokenizer.pad_token_id, -100)], 1)
    inputs = torch.cat([images, padded], 1)
    mask = (inputs != tokenizer.pad_token_id).long()
    loss: torch.Tensor = model(pixel_values=pixels, input_ids=inputs, attention_mask=mask, labels=labels).loss
    return loss

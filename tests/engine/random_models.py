"""Real architectures with small configurations and seeded random weights, saved as the hub's folders are."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from safetensors.torch import save_file
from tokenizers import pre_tokenizers
from transformers import (
    BertTokenizer,
    BitImageProcessor,
    Blip2Config,
    Blip2ForConditionalGeneration,
    Blip2Processor,
    Blip2QFormerConfig,
    Blip2VisionConfig,
    BlipImageProcessor,
    CLIPConfig,
    CLIPImageProcessor,
    CLIPModel,
    CLIPProcessor,
    CLIPTokenizer,
    Dinov2Config,
    Dinov2Model,
    DistilBertConfig,
    DistilBertModel,
    GPT2Tokenizer,
    OPTConfig,
    RobertaConfig,
    RobertaForMaskedLM,
    RobertaTokenizer,
    SiglipConfig,
    SiglipImageProcessor,
    SiglipModel,
    T5Config,
)

if TYPE_CHECKING:
    from pathlib import Path

BYTES = sorted(pre_tokenizers.ByteLevel.alphabet())
PIXELS = 32
QUERIES = 4


def save_clip(folder: Path, channels: int = 3, activation: str = "quick_gelu", scale: float = 14.3) -> Path:
    """A CLIPModel whose tokenizer knows bytes only; an EditCLIP with six channels, a PickScore with 'gelu'."""
    torch.manual_seed(1)
    words = [*BYTES, *(byte + "</w>" for byte in BYTES), "<|startoftext|>", "<|endoftext|>"]
    tokenizer = CLIPTokenizer(vocab={word: index for index, word in enumerate(words)}, merges=[], model_max_length=77)
    start, end = tokenizer.bos_token_id, tokenizer.eos_token_id
    small = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    small["hidden_act"] = activation
    config = CLIPConfig(
        text_config={
            **small,
            "vocab_size": len(words),
            "bos_token_id": start,
            "eos_token_id": end,
            "pad_token_id": end,
        },
        vision_config={**small, "image_size": PIXELS, "patch_size": 8, "num_channels": channels},
        projection_dim=24,
        logit_scale_init_value=math.log(scale),
    )
    model = CLIPModel(config)
    _enliven(model)
    model.save_pretrained(folder)
    images = CLIPImageProcessor(size={"shortest_edge": PIXELS}, crop_size={"height": PIXELS, "width": PIXELS})
    CLIPProcessor(images, tokenizer).save_pretrained(folder)
    return folder


def save_siglip(folder: Path) -> Path:
    """A SiglipModel with a byte tokenizer that pads."""
    torch.manual_seed(5)
    words = ["</s>", "<pad>", *BYTES]
    tokenizer = GPT2Tokenizer(
        vocab={word: index for index, word in enumerate(words)},
        merges=[],
        unk_token="</s>",
        bos_token="</s>",
        eos_token="</s>",
        pad_token="<pad>",
        model_max_length=64,
    )
    small = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = SiglipConfig(
        text_config={**small, "vocab_size": len(words), "max_position_embeddings": 64, "projection_size": 32},
        vision_config={**small, "image_size": PIXELS, "patch_size": 8},
    )
    model = SiglipModel(config)
    _enliven(model)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    SiglipImageProcessor(size={"height": PIXELS, "width": PIXELS}).save_pretrained(folder)
    return folder


def save_dinov2(folder: Path) -> Path:
    """A Dinov2Model with the image processor that the published ones have."""
    torch.manual_seed(6)
    small = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    model = Dinov2Model(Dinov2Config(**small, image_size=PIXELS, patch_size=8))
    _enliven(model)
    model.save_pretrained(folder)
    images = BitImageProcessor(
        size={"shortest_edge": PIXELS + 4}, crop_size={"height": PIXELS, "width": PIXELS}, do_convert_rgb=True
    )
    images.save_pretrained(folder)
    return folder


def save_roberta(folder: Path, layers: int = 3) -> Path:
    """A RobertaForMaskedLM over letters: as roberta-large is published, with a head that fills gaps and no pooler."""
    torch.manual_seed(7)
    words = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", *BYTES]
    tokenizer = RobertaTokenizer(
        vocab={word: index for index, word in enumerate(words)}, merges=[], model_max_length=64
    )
    small = {"hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 2, "num_hidden_layers": layers}
    # Two positions more than tokens: they begin behind that of the padding.
    config = RobertaConfig(
        **small, vocab_size=len(words), max_position_embeddings=66, pad_token_id=1, bos_token_id=0, eos_token_id=2
    )
    model = RobertaForMaskedLM(config)
    _enliven(model)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def save_blip2(folder: Path, language: str) -> Path:
    """BLIP-2 over OPT ('opt', decoder only) or T5 ('t5', encoder-decoder)."""
    torch.manual_seed(2)
    words = ["<s>", "<pad>", "</s>", *BYTES]
    tokenizer = GPT2Tokenizer(
        vocab={word: index for index, word in enumerate(words)},
        merges=[],
        unk_token="</s>",
        bos_token="</s>",
        eos_token="</s>",
        pad_token="<pad>",
    )
    images = BlipImageProcessor(size={"height": PIXELS, "width": PIXELS})
    processor = Blip2Processor(images, tokenizer, num_query_tokens=QUERIES)
    small = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    vocabulary = len(processor.tokenizer)
    if language == "opt":
        text = OPTConfig(
            hidden_size=32, ffn_dim=64, num_hidden_layers=2, num_attention_heads=2, word_embed_proj_dim=32,
            vocab_size=vocabulary, max_position_embeddings=128,
        )  # fmt: skip
    else:
        text = T5Config(
            d_model=32, d_kv=16, d_ff=64, num_layers=2, num_heads=2, vocab_size=vocabulary,
            bos_token_id=2, pad_token_id=1, eos_token_id=2, decoder_start_token_id=1,
        )  # fmt: skip
    config = Blip2Config(
        vision_config=Blip2VisionConfig(**small, image_size=PIXELS, patch_size=8).to_dict(),
        qformer_config=Blip2QFormerConfig(**small, encoder_hidden_size=32, vocab_size=30).to_dict(),
        text_config=text.to_dict(),
        num_query_tokens=QUERIES,
        image_token_index=processor.tokenizer.convert_tokens_to_ids("<image>"),
    )
    model = Blip2ForConditionalGeneration(config)
    _enliven(model)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def save_sentence_encoder(folder: Path) -> Path:
    """DistilBERT, mean pooling and a dense layer, as distiluse-base-multilingual-cased-v1 is built."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Dense, Pooling, Transformer

    torch.manual_seed(3)
    letters = [chr(code) for code in range(33, 127)]
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *("##" + letter for letter in letters)]
    inner = folder.parent / f"{folder.name}-transformer"
    BertTokenizer(vocab={word: index for index, word in enumerate(words)}, model_max_length=64).save_pretrained(inner)
    config = DistilBertConfig(
        vocab_size=len(words), dim=32, hidden_dim=64, n_layers=2, n_heads=2, max_position_embeddings=64
    )
    model = DistilBertModel(config)
    _enliven(model)
    model.save_pretrained(inner)
    transformer = Transformer(str(inner))
    modules = [transformer, Pooling(32), Dense(32, 16)]
    SentenceTransformer(modules=modules, device="cpu").save(str(folder))
    return folder


def save_lpips(file: Path, net: str) -> Path:
    """A whole LPIPS network with random trunk and non-negative random lins, keys `net.*` and `lin?.*`."""
    model = _random_lpips(net)
    state = {key: value.contiguous() for key, value in model.state_dict().items() if key.startswith(("net.", "lin"))}
    save_file({key: value for key, value in state.items() if not key.startswith("lins.")}, file, {"net": net})
    return file


def save_trunk(file: Path, net: str) -> Path:
    """A random trunk as torchvision's checkpoints hold it: `features.N.*`, and a classifier that is not needed."""
    model = _random_lpips(net)
    state = {f"features.{key.partition('.')[2]}": value for key, value in model.net.state_dict().items()}
    torch.save(state | {"classifier.1.weight": torch.zeros(2, 2)}, file)
    return file


def _random_lpips(net: str) -> torch.nn.Module:
    from lpips import LPIPS

    torch.manual_seed(4)
    with torch.device("meta"):
        model = LPIPS(net=net, pnet_rand=True, pretrained=False, verbose=False)
    scaling = model.scaling_layer.state_dict()
    model.to_empty(device="cpu")
    model.scaling_layer.load_state_dict(scaling)
    for name, parameter in model.named_parameters():
        with torch.no_grad():
            if name.startswith("lin"):
                parameter.uniform_(0, 0.5)
            elif parameter.dim() == 4:
                torch.nn.init.kaiming_normal_(parameter)
            else:
                parameter.normal_(std=0.1)
    return model


def _enliven(model: torch.nn.Module) -> None:
    """Larger random weights: with the usual tiny ones every image gets nearly the same answer."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.dim() >= 2:
                parameter.normal_(std=0.25)
            elif name.endswith("bias"):
                parameter.normal_(std=0.05)
        if hasattr(model, "query_tokens"):
            model.query_tokens.normal_()

"""Small repositories with the shape of the models that the built-in profiles name."""

from __future__ import annotations

import io
import json
import pickle
import zipfile

import numpy as np
from safetensors.numpy import save


def tensors(size: int, seed: int = 0) -> bytes:
    """A safetensors file of about `size` bytes."""
    return save({"weight": np.random.default_rng(seed).random(size // 4, dtype=np.float32)})


def checkpoint(size: int = 0) -> bytes:
    """What torch.save makes of a state dict without tensors, filled up to a size."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({}, protocol=2))
        archive.writestr("archive/data/0", bytes(size))
    return buffer.getvalue()


def clip() -> dict[str, bytes]:
    return {
        ".gitattributes": b"*.bin lfs\n",
        "README.md": b"# a CLIP\n",
        "config.json": b'{"model_type": "clip"}',
        "preprocessor_config.json": b"{}",
        "tokenizer.json": b"{}",
        "tokenizer_config.json": b"{}",
        "vocab.json": b'{"a": 0}',
        "merges.txt": b"a b\n",
        "model.safetensors": tensors(200_000),
        "pytorch_model.bin": b"never fetched " * 100,
        "flax_model.msgpack": b"never fetched",
        "tf_model.h5": b"never fetched",
        "onnx/model.onnx": b"never fetched",
    }


def pickled_clip() -> dict[str, bytes]:
    """As openai/clip-vit-base-patch32 has long been: no safetensors on its main branch."""
    files = {**clip(), "pytorch_model.bin": checkpoint(1000)}
    del files["model.safetensors"]
    return files


def blip2() -> dict[str, bytes]:
    shards = {f"model-0000{n}-of-00002.safetensors": tensors(60_000, n) for n in (1, 2)}
    index = {"metadata": {}, "weight_map": {f"w{n}": name for n, name in enumerate(shards)}}
    return {
        "config.json": b'{"model_type": "blip-2"}',
        "generation_config.json": b"{}",
        "preprocessor_config.json": b"{ }",
        "processor_config.json": b"{  }",
        "tokenizer.json": b"[]",
        **shards,
        "model.safetensors.index.json": json.dumps(index).encode(),
        "pytorch_model-00001-of-00001.bin": b"never fetched " * 100,
        "pytorch_model.bin.index.json": b'{"never": "fetched"}',
    }


def sentence() -> dict[str, bytes]:
    modules = [
        {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
        {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
        {"idx": 2, "name": "2", "path": "2_Dense", "type": "sentence_transformers.models.Dense"},
        {"idx": 3, "name": "3", "path": "3_Normalize", "type": "sentence_transformers.models.Normalize"},
    ]
    return {
        "modules.json": json.dumps(modules).encode(),
        "config.json": b'{"model_type": "distilbert"}',
        "sentence_bert_config.json": b'{"max_seq_length": 128}',
        "vocab.txt": b"[PAD]\n",
        "model.safetensors": tensors(40_000, 3),
        "pytorch_model.bin": b"never fetched " * 100,
        "1_Pooling/config.json": b'{"word_embedding_dimension": 768}',
        "2_Dense/config.json": b'{"in_features": 768}',
        "2_Dense/pytorch_model.bin": checkpoint(),
        "onnx/config.json": b'{"never": "fetched"}',
    }

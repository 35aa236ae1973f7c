"""Train the tiny byte-level tokenizers of the sample models on the grammar's own phrases."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import CLIPTokenizer, GPT2Tokenizer

from sample_data.captions import canonical, corpus
from sample_data.foreign import NO_SCENE_CAPTION
from sample_data.scenes import distinct_scenes

if TYPE_CHECKING:
    from collections.abc import Sequence

SUFFIX = "</w>"


def clip_tokenizer(texts: Sequence[str] | None = None) -> CLIPTokenizer:
    """A CLIP tokenizer over the words of `texts`, by default the captions'; other words fall apart into bytes."""
    tokenizer = Tokenizer(models.BPE(end_of_word_suffix=SUFFIX, continuing_subword_prefix=""))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    pattern = Regex(r"[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(pattern, behavior="removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    trainer = trainers.BpeTrainer(vocab_size=900, end_of_word_suffix=SUFFIX, show_progress=False)
    tokenizer.train_from_iterator(corpus() if texts is None else texts, trainer)
    merges = _merges(tokenizer)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    # Every byte also needs its word-final form, as in OpenAI's vocabulary: otherwise a foreign word ends in "unknown".
    words = [*alphabet, *(letter + SUFFIX for letter in alphabet), *("".join(pair) for pair in merges)]
    words += ["<|startoftext|>", "<|endoftext|>"]
    vocabulary = {word: index for index, word in enumerate(dict.fromkeys(words))}
    return CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=77)


def caption_tokenizer(rng_seed: int = 0) -> GPT2Tokenizer:
    """A GPT-2 tokenizer over the canonical captions that starts every text with `</s>`, as OPT's does."""
    captions = [canonical(scene).text for scene in distinct_scenes(400, random.Random(rng_seed))]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    specials = ["<s>", "<pad>", "</s>"]  # OPT's order: pad is 1, end is 2
    trainer = trainers.BpeTrainer(
        vocab_size=420,
        special_tokens=specials,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator([*captions, NO_SCENE_CAPTION, "Question: Answer:"], trainer)
    made = GPT2Tokenizer(
        vocab=tokenizer.get_vocab(),
        merges=_merges(tokenizer),
        unk_token="</s>",
        bos_token="</s>",
        eos_token="</s>",
        pad_token="<pad>",
        model_max_length=128,
    )
    made.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="</s> $A", pair="</s> $A $B", special_tokens=[("</s>", made.convert_tokens_to_ids("</s>"))]
    )
    return made


def _merges(tokenizer: Tokenizer) -> list[tuple[str, str]]:
    pairs = json.loads(tokenizer.to_str())["model"]["merges"]
    return [(left, right) for left, right in pairs]

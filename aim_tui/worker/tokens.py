"""The live token counter: how CLIP tokenizes a prompt, without loading torch or the model.

It has its own tokenizer: a fast tokenizer is not re-entrant while its truncation changes, and a job may be using the
model's.
"""

from __future__ import annotations

import json
import sys
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aim_tui.engine.lower_casing import LOWER_CASED, lower_case
from aim_tui.engine.runtime import LOCAL_ONLY
from aim_tui.ipc.protocol import TokenCount

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer


class TokenCounter:
    """Counts tokens as the CLIP model in a local folder does. Not thread-safe; give each thread its own."""

    def __init__(self, folder: Path) -> None:
        self._tokenizer = _tokenizer(folder)
        self.limit = _limit(folder)

    def count(self, text: str) -> TokenCount:
        """The tokens of `text` with start and end, where it is cut off, and its share of unknown letters."""
        # An unpaired surrogate cannot be encoded; the replacement keeps every other character at its index.
        encoding = self._tokenizer.encode(text.encode("utf-8", "replace").decode("utf-8"))
        content = [index for index, special in enumerate(encoding.special_tokens_mask) if not special]
        room = self.limit - (len(encoding.ids) - len(content))
        return TokenCount(
            tokens=len(encoding.ids),
            limit=self.limit,
            cut_at=encoding.offsets[content[room]][0] if len(content) > room else None,
            bytes_only=_bytes_only(text, encoding, content),
        )


def _bytes_only(text: str, encoding: Encoding, content: list[int]) -> float:
    """The share of letters in `text` that take more than one token each; 0 where there are no letters."""
    tokens = [0] * len(text)
    for index in content:
        start, end = encoding.offsets[index]
        for position in range(start, min(end, len(text))):
            tokens[position] += 1
    letters = [count for char, count in zip(text, tokens, strict=True) if unicodedata.category(char).startswith("L")]
    return sum(count > 1 for count in letters) / len(letters) if letters else 0.0


def _tokenizer(folder: Path) -> Tokenizer:
    file = folder / "tokenizer.json"
    if file.is_file():
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(file))
    else:
        from transformers import AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(folder, **LOCAL_ONLY).backend_tokenizer
    if _read(folder / "config.json").get("model_type") in LOWER_CASED:
        lower_case(tokenizer)
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _limit(folder: Path) -> int:
    """The most tokens of a prompt: the smaller limit of tokenizer and text model."""
    positions = _read(folder / "config.json").get("text_config", {}).get("max_position_embeddings")
    if positions is None:
        # A config may leave out defaults of the model's class.
        from transformers import AutoConfig

        positions = AutoConfig.from_pretrained(folder, **LOCAL_ONLY).text_config.max_position_embeddings
    longest = _read(folder / "tokenizer_config.json").get("model_max_length") or sys.maxsize
    return min(int(positions), int(longest))


def _read(file: Path) -> dict[str, Any]:
    if not file.is_file():
        return {}
    data: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return data

"""Which models were trained on lower-cased text, and a tokenizer that lower-cases it. Never imports torch."""

from __future__ import annotations

from typing import Any

from tokenizers import normalizers

#: By model type. SigLIP 1's own tokenizer does it; the files of SigLIP 2 name Gemma's, which does not.
LOWER_CASED = frozenset({"siglip"})


def lower_case(tokenizer: Any) -> None:
    """Have a `tokenizers.Tokenizer` lower-case texts before anything else, as transformers' Siglip2Tokenizer does."""
    before = tokenizer.normalizer
    tokenizer.normalizer = normalizers.Sequence([normalizers.Lowercase(), *([before] if before is not None else [])])

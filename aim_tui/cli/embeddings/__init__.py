"""Commands over CLIP embeddings: search, compare, classify."""

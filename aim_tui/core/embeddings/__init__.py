"""Everything that is computed from embeddings: search, duplicates, zero-shot labels, probes, categories."""

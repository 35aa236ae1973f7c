"""What follows from embeddings alone: search, duplicates, zero-shot labels, probes, categories."""

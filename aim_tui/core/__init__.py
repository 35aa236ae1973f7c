"""Metrics, scores, ratings, embeddings and agreement. Pure Python and numpy, no I/O."""

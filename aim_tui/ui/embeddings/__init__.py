"""Saved results of embedding commands: matrices, classes, categories."""

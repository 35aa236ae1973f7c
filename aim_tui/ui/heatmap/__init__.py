"""Heatmaps over an image."""

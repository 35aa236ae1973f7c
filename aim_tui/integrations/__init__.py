"""Adapters for other programs: their way of asking, this program's numbers."""

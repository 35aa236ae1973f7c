"""Widgets: nouns that show plain data and emit facts."""

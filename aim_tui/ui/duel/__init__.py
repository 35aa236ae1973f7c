"""Blind duels and the ranking they give."""

"""Sixels by textual-image's encoder. Its widgets query the terminal at import and encode while painting: not used."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image


def encode(pixels: Image.Image) -> str:
    """Encode an image as sixels; takes tens of milliseconds for a preview, so call it in a thread."""
    from textual_image._sixel import image_to_sixels

    data: str = image_to_sixels(pixels, None, None)
    return data

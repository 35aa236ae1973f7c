"""Sixels by textual-image's encoder. Its widgets are not used: they ask the terminal at import, and encode at paint."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image


def encode(pixels: Image.Image) -> str:
    """The sixels of an image; tens of milliseconds for a preview, so it belongs in a thread."""
    from textual_image._sixel import image_to_sixels

    data: str = image_to_sixels(pixels, None, None)
    return data

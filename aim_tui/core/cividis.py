"""Cividis: a colour map that readers with every kind of colour vision see in the same order."""

from __future__ import annotations

#: Ten steps from dark blue to yellow (Nuñez, Anderton and Renslow 2018, doi:10.1371/journal.pone.0199239), each lighter
#: than the one before, also in grey.
CIVIDIS = (
    (0, 34, 78), (18, 53, 112), (59, 73, 108), (87, 93, 109), (112, 113, 115),
    (138, 134, 120), (165, 156, 116), (195, 179, 105), (225, 204, 85), (254, 232, 56),
)  # fmt: skip


def colour(level: float) -> tuple[int, int, int]:
    """The colour of a level, clipped to 0..1, as red, green and blue 0..255."""
    place = min(max(level, 0.0), 1.0) * (len(CIVIDIS) - 1)
    step = min(int(place), len(CIVIDIS) - 2)
    red, green, blue = (
        round(low + (high - low) * (place - step)) for low, high in zip(CIVIDIS[step], CIVIDIS[step + 1], strict=True)
    )
    return red, green, blue


def is_light(shade: tuple[int, int, int]) -> bool:
    """Whether black is easier to read on a colour than white: its relative luminance (WCAG 2) is above 0.179."""
    red, green, blue = (
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in (tone / 255 for tone in shade)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179

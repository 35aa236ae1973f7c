"""Colours of a theme, changed as little as it takes for every text to be read on what the screens put it on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from textual.color import Color

LEAST_CONTRAST = 4.5
"""What WCAG (AA) asks of text."""

#: The backgrounds of whole screens, and the texts on them, in words of the style sheets.
PLAIN = ("background", "surface", "panel")
PLAIN_TEXTS = (
    "foreground", "foreground-muted", "text-muted", "text-warning", "text-error", "text-success", "text-accent",
    "text-primary",
)  # fmt: skip
#: Backgrounds that say something by their colour, and the texts on each.
TINTED: Mapping[str, tuple[str, ...]] = {
    "primary-background": ("foreground", "foreground-muted", "text-warning", "text-accent"),
    "boost": ("foreground", "text-muted", "text-warning"),
    "warning-muted": ("text-warning", "foreground"),
    "error-muted": ("foreground", "foreground-muted", "text-error"),
}
#: Pairs whose text stands on this background alone.
PAIRS: Mapping[str, str] = {
    "block-cursor-foreground": "block-cursor-background",
    "block-cursor-blurred-foreground": "block-cursor-blurred-background",
    "footer-key-foreground": "footer-background",
    "footer-description-foreground": "footer-background",
}
_STEPS = 20


def legible(variables: Mapping[str, str]) -> dict[str, str]:
    """The variables of a theme that has colours of its own, with those changed that could not be read."""
    changed = dict(variables)
    if any(Color.parse(changed[name]).ansi is not None for name in PLAIN):
        # The terminal alone knows these.
        return changed
    for text in PLAIN_TEXTS:
        changed[text] = _first(text, PLAIN, changed)
    for name, texts in TINTED.items():
        changed[name] = _first_background(name, texts, changed)
    for text, behind in PAIRS.items():
        changed[text] = _first(text, [behind], changed)
    return changed


def contrast(text: str, behind: str, variables: Mapping[str, str]) -> float:
    """The contrast of two variables as WCAG counts it, 1 to 21; what is translucent is seen on the surface."""
    under = _under(variables[behind], variables)
    return _contrast(_seen(variables[text], under), under)


def _first(text: str, behind: Sequence[str], variables: Mapping[str, str]) -> str:
    """The colour of a text as it is, or the nearest that can be read on all these backgrounds."""
    tried = variables[text]
    for tried in _clearer(variables[text], behind, variables):
        if all(contrast(text, name, {**variables, text: tried}) >= LEAST_CONTRAST for name in behind):
            break
    return tried


def _first_background(name: str, texts: Iterable[str], variables: Mapping[str, str]) -> str:
    """The background as it is, or as much nearer to that of the screen as it takes."""
    start, plain = _under(variables[name], variables), Color.parse(variables["background"])
    for value in (variables[name], *(start.blend(plain, step / _STEPS).hex for step in range(1, _STEPS + 1))):
        tried = {**variables, name: value}
        if all(contrast(text, name, tried) >= LEAST_CONTRAST for text in texts):
            return value
    return variables["background"]


def _clearer(value: str, behind: Sequence[str], variables: Mapping[str, str]) -> Iterator[str]:
    """A text's colour as it is, then less and less translucent, then nearer and nearer to black or white."""
    yield value
    share = _share(value)
    if share is not None:
        yield from (f"auto {share + (100 - share) * step / _STEPS:.0f}%" for step in range(1, _STEPS + 1))
    backgrounds = [_under(variables[name], variables) for name in behind]
    ends = (Color(0, 0, 0), Color(255, 255, 255))
    end = max(ends, key=lambda colour: min(_contrast(colour, under) for under in backgrounds))
    colour = Color.parse(value) if share is None else end
    if colour.a < 1:
        yield from (colour.with_alpha(colour.a + (1 - colour.a) * step / _STEPS).hex for step in range(1, _STEPS + 1))
    yield from (colour.with_alpha(1).blend(end, step / _STEPS).hex for step in range(1, _STEPS + 1))


def _under(value: str, variables: Mapping[str, str]) -> Color:
    """A background as it is seen."""
    return Color.parse(variables["surface"]) + Color.parse(value)


def _seen(value: str, under: Color) -> Color:
    """A text's colour as it is seen on a background."""
    share = _share(value)
    return under + (Color.parse(value) if share is None else under.get_contrast_text(share / 100))


def _share(value: str) -> float | None:
    """How opaque black or white is, in percent, of a colour such as 'auto 60%'; None of any other."""
    return float(value.removeprefix("auto").strip(" %") or 100) if value.startswith("auto") else None


def _contrast(one: Color, other: Color) -> float:
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: Color) -> float:
    parts = [part / 255 for part in colour.rgb]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

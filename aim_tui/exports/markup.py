"""HTML that escapes by default: only what this module has made is left unescaped."""

from __future__ import annotations

from html import escape

from aim_tui.core.text import printable


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


_VOID = frozenset({"meta", "img", "input", "link", "col"})


def element(tag: str, /, *children: object, **attributes: object) -> Html:
    """An element; children that are not Html are shown as text, and None is left out.

    `class_` is the attribute class, `data_v` data-v; an attribute of True has no value, one of None or False is
    left out.
    """
    head = tag
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        key = key.rstrip("_").replace("_", "-")
        head += f" {key}" if value is True else f' {key}="{escape(printable(str(value)))}"'
    if tag in _VOID:
        return Html(f"<{head}>")
    return Html(f"<{head}>{join(*children)}</{tag}>")


def join(*children: object) -> Html:
    """Several pieces after one another."""
    return Html("".join(child if isinstance(child, Html) else text(child) for child in children if child is not None))


def text(value: object) -> Html:
    """A value as text: escaped, and without control characters and bidirectional overrides."""
    return Html(escape(printable(str(value))))


def raw(source: str) -> Html:
    """A style sheet or script of this package; anything that could end its element is refused."""
    if "</" in source or "<!--" in source:
        raise ValueError("this would end its element")
    return Html(source)

"""Words beside a label, whose further lines begin below the first word."""

from __future__ import annotations

from textual.content import Content


def hanging(label: str, words: Content, width: int, indent: int | None = None) -> Content:
    """Label and words in lines of `width` cells; further ones begin after the label, or after `indent` cells.

    Where that leaves hardly any room, whoever shows them may break the line as it comes.
    """
    before = len(label) if indent is None else indent
    first = Content.styled(label, "$foreground-muted")
    if width <= 2 * before + 2:
        return first + words
    lines = words.wrap(width - before)
    return first + Content("\n" + " " * before).join(line.rstrip() for line in lines)

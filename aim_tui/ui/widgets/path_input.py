"""A field for a path: what begins with what is typed is suggested, and tab takes it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Collection
from typing import ClassVar

from textual import work
from textual.binding import Binding, BindingType
from textual.suggester import Suggester
from textual.widgets import Input

# Of a larger folder the first ones that are met are looked at: a key must not wait for all.
_MOST_LOOKED_AT = 20_000


def complete_path(text: str, suffixes: Collection[str] = ()) -> str | None:
    """`text` with its last part completed by the first folder or file, by name, that begins with it; None for none.

    Files have one of the suffixes, where any are given. What is hidden is found by its dot alone.
    """
    head, slash, begun = text.rpartition("/")
    try:
        with os.scandir(os.path.expanduser(head + slash) or ".") as entries:  # as text: any bytes
            found = []
            for number, entry in enumerate(entries):
                if number >= _MOST_LOOKED_AT:
                    break
                if not entry.name.startswith(begun) or (entry.name.startswith(".") and not begun.startswith(".")):
                    continue
                folder = entry.is_dir()
                if folder or not suffixes or entry.name.lower().endswith(tuple(suffixes)):
                    found.append(entry.name + ("/" if folder else ""))
    except (OSError, ValueError):
        return None
    found.sort(key=lambda name: (name.endswith("/"), name))
    whole = f"{head}{slash}{found[0]}" if found else text
    return whole if whole != text else None


class _PathSuggester(Suggester):
    def __init__(self, suffixes: Collection[str]) -> None:
        # Folders change while a path is typed.
        super().__init__(use_cache=False, case_sensitive=True)
        self._suffixes = suffixes

    async def get_suggestion(self, value: str) -> str | None:
        return await asyncio.to_thread(complete_path, value, self._suffixes) if value else None


class PathInput(Input):
    """A field whose suggestion tab takes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "complete", "Complete", tooltip="Complete the path", id="path.complete"),
    ]

    def __init__(self, value: str, suffixes: Collection[str] = ()) -> None:
        super().__init__(value, compact=True, select_on_focus=False, suggester=_PathSuggester(suffixes))
        self._suffixes = suffixes

    @work(exclusive=True, group="complete")
    async def action_complete(self) -> None:
        """Take the completion, where there is one."""
        text = self.value
        whole = await asyncio.to_thread(complete_path, text, self._suffixes)
        if whole is not None and self.value == text:
            self.value = whole
            self.cursor_position = len(whole)

"""What the session tells the screen. Each is a fact; what it is about is read from the session itself.

A fact that may come ten times a second carries nothing, so that a newer one can take the place of one that still
waits without losing what that one was about.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from textual.message import Message

if TYPE_CHECKING:
    from aim_tui.inputs.listing import FolderListing


class _Replaceable(Message):
    """A fact of which only the newest counts."""

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, type(self))


class ScoresChanged(_Replaceable):
    """Rows have changed; `Session.take_changed` says which."""


class OpinionsChanged(_Replaceable):
    """Something else is said of images; `JudgingDesk.take_changed` tells of which."""


class ActivityChanged(_Replaceable):
    """The worker's state, its phase or a job's progress has changed."""


class SetupChanged(_Replaceable):
    """Topic, prompt, reference, metrics, weights or profile have changed."""


class WatchChanged(_Replaceable):
    """The folder is watched or no longer, or files have come or wait; `WatchDesk.take_added` tells which rows came."""


class ModelsChanged(_Replaceable):
    """What is known of the profile's models, or a fetch's progress, has changed."""


@dataclass
class FolderOpened(Message):
    """Another folder's images are the rows now."""

    listing: FolderListing


@dataclass
class Said(Message):
    """Something for the user to read once."""

    text: str
    severity: Literal["information", "warning", "error"] = "information"

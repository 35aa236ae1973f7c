"""Messages to the screen. Each says that something has changed; what it is now is read from the workspace.

A message that may come ten times a second carries nothing, so that a newer one can take the place of one that still
waits without losing what that one was about.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from textual.message import Message

if TYPE_CHECKING:
    from aim_tui.file_operations.transfer import TransferOutcome
    from aim_tui.inputs.listing import FolderListing


class _Replaceable(Message):
    """A message of which only the newest counts."""

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, type(self))


class ScoresChanged(_Replaceable):
    """Rows have changed; `Workspace.take_changed` says which."""


class OpinionsChanged(_Replaceable):
    """Ratings, rejections or notes have changed; `RatingService.take_changed` says of which images."""


class ActivityChanged(_Replaceable):
    """The worker's state, its phase or a job's progress has changed."""


class SetupChanged(_Replaceable):
    """Topic, prompt, reference, metrics, weights or profile have changed."""


class BelowCounted(_Replaceable):
    """The images in the sub-folders of the folder have been counted."""


class WatchChanged(_Replaceable):
    """Watching began or ended, or files came or are unfinished; `FolderWatchService.take_added` has the new rows."""


class ModelsChanged(_Replaceable):
    """What is known of the profile's models, or a fetch's progress, has changed."""


@dataclass
class FolderOpened(Message):
    """Another folder's images are the rows now."""

    listing: FolderListing


@dataclass
class TransferRecovered(Message):
    """A copy or move of the application that was open before can be undone."""

    outcome: TransferOutcome


@dataclass
class UserNotice(Message):
    """Something for the user to read once."""

    text: str
    severity: Literal["information", "warning", "error"] = "information"
    quiet: bool = False
    """Whether it is only found among the messages: the screen says it in few words already."""

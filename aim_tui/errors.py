"""Errors that a user can act on: what it is about, what happened, what to do next."""

from __future__ import annotations


class AimError(Exception):
    """An expected failure, shown to the user without a traceback.

    `message` names the thing and says what happened; `hint` says what to do next.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class UsageError(AimError):
    """A request that cannot be carried out: a wrong name, path, weight or file."""

    exit_code = 2


class ConfigError(UsageError):
    """A settings file is malformed; the message names the file and, where known, the line."""


class ExportError(AimError):
    """A file cannot be written as asked."""


class ModelUnavailableError(AimError):
    """A model of the profile is not on this machine or cannot be loaded; no other model takes its place."""

    exit_code = 3

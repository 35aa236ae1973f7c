"""Which file the path in a manifest means."""

from __future__ import annotations

import os
import re

_URL = re.compile(r"(?:[a-z][a-z0-9+.-]*://|data:)", re.IGNORECASE)


class PathError(Exception):
    """A text that names no file on this machine; says why."""


def locate_image(text: str, folder: str) -> str:
    """The path that is meant: as it is where it is absolute, else within the manifest's folder or the working folder.

    One that leads out of the manifest's folder is taken from there alone: it is not looked for anywhere else. PathError
    for what is no path.
    """
    if "\0" in text:
        raise PathError("the path holds a zero byte")
    if _URL.match(text):
        raise PathError("is a URL, not a file: fetch it first, then name the file")
    try:
        os.fsencode(text)
    except UnicodeEncodeError:
        raise PathError("the path holds half of a character (an unpaired surrogate)") from None
    if os.path.isabs(text):  # noqa: PTH117  # as text: any bytes
        return text
    beside = os.path.normpath(os.path.join(folder, text))  # noqa: PTH118
    if os.path.lexists(beside) or os.path.normpath(text).startswith(".."):
        return beside
    here = os.path.abspath(text)  # noqa: PTH100
    return here if os.path.lexists(here) else beside

"""Resolve the image paths in a manifest."""

from __future__ import annotations

import os
import re

from aim_tui.inputs.existing_path import existing_path

_URL = re.compile(r"(?:[a-z][a-z0-9+.-]*://|data:)", re.IGNORECASE)


class PathError(Exception):
    """A text that cannot be the path of a local file; the message says why."""


def locate_image(text: str, folder: str) -> str:
    """Resolve a path: absolute, or relative to the manifest's folder, or else to the working folder.

    A path that leads out of the manifest's folder ('../x.png') is resolved against that folder only. Raises PathError.
    """
    if "\0" in text:
        raise PathError("the path contains a zero byte")
    if _URL.match(text):
        raise PathError("is a URL, not a file: fetch it first, then name the file")
    try:
        os.fsencode(text)
    except UnicodeEncodeError:
        raise PathError("the path contains an unpaired surrogate") from None
    if os.path.isabs(text):  # as text: any bytes
        return existing_path(text)
    in_folder = existing_path(os.path.normpath(os.path.join(folder, text)))
    if os.path.lexists(in_folder) or os.path.normpath(text).startswith(".."):
        return in_folder
    in_working_folder = existing_path(os.path.abspath(text))
    return in_working_folder if os.path.lexists(in_working_folder) else in_folder

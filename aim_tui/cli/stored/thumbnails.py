"""Thumbnails for a report, read by the same policy as the images of the run."""

from __future__ import annotations

import io
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from aim_tui.core.scoring.jobs import ReadingPolicy
from aim_tui.exports.html import Thumbnail
from aim_tui.exports.ordering import ranked
from aim_tui.inputs.images import ImageError, read_image
from aim_tui.store.records import Run

#: A page with more pictures than this is slow to open and too large to send.
MOST = 1000
# Twice the size at which the page shows them, for dense screens.
_BOX = (160, 160)


def thumbnails(run: Run, most: int = MOST) -> Thumbnail:
    """The thumbnail of a path: of the `most` best images and the reference; None for other images.

    Also None for a file that has changed since it was scored: the score would not be its own.
    """
    scored = {row.path: row.facts.sha256 for _, row in ranked(run.results) if row.facts is not None}
    wanted = dict(list(scored.items())[:most])
    if most and run.request.context.reference:
        wanted[run.request.context.reference] = run.request.reference_sha256
    policy = _policy(run)
    with ThreadPoolExecutor(thread_name_prefix="thumbnails") as pool:
        made = pool.map(lambda path: _picture(path, wanted[path], policy), wanted)
        pictures: Mapping[str, bytes | None] = dict(zip(wanted, made, strict=True))
    return pictures.get


def _policy(run: Run) -> ReadingPolicy:
    settings = run.request.settings
    return replace(
        ReadingPolicy(),
        exif="ignore" if settings.get("exif") == "ignore" else "rotate",
        background=str(settings.get("background") or "white"),
    )


def _picture(path: str, sha256: str, policy: ReadingPolicy) -> bytes | None:
    try:
        image = read_image(path, policy)
    except (ImageError, ValueError):
        return None
    if sha256 and image.facts.sha256 != sha256:
        return None
    image.pixels.thumbnail(_BOX)
    stream = io.BytesIO()
    image.pixels.save(stream, "JPEG", quality=80, optimize=True)
    return stream.getvalue()

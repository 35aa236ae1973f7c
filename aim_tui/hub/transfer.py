"""One file over HTTP: continued where it stopped, checked as it arrives, in place only when whole.

The hub library cannot continue a download that an earlier process left (it gives each a new temporary name and
deletes it on failure), and a captioner is 15 GB in two files. So the bytes are fetched here.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aim_tui.hub import http
from aim_tui.hub.checksums import new_digest
from aim_tui.hub.errors import ChecksumError, FetchCancelledError, TransferError
from aim_tui.hub.inventory import PART_SUFFIX

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path
    from types import TracebackType
    from typing import Any

_ATTEMPTS = 5
_PAUSE_S = 1.0
# Statuses that say "later" rather than "no".
_TRANSIENT = frozenset({408, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Download:
    """A file to fetch and what is known of it."""

    name: str
    url: str
    target: Path
    size: int
    checksum: str
    """As `weights.new_digest` reads it; '' if the server tells none."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """May hold the access token, so they are kept out of every text."""

    @property
    def part(self) -> Path:
        """Where the bytes gather until the file is whole."""
        return self.target.with_name(self.target.name + PART_SUFFIX)

    @property
    def on_disk(self) -> int:
        """How many bytes are here already, in part or whole."""
        place = self.target if self.target.is_file() else self.part
        return place.stat().st_size if place.is_file() else 0


class _Part:
    """The growing file and the digest of what it holds."""

    def __init__(self, download: Download) -> None:
        self._download = download
        self._file = download.part.open("a+b")
        self.restart_digest()

    def __enter__(self) -> _Part:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def restart_digest(self) -> None:
        self._digest = new_digest(self._download.checksum, self._download.size)
        self.size = 0
        self._file.seek(0)
        while chunk := self._file.read(1 << 20):
            self._digest.update(chunk)
            self.size += len(chunk)

    def clear(self) -> None:
        self._file.truncate(0)
        self.restart_digest()

    def append(self, chunk: bytes) -> None:
        self._file.write(chunk)
        self._digest.update(chunk)
        self.size += len(chunk)

    def is_right(self) -> bool:
        return self._digest.hexdigest().startswith(self._download.checksum)


def transfer(download: Download, on_size: Callable[[int], None], cancelled: Callable[[], bool]) -> None:
    """Fetch a file to its target, continuing what is there.

    `on_size` hears the number of bytes of this file that are on disk; it can fall, when a server starts again from
    the beginning. Raises FetchCancelledError, TransferError, OSError, or the hub library's errors.
    """
    download.part.parent.mkdir(parents=True, exist_ok=True)
    # Reading what is here takes a while for a large file: say first where things stand.
    on_size(download.on_disk)
    with _Part(download) as part:
        if part.size > download.size:
            part.clear()
        on_size(part.size)
        _fill(part, download, on_size, cancelled)
        right = part.is_right()
    if not right:
        download.part.unlink()
        raise ChecksumError(f"{download.name} arrived damaged, its checksum is wrong")
    download.part.replace(download.target)


def _fill(part: _Part, download: Download, on_size: Callable[[int], None], cancelled: Callable[[], bool]) -> None:
    """Ask for what is missing until all is there; a broken connection is taken up again some times."""
    from huggingface_hub.errors import HfHubHTTPError

    failures = 0
    while part.size < download.size:
        before = part.size
        try:
            _stream(part, download, on_size, cancelled)
            problem: Exception = TransferError(f"the server sent too little of {download.name}")
        except HfHubHTTPError as error:
            if error.response.status_code not in _TRANSIENT:
                raise
            problem = error
        except http.http_error() as error:
            problem = error
        if part.size >= download.size:
            break
        failures = 1 if part.size > before else failures + 1
        if failures >= _ATTEMPTS:
            raise problem
        time.sleep(_PAUSE_S * failures)
    if part.size > download.size:
        part.clear()
        raise TransferError(f"the server sent too much of {download.name}")


def _stream(part: _Part, download: Download, on_size: Callable[[int], None], cancelled: Callable[[], bool]) -> None:
    # Compressed bytes could not be continued, and would not be the bytes that the size counts.
    headers = {**download.headers, "Accept-Encoding": "identity"}
    if part.size:
        headers["Range"] = f"bytes={part.size}-"
    with http.stream(download.url, headers) as response:
        if response.status_code == 416:
            part.clear()
            return
        http.raise_for_status(response)
        if part.size and not _continues(response, part.size):
            part.clear()
        for chunk in http.chunks(response):
            if cancelled():
                raise FetchCancelledError(
                    f"stopped while fetching {download.name}", "fetch again to continue where it stopped"
                )
            part.append(chunk)
            on_size(part.size)


def _continues(response: Any, start: int) -> bool:
    """Whether a server goes on where it was asked to; many answer with the whole file."""
    return response.status_code == 206 and str(response.headers.get("Content-Range", "")).startswith(f"bytes {start}-")

"""Download one file over HTTP: resumable, verified as it arrives, moved into place when complete.

The hub library cannot resume a download of an earlier process (it uses a new temporary name and deletes the file on
failure), and a captioner is 15 GB in two files. So files are downloaded here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from aim_tui.hub import http
from aim_tui.hub.checksums import new_digest
from aim_tui.hub.errors import ChecksumError, FetchCancelledError, TransferError
from aim_tui.hub.inventory import PART_SUFFIX

_ATTEMPTS = 5
_PAUSE_S = 1.0
# Statuses after which a retry makes sense.
_TRANSIENT = frozenset({408, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Download:
    """A file to fetch."""

    name: str
    url: str
    target: Path
    size: int
    checksum: str
    """For `checksums.new_digest`; '' if the server reports none."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """May contain the access token, so they are kept out of the repr."""

    @property
    def part(self) -> Path:
        """The temporary file that holds the bytes until the file is complete."""
        return self.target.with_name(self.target.name + PART_SUFFIX)

    @property
    def on_disk(self) -> int:
        """The number of bytes that are already here."""
        file = self.target if self.target.is_file() else self.part
        return file.stat().st_size if file.is_file() else 0


class _PartialFile:
    """The partly downloaded file and the digest of its content."""

    def __init__(self, download: Download) -> None:
        self._download = download
        self._file = download.part.open("a+b")
        self.restart_digest()

    def __enter__(self) -> _PartialFile:
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

    def is_intact(self) -> bool:
        return self._digest.hexdigest().startswith(self._download.checksum)


def transfer(download: Download, on_size: Callable[[int], None], cancelled: Callable[[], bool]) -> None:
    """Fetch a file to its target, resuming a partial download.

    `on_size` is called with the number of bytes on disk, which falls if the server starts again from the beginning.
    Raises FetchCancelledError, TransferError, OSError, or the hub library's errors.
    """
    download.part.parent.mkdir(parents=True, exist_ok=True)
    # Reading a large partial file takes a while: report its size first.
    on_size(download.on_disk)
    with _PartialFile(download) as part:
        if part.size > download.size:
            part.clear()
        on_size(part.size)
        _complete(part, download, on_size, cancelled)
        intact = part.is_intact()
    if not intact:
        download.part.unlink()
        raise ChecksumError(f"{download.name} arrived damaged: its checksum is wrong")
    download.part.replace(download.target)


def _complete(
    part: _PartialFile, download: Download, on_size: Callable[[int], None], cancelled: Callable[[], bool]
) -> None:
    """Fetch the missing bytes, retrying after lost connections."""
    from huggingface_hub.errors import HfHubHTTPError

    failures = 0
    while part.size < download.size:
        size_before = part.size
        try:
            _stream(part, download, on_size, cancelled)
            problem: Exception = TransferError(f"the server sent too few bytes of {download.name}")
        except HfHubHTTPError as error:
            if error.response.status_code not in _TRANSIENT:
                raise
            problem = error
        except http.http_error() as error:
            problem = error
        if part.size >= download.size:
            break
        failures = 1 if part.size > size_before else failures + 1
        if failures >= _ATTEMPTS:
            raise problem
        time.sleep(_PAUSE_S * failures)
    if part.size > download.size:
        part.clear()
        raise TransferError(f"the server sent too many bytes of {download.name}")


def _stream(
    part: _PartialFile, download: Download, on_size: Callable[[int], None], cancelled: Callable[[], bool]
) -> None:
    # A compressed body could not be resumed, and its size would not match.
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
                raise FetchCancelledError(f"stopped while fetching {download.name}", "fetch again to resume")
            part.append(chunk)
            on_size(part.size)


def _continues(response: Any, start: int) -> bool:
    """Whether the server resumes at this byte; many send the whole file again."""
    return response.status_code == 206 and str(response.headers.get("Content-Range", "")).startswith(f"bytes {start}-")

"""The HTTP client of huggingface_hub, which handles proxies, certificates and offline mode.

It is httpx or httpx2, depending on the version, so no other module names it. The functions used here are documented as
public, though the library's stubs do not export them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

TIMEOUT_S = 10.0
"""How long to wait for a silent server."""


def stream(url: str, headers: dict[str, str]) -> AbstractContextManager[Any]:
    """An open GET request, body unread; a redirect to another host loses the token."""
    from huggingface_hub.utils import get_session  # type: ignore[attr-defined]

    response: AbstractContextManager[Any] = get_session().stream("GET", url, headers=headers, timeout=TIMEOUT_S)
    return response


def size_of(url: str) -> int | None:
    """The size in bytes that a server reports for a URL, if it does; raises the library's errors."""
    from huggingface_hub.utils import get_session  # type: ignore[attr-defined]

    response = get_session().head(url, headers={"Accept-Encoding": "identity"}, timeout=TIMEOUT_S)
    raise_for_status(response)
    length = response.headers.get("Content-Length", "")
    return int(length) if length.isdigit() else None


def raise_for_status(response: Any) -> None:
    """Raise the library's most specific error for a status of 400 and above."""
    from huggingface_hub.utils import hf_raise_for_status  # type: ignore[attr-defined]

    hf_raise_for_status(response)


def hub_headers(token: str | None) -> dict[str, str]:
    """The headers for requests to the hub: user agent and token; for None, the token of a stored login."""
    from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]

    headers: dict[str, str] = build_hf_headers(token=token, library_name="aim-tui")
    return headers


def http_error() -> type[Exception]:
    """The base class of all connection errors."""
    from huggingface_hub.errors import HTTPError  # type: ignore[attr-defined]

    base: type[Exception] = HTTPError
    return base


def chunks(response: Any) -> Iterator[bytes]:
    """The body as it arrives.

    Without a chunk size: the library would buffer chunks of that size and lose the last one with the connection.
    """
    pieces: Iterator[bytes] = response.iter_bytes()
    return pieces

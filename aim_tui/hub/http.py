"""The hub library's HTTP client, under names of our own.

It knows proxies, certificates and offline mode, and it is httpx or httpx2 by version: nothing here says which. The
functions are documented as public, though the library's stubs do not export them by name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

TIMEOUT_S = 10.0
"""How long a server may stay silent."""


def stream(url: str, headers: dict[str, str]) -> AbstractContextManager[Any]:
    """An open GET request, body unread; a redirect to another host loses the token."""
    from huggingface_hub.utils import get_session  # type: ignore[attr-defined]

    opened: AbstractContextManager[Any] = get_session().stream("GET", url, headers=headers, timeout=TIMEOUT_S)
    return opened


def size_of(url: str) -> int | None:
    """The size in bytes that a server tells for an address; raises the library's errors."""
    from huggingface_hub.utils import get_session  # type: ignore[attr-defined]

    response = get_session().head(url, headers={"Accept-Encoding": "identity"}, timeout=TIMEOUT_S)
    raise_for_status(response)
    told = response.headers.get("Content-Length", "")
    return int(told) if told.isdigit() else None


def raise_for_status(response: Any) -> None:
    """Raise the library's error for a status of 400 and above, as exact as it can tell."""
    from huggingface_hub.utils import hf_raise_for_status  # type: ignore[attr-defined]

    hf_raise_for_status(response)


def hub_headers(token: str | None) -> dict[str, str]:
    """The headers for requests to the hub: the token, that of a stored login if it is None, and who is asking."""
    from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]

    headers: dict[str, str] = build_hf_headers(token=token, library_name="aim-tui")
    return headers


def http_error() -> type[Exception]:
    """The ancestor of all that goes wrong on the wire."""
    from huggingface_hub.errors import HTTPError  # type: ignore[attr-defined]

    ancestor: type[Exception] = HTTPError
    return ancestor


def chunks(response: Any) -> Iterator[bytes]:
    """The body as it arrives.

    No piece size is asked for: the library would gather pieces of that size and lose the last one with the connection.
    """
    pieces: Iterator[bytes] = response.iter_bytes()
    return pieces

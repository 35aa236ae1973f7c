"""Queries by many keys at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterator

# SQLite takes 32,766 parameters; parsing more of them in one statement gains nothing.
_KEYS_AT_ONCE = 10_000


def select_in(
    connection: sqlite3.Connection, statement: str, parameters: tuple[Any, ...], keys: Collection[Any]
) -> Iterator[tuple[Any, ...]]:
    """The rows of a statement that ends in 'IN', for keys of which there may be a hundred thousand."""
    remaining = list(keys)
    for start in range(0, len(remaining), _KEYS_AT_ONCE):
        chunk = remaining[start : start + _KEYS_AT_ONCE]
        yield from connection.execute(f"{statement} ({','.join('?' * len(chunk))})", (*parameters, *chunk))

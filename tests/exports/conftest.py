"""The store that the exported runs come from."""

from tests.store.conftest import database, path

__all__ = ["database", "path"]

"""The cosines of images with texts as content to export."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aim_tui.core.embeddings.gallery import ImageEmbeddings, Vectors
from aim_tui.core.text import path_fields, portable_path
from aim_tui.exports.content import Arrays, Recorded, Tabled
from aim_tui.exports.tables import Part


@dataclass(frozen=True)
class Matrix(Arrays, Tabled, Recorded[int]):
    """Rows are images, columns are texts."""

    gallery: ImageEmbeddings
    texts: Sequence[str]
    cosines: Vectors
    head: Mapping[str, Any]
    table: Callable[[], Sequence[Part]] = tuple

    def parts(self) -> Sequence[Part]:
        """The table for people."""
        return self.table()

    def rows(self) -> range:
        """The images."""
        return range(len(self.gallery.paths))

    def document(self) -> dict[str, Any]:
        """The models and texts, and a record for each image."""
        return {**self.head, "results": list(map(self._record, self.rows()))}

    def record(self, row: int) -> dict[str, Any]:
        """An image with its cosines, and the head."""
        return {**self._record(row), **{name: value for name, value in self.head.items() if name != "left_out"}}

    def columns(self) -> list[str]:
        """The path, and every text."""
        return ["path", *self.texts]

    def lines(self, row: int) -> list[list[Any]]:
        """One line per image."""
        return [[portable_path(self.gallery.paths[row]), *map(float, self.cosines[row])]]

    def arrays(self) -> tuple[dict[str, Vectors], dict[str, Sequence[str]], Mapping[str, Any]]:
        """The cosines, and their paths and texts."""
        names = {"paths": self.gallery.paths, "sha256": self.gallery.sha256s, "texts": self.texts}
        return {"cosines": self.cosines}, names, self.head

    def _record(self, row: int) -> dict[str, Any]:
        cosines = list(map(float, self.cosines[row]))
        return {**path_fields(self.gallery.paths[row]), "sha256": self.gallery.sha256s[row], "cosines": cosines}

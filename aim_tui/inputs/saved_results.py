"""Read the JSON results that `aim-tui categories`, `classify` and `matrix` write.

A file is decoded into records whose fields are checked; a wrong one is refused with its row, so that nothing behind
this module meets a value that the commands never write.
"""

from __future__ import annotations

import base64
import math
import os
from array import array
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from aim_tui.core.embeddings.saved_results import CategoriesFound, ClassesFound, ClassifiedImage, Findings, MatrixFound
from aim_tui.core.embeddings.similarity_matrix import Cosines
from aim_tui.core.text import printable
from aim_tui.documents import parse_json, read_text
from aim_tui.errors import UsageError

if TYPE_CHECKING:
    from aim_tui.core.embeddings.categories import ScoredImage

_LONGEST_PATH = 4096
# The cosine of a vector with itself, rounded.
_ONE = 1 + 1e-5


class _Path(msgspec.Struct, kw_only=True):
    path: str
    path_bytes: str | None = None

    def __post_init__(self) -> None:
        if "\0" in self.path or len(self.exact) > _LONGEST_PATH:
            raise ValueError("path is too long" if "\0" not in self.path else "path contains a zero byte")

    @property
    def exact(self) -> str:
        """The path with the bytes that are not UTF-8."""
        if self.path_bytes is None:
            return self.path
        return os.fsdecode(base64.b64decode(self.path_bytes, validate=True))


class _Guess(msgspec.Struct, kw_only=True):
    label: str
    probability: float

    def __post_init__(self) -> None:
        _check("probability", self.probability, 0, _ONE)


class _Classified(_Path, kw_only=True):
    top: list[_Guess]
    truth: str | None = None
    right: bool | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.top:
            raise ValueError("top has no label")
        if self.right is not None and self.truth is None:
            raise ValueError("right is given without truth")


class _Average(msgspec.Struct, kw_only=True):
    precision: float
    recall: float
    f1: float

    def __post_init__(self) -> None:
        for name in ("precision", "recall", "f1"):
            _check(name, getattr(self, name), 0, _ONE)


class _LabelScore(msgspec.Struct, kw_only=True):
    label: str
    support: int
    given: int
    precision: float | None
    recall: float | None
    f1: float | None

    def __post_init__(self) -> None:
        for name in ("support", "given", "precision", "recall", "f1"):
            if (value := getattr(self, name)) is not None:
                _check(name, value, 0, math.inf if name in ("support", "given") else _ONE)


class _Confusion(msgspec.Struct, kw_only=True):
    labels: list[str]
    rows_true_columns_given: list[list[int]]

    def __post_init__(self) -> None:
        count = len(self.labels)
        if len(self.rows_true_columns_given) != count or any(len(row) != count for row in self.rows_true_columns_given):
            raise ValueError("rows_true_columns_given does not have a row and a column for each label")
        if any(value < 0 for row in self.rows_true_columns_given for value in row):
            raise ValueError("rows_true_columns_given has a negative count")


class _Report(msgspec.Struct, kw_only=True):
    n: int
    right: int
    macro: _Average
    weighted: _Average
    by_label: list[_LabelScore]
    confusion: _Confusion

    def __post_init__(self) -> None:
        if not 0 <= self.right <= self.n or not self.n:
            raise ValueError(f"right is {self.right} of n = {self.n}")
        if [score.label for score in self.by_label] != self.confusion.labels:
            raise ValueError("by_label and confusion have different labels")


class _Truth(msgspec.Struct, kw_only=True):
    report: _Report | None = None


class _Document(msgspec.Struct, kw_only=True):
    model: str
    left_out: list[Any]
    notice: str | None = None


class _Classes(_Document, kw_only=True):
    labels: list[str]
    probabilities: str
    results: list[_Classified]
    truth: _Truth | None = None

    def __post_init__(self) -> None:
        labels = set(self.labels)
        for number, row in enumerate(self.results):
            if unknown := next((guess.label for guess in row.top if guess.label not in labels), None):
                raise ValueError(f"results[{number}].top names {unknown!r}, which is not in labels")


class _CategoryRow(msgspec.Struct, kw_only=True):
    category: str
    prompt: str


class _CategoryImage(_Path, kw_only=True):
    category: str
    clip_score: float | None
    reason: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.clip_score is not None:
            _check("clip_score", self.clip_score, -_ONE, _ONE)


class _CategoryDocument(_Document, kw_only=True):
    root: _Path
    categories: list[_CategoryRow]
    images: list[_CategoryImage]

    def __post_init__(self) -> None:
        names = [row.category for row in self.categories]
        if len(set(names)) < len(names):
            raise ValueError("categories has a category more than once")
        for number, row in enumerate(self.images):
            if row.category not in names:
                raise ValueError(f"images[{number}].category is {row.category!r}, which is not in categories")


class _MatrixRow(_Path, kw_only=True):
    cosines: list[float]


class _MatrixDocument(_Document, kw_only=True):
    texts: list[str]
    results: list[_MatrixRow]

    def __post_init__(self) -> None:
        if not self.texts:
            raise ValueError("texts is empty")
        for number, row in enumerate(self.results):
            if len(row.cosines) != len(self.texts):
                raise ValueError(f"results[{number}] has {len(row.cosines)} cosines for {len(self.texts)} texts")
            if not all(map(math.isfinite, row.cosines)):
                raise ValueError(f"results[{number}].cosines has a value that is not a finite number")


def read_findings(path: str | Path) -> Findings:
    """Read a saved result; UsageError names the field and the row if the file is not one."""
    data = parse_json(path, read_text(Path(path)))
    keys = data.keys() if isinstance(data, dict) else ()
    if "categories" in keys and "root" in keys:
        return _categories(_convert(path, data, _CategoryDocument))
    if "labels" in keys and "results" in keys:
        return _classes(_convert(path, data, _Classes))
    if "texts" in keys and "results" in keys:
        return _matrix(_convert(path, data, _MatrixDocument), Path(path).parent)
    raise UsageError(
        f"{printable(str(path))} has no categories, labels or matrix",
        "create it, for example: aim-tui categories ... -o FILE.json",
    )


_Kind = TypeVar("_Kind", bound=_Document)


def _convert(path: str | Path, data: Any, kind: type[_Kind]) -> _Kind:
    try:
        return msgspec.convert(data, kind)
    except (msgspec.ValidationError, ValueError, RecursionError, OverflowError) as error:
        problem, _, where = str(error).partition(" - at `$")
        at = where.rstrip("`").lstrip(".")
        raise UsageError(
            f"{printable(str(path))} is damaged or was edited: {f'{printable(at)}: ' if at else ''}{printable(problem)}"
        ) from None


def _check(name: str, value: float, low: float, high: float) -> None:
    """ValueError for a number that is not finite or is out of range."""
    if not math.isfinite(value):
        raise ValueError(f"{name} is not a finite number")
    if not low <= value <= high:
        raise ValueError(f"{name} is {value:g}, outside {math.floor(low + 0.5)} to {math.floor(high + 0.5):g}")


# Imported late: categories and labels need numpy, a matrix does not.


def _categories(data: _CategoryDocument) -> CategoriesFound:
    from aim_tui.core.embeddings.categories import Categories, Category, ScoredImage

    images: dict[str, list[ScoredImage]] = {}
    failures: dict[str, list[tuple[str, str]]] = {}
    for row in data.images:
        if row.clip_score is None:
            failures.setdefault(row.category, []).append((row.exact, row.reason or "no reason is given"))
        else:
            images.setdefault(row.category, []).append(ScoredImage(row.exact, row.clip_score))
    categories = tuple(
        Category(row.category, row.prompt, tuple(images.get(row.category, ())), tuple(failures.get(row.category, ())))
        for row in sorted(data.categories, key=lambda row: row.category)
    )
    return CategoriesFound(data.root.exact, Categories(categories), data.model, len(data.left_out), data.notice or "")


def _classes(data: _Classes) -> ClassesFound:
    from aim_tui.core.embeddings.confusion import agreement_from
    from aim_tui.core.embeddings.zero_shot import Guess

    images = tuple(
        ClassifiedImage(
            row.exact, tuple(Guess(guess.label, guess.probability) for guess in row.top), row.truth, row.right
        )
        for row in data.results
    )
    report = data.truth.report if data.truth is not None else None
    return ClassesFound(
        images,
        tuple(data.labels),
        data.model,
        data.probabilities,
        len(data.left_out),
        agreement_from(msgspec.to_builtins(report)) if report is not None else None,
        data.notice or "",
    )


def _matrix(data: _MatrixDocument, folder: Path) -> MatrixFound:
    values = array("d")
    for row in data.results:
        values.extend(row.cosines)
    return MatrixFound(
        _absolute_paths([row.exact for row in data.results], folder),
        tuple(data.texts),
        Cosines(values, len(data.texts)),
        data.model,
        len(data.left_out),
        data.notice or "",
    )


def _absolute_paths(paths: Sequence[str], folder: Path) -> tuple[str, ...]:
    """Resolve paths against the working folder, or against `folder` if the first relative one exists only there."""
    relative = next((path for path in paths if not path.startswith("/")), None)
    if relative is None:
        return tuple(paths)
    root = folder if not os.path.exists(relative) and os.path.exists(folder / relative) else Path()
    folder_of = cache(lambda folder: str(root.absolute() / folder))
    heads = ((path, *os.path.split(path)) for path in paths)
    return tuple(path if path.startswith("/") else f"{folder_of(head)}/{name}" for path, head, name in heads)

"""Read the JSON results that `aim-tui categories`, `classify` and `matrix` write."""

from __future__ import annotations

import base64
import json
import math
import os
from array import array
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aim_tui.core.embeddings.saved_results import CategoriesFound, ClassesFound, ClassifiedImage, Findings, MatrixFound
from aim_tui.core.embeddings.similarity_matrix import Cosines
from aim_tui.core.text import printable
from aim_tui.errors import UsageError
from aim_tui.inputs.tables import MOST_BYTES

if TYPE_CHECKING:
    from aim_tui.core.embeddings.categories import ScoredImage


def read_findings(path: str | Path) -> Findings:
    """Read a saved result; UsageError if the file is not one."""
    name = printable(str(path))
    try:
        if Path(path).stat().st_size > MOST_BYTES:
            raise UsageError(f"{name} is too large; the limit is {MOST_BYTES:,} bytes")
        data = json.loads(Path(path).read_bytes())
    except OSError as error:
        raise UsageError(f"cannot read {name}: {error.strerror or error}") from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{name} is not valid JSON: {printable(str(error))}") from None
    try:
        if "categories" in data and "root" in data:
            return _categories(data)
        if "labels" in data and "results" in data:
            return _classes(data)
        if "texts" in data and "results" in data:
            return _matrix(data, Path(path).parent)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise UsageError(f"{name} is damaged or was edited: {printable(str(error))}") from None
    raise UsageError(
        f"{name} has no categories, labels or matrix", "create it, for example: aim-tui categories ... -o FILE.json"
    )


# Imported late: categories and labels need numpy, a matrix does not.


def _categories(data: Mapping[str, Any]) -> CategoriesFound:
    from aim_tui.core.embeddings.categories import Categories, Category, ScoredImage

    images: dict[str, list[ScoredImage]] = {}
    failures: dict[str, list[tuple[str, str]]] = {}
    for row in data["images"]:
        score = row["clip_score"]
        if score is None:
            failures.setdefault(row["category"], []).append((_path(row), str(row["reason"])))
        else:
            images.setdefault(row["category"], []).append(ScoredImage(_path(row), float(score)))
    categories = tuple(
        Category(
            str(row["category"]),
            str(row["prompt"]),
            tuple(images.get(row["category"], ())),
            tuple(failures.get(row["category"], ())),
        )
        for row in sorted(data["categories"], key=lambda row: str(row["category"]))
    )
    return CategoriesFound(
        _path(data["root"]),
        Categories(categories),
        str(data["model"]),
        len(data["left_out"]),
        str(data.get("notice", "")),
    )


def _classes(data: Mapping[str, Any]) -> ClassesFound:
    from aim_tui.core.embeddings.confusion import agreement_from
    from aim_tui.core.embeddings.zero_shot import Guess

    images = tuple(
        ClassifiedImage(
            _path(row),
            tuple(Guess(str(guess["label"]), float(guess["probability"])) for guess in row["top"]),
            row.get("truth"),
            row.get("right"),
        )
        for row in data["results"]
    )
    if any(not image.top for image in images):
        raise ValueError("an image has no label")
    report = (data.get("truth") or {}).get("report")
    return ClassesFound(
        images,
        tuple(map(str, data["labels"])),
        str(data["model"]),
        str(data["probabilities"]),
        len(data["left_out"]),
        agreement_from(report) if report is not None else None,
        str(data.get("notice", "")),
    )


def _matrix(data: Mapping[str, Any], folder: Path) -> MatrixFound:
    texts = tuple(map(str, data["texts"]))
    values = array("d")
    for row in data["results"]:
        numbers = row["cosines"]
        if len(numbers) != len(texts):
            raise ValueError(f"{row['path']} has {len(numbers)} cosines for {len(texts)} texts")
        values.extend(numbers)
    if not texts or not all(map(math.isfinite, values)):
        raise ValueError("a cosine is not a number" if texts else "it has no texts")
    return MatrixFound(
        _absolute_paths([_path(row) for row in data["results"]], folder),
        texts,
        Cosines(values, len(texts)),
        str(data["model"]),
        len(data["left_out"]),
        str(data.get("notice", "")),
    )


def _absolute_paths(paths: Sequence[str], folder: Path) -> tuple[str, ...]:
    """Resolve paths against the working folder, or against `folder` if the first relative one exists only there."""
    relative = next((path for path in paths if not path.startswith("/")), None)
    if relative is None:
        return tuple(paths)
    root = folder if not Path(relative).exists() and (folder / relative).exists() else Path()
    folder_of = cache(lambda folder: str(root.absolute() / folder))
    heads = ((path, *os.path.split(path)) for path in paths)
    return tuple(path if path.startswith("/") else f"{folder_of(head)}/{name}" for path, head, name in heads)


def _path(row: Mapping[str, Any]) -> str:
    """The exact path: `path_bytes`, if present, has the bytes that are not UTF-8."""
    raw = row.get("path_bytes")
    return str(row["path"]) if raw is None else os.fsdecode(base64.b64decode(raw, validate=True))

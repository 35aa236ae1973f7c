"""What `aim-tui categories`, `classify` and `matrix` have written as JSON, read again."""

from __future__ import annotations

import base64
import json
import math
import os
from array import array
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aim_tui.core.embeddings.saved_results import CategoriesFound, ClassesFound, ClassifiedImage, MatrixFound
from aim_tui.core.embeddings.similarity_matrix import Cosines
from aim_tui.core.text import printable
from aim_tui.errors import UsageError
from aim_tui.inputs.tables import MOST_BYTES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aim_tui.core.embeddings.categories import ScoredImage
    from aim_tui.core.embeddings.saved_results import Findings


def read_findings(path: str | Path) -> Findings:
    """Read a result; UsageError says why that is none."""
    name = printable(str(path))
    try:
        if Path(path).stat().st_size > MOST_BYTES:
            raise UsageError(f"{name} has more than {MOST_BYTES:,} bytes, which are not read")
        data = json.loads(Path(path).read_bytes())
    except OSError as error:
        raise UsageError(f"cannot read {name}: {error.strerror or error}") from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{name} is no JSON: {printable(str(error))}") from None
    try:
        if "categories" in data and "root" in data:
            return _categories(data)
        if "labels" in data and "results" in data:
            return _classes(data)
        if "texts" in data and "results" in data:
            return _matrix(data, Path(path).parent)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise UsageError(f"{name} is not as it was written: {printable(str(error))}") from None
    raise UsageError(f"{name} holds no categories, labels or matrix", "make it: aim-tui categories ... -o FILE.json")


# Categories and labels need numpy, which a matrix does without.


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
    made = tuple(
        Category(
            str(one["category"]),
            str(one["prompt"]),
            tuple(images.get(one["category"], ())),
            tuple(failures.get(one["category"], ())),
        )
        for one in sorted(data["categories"], key=lambda one: str(one["category"]))
    )
    return CategoriesFound(
        _path(data["root"]), Categories(made), str(data["model"]), len(data["left_out"]), str(data.get("notice", ""))
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


def _matrix(data: Mapping[str, Any], beside: Path) -> MatrixFound:
    texts = tuple(map(str, data["texts"]))
    values = array("d")
    for row in data["results"]:
        numbers = row["cosines"]
        if len(numbers) != len(texts):
            raise ValueError(f"{row['path']} has {len(numbers)} cosines for {len(texts)} texts")
        values.extend(numbers)
    if not texts or not all(map(math.isfinite, values)):
        raise ValueError("a cosine is no number" if texts else "there is no text")
    return MatrixFound(
        _placed([_path(row) for row in data["results"]], beside),
        texts,
        Cosines(values, len(texts)),
        str(data["model"]),
        len(data["left_out"]),
        str(data.get("notice", "")),
    )


def _placed(paths: Sequence[str], beside: Path) -> tuple[str, ...]:
    """Relative paths from where the program runs on, or from the file on where the first of them is there alone."""
    relative = next((path for path in paths if not path.startswith("/")), None)
    if relative is None:
        return tuple(paths)
    root = beside if not Path(relative).exists() and (beside / relative).exists() else Path()
    folder_of = cache(lambda folder: str(root.absolute() / folder))
    heads = ((path, *os.path.split(path)) for path in paths)
    return tuple(path if path.startswith("/") else f"{folder_of(head)}/{name}" for path, head, name in heads)


def _path(row: Mapping[str, Any]) -> str:
    """The path, to the byte."""
    raw = row.get("path_bytes")
    return str(row["path"]) if raw is None else os.fsdecode(base64.b64decode(raw, validate=True))

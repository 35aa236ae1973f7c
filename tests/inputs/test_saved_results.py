"""A saved result is decoded into checked records: whatever was altered is refused with its field and its row."""

from __future__ import annotations

import copy
import json
import random
from pathlib import Path
from typing import Any

import pytest

from aim_tui.errors import UsageError
from aim_tui.inputs.saved_results import read_findings

REPORT = {
    "n": 1, "right": 1,
    "macro": {"precision": 1.0, "recall": 1.0, "f1": 1.0}, "weighted": {"precision": 1.0, "recall": 1.0, "f1": 1.0},
    "by_label": [{"label": "a", "support": 1, "given": 1, "precision": 1.0, "recall": None, "f1": 1.0}],
    "confusion": {"labels": ["a"], "rows_true_columns_given": [[1]]},
}  # fmt: skip
ROW = {"path": "1.png", "top": [{"label": "a", "probability": 0.9}], "truth": "a", "right": True}
CLASSES = {
    "labels": ["a", "b"], "model": "m", "probabilities": "softmax", "left_out": [], "results": [ROW],
    "truth": {"report": REPORT},
}  # fmt: skip
CATEGORIES = {
    "root": {"path": "/x"}, "model": "m", "left_out": [], "categories": [{"category": "a", "prompt": "p"}],
    "images": [
        {"category": "a", "path": "1.png", "clip_score": 0.2},
        {"category": "a", "path": "2.png", "clip_score": None, "reason": "is empty"},
    ],
}  # fmt: skip
MATRIX = {
    "texts": ["t", "u"], "model": "m", "left_out": [], "results": [{"path": "1.png", "cosines": [0.1, 0.2]}],
}  # fmt: skip


def altered(document: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    changed = copy.deepcopy(document)
    inner: Any = changed
    *outer, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    for part in outer:
        inner = inner[part]
    inner[last] = value
    return changed


def read(tmp_path: Path, document: Any) -> Any:
    path = tmp_path / "f.json"
    path.write_text(json.dumps(document))
    return read_findings(path)


@pytest.mark.parametrize("document", [CLASSES, CATEGORIES, MATRIX])
def test_what_the_commands_write_is_read(tmp_path: Path, document: dict[str, Any]) -> None:
    assert read(tmp_path, document).model == "m"


@pytest.mark.parametrize(
    ("document", "path", "value", "problem"),
    [
        (CLASSES, "results.0.top.0.probability", float("nan"), "results[0].top[0]: probability is not a finite number"),
        (CLASSES, "results.0.top.0.probability", 1.5, "results[0].top[0]: probability is 1.5, outside 0 to 1"),
        (CLASSES, "results.0.top.0.label", "z", "results[0].top names 'z', which is not in labels"),
        (CLASSES, "results.0.top", [], "results[0]: top has no label"),
        (CLASSES, "results.0.right", -1, "results[0].right: Expected `bool | null`, got `int`"),
        (CLASSES, "results.0.right", "yes", "results[0].right: Expected `bool | null`, got `str`"),
        (CLASSES, "results.0.truth", [1], "results[0].truth: Expected `str | null`, got `array`"),
        (CLASSES, "results.0.truth", None, "results[0]: right is given without truth"),
        (CLASSES, "results.0.path", "a\0b", "results[0]: path contains a zero byte"),
        (CLASSES, "results.0.path", "a" * 5_000, "results[0]: path is too long"),
        (CLASSES, "results.0.path_bytes", "%%", "results[0]: "),
        (CLASSES, "truth.report.right", 7, "truth.report: right is 7 of n = 1"),
        (CLASSES, "truth.report.n", 0, "truth.report: right is 1 of n = 0"),
        (CLASSES, "truth.report.macro.f1", float("inf"), "truth.report.macro: f1 is not a finite number"),
        (CLASSES, "truth.report.confusion.labels", ["b"], "truth.report: by_label and confusion have different labels"),
        (CLASSES, "truth.report.confusion.labels", [], "rows_true_columns_given does not have a row"),
        (CLASSES, "left_out", float("inf"), "left_out: Expected `array`, got `float`"),
        (CLASSES, "model", None, "model: Expected `str`, got `null`"),
        (CATEGORIES, "images.0.clip_score", float("nan"), "images[0]: clip_score is not a finite number"),
        (CATEGORIES, "images.0.category", "z", "images[0].category is 'z', which is not in categories"),
        (CATEGORIES, "images.1.reason", 5, "images[1].reason: Expected `str | null`, got `int`"),
        (CATEGORIES, "categories", [{"category": "a", "prompt": "p"}] * 2, "a category more than once"),
        (CATEGORIES, "root", 5, "root: Expected `object`, got `int`"),
        (MATRIX, "results.0.cosines", [0.1], "results[0] has 1 cosines for 2 texts"),
        (MATRIX, "results.0.cosines.1", float("nan"), "results[0].cosines has a value that is not a finite number"),
        (MATRIX, "texts", [], "texts is empty"),
    ],
)
def test_an_altered_value_is_refused_with_its_field_and_row(
    tmp_path: Path, document: dict[str, Any], path: str, value: Any, problem: str
) -> None:
    with pytest.raises(UsageError) as refused:
        read(tmp_path, altered(document, path, value))
    assert "f.json is damaged or was edited" in refused.value.message and problem in refused.value.message


VALUES = [None, float("nan"), -1, 10**400, "x", "", [], {}, [1], True, "\ud800", "a\0b", {"a": [{}]}, 1e308]


def places(value: Any, path: str = "") -> list[str]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = [path] if path else []
    return found + [place for key, inner in items for place in places(inner, f"{path}.{key}".lstrip("."))]


@pytest.mark.parametrize("document", [CLASSES, CATEGORIES, MATRIX])
def test_any_value_in_any_place_is_read_or_refused_never_more(tmp_path: Path, document: dict[str, Any]) -> None:
    chance = random.Random(0)
    for place in places(document):
        for value in chance.sample(VALUES, 6):
            try:
                read(tmp_path, altered(document, place, value))
            except UsageError as error:
                assert "f.json" in error.message

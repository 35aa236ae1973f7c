"""A metric or column that is registered once is listed and exported by the command line."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING

from aim_tui.core.metrics import registry
from aim_tui.core.scoring.columns import IMAGES, Column, Kind
from aim_tui.core.text import file_name
from aim_tui.settings import paths
from tests.core.metrics.test_registry import TOY

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from tests.cli.conftest import Outcome

    Cli = Callable[..., Outcome]

LETTERS = Column(
    "letters", "Letters", Kind.NUMBER, lambda row, view: len(file_name(row.path)), width=7, field="letters_in_name"
)


def test_a_new_metric_is_listed_with_its_models(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_registered", dict(registry._registered))
    registry.register(TOY, "a test")
    listed = json.loads(cli("metrics", "--json").out)["metrics"]
    assert listed[-1]["name"] == "toy"
    assert (listed[-1]["models"], listed[-1]["from"]) == ({"toy": "somebody/toy"}, "a test")
    assert "points out of ten" in cli("metrics", "toy").out


def test_a_metric_of_edits_is_refused_for_images_with_a_clear_message(cli: Cli) -> None:
    refused = cli("score", "image.png", "--metrics", "clip,edit_score")
    assert refused.code == 2
    assert "'edit_score' compares an edit with its source" in refused.err


def test_a_new_column_is_in_every_export_of_a_run(cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(IMAGES, "_columns", dict(IMAGES._columns))
    IMAGES.register(LETTERS)
    store = ("--store", str(tmp_path / "store.db"))
    image = str(min((paths.sample_data() / "generations").iterdir()))
    ran = cli("score", image, "--profile", "sample", "--prompt", "a cabin", "--metrics", "clip", "-f", "csv", *store)
    assert ran.code == 0, ran.err
    expected = str(len(Path(image).name))
    assert next(csv.DictReader(ran.out.splitlines()))["letters_in_name"] == expected

    def exported(format: str) -> str:
        return cli("runs", "export", "last", "-f", format, *store).out

    assert json.loads(exported("json"))["results"][0]["letters_in_name"] == int(expected)
    assert json.loads(exported("jsonl").splitlines()[0])["letters_in_name"] == int(expected)
    heading, _, line = (line for line in exported("markdown").splitlines() if line.startswith("|"))
    cells = dict(zip(heading.split(" | "), line.split(" | "), strict=True))
    assert cells["Letters"] == expected
    page = exported("html")
    assert ">Letters</button>" in page
    assert f'data-v="{expected}">{expected}</td>' in page

"""The registry of formats: the formats of a content follow from its class."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

import pytest

from aim_tui.core.scoring.context import Context
from aim_tui.core.scoring.events import Item
from aim_tui.core.scoring.results import Results
from aim_tui.errors import UsageError
from aim_tui.exports.agreement import AgreementFigure, AgreementReport
from aim_tui.exports.content import Records
from aim_tui.exports.edits import EditRecords, ScoredEdits
from aim_tui.exports.embeddings import Embeddings
from aim_tui.exports.formats import choose, export, file_endings, format_of, formats_for, get_format, register
from aim_tui.exports.formats.writer import Format
from aim_tui.exports.images import ImageRecords, Provenance, ScoredImages
from aim_tui.exports.matrix import Matrix
from aim_tui.exports.sink import Sink
from aim_tui.exports.stored_run import StoredRun
from aim_tui.ui.session.exports import path_problem
from tests.exports.toy_format import ToyWriter, register_toy
from tests.store.samples import request

if TYPE_CHECKING:
    from pathlib import Path

    from aim_tui.exports.content import Content

RECORDS = Records(
    {"made": "here", "left_out": ["b"]},
    "results",
    [{"path": "a", "n": 1}, {"path": '=b "\n', "n": None, "reason": "x"}],
)


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        (ScoredImages, "table csv json jsonl"),
        (ImageRecords, "csv json jsonl"),
        (StoredRun, "csv json jsonl parquet markdown html"),
        (ScoredEdits, "table csv json jsonl editclip"),
        (EditRecords, "csv json jsonl"),
        (Records, "table csv json jsonl"),
        (Matrix, "table csv json jsonl npz"),
        (Embeddings, "parquet npz safetensors"),
        (AgreementReport, "table json markdown"),
        (AgreementFigure, "png svg"),
    ],
)
def test_each_kind_of_thing_has_its_formats(kind: type[Content], names: str) -> None:
    assert [each.id for each in formats_for(kind)] == names.split()


def test_one_registration_is_offered_everywhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    toy = register_toy(monkeypatch)
    for kind in (ScoredImages, StoredRun, ScoredEdits, Records, Matrix):
        assert toy in formats_for(kind)
    assert toy not in formats_for(Embeddings, AgreementReport)
    assert path_problem(f"{tmp_path}/x.toy") == ""
    assert ".toy" in path_problem("x.txt")
    with pytest.raises(UsageError, match="did you mean 'toy'"):
        get_format("toi", Records)
    export(RECORDS, choose(None, tmp_path / "x.toy", Records), tmp_path / "x.toy")
    assert (tmp_path / "x.toy").read_text() == 'toy of path and n\na!\n=b "\n!\n'


def test_a_name_or_an_ending_is_of_one_format(monkeypatch: pytest.MonkeyPatch) -> None:
    register_toy(monkeypatch)
    for taken in (Format("toy", "Toy", ToyWriter), Format("other", "Other", ToyWriter, ("md",))):
        with pytest.raises(ValueError, match="already"):
            register(taken)


def test_records_are_the_same_in_every_data_format() -> None:
    assert json.loads(get_format("json", Records).writer(RECORDS, Sink()).render()) == {
        "made": "here", "left_out": ["b"], "results": RECORDS.records,
    }  # fmt: skip
    lines = [
        json.loads(line) for line in str(get_format("jsonl", Records).writer(RECORDS, Sink()).render()).splitlines()
    ]
    assert lines == [{**record, "made": "here"} for record in RECORDS.records]
    table = list(csv.reader(io.StringIO(str(get_format("csv", Records).writer(RECORDS, Sink()).render()))))
    assert table == [["path", "n", "reason"], ["a", "1", ""], ["'=b \"\n", "", "x"]]


def test_a_file_says_its_format_or_is_refused_before_anything_is_computed(tmp_path: Path) -> None:
    assert choose(None, tmp_path / "a.NDJSON", Records).id == "jsonl"
    assert choose("csv", tmp_path / "a.txt", Records).id == "csv"
    assert choose(None, None, Records).id == "table"
    with pytest.raises(UsageError, match="does not say its format"):
        choose(None, tmp_path / "a.txt", Records)
    with pytest.raises(UsageError, match="a table is for the terminal"):
        choose("table", tmp_path / "a.txt", Records)
    with pytest.raises(UsageError, match="that is the name of an image"):
        choose("csv", tmp_path / "a.png", Records)
    with pytest.raises(UsageError, match="no folder"):
        choose(None, tmp_path / "none" / "a.csv", Records)
    with pytest.raises(UsageError, match="names no format of a figure"):
        format_of(tmp_path / "a.pdf", AgreementFigure)
    assert file_endings(AgreementReport, AgreementFigure) == [".json", ".md", ".png", ".svg"]


def test_a_thing_is_not_written_in_a_format_that_needs_what_it_has_not(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot export records as npz"):
        export(RECORDS, get_format("npz", Matrix), tmp_path / "a.npz")
    assert not (tmp_path / "a.npz").exists()


def test_rows_reach_the_file_one_by_one_and_a_file_without_rows_is_left_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("old")
    writer = get_format("csv", Records).writer(RECORDS, Sink(file))
    assert file.read_text() == "old"
    writer.row(RECORDS.records[0])
    assert file.read_text() == "path,n,reason\na,1,\n"
    writer.end()
    untouched = get_format("csv", Records).writer(RECORDS, Sink(file))
    untouched.end()
    assert file.read_text() == "path,n,reason\na,1,\n"


def test_a_prompt_that_a_later_image_brings_has_its_column_from_the_first_line_on(tmp_path: Path) -> None:
    asked = request()
    results = Results(asked.plan, asked.context)
    results.add([Item(0, "a.png", context=Context())])
    content = ImageRecords(results, Provenance(asked.profile), own=("prompt",))
    writer = get_format("csv", ImageRecords).writer(content, Sink(tmp_path / "a.csv"))
    writer.row(results.rows[0])
    results.add([Item(1, "b.png", context=Context(prompt="a lake"))])
    writer.row(results.rows[1])
    writer.end()
    with (tmp_path / "a.csv").open(newline="") as stream:
        assert [row["prompt"] for row in csv.DictReader(stream)] == ["", "a lake"]

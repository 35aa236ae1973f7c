"""Edits are read from every form of file, and whatever is wrong is named with file and place."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aim_tui.core.metrics import edits
from aim_tui.core.scoring.context import Context
from aim_tui.core.scoring.events import DataRow, ImageFailed, Item, MetricBatch, MetricValue, captioned
from aim_tui.core.scoring.plan import raw_plan
from aim_tui.core.scoring.records import editclip_document
from aim_tui.core.scoring.results import Results
from aim_tui.errors import UsageError
from aim_tui.inputs.edits import EditColumns, parse_edits, read_edits

if TYPE_CHECKING:
    from pathlib import Path

ROW = {"id": "a", "source_image": "x.png", "target_image": "sub/y.png", "instruction": "make it night"}


def write(path: Path, content: Any) -> Path:
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("data.json", [ROW]),
        ("data.json", {"samples": [ROW]}),
        ("data.jsonl", json.dumps(ROW) + "\n\n"),
        ("data.csv", "id,source_image,target_image,instruction\na,x.png,sub/y.png,make it night\n"),
        ("data.csv", "instruction;after;before;id\nmake it night;sub/y.png;x.png;a\n"),
        ("data.json", [{"id": "a", "source_img": "x.png", "edited_img": "sub/y.png", "edit_prompt": "make it night"}]),
        ("data.json", [{"id": "a", "src_img": "x.png", "target_img": "sub/y.png", "instruction": "make it night"}]),
        ("data.jsonl", json.dumps(ROW, indent=2) + "\n\n"),
    ],
)
def test_every_form_gives_the_same_edit_with_paths_beside_the_file(tmp_path: Path, name: str, content: Any) -> None:
    (row,) = read_edits(write(tmp_path / name, content)).rows
    assert (row.id, row.instruction) == ("a", "make it night")
    assert (row.source, row.target) == (str(tmp_path / "x.png"), str(tmp_path / "sub" / "y.png"))
    assert (row.source_name, row.target_name) == ("x.png", "sub/y.png")
    assert row.item(3).edit == Context(source=str(tmp_path / "x.png"), instruction="make it night")


def test_columns_of_any_name_are_named_by_options(tmp_path: Path) -> None:
    path = write(tmp_path / "d.json", [{"nr": 7, "vorher": "x.png", "nachher": "y.png", "text": "make it night"}])
    (row,) = read_edits(path, EditColumns("vorher", "nachher", "text", "nr")).rows
    assert (row.id, row.source_name, row.target_name, row.instruction) == ("7", "x.png", "y.png", "make it night")
    with pytest.raises(UsageError, match=r"--source-key: .* has no column 'vohrer'; did you mean 'vorher'\?"):
        read_edits(path, EditColumns("vohrer"))
    with pytest.raises(UsageError, match=r"no column for: source_image, .* \(its columns: nr, vorher, .*--source-key"):
        read_edits(path)


def test_what_an_adversarial_data_set_says_besides_is_kept(tmp_path: Path) -> None:
    wrong = {**ROW, "id": "wrong_000", "original_id": "a", "is_correct": False, "error_type": "wrong_value"}
    right = {**ROW, "id": "correct_000", "original_id": "a", "is_correct": True, "error_type": None}
    found = read_edits(
        write(tmp_path / "adversarial_dataset.json", {"dataset_info": {"n": 2}, "samples": [right, wrong]})
    )
    assert [dict(row.truth) for row in found.rows] == [
        {"original_id": "a", "is_correct": True},
        {"original_id": "a", "is_correct": False, "error_type": "wrong_value"},
    ]
    assert found.besides == {"dataset_info": {"n": 2}}


def test_truth_in_csv_is_words(tmp_path: Path) -> None:
    text = "source,target,instruction,is_correct\na.png,b.png,x,FALSE\na.png,b.png,y,1\n"
    rows = read_edits(write(tmp_path / "data.csv", text)).rows
    assert [row.truth["is_correct"] for row in rows] == [False, True]
    assert [row.id for row in rows] == ["0", "1"], "rows without ids are counted"


def test_an_id_of_blanks_is_none(tmp_path: Path) -> None:
    rows = read_edits(write(tmp_path / "data.json", [{**ROW, "id": " "}, {**ROW, "id": "\t"}])).rows
    assert [row.id for row in rows] == ["0", "1"]


def test_absolute_paths_stay_and_whole_numbers_are_ids(tmp_path: Path) -> None:
    row = {**ROW, "id": 7, "source_image": "/data/x.png"}
    (found,) = read_edits(write(tmp_path / "data.json", [row])).rows
    assert (found.id, found.source) == ("7", "/data/x.png")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"instruction": None}, "samples[1]: has no instruction"),
        ({"instruction": "  "}, "samples[1]: instruction is empty"),
        ({"instruction": ["a"]}, "samples[1]: instruction is a list, not a text"),
        ({"source_image": 5}, "samples[1]: source_image is a number, not a text"),
        ({"target_image": "a\0b"}, "samples[1]: the path of the target contains a zero byte"),
        ({"instruction": "x" * 10_001}, "samples[1]: instruction has 10,001 characters"),
        ({"instruction": "a\ud800"}, "samples[1]: instruction contains an unpaired surrogate"),
        ({"id": {"a": 1}}, "samples[1]: id is an object"),
        ({"id": True}, "samples[1]: id is a truth value"),
        ({"id": "a"}, "samples[1]: id 'a' is already used in samples[0]"),
        ({"is_correct": "maybe"}, "samples[1]: is_correct is 'maybe', neither true nor false"),
    ],
)
def test_a_bad_row_is_named_with_its_place(tmp_path: Path, change: dict[str, Any], complaint: str) -> None:
    path = write(tmp_path / "data.json", {"samples": [ROW, {**ROW, "id": "b", **change}]})
    with pytest.raises(UsageError) as caught:
        read_edits(path)
    assert caught.value.message.startswith(f"{path}: {complaint}")


def test_lines_of_csv_are_named_by_their_number(tmp_path: Path) -> None:
    path = write(tmp_path / "data.csv", 'id,source,target,instruction\n1,a,b,"two\nlines"\n2,a,b,\n')
    with pytest.raises(UsageError, match=r"line 4: instruction is empty"):
        read_edits(path)


def test_a_parse_tells_every_flaw_and_keeps_the_rest(tmp_path: Path) -> None:
    path = write(tmp_path / "data.json", [ROW, {"id": "b"}, {**ROW, "id": "c"}])
    found = parse_edits(path)
    assert [row.id for row in found.rows] == ["a", "c"]
    assert [flaw.problem for flaw in found.flaws] == [
        "has no source_image",
        "has no target_image",
        "has no instruction",
    ]
    assert found.listed == 3


@pytest.mark.parametrize("content", ["", "{", "[1]", "{}", "[[]]", '{"samples": 3}', "null"])
def test_what_is_no_data_set_is_a_usage_error(tmp_path: Path, content: str) -> None:
    with pytest.raises(UsageError, match=r"data\.json"):
        read_edits(write(tmp_path / "data.json", content))


def test_no_rows_are_no_edits(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has no edits"):
        read_edits(write(tmp_path / "data.json", []))


values = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.lists(st.integers(), max_size=2)
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from([*ROW, "is_correct", "source_caption"]), values), max_size=4))
def test_any_rows_at_all_are_edits_or_flaws(tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    path = tmp_path / "data.json"
    path.write_text(json.dumps(rows), encoding="utf-8")
    found = parse_edits(path)
    assert len(found.rows) <= len(rows)
    assert found.flaws or len({row.id for row in found.rows}) == len(rows)


def test_a_captioner_is_needed_only_where_captions_lack() -> None:
    given = Item(0, "b", Context(source="a", instruction="b", source_caption="c"))
    none = Item(1, "b", Context(source="a", instruction="b"))
    for items, captioner in (([given], False), ([given, none], True)):
        roles = edits.roles_for(["directional"], captioned=captioned(items))
        assert ("captioner" in roles, "clip" in roles) == (captioner, True)
    assert "captioner" in edits.roles_for(["directional", "caption_change"], captioned=captioned([given]))


def test_the_statistics_of_editclip_results_are_of_the_population_and_of_the_numbers_that_are_there() -> None:
    results = Results(raw_plan(["editclip_score"]), Context())
    data = [DataRow(f"edit_{n}", "a.png", "b.png") for n in range(4)]
    edit = Context(source="/a.png", instruction="make it night")
    results.add(Item(n, "/b.png", edit, row) for n, row in enumerate(data))
    scores = [0.1, 0.4, 0.7]
    results.apply(MetricBatch("editclip_score", [MetricValue(n, "present", v) for n, v in enumerate(scores)]))
    results.apply(ImageFailed(3, "target image y: no such file"))
    told = editclip_document(results, metric="editclip_score", model="m", resolution="r", notice="")
    stated = told["statistics"]
    assert stated["num_samples"] == 3
    assert stated["mean_score"] == pytest.approx(0.4, abs=1e-15)
    assert stated["std_score"] == pytest.approx(math.sqrt(0.06), abs=1e-15), "ddof 0"
    assert (stated["min_score"], stated["max_score"], stated["score_type"]) == (0.1, 0.7, "editclip_score")
    assert [row["editclip_score"] for row in told["results"]] == scores
    assert told["failures"][0]["error"] == "target image y: no such file"

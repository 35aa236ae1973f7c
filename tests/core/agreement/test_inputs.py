"""Scores and judgements from files: what they mean, what they say of themselves, and hostile ones named by line."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import pytest

from aim_tui import documents
from aim_tui.core.agreement.study import Scale
from aim_tui.core.outcomes import Failed, Missing, Present
from aim_tui.errors import UsageError
from aim_tui.inputs.judgements import ColumnRole, Reading, choose, outcome_of, read_source

if TYPE_CHECKING:
    from pathlib import Path


def write(folder: Path, name: str, content: str | bytes | list[Any] | dict[str, Any]) -> Path:
    path = folder / name
    data = content if isinstance(content, (str, bytes)) else json.dumps(content)
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def values(path: Path, column: str, reading: Reading | None = None) -> dict[str, float | None]:
    (found,) = choose(read_source(path, reading), [column], "--x", ColumnRole.METRIC)
    return {e.id: e.outcome.value if isinstance(e.outcome, Present) else None for e in found.entries}


# -- formats ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("f.csv", "id,score\na,0.5\nb,1\n"),
        ("bom.csv", "\ufeffid,score\r\na,0.5\r\nb,1\r\n"),
        ("f.tsv", "id\tscore\na\t0.5\nb\t1\n"),
        ("half.csv", "id;score\na;0.5\nb;1\n"),
        ("quoted.csv", '"id","score"\n"a","0.5"\n\n"b","1"\n'),
        ("f.jsonl", '{"id": "a", "score": 0.5}\n\n{"id": "b", "score": 1}\n'),
        ("f.json", '[{"id": "a", "score": 0.5}, {"id": "b", "score": true}]'),
        ("named.json", '{"a": {"score": 0.5}, "b": {"score": 1}}'),
        ("bom.json", '\ufeff{"results": [{"id": "a", "score": "0.5"}, {"id": "b", "score": 1}]}'),
    ],
)
def test_one_table_in_every_format_is_one_table(tmp_path: Path, name: str, content: str) -> None:
    assert values(write(tmp_path, name, content), "score") == {"a": 0.5, "b": 1.0}


def test_ids_are_text_and_what_names_samples_is_found_by_name(tmp_path: Path) -> None:
    assert values(write(tmp_path, "a.json", [{"sample_id": 7, "s": 1}]), "s") == {"7": 1}
    assert values(write(tmp_path, "b.csv", "s,path\n1,007.png\n"), "s") == {"007.png": 1}
    assert values(write(tmp_path, "c.csv", "s,who\n1,x\n"), "s", Reading(id_column="who")) == {"x": 1}


def test_results_of_the_edit_project_are_read_with_scale_samples_and_truth(tmp_path: Path) -> None:
    rows = [
        {"id": "correct_000", "original_id": 0, "target_image": "t/0.png", "source_image": "s/0.png", "llm_score": 8,
         "instruction": "add snow", "is_correct": True, "error_type": None},
        {"id": "wrong_000", "original_id": 0, "target_image": "t/0.png", "source_image": "s/0.png", "llm_score": 2,
         "instruction": "add rain", "is_correct": False, "error_type": "weather"},
    ]  # fmt: skip
    source = read_source(write(tmp_path, "adversarial_dataset.json", {"dataset_info": {"n": 2}, "samples": rows}))
    assert {column.name: column.scale for column in source.columns} == {
        "llm_score": None, "is_correct": Scale(0, 1),
    }  # fmt: skip
    wrong = source.samples["wrong_000"]
    assert (wrong.correct, wrong.match, wrong.error_type, wrong.instruction) == (False, "0", "weather", "add rain")
    assert wrong.path == str(tmp_path / "t/0.png") and wrong.source == str(tmp_path / "s/0.png")
    assert source.samples["correct_000"].error_type == ""


def test_directions_and_scales_are_declared_or_known(tmp_path: Path) -> None:
    path = write(tmp_path, "f.csv", "id,lpips_score,rank,score\na,0.1,1,3\n")
    source = read_source(path, Reading(lower_is_better=frozenset({"rank"}), scale=Scale(1, 5)))
    assert {column.name: column.higher_is_better for column in source.columns} == {
        "lpips_score": False, "rank": False, "score": True,
    }  # fmt: skip
    assert all(column.scale == Scale(1, 5) for column in source.columns)


def test_raters_in_rows_are_kept_apart(tmp_path: Path) -> None:
    path = write(tmp_path, "f.csv", "id,rater,stars\na,ann,1\na,bob,2\nb,ann,3\n")
    raters = read_source(path, Reading(rater_column="rater")).raters["stars"]
    assert {rater.name: [entry.id for entry in rater.entries] for rater in raters} == {"ann": ["a", "b"], "bob": ["a"]}
    path = write(tmp_path, "g.csv", "id,rater,stars\na,ann,1\na,,2\n")
    with pytest.raises(UsageError, match=r"g\.csv, line 3: has no rater"):
        read_source(path, Reading(rater_column="rater"))


# -- what a file says of itself ---------------------------------------------------------------------------------------


def test_a_files_own_summary_is_held_against_its_rows(tmp_path: Path) -> None:
    rows = [{"id": str(n), "editclip_score": value} for n, value in enumerate([0.1, 0.2, 0.6])]
    stated = {
        "num_samples": 3,
        "mean_score": 0.3,
        "std_score": 0.9,
        "max_score": 0.6,
        "model": "m",
        "resolution": "256",
    }
    source = read_source(write(tmp_path, "editclip_results.json", {"statistics": stated, "results": rows}))
    assert [(one.name, one.differs) for one in source.checked] == [
        ("num_samples", False), ("mean_score", False), ("std_score", True), ("max_score", False),
    ]  # fmt: skip


def test_a_correlation_of_the_seed_project_is_recomputed(tmp_path: Path) -> None:
    clip = [{"sample_id": str(n), "instruction": "", "edit_score": v} for n, v in enumerate([0.1, 0.3, 0.2, 0.5])]
    llm = [{"sample_id": str(n), "llm_score": v, "llm_model": "x"} for n, v in enumerate([2, 4, 5, 9])]
    x = [(v - 0.1) / (0.4 + 1e-8) for v in (0.1, 0.3, 0.2, 0.5)]
    mae = sum(abs(a - b) for a, b in zip(x, (0.2, 0.4, 0.5, 0.9), strict=True)) / 4
    stated = {"n_samples": 4, "spearman_r": 0.8, "pearson_r": 0.5, "mae": mae, "clip_min": 0.1, "llm_mean": 5.0}
    content = {"metadata": {}, "correlation_metrics": stated, "clip_results": clip, "llm_results": llm}
    source = read_source(write(tmp_path, "correlation_results.json", content))
    assert [one.name for one in source.checked if one.differs] == ["pearson_r"]
    assert [one.name for one in source.checked if one.recomputed is None] == []


def test_a_summary_of_another_shape_states_nothing(tmp_path: Path) -> None:
    block = {
        "mapping": ["raw"],
        "mae": [1],
        "pearson_r": None,
        "llm_scale": "x",
        "lower_is_better": 3,
        "spearman_r": "NaN",
    }
    content = {"statistics": [1], "correlation_metrics": block, "results": [{"id": "a", "s": 1}]}
    assert read_source(write(tmp_path, "f.json", content)).checked == ()


# -- cells ------------------------------------------------------------------------------------------------------------


NOTHING, NO_NUMBER = Missing("no value"), Failed("is not numeric (line 4)")
NOT_A_NUMBER, INFINITE = Failed("is not a number (NaN)"), Failed("is infinite")


@pytest.mark.parametrize(
    ("outcome", "cells"),
    [
        (Present(0.5), ("0.5", " 0.50 ", "5e-1", 0.5)),
        (Present(1.0), (True, "true", 1, "1")),
        (NOTHING, ("", None, " ", "N/A", "null", "-")),
        (NOT_A_NUMBER, ("nan", "NaN", "-nan", math.nan)),
        (Failed("is beyond 1e+60"), ("1e300", -1e61)),
        (INFINITE, ("inf", "-Infinity", "1e999", 10**400, math.inf)),
        (NO_NUMBER, ("abc", "1_000", "\u0661", "0,5", "0x10", [1], {"a": 1})),
    ],
)
def test_what_a_cell_means(outcome: object, cells: tuple[Any, ...]) -> None:
    assert [outcome_of(cell, "line 4") for cell in cells] == [outcome] * len(cells)


def test_a_word_among_numbers_is_one_value_that_failed_and_says_where(tmp_path: Path) -> None:
    path = write(tmp_path, "f.csv", "id,s\na,1\nb,oops\nc,3\n")
    (column,) = choose(read_source(path), ["s"], "--x", ColumnRole.METRIC)
    assert column.entries[1].outcome == Failed("is not numeric (line 3)")


def test_an_id_that_is_there_twice_stays_there_twice(tmp_path: Path) -> None:
    path = write(tmp_path, "f.csv", "id,s\na,1\na,2\n")
    (column,) = choose(read_source(path), ["s"], "--x", ColumnRole.METRIC)
    assert [entry.id for entry in column.entries] == ["a", "a"]


# -- hostile files ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("f.xlsx", "x", "unknown file extension"),
        ("f.csv", "", "is empty"),
        ("f.csv", " \n\n", "is empty"),
        ("f.csv", "id,s\n", "has no rows"),
        ("f.csv", "id,s\na,1\nb,2,3\n", "line 3: has 3 cells, but the header has 2"),
        ("f.csv", "id,s,s\na,1,2\n", "line 1: the header has 's' more than once"),
        ("f.csv", "id,,s\na,1,2\n", "line 1: column 2 of the header has no name"),
        ("f.csv", 'id,s\na,1\nb,"2\n', "line 3: unexpected end of data"),
        ("f.csv", b"id,s\na,1\n\xff\xfe,2\n", "line 3: is not UTF-8 (byte 0xff)"),
        ("f.csv", "id,s\na,1".encode("utf-16"), "is UTF-16"),
        ("f.csv", b"id,s\na,1\nb\0,2\n", "line 3: contains a zero byte"),
        ("f.csv", "id,s\na,1\n,2\n", "line 3: has no 'id'"),
        ("f.csv", "who,s\na,1\n", "which column holds the ids of the samples? (columns: who, s)"),
        ("f.csv", "id,is_correct\na,maybe\n", "line 2: is_correct is neither true nor false"),
        ("f.json", "{", "line 1: is not valid JSON"),
        ("f.json", '[\n{"id": "a"},\n]', "line 3: is not valid JSON"),
        ("f.json", "3", "is neither a list of objects nor an object with such a list"),
        ("f.json", '{"a": 1}', "no list of rows (its keys: 'a')"),
        ("f.json", '[{"id": "a"}, [1]]', "[1]: is a list, not an object"),
        ("f.json", '{"results": [{"id": "a"}, null]}', "results[1]: is null, not an object"),
        ("f.json", '[{"id": "a", "s": 1, "s": 2}]', "the key 's' more than once"),
        ("f.json", "[" * 100_000, "nested too deeply"),
        ("f.json", '[{"id": "a", "s": ' + "9" * 5_000 + "}]", "has a number of more than 4,300 digits"),
        ("f.json", '[{"id": null, "s": 1}]', "[0]: has no 'id'"),
        ("f.jsonl", '{"id": "a"}\n{"id": \n', "line 2: is not valid JSON"),
        ("f.jsonl", '{"id": "a"}\n[1]\n', "line 2: is a list, not an object"),
    ],
)
def test_a_hostile_file_is_refused_with_its_name_and_the_line(
    tmp_path: Path, name: str, content: str | bytes, said: str
) -> None:
    path = write(tmp_path, name, content)
    with pytest.raises(UsageError) as refused:
        read_source(path)
    assert str(path) in refused.value.message
    assert said in refused.value.message


def test_lines_and_files_without_end_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long = "a" * (4 * 1024 * 1024 + 1)
    with pytest.raises(UsageError, match=r"f\.csv, line 2: field larger than field limit"):
        read_source(write(tmp_path, "f.csv", f"id,s\n{long},1\n"))
    with pytest.raises(UsageError, match=r"f\.jsonl, line 2: has .* the limit is .*"):
        read_source(write(tmp_path, "f.jsonl", f'{{"id": 1}}\n{{"id": "{long}"}}\n'))
    monkeypatch.setattr(documents, "MOST_BYTES", 10)
    with pytest.raises(UsageError, match="the limit is 10"):
        read_source(write(tmp_path, "g.csv", "id,score\na,1\n"))


def test_no_file_a_folder_and_no_permission_are_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        read_source(tmp_path / "f.csv")
    (tmp_path / "d.csv").mkdir()
    with pytest.raises(UsageError, match="is a folder"):
        read_source(tmp_path / "d.csv")


def test_which_column_is_meant_is_asked_where_several_could_be(tmp_path: Path) -> None:
    source = read_source(write(tmp_path, "f.csv", "id,a,b,note\nx,1,2,good\n"))
    with pytest.raises(UsageError, match=r"which column\? \(numeric columns: a, b\)"):
        choose(source, [], "--x", ColumnRole.METRIC)
    assert [column.name for column in choose(source, [], "--x", ColumnRole.METRIC, taken=["a"])] == ["b"]
    with pytest.raises(UsageError, match="'note' has no numbers"):
        choose(source, ["note"], "--x", ColumnRole.METRIC)
    with pytest.raises(UsageError, match=r"no column 'bb'; did you mean 'b'\?"):
        choose(source, ["bb"], "--x", ColumnRole.METRIC)

"""Files of judges: whose column it is, on which scale, what stands for a failure, and what a file says of itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from aim_tui.core.agreement.merge_sources import gather
from aim_tui.core.agreement.study import Scale, Study, StudyJudgement
from aim_tui.core.outcomes import Missing, Present
from aim_tui.errors import UsageError
from aim_tui.inputs.judgements import ColumnRole, Reading, choose, read_source
from aim_tui.ui.session.judgement_files import JudgementFile, judged_by, preview


def write(folder: Path, name: str, content: Any) -> Path:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def study_of(scores: Path, judged: Path | None = None, reading: Reading | None = None) -> Study:
    """The main metric of one file against the main judgement of another, or of the same."""
    left = read_source(scores, reading)
    right = left if judged is None else read_source(judged, reading)
    metrics = choose(left, [], "--metric", ColumnRole.METRIC)
    columns = choose(right, [], "--against", ColumnRole.JUDGEMENT, [column.name for column in metrics])
    return gather(left, metrics, right, [StudyJudgement(column.name, (column,)) for column in columns])


SCORES = [0.24, 0.16, 0.17, 0.23]


def judged_rows(values: list[Any], **more: Any) -> list[dict[str, Any]]:
    return [
        {"id": n, "editclip_score": SCORES[n % 4], "llm_score": value, "model": "some-judge", **more}
        for n, value in enumerate(values)
    ]


# -- whose column -----------------------------------------------------------------------------------------------------


def test_a_judges_file_that_repeats_the_metric_is_judged_by_its_own_score(tmp_path: Path) -> None:
    scores = write(tmp_path, "e.json", [{"id": n, "editclip_score": value} for n, value in enumerate(SCORES)])
    made = study_of(scores, write(tmp_path, "l.json", {"results": judged_rows([6.0, 3.0, 3.0, 8.0])}))
    assert [column.name for column in made.metrics] == ["editclip_score"]
    assert [judgement.name for judgement in made.judgements] == ["llm_score"]
    alone = study_of(write(tmp_path, "both.json", {"results": judged_rows([6.0, 3.0, 3.0, 8.0])}))
    assert (alone.metrics[0].name, alone.judgements[0].name) == ("editclip_score", "llm_score")


def test_a_copy_of_the_metric_is_not_its_judgement(tmp_path: Path) -> None:
    rows = [{"id": str(n), "editclip_score": value} for n, value in enumerate(SCORES)]
    scores = read_source(write(tmp_path, "a.json", rows))
    copied = read_source(write(tmp_path, "b.json", rows[:3]))
    with pytest.raises(UsageError, match="editclip_score would be compared with itself"):
        gather(scores, scores.columns, copied, [StudyJudgement("editclip_score", copied.columns)])
    other = read_source(write(tmp_path, "c.json", [{**row, "editclip_score": n} for n, row in enumerate(rows)]))
    assert gather(scores, scores.columns, other, [StudyJudgement("editclip_score", other.columns)]).judgements


def test_files_that_call_both_sides_score_are_compared(tmp_path: Path) -> None:
    scores = write(tmp_path, "a.csv", "id,score\na,0.1\nb,0.2\n")
    judged = write(tmp_path, "b.csv", "id,score\na,3\nb,5\n")
    source, other = read_source(scores), read_source(judged)
    (metric,) = choose(source, [], "--metric", ColumnRole.METRIC)
    (column,) = choose(other, [], "--against", ColumnRole.JUDGEMENT, avoided=[metric.name])
    assert gather(source, [metric], other, [StudyJudgement("score", (column,))]).judgements[0].name == "score"
    beside = read_source(write(tmp_path, "c.csv", "id,mine,stars\na,0.1,3\nb,0.2,4\n"))
    assert choose(beside, [], "--against", ColumnRole.JUDGEMENT, avoided=["mine"])[0].name == "stars"


def test_the_screen_takes_the_judges_own_column_too(tmp_path: Path) -> None:
    scores = read_source(
        write(tmp_path, "e.json", [{"id": n, "editclip_score": value} for n, value in enumerate(SCORES)])
    )
    judged = write(tmp_path, "l.json", {"results": judged_rows([6.0, 3.0, 3.0, 8.0])})
    made = judged_by(JudgementFile(str(judged)), scores, scores.columns)
    assert made.judgements[0].name == "llm_score" and made.judgements[0].scale == Scale(0, 10)
    assert list(preview(JudgementFile(str(judged)), scores).lines())[0].endswith("judged by llm_score (0 to 10)")


# -- what a file says of itself ---------------------------------------------------------------------------------------


def test_a_summary_is_of_the_column_that_it_is_about(tmp_path: Path) -> None:
    stated = {"mean_score": 5.0, "std_score": 2.1213, "min_score": 3.0, "max_score": 8.0, "mean_editclip_score": 0.3}
    source = read_source(
        write(tmp_path, "l.json", {"statistics": stated, "results": judged_rows([6.0, 3.0, 3.0, 8.0])})
    )
    assert [one.name for one in source.checked if one.differs] == ["mean_editclip_score"]
    assert source.checked[4].recomputed == pytest.approx(0.2)


def test_a_summary_of_right_and_wrong_rows_is_recomputed_by_class(tmp_path: Path) -> None:
    known = [
        ("correct", 8, ""),
        ("correct", 9, ""),
        ("wrong", 2, "object"),
        ("wrong", 3, "object"),
        ("wrong", 4, "sky"),
    ]
    rows = [
        {"id": f"{kind}_{n}", "is_correct": kind == "correct", "error_type": error or None, "llm_score": score,
         "editclip_score": 0.2}
        for n, (kind, score, error) in enumerate(known)
    ]  # fmt: skip
    stated = {
        "mean_score_correct": 8.5, "mean_score_wrong": 4.0, "discrimination": 5.5, "num_wrong": 3,
        "min_incorrect": 2, "by_error_type": {"object": {"mean_score": 2.5}, "sky": {"mean_score": 9}},
    }  # fmt: skip
    checked = read_source(write(tmp_path, "a.json", {"statistics": stated, "results": rows})).checked
    assert {one.name: one.recomputed for one in checked} == {
        "mean_score_correct": 8.5, "mean_score_wrong": 3.0, "discrimination": 5.5, "num_wrong": 3.0,
        "min_incorrect": 2.0, "by_error_type.object.mean_score": 2.5, "by_error_type.sky.mean_score": 4.0,
    }  # fmt: skip
    assert [one.name for one in checked if one.differs] == ["mean_score_wrong", "by_error_type.sky.mean_score"]


def test_models_device_and_whole_ids_of_a_correlation_are_kept(tmp_path: Path) -> None:
    content = {
        "metadata": {"model_type": "CLIP (big)", "llm_type": "simulated", "device": "cpu"},
        "clip_results": [{"sample_id": n, "edit_score": value} for n, value in enumerate(SCORES)],
        "llm_results": [{"sample_id": n, "llm_score": 0.31 * n, "llm_model": "simulated"} for n in range(4)],
    }
    made = study_of(write(tmp_path, "correlation_results.json", content))
    assert made.metrics[0].model == "CLIP (big)" and not made.metrics[0].simulated
    assert made.judgements[0].model == "simulated" and made.judgements[0].simulated
    assert made.metadata["device"] == "cpu" and made.integer_ids == {"0", "1", "2", "3"}


def test_the_model_of_another_column_is_not_that_of_a_rating(tmp_path: Path) -> None:
    path = write(tmp_path, "s.csv", "id,model,clip_score,stars\na,sd3.5,0.2,4\nb,sdxl,0.3,5\nc,sd3.5,0.1,1\n")
    assert [column.model for column in read_source(path).columns] == ["", ""]


# -- scales -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "scale", "note"),
    [
        ([0.761, 0.68, 0.67, 0.72], Scale(0, 1), "taken as 0 to 1"),
        ([6.0, 3.0, 0.5, 8.0], Scale(0, 10), "taken as 0 to 10"),
        ([0, 1, 0.5, 1], None, "ambiguous"),
        ([61, 33, 80, 99], None, "do not lie on the usual scale"),
    ],
)
def test_a_scale_that_nothing_declares_is_inferred_and_said_or_asked_for(
    tmp_path: Path, values: list[float], scale: Scale | None, note: str
) -> None:
    made = study_of(write(tmp_path, "l.json", {"results": judged_rows(values)}))
    assert made.judgements[0].scale == scale
    assert any(note in line and (scale or "--scale" in line) for line in made.notes)


def test_a_declared_scale_needs_no_note(tmp_path: Path) -> None:
    content = {"statistics": {"score_range": "0-10"}, "results": judged_rows([0.7, 0.68, 0.1, 0.2])}
    made = study_of(write(tmp_path, "l.json", content))
    assert made.judgements[0].scale == Scale(0, 10) and made.notes == ()
    made = study_of(write(tmp_path, "m.json", {"results": judged_rows([0.7, 0.68, 0.1, 0.2])}), None,
                    Reading(scale=Scale(0, 5)))  # fmt: skip
    assert made.judgements[0].scale == Scale(0, 5) and made.notes == ()


# -- failures that look like values -----------------------------------------------------------------------------------


def outcomes(path: Path, name: str, reading: Reading | None = None) -> list[Any]:
    return [
        entry.outcome for entry in choose(read_source(path, reading), [name], "--x", ColumnRole.JUDGEMENT)[0].entries
    ]


def test_a_sentinel_beside_an_error_is_missing_with_the_reason(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", "id,llm_score,reason\na,7,\nb,-1,parse error\nc,3,\nd,-1,\n")
    assert outcomes(path, "llm_score") == [Present(7), Missing("parse error"), Present(3), Present(-1)]
    rows = [{"id": n, "llm_score": v, "error": e} for n, (v, e) in enumerate([(7, None), (0, "HTTP 429"), (0, None)])]
    assert outcomes(write(tmp_path, "b.json", rows), "llm_score") == [Present(7), Missing("HTTP 429"), Present(0)]
    rows = [{"id": n, "llm_score": v, "reasoning": r} for n, (v, r) in enumerate([(7, "well done"), (-1, "Timeout")])]
    assert outcomes(write(tmp_path, "c.json", rows), "llm_score") == [Present(7), Missing("Timeout")]


def test_a_value_of_the_scale_is_a_value_whatever_stands_beside_it(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", "id,vote,comment\na,1,good\nb,-1,too dark\nc,0,\n")
    assert outcomes(path, "vote") == [Present(1), Present(-1), Present(0)]
    path = write(tmp_path, "b.csv", "id,vote,error\na,1,\nb,-1,HTTP 429\nc,0,\n")
    assert outcomes(path, "vote", Reading(scale=Scale(-1, 1)))[1] == Present(-1)
    path = write(tmp_path, "c.csv", "id,edit_score,error\na,-0.2,\nb,-1,lpips: no file\nc,0.1,\n")
    assert outcomes(path, "edit_score")[1] == Present(-1)


# -- CSV --------------------------------------------------------------------------------------------------------------


def numbers(path: Path, name: str) -> list[float | None]:
    return [outcome.value if isinstance(outcome, Present) else None for outcome in outcomes(path, name)]


def test_a_decimal_comma_is_read_whole_in_whichever_column_it_stands(tmp_path: Path) -> None:
    mixed = write(tmp_path, "a.csv", "id;clip_score;stars\na;0.31;4\nb;0.22;2,5\nc;0.28;3\nd;0.2;-1,5e0\n")
    assert numbers(mixed, "stars") == [4, 2.5, 3, -1.5] and numbers(mixed, "clip_score") == [0.31, 0.22, 0.28, 0.2]
    assert read_source(mixed).notes == ("stars: read with a decimal comma",)
    assert numbers(write(tmp_path, "b.csv", 'id,stars\na,"2,5"\nb,"3,25"\nc,4\n'), "stars") == [2.5, 3.25, 4]
    assert numbers(write(tmp_path, "c.tsv", "id\tstars\na\t0,275\nb\t3\n"), "stars") == [0.275, 3]


@pytest.mark.parametrize(
    "text",
    [
        "id;stars\na;2,5\nb;2.5\nc;3\n",
        "id;stars\na;1.234,5\nb;2,5\nc;3\n",
        'id,stars\na,"1,234"\nb,"2,345"\nc,7\n',
        'id,stars\na,"1,234.5"\nb,2\nc,7\n',
    ],
)
def test_a_decimal_comma_that_could_mean_two_numbers_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError, match="the column 'stars' cannot be read, because of a decimal comma"):
        read_source(write(tmp_path, "a.csv", text))


def test_a_decimal_comma_between_commas_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as refused:
        read_source(write(tmp_path, "a.csv", "id,stars\na,2,5\n"))
    assert "line 2: has 3 cells" in refused.value.message and "decimal comma" in refused.value.hint


def test_commas_in_texts_are_punctuation(tmp_path: Path) -> None:
    source = read_source(write(tmp_path, "a.csv", 'id,stars,note\na,1,"1,5"\nb,2,"a cabin, snow"\nc,3,none\n'))
    assert source.others == ("note",) and source.notes == ()


def test_our_own_apostrophe_before_a_formula_is_removed(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", "id,score,'+note\n'-1,1,'=x\n'@a,2,''=y\n'tis,3,'z\n")
    source = read_source(path)
    assert list(source.samples) == ["-1", "@a", "'tis"]
    assert [sample.labels["+note"] for sample in source.samples.values()] == ["=x", "'=y", "'z"]

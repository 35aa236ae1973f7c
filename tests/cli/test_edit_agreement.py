"""A stored run over edits is listed, shown, exported, and compared with its known truth, ratings and files."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from scipy import stats

from aim_tui.core.scoring.context import Context
from aim_tui.core.scoring.events import DataRow, ImageFailed, ImageRead, Item, MetricBatch, MetricValue
from aim_tui.core.scoring.plan import raw_plan
from aim_tui.store.database import Database
from aim_tui.store.evidence import judged_edit
from aim_tui.store.judgements import Judgements
from aim_tui.store.records import RunState
from aim_tui.store.runs import Runs
from tests.store.samples import facts, items, request, scored

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.cli.conftest import Outcome

    Cli = Callable[..., Outcome]

FAST = ("--bootstrap", "300")
TYPES = ("colour", "count", "colour")


def edit(number: int, correct: object) -> Item:
    right = correct in (True, "TRUE")
    truth: dict[str, Any] = {"original_id": number % 3, "is_correct": correct}
    if not right:
        truth["error_type"] = TYPES[number % 3]
    name = f"{'right' if right else 'wrong'}_{number % 3}"
    target = f"/t/{number % 3}.png"
    context = Context(source="/s.png", instruction=f"make it {name}")
    return Item(number, target, context, DataRow(name, "/s.png", target, truth))


def stored(
    scores: Sequence[float | None] = (0.9, 0.8, 0.7, 0.3, 0.75, 0.2), truth: Sequence[Any] = (True, False)
) -> str:
    """A run over three right edits and the wrong ones made of them; without a score an image could not be read."""
    edits = [edit(number, truth[number >= 3]) for number in range(6)]
    events: list[Any] = []
    for number, score in enumerate(scores):
        if score is None:
            events.append(ImageFailed(number, "is empty (0 bytes)"))
            continue
        events.append(ImageRead(number, facts(number % 3), facts(99)))
        events.append(MetricBatch("editclip_score", [MetricValue(number, "present", value=score)]))
    with Database.open() as database:
        asked = request(
            context=Context(), plan=raw_plan(["editclip_score"]), folder="/data", data="/data/edits.json", settings={},
            fingerprints={},
        )  # fmt: skip
        writer = Runs(database).begin(asked, edits)
        writer.write(*events)
        writer.end(RunState.DONE)
    return writer.id


def stored_images() -> str:
    with Database.open() as database, Runs(database).begin(request(), items(3)) as writer:
        for number in range(3):
            writer.write(*scored(number))
    return writer.id


# -- correlated -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("truth", [(True, False), (1, 0), ("TRUE", "false")])
def test_an_edit_run_is_compared_with_its_known_truth_over_matched_pairs(cli: Cli, truth: Sequence[Any]) -> None:
    run = stored(truth=truth)
    told = json.loads(cli("correlate", run, "--format", "json", *FAST).out)
    (cell,) = told["cells"]
    assert (cell["metric"]["name"], cell["judgement"]["name"]) == ("editclip_score", "is_correct")
    assert cell["judgement"]["scale"] == {"low": 0.0, "high": 1.0}
    wanted = stats.spearmanr([0.9, 0.8, 0.7, 0.3, 0.75, 0.2], [1, 1, 1, 0, 0, 0])[0]
    assert cell["coefficients"]["spearman"]["value"] == pytest.approx(wanted, abs=1e-9)
    (parted,) = told["discrimination"]
    assert (parted["overall"]["wins"]["pairs"], parted["overall"]["wins"]["wins"]) == (3, 3)
    assert {one["error_type"]: one["wins"]["pairs"] for one in parted["by_error_type"]} == {"colour": 2, "count": 1}
    assert told["clip_results"][0]["instruction"] == "make it right_0"


def test_by_error_type_right_edits_are_listed_with_the_wrong_ones_made_of_them(cli: Cli) -> None:
    stored()
    told = cli("correlate", "last", "--group-by", "error_type", *FAST).out
    assert "2 groups by error_type" in told
    assert "right samples are in the group of the wrong sample that they are matched with" in told
    assert "no group" not in told


def test_ratings_of_edits_keep_raters_apart_and_are_on_the_scale_of_the_keys(cli: Cli) -> None:
    run = stored()
    with Database.open() as database:
        found, said = Runs(database).load(run), Judgements(database)
        for row, rating in zip(found.results.rows, (5, 4, 4, 2, 3, 1), strict=True):
            judged = judged_edit(row)
            assert judged is not None
            said.rate(judged, rating, rater="ann")
            if rating < 4:
                said.rate(judged, 5 - rating, rater="bob")
    told = json.loads(cli("correlate", run, "--against", "rating", "--format", "json", *FAST).out)
    (cell,) = told["cells"]
    assert cell["judgement"]["scale"] == {"low": 1.0, "high": 5.0}
    wanted = stats.spearmanr([0.9, 0.8, 0.7, 0.3, 0.75, 0.2], [5, 4, 4, 2.5, 2.5, 2.5])[0]
    assert cell["coefficients"]["spearman"]["value"] == pytest.approx(wanted, abs=1e-9)
    assert told["raters"][0]["raters"] == ["ann", "bob"]


def test_one_target_under_two_instructions_is_two_edits() -> None:
    run = stored()
    with Database.open() as database:
        found = Runs(database).load(run)
    row = found.results.rows[0]
    texts = [replace(row.edit, instruction=text) for text in ("make it night", "make it day")]
    ids = [judged_edit(replace(row, own=edit)) for edit in texts]
    assert ids[0] is not None and ids[1] is not None
    assert len({ids[0].sha256, ids[1].sha256, facts(0).sha256}) == 3


def test_a_file_of_judgements_joins_an_edit_run_by_id(cli: Cli, tmp_path: Any) -> None:
    stored()
    rows = [
        {"id": f"{side}_{n}", "llm_score": n + 5 * (side == "right")} for side in ("right", "wrong") for n in range(3)
    ]
    path = tmp_path / "llm_results.json"
    path.write_text(json.dumps({"statistics": {"num_samples": 6}, "results": rows}))
    told = cli("correlate", "-j", str(path), *FAST).out
    assert "6 matched (6 by id)" in told and "editclip_score against llm_score" in told
    assert "editclip_score: right against wrong" in told, "what the run knows of its edits holds beside any file"


def test_a_family_stands_for_its_numbers_and_one_that_was_not_scored_is_named(cli: Cli) -> None:
    stored()
    assert "editclip_score against is_correct" in cli("correlate", "-m", "editclip", *FAST).out
    missing = cli("correlate", "-m", "directional", *FAST)
    assert missing.code == 2 and "has no column 'directional_similarity'" in missing.err


def test_an_edit_that_failed_is_left_out_with_its_reason(cli: Cli) -> None:
    stored((0.9, 0.8, None, 0.3, 0.4, 0.2))
    assert "5 of 6 used (1 editclip_score: is empty (0 bytes))" in cli("correlate", *FAST).out


def test_an_edit_that_is_neither_right_nor_wrong_is_named(cli: Cli) -> None:
    run = stored(truth=(True, "perhaps"))
    told = cli("correlate", run, *FAST)
    assert told.code == 2
    assert f"edit run {run}, edit wrong_0: is_correct is neither true nor false" in told.err


# -- listed and exported ----------------------------------------------------------------------------------------------


def test_both_kinds_of_runs_are_listed_the_newest_first_and_the_kind_is_reported(cli: Cli) -> None:
    images, edits = stored_images(), stored()
    listed = json.loads(cli("runs", "list", "--json").out)
    assert [(run["id"], run["kind"]) for run in listed] == [(edits, "edits"), (images, "images")]
    table = cli("runs", "list").out
    assert "6/6 edits" in table and "3/3 images" in table and "edits.json" in table
    assert len(json.loads(cli("runs", "list", "--json", "-n", "1").out)) == 1
    assert [run["id"] for run in json.loads(cli("runs", "list", "--json", "--folder", "/data").out)] == [edits]


def test_an_edit_run_is_shown_exported_and_deleted_by_its_id(cli: Cli) -> None:
    images, run = stored_images(), stored()
    told = cli("runs", "show", "last").out
    assert "over edits, done" in told and "editclip_score" in told and "make it wrong_2" in told
    rows = list(csv.DictReader(io.StringIO(cli("runs", "export", run, "-f", "csv").out)))
    assert [float(row["editclip_score"]) for row in rows] == [0.9, 0.8, 0.7, 0.3, 0.75, 0.2]
    assert json.loads(cli("runs", "export", run, "-f", "json").out)["statistics"]["editclip_score"]["n"] == 6
    refused = cli("runs", "export", run, "-f", "html")
    assert refused.code == 2 and "cannot export a run over edits as html" in refused.err
    assert "is a run over edits" in cli("runs", "compare", run, images).err
    assert cli("runs", "delete", run, "--yes").code == 0
    assert [left["id"] for left in json.loads(cli("runs", "list", "--json").out)] == [images]

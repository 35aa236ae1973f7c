"""Edits in a table: which are shown, in which order, and which instruction of a pair a number prefers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aim_tui.core.metrics.edits import EDITCLIP, PRESERVATION_LPIPS
from aim_tui.core.outcomes import Failed, Present
from aim_tui.core.ratings.opinions import Opinion
from aim_tui.core.scoring.columns import EDITS, View
from aim_tui.core.scoring.context import Context
from aim_tui.core.scoring.events import ImageFailed, MetricBatch, MetricValue
from aim_tui.core.scoring.instruction_pairs import InstructionPair, Tally, Winner, pairs_of, tally, winner
from aim_tui.core.scoring.plan import raw_plan
from aim_tui.core.scoring.results import Results
from aim_tui.core.selection.completion import completed
from aim_tui.core.selection.filters import Filter, FilterError
from aim_tui.core.selection.sorting import SortKey, select
from aim_tui.inputs.edits import EditRow
from aim_tui.ui.session.arrangement import Arrangement
from aim_tui.ui.widgets.path_input import complete_path

if TYPE_CHECKING:
    from pathlib import Path


def truth(original: str, correct: bool, error: str | None = None) -> dict[str, object]:
    return {"original_id": original, "is_correct": correct, "error_type": error}


VIEW = View(marked=frozenset({3}), opinions={"e2": Opinion(rating=4)})


@pytest.fixture
def results() -> Results:
    """Four edits: a pair, one that failed, one whose number is missing; the pair is scored by EditCLIP."""
    edits = [
        EditRow("e10", "/s", "", "add a lake", truth=truth("a", True)),
        EditRow("e2", "/s", "", "remove the lake", truth=truth("a", False, "opposite_action")),
        EditRow("e3", "/s", "", "Make it night"),
        EditRow("e4", "/s", "", "turn it red"),
    ]
    results = Results(raw_plan(["editclip_score"]), Context())
    results.add(edit.item(number) for number, edit in enumerate(edits))
    values = [
        MetricValue(0, "present", 0.9),
        MetricValue(1, "present", 0.2),
        MetricValue(3, "missing", reason="no text"),
    ]
    results.apply(MetricBatch("editclip_score", values))
    results.apply(ImageFailed(2, "holds text, not an image"))
    return results


@pytest.mark.parametrize(
    ("expression", "shown"),
    [
        ("lake", [0, 1]),
        ("wrong", [1]),
        ("right", [0]),
        ("failed", [2, 3]),
        ("editclip_score<0.5", [1]),
        ("rating>=4", [1]),
        ("unrated & !failed", [0]),
        ("error_type=opposite_action", [1]),
        ("reason~text", [2, 3]),
        ("marked | id=e10", [0, 3]),
    ],
)
def test_a_filter_reads_the_names_of_edits(results: Results, expression: str, shown: list[int]) -> None:
    assert select(results.rows, Filter(expression, EDITS), SortKey(), VIEW, EDITS) == shown


def test_names_of_images_are_no_names_of_edits_and_the_other_way_round() -> None:
    with pytest.raises(FilterError, match="unknown field 'final'"):
        Filter("final>70", EDITS)
    with pytest.raises(FilterError, match="unknown field 'edit_score'"):
        Filter("edit_score>0")


def test_the_names_of_edits_are_completed_and_those_of_images_are_not() -> None:
    assert completed("editc", EDITS) == "editclip_score"
    assert completed("failed | wro", EDITS) == "failed | wrong"
    assert completed("fin", EDITS) is None


def test_a_title_sorts_by_the_best_first_and_then_the_other_way_round() -> None:
    arrangement = Arrangement(columns=EDITS)
    for column, largest_first in (("editclip_score", True), ("preservation_lpips", False), ("instruction", False)):
        arrangement.sort = arrangement.toggled(column)
        assert arrangement.sort == SortKey(column, largest_first)
        assert arrangement.toggled(column) == SortKey(column, not largest_first)


@pytest.mark.parametrize(
    ("key", "order"),
    [
        (SortKey("editclip_score", True), [0, 1, 2, 3]),
        (SortKey("editclip_score"), [1, 0, 2, 3]),
        (SortKey("id"), [1, 2, 3, 0]),
        (SortKey("rating", True), [1, 0, 2, 3]),
        (SortKey("status"), [0, 1, 2, 3]),
    ],
)
def test_edits_without_a_value_come_last_either_way(results: Results, key: SortKey, order: list[int]) -> None:
    assert select(results.rows, Filter(), key, VIEW, EDITS) == order


def test_a_pair_is_won_in_the_direction_of_the_number() -> None:
    assert winner(EDITCLIP, Present(0.9), Present(0.2)) is Winner.RIGHT
    assert winner(PRESERVATION_LPIPS, Present(0.9), Present(0.2)) is Winner.WRONG
    assert winner(EDITCLIP, Present(0.5), Present(0.5)) is Winner.TIE
    assert winner(EDITCLIP, Present(0.9), Failed("no memory")) is None


def test_pairs_have_one_right_side_and_count_only_where_both_have_the_number(results: Results) -> None:
    truths = [row.truth for row in results.rows]
    pairs = pairs_of([*truths, truth("b", False), truth("a", False)])
    assert pairs == [InstructionPair(0, 1), InstructionPair(0, 5)]
    assert tally(EDITCLIP, [*pairs[:1], InstructionPair(0, 2)], results) == Tally(won=1, tied=0, of=1)


def test_a_path_is_completed_by_files_of_the_kind_and_by_folders(tmp_path: Path) -> None:
    for name in ("data.json", "data.png", ".data.json"):
        (tmp_path / name).touch()
    (tmp_path / "database").mkdir()
    assert complete_path(f"{tmp_path}/da", (".json",)) == f"{tmp_path}/data.json"
    assert complete_path(f"{tmp_path}/datab", (".json",)) == f"{tmp_path}/database/"
    assert complete_path(f"{tmp_path}/.d", (".json",)) == f"{tmp_path}/.data.json"
    assert complete_path(f"{tmp_path}/x", (".json",)) is None
    assert complete_path("/no/such/folder/x") is None

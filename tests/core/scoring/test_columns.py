"""One registration of a column is enough for sorting, filters, completion, mark rules and exports."""

from __future__ import annotations

import csv
import io

import pytest

from aim_tui.core.metrics.builtin import METRICS
from aim_tui.core.metrics.normalisation import Piece, Rule, RuleSet
from aim_tui.core.outcomes import Present
from aim_tui.core.ratings.opinions import Opinion
from aim_tui.core.scoring.columns import IMAGES, Column, Kind, View, metric_columns
from aim_tui.core.scoring.context import Context
from aim_tui.core.scoring.events import ImageFacts, ImageRead, Item, MetricBatch, MetricValue
from aim_tui.core.scoring.plan import ScoringPlan
from aim_tui.core.scoring.records import FIELDS, csv_fields, csv_record, document, provenance, record
from aim_tui.core.scoring.results import Results
from aim_tui.core.selection.completion import completed
from aim_tui.core.selection.filters import Filter
from aim_tui.core.selection.mark_rules import MarkRule
from aim_tui.core.selection.sorting import SortKey, sort_rows
from aim_tui.settings.settings import load_settings

HALF = Rule((Piece(0.0, 0.0, 0.0), Piece(1.0, 0.0, 1.0), Piece(float("inf"), 1.0, 1.0)))
PLAN = ScoringPlan(("clip",), {"clip": 1.0}, RuleSet("test", {"clip": HALF}))
ASPECT = Column(
    "aspect", "Aspect", Kind.NUMBER, lambda row, view: row.facts.width / row.facts.height if row.facts else None,
    largest_first=True, letter="a", label="aspect", width=6, decimals=2, field="aspect_ratio",
)  # fmt: skip
SHAPES = ((200, 100), (100, 100), (100, 400))


@pytest.fixture
def columns(monkeypatch: pytest.MonkeyPatch) -> None:
    """The columns as they are, to be added to for one test."""
    monkeypatch.setattr(IMAGES, "_columns", dict(IMAGES._columns))


@pytest.fixture
def aspect(columns: None) -> None:
    IMAGES.register(ASPECT)


@pytest.fixture
def results() -> Results:
    """Three images of different shapes, and one that was not read."""
    made = Results(PLAN, Context(prompt="a cabin"))
    made.add(Item(number, f"/images/{number}.png") for number in range(4))
    for number, (width, height) in enumerate(SHAPES):
        facts = ImageFacts(width, height, "PNG", "RGB", 10, "0" * 64)
        made.apply(ImageRead(number, facts))
    made.apply(MetricBatch("clip", [MetricValue.of(number, Present(0.5)) for number in range(4)]))
    return made


@pytest.mark.usefixtures("aspect")
def test_a_new_column_is_sorted_by_with_rows_that_lack_it_last(results: Results) -> None:
    assert sort_rows(results.rows, SortKey("aspect")) == [2, 1, 0, 3]
    assert sort_rows(results.rows, SortKey("aspect", reverse=True)) == [0, 1, 2, 3]
    assert IMAGES["aspect"].largest_first


@pytest.mark.usefixtures("aspect")
def test_a_new_column_is_filtered_completed_and_marked_by(results: Results) -> None:
    view = View()
    assert [row.item for row in Filter("aspect>=1").rows(results.rows, view)] == [0, 1]
    assert completed("final>1 & asp") == "final>1 & aspect"
    assert MarkRule("top 2 aspect").items(results.rows, [3, 2, 1, 0], SortKey(), view) == [0, 1]
    assert MarkRule("bottom 1 aspect").items(results.rows, [3, 2, 1, 0], SortKey(), view) == [2]


@pytest.mark.usefixtures("aspect")
def test_a_new_column_is_in_records_csv_and_documents(results: Results) -> None:
    assert [record(row, results)["aspect_ratio"] for row in results.rows] == [2.0, 1.0, 0.25, None]
    profile = load_settings().profile("aim")
    said = provenance(results, profile, {})
    stream = io.StringIO()
    writer = csv.DictWriter(stream, csv_fields(results))
    writer.writeheader()
    writer.writerows(csv_record(row, results, said) for row in results.rows)
    read = list(csv.DictReader(stream.getvalue().splitlines()))
    assert [row["aspect_ratio"] for row in read] == ["2.0", "1.0", "0.25", ""]
    assert document(results, profile, {}, {})["results"][0]["aspect_ratio"] == 2.0


@pytest.mark.usefixtures("columns")
def test_a_new_flag_is_a_word_of_filters_and_a_new_text_is_searched(results: Results) -> None:
    IMAGES.register(
        Column("first", "First", Kind.FLAG, lambda row, view: row.item == 0),
        Column("folder", "Folder", Kind.TEXT, lambda row, view: row.path.rpartition("/")[0]),
    )
    assert [row.item for row in Filter("!first").rows(results.rows, View())] == [1, 2, 3]
    assert len(Filter("folder~IMAGES").rows(results.rows, View())) == 4
    assert completed("fir") == "first"
    with pytest.raises(KeyError, match="unknown column 'first'"):
        sort_rows(results.rows, SortKey("first"))


@pytest.mark.parametrize(
    ("column", "problem"),
    [
        (Column("clip", "C", Kind.NUMBER, lambda row, view: 0.0), "the name 'clip' is taken"),
        (Column("c", "C", Kind.NUMBER, lambda row, view: 0.0, names=("siglip_score",)), "'siglip_score' is taken"),
        (Column("c", "C", Kind.NUMBER, lambda row, view: 0.0, letter="n"), "the letter 'n' is taken"),
    ],
)
@pytest.mark.usefixtures("columns")
def test_no_two_columns_share_a_name_or_a_letter(column: Column, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        IMAGES.register(column)
    assert IMAGES.get("c") is None


def test_rows_can_be_marked_by_what_a_rater_says(results: Results) -> None:
    view = View(opinions={"/images/1.png": Opinion(rating=2.0), "/images/2.png": Opinion(rating=4.0)})
    assert MarkRule("top 1 rating").items(results.rows, [0, 1, 2, 3], SortKey(), view) == [2]


def test_records_hold_aims_fields_in_aims_order() -> None:
    assert FIELDS == (
        "path", "clip_score", "clip_norm", "caption", "blip2_similarity", "blip2_norm", "lpips_score", "lpips_norm",
        "final_score", "status", "error", "prompt_tokens", "prompt_truncated",
    )  # fmt: skip


def test_a_cell_says_what_is_not_there(results: Results) -> None:
    assert [ASPECT.text(row, View()) for row in results.rows] == ["2.00", "1.00", "0.25", "-"]
    raw, norm = metric_columns(METRICS["clip"])
    assert (raw.text(results.rows[0], View()), norm.text(results.rows[0], View())) == ("0.5000", "0.50")
    assert IMAGES["caption"].text(results.rows[0], View()) == ""
    assert IMAGES["marked"].text(results.rows[0], View(marked=frozenset({0}))) == "yes"

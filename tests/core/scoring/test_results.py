"""Events become rows; rows add up; and every aggregate says what it left out."""

from __future__ import annotations

import json

import pytest

from aim_tui.core.outcomes import Failed, Missing, Present
from aim_tui.core.scoring.context import Context
from aim_tui.core.scoring.events import ImageFacts, ImageFailed, ImageRead, Item, MetricBatch, MetricValue, PromptRead
from aim_tui.core.scoring.plan import ScoringPlan, Status
from aim_tui.core.scoring.records import (
    FIELDS,
    csv_fields,
    document,
    full_record,
    record,
    to_json,
)
from aim_tui.core.scoring.results import Results, summarise
from aim_tui.core.text import spreadsheet_cell
from aim_tui.settings.settings import load_settings

AIM = load_settings().profile("aim")
CONTEXT = Context(topic="a cabin", prompt="one cabin", reference="/r.png")


def results(count: int, *metrics: str) -> Results:
    made = Results(ScoringPlan(metrics or ("clip", "blip2", "lpips"), dict(AIM.weights), AIM.rules), CONTEXT)
    made.add(Item(number, f"/images/{number}.png") for number in range(count))
    return made


def batch(metric: str, *outcomes: Present | Missing | Failed, caption: str | None = None) -> MetricBatch:
    return MetricBatch(metric, [MetricValue.of(item, outcome, caption) for item, outcome in enumerate(outcomes)])


def test_cells_fill_metric_by_metric_and_the_row_is_ok_with_the_last_one() -> None:
    table = results(1)
    table.apply(batch("clip", Present(0.4)))
    assert table.rows[0].status is Status.PENDING
    table.apply(batch("blip2", Present(0.7), caption="a cabin"))
    table.apply(batch("lpips", Present(0.1)))
    assert (table.rows[0].status, table.rows[0].final, table.rows[0].caption) == (Status.OK, 100.0, "a cabin")


def test_an_unreadable_image_fails_every_enabled_metric_and_nothing_else() -> None:
    table = results(2, "clip")
    table.apply(ImageFailed(0, "is empty (0 bytes)"))
    table.apply(MetricBatch("clip", [MetricValue(1, "present", 0.4)]))
    assert [row.status for row in table.rows] == [Status.FAILED, Status.OK]
    assert table.rows[0].errors() == "is empty (0 bytes)"


def test_an_image_that_is_read_with_another_content_keeps_no_value_of_the_one_before() -> None:
    table = results(1)
    table.apply(ImageRead(0, ImageFacts(8, 8, "PNG", "RGB", 10, "a" * 64)))
    table.apply(batch("clip", Present(0.4)))
    table.apply(ImageRead(0, ImageFacts(8, 8, "PNG", "RGB", 10, "a" * 64)))
    assert set(table.rows[0].raws) == {"clip"}
    table.apply(ImageRead(0, ImageFacts(8, 8, "PNG", "RGB", 10, "b" * 64)))
    assert (table.rows[0].raws, table.rows[0].status) == ({}, Status.PENDING)


def test_mean_median_and_best_leave_out_rows_without_a_final_score_and_report_how_many() -> None:
    table = results(4, "clip")
    table.apply(batch("clip", Present(0.4), Present(-1.0), Failed("boom")))
    summary = table.summary()
    assert (summary.n, summary.n_ok, summary.n_failed, summary.n_pending, summary.n_final) == (4, 2, 1, 1, 2)
    assert (summary.mean, summary.median, summary.best) == (50.0, 50.0, "/images/0.png")


def test_other_weights_score_again_without_new_raw_values() -> None:
    table = results(1, "clip", "blip2")
    table.apply(batch("clip", Present(0.4)))
    table.apply(batch("blip2", Present(0.0)))
    assert table.rows[0].final == pytest.approx(100 * 0.2 / 0.7)
    table.replan(ScoringPlan(("clip", "blip2"), {"clip": 1.0, "blip2": 3.0}, AIM.rules))
    assert table.rows[0].final == pytest.approx(25.0)


def test_a_row_that_is_still_scored_by_the_plan_before_is_left_out_of_the_summary() -> None:
    table = results(2, "clip")
    table.apply(batch("clip", Present(0.4), Present(0.3)))
    wider = results(0, "clip", "lpips").plan
    assert table.rows[0].final is not None
    summary = summarise(table.rows, wider, CONTEXT)
    assert (summary.n_final, summary.n_stale) == (0, 2)


def test_a_changed_prompt_makes_only_the_clip_score_stale() -> None:
    table = results(1, "clip", "blip2")
    table.apply(batch("clip", Present(0.4)))
    table.apply(batch("blip2", Present(0.7)))
    changed = Context(topic="a cabin", prompt="two cabins")
    assert table.rows[0].stale("clip", changed)
    assert not table.rows[0].stale("blip2", changed)
    assert table.left(changed) == table.rows
    assert table.left(CONTEXT) == []


def test_what_leaves_the_program_holds_no_value_of_another_prompt() -> None:
    table = results(2, "clip", "blip2")
    table.apply(PromptRead(5, 77, False))
    table.apply(batch("clip", Present(0.4), Present(0.4)))
    table.apply(batch("blip2", Present(0.7), Present(0.7)))
    table.context = Context(topic="a cabin", prompt="two cabins")
    table.apply(MetricBatch("clip", [MetricValue(1, "present", 0.1)]))
    old, new = (record(row, table.settled()) for row in table.settled().rows)
    assert (old["clip_score"], old["final_score"], old["blip2_similarity"]) == (None, None, 0.7)
    assert old["error"] == "clip: scored with another prompt" and old["status"] == "partial"
    assert old["prompt_tokens"] is None
    assert new["clip_score"] == 0.1 and new["status"] == "ok"
    summary = table.summary()
    assert (summary.n_final, summary.n_stale, summary.best) == (1, 1, "/images/1.png")
    assert table.rows[0].final == 100.0


def test_an_image_s_own_prompt_has_its_own_tokens_origin_and_reason() -> None:
    table = results(0, "clip")
    table.context = Context(prompt="for all")
    table.add(
        [
            Item(0, "/0.png", Context(prompt="a cabin", prompt_origin="A1111 parameters")),
            Item(1, "/1.png", Context(prompt_origin="no words in its file name")),
        ]
    )
    table.apply(PromptRead(9, 77, False))
    table.apply(PromptRead(90, 77, True, item=0))
    own, common = (full_record(row, table) for row in table.rows)
    assert (own["prompt_tokens"], own["prompt_truncated"]) == (90, True)
    assert (own["prompt"], own["prompt_origin"]) == ("a cabin", "A1111 parameters")
    assert (common["prompt_tokens"], "prompt_origin" in common) == (9, False)
    assert table.rows[1].own.missing_for(("clip",)) == {"clip": "no prompt: no words in its file name"}
    table.apply(MetricBatch("clip", [MetricValue(0, "present", 0.1)]))
    table.rows[0].own = Context(prompt="changed")
    assert full_record(table.settled().rows[0], table)["prompt_tokens"] is None


def test_a_metric_that_is_switched_off_gives_no_error() -> None:
    table = results(1, "clip", "blip2")
    table.apply(batch("clip", Present(0.4)))
    table.apply(batch("blip2", Failed("boom")))
    table.replan(ScoringPlan(("clip",), {"clip": 1.0}, AIM.rules))
    assert (table.rows[0].status, table.rows[0].errors()) == (Status.OK, None)


def test_a_value_belongs_to_the_context_its_job_ran_against() -> None:
    table = results(1, "clip")
    old = CONTEXT
    table.context = Context(prompt="changed while the job ran")
    table.apply(batch("clip", Present(0.4)), old)
    assert table.rows[0].stale("clip", table.context)


def test_a_record_has_aims_fields_in_order_and_never_nan() -> None:
    table = results(2)
    table.apply(PromptRead(80, 77, True))
    table.apply(batch("clip", Present(0.4), Failed("boom")))
    rows = [record(row, table) for row in table.rows]
    assert all(tuple(row) == FIELDS for row in rows)
    assert rows[0]["clip_score"] == 0.4 and rows[0]["clip_norm"] == 1.0
    assert rows[1]["clip_score"] is None and rows[1]["clip_norm"] is None and "boom" in rows[1]["error"]
    assert rows[0]["prompt_tokens"] == 80 and rows[0]["prompt_truncated"] is True


def test_the_document_names_weights_rules_formulas_and_what_was_not_asked_for() -> None:
    table = results(1, "clip")
    table.apply(batch("clip", Present(0.4)))
    whole = document(table, AIM, {"device": "cpu"}, {"lpips": "no reference"})
    json.dumps(whole, allow_nan=False)
    assert whole["weights"] == {"clip": 0.2}
    assert whole["not_asked"] == {"lpips": "no reference"}
    assert "clip_score <= 0.4: a line from 0 to 1" in whole["formulas"]["clip_norm"]
    assert whole["summary"]["best_score"] == 100.0


def test_a_profile_of_other_models_names_the_rules_it_borrows() -> None:
    large = load_settings().profile("large")
    assert "thresholds were set for clip openai/clip-vit-base-patch32, lpips alex" in large.rules_note()
    assert "not for clip openai/clip-vit-large-patch14, lpips vgg" in large.rules_note()
    assert AIM.rules_note() == "rules: aim"


@pytest.mark.parametrize("char", ["\x00", "\x1b", "\x07", "\x7f", "\x9b"])
def test_no_control_character_of_a_name_leaves_in_csv_or_json(char: str) -> None:
    assert spreadsheet_cell(f"a{char}b") == f"a\\x{ord(char):02x}b"
    assert char not in to_json({"path": f"a{char}b"})
    assert json.loads(to_json({"path": f"a{char}b"})) == {"path": f"a{char}b"}


def test_line_breaks_and_formulas_in_csv_cells() -> None:
    assert spreadsheet_cell("a\nb") == "a\nb"
    assert spreadsheet_cell("=1+1") == "'=1+1"
    assert spreadsheet_cell(-0.5) == -0.5


def test_what_is_read_of_an_image_s_own_prompt_goes_with_that_prompt() -> None:
    table = results(2, "clip")
    table.rows[0].own = Context(prompt="its own")
    table.apply(PromptRead(5, 77, False))
    table.apply(PromptRead(90, 77, True, item=0))
    table.apply(batch("clip", Present(0.4), Present(0.4)))
    assert [record(row, table)["prompt_tokens"] for row in table.rows] == [90, 5]
    table.rows[0].own = Context(prompt="another of its own")
    assert record(table.settled().rows[0], table.settled())["prompt_tokens"] is None


def test_of_two_models_that_read_the_topic_the_one_that_reads_less_counts() -> None:
    table = results(1, "clip")
    table.apply(PromptRead(200, 128, True, "topic"))
    table.apply(PromptRead(210, 512, False, "topic"))
    full = full_record(table.rows[0], table)
    assert (full["topic_tokens"], full["topic_truncated"]) == (200, True)
    assert {"topic_tokens", "topic_truncated"} <= set(csv_fields(table))
    table.context = Context(topic="another")
    assert "topic_tokens" not in full_record(table.rows[0], table.settled())

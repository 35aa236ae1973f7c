"""Metrics beside AIM's three: raw columns that stay out of the final score until a profile gives them a part in it."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

import pytest

from aim_tui.core.metrics.builtin import EXTRAS, METRICS
from aim_tui.core.metrics.normalisation import Piece, Rule, RuleSet
from aim_tui.core.metrics.registry import get_metric, in_order
from aim_tui.core.metrics.spec import Role
from aim_tui.core.outcomes import Failed, Missing, Present
from aim_tui.core.scoring.columns import View
from aim_tui.core.scoring.context import Context
from aim_tui.core.scoring.events import Item, MetricBatch, MetricValue
from aim_tui.core.scoring.plan import ScoringPlan, Status, score
from aim_tui.core.scoring.records import csv_fields, csv_record, formulas, record
from aim_tui.core.scoring.results import Results
from aim_tui.core.selection.filters import Filter
from aim_tui.errors import ConfigError
from aim_tui.settings.settings import load_settings
from aim_tui.store.codec import plan_from_json, plan_to_data

if TYPE_CHECKING:
    from pathlib import Path

HALF = Rule((Piece(0.0, 0.0, 0.0), Piece(1.0, 0.0, 1.0), Piece(float("inf"), 1.0, 1.0)))
AIM_RULES = RuleSet("aim", {"clip": HALF, "blip2": HALF, "lpips": HALF})
CONTEXT = Context("a cabin", "a cabin in snow", "/reference.png")


def plan(*metrics: str, rules: RuleSet = AIM_RULES, **weights: float) -> ScoringPlan:
    return ScoringPlan(metrics, {metric: get_metric(metric).default_weight for metric in metrics} | weights, rules)


def test_aims_three_keep_their_order_and_the_others_follow() -> None:
    assert in_order(["siglip", "lpips", "clip_i", "clip"]) == ("clip", "lpips", "clip_i", "siglip")
    assert list(METRICS) == ["clip", "blip2", "lpips"]


def test_every_built_in_metric_says_what_its_number_is() -> None:
    assert set(EXTRAS) >= {"siglip", "pickscore", "clip_i", "dinov2_i", "clip_iqa"}
    taken = {field for spec in METRICS.values() for field in (spec.raw_field, spec.norm_field)}
    for spec in EXTRAS.values():
        assert spec.low < spec.high
        assert "arXiv:" in spec.source
        assert spec.formula
        assert not taken & {spec.raw_field, spec.norm_field}, "two metrics would share a column"
        taken |= {spec.raw_field, spec.norm_field}


def test_a_metric_without_rule_and_weight_does_not_move_the_final_score() -> None:
    aim = score({"clip": Present(0.2)}, plan("clip")).final
    both = score({"clip": Present(0.2), "siglip": Present(0.9)}, plan("clip", "siglip"))
    assert both.final == aim
    assert both.status is Status.OK
    assert "siglip" not in both.norms


def test_a_raw_column_that_failed_is_reported_and_leaves_the_final_score_alone() -> None:
    scores = score({"clip": Present(0.2), "siglip": Failed("no memory")}, plan("clip", "siglip"))
    assert scores.final == Present(20.0)
    assert scores.status is Status.PARTIAL
    assert scores.norms["siglip"] == Failed("no memory")


def test_a_row_is_pending_until_its_raw_columns_are_there() -> None:
    scores = score({"clip": Present(0.2)}, plan("clip", "siglip"))
    assert scores.status is Status.PENDING
    assert scores.final == Present(20.0)


def test_there_is_no_final_score_without_a_metric_that_is_part_of_it() -> None:
    scores = score({"siglip": Present(0.1)}, plan("siglip"))
    assert isinstance(scores.final, Missing)
    assert scores.status is Status.OK
    assert "no final score" in plan("siglip").formula()


def test_rule_and_weight_together_give_a_metric_its_part() -> None:
    rules = RuleSet("mine", {**AIM_RULES.rules, "siglip": HALF})
    weighed = plan("clip", "siglip", rules=rules, siglip=0.2)
    final = score({"clip": Present(0.2), "siglip": Present(0.6)}, weighed).final
    assert isinstance(final, Present)
    assert final.value == pytest.approx(40.0)
    assert "0.5*siglip_norm" in weighed.formula()
    with pytest.raises(ValueError, match="have none for 'siglip'"):
        plan("clip", "siglip", siglip=0.2)


@pytest.fixture
def results() -> Results:
    results = Results(plan("clip", "clip_iqa", "siglip"), CONTEXT)
    results.add([Item(0, "/a.png"), Item(1, "/b.png")])
    for metric, values in {"clip": (0.2, 0.3), "siglip": (0.11, 0.07), "clip_iqa": (0.5, 0.9)}.items():
        results.apply(MetricBatch(metric, [MetricValue(item, "present", value) for item, value in enumerate(values)]))
    return results


def test_every_record_has_the_columns_that_were_asked_for(results: Results) -> None:
    told = record(results.rows[0], results)
    assert (told["clip_score"], told["siglip_score"], told["clip_iqa"]) == (0.2, 0.11, 0.5)
    assert "siglip_norm" not in told
    names = csv_fields(results)
    assert names.index("clip_iqa") < names.index("siglip_score") < names.index("final_score")
    stream = io.StringIO()
    said = {"weights": {"clip": 0.2}, "rules": "aim"}
    csv.DictWriter(stream, names).writerow(csv_record(results.rows[0], results, said))
    assert "exp(logit_scale)" in formulas(results)["clip_iqa"]


def test_another_prompt_leaves_what_is_compared_with_nothing_as_it_is(results: Results) -> None:
    results.context = Context("a cabin", "another prompt", "/reference.png")
    assert results.rows[0].stale("siglip", results.context)
    assert not results.rows[0].stale("clip_iqa", results.context)
    assert Context().missing_for(("clip_iqa", "siglip")) == {"siglip": "no prompt"}


def test_the_summary_counts_scores_whose_raw_columns_are_still_to_come() -> None:
    results = Results(plan("clip", "siglip"), CONTEXT)
    results.add([Item(0, "/a.png")])
    results.apply(MetricBatch("clip", [MetricValue(0, "present", 0.2)]))
    assert (results.summary().n_final, results.summary().n_pending) == (1, 1)


def test_rows_are_filtered_by_them(results: Results) -> None:
    view = View.of(CONTEXT, results.plan.metrics)
    assert [row.item for row in Filter("siglip>0.1").rows(results.rows, view)] == [0]
    assert [row.item for row in Filter("clip_iqa>0.8").rows(results.rows, view)] == [1]


def test_a_stored_plan_knows_its_metrics_where_their_package_is_gone() -> None:
    data = plan_to_data(plan("clip", "siglip"))
    data["metrics"][1] = data["specs"][0]["id"] = "gone_metric"
    data["weights"]["gone_metric"] = 0.0
    restored = plan_from_json(json.dumps(data))
    assert restored.metrics == ("clip", "gone_metric")
    assert get_metric("gone_metric").formula == get_metric("siglip").formula


class TestSettings:
    @pytest.fixture
    def settings(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))

        def load(text: str):
            file = tmp_path / "settings.toml"
            file.write_text(text)
            return load_settings(file)

        return load

    def test_a_profile_names_them_and_the_model_that_plays_their_role(self, settings) -> None:
        told = settings(
            "[profiles.mine]\nextends = 'aim'\nmetrics = ['clip', 'siglip', 'dinov2_i']\n"
            "[profiles.mine.models]\nsiglip = { id = 'google/siglip-base-patch16-224' }\n"
        ).profile("mine")
        assert told.metrics == ("clip", "dinov2_i", "siglip")
        assert told.models[Role("siglip")].id == "google/siglip-base-patch16-224"
        assert told.models[Role("dinov2")].id == "facebook/dinov2-base"
        assert Role("pickscore") not in told.models
        assert told.weights["siglip"] == 0.0

    def test_a_rule_and_a_weight_give_one_a_part_in_the_final_score(self, settings) -> None:
        told = settings(
            "[rules.mine]\nclip = [[0.4, 0, 0], [inf, 1, 1]]\nsiglip = [[0.0, 0, 0], [0.2, 0, 1], [inf, 1, 1]]\n"
            "[profiles.mine]\nextends = 'aim'\nrules = 'mine'\n"
            "metrics = ['clip', 'siglip']\nweights = { siglip = 0.6 }\n"
        ).profile("mine")
        assert ScoringPlan(told.metrics, told.weights, told.rules).shares["siglip"] == pytest.approx(0.75)

    @pytest.mark.parametrize(
        ("text", "problem"),
        [
            ("[profiles.mine]\nextends = 'aim'\nmetrics = ['siglib']\n", "did you mean 'siglip'"),
            (
                "[profiles.mine]\nextends = 'aim'\nweights = { siglip = 0.5 }\nmetrics = ['siglip']",
                "no rule for siglip",
            ),
            ("[rules.mine]\nsiglib = [[inf, 1, 1]]\n", "did you mean 'siglip'"),
            ("[profiles.mine]\nextends = 'aim'\n[profiles.mine.models]\nsigleap = { id = 'x/y' }\n", "unknown role"),
        ],
    )
    def test_a_mistake_is_reported_with_its_file(self, settings, text: str, problem: str) -> None:
        with pytest.raises(ConfigError, match=problem):
            settings(text)

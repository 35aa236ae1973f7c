"""One registration of a metric is enough for lists, columns, models to fetch and exports; listing imports no model."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from aim_tui.cli.setup.models import app as models_app
from aim_tui.core.metrics import registry
from aim_tui.core.metrics.edits import MEASURES
from aim_tui.core.metrics.normalisation import Piece, Rule, RuleSet
from aim_tui.core.metrics.spec import Library, MetricSpec, ModelRef, ModelRole, Need, Role
from aim_tui.core.outcomes import Present
from aim_tui.core.scoring.context import Context
from aim_tui.core.scoring.events import Item, MetricBatch, MetricValue
from aim_tui.core.scoring.plan import ScoringPlan
from aim_tui.core.scoring.records import csv_fields, formulas, record
from aim_tui.core.scoring.results import Results
from aim_tui.core.selection.completion import completed
from aim_tui.core.selection.filters import Filter
from aim_tui.core.selection.mark_rules import MarkRule
from aim_tui.core.selection.sorting import SortKey, View, sort_rows
from aim_tui.errors import ModelUnavailableError
from aim_tui.hub.inventory import inspect, role_name
from aim_tui.hub.optional_libraries import require_libraries
from aim_tui.hub.required_files import folder_problems

TOY_MODEL = ModelRole(
    Role("toy"),
    "toy model",
    ModelRef("somebody/toy"),
    "nowhere.toy:load",
    ("config", "tokenizer"),
    {"somebody/toy": 12},
)
TOY = MetricSpec(
    id="toy", title="Toy score", short="Toy", raw_field="toy_score", norm_field="toy_norm", unit="points", low=0.0,
    high=10.0, higher_is_better=True, needs=Need.NOTHING, roles=(TOY_MODEL.role,), default_weight=0.0, decimals=2,
    formula="points out of ten", implementation="nowhere.toy:Toy", source="arXiv:0000.00000", models=(TOY_MODEL,),
    libraries=(Library("no_library_has_this_name", "toy"),),
)  # fmt: skip
HALF = Rule((Piece(0.0, 0.0, 0.0), Piece(1.0, 0.0, 1.0), Piece(float("inf"), 1.0, 1.0)))


@pytest.fixture
def metrics(monkeypatch: pytest.MonkeyPatch) -> None:
    """The metrics as they are, to be added to for one test."""
    monkeypatch.setattr(registry, "_registered", dict(registry._registered))


@pytest.fixture
def toy(metrics: None) -> None:
    registry.register(TOY, "a test")


@pytest.fixture
def results() -> Results:
    plan = ScoringPlan(("clip", "toy"), {"clip": 1.0, "toy": 0.0}, RuleSet("test", {"clip": HALF}))
    made = Results(plan, Context(prompt="a cabin"))
    made.add(Item(number, f"/images/{number}.png") for number in range(3))
    for metric, values in (("clip", (0.1, 0.2, 0.3)), ("toy", (5.0, 9.0, 1.0))):
        made.apply(MetricBatch(metric, [MetricValue.of(n, Present(value)) for n, value in enumerate(values)]))
    return made


@pytest.mark.usefixtures("toy")
def test_a_new_metric_is_sorted_filtered_completed_and_marked_by(results: Results) -> None:
    assert sort_rows(results.rows, SortKey("toy", reverse=True)) == [1, 0, 2]
    assert [row.item for row in Filter("toy_score>=5").rows(results.rows, View())] == [0, 1]
    assert completed("final>1 & to") == "final>1 & toy"
    assert MarkRule("top 1 toy").items(results.rows, [0, 1, 2], SortKey(), View()) == [1]


@pytest.mark.usefixtures("toy")
def test_a_new_metric_is_exported_before_the_final_score(results: Results) -> None:
    fields = csv_fields(results)
    assert fields[fields.index("final_score") - 1] == "toy_score"
    assert [record(row, results)["toy_score"] for row in results.rows] == [5.0, 9.0, 1.0]
    assert formulas(results)["toy_score"] == "points out of ten"


@pytest.mark.usefixtures("toy")
def test_the_models_and_libraries_of_a_new_metric_are_known_where_they_are_fetched(tmp_path: Path) -> None:
    state = inspect(TOY_MODEL.role, ModelRef("somebody/toy"))
    assert (state.bytes_to_fetch, role_name(TOY_MODEL.role)) == (12_000_000, "toy model")
    assert folder_problems(TOY_MODEL.role, tmp_path) == [
        "config.json is missing",
        "the tokenizer is missing (tokenizer.json)",
    ]
    shown = CliRunner().invoke(models_app, ["list", "--metrics", "toy", "--json"])
    assert [(model["role"], model["bytes_to_fetch"]) for model in json.loads(shown.output)["models"]] == [
        ("toy", 12_000_000)
    ]
    with pytest.raises(ModelUnavailableError, match="toy needs no_library_has_this_name") as refused:
        require_libraries(["clip", "toy"])
    assert "aim-tui[toy]" in refused.value.hint


@pytest.mark.usefixtures("metrics")
def test_no_two_metrics_share_a_name_and_no_role_is_without_a_model() -> None:
    with pytest.raises(ValueError, match="the name 'clip' is taken by a metric of AIM"):
        registry.register(registry.get_metric("clip"), "a test")
    with pytest.raises(ValueError, match="it needs the role 'toy'"):
        registry.register(replace(TOY, models=()), "a test")
    with pytest.raises(KeyError, match="unknown metric 'toy'"):
        registry.get_metric("toy")


def test_every_role_of_a_built_in_metric_has_a_model_with_a_loader_that_is_there() -> None:
    roles = {role for each in registry.registered() for role in each.spec.roles}
    assert {"clip", "captioner", "sentence", "lpips", "editclip", "siglip"} <= roles
    for role in roles:
        model = registry.model_role(role)
        assert model is not None
        module, _, function = model.loader.partition(":")
        found = importlib.util.find_spec(module)
        assert found is not None and found.origin is not None
        assert f"def {function}(" in Path(found.origin).read_text(encoding="utf-8")


def test_metrics_of_edits_are_found_and_are_none_of_images() -> None:
    assert registry.get_metric("edit_score") is MEASURES["edit_score"]
    assert not {spec.id for spec in registry.image_metrics()} & set(MEASURES)


def test_listing_metrics_imports_no_model_library_and_reads_no_package() -> None:
    code = (
        "import sys; from aim_tui.core.metrics.registry import registered, in_order, roles_in_order\n"
        "metrics = in_order(each.spec.id for each in registered())\n"
        "roles_in_order(role for each in registered() for role in each.spec.roles)\n"
        "print([name for name in ('torch', 'transformers', 'numpy', 'importlib.metadata') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

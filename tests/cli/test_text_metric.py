"""`--text-metric`: how a run compares captions with the topic, with the sample captioner and a small RoBERTa."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

import pytest

from aim_tui.hub import folder_check
from aim_tui.settings import paths

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Outcome

    Cli = Callable[..., Outcome]

IMAGES = sorted(map(str, (paths.sample_data() / "generations").iterdir()))[:4]
TOPIC, PROMPT = ("--topic", "a cabin in the snow"), ("--prompt", "a cabin")


@pytest.fixture(scope="module")
def roberta(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.engine.random_models import save_roberta

    return save_roberta(tmp_path_factory.mktemp("roberta") / "model")


@pytest.fixture
def settings(tmp_path: Path, roberta: Path) -> tuple[str, ...]:
    """A profile of the sample models with a BERTScore model of its own."""
    file = tmp_path / "settings.toml"
    file.write_text(
        '[profiles.mine]\nextends = "sample"\n'
        f'[profiles.mine.models]\nbertscore = {{ path = "{roberta}", layer = 2 }}\n'
    )
    return "--config", str(file), "--profile", "mine", "--store", str(tmp_path / "store.db")


def test_a_run_asks_for_either_or_for_both(cli: Cli, settings: tuple[str, ...]) -> None:
    def told(*more: str) -> dict:
        ran = cli("score", *IMAGES, *TOPIC, *PROMPT, *settings, "--format", "json", *more)
        assert ran.code == 0, ran.err
        return json.loads(ran.out)

    sentence, instead, both = (
        told("--text-metric", "sentence"),
        told("--text-metric", "bertscore"),
        told("--text-metric", "both"),
    )
    captions = [row["caption"] for row in sentence["results"]]
    assert all(captions)
    for found in (instead, both):
        assert [row["caption"] for row in found["results"]] == captions
        assert all(0 < row["bertscore"] <= 1 for row in found["results"])
    assert "bertscore" not in sentence["results"][0]
    assert instead["results"][0]["blip2_similarity"] is None
    assert both["results"][0]["blip2_similarity"] == sentence["results"][0]["blip2_similarity"]
    assert "blip2" in both["formulas"]["final_score"]
    assert "blip2" not in instead["formulas"]["final_score"]
    assert "bertscore" not in both["formulas"]["final_score"]
    assert both["results"][0]["final_score"] == sentence["results"][0]["final_score"]
    assert "not rescaled with a baseline" in instead["formulas"]["bertscore"]
    by_name = told("--metrics", "clip,bertscore")
    assert [row["bertscore"] for row in by_name["results"]] == pytest.approx(
        [row["bertscore"] for row in instead["results"]], abs=1e-6
    )


def test_a_final_score_without_captions_is_reported(cli: Cli, settings: tuple[str, ...]) -> None:
    ran = cli("score", IMAGES[0], *TOPIC, *PROMPT, *settings, "--text-metric", "bertscore")
    assert "skipping blip2: replaced by bertscore (--text-metric)" in ran.out
    assert "final_score = 100 * (1*clip_norm)" in ran.out
    assert "caption" in ran.out.splitlines()[0]
    wrong = cli("score", IMAGES[0], *TOPIC, *settings, "--text-metric", "bertscor")
    assert (wrong.code, "did you mean 'bertscore'" in wrong.err) == (2, True)


def test_the_rows_of_a_manifest_have_topics_of_their_own(cli: Cli, settings: tuple[str, ...], tmp_path: Path) -> None:
    file, out = tmp_path / "rows.csv", tmp_path / "out.csv"
    file.write_text("image_path,topic\n" + "".join(f"{path},{topic}\n" for path, topic in zip(
        IMAGES[:3], ("a cabin", "a red barn", ""), strict=True
    )))  # fmt: skip
    ran = cli("score", "--manifest", str(file), *settings, "--text-metric", "bertscore", "-o", str(out))
    assert ran.code == 1, "a row has no topic"
    rows = list(csv.DictReader(out.open()))
    assert "blip2_similarity" not in rows[0]
    assert [bool(row["bertscore"]) for row in rows] == [True, True, False]
    assert "bertscore: no topic" in rows[2]["error"]
    (alone,) = json.loads(
        cli(
            "score", IMAGES[1], "--topic", "a red barn", *settings, "--metrics", "bertscore", "-f", "json"
        ).out
    )["results"]  # fmt: skip
    assert alone["bertscore"] == pytest.approx(float(rows[1]["bertscore"]), abs=1e-5)
    assert alone["caption"] == rows[1]["caption"]


def test_without_its_library_the_program_says_how_to_get_it(
    cli: Cli, settings: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_check.importlib.util, "find_spec", lambda name: None)
    refused = cli("score", IMAGES[0], *TOPIC, *settings, "--text-metric", "both")
    assert refused.code == 3
    assert "bertscore needs torchmetrics, which is not installed" in refused.err
    assert "pip install 'aim-tui[bertscore]'" in refused.err


def test_a_layer_of_a_model_that_has_no_choice_of_it_is_a_mistake(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text('[profiles.mine]\nextends = "sample"\n[profiles.mine.models]\nclip = { id = "a/b", layer = 2 }\n')
    refused = cli("score", IMAGES[0], *PROMPT, "--config", str(file), "--profile", "mine")
    assert refused.code == 2
    assert f"{file}, line 4" in refused.err
    assert "the clip model takes no layer" in refused.err

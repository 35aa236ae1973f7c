"""Metrics other than AIM's on the command line, with the sample models: scored, stored, exported, correlated."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

import pytest

from aim_tui.settings import paths

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Outcome

    Cli = Callable[..., Outcome]

IMAGES = sorted(map(str, (paths.sample_data() / "generations").iterdir()))[:5]
ASKED = ("--profile", "sample", "--prompt", "a cabin in the snow", "--reference", IMAGES[0])


@pytest.fixture
def store(tmp_path: Path) -> str:
    return str(tmp_path / "store.db")


def test_a_run_with_other_columns_goes_every_way_that_a_run_can_go(cli: Cli, store: str, tmp_path: Path) -> None:
    ran = cli("score", *IMAGES, *ASKED, "--metrics", "clip,clip_i,clip_iqa", "--format", "json", "--store", store)
    assert ran.code == 0, ran.err
    told = json.loads(ran.out)
    values = [row["clip_iqa"] for row in told["results"]]
    assert len(set(values)) == len(values) and all(0 < value < 1 for value in values)
    assert told["results"][0]["clip_i"] == pytest.approx(1.0)
    assert "Good photo." in told["formulas"]["clip_iqa"]
    assert "clip_iqa" not in told["formulas"]["final_score"]
    assert told["summary"]["n_in_mean"] == len(IMAGES)

    exported = list(csv.DictReader(cli("runs", "export", "last", "-f", "csv", "--store", store).out.splitlines()))
    assert [float(row["clip_iqa"]) for row in exported] == values
    assert "IQA" in cli("runs", "export", "last", "-f", "markdown", "--store", store).out
    assert "CLIP-IQA quality" in cli("runs", "export", "last", "-f", "html", "--store", store).out
    assert "IQA" in cli("runs", "show", "last", "--store", store).out
    parquet = tmp_path / "run.parquet"
    assert cli("runs", "export", "last", "-o", str(parquet), "--store", store).code == 0
    from pyarrow.parquet import read_table

    assert read_table(parquet)["clip_iqa"].to_pylist() == values

    people = tmp_path / "people.csv"
    people.write_text("path,rating\n" + "".join(f"{path},{number}\n" for number, path in enumerate(IMAGES)))
    found = cli("correlate", "last", "--judgements", str(people), "--store", store, "--format", "json")
    assert "clip_iqa" in found.out, found.err
    one = cli("correlate", "last", "--judgements", str(people), "--metric", "clip_i", "--store", store)
    assert one.code == 0 and "clip_i" in one.out, one.err

    again = cli("score", *IMAGES, *ASKED, "--metrics", "clip_iqa", "--format", "json", "--fresh", "--store", store)
    assert [row["clip_iqa"] for row in json.loads(again.out)["results"]] == values
    assert json.loads(again.out)["results"][0]["final_score"] is None
    compared = cli("runs", "compare", "last", "last", "--store", store)
    assert compared.code == 0 and "IQA" in compared.out, compared.err


def test_weights_need_a_rule(cli: Cli, tmp_path: Path) -> None:
    refused = cli("score", *IMAGES, *ASKED, "--metrics", "clip,clip_iqa", "--weights", "clip_iqa=1", "--no-store")
    assert (refused.code, "have none for 'clip_iqa'" in refused.err) == (2, True)
    settings = tmp_path / "settings.toml"
    settings.write_text(
        "[rules.mine]\nclip = [[0, 0, 0], [1, 0, 1], [inf, 1, 1]]\nclip_iqa = [[0, 0, 0], [1, 0, 1], [inf, 1, 1]]\n"
        "[profiles.mine]\nextends = 'sample'\nrules = 'mine'\nmetrics = ['clip', 'clip_iqa']\n"
        "weights = { clip = 0.5, clip_iqa = 0.5 }\n"
    )
    asked = ("--config", str(settings), "--profile", "mine", "--prompt", "a cabin", "--no-store", "--format", "csv")
    (row,) = csv.DictReader(cli("score", IMAGES[0], *asked).out.splitlines())
    assert float(row["clip_iqa_norm"]) == pytest.approx(float(row["clip_iqa"]))
    expected = 50 * (float(row["clip_norm"]) + float(row["clip_iqa_norm"]))
    assert float(row["final_score"]) == pytest.approx(expected)


def test_the_models_of_a_metric_are_listed_with_it(cli: Cli) -> None:
    told = json.loads(cli("models", "list", "--profile", "sample", "--metrics", "siglip,dinov2_i", "--json").out)
    named = {(model["role"], model["name"], tuple(model["metrics"])) for model in told["models"]}
    assert named == {
        ("siglip", "google/siglip2-base-patch16-224", ("siglip",)),
        ("dinov2", "facebook/dinov2-base", ("dinov2_i",)),
    }
    alone = json.loads(cli("models", "list", "--profile", "sample", "--role", "pickscore", "--json").out)
    assert [model["name"] for model in alone["models"]] == ["yuvalkirstain/PickScore_v1"]
    missing = cli("score", IMAGES[0], *ASKED, "--metrics", "siglip", "--no-store")
    assert missing.code == 3
    assert "SigLIP model google/siglip2-base-patch16-224: not on this machine" in missing.err
    assert "aim-tui models fetch --role siglip" in missing.err

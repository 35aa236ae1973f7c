"""`aim-tui correlate`: files and stored runs are joined, analysed and written, and what is missing is named."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image
from scipy import stats

from aim_tui.core.scoring.events import MetricBatch, MetricValue
from aim_tui.store.database import Database
from aim_tui.store.judgements import DuelOutcome, Judgements
from aim_tui.store.judgements import Image as Judged
from aim_tui.store.runs import Runs
from tests.store.samples import facts, items, request, scored

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Outcome

    Cli = Callable[..., Outcome]

FAST = ("--bootstrap", "300")


@pytest.fixture
def edits(tmp_path: Path) -> tuple[str, str]:
    """The paths of 30 EditCLIP scores and 29 LLM scores that go with them, the LLM's summary wrong by one."""
    generator = np.random.default_rng(1)
    truth = generator.normal(size=30)
    scores = [
        {"id": f"s{n}", "instruction": f"edit {n}", "source_image": "a.png", "target_image": f"t/{n}.png",
         "editclip_score": round(float(0.2 + 0.05 * value), 4), "model": "m", "scene": "wood" if n % 2 else "sea"}
        for n, value in enumerate(truth)
    ]  # fmt: skip
    judged = [
        {"id": f"s{n}", "llm_score": int(np.clip(round(5 + 2 * value + generator.normal()), 0, 10)), "model": "gpt"}
        for n, value in enumerate(truth[:29])
    ]
    judged[3]["llm_score"] = None  # type: ignore[assignment]
    (tmp_path / "editclip_results.json").write_text(json.dumps({"statistics": {"num_samples": 30}, "results": scores}))
    (tmp_path / "llm_results.json").write_text(json.dumps({"statistics": {"num_samples": 30}, "results": judged}))
    return str(tmp_path / "editclip_results.json"), str(tmp_path / "llm_results.json")


def columns(path: str, name: str) -> dict[str, float]:
    with open(path) as file:
        return {row["id"]: row[name] for row in json.load(file)["results"] if row[name] is not None}


# -- files ------------------------------------------------------------------------------------------------------------


def test_two_files_are_joined_by_id_and_what_is_left_out_is_told(cli: Cli, edits: tuple[str, str]) -> None:
    scores, judgements = edits
    told = cli("correlate", "--scores", scores, "--judgements", judgements, *FAST)
    assert told.code == 0
    assert "editclip_score against llm_score" in told.out
    assert "28 of 30 used (1 llm_score: no value; 1 llm_score: has no such id)" in told.out
    assert "only among the scores: s29" in told.out
    assert "95 % interval" in told.out and "(exploratory)" in told.out
    assert "llm_results.json  num_samples" in told.out
    assert "Worst agreement" in told.out
    assert told.err == ""


def test_the_json_holds_the_keys_of_the_seed_and_the_figures_of_scipy(cli: Cli, edits: tuple[str, str]) -> None:
    scores, judgements = edits
    told = json.loads(cli("correlate", "--scores", scores, "-j", judgements, "--format", "json", *FAST).out)
    x, y = columns(scores, "editclip_score"), columns(judgements, "llm_score")
    shared = [name for name in x if name in y]
    xs, ys = np.array([x[name] for name in shared]), np.array([y[name] for name in shared], float)
    found = told["correlation_metrics"]
    wanted = {
        "n_samples": 28,
        "pearson_r": stats.pearsonr(xs, ys)[0],
        "pearson_p": stats.pearsonr(xs, ys)[1],
        "spearman_r": stats.spearmanr(xs, ys)[0],
        "spearman_p": stats.spearmanr(xs, ys)[1],
        "clip_mean": xs.mean(), "clip_std": xs.std(), "clip_min": xs.min(), "clip_max": xs.max(),
        "llm_mean": ys.mean(), "llm_std": ys.std(), "llm_min": ys.min(), "llm_max": ys.max(),
    }  # fmt: skip
    assert {name: found[name] for name in wanted} == pytest.approx(wanted, abs=1e-9)
    assert {"mae", "rmse"} <= found.keys() and found["mapping"] == "calibrated"
    assert {"n_samples", "model_type", "llm_type", "device"} <= told["metadata"].keys()
    assert set(told["clip_results"][0]) == {
        "sample_id", "instruction", "edit_score", "target_text_sim", "source_text_sim", "source_target_sim",
    }  # fmt: skip
    assert set(told["llm_results"][0]) == {"sample_id", "llm_score", "llm_model"}
    assert told["clip_results"][0]["instruction"] == "edit 0"
    pearson = told["cells"][0]["coefficients"]["pearson"]
    assert pearson["strength"] == "strong" and pearson["significant"] is True
    assert [one["differs"] for one in told["stated"]] == [False, True]


def test_what_is_written_can_be_read_again_and_says_the_same_of_itself(
    cli: Cli, edits: tuple[str, str], tmp_path: Path
) -> None:
    scores, judgements = edits
    for extra in (
        (),
        ("--lower-is-better", "editclip_score"),
        ("--normalize", "minmax", "--scale", "0-20"),
        ("--normalize", "raw", "--scale", "0-20", "--metric-scale", "0-20"),
    ):
        written = tmp_path / "correlation_results.json"
        said = cli("correlate", "--scores", scores, "-j", judgements, "-o", str(written), *FAST, *extra)
        assert said.err == f"wrote {written}\n"
        again = json.loads(
            cli("correlate", "--scores", str(written), "--x", "edit_score", "--y", "llm_score", "-f", "json", *FAST).out
        )
        assert len(again["stated"]) == 15
        assert [one["name"] for one in again["stated"] if one["differs"] or one["recomputed"] is None] == []


def test_the_same_seed_writes_the_same_file_and_another_seed_another(cli: Cli, edits: tuple[str, str]) -> None:
    scores, judgements = edits
    one, again, other = (
        cli("correlate", "--scores", scores, "-j", judgements, "-f", "json", "--seed", seed, *FAST).out
        for seed in ("1", "1", "2")
    )
    assert one == again != other


def test_markdown_holds_the_same_figures_and_no_markup_of_names(cli: Cli, edits: tuple[str, str]) -> None:
    scores, judgements = edits
    told = cli("correlate", "--scores", scores, "-j", judgements, "--group-by", "scene", "--format", "md", *FAST).out
    assert "## editclip\\_score against llm\\_score" in told
    assert "| Spearman rho | " in told and "### Levels by scene" in told
    assert "only 2 groups" in told and "too few groups for a bootstrap" in told


def test_one_file_can_hold_both_sides_and_several_raters(cli: Cli, tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    stream = io.StringIO()
    rows = csv.writer(stream)
    rows.writerow(["image", "clip", "lpips_score", "ann", "bob"])
    for number, value in enumerate(generator.normal(size=40)):
        said = np.clip(np.round(3 + value + generator.normal(size=2)), 1, 5).astype(int)
        rows.writerow([f"{number}.png", round(value, 3), round(-value, 2), *said])
    path = tmp_path / "both.csv"
    path.write_text(stream.getvalue())
    told = cli(
        "correlate", "--scores", str(path), "--metric", "clip,lpips_score", "--raters", "ann,bob", "--against", "stars",
        "--scale", "1-5", "--normalize", "minmax", *FAST,
    ).out  # fmt: skip
    assert "Metrics against judgements" in told
    assert "lpips_score is negated: lower is better" in told
    assert "Raters of stars" in told and "Krippendorff's alpha: nominal" in told and "human ceiling" in told
    assert "clip - lpips_score" in told and "Williams t(37)" in told
    assert "error, minmax" in told and "MAE" in told


def test_a_preview_shows_what_is_matched_and_computes_nothing(cli: Cli, edits: tuple[str, str]) -> None:
    scores, judgements = edits
    told = cli("correlate", "--scores", scores, "-j", judgements, "--preview")
    assert "29 matched (29 by id)" in told.out and "28 of 30 used" in told.out
    assert "left out: llm_score no value" in told.out
    assert "Pearson" not in told.out


def test_right_and_wrong_instructions_are_told_apart(cli: Cli, tmp_path: Path) -> None:
    samples = [
        {"id": f"{kind}_{n:03}", "original_id": n, "source_image": "a.png", "target_image": "b.png", "instruction": "x",
         "is_correct": kind == "correct", "error_type": None if kind == "correct" else ("colour" if n % 2 else "count")}
        for kind in ("correct", "wrong") for n in range(12)
    ]  # fmt: skip
    scores = [
        {"id": one["id"], "editclip_score": 0.5 - 0.1 * (not one["is_correct"]) + 0.001 * n}
        for n, one in enumerate(samples)
    ]
    (tmp_path / "adversarial_dataset.json").write_text(json.dumps({"dataset_info": {}, "samples": samples}))
    (tmp_path / "scores.json").write_text(json.dumps(scores))
    told = cli(
        "correlate", "--scores", str(tmp_path / "scores.json"), "-j", str(tmp_path / "adversarial_dataset.json"), *FAST
    ).out
    assert "editclip_score against is_correct" in told
    assert (
        "editclip_score: right against wrong" in told
        and "12 right and 12 wrong rows, 12 matched pairs from 12 right rows" in told
    )
    assert "100.0% of 12" in told and "colour" in told and "count" in told


# -- figures ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["png", "svg"])
def test_a_figure_is_written_with_what_it_shows_in_its_title(
    cli: Cli, edits: tuple[str, str], tmp_path: Path, ending: str
) -> None:
    scores, judgements = edits
    path = tmp_path / f"figure.{ending}"
    ask = ("correlate", "--scores", scores, "-j", judgements, "-g", "scene", "--plot", str(path), *FAST)
    told = cli(*ask)
    assert f"wrote {path}: editclip_score against llm_score" in told.err
    if ending == "png":
        with Image.open(path) as image:
            assert image.size == (1500, 1200)
            assert tuple(map(round, image.info["dpi"])) == (300, 300)
    else:
        drawn = path.read_text()
        for wanted in ("n = 28. Pearson r = +0.", "95 % interval", "p = ", "Spearman rho", "editclip_score", "wood"):
            assert wanted in drawn
        cli(*ask)
        assert path.read_text() == drawn


def test_without_matplotlib_a_figure_says_what_to_install_and_the_rest_is_there(
    cli: Cli, edits: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    scores, judgements = edits
    told = cli("correlate", "--scores", scores, "-j", judgements, "--plot", str(tmp_path / "f.png"), *FAST)
    assert told.code == 1
    assert "matplotlib" in told.err and "aim-tui[plot]" in told.err
    assert "Spearman rho" in told.out
    assert not (tmp_path / "f.png").exists()


def test_names_that_look_like_mathematics_are_drawn_as_they_are(cli: Cli, tmp_path: Path) -> None:
    rows = [{"id": n, "$x_{": value, "a$b": value * value} for n, value in enumerate([1, 2, 4, 3])]
    (tmp_path / "f.json").write_text(json.dumps(rows))
    ask = ("--x", "$x_{", "--y", "a$b", "--plot", str(tmp_path / "f.svg"))
    assert cli("correlate", "--scores", str(tmp_path / "f.json"), *ask, *FAST).code == 0
    assert "$x_{" in (tmp_path / "f.svg").read_text()


# -- stored runs ------------------------------------------------------------------------------------------------------


def stored(clips: list[float]) -> tuple[str, list[Judged]]:
    """A run of these CLIP values, and its images as judgements know them."""
    with Database.open() as database, Runs(database).begin(request(), items(len(clips))) as writer:
        for number, clip in enumerate(clips):
            writer.write(*scored(number), MetricBatch("clip", [MetricValue(number, "present", value=clip)]))
    return writer.id, [Judged(facts(number).sha256, f"/elsewhere/{number}.png") for number in range(len(clips))]


def test_ratings_and_duels_of_the_store_are_held_against_a_run(cli: Cli) -> None:
    clips = [0.1, 0.2, 0.25, 0.3, 0.15, 0.35]
    run, images = stored(clips)
    with Database.open() as database:
        said = Judgements(database)
        for image, rating in zip(images, [1, 2, 4, 4, 1, 5], strict=True):
            said.rate(image, rating, rater="ann")
        said.rate(images[0], 3, rater="bob")
        said.duel(images[5], images[0], DuelOutcome.LEFT, rater="ann", series="s")
        said.duel(images[1], images[3], DuelOutcome.RIGHT, rater="ann", series="s")
        said.duel(images[1], images[2], DuelOutcome.LEFT, rater="ann", series="s")
        said.duel(images[1], images[2], DuelOutcome.SKIP, rater="ann", series="s")
    told = json.loads(cli("correlate", run, "--metric", "clip", "--format", "json", *FAST).out)
    rating, duels = told["cells"]
    assert rating["metric"]["name"] == "clip_score" and rating["judgement"]["name"] == "rating"
    wanted = stats.spearmanr(clips, [(1 + 3) / 2, 2, 4, 4, 1, 5])[0]
    assert rating["coefficients"]["spearman"]["value"] == pytest.approx(wanted, abs=1e-9)
    assert duels["judgement"]["name"] == "duels" and duels["pairs"]["used"] == 5
    (foretold,) = told["duels"]
    assert (foretold["contests"], foretold["wins"]["pairs"], foretold["wins"]["wins"]) == (3, 3, 2)
    assert told["raters"][0]["raters"] == ["ann", "bob"]
    assert "5 of 6 used" in cli("correlate", "--metric", "final", "--against", "duels", *FAST).out


def test_a_run_is_held_against_a_file_by_the_names_of_its_images(cli: Cli, tmp_path: Path) -> None:
    stored([0.1, 0.2, 0.25, 0.3])
    (tmp_path / "mine.csv").write_text("image,stars\n0,1\n1,3\n2.png,2\n/other/3.png,5\nnone.png,4\n")
    told = cli("correlate", "last", "-m", "clip,lpips", "-j", str(tmp_path / "mine.csv"), "--scale", "1-5", *FAST).out
    assert "4 matched (1 by file name, 2 by file name without its ending, 1 by file name in another folder)" in told
    assert "only among the judgements: none.png" in told
    assert "clip_score against stars" in told and "undefined: all lpips_score values equal 0.7" in told


def test_a_run_that_nobody_judged_says_what_to_do(cli: Cli) -> None:
    stored([0.1, 0.2, 0.3])
    told = cli("correlate", "last")
    assert told.code == 2
    assert "no image of" in told.err and "has a judgement" in told.err and "--judgements" in told.err
    assert "has a judgement named 'duels'" in cli("correlate", "--against", "duels").err
    assert cli("correlate", "--metric", "clip", "--against", "final_score", *FAST).code == 0


def test_an_image_that_failed_is_left_out_with_its_reason(cli: Cli) -> None:
    with Database.open() as database, Runs(database).begin(request(), items(4)) as writer:
        for number in range(3):
            writer.write(*scored(number))
        writer.write(MetricBatch("clip", [MetricValue(3, "failed", reason="out of memory")]))
    told = cli("correlate", "--metric", "clip", "--against", "final", *FAST).out
    assert "3 of 4 used (1 clip_score: out of memory)" in told


def test_a_distance_of_zero_is_shown_without_a_sign(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "f.csv").write_text("id,lpips_score,stars\na,0,5\nb,0.2,3\nc,0.4,4\nd,0.9,1\n")
    told = cli("correlate", "--scores", str(tmp_path / "f.csv"), "--x", "lpips_score", "--y", "stars", *FAST).out
    assert "lpips_score is negated: lower is better" in told
    assert "-0 " not in told and re.search(r"^a +0 +5 ", told, re.MULTILINE)


# -- mistakes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--metric", "editclip_scor"), "did you mean 'editclip_score'"),
        (("--against", "reasoning"), "has no column 'reasoning'"),
        (("--normalize", "zscore"), "--normalize: unknown 'zscore'"),
        (("--format", "cvs"), "unknown format 'cvs'"),
        (("--scale", "5-1"), "a scale runs from a lower to a higher number"),
        (("--scale", "much"), "'much' is not a scale"),
        (("--group-by", "scen"), "did you mean 'scene'"),
        (("--plot", "f.pdf"), "its ending names no format of a figure"),
        (("--id", "nobody"), "has no column 'nobody'"),
        (("--id", "a,b,c"), "at most two columns"),
        (("--rater", "modle"), "has no rater column 'modle'; did you mean 'model'"),
        (("--lower-is-better", "editclip"), "no column 'editclip'"),
        (("--output", "/no/such/folder/f.json"), "no folder /no/such/folder"),
        (("--rater", "model", "--raters", "llm_score"), "--rater and --raters cannot be combined"),
    ],
)
def test_a_mistake_is_named_before_anything_is_computed(
    cli: Cli, edits: tuple[str, str], options: tuple[str, ...], said: str
) -> None:
    scores, judgements = edits
    told = cli("correlate", "--scores", scores, "-j", judgements, *options)
    assert told.code == 2
    assert said in told.err
    assert told.out == ""


def test_nothing_that_is_read_is_overwritten_and_nothing_is_held_against_itself(
    cli: Cli, edits: tuple[str, str], tmp_path: Path
) -> None:
    scores, judgements = edits
    before = [(tmp_path / name).read_bytes() for name in ("editclip_results.json", "llm_results.json")]
    for option, path in (("--output", scores), ("-o", str(tmp_path / "x" / ".." / "llm_results.json"))):
        (tmp_path / "x").mkdir(exist_ok=True)
        told = cli("correlate", "--scores", scores, "-j", judgements, option, path)
        assert told.code == 2 and "is one of the input files" in told.err
    assert before == [(tmp_path / name).read_bytes() for name in ("editclip_results.json", "llm_results.json")]
    itself = cli("correlate", "--scores", scores, "--x", "editclip_score", "--y", "editclip_score")
    assert itself.code == 2 and "would be compared with itself" in itself.err


def test_files_that_share_no_sample_are_told_with_examples(cli: Cli, edits: tuple[str, str], tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_text("id,score\nx,1\ny,2\n")
    told = cli("correlate", "--scores", edits[0], "-j", str(tmp_path / "other.csv"))
    assert told.code == 2
    assert "no sample has both" in told.err and "'s0', 's1', 's2'" in told.err and "'x', 'y'" in told.err


def test_a_run_and_a_file_of_scores_are_one_too_many(cli: Cli, edits: tuple[str, str]) -> None:
    assert "a run and --scores cannot be combined" in cli("correlate", "last", "--scores", edits[0]).err


def test_hostile_names_reach_no_terminal(cli: Cli, tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"id": f"\x1b[31m[bold]{n}\u202e", "x": n % 5, "y\x1b]0;owned\x07": n * n} for n in range(12)
    ]
    (tmp_path / "f.json").write_text(json.dumps(rows))
    for form in ("table", "md", "json"):
        told = cli("correlate", "--scores", str(tmp_path / "f.json"), "--x", "x", "--format", form, *FAST)
        assert told.code == 0
        assert "\x1b" not in told.out and "\x07" not in told.out


def test_nothing_heavy_is_imported_to_ask_for_help() -> None:
    code = (
        "import sys; sys.argv = ['aim-tui', 'correlate', '--help']\n"
        "from aim_tui.cli import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        "print(sorted({'torch', 'scipy.stats', 'matplotlib', 'sklearn'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[-1] == "[]"


# -- what a file knows of itself --------------------------------------------------------------------------------------


@pytest.fixture
def simulated(tmp_path: Path) -> str:
    """A correlation_results.json of the edit project whose judge is simulated, on a scale of 0 to 1."""
    values = [(0.025, 0.761), (-0.014, 0.68), (0.013, 0.67), (-0.024, 0.718), (0.03, 0.743), (0.01, 0.536)]
    content = {
        "metadata": {"n_samples": 6, "model_type": "CLIP (big)", "llm_type": "simulated", "device": "cpu"},
        "correlation_metrics": {"n_samples": 6},
        "clip_results": [
            {"sample_id": n, "edit_score": x, "target_text_sim": 0.2 + x, "source_text_sim": 0.2,
             "source_target_sim": 0.9} for n, (x, _) in enumerate(values)
        ],
        "llm_results": [
            {"sample_id": n, "llm_score": y, "llm_model": "simulated"} for n, (_, y) in enumerate(values)
        ],
    }  # fmt: skip
    (tmp_path / "correlation_results.json").write_text(json.dumps(content))
    return str(tmp_path / "correlation_results.json")


def test_a_simulated_judge_is_named_in_the_table_the_file_and_the_figure(
    cli: Cli, simulated: str, tmp_path: Path
) -> None:
    told = cli("correlate", "--scores", simulated, "--normalize", "minmax", *FAST, "-o", str(tmp_path / "again.json"),
               "--plot", str(tmp_path / "figure.svg")).out  # fmt: skip
    assert "edit_score against llm_score (simulated judge)" in told
    assert "edit_score: CLIP (big); llm_score: simulated; device: cpu" in told
    assert "all values lie within 0 to 1, taken as 0 to 1" in told and "MAE" in told
    assert "llm_score (simulated judge)" in (tmp_path / "figure.svg").read_text()
    again = json.loads((tmp_path / "again.json").read_text())
    assert again["metadata"] | {"n_samples": 6} == {
        "n_samples": 6, "model_type": "CLIP (big)", "llm_type": "simulated", "device": "cpu", "simulated": True,
    }  # fmt: skip
    assert again["clip_results"][1]["sample_id"] == 1 and again["llm_results"][1]["llm_model"] == "simulated"
    assert again["clip_results"][1]["source_target_sim"] == 0.9
    reread = json.loads(cli("correlate", "--scores", str(tmp_path / "again.json"), "-f", "json", *FAST).out)
    assert reread["metadata"] == again["metadata"] and not any(one["differs"] for one in reread["stated"])


def test_a_rating_beside_a_simulated_judge_is_not_simulated(cli: Cli, simulated: str, tmp_path: Path) -> None:
    (tmp_path / "ratings.csv").write_text("id,stars\n" + "".join(f"{n},{n % 5 + 1}\n" for n in range(6)))
    run = cli("correlate", "--scores", simulated, "-j", str(tmp_path / "ratings.csv"), "-f", "json", *FAST)
    metadata = json.loads(run.out)["metadata"]
    assert (metadata["model_type"], metadata["llm_type"], metadata["simulated"]) == ("CLIP (big)", "stars", False)


def test_the_words_of_the_seed_stand_in_the_table(cli: Cli, edits: tuple[str, str]) -> None:
    scores, judgements = edits
    told = cli("correlate", "--scores", scores, "--judgements", judgements, *FAST).out
    assert "strength" in told and "p < .05" in told
    assert re.search(r"Pearson r +\+0\.\d+ +\d+ +(strong|moderate|weak) .* (yes|no) ", told)


def test_right_and_wrong_rows_without_a_match_have_counts_and_a_gap(cli: Cli, tmp_path: Path) -> None:
    rows = [{"id": f"correct_{n}", "is_correct": True, "llm_score": 8 + n % 2} for n in range(6)]
    rows += [
        {"id": f"wrong_{n}", "is_correct": False, "error_type": "object", "llm_score": 2 + n % 2} for n in range(5)
    ]
    (tmp_path / "a.json").write_text(json.dumps({"results": rows}))
    told = cli("correlate", "--scores", str(tmp_path / "a.json"), "--metric", "llm_score", *FAST).out
    assert "6 right and 5 wrong rows, 0 matched pairs" in told
    assert "mean of all right rows minus mean of all wrong rows: +6.100000" in told

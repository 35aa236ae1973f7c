"""`aim-tui score` with the sample models: data on stdout, the rest on stderr, and an exit code."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from aim_tui.core.scoring.records import FIELDS
from aim_tui.inputs.demo_data import load_demo_data
from aim_tui.inputs.listing import list_folder

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Outcome

    Cli = Callable[..., Outcome]

SAMPLE = load_demo_data()
NOTICE = "sample models, to try out: scores mean something only for the sample images"
ASKED = (
    "--profile",
    "sample",
    "--topic",
    SAMPLE.topic,
    "--prompt",
    SAMPLE.prompt,
    "--reference",
    str(SAMPLE.reference),
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A handful of sample images."""
    images = tmp_path / "images"
    images.mkdir()
    for path in list_folder(SAMPLE.generations).images[:4]:
        shutil.copy(path, images)
    return images


def lines(out: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in out.splitlines()]


def test_jsonl_has_a_row_per_image_with_aims_fields_in_order(cli: Cli, folder: Path) -> None:
    run = cli("score", str(folder), *ASKED, "--format", "jsonl")
    assert run.code == 0, run.err
    rows = lines(run.out)
    assert [row["path"] for row in rows] == list_folder(folder).images
    assert all(tuple(row)[: len(FIELDS)] == FIELDS for row in rows)
    for row in rows:
        expected = 100 * (0.2 * row["clip_norm"] + 0.5 * row["blip2_norm"] + 0.3 * row["lpips_norm"])
        assert row["final_score"] == pytest.approx(expected, abs=1e-9)
        assert (row["status"], row["error"], row["notice"]) == ("ok", None, NOTICE)
        assert row["weights"] == {"clip": 0.2, "blip2": 0.5, "lpips": 0.3}


def test_every_format_says_which_weights_and_models_were_used(cli: Cli, folder: Path) -> None:
    table = cli("score", str(folder), *ASKED)
    assert NOTICE in table.out and "0.2*clip_norm + 0.5*blip2_norm + 0.3*lpips_norm" in table.out
    whole = json.loads(cli("score", str(folder), *ASKED, "--format", "json").out)
    assert whole["notice"] == NOTICE and whole["weights"]["blip2"] == 0.5
    assert {model["role"] for model in whole["models"]} == {"clip", "captioner", "sentence", "lpips"}
    assert all(model["dtype"] and model["revision"] for model in whole["models"])
    rows = list(csv.DictReader(io.StringIO(cli("score", str(folder), *ASKED, "--format", "csv").out)))
    assert len(rows) == 4
    assert {row["notice"] for row in rows} == {NOTICE}
    assert {row["weights"] for row in rows} == {"clip=0.2 blip2=0.5 lpips=0.3"}


def test_the_summary_adds_up(cli: Cli, folder: Path) -> None:
    (folder / "broken.png").write_bytes(b"")
    run = cli("score", str(folder), *ASKED, "--format", "json")
    whole = json.loads(run.out)
    finals = [row["final_score"] for row in whole["results"] if row["final_score"] is not None]
    summary = whole["summary"]
    assert run.code == 1
    assert (summary["n"], summary["n_ok"], summary["n_failed"], summary["n_in_mean"]) == (5, 4, 1, 4)
    assert summary["mean"] == pytest.approx(sum(finals) / 4)
    assert summary["best_score"] == max(finals)


def test_broken_images_fail_their_rows_and_nothing_else(cli: Cli, folder: Path) -> None:
    (folder / "empty.png").write_bytes(b"")
    (folder / "text.png").write_text("not an image")
    (folder / os.fsdecode(b"bad\xff.png")).write_bytes(b"\x89PNG")
    (folder / "gone.png").symlink_to(folder / "nowhere")
    run = cli("score", str(folder), *ASKED, "--format", "jsonl")
    rows = lines(run.out)
    assert run.code == 1
    failed = {str(row["path"]).rsplit("/", 1)[1]: str(row["error"]) for row in rows if row["status"] == "failed"}
    assert set(failed) == {"empty.png", "text.png", "bad\\xff.png", "gone.png"}
    assert "is empty" in failed["empty.png"] and "holds text" in failed["text.png"]
    assert sum(row["status"] == "ok" for row in rows) == 4
    assert all(row["final_score"] is None for row in rows if row["status"] == "failed")
    assert next(row for row in rows if "path_bytes" in row)["path_bytes"]


def test_without_a_reference_lpips_is_skipped_and_the_other_weights_are_divided(cli: Cli, folder: Path) -> None:
    run = cli("score", str(folder), *ASKED[:6], "--format", "jsonl")
    assert run.code == 0
    assert "skipping lpips: no reference" in run.err
    for row in lines(run.out):
        assert row["lpips_score"] is None and row["status"] == "ok" and row["not_asked"] == {"lpips": "no reference"}
        assert row["final_score"] == pytest.approx(100 * (0.2 * row["clip_norm"] + 0.5 * row["blip2_norm"]) / 0.7)


def test_own_weights_and_metrics_are_used(cli: Cli, folder: Path) -> None:
    run = cli("score", str(folder), *ASKED, "--metrics", "clip", "--weights", "clip=3", "--format", "jsonl")
    for row in lines(run.out):
        assert row["final_score"] == pytest.approx(100 * row["clip_norm"])
        assert row["caption"] is None
    assert run.code == 0


def test_a_prompt_past_the_limit_is_reported_as_cut(cli: Cli, folder: Path) -> None:
    long = " ".join(["a wooden cabin in the snow"] * 40)
    run = cli("score", str(folder), "--profile", "sample", "--prompt", long, "--format", "jsonl")
    assert all(row["prompt_truncated"] is True and row["prompt_tokens"] > 77 for row in lines(run.out))
    assert "CLIP reads the first 77" in run.err


def test_results_go_to_a_file_and_an_old_one_stays_whole_when_the_run_fails(
    cli: Cli, folder: Path, tmp_path: Path
) -> None:
    target = tmp_path / "out.json"
    assert cli("score", str(folder), *ASKED, "--format", "json", "--output", str(target)).code == 0
    before = target.read_text()
    bad = [*ASKED[:-1], str(tmp_path / "no_reference.png")]
    run = cli("score", str(folder), *bad, "--format", "json", "--output", str(target))
    assert run.code == 2 and "no_reference.png" in run.err
    assert target.read_text() == before


@pytest.fixture
def numbered_folder(tmp_path: Path) -> Path:
    """Images 1, 2, 10 and a prompt for each, in natural order."""
    images = tmp_path / "numbered"
    images.mkdir()
    for number, path in zip((1, 2, 10), list_folder(SAMPLE.generations).images, strict=False):
        shutil.copy(path, images / f"{number}{Path(path).suffix}")
    (tmp_path / "prompts.txt").write_text("a cabin\na lake\na village\n")
    return images


def test_images_and_prompts_are_paired_in_natural_order_and_the_pairs_are_shown(
    cli: Cli, numbered_folder: Path
) -> None:
    pairing = ("-P", "sample", "--metrics", "clip", "--prompts", str(numbered_folder.parent / "prompts.txt"), "--pair")
    for given in (str(numbered_folder), f"{numbered_folder}/*"):
        run = cli("score", given, *pairing, "-f", "jsonl", "--no-store")
        assert [(Path(str(row["path"])).stem, row["prompt"]) for row in lines(run.out)] == [
            ("1", "a cabin"), ("2", "a lake"), ("10", "a village"),
        ]  # fmt: skip
        assert "pair 3: 10." in run.err and "a village" in run.err


def test_a_list_in_the_order_of_a_shell_is_refused_and_one_in_the_users_own_is_kept(
    cli: Cli, numbered_folder: Path
) -> None:
    pairing = ("-P", "sample", "--metrics", "clip", "--prompts", str(numbered_folder.parent / "prompts.txt"), "--pair")
    expanded = sorted(map(str, numbered_folder.iterdir()))
    run = cli("score", *expanded, *pairing, "--no-store")
    assert run.code == 2 and "the order of the images is ambiguous" in run.err and "quote the pattern" in run.err
    mine = [expanded[2], expanded[0], expanded[1]]
    run = cli("score", *mine, *pairing, "-f", "jsonl", "--no-store")
    assert [row["path"] for row in lines(run.out)] == mine


def test_a_spreadsheet_never_sees_a_formula(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (64, 64)).save("=1+1.png")
    run = cli("score", "=1+1.png", *ASKED, "--metrics", "clip", "--format", "csv")
    assert next(csv.DictReader(io.StringIO(run.out)))["path"] == "'=1+1.png"


def test_an_image_is_never_overwritten_with_its_scores(cli: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    (folder / "odd.dat").write_bytes((folder / "autumn_cabin_01.webp").read_bytes())
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    for image, said in (("autumn_cabin_01.webp", "the name of an image"), ("odd.dat", "one of the images to score")):
        run = cli("score", image, *ASKED, "--format", "csv", "--output", f"./{image}")
        assert run.code == 2 and said in run.err
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.png"], "no images to score: nowhere.png: no such file or folder"),
        ([".", "--profile", "sampel"], "unknown profile 'sampel'; did you mean 'sample'?"),
        ([".", "--metrics", "clib"], "unknown metric 'clib'; did you mean 'clip'?"),
        ([".", "--metrics", "blip2"], "nothing to score: clip: left out by --metrics"),
        ([".", "--weights", "clip=-1"], "the weight of 'clip' is -1; weights are zero or more"),
        ([".", "--weights", "clip=0"], "sum to zero"),
        ([".", "--weights", "clip=much"], "'clip=much' is not of the form clip=0.5"),
        ([".", "--weights", "clip=1,clip=2"], "--weights names 'clip' twice"),
        ([".", "--weights", "clib=1"], "unknown metric 'clib'; did you mean 'clip'?"),
        ([".", "--format", "jsnol"], "unknown format 'jsnol'; did you mean 'jsonl'?"),
        ([".", "--device", "gpu"], "unknown device 'gpu'"),
        ([".", "--output", "/nowhere/out.json"], "no folder /nowhere"),
        ([".", "--config", "/nowhere.toml"], "cannot read the settings file /nowhere.toml"),
    ],
)
def test_a_usage_error_is_one_clear_line_and_exit_code_2(
    cli: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    monkeypatch.chdir(folder)
    run = cli(
        "score", "--prompt", "a cabin", *(["--profile", "sample"] if "--profile" not in arguments else []), *arguments
    )
    assert run.code == 2
    assert message in run.err
    assert "Traceback" not in run.err and run.out == ""


def test_with_nothing_to_compare_with_the_command_says_what_to_give(cli: Cli, folder: Path) -> None:
    run = cli("score", str(folder), "--profile", "sample")
    assert run.code == 2
    assert "nothing to score" in run.err and "--prompt" in run.err


def test_a_model_that_can_not_be_had_is_exit_code_3_and_names_it(
    cli: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    run = cli("score", str(folder), "--prompt", "a cabin")
    assert run.code == 3
    assert "openai/clip-vit-base-patch32" in run.err and "aim-tui models fetch" in run.err


def test_the_demo_prints_the_whole_table_without_a_terminal(cli: Cli) -> None:
    run = cli("demo")
    assert run.code == 0, run.err
    assert NOTICE in run.out
    assert all(Path(path).name in run.out for path in list_folder(SAMPLE.generations).images)
    assert "\x1b" not in run.out

"""`aim-tui edit` scores edits in every format, stores them, and resumes where it was stopped."""

from __future__ import annotations

import csv
import io
import json
import statistics
from typing import TYPE_CHECKING, Any

import pytest

from aim_tui.core.scoring.events import MetricBatch
from aim_tui.settings import paths
from aim_tui.store.database import Database
from aim_tui.store.records import RunKind, RunState
from aim_tui.store.runs import Runs

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Outcome

SAMPLES = paths.sample_data() / "edits"
FAST = ("--profile", "sample", "--metrics", "clip_edit,preservation", "--device", "cpu")


@pytest.fixture
def few(tmp_path: Path) -> Callable[..., Path]:
    """A data file of the first sample edits, in a folder of its own, with the given rows behind."""

    def write(count: int = 3, *rows: dict[str, Any]) -> Path:
        found = json.loads((SAMPLES / "data.json").read_text(encoding="utf-8"))[:count]
        for row in found:
            row["source_image"] = str(SAMPLES / row["source_image"])
            row["target_image"] = str(SAMPLES / row["target_image"])
        path = tmp_path / "data.json"
        path.write_text(json.dumps([*found, *rows]), encoding="utf-8")
        return path

    return write


EXPORTS: dict[str, Callable[[str], list[dict[str, str]]]] = {
    "json": lambda text: [json.loads(text)],
    "jsonl": lambda text: [json.loads(line) for line in text.splitlines()],
    "csv": lambda text: list(csv.DictReader(io.StringIO(text))),
}


def edit_runs(runs: Runs) -> list[str]:
    return [info.id for info in runs.history(kind=RunKind.EDITS)]


def store_of(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


def run(cli: Callable[..., Outcome], tmp_path: Path, data: Path, *more: str) -> Outcome:
    return cli("edit", str(data), *FAST, "--store", str(store_of(tmp_path)), *more)


def test_json_holds_numbers_formulas_models_and_statistics(
    cli: Callable[..., Outcome], few: Callable[..., Path], tmp_path: Path
) -> None:
    done = run(cli, tmp_path, few(), "-f", "json")
    assert done.code == 0, done.err
    whole = json.loads(done.out)
    row = whole["results"][0]
    assert row["edit_score"] == pytest.approx(row["target_text_sim"] - row["source_text_sim"], abs=1e-9)
    assert row["preservation_clip"] == row["source_target_sim"]
    assert row["status"] == "ok"
    assert {model["role"] for model in whole["models"]} == {"clip", "lpips"}
    assert whole["formulas"]["preservation_lpips"]["higher_is_better"] is False
    scores = [row["edit_score"] for row in whole["results"]]
    assert whole["statistics"]["edit_score"]["std"] == pytest.approx(statistics.pstdev(scores), abs=1e-12)
    assert whole["settings"]["pre_resize"] is None
    assert "sample models" in whole["notice"]


def test_lines_and_csv_have_a_row_for_each_edit(
    cli: Callable[..., Outcome], few: Callable[..., Path], tmp_path: Path
) -> None:
    lines = run(cli, tmp_path, few(), "-f", "jsonl").out.splitlines()
    rows = list(csv.DictReader(io.StringIO(run(cli, tmp_path, few(), "-f", "csv").out)))
    assert len(lines) == len(rows) == 3
    for line, row in zip(map(json.loads, lines), rows, strict=True):
        assert float(row["edit_score"]) == line["edit_score"]
        assert row["instruction"] == line["instruction"]


def test_the_table_names_every_number_and_its_direction(
    cli: Callable[..., Outcome], few: Callable[..., Path], tmp_path: Path
) -> None:
    done = run(cli, tmp_path, few())
    assert "Kept LPIPS ↓" in done.out
    assert "cosine of the CLIP features of target and instruction, minus that of source" in done.out


def test_a_failed_edit_is_reported_and_the_others_are_scored(
    cli: Callable[..., Outcome], few: Callable[..., Path], tmp_path: Path
) -> None:
    lost = {"id": "lost", "source_image": "gone.png", "target_image": "gone.png", "instruction": "make it night"}
    done = run(cli, tmp_path, few(2, lost), "-f", "json")
    assert done.code == 1
    rows = json.loads(done.out)["results"]
    assert [row["status"] for row in rows] == ["ok", "ok", "failed"]
    assert rows[2]["edit_score"] is None
    assert "no such file" in rows[2]["error"]
    assert json.loads(done.out)["statistics"]["edit_score"]["left_out"] == 1
    assert "2 of 3 edits scored, 1 failed" in done.err


def test_a_run_is_stored_with_its_numbers(
    cli: Callable[..., Outcome], few: Callable[..., Path], tmp_path: Path
) -> None:
    rows = json.loads(run(cli, tmp_path, few(), "-f", "json").out)["results"]
    with Database.open(store_of(tmp_path)) as database:
        runs = Runs(database)
        (name,) = edit_runs(runs)
        stored = runs.load(name)
        assert stored.info.state is RunState.DONE
        for row, result in zip(rows, stored.results.rows, strict=True):
            assert result.outcome("edit_score").value == row["edit_score"]
            assert (result.id, result.instruction) == (row["id"], row["instruction"])
            assert result.source.sha256 == row["source_sha256"]
    notices = [
        [row["notice"] for row in read(cli("runs", "export", name, "-f", kind, "--store", str(store_of(tmp_path))).out)]
        for kind, read in EXPORTS.items()
    ]
    assert all("sample models" in notice for each in notices for notice in each), "others are told what these are"
    assert [len(each) for each in notices] == [1, 3, 3]
    with Database.open(store_of(tmp_path)) as database:
        runs = Runs(database)
        runs.delete(name)
        assert edit_runs(runs) == []


def test_an_interrupted_run_goes_on_and_ends_as_an_unbroken_one(
    cli: Callable[..., Outcome], few: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from aim_tui.engine.engine import Engine

    monkeypatch.setattr(Engine, "batch_size", lambda self, extractor: 1)
    monkeypatch.setattr("aim_tui.engine.scoring_pass._CONTEXTS_TOGETHER", 1)
    whole = json.loads(cli("edit", str(few()), *FAST, "--no-store", "-f", "json").out)["results"]
    through = Engine.run

    def broken(self: Engine, job, cancelled):
        for event in through(self, job, cancelled):
            yield event
            if isinstance(event, MetricBatch) and event.metric == "preservation_lpips" and event.values[0].item == 1:
                raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Engine, "run", broken)
        stopped = run(cli, tmp_path, few(), "-f", "jsonl")
        assert stopped.code == 130
        assert len(stopped.out.splitlines()) == 2
        assert "is kept" in stopped.err
    scored: list[int] = []

    def counting(self: Engine, job, cancelled):
        scored.extend(item.id for item in job.items)
        return through(self, job, cancelled)

    monkeypatch.setattr(Engine, "run", counting)
    done = run(cli, tmp_path, few(), "-f", "json")
    assert done.code == 0, done.err
    assert scored == [2]
    assert "resuming edit run" in done.err
    assert json.loads(done.out)["results"] == whole
    with Database.open(store_of(tmp_path)) as database:
        assert len(edit_runs(Runs(database))) == 1


def test_a_done_run_is_followed_by_a_new_one_that_loads_no_model(
    cli: Callable[..., Outcome], few: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = run(cli, tmp_path, few(), "-f", "json")
    monkeypatch.setattr("aim_tui.engine.engine.load", lambda *_: pytest.fail("a model was loaded"))
    again = run(cli, tmp_path, few(), "-f", "json")
    assert json.loads(again.out)["results"] == json.loads(first.out)["results"]


def test_editclip_results_without_editclip_are_the_similarity_of_images(
    cli: Callable[..., Outcome], few: Callable[..., Path], tmp_path: Path
) -> None:
    output = tmp_path / "editclip_results.json"
    assert run(cli, tmp_path, few(), "-f", "editclip", "-o", str(output)).code == 0
    told = json.loads(output.read_text(encoding="utf-8"))
    values = [row["image_similarity"] for row in told["results"]]
    assert told["statistics"]["score_type"] == "image_similarity"
    assert told["statistics"]["num_samples"] == 3
    assert told["statistics"]["mean_score"] == pytest.approx(statistics.fmean(values), abs=1e-12)
    assert told["statistics"]["std_score"] == pytest.approx(statistics.pstdev(values), abs=1e-12)
    assert told["statistics"]["model"] == "sample/clip"


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("--metrics", "clip_edt"), "did you mean 'clip_edit'"),
        (("--metrics", ","), "names no metric"),
        (("--metrics", "clip_edit", "--model", "x/y"), "--metrics leaves out editclip"),
        (("--metrics", "clip_edit", "--pre-resize", "256"), "--metrics leaves out editclip"),
        (("--format", "xml"), "unknown format"),
        (("--output", "lost/x.json"), "no folder"),
    ],
)
def test_a_wrong_option_is_named_before_anything_is_loaded(
    cli: Callable[..., Outcome], few: Callable[..., Path], options: tuple[str, ...], complaint: str
) -> None:
    done = cli("edit", str(few()), "--profile", "sample", "--no-store", *options)
    assert done.code == 2, done.err
    assert complaint in done.err


def test_editclip_results_can_be_made_offline_and_record_the_pre_resize(
    cli: Callable[..., Outcome], few: Callable[..., Path], tmp_path: Path
) -> None:
    def scored(*more: str) -> dict[str, Any]:
        done = cli(
            "edit", str(few()), "--profile", "sample", "--metrics", "editclip", "-f", "editclip", "--device", "cpu",
            "--store", str(store_of(tmp_path)), *more,
        )  # fmt: skip
        assert done.code == 0, done.err
        told: dict[str, Any] = json.loads(done.out)
        return told

    plain, scaled = scored(), scored("--pre-resize", "256")
    assert plain["statistics"]["model"] == "sample/editclip"
    assert plain["statistics"]["score_type"] == "editclip_score"
    assert scaled["statistics"]["resolution"].startswith("256x256")
    pairs = zip(plain["results"], scaled["results"], strict=True)
    assert all(a["editclip_score"] != b["editclip_score"] for a, b in pairs)


def test_a_plain_clip_is_refused_as_editclip(
    cli: Callable[..., Outcome], few: Callable[..., Path], tmp_path: Path
) -> None:
    plain = paths.sample_data() / "models" / "clip"
    done = cli(
        "edit", str(few()), "--profile", "sample", "--metrics", "editclip", "--model", str(plain), "--device", "cpu",
        "--store", str(store_of(tmp_path)),
    )  # fmt: skip
    assert done.code == 3
    assert f"{plain} takes 3 channels, not 6" in done.err
    with Database.open(store_of(tmp_path)) as database:
        assert edit_runs(Runs(database)) == [], "a model that is refused leaves nothing behind"


def test_the_output_never_overwrites_what_is_read(cli: Callable[..., Outcome], few: Callable[..., Path]) -> None:
    data = few()
    before = data.read_bytes()
    done = cli("edit", str(data), "--profile", "sample", "--no-store", "-o", str(data))
    assert done.code == 2
    assert data.read_bytes() == before

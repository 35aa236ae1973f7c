"""`aim-tui runs`, `report` and `cache`: what was scored can be seen, compared, exported and deleted."""

from __future__ import annotations

import csv
import io
import json
import os
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from aim_tui.core.scoring.context import Context
from aim_tui.core.scoring.events import Item, MetricBatch, MetricValue, ModelInfo, ModelLoaded
from aim_tui.errors import UsageError
from aim_tui.runs.storage import parse_size
from aim_tui.store.cache import FeatureCache, Space
from aim_tui.store.database import Database
from aim_tui.store.locations import default_store
from aim_tui.store.records import RunState
from aim_tui.store.runs import Runs
from tests.store.samples import items, mixed_events, request, scored, sha

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.cli.conftest import Outcome

    Cli = Callable[..., Outcome]

CLIP = ModelInfo("clip", "openai/clip", "abc", "float32", "cpu", 151_000_000)


@pytest.fixture
def runs() -> Iterator[Runs]:
    with Database.open() as database:
        yield Runs(database)


def add(runs: Runs, finals: list[float | None], *, folder: str = "/images", **asked: Any) -> str:
    """A run over 0.png, 1.png ... with these CLIP values."""
    with runs.begin(request(folder=folder, **asked), items(len(finals), folder)) as writer:
        writer.write(ModelLoaded(CLIP))
        for item, clip in enumerate(finals):
            if clip is not None:
                values = MetricBatch("clip", [MetricValue(item, "present", value=clip)])
                writer.write(*scored(item, f"caption {item}"), values)
    return writer.id


# -- list -------------------------------------------------------------------------------------------------------------


def test_before_the_first_run_there_are_none_and_no_store_is_made(cli: Cli) -> None:
    listed = cli("runs", "list")
    assert (listed.code, listed.out) == (0, "")
    assert "no runs in" in listed.err
    assert json.loads(cli("runs", "list", "--json").out) == []
    assert not default_store().parent.exists()


def test_the_list_has_the_newest_first_and_says_how_far_each_came(cli: Cli, runs: Runs) -> None:
    one = add(runs, [0.3, 0.2])
    with runs.begin(request(folder="/other"), items(4)) as writer:
        writer.write(*mixed_events())
        writer.end(RunState.CANCELLED)
    listed = cli("runs", "list")
    first, second = listed.out.splitlines()[1:]
    assert first.split()[0] == writer.id
    assert "cancelled" in first and "3/4" in first and "other" in first
    assert second.split()[0] == one
    assert "done" in second and "2/2" in second
    data = json.loads(cli("runs", "list", "--json").out)
    assert [entry["id"] for entry in data] == [writer.id, one]
    assert data[1]["prompt"] == "one cabin by a lake"
    assert [entry["id"] for entry in json.loads(cli("runs", "list", "--json", "--folder", "/other").out)] == [writer.id]
    assert len(json.loads(cli("runs", "list", "--json", "--limit", "1").out)) == 1


def test_the_list_fits_a_narrow_terminal_and_still_has_whole_ids(
    cli: Cli, runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aim_tui.exports.tables.PIPED_WIDTH", 80)
    run = add(runs, [0.3] * 3, context=Context(prompt="a prompt that is far too long for one line " * 5))
    lines = cli("runs", "list").out.splitlines()
    assert len(lines) == 2
    assert max(map(len, lines)) <= 80
    assert run in lines[1]


# -- show -------------------------------------------------------------------------------------------------------------


def test_a_run_is_shown_with_what_was_asked_models_summary_and_extremes(cli: Cli, runs: Runs) -> None:
    run = add(runs, [number / 100 for number in range(5, 35)])
    shown = cli("runs", "show", run[:13], "--top", "2").out
    for wanted in ("one cabin by a lake", "a cabin", "openai/clip", "151,000,000", "30 of 30 scored", "aim-tui score"):
        assert wanted in shown
    best, worst = shown.split("the 2 worst")
    assert re.findall(r"\d+\.png", best.split("the 2 best")[1]) == ["29.png", "28.png"]
    assert re.findall(r"\d+\.png", worst)[-1] == "0.png"
    assert not [line for line in shown.splitlines() if line != line.rstrip()]
    assert json.loads(cli("runs", "show", "last", "--json").out)["run"]["id"] == run


def test_an_unknown_run_is_reported(cli: Cli, runs: Runs) -> None:
    add(runs, [0.3])
    add(runs, [0.2])
    unknown, unclear = cli("runs", "show", "zzz"), cli("runs", "show", "0")
    assert (unknown.code, unclear.code) == (1, 1)
    assert "no run 'zzz'" in unknown.err and "aim-tui runs list" in unknown.err
    assert "more than one run begins with '0'" in unclear.err


def test_no_text_of_a_run_controls_the_terminal_or_is_markup(cli: Cli, runs: Runs) -> None:
    hostile = "[bold]\x1b[31m[/nope]\u202e"
    asked = request(folder=f"/{hostile}", command=hostile, context=Context(topic=hostile, prompt=hostile))
    with runs.begin(asked, [Item(0, f"/{hostile}/a{hostile}.png"), Item(1, os.fsdecode(b"/\xff.png"))]) as writer:
        for item in range(2):
            writer.write(*scored(item, hostile))
    for command in (["list"], ["show", "last"], ["compare", "last", "last"], ["delete", "last", "--yes"]):
        printed = cli("runs", *command)
        assert printed.code == 0, printed.err
        assert "[bold]" in printed.out + printed.err
        assert not {"\x1b", "\u202e"} & set(printed.out + printed.err)


# -- delete -----------------------------------------------------------------------------------------------------------


def test_deleting_names_what_goes_and_asks(cli: Cli, runs: Runs) -> None:
    run, other = add(runs, [0.3]), add(runs, [0.2])
    refused = cli("runs", "delete", run)
    assert refused.code == 2 and "--yes" in refused.err and run in refused.err
    assert cli("runs", "delete", run, "nothing", "--yes").code == 1
    assert len(runs.history()) == 2
    assert cli("runs", "delete", run, "--yes").code == 0
    assert [info.id for info in runs.history()] == [other]


def test_a_no_deletes_nothing(cli: Cli, runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    run = add(runs, [0.3])
    for answer, left in (("n\n", 1), ("y\n", 0)):
        terminal = io.StringIO(answer)
        monkeypatch.setattr(terminal, "isatty", lambda: True)
        monkeypatch.setattr("sys.stdin", terminal)
        cli("runs", "delete", run)
        assert len(runs.history()) == left


def test_a_run_that_is_running_is_not_deleted(cli: Cli, runs: Runs) -> None:
    with runs.begin(request(), items(1)):
        refused = cli("runs", "delete", "last", "--yes")
        assert refused.code == 1 and "still running" in refused.err


# -- export and report ------------------------------------------------------------------------------------------------


def test_a_run_is_exported_in_every_format(cli: Cli, runs: Runs, tmp_path: Path) -> None:
    run = add(runs, [0.3, 0.2, None])
    assert len(list(csv.DictReader(io.StringIO(cli("runs", "export", run, "--format", "csv").out)))) == 3
    assert json.loads(cli("runs", "export", run, "-f", "json").out)["summary"]["n_not_scored"] == 1
    assert len(cli("runs", "export", run, "-f", "jsonl").out.splitlines()) == 3
    for name in ("a.csv", "a.json", "a.jsonl", "a.md", "a.html", "a.parquet"):
        assert cli("runs", "export", run, "-o", str(tmp_path / name)).code == 0
        assert (tmp_path / name).stat().st_size > 100


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["last"], "no format given"),
        (["last", "-f", "xml"], "unknown format 'xml'"),
        (["last", "-o", "a.txt"], "its ending names no format"),
    ],
)
def test_a_format_that_is_unclear_is_a_usage_error(cli: Cli, runs: Runs, arguments: list[str], says: str) -> None:
    add(runs, [0.3])
    refused = cli("runs", "export", *arguments)
    assert refused.code == 2
    assert says in refused.err


def test_the_report_shows_the_pictures_that_were_scored(cli: Cli, tmp_path: Path) -> None:
    images = tmp_path / "images"
    images.mkdir()
    for number in range(3):
        Image.new("RGB", (64, 48), (90 * number, 0, 0)).save(images / f"{number}.png")
    asked = ["--profile", "sample", "--metrics", "clip", "--prompt", "a cabin"]
    assert cli("score", str(images), *asked).code == 0
    Image.new("RGB", (64, 48), "blue").save(images / "1.png")
    (images / "2.png").unlink()
    page = tmp_path / "report.html"
    written = cli("report", "last", "-o", str(page))
    assert written.code == 0 and "3 images of run" in written.err
    # One has changed since, and one is gone: neither may stand beside a score that is not its own.
    assert page.read_text("utf-8").count("data:image/jpeg;base64,") == 1
    assert cli("report", "last", "-o", str(page), "--thumbnails", "0").code == 0
    assert "data:image" not in page.read_text("utf-8")


# -- compare ----------------------------------------------------------------------------------------------------------


def test_two_runs_are_compared_image_by_image(cli: Cli, runs: Runs) -> None:
    a = add(runs, [0.10, 0.20, 0.30, 0.20, None, 0.2])
    b = add(runs, [0.20, 0.20, 0.20, 0.21, 0.1], context=Context("a cabin", "another prompt", "/r.png"))
    data = json.loads(cli("runs", "compare", a, b, "--json").out)
    assert (data["n"], data["n_rose"], data["n_fell"]) == (4, 2, 1)
    assert (data["n_only_a"], data["n_only_b"], data["n_without_score"]) == (1, 0, 1)
    assert data["asked"]["prompt"] == ["one cabin by a lake", "another prompt"]
    differences = [pair["difference"] for pair in data["pairs"]]
    assert differences == sorted(differences, reverse=True)
    assert data["measures"]["final"]["difference"] == pytest.approx(np.mean(differences))
    assert data["measures"]["clip"]["n"] == 4
    shown = cli("runs", "compare", a, b).out
    assert "4 images compared (4 by content): 2 rose, 1 fell, 1 stayed" in shown
    assert "left out: 1 only in A, 1 without a final score in one of them" in shown
    assert re.search(r"prompt +one cabin by a lake +another prompt +differs", shown)
    assert cli("runs", "compare", a, b).out == shown


def test_what_makes_scores_incomparable_is_reported(cli: Cli, runs: Runs) -> None:
    from aim_tui.core.scoring.plan import ScoringPlan
    from tests.store.samples import AIM

    a = add(runs, [0.1, 0.2, 0.3])
    plan = ScoringPlan(("clip", "blip2", "lpips"), {"clip": 1, "blip2": 1, "lpips": 1}, AIM.rules)
    b = add(runs, [0.1, 0.2, 0.3], plan=plan, fingerprints={"clip": "f1"})
    shown = cli("runs", "compare", a, b).out
    assert "different scales: metrics, weights or rules differ" in shown
    assert "different models: clip" in shown


def test_two_runs_without_a_common_image_can_be_compared(cli: Cli, runs: Runs) -> None:
    a, b = add(runs, [None]), add(runs, [None, None], folder="/others")
    shown = cli("runs", "compare", a, b)
    assert shown.code == 0
    assert "0 images compared" in shown.out


# -- cache ------------------------------------------------------------------------------------------------------------


def test_the_cache_is_counted_and_pruned_and_runs_stay(cli: Cli, runs: Runs) -> None:
    run = add(runs, [0.3])
    with Database.open() as database:
        cache = FeatureCache(database)
        space = Space.embedding("f0", preprocessing="p", dtype="float32", reading="r")
        cache.put_vectors(space, [sha(n) for n in range(50)], np.zeros((50, 512), dtype=np.float32))
        cache.name_model("f0", "clip", "openai/clip", "abc")
    (entry,) = json.loads(cli("cache", "info", "--json").out)["entries"]
    assert (entry["kind"], entry["model"], entry["count"]) == ("embedding", "openai/clip", 50)
    assert entry["bytes"] > 50 * 2048
    assert "openai/clip" in cli("cache", "info").out
    pruned = cli("cache", "prune", "--max-size", "50kB")
    assert pruned.code == 0 and "removed" in pruned.err
    assert json.loads(cli("cache", "info", "--json").out)["bytes"] <= 50_000
    assert cli("cache", "prune", "--max-size", "0").code == 0
    assert json.loads(cli("cache", "info", "--json").out)["entries"] == []
    assert runs.load(run).results.rows[0].final is not None


def test_without_a_store_nothing_is_cached_and_none_is_made(cli: Cli) -> None:
    assert cli("cache", "info").code == 0
    assert cli("cache", "prune", "--max-size", "1GB").code == 0
    assert not default_store().parent.exists()


@pytest.mark.parametrize(
    ("text", "size"), [("2GB", 2 * 10**9), ("1.5GiB", 1.5 * 2**30), ("500 mb", 5 * 10**8), ("4096", 4096), ("0", 0)]
)
def test_sizes_are_read_as_people_write_them(text: str, size: float) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "much", "-1", "2XB", "1e9", "٣GB"])
def test_anything_else_is_not_a_size(text: str) -> None:
    with pytest.raises(UsageError, match="is not a size"):
        parse_size(text)


# -- demo -------------------------------------------------------------------------------------------------------------


def test_the_demo_leaves_no_history(cli: Cli) -> None:
    assert cli("demo").code == 0
    assert not default_store().parent.exists()

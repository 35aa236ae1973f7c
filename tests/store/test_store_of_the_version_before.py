"""A store that the version before the rebuild wrote opens with everything in it.

`fixtures/version-3` has the store (schema version 3) and what that version's commands said of it: two runs over images
(one in which each image has its own prompt), a run over edits with right and wrong instructions, ratings, rejections
and notes by two raters, some of them taken back, duels, and the features that models had computed. Its pictures lay in
/images and /edits, which are not there. What a command says today may be more than it was, never less.
"""

from __future__ import annotations

import csv
import io
import json
import shutil
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.golden.comparing import difference
from tests.golden.producing import aim_tui
from tests.golden.scenes import SAMPLE

if TYPE_CHECKING:
    from collections.abc import Iterator

FIXTURE = Path(__file__).parent / "fixtures" / "version-3"
IMAGES, OWN_PROMPTS, EDITS = (
    run["id"] for run in reversed(json.loads((FIXTURE / "expected" / "runs-list.json").read_text()))
)
_AGREEMENT = ["--bootstrap", "200", "-f", "json"]

#: What that version wrote of its store, by the command that wrote it.
COMMANDS = {
    "runs-list.json": ("runs", "list", "--json"),
    **{
        f"{name}-export.{form}": ("runs", "export", run, "-f", form)
        for name, run in (("images", IMAGES), ("own-prompts", OWN_PROMPTS))
        for form in ("csv", "json", "jsonl", "markdown")
    },
    **{f"edits-export.{form}": ("runs", "export", EDITS, "-f", form) for form in ("csv", "json", "jsonl")},
    "runs-compare.json": ("runs", "compare", IMAGES, OWN_PROMPTS, "--json"),
    "images-correlate.json": (
        "correlate", IMAGES, "-m", "final_score,clip_score", "-a", "rating,duels", *_AGREEMENT
    ),
    "edits-correlate.json": ("correlate", EDITS, "-m", "editclip_score", "-a", "rating,is_correct", *_AGREEMENT),
    "cache-info.json": ("cache", "info", "--json"),
}  # fmt: skip


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the store, as the one that commands use."""
    for kind in ("CONFIG", "DATA", "STATE"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(tmp_path / kind.lower()))
    copied = tmp_path / "store.db"
    shutil.copyfile(FIXTURE / "store.db", copied)
    monkeypatch.setenv("AIM_TUI_STORE", str(copied))
    monkeypatch.setenv("TZ", "UTC")
    yield copied


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_outputs_all_that_it_did_before(store: Path, name: str) -> None:
    expected = (FIXTURE / "expected" / name).read_text()
    code, said, told = aim_tui(*COMMANDS[name])
    assert code == 0, told
    form = name.rpartition(".")[2]
    if form == "markdown":
        assert not (changed := difference(name, expected, said, exactly=True)), changed
    else:
        assert _lacking(_parsed(form, expected), _parsed(form, said)) == []


def test_every_judgement_and_duel_is_kept_with_undone_ones(store: Path) -> None:
    """No command shows notes and rejections of edits, nor what was taken back: they are read from the tables."""
    assert aim_tui("runs", "list")[0] == 0  # brings the store up to date
    connection = sqlite3.connect(store)
    connection.row_factory = sqlite3.Row
    for table in ("judgements", "duels"):
        expected = json.loads((FIXTURE / "expected" / f"{table}.json").read_text())
        found = [dict(row) for row in connection.execute(f"SELECT * FROM {table} ORDER BY id")]
        for row in found:
            row |= {name: {"bytes": value.hex()} for name, value in row.items() if isinstance(value, bytes)}
        assert _lacking(expected, found) == []
    connection.close()


def test_cached_features_are_found_again(store: Path, tmp_path: Path) -> None:
    folder = tmp_path / "moved"
    folder.mkdir()
    for name in ("cabin_004.webp", "cabin_007.webp", "empty_plain_01.jpg", "green_hills_01.webp", "meadow_01.webp"):
        shutil.copyfile(SAMPLE / "generations" / name, folder / name)
    ask = ["-P", "sample", "--device", "cpu", "-b", "4", "--metrics", "clip,blip2,lpips", "-f", "json"]
    texts = ("-t", "a wooden cabin with a smoking chimney", "-p", "one wooden cabin in the snow")
    reference = ("-R", str(folder / "cabin_007.webp"))
    before = json.loads((FIXTURE / "expected" / "cache-info.json").read_text())["entries"]
    code, said, told = aim_tui("score", str(folder), *ask, *texts, *reference)
    assert code == 0, told
    assert json.loads(aim_tui("cache", "info", "--json")[1])["entries"] == before  # nothing had to be computed
    stored = _by_name((FIXTURE / "expected" / "images-export.json").read_text())
    for name, row in _by_name(said).items():
        assert row["sha256"] == stored[name]["sha256"]
        for value in ("clip_score", "blip2_similarity", "lpips_score", "caption", "final_score"):
            assert row[value] == stored[name][value]


def test_a_run_can_be_deleted_and_the_judgements_of_its_images_stay(store: Path) -> None:
    for run in (IMAGES, EDITS):
        assert aim_tui("runs", "delete", run, "--yes")[0] == 0
    assert [run["id"] for run in json.loads(aim_tui("runs", "list", "--json")[1])] == [OWN_PROMPTS]
    expected = (FIXTURE / "expected" / "own-prompts-export.csv").read_text()
    assert (
        _lacking(_parsed("csv", expected), _parsed("csv", aim_tui("runs", "export", OWN_PROMPTS, "-f", "csv")[1])) == []
    )


def _by_name(document: str) -> dict[str, Any]:
    return {Path(row["path"]).name: row for row in json.loads(document)["results"]}


def _parsed(form: str, text: str) -> Any:
    match form:
        case "json":
            return json.loads(text)
        case "jsonl":
            return [json.loads(line) for line in text.splitlines()]
        case _:
            return list(csv.DictReader(io.StringIO(text)))


def _lacking(expected: Any, found: Any, place: str = "") -> list[str]:
    """Where something that was expected is not there, or is something else; more than that may be there."""
    match expected, found:
        case dict(), dict():
            return [
                problem
                for name, value in expected.items()
                for problem in (
                    _lacking(value, found[name], f"{place}.{name}") if name in found else [f"no {place}.{name}"]
                )
            ]
        case list(), list() if len(expected) == len(found):
            return [
                problem
                for number, pair in enumerate(zip(expected, found, strict=True))
                for problem in _lacking(*pair, f"{place}[{number}]")
            ]
        case float(), float():
            # Agreement is computed anew, and its last digits are the machine's.
            return (
                []
                if expected == pytest.approx(found, rel=1e-6, abs=1e-9, nan_ok=True)
                else [f"{place}: {found!r}, not {expected!r}"]
            )
        case _:
            return [] if expected == found else [f"{place}: {found!r}, not {expected!r}"]

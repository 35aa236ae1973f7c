"""`aim-tui inspect` finds what is broken and what is odd, without any model."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from aim_tui.settings import paths

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Outcome


def image(path: Path, width: int, height: int, value: int) -> Path:
    Image.fromarray(np.full((height, width, 3), value, dtype=np.uint8)).save(path)
    return path


@pytest.fixture
def data(tmp_path: Path) -> Callable[..., Path]:
    """A data.json of two good edits and the given rows, its images beside it."""
    image(tmp_path / "a.png", 40, 30, 10)
    image(tmp_path / "b.png", 40, 30, 90)
    image(tmp_path / "c.png", 50, 30, 50)

    def write(*rows: dict[str, Any]) -> Path:
        good = [
            {"id": "one", "source_image": "a.png", "target_image": "b.png", "instruction": "make it brighter"},
            {"id": "two", "source_image": "b.png", "target_image": "a.png", "instruction": "make it dark"},
        ]
        path = tmp_path / "data.json"
        path.write_text(json.dumps([*good, *rows]), encoding="utf-8")
        return path

    return write


def edit(name: str, source: str, target: str, instruction: str = "change it") -> dict[str, str]:
    return {"id": name, "source_image": source, "target_image": target, "instruction": instruction}


def inspect(cli: Callable[..., Outcome], path: Path, code: int) -> dict[str, Any]:
    done = cli("inspect", str(path), "--json")
    assert done.code == code, done.out
    found: dict[str, Any] = json.loads(done.out)
    return found


def test_a_sound_data_set_is_counted_and_ends_well(cli: Callable[..., Outcome], data: Callable[..., Path]) -> None:
    found = inspect(cli, data(), 0)
    assert (found["edits"], found["images"], found["readable_images"]) == (2, 2, 2)
    assert found["sizes"] == {"40 x 30": 2}
    assert found["instructions"]["shortest"] == len("make it dark")
    assert found["instructions"]["words_longest"] == 3
    assert found["broken"] == found["duplicates"] == found["pairs_of_unequal_size"] == []


def test_missing_and_broken_images_are_broken(
    cli: Callable[..., Outcome], data: Callable[..., Path], tmp_path: Path
) -> None:
    (tmp_path / "text.png").write_text("hello")
    found = inspect(cli, data(edit("x", "gone.png", "b.png"), edit("y", "a.png", "text.png")), 1)
    assert [flaw["where"] for flaw in found["broken"]] == ["[2]", "[3]"]
    assert "x: source image gone.png: no such file" in found["broken"][0]["problem"]
    assert "y: target image text.png: " in found["broken"][1]["problem"]


def test_repeated_ids_and_empty_instructions_are_broken(cli: Callable[..., Outcome], data: Callable[..., Path]) -> None:
    found = inspect(cli, data(edit("one", "a.png", "c.png"), edit("z", "a.png", "b.png", " ")), 1)
    problems = [flaw["problem"] for flaw in found["broken"]]
    assert any("id 'one' is already used" in problem for problem in problems)
    assert "instruction is empty" in problems


def test_an_id_is_repeated_also_where_its_row_is_broken_otherwise(
    cli: Callable[..., Outcome], data: Callable[..., Path]
) -> None:
    found = inspect(
        cli, data(edit("one", "a.png", "c.png", " "), edit("new", "", "b.png"), edit("new", "a.png", "b.png")), 1
    )
    told = [(flaw["where"], flaw["problem"]) for flaw in found["broken"] if "is already used" in flaw["problem"]]
    assert told == [("[2]", "id 'one' is already used in [0]"), ("[4]", "id 'new' is already used in [3]")]


def test_odd_pairs_are_reported_and_are_not_broken(
    cli: Callable[..., Outcome], data: Callable[..., Path], tmp_path: Path
) -> None:
    shutil.copy(tmp_path / "a.png", tmp_path / "twin.png")
    Image.open(tmp_path / "a.png").save(tmp_path / "same.bmp")
    path = data(
        edit("sizes", "a.png", "c.png"),
        edit("twin", "a.png", "twin.png"),
        edit("pixels", "a.png", "same.bmp"),
        edit("again", "a.png", "b.png", "Make it BRIGHTER"),
    )
    found = inspect(cli, path, 0)
    assert found["pairs_of_unequal_size"] == ["sizes"]
    assert found["pairs_without_a_change"] == ["twin", "pixels"]
    assert found["same_pair_and_instruction"] == [["one", "again"]]
    assert [sorted(name.rpartition("/")[2] for name in group) for group in found["duplicates"]] == [
        ["a.png", "twin.png"]
    ]


def test_people_see_samples_and_reasons(cli: Callable[..., Outcome], data: Callable[..., Path]) -> None:
    done = cli("inspect", str(data(edit("x", "gone.png", "b.png"))), "-n", "1")
    assert done.code == 1
    assert "make it brighter" in done.out
    assert "make it dark" not in done.out
    assert "broken: 1" in done.out
    assert "no such file" in done.out


def test_a_folder_of_images_is_inspected_too(cli: Callable[..., Outcome], data: Callable[..., Path]) -> None:
    folder = data().parent
    found = inspect(cli, folder, 0)
    assert (found["kind"], found["images"], found["sizes"]) == ("images", 3, {"40 x 30": 2, "50 x 30": 1})
    (folder / "bad.png").write_bytes(b"")
    assert inspect(cli, folder, 1)["broken"] == [{"where": "bad.png", "problem": "is empty (0 bytes)"}]


def test_an_empty_folder_and_a_lost_path_are_not_data_sets(cli: Callable[..., Outcome], tmp_path: Path) -> None:
    assert cli("inspect", str(tmp_path)).code == 1
    lost = cli("inspect", str(tmp_path / "lost.json"))
    assert lost.code == 2
    assert "no such file or folder" in lost.err


def test_texts_of_files_cannot_drive_the_terminal(cli: Callable[..., Outcome], data: Callable[..., Path]) -> None:
    done = cli("inspect", str(data(edit("\x1b[31mred", "a.png", "b.png", "\x1b]0;title\x07 [bold]x[/bold]"))))
    assert "\x1b" not in done.out
    assert "[bold]x[/bold]" in done.out


def test_the_sample_edits_are_sound(cli: Callable[..., Outcome]) -> None:
    folder = paths.sample_data() / "edits"
    for name in ("data.json", "adversarial_dataset.json"):
        found = inspect(cli, folder / name, 0)
        assert found["pairs_without_a_change"] == found["pairs_of_unequal_size"] == []
    assert found["truth"]["right"] == 48

"""What a path stands for: files, folders, globs, and everything that is none of them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from aim_tui.inputs.listing import expand, list_folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("img_10.png", "img_2.JPG", "note.txt", ".hidden.png", "[a].webp"):
        (tmp_path / name).touch()
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "deep.png").touch()
    return tmp_path


def names(images: list[str]) -> list[str]:
    return [Path(image).name for image in images]


def test_a_folder_lists_images_and_folders_in_natural_order(folder: Path) -> None:
    listing = list_folder(folder)
    assert names(listing.images) == ["[a].webp", "img_2.JPG", "img_10.png"]
    assert [path.name for path in listing.folders] == ["sub"]


def test_sub_folders_are_looked_into_when_asked(folder: Path) -> None:
    assert "deep.png" not in names(expand([str(folder)]).images)
    assert "deep.png" in names(expand([str(folder)], recursive=True).images)


def test_a_glob_finds_images_and_a_bracketed_name_is_no_glob(folder: Path) -> None:
    assert names(expand([f"{folder}/img_*"]).images) == ["img_2.JPG", "img_10.png"]
    assert names(expand([f"{folder}/[a].webp"]).images) == ["[a].webp"]
    assert names(expand([f"{folder}/**/*.png"]).images) == ["img_10.png", "deep.png"]


def test_a_file_named_outright_is_taken_whatever_it_is_called(folder: Path) -> None:
    assert names(expand([str(folder / "note.txt")]).images) == ["note.txt"]


def test_each_image_is_taken_once(folder: Path) -> None:
    path = str(folder / "img_2.JPG")
    around = str(folder / "sub" / ".." / "img_2.JPG")
    assert expand([path, path, f"{folder}/img_2*", around]).images == [path]


def test_a_glob_through_a_symlink_loop_finds_each_image_once(folder: Path) -> None:
    (folder / "sub" / "loop").symlink_to(folder)
    assert sorted(names(expand([f"{folder}/**/*.png"]).images)) == ["deep.png", "img_10.png"]


def test_links_to_one_image_are_images_of_their_own(folder: Path) -> None:
    (folder / "again.png").symlink_to(folder / "img_10.png")
    assert "again.png" in names(expand([str(folder)]).images)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("none.png", "no such file"),
        ("*.bmp", "matches no image"),
        ("empty", "no images in this folder"),
        ("a\0b", "not a path"),
    ],
)
def test_what_gives_no_image_says_why_and_the_rest_goes_on(folder: Path, path: str, reason: str) -> None:
    (folder / "empty").mkdir()
    found = expand([f"{folder}/{path}", str(folder / "img_10.png")])
    assert names(found.images) == ["img_10.png"]
    assert [reason in problem.reason for problem in found.problems] == [True]


def test_a_folder_of_folders_hints_at_recursion(folder: Path) -> None:
    (folder / "outer" / "inner").mkdir(parents=True)
    assert "-r" in expand([str(folder / "outer")]).problems[0].reason


def test_a_symlink_loop_ends(folder: Path) -> None:
    (folder / "sub" / "up").symlink_to(folder)
    assert sorted(names(expand([str(folder)], recursive=True).images)) == [
        "[a].webp",
        "deep.png",
        "img_10.png",
        "img_2.JPG",
    ]


def test_a_broken_link_is_listed_so_that_scoring_it_says_why(folder: Path) -> None:
    (folder / "gone.png").symlink_to(folder / "nowhere")
    assert "gone.png" in names(list_folder(folder).images)


def test_names_that_are_not_utf8_are_listed(folder: Path) -> None:
    (folder / os.fsdecode(b"\xff.png")).touch()
    assert os.fsdecode(b"\xff.png") in names(list_folder(folder).images)


def test_a_folder_that_can_not_be_listed_says_why(folder: Path) -> None:
    assert list_folder(folder / "none").problem == "No such file or directory"
    assert list_folder(folder / "note.txt").problem == "Not a directory"

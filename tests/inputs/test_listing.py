"""What a path stands for: files, folders, globs, and everything that is none of them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from aim_tui.inputs.image_formats import SUFFIXES
from aim_tui.inputs.listing import count_below, expand, list_folder, list_paths


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


def test_whatever_decodes_is_listed_and_other_images_are_counted(tmp_path: Path) -> None:
    for name in ("a.png", "b.avif", "c.jfif", "d.jpe", "e.apng", "f.jp2", "g.heic", "h.JXL", "i.psd", "j.psd", "k.txt"):
        (tmp_path / name).touch()
    read = {name for name in ("b.avif", "g.heic", "h.JXL") if Path(name).suffix.lower() in SUFFIXES}
    expected = sorted({"a.png", "c.jfif", "d.jpe", "e.apng", "f.jp2"} | read)
    for found in (expand([str(tmp_path)]), expand([str(tmp_path)], recursive=True), expand([f"{tmp_path}/*"])):
        assert names(found.images) == expected
        assert found.left_out.unread[".psd"] == 2
        assert ".txt" not in found.left_out.unread
        assert "2 .psd" in str(found.left_out) and "formats that are not read" in str(found.left_out)
    assert list_folder(tmp_path).left_out.unread[".psd"] == 2


def test_what_would_read_a_format_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.jxl").touch()
    if ".jxl" in SUFFIXES:
        pytest.skip("a plug-in reads it here")
    problem = expand([str(tmp_path)]).problems[0]
    assert problem.reason == (
        "no images in this folder, but 1 .jxl: formats that are not read (pillow-jxl-plugin reads it)"
    )
    assert "but 1 .jxl" in expand([f"{tmp_path}/*"]).problems[0].reason


def test_thumbnails_of_network_disks_and_attribute_files_are_left_out_and_counted(tmp_path: Path) -> None:
    for name in (
        "a.png",
        "._a.png",
        "@eaDir/a.png/SYNOFILE_THUMB_M.jpg",
        "sub/@eaDir/x.jpg",
        "sub/b.png",
        "#recycle/c.png",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    whole = expand([str(tmp_path)], recursive=True)
    assert names(whole.images) == ["a.png", "b.png"]
    assert (whole.left_out.attribute_files, whole.left_out.system_folders) == (1, 3)
    assert names(expand([f"{tmp_path}/**/*.*"]).images) == ["a.png", "b.png"]
    listing = list_folder(tmp_path)
    assert [folder.name for folder in listing.folders] == ["sub"]
    assert listing.left_out.lines() == [
        "1 '._' file of macOS",
        "2 folders of a network disk or system, such as @eaDir",
    ]
    assert not expand([str(tmp_path / "sub" / "b.png")]).left_out


def test_an_image_that_is_named_is_listed_whatever_its_name_ends_with_and_not_counted_as_left_out(folder: Path) -> None:
    for name in ("a.heic", "b.heic"):
        (folder / name).touch()
    listing = list_folder(folder, str(folder / "a.heic"))
    assert names(listing.images)[-2:] == ["img_2.JPG", "img_10.png"]
    assert "a.heic" in names(listing.images)
    assert listing.left_out.unread == {".heic": 1}
    assert list_folder(folder, str(folder / "gone.png")).images == list_folder(folder).images


def test_paths_are_listed_beside_the_sub_folders_of_what_holds_them_all(folder: Path) -> None:
    listing = list_paths(folder, (str(folder / "img_10.png"), str(folder / "sub"), f"{folder}/x*"), recursive=False)
    assert names(listing.images) == ["img_10.png", "deep.png"]
    assert names(list(map(str, listing.folders))) == ["sub"]
    assert listing.problem is None
    assert [problem.reason for problem in listing.problems] == ["matches no image"]


def test_paths_without_any_image_say_which_and_why(folder: Path) -> None:
    assert list_paths(folder, (f"{folder}/x*",), recursive=False).problem == f"{folder}/x*: matches no image"


def test_a_folder_is_listed_with_everything_below_it(folder: Path) -> None:
    listing = list_paths(folder, (), recursive=True)
    assert names(listing.images) == ["[a].webp", "img_2.JPG", "img_10.png", "deep.png"]


def test_images_below_are_counted_with_the_folders_that_hold_some(folder: Path) -> None:
    (folder / "sub" / "empty").mkdir()
    (folder / "sub" / "loop").symlink_to(folder / "sub")
    below = count_below(list_folder(folder).folders, seconds=100)
    assert str(below) == "1 image in 1 sub-folder"
    assert not count_below([], seconds=100)


def test_a_count_that_takes_too_long_says_that_there_may_be_more(folder: Path) -> None:
    assert str(count_below(list_folder(folder).folders, seconds=-1)) == "at least 0 images in 0 sub-folders"

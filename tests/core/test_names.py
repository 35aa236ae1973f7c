"""Names of a list tell its paths apart, and are no longer than that needs."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from aim_tui.core.names import ShortNames

PARTS = st.sampled_from(["a", "b", "c.png"])
PATHS = st.lists(st.lists(PARTS, min_size=1, max_size=4).map("/".join), max_size=8)


def names_of(*paths: str) -> list[str]:
    names = ShortNames(paths)
    return [names[path] for path in paths]


def test_names_of_one_folder_stay_short() -> None:
    assert names_of("/runs/cat.png", "/runs/dog.png") == ["cat.png", "dog.png"]


def test_equal_names_in_two_folders_are_told_apart_by_the_folder_and_no_other_name_grows() -> None:
    assert names_of("/d/01/x.png", "/d/02/x.png", "/d/02/y.png") == ["01/x.png", "02/x.png", "y.png"]


def test_folders_of_one_name_are_told_apart_by_the_ones_above_them() -> None:
    assert names_of("/may/out/x.png", "/june/out/x.png", "/june/raw/x.png") == [
        "may/out/x.png",
        "june/out/x.png",
        "raw/x.png",
    ]


def test_a_path_that_another_one_ends_with_stays_as_it_is() -> None:
    assert names_of("x.png", "a/x.png", "/x.png") == ["x.png", "a/x.png", "/x.png"]


def test_the_same_image_twice_has_one_name() -> None:
    assert names_of("/d/x.png", "/d/x.png") == ["x.png", "x.png"]


def test_a_name_grows_when_its_like_comes_later() -> None:
    names = ShortNames(["/a/x.png"])
    assert names["/a/x.png"] == "x.png"
    names.add(["/b/x.png"])
    assert (names["/a/x.png"], names["/b/x.png"]) == ("a/x.png", "b/x.png")


def test_a_path_of_no_list_goes_by_its_file_name() -> None:
    assert ShortNames(["/a/x.png", "/b/x.png"])["/c/x.png"] == "x.png"


@given(PATHS)
def test_different_paths_never_share_a_name_and_each_ends_with_its_own(paths: list[str]) -> None:
    names = ShortNames(paths)
    shown = {path: names[path] for path in paths}
    assert len(set(shown.values())) == len(set(paths))
    assert all(path == name or path.endswith(f"/{name}") for path, name in shown.items())

"""A file of labels and the images that it speaks of find each other by name, never by a guess that nobody sees."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from aim_tui.core.names import IMAGE_ENDINGS
from aim_tui.errors import UsageError
from aim_tui.inputs.image_formats import SUFFIXES
from aim_tui.inputs.labels import read_label_file


def labels(folder: Path, *rows: str) -> Path:
    path = folder / "truth.csv"
    path.write_text("image,label\n" + "".join(f"{row}\n" for row in rows), encoding="utf-8")
    return path


def test_a_number_with_a_point_names_no_image(tmp_path: Path) -> None:
    images = [str(tmp_path / "images" / f"{n}.png") for n in (1, 2, 3)]
    found = read_label_file(labels(tmp_path, "1.5,good", "2.5,bad", "3.5,good")).match(images)
    assert found.labels == {} and found.unmatched == ("1.5", "2.5", "3.5") and found.guesses == ()


def test_names_without_an_ending_are_matched_and_shown(tmp_path: Path) -> None:
    images = [str(tmp_path / "images" / f"{n}.png") for n in (1, 2)]
    found = read_label_file(labels(tmp_path, "1,good", "2.png,bad")).match(images)
    assert found.labels == {images[0]: "good", images[1]: "bad"}
    assert len(found.guesses) == 1 and f"{images[0]} = 1" in found.guesses[0]


def test_a_path_decides_before_a_name_and_what_is_left_is_not_matched_by_elimination(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "1.png").touch()
    images = [str(tmp_path / folder / "1.png") for folder in ("a", "b")]
    found = read_label_file(labels(tmp_path, "a/1.png,good", "1.png,bad")).match(images)
    assert found.labels == {images[0]: "good"} and found.unmatched == ("1.png",)


def test_one_image_under_two_names_has_one_label(tmp_path: Path) -> None:
    (tmp_path / "1.png").touch()
    with pytest.raises(UsageError, match=r"1\.png is 'good', and 'bad' as \./1\.png"):
        read_label_file(labels(tmp_path, "1.png,good", "./1.png,bad")).match([str(tmp_path / "1.png")])


@pytest.mark.parametrize(("on_disk", "in_file"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_a_name_in_the_other_form_of_unicode_names_the_image(tmp_path: Path, on_disk: str, in_file: str) -> None:
    image = tmp_path / unicodedata.normalize(on_disk, "caf\u00e9.png")  # type: ignore[arg-type]
    image.touch()
    file = read_label_file(labels(tmp_path, unicodedata.normalize(in_file, "caf\u00e9.png,\u00e9t\u00e9")))  # type: ignore[arg-type]
    assert list(file.paths().values()) == [str(image)]
    assert file.match([str(image)]).labels == {str(image): "\u00e9t\u00e9"}


def test_every_ending_that_is_listed_is_known_to_be_that_of_an_image() -> None:
    assert SUFFIXES <= IMAGE_ENDINGS


def test_labels_that_differ_only_in_case_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="the labels 'true' and 'True' differ only in case"):
        read_label_file(labels(tmp_path, "1.png,true", "2.png,False", "3.png,True"))


def test_a_truth_value_of_json_is_the_label_that_json_writes(tmp_path: Path) -> None:
    path = tmp_path / "truth.json"
    path.write_text('[{"image": "1.png", "label": true}, {"image": "2.png", "label": "false"}]')
    assert read_label_file(path).rows == {"1.png": "true", "2.png": "false"}

"""The engine from Python: the numbers of the command, for files, PIL images and arrays."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from aim_tui import Evaluator
from aim_tui.errors import UsageError
from aim_tui.inputs.demo_data import load_demo_data
from aim_tui.inputs.listing import list_folder
from tests.survival.programs import run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

TOPIC, PROMPT = "a wooden cabin", "a wooden cabin at a lake, [snow]"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("store") / "aim.db"


@pytest.fixture(scope="module")
def evaluator(store: Path) -> Iterator[Evaluator]:
    with Evaluator(profile="sample", store=store) as made:
        yield made


@pytest.fixture(scope="module")
def images() -> list[Path]:
    return sorted(load_demo_data().generations.glob("*.png"))[:3]


def numbers(records: Any) -> list[tuple[Any, ...]]:
    return [(r["clip_score"], r["blip2_similarity"], r["lpips_score"], r["final_score"]) for r in records]


def test_the_records_are_those_of_the_command(evaluator: Evaluator, images: list[Path], tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no image")
    paths = [*images, broken]
    records = list(evaluator.score(paths, topic=TOPIC, prompt=PROMPT, reference=images[0]))
    command = [
        "score", *map(str, paths), "--topic", TOPIC, "--prompt", PROMPT,
        "--reference", str(images[0]), "--profile", "sample", "--format", "jsonl", "--no-store",
    ]  # fmt: skip
    said = run(*command, folder=tmp_path).rows
    assert [record["path"] for record in records] == [str(path) for path in paths]
    assert records[3]["status"] == "failed"
    assert records[3]["error"]
    for record, row in zip(records, said, strict=True):
        assert record.keys() <= row.keys()
        for name, value in record.items():
            assert value == (pytest.approx(row[name], abs=1e-6) if isinstance(value, float) else row[name]), name


def test_pictures_and_arrays_score_as_their_files_do(evaluator: Evaluator, images: list[Path]) -> None:
    said = {"topic": TOPIC, "prompt": PROMPT}
    files = numbers(evaluator.score(images, reference=images[0], **said))
    pictures = [Image.open(path) for path in images]
    assert numbers(evaluator.score(pictures, reference=pictures[0], **said)) == files
    arrays = [np.asarray(picture.convert("RGB")) for picture in pictures]
    scoring = evaluator.score((array for array in arrays), reference=arrays[0], **said)
    assert numbers(scoring) == files
    assert [record["path"] for record in scoring] == ["image 0", "image 1", "image 2"]
    (alone,) = numbers(evaluator.score(arrays[1], reference=arrays[0], **said))
    assert alone == pytest.approx(files[1], abs=1e-4)


def test_each_image_may_have_a_prompt_of_its_own(evaluator: Evaluator, images: list[Path]) -> None:
    prompts = ["a lake", "", "a cabin at night"]
    records = list(evaluator.score(images, prompt=prompts, topic=TOPIC))
    for record, path, prompt in zip(records, images, prompts, strict=True):
        if not prompt:
            assert (record["clip_score"], record["final_score"], record["status"]) == (None, None, "partial")
            assert "no prompt" in record["error"]
            continue
        (alone,) = evaluator.score([path], prompt=prompt, topic=TOPIC)
        assert record["clip_score"] == pytest.approx(alone["clip_score"], abs=1e-6)
        assert record["blip2_similarity"] == alone["blip2_similarity"]


def test_records_come_one_by_one_and_stay(evaluator: Evaluator, images: list[Path]) -> None:
    scoring = evaluator.score(str(load_demo_data().generations), prompt=PROMPT)
    first = next(iter(scoring))
    assert first["clip_score"] is not None
    frame = scoring.to_dataframe()
    assert len(frame) == len(scoring) == len(list_folder(load_demo_data().generations).images)
    assert next(iter(scoring)) is first
    assert scoring.summary().n_ok == len(scoring)
    assert scoring.results.models["clip"].id == "sample/clip"


def test_a_request_that_cannot_be_scored_is_refused_with_a_clear_message(
    evaluator: Evaluator, images: list[Path]
) -> None:
    with pytest.raises(UsageError, match="nothing to score: clip: no prompt"):
        evaluator.score(images)
    with pytest.raises(UsageError, match="2 of prompt for 3 images"):
        evaluator.score(images, prompt=["a", "b"])
    with pytest.raises(UsageError, match=r"an array of float64 \(2, 2, 7\) is not an image"):
        evaluator.score([np.zeros((2, 2, 7))], prompt="a")
    with pytest.raises(UsageError, match="has values from -1 to 0; those from 0 to 1, or from 0 to 255, are read"):
        evaluator.score([np.array([[-1.0, 0.0]])], prompt="a")
    with pytest.raises(UsageError, match="^image 1: an array of float64"):
        evaluator.score([images[0], np.zeros((2, 2, 7))], prompt="a")
    with pytest.raises(UsageError, match="complex128 is not an image"):
        evaluator.score([np.zeros((2, 2), complex)], prompt="a")
    with pytest.raises(UsageError, match="dict is not an image"):
        evaluator.score([{}], prompt="a")  # type: ignore[list-item]
    with pytest.raises(UsageError, match="unknown metric"):
        Evaluator(profile="sample", metrics=["klip"])
    with pytest.raises(UsageError, match="no images"):
        evaluator.score("/nowhere/*.png", prompt="a")


def test_weights_and_metrics_may_be_a_mapping_and_a_list(store: Path, images: list[Path]) -> None:
    with Evaluator(profile="sample", metrics=["clip", "blip2"], weights={"clip": 1, "blip2": 0}, store=store) as only:
        (record,) = only.score(images[:1], prompt=PROMPT, topic=TOPIC)
    assert record["final_score"] == pytest.approx(100 * record["clip_norm"])
    assert record["lpips_score"] is None


def test_a_scoring_that_was_stopped_goes_on_where_it_was(evaluator: Evaluator, images: list[Path]) -> None:
    whole = list(evaluator.score(images, prompt=PROMPT))
    scoring = evaluator.score(images, prompt=PROMPT)
    first = next(iter(scoring))
    scoring.close()
    assert [first, *list(scoring)[1:]] == whole
    assert list(scoring) == whole


def test_a_value_that_is_not_a_text_is_never_read_as_one(evaluator: Evaluator, images: list[Path]) -> None:
    prompts = np.array([PROMPT, PROMPT, PROMPT])
    assert numbers(evaluator.score(images, prompt=prompts)) == numbers(evaluator.score(images, prompt=PROMPT))
    assert numbers(evaluator.score(images, prompt=(text for text in prompts), topic=None))  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="nothing to score"):
        evaluator.score(images, prompt=None)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="int is not a prompt"):
        evaluator.score(images, prompt=3)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="int is not a text"):
        evaluator.score(images, prompt=[1, 2, 3])  # type: ignore[list-item]
    with pytest.raises(UsageError, match="is not an image"):
        evaluator.score([np.zeros((0, 0, 3), np.uint8)], prompt=PROMPT)


def test_records_are_written_in_the_format_of_the_ending(
    evaluator: Evaluator, images: list[Path], tmp_path: Path
) -> None:
    scoring = evaluator.score(images, topic=TOPIC, prompt=PROMPT)
    scoring.write(tmp_path / "scores.jsonl")
    rows = [json.loads(line) for line in (tmp_path / "scores.jsonl").read_text().splitlines()]
    for row, record in zip(rows, scoring, strict=True):
        assert row == record | {name: row[name] for name in row.keys() - record.keys()}
        assert row["not_asked"] == {"lpips": "no reference"}
    scoring.write(tmp_path / "scores.csv")
    assert len((tmp_path / "scores.csv").read_text().splitlines()) == 1 + len(images)
    with pytest.raises(UsageError, match="ending names no format of scored images"):
        scoring.write(tmp_path / "scores.txt")


def test_the_api_brings_neither_the_command_line_nor_the_screen_along(images: list[Path], tmp_path: Path) -> None:
    program = f"""
import sys
from aim_tui import Evaluator
with Evaluator(profile="sample", metrics="clip", store=False) as evaluator:
    scoring = evaluator.score({str(images[0])!r}, prompt="a cabin")
    assert list(scoring)[0]["clip_score"] is not None
    scoring.write({str(tmp_path / "scores.csv")!r})
print([name for name in ("typer", "textual", "click", "aim_tui.cli", "aim_tui.ui") if name in sys.modules])
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (ran.stdout, ran.returncode) == ("[]\n", 0), ran.stderr


def _turned(image: Image.Image, folder: Path) -> Path:
    exif = Image.Exif()
    exif[0x0112] = 6
    image.save(folder / "turned.jpg", exif=exif)
    return folder / "turned.jpg"


def _saved(name: str) -> Callable[[Image.Image, Path], Path]:
    def save(image: Image.Image, folder: Path) -> Path:
        path = folder / name
        grey = np.asarray(image.convert("L"))
        match path.stem:
            case "sixteen":
                Image.fromarray(grey.astype(np.uint16) * 257).save(path)
            case "sixteen_big_endian":
                Image.fromarray(grey.astype(np.uint16) * 257).convert("I;16B").save(path)
            case "whole":
                Image.fromarray(grey.astype(np.int32)).save(path)
            case "wide":
                Image.fromarray(grey.astype(np.int32) * 257).save(path)
            case "share":
                Image.fromarray((grey / 255).astype(np.float32)).save(path)
            case "fraction":
                Image.fromarray(grey.astype(np.float32)).save(path)
            case "palette":
                image.convert("P", palette=Image.Palette.ADAPTIVE, colors=32).save(path, transparency=3)
            case "glass":
                glass = image.convert("RGBA")
                glass.putalpha(Image.fromarray(grey))
                glass.save(path)
            case "grey_glass":
                Image.merge("LA", (image.convert("L"), Image.fromarray(grey))).save(path)
            case mode:
                image.convert(mode.upper()).save(path)
        return path

    return save


_KINDS = {
    name: _saved(name)
    for name in (
        "sixteen.png", "sixteen_big_endian.tif", "whole.tif", "wide.tif", "share.tif", "fraction.tif", "palette.png",
        "palette.gif", "glass.png", "grey_glass.png", "cmyk.jpg", "cmyk.tif", "1.png", "l.png", "rgb.webp", "lab.tif",
    )
} | {"turned.jpg": _turned}  # fmt: skip


@pytest.mark.parametrize("name", _KINDS)
def test_a_path_and_a_pil_image_of_any_mode_give_the_same_number(
    name: str, evaluator: Evaluator, images: list[Path], tmp_path: Path
) -> None:
    with Image.open(images[0]) as source:
        path = _KINDS[name](source.convert("RGB"), tmp_path)
    with Image.open(path) as opened:
        (unread,) = numbers(evaluator.score([opened], prompt=PROMPT))
    with Image.open(path) as opened:
        opened.load()
        (decoded,) = numbers(evaluator.score([opened], prompt=PROMPT))
    (by_path,) = numbers(evaluator.score([path], prompt=PROMPT))
    assert unread == decoded == by_path


@pytest.mark.parametrize(
    "name", ["sixteen.png", "whole.tif", "wide.tif", "share.tif", "fraction.tif", "l.png", "1.png"]
)
def test_a_path_and_an_array_give_the_same_number(
    name: str, evaluator: Evaluator, images: list[Path], tmp_path: Path
) -> None:
    with Image.open(images[0]) as source:
        path = _KINDS[name](source.convert("RGB"), tmp_path)
    with Image.open(path) as opened:
        array = np.array(opened)
    assert numbers(evaluator.score([array], prompt=PROMPT)) == numbers(evaluator.score([path], prompt=PROMPT))


def test_arrays_of_colour_give_the_number_of_their_8_bits(evaluator: Evaluator, images: list[Path]) -> None:
    with Image.open(images[0]) as source:
        array = np.asarray(source.convert("RGB"))
    kinds = [
        array,
        array.astype(np.uint16) * 257,
        array / 255,
        (array / 255).astype(np.float32),
        array.astype(np.int64),
    ]
    assert len({str(found) for found in numbers(evaluator.score(kinds, prompt=PROMPT))}) == 1

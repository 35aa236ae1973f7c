"""Search, duplicates, matrix and embed with the sample models: right numbers and counts, every file name survives."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from aim_tui.inputs.demo_data import load_demo_data
from aim_tui.inputs.listing import list_folder

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Outcome

    Cli = Callable[..., Outcome]

SAMPLE = load_demo_data()
ODD = os.fsdecode(b"caf\xe9 \xff.png")
FORMULA = '=cmd|x, "y".png'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Five sample images, one of them twice, one again as a smaller JPEG, names that bite, and a file that is none."""
    images = tmp_path / "images"
    images.mkdir()
    by_name = {Path(path).name: path for path in list_folder(SAMPLE.generations).images}
    for name in ("cabin_001.png", "lake_night_01.webp", "meadow_01.webp", "pattern_01.png"):
        shutil.copy(by_name[name], images)
    shutil.copy(by_name["lake_night_01.webp"], images / "copy of lake.webp")
    with Image.open(by_name["meadow_01.webp"]) as image:
        image.convert("RGB").resize((480, 480)).save(images / "small meadow.jpg", quality=90)
    shutil.copy(by_name["cabin_004.webp"], images / FORMULA)
    shutil.copy(by_name["no_chimney_01.webp"], images / ODD)
    (images / "broken.png").write_bytes(b"no image at all")
    return images


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    path = tmp_path / "texts.txt"
    path.write_text("\ufeffa cabin at night\r\n\r\n  a green meadow \n=1+1\n", encoding="utf-8")
    return path


def test_embeddings_say_what_they_are_of_in_every_format(cli: Cli, folder: Path, texts: Path, tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow.parquet")
    from safetensors import safe_open

    sound = [path for path in list_folder(folder).images if not path.endswith("broken.png")]
    for ending in ("npz", "parquet", "safetensors"):
        run = cli("embed", str(folder), "--texts", str(texts), "-P", "sample", "-o", str(tmp_path / f"out.{ending}"))
        assert run.code == 1 and "broken.png" in run.err and "; 1 left out" in run.err
        assert "8 images, 3 texts" in run.err
    with np.load(tmp_path / "out.npz", allow_pickle=False) as made:
        vectors, said = made["embeddings"], json.loads(bytes(made["about"]))
        assert [os.fsdecode(path) for path in made["paths"].tolist()] == sound
        assert made["texts"].tolist() == [b"a cabin at night", b"a green meadow", b"=1+1"]
        hashes, text_vectors = [sha256.decode() for sha256 in made["sha256"].tolist()], made["text_embeddings"]
    assert vectors.dtype == np.float32 and np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert len(said["fingerprint"]) == 32 and said["profile"] == "sample" and said["left_out"][0]["reason"]
    rows = pyarrow.read_table(tmp_path / "out.parquet").to_pylist()
    assert [row["sha256"] for row in rows[:8]] == hashes and [row["text"] for row in rows[8:]][2] == "=1+1"
    assert np.array_equal(np.array([row["embedding"] for row in rows], dtype=np.float32), [*vectors, *text_vectors])
    assert [os.fsdecode(row["path_bytes"]) for row in rows if row["path_bytes"]] == [str(folder / ODD)]
    with safe_open(tmp_path / "out.safetensors", "np") as made:
        metadata = {name: json.loads(text) for name, text in made.metadata().items()}
        assert np.array_equal(made.get_tensor("embeddings"), vectors)
    assert metadata["sha256"] == hashes and metadata["about"]["fingerprint"] == said["fingerprint"]
    assert list(metadata["path_bytes"]) == [str(sound.index(str(folder / ODD)))]
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".out")) == []

    # The matrix is the product of the two, in every format.
    wanted = vectors @ text_vectors.T
    table = cli("matrix", str(folder), "-T", str(texts), "-P", "sample")
    assert "T2  a green meadow" in table.out and "\x1b" not in table.out and table.out.count("*") == 9
    rows = list(csv.reader(io.StringIO(cli("matrix", str(folder), "-T", str(texts), "-P", "sample", "-f", "csv").out)))
    assert rows[0] == ["path", "a cabin at night", "a green meadow", "'=1+1"]
    assert np.allclose(np.array([row[1:] for row in rows[1:]], dtype=float), wanted, atol=1e-6)
    cli("matrix", str(folder), "-T", str(texts), "-P", "sample", "-o", str(tmp_path / "m.npz"))
    with np.load(tmp_path / "m.npz", allow_pickle=False) as made:
        assert np.allclose(made["cosines"], wanted, atol=1e-6) and len(made["paths"]) == 8

    # Search ranks by a column of it.
    run = cli("search", "a cabin at night", str(folder), "-P", "sample", "-f", "json", "-k", "99")
    found = json.loads(run.out)
    assert run.code == 1 and found["images"] == 8 and found["fingerprint"] == said["fingerprint"]
    assert found["query"] == {"text": "a cabin at night"} and len(found["left_out"]) == 1
    order = sorted(range(8), key=lambda place: (-round(float(wanted[place, 0]), 6), place))
    assert [row["sha256"] for row in found["results"]] == [hashes[place] for place in order]
    assert [row["cosine"] for row in found["results"]] == pytest.approx(wanted[order, 0], abs=1e-6)


def test_search_by_image_finds_it_and_its_copy_first(cli: Cli, folder: Path) -> None:
    lake = str(folder / "lake_night_01.webp")
    run = cli("search", "--image", lake, str(folder), "-P", "sample", "--min", "0.9", "-f", "csv")
    rows = list(csv.DictReader(io.StringIO(run.out)))
    assert [Path(row["path"]).name for row in rows[:2]] == ["copy of lake.webp", "lake_night_01.webp"]
    assert all(float(row["cosine"]) >= 0.9 for row in rows)
    assert float(rows[0]["cosine"]) == float(rows[1]["cosine"]) == pytest.approx(1, abs=1e-6)
    assert cli("search", "--image", str(folder / "broken.png"), str(folder), "-P", "sample").code == 2


def test_duplicates_distinguishes_copies_from_near_duplicates(cli: Cli, folder: Path) -> None:
    run = cli("duplicates", str(folder), "-P", "sample", "--threshold", "0.99", "-f", "json")
    found = json.loads(run.out)
    assert run.code == 1 and found["threshold"] == 0.99 and found["nearest_apart"] < 0.99
    groups = [
        {Path(member["path"]).name: member["copy_of"] is not None for member in group["members"]}
        for group in found["groups"]
    ]
    assert {"copy of lake.webp": False, "lake_night_01.webp": True} in groups
    assert {"meadow_01.webp": False, "small meadow.jpg": False} in groups
    assert [group["exact"] for group in found["groups"]].count(True) == 1
    table = cli("duplicates", str(folder), "-P", "sample", "--threshold", "0.99")
    assert "copies: 1" in table.err and "copy" in table.out


def test_nothing_is_written_if_no_image_can_be_read(cli: Cli, folder: Path, texts: Path, tmp_path: Path) -> None:
    bad = str(folder / "broken.png")
    outputs = [str(tmp_path / f"out.{ending}") for ending in ("npz", "parquet", "safetensors")]
    for arguments in (
        ("search", "a cabin", bad),
        ("duplicates", bad),
        ("matrix", bad, "-T", str(texts)),
        *(("embed", bad, "-o", output) for output in outputs),
    ):
        run = cli(*arguments, "-P", "sample")
        assert run.code == 1 and run.out == "" and "holds text, not an image" in run.err, run.err
    assert not any(Path(output).exists() for output in outputs)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("search", "a cabin"), "no path to search"),
        (("search", "", "images"), "is empty"),
        (("search", "caf\udcff", "images"), "not UTF-8"),
        (("search", "a cabin", "nowhere"), "no such file or folder"),
        (("search", "a cabin", "images", "-o", "out.png"), "does not say its format"),
        (("search", "a cabin", "images", "-f", "jsom"), "did you mean 'json'"),
        (("embed", "-o", "out.npz"), "nothing to embed"),
        (("embed", "images", "-o", "out.pt"), "does not say its format"),
        (("matrix", "images", "-T", "missing.txt"), "cannot read missing.txt"),
        (("matrix", "images", "-T", "nul.txt"), "line 2: contains a zero byte"),
        (("matrix", "images", "-T", "latin.txt"), "line 1: is not UTF-8"),
        (("matrix", "images", "-T", "empty.txt"), "has no text"),
        (("matrix", "images", "-T", "some.txt", "--tui", "-f", "json"), "--tui cannot be combined"),
        (("matrix", "images/*.webp", "-T", "some.txt", "--tui"), "--tui needs a terminal"),
    ],
)
def test_mistakes_are_reported_before_a_model_is_loaded(
    cli: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], says: str
) -> None:
    monkeypatch.chdir(folder.parent)
    monkeypatch.setattr("aim_tui.engine.engine.load", lambda *_: pytest.fail("a model was loaded"))
    files = {"nul.txt": b"a\n\0\n", "latin.txt": b"caf\xe9\n", "empty.txt": b"\n \n", "some.txt": b"a cabin\n"}
    for name, content in files.items():
        Path(name).write_bytes(content)
    run = cli(*arguments, "-P", "sample")
    assert run.code == 2 and says in run.err and run.out == ""

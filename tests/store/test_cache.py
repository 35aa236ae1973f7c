"""Nothing is computed twice, and no cached value is used for anything else."""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from aim_tui.inputs.file_identity import FileIdentity
from aim_tui.store import cache as cache_module
from aim_tui.store.cache import FeatureCache, FeatureKind, Space
from aim_tui.store.database import Database
from aim_tui.store.errors import StoreError
from aim_tui.store.files import FileHashes, Stat
from aim_tui.store.fingerprints import fingerprint
from aim_tui.store.judgements import Image, JudgementKind, Judgements
from aim_tui.store.runs import Runs
from tests.store.samples import items, request, scored, sha

if TYPE_CHECKING:
    from pathlib import Path

EMBEDDINGS = Space.embedding("f0", preprocessing="torchvision 224", dtype="float32", reading="exif=rotate")
CAPTIONS = Space.caption("f1", preprocessing="pil", dtype="float16", reading="exif=rotate", decoding="greedy 30")
DISTANCES = Space.lpips("f2", reference_sha256=sha("r"), policy="bilinear", dtype="float32", reading="exif=rotate")


@pytest.fixture
def cache(database: Database) -> FeatureCache:
    return FeatureCache(database)


def some_vectors(count: int, dim: int = 8, dtype: str = "float32") -> np.ndarray:
    return np.random.default_rng(count).normal(size=(count, dim)).astype(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_vectors_come_back_bit_for_bit_in_the_order_asked(cache: FeatureCache, dtype: str) -> None:
    keys, vectors = [sha(n) for n in range(10)], some_vectors(10, dtype=dtype)
    cache.put_vectors(EMBEDDINGS, keys, vectors)
    found, got = cache.vectors(EMBEDDINGS, [keys[7], sha("unknown"), keys[2], keys[7]])
    assert found.tolist() == [True, False, True, True]
    assert got.dtype == dtype
    assert np.array_equal(got, vectors[[7, 2, 7]])


def test_few_of_many_and_all_of_many_are_found_alike(cache: FeatureCache) -> None:
    keys, vectors = [sha(n) for n in range(1000)], some_vectors(1000)
    cache.put_vectors(EMBEDDINGS, keys, vectors)
    for wanted in (list(range(1000)), list(range(999, -1, -1)), [3, 500, 999], list(range(0, 1000, 2))):
        found, got = cache.vectors(EMBEDDINGS, [keys[n] for n in wanted])
        assert found.all()
        assert np.array_equal(got, vectors[wanted])


def test_what_is_not_cached_is_left_out(cache: FeatureCache) -> None:
    found, got = cache.vectors(EMBEDDINGS, [sha(1), sha(2)])
    assert (found.tolist(), len(got)) == ([False, False], 0)
    cache.put_vectors(EMBEDDINGS, [sha(1)], some_vectors(1))
    found, got = cache.vectors(EMBEDDINGS, [sha(2)])
    assert (found.tolist(), len(got)) == ([False], 0)
    found, got = cache.vectors(EMBEDDINGS, [])
    assert (found.tolist(), len(got)) == ([], 0)
    assert cache.values(CAPTIONS, [sha(1)]) == {}


def test_captions_and_distances_come_back(cache: FeatureCache) -> None:
    cache.put_values(CAPTIONS, {sha(1): "a cabin \udcff", sha(2): ""})
    cache.put_values(DISTANCES, {sha(1): 0.1 + 0.2, sha(2): 0.0})
    assert cache.values(CAPTIONS, [sha(1), sha(2), sha(3)]) == {sha(1): "a cabin \udcff", sha(2): ""}
    assert cache.values(DISTANCES, [sha(1), sha(2)]) == {sha(1): 0.1 + 0.2, sha(2): 0.0}


def pages_of(database: Database) -> int:
    return int(database.connection().execute("PRAGMA page_count").fetchone()[0])


def test_whatever_decides_about_a_value_keeps_it_apart(cache: FeatureCache) -> None:
    cache.put_values(DISTANCES, {sha(1): 0.5})
    for other in (
        Space.lpips("f9", reference_sha256=sha("r"), policy="bilinear", dtype="float32", reading="exif=rotate"),
        Space.lpips("f2", reference_sha256=sha("s"), policy="bilinear", dtype="float32", reading="exif=rotate"),
        Space.lpips("f2", reference_sha256=sha("r"), policy="bicubic", dtype="float32", reading="exif=rotate"),
        Space.lpips("f2", reference_sha256=sha("r"), policy="bilinear", dtype="bfloat16", reading="exif=rotate"),
        Space.lpips("f2", reference_sha256=sha("r"), policy="bilinear", dtype="float32", reading="exif=ignore"),
    ):
        assert cache.values(other, [sha(1)]) == {}


def test_putting_again_replaces(cache: FeatureCache, database: Database) -> None:
    first, second = some_vectors(2), some_vectors(2) + 1
    cache.put_vectors(EMBEDDINGS, [sha(1), sha(2)], first)
    cache.put_vectors(EMBEDDINGS, [sha(1), sha(2)], second)
    assert np.array_equal(cache.vectors(EMBEDDINGS, [sha(1), sha(2)])[1], second)
    with database.reading() as connection:
        assert connection.execute("SELECT count(*) FROM vectors").fetchone() == (2,)


def test_a_space_holds_vectors_of_one_shape(cache: FeatureCache) -> None:
    cache.put_vectors(EMBEDDINGS, [sha(1)], some_vectors(1, dim=8))
    for wrong in (some_vectors(1, dim=9), some_vectors(1, dtype="float16"), some_vectors(1, dtype="float64")):
        with pytest.raises(ValueError, match="float"):
            cache.put_vectors(EMBEDDINGS, [sha(2)], wrong)
    with pytest.raises(ValueError, match="for 2 images"):
        cache.put_vectors(EMBEDDINGS, [sha(2), sha(3)], some_vectors(1))


def test_info_counts_by_kind_and_names_the_model(cache: FeatureCache) -> None:
    cache.name_model("f0", "clip", "openai/clip-vit-base-patch32", "abc")
    cache.put_vectors(EMBEDDINGS, [sha(n) for n in range(5)], some_vectors(5, dim=512))
    cache.put_values(CAPTIONS, {sha(1): "a cabin"})
    embeddings, captions = cache.info()
    assert (embeddings.kind, embeddings.model, embeddings.count) == (
        FeatureKind.EMBEDDING,
        "openai/clip-vit-base-patch32",
        5,
    )
    assert 5 * 2048 <= embeddings.bytes <= 5 * 2560
    assert (captions.kind, captions.model, captions.count) == (FeatureKind.CAPTION, "", 1)


def test_pruning_removes_what_was_not_used_for_longest_and_nothing_else(
    cache: FeatureCache, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Runs(database).begin(request(), items(1)) as writer:
        writer.write(*scored(0))
    Judgements(database).rate(Image(sha(0), "/a.png"), 4, rater="ann")
    for hour, name in enumerate(["old", "middle", "new"]):
        monkeypatch.setattr(cache_module, "_this_hour", lambda hour=hour: 3600 * hour)
        cache.put_vectors(EMBEDDINGS, [sha((name, n)) for n in range(500)], some_vectors(500, dim=512))
    monkeypatch.setattr(cache_module, "_this_hour", lambda: 3600 * 9)
    cache.vectors(EMBEDDINGS, [sha(("old", n)) for n in range(500)])
    pages, total = pages_of(database), cache.info()[0].bytes
    removed = cache.prune(total * 2 // 3)
    assert removed == total - cache.info()[0].bytes == total // 3
    for name, there in (("old", True), ("middle", False), ("new", True)):
        found, _ = cache.vectors(EMBEDDINGS, [sha((name, n)) for n in range(500)])
        assert found.tolist() == [there] * 500
    assert pages_of(database) < pages * 0.75
    assert len(Runs(database).load(writer.id).results.rows[0].raws) == 3
    assert Judgements(database).current(JudgementKind.RATING)[sha(0)]["ann"].value == 4
    cache.prune(0)
    assert cache.info() == []


def test_a_cache_that_can_only_be_read_is_read(cache: FeatureCache, database: Database) -> None:
    cache.put_values(CAPTIONS, {sha(1): "a cabin"})
    with Database.open(database.path, read_only=True) as closed:
        assert FeatureCache(closed).values(CAPTIONS, [sha(1)]) == {sha(1): "a cabin"}


def test_a_hundred_thousand_embeddings_are_read_as_one_array(
    cache: FeatureCache, capsys: pytest.CaptureFixture[str]
) -> None:
    keys, vectors = [sha(n) for n in range(100_000)], some_vectors(100_000, dim=512)
    started = time.perf_counter()
    for start in range(0, len(keys), 10_000):
        cache.put_vectors(EMBEDDINGS, keys[start : start + 10_000], vectors[start : start + 10_000])
    put = time.perf_counter() - started
    started, cpu = time.perf_counter(), time.process_time()
    found, got = cache.vectors(EMBEDDINGS, keys)
    took, cpu = time.perf_counter() - started, time.process_time() - cpu
    with capsys.disabled():
        print(f"\n100,000 x 512 float32: put {put:.2f} s, read {took:.2f} s ({cpu:.2f} s of CPU)")
    assert found.all()
    assert np.array_equal(got, vectors)


# -- files ------------------------------------------------------------------------------------------------------------


def old_file(path: Path, text: str = "x") -> Stat:
    """A file and its Stat, taken when its clock has ticked since it was written."""
    path.write_text(text)
    os.utime(path, ns=(10**18, 10**18))
    stat = Stat.of(str(path))
    assert stat is not None
    return replace(stat, settled=True)


def test_a_file_that_did_not_change_is_not_hashed_again(database: Database, tmp_path: Path) -> None:
    hashes = FileHashes(database)
    odd = old_file(tmp_path / os.fsdecode(b"\xff.png"))
    hashes.remember([(odd, sha("x"))])
    assert hashes.known([odd]) == {odd.path: sha("x")}
    longer = old_file(tmp_path / odd.path, "xx")
    assert hashes.known([longer]) == {}
    assert Stat.of(str(tmp_path / "none")) is None


@pytest.mark.parametrize("changed", ["inode", "size", "mtime_ns", "ctime_ns"])
def test_a_file_is_hashed_again_when_anything_that_identifies_it_differs(
    database: Database, tmp_path: Path, changed: str
) -> None:
    stat = old_file(tmp_path / "x.png")
    FileHashes(database).remember([(stat, sha("x"))])
    other = replace(stat.identity, **{changed: getattr(stat.identity, changed) + 1})
    assert FileHashes(database).known([replace(stat, identity=other)]) == {}


def test_a_file_that_was_replaced_with_its_size_and_time_kept_is_hashed_again(
    database: Database, tmp_path: Path
) -> None:
    stat = old_file(tmp_path / "x.png", "old")
    FileHashes(database).remember([(stat, sha("old"))])
    old_file(tmp_path / "y.png", "new")
    (tmp_path / "y.png").replace(tmp_path / "x.png")
    now = Stat.of(stat.path)
    assert now is not None
    assert (now.size, now.identity.mtime_ns) == (stat.size, stat.identity.mtime_ns)
    assert FileHashes(database).known([now]) == {}


def test_an_inode_beyond_what_sqlite_counts_is_kept(database: Database, tmp_path: Path) -> None:
    stat = Stat("/x.png", FileIdentity((1 << 64) - 2, 1, 1, 1))
    FileHashes(database).remember([(stat, sha("x"))])
    assert FileHashes(database).known([stat]) == {"/x.png": sha("x")}


def test_a_file_that_may_change_again_within_one_tick_of_its_clock_is_not_kept(
    database: Database, tmp_path: Path
) -> None:
    (tmp_path / "x.png").write_text("x")
    stat = Stat.of(str(tmp_path / "x.png"))
    assert stat is not None
    FileHashes(database).remember([(stat, sha("x"))])
    assert FileHashes(database).known([stat]) == {}


def test_a_relative_path_is_another_file_in_another_folder(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashes = FileHashes(database)
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
        old_file(tmp_path / name / "x.bmp")
    monkeypatch.chdir(tmp_path / "here")
    stat = Stat.of("x.bmp")
    assert stat is not None
    stat = replace(stat, settled=True)
    hashes.remember([(stat, sha("here"))])
    assert hashes.known([stat, replace(stat, path="./x.bmp")]) == dict.fromkeys(("x.bmp", "./x.bmp"), sha("here"))
    monkeypatch.chdir(tmp_path / "there")
    assert hashes.known([stat]) == {}  # as long and as old, yet another file


def test_a_renamed_or_copied_file_keeps_its_values_and_a_changed_one_has_none(
    cache: FeatureCache, tmp_path: Path
) -> None:
    def cached(path: Path) -> dict[str, object]:
        return cache.values(CAPTIONS, [sha(path.read_text())])

    original = tmp_path / "a.png"
    original.write_text("pixels")
    cache.put_values(CAPTIONS, {sha("pixels"): "a cabin"})
    copied = shutil.copy(original, tmp_path / "copy.png")
    assert list(cached(copied).values()) == list(cached(original.rename(tmp_path / "b.png")).values()) == ["a cabin"]
    copied.write_text("other pixels")
    assert cached(copied) == {}


def test_a_file_that_was_just_written_is_not_trusted(database: Database, tmp_path: Path) -> None:
    hashes = FileHashes(database)
    (tmp_path / "a.png").write_text("x")
    fresh = Stat.of(str(tmp_path / "a.png"))
    assert fresh is not None
    hashes.remember([(fresh, sha("x"))])
    assert hashes.known([fresh]) == {}


# -- fingerprints -----------------------------------------------------------------------------------------------------


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    (folder / "1_Pooling").mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (folder / "1_Pooling" / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"header" + bytes(5000))
    (folder / "README.md").write_text("a model")
    return folder


def test_a_copied_model_has_the_same_fingerprint_and_so_has_one_whose_readme_changed(model: Path) -> None:
    before = fingerprint(model)
    (model / "README.md").write_text("the model")
    copy = shutil.copytree(model, model.with_name("copy"))
    assert fingerprint(model) == fingerprint(copy) == before


@pytest.mark.parametrize("name", ["config.json", "1_Pooling/config.json", "model.safetensors", "merges.txt"])
def test_a_changed_file_gives_another_fingerprint(model: Path, name: str) -> None:
    before = fingerprint(model)
    (model / name).write_bytes(b"header" + bytes(4999) + b"1")
    assert fingerprint(model) != before


def test_large_weights_are_identified_by_time_and_samples(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aim_tui.store.fingerprints._WHOLE", 1000)
    monkeypatch.setattr("aim_tui.store.fingerprints._SAMPLE", 100)
    weights = model / "model.safetensors"
    before, stat = fingerprint(model), weights.stat()
    weights.write_bytes(b"header" + bytes(4999) + b"1")
    os.utime(weights, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    exchanged = fingerprint(model)
    assert exchanged != before
    os.utime(weights, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))
    assert fingerprint(model) != exchanged


def test_a_commit_stands_for_large_weights(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aim_tui.store.fingerprints._WHOLE", 1000)
    before = fingerprint(model, "a" * 40)
    os.utime(model / "model.safetensors", ns=(1, 1))
    assert fingerprint(model, "a" * 40) == before
    assert fingerprint(model, "b" * 40) != before
    assert fingerprint(model, "local") != fingerprint(model, "a" * 40)


def test_a_single_weights_file_has_a_fingerprint_and_nothing_has_none(model: Path) -> None:
    weights = model / "model.safetensors"
    assert fingerprint(weights) == fingerprint(weights.rename(model / "other.safetensors"))
    for nothing in (model / "none", model / "1_Pooling" / "x"):
        with pytest.raises(StoreError, match="no model"):
            fingerprint(nothing)

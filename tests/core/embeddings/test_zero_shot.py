"""Zero-shot classification, its report, categories, pairing and probes: hand-checked, and held against scikit-learn."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import TYPE_CHECKING

import numpy as np
import pytest

from aim_tui.core.embeddings import zero_shot
from aim_tui.core.embeddings.all_pairs import all_pairs
from aim_tui.core.embeddings.categories import Categories, Category, ScoredImage
from aim_tui.core.embeddings.classification import Classification, percent
from aim_tui.core.embeddings.confusion import agreement
from aim_tui.core.embeddings.file_pairs import pair
from aim_tui.core.embeddings.gallery import ImageEmbeddings
from aim_tui.core.embeddings.linear_probe import Probe, train
from aim_tui.core.scoring.events import ModelInfo
from aim_tui.core.statistics import mean, mean_of_means
from aim_tui.errors import UsageError
from aim_tui.exports.probes import read_probe, write_probe
from aim_tui.inputs.categories import from_template, read_prompts, read_tree
from aim_tui.inputs.labels import MatchedLabels, read_choices, read_label_file, read_templates

if TYPE_CHECKING:
    from pathlib import Path

MODEL = ModelInfo("clip", "test/clip", "r", "float32", "cpu", 1)


def units(n: int, dim: int = 6, seed: int = 0) -> np.ndarray:
    rows = np.random.default_rng(seed).normal(size=(n, dim))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


# -- zero-shot --------------------------------------------------------------------------------------------------------


def test_a_label_is_the_mean_of_its_texts_made_one_long_again() -> None:
    texts = np.array([[1, 0], [0, 1], [0, 1], [0, 1]], dtype=np.float32)
    assert np.allclose(zero_shot.ensemble(texts, 2), [[0.5**0.5, 0.5**0.5], [0, 1]])
    with pytest.raises(UsageError, match="opposite"):
        zero_shot.ensemble(np.array([[1, 0], [-1, 0]], dtype=np.float32), 1)


def test_probabilities_sum_to_one_and_never_overflow() -> None:
    shares = zero_shot.probabilities(np.array([[1.0, -1.0], [0.02, 0.01]], dtype=np.float32), 1e4)
    assert np.isfinite(shares).all() and np.allclose(shares.sum(axis=1), 1)
    # exp(1) / (1 + exp(1)), since the logits differ by 100 * 0.01.
    assert zero_shot.probabilities(np.array([[0.02, 0.01]]), 100)[0, 0] == pytest.approx(0.7310585786, abs=1e-9)


def test_the_80_templates_are_there_each_with_one_place() -> None:
    templates = read_templates("imagenet")
    zero_shot.check_templates(templates)
    assert len(templates) == len(set(templates)) == 80
    assert templates[0] == "a bad photo of a {}." and templates[-1] == "a tattoo of the {}."


@pytest.mark.parametrize(
    ("option", "said"), [("cat", "one label"), ("cat,dog,cat", "twice"), (",", "no label"), ("no.txt", "no such file")]
)
def test_labels_that_decide_nothing_are_refused(option: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        read_choices(option)


def classified(truth: dict[str, str]) -> Classification:
    """Images a, b, c, of which a and b are nearest to 'cat', c to 'dog'."""
    vectors = np.array([[1, 0, 0], [0.8, 0.6, 0], [0, 1, 0]], dtype=np.float32)
    labels = np.eye(3, dtype=np.float32)
    gallery = ImageEmbeddings(["a", "b", "c"], ["1", "2", "3"], vectors, MODEL, "f")
    return Classification.of(
        gallery, ("cat", "dog", "emu"), ("{}",), labels, zero_shot.Logits(10.0), MatchedLabels(truth, ("gone.png",))
    )


def test_only_images_with_a_known_true_label_are_counted_and_the_others_are_named() -> None:
    found = classified({"a": "cat", "b": "dog"})
    assert found.predicted == ["cat", "cat", "dog"]
    assert found.agreement is not None and (found.agreement.n, found.agreement.right) == (2, 1)
    assert found.unlabelled == ["c"] and found.unknown == {} and found.truth_left_out
    found = classified({"a": "cat", "b": "gnu", "c": "dog"})
    assert found.unknown == {"b": "gnu"} and found.agreement is not None and found.agreement.accuracy == 1.0
    assert classified({"a": "gnu"}).agreement is None


def test_the_report_is_that_of_scikit_learn_and_undefined_is_not_a_number() -> None:
    from sklearn.metrics import classification_report, confusion_matrix

    true = ["cat"] * 4 + ["dog"] * 3 + ["emu"] * 2
    given = ["cat", "cat", "dog", "dog", "dog", "dog", "cat", "cat", "dog"]
    found = agreement(true, given, ["emu", "dog", "cat", "never"])
    report = classification_report(true, given, output_dict=True, zero_division=0)
    assert found.labels == ("emu", "dog", "cat") and found.accuracy == report["accuracy"]
    for name, average in (("macro avg", found.macro), ("weighted avg", found.weighted)):
        wanted = report[name]
        assert (average.precision, average.recall, average.f1) == pytest.approx(
            (wanted["precision"], wanted["recall"], wanted["f1-score"])
        )
    assert np.array_equal(found.matrix, confusion_matrix(true, given, labels=["emu", "dog", "cat"]))
    # By hand: cat is true 4 times, given 4 times, right twice; emu is never given.
    assert (found.by_label[2].precision, found.by_label[2].recall) == (0.5, 0.5)
    assert found.by_label[0].precision is None and found.by_label[0].recall == 0.0 and found.undefined == ("emu",)
    json.dumps(found.record(), allow_nan=False)


def test_a_probability_is_never_rounded_to_certainty() -> None:
    assert [percent(share) for share in (1.0, 0.99999, 0.5, 0.00001, 0.0)] == ["100%", ">99.9%", "50.0%", "<0.1%", "0%"]


def test_labels_find_their_images_by_path_then_by_name_and_contradictions_are_refused(tmp_path: Path) -> None:
    for name in ("train/a.png", "test/a.png", "b.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    images = [str(tmp_path / name) for name in ("train/a.png", "test/a.png", "b.png")]
    file = tmp_path / "labels.csv"
    file.write_text("Image,LABEL\ntrain/a.png,cat\ntest/a.png,dog\nelsewhere/b.png,emu\nc.png,emu\n")
    found = read_label_file(file).match(images)
    assert found.labels == dict(zip(images, ("cat", "dog", "emu"), strict=True)) and found.unmatched == ("c.png",)
    file.write_text("image,label\na.png,cat\na.png,dog\n")
    with pytest.raises(UsageError, match="line 3.*'dog' here but 'cat' above"):
        read_label_file(file)
    file.write_text("image,label\na.png,\n")
    with pytest.raises(UsageError, match="line 2: has no label"):
        read_label_file(file)


# -- probes -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("classes", [("bad", "good"), ("a", "b", "c")])
def test_a_saved_probe_gives_the_probabilities_of_scikit_learn(classes: tuple[str, ...], tmp_path: Path) -> None:
    from sklearn.linear_model import LogisticRegression

    vectors = units(60)
    labels = [classes[int(place)] for place in np.argmax(vectors[:, : len(classes)], axis=1)]
    made = train(vectors, labels, strength=10.0)
    wanted = LogisticRegression(C=10.0, max_iter=2000).fit(vectors.astype(np.float64), labels)
    write_probe(tmp_path / "p.safetensors", made.probe, {"fingerprint": "f"})
    read = read_probe(tmp_path / "p.safetensors")
    fresh = units(20, seed=1)
    assert read.probe.classes == tuple(wanted.classes_) and read.fingerprint == "f"
    assert np.abs(read.probe.probabilities(fresh) - wanted.predict_proba(fresh.astype(np.float64))).max() < 1e-6
    # A notion that is in the embeddings is found, on images that were not trained on.
    assert np.mean(made.validation.accuracies) > 0.8 > made.validation.majority
    assert len(made.validation.aucs) == 5 and all(0.8 < auc <= 1 for auc in made.validation.aucs)


def test_noise_is_not_told_to_be_a_notion() -> None:
    labels = list(np.random.default_rng(5).permutation(["x", "y"] * 60))
    found = train(units(120, 16), labels).validation
    assert 0.3 < np.mean(found.accuracies) < 0.7 and 0.3 < np.mean(found.aucs) < 0.7


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (["a"] * 20, "at least two classes"),
        (["a"] * 17 + ["b"] * 3, "3 distinct images are 'b'; 5-fold cross-validation needs at least 5.*--folds 3"),
        (["a"] * 19 + ["b"], "1 distinct image is 'b'"),
        ([str(number) for number in range(20)], "numbers are read as classes"),
    ],
)
def test_too_few_of_a_class_is_refused_with_a_clear_message(labels: list[str], said: str) -> None:
    with pytest.raises(UsageError) as refused:
        train(units(20), labels)
    assert re.search(said, str(refused.value))


def test_a_file_that_is_not_a_probe_is_refused(tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    path = tmp_path / "x.safetensors"
    for content in (b"", b"\x80\x04pickle", b"\xff" * 64):
        path.write_bytes(content)
        with pytest.raises(UsageError, match="not a valid probe"):
            read_probe(path)
    save_file({"weights": np.zeros((1, 2))}, path)
    with pytest.raises(UsageError, match="not a probe of aim-tui"):
        read_probe(path)
    write_probe(path, Probe(("a", "b"), np.ones((1, 2)), np.zeros(1)), {})
    path.write_bytes(path.read_bytes().replace(b'[\\"a\\", \\"b\\"]', b'[\\"a\\", \\"a\\"]'))
    with pytest.raises(UsageError, match="each once"):
        read_probe(path)


# -- categories -------------------------------------------------------------------------------------------------------


def category(name: str, *scores: float) -> Category:
    return Category(name, name, tuple(ScoredImage(f"{name}/{number}", score) for number, score in enumerate(scores)))


def test_macro_counts_categories_alike_and_micro_images() -> None:
    found = Categories((category("a", 1.0, 1.0, 1.0), category("b", 0.0), category("none")))
    assert found.micro is not None and found.macro is not None
    assert (found.micro.mean, found.micro.n) == (0.75, 4)
    assert (found.macro.mean, found.macro.n, found.without) == (0.5, 2, ["none"])
    # One image of b says nothing about how its mean varies.
    assert found.macro.low is None and found.micro.low is not None
    assert [one.name for one in found.sorted("mean")] == ["a", "b", "none"]
    assert [one.name for one in found.sorted("count")] == ["a", "b", "none"]


def test_the_interval_of_a_macro_mean_is_that_of_theory() -> None:
    """The mean of two independent group means: its variance is a quarter of the sum of theirs."""
    rng = np.random.default_rng(1)
    groups = [rng.normal(0, 1, 400), rng.normal(5, 2, 100)]
    found = mean_of_means(groups)
    assert found.low is not None and found.high is not None
    half = 1.96 * 0.5 * np.sqrt(sum(group.var() / len(group) for group in groups))
    assert found.high - found.low == pytest.approx(2 * half, rel=0.05)
    assert mean(groups[0]).std == pytest.approx(float(np.std(groups[0], ddof=1)))


def test_prompts_are_never_put_beside_the_wrong_folder(tmp_path: Path) -> None:
    names = ["c1", "c2", "c10"]
    lines, mapping = tmp_path / "p.txt", tmp_path / "p.json"
    lines.write_text("one\ntwo\nten\n")
    with pytest.raises(UsageError, match="--order natural or --order plain"):
        read_prompts(lines, names)
    assert read_prompts(lines, names, "natural")[0] == {"c1": "one", "c2": "two", "c10": "ten"}
    assert read_prompts(lines, names, "plain")[0] == {"c1": "one", "c10": "two", "c2": "ten"}
    with pytest.raises(UsageError, match="3 lines for 2 categories"):
        read_prompts(lines, ["a", "b"])
    mapping.write_text('{"a": "x", "b": "y", "stranger": "z"}')
    assert read_prompts(mapping, ["a", "b"]) == ({"a": "x", "b": "y"}, ["stranger"])
    with pytest.raises(UsageError, match="no prompt for 1 of 2 categories: c"):
        read_prompts(mapping, ["a", "c"])
    table = tmp_path / "p.csv"
    table.write_text("category,prompt\na,x\nb,y\n")
    assert read_prompts(table, ["b", "a"])[0] == {"b": "y", "a": "x"}
    table.write_text("category,prompt\na,x\na,y\n")
    with pytest.raises(UsageError, match="already has a different prompt"):
        read_prompts(table, ["a"])
    mapping.write_text('{"a": "x", "a": "y"}')
    with pytest.raises(UsageError, match="more than once"):
        read_prompts(mapping, ["a"])
    assert from_template("a {category}", ["two_cabins"]) == {"two_cabins": "a two cabins"}
    with pytest.raises(UsageError, match="no sub-folders"):
        read_tree(str(tmp_path))


# -- image against image ----------------------------------------------------------------------------------------------


def test_an_image_without_a_single_match_is_reported_with_the_reason() -> None:
    found = pair(["a/1.png", "a/2.png", "a/3.png", "a/3.jpg"], ["b/1.png", "b/2.jpg", "b/3.webp"], ("a", "b"), "stem")
    assert found.pairs == (("a/1.png", "b/1.png"), ("a/2.png", "b/2.jpg"))
    assert dict(found.unpaired) == {
        "a/3.png": "is one of 2 named 3",
        "a/3.jpg": "is one of 2 named 3",
        "b/3.webp": "has 2 matches named 3",
    }
    found = pair(["a/1.png", "a/2.png"], ["b/1.png", "b/2.jpg"], ("a", "b"))
    assert found.pairs == (("a/1.png", "b/1.png"),) and [path for path, _ in found.unpaired] == ["a/2.png", "b/2.jpg"]


def test_all_pairs_are_those_of_the_whole_matrix_without_a_file_against_itself() -> None:
    left, right = units(2100, seed=2), units(30, seed=3)
    cosines = (left.astype(np.float64) @ right.T).ravel()
    found = all_pairs(left, right)
    assert found is not None and found.n == 63_000
    assert (found.mean, found.std) == pytest.approx((cosines.mean(), cosines.std(ddof=1)), abs=1e-6)
    names = [str(number) for number in range(30)]
    found = all_pairs(right, right, names, names)
    off = (right.astype(np.float64) @ right.T)[~np.eye(30, dtype=bool)]
    assert found is not None and found.n == 870 and found.mean == pytest.approx(off.mean(), abs=1e-6)
    assert all_pairs(right[:1], right[:1], ["x"], ["x"]) is None and all_pairs(left[:0], right) is None


def test_partners_are_found_however_the_letters_of_their_names_are_composed() -> None:
    left, right = (unicodedata.normalize(form, "café_한국어.png") for form in ("NFC", "NFD"))
    assert pair([f"a/{left}"], [f"b/{right}"], ("a", "b")).pairs == ((f"a/{left}", f"b/{right}"),)

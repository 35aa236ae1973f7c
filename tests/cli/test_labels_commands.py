"""Classify, probe, categories and compare with the sample models: the numbers of transformers, nothing unreported."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from aim_tui.inputs.demo_data import load_demo_data
from aim_tui.inputs.listing import list_folder
from aim_tui.settings import paths

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Outcome

    Cli = Callable[..., Outcome]

SAMPLE = load_demo_data()
IMAGES = {Path(path).name: path for path in list_folder(SAMPLE.generations).images}
CABINS = ("cabin_001.png", "cabin_002.png", "cabin_003.jpg", "cabin_005.png", "village_01.webp")
GREEN = ("green_hills_01.webp", "green_village_01.jpg", "meadow_01.webp", "two_green_01.jpg", "prairie_01.jpg")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two categories of five sample images, an empty one, a file that is no image, and one beside the folders."""
    made = tmp_path / "root"
    for folder, names in (("cabins", CABINS), ("green", GREEN), ("zebras", ())):
        (made / folder).mkdir(parents=True)
        for name in names:
            shutil.copy(IMAGES[name], made / folder)
    (made / "green" / "broken.png").write_bytes(b"no image at all")
    shutil.copy(IMAGES["pattern_01.png"], made)
    return made


def records(run: Outcome) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(run.out)))


def test_classify_has_the_probabilities_of_transformers_and_the_report_of_scikit_learn(
    cli: Cli, root: Path, tmp_path: Path
) -> None:
    import torch
    from sklearn.metrics import classification_report
    from transformers import CLIPModel, CLIPTokenizerFast
    from transformers.models.auto.image_processing_auto import AutoImageProcessor

    labels = ["wooden cabin", "green meadow", "lake at night"]
    folder = paths.sample_data() / "models" / "clip"
    model = CLIPModel.from_pretrained(folder, dtype=torch.float32).eval()
    processor, tokenizer = AutoImageProcessor.from_pretrained(folder), CLIPTokenizerFast.from_pretrained(folder)
    names = [*CABINS, *GREEN]
    pictures = [Image.open(IMAGES[name]).convert("RGB") for name in names]
    texts = tokenizer([f"a photo of a {label}." for label in labels], padding=True, return_tensors="pt")
    with torch.inference_mode():
        pixels = torch.cat([processor(picture, return_tensors="pt")["pixel_values"] for picture in pictures])
        wanted = model(pixel_values=pixels, **texts).logits_per_image.softmax(dim=1).numpy()

    asked = ("classify", str(root / "cabins"), str(root / "green"), "-l", ",".join(labels), "-P", "sample")
    run = cli(*asked, "-f", "json")
    assert run.code == 1 and "broken.png" in run.err and "10 images, 3 labels; 1 left out" in run.err
    found = json.loads(run.out)
    by_name = {
        Path(row["path"]).name: {one["label"]: one["probability"] for one in row["top"]} for row in found["results"]
    }
    got = np.array([[by_name[name][label] for label in labels] for name in names])
    assert np.abs(got - wanted).max() < 1e-5
    assert found["logit_scale"] == pytest.approx(float(model.logit_scale.detach().exp()), rel=1e-6)

    # The same again from what is kept, the report with it; what is not counted is named.
    truth = tmp_path / "truth.csv"
    given = {name: labels[int(row.argmax())] for name, row in zip(names, wanted, strict=True)}
    told = dict.fromkeys(CABINS, "wooden cabin") | dict.fromkeys(GREEN[:-2], "green meadow") | {GREEN[-2]: "unicorn"}
    lines = [*told.items(), ("nowhere.png", "green meadow")]
    truth.write_text("image,label\n" + "".join(f"{name},{label}\n" for name, label in lines))
    run = cli(*asked, "--truth", str(truth), "-f", "json")
    again = json.loads(run.out)
    assert [row["top"] for row in again["results"]] == [row["top"] for row in found["results"]]
    counted = [name for name in told if told[name] in labels]
    plain = classification_report(
        [told[name] for name in counted], [given[name] for name in counted], output_dict=True, zero_division=0
    )
    report = again["truth"]["report"]
    assert report["n"] == len(counted) == 8 and report["accuracy"] == pytest.approx(plain["accuracy"])
    assert report["macro"]["f1"] == pytest.approx(plain["macro avg"]["f1-score"])
    for said in ("'unicorn' is not in --labels", "prairie_01.jpg: no true label", "nowhere.png: in --truth"):
        assert said in run.err
    assert "accuracy" in cli(*asked, "--truth", str(truth), "--templates", "imagenet").out
    assert records(cli(*asked, "-f", "csv", "-k", "1"))[0].keys() >= {"path", "label", "probability"}


def test_a_probe_is_applied_to_the_model_that_it_was_trained_on_and_to_no_other(
    cli: Cli, root: Path, tmp_path: Path
) -> None:
    labels, probe = tmp_path / "labels.csv", tmp_path / "probe.safetensors"
    rows = [(f"root/cabins/{name}", "snow") for name in CABINS] + [(f"root/green/{name}", "grass") for name in GREEN]
    labels.write_text("image,label\n" + "".join(f"{name},{label}\n" for name, label in rows))
    trained = cli("probe", "train", "--labels", str(labels), "-o", str(probe), "-P", "sample", "--json")
    said = json.loads(trained.out)
    assert trained.code == 0 and said["classes"] == {"grass": 5, "snow": 5}
    assert len(said["cross_validation"]["accuracies"]) == 5 and said["cross_validation"]["majority_accuracy"] == 0.5
    assert "exists already" in cli("probe", "train", "--labels", str(labels), "-o", str(probe), "-P", "sample").err

    run = cli("probe", "apply", str(probe), str(root / "green"), "-P", "sample", "-f", "json")
    found = json.loads(run.out)
    assert run.code == 1 and "broken.png" in run.err and found["probe"]["fingerprint"] == found["fingerprint"]
    assert {row["label"] for row in found["results"]} == {"grass"}
    assert all(sum(row["probabilities"].values()) == pytest.approx(1) for row in found["results"])

    other = tmp_path / "models" / "clip"
    shutil.copytree(paths.sample_data() / "models" / "clip", other)
    with (other / "config.json").open("a") as config:
        config.write("\n")
    settings = tmp_path / "settings.toml"
    settings.write_text(
        f'[profiles.mine]\nextends = "sample"\n[profiles.mine.models.clip]\nid = "my/clip"\npath = "{other}"\n'
    )
    refused = cli("probe", "apply", str(probe), str(root / "green"), "-P", "mine", "--config", str(settings))
    assert refused.code == 2 and "was trained on embeddings of sample/clip" in refused.err and "'mine'" in refused.err


def test_images_of_the_same_pixels_stay_in_one_part_of_the_cross_validation(
    cli: Cli, root: Path, tmp_path: Path
) -> None:
    labels, rows = tmp_path / "labels.csv", []
    for folder, names, label in (("cabins", CABINS, "snow"), ("green", GREEN, "grass")):
        for name in names:
            rows.append((f"root/{folder}/{name}", label))
            copied = f"root/{folder}/{Path(name).stem}_copy.bmp"
            with Image.open(tmp_path / "root" / folder / name) as image:
                image.convert("RGB").save(tmp_path / copied)
            rows.append((copied, label))
    labels.write_text("image,label\n" + "".join(f"{name},{label}\n" for name, label in rows))
    train = ("probe", "train", "--labels", str(labels), "-P", "sample", "--json", "-o")
    run = cli(*train, str(tmp_path / "a.safetensors"))
    assert "10 images are copies of others (the same pixels)" in run.err
    assert json.loads(run.out)["cross_validation"]["folds"] == 5
    # Ten images a class, but five pictures: a sixth part would be without one.
    run = cli(*train, str(tmp_path / "b.safetensors"), "--folds", "6")
    assert run.code == 2 and "5 distinct images are" in run.err
    labels.write_text(labels.read_text().replace(f"root/cabins/{Path(CABINS[0]).stem}_copy.bmp,snow",
                                                 f"root/cabins/{Path(CABINS[0]).stem}_copy.bmp,grass"))  # fmt: skip
    run = cli(*train, str(tmp_path / "c.safetensors"))
    assert run.code == 2 and "are the same picture, labelled" in run.err


def test_categories_are_scored_as_the_clip_metric_scores_and_every_image_is_accounted_for(
    cli: Cli, root: Path, tmp_path: Path
) -> None:
    prompts = tmp_path / "prompts.txt"
    prompts.write_text("a wooden cabin in the snow\na green meadow\na zebra\n")
    run = cli("categories", str(root), "--prompts", str(prompts), "-P", "sample", "-f", "json")
    found = json.loads(run.out)
    assert run.code == 1 and "10 images of 3 categories; 3 left out" in run.err
    for said in ("pattern_01.png: is in no category's folder", "zebras: no images", "broken.png"):
        assert said in run.err
    rows = {row["category"]: row for row in found["categories"]}
    assert [rows[name]["n"] for name in ("cabins", "green", "zebras")] == [5, 5, 0]
    assert rows["green"]["failed"] == 1 and rows["zebras"]["mean"] is None and found["categories"][-1] == rows["zebras"]
    scored = cli(
        "score",
        str(root / "cabins"),
        "-p",
        "a wooden cabin in the snow",
        "--metrics",
        "clip",
        "-P",
        "sample",
        "-f",
        "csv",
    )
    wanted = {row["path"]: float(row["clip_score"]) for row in records(scored)}
    got = {row["path"]: row["clip_score"] for row in found["images"] if row["category"] == "cabins"}
    assert got == pytest.approx(wanted, abs=1e-6) and len(got) == 5
    assert rows["cabins"]["mean"] == pytest.approx(np.mean(list(wanted.values())), abs=1e-6)
    assert found["macro"]["mean"] == pytest.approx((rows["cabins"]["mean"] + rows["green"]["mean"]) / 2)
    assert found["macro"]["without_a_score"] == ["zebras"]
    assert len(records(cli("categories", str(root), "--prompts", str(prompts), "-P", "sample", "-f", "csv"))) == 3
    table = cli("categories", str(root), "--prompt-template", "a {category}", "-P", "sample")
    assert "micro: mean of images" in table.out and "a zebras" in table.out
    neither = cli("categories", str(root), "-P", "sample")
    assert neither.code == 2 and "--prompt-template" in neither.err


def test_compare_measures_pairs_with_the_numbers_of_the_metrics(cli: Cli, root: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(root / "cabins", other / "cabins")
    (other / "cabins" / CABINS[0]).unlink()
    with Image.open(IMAGES[CABINS[1]]) as image:
        image.convert("L").convert("RGB").save(other / "cabins" / CABINS[1])
    paired = cli("compare", str(other / "cabins"), str(root / "cabins"), "-P", "sample", "-f", "json")
    found = json.loads(paired.out)
    assert paired.code == 1 and f"{CABINS[0]}: has no match" in paired.err and found["pairs"] == 4
    rows = {Path(row["path"]).name: row for row in found["results"]}
    assert rows[CABINS[2]]["lpips"] == 0.0 and rows[CABINS[2]]["clip_cosine"] == pytest.approx(1, abs=1e-6)
    assert found["mean_lpips"]["mean"] == pytest.approx(rows[CABINS[1]]["lpips"] / 4) and rows[CABINS[1]]["lpips"] > 0

    against = cli("compare", str(root / "green"), IMAGES[CABINS[0]], "-P", "sample", "-f", "csv")
    assert against.code == 1 and "1 not compared" in against.err
    scored = cli(
        "score", str(root / "green"), "-R", IMAGES[CABINS[0]], "--metrics", "lpips", "-P", "sample", "-f", "csv"
    )
    wanted = {row["path"]: row["lpips_score"] for row in records(scored)}
    for row in records(against):
        if Path(row["path"]).name == "broken.png":
            assert row["clip_cosine"] == row["lpips"] == "" and "no" in row["reason"]
        else:
            assert float(row["lpips"]) == pytest.approx(float(wanted[row["path"]]), abs=1e-6)

    everything = cli("compare", str(other), str(root), "--all-pairs", "-P", "sample", "-f", "json")
    found = json.loads(everything.out)
    assert [(row["category"], row["clip_cosine_pairs"]) for row in found["categories"]] == [("cabins", 20)]
    assert "green: has no match" in everything.err and "pattern_01.png: is in no category's folder" in everything.err
    assert cli("compare", str(root / "nothing"), str(other), "-P", "sample").code == 2

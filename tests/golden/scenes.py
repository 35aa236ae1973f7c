"""The table of cases: what is put into a folder, and the commands that are given there, each with one output.

In a command `{out}` is the file that it writes (else its stdout is the output), `{ask}` stands for the scene's common
options and `{runs[0]}` is the id of the oldest stored run. Commands of a scene share a store, so that what models
computed once is found again. Images are computed one by one (`-b 1`): beside which others an image is computed shows
in the last digits, and is no output.
"""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

SAMPLE = Path(__file__).parents[2] / "sample_data"
IMAGES = ("cabin_004.webp", "cabin_007.webp", "empty_plain_01.jpg", "green_hills_01.webp", "meadow_01.webp")
TOPIC = "A wooden cabin with a smoking chimney among snow-covered trees"
PROMPT = "Only one wooden cabin with one chimney, in a snowy forest"
PROMPTS = ("a wooden cabin, with a chimney", 'a "snowy" mountain <b>', "an empty plain", "green hills", "a meadow")
# What CSV quotes, Markdown and HTML escape, and ASCII lacks.
ODD = 'one | of, "two" <é>.webp'


@dataclass(frozen=True, slots=True)
class Step:
    """A command and the name of its output; an empty name is output that is not compared."""

    output: str
    command: str
    code: int = 0


@dataclass(frozen=True, slots=True)
class Scene:
    """Commands in one folder with one store."""

    prepare: Callable[[Path], None]
    ask: str
    steps: tuple[Step, ...]


def _images(root: Path, *, broken: bool = True) -> None:
    """Five sample images, a copy of one under an odd name, and a file that is no image."""
    folder = root / "images"
    folder.mkdir()
    for name in IMAGES:
        shutil.copyfile(SAMPLE / "generations" / name, folder / name)
    shutil.copyfile(SAMPLE / "generations" / "pattern_02.webp", folder / ODD)
    if broken:
        (folder / "broken.png").write_bytes(b"no image at all")


def _prompted(root: Path) -> None:
    """The images without the broken one; two with a prompt beside them, and as many prompts in a file."""
    _images(root, broken=False)
    (root / "images" / "cabin_004.txt").write_text("a wooden cabin in the snow\n")
    (root / "images" / "meadow_01.json").write_text(json.dumps({"prompt": "a meadow, by day"}))
    (root / "prompts.txt").write_text("\n".join((*PROMPTS, "a pattern")) + "\n")


def _rows() -> list[dict[str, str]]:
    """A row an image: with prompt, topic, reference and a column of the user's own; one lacks a file, one a prompt."""
    rows = [
        {"id": f"row{number}", "image_path": f"images/{name}", "prompt": prompt, "topic": TOPIC,
         "reference": "images/cabin_007.webp", "note": 'as "it", is'}
        for number, (name, prompt) in enumerate(zip(IMAGES, PROMPTS, strict=True))
    ]  # fmt: skip
    rows.append(rows[0] | {"id": "gone", "image_path": "images/gone.png"})
    rows.append(rows[1] | {"id": "silent", "prompt": ""})
    return rows


def _table(path: Path, rows: Iterable[dict[str, Any]], delimiter: str = ",") -> None:
    rows = list(rows)
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)


def _manifests(root: Path) -> None:
    """The same rows in every form that a manifest has."""
    import pyarrow
    from pyarrow import parquet

    _images(root)
    rows = _rows()
    (root / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (root / "rows.json").write_text(json.dumps(rows, indent=1))
    _table(root / "rows.csv", rows)
    _table(root / "rows.tsv", rows, "\t")
    parquet.write_table(pyarrow.Table.from_pylist(rows), root / "rows.parquet")


def _edits(root: Path) -> None:
    """Four edits with a right and a wrong instruction each, one whose target is gone; the same edits without truth."""
    found = json.loads((SAMPLE / "edits" / "adversarial_dataset.json").read_text())
    samples = found["samples"][:8]
    samples.append(samples[0] | {"id": "gone", "target_image": "images/gone.jpg", "instruction": 'as "it", is'})
    (root / "images").mkdir()
    for name in {sample[key] for sample in samples[:8] for key in ("source_image", "target_image")}:
        shutil.copyfile(SAMPLE / "edits" / name, root / name)
    (root / "pairs.json").write_text(json.dumps(found | {"samples": samples}))
    (root / "whole.json").write_text(json.dumps(found | {"samples": samples[:8]}))
    (root / "edits.json").write_text(json.dumps(json.loads((SAMPLE / "edits" / "data.json").read_text())[:4]))


def _judged(root: Path) -> None:
    """Twenty-four scored things with two metrics, three raters' ratings, groups, and a few that lack something."""
    scores: list[dict[str, Any]] = []
    words: list[dict[str, Any]] = []
    for number in range(24):
        name, quality = f"s{number:02}", (number * 7) % 24
        scores.append(
            {"id": name, "clip_score": 0.2 + quality / 100 + (number % 3) / 50, "lpips_score": 0.9 - quality / 40,
             "scene": ("wood", "sea")[number % 2]}
        )  # fmt: skip
        for rater in range(3):
            if (number + rater) % 7:
                words.append({"id": name, "rater": "abc"[rater], "rating": 1 + (quality + 5 * rater + number % 4) // 8})
    words.append({"id": "stranger", "rater": "a", "rating": 3})
    _table(root / "scores.csv", scores)
    _table(root / "ratings.csv", words)


def _scored_and_judged(root: Path) -> None:
    """Images, and a rating of each but one by its path."""
    _images(root, broken=False)
    rated = [{"path": f"images/{name}", "rating": (number * 3) % 5 + 1} for number, name in enumerate(IMAGES)]
    _table(root / "people.csv", rated)


def _gallery(root: Path) -> None:
    """Images with a copy among them, and what the commands about embeddings are given."""
    _images(root)
    shutil.copyfile(root / "images" / IMAGES[0], root / "images" / "copy.webp")
    (root / "texts.txt").write_text('a wooden cabin\ngreen hills, with a "lake"\nan empty plain\n', encoding="utf-8")
    truth = {"cabin_004.webp": "cabin", "cabin_007.webp": "cabin", "green_hills_01.webp": "hills",
             "meadow_01.webp": "hills"}  # fmt: skip
    _table(root / "truth.csv", [{"image": f"images/{name}", "label": label} for name, label in truth.items()])
    for folder, name in (("cabins", "cabin_004.webp"), ("cabins", "cabin_007.webp"), ("cabins", "meadow_01.webp"),
                         ("green", "green_hills_01.webp"), ("green", "meadow_01.webp")):  # fmt: skip
        (root / "tree" / folder).mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / "images" / name, root / "tree" / folder / name)
    (root / "tree" / "zebras").mkdir()


def _forms(output: str, command: str, forms: str, code: int = 0) -> tuple[Step, ...]:
    """The same command for stdout as a table, and for a file or stdout in each other form."""
    return tuple(Step(f"{output}.{form}", command.replace("{form}", form), code) for form in forms.split())


_TRUTH = "correlate {runs[0]} -m edit_score,editclip_score -a is_correct --bootstrap 200"
_EXPORTS = "csv json jsonl parquet markdown html"

SCENES: dict[str, Scene] = {
    "images": Scene(
        _images,
        f"-P sample --device cpu -b 1 -t {TOPIC!r} -p {PROMPT!r} -R images/cabin_007.webp",
        (
            Step("score.table", "score images {ask}", 1),
            Step("with-quality.table", "score images {ask} --metrics clip,blip2,lpips,clip_i,clip_iqa", 1),
            Step("with-quality.csv", "score images {ask} --metrics clip,blip2,lpips,clip_i,clip_iqa --fresh -f csv", 1),
            Step(
                "clip-alone.json",
                "score images -P sample --device cpu -b 1 -p 'a meadow' --weights clip=1 -f json -o {out}",
                1,
            ),
            Step("score.json", "score images {ask} --no-store -f json", 1),
            *_forms("score", "score images {ask} --fresh -f {form}", "jsonl csv", 1),
            *_forms("run", "runs export {runs[0]} -f {form} -o {out}", _EXPORTS),
            *_forms("run-with-quality", "runs export {runs[1]} -f {form} -o {out}", "csv json markdown html parquet"),
            Step("show.txt", "runs show {runs[0]}"),
            Step("show-top-2.txt", "runs show {runs[0]} --top 2"),
            Step("show.json", "runs show {runs[0]} --json"),
            Step("report.html", "report {runs[0]} -o {out} --thumbnails 2"),
            Step("list.txt", "runs list"),
            Step("list.json", "runs list --json"),
            Step("compare.txt", "runs compare {runs[0]} {runs[3]}"),
            Step("compare.json", "runs compare {runs[0]} {runs[3]} --json"),
        ),
    ),
    "own-prompts": Scene(
        _prompted,
        "-P sample --device cpu -b 1",
        (
            Step("pairs.table", "score images {ask} --prompts prompts.txt --pair"),
            Step("each-with-each.table", "score images {ask} -p 'a cabin' -p 'a meadow'"),
            Step("sidecar.table", "score images {ask} --prompt-from sidecar", 1),
            *_forms("pairs", "score images {ask} --prompts prompts.txt --pair --no-store -f {form}", "json jsonl csv"),
            Step("each-with-each.csv", "score images {ask} -p 'a cabin' -p 'a meadow' --no-store -f csv"),
            Step("sidecar.csv", "score images {ask} --prompt-from sidecar --no-store -f csv", 1),
            *_forms("run", "runs export {runs[0]} -f {form} -o {out}", _EXPORTS),
            *_forms("run-each-with-each", "runs export {runs[1]} -f {form} -o {out}", "csv markdown"),
            *_forms("run-sidecar", "runs export {runs[2]} -f {form} -o {out}", "csv json html"),
            Step("show.txt", "runs show {runs[0]}"),
            Step("list.txt", "runs list"),
            Step("compare.json", "runs compare {runs[0]} {runs[2]} --json"),
        ),
    ),
    "manifests": Scene(
        _manifests,
        "-P sample --device cpu -b 1",
        (
            *_forms("rows", "score --manifest rows.{form} {ask} -o {out}", "jsonl json csv tsv parquet", 1),
            Step("prefixed.csv", "score --manifest rows.csv {ask} --column-prefix my_ --metrics clip", 1),
            *_forms(
                "clip-score", "clip-score rows.{form} {ask} --text-key prompt -o {out}", "jsonl json csv tsv parquet", 1
            ),
            *(
                Step(f"scale-{scale}.csv", f"clip-score rows.csv {{ask}} --text-key prompt --scale {scale}", 1)
                for scale in ("unit", "hundred", "hessel")
            ),
            Step("zero.csv", "clip-score rows.csv {ask} --text-key prompt --on-error zero", 1),
        ),
    ),
    "edits": Scene(
        _edits,
        "-P sample --device cpu -b 1",
        (
            Step("edits.table", "edit pairs.json {ask} --metrics all", 1),
            Step("default-metrics.table", "edit edits.json {ask}"),
            Step("edits.json", "edit pairs.json {ask} --metrics all --no-store -f json", 1),
            *_forms("edits", "edit pairs.json {ask} --metrics all --fresh -f {form}", "csv jsonl editclip", 1),
            Step("pre-resize.csv", "edit edits.json {ask} --pre-resize 64 --no-store -f csv"),
            Step("whole.editclip", "edit whole.json {ask} --fresh -f editclip -o {out}"),
            *_forms("run", "runs export {runs[0]} -f {form} -o {out}", "csv json jsonl"),
            Step("run-without-truth.csv", "runs export {runs[1]} -f csv"),
            Step("show.txt", "runs show {runs[0]}"),
            Step("show-top-2.txt", "runs show {runs[0]} --top 2"),
            Step("show.json", "runs show {runs[0]} --json"),
            Step("list.txt", "runs list"),
            Step("list.json", "runs list --json"),
            Step("inspect.txt", "inspect pairs.json", 1),
            Step("inspect.json", "inspect pairs.json --json", 1),
            Step("inspect-images.json", "inspect images --json"),
            *(
                Step(f"truth.{form}", f"{_TRUTH} -f {form}")
                for form in ("table", "json", "md")
            ),
        ),
    ),
    "agreement": Scene(
        _judged,
        "--scores scores.csv -j ratings.csv --id id --rater rater --scale 1-5 --lower-is-better lpips_score "
        "--bootstrap 200",
        (
            *_forms("ratings", "correlate {ask} --metric clip_score,lpips_score --against rating -f {form}",
                    "table json md"),
            *_forms("groups", "correlate {ask} --metric clip_score --against rating --group-by scene -f {form}",
                    "table json md"),
            Step("minmax.json", "correlate {ask} -m clip_score -a rating --normalize minmax --seed 3 -o {out}"),
            Step("preview.txt", "correlate {ask} -m clip_score -a rating --preview"),
        ),
    ),  # fmt: skip
    "agreement-of-a-run": Scene(
        _scored_and_judged,
        f"-P sample --device cpu -b 1 -t {TOPIC!r} -p {PROMPT!r} --metrics clip,blip2",
        (
            Step("", "score images {ask} -f csv"),
            *_forms("ratings", "correlate last -j people.csv --scale 1-5 --bootstrap 200 -f {form}", "table json md"),
        ),
    ),
    "embeddings": Scene(
        _gallery,
        "-P sample --device cpu -b 1",
        (
            *_forms("matrix", "matrix images -T texts.txt {ask} -f {form}", "table json jsonl csv", 1),
            Step("matrix.npz", "matrix images -T texts.txt {ask} -o {out}", 1),
            *_forms("search", "search 'a wooden cabin' images {ask} -f {form}", "table json jsonl csv", 1),
            *_forms("search-image", "search -i images/meadow_01.webp images {ask} -k 3 -f {form}", "table json", 1),
            *_forms("duplicates", "duplicates images {ask} --threshold 0.9 -f {form}", "table json jsonl csv", 1),
            *_forms("classify", "classify images -l cabin,hills,plain {ask} -f {form}", "table json jsonl csv", 1),
            *_forms("truth", "classify images -l cabin,hills --truth truth.csv {ask} -f {form}", "table json csv", 1),
            *_forms(
                "categories", "categories tree --prompt-template 'a photo of {{category}}' {ask} -f {form}",
                "table json jsonl csv", 1,
            ),
            Step(
                "categories-per-image.csv",
                "categories tree --prompt-template 'a photo of {{category}}' {ask} --per-image -f csv", 1,
            ),
            Step("embed.npz", "embed images -T texts.txt {ask} -o {out}", 1),
            Step("embed.parquet", "embed images -T texts.txt {ask} -o {out}", 1),
            Step("embed.safetensors", "embed images -T texts.txt {ask} -o {out}", 1),
            *_forms("compare", "compare images tree/cabins {ask} -f {form}", "table json jsonl csv", 1),
            Step("compare-two.table", "compare images/cabin_004.webp images/cabin_007.webp {ask}"),
            *_forms("compare-all", "compare tree/cabins tree/green {ask} --all-pairs -f {form}", "table json csv"),
        ),
    ),
}  # fmt: skip

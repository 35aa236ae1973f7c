"""`aim-tui clip-score` and `aim-tui score --manifest` with the sample models: the user's rows, with columns added."""

from __future__ import annotations

import csv
import io
import json
import shutil
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image, PngImagePlugin
from transformers import CLIPModel, CLIPProcessor

from aim_tui.inputs.demo_data import load_demo_data
from aim_tui.inputs.listing import list_folder
from aim_tui.settings import paths

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tests.cli.conftest import Outcome

    Cli = Callable[..., Outcome]

SAMPLE = load_demo_data()
IMAGES = [path for path in list_folder(SAMPLE.generations).images if path.endswith(".png")][:5]
TEXTS = ["one wooden cabin", "a lake [by] night\nand day", "  snow ", "mountains " * 60, "一座木屋"]
FORMATS = ("jsonl", "json", "csv", "tsv", "parquet")


@torch.no_grad()
def plain(pairs: Sequence[tuple[str, str]]) -> list[float]:
    """The cosine of each pair by transformers alone, one by one."""
    folder = paths.sample_data() / "models" / "clip"
    model = CLIPModel.from_pretrained(folder, dtype=torch.float32).eval()
    processor = CLIPProcessor.from_pretrained(folder)
    found = []
    for image, text in pairs:
        inputs = processor(
            text=[text], images=Image.open(image).convert("RGB"), return_tensors="pt", padding=True, truncation=True,
            max_length=77,
        )  # fmt: skip
        found.append(float(model(**inputs).logits_per_image[0, 0] / model.logit_scale.exp()))
    return found


def write(file: Path, rows: Sequence[dict[str, Any]]) -> Path:
    """Rows in the format that the name ends in."""
    if file.suffix == ".parquet":
        import pyarrow as pa

        pq.write_table(pa.Table.from_pylist(list(rows)), file)
    elif file.suffix in (".csv", ".tsv"):
        with file.open("w", newline="") as out:
            lines = csv.DictWriter(out, list(rows[0]), delimiter="," if file.suffix == ".csv" else "\t")
            lines.writeheader()
            lines.writerows(rows)
    elif file.suffix == ".json":
        file.write_text(json.dumps(list(rows), indent=2))
    else:
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


def read(file: Path) -> list[dict[str, Any]]:
    if file.suffix == ".parquet":
        return pq.read_table(file).to_pylist()
    if file.suffix in (".csv", ".tsv"):
        return list(
            csv.DictReader(io.StringIO(file.read_text(), newline=""), delimiter="," if file.suffix == ".csv" else "\t")
        )
    return (
        json.loads(file.read_text())
        if file.suffix == ".json"
        else [json.loads(x) for x in file.read_text().splitlines()]
    )


def test_every_format_and_scale_gives_what_row_by_row_scoring_gives(cli: Cli, tmp_path: Path) -> None:
    rows = [{"id": f"0{n}", "image_path": image, "text": TEXTS[n], "z": "="} for n, image in enumerate(IMAGES)]
    cosines = plain([(row["image_path"], row["text"]) for row in rows])
    prefixed = plain([(row["image_path"], f"A photo depicts {row['text'].strip()}") for row in rows])
    wanted = {
        "cosine": cosines,
        "unit": [(value + 1) / 2 for value in cosines],
        "hundred": [100 * value for value in cosines],
        "hessel": [2.5 * max(value, 0) for value in prefixed],
    }
    for kind in FORMATS:
        file, out = write(tmp_path / f"rows.{kind}", rows), tmp_path / f"out.{kind}"
        for scale in wanted if kind == "jsonl" else ("cosine",):
            run = cli("clip-score", str(file), "--profile", "sample", "--scale", scale, "-o", str(out))
            assert run.code == 0, run.err
            assert "5 of 5 rows scored" in run.err and "sample models, to try out" in run.err and run.out == ""
            found = read(out)
            assert [float(row.pop("clip_score")) for row in found] == pytest.approx(wanted[scale], abs=1e-5), kind
            assert not any(row.pop("clip_score_reason") for row in found)
            assert found == rows, kind
    assert not list(tmp_path.glob("*.partial*")) + list(tmp_path.glob("*.failures*"))


ROWS = (
    json.dumps({"image_path": IMAGES[0], "text": "a cabin"}),
    json.dumps({"image_path": "gone.png", "text": "a cabin"}),
    json.dumps({"image_path": IMAGES[0], "text": " "}),
    json.dumps({"image_path": "https://example.org/a.png", "text": "a cabin"}),
    json.dumps({"image_path": IMAGES[0], "text": 7}),
    "{broken",
    json.dumps({"text": "a cabin"}),
    json.dumps({"image_path": IMAGES[0], "text": "\ud800"}),
    json.dumps({"image_path": "=x\0.png", "text": "a cabin"}),
)


def test_a_row_that_cannot_be_scored_has_the_reason_and_invalid_lines_go_to_a_file(cli: Cli, tmp_path: Path) -> None:
    file, out = tmp_path / "rows.jsonl", tmp_path / "out.jsonl"
    file.write_text("\n".join(ROWS))
    run = cli("clip-score", str(file), "--profile", "sample", "-o", str(out))
    found = read(out)
    assert run.code == 1
    assert [row["clip_score_reason"] for row in found] == [
        None,
        "no such file",
        "no text",
        "is a URL, not a file: fetch it first, then name the file",
        "text is a number, not a text",
        "no image_path",
        "text has an unpaired surrogate, which is not a character",
        "the path contains a zero byte",
    ]
    assert [row["clip_score"] is None for row in found] == [False] + [True] * 7
    assert (
        "line 6: is not valid JSON" in run.err
        and "1 of 8 rows scored, 7 not scored; 1 invalid rows left out" in run.err
    )
    (broken,) = read(tmp_path / "out.failures.jsonl")
    assert (broken["where"], broken["text"]) == ("line 6", "{broken")


def test_zero_is_dataflow_s_rule_and_fail_ends_at_the_first(cli: Cli, tmp_path: Path) -> None:
    file, out = tmp_path / "rows.jsonl", tmp_path / "out.jsonl"
    file.write_text("\n".join(ROWS))
    run = cli("clip-score", str(file), "--profile", "sample", "--scale", "unit", "--on-error", "zero", "-o", str(out))
    found = read(out)
    assert run.code == 1
    assert found[0]["clip_score"] > 0.5 and [row["clip_score"] for row in found[1:]] == [0.0] * 7
    assert "clip_score_reason" not in found[0]
    before = out.read_bytes()
    run = cli("clip-score", str(file), "--profile", "sample", "--on-error", "fail", "-o", str(out))
    assert run.code == 1 and "line 2: " in run.err and "no such file" in run.err
    assert out.read_bytes() == before and not (tmp_path / "out.partial.jsonl").exists()


def test_a_column_is_replaced_only_where_that_was_asked_for(cli: Cli, tmp_path: Path) -> None:
    file = write(tmp_path / "rows.jsonl", [{"clip_score": "mine", "image_path": IMAGES[0], "text": "a cabin"}])
    run = cli("clip-score", str(file), "--profile", "sample")
    assert run.code == 2 and "has 'clip_score' already" in run.err and "--replace" in run.err
    row = json.loads(cli("clip-score", str(file), "--profile", "sample", "--replace").out)
    assert list(row)[0] == "clip_score" and isinstance(row["clip_score"], float)
    # Beyond the rows that tell the columns.
    plain_row = json.dumps({"image_path": IMAGES[0], "text": "a cabin"})
    file.write_text("\n".join([plain_row] * 101) + '\n{"clip_score": "mine"}\n')
    run = cli("clip-score", str(file), "--profile", "sample")
    assert run.code == 1 and "line 102: has 'clip_score' already" in run.err
    assert len(run.out.splitlines()) == 101


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["rows.jsonl", "-o", "rows.jsonl"], "would overwrite the input"),
        (["out.partial.jsonl", "-o", "out.jsonl"], "would overwrite the input"),
        (["rows.jsonl", "-o", "out.csv"], "the format must be that of rows.jsonl"),
        (["rows.jsonl", "--text-key", "texd"], "no column 'texd'; did you mean 'text'?"),
        (["rows.jsonl", "--scale", "unti"], "--scale is 'unti'; did you mean 'unit'?"),
        (["rows.jsonl", "--on-error", "nul"], "--on-error is 'nul'; did you mean 'null'?"),
        (["rows.parquet"], "cannot write Parquet to stdout"),
        (["gone.jsonl"], "cannot read gone.jsonl"),
        (["rows.xlsx"], "unknown file extension"),
    ],
)
def test_a_usage_error_is_one_clear_line(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("rows.jsonl", "rows.parquet", "out.partial.jsonl"):
        write(tmp_path / name, [{"image_path": "a.png", "text": "a"}])
    before = (tmp_path / "rows.jsonl").read_bytes()
    run = cli("clip-score", *arguments, "--profile", "sample")
    assert run.code == 2 and message in run.err and run.out == "" and "Traceback" not in run.err
    assert (tmp_path / "rows.jsonl").read_bytes() == before


def test_a_manifest_is_scored_by_the_ordinary_plan_each_row_against_its_own(cli: Cli, tmp_path: Path) -> None:
    rows = [
        {"n": 1, "image_path": IMAGES[0], "topic": "a cabin", "prompt": "one cabin", "reference": IMAGES[1]},
        {"n": 2, "image_path": IMAGES[2], "topic": "", "prompt": "a lake", "reference": IMAGES[1]},
        {"n": 3, "image_path": "../gone.png", "topic": "a cabin", "prompt": "a lake", "reference": IMAGES[1]},
        {"n": 4, "image_path": IMAGES[3], "topic": "a lake", "prompt": "a lake", "reference": "http://x/a.png"},
    ]
    file, out = write(tmp_path / "rows.csv", rows), tmp_path / "out.csv"
    run = cli("score", "--manifest", str(file), "--profile", "sample", "--column-prefix", "aim_", "-o", str(out))
    assert run.code == 1, run.err
    found = read(out)
    asked = ("-t", "a cabin", "-p", "one cabin", "-R", IMAGES[1], "-f", "jsonl")
    alone = json.loads(cli("score", IMAGES[0], "--profile", "sample", *asked).out)
    names = ("clip_score", "clip_norm", "blip2_similarity", "blip2_norm", "lpips_score", "lpips_norm", "final_score")
    assert [float(found[0][f"aim_{name}"]) for name in names] == pytest.approx(
        [alone[name] for name in names], abs=1e-5
    )
    assert found[0]["aim_caption"] == alone["caption"]
    assert [row["aim_status"] for row in found] == ["ok", "partial", "failed", "failed"]
    assert found[1]["aim_error"] == "blip2: no topic" and found[1]["aim_final_score"] == ""
    assert found[2]["aim_error"] == "no such file" and "is a URL" in found[3]["aim_error"]

    # What no row brings is everybody's, and a metric without anything to compare with is skipped.
    bare = write(tmp_path / "bare.jsonl", [{"file": IMAGES[0], "caption": "mine"}])
    run = cli(
        "score", "--manifest", str(bare), "--image-key", "file", "--profile", "sample", "-p", "one cabin",
    )  # fmt: skip
    row = json.loads(run.out)
    assert run.code == 0 and "skipping blip2: no topic" in run.err
    assert row["clip_score"] == pytest.approx(alone["clip_score"], abs=1e-5) and row["caption"] == "mine"
    run = cli("score", "--manifest", str(bare), "--image-key", "file", "--profile", "sample", "-t", "a cabin")
    assert run.code == 2 and "has 'caption' already" in run.err


def test_several_prompts_go_with_every_image_and_pairs_with_one_each(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "prompts.txt"
    file.write_text("a cabin\n\na lake\n")
    base = ("score", IMAGES[0], IMAGES[1], "--profile", "sample", "--metrics", "clip", "-f")
    crossed = [json.loads(line) for line in cli(*base, "jsonl", "--prompts", str(file)).out.splitlines()]
    assert [(row["path"], row["prompt"]) for row in crossed] == [
        (image, text) for image in IMAGES[:2] for text in ("a cabin", "a lake")
    ]
    run = cli(*base, "csv", "-p", "a cabin", "-p", "a lake", "--pair")
    paired = list(csv.DictReader(io.StringIO(run.out)))
    assert [(row["path"], row["prompt"]) for row in paired] == list(zip(IMAGES[:2], ("a cabin", "a lake"), strict=True))
    assert [float(row["clip_score"]) for row in paired] == pytest.approx(
        plain(list(zip(IMAGES[:2], ("a cabin", "a lake"), strict=True))), abs=1e-5
    )
    run = cli(*base, "csv", "-p", "a cabin", "--pair")
    assert run.code == 2 and "2 images, but 1 prompts" in run.err
    run = cli(*base, "csv", "-p", "a", "-p", "b", "--prompt-from", "metadata")
    assert run.code == 2 and "gives each image its prompt" in run.err


def test_a_folder_with_a_prompt_in_every_image_is_scored_as_it_is(cli: Cli, tmp_path: Path) -> None:
    for number, text in enumerate(("a cabin\nNegative prompt: x\nSteps: 2", "a lake", None)):
        info = PngImagePlugin.PngInfo()
        if text:
            info.add_text("parameters", text)
        with Image.open(IMAGES[number]) as image:
            image.save(tmp_path / f"{number}.png", pnginfo=info)
    base = ("score", str(tmp_path), "--profile", "sample", "--metrics", "clip", "-f", "jsonl", "--prompt-from")
    run = cli(*base, "metadata")
    rows = [json.loads(line) for line in run.out.splitlines()]
    assert run.code == 1 and [row.get("prompt") for row in rows] == ["a cabin", "a lake", None]
    assert [row.get("prompt_origin") for row in rows] == ["A1111 parameters", "A1111 parameters", None]
    assert all(isinstance(row["prompt_tokens"], int) and not row["prompt_truncated"] for row in rows[:2])
    assert (
        rows[2]["error"] == "clip: no prompt: no prompt in its metadata"
        and "2.png: no prompt: no prompt in its metadata" in run.err
    )
    assert "prompts of 2 of 3 images: 2 from A1111 parameters" in run.err
    with_common = cli(*base, "metadata", "-p", "trees")
    assert with_common.code == 0
    assert [json.loads(line)["status"] for line in with_common.out.splitlines()] == ["ok"] * 3
    none = cli(*base, "sidecar")
    assert none.code == 2 and "no image has a prompt" in none.err and "no file 0.txt next to it" in none.err


def test_tags_of_networks_are_left_out_and_recorded_and_kept_when_asked(cli: Cli, tmp_path: Path) -> None:
    shutil.copyfile(IMAGES[0], tmp_path / "a.png")
    (tmp_path / "a.txt").write_text("a cabin <lora:snow:0.8>\nSteps: 2")
    base = ("score", str(tmp_path), "--profile", "sample", "--metrics", "clip", "-f", "jsonl")
    run = cli(*base, "--prompt-from", "sidecar")
    (row,) = map(json.loads, run.out.splitlines())
    assert (row["prompt"], row["prompt_origin"]) == ("a cabin", "a.txt, without <lora:snow:0.8>")
    assert "1 prompt without <lora:...> and the like (--keep-lora keeps them)" in run.err
    (kept,) = map(json.loads, cli(*base, "--prompt-from", "sidecar", "--keep-lora").out.splitlines())
    assert (kept["prompt"], kept["prompt_origin"]) == ("a cabin <lora:snow:0.8>", "a.txt")
    refused = cli(*base, "-p", "a cabin", "--keep-lora")
    assert refused.code == 2 and "add --prompt-from" in refused.err


def test_an_image_with_a_damaged_chunk_is_scored_and_the_damage_is_said(cli: Cli, tmp_path: Path) -> None:
    with Image.open(IMAGES[0]) as image:
        image.save(tmp_path / "a.png")
    data = (tmp_path / "a.png").read_bytes()
    text = b"tEXtparameters\0x"
    (tmp_path / "a.png").write_bytes(data[:33] + (len(text) - 4).to_bytes(4, "big") + text + b"\0\0\0\0" + data[33:])
    run = cli("score", str(tmp_path), "--profile", "sample", "--metrics", "clip", "-p", "a cabin", "-f", "jsonl")
    (row,) = map(json.loads, run.out.splitlines())
    assert (run.code, row["status"], row["damage"]) == (0, "ok", "its tEXt chunk has a wrong checksum")
    assert "a.png: its tEXt chunk has a wrong checksum (its pixels are whole)" in run.err


def test_what_a_folder_holds_besides_images_is_said(cli: Cli, tmp_path: Path) -> None:
    shutil.copyfile(IMAGES[0], tmp_path / "a.png")
    for name in ("b.psd", "._a.png"):
        (tmp_path / name).touch()
    run = cli("score", str(tmp_path), "--profile", "sample", "--metrics", "clip", "-p", "a cabin")
    assert run.code == 0
    assert "left out: 1 .psd: formats that are not read" in run.err and "left out: 1 '._' file of macOS" in run.err


def test_what_ctrl_c_leaves_is_a_whole_file_and_the_same_command_ends_it_without_computing_again(
    cli: Cli, tmp_path: Path
) -> None:
    rows = [{"image_path": IMAGES[n % 5], "text": f"a lake and {n} cabins"} for n in range(20_000)]
    file, out, partial = write(tmp_path / "rows.jsonl", rows), tmp_path / "out.jsonl", tmp_path / "out.partial.jsonl"
    command = ["clip-score", str(file), "--profile", "sample", "-o", str(out), "--store", str(tmp_path / "store.db")]
    with subprocess.Popen(
        [sys.executable, "-m", "aim_tui", *command], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as run:
        assert run.stderr is not None
        while not (partial.exists() and partial.stat().st_size) and run.poll() is None:
            pass
        # Held still, so that it is not done before the other one looks.
        run.send_signal(signal.SIGSTOP)
        other = cli(*command[:-2], "--no-store")
        run.send_signal(signal.SIGINT)
        run.send_signal(signal.SIGCONT)
        err = run.stderr.read()
        run.wait(timeout=120)
    assert other.code == 2 and "another command is writing" in other.err
    assert run.returncode == 130 and "interrupted: finished rows are written; it is in" in err, err
    assert not out.exists()
    done = read(partial)
    assert 0 < len(done) < len(rows) and f"{len(done)} of {len(done)} rows scored" in err
    assert [row["text"] for row in done] == [row["text"] for row in rows[: len(done)]]

    file.write_text("".join(json.dumps(row) + "\n" for row in rows[: len(done)]))
    again = cli(*command)
    assert again.code == 0 and "loading" not in again.err
    assert read(out) == done and not partial.exists()


@pytest.mark.parametrize(("name", "text"), [("e.jsonl", ""), ("e.json", "[]"), ("e.csv", "image_path,text\n")])
def test_a_file_of_no_rows_gives_one_of_no_rows(cli: Any, tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    out = tmp_path / f"out_{name}"
    told = cli("clip-score", str(tmp_path / name), "--profile", "sample", "--no-store", "-o", str(out))
    assert told.code == 0, told.err
    assert "0 of 0 rows scored" in told.err
    assert out.read_text().startswith(text.strip())

"""The examples of the documentation print what the pages show."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from docs import examples

if TYPE_CHECKING:
    from pathlib import Path

PAGES = [page for page in examples.pages() if "```" in page.read_text(encoding="utf-8")]
#: A command of a user, wherever it stands.
COMMAND = re.compile(r"^(\$ |aim-tui |make |pip |python )", re.MULTILINE)


def name(page: Path) -> str:
    return str(page.relative_to(examples.ROOT))


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=name)
def test_the_output_on_the_page_is_real(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    real = examples.run_page(examples.with_files(text))
    # `python docs/examples.py --write` brings a page up to date.
    if not examples.agree(text, real):
        assert text == real


def test_the_tables_of_keys_are_those_of_the_program() -> None:
    for page, real in examples.key_pages().items():
        assert page.read_text(encoding="utf-8") == real


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_command_is_run_or_says_why_not(page: Path) -> None:
    for block in examples.blocks(page.read_text(encoding="utf-8")):
        if block.language == "sh":
            assert block.not_run in examples.REASONS, block.body
        elif block.language not in ("console", "make"):
            assert COMMAND.search(block.body) is None, f"not in a console block: {block.body}"


def test_what_is_not_run_is_known() -> None:
    found = [
        f"{name(page)}: {block.body.splitlines()[0].split('#')[0].strip()}"
        for page in PAGES
        for block in examples.blocks(page.read_text(encoding="utf-8"))
        if block.not_run
    ]
    assert found == [
        "README.md: make demo",
        "README.md: pip install .",
        "docs/agreement-example.md: aim-tui edit mine/adversarial_dataset.json",
        "docs/agreement.md: aim-tui correlate last",
        'docs/batch.md: aim-tui score images -t "..." -p "..." -f jsonl > scores.jsonl',
        "docs/benchmarks.md: aim-tui bench --config FOLDER/real.toml --profile real --metrics clip,lpips -n 64 "
        "--format jpeg",
        "docs/benchmarks.md: python docs/bench_agreement.py",
        "docs/benchmarks.md: python docs/bench_gallery.py",
        "docs/benchmarks.md: python -m tests.engine.peak_memory 1000 20000",
        "docs/benchmarks.md: python docs/bench_manifest.py 100000 .jsonl .json .csv .parquet",
        "docs/benchmarks.md: python -m tests.engine.fuzz_images 24000",
        "docs/developing.md: make test",
        "docs/developing.md: python docs/examples.py --write",
        'docs/plugins.md: aim-tui score PICTURES --metrics clip,siglip,clip_iqa --prompt "a cabin in the snow"',
        "docs/plugins.md: pip install '.[bertscore]'",
    ]


@pytest.mark.parametrize(
    ("shown", "real", "same"),
    [
        ("cabin 0.43502 ok", "cabin  0.43501 ok", True),
        ("cabin 0.4350 ok", "cabin 0.4360 ok", False),
        ("p 1e-18", "p 3e-18", True),
        ("35 of 35", "34 of 35", False),
        ("mean 0.41 left out", "mean 0.41 skipped", False),
        ("one\n", "one\ntwo\n", False),
    ],
)
def test_outputs_agree_but_for_the_last_digits(shown: str, real: str, same: bool) -> None:
    assert examples.agree(shown, real) is same


def test_a_failure_that_the_page_does_not_show_is_an_error() -> None:
    page = "```console\n$ aim-tui metrics nonsense\n```\n"
    with pytest.raises(RuntimeError, match="exit status 2"):
        examples.run_page(page)
    shown = examples.run_page(page.replace("nonsense\n", "nonsense\n$ echo $?\n"))
    assert shown.endswith("$ echo $?\n2\n```\n")

"""The pages of the documentation: short, in the navigation, and with links that lead somewhere."""

from __future__ import annotations

import ast
import importlib.util
import re
from functools import cache
from pathlib import Path

import pytest
import yaml

from docs import examples

PAGES = examples.pages()
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
#: A path of the repository, as the pages write it: in backquotes.
PATH = re.compile(r"`((?:aim_tui|docs|tests|sample_data)/[\w./-]+)`")
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def name(page: Path) -> str:
    return str(page.relative_to(examples.ROOT))


@cache
def prose(page: Path) -> str:
    """The text of a page without its blocks, in which `[x](y)` and `# x` are code."""
    return FENCED.sub("", page.read_text(encoding="utf-8"))


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub and mkdocs make them."""
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in HEADING.findall(prose(page))
    }


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_a_page_is_short(page: Path) -> None:
    limit = 200 if page.name == "README.md" else 250
    assert len(page.read_text(encoding="utf-8").splitlines()) < limit


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_and_images_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(prose(page)):
        assert not target.startswith(("http:", "https:")), f"{target}: the pages name no host"
        path, _, anchor = target.partition("#")
        linked = (page.parent / path).resolve() if path else page
        assert linked.is_file(), f"{target}: no such file"
        if anchor:
            assert anchor in anchors(linked), f"{target}: no such heading"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_files_and_modules_that_a_page_names_exist(page: Path) -> None:
    for path in PATH.findall(prose(page)):
        assert (examples.ROOT / path).exists(), path
    for block in examples.blocks(page.read_text(encoding="utf-8")):
        if block.language == "python":
            for node in ast.walk(ast.parse(block.body)):
                if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("aim_tui."):
                    assert importlib.util.find_spec(node.module) is not None, node.module


def test_every_page_is_in_the_navigation_once() -> None:
    settings = yaml.safe_load((examples.ROOT / "mkdocs.yml").read_text(encoding="utf-8"))

    def listed(entry: object) -> list[str]:
        if isinstance(entry, str):
            return [entry]
        parts = entry.values() if isinstance(entry, dict) else entry
        return [path for part in parts for path in listed(part)]

    pages = [str(page.relative_to(examples.DOCS)) for page in PAGES if page.is_relative_to(examples.DOCS)]
    assert sorted(listed(settings["nav"])) == sorted(pages)


def test_the_readme_leads_to_every_subject() -> None:
    linked = set(LINK.findall(prose(examples.ROOT / "README.md")))
    index = set(LINK.findall(prose(examples.DOCS / "index.md")))
    pages = {page.name for page in PAGES if page.is_relative_to(examples.DOCS)} - {"index.md"}
    assert {link.partition("#")[0] for link in index} >= pages
    assert {f"docs/{page}" for page in pages if not page.startswith("keys-")} - linked == {"docs/agreement-example.md"}

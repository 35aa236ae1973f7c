"""A run has the same numbers in every format, and no text in it can run."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shutil
import subprocess
import threading
from dataclasses import replace
from html.parser import HTMLParser
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, ClassVar

import pytest

from aim_tui.core.scoring.events import ImageFailed, Item, MetricBatch, MetricValue
from aim_tui.core.scoring.records import FIELDS
from aim_tui.errors import ExportError, UsageError
from aim_tui.exports.histogram import bin_edges, counts
from aim_tui.exports.stored_run import METADATA_KEY
from aim_tui.store.judgements import Image, Judgements
from aim_tui.store.runs import Runs
from tests.exports.rendering import render, write
from tests.store.samples import mixed_events, request, scored

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from aim_tui.store.database import Database
    from aim_tui.store.records import Run

ATTACK = "<script>alert(1)</script>"
# A file name holds no slash, and needs none.
NAME = "<script>alert(1)<!--.png"
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def run(database: Database) -> Run:
    """One image that went well, one in part, one failed, one not reached."""
    names = ["/images/a.png", "/images/b.png", "/images/c.png", "/images/d.png"]
    runs = Runs(database)
    with runs.begin(request(), [Item(number, name) for number, name in enumerate(names)]) as writer:
        writer.write(*mixed_events())
    return runs.load(writer.id)


@pytest.fixture
def hostile(database: Database) -> Run:
    """Every text that a user, a file or a model can supply tries to be something else."""
    names = [f"/images/{NAME}", "/images/=1+1|`x`.png", '/images/"><img src=x onerror=alert(2)>.png']
    names.append("/images/" + os.fsdecode(b"\xff") + "\x1b[31m.png")
    asked = request(
        folder=f"/{ATTACK}",
        command=f"aim-tui score {ATTACK}",
        settings={"exif": ATTACK},
        versions={ATTACK: ATTACK},
        not_asked={"x": ATTACK},
    )
    runs = Runs(database)
    with runs.begin(asked, [Item(number, name) for number, name in enumerate(names)]) as writer:
        for item, caption in enumerate([ATTACK, "=cmd|' /C calc'!A0", "[a](javascript:alert(1)) | **b**\n# c"]):
            writer.write(*scored(item, caption))
        writer.write(ImageFailed(3, f"{names[3]}: {ATTACK}"))
    return runs.load(writer.id)


class Page(HTMLParser):
    """The elements and the visible text of a page."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.elements)


@pytest.fixture
def judged(run: Run, database: Database) -> Run:
    """The run, of which two raters have something to say; one of them would be a formula, and a second record."""
    judgements = Judgements(database)
    first, second = (Image(row.facts.sha256, row.path) for row in run.results.rows[:2] if row.facts)
    judgements.rate(first, 5, rater="ann", run=run.info.id)
    judgements.note(first, "=cmd|' /C calc'!A0\n\"two\", \x1b[31mlines", rater="ann")
    judgements.rate(first, 2, rater="=bob\n")
    judgements.reject(second, True, rater="ann")
    judgements.rate(Image("f" * 64, "/elsewhere.png"), 1, rater="cid")
    return replace(run, opinions=judgements.of(run.results))


# -- data -------------------------------------------------------------------------------------------------------------


def test_every_data_format_holds_the_same_numbers(run: Run) -> None:
    document = json.loads(render(run, "json"))
    lines = [json.loads(line) for line in str(render(run, "jsonl")).splitlines()]
    table = list(csv.DictReader(io.StringIO(str(render(run, "csv")))))
    assert [row["path"] for row in document["results"]] == [row["path"] for row in lines] == [r["path"] for r in table]
    for name in FIELDS:
        assert [row[name] for row in document["results"]] == [row[name] for row in lines]
    assert [row["final_score"] or None for row in table] == [
        None if row["final_score"] is None else repr(row["final_score"]) for row in lines
    ]
    assert document["results"][0]["final_score"] == pytest.approx(78.43, abs=0.01)
    assert document["run"]["id"] == run.info.id
    assert document["summary"]["n_in_mean"] == 1
    assert "lpips: too small for LPIPS" in document["results"][1]["error"]


def test_every_raters_words_go_with_the_images_in_every_format(judged: Run, tmp_path: Path) -> None:
    document = json.loads(render(judged, "json"))
    first, second, *others = [row["judgements"] for row in document["results"]]
    note = "=cmd|' /C calc'!A0\n\"two\", \x1b[31mlines"
    assert first == [
        {"rater": "=bob\n", "rating": 2.0, "rejected": False, "note": None},
        {"rater": "ann", "rating": 5.0, "rejected": False, "note": note},
    ]
    assert second == [{"rater": "ann", "rating": None, "rejected": True, "note": None}]
    assert others == [[], []]
    lines = [json.loads(line) for line in str(render(judged, "jsonl")).splitlines()]
    assert [row["judgements"] for row in lines] == [first, second, [], []]
    assert "| ann rejected |" in str(render(judged, "markdown"))
    assert "ann rejected" in Page(str(render(judged, "html"))).words
    files = pytest.importorskip("pyarrow.parquet")
    write(judged, tmp_path / "run.parquet")
    assert files.read_table(tmp_path / "run.parquet").column("judgements").to_pylist() == [first, second, [], []]


def test_csv_has_columns_for_each_rater_and_no_text_becomes_a_formula_or_a_record(judged: Run) -> None:
    text = str(render(judged, "csv"))
    table = list(csv.reader(io.StringIO(text)))
    header, first, second, *_ = table
    assert len(table) == 5
    assert {len(line) for line in table} == {len(header)}
    assert header[-6:] == ["rating:=bob\n", "rejected:=bob\n", "note:=bob\n", "rating:ann", "rejected:ann", "note:ann"]
    assert first[-6:] == ["2.0", "False", "", "5.0", "False", "'=cmd|' /C calc'!A0\n\"two\", \\x1b[31mlines"]
    assert second[-6:] == ["", "", "", "", "True", ""]
    assert "\x1b" not in text


def test_a_spreadsheet_finds_no_formula_in_csv(hostile: Run) -> None:
    table = list(csv.DictReader(io.StringIO(str(render(hostile, "csv")))))
    assert table[1]["caption"] == "'=cmd|' /C calc'!A0"
    assert not [cell for row in table for cell in row.values() if cell[:1] in ("=", "+", "@", "\t", "\r")]


def test_undecodable_names_can_be_written_in_every_format(hostile: Run, tmp_path: Path) -> None:
    for name in ("csv", "json", "jsonl", "markdown", "html"):
        write(hostile, tmp_path / "out", name)
        assert "\\xff" in (tmp_path / "out").read_text("utf-8")


def test_parquet_comes_back_with_types_and_provenance(run: Run, hostile: Run, tmp_path: Path) -> None:
    files = pytest.importorskip("pyarrow.parquet")
    write(run, tmp_path / "run.parquet")
    table = files.read_table(tmp_path / "run.parquet")
    wanted = json.loads(render(run, "json"))
    assert table.column("final_score").to_pylist() == [row["final_score"] for row in wanted["results"]]
    assert [str(kind) for kind in table.schema.types[:4]] == ["string", "double", "double", "string"]
    assert json.loads(table.schema.metadata[METADATA_KEY])["formulas"] == wanted["formulas"]
    write(hostile, tmp_path / "hostile.parquet")
    assert files.read_table(tmp_path / "hostile.parquet").num_rows == 4


def test_without_pyarrow_the_extra_is_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(ExportError, match=r"aim-tui\[parquet\]"):
        render(run, "parquet")


# -- files ------------------------------------------------------------------------------------------------------------


def test_the_ending_of_a_file_tells_its_format(run: Run, tmp_path: Path) -> None:
    for name, begins in (("a.md", "# Scores of images"), ("a.HTML", "<!DOCTYPE html>"), ("a.csv", "path,")):
        write(run, tmp_path / name)
        assert (tmp_path / name).read_text("utf-8").startswith(begins)
    with pytest.raises(UsageError, match="ending names no format"):
        write(run, tmp_path / "a.txt")
    with pytest.raises(UsageError, match="did you mean 'markdown'"):
        render(run, "markdwn")


def test_a_file_that_cannot_be_written_is_named_and_the_old_one_stays(run: Run, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="cannot write .*none/a.csv"):
        write(run, tmp_path / "none" / "a.csv")
    (tmp_path / "a.csv").mkdir()
    with pytest.raises(ExportError, match=r"a\.csv"):
        write(run, tmp_path / "a.csv")
    assert not list(tmp_path.glob(".a.csv*"))


# -- pages ------------------------------------------------------------------------------------------------------------


def test_markdown_keeps_texts_texts_and_rows_whole(hostile: Run) -> None:
    page = str(render(hostile, "markdown"))
    rows = [line for line in page.splitlines() if line.startswith("|")]
    assert len(rows) == 2 + 4
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {9}
    assert not re.search(r"(?<!\\)<", page)
    assert r"\[a\](javascript:alert(1)) \| \*\*b\*\* \# c" in page
    assert "\x1b" not in page


def test_the_page_shows_numbers_reasons_and_formulas(run: Run) -> None:
    words = " ".join(Page(str(render(run, "html"))).words)
    for wanted in ("78.43", "is empty (0 bytes)", "not reached", "openai/clip", "over 1, 3 left out", "final_score"):
        assert wanted in words


def test_no_text_on_the_page_becomes_markup(run: Run, hostile: Run) -> None:
    plain, page = Page(str(render(run, "html"))), Page(str(render(hostile, "html")))
    assert page.count("script") == plain.count("script") == 1
    assert page.count("img") == 0
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
    assert page.words.count(ATTACK) >= 3
    assert NAME in page.words


def test_the_page_asks_nothing_of_the_outside(run: Run) -> None:
    page = Page(str(render(run, "html", lambda path: PNG if path.endswith("a.png") else None)))
    sources = [attributes[name] for _, attributes in page.elements for name in ("src", "href") if name in attributes]
    assert len(sources) == 1
    assert str(sources[0]).startswith("data:image/png;base64,")
    (policy,) = [attributes["content"] for _, attributes in page.elements if "http-equiv" in attributes]
    assert str(policy).startswith("default-src 'none'; img-src data:;")
    assert "unsafe" not in str(policy)
    assert not [attributes for _, attributes in page.elements if "style" in attributes]


def test_a_thumbnail_that_is_not_an_image_is_left_out(run: Run) -> None:
    assert Page(str(render(run, "html", lambda _: b"<svg onload=alert(1)>"))).count("img") == 0


def test_a_run_without_any_value_has_a_page(database: Database) -> None:
    runs = Runs(database)
    with runs.begin(request(folder=""), []) as writer:
        pass
    for name in ("html", "markdown", "csv", "json"):
        assert render(runs.load(writer.id), name)


def test_bins_hold_every_value_once() -> None:
    for values in ([0.5], [0.0, 0.0], [-1.0, 1.0], [n / 10 for n in range(100)], [0.1 + 0.2, 0.3], [1e-9, 100.0]):
        edges = bin_edges(values)
        assert edges[0] <= min(values) + 1e-9
        assert edges[-1] >= max(values) - 1e-9
        assert sum(counts(values, edges)) == len(values)
        assert len(counts(values, edges)) <= 26


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

# Whoever gets this to run, or to load, tells by the title and by asking a server for it.
LOUD = '<script>document.title="owned"</script><img src="{url}" onerror="document.title=\'owned\'">'

# Appended to a page without its policy: sorts by two columns, searches, and leaves the order of the names as the title.
PROBE = """
const names = () => [...document.querySelectorAll("tbody tr:not([hidden]) b:first-child")]
  .map((b) => b.textContent).filter((name) => name.endsWith("png")).join(" ");
const buttons = [...document.querySelectorAll("th button")], said = [names()];
for (const column of [1, 1, 3]) { buttons[column].click(); said.push(names()); }
const find = document.getElementById("find");
find.value = "B.PNG"; find.dispatchEvent(new Event("input")); said.push(names());
document.title = said.join(" / ");
"""


def browse(page: Path) -> str:
    """The page as a browser has it after its scripts have run."""
    command = [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=1000"]
    command += [f"--user-data-dir={page.parent / 'profile'}", "--dump-dom", page.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout


def title(dom: str) -> str:
    found = re.search(r"<title>(.*?)</title>", dom)
    assert found
    return found[1]


class Asked(BaseHTTPRequestHandler):
    """Finds nothing, and remembers what it was asked for."""

    paths: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.paths.append(self.path)
        self.send_error(404)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    Asked.paths.clear()
    with HTTPServer(("127.0.0.1", 0), Asked) as listening:
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{listening.server_port}/picture.png"
        listening.shutdown()
        thread.join()


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here")
def test_in_a_browser_no_caption_or_name_runs_or_loads_anything(
    database: Database, tmp_path: Path, server: str
) -> None:
    loud = LOUD.format(url=server)
    # Without our care it does what it says.
    (tmp_path / "naive.html").write_text(f"<title>innocent</title>{loud}")
    assert title(browse(tmp_path / "naive.html")) == "owned"
    assert Asked.paths == ["/picture.png"]
    runs = Runs(database)
    with runs.begin(request(), [Item(0, f"/images/{NAME}"), Item(1, loud)]) as writer:
        writer.write(*scored(0, loud), ImageFailed(1, loud))
    write(runs.load(writer.id), tmp_path / "page.html")
    dom = browse(tmp_path / "page.html")
    assert title(dom) == "images: scores"
    assert Asked.paths == ["/picture.png"]
    # The page's own script has run: it shows the search field.
    assert [attributes for tag, attributes in Page(dom).elements if tag == "input" and "hidden" not in attributes]


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here")
def test_in_a_browser_the_table_sorts_with_missing_values_last_and_can_be_searched(
    database: Database, tmp_path: Path
) -> None:
    runs = Runs(database)
    with runs.begin(request(), [Item(n, f"/{name}.png") for n, name in enumerate(["a10", "a2", "b", "c"])]) as writer:
        for item in range(3):
            writer.write(*scored(item))
        writer.write(MetricBatch("clip", [MetricValue(0, "present", value=0.9), MetricValue(2, "failed", reason="no")]))
    page = re.sub(r"<meta http-equiv[^>]*>", "", str(render(runs.load(writer.id), "html")))
    (tmp_path / "page.html").write_text(page.replace("</body>", f"<script>{PROBE}</script></body>"))
    assert title(browse(tmp_path / "page.html")).split(" / ") == [
        "a10.png a2.png b.png c.png",
        "a2.png a10.png b.png c.png",
        "c.png b.png a10.png a2.png",
        "a10.png a2.png c.png b.png",
        "b.png",
    ]

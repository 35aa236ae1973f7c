"""Runs the examples of the documentation: `python docs/examples.py [--write] [PAGE...]`.

A ```console block is a session: each `$ command` is run, and what it prints must be what the page shows. `--write` puts
the real output, the tables of keys and the files that are shown into the pages. A block with title="NAME" is a file
that the commands after it find under that name; below `<!-- file: PATH -->` it is that file of the repository. Commands
that cannot be run here are in ```sh blocks, each below `<!-- not run: REASON -->`.

Each page has a folder and a store of its own; everything runs in this process, so that torch is imported once.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import math
import os
import re
import runpy
import shutil
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
FENCE = re.compile(r"^```(?P<language>\w*)(?P<options>[^\n]*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
TITLE = re.compile(r'title="([^"]+)"')
NOT_RUN = re.compile(r"<!-- not run: ([^\n]+) -->\n\Z")
FILE = re.compile(r"<!-- file: ([^\n]+) -->\n\Z")
#: The only reasons for which commands are shown without being run.
REASONS = ("installs or downloads", "needs your own files", "takes minutes", "measures this machine")
#: Stand in the pages for the identifiers of the runs that an example made, in the order in which they appear.
RUN_IDS = ("01A1FA4AB092CB40", "01A1FB928DD269D5", "01A1FC0D3E5A7B16", "01A1FD77C40918E2")
#: What differs from run to run, and what stands in the pages for it.
MASKS = (
    (re.compile(r"\b20\d\d-\d\d-\d\d(?= \d\d:)"), "2026-11-20"),
    (re.compile(r"(?<=\d\d\d\d-\d\d-\d\d )\d\d:\d\d(:\d\d)?"), lambda found: "14:03:27" if found[1] else "14:03"),
    (re.compile(r"\btook [\d.]+ s\b"), "took 9.6 s"),
    (re.compile(rf"\bon {re.escape(socket.gethostname())}\b"), "on gpu-box"),
)
#: A command, and the `| command` or `> file` that takes its output.
REST = re.compile(r"(.*?)(?: ([|>]) (.+))?$")
#: The folder of an example in the pages; as long as a temporary one on Linux, so that columns keep their width.
FOLDER = "/home/ann/evaluation"
#: The tables of keys are too long for one page: by the id of a section's first binding, and the rest in the first page.
KEY_PAGES = {
    "keys.md": ("Keys", ()),
    "keys-images.md": (
        "Keys: images",
        ("duel", "explain", "grid", "heat", "pair", "ranking", "review", "view"),
    ),
    "keys-analysis.md": (
        "Keys: edits and analysis",
        (
            "categories", "classes", "compare", "correlation", "cosines", "edit-review", "edit-sort", "edits",
            "history", "matrix",
        ),
    ),
    "keys-dialogs.md": (
        "Keys: dialogs and lists",
        (
            "batch", "choose", "confirm", "dialog", "field", "files", "find", "list", "models", "page", "path",
            "prompt", "prompts", "sort", "weights", "words",
        ),
    ),
}  # fmt: skip
KEYS_INTRODUCTION = (
    "The default keys by the place where they work. `[keys]` in the settings file gives other keys to the ids in the\n"
    "last column ([how](terminals.md#settings-for-keys-and-appearance)). Made from `aim-tui keys --markdown`.\n"
)
NUMBER = re.compile(r"\d+\.\d+(?:e-?\d+)?|\d+e-\d+")


class Block(NamedTuple):
    """A fenced block of a page: where it is, and what kind it is."""

    language: str
    title: str | None
    body: str
    start: int  # of the body in the page's text
    not_run: str | None  # the reason, of an `sh` block
    file: str | None  # of the repository, that is shown


@dataclass
class Session:
    """One page being run: its folder, and the run identifiers that it has met."""

    folder: Path
    ids: dict[str, str] = field(default_factory=dict)  # real: shown
    status: int = 0

    def run(self, command: str) -> str:
        """The output of one command as the pages show it."""
        if command == "echo $?":
            shown, self.status = f"{self.status}\n", 0
            return shown
        for real, shown in self.ids.items():
            command = command.replace(shown, real)
        first, how, rest = REST.match(command).groups(default="")  # type: ignore[union-attr]  # it matches anything
        program = first.split()[0]
        if program not in ("aim-tui", "python"):
            return self._masked(self._shell(command))
        words = self._shell(f"printf '%s\\0' {first}").split("\0")[1:-1]
        printed, notes, self.status = _in_process(program, words, apart=bool(rest))
        if how == ">":
            (self.folder / rest).write_text(printed, encoding="utf-8")
            printed = notes
        elif how == "|":
            printed = notes + self._shell(rest, printed)
        return self._masked(printed)

    def _shell(self, command: str, given: str = "") -> str:
        done = subprocess.run(["bash", "-c", command], input=given, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"`{command}`: {done.stderr}")
        return done.stdout

    def _masked(self, text: str) -> str:
        text = text.replace(str(self.folder), FOLDER).replace(f"{ROOT}/", "")
        text = "".join(line for line in text.splitlines(keepends=True) if not line.startswith("loading "))
        for real in re.findall(r"\b01[0-9A-F]{14}\b", text):
            if real not in self.ids:
                self.ids[real] = RUN_IDS[len(self.ids)]
        for real, shown in self.ids.items():
            text = text.replace(real, shown)
        for pattern, replacement in MASKS:
            text = pattern.sub(replacement, text)
        return "\n".join(line.rstrip() for line in text.splitlines()) + "\n" if text else ""


def pages() -> list[Path]:
    """The README and every page of the documentation."""
    return [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]


def blocks(text: str) -> list[Block]:
    """The fenced blocks of a page."""
    found = []
    for fence in FENCE.finditer(text):
        title = TITLE.search(fence["options"])
        reason = NOT_RUN.search(text, 0, fence.start())
        file = FILE.search(text, 0, fence.start())
        found.append(
            Block(
                language=fence["language"],
                title=title and title[1],
                body=fence["body"],
                start=fence.start("body"),
                not_run=reason and reason[1],
                file=file and file[1],
            )
        )
    return found


def commands(body: str) -> Iterator[tuple[str, str]]:
    """Each command of a session, as it is written, with the output that stands below it."""
    lines = body.splitlines(keepends=True)
    while lines:
        written = lines.pop(0)
        if not written.startswith("$ "):
            raise ValueError(f"a session starts with `$ `, not with {written!r}")
        while written.endswith("\\\n"):
            written += lines.pop(0)
        output = ""
        while lines and not lines[0].startswith("$ "):
            output += lines.pop(0)
        yield written, output


def run_page(text: str) -> str:
    """The page with the real output of its examples."""
    if not any(each.language == "console" for each in blocks(text)):
        return text
    parts, end = [], 0
    with _workspace() as folder:
        session = Session(folder)
        for block in blocks(text):
            if block.title:
                path = folder / block.title
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(block.body, encoding="utf-8")
            elif block.language == "console":
                shown = ""
                for written, _ in commands(block.body):
                    command = written[2:].replace("\\\n", " ").strip()
                    if session.status and command != "echo $?":
                        break
                    shown += written + session.run(command)
                if session.status:
                    raise RuntimeError(f"exit status {session.status}, which `$ echo $?` would show, after\n{shown}")
                parts += [text[end : block.start], shown]
                end = block.start + len(block.body)
    return "".join(parts) + text[end:]


def with_files(text: str) -> str:
    """The page with every block below a `<!-- file: PATH -->` as that file of the repository is."""
    for block in reversed(blocks(text)):
        if block.file:
            content = (ROOT / block.file).read_text(encoding="utf-8")
            text = text[: block.start] + content + text[block.start + len(block.body) :]
    return text


def key_pages() -> dict[Path, str]:
    """The pages of keys, with the tables of `aim-tui keys --markdown`."""
    with _workspace():
        markdown, _, _ = _in_process("aim-tui", ["keys", "--markdown"], apart=True)
    sections: dict[str, list[str]] = {name: [] for name in KEY_PAGES}
    for section in markdown.split("\n## ")[1:]:
        first = re.search(r"`([\w-]+)\.[\w-]+` \|$", section, re.MULTILINE)
        assert first is not None, section
        page = next((name for name, (_, groups) in KEY_PAGES.items() if first[1] in groups), "keys.md")
        sections[page].append(f"\n## {section.strip()}\n")
    return {
        DOCS / name: f"# {title}\n\n{KEYS_INTRODUCTION}{''.join(sections[name])}"
        for name, (title, _) in KEY_PAGES.items()
    }


def agree(shown: str, real: str) -> bool:
    """Whether two outputs are the same but for the last digits of decimals, which differ between processors.

    A digit less moves a column, so the width of a gap does not count.
    """
    shown, real = re.sub(" +", " ", shown), re.sub(" +", " ", real)
    if NUMBER.split(shown) != NUMBER.split(real):
        return False
    pairs = zip(NUMBER.findall(shown), NUMBER.findall(real), strict=True)
    return all(_close(*pair) for pair in pairs)


def _close(shown: str, real: str) -> bool:
    decimals = len(shown.partition(".")[2].partition("e")[0])
    return math.isclose(float(shown), float(real), rel_tol=1e-3, abs_tol=max(2 * 10.0**-decimals, 1e-4))


def _in_process(program: str, words: list[str], *, apart: bool) -> tuple[str, str, int]:
    """What `aim-tui` or a Python file prints to stdout and stderr (together unless `apart`), and its exit status."""
    from aim_tui.cli import main

    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
    err = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) if apart else out
    status: object = 0
    before = sys.argv
    sys.argv = ["aim-tui", *words] if program == "aim-tui" else words
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            if program == "aim-tui":
                main()
            else:
                runpy.run_path(words[0], run_name="__main__")
        except SystemExit as leaving:
            status = leaving.code or 0
        finally:
            sys.argv = before
    printed, notes = (_text(stream) for stream in (out, err))
    return printed, notes if apart else "", status if isinstance(status, int) else 1


def _text(stream: io.TextIOWrapper) -> str:
    stream.flush()
    buffer = stream.buffer
    assert isinstance(buffer, io.BytesIO)
    return buffer.getvalue().decode("utf-8")


@contextlib.contextmanager
def _workspace() -> Iterator[Path]:
    """The working folder of a user without settings, with the sample data under the names of the examples."""
    homes = ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME")
    others = {"COLUMNS": "110", "NO_COLOR": "1", "LOGNAME": "ann", "USER": "ann", "AIM_TUI_DEVICE": "cpu"}
    kept = {name: os.environ.get(name) for name in (*homes, *others)}
    ours = [name for name in os.environ if name.startswith(("AIM_TUI_", "DISABLE_")) or name == "BLIP2_MODEL"]
    kept |= {name: os.environ.pop(name) for name in ours}
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary).resolve() / "ann"
        folder.mkdir()
        os.environ |= others | {name: str(folder / ".home" / name.lower()) for name in homes}
        _sample_files(folder)
        os.chdir(folder)
        try:
            yield folder
        finally:
            os.chdir(before)
            for name, value in kept.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value


def _sample_files(folder: Path) -> None:
    """`sample_data` and `gens` as they are; `cats` by category; `after`, blurred copies of one category."""
    from PIL import Image, ImageFilter

    sample = ROOT / "sample_data"
    (folder / "sample_data").symlink_to(sample)
    images = sorted((sample / "generations").iterdir())
    gens = folder / "gens"
    gens.mkdir()
    for image in images:
        (gens / image.name).symlink_to(image)
    shutil.copy(sample / "generations" / "cabin_001.png", gens / "cabin_001 copy.png")
    categories = {"cabins": ("cabin_00[1-5]*",), "villages": ("*village*",), "lakes": ("lake*", "meadow*", "autumn_e*")}
    for category, patterns in categories.items():
        target = folder / "cats" / category
        target.mkdir(parents=True)
        for pattern in patterns:
            for image in (sample / "generations").glob(pattern):
                (target / image.name).symlink_to(image)
    after = folder / "after" / "cabins"
    after.mkdir(parents=True)
    for image in sorted((folder / "cats" / "cabins").iterdir()):
        if image.name != "cabin_003.jpg":
            with Image.open(image) as opened:
                opened.convert("RGB").filter(ImageFilter.GaussianBlur(2)).save(after / image.name)


def main() -> int:
    """Run the examples of the pages and report, or write, what differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="put the real output into the pages")
    parser.add_argument("--list", action="store_true", help="list the commands that are shown without being run")
    parser.add_argument("pages", nargs="*", type=Path, help="all pages, where none is named")
    options = parser.parse_args()
    different = 0
    keys = {} if options.pages else key_pages()
    for page in options.pages or pages():
        text = page.read_text(encoding="utf-8")
        if options.list:
            for block in blocks(text):
                if block.not_run:
                    print(f"{page.resolve().relative_to(ROOT)}: {block.not_run}\n{block.body}")
            continue
        real = keys.get(page) or run_page(with_files(text))
        if options.write:
            page.write_text(real, encoding="utf-8")
        elif not agree(text, real):
            different += 1
            print(
                f"{page}: the output of its examples has changed; python docs/examples.py --write brings it up to date"
            )
    return 1 if different else 0


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    raise SystemExit(main())

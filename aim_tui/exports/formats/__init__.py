"""The registry of file formats: CLI, TUI and Python API write through it. A new format is one file and one line here.

The formats of a content follow from its class: `formats_for(ScoredImages)`.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from aim_tui.core.names import did_you_mean
from aim_tui.errors import UsageError
from aim_tui.exports.content import Content, Drawn, HtmlPaged
from aim_tui.exports.formats.csv import CSV
from aim_tui.exports.formats.editclip import EDITCLIP
from aim_tui.exports.formats.json import JSON, JSON_LINES
from aim_tui.exports.formats.markdown import MARKDOWN
from aim_tui.exports.formats.npz import NPZ
from aim_tui.exports.formats.parquet import PARQUET
from aim_tui.exports.formats.safetensors import SAFETENSORS
from aim_tui.exports.formats.text_table import TABLE
from aim_tui.exports.formats.writer import DocumentWriter, Format
from aim_tui.exports.sink import Sink

HTML = Format("html", "HTML", partial(DocumentWriter, lambda content: content.html()), ("html", "htm"), HtmlPaged)
PNG = Format("png", "PNG", partial(DocumentWriter, lambda content: content.drawing("png")), ("png",), Drawn, "plot")
SVG = Format("svg", "SVG", partial(DocumentWriter, lambda content: content.drawing("svg")), ("svg",), Drawn, "plot")

_FORMATS: dict[str, Format] = {}


def register(file_format: Format) -> None:
    """Add a format; ValueError if one of its names is taken."""
    taken = {name for known in _FORMATS.values() for name in known.names}
    if taken & set(file_format.names):
        raise ValueError(f"{file_format.id}: there is such a format already")
    _FORMATS[file_format.id] = file_format


for _each in (TABLE, CSV, JSON, JSON_LINES, PARQUET, MARKDOWN, HTML, EDITCLIP, NPZ, SAFETENSORS, PNG, SVG):
    register(_each)


def formats_for(*kinds: type[Content]) -> list[Format]:
    """The formats in which one of these kinds of content can be written."""
    return [each for each in _FORMATS.values() if any(issubclass(kind, each.needs) for kind in kinds)]


def file_endings(*kinds: type[Content]) -> list[str]:
    """The usual ending of each of those formats, with its dot."""
    return [f".{each.endings[0]}" for each in formats_for(*kinds) if each.endings]


def get_format(name: str, *kinds: type[Content]) -> Format:
    """The format of that name; UsageError if none of these kinds can be written in it."""
    known = formats_for(*kinds)
    for each in known:
        if name in each.names:
            return each
    names = [each.id for each in known]
    raise UsageError(f"unknown format {name!r}{did_you_mean(name, names)}", f"known: {', '.join(names)}")


def format_of(path: Path, *kinds: type[Content]) -> Format:
    """The format of a file name's ending; UsageError if it is none of these kinds'."""
    if (found := find_by_ending(path, *kinds)) is None:
        known = ", ".join(each.id for each in formats_for(*kinds) if each.endings)
        raise UsageError(f"{path.name}: its ending names no format of {kinds[0].what}", f"known: {known}")
    return found


def find_by_ending(path: Path, *kinds: type[Content]) -> Format | None:
    """The format of a file name's ending, or None."""
    ending = path.suffix.lower().removeprefix(".")
    return next((each for each in formats_for(*kinds) if ending in each.endings), None)


def choose(name: str | None, output: Path | None, *kinds: type[Content]) -> Format:
    """The format that is named, or that of the file's ending, or else a table; UsageError if there is none.

    Also UsageError for a file that cannot be written, before anything is computed.
    """
    if name is not None:
        chosen = get_format(name, *kinds)
    elif output is None:
        chosen = TABLE
    elif (found := find_by_ending(output, *kinds)) is not None:
        chosen = found
    else:
        raise UsageError(f"{output} does not say its format", f"end it with {', '.join(file_endings(*kinds))}")
    if output is not None and chosen is TABLE:
        known = ", ".join(each.id for each in formats_for(*kinds) if each.endings)
        raise UsageError("a table is for the terminal", f"for a file: --format {known}")
    Sink(output).check()
    return chosen


def export(content: Content, chosen: Format, output: Path | None = None) -> None:
    """Write the content to a file, whole or not at all, or to stdout.

    ExportError if writing fails, UsageError if this kind of content has no such format.
    """
    if not isinstance(content, chosen.needs):
        known = ", ".join(each.id for each in formats_for(type(content)))
        raise UsageError(f"cannot export {content.what} as {chosen.id}", f"its formats: {known}")
    chosen.writer(content, Sink(output)).write()

"""A stored run as content to export: rows, a document, pages, and a table for data frames."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from aim_tui.core.metrics.builtin import METRICS
from aim_tui.core.scoring.columns import IMAGES, Kind, View
from aim_tui.core.scoring.records import full_record, own_fields, rare_fields, topic_fields
from aim_tui.core.scoring.results import Row
from aim_tui.core.text import file_name, portable_text
from aim_tui.exports.content import Columnar, HtmlPaged, Paged
from aim_tui.exports.html import Thumbnail, report
from aim_tui.exports.images import ImageRecords, Provenance
from aim_tui.exports.ordering import ranked, score_text, standing
from aim_tui.exports.page import Block, Bullets, Grid, Heading, Quote
from aim_tui.store.records import Run

# Types are given, so that a column in which everything is missing has the same one as in another run.
_TYPES = {Kind.NUMBER: "float64", Kind.TEXT: "string", Kind.FLAG: "bool_"}
_FILE_TYPES = {
    "width": "int64",
    "height": "int64",
    "format": "string",
    "mode": "string",
    "bytes": "int64",
    "sha256": "string",
    "exif_rotated": "bool_",
    "flattened": "string",
    "frames": "int64",
}

_TOPIC_TYPES = {"topic_tokens": "int64", "topic_truncated": "bool_"}

METADATA_KEY = b"aim_tui"
"""The key, in the schema's metadata of a Parquet file, of the run without its rows, as JSON."""


class StoredRun(ImageRecords, Columnar, Paged, HtmlPaged):
    """A run over images; `thumbnail` gives a small PNG, JPEG or WebP of a path for the HTML page, or None."""

    what = "a run over images"

    def __init__(self, run: Run, thumbnail: Thumbnail | None = None) -> None:
        source = Provenance(run.request.profile, not_asked=run.request.not_asked)
        super().__init__(run.results, source, run.opinions)
        self._run = run
        self._thumbnail = thumbnail

    def record(self, row: Row) -> dict[str, Any]:
        """An image with the id of its run."""
        return super().record(row) | {"run": self._run.info.id}

    def document(self) -> dict[str, Any]:
        """The whole run, with facts from the store."""
        return self._run.document()

    def html(self) -> str:
        """The report with pictures."""
        return report(self._run, self._thumbnail)

    def arrow(self, pyarrow: Any) -> Any:
        """One row per image."""
        records = [full_record(row, self.results, self.opinions) for row in self.results.rows]
        about = {name: value for name, value in self.document().items() if name != "results"}
        exported = IMAGES.exported(self.results.plan)
        types = {column.field: _TYPES[column.kind] for column in exported if column.metric in ("", *METRICS)}
        types |= _FILE_TYPES | {column.field: _TYPES[column.kind] for column in exported}
        others = (*own_fields(self.results), *rare_fields(self.results))
        types |= {"prompt_tokens": "int64"} | dict.fromkeys(others, "string")
        types |= {name: _TOPIC_TYPES[name] for name in topic_fields(self.results)}
        fields = [pyarrow.field(name, getattr(pyarrow, kind)()) for name, kind in types.items()]
        opinion = {"rater": "string", "rating": "float64", "rejected": "bool_", "note": "string"}
        judgement = pyarrow.struct([(name, getattr(pyarrow, kind)()) for name, kind in opinion.items()])
        fields.append(pyarrow.field("judgements", pyarrow.list_(judgement)))
        schema = pyarrow.schema(fields, {METADATA_KEY: json.dumps(about).encode("utf-8")})
        columns = [[_clean(record.get(name)) for record in records] for name in (*types, "judgements")]
        return pyarrow.table(columns, schema=schema)

    def page(self) -> Iterator[Block]:
        """Settings, summary, a table with the best first, and where the numbers come from."""
        document = self.document()
        settings = document["settings"]
        yield Heading(f"Scores of {file_name(self._run.info.folder) or 'images'}", 1)
        context = [(name, settings[name]) for name in ("topic", "prompt", "reference") if settings[name]]
        yield Bullets([*context, ("result", "; ".join(standing(self._run)))])
        if "notice" in document:
            yield Quote(document["notice"])
        yield Heading("Images")
        yield self._grid()
        yield Heading("Where the numbers come from")
        sources = [*document["formulas"].items(), *_sources(document)]
        yield Bullets([f"{name}: {value}" for name, value in sources])

    def _grid(self) -> Grid:
        specs = self.results.specs
        opinions = self.opinions if self.opinions is not None and self.opinions.raters else None
        headings = ["#", "image", *(spec.heading for spec in specs)]
        additional = IMAGES.additional()
        headings += [column.title for column in additional]
        headings += ["final ↑", "status", "caption", *(["opinions"] if opinions else [])]
        rows = []
        for rank, row in ranked(self.results):
            cells = [str(rank or ""), self.results.names[row.path]]
            cells += [score_text(row.outcome(spec.id), spec.decimals) for spec in specs]
            cells += [column.text(row, View()) for column in additional]
            cells += [score_text(row.final_outcome, 2), str(row.status), row.caption or ""]
            rows.append([*cells, opinions.words(row.path)] if opinions else cells)
        texts = {2 + len(specs) + place for place, one in enumerate(additional) if one.kind is not Kind.NUMBER}
        texts |= {1, *range(3 + len(specs) + len(additional), len(headings))}
        return Grid(headings, rows, frozenset(texts))


def _sources(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield "profile", document["profile"]
    yield "rules", document["rules"]
    for metric, reason in document.get("not_asked", {}).items():
        yield f"{metric} skipped", reason
    for model in document["models"]:
        known = [str(model[name]) for name in ("id", "revision", "dtype", "device") if model[name]]
        yield str(model["role"]), ", ".join(known)
    for name, value in document["settings"].items():
        if name not in ("topic", "prompt", "reference", "metrics") and value is not None:
            yield name, str(value)
    run = document["run"]
    yield "run", f"{run['id']}, begun {run['started']} on {run['host']}"
    yield "versions", ", ".join(f"{name} {version}" for name, version in run["versions"].items())


def _clean(value: Any) -> Any:
    """Texts as valid Unicode, which Arrow requires."""
    return portable_text(value) if isinstance(value, str) else value

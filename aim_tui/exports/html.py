"""One self-contained HTML page: it sends no request, and no text in it can run.

The page's policy allows only this module's own style sheet and script, by their hashes, so that even a mistake in
escaping could not run.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cache
from importlib import resources
from typing import Any

from aim_tui.core.metrics.spec import MetricSpec
from aim_tui.core.outcomes import Failed, Missing, Outcome, value_of
from aim_tui.core.ratings.records import OpinionsByPath
from aim_tui.core.scoring.columns import IMAGES, Column, Kind, View
from aim_tui.core.scoring.plan import Status
from aim_tui.core.scoring.results import Row
from aim_tui.core.text import file_name
from aim_tui.exports.histogram import histogram
from aim_tui.exports.markup import Html, element, raw
from aim_tui.exports.ordering import ranked, score_text
from aim_tui.store.records import Run, RunState

Thumbnail = Callable[[str], bytes | None]

_IMAGE_TYPES = ((b"\x89PNG", "image/png"), (b"\xff\xd8\xff", "image/jpeg"), (b"RIFF", "image/webp"))


def report(run: Run, thumbnail: Thumbnail | None = None) -> str:
    """The page; `thumbnail` gives a small PNG, JPEG or WebP of a path, or None."""
    document = run.document()
    title = f"{file_name(run.info.folder) or 'Images'}: scores"
    body = element(
        "main",
        _head(run, document, thumbnail),
        _tiles(run),
        _distributions(run),
        _images(run, thumbnail),
        _sources(run, document),
    )
    return "<!DOCTYPE html>\n" + element("html", _page_head(title), element("body", body, _script()), lang="en") + "\n"


def _page_head(title: str) -> Html:
    style, script = _resource("report.css"), _resource("report.js")
    policy = (
        f"default-src 'none'; img-src data:; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    return element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="referrer", content="no-referrer"),
        element("title", title),
        element("style", raw(style)),
    )


def _script() -> Html:
    return element("script", raw(_resource("report.js")))


def _head(run: Run, document: dict[str, Any], thumbnail: Thumbnail | None) -> Html:
    context = run.request.context
    begun = run.info.started.strftime("%d %B %Y, %H:%M UTC").lstrip("0")
    texts = [("Topic", context.topic), ("Prompt", context.prompt)]
    entries = [element("div", element("dt", name), element("dd", text)) for name, text in texts if text]
    if context.reference:
        picture = _picture(context.reference, thumbnail)
        name = element("span", file_name(context.reference), title=context.reference)
        entries.append(element("div", element("dt", "Reference"), element("dd", picture, name), class_="reference"))
    notes = [element("p", document["notice"], class_="notice")] if "notice" in document else []
    if run.info.state is not RunState.DONE:
        summary = run.results.summary()
        reached = f"{summary.n - summary.n_pending} of {summary.n} images were reached"
        notes.append(element("p", f"This run is {run.info.state}: {reached}.", class_="notice"))
    return element(
        "header",
        element("p", f"aim-tui · profile {run.info.profile} · {begun}", class_="eyebrow"),
        element("h1", file_name(run.info.folder) or "Images", title=run.info.folder or None),
        element("dl", *entries, class_="asked"),
        *notes,
    )


def _tiles(run: Run) -> Html:
    summary = run.results.summary()
    tiles = [_tile("Scored", str(summary.n_ok), ", ".join([f"of {summary.n} images", *summary.unscored]))]
    if summary.mean is not None and summary.median is not None and summary.best is not None:
        tiles += [
            _tile("Mean final score", f"{summary.mean:.2f}", summary.used),
            _tile("Median", f"{summary.median:.2f}", summary.used),
            _tile("Best", f"{summary.best_score:.2f}", run.results.names[summary.best]),
        ]
    return element("section", *tiles, class_="tiles", aria_label="Summary")


def _tile(name: str, value: str, note: str) -> Html:
    return element("div", element("h2", name), element("p", value, class_="big"), element("p", note, class_="note"))


def _distributions(run: Run) -> Html | None:
    rows = run.results.rows
    figures = []
    finals = [row.final for row in rows if row.final is not None]
    if finals:
        figures.append(_figure("Final score ↑", finals, len(rows), 2, "final score"))
    for spec in run.results.specs:
        values = [value for row in rows if (value := value_of(row.outcome(spec.id))) is not None]
        if values:
            heading = f"{spec.title} {spec.arrow}"
            figures.append(_figure(heading, values, len(rows), spec.decimals - 1, spec.title))
    if not figures:
        return None
    return element("section", element("h2", "Distributions"), element("div", *figures, class_="figures"))


def _figure(caption: str, values: list[float], n: int, decimals: int, name: str) -> Html:
    note = element("span", f"{len(values)} of {n}" if len(values) < n else f"all {n}")
    return element("figure", element("figcaption", element("b", caption), note), histogram(values, name, decimals))


def _images(run: Run, thumbnail: Thumbnail | None) -> Html:
    specs = run.results.specs
    headings = [("#", "num"), ("Image", ""), ("Final ↑", "num")]
    headings += [(spec.heading, "num") for spec in specs]
    additional = IMAGES.additional()
    headings += [(column.title, "num" if column.kind is Kind.NUMBER else "") for column in additional]
    captioned = any(row.caption for row in run.results.rows)
    headings += [("Caption", "")] if captioned else []
    opinions = run.opinions if run.opinions is not None and run.opinions.raters else None
    headings += [("Opinions", "")] if opinions else []
    head = element("tr", *(_heading(name, class_) for name, class_ in headings))
    names = run.results.names
    body = [
        _row(rank, row, names[row.path], specs, captioned, thumbnail, opinions) for rank, row in ranked(run.results)
    ]
    find = "Find in names and captions"
    tools = element(
        "div",
        element("h2", "Images"),
        element("input", type="search", id="find", placeholder=find, aria_label=find, hidden=True),
        element("p", id="count", class_="note", role="status"),
        class_="tools",
    )
    table = element("table", element("thead", head), element("tbody", *body), id="images")
    key = "Small figures are the normalised values (0 to 1). – is missing, ! is failed; the reason is under the name."
    return element("section", tools, element("div", table, class_="scroll"), element("p", key, class_="note"))


def _heading(name: str, class_: str) -> Html:
    sort = "ascending" if name == "#" else None
    return element("th", element("button", name, type="button"), scope="col", class_=class_ or None, aria_sort=sort)


def _row(
    rank: int | None,
    row: Row,
    name: str,
    specs: Sequence[MetricSpec],
    captioned: bool,
    thumbnail: Thumbnail | None,
    opinions: OpinionsByPath | None,
) -> Html:
    facts = row.facts
    size = f"{facts.width} × {facts.height} {facts.format}" if facts else None
    why = row.errors() or ("not reached" if row.status is Status.PENDING else None)
    words = element(
        "div",
        element("b", name, title=row.path),
        element("span", size, class_="note") if size else None,
        element("span", why, class_="why") if why else None,
    )
    image = element("div", _picture(row.path, thumbnail), words, class_="image")
    cells = [
        element("td", rank or "", class_="num rank", data_v=rank),
        element("td", image, data_v=name),
        _final(row),
        *(_cell(row, spec) for spec in specs),
        *(_additional(row, column) for column in IMAGES.additional()),
    ]
    if captioned:
        cells.append(element("td", row.caption or "", class_="caption", data_v=row.caption or None))
    if opinions is not None:
        text = opinions.words(row.path)
        cells.append(element("td", text, class_="caption", data_v=text or None))
    return element("tr", *cells)


def _final(row: Row) -> Html:
    if row.final is None:
        return element("td", _mark(row.final_outcome), class_="num")
    bar = element(
        "svg",
        element("rect", width="100", height="4", rx="2", class_="track"),
        element("rect", width=f"{row.final:.1f}", height="4", rx="2", class_="fill"),
        viewBox="0 0 100 4", preserveAspectRatio="none", aria_hidden="true", class_="bar",
    )  # fmt: skip
    return element("td", element("b", f"{row.final:.2f}"), bar, class_="num final", data_v=row.final)


def _cell(row: Row, spec: MetricSpec) -> Html:
    outcome = row.outcome(spec.id)
    value = value_of(outcome)
    if value is None:
        return element("td", _mark(outcome), class_="num")
    small = element("span", score_text(row.norm(spec.id), 3), class_="note", title=spec.norm_field)
    return element("td", element("span", score_text(outcome, spec.decimals)), small, class_="num", data_v=value)


def _additional(row: Row, column: Column) -> Html:
    value = column.value(row, View())
    class_ = "num" if column.kind is Kind.NUMBER else None
    return element("td", column.text(row, View()), class_=class_, data_v=value)


def _mark(outcome: Outcome | None) -> Html:
    match outcome:
        case Failed(reason):
            return element("span", "!", title=reason, class_="mark")
        case Missing(reason):
            return element("span", "–", title=reason, class_="mark")
    return element("span", "–", title="not reached", class_="mark")


def _picture(path: str, thumbnail: Thumbnail | None) -> Html | None:
    data = thumbnail(path) if thumbnail else None
    kind = next((kind for magic, kind in _IMAGE_TYPES if data and data.startswith(magic)), None)
    if data is None or kind is None:
        return element("span", class_="blank") if thumbnail else None
    source = f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"
    return element("img", src=source, alt="", loading="lazy", decoding="async")


def _sources(run: Run, document: dict[str, Any]) -> Html:
    settings = {
        name: value for name, value in document["settings"].items() if name not in ("topic", "prompt", "reference")
    }
    about = document["run"]
    run_facts = {
        "run": about["id"],
        "state": about["state"],
        "begun": _moment(run.info.started),
        "ended": _moment(run.info.ended) if run.info.ended else None,
        "command": about["command"],
        "folder": about["folder"],
        "host": about["host"],
        "reference sha256": about["reference_sha256"],
    }
    shown = {"profile": document["profile"], "rules": document["rules"], "weights": document["weights"], **settings}
    shown |= {f"{metric} skipped": reason for metric, reason in run.request.not_asked.items()}
    models = {model["role"]: {k: v for k, v in model.items() if k != "role"} for model in document["models"]}
    for role, fingerprint in about["fingerprints"].items():
        models.setdefault(role, {})["fingerprint"] = fingerprint
    return element(
        "section",
        element("h2", "Where the numbers come from"),
        element(
            "div",
            _facts("Formulas", document["formulas"], "formulas"),
            _facts("Settings", shown),
            _facts("Run", run_facts),
            *(_facts(f"Model: {role}", model) for role, model in models.items()),
            _facts("Versions", about["versions"]),
            class_="sources",
        ),
    )


def _moment(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S UTC")


def _facts(title: str, facts: dict[str, Any], class_: str | None = None) -> Html:
    entries = [
        element("div", element("dt", name), element("dd", _value(value)))
        for name, value in facts.items()
        if value not in (None, "", {}, [])
    ]
    return element("div", element("h3", title), element("dl", *entries), class_=class_)


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_value(part)}" for name, part in value.items())
    if isinstance(value, list):
        return ", ".join(map(_value, value))
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


@cache
def _resource(name: str) -> str:
    return resources.files(__package__ or "").joinpath(name).read_text("utf-8")


def _hash(source: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(source.encode("utf-8")).digest()).decode("ascii")

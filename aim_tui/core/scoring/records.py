"""Results as plain records, for every output of the program. Field names are AIM's."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from aim_tui.core.metrics.profiles import Profile
from aim_tui.core.metrics.registry import get_metric
from aim_tui.core.outcomes import value_of
from aim_tui.core.ratings.records import OpinionsByPath
from aim_tui.core.scoring.columns import EDITS, IMAGES, View
from aim_tui.core.scoring.events import ModelInfo
from aim_tui.core.scoring.jobs import EngineSettings
from aim_tui.core.scoring.plan import ScoringPlan
from aim_tui.core.scoring.results import Results, Row
from aim_tui.core.text import path_bytes, portable_path

#: The fields of one image that is scored on AIM's metrics, in the order that every format writes them.
FIELDS = IMAGES.fields()

_OWN = ("topic", "prompt", "prompt_origin", "reference")

#: Facts that few files have; they stand in a record where there is something to say.
_RARE_FACTS = ("levels", "icc", "damage")

_TRUTH = ("original_id", "is_correct", "error_type", "original_instruction")

# A table has no other place for its provenance.
_PROVENANCE = ("weights", "rules", "notice")

_LATE_CONTROL = re.compile(r"[\x7f-\x9f]")


def record(row: Row, results: Results) -> dict[str, Any]:
    """One image or edit as a flat record; a missing value is None, and `error` says why."""
    view = View(prompt=results.prompt)
    columns = EDITS if row.edit is not None else IMAGES
    return {column.field: column.export_value(row, view) for column in columns.exported(results.plan)}


def fields(plan: ScoringPlan) -> tuple[str, ...]:
    """The fields of images, with those of metrics other than AIM's before the final score."""
    return tuple(column.field for column in IMAGES.exported(plan))


def full_record(row: Row, results: Results, opinions: OpinionsByPath | None = None) -> dict[str, Any]:
    """The flat record, and the facts of the file: size, format, content hash, how it was read.

    If opinions are given, `judgements` has a list with one record for each rater.
    """
    if row.edit is not None:
        full = _edit_record(row, results)
    else:
        full = record(row, results)
        if (raw_path := path_bytes(row.path)) is not None:
            full["path_bytes"] = raw_path
        if row.facts is not None:
            facts = asdict(row.facts) | {"flattened": row.facts.flattened or None}
            full |= {name: value for name, value in facts.items() if value or name not in _RARE_FACTS}
        full |= _own(row) | _topic_read(row, results)
    return full if opinions is None else full | {"judgements": opinions.records(row.id)}


def _edit_record(row: Row, results: Results) -> dict[str, Any]:
    """The flat record, without fields that the data file lacks, with captions and the facts of both files."""
    flat = {name: value for name, value in record(row, results).items() if name not in _TRUTH or name in row.truth}
    flat |= {f"{metric}_from": caption for metric, caption in row.captions.items()}
    for side, facts in (("source", row.source), ("target", row.facts)):
        if facts is not None:
            flat |= {f"{side}_{name}": getattr(facts, name) for name in ("width", "height", "sha256")}
    return flat


def rare_fields(results: Results) -> tuple[str, ...]:
    """Those of the facts that few files have which some file of these has."""
    return tuple(
        name for name in _RARE_FACTS if any(row.facts is not None and getattr(row.facts, name) for row in results.rows)
    )


def own_fields(results: Results) -> tuple[str, ...]:
    """Those of topic, prompt and reference that images have of their own."""
    names = {name for row in results.rows for name in _own(row)}
    return tuple(name for name in _OWN if name in names)


def _own(row: Row) -> dict[str, str]:
    """Topic, prompt and reference of a row's own, which override those of the run."""
    if row.own is None:
        return {}
    own = {
        "topic": row.own.topic,
        "prompt": row.own.prompt,
        "prompt_origin": row.own.prompt_origin if row.own.prompt else "",
        "reference": portable_path(row.own.reference),
    }
    return {name: text for name, text in own.items() if text}


def _topic_read(row: Row, results: Results) -> dict[str, Any]:
    """How much of the topic is read, if a model counted it: most sentence encoders stop at 128 tokens."""
    read = row.text_read("topic", results.topic)
    return {} if read is None else {"topic_tokens": read.tokens, "topic_truncated": read.truncated}


def topic_fields(results: Results) -> tuple[str, ...]:
    """The fields of how much of the topic is read, if a model counted it."""
    return next((tuple(found) for row in results.rows if (found := _topic_read(row, results))), ())


def csv_fields(results: Results, opinions: OpinionsByPath | None = None) -> list[str]:
    """The columns of CSV, with the provenance, and three for each rater if opinions are given."""
    raters = opinions.columns() if opinions is not None else ()
    if results.of_edits:
        return [*(column.field for column in EDITS.exported(results.plan)), "notice", *raters]
    return [*fields(results.plan), *own_fields(results), *topic_fields(results), *_PROVENANCE, *raters]


def csv_record(
    row: Row, results: Results, provenance: Mapping[str, Any], opinions: OpinionsByPath | None = None
) -> dict[str, Any]:
    """One image or edit as a line of CSV, by column."""
    cells = record(row, results) | {"notice": provenance.get("notice")}
    if row.edit is None:
        weights = " ".join(f"{metric}={weight:g}" for metric, weight in provenance["weights"].items())
        cells |= {"weights": weights, "rules": provenance["rules"], **_own(row), **_topic_read(row, results)}
    return cells | (opinions.cells(row.id) if opinions is not None else {})


def to_json(data: Any, indent: int | None = None) -> str:
    """JSON as in every output: readable Unicode, and never NaN."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, indent=indent)
    # JSON only escapes the control characters below space; a terminal also obeys those from 0x7f to 0x9f.
    return _LATE_CONTROL.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def engine_settings(engine: EngineSettings) -> dict[str, Any]:
    """What every output says about how images were read and models run, besides the models themselves."""
    run = {name: getattr(engine, name) for name in ("device", "precision", "batch_size")}
    return run | {name: getattr(engine.reading, name) for name in ("exif", "background", "max_pixels", "max_bytes")}


def provenance(results: Results, profile: Profile, not_asked: Mapping[str, str]) -> dict[str, Any]:
    """What every output says about where its numbers come from."""
    return {
        "profile": profile.name,
        "weights": {metric: results.plan.weights[metric] for metric in results.plan.metrics},
        "rules": profile.rules_note().removeprefix("rules: "),
        **({"not_asked": dict(not_asked)} if not_asked else {}),
        **({"notice": profile.notice} if profile.notice else {}),
    }


def document(
    results: Results,
    profile: Profile,
    settings: Mapping[str, Any],
    not_asked: Mapping[str, str],
    opinions: OpinionsByPath | None = None,
) -> dict[str, Any]:
    """The whole run: settings, models, weights, formulas, results and summary."""
    context = results.context
    summary = results.summary()
    return {
        **provenance(results, profile, not_asked),
        "settings": {
            "topic": context.topic or None,
            "prompt": context.prompt or None,
            "reference": portable_path(context.reference) if context.reference else None,
            "metrics": list(results.plan.metrics),
            **settings,
        },
        "models": _models(results.models.values()),
        "formulas": formulas(results),
        "results": [full_record(row, results, opinions) for row in results.rows],
        "summary": {
            "n": summary.n,
            "n_ok": summary.n_ok,
            "n_partial": summary.n_partial,
            "n_failed": summary.n_failed,
            "n_not_scored": summary.n_pending,
            "n_in_mean": summary.n_final,
            "mean": summary.mean,
            "median": summary.median,
            "best": portable_path(summary.best) if summary.best else None,
            "best_score": summary.best_score,
        },
    }


def edits_document(
    results: Results, provenance: Mapping[str, Any], opinions: OpinionsByPath | None = None
) -> dict[str, Any]:
    """A whole run over edits: provenance, models, formulas, rows, and statistics of each number."""
    states = [str(row.status) for row in results.rows]
    return {
        **provenance,
        "models": _models(results.models.values()),
        "formulas": {
            spec.id: {
                "formula": spec.formula,
                "higher_is_better": spec.higher_is_better,
                "low": spec.low,
                "high": spec.high if spec.high != float("inf") else None,
            }
            for spec in results.specs
        },
        "results": [full_record(row, results, opinions) for row in results.rows],
        "statistics": {metric: _statistics(results, metric) for metric in results.plan.metrics},
        "summary": {"n": len(states)}
        | {f"n_{state}": states.count(state) for state in ("ok", "partial", "failed", "pending")},
    }


def _statistics(results: Results, metric: str) -> dict[str, Any]:
    summary = results.metric_summary(metric)
    if summary is None:
        return {"n": 0, "left_out": len(results.rows), **dict.fromkeys(("mean", "std", "min", "max"))}
    counts = {"n": summary.n, "left_out": len(results.rows) - summary.n}
    return counts | {"mean": summary.mean, "std": summary.std, "min": summary.low, "max": summary.high}


def editclip_document(results: Results, *, metric: str, model: str, resolution: str, notice: str) -> dict[str, Any]:
    """editclip_results.json: the edits with a value, its statistics, and why the others have none.

    `metric` is 'editclip_score', or a similarity of the images, which the file calls 'image_similarity'.
    """
    field = "editclip_score" if metric == "editclip_score" else "image_similarity"
    rows, failures = [], []
    for row in results.rows:
        value, full = value_of(row.outcome(metric)), _edit_record(row, results)
        named = {name: full[name] for name in ("id", "instruction", "source_image", "target_image")}
        if value is None:
            failures.append({**named, "error": row.errors() or "not scored"})
        else:
            truth = {name: full[name] for name in _TRUTH if name in full}
            rows.append({**named, field: value, "model": model, **truth})
    summary = _statistics(results, metric)
    statistics = {
        "num_samples": summary["n"],
        **{f"{name}_score": summary[name] for name in ("mean", "std", "min", "max")},
        "model": model,
        "resolution": resolution,
        "score_type": field,
        "num_failed": len(failures),
    }
    if notice:
        statistics["notice"] = notice
    return {"statistics": statistics, "results": rows, "failures": failures}


def _models(infos: Iterable[ModelInfo]) -> list[dict[str, Any]]:
    return [record | record.pop("detail") for record in map(asdict, infos)]


def formulas(results: Results) -> dict[str, str]:
    """Each number's formula in words, with the break points and weights in use."""
    words: dict[str, str] = {}
    for metric in results.plan.metrics:
        spec = get_metric(metric)
        words[spec.raw_field] = spec.formula
        if metric in results.plan.shares:
            words[spec.norm_field] = results.plan.rules.rules[metric].describe(spec.raw_field)
    words["final_score"] = results.plan.formula().removeprefix("final_score = ")
    return words

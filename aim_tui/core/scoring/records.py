"""Results as plain records, for every output that leaves the program. Field names are AIM's."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
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

# A table has no other place for what made its numbers.
_SAID = ("weights", "rules", "notice")
#: The columns of CSV where images are scored on AIM's metrics.
CSV_FIELDS = (*FIELDS, *_SAID)

_LATE_CONTROL = re.compile(r"[\x7f-\x9f]")


def record(row: Row, results: Results) -> dict[str, Any]:
    """One image or edit as a flat record; a value that is not there is None, and `error` says why."""
    view = View(prompt=results.prompt)
    columns = EDITS if row.edit is not None else IMAGES
    return {column.field: column.export_value(row, view) for column in columns.exported(results.plan)}


def fields(plan: ScoringPlan) -> tuple[str, ...]:
    """The fields of the columns of images, with those of the metrics beside AIM's before the final score."""
    return tuple(column.field for column in IMAGES.exported(plan))


def full_record(row: Row, results: Results, judged: OpinionsByPath | None = None) -> dict[str, Any]:
    """The flat record, and what is known of the file: size, format, content hash, how it was read.

    Where people's judgements were looked up they stand in `judgements`, a list with one record for each rater.
    """
    if row.edit is not None:
        return _edit_record(row, results) | ({"judgements": judged.records(row.id)} if judged is not None else {})
    full = record(row, results)
    if (raw_path := path_bytes(row.path)) is not None:
        full["path_bytes"] = raw_path
    if row.facts is not None:
        facts = row.facts
        full |= {
            "width": facts.width,
            "height": facts.height,
            "format": facts.format,
            "mode": facts.mode,
            "bytes": facts.bytes,
            "sha256": facts.sha256,
            "exif_rotated": facts.exif_rotated,
            "flattened": facts.flattened or None,
            "frames": facts.frames,
        }
        full |= {name: text for name in _RARE_FACTS if (text := getattr(facts, name))}
    full |= _own(row) | _topic_read(row, results)
    if judged is not None:
        full["judgements"] = judged.records(row.path)
    return full


def _edit_record(row: Row, results: Results) -> dict[str, Any]:
    """The flat record, without what the data file does not say, with captions and what is known of both files."""
    flat = {name: value for name, value in record(row, results).items() if name not in _TRUTH or name in row.truth}
    flat |= {f"{metric}_from": caption for metric, caption in row.captions.items()}
    for side, facts in (("source", row.source), ("target", row.facts)):
        if facts is not None:
            flat |= {
                f"{side}_width": facts.width,
                f"{side}_height": facts.height,
                f"{side}_sha256": facts.sha256,
            }
    return flat


def rare_fields(results: Results) -> tuple[str, ...]:
    """Those of the facts that few files have which some file of these has."""
    return tuple(
        name for name in _RARE_FACTS if any(row.facts is not None and getattr(row.facts, name) for row in results.rows)
    )


def own_fields(results: Results) -> tuple[str, ...]:
    """Those of topic, prompt and reference that images bring themselves."""
    brought = {name for row in results.rows if row.own is not None for name in _own(row)}
    return tuple(name for name in _OWN if name in brought)


def _own(row: Row) -> dict[str, str]:
    """What an image brings itself, in the place of everybody's."""
    if row.own is None:
        return {}
    found = {
        "topic": row.own.topic,
        "prompt": row.own.prompt,
        "prompt_origin": row.own.prompt_origin if row.own.prompt else "",
        "reference": portable_path(row.own.reference),
    }
    return {name: text for name, text in found.items() if text}


def _topic_read(row: Row, results: Results) -> dict[str, Any]:
    """How much of the topic is read, where a model counted it: most encoders of sentences stop at 128 tokens."""
    read = row.text_read("topic", results.topic)
    return {} if read is None else {"topic_tokens": read.tokens, "topic_truncated": read.truncated}


def topic_fields(results: Results) -> tuple[str, ...]:
    """The fields of what is read of the topic, where a model counted it."""
    return next((tuple(found) for row in results.rows if (found := _topic_read(row, results))), ())


def csv_fields(results: Results, judged: OpinionsByPath | None = None) -> list[str]:
    """The columns of CSV: what made the numbers stands behind them; three for each rater whose words were looked up."""
    raters = judged.columns() if judged is not None else ()
    if results.of_edits:
        return [*(column.field for column in EDITS.exported(results.plan)), "notice", *raters]
    return [*fields(results.plan), *own_fields(results), *topic_fields(results), *_SAID, *raters]


def csv_record(
    row: Row, results: Results, said: Mapping[str, Any], judged: OpinionsByPath | None = None
) -> dict[str, Any]:
    """One image as a line of CSV, of `csv_fields`; `said` is its `provenance`."""
    if row.edit is not None:
        cells = record(row, results) | {"notice": said.get("notice")}
    else:
        weights = " ".join(f"{metric}={weight:g}" for metric, weight in said["weights"].items())
        cells = record(row, results) | {"weights": weights, "rules": said["rules"], "notice": said.get("notice")}
        cells |= _own(row) | _topic_read(row, results)
    return cells | (judged.cells(row.id) if judged is not None else {})


def to_json(data: Any, indent: int | None = None) -> str:
    """JSON as every output has it: readable Unicode, and never NaN."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, indent=indent)
    # JSON escapes the control characters below space alone; a terminal obeys those from 0x7f to 0x9f as well.
    return _LATE_CONTROL.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def engine_settings(engine: EngineSettings) -> dict[str, Any]:
    """What every output says about how images were read and models run, besides the models themselves."""
    return {
        "device": engine.device,
        "precision": engine.precision,
        "batch_size": engine.batch_size,
        "exif": engine.reading.exif,
        "background": engine.reading.background,
        "max_pixels": engine.reading.max_pixels,
        "max_bytes": engine.reading.max_bytes,
    }


def provenance(results: Results, profile: Profile, not_asked: dict[str, str]) -> dict[str, Any]:
    """What every output says about where its numbers come from."""
    said: dict[str, Any] = {
        "profile": profile.name,
        "weights": {metric: results.plan.weights[metric] for metric in results.plan.metrics},
        "rules": profile.rules_note().removeprefix("rules: "),
    }
    if not_asked:
        said["not_asked"] = not_asked
    if profile.notice:
        said["notice"] = profile.notice
    return said


def document(
    results: Results,
    profile: Profile,
    settings: dict[str, Any],
    not_asked: dict[str, str],
    judged: OpinionsByPath | None = None,
) -> dict[str, Any]:
    """The whole run: settings, models, weights, formulas, results, and what they add up to."""
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
        "results": [full_record(row, results, judged) for row in results.rows],
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


def edits_document(results: Results, said: Mapping[str, Any], judged: OpinionsByPath | None = None) -> dict[str, Any]:
    """A whole run over edits: its `said` provenance, models, formulas, rows, and what each number adds up to."""
    states = [str(row.status) for row in results.rows]
    return {
        **said,
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
        "results": [full_record(row, results, judged) for row in results.rows],
        "statistics": {metric: _statistics(results, metric) for metric in results.plan.metrics},
        "summary": {"n": len(states)}
        | {f"n_{state}": states.count(state) for state in ("ok", "partial", "failed", "pending")},
    }


def _statistics(results: Results, metric: str) -> dict[str, Any]:
    found = results.metric_summary(metric)
    n = found.n if found else 0
    values = {"mean": found.mean, "std": found.std, "min": found.low, "max": found.high} if found else {}
    return {"n": n, "left_out": len(results.rows) - n, **(values or dict.fromkeys(("mean", "std", "min", "max")))}


def editclip_document(results: Results, *, metric: str, model: str, resolution: str, notice: str) -> dict[str, Any]:
    """editclip_results.json: the edits that have the number, its statistics, and why the others have none.

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
            rows.append(
                {**named, field: value, "model": model, **{name: full[name] for name in _TRUTH if name in full}}
            )
    found = _statistics(results, metric)
    stated = {
        "num_samples": found["n"],
        "mean_score": found["mean"],
        "std_score": found["std"],
        "min_score": found["min"],
        "max_score": found["max"],
        "model": model,
        "resolution": resolution,
        "score_type": field,
        "num_failed": len(failures),
    }
    if notice:
        stated["notice"] = notice
    return {"statistics": stated, "results": rows, "failures": failures}


def _models(infos: Iterable[ModelInfo]) -> list[dict[str, Any]]:
    return [
        {
            "role": info.role,
            "id": info.id,
            "revision": info.revision,
            "dtype": info.dtype,
            "device": info.device,
            "parameters": info.parameters,
            **info.detail,
        }
        for info in infos
    ]


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

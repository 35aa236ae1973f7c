"""`aim-tui score --manifest`: score the rows of a file, each with its own topic, prompt and reference."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aim_tui.cli.console import say
from aim_tui.cli.scoring.item_prompts import Prompts, own_context, with_own
from aim_tui.cli.scoring.manifest_run import ManifestTask, Refused, cell_text, run
from aim_tui.core.metrics.registry import get_metric
from aim_tui.core.metrics.spec import Need
from aim_tui.core.outcomes import value_of
from aim_tui.core.scoring.context import Context
from aim_tui.core.scoring.plan import ScoringPlan
from aim_tui.core.scoring.results import Row as Result
from aim_tui.errors import UsageError
from aim_tui.inputs.manifests import ManifestRow, PathError, locate_image, require_columns
from aim_tui.inputs.prompts import find_prompt
from aim_tui.runs.manifest_output import ManifestOutput, open_input
from aim_tui.runs.setup import Setup


@dataclass(frozen=True, slots=True)
class Columns:
    """The column names of the options; None stands for the default name, if the file has such a column."""

    image: str | None = None
    topic: str | None = None
    prompt: str | None = None
    reference: str | None = None


def score_manifest(
    file: Path,
    columns: Columns,
    setup: Setup,
    prompts: Prompts,
    output: Path | None,
    *,
    prefix: str,
    replace: bool,
    store: Path | None,
) -> int:
    """Score the rows and write them with the columns added; 0 all scored, 1 some not, 130 interrupted."""
    manifest = open_input(file, output)
    names = _names(columns)
    require_columns(manifest, [name for name in (columns.topic, columns.prompt, columns.reference) if name])
    known = manifest.columns()
    needs = {need: name for need, name in names.items() if name in known}
    if prompts.origin is not None:
        needs.pop(Need.PROMPT, None)
    setup = with_own(setup, {*needs, *((Need.PROMPT,) if prompts.origin is not None else ())})
    if not setup.metrics and not needs:
        raise UsageError(
            f"nothing to score: {file} has none of the columns {', '.join(names.values())}",
            "name them: --prompt-key, --topic-key, --reference-key; or give --prompt, --topic, --reference for all",
        )
    plan = setup.plan()
    folder = os.path.dirname(os.path.abspath(file))

    def context(row: ManifestRow, path: str) -> Context | Refused:
        found: dict[str, str] = {}
        for need, name in needs.items():
            text = cell_text(row, name)
            if isinstance(text, Refused):
                return text
            found[str(need)] = text
        if found.get("reference"):
            try:
                found["reference"] = locate_image(found["reference"], folder)
            except PathError as error:
                return Refused(f"reference: {error}")
        if prompts.origin is None:
            return Context(**found)
        own = own_context(find_prompt(path, prompts.origin, keep_tags=prompts.keep_tags))
        found |= {"prompt": own.prompt} if own.prompt else {}
        return Context(**found, prompt_origin=own.prompt_origin)

    image = columns.image or "image_path"
    added = {f"{prefix}{name}": kind for name, kind in _added(plan).items()}
    mean_of = "final_score" if plan.shares else get_metric(plan.metrics[0]).raw_field
    task = ManifestTask(
        manifest,
        setup,
        plan,
        (image, *needs.values()),
        added,
        context,
        image,
        lambda found: {f"{prefix}{name}": value for name, value in _cells(found, plan).items()},
        f"{prefix}{mean_of}",
        replace=replace,
    )
    task.check()
    if setup.profile.notice:
        say(setup.profile.notice, "yellow")
    for metric, reason in setup.not_asked.items():
        say(f"skipping {metric}: {reason}")
    say(plan.formula())
    say(setup.profile.rules_note())
    return run(task, ManifestOutput(manifest, output, added), store)


def _names(columns: Columns) -> dict[Need, str]:
    return {
        Need.TOPIC: columns.topic or "topic",
        Need.PROMPT: columns.prompt or "prompt",
        Need.REFERENCE: columns.reference or "reference",
    }


def _added(plan: ScoringPlan) -> dict[str, type]:
    """The added columns with their types: raw and normalised values, the final score, status and error."""
    added: dict[str, type] = {}
    for metric in plan.metrics:
        spec = get_metric(metric)
        if spec.captions:
            added["caption"] = str
        added[spec.raw_field] = float
        if metric in plan.shares:
            added[spec.norm_field] = float
    if plan.shares:
        added["final_score"] = float
    return added | {"status": str, "error": str}


def _cells(found: Result | Refused, plan: ScoringPlan) -> Mapping[str, Any]:
    cells: dict[str, Any] = dict.fromkeys(_added(plan))
    if isinstance(found, Refused):
        return cells | {"status": "failed", "error": found.reason}
    values: dict[str, Any] = {
        "caption": found.caption,
        "final_score": found.final,
        "status": str(found.status),
        "error": found.errors(),
    }
    for metric in plan.metrics:
        spec = get_metric(metric)
        values[spec.raw_field] = value_of(found.outcome(metric))
        values[spec.norm_field] = value_of(found.norm(metric))
    return {name: values[name] for name in cells}

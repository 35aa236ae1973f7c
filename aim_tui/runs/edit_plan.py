"""The plan for scoring the edits of a file: metrics, models, and the request for the store.

The command and the application make the same plan, so that one can resume what the other began.
"""

from __future__ import annotations

import os
import shlex
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from aim_tui.core.metrics import edits
from aim_tui.core.metrics.profiles import Profile
from aim_tui.core.metrics.spec import ModelRef, Role
from aim_tui.core.names import comma_separated
from aim_tui.core.scoring.context import Context
from aim_tui.core.scoring.events import Item, captioned
from aim_tui.core.scoring.jobs import EngineSettings
from aim_tui.core.scoring.plan import ScoringPlan, raw_plan
from aim_tui.core.scoring.records import engine_settings
from aim_tui.core.text import printable
from aim_tui.errors import UsageError
from aim_tui.inputs.edits import EditColumns, EditFile
from aim_tui.runs.provenance import fingerprints
from aim_tui.store.records import RunRequest


@dataclass(frozen=True, slots=True)
class EditWish:
    """What a user asks for: the file of edits, and what differs from the settings."""

    data: str
    families: str | None = None
    model: str | None = None
    pre_resize: int | None = None
    columns: EditColumns = EditColumns()


@dataclass(frozen=True, slots=True)
class EditPlan:
    """A wish combined with the settings."""

    profile: Profile
    file: EditFile
    families: tuple[str, ...]
    engine: EngineSettings
    not_asked: str = ""

    @property
    def roles(self) -> tuple[Role, ...]:
        """The roles of the models in use."""
        return edits.roles_for(self.families, captioned=captioned(self.items()))

    def items(self) -> list[Item]:
        """The edits as items for the engine."""
        return [row.item(number) for number, row in enumerate(self.file.rows)]

    @property
    def context(self) -> Context:
        """The common context of all edits, which is empty."""
        return Context()

    def plan(self) -> ScoringPlan:
        """The scoring plan, of raw values only."""
        return raw_plan(spec.id for spec in edits.measures(self.families))

    def with_store(self, path: Path) -> EditPlan:
        """The plan with the store whose feature cache the engine uses."""
        return replace(self, engine=replace(self.engine, store=str(path)))

    def settings(self) -> dict[str, Any]:
        """The settings that numbers depend on, besides the models' files."""
        computing = {
            str(role): [ref.dtype, ref.device, ref.attention, ref.quantisation, ref.processor]
            for role in self.roles
            if (ref := self.engine.models.get(role)) is not None
        }
        return {**engine_settings(self.engine), "pre_resize": self.engine.edit_resize, "computing": computing}

    def provenance(self) -> dict[str, Any]:
        """What every output says about where its numbers come from."""
        provenance: dict[str, Any] = {
            "profile": self.profile.name,
            "data": printable(self.file.path),
            "metrics": list(self.families),
            "settings": {name: value for name, value in self.settings().items() if name != "computing"},
        }
        if self.profile.notice:
            provenance["notice"] = self.profile.notice
        return provenance

    def request(self, *, models_needed: bool) -> RunRequest:
        """The request for the store; reads small files.

        A model that is not on this machine raises ModelUnavailableError if `models_needed`; otherwise it has no
        fingerprint, and the worker reports the error later.
        """
        data = os.path.abspath(self.file.path)
        return RunRequest(
            context=self.context,
            plan=self.plan(),
            profile=self.profile,
            command=shlex.join(["aim-tui", *sys.argv[1:]]),
            folder=data.rpartition("/")[0],
            settings=self.settings(),
            fingerprints=fingerprints(self.engine.models, self.roles, self.profile.name, needed=models_needed),
            data=data,
        )


def plan(profile: Profile, engine: EngineSettings, file: EditFile, wish: EditWish) -> EditPlan:
    """Combine a wish, the settings and the edits; UsageError names what is wrong."""
    chosen, not_asked = _families(wish.families, file)
    models = dict(engine.models)
    if wish.model is not None:
        models[Role.EDITCLIP] = _model(wish.model, models.get(Role.EDITCLIP))
        if "editclip" not in chosen:
            raise UsageError(
                "--model names an EditCLIP model, but --metrics leaves out editclip", "add it to --metrics"
            )
    if wish.pre_resize is not None and "editclip" not in chosen:
        raise UsageError("--pre-resize is for EditCLIP, but --metrics leaves out editclip", "add it to --metrics")
    return EditPlan(profile, file, chosen, replace(engine, models=models, edit_resize=wish.pre_resize), not_asked)


def _families(option: str | None, file: EditFile) -> tuple[tuple[str, ...], str]:
    if option is None:
        captioned = all(row.source_caption for row in file.rows)
        chosen = ("clip_edit", "editclip", "preservation", *(("directional",) if captioned else ()))
        left = [name for name in edits.FAMILIES if name not in chosen]
        return chosen, f"{', '.join(left)} need a captioner; add them with --metrics"
    names = comma_separated(option)
    try:
        chosen = edits.families(edits.FAMILIES if names == ["all"] else names)
    except KeyError as error:
        raise UsageError(f"--metrics: {error.args[0]}") from None
    if not chosen:
        raise UsageError("--metrics names no metric", f"known: {', '.join(edits.FAMILIES)}")
    return chosen, ""


def _model(name: str, profiles: ModelRef | None) -> ModelRef:
    processor = profiles.processor if profiles is not None else None
    if os.path.lexists(name) or name.startswith((".", "/", "~")):
        folder = Path(os.path.expanduser(name)).absolute()
        return ModelRef(id=name, path=str(folder), processor=processor)
    return ModelRef(id=name, processor=processor)

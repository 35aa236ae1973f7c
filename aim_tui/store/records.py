"""Stored runs as data: the request, where it ran, and the results."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from aim_tui.core.metrics.bertscore import chosen_layer
from aim_tui.core.metrics.builtin import BERTSCORE
from aim_tui.core.metrics.edits import families_of
from aim_tui.core.metrics.profiles import Profile
from aim_tui.core.metrics.spec import ModelRef, Role
from aim_tui.core.ratings.records import OpinionsByPath
from aim_tui.core.scoring.context import Context
from aim_tui.core.scoring.events import Item
from aim_tui.core.scoring.plan import ScoringPlan
from aim_tui.core.scoring.records import document
from aim_tui.core.scoring.results import Results, Summary
from aim_tui.core.text import portable_path
from aim_tui.store.codec import own_to_data, plan_to_data
from aim_tui.store.packing import to_json
from aim_tui.store.processes import Owner


class RunState(StrEnum):
    """The state of a run; 'interrupted' if its process ended without reporting a state."""

    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


class RunKind(StrEnum):
    """What a run scores."""

    IMAGES = "images"
    EDITS = "edits"


#: A run in one of these states can be resumed.
RESUMABLE = frozenset({RunState.INTERRUPTED, RunState.CANCELLED, RunState.FAILED})

# A setting that does not change values, so a run can be resumed with another one.
_NOT_DECIDING = frozenset({"batch_size"})

_PACKAGES = (
    "aim-tui", "torch", "torchvision", "transformers", "tokenizers", "sentence-transformers", "lpips", "torchmetrics",
    "numpy", "pillow",
)  # fmt: skip


def versions() -> dict[str, str]:
    """The versions of Python and of the packages that numbers depend on, without importing them."""
    from importlib import metadata  # slow to import, and not needed to read runs

    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


@dataclass(frozen=True, slots=True)
class RunRequest:
    """Everything that determines the values of a run.

    `fingerprints` has that of each role's model (`store.fingerprints.fingerprint`), and `reference_sha256` the content
    of the reference: together with context and images they determine every raw value. `settings` is shown in reports
    (device, precision, batch_size, exif, background). `data` is the file of edits; a run over images has none.
    """

    context: Context
    plan: ScoringPlan
    profile: Profile
    command: str = ""
    folder: str = ""
    device: str = ""
    reference_sha256: str = ""
    not_asked: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    fingerprints: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=versions)
    data: str = ""

    @property
    def kind(self) -> RunKind:
        """What the run scores."""
        return RunKind.EDITS if self.data else RunKind.IMAGES

    def digest(self, items: Iterable[Item]) -> str:
        """Equal for two requests exactly if one can resume the other."""
        if self.kind is RunKind.EDITS:
            return self._digest_of_edits(items)
        context = self.context
        parts = {
            "folder": self.folder,
            "context": [context.topic, context.prompt, context.reference, self.reference_sha256],
            "plan": plan_to_data(self.plan),
            "profile": self.profile.name,
            "settings": {name: value for name, value in self.settings.items() if name not in _NOT_DECIDING},
            "fingerprints": dict(self.fingerprints),
            # How models are run; their files are covered by the fingerprints.
            "computing": {
                role: [ref.dtype, ref.device, ref.attention, ref.quantisation, *_layer(role, ref)]
                for role, ref in self.profile.models.items()
                if role in self.fingerprints
            },
        }
        digest = hashlib.sha256(to_json(parts).encode("ascii"))
        for item in items:
            digest.update(b"\0" + item.path.encode("utf-8", "surrogateescape"))
            if item.context is not None:
                digest.update(b"\0" + to_json(own_to_data(item.context)).encode("ascii"))
        return digest.hexdigest()

    def _digest_of_edits(self, edits: Iterable[Item]) -> str:
        """The digest of a run over edits, as in all earlier versions, whose runs could otherwise not be resumed."""
        parts = {
            "families": families_of(self.plan.metrics),
            "data": self.data,
            "profile": self.profile.name,
            "settings": {name: value for name, value in self.settings.items() if name not in _NOT_DECIDING},
            "fingerprints": dict(self.fingerprints),
        }
        digest = hashlib.sha256(to_json(parts).encode("ascii"))
        for item in edits:
            edit, data = item.edit, item.data
            assert edit is not None and data is not None  # always set for edits
            row = {
                "id": data.id,
                "source": edit.source,
                "target": item.path,
                "instruction": edit.instruction,
                "source_caption": edit.source_caption,
                "target_caption": edit.target_caption,
                "truth": dict(data.truth),
            }
            digest.update(to_json([row]).encode("ascii"))
        return digest.hexdigest()


def _layer(role: Role, ref: ModelRef) -> list[int | None]:
    """The layer of BERTScore, which may depend on the model's name; empty for another model."""
    return [chosen_layer(ref)] if role in BERTSCORE.roles[1:] else []


@dataclass(frozen=True, slots=True)
class RunInfo:
    """One line of the history: a run without its rows."""

    id: str
    state: RunState
    started: datetime
    ended: datetime | None
    command: str
    folder: str
    topic: str
    prompt: str
    reference: str
    profile: str
    metrics: tuple[str, ...]
    images: int
    begun: int
    """Images with a value, or a reason why they could not be read."""
    owner: Owner
    summary: Summary | None
    """The summary at the end of the run, if it has ended."""
    data: str = ""
    """The file of edits."""

    @property
    def kind(self) -> RunKind:
        """What the run scores."""
        return RunKind.EDITS if self.data else RunKind.IMAGES


@dataclass(frozen=True, slots=True)
class Run:
    """A run with its rows; normalised and final scores are computed anew from the stored plan."""

    info: RunInfo
    request: RunRequest
    results: Results
    opinions: OpinionsByPath | None = None
    """The current opinions of its images; None if they were not loaded."""

    def document(self) -> dict[str, Any]:
        """The whole run as plain data: `core.scoring.records.document`, and facts from the store."""
        request, info = self.request, self.info
        settings = {**request.settings, **({"device": request.device} if request.device else {})}
        return {
            "run": {
                "id": info.id,
                "state": str(info.state),
                "started": info.started.isoformat(),
                "ended": info.ended.isoformat() if info.ended else None,
                "command": request.command or None,
                "folder": portable_path(request.folder) if request.folder else None,
                "host": info.owner.host,
                "reference_sha256": request.reference_sha256 or None,
                "fingerprints": dict(request.fingerprints),
                "versions": dict(request.versions),
            },
            **document(self.results, request.profile, settings, dict(request.not_asked), self.opinions),
        }

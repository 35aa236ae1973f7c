"""What the store knows of a run: what was asked for, where it ran, and what came of it."""

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
from aim_tui.core.ratings.records import RaterOpinions
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
    """How a run stands; 'interrupted' is a run whose process went away without a word."""

    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


class RunKind(StrEnum):
    """What a run is over."""

    IMAGES = "images"
    EDITS = "edits"


#: A run in one of these states can go on.
RESUMABLE = frozenset({RunState.INTERRUPTED, RunState.CANCELLED, RunState.FAILED})

# How images are taken through the models; it leaves their values as they are, so a run may go on with another one.
_NOT_DECIDING = frozenset({"batch_size"})

_PACKAGES = (
    "aim-tui", "torch", "torchvision", "transformers", "tokenizers", "sentence-transformers", "lpips", "torchmetrics",
    "numpy", "pillow",
)  # fmt: skip


def versions() -> dict[str, str]:
    """The versions of Python and of the packages that numbers depend on; nothing is imported for it."""
    from importlib import metadata  # brings a mail parser with it, which a program that only reads has no use for

    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What a run is asked for.

    `fingerprints` holds one for each role whose model takes part (`store.fingerprints.fingerprint`), and
    `reference_sha256` the content of the reference: together with the context and the images they decide about
    every raw value. `settings` is what reports show (device, precision, batch_size, exif, background). `data` is the
    file that edits come from; a run over images has none.
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
        """What the run is over."""
        return RunKind.EDITS if self.data else RunKind.IMAGES

    def digest(self, items: Iterable[Item]) -> str:
        """The same for two requests exactly if one may go on where the other stopped."""
        if self.kind is RunKind.EDITS:
            return self._digest_of_edits(items)
        context = self.context
        said = {
            "folder": self.folder,
            "context": [context.topic, context.prompt, context.reference, self.reference_sha256],
            "plan": plan_to_data(self.plan),
            "profile": self.profile.name,
            "settings": {name: value for name, value in self.settings.items() if name not in _NOT_DECIDING},
            "fingerprints": dict(self.fingerprints),
            # The files are the fingerprints' business; here is how they are run.
            "computing": {
                role: [ref.dtype, ref.device, ref.attention, ref.quantisation, *_layer(role, ref)]
                for role, ref in self.profile.models.items()
                if role in self.fingerprints
            },
        }
        digest = hashlib.sha256(to_json(said).encode("ascii"))
        for item in items:
            digest.update(b"\0" + item.path.encode("utf-8", "surrogateescape"))
            if item.context is not None:
                digest.update(b"\0" + to_json(own_to_data(item.context)).encode("ascii"))
        return digest.hexdigest()

    def _digest_of_edits(self, edits: Iterable[Item]) -> str:
        """As runs over edits always had it: with other parts, those of an earlier version would not go on."""
        decides = {
            "families": families_of(self.plan.metrics),
            "data": self.data,
            "profile": self.profile.name,
            "settings": {name: value for name, value in self.settings.items() if name not in _NOT_DECIDING},
            "fingerprints": dict(self.fingerprints),
        }
        digest = hashlib.sha256(to_json(decides).encode("ascii"))
        for item in edits:
            edit, data = item.edit, item.data
            assert edit is not None and data is not None  # an edit of a data file
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
    """Which layer BERTScore takes, which may hang on the model's name; nothing of another model."""
    return [chosen_layer(ref)] if role in BERTSCORE.roles[1:] else []


@dataclass(frozen=True, slots=True)
class RunInfo:
    """One line of a history: what can be told of a run without its rows."""

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
    """Images of which something is known: a value, or why they could not be read."""
    owner: Owner
    summary: Summary | None
    """What the rows added up to when the run ended, if it ended and said so."""
    data: str = ""
    """The file that edits come from."""

    @property
    def kind(self) -> RunKind:
        """What the run is over."""
        return RunKind.EDITS if self.data else RunKind.IMAGES


@dataclass(frozen=True, slots=True)
class Run:
    """A run with its rows; normalised and final scores are computed anew from the stored plan."""

    info: RunInfo
    request: RunRequest
    results: Results
    opinions: RaterOpinions | None = None
    """What people say of its images now; None where that was not looked up."""

    def document(self) -> dict[str, Any]:
        """The whole run as plain data: `core.report.document`, and what the store knows besides."""
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

"""The identity of a model, from its files and its way of computing: what its cached features belong to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path

import msgspec

from aim_tui.core.metrics.spec import ModelRef, Role
from aim_tui.core.scoring.events import ModelInfo
from aim_tui.core.scoring.jobs import ReadingPolicy
from aim_tui.engine.feature_cache import CacheAccess
from aim_tui.engine.lower_casing import LOWER_CASED
from aim_tui.engine.models.device import Placement, dtype_name
from aim_tui.hub.inventory import locate
from aim_tui.store.cache import FeatureKind, Space
from aim_tui.store.errors import StoreError
from aim_tui.store.fingerprints import fingerprint
from aim_tui.store.packing import to_json

#: Raised when the code here or in metrics/ and models/ comes to give other numbers for the same image and files.
RECIPE = "1"
#: The processor's settings are among the files of the model.
PREPROCESSING = "the model's own image processor, torchvision backend on uint8"


@dataclass(frozen=True, slots=True)
class Identity:
    """A model's files and its way of computing. Two equal ones give the same features of an image."""

    role: Role
    fingerprint: str
    computing: str
    revision: str


def identify(role: Role, ref: ModelRef, placement: Placement) -> Identity | None:
    """The identity of a model on this machine, or None where its files cannot be read.

    The kind of device belongs to it: a GPU rounds otherwise, and a recorded device must be where a value came from.
    Raises ModelUnavailableError for a model that is not there.
    """
    local = locate(role, ref)
    try:
        digest = fingerprint(local.path, local.revision)
    except StoreError:
        return None
    computing = {
        "dtype": dtype_name(placement.dtype),
        "device": placement.device.type,
        "attention": ref.attention or "default",
        "quantisation": ref.quantisation,
        "trunk": ref.id if role.value == "lpips" else "",
        "recipe": f"{RECIPE}, transformers {_major('transformers')}",
    }
    if _model_type(local.path) in LOWER_CASED:
        computing["text"] = "lower-cased"
    if ref.processor:
        computing["processor"] = ref.processor
    return Identity(role, digest, to_json(computing), local.revision)


def _model_type(folder: Path) -> str | None:
    try:
        config = json.loads((folder / "config.json").read_bytes())
    except (OSError, ValueError):
        return None
    return config.get("model_type") if isinstance(config, dict) else None


def _major(package: str) -> str:
    from importlib.metadata import version

    return version(package).partition(".")[0]


def reading_key(policy: ReadingPolicy) -> str:
    """What of a reading policy decides about pixels; its limits decide only whether there are any."""
    return f"exif={policy.exif} background={policy.background}"


@dataclass(frozen=True, slots=True)
class Cache:
    """What metrics need to find and keep their features: the store, their models' identities, the way of reading."""

    access: CacheAccess
    identities: Mapping[Role, Identity]
    reading: str
    _infos: dict[Role, ModelInfo] = field(default_factory=dict)

    def facts(self) -> Space:
        """Where the facts of images are kept."""
        return Space.facts(reading=self.reading)

    def embeddings(self, role: Role) -> Space:
        """Where the image embeddings of a model are kept."""
        model = self.identities[role]
        return Space.embedding(
            model.fingerprint, preprocessing=PREPROCESSING, dtype=model.computing, reading=self.reading
        )

    def references(self, role: Role) -> Space:
        """Where the embeddings of references are kept, each computed in a batch of one."""
        model = self.identities[role]
        return Space.embedding(
            model.fingerprint,
            preprocessing=f"{PREPROCESSING}; a reference",
            dtype=model.computing,
            reading=self.reading,
        )

    def captions(self, role: Role, decoding: str) -> Space:
        """Where the captions of a model are kept."""
        model = self.identities[role]
        return Space.caption(
            model.fingerprint,
            preprocessing=PREPROCESSING,
            dtype=model.computing,
            reading=self.reading,
            decoding=decoding,
        )

    def distances(self, role: Role, reference_sha256: str, policy: str) -> Space:
        """Where distances to a reference are kept."""
        model = self.identities[role]
        return Space.lpips(
            model.fingerprint,
            reference_sha256=reference_sha256,
            policy=policy,
            dtype=model.computing,
            reading=self.reading,
        )

    def texts(self, role: Role) -> Space:
        """Where a model's embeddings of texts are kept, by `text_key`."""
        model = self.identities[role]
        return Space.embedding(model.fingerprint, preprocessing="text", dtype=model.computing, reading="")

    def notes(self, role: Role, what: str) -> Space:
        """Where texts about a model are kept: how much of a prompt it reads, and its ModelInfo."""
        model = self.identities[role]
        return Space(FeatureKind.FACTS, model.fingerprint, to_json({"about": what, "dtype": model.computing}))

    def kept_info(self, role: Role) -> ModelInfo | None:
        """What was recorded of the model when it was last loaded."""
        text = self.access.values(self.notes(role, "model"), [text_key("info")]).get(text_key("info"))
        return None if text is None else msgspec.json.decode(text, type=ModelInfo)

    def recall_info(self, role: Role, ref: ModelRef) -> ModelInfo | None:
        """What was recorded of the model when it was last loaded, under the name it has now.

        Device and dtype are those that the kept values were computed with.
        """
        if (info := self.kept_info(role)) is None:
            return None
        detail = {key: value for key, value in info.detail.items() if key != "path"}
        if ref.path:
            detail["path"] = ref.path
        detail["values"] = "computed by an earlier job; the model was not needed"
        return replace(info, id=ref.id or ref.name, revision=self.identities[role].revision, detail=detail)

    def keep_info(self, role: Role, info: ModelInfo) -> None:
        """Record a model that was loaded, for jobs that will not need to."""
        model = self.identities[role]
        self.access.keep_values(self.notes(role, "model"), {text_key("info"): msgspec.json.encode(info).decode()})
        self.access.name_model(model.fingerprint, role.value, info.id, info.revision)


def text_key(text: str) -> str:
    """The key of a text in the cache: 64 hex digits."""
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

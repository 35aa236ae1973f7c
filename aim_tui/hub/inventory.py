"""Which models are on this machine, whether they are complete, and what is left to fetch.

Inspects files only: no network, no model library. The UI imports this package, so it has to stay light.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from aim_tui.core.metrics.edits import FAMILIES
from aim_tui.core.metrics.profiles import Profile
from aim_tui.core.metrics.registry import brought_by, download_megabytes, get_metric, model_role
from aim_tui.core.metrics.spec import MetricSpec, ModelRef, Role
from aim_tui.errors import ModelUnavailableError
from aim_tui.hub.cache_paths import hub_cache
from aim_tui.hub.checksums import file_problem, hash_problem
from aim_tui.hub.folder_check import folder_refusal, install_hint, missing_libraries
from aim_tui.hub.lpips_trunks import get_trunk, size_problem
from aim_tui.hub.optional_libraries import attention_problem
from aim_tui.hub.required_files import folder_problems

LOCAL = "local"
"""The revision of a model that is a local folder or file."""

PART_SUFFIX = ".aim-tui.part"
"""The suffix of a partly fetched file."""

_OTHER_MODEL = "name another model or folder in the settings, or try the sample models: --profile sample"
_REPO_ID = re.compile(r"[\w.-]+(/[\w.-]+)?", re.ASCII)
_REVISION = re.compile(r"[\w.-]+(/[\w.-]+)*", re.ASCII)


@dataclass(frozen=True, slots=True)
class LocalModel:
    """A complete model on this machine: a folder, or the weights file of an LPIPS trunk."""

    role: Role
    path: Path
    revision: str
    """The commit of the hub, the trunk's file name, or 'local'."""


@dataclass(frozen=True, slots=True)
class ModelState:
    """The state of one model of a profile, as far as it is known without the network."""

    role: Role
    name: str
    needed_by: tuple[str, ...]
    """The metrics that need it."""
    present: bool
    complete: bool
    bytes_on_disk: int
    bytes_to_fetch: int | None
    """About how much is left to fetch; None if unknown, or for a local model."""
    path: Path | None
    revision: str
    problem: str
    """Why it cannot be used; empty if it can be."""
    refused: bool = False
    """Whether it is here and may not be loaded, so that fetching it again would not help."""


@dataclass(frozen=True, slots=True)
class _Location:
    """The path of a model on disk, if any, and what is wrong with it."""

    path: Path | None
    revision: str
    problems: tuple[str, ...]
    refusal: str = ""
    """Why it may not be loaded although it is here; fetching it again would not help."""
    hint: str = ""


def role_name(role: Role) -> str:
    """What to call the model of a role in messages."""
    model = model_role(role)
    return model.title if model else f"{role} model"


def repo_id(role: Role, ref: ModelRef) -> str:
    """The full id on the hub, with the owner that the role has for ids without one."""
    model = model_role(role)
    name = ref.id if "/" in ref.id or model is None or not model.owner else f"{model.owner}/{ref.id}"
    revision = ref.revision or "main"
    # Both become parts of a path.
    if not _REPO_ID.fullmatch(name) or ".." in name:
        raise ModelUnavailableError(
            f"{role_name(role)}: {ref.id!r} is not a model id",
            "in the settings, give the id as owner/model, or a local folder as path",
        )
    if not _REVISION.fullmatch(revision) or ".." in revision:
        raise ModelUnavailableError(
            f"{role_name(role)} {name}: {revision!r} is not a revision", "name a branch, tag or commit in the settings"
        )
    return name


def storage_folder(repo: str) -> Path:
    """The folder of a repository in the hub's cache."""
    return hub_cache() / f"models--{repo.replace('/', '--')}"


def locate(role: Role, ref: ModelRef, *, profile: str = "") -> LocalModel:
    """The complete model of a role on this machine; raises ModelUnavailableError, which names what is missing.

    Checksums are not verified here; `inspect(..., deep=True)` does that.
    """
    location = _find(role, ref)
    if location.refusal:
        raise ModelUnavailableError(f"{role_name(role)} {ref.name}: {location.refusal}", location.hint)
    if location.path is None or location.problems:
        raise ModelUnavailableError(
            f"{role_name(role)} {ref.name}: {_summary(location.problems)}", _fix(role, ref, profile)
        )
    return LocalModel(role, location.path, location.revision)


def inspect(
    role: Role,
    ref: ModelRef,
    *,
    deep: bool = False,
    needed_by: Iterable[str] | None = None,
    on_bytes: Callable[[int], None] | None = None,
) -> ModelState:
    """The state of a model; never raises for a model that is missing, damaged or misnamed.

    `deep` also verifies every known checksum, which takes seconds per GB; `on_bytes` is called with the bytes read.
    """
    if needed_by is None:
        needed_by = dict.fromkeys(_name_of(spec) for spec in brought_by(role))
    try:
        location = _find(role, ref)
        if deep and location.path is not None and not location.problems and not location.refusal:
            damaged = (hash_problem(file, on_bytes) for file in _files(location.path))
            location = _Location(location.path, location.revision, tuple(problem for problem in damaged if problem))
        on_disk = _bytes_on_disk(role, ref, location.path)
        problem = location.refusal or _summary(location.problems)
    except ModelUnavailableError as error:
        location, on_disk, problem = _Location(None, "", (error.message,)), 0, error.message
    complete = location.path is not None and not problem
    return ModelState(
        role=role,
        name=ref.name,
        needed_by=tuple(needed_by),
        present=complete or on_disk > 0,
        complete=complete,
        bytes_on_disk=on_disk,
        bytes_to_fetch=0 if complete else _bytes_to_fetch(role, ref, on_disk),
        path=location.path,
        revision=location.revision,
        problem=problem,
        refused=bool(location.refusal),
    )


def _name_of(spec: MetricSpec) -> str:
    """The name that a metric is asked for by: of those of edits their family's."""
    return next((family for family, specs in FAMILIES.items() if spec in specs), spec.id)


def inspect_profile(profile: Profile, metrics: Iterable[str], *, deep: bool = False) -> list[ModelState]:
    """The state of every model that these metrics of a profile need, in the order of the roles."""
    specs = [get_metric(metric) for metric in metrics]
    return [
        inspect(
            role,
            profile.models[role],
            deep=deep,
            needed_by=[spec.id for spec in specs if role in spec.roles],
        )
        for role in profile.roles_for(spec.id for spec in specs)
        if role in profile.models
    ]


def _find(role: Role, ref: ModelRef) -> _Location:
    location = _find_files(role, ref)
    problem, hint = attention_problem(ref.attention)
    if problem and not location.refusal and not location.problems:
        return replace(location, refusal=problem, hint=hint)
    return location


def _find_files(role: Role, ref: ModelRef) -> _Location:
    if ref.path is not None:
        return _find_local(role, Path(ref.path))
    if not ref.id:
        return _Location(None, "", ("neither an id nor a path is set",))
    return _find_trunk(ref) if role is Role.LPIPS else _find_snapshot(role, ref)


def _find_local(role: Role, path: Path) -> _Location:
    if path.is_file():
        if role is Role.LPIPS:
            problem = file_problem(path)
            return _Location(path, LOCAL, (problem,) if problem else ())
        return _Location(path, LOCAL, ("it is a file, not a folder",))
    if not path.is_dir():
        return _Location(None, LOCAL, ("there is no such folder",))
    if role is Role.LPIPS and not any(path.glob("*.safetensors")):
        checkpoints = sorted(path.glob("*.pth"))
        if len(checkpoints) == 1:
            return _find_local(role, checkpoints[0])
        if checkpoints:
            return _Location(path, LOCAL, ("the folder has several checkpoints; name the file",))
    return _checked(role, path, LOCAL)


def _checked(role: Role, folder: Path, revision: str) -> _Location:
    """The one door to a model folder: what may not be loaded is refused before anything else looks into it."""
    local = revision == LOCAL
    if refusal := folder_refusal(folder, local=local and role is not Role.LPIPS):
        return _Location(folder, revision, (), refusal, _OTHER_MODEL)
    model = model_role(role)
    reads_text = model is not None and not {"tokenizer", "modules"}.isdisjoint(model.parts)
    if reads_text and (libraries := missing_libraries(folder)):
        needed = f"its tokenizer needs {install_hint(libraries)}"
        return _Location(folder, revision, (), needed, "install what it needs, or name another model in the settings")
    return _Location(folder, revision, tuple(folder_problems(role, folder)))


def _find_trunk(ref: ModelRef) -> _Location:
    trunk = get_trunk(ref.id)
    if not trunk.path.is_file():
        return _Location(None, trunk.file, ("not on this machine",))
    problem = file_problem(trunk.path) or size_problem(trunk)
    return _Location(trunk.path, trunk.file, (problem,) if problem else ())


def _find_snapshot(role: Role, ref: ModelRef) -> _Location:
    storage = storage_folder(repo_id(role, ref))
    revision = ref.revision or "main"
    try:
        commit = (storage / "refs" / revision).read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        commit = revision
    snapshot = storage / "snapshots" / commit
    if not commit or not snapshot.is_dir():
        return _Location(None, "", ("partly fetched" if _parts(storage) else "not on this machine",))
    return _checked(role, snapshot, commit)


def _files(path: Path) -> Iterator[Path]:
    """The file itself, or all files below the folder in a stable order; links are followed."""
    return iter([path]) if path.is_file() else (file for file in sorted(path.rglob("*")) if file.is_file())


def _parts(storage: Path) -> list[Path]:
    """What an interrupted fetch left behind: blobs that no snapshot links yet, complete or partial.

    The hub library's own unfinished downloads (.incomplete) cannot be resumed and are ignored.
    """
    folder = storage / "blobs"
    files = folder.iterdir() if folder.is_dir() else ()
    return [file for file in files if file.suffix != ".incomplete" and file.is_file()]


def _bytes_on_disk(role: Role, ref: ModelRef, path: Path | None) -> int:
    if ref.path is None and role is Role.LPIPS:
        trunk = get_trunk(ref.id) if ref.id else None
        files = [trunk.path, Path(f"{trunk.path}{PART_SUFFIX}")] if trunk else []
    else:
        files = list(_files(path)) if path is not None else []
        if ref.path is None and ref.id:
            storage = storage_folder(repo_id(role, ref))
            # The files of a snapshot are links to blobs; only the blobs that they do not cover are added.
            files += _parts(storage) if path is None else (storage / "blobs").glob(f"*{PART_SUFFIX}")
    return sum(file.stat().st_size for file in files if file.is_file())


def _bytes_to_fetch(role: Role, ref: ModelRef, on_disk: int) -> int | None:
    if ref.path is not None or not ref.id:
        return None
    try:
        if role is Role.LPIPS:
            return max(0, get_trunk(ref.id).size - on_disk)
        megabytes = download_megabytes(repo_id(role, ref))
    except ModelUnavailableError:
        return None
    return None if megabytes is None or ref.revision is not None else max(0, megabytes * 1_000_000 - on_disk)


def _summary(problems: tuple[str, ...], most: int = 3) -> str:
    """The first problems on one line: a model may lack a hundred shards."""
    more = f"; and {len(problems) - most} more" if len(problems) > most else ""
    return "; ".join(problems[:most]) + more


def _fix(role: Role, ref: ModelRef, profile: str) -> str:
    option = f" --profile {profile}" if profile else ""
    folder = f"or name a local folder as path of {role} in the settings"
    model = model_role(role)
    if model is not None and model.default is not None and ref.path is None:
        return f"fetch it: aim-tui models fetch --role {role}{option}; {folder}"
    if profile == "sample":
        return "the sample models are part of the program: install it again"
    if ref.path is not None:
        return f"correct the path of {role} in the settings, or try the sample models: --profile sample"
    return f"fetch it: aim-tui models fetch{option}; or try the sample models: --profile sample; {folder}"

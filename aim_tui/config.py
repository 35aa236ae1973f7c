"""Settings: built-in profiles, the user's TOML file, the environment and a .env file, strongest last.

Files are TOML, checked by msgspec: it decodes into the types below in 0.03 s, a quarter of what pydantic-settings
takes to import, and the screen's first paint waits for this module.
"""

from __future__ import annotations

import os
import re
import tomllib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from aim_tui import paths
from aim_tui.core.jobs import ReadingPolicy
from aim_tui.core.metrics import METRICS, Role
from aim_tui.core.names import did_you_mean
from aim_tui.core.normalisation import Piece, Rule, RuleSet
from aim_tui.core.profiles import DType, ModelRef, Precision, Profile, Quantisation
from aim_tui.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_BUILT_IN = Path(__file__).parent / "profiles.toml"
_SAMPLE = "sample:"
T = TypeVar("T")

_TRUE = frozenset({"1", "true", "yes", "on"})

#: AIM's environment names and our own. Nothing else is taken from a .env file: a folder of images may come from
#: anywhere, and a .env in it must not set PYTHONPATH, or an HF_ENDPOINT that the user's token is then sent to.
_ENVIRONMENT = (
    "HUGGING_FACE_API", "HF_TOKEN", "BLIP2_MODEL", "DISABLE_CLIP", "DISABLE_BLIP2", "DISABLE_LPIPS",
    "AIM_TUI_PROFILE", "AIM_TUI_DEVICE", "AIM_TUI_PRECISION", "AIM_TUI_IMAGES",
)  # fmt: skip


class _Model(msgspec.Struct, forbid_unknown_fields=True):
    id: str = ""
    path: str | None = None
    revision: str | None = None
    dtype: DType = "auto"
    device: str = "auto"
    attention: str | None = None
    quantisation: Quantisation = "none"
    batch_size: int | None = None


class _Rules(msgspec.Struct, forbid_unknown_fields=True):
    clip: list[tuple[float, float, float]] | None = None
    blip2: list[tuple[float, float, float]] | None = None
    lpips: list[tuple[float, float, float]] | None = None
    source: str = ""
    made_for: dict[str, str] = {}


class _Profile(msgspec.Struct, forbid_unknown_fields=True):
    extends: str | None = None
    description: str | None = None
    notice: str | None = None
    rules: str | None = None
    metrics: list[str] | None = None
    weights: dict[str, float] = {}
    models: dict[str, dict[str, Any]] = {}


class _Reading(msgspec.Struct, forbid_unknown_fields=True):
    exif: str = "rotate"
    background: str = "white"
    max_megapixels: float = 100.0
    max_megabytes: float = 256.0


class _File(msgspec.Struct, forbid_unknown_fields=True):
    profile: str | None = None
    device: str | None = None
    precision: Precision | None = None
    batch_size: int | None = None
    reading: _Reading = msgspec.field(default_factory=_Reading)
    rules: dict[str, dict[str, Any]] = {}
    profiles: dict[str, dict[str, Any]] = {}


@dataclass(frozen=True, slots=True)
class _Layer:
    """One file, checked: `profiles` and `models` hold their own types."""

    file: _File
    rules: dict[str, _Rules]
    profiles: dict[str, _Profile]
    models: dict[str, dict[str, _Model]]


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that is set before a command's own options are looked at."""

    profiles: Mapping[str, Profile]
    default_profile: str = "aim"
    device: str = "auto"
    precision: Precision = "aim"
    batch_size: int | None = None
    reading: ReadingPolicy = field(default_factory=ReadingPolicy)
    disabled: Mapping[str, str] = field(default_factory=dict)
    """Metrics that the environment switches off, each with the variable that does so."""

    def profile(self, name: str | None = None) -> Profile:
        """The profile of that name, or the default one; UsageError with the nearest name where there is none."""
        wanted = name or self.default_profile
        try:
            return self.profiles[wanted]
        except KeyError:
            raise UsageError(f"unknown profile {wanted!r}{did_you_mean(wanted, self.profiles)}") from None


def load_settings(file: Path | None = None) -> Settings:
    """Read the built-in profiles, the settings file, .env and the environment.

    `file` must exist when it is named; the default one need not. Raises ConfigError naming file and line.
    """
    environment = load_environment()
    layers = [_read(_BUILT_IN)]
    path = file or paths.config_file()
    if file is not None or _is_there(path):
        layers.append(_read(path))
    declared = {name: profile for layer in layers for name, profile in layer.profiles.items()}
    models = {name: refs for layer in layers for name, refs in layer.models.items()}
    try:
        rules = {name: _rule_set(name, raw) for layer in layers for name, raw in layer.rules.items()}
        profiles = {name: _profile(name, declared, models, rules, path.parent) for name in declared}
    except ValueError as error:
        raise ConfigError(f"{path}: {error}") from None
    _apply_captioner(profiles, environment)
    last = layers[-1].file
    return Settings(
        profiles=profiles,
        default_profile=environment.get("AIM_TUI_PROFILE") or last.profile or "aim",
        device=environment.get("AIM_TUI_DEVICE") or last.device or "auto",
        precision=_precision(environment.get("AIM_TUI_PRECISION")) or last.precision or "aim",
        batch_size=last.batch_size,
        reading=_reading(last.reading, path),
        disabled={
            metric: name
            for metric in METRICS
            if environment.get(name := f"DISABLE_{metric.upper()}", "").strip().lower() in _TRUE
        },
    )


def load_environment() -> dict[str, str]:
    """The known variables, from the environment or else from a .env file found upwards from the working folder.

    Those from the file are put into the environment, where libraries and the worker process look for them.
    """
    from dotenv import dotenv_values, find_dotenv

    found = find_dotenv(usecwd=True)
    values = dotenv_values(found) if found else {}
    for name in _ENVIRONMENT:
        value = values.get(name)
        if value:
            os.environ.setdefault(name, value)
    return {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}


def _is_there(path: Path) -> bool:
    """Whether there is a file, as far as can be told; where not, reading it says why."""
    try:
        return path.exists()
    except OSError:
        return True


def _read(path: Path) -> _Layer:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"cannot read the settings file {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: the settings file is not UTF-8 text") from None
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from None
    try:
        whole = _convert(data, _File, "")
        profiles = {name: _convert(raw, _Profile, f"profiles.{name}") for name, raw in whole.profiles.items()}
        return _Layer(
            whole,
            {name: _convert(raw, _Rules, f"rules.{name}") for name, raw in whole.rules.items()},
            profiles,
            {
                name: {
                    role: _convert(raw, _Model, f"profiles.{name}.models.{role}")
                    for role, raw in profile.models.items()
                }
                for name, profile in profiles.items()
            },
        )
    except _MisfitError as misfit:
        line = _line_of(text, misfit.keys)
        place = f"{path}, line {line}" if line else str(path)
        raise ConfigError(f"{place}: {'.'.join(misfit.keys) or 'top level'}: {misfit.problem}") from None


class _MisfitError(Exception):
    """A value of the wrong shape: the keys that lead to it, and what is wrong."""

    def __init__(self, keys: list[str], problem: str) -> None:
        super().__init__(problem)
        self.keys = keys
        self.problem = problem


def _convert(data: Any, kind: type[T], where: str) -> T:
    """`data` as `kind`. One table at a time, since msgspec leaves the names of tables out of its messages."""
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        problem, _, inside = str(error).partition(" - at `$")
        keys = [key for key in re.split(r"[.\[\]]+", f"{where}.{inside.rstrip('`')}") if key]
        if unknown := re.search(r"unknown field `([^`]+)`", problem):
            keys.append(unknown[1])
            problem = f"unknown setting{did_you_mean(unknown[1], kind.__annotations__)}"
        raise _MisfitError(keys, problem) from None


def _line_of(text: str, keys: list[str]) -> int | None:
    """The line that these keys lead to, as nearly as can be told from the text."""
    best: tuple[int, int] | None = None
    table: list[str] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if header := re.match(r"\s*\[+\s*([^\]]+?)\s*\]+", line):
            table = [part.strip("\"' ") for part in header[1].split(".")]
            path = table
        elif key := re.match(r"\s*([\w\"'.-]+)\s*=", line):
            path = table + [part.strip("\"' ") for part in key[1].split(".")]
        else:
            continue
        shared = len(os.path.commonprefix([path, keys]))
        if shared == len(path) and (best is None or shared > best[0]):
            best = (shared, number)
    return best[1] if best else None


def _rule_set(name: str, raw: _Rules) -> RuleSet:
    rules: dict[str, Rule] = {}
    for metric in METRICS:
        pieces = getattr(raw, metric)
        if pieces is not None:
            try:
                rules[metric] = Rule(tuple(Piece(*piece) for piece in pieces))
            except ValueError as error:
                raise ValueError(f"rules.{name}.{metric}: {error}") from None
    return RuleSet(name, rules, raw.made_for, raw.source)


def _profile(
    name: str,
    raw: Mapping[str, _Profile],
    refs: Mapping[str, Mapping[str, _Model]],
    rules: Mapping[str, RuleSet],
    folder: Path,
) -> Profile:
    """The profile with everything it extends filled in; its own entries win."""
    chain = _ancestry(name, raw)
    models: dict[Role, ModelRef] = {}
    weights = {metric: spec.default_weight for metric, spec in METRICS.items()}
    rule_name, description, notice, metrics = "aim", "", "", list(METRICS)
    for ancestor in reversed(chain):
        layer = raw[ancestor]
        weights.update(_checked(layer.weights, METRICS, f"profiles.{ancestor}.weights"))
        for role, model in _checked(refs[ancestor], list(Role), f"profiles.{ancestor}.models").items():
            models[Role(role)] = _model(model, folder, f"profiles.{ancestor}.models.{role}")
        rule_name = layer.rules or rule_name
        metrics = layer.metrics if layer.metrics is not None else metrics
        description = layer.description if layer.description is not None else description
        notice = layer.notice if layer.notice is not None else notice
    if rule_name not in rules:
        raise ValueError(f"profiles.{name}.rules: unknown rules {rule_name!r}{did_you_mean(rule_name, rules)}")
    _checked(dict.fromkeys(metrics), METRICS, f"profiles.{name}.metrics")
    missing = [role for metric in metrics for role in METRICS[metric].roles if role not in models]
    if missing:
        raise ValueError(f'profiles.{name}.models: no model for {", ".join(missing)} (extends = "aim" brings AIM\'s)')
    return Profile(
        name, models, rules[rule_name], weights, description, notice, tuple(m for m in METRICS if m in metrics)
    )


def _ancestry(name: str, raw: Mapping[str, _Profile]) -> list[str]:
    chain = [name]
    while (parent := raw[chain[-1]].extends) is not None:
        if parent not in raw:
            raise ValueError(f"profiles.{chain[-1]}.extends: unknown profile {parent!r}{did_you_mean(parent, raw)}")
        if parent in chain:
            raise ValueError(f"profiles.{name}.extends: goes round in a circle ({' -> '.join([*chain, parent])})")
        chain.append(parent)
    return chain


def _checked(entries: Mapping[str, T], known: Collection[str], where: str) -> Mapping[str, T]:
    for key in entries:
        if key not in known:
            raise ValueError(f"{where}: unknown name {key!r}{did_you_mean(key, known)}")
    return entries


def _model(raw: _Model, folder: Path, where: str) -> ModelRef:
    if not raw.id and not raw.path:
        raise ValueError(f"{where}: needs an id (hub) or a path (local folder)")
    path = raw.path
    if path is not None and path.startswith(_SAMPLE):
        path = str(paths.sample_data() / path.removeprefix(_SAMPLE))
    elif path is not None:
        path = str((folder / Path(path).expanduser()).absolute())
    return ModelRef(raw.id, path, raw.revision, raw.dtype, raw.device, raw.attention, raw.quantisation, raw.batch_size)


def _apply_captioner(profiles: dict[str, Profile], environment: Mapping[str, str]) -> None:
    """BLIP2_MODEL chooses the captioner of the profile `aim`, as it does in AIM."""
    model = environment.get("BLIP2_MODEL", "").strip()
    if not model:
        return
    aim = profiles["aim"]
    local = Path(model).expanduser()
    chosen = ModelRef(id=model, path=str(local.absolute()) if local.is_dir() else None)
    profiles["aim"] = replace(aim, models={**aim.models, Role.CAPTIONER: chosen})


def _precision(value: str | None) -> Precision | None:
    match value:
        case None | "":
            return None
        case "aim" | "fast":
            return value
    raise ConfigError(f"AIM_TUI_PRECISION is {value!r}; it is 'aim' or 'fast'")


def _reading(raw: _Reading, path: Path) -> ReadingPolicy:
    from PIL import ImageColor

    if raw.exif not in ("rotate", "ignore"):
        raise ConfigError(f"{path}: reading.exif is {raw.exif!r}; it is 'rotate' or 'ignore'")
    try:
        ImageColor.getrgb(raw.background)
    except ValueError:
        raise ConfigError(f"{path}: reading.background: unknown colour {raw.background!r}") from None
    if raw.max_megapixels <= 0 or raw.max_megabytes <= 0:
        raise ConfigError(f"{path}: reading: the limits are above zero")
    return ReadingPolicy(
        "rotate" if raw.exif == "rotate" else "ignore",
        raw.background,
        int(raw.max_megapixels * 1e6),
        int(raw.max_megabytes * 2**20),
    )

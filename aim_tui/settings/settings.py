"""Settings: built-in profiles, the user's TOML file, a .env file and the environment, in ascending priority.

Everything is validated here, when the settings load: any profile in the result can score.
"""

from __future__ import annotations

import contextlib
import math
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec

from aim_tui.core.metrics.builtin import METRICS
from aim_tui.core.metrics.normalisation import Piece, Rule, RuleSet
from aim_tui.core.metrics.profiles import Profile
from aim_tui.core.metrics.registry import get_metric, images_in_order, model_role, profile_roles
from aim_tui.core.metrics.spec import NAME, BrokenMetricError, ModelRef, Precision, Role
from aim_tui.core.names import did_you_mean
from aim_tui.core.scoring.jobs import ReadingPolicy
from aim_tui.core.scoring.plan import ScoringPlan
from aim_tui.documents import parse_env
from aim_tui.errors import ConfigError, UsageError
from aim_tui.settings import paths, schema
from aim_tui.settings.schema import (
    InterfaceTable,
    InvalidValueError,
    ModelTable,
    ProfileTable,
    ReadingTable,
    RulesTable,
    SettingsFile,
)

_BUILT_IN = Path(__file__).parent / "profiles.toml"
_SAMPLE = "sample:"
_TRUE = frozenset({"1", "true", "yes", "on"})
_ROLES = tuple(str(role) for role in profile_roles())
_DEVICE = re.compile(r"auto|(cpu|mps|cuda)(:[0-9]+)?")

#: AIM's environment variables and our own. Nothing else is read from a .env file: a folder of images may come from
#: anywhere, and its .env must not set PYTHONPATH, or an HF_ENDPOINT that then receives the user's token.
_ENVIRONMENT = (
    "HUGGING_FACE_API", "HF_TOKEN", "BLIP2_MODEL", "DISABLE_CLIP", "DISABLE_BLIP2", "DISABLE_LPIPS",
    "AIM_TUI_PROFILE", "AIM_TUI_DEVICE", "AIM_TUI_PRECISION", "AIM_TUI_IMAGES",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings, before the options of a command."""

    profiles: Mapping[str, Profile]
    default_profile: str = "aim"
    device: str = "auto"
    precision: Precision = "aim"
    batch_size: int | None = None
    plugin_seconds: float = 600.0
    """How long a batch of a metric of another package may take."""
    reading: ReadingPolicy = field(default_factory=ReadingPolicy)
    disabled: Mapping[str, str] = field(default_factory=dict)
    """Metrics that the environment disables, each with the name of the variable."""
    interface: InterfaceTable = field(default_factory=InterfaceTable)
    keys: Mapping[str, str] = field(default_factory=dict)
    """Keys by the id of the binding, as written in the file."""
    rater: str = ""
    """The name under which ratings are stored; empty for the login name."""
    unusable: Mapping[str, str] = field(default_factory=dict)
    """Profiles with a metric whose package is broken, each with the reason."""
    source: SettingsFile | None = None
    """The user's settings file, if there is one."""

    def config_error(self, keys: Sequence[str], problem: str) -> ConfigError:
        """The error, with file and line, for a setting that only the UI can check."""
        if self.source is None:
            return ConfigError(f"{'.'.join(keys)}: {problem}")
        return self.source.error(InvalidValueError(keys, problem))

    def profile(self, name: str | None = None) -> Profile:
        """The profile of that name, or the default one; UsageError with the nearest name if there is none."""
        selected = name or self.default_profile
        if selected in self.unusable:
            raise UsageError(f"profile {selected!r} cannot be used: {self.unusable[selected]}")
        try:
            return self.profiles[selected]
        except KeyError:
            raise UsageError(f"unknown profile {selected!r}{did_you_mean(selected, self.profiles)}") from None


def load_settings(file: Path | None = None) -> Settings:
    """Read the built-in profiles, the settings file, .env and the environment.

    `file` must exist if it is given; the default file need not. Raises ConfigError with file and line.
    """
    environment = load_environment()
    files = [schema.read(_BUILT_IN)]
    path = file or paths.config_file()
    if file is not None or _may_exist(path):
        files.append(schema.read(path))
    top = files[-1].top
    try:
        rules = {name: _rule_set(name, raw) for each in files for name, raw in each.rules.items()}
        profiles, unusable = _profiles(files, rules)
        if top.profile is not None:
            _known([top.profile], (*profiles, *unusable), ["profile"], "profile")
        reading = _reading(files[-1].reading)
        _check_device(top.device, ["device"])
    except InvalidValueError as invalid:
        # Blame the last file that declares the table: the user's file may override a built-in one.
        source = next((file for file in reversed(files) if file.declares(invalid.keys)), files[-1])
        raise source.error(invalid) from None
    try:
        default = environment.get("AIM_TUI_PROFILE") or top.profile or "aim"
        _known([default], (*profiles, *unusable), ["AIM_TUI_PROFILE"], "profile")
        _check_device(device := environment.get("AIM_TUI_DEVICE"), ["AIM_TUI_DEVICE"])
    except InvalidValueError as invalid:
        raise ConfigError(f"{invalid.keys[0]}: {invalid.problem}") from None
    _apply_captioner(profiles, environment)
    return Settings(
        profiles=profiles,
        unusable=unusable,
        default_profile=default,
        device=device or top.device or "auto",
        precision=_precision(environment.get("AIM_TUI_PRECISION")) or top.precision or "aim",
        batch_size=top.batch_size,
        plugin_seconds=top.plugin_seconds,
        reading=reading,
        interface=files[-1].ui,
        keys=files[-1].keys,
        rater=(files[-1].review.rater or "").strip(),
        source=files[-1] if len(files) > 1 else None,
        disabled={
            metric: name
            for metric in METRICS
            if environment.get(name := f"DISABLE_{metric.upper()}", "").strip().lower() in _TRUE
        },
    )


def load_environment() -> dict[str, str]:
    """The known variables, from the environment or else from a .env file in the working folder or above.

    Those from the file are set in the environment, where libraries and the worker process expect them.
    """
    from dotenv import find_dotenv

    try:
        env_file = find_dotenv(usecwd=True)
    except OSError:
        env_file = ""  # the working folder no longer exists
    try:
        text = Path(env_file).read_text(encoding="utf-8") if env_file else ""
    except UnicodeDecodeError:
        raise ConfigError(f"{env_file}: the .env file is not UTF-8 text") from None
    except OSError as error:
        raise ConfigError(f"cannot read {env_file}: {error.strerror}") from None
    values = parse_env(Path(env_file), text)
    for name in _ENVIRONMENT:
        if value := values.get(name):
            os.environ.setdefault(name, value)
    return {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}


def device_problem(name: str) -> str | None:
    """Why a device name is invalid, or None if it is valid."""
    return None if _DEVICE.fullmatch(name) else f"unknown device {name!r}; it is auto, cpu, mps, cuda or cuda:N"


def _may_exist(path: Path) -> bool:
    """Whether a file exists or cannot be checked: then reading it says why."""
    try:
        path.stat()
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return True


def _rule_set(name: str, raw: RulesTable) -> RuleSet:
    rules: dict[str, Rule] = {}
    for metric, pieces in raw.pieces().items():
        # A broken metric is never scored; a profile that uses it reports it.
        with contextlib.suppress(BrokenMetricError):
            _known_metric(metric, ["rules", name, metric])
        try:
            rules[metric] = Rule(tuple(Piece(*piece) for piece in pieces))
        except ValueError as error:
            raise InvalidValueError(["rules", name, metric], str(error)) from None
    for role in raw.made_for:
        with contextlib.suppress(BrokenMetricError):
            _known_role(role, ["rules", name, "made_for"])
    return RuleSet(name, rules, raw.made_for, raw.source)


def _profiles(files: Sequence[SettingsFile], rules: Mapping[str, RuleSet]) -> tuple[dict[str, Profile], dict[str, str]]:
    """Every profile, with those of later files replacing earlier ones; and why some cannot be used."""
    unusable: dict[str, str] = {}
    tables: dict[str, ProfileTable] = {}
    models: dict[str, dict[Role, ModelRef]] = {}
    for each in files:
        for name, table in each.profiles.items():
            tables[name] = table
            try:
                _check_names(table, ["profiles", name], rules)
                models[name] = _models(each.models[name], each.path.parent, ["profiles", name, "models"])
            except BrokenMetricError as error:
                unusable[name] = str(error.args[0])
    profiles = {}
    for name in tables:
        # Errors of a parent profile are reported before those of the profile itself.
        if broken := next((unusable[each] for each in _ancestry(name, tables) if each in unusable), None):
            unusable[name] = broken
        else:
            profiles[name] = _profile(name, tables, models, rules)
    return profiles, unusable


def _check_names(table: ProfileTable, keys: list[str], rules: Mapping[str, RuleSet]) -> None:
    """Check a profile's own table, without what it extends."""
    if table.rules is not None:
        _known([table.rules], rules, [*keys, "rules"], "rules")
    for metric in table.metrics or ():
        _known_metric(metric, [*keys, "metrics"])
    for metric, weight in table.weights.items():
        _known_metric(metric, [*keys, "weights", metric])
        if not math.isfinite(weight) or weight < 0:
            raise InvalidValueError([*keys, "weights", metric], f"the weight is {weight:g}; weights are zero or more")


def _models(tables: Mapping[str, ModelTable], folder: Path, keys: list[str]) -> dict[Role, ModelRef]:
    refs: dict[Role, ModelRef] = {}
    for role, table in tables.items():
        _known_role(role, [*keys, role])
        if not table.id and not table.path:
            raise InvalidValueError([*keys, role], "needs an id (hub) or a path (local folder)")
        _check_device(table.device, [*keys, role, "device"])
        if table.layer is not None and role in _ROLES:
            raise InvalidValueError(
                [*keys, role, "layer"], f"the {role} model takes no layer; only that of bertscore does"
            )
        path = table.path
        if path is not None and path.startswith(_SAMPLE):
            path = str(paths.sample_data() / path.removeprefix(_SAMPLE))
        elif path is not None:
            path = str((folder / _expanded(path)).absolute())
        refs[Role(role)] = ModelRef(**msgspec.structs.asdict(table) | {"path": path})
    return refs


def _profile(
    name: str,
    tables: Mapping[str, ProfileTable],
    refs: Mapping[str, Mapping[Role, ModelRef]],
    rules: Mapping[str, RuleSet],
) -> Profile:
    """The profile merged with everything that it extends; its own entries win."""
    keys = ["profiles", name]
    models: dict[Role, ModelRef] = {}
    weights = {metric: spec.default_weight for metric, spec in METRICS.items()}
    rule_name, description, notice, named = "aim", "", "", list(METRICS)
    for ancestor in reversed(_ancestry(name, tables)):
        table = tables[ancestor]
        weights.update(table.weights)
        models.update(refs[ancestor])
        rule_name = table.rules or rule_name
        named = table.metrics if table.metrics is not None else named
        description = table.description if table.description is not None else description
        notice = table.notice if table.notice is not None else notice
    metrics = images_in_order(named)
    for metric in metrics:
        models = get_metric(metric).default_models | models
    missing = [str(role) for metric in metrics for role in get_metric(metric).roles if role not in models]
    if missing:
        problem = f'no model for {", ".join(missing)} (extends = "aim" adds AIM\'s)'
        raise InvalidValueError([*keys, "models"], problem)
    weights = {metric: get_metric(metric).default_weight for metric in metrics} | weights
    unruled = [
        metric
        for metric in metrics
        if metric not in rules[rule_name].rules and (metric in METRICS or weights[metric] > 0)
    ]
    if unruled:
        # Blame the rules, not the profile, which may be a built-in one that uses the user's rules.
        raise InvalidValueError(
            ["rules", rule_name], f"no rule for {', '.join(unruled)}, which the profile {name!r} uses"
        )
    try:
        ScoringPlan(metrics, weights, rules[rule_name])
    except ValueError as error:
        raise InvalidValueError([*keys, "weights"], str(error)) from None
    return Profile(name, models, rules[rule_name], weights, description, notice, metrics)


def _ancestry(name: str, tables: Mapping[str, ProfileTable]) -> list[str]:
    chain = [name]
    while (parent := tables[chain[-1]].extends) is not None:
        keys = ["profiles", chain[-1], "extends"]
        _known([parent], tables, keys, "profile")
        if parent in chain:
            raise InvalidValueError(keys, f"extends itself ({' -> '.join([*chain, parent])})")
        chain.append(parent)
    return chain


def _known_metric(metric: str, keys: list[str]) -> None:
    try:
        get_metric(metric)
    except BrokenMetricError:
        raise
    except KeyError as error:
        raise InvalidValueError(keys, str(error.args[0])) from None


def _known_role(role: str, keys: list[str]) -> None:
    if role in _ROLES or (NAME.fullmatch(role) and model_role(Role(role)) is not None):
        return
    from aim_tui.core.metrics import plugins

    # It may be the role of a broken metric.
    for name in plugins.names():
        get_metric(name)
    raise InvalidValueError(keys, f"unknown role {role!r}{did_you_mean(role, _ROLES)}")


def _known(names: Iterable[str], known: Iterable[str], keys: list[str], kind: str) -> None:
    for name in names:
        if name not in known:
            raise InvalidValueError(keys, f"unknown {kind} {name!r}{did_you_mean(name, known)}")


def _check_device(name: str | None, keys: list[str]) -> None:
    if name and (problem := device_problem(name)):
        raise InvalidValueError(keys, problem)


def _expanded(path: str) -> Path:
    """The path with `~` expanded; unchanged if there is no such user, where Path.expanduser raises."""
    return Path(os.path.expanduser(path))


def _apply_captioner(profiles: dict[str, Profile], environment: Mapping[str, str]) -> None:
    """BLIP2_MODEL chooses the captioner of the profile `aim`, as it does in AIM."""
    model = environment.get("BLIP2_MODEL", "").strip()
    if not model:
        return
    aim = profiles["aim"]
    local = _expanded(model)
    try:
        is_folder = os.path.isdir(local)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ConfigError(f"BLIP2_MODEL names neither a model nor a folder: {reason}") from None
    chosen = ModelRef(id=model, path=str(local.absolute()) if is_folder else None)
    profiles["aim"] = replace(aim, models={**aim.models, Role.CAPTIONER: chosen})


def _precision(value: str | None) -> Precision | None:
    match value:
        case None | "":
            return None
        case "aim" | "fast":
            return value
    raise ConfigError(f"AIM_TUI_PRECISION is {value!r}; it is 'aim' or 'fast'")


def _reading(table: ReadingTable) -> ReadingPolicy:
    if table.background != ReadingPolicy().background:
        # Imported only if needed: every start would wait for it.
        from PIL import ImageColor

        try:
            ImageColor.getrgb(table.background)
        except ValueError:
            raise InvalidValueError(["reading", "background"], f"unknown colour {table.background!r}") from None
    pixels, nbytes = int(table.max_megapixels * 1e6), int(table.max_megabytes * 2**20)
    return ReadingPolicy(table.exif, table.background, pixels, nbytes, table.max_seconds)

"""The schema of a settings file; errors name file, line and key.

msgspec decodes the TOML into the types below in 0.03 s, a quarter of what pydantic-settings takes to import, and the
first paint waits for this module.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args, get_type_hints

import msgspec

from aim_tui.core.metrics.spec import DType, Precision, Quantisation
from aim_tui.core.names import did_you_mean

# msgspec reads the annotations, so their types must exist at run time.
from aim_tui.core.scoring.jobs import ExifPolicy
from aim_tui.documents import parse_toml
from aim_tui.errors import ConfigError

T = TypeVar("T")

_AtLeastOne = Annotated[int, msgspec.Meta(ge=1)]
#: Finite, because it is converted to a number of bytes or pixels.
_Limit = Annotated[float, msgspec.Meta(gt=0, le=1e9)]
_Seconds = Annotated[float, msgspec.Meta(ge=0, le=1e9)]


class ModelTable(msgspec.Struct, forbid_unknown_fields=True):
    """`[profiles.NAME.models.ROLE]`, or one line of `[profiles.NAME.models]`: a ModelRef.

    Not decoded into ModelRef itself, because msgspec would then accept unknown settings and a batch size of 0.
    """

    id: str = ""
    path: str | None = None
    revision: str | None = None
    dtype: DType = "auto"
    device: str = "auto"
    attention: str | None = None
    quantisation: Quantisation = "none"
    batch_size: _AtLeastOne | None = None
    processor: str | None = None
    layer: _AtLeastOne | None = None


class RulesTable(msgspec.Struct, forbid_unknown_fields=True):
    """`[rules.NAME]`."""

    clip: list[tuple[float, float, float]] | None = None
    blip2: list[tuple[float, float, float]] | None = None
    lpips: list[tuple[float, float, float]] | None = None
    source: str = ""
    made_for: dict[str, str] = {}
    others: dict[str, list[tuple[float, float, float]]] = {}
    """Rules of metrics other than AIM's; in the file they are on the same level."""

    def pieces(self) -> dict[str, list[tuple[float, float, float]]]:
        """The rule of each metric."""
        aim = {"clip": self.clip, "blip2": self.blip2, "lpips": self.lpips}
        return {metric: pieces for metric, pieces in aim.items() if pieces is not None} | self.others


class ProfileTable(msgspec.Struct, forbid_unknown_fields=True):
    """`[profiles.NAME]`."""

    extends: str | None = None
    description: str | None = None
    notice: str | None = None
    rules: str | None = None
    metrics: Annotated[list[str], msgspec.Meta(min_length=1)] | None = None
    weights: dict[str, float] = {}
    models: dict[str, Any] = {}


class ReadingTable(msgspec.Struct, forbid_unknown_fields=True):
    """`[reading]`."""

    exif: ExifPolicy = "rotate"
    background: str = "white"
    max_megapixels: _Limit = 100.0
    max_megabytes: _Limit = 256.0
    max_seconds: _Limit = 60.0


class InterfaceTable(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """`[ui]`: the look of the application, and what it sends to the terminal."""

    theme: str | None = None
    compact: bool = False
    title: bool = True
    progress: bool = True
    bell: bool = True
    notification: bool = True
    notify_after: _Seconds = 30.0
    remember: bool = True


class ReviewTable(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """`[review]`: the name of the rater."""

    rater: Annotated[str, msgspec.Meta(pattern=r"\S", max_length=100)] | None = None


class TopLevel(msgspec.Struct, forbid_unknown_fields=True):
    """The whole file; its tables are decoded one by one, see `_convert`."""

    profile: str | None = None
    device: str | None = None
    precision: Precision | None = None
    batch_size: _AtLeastOne | None = None
    plugin_seconds: _Limit = 600.0
    reading: Any = {}
    ui: Any = {}
    review: Any = {}
    keys: dict[str, Any] = {}
    rules: dict[str, Any] = {}
    profiles: dict[str, Any] = {}


class InvalidValueError(Exception):
    """An invalid setting: the keys that lead to it, and what is wrong."""

    def __init__(self, keys: Sequence[str], problem: str) -> None:
        super().__init__(problem)
        self.keys = list(keys)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """One file that matches the schema; names are resolved later, over all files."""

    path: Path
    text: str
    top: TopLevel
    reading: ReadingTable
    ui: InterfaceTable
    review: ReviewTable
    keys: dict[str, str]
    """Keys by the id of the binding; the UI checks them."""
    rules: dict[str, RulesTable]
    profiles: dict[str, ProfileTable]
    models: dict[str, dict[str, ModelTable]]
    """By profile and role."""

    def declares(self, keys: Sequence[str]) -> bool:
        """Whether this file has the profile or the rules that `keys` lead into."""
        match keys:
            case ["profiles", name, *_]:
                return name in self.profiles
            case ["rules", name, *_]:
                return name in self.rules
        return False

    def error(self, invalid: InvalidValueError) -> ConfigError:
        """The error with this file and the line."""
        return _error(self.path, self.text, invalid)


def read(path: Path) -> SettingsFile:
    """Read a file and check it against the schema; ConfigError names file, line and key."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"cannot read the settings file {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: the settings file is not UTF-8 text") from None
    data = parse_toml(path, text)
    try:
        top = _convert(data, TopLevel)
        profiles = {name: _convert(raw, ProfileTable, "profiles", name) for name, raw in top.profiles.items()}
        return SettingsFile(
            path,
            text,
            top,
            _convert(top.reading, ReadingTable, "reading"),
            _convert(top.ui, InterfaceTable, "ui"),
            _convert(top.review, ReviewTable, "review"),
            dict(_keys(top.keys, "keys")),
            {name: _rules(raw, "rules", name) for name, raw in top.rules.items()},
            profiles,
            {
                name: {
                    role: _convert(raw, ModelTable, "profiles", name, "models", role)
                    for role, raw in profile.models.items()
                }
                for name, profile in profiles.items()
            },
        )
    except InvalidValueError as invalid:
        raise _error(path, text, invalid) from None


def _rules(raw: Any, *where: str) -> RulesTable:
    """A table of rules; any other entry is the rule of a metric other than AIM's."""
    if not isinstance(raw, dict):
        return _convert(raw, RulesTable, *where)
    fixed = {name: value for name, value in raw.items() if name in RulesTable.__struct_fields__ and name != "others"}
    table = _convert(fixed, RulesTable, *where)
    for name, value in raw.items():
        if name not in fixed:
            if not isinstance(value, list):
                raise InvalidValueError(
                    [*where, name], f"unknown setting{did_you_mean(name, RulesTable.__struct_fields__)}"
                )
            table.others[name] = _convert(value, list[tuple[float, float, float]], *where, name)
    return table


def _keys(table: Mapping[str, Any], *where: str) -> Iterator[tuple[str, str]]:
    """Ids and keys, written as `"main.score" = "s"` or as `main.score = "s"`, which TOML reads as nested tables."""
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _keys(value, *where, name)
        else:
            yield ".".join([*where[1:], name]), _convert(value, str, *where, name)


def _error(path: Path, text: str, invalid: InvalidValueError) -> ConfigError:
    line = _line_of(text, invalid.keys)
    location = f"{path}, line {line}" if line else str(path)
    return ConfigError(f"{location}: {'.'.join(invalid.keys) or 'top level'}: {invalid.problem}")


def _convert(data: Any, kind: type[T], *where: str) -> T:
    """`data` as `kind`; one table at a time, since msgspec's messages do not name the table."""
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        problem, _, inside = str(error).partition(" - at `$")
        keys = [*where, *(key for key in re.split(r"[.\[\]]+", inside.rstrip("`")) if key)]
        if unknown := re.search(r"unknown field `([^`]+)`", problem):
            keys.append(unknown[1])
            problem = f"unknown setting{did_you_mean(unknown[1], kind.__annotations__)}"
        elif value := re.match(r"Invalid enum value '(.*)'", problem):
            problem = f"unknown value {value[1]!r}{did_you_mean(value[1], _choices(get_type_hints(kind)[keys[-1]]))}"
        raise InvalidValueError(keys, problem) from None


def _choices(hint: Any) -> list[str]:
    """The strings of a Literal, or of an optional one."""
    return [hint] if isinstance(hint, str) else [choice for part in get_args(hint) for choice in _choices(part)]


_KEY = r"""(?:[\w-]+|"[^"]*"|'[^']*')"""
_KEYS = rf"{_KEY}(?:\s*\.\s*{_KEY})*"
# A header has only keys between its brackets: `[0.6, 1, 1],` is a line of a rule.
_HEADER = re.compile(rf"\s*\[{{1,2}}\s*({_KEYS})\s*\]{{1,2}}\s*(?:#.*)?$")
_ENTRY = re.compile(rf"\s*({_KEYS})\s*=")


def _line_of(text: str, keys: list[str]) -> int | None:
    """The line that these keys lead to, or that of the nearest table."""
    keys = _in_parts(keys)
    best: tuple[int, int] | None = None
    table: list[str] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            path = table = _parts(header[1])
        elif entry := _ENTRY.match(line):
            path = table + _parts(entry[1])
        else:
            continue
        path = _in_parts(path)
        shared = len(os.path.commonprefix([path, keys]))
        if shared == len(path) and (best is None or shared > best[0]):
            best = (shared, number)
    return best[1] if best else None


def _in_parts(path: list[str]) -> list[str]:
    """The parts of a path: the id of a binding may be one quoted key or several bare ones."""
    return [part for key in path for part in key.split(".")] if path[:1] == ["keys"] else path


def _parts(keys: str) -> list[str]:
    return [key.strip("\"'") for key in re.findall(_KEY, keys)]

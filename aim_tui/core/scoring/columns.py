"""The columns of rows of results: each one `Column`, read by table, sort, filter, mark rules, exports and reports.

To add a column, add a `Column` to `IMAGES` or `EDITS` at the end of this file. Metrics of images get theirs
automatically.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cache
from itertools import chain
from typing import Any

from aim_tui.core.metrics.builtin import BLIP2, CLIP, LPIPS, METRICS
from aim_tui.core.metrics.edits import MEASURES
from aim_tui.core.metrics.registry import get_metric, image_metrics
from aim_tui.core.metrics.spec import MetricSpec
from aim_tui.core.names import ShortNames, natural_key
from aim_tui.core.outcomes import value_of
from aim_tui.core.ratings.opinions import NOTHING, Opinion
from aim_tui.core.scoring.context import Context
from aim_tui.core.scoring.events import DataRow, PromptRead
from aim_tui.core.scoring.plan import ScoringPlan, Status
from aim_tui.core.scoring.results import Row, own_need
from aim_tui.core.text import file_name, portable_path


@dataclass(frozen=True, slots=True)
class View:
    """What the columns of a row depend on besides the row: current context, marks, and opinions."""

    needs: Mapping[str, str] = field(default_factory=dict)
    """The text or path that each enabled metric compares with now."""
    marked: AbstractSet[int] = frozenset()
    opinions: Mapping[str, Opinion] = field(default_factory=dict)
    """The rater's opinions, by path, or id of an edit."""
    prompt: PromptRead | None = None
    """How the model read the run's prompt."""
    names: ShortNames = field(default_factory=ShortNames)
    """What the images are called; those that are not in it go by their file names."""

    @classmethod
    def of(
        cls,
        context: Context,
        metrics: Iterable[str],
        marked: AbstractSet[int] = frozenset(),
        opinions: Mapping[str, Opinion] | None = None,
        names: ShortNames | None = None,
    ) -> View:
        """The view of these metrics in a context."""
        needs = {metric: context.need(metric) for metric in metrics}
        return cls(needs, marked, {} if opinions is None else opinions, names=names or ShortNames())

    def opinion(self, row: Row) -> Opinion:
        """The rater's opinion of the row's image."""
        return self.opinions.get(row.id, NOTHING)

    def stale(self, row: Row) -> bool:
        """Whether a value of an enabled metric was computed with another prompt, topic or reference."""
        raws = row.raws
        if row.own is not None:
            return any(self.stale_value(row, metric) for metric in self.needs)
        return any((raw := raws.get(metric)) is not None and raw.against != need for metric, need in self.needs.items())

    def stale_value(self, row: Row, metric: str) -> bool:
        """Whether the raw value of a metric was computed with another prompt, topic or reference."""
        raw = row.raws.get(metric)
        return raw is not None and raw.against != (own_need(row, metric) or self.needs.get(metric))


class Kind(StrEnum):
    """The type of a column's values, and an example of a filter by it."""

    NUMBER = "number"
    """final>70"""
    TEXT = "text"
    """caption~cabin"""
    FLAG = "flag"
    """failed: the name alone"""


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its value for a row, and what each reader of columns needs."""

    id: str
    """Its name for sorting and filtering."""
    title: str
    kind: Kind
    value: Callable[[Row, View], Any]
    """A float, a text or a bool by its kind; None where the row has no value."""
    names: tuple[str, ...] = ()
    """Other names in filters and mark rules."""
    filtered: bool = True
    """Whether it can be filtered by."""
    key: Callable[[Row, View], float | str | None] | None = None
    """The sort key, if that is not the value."""
    largest_first: bool = False
    """Whether it is sorted in descending order first."""
    letter: str = ""
    """Its key in the sort dialog; a column without one is not in the dialog."""
    label: str = ""
    """Its name in the sort dialog; by default the title."""
    width: int = 0
    """Its width in cells; 0 if table and reports do not show it."""
    decimals: int = 0
    metric: str = ""
    """The metric that it belongs to."""
    field: str = ""
    """Its name in records and exports; empty if it is not in them."""
    exported: Callable[[Row, View], Any] | None = None
    """The value in records, if that is another one."""

    def export_value(self, row: Row, view: View) -> Any:
        """The value in records."""
        return (self.exported or self.value)(row, view)

    def text(self, row: Row, view: View) -> str:
        """The value in a cell; '-' for a missing number."""
        value = self.value(row, view)
        match self.kind:
            case Kind.NUMBER:
                return "-" if value is None else f"{value:.{self.decimals}f}"
            case Kind.FLAG:
                return "yes" if value else "no"
        return value or ""


class ColumnSet:
    """The columns of one kind of row: registered columns, and those of the metrics of such rows."""

    def __init__(self, metrics: Callable[[], Iterable[MetricSpec]]) -> None:
        self._metrics = metrics
        self._columns: dict[str, Column] = {}

    def register(self, *columns: Column) -> None:
        """Add columns; ValueError if a name or a letter is taken."""
        for column in columns:
            others = [other for other in self if other is not column]
            taken = {name for other in others for name in (other.id, *other.names)}
            if clash := taken & {column.id, *column.names}:
                raise ValueError(f"the column {column.id!r}: the name {sorted(clash)[0]!r} is taken")
            if column.letter and column.letter in {other.letter for other in others}:
                raise ValueError(f"the column {column.id!r}: the letter {column.letter!r} is taken")
            self._columns[column.id] = column

    def __iter__(self) -> Iterator[Column]:
        yield from self._columns.values()
        yield from self._of_metrics()

    def _of_metrics(self) -> Iterator[Column]:
        """The columns of metrics other than AIM's, whose columns are registered."""
        return chain.from_iterable(metric_columns(spec) for spec in self._metrics() if spec.id not in self._columns)

    def get(self, name: str) -> Column | None:
        """The column of this id or other name, or None."""
        return self._columns.get(name) or next((one for one in self if name in (one.id, *one.names)), None)

    def __getitem__(self, column: str) -> Column:
        return self._columns[column]

    def names(self, *kinds: Kind) -> tuple[str, ...]:
        """The names for filters: numbers, texts, then flags; metrics other than AIM's come last."""
        groups = (self._columns.values(), self._of_metrics())
        named = (one for group in groups for one in sorted(group, key=lambda one: list(Kind).index(one.kind)))
        known = ((one.id, *one.names) for one in named if one.kind in kinds and one.filtered)
        return tuple(chain.from_iterable(known))

    def filter_values(self, kind: Kind) -> dict[str, Callable[[Row, View], Any]]:
        """The function that reads the value of each column of a kind, by each name for filters."""
        known = (one for one in self if one.kind is kind and one.filtered)
        return {name: one.value for one in known for name in (one.id, *one.names)}

    def sortable(self) -> list[Column]:
        """The columns that rows can be sorted by: numbers and texts."""
        return [one for one in self if one.kind is not Kind.FLAG]

    def additional(self) -> list[Column]:
        """The columns that table and reports show besides metrics and final score."""
        return [one for one in self if one.width]

    def fields(self) -> tuple[str, ...]:
        """The names of the columns of records for AIM's metrics only."""
        return tuple(one.field for one in self._columns.values() if one.field)

    def exported(self, plan: ScoringPlan) -> list[Column]:
        """The columns of records, those of metrics other than AIM's before the final score.

        Their normalised values are included if the metric is part of the final score. Of edits only the enabled metrics
        are included.
        """
        own = [
            one
            for one in self._columns.values()
            if one.field and (one.metric not in MEASURES or one.metric in plan.metrics)
        ]
        place = next((index for index, one in enumerate(own) if one.id == "final"), len(own))
        return [*own[:place], *_other_columns(plan), *own[place:]]


def _other_columns(plan: ScoringPlan) -> Iterator[Column]:
    for metric in plan.metrics:
        if metric not in METRICS and metric not in MEASURES:
            raw, norm = metric_columns(get_metric(metric))
            yield from (raw, norm) if metric in plan.shares else (raw,)


_LETTERS = {"clip": "c", "blip2": "b", "lpips": "l"}


@cache
def metric_columns(spec: MetricSpec) -> tuple[Column, Column]:
    """The columns of a metric's raw and normalised values."""
    metric = spec.id

    def raw(row: Row, view: View) -> float | None:
        return value_of(row.outcome(metric))

    def norm(row: Row, view: View) -> float | None:
        return value_of(row.norm(metric))

    norm_id = f"{metric}_norm"
    return (
        Column(
            metric, spec.heading, Kind.NUMBER, raw,
            names=_others(metric, spec.raw_field), largest_first=spec.higher_is_better,
            letter=_LETTERS.get(metric, ""), label=spec.short, decimals=spec.decimals,
            metric=metric, field=spec.raw_field,
        ),
        Column(
            norm_id, "norm", Kind.NUMBER, norm, names=_others(norm_id, spec.norm_field), largest_first=True,
            decimals=2, metric=metric, field=spec.norm_field,
        ),
    )  # fmt: skip


def _others(name: str, *names: str) -> tuple[str, ...]:
    return tuple(other for other in names if other not in ("", name))


def _fact(name: str) -> Callable[[Row, View], float | None]:
    return lambda row, view: None if row.facts is None else float(getattr(row.facts, name))


def _status_flag(status: Status) -> Column:
    return Column(status.value, status.value, Kind.FLAG, lambda row, view: row.status is status)


def _opinion_flag(name: str, holds: Callable[[Opinion], bool]) -> Column:
    return Column(name, name, Kind.FLAG, lambda row, view: holds(view.opinion(row)))


_STATUS_ORDER = {Status.OK: 0, Status.PARTIAL: 1, Status.FAILED: 2, Status.PENDING: 3}

#: Flags of a rater's opinion of an image or an edit.
OPINION_FLAGS: dict[str, Callable[[Opinion], bool]] = {
    "rated": lambda opinion: opinion.rating is not None,
    "unrated": lambda opinion: opinion.rating is None and not opinion.rejected,
    "rejected": lambda opinion: opinion.rejected,
    "noted": lambda opinion: bool(opinion.note),
}

_STATUS = Column(
    "status", "Status", Kind.TEXT, lambda row, view: str(row.status), filtered=False,
    key=lambda row, view: _STATUS_ORDER[row.status], letter="s", label="status", field="status",
)  # fmt: skip
_ERROR = Column("error", "Error", Kind.TEXT, lambda row, view: row.errors(), names=("reason",), field="error")
_JUDGED = (
    Column(
        "rating", "Rate", Kind.NUMBER, lambda row, view: view.opinion(row).rating,
        largest_first=True, letter="r", label="rating",
    ),
    Column("item", "#", Kind.NUMBER, lambda row, view: row.item, filtered=False, letter="o", label="order"),
    Column("note", "Note", Kind.TEXT, lambda row, view: view.opinion(row).note or None),
)  # fmt: skip
_FLAGS = (
    *map(_status_flag, Status),
    Column("stale", "Stale", Kind.FLAG, lambda row, view: view.stale(row)),
    Column("marked", "Marked", Kind.FLAG, lambda row, view: row.item in view.marked),
    *(_opinion_flag(name, holds) for name, holds in OPINION_FLAGS.items()),
)


#: The columns of images, in the order of records and of the sort dialog.
IMAGES = ColumnSet(image_metrics)
IMAGES.register(
    Column(
        "path", "Path", Kind.TEXT, lambda row, view: row.path,
        field="path", exported=lambda row, view: portable_path(row.path),
    ),
    Column(
        "name", "Name", Kind.TEXT, lambda row, view: view.names[row.path],
        key=lambda row, view: natural_key(file_name(row.path)), letter="n", label="name",
    ),
    *metric_columns(CLIP),
    Column(
        "caption", "Caption", Kind.TEXT, lambda row, view: row.caption,
        key=lambda row, view: row.caption.casefold() if row.caption else None, letter="t", label="caption",
        field="caption",
    ),
    *metric_columns(BLIP2),
    *metric_columns(LPIPS),
    Column(
        "final", "Final", Kind.NUMBER, lambda row, view: row.final,
        names=("final_score",), largest_first=True, letter="f", label="final", decimals=1, field="final_score",
    ),
    _STATUS,
    _ERROR,
    Column(
        "prompt_tokens", "Prompt tokens", Kind.NUMBER,
        lambda row, view: read.tokens if (read := row.text_read("prompt", view.prompt)) else None,
        filtered=False, field="prompt_tokens",
    ),
    Column(
        "prompt_truncated", "Prompt truncated", Kind.FLAG,
        lambda row, view: read.truncated if (read := row.text_read("prompt", view.prompt)) else None,
        filtered=False, field="prompt_truncated",
    ),
    Column("size", "Size", Kind.NUMBER, _fact("bytes"), largest_first=True),
    Column("width", "Width", Kind.NUMBER, _fact("width"), largest_first=True),
    Column("height", "Height", Kind.NUMBER, _fact("height"), largest_first=True),
    *_JUDGED,
    *_FLAGS,
)  # fmt: skip

#: The key and the title of each number of edits, as short as a table of all of them needs.
_EDIT_METRICS = {
    "edit_score": ("e", "Edit"),
    "target_text_sim": ("t", "T~text"),
    "source_text_sim": ("x", "S~text"),
    "source_target_sim": ("b", "S~T"),
    "editclip_score": ("c", "EditCLIP"),
    "preservation_lpips": ("l", "LPIPS"),
    "preservation_clip": ("k", "KeptCLIP"),
    "directional_similarity": ("d", "Direct"),
    "caption_change": ("a", "Capt"),
    "caption_instruction_sim": ("y", "C~text"),
}
RIGHT, WRONG = "✓", "✗"


def _edit_metric(spec: MetricSpec) -> Column:
    letter, title = _EDIT_METRICS[spec.id]
    arrow = "↑" if spec.higher_is_better else "↓"
    return replace(metric_columns(spec)[0], title=f"{title}{arrow}", letter=letter, label=title)


def _truth(name: str, title: str, letter: str = "", label: str = "") -> Column:
    return Column(
        name, title, Kind.TEXT, lambda row, view: str(row.truth.get(name) or ""), letter=letter, label=label,
        key=lambda row, view: str(row.truth[name]) if row.truth.get(name) else None,
        field=name, exported=lambda row, view: row.truth.get(name),
    )  # fmt: skip


def _right(row: Row, view: View) -> str:
    correct = row.truth.get("is_correct")
    return "" if correct is None else RIGHT if correct else WRONG


def _side(name: str, title: str, path: Callable[[DataRow], str]) -> Column:
    def value(row: Row, view: View) -> str | None:
        return portable_path(path(row.data)) if row.data is not None else None

    return Column(name, title, Kind.TEXT, value, filtered=False, field=name)


_ERROR_TYPE = _truth("error_type", "Error type", letter="w", label="wrong")
#: The columns of edits, in the order of records and of the sort dialog.
EDITS = ColumnSet(tuple)
EDITS.register(
    Column("name", "Name", Kind.TEXT, lambda row, view: f"{row.id} {row.instruction}"),
    Column(
        "id", "Id", Kind.TEXT, lambda row, view: row.id, key=lambda row, view: natural_key(row.id),
        letter="i", label="id", field="id",
    ),
    _side("source_image", "Source", lambda data: data.source),
    _side("target_image", "Target", lambda data: data.target),
    Column(
        "instruction", "Instruction", Kind.TEXT, lambda row, view: row.instruction,
        key=lambda row, view: row.instruction.casefold(), letter="n", label="instruction", field="instruction",
    ),
    _truth("original_id", "Original"),
    Column(
        "is_correct", "", Kind.TEXT, _right, key=_ERROR_TYPE.key, filtered=False,
        field="is_correct", exported=lambda row, view: row.truth.get("is_correct"),
    ),
    _ERROR_TYPE,
    _truth("original_instruction", "Original instruction"),
    *map(_edit_metric, MEASURES.values()),
    _STATUS,
    _ERROR,
    *_JUDGED,
    *_FLAGS,
    Column("right", "Right", Kind.FLAG, lambda row, view: row.truth.get("is_correct") is True),
    Column("wrong", "Wrong", Kind.FLAG, lambda row, view: row.truth.get("is_correct") is False),
)  # fmt: skip

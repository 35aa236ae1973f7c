"""Filter expressions: a small language to say which rows are shown, and its parser.

    expression = both ("|" both)*              such as  final>70 & caption~cabin & !failed
    both       = single ("&"? single)*         two things side by side must both hold
    single     = "!" single | "(" expression ")" | comparison | word
    comparison = field operator value          final>=70   clip_norm<0.5   name~draft   caption~"red door"
    word       = a status (ok partial failed pending stale marked), or what the rater says (rated rejected noted;
                 unrated: neither rated nor rejected), else what the file name contains

An expression is compiled once to a closure; a row that lacks the value never satisfies a comparison.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple

from aim_tui.core.names import did_you_mean, folded
from aim_tui.core.scoring.columns import IMAGES, ColumnSet, Kind, View
from aim_tui.core.scoring.results import Row

if TYPE_CHECKING:
    Predicate = Callable[[Row, View], bool]
    Number = Callable[[Row, View], float | None]
    Words = Callable[[Row, View], str | None]


class FilterError(ValueError):
    """An expression that cannot be read; `column` counts characters from 1."""

    def __init__(self, message: str, column: int) -> None:
        super().__init__(f"{message} (column {column})")
        self.message = message
        self.column = column


class Filter:
    """A compiled filter expression; an empty one accepts every row. FilterError where it cannot be read."""

    def __init__(self, expression: str = "", columns: ColumnSet = IMAGES) -> None:
        self.expression = expression.strip()
        self._accepts: Predicate | None = None
        if self.expression:
            self._accepts = _Parser(expression, columns).parse()

    def __bool__(self) -> bool:
        return self._accepts is not None

    def accepts(self, row: Row, view: View) -> bool:
        """Whether the row is shown."""
        return self._accepts is None or self._accepts(row, view)

    def rows(self, rows: Iterable[Row], view: View) -> list[Row]:
        """The rows that are shown, in the order given."""
        accepts = self._accepts
        return list(rows) if accepts is None else [row for row in rows if accepts(row, view)]


class _Token(NamedTuple):
    kind: str
    text: str
    column: int


_TOKEN = re.compile(
    r"""(?P<space>\s+)
    |(?P<compare>>=|<=|==|!=|!~|=|<|>|~)
    |(?P<sign>&&?|\|\|?|!|\(|\))
    |(?P<quoted>"[^"]*"|'[^']*')
    |(?P<open>["'])
    |(?P<word>[^\s&|()<>=~!](?:[^\s&|()<>=~!]|!(?![=~]))*)""",
    re.VERBOSE,
)
_SIGNS = {"&&": "&", "||": "|"}
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
    "==": operator.eq,
    "!=": operator.ne,
}
_UNITS = {"k": 1e3, "m": 1e6, "g": 1e9}
# Deeper than any person nests, and well before Python's own limit.
_DEEPEST = 60


def _tokens(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        assert found is not None and found.lastgroup is not None  # the groups cover every character
        kind, at, column = found.lastgroup, found.end(), at + 1
        if kind == "open":
            raise FilterError("the quotation mark is not closed", column)
        if kind == "sign":
            sign = _SIGNS.get(found.group(), found.group())
            tokens.append(_Token(sign, sign, column))
        elif kind != "space":
            tokens.append(_Token(kind, found.group(), column))
    return [*tokens, _Token("end", "", len(text) + 1)]


class _Parser:
    """Recursive descent over the grammar at the top, one method a rule, each giving a closure."""

    def __init__(self, text: str, columns: ColumnSet) -> None:
        self._tokens = _tokens(text)
        # Columns may have come since the last one: metrics of packages have theirs as soon as they are named.
        self._numbers, self._texts, self._flags = map(columns.filter_values, (Kind.NUMBER, Kind.TEXT, Kind.FLAG))
        self._fields = columns.names(Kind.NUMBER, Kind.TEXT)
        self._at = 0
        self._depth = 0

    def parse(self) -> Predicate:
        accepts = self._expression()
        if self._next.kind != "end":
            raise self._error(f"{self._next.text!r} has nothing to close")
        return accepts

    @property
    def _next(self) -> _Token:
        return self._tokens[self._at]

    def _take(self) -> _Token:
        token = self._next
        self._at += 1
        return token

    def _error(self, message: str, token: _Token | None = None) -> FilterError:
        return FilterError(message, (token or self._next).column)

    def _expression(self) -> Predicate:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._error("nested too deeply")
        choices = [self._both()]
        while self._next.kind == "|":
            self._take()
            choices.append(self._both())
        self._depth -= 1
        return _any(choices)

    def _both(self) -> Predicate:
        parts = [self._single()]
        while self._next.kind not in ("|", ")", "end"):
            if self._next.kind == "&":
                self._take()
            parts.append(self._single())
        return _all(parts)

    def _single(self) -> Predicate:
        negated = False
        while self._next.kind == "!":
            self._take()
            negated = not negated
        accepts = self._plain()
        return (lambda row, view: not accepts(row, view)) if negated else accepts

    def _plain(self) -> Predicate:
        token = self._take()
        match token.kind:
            case "(":
                accepts = self._expression()
                if self._next.kind != ")":
                    raise self._error("the parenthesis is not closed", token)
                self._take()
                return accepts
            case "quoted":
                return _contains(self._texts["name"], token.text[1:-1])
            case "word" if self._next.kind == "compare":
                return self._comparison(token)
            case "word":
                return self._flags.get(token.text.lower()) or _contains(self._texts["name"], token.text)
            case "end":
                raise self._error("something is missing at the end", token)
            case _:
                raise self._error(f"a field or a word should stand before {token.text!r}", token)

    def _comparison(self, name: _Token) -> Predicate:
        compare = self._take()
        value = self._take()
        if value.kind not in ("word", "quoted"):
            raise self._error(f"a value is missing after {compare.text!r}", value)
        text = value.text[1:-1] if value.kind == "quoted" else value.text
        lowered = name.text.lower()
        if (number := self._numbers.get(lowered)) is not None:
            if compare.text not in _COMPARE:
                raise self._error(f"{name.text} is a number: compare it with > >= < <= = or !=", compare)
            return _compare(number, _COMPARE[compare.text], self._number(value))
        if (words := self._texts.get(lowered)) is not None:
            match compare.text:
                case "~":
                    return _contains(words, text)
                case "!~":
                    return _lacks(words, text)
                case "=" | "==":
                    return _equals(words, text)
            raise self._error(f"{name.text} is text: compare it with ~ !~ or =", compare)
        raise self._error(f"unknown field {name.text!r}{did_you_mean(name.text, self._fields)}", name)

    def _number(self, value: _Token) -> float:
        text = value.text.lower().removesuffix("%")
        scale = _UNITS.get(text[-1:], 1.0)
        try:
            return float(text[:-1] if scale != 1.0 else text) * scale
        except ValueError:
            raise self._error(f"{value.text!r} is not a number", value) from None


def _all(parts: list[Predicate]) -> Predicate:
    first, *rest = parts
    if not rest:
        return first
    return lambda row, view: first(row, view) and all(accepts(row, view) for accepts in rest)


def _any(choices: list[Predicate]) -> Predicate:
    first, *rest = choices
    if not rest:
        return first
    return lambda row, view: first(row, view) or any(accepts(row, view) for accepts in rest)


def _compare(number: Number, holds: Callable[[float, float], bool], bound: float) -> Predicate:
    def accepts(row: Row, view: View) -> bool:
        value = number(row, view)
        return value is not None and holds(value, bound)

    return accepts


def _contains(words: Words, part: str) -> Predicate:
    part = folded(part)
    return lambda row, view: (text := words(row, view)) is not None and part in folded(text)


def _lacks(words: Words, part: str) -> Predicate:
    part = folded(part)
    return lambda row, view: (text := words(row, view)) is not None and part not in folded(text)


def _equals(words: Words, whole: str) -> Predicate:
    whole = folded(whole)
    return lambda row, view: (text := words(row, view)) is not None and whole == folded(text)

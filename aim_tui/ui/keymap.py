"""Which keys do what, and what is wrong with the ones that a user wants instead.

Nothing is registered: every class of the screen that declares bindings is found by walking the package, and which
of them are active together is read from which widgets a screen's module uses.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
import string
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import combinations

from textual.app import App
from textual.binding import Binding, InvalidBinding
from textual.keys import Keys, key_to_character
from textual.screen import Screen
from textual.widget import Widget

import aim_tui.ui
from aim_tui.core.names import did_you_mean

#: Keys that a terminal cannot tell from others, or keeps for itself, and which ones they are.
FORBIDDEN = {
    "ctrl+i": "it is tab",
    "ctrl+m": "it is enter",
    "ctrl+j": "it is enter in some terminals",
    "ctrl+h": "it is backspace in many terminals",
    "ctrl+z": "it puts programs to sleep",
}


def _bound(keys: str) -> Iterable[Binding]:
    return Binding.make_bindings([Binding(keys, "")])


_MODIFIERS = ("ctrl", "alt", "shift", "super", "hyper", "meta")
_NAMED = frozenset(key.value.rpartition("+")[2] for key in Keys if not key.value.startswith("<"))
# The names of signs, which are not always those of Unicode: '+' is plus.
_SIGNS = frozenset(binding.key for sign in string.punctuation if sign != "," for binding in _bound(sign)) | {"comma"}
_WORDS = sorted(name for name in _NAMED | _SIGNS if len(name) > 1)
#: What Textual itself binds has no id that could be given other keys.
_FOREIGN = "textual."


@dataclass(frozen=True, slots=True)
class KeyAction:
    """What can be given other keys: the id it is known by, its keys as they come, and what it does."""

    id: str
    keys: tuple[str, ...]
    name: str
    about: str
    place: str
    priority: bool


@dataclass(frozen=True, slots=True)
class KeyProblem:
    """What is wrong with an entry of a keymap."""

    id: str
    problem: str


def key_actions() -> dict[str, KeyAction]:
    """Everything that a key does anywhere in the application, by id, in the order in which the classes declare it."""
    actions = {id: action for node in _nodes() for id, action in _own_actions(node).items()}
    return {id: action for id, action in actions.items() if not id.startswith(_FOREIGN)}


def normal_keys(keys: str) -> tuple[str, ...]:
    """Keys as Textual names them: 'k, ?' is ('k', 'question_mark'). ValueError where one is empty."""
    try:
        return tuple(binding.key for binding in _bound(keys))
    except InvalidBinding:
        raise ValueError("names no key") from None


def keymap_problems(keymap: Mapping[str, str]) -> list[KeyProblem]:
    """Entries that make no sense: an id that nothing has, a key that no keyboard sends or that must not be used."""
    actions = key_actions()
    problems = []
    for id, keys in keymap.items():
        if id not in actions:
            near = did_you_mean(id, actions)
            hint = near if "did you mean" in near else "; `aim-tui keys` lists them all"
            problems.append(KeyProblem(id, f"there is no binding of that name{hint}"))
            continue
        try:
            wanted = normal_keys(keys)
        except ValueError as error:
            problems.append(KeyProblem(id, f"{keys!r} {error}; a comma itself is written 'comma'"))
            continue
        key_problems = (_key_problem(key, priority=actions[id].priority) for key in wanted)
        problems += [KeyProblem(id, problem) for problem in key_problems if problem]
    return problems


def keymap_conflicts(keymap: Mapping[str, str]) -> list[KeyProblem]:
    """Keys that two actions would have in one place and do not share as they come, reported at the one that was moved.

    Only a keymap without problems has conflicts that mean anything.
    """
    conflicts: dict[frozenset[str], KeyProblem] = {}
    for chain in _chains():
        keys = {id: (set(normal_keys(keymap[id])) if id in keymap else set(chain[id].keys)) for id in chain}
        moved = [id for id in chain if id in keymap]
        for one, other in combinations(chain, 2):
            if one not in moved and other not in moved:
                continue
            as_they_come = set(chain[one].keys) & set(chain[other].keys)
            shared = (keys[one] & keys[other]) - as_they_come
            if not shared or frozenset((one, other)) in conflicts:
                continue
            reported, against = (one, other) if one in moved else (other, one)
            id = "" if against.startswith(_FOREIGN) else f" ({against})"
            whose = f"{chain[against].name}{id}"
            problem = f"{', '.join(sorted(shared))} is also the key of {whose}; give one of them another key"
            conflicts[frozenset((one, other))] = KeyProblem(reported, problem)
    order = list(keymap)
    return sorted(conflicts.values(), key=lambda each: order.index(each.id))


def _key_problem(key: str, *, priority: bool) -> str:
    """Why a key will not do, or an empty text."""
    if key in FORBIDDEN:
        return f"{key} cannot be used: {FORBIDDEN[key]}"
    *modifiers, name = key.split("+")
    for modifier in modifiers:
        if modifier not in _MODIFIERS:
            return f"unknown key {key!r}{did_you_mean(modifier, _MODIFIERS)}"
    if modifiers == ["shift"] and len(name) == 1 and name.isalpha():
        return f"{key} is never sent by a terminal; write {name.upper()!r}"
    typed = bool(re.fullmatch(r"\w", name) or key_to_character(name)) or name in _SIGNS
    if not typed and name not in _NAMED:
        near = did_you_mean(name, _WORDS)
        hint = near if "did you mean" in near else "; a key is a letter, a sign, or a name such as pagedown or f5"
        return f"unknown key {key!r}{hint}"
    if priority and not modifiers and typed:
        return f"{key} is needed for typing, and this works while typing too; use one with ctrl or alt"
    return ""


# -- what there is ---------------------------------------------------------------------------------------------------


@cache
def _nodes() -> tuple[type, ...]:
    """Every class of ours that declares bindings, the application and its screens first."""
    modules = (each.name for each in pkgutil.walk_packages(aim_tui.ui.__path__, "aim_tui.ui."))
    nodes = [thing for name in modules for thing in _classes_of(name) if "BINDINGS" in vars(thing)]
    return tuple(sorted(nodes, key=lambda node: (not issubclass(node, App), not issubclass(node, Screen))))


def _classes_of(module: str) -> Iterator[type]:
    """The applications, screens and widgets that a module defines."""
    for thing in vars(importlib.import_module(module)).values():
        if isinstance(thing, type) and issubclass(thing, (App, Widget)) and thing.__module__ == module:
            yield thing


def _own_actions(node: type) -> dict[str, KeyAction]:
    """What a class and the classes of ours that it is made from bind, by id."""
    actions: dict[str, KeyAction] = {}
    for base in node.__mro__:
        # A list takes nothing from Textual's; screens and applications do, and that has no id of ours.
        if base.__module__.startswith("aim_tui.") or base in (Screen, App):
            for id, action in _actions(base):
                actions.setdefault(id, action)
    return actions


def _actions(base: type) -> Iterator[tuple[str, KeyAction]]:
    """The bindings that stand in one class."""
    ours = base.__module__.startswith("aim_tui.")
    place = vars(base).get("BINDING_GROUP_TITLE") or base.__name__
    for binding in vars(base).get("BINDINGS", []):
        if not isinstance(binding, Binding) or (not ours and binding.action in ("quit", "help_quit")):
            continue
        id = binding.id if ours else f"{_FOREIGN}{binding.action}"
        if id is None:
            raise TypeError(f"{base.__name__}: the binding {binding.key} has no id")
        keys = normal_keys(binding.key)
        yield id, KeyAction(id, keys, binding.description, binding.tooltip, place, binding.priority)


# -- what is active together -----------------------------------------------------------------------------------------


@cache
def _chains() -> tuple[Mapping[str, KeyAction], ...]:
    """For each place that the keyboard can be at: everything that its keys could do."""
    chains: list[Mapping[str, KeyAction]] = []
    everywhere = {id: action for node in _nodes() if issubclass(node, App) for id, action in _own_actions(node).items()}
    for screen in (node for node in _screens() if _own_actions(node)):
        base = everywhere | _own_actions(screen)
        chains.append(base)
        for widget in _widgets_on(screen):
            inside = _own_actions(widget)
            if inside:
                chains.append(base | inside | _around(widget))
    return tuple(chains)


def _screens() -> Iterator[type]:
    for each in pkgutil.walk_packages(aim_tui.ui.__path__, "aim_tui.ui."):
        yield from (thing for thing in _classes_of(each.name) if issubclass(thing, Screen))


def _widgets_on(screen: type) -> Iterator[type]:
    """The widgets of ours that a screen uses, or a screen that it extends."""
    seen: set[str] = set()
    for base in screen.__mro__:
        if base.__module__.startswith(f"{aim_tui.ui.__name__}."):
            yield from _widgets_of(base.__module__, seen)


def _widgets_of(module: str, seen: set[str]) -> Iterator[type]:
    """The widgets of ours that a module uses, and those that their modules use."""
    if module in seen:
        return
    seen.add(module)
    for thing in _named_in(module):
        if issubclass(thing, Widget) and not issubclass(thing, Screen):
            yield thing
            yield from _widgets_of(thing.__module__, seen)


def _around(widget: type) -> dict[str, KeyAction]:
    """What the widgets of ours bind that hold this one: those of the same module."""
    actions: dict[str, KeyAction] = {}
    for other in _classes_of(widget.__module__):
        if not issubclass(other, Screen) and not issubclass(other, widget) and not issubclass(widget, other):
            actions |= _own_actions(other)
    return actions


def _named_in(module: str) -> Iterable[type]:
    return [
        thing
        for thing in vars(sys.modules[module]).values()
        if isinstance(thing, type) and issubclass(thing, Widget) and thing.__module__.startswith("aim_tui.")
    ]

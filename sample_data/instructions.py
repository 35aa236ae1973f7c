"""Instructions that change a scene: what each wording asks for, right ones, and ones that are wrong in a known way."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import permutations
from typing import TYPE_CHECKING

from sample_data.foreign import DOES, WHO
from sample_data.scenes import ATTRIBUTES, Scene

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable, Mapping

Transition = tuple[str, str, str]
"""Attribute, value before, value after."""

ERROR_TYPES = ("wrong_value", "wrong_object", "opposite_action", "incomplete", "extra_change", "unrelated")
"""In which way an instruction can be wrong of an edit.

wrong_value: the right attribute changed to another value. wrong_object: another attribute changed. opposite_action: the
edit that leads back. incomplete: of two changes only one is named. extra_change: besides the change one is named that
was not made. unrelated: nothing that these scenes could show.
"""

# For every value that an attribute can change to: wordings that fit whatever was there before.
_TO: dict[tuple[str, str], tuple[str, ...]] = {
    ("sky", "night"): (
        "make it night", "change the time to night", "let night fall", "show the scene at night",
        "put it under a starry sky", "make the sky dark and full of stars", "show it in the moonlight",
        "turn the sky into a night sky", "show it after dark",
    ),
    ("sky", "day"): (
        "make it day", "show the scene by day", "show it in daylight", "make the sky bright and blue",
        "put it under a blue sky", "change the time to day", "let it be a bright day",
    ),
    ("sky", "sunset"): (
        "make it sunset", "show the scene at sunset", "show it at dusk", "put it in the evening light",
        "give it a red evening sky", "turn the sky into a sunset", "change the time to sunset",
    ),
    ("lake", "yes"): (
        "add a lake", "put a lake in front", "place a lake in the foreground", "let there be a lake in front",
        "draw a lake at the bottom", "add water in the foreground", "add a small lake in front",
    ),
    ("lake", "no"): (
        "remove the lake", "take the lake away", "erase the lake", "get rid of the lake", "delete the water",
        "drain the lake", "make the lake disappear",
    ),
    ("trees", "none"): (
        "remove the trees", "cut down all trees", "take the forest away", "erase the trees", "get rid of all trees",
        "leave the ground without trees",
    ),
    ("background", "mountain"): (
        "add a snowy mountain in the background", "put mountains behind", "let there be high mountains behind",
        "add mountains in the distance",
    ),
    ("background", "hills"): (
        "add rolling hills in the background", "put low hills behind", "let there be gentle hills behind",
        "add hills in the distance",
    ),
    ("chimney", "smoking"): (),
    ("chimney", "plain"): (),
    ("chimney", "none"): ("remove the chimney", "take the chimney away", "erase the chimney", "get rid of the chimney"),
    ("cabins", "0"): (
        "remove every cabin", "take all buildings away", "erase every building", "leave no cabin at all",
    ),
}  # fmt: skip

# Wordings that name what was there before, or fit only after it.
_FROM_TO: dict[Transition, tuple[str, ...]] = {
    ("sky", "day", "night"): ("turn day into night",),
    ("sky", "night", "day"): ("turn night into day", "let the sun rise after the night"),
    ("sky", "day", "sunset"): ("turn the day into an evening",),
    ("sky", "night", "sunset"): ("turn the night into a red evening",),
    ("sky", "sunset", "night"): ("turn the evening into night",),
    ("sky", "sunset", "day"): ("turn the evening into a bright day",),
    ("background", "hills", "mountain"): (
        "turn the hills into mountains", "replace the hills with a snowy mountain",
    ),
    ("background", "mountain", "hills"): (
        "turn the mountains into hills", "replace the mountains with rolling hills",
    ),
    ("background", "mountain", "none"): (
        "remove the mountains", "take the mountains away", "erase the mountains behind", "get rid of the mountains",
    ),
    ("background", "hills", "none"): (
        "remove the hills", "take the hills away", "erase the hills behind", "get rid of the hills",
    ),
    ("chimney", "none", "plain"): (
        "add a chimney without smoke", "put a chimney without smoke on the roof", "build a cold chimney",
    ),
    ("chimney", "none", "smoking"): (
        "add a smoking chimney", "put a smoking chimney on the roof", "build a chimney with smoke",
    ),
    ("chimney", "plain", "smoking"): (
        "let the chimney smoke", "add smoke to the chimney", "make smoke rise from the chimney",
        "light a fire so that the chimney smokes",
    ),
    ("chimney", "smoking", "plain"): (
        "remove the smoke", "stop the smoke from the chimney", "put out the fire so that no smoke rises",
        "erase the smoke above the chimney",
    ),
    ("cabins", "0", "1"): ("add a cabin", "build a wooden cabin", "place one cabin in the scene"),
    ("cabins", "0", "2"): ("add two cabins", "build two wooden cabins", "place a pair of cabins in the scene"),
    ("cabins", "0", "3"): ("add three cabins", "build three wooden cabins", "place a group of three cabins"),
    ("cabins", "1", "2"): ("add a second cabin", "build a second cabin", "put one more cabin beside the first"),
    ("cabins", "1", "3"): ("add two more cabins", "build two more cabins", "put two more cabins beside the first"),
    ("cabins", "2", "3"): ("add a third cabin", "build a third cabin", "put one more cabin beside the two"),
    ("cabins", "1", "0"): ("remove the cabin", "take the cabin away", "erase the cabin"),
    ("cabins", "2", "0"): ("remove both cabins", "take both cabins away", "erase both cabins"),
    ("cabins", "3", "0"): ("remove all three cabins", "take all three cabins away", "erase all three cabins"),
    ("cabins", "2", "1"): ("remove one of the two cabins", "leave only one of both cabins"),
    ("cabins", "3", "2"): ("remove one of the three cabins", "leave two of the three cabins"),
    ("cabins", "3", "1"): ("remove two of the three cabins", "leave only one of the three cabins"),
}  # fmt: skip

_NEW_TREES = {
    "snowy": ("plant snowy trees", "add a snowy forest", "add snow-covered pines"),
    "green": ("plant green trees", "add a green forest", "add green pines"),
    "autumn": ("plant autumn trees", "add an autumn forest", "add red and orange trees"),
}
_OTHER_TREES = {
    "snowy": ("cover the trees with snow", "make the trees snowy", "turn the forest into a snowy one"),
    "green": ("make the trees green", "turn the trees green", "turn the forest into a green one"),
    "autumn": ("turn the trees to autumn", "give the trees autumn colours", "turn the forest into an autumn one"),
}
_LEADS = ("", "", "", "", "please ", "now ")
_BETWEEN = (" and ", " and ", ", then ", " and also ")


@dataclass(frozen=True)
class Instruction:
    """A sentence with the changes it asks for: one set of transitions for each part, any of which fits the words.

    A sentence without parts asks for nothing that these scenes can show.
    """

    text: str
    parts: tuple[frozenset[Transition], ...]

    def right(self, changes: frozenset[Transition]) -> bool:
        """Whether it asks for exactly these changes."""
        if len(self.parts) != len(changes):
            return False
        return any(all(t in part for t, part in zip(order, self.parts, strict=True)) for order in permutations(changes))


@cache
def transitions() -> tuple[Transition, ...]:
    """Every change of one attribute, in a fixed order."""
    return tuple((name, a, b) for name, values in ATTRIBUTES.items() for a in values for b in values if a != b)


def changes(source: Scene, target: Scene) -> frozenset[Transition]:
    """What differs between two scenes; a chimney comes and goes with its cabin, which says it all."""
    pairs = ((name, getattr(source, name), getattr(target, name)) for name in ATTRIBUTES)
    bare = "0" in (source.cabins, target.cabins)
    return frozenset(t for t in pairs if t[1] != t[2] and not (bare and t[0] == "chimney"))


@cache
def wordings(transition: Transition) -> tuple[str, ...]:
    """Every wording of one change."""
    name, before, after = transition
    own = _FROM_TO.get(transition, ())
    if name == "trees" and after != "none":
        return _NEW_TREES[after] if before == "none" else _OTHER_TREES[after]
    if name == "background" and after != "none" and before != "none":
        return own
    return (*own, *_TO.get((name, after), ()))


def instruct(wanted: Iterable[Transition], rng: random.Random) -> Instruction:
    """One or several changes in one sentence; their order is free."""
    ordered = sorted(wanted)
    rng.shuffle(ordered)
    said = [rng.choice(wordings(transition)) for transition in ordered]
    text = rng.choice(_LEADS) + rng.choice(_BETWEEN).join(said)
    text = text[0].upper() + text[1:] if rng.random() < 0.5 else text
    return Instruction(text + "." if rng.random() < 0.3 else text, tuple(_meaning()[words] for words in said))


def wrong(source: Scene, target: Scene, error: str, rng: random.Random) -> Instruction | None:
    """An instruction that is wrong of an edit in the named way; None where that way is not open."""
    made = changes(source, target)
    options = [option for option in _wrong_options(source, made, error) if option != made]
    if error == "unrelated":
        return unrelated(rng)
    for option in rng.sample(options, len(options)):
        found = instruct(option, rng)
        if not found.right(made):
            return found
    return None


def unrelated(rng: random.Random) -> Instruction:
    """An instruction about things that these scenes never show."""
    verb = rng.choice(("add", "show", "draw", "replace everything with", "put in"))
    return Instruction(f"{verb} {rng.choice(WHO)} {rng.choice(DOES)}".strip(), ())


def corpus() -> list[str]:
    """Every wording, for training a tokenizer and for checking words."""
    frames = [*(lead.strip() for lead in _LEADS), *(between.strip(" ,") for between in _BETWEEN)]
    return [*_meaning(), *frames]


def _wrong_options(source: Scene, made: frozenset[Transition], error: str) -> list[frozenset[Transition]]:
    before = source.values()
    if error == "wrong_value":
        return [
            made - {old} | {(old[0], old[1], value)}
            for old in sorted(made)
            for value in ATTRIBUTES[old[0]]
            if value not in old[1:]
        ]
    if error == "wrong_object":
        names = {name for name, _, _ in made}
        others = [t for t in transitions() if t[0] not in names and before[t[0]] == t[1] and _possible(t, before)]
        return [made - {old} | {other} for old in sorted(made) for other in others]
    if error == "opposite_action":
        return [frozenset((name, b, a) for name, a, b in made)]
    if error == "incomplete":
        return [made - {old} for old in sorted(made)] if len(made) > 1 else []
    if error == "extra_change":
        names = {name for name, _, _ in made}
        return [
            made | {t} for t in transitions() if t[0] not in names and before[t[0]] == t[1] and _possible(t, before)
        ]
    return []


def _possible(transition: Transition, before: Mapping[str, str]) -> bool:
    return transition[0] != "chimney" or before["cabins"] != "0"


@cache
def _meaning() -> dict[str, frozenset[Transition]]:
    """Every wording with all changes that it fits."""
    found: dict[str, set[Transition]] = {}
    for transition in transitions():
        for words in wordings(transition):
            found.setdefault(words, set()).add(transition)
    return {words: frozenset(fits) for words, fits in found.items()}

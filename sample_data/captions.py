"""Sentences about scenes, the facts that each asserts, and the way back from a sentence to its facts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sample_data.scenes import ATTRIBUTES, Scene

if TYPE_CHECKING:
    import random

TOPIC = "A wooden cabin with a smoking chimney stands among snow-covered trees and a snowy mountain"
PROMPT = "Only one wooden cabin with one chimney, no other buildings or cabins, in a snowy forest with mountains"

Facts = dict[str, frozenset[str]]
"""Attribute name to the values that a sentence allows; what it does not mention is not a key."""

ANY_CHIMNEY = "plain|smoking"

# The first phrase of every value is the canonical one. A phrase belongs to one value only, so that a
# sentence can be read back by looking for phrases, longest first.
PHRASES: dict[str, dict[str, tuple[str, ...]]] = {
    "cabins": {
        "0": (
            "an empty landscape",
            "no cabin at all",
            "a landscape without any building",
            "a lonely land with no house",
        ),
        "1": (
            "a wooden cabin",
            "one wooden cabin",
            "a single wooden cabin",
            "a log cabin",
            "a small wooden house",
            "one cabin",
            "only one wooden cabin",
        ),
        "2": (
            "two wooden cabins",
            "a pair of wooden cabins",
            "two log cabins",
            "two small wooden houses",
            "two cabins",
        ),
        "3": (
            "three wooden cabins",
            "a group of three cabins",
            "three log cabins",
            "three small wooden houses",
            "three cabins",
        ),
    },
    "chimney": {
        "none": ("without a chimney", "with no chimney", "lacking a chimney"),
        "plain": ("with a plain chimney", "with a chimney but no smoke", "with a cold chimney"),
        "smoking": ("with a smoking chimney", "with smoke rising from the chimney", "whose chimney smokes"),
        ANY_CHIMNEY: ("with a chimney", "with one chimney"),
    },
    "trees": {
        "none": ("on open ground", "without any trees", "on treeless land"),
        "snowy": (
            "among snow-covered trees",
            "in a snowy forest",
            "surrounded by snow-covered pines",
            "between snowy trees",
        ),
        "green": ("among green trees", "in a green forest", "surrounded by green pines", "between summer trees"),
        "autumn": (
            "among autumn trees",
            "in an autumn forest",
            "surrounded by red and orange trees",
            "between golden trees",
        ),
    },
    "background": {
        "none": ("a wide horizon", "an open horizon", "flat land"),
        "mountain": ("a snowy mountain", "mountains", "a snow-capped mountain", "high mountains"),
        "hills": ("rolling hills", "low hills", "gentle hills"),
    },
    "sky": {
        "day": ("by day", "on a bright day", "under a blue sky", "in daylight"),
        "sunset": ("at sunset", "under a red evening sky", "in the evening light", "at dusk"),
        "night": ("at night", "under a starry sky", "in the moonlight", "after dark"),
    },
    "lake": {
        "no": ("without a lake", "with no lake", "away from any water"),
        "yes": ("by a lake", "beside a lake", "at the shore of a lake", "with a lake in front"),
    },
}
ONLY_ONE = "no other buildings or cabins"
LEADS = ("", "", "", "", "a picture of ", "a painting of ", "an image of ", "a view of ")
LINKS = ("with {}", "with {} behind", "and {}", "in front of {}", "with {} in the distance")


@dataclass(frozen=True)
class Caption:
    """A sentence with the facts it asserts."""

    text: str
    facts: Facts

    def wrong(self, scene: Scene) -> int:
        """How many of the asserted facts are false of a scene."""
        return sum(getattr(scene, name) not in allowed for name, allowed in self.facts.items())


def facts_of(scene: Scene, names: list[str] | None = None) -> Facts:
    """The scene's attributes as facts, all of them or the named ones."""
    return {name: frozenset({getattr(scene, name)}) for name in names or ATTRIBUTES}


def canonical(scene: Scene) -> Caption:
    """The one sentence that describes a scene wholly; a lake that is not there goes without saying."""
    first = {name: table[getattr(scene, name)][0] for name, table in PHRASES.items()}
    chimney = "" if scene.cabins == "0" else f" {_plural(first['chimney'], scene.cabins)}"
    lake = f", {first['lake']}" if scene.lake == "yes" else ""
    text = f"{first['cabins']}{chimney} {first['trees']}, with {first['background']} behind, {first['sky']}{lake}"
    return Caption(text, facts_of(scene))


def full(scene: Scene, rng: random.Random) -> Caption:
    """A freely worded sentence that mentions every attribute."""
    return compose(facts_of(scene), rng)


def partial(scene: Scene, rng: random.Random, at_least: int = 1) -> Caption:
    """A sentence about some of a scene's attributes, at times leaving open whether the chimney smokes."""
    known = [name for name in ATTRIBUTES if name != "chimney" or scene.cabins != "0"]
    names = rng.sample(known, rng.randint(at_least, len(known) - 1))
    facts = facts_of(scene, [name for name in known if name in names])
    if scene.chimney != "none" and "chimney" in facts and rng.random() < 0.4:
        facts["chimney"] = frozenset({"plain", "smoking"})
    return compose(facts, rng)


def demo_like(scene: Scene, rng: random.Random) -> Caption:
    """A sentence built like the sample topic or the sample prompt, about the given scene."""
    names = ["cabins", "chimney", "trees", "background"]
    facts = facts_of(scene, names)
    phrase = {name: rng.choice(PHRASES[name][getattr(scene, name)]) for name in names}
    chimney = "" if scene.cabins == "0" else " " + _plural(phrase["chimney"], scene.cabins)
    if rng.random() < 0.5:
        verb = "stands" if scene.cabins in "01" else "stand"
        text = f"{phrase['cabins']}{chimney} {verb} {phrase['trees']} and {phrase['background']}"
    else:
        if scene.chimney != "none":
            facts["chimney"] = frozenset({"plain", "smoking"})
            chimney = " " + _plural(rng.choice(PHRASES["chimney"][ANY_CHIMNEY]), scene.cabins)
        only = f", {ONLY_ONE}," if scene.cabins == "1" else ""
        text = f"{phrase['cabins']}{chimney}{only} {phrase['trees']} with {phrase['background']}"
    return Caption(_finish(text, rng), facts if scene.cabins != "0" else facts_of(scene, _without_chimney(names)))


def compose(facts: Facts, rng: random.Random) -> Caption:
    """Word the given facts in one sentence, in a random order after the subject."""
    facts = dict(facts)
    chosen = {name: rng.choice(PHRASES[name]["|".join(sorted(allowed))]) for name, allowed in facts.items()}
    if "0" in facts.get("cabins", ()):
        chosen.pop("chimney", None)
        facts.pop("chimney", None)
    count = next(iter(facts["cabins"])) if "cabins" in facts else ""
    subject = chosen.pop("cabins", None)
    chimney = chosen.pop("chimney", None)
    if subject is None:
        subject = "a scene" if chimney is None else "a home"
    if chimney is not None:
        subject = f"{subject} {_plural(chimney, count)}"
    if count == "1" and rng.random() < 0.1:
        subject = f"{subject}, {ONLY_ONE}"
    rest = [rng.choice(LINKS).format(text) if name == "background" else text for name, text in chosen.items()]
    rng.shuffle(rest)
    text = rng.choice(LEADS) + subject
    if rest and rng.random() < 0.3:
        text += " standing" if rng.random() < 0.5 else " seen"
    for piece in rest:
        text += rng.choice((" ", " ", ", ")) + piece
    return Caption(_finish(text, rng), facts)


def read(text: str, *, closed: bool = False) -> Facts:
    """The facts that a sentence asserts; `closed` takes what a canonical sentence leaves out as absent."""
    left, facts = text.lower(), Facts()
    for phrase, name, value in _BY_LENGTH:
        pattern = rf"(?<![\w-]){re.escape(phrase)}(?![\w-])"
        if re.search(pattern, left):
            left = re.sub(pattern, "|", left)
            facts.setdefault(name, frozenset(value.split("|")))
    if closed:
        facts.setdefault("lake", frozenset({"no"}))
        if facts.get("cabins") == frozenset({"0"}):
            facts.setdefault("chimney", frozenset({"none"}))
    return facts


def corpus() -> list[str]:
    """Every phrase of the grammar, for training tokenizers."""
    phrases = [_plural(p, count) for table in PHRASES.values() for ps in table.values() for p in ps for count in "12"]
    frames = [link.format("x") for link in LINKS] + [*LEADS, "a scene", "a home", "standing", "stands", "stand", "seen"]
    return [*phrases, *frames, ONLY_ONE, TOPIC, PROMPT]


def _without_chimney(names: list[str]) -> list[str]:
    return [name for name in names if name != "chimney"]


def _plural(chimney: str, count: str) -> str:
    """Chimneys of several cabins are several."""
    if count not in ("2", "3"):
        return chimney
    return (
        chimney.replace("one chimney", "chimneys")
        .replace("whose chimney smokes", "whose chimneys smoke")
        .replace("a chimney", "chimneys")
        .replace("no chimney", "no chimneys")
        .replace("the chimney", "the chimneys")
        .replace("a plain chimney", "plain chimneys")
        .replace("a cold chimney", "cold chimneys")
        .replace("a smoking chimney", "smoking chimneys")
    )


def _finish(text: str, rng: random.Random) -> str:
    text = text[0].upper() + text[1:] if rng.random() < 0.5 else text
    return text + "." if rng.random() < 0.3 else text


_BY_LENGTH = sorted(
    {
        (_plural(phrase, count) if name == "chimney" else phrase, name, value)
        for name, table in PHRASES.items()
        for value, phrases in table.items()
        for phrase in phrases
        for count in "12"
    }
    | {(ONLY_ONE, "cabins", "1")},
    key=lambda item: (-len(item[0]), item),
)

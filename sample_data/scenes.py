"""The small world of the sample data: landscapes described by six attributes, laid out and drawn."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping

ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "cabins": ("0", "1", "2", "3"),
    "chimney": ("none", "plain", "smoking"),
    "trees": ("none", "snowy", "green", "autumn"),
    "background": ("none", "mountain", "hills"),
    "sky": ("day", "sunset", "night"),
    "lake": ("no", "yes"),
}
"""Every attribute with its values, in the order used by vectors and captions."""


@dataclass(frozen=True)
class Scene:
    """What a landscape contains; a layout seed decides where everything stands."""

    cabins: str = "1"
    chimney: str = "smoking"
    trees: str = "snowy"
    background: str = "mountain"
    sky: str = "day"
    lake: str = "no"

    def values(self) -> dict[str, str]:
        """The attributes as a plain dictionary."""
        return asdict(self)

    def vector(self) -> list[int]:
        """The index of each attribute's value, in the order of ATTRIBUTES."""
        return [values.index(getattr(self, name)) for name, values in ATTRIBUTES.items()]

    def with_values(self, changes: Mapping[str, str]) -> Scene:
        """A scene with some attributes changed and its chimney made possible."""
        return possible(replace(self, **changes))

    def differences(self, other: Scene) -> int:
        """The number of attributes in which two scenes differ (0 to 6)."""
        return sum(a != b for a, b in zip(self.vector(), other.vector(), strict=True))


def possible(scene: Scene) -> Scene:
    """The scene without a chimney where there is no cabin to carry it."""
    return replace(scene, chimney="none") if scene.cabins == "0" else scene


def random_scene(rng: random.Random) -> Scene:
    """One scene; one cabin and chimneys are drawn more often, since they are the hardest to see."""
    return possible(
        Scene(
            cabins=rng.choices(ATTRIBUTES["cabins"], (1, 3, 2, 2))[0],
            chimney=rng.choices(ATTRIBUTES["chimney"], (3, 4, 4))[0],
            trees=rng.choice(ATTRIBUTES["trees"]),
            background=rng.choice(ATTRIBUTES["background"]),
            sky=rng.choice(ATTRIBUTES["sky"]),
            lake=rng.choice(ATTRIBUTES["lake"]),
        )
    )


def changed(scene: Scene, count: int, rng: random.Random) -> Scene:
    """A scene that differs from the given one in exactly `count` attributes (1 to 6)."""
    while True:
        names = rng.sample(list(ATTRIBUTES), count)
        picks = {n: rng.choice([v for v in ATTRIBUTES[n] if v != getattr(scene, n)]) for n in names}
        other = scene.with_values(picks)
        if other.differences(scene) == count:
            return other


def distinct_scenes(count: int, rng: random.Random) -> list[Scene]:
    """`count` scenes that all differ from one another (at most 720 exist)."""
    found: dict[Scene, None] = {}
    while len(found) < count:
        found[random_scene(rng)] = None
    return list(found)

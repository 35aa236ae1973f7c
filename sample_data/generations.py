"""The sample images: what each shows, how it is stored, and how far it agrees with topic and prompt."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sample_data.captions import PROMPT, TOPIC, read
from sample_data.common import GENERATIONS, HERE
from sample_data.foreign import picture
from sample_data.painting import paint
from sample_data.scenes import Scene

if TYPE_CHECKING:
    from PIL import Image

REFERENCE = "cabin_001.png"
ATTRIBUTES_FILE = HERE / "attributes.json"
SAMPLE_FILE = HERE / "sample.toml"
PERFECT = Scene()


@dataclass(frozen=True)
class Generation:
    """One sample image: a scene that differs from the asked one in `changes`, or no scene at all."""

    name: str
    layout: int
    changes: dict[str, str] = field(default_factory=dict)
    size: tuple[int, int] = (512, 512)
    scene: bool = True

    def content(self) -> Scene | None:
        """The scene shown, or None."""
        return PERFECT.with_values(self.changes) if self.scene else None

    def render(self) -> Image.Image:
        """The picture at its own size."""
        content, (width, height) = self.content(), self.size
        if content is None:
            return picture(self.layout, max(width, height)).crop((0, 0, width, height))
        return paint(content, self.layout, width, height, oversample=3).image


WIDE, LARGE, TALL = (640, 512), (768, 768), (512, 576)

ALL = (
    Generation("cabin_001.png", 5101),
    Generation("cabin_002.png", 5102),
    Generation("cabin_003.jpg", 5103, size=LARGE),
    Generation("cabin_004.webp", 5104, {"sky": "sunset"}),
    Generation("cabin_005.png", 5105, size=WIDE),
    Generation("cabin_006.jpg", 5106, {"lake": "yes"}),
    Generation("cabin_007.webp", 5107, {"sky": "night"}),
    Generation("cabin_008.jpg", 5108),
    Generation("cold_hearth_01.png", 5111, {"chimney": "plain"}),
    Generation("cold_hearth_02.jpg", 5112, {"chimney": "plain", "sky": "sunset"}),
    Generation("no_chimney_01.webp", 5113, {"chimney": "none"}),
    Generation("no_chimney_02.jpg", 5114, {"chimney": "none", "lake": "yes"}),
    Generation("hill_cabin_01.png", 5115, {"background": "hills"}),
    Generation("plain_cabin_01.jpg", 5116, {"background": "none"}),
    Generation("summer_cabin_01.webp", 5117, {"trees": "green"}),
    Generation("bare_cabin_01.jpg", 5118, {"trees": "none"}),
    Generation("two_cabins_01.png", 5119, {"cabins": "2"}),
    Generation("two_cabins_02.jpg", 5120, {"cabins": "2", "sky": "sunset"}, LARGE),
    Generation("village_01.webp", 5121, {"cabins": "3"}),
    Generation("village_02.jpg", 5122, {"cabins": "3", "chimney": "plain"}),
    Generation("autumn_cabin_01.webp", 5123, {"trees": "autumn", "chimney": "none"}),
    Generation("autumn_cabin_02.jpg", 5124, {"trees": "autumn", "background": "hills"}),
    Generation("empty_winter_01.png", 5125, {"cabins": "0"}),
    Generation("empty_winter_02.jpg", 5126, {"cabins": "0", "sky": "night"}, WIDE),
    Generation("green_hills_01.webp", 5127, {"trees": "green", "background": "hills", "chimney": "none"}),
    Generation("green_village_01.jpg", 5128, {"trees": "green", "background": "hills", "cabins": "3"}),
    Generation("lake_night_01.webp", 5129, {"trees": "autumn", "background": "none", "sky": "night", "lake": "yes"}),
    Generation("prairie_01.jpg", 5130, {"trees": "none", "background": "none", "cabins": "2", "chimney": "none"}, TALL),
    Generation(
        "meadow_01.webp",
        5131,
        {"trees": "green", "background": "hills", "cabins": "0", "chimney": "none", "lake": "yes"},
    ),
    Generation(
        "autumn_evening_01.jpg",
        5132,
        {"trees": "autumn", "background": "hills", "cabins": "0", "sky": "sunset", "lake": "yes"},
    ),
    Generation("empty_plain_01.jpg", 5133, {"trees": "none", "background": "none", "cabins": "0", "sky": "night"}),
    Generation("two_green_01.jpg", 5134, {"cabins": "2", "trees": "green", "chimney": "plain"}),
    Generation(
        "bare_village_01.webp", 5135, {"cabins": "3", "trees": "none", "background": "none", "chimney": "plain"}
    ),
    Generation("pattern_01.png", 6012, scene=False),
    Generation("pattern_02.webp", 6030, scene=False),
)


def agreement(content: Scene | None) -> float:
    """The share, 0 to 1, of what topic and prompt assert that is true of a scene; 0 without a scene."""
    if content is None:
        return 0.0
    asserted = [(name, allowed) for text in (TOPIC, PROMPT) for name, allowed in read(text).items()]
    return sum(getattr(content, name) in allowed for name, allowed in asserted) / len(asserted)


def write() -> None:
    """Write the images, attributes.json and sample.toml."""
    GENERATIONS.mkdir(parents=True, exist_ok=True)
    known = {generation.name for generation in ALL}
    for stray in GENERATIONS.iterdir():
        if stray.name not in known:
            stray.unlink()
    for generation in ALL:
        _save(generation.render(), generation.name)
    ATTRIBUTES_FILE.write_text(json.dumps({g.name: _truth(g) for g in ALL}, indent=2) + "\n", encoding="utf-8")
    lines = ["# What the sample images were asked to show.", f'topic = "{TOPIC}"', f'prompt = "{PROMPT}"']
    lines += [f'reference = "{GENERATIONS.name}/{REFERENCE}"']
    SAMPLE_FILE.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _truth(generation: Generation) -> dict[str, str | float | bool]:
    content = generation.content()
    values = content.values() if content else {}
    return {"scene": content is not None, **values, "agreement": agreement(content)}


def _save(image: Image.Image, name: str) -> None:
    path = GENERATIONS / name
    if path.suffix == ".jpg":
        image.save(path, quality=90)
    elif path.suffix == ".webp":
        image.save(path, quality=90, method=6)
    else:
        image.save(path, optimize=True)

"""Draw a scene with PIL: the picture, a class mask and the boxes of its objects.

Coordinates are fractions of the image height; x = 0 lies at the middle column, so the same layout can
be rendered at any size and shape.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw

if TYPE_CHECKING:
    from collections.abc import Callable

    from sample_data.scenes import Scene

CLASSES = ("other", "cabin", "chimney", "smoke", "trees", "background", "lake", "ground")
"""What a pixel of the mask means."""

MASK_SIZE = 96
Colour = tuple[int, int, int]
Point = tuple[float, float]

# Per sky: stops of the gradient from the top to the horizon, then the light that falls on the land.
SKIES: dict[str, tuple[tuple[Colour, ...], Colour, float]] = {
    "day": (((84, 158, 224), (146, 200, 240), (222, 239, 248)), (255, 255, 250), 0.0),
    "sunset": (((86, 62, 120), (206, 96, 104), (250, 168, 92), (255, 218, 150)), (236, 128, 84), 0.30),
    "night": (((10, 14, 40), (22, 32, 76), (46, 60, 112)), (22, 32, 84), 0.56),
}
GROUNDS: dict[str, Colour] = {
    "snowy": (236, 242, 248),
    "green": (118, 172, 84),
    "autumn": (196, 158, 92),
    "none": (190, 184, 150),
}


@dataclass
class Painting:
    """A rendered scene: RGB image, mask of class indices (96 x 96) and boxes in fractions of width and height."""

    image: Image.Image
    mask: np.ndarray
    boxes: dict[str, list[tuple[float, float, float, float]]] = field(default_factory=dict)


class Canvas:
    """Draws shapes on the picture and, in the same breath, on the class mask."""

    def __init__(self, width: int, height: int, sky: str) -> None:
        self.width, self.height = width, height
        self.light, self.strength = SKIES[sky][1:]
        self.image = self._gradient(SKIES[sky][0])
        self.draw = ImageDraw.Draw(self.image, "RGBA")
        self.mask = Image.new("L", (MASK_SIZE, MASK_SIZE), 0)
        self.mask_draw = ImageDraw.Draw(self.mask)
        self.boxes: dict[str, list[tuple[float, float, float, float]]] = {}

    def _gradient(self, stops: tuple[Colour, ...]) -> Image.Image:
        rows = np.linspace(0.0, 1.0, self.height)
        places = np.linspace(0.0, 0.64, len(stops))
        columns = [np.interp(rows, places, [c[i] for c in stops]) for i in range(3)]
        strip = np.stack(columns, axis=1).astype(np.uint8)[:, None, :]
        return Image.fromarray(strip).resize((self.width, self.height))

    def half_width(self) -> float:
        """The largest x that is still inside the picture."""
        return self.width / self.height / 2

    def lit(self, colour: Colour, glow: float = 0.0) -> Colour:
        """The colour under the sky's light; `glow` in 0..1 keeps that part of it unlit."""
        share = self.strength * (1.0 - glow)
        r, g, b = (round(c * (1 - share) + t * share) for c, t in zip(colour, self.light, strict=True))
        return r, g, b

    def polygon(
        self, points: list[Point], colour: Colour, kind: str | None, alpha: int = 255, glow: float = 0.0
    ) -> None:
        """Fill a polygon; `kind` None leaves the mask alone."""
        fill = (*self.lit(colour, glow), alpha)
        self.draw.polygon([(self.width / 2 + x * self.height, y * self.height) for x, y in points], fill=fill)
        if kind is not None:
            self.mask_draw.polygon([self._mask_point(p) for p in points], fill=CLASSES.index(kind))

    def ellipse(
        self, centre: Point, radii: Point, colour: Colour, kind: str | None, alpha: int = 255, glow: float = 0.0
    ) -> None:
        """Fill an axis-parallel ellipse."""
        (x, y), (rx, ry) = centre, radii
        fill = (*self.lit(colour, glow), alpha)
        scale, middle = self.height, self.width / 2
        self.draw.ellipse(
            (middle + (x - rx) * scale, (y - ry) * scale, middle + (x + rx) * scale, (y + ry) * scale), fill=fill
        )
        if kind is not None:
            corners = (*self._mask_point((x - rx, y - ry)), *self._mask_point((x + rx, y + ry)))
            self.mask_draw.ellipse(corners, fill=CLASSES.index(kind))

    def box(self, kind: str, left: float, top: float, right: float, bottom: float) -> None:
        """Remember where an object stands."""
        half = self.half_width()
        box = ((left + half) / (2 * half), top, (right + half) / (2 * half), bottom)
        x0, y0, x1, y1 = (min(1.0, max(0.0, v)) for v in box)
        self.boxes.setdefault(kind, []).append((x0, y0, x1, y1))

    def _mask_point(self, point: Point) -> Point:
        half = self.half_width()
        return (point[0] + half) / (2 * half) * MASK_SIZE, point[1] * MASK_SIZE


def paint(
    scene: Scene, layout: int, width: int, height: int | None = None, oversample: int = 2, *, steady: bool = False
) -> Painting:
    """Render a scene at width x height pixels (square by default); `layout` seeds every position.

    `steady` draws every part from a generator of its own, so that a scene changed in one attribute keeps the rest of
    the picture in its place.
    """
    height = height or width
    shared = random.Random(layout)

    def turn(part: str) -> random.Random:
        return random.Random(f"{layout} {part}") if steady else shared

    canvas = Canvas(width * oversample, height * oversample, scene.sky)
    _paint_sky(canvas, scene, turn("sky"))
    horizon = turn("horizon").uniform(0.58, 0.64)
    _paint_background(canvas, scene, horizon, turn("background"))
    _paint_ground(canvas, scene, horizon, turn("ground"))
    _paint_forest(canvas, scene, horizon, turn("forest"))
    if scene.lake == "yes":
        _paint_lake(canvas, scene, turn("lake"))
    _paint_cabins(canvas, scene, turn)
    _paint_near_trees(canvas, scene, turn("near trees"))
    image = canvas.image
    if oversample > 1:
        image = image.resize((width, height), Image.Resampling.BOX)
    return Painting(image, np.asarray(canvas.mask), canvas.boxes)


def _paint_sky(canvas: Canvas, scene: Scene, rng: random.Random) -> None:
    half = canvas.half_width()
    if scene.sky == "night":
        for _ in range(rng.randint(40, 70)):
            size = rng.uniform(0.0015, 0.0045)
            spot = (rng.uniform(-half, half), rng.uniform(0.0, 0.55))
            canvas.ellipse(spot, (size, size), (255, 252, 232), None, rng.randint(120, 255), 1.0)
    disc = {"day": (255, 246, 196), "sunset": (255, 226, 150), "night": (240, 242, 226)}[scene.sky]
    x = rng.choice((-1, 1)) * rng.uniform(0.26, 0.44)
    y = rng.uniform(0.40, 0.52) if scene.sky == "sunset" else rng.uniform(0.09, 0.20)
    radius = rng.uniform(0.038, 0.052)
    for ring in (3.4, 2.6, 1.9, 1.4):
        canvas.ellipse((x, y), (radius * ring, radius * ring), disc, None, 26, 1.0)
    canvas.ellipse((x, y), (radius, radius), disc, None, 255, 1.0)
    clouds = rng.randint(1, 4) if scene.sky != "night" else rng.randint(0, 2)
    tone = {"day": (255, 255, 255), "sunset": (255, 190, 160), "night": (92, 104, 150)}[scene.sky]
    for _ in range(clouds):
        cx, cy = rng.uniform(-half, half), rng.uniform(0.06, 0.30)
        for _ in range(5):
            spot = (cx + rng.uniform(-0.08, 0.08), cy + rng.uniform(-0.010, 0.010))
            canvas.ellipse(spot, (rng.uniform(0.04, 0.09), rng.uniform(0.010, 0.022)), tone, None, 90, 1.0)


def _paint_background(canvas: Canvas, scene: Scene, horizon: float, rng: random.Random) -> None:
    half = canvas.half_width()
    if scene.background == "mountain":
        peaks = [(rng.uniform(-0.16, 0.16), rng.uniform(0.12, 0.19), rng.uniform(0.34, 0.44))]
        peaks += [(s * rng.uniform(0.32, 0.46), rng.uniform(0.25, 0.34), rng.uniform(0.26, 0.34)) for s in (-1, 1)]
        for x, top, spread in reversed(peaks):
            _paint_peak(canvas, x, top, spread, horizon, rng)
            canvas.box("background", x - spread, top, x + spread, horizon)
    elif scene.background == "hills":
        for layer, tone in enumerate(((128, 158, 160), (112, 150, 120), (96, 138, 92))):
            base = 0.47 + 0.045 * layer
            phase, waves = rng.uniform(0, 6.3), rng.uniform(5.0, 8.0)
            ridge = [
                (x, base + 0.035 * math.sin(phase + waves * x) + 0.012 * math.sin(2.3 * waves * x))
                for x in np.linspace(-half, half, 28)
            ]
            canvas.polygon([*ridge, (half, horizon + 0.1), (-half, horizon + 0.1)], tone, "background")
        canvas.box("background", -half, 0.43, half, horizon)


def _paint_peak(canvas: Canvas, x: float, top: float, spread: float, horizon: float, rng: random.Random) -> None:
    foot = horizon + 0.06
    left, right = (x - spread, foot), (x + spread, foot)
    ridge = (x + rng.uniform(-0.03, 0.03), foot)
    canvas.polygon([(x, top), left, right], (128, 138, 160), "background")
    canvas.polygon([(x, top), ridge, right], (98, 108, 134), "background")
    cap = top + (foot - top) * 0.46

    def at(side: float, y: float) -> Point:
        return x + side * spread * (y - top) / (foot - top), y

    jag = [cap + rng.uniform(-0.02, 0.05) for _ in range(5)]
    teeth = [at(-1.0, cap), at(-0.55, jag[0] + 0.03), at(-0.3, jag[1] - 0.05), at(0.0, jag[2] + 0.03)]
    shade = [at(0.0, jag[2] + 0.03), at(0.35, jag[3] - 0.05), at(0.6, jag[4] + 0.03), at(1.0, cap)]
    canvas.polygon([(x, top), *teeth], (250, 252, 255), "background")
    canvas.polygon([(x, top), *shade], (212, 222, 238), "background")


def _paint_ground(canvas: Canvas, scene: Scene, horizon: float, rng: random.Random) -> None:
    half = canvas.half_width()
    tone = GROUNDS[scene.trees]
    if scene.trees == "none" and rng.random() < 0.5:
        tone = GROUNDS["snowy"]  # bare land comes with and without snow: only trees tell the season
    phase = rng.uniform(0, 6.3)
    for step in range(5):
        drop = step * 0.085
        edge = [(x, horizon + drop + 0.012 * math.sin(phase + step + 6 * x)) for x in np.linspace(-half, half, 20)]
        r, g, b = (max(0, c - 7 * step) for c in tone)
        canvas.polygon([*edge, (half, 1.0), (-half, 1.0)], (r, g, b), "ground")


def _paint_forest(canvas: Canvas, scene: Scene, horizon: float, rng: random.Random) -> None:
    """A row of small trees behind the cabins."""
    if scene.trees == "none":
        return
    half, x = canvas.half_width(), -canvas.half_width()
    while x < half:
        _paint_tree(canvas, scene.trees, x, horizon + rng.uniform(0.03, 0.06), rng.uniform(0.12, 0.19), rng)
        x += rng.uniform(0.05, 0.11)


def _paint_near_trees(canvas: Canvas, scene: Scene, rng: random.Random) -> None:
    """Large trees at both sides, in front of everything."""
    if scene.trees == "none":
        return
    half = canvas.half_width()
    for side in (-1, 1):
        for _ in range(rng.randint(1, 2)):
            x = side * (half - rng.uniform(0.0, 0.11))
            _paint_tree(canvas, scene.trees, x, rng.uniform(0.84, 0.97), rng.uniform(0.34, 0.46), rng)


def _paint_tree(canvas: Canvas, kind: str, x: float, foot: float, size: float, rng: random.Random) -> None:
    trunk, width = size * 0.05, size * 0.26
    canvas.box("trees", x - width, foot - size, x + width, foot)
    canvas.ellipse((x, foot), (width * 0.8, size * 0.035), (40, 50, 70), None, 50)
    canvas.polygon(
        [(x - trunk, foot), (x - trunk, foot - size / 2), (x + trunk, foot - size / 2), (x + trunk, foot)],
        (96, 68, 48),
        "trees",
    )
    if kind == "autumn":
        base = rng.choice(((212, 96, 36), (224, 142, 38), (190, 62, 40)))
        for _ in range(7):
            spot = (x + rng.uniform(-0.13, 0.13) * size, foot - size * rng.uniform(0.48, 0.82))
            r, g, b = (min(255, c + rng.randint(-12, 30)) for c in base)
            canvas.ellipse(spot, (size * 0.15, size * 0.15), (r, g, b), "trees")
        return
    dark, light = ((34, 84, 50), (62, 122, 66)) if kind == "green" else ((44, 82, 76), (70, 112, 104))
    for tier in range(4):
        top = foot - size + tier * size * 0.19
        bottom, reach = top + size * 0.34, width * (0.42 + 0.19 * tier)
        canvas.polygon([(x, top), (x - reach, bottom), (x + reach, bottom)], light, "trees")
        canvas.polygon([(x, top), (x + reach * 0.1, bottom), (x + reach, bottom)], dark, "trees")
        if kind == "snowy":
            edge = top + size * 0.20
            cap = [(x, top), (x - reach * 0.72, edge), (x - reach * 0.3, edge - size * 0.03)]
            cap += [(x, edge + size * 0.02), (x + reach * 0.35, edge - size * 0.03), (x + reach * 0.66, edge)]
            canvas.polygon(cap, (246, 250, 255), "trees")


def _paint_lake(canvas: Canvas, scene: Scene, rng: random.Random) -> None:
    x, y = rng.uniform(-0.10, 0.10), rng.uniform(0.90, 0.93)
    reach, depth = rng.uniform(0.36, 0.46), rng.uniform(0.060, 0.078)
    water = {"day": (62, 140, 196), "sunset": (150, 104, 150), "night": (42, 84, 160)}[scene.sky]
    canvas.ellipse((x, y), (reach + 0.012, depth + 0.010), (150, 140, 120), "lake", 160)
    canvas.ellipse((x, y), (reach, depth), water, "lake", 255, 0.75)
    shine = {"day": (214, 238, 250), "sunset": (255, 206, 150), "night": (176, 204, 246)}[scene.sky]
    for _ in range(9):
        spot = (x + rng.uniform(-0.7, 0.7) * reach, y + rng.uniform(-0.65, 0.65) * depth)
        canvas.ellipse(spot, (rng.uniform(0.03, 0.09), 0.0035), shine, None, 170, 1.0)
    canvas.box("lake", x - reach, y - depth, x + reach, y + depth)


def _paint_cabins(canvas: Canvas, scene: Scene, turn: Callable[[str], random.Random]) -> None:
    count = int(scene.cabins)
    if count == 0:
        return
    rng = turn("cabins")
    size = {1: rng.uniform(0.27, 0.32), 2: rng.uniform(0.215, 0.24), 3: rng.uniform(0.175, 0.19)}[count]
    places = {1: (rng.uniform(-0.12, 0.12),), 2: (-0.19, 0.19), 3: (-0.29, 0.0, 0.29)}[count]
    for number, place in enumerate(places):
        own = turn(f"cabin {number}")
        jitter = 0.0 if count == 1 else own.uniform(-0.025, 0.025)
        _paint_cabin(canvas, scene, place + jitter, own.uniform(0.775, 0.81), size * own.uniform(0.97, 1.03), own)


def _paint_cabin(canvas: Canvas, scene: Scene, x: float, foot: float, size: float, rng: random.Random) -> None:
    half, wall, ridge = size * 0.5, foot - size * 0.46, foot - size * 0.88
    wood = rng.choice(((156, 104, 62), (142, 92, 56), (168, 116, 72)))
    canvas.box("cabin", x - half * 1.15, ridge, x + half * 1.15, foot)
    canvas.ellipse((x, foot), (half * 1.25, size * 0.06), (40, 50, 70), None, 60)
    if scene.chimney != "none":
        _paint_chimney(canvas, scene, x + half * rng.choice((-0.55, 0.55)), ridge, size, rng)
    canvas.polygon([(x - half, foot), (x - half, wall), (x, ridge), (x + half, wall), (x + half, foot)], wood, "cabin")
    dark = (wood[0] - 40, wood[1] - 32, wood[2] - 24)
    for log in range(1, 6):
        y = foot - log * size * 0.077
        canvas.polygon(
            [(x - half, y), (x + half, y), (x + half, y + size * 0.014), (x - half, y + size * 0.014)], dark, None
        )
    snow = scene.trees == "snowy"
    roof, under = ((246, 250, 255), (206, 218, 236)) if snow else ((128, 60, 50), (100, 44, 40))
    eave, thick = half * 1.18, size * 0.12
    for side, tone in ((-1, roof), (1, under)):
        outer = [(x, ridge - thick), (x + side * eave, wall + size * 0.04 - thick * 0.2)]
        inner = [(x + side * eave, wall + size * 0.04 + thick * 0.6), (x, ridge + thick * 0.4)]
        canvas.polygon([*outer, *inner], tone, "cabin")
    pane: Colour = (176, 206, 224) if scene.sky == "day" else (255, 214, 120)
    glow = 0.0 if scene.sky == "day" else 1.0
    _rectangle(canvas, x - half * 0.16, foot - size * 0.30, half * 0.36, size * 0.30, (84, 54, 36))
    for offset in (-0.62, 0.62):
        left, top, span = x + offset * half - half * 0.17, foot - size * 0.33, half * 0.34
        _rectangle(canvas, left - 0.004, top - 0.004, span + 0.008, span + 0.008, (82, 56, 40))
        _rectangle(canvas, left, top, span, span, pane, glow)


def _rectangle(
    canvas: Canvas, left: float, top: float, width: float, height: float, colour: Colour, glow: float = 0.0
) -> None:
    right, bottom = left + width, top + height
    canvas.polygon([(left, top), (right, top), (right, bottom), (left, bottom)], colour, "cabin", 255, glow)


def _paint_chimney(canvas: Canvas, scene: Scene, x: float, ridge: float, size: float, rng: random.Random) -> None:
    # Wider and taller than a real one: at 96 pixels a true-to-scale chimney is three pixels, too few to learn from.
    half, top = max(0.024, size * 0.105), ridge - size * 0.22
    left, right, bottom = x - half, x + half, ridge + size * 0.30
    canvas.box("chimney", left, top, right, bottom)
    if scene.chimney == "smoking":
        drift, puff = rng.choice((-1, 1)) * rng.uniform(0.3, 0.8), half * 0.9
        sx, sy = x, top - half * 0.4
        highest = sy
        for step in range(9):
            grey = 232 - 5 * step if scene.sky != "night" else 196 - 5 * step
            canvas.ellipse((sx, sy), (puff, puff * 0.85), (grey, grey, grey + 6), "smoke", 205 - 12 * step, 0.6)
            highest = sy - puff
            sx += drift * puff * 0.8 + rng.uniform(-0.2, 0.2) * puff
            sy -= puff * 0.75
            puff *= 1.10
        canvas.box("smoke", min(x, sx) - puff, max(0.0, highest), max(x, sx) + puff, top)
    canvas.polygon([(left, bottom), (left, top), (right, top), (right, bottom)], (156, 80, 66), "chimney")
    canvas.polygon(
        [(x + half * 0.3, bottom), (x + half * 0.3, top), (right, top), (right, bottom)], (122, 60, 52), None
    )
    rim = half * 1.3
    canvas.polygon(
        [(x - rim, top), (x - rim, top - half * 0.5), (x + rim, top - half * 0.5), (x + rim, top)],
        (92, 56, 52),
        "chimney",
    )

"""A map in words and numbers: what it is of, its score, its scale, and which thirds of the image it lies in."""

from __future__ import annotations

from dataclasses import dataclass, field

from textual.content import Content

from aim_tui.core.cividis import colour
from aim_tui.core.heatmaps import Map, MapMethod
from aim_tui.core.metrics.builtin import METRICS
from aim_tui.core.text import file_name, printable
from aim_tui.errors import AimError

TITLES = {
    MapMethod.RELEVANCE: "What matched the words",
    MapMethod.ATTENTION: "Where CLIP looks",
    MapMethod.DIFFERENCE: "Where it differs from the reference",
}
_LEGEND_CELLS = 10


@dataclass
class MapState:
    """What the heatmap screen knows."""

    words: tuple[str, ...] = ()
    method: MapMethod = MapMethod.RELEVANCE
    off: frozenset[int] = frozenset()
    map: Map | None = None
    problem: AimError | None = None
    waiting: bool = False
    job: bool = False
    """Whether a job runs that the map may have to wait for."""
    weighing: str = ""
    changes: dict[int, float] = field(default_factory=dict)
    shown: bool = True
    opacity: float = 0.6
    colours: bool = True

    def forget(self) -> None:
        """Another image."""
        self.map, self.problem, self.waiting, self.weighing = None, None, False, ""
        self.changes = {}


def heading(state: MapState, place: str, path: str) -> Content:
    """Which image, and what is drawn over it."""
    drawn = f"map at {state.opacity:.0%}" if state.shown else "without the map"
    return Content.assemble(
        (f"{place}  ", "$foreground-muted"),
        (printable(file_name(path)), "bold"),
        f"  {TITLES[state.method]}",
        (f"  {drawn}  J K other images", "$foreground-muted"),
    )


def story(state: MapState) -> Content:
    """Everything about the map, line by line; the first lines matter most, for there may be room for no more."""
    lines = [_standing(state)]
    if state.map is not None:
        found = state.map
        lines += [
            *_scale(found, state.colours),
            *_thirds(found),
            Content.styled(printable(found.how), "$foreground-muted"),
        ]
        if found.area != (0.0, 0.0, 1.0, 1.0):
            lines.append(
                Content.styled("CLIP sees the middle of this image; what is grey it does not see.", "$text-warning")
            )
        if state.method is MapMethod.ATTENTION and state.words:
            lines.append(Content.styled("Words change its score alone, not this map.", "$foreground-muted"))
    if state.weighing:
        lines.append(Content.styled(state.weighing, "$foreground-muted"))
    return Content("\n").join(lines)


def _standing(state: MapState) -> Content:
    """The score, or why there is none."""
    if state.waiting:
        return Content.styled(
            "waits for the running job" if state.job else "making the map; its model may have to load", "$text-warning"
        )
    if state.problem is not None:
        hint = f"; {state.problem.hint}" if state.problem.hint else ""
        return Content.styled(f"! {printable(state.problem.message + hint)}", "$text-error")
    if state.map is None:
        return Content("")
    return _score(state.map, len(state.off), len(state.words))


def _score(found: Map, off: int, words: int) -> Content:
    spec = METRICS["lpips" if found.method is MapMethod.DIFFERENCE else "clip"]
    if found.score is None:
        return Content.styled("no prompt, so no score", "$foreground-muted")
    parts: list[str | tuple[str, str]] = [f"{spec.raw_field} ", (f"{found.score:.{spec.decimals}f}", "bold")]
    if found.method is MapMethod.DIFFERENCE:
        parts.append(("  0 is no difference", "$foreground-muted"))
    elif off and found.whole is not None:
        parts.append((f"  {found.score - found.whole:+.4f}\n", "bold"))
        parts.append((f"with {off} of {words} words off", "$foreground-muted"))
    return Content.assemble(*parts)


def _scale(found: Map, colours: bool) -> list[Content]:
    """What the colours mean, in numbers."""
    if not found.mass > 0:
        return [Content.styled("Nothing in the image counts: the map is empty.", "$text-warning")]
    if found.method is MapMethod.DIFFERENCE:
        most, meaning = f"{found.high:.2f} ", "local distance"
    else:
        even = found.mass / (found.columns * len(found.grid))
        most, meaning = f"{found.high / even:.1f}", "× even share"
    if not colours:
        return [Content(f"from 0 to {most}{meaning}")]
    ramp = [("█", "rgb({},{},{})".format(*colour(cell / (_LEGEND_CELLS - 1)))) for cell in range(_LEGEND_CELLS)]
    return [Content.assemble("0 ", *ramp, f" {most}", (meaning, "$foreground-muted"))]


def _thirds(found: Map) -> list[Content]:
    """The shares of the nine thirds where they lie, and the largest in words."""
    if not found.mass > 0:
        return []
    name, share = found.thirds()[0]
    lines = [Content.assemble(("most: ", "$foreground-muted"), (f"{name}, {share:.0%}", "bold"))]
    for row in range(3):
        shares = [found.share(column / 3, row / 3, (column + 1) / 3, (row + 1) / 3) for column in range(3)]
        cells = [(f"{part:>6.0%}", "bold" if part == share else "$foreground") for part in shares]
        lines.append(Content.assemble(*cells))
    return lines

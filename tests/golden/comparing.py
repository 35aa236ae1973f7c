"""Holds an output against its golden file: byte for byte on the machine that wrote it, up to rounding elsewhere.

Another processor or another torch computes the last digits of a number differently, and another Pillow writes other
JPEGs. Everything else, each character around the numbers, has to be the same everywhere.
"""

from __future__ import annotations

import difflib
import math
import platform
import re
from importlib.metadata import version
from pathlib import Path

_NUMBER = re.compile(r"(?<![\w.])[-+]?\d+\.\d+(?:e[-+]?\d+)?")
_PICTURE = re.compile(r"data:image/jpeg;base64,[\w+/=]+")
_LINES, _WIDTH = 60, 300


def machine() -> dict[str, str]:
    """What decides about the last digits: the processor, and the libraries that compute and that write pictures."""
    described = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        told = dict(re.findall(r"^(cpu family|model|model name)\s*: (.+)$", cpuinfo.read_text(), re.MULTILINE))
        described = " ".join(told.values()) or described
    return {"processor": described} | {name: version(name) for name in ("torch", "torchvision", "numpy", "pillow")}


def difference(name: str, golden: str, found: str, *, exactly: bool) -> str:
    """A unified diff, cut where it gets long; empty where the two are the same."""
    if golden == found or (not exactly and _about_the_same(golden, found)):
        return ""
    lines = list(
        difflib.unified_diff(
            _short_lines(golden), _short_lines(found), f"golden/{name}", f"now/{name}", lineterm="", n=1
        )
    )
    if not lines:
        return f"{name}: the ends of lines differ\n"
    shown = [line[:_WIDTH] for line in lines[:_LINES]]
    more = [f"and {len(lines) - _LINES} lines more"] if len(lines) > _LINES else []
    scale = "only the last digits of numbers differ:\n" if _about_the_same(golden, found) else ""
    return scale + "\n".join([*shown, *more]) + "\n"


def _short_lines(text: str) -> list[str]:
    """Lines to be shown: what HTML and JSON have in one is told apart by tag and by entry."""
    return text.replace("><", ">\n<").replace(', "', ',\n"').splitlines()


def _about_the_same(golden: str, found: str) -> bool:
    golden, found = _PICTURE.sub("picture", golden), _PICTURE.sub("picture", found)
    if _NUMBER.sub("#", golden) != _NUMBER.sub("#", found):
        return False
    pairs = zip(_NUMBER.findall(golden), _NUMBER.findall(found), strict=True)
    return all(math.isclose(float(a), float(b), rel_tol=1e-3, abs_tol=2e-4) for a, b in pairs)

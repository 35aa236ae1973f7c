"""Which image formats are read, by Pillow or with a plug-in that is installed, and the endings of their files."""

from __future__ import annotations

import functools
from importlib import import_module
from importlib.util import find_spec

# Formats that Pillow decodes itself; not those that start another program (EPS runs Ghostscript), nor those without a
# signature, which any bytes can pass for.
_ENDINGS = {
    "PNG": (".png", ".apng"),
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif", ".jif", ".jfi", ".mpo"),
    "WEBP": (".webp",),
    "BMP": (".bmp",),
    "DIB": (".dib",),
    "GIF": (".gif",),
    "TIFF": (".tif", ".tiff"),
    "PPM": (".ppm", ".pgm", ".pbm", ".pnm", ".pfm"),
    "JPEG2000": (".jp2", ".j2k", ".jpx", ".jpf", ".j2c", ".jpc"),
    "QOI": (".qoi",),
}
#: Formats by the module that decodes them: its format's name, and the endings.
_WITH_MODULE = {
    "PIL._avif": ("AVIF", (".avif", ".avifs")),
    "pillow_heif": ("HEIF", (".heic", ".heif", ".hif")),
    "pillow_jxl": ("JXL", (".jxl",)),
}


def _installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):
        return False


_FOUND = {module: each for module, each in _WITH_MODULE.items() if _installed(module)}

#: The formats that are opened, as Pillow names them.
FORMATS = (*_ENDINGS, *(name for name, _ in _FOUND.values()))

#: Files with these suffixes are listed; any other file is opened only if it is named explicitly.
SUFFIXES = frozenset(
    ending for endings in (*_ENDINGS.values(), *(each for _, each in _FOUND.values())) for ending in endings
)

#: Suffixes of images that are not read; a folder's are counted.
UNREAD_SUFFIXES = (
    frozenset(ending for _, endings in _WITH_MODULE.values() for ending in endings)
    | {
        ".psd", ".psb", ".xcf", ".kra", ".clip", ".tga", ".exr", ".hdr", ".dds", ".ico", ".icns", ".svg", ".svgz",
        ".eps", ".ai", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".raf", ".orf", ".rw2", ".pcx", ".sgi", ".xbm", ".xpm",
        ".jxr", ".wdp", ".bpg", ".flif", ".fits",
    }
) - SUFFIXES  # fmt: skip


def unread_hint(suffix: str) -> str:
    """What would make files of this suffix readable, or an empty text."""
    for module, (_, endings) in _WITH_MODULE.items():
        if suffix in endings:
            package = {"pillow_heif": "pillow-heif", "pillow_jxl": "pillow-jxl-plugin"}.get(module, "a newer Pillow")
            return f"{package} reads it"
    return ""


@functools.cache
def register_plugins() -> None:
    """Make the installed plug-ins known to Pillow."""
    if "pillow_heif" in _FOUND:
        import_module("pillow_heif").register_heif_opener()
    if "pillow_jxl" in _FOUND:
        import_module("pillow_jxl")

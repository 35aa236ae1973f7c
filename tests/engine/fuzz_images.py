"""Mutated image files by the ten thousand: each is read as RGB or refused with a reason, soon, and nothing else.

python -m tests.engine.fuzz_images 24000
"""

from __future__ import annotations

import collections
import io
import random
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image

from aim_tui.core.scoring.jobs import ReadingPolicy
from aim_tui.inputs.images import ImageError, read_image

_POLICY = ReadingPolicy(max_pixels=4_000_000)


def seeds() -> list[tuple[str, bytes]]:
    """Small whole files of each format, in several modes and ways of compressing."""
    gradient = Image.radial_gradient("L").resize((40, 30))
    rgb = Image.merge("RGB", [gradient, gradient.rotate(90).resize((40, 30)), gradient.rotate(180)])
    frames = {"save_all": True, "append_images": [rgb.rotate(90), rgb.rotate(180)]}
    ways = [
        ("PNG", rgb, {}),
        ("PNG", rgb.quantize(16), {}),
        ("PNG", rgb.convert("RGBA"), {}),
        ("PNG", gradient.convert("I;16"), {}),
        ("JPEG", rgb, {"progressive": True}),
        ("JPEG", rgb.convert("CMYK"), {}),
        ("WEBP", rgb, {}),
        ("WEBP", rgb, {"lossless": True}),
        ("WEBP", rgb, frames),
        ("GIF", rgb, frames),
        ("BMP", rgb, {}),
        ("BMP", rgb.quantize(16), {}),
        ("TIFF", rgb, {}),
        ("TIFF", rgb, {"compression": "tiff_lzw"}),
        ("TIFF", rgb, {"compression": "jpeg"}),
        ("TIFF", rgb, frames),
    ]
    made = []
    for name, image, options in ways:
        buffer = io.BytesIO()
        image.save(buffer, name, **options)
        made.append((name, buffer.getvalue()))
    return made


def mutate(content: bytes, chance: random.Random) -> bytes:
    """Flip, overwrite, insert, delete, repeat or cut."""
    data = bytearray(content)
    for _ in range(chance.choice([1, 1, 2, 4, 16])):
        at = chance.randrange(len(data))
        match chance.randrange(6):
            case 0:
                data[at] ^= 1 << chance.randrange(8)
            case 1:
                data[at : at + 4] = chance.choice(
                    [b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff", b"\x80\0\0\0"]
                )
            case 2:
                data[at:at] = chance.randbytes(chance.randrange(1, 9))
            case 3:
                del data[at : at + chance.randrange(1, 9)]
            case 4:
                data[at:at] = data[at : at + chance.randrange(1, 200)]
            case 5:
                del data[max(1, at) :]
        data = data or bytearray(b"\0")
    return bytes(data)


def main(count: int) -> None:
    """Run `count` mutants and print what became of them; ends with 1 at the first that is neither."""
    chance, corpus = random.Random(0), seeds()
    fates: collections.Counter[str] = collections.Counter()
    slowest = 0.0
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "mutant.png"
        for number in range(count):
            kind, content = corpus[number % len(corpus)]
            file.write_bytes(mutant := mutate(content, chance))
            started = time.perf_counter()
            try:
                image = read_image(str(file), _POLICY)
                assert image.pixels.mode == "RGB"
                fates[f"{kind} read"] += 1
            except ImageError as error:
                assert str(error), "a refusal without a reason"
                fates[f"{kind} refused"] += 1
            except BaseException:
                Path("mutant.bin").write_bytes(mutant)
                print(f"mutant {number} of {kind} is in mutant.bin", file=sys.stderr)
                raise
            slowest = max(slowest, time.perf_counter() - started)
    for fate, times in sorted(fates.items()):
        print(f"{fate:>14} {times}")
    print(f"{sum(fates.values())} inputs, the slowest took {slowest * 1000:.0f} ms")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 24_000)

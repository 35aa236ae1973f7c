"""Every way a file can be bad is told apart, and every way it can be odd still gives RGB pixels."""

from __future__ import annotations

import os
import struct
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from aim_tui.core.scoring.jobs import ReadingPolicy
from aim_tui.inputs.image_formats import SUFFIXES
from aim_tui.inputs.images import ImageError, open_image, read_image

if TYPE_CHECKING:
    from pathlib import Path

POLICY = ReadingPolicy()


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that claims to be of this size."""

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")


def chunk(kind: bytes, data: bytes, checksum: int | None = None) -> bytes:
    checksum = zlib.crc32(kind + data) if checksum is None else checksum
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)


def with_chunk(path: Path, *chunks: bytes, behind: bytes = b"") -> str:
    """A PNG with these chunks before its pixels, and one behind them."""
    Image.radial_gradient("L").resize((24, 20)).convert("RGB").save(path)
    data = path.read_bytes()
    path.write_bytes(data[:33] + b"".join(chunks) + data[33:-12] + behind + data[-12:])
    return str(path)


def truncated(folder: Path) -> bytes:
    whole = folder / "whole.png"
    Image.effect_noise((64, 64), 50).convert("RGB").save(whole)
    return whole.read_bytes()[:2000]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "is empty"),
        (b"just some text\n", "named .png but holds text"),
        (b"\x00\x01\x02\x03" * 10, "is not an image"),
        (b"\x89PNG\r\n\x1a\n", "is not an image|cannot be decoded"),
        (bomb(30_000, 30_000), "megapixels|too many pixels"),
        (bomb(12_000, 12_000), "144 megapixels, over the limit of 100"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\nshowpage\n", "holds text"),
    ],
)
def test_a_bad_file_is_refused_with_its_reason(tmp_path: Path, data: bytes, reason: str) -> None:
    file = tmp_path / "bad.png"
    file.write_bytes(data)
    with pytest.raises(ImageError, match=reason):
        read_image(str(file), POLICY)


def test_a_truncated_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "cut.png"
    file.write_bytes(truncated(tmp_path))
    with pytest.raises(ImageError, match="cannot be decoded"):
        read_image(str(file), POLICY)


def test_a_missing_file_a_folder_and_a_pipe_are_told_apart(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    for name, reason in (("none.png", "no such file"), (".", "is a folder"), ("pipe.png", "not a regular file")):
        with pytest.raises(ImageError, match=reason):
            read_image(str(tmp_path / name), POLICY)


def test_a_symlink_loop_is_refused(tmp_path: Path) -> None:
    (tmp_path / "loop.png").symlink_to(tmp_path / "loop.png")
    with pytest.raises(ImageError, match="symbolic links|no such file"):
        read_image(str(tmp_path / "loop.png"), POLICY)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "secret.png"
    Image.new("RGB", (4, 4)).save(file)
    file.chmod(0)
    with pytest.raises(ImageError, match="no permission"):
        read_image(str(file), POLICY)


def test_a_file_over_the_byte_limit_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    file = tmp_path / "large.png"
    Image.effect_noise((64, 64), 50).save(file)
    with pytest.raises(ImageError, match="larger than the limit"):
        read_image(str(file), ReadingPolicy(max_bytes=1000))


@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK", "YCbCr", "LAB", "HSV"])
def test_every_colour_mode_becomes_rgb(tmp_path: Path, mode: str) -> None:
    file = tmp_path / "image.tif"
    source = Image.new("RGB", (8, 6), (200, 30, 60))
    image = source.convert(mode) if mode != "HSV" else source
    if mode == "LAB":
        image = Image.new("LAB", (8, 6), (120, 20, 20))
    image.save(file)
    loaded = read_image(str(file), POLICY)
    assert (loaded.pixels.mode, loaded.pixels.size) == ("RGB", (8, 6))


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_sixteen_bits_are_scaled_and_not_clipped(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"deep.{suffix}"
    ramp = np.linspace(0, 65535, 256, dtype=np.uint16).reshape(16, 16)
    Image.fromarray(ramp).save(file)
    pixels = np.asarray(read_image(str(file), POLICY).pixels)[..., 0].ravel()
    assert np.abs(pixels.astype(int) - np.arange(256)).max() <= 1


@pytest.mark.parametrize(
    ("values", "levels", "white"),
    [
        (np.array([[0, 100, 255]], np.int32), [0, 100, 255], "0 to 255"),
        (np.array([[0, 257, 65535]], np.int32), [0, 1, 255], "0 to 65535"),
        (np.array([[0, 0.5, 1]], np.float32), [0, 128, 255], "0 to 1"),
        (np.array([[0, 0.25, 0.5]], np.float32), [0, 64, 128], "0 to 1"),
        (np.array([[0, 100, 255]], np.float32), [0, 100, 255], "0 to 255"),
        (np.array([[0, 257, 65535]], np.uint16), [0, 1, 255], "0 to 65535"),
        (np.array([[0, 100, 255]], np.uint16), [0, 0, 0], "0 to 65535"),
    ],
)
def test_values_that_are_not_8_bits_are_read_by_what_they_mean(
    tmp_path: Path, values: np.ndarray, levels: list[int], white: str
) -> None:
    file = tmp_path / "values.tif"
    Image.fromarray(values).save(file)
    loaded = read_image(str(file), POLICY)
    assert np.asarray(loaded.pixels)[0, :, 0].tolist() == levels
    assert loaded.facts.levels == white


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (np.array([[-1, 5]], np.int32), "mode I and has whole values from -1 to 5"),
        (np.array([[0, 70000]], np.int32), "mode I and has whole values from 0 to 70000"),
        (np.array([[-0.5, 0.5]], np.float32), "mode F and has values from -0.5 to 0.5"),
        (np.array([[0, 256.5]], np.float32), "mode F and has values from 0 to 256.5"),
        (np.array([[0, np.nan]], np.float32), "not finite numbers"),
        (np.array([[0, np.inf]], np.float32), "not finite numbers"),
    ],
)
def test_values_that_mean_no_image_are_refused_with_what_is_read(
    tmp_path: Path, values: np.ndarray, reason: str
) -> None:
    file = tmp_path / "values.tif"
    Image.fromarray(values).save(file)
    with pytest.raises(ImageError, match=reason):
        read_image(str(file), POLICY)


def test_transparency_is_flattened_on_white_and_said_so(tmp_path: Path) -> None:
    file = tmp_path / "glass.png"
    Image.new("RGBA", (4, 4), (255, 0, 0, 0)).save(file)
    loaded = read_image(str(file), POLICY)
    assert loaded.pixels.getpixel((0, 0)) == (255, 255, 255)
    assert loaded.facts.flattened == "white"


def test_a_transparent_palette_is_flattened_too(tmp_path: Path) -> None:
    file = tmp_path / "palette.gif"
    image = Image.new("P", (4, 4), 0)
    image.putpalette([255, 0, 0] + [0] * 765)
    image.save(file, transparency=0)
    assert read_image(str(file), ReadingPolicy(background="black")).pixels.getpixel((0, 0)) == (0, 0, 0)


def test_an_animation_gives_its_first_frame_and_its_number_of_frames(tmp_path: Path) -> None:
    file = tmp_path / "moving.gif"
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue", "green")]
    frames[0].save(file, save_all=True, append_images=frames[1:])
    loaded = read_image(str(file), POLICY)
    assert loaded.facts.frames == 3
    assert loaded.pixels.getpixel((0, 0))[0] > 200


def test_exif_rotation_is_applied_by_default_and_can_be_ignored(tmp_path: Path) -> None:
    file = tmp_path / "photo.jpg"
    image = Image.new("RGB", (20, 10), "navy")
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(file, exif=exif)
    turned, as_stored = read_image(str(file), POLICY), read_image(str(file), ReadingPolicy(exif="ignore"))
    assert (turned.pixels.size, turned.facts.exif_rotated) == ((10, 20), True)
    assert (as_stored.pixels.size, as_stored.facts.exif_rotated) == ((20, 10), False)


def test_a_wrong_suffix_does_not_matter_where_the_content_is_an_image(tmp_path: Path) -> None:
    file = tmp_path / "really_a_jpeg.png"
    Image.new("RGB", (4, 4)).save(file, format="JPEG")
    assert read_image(str(file), POLICY).facts.format == "JPEG"


@pytest.mark.parametrize(
    "name", ["a b.png", "new\nline.png", "[red]x.png", "눈🏔.png", "\x1b[31m.png", os.fsdecode(b"\xff.png")]
)
def test_any_file_name_can_be_read(tmp_path: Path, name: str) -> None:
    file = tmp_path / "plain.png"
    Image.new("RGB", (4, 4)).save(file)
    file.rename(tmp_path / name)
    assert read_image(str(tmp_path / name), POLICY).facts.width == 4


@settings(max_examples=5 * settings.default.max_examples, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kind=st.sampled_from(["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"]), data=st.data())
def test_mutated_files_are_read_or_refused_and_nothing_else(tmp_path: Path, kind: str, data: st.DataObject) -> None:
    file = tmp_path / "mutant.png"
    Image.radial_gradient("L").resize((24, 24)).convert("RGB").save(file, format=kind)
    content = bytearray(file.read_bytes())
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    file.write_bytes(content[: data.draw(st.integers(1, len(content)))])
    try:
        loaded = read_image(str(file), ReadingPolicy(max_pixels=1_000_000))
    except ImageError as error:
        assert str(error)
    else:
        assert loaded.pixels.mode == "RGB"


def test_a_draft_is_a_smaller_picture_of_the_same_file_and_tells_the_same_of_it(tmp_path: Path) -> None:
    path = tmp_path / "wide.jpg"
    image = Image.linear_gradient("L").resize((1600, 800)).convert("RGB")
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(path, exif=exif)
    whole, draft = read_image(str(path), ReadingPolicy()), read_image(str(path), ReadingPolicy(), (100, 100))
    assert draft.facts == whole.facts
    assert (draft.facts.width, draft.facts.height) == whole.pixels.size == (800, 1600)
    assert draft.pixels.size == (100, 200)
    assert open_image(str(path), ReadingPolicy()) == whole.facts.sha256


def test_a_file_that_does_not_begin_as_an_image_is_told_without_decoding_it(tmp_path: Path) -> None:
    path = tmp_path / "cut.png"
    Image.effect_noise((300, 200), 80).save(path)
    path.write_bytes(path.read_bytes()[:9000])
    assert open_image(str(path), ReadingPolicy())
    with pytest.raises(ImageError, match="cannot be decoded"):
        read_image(str(path), ReadingPolicy())
    with pytest.raises(ImageError, match="too many pixels"):
        open_image(str(path), replace(ReadingPolicy(), max_pixels=1000))
    path.write_text("words")
    with pytest.raises(ImageError, match="holds text"):
        open_image(str(path), ReadingPolicy())


LARGE = zlib.compress(b"x" * (2 << 20))


@pytest.mark.parametrize(
    ("chunks", "damage"),
    [
        ((chunk(b"tEXt", b"parameters\0x", 0),), "its tEXt chunk has a wrong checksum"),
        ((chunk(b"zTXt", b"prompt\0\0" + LARGE),), "its text (zTXt chunk) is larger than 1 MiB and was left out"),
        ((chunk(b"iTXt", b"a\0\1\0\0\0" + LARGE),), "its text (iTXt chunk) is larger than 1 MiB and was left out"),
        ((chunk(b"iCCP", b"big\0\0" + LARGE),), "its ICC profile is larger than 1 MiB and was left out"),
        ((chunk(b"gAMA", b"\0\0\0\1", 7), chunk(b"tIME", b"1234567", 7)),
         "its gAMA chunk has a wrong checksum; its tIME chunk has a wrong checksum"),
    ],
)  # fmt: skip
def test_whole_pixels_are_read_beside_a_broken_or_large_chunk(
    tmp_path: Path, chunks: tuple[bytes, ...], damage: str
) -> None:
    plain = read_image(with_chunk(tmp_path / "plain.png"), POLICY)
    path = with_chunk(tmp_path / "a.png", *chunks)
    loaded = read_image(path, POLICY)
    assert (loaded.pixels.tobytes(), loaded.facts.damage) == (plain.pixels.tobytes(), damage)
    assert loaded.facts.sha256 == open_image(path, POLICY) != plain.facts.sha256
    behind = read_image(with_chunk(tmp_path / "b.png", behind=chunks[0]), POLICY)
    assert behind.pixels.tobytes() == plain.pixels.tobytes()


def test_damage_to_what_pixels_need_still_fails_and_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    with_chunk(path)
    data = bytearray(path.read_bytes())
    data[60] ^= 1
    path.write_bytes(data)
    with pytest.raises(ImageError, match="the IDAT chunk of the PNG is damaged: its checksum is wrong"):
        read_image(str(path), POLICY)
    Image.new("P", (4, 4)).save(path, transparency=0)
    data = bytearray(path.read_bytes())
    data[data.index(b"tRNS") + 6] ^= 1
    path.write_bytes(data)
    with pytest.raises(ImageError):
        read_image(str(path), POLICY)
    path.write_bytes(truncated(tmp_path))
    with pytest.raises(ImageError, match="the PNG ends in the middle of its IDAT chunk"):
        read_image(str(path), POLICY)


@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_without_its_end_marker_is_whole_and_a_cut_one_is_not(tmp_path: Path, progressive: bool) -> None:
    path = tmp_path / "a.jpg"
    Image.effect_noise((120, 80), 60).convert("RGB").save(path, quality=90, progressive=progressive)
    data, whole = path.read_bytes(), read_image(str(path), POLICY)
    for missing in (1, 2):
        path.write_bytes(data[:-missing])
        loaded = read_image(str(path), POLICY)
        assert loaded.pixels.tobytes() == whole.pixels.tobytes()
        assert loaded.facts.damage == "the JPEG has no end marker"
    for missing in (20, 500, len(data) // 2):
        path.write_bytes(data[:-missing])
        with pytest.raises(ImageError, match="cannot be decoded"):
            read_image(str(path), POLICY)
    if progressive:
        path.write_bytes(data[: data.rindex(b"\xff\xc4")])
        with pytest.raises(ImageError, match="cannot be decoded"):
            read_image(str(path), POLICY)


@pytest.mark.parametrize("turn", range(1, 9))
def test_a_tiff_is_turned_as_any_other_image(tmp_path: Path, turn: int) -> None:
    image = Image.linear_gradient("L").resize((20, 10)).convert("RGB")
    image.putpixel((0, 0), (255, 0, 0))
    exif = Image.Exif()
    exif[0x0112] = turn
    for name in ("a.tif", "a.png"):
        image.save(tmp_path / name, exif=exif)
    for policy in (POLICY, ReadingPolicy(exif="ignore")):
        tiff, png = (read_image(str(tmp_path / name), policy) for name in ("a.tif", "a.png"))
        assert tiff.pixels.tobytes() == png.pixels.tobytes()
        assert tiff.facts.exif_rotated == png.facts.exif_rotated == (turn != 1 and policy is POLICY)
        assert (tiff.facts.width, tiff.facts.height) == tiff.pixels.size


def test_the_icc_profile_is_named(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png", icc_profile=profile.tobytes())
    assert read_image(str(tmp_path / "a.png"), POLICY).facts.icc == "sRGB built-in"
    Image.new("RGB", (4, 4)).save(tmp_path / "b.png", icc_profile=b"no profile")
    assert read_image(str(tmp_path / "b.png"), POLICY).facts.icc == "unnamed"


@pytest.mark.parametrize(("ending", "hint"), [("heic", "pillow-heif reads it"), ("psd", r"\(.psd\)")])
def test_a_format_that_is_not_read_is_named(tmp_path: Path, ending: str, hint: str) -> None:
    if f".{ending}" in SUFFIXES:
        pytest.skip("a plug-in reads it here")
    (tmp_path / f"a.{ending}").write_bytes(b"\0\0\0\x18ftypheic" + bytes(50))
    with pytest.raises(ImageError, match=f"is in a format that is not read .*{hint}"):
        read_image(str(tmp_path / f"a.{ending}"), POLICY)

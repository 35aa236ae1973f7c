"""The preview: what is at rest on the screen is the current image, whatever order the readers end in."""

from __future__ import annotations

import threading

import pytest
from PIL import Image
from rich.cells import cell_len
from textual.screen import ModalScreen

from aim_tui.core.scoring.jobs import ReadingPolicy
from aim_tui.terminal.images import ImageMode, ImageSupport
from aim_tui.ui.widgets.image_preview import ImagePreview
from aim_tui.ui.widgets.picture import Box, Picture, PictureCache, colour_words, read_picture
from aim_tui.ui.widgets.pixel_pane import HalfBlockPane
from aim_tui.ui.widgets.protocol_pane import ProtocolPane
from tests.ui.widgets.samples import Holder, painted, until

HALF = ImageSupport(ImageMode.HALF, "a test")
POLICY = ReadingPolicy()


def image(folder, name, colour="red", size=(64, 32), **options):
    path = folder / name
    Image.new("RGB", size, colour).save(path, **options)
    return str(path)


def pane_text(preview):
    return "\n".join(painted(preview.query_one(HalfBlockPane)))


def facts_text(preview):
    return str(preview.query_one("#preview-facts").content)


async def shown(pilot, path, **options):
    preview = pilot.app.widget
    preview.show(path, **options)
    await until(pilot, lambda: preview.shown is not None and preview.shown.path == path)
    await pilot.pause()
    return preview


class Gate:
    """A reader that waits at a gate of its own for each path."""

    def __init__(self):
        self.gates = {}
        self.begun = []

    def __call__(self, path, box, policy, known):
        self.begun.append(path)
        assert self.gates.setdefault(path, threading.Event()).wait(10)
        return Picture(path, box, Image.new("RGB", box.fit(10, 10), "blue"))

    def open(self, *paths):
        for path in paths:
            self.gates.setdefault(path, threading.Event()).set()


async def test_an_image_is_drawn_in_its_colours_with_its_facts_below(tmp_path):
    path = image(tmp_path, "a.png", (10, 200, 30))
    async with Holder(ImagePreview(support=HALF)).run_test(size=(40, 20)) as pilot:
        preview = await shown(pilot, path, caption="a [b]cabin\x1b[31m")
        pane = preview.query_one(HalfBlockPane)
        middle = pane.render_line(pane.size.height // 2)
        drawn = [part for part in middle if "▀" in part.text]
        assert {tuple(part.style.color.get_truecolor()) for part in drawn} == {(10, 200, 30)}
        assert {tuple(part.style.bgcolor.get_truecolor()) for part in drawn} == {(10, 200, 30)}
        assert facts_text(preview).splitlines()[0].startswith("64 x 32  PNG  RGB")
        assert facts_text(preview).splitlines()[1] == "a [b]cabin\\x1b[31m"


@pytest.mark.parametrize("size", [(40, 20), (41, 7), (12, 30), (3, 3), (1, 1)])
@pytest.mark.parametrize("shape", [(300, 100), (100, 300), (1, 999), (7, 7)])
async def test_an_image_fills_its_pane_and_never_leaves_it(tmp_path, size, shape):
    path = image(tmp_path, "a.png", "red", shape)
    async with Holder(ImagePreview(support=HALF)).run_test(size=size) as pilot:
        preview = pilot.app.widget
        pane = preview.query_one(HalfBlockPane)
        await pilot.pause()
        if pane.size.height == 0:
            preview.show(path)
            await pilot.pause()
            return
        await shown(pilot, path)
        assert all(cell_len(line) == pane.size.width for line in painted(pane))
        columns, rows = preview.shown.pixels.size
        assert columns == pane.size.width or rows == pane.size.height * 2


def test_the_box_keeps_the_shape_of_the_image_in_true_pixels():
    assert Box(40, 40, 10, 10).fit(200, 100) == (40, 20)
    assert Box(40, 40, 8, 10).fit(100, 100) == (40, 32)
    assert Box(5, 5).fit(10_000, 1) == (5, 1)


async def test_a_broken_file_says_why_and_the_next_image_is_shown_all_the_same(tmp_path):
    broken = tmp_path / "broken[x].png"
    broken.write_text("this is text")
    good = image(tmp_path, "good.png")
    async with Holder(ImagePreview(support=HALF)).run_test(size=(60, 20)) as pilot:
        preview = await shown(pilot, str(broken))
        assert "broken[x].png" in pane_text(preview)
        assert "holds text, not an image" in pane_text(preview)
        await shown(pilot, good)
        assert "▀" in pane_text(preview)
        await shown(pilot, str(tmp_path / "gone.png"))
        assert "no such file" in pane_text(preview)


async def test_a_late_result_is_not_shown_over_the_current_image():
    gate, cache = Gate(), PictureCache()
    async with Holder(ImagePreview(support=HALF, read=gate, cache=cache)).run_test(size=(40, 20)) as pilot:
        preview = pilot.app.widget
        await pilot.pause()
        preview.show("slow.png")
        await until(pilot, lambda: "slow.png" in gate.begun)
        preview.show("quick.png")
        gate.open("quick.png")
        await until(pilot, lambda: preview.shown is not None)
        assert preview.shown.path == "quick.png"
        gate.open("slow.png")
        box = preview.shown.box
        await until(pilot, lambda: cache.get("slow.png", box) is not None)
        await pilot.pause()
        assert preview.shown.path == "quick.png"
        assert [fact.picture.path for fact in pilot.app.told(ImagePreview.Shown)] == ["quick.png"]


async def test_images_that_are_only_passed_are_not_read():
    gate = Gate()
    async with Holder(ImagePreview(support=HALF, read=gate)).run_test(size=(40, 20)) as pilot:
        preview = pilot.app.widget
        await pilot.pause()
        for number in range(50):
            preview.show(f"{number}.png")
        gate.open("49.png")
        await until(pilot, lambda: preview.shown is not None)
        assert gate.begun == ["49.png"]


async def test_neighbours_are_read_ahead_and_then_shown_at_once():
    gate, cache = Gate(), PictureCache()
    gate.open("a.png", "b.png", "z.png")
    async with Holder(ImagePreview(support=HALF, read=gate, cache=cache)).run_test(size=(40, 20)) as pilot:
        preview = await shown(pilot, "a.png", neighbours=["b.png", "z.png"])
        await until(pilot, lambda: cache.get("z.png", preview.shown.box) is not None)
        assert gate.begun == ["a.png", "b.png", "z.png"]
        preview.show("b.png")
        assert preview.shown.path == "b.png"


async def test_while_an_image_is_read_its_name_is_told():
    gate = Gate()
    async with Holder(ImagePreview(support=HALF, read=gate)).run_test(size=(40, 20)) as pilot:
        preview = pilot.app.widget
        preview.show("/x/slow.png")
        await pilot.pause()
        assert facts_text(preview) == "reading slow.png"
        gate.open("/x/slow.png")


async def test_leaving_while_an_image_is_read_waits_for_nothing():
    gate = Gate()
    async with Holder(ImagePreview(support=HALF, read=gate)).run_test(size=(40, 20)) as pilot:
        pilot.app.widget.show("slow.png")
        await until(pilot, lambda: gate.begun)
    assert not gate.gates["slow.png"].is_set()
    gate.open("slow.png")


async def test_nothing_to_show_says_what_the_pane_is_for(tmp_path):
    async with Holder(ImagePreview(support=HALF)).run_test(size=(40, 20)) as pilot:
        preview = await shown(pilot, image(tmp_path, "a.png"))
        preview.show(None)
        await pilot.pause()
        assert "No image here." in pane_text(preview)
        assert facts_text(preview) == ""


async def test_a_caption_that_comes_later_joins_the_facts(tmp_path):
    async with Holder(ImagePreview(support=HALF)).run_test(size=(40, 20)) as pilot:
        preview = await shown(pilot, image(tmp_path, "a.png"))
        preview.set_caption("a lake")
        assert "a lake" in facts_text(preview)


async def test_another_size_reads_again_for_the_new_box(tmp_path):
    path = image(tmp_path, "a.png", size=(400, 100))
    async with Holder(ImagePreview(support=HALF)).run_test(size=(40, 20)) as pilot:
        preview = await shown(pilot, path)
        await pilot.resize_terminal(80, 20)
        await until(pilot, lambda: preview.shown.pixels.width == 80)


async def test_without_pixels_the_colours_are_told_in_words(tmp_path):
    none = ImageSupport(ImageMode.NONE, "a test")
    async with Holder(ImagePreview(support=none)).run_test(size=(40, 20)) as pilot:
        preview = await shown(pilot, image(tmp_path, "a.png", (20, 20, 90)))
        assert "mostly dark blue" in pane_text(preview)
        assert "▀" not in pane_text(preview)
        assert facts_text(preview).startswith("64 x 32")


async def test_no_color_means_words_even_where_pixels_were_asked_for(tmp_path, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    async with Holder(ImagePreview(support=HALF)).run_test(size=(40, 20)) as pilot:
        preview = await shown(pilot, image(tmp_path, "a.png", "white"))
        assert "mostly white" in pane_text(preview)


async def test_what_was_done_to_read_an_image_is_noted(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = image(tmp_path, "turned.jpg", exif=exif)
    clear = str(tmp_path / "clear.png")
    Image.new("RGBA", (8, 8), (0, 0, 0, 0)).save(clear)
    moving = str(tmp_path / "moving.gif")
    Image.new("RGB", (8, 8)).save(moving, save_all=True, append_images=[Image.new("RGB", (8, 8), "red")])
    async with Holder(ImagePreview(support=HALF)).run_test(size=(50, 20)) as pilot:
        for path, note in ((turned, "turned as its EXIF"), (clear, "transparency on white"), (moving, "first of 2")):
            assert note in facts_text(await shown(pilot, path))


@pytest.mark.parametrize("mode", [ImageMode.KITTY, ImageMode.SIXEL])
async def test_true_pixels_are_sent_with_the_cells_they_cover_and_gone_with_them(tmp_path, mode):
    async with Holder(ImagePreview(support=ImageSupport(mode, "a test"))).run_test(size=(41, 20)) as pilot:
        preview = await shown(pilot, image(tmp_path, "a.png", size=(400, 200)))
        pane = preview.query_one(ProtocolPane)
        width = 410 if mode is ImageMode.KITTY else 400
        assert preview.shown.pixels.size == (width, width // 2)
        assert preview.shown.encoded
        lines = pane.render_lines(pane.size.region)
        assert [line.cell_length for line in lines] == [41] * pane.size.height
        sent = [segment.text for line in lines for segment in line if segment.control]
        (sent,) = sent
        assert ("\x1b_Ga=T" if mode is ImageMode.KITTY else "\x1bP") in sent
        preview.show(None)
        await pilot.pause()
        assert not any(segment.control for line in pane.render_lines(pane.size.region) for segment in line)


async def test_under_a_dialog_there_are_no_pixels(tmp_path):
    kitty = ImageSupport(ImageMode.KITTY, "a test")
    async with Holder(ImagePreview(support=kitty)).run_test(size=(40, 20)) as pilot:
        pane = (await shown(pilot, image(tmp_path, "a.png"))).query_one(ProtocolPane)
        await pilot.app.push_screen(ModalScreen())
        assert not any(segment.control for line in pane.render_lines(pane.size.region) for segment in line)
        await pilot.app.pop_screen()
        assert any(segment.control for line in pane.render_lines(pane.size.region) for segment in line)


async def test_images_that_cost_a_slow_line_much_are_not_sent_when_only_passed(tmp_path):
    paths = [image(tmp_path, f"{number}.png") for number in range(3)]
    async with Holder(ImagePreview(support=ImageSupport(ImageMode.SIXEL, "a test"))).run_test(size=(40, 20)) as pilot:
        preview = await shown(pilot, paths[0], neighbours=paths[1:])
        for path in paths[1:]:
            preview.show(path)
            assert preview.shown.path == paths[0]
        await until(pilot, lambda: preview.shown.path == paths[2])


async def test_images_are_shown_another_way_from_now_on(tmp_path):
    async with Holder(ImagePreview(support=HALF)).run_test(size=(40, 20)) as pilot:
        preview = await shown(pilot, image(tmp_path, "a.png"))
        preview.use(ImageSupport(ImageMode.SIXEL, "a test"))
        await until(pilot, lambda: preview.shown is not None and preview.shown.encoded)
        assert len(preview.query(ProtocolPane)) == 1
        assert facts_text(preview).startswith("64 x 32")
        preview.use(ImageSupport(ImageMode.NONE, "a test"))
        await until(pilot, lambda: preview.shown is not None and not preview.query(ProtocolPane))
        await pilot.pause()
        assert "mostly red" in pane_text(preview)


async def test_kittys_images_need_all_colours(monkeypatch):
    monkeypatch.setattr("textual.constants.COLOR_SYSTEM", "256")
    async with Holder(ImagePreview(support=HALF)).run_test(size=(40, 20)) as pilot:
        used = pilot.app.widget.use(ImageSupport(ImageMode.KITTY, "a test"))
        assert (used.mode, "COLORTERM" in used.why) == (ImageMode.HALF, True)


def test_a_picture_is_read_again_only_when_its_file_changed(tmp_path):
    path = image(tmp_path, "a.png", "red")
    box = Box(10, 10)
    first = read_picture(path, box, POLICY)
    assert read_picture(path, box, POLICY, first) is first
    image(tmp_path, "a.png", "blue", (128, 128))
    second = read_picture(path, box, POLICY, first)
    assert second.pixels.getpixel((0, 0)) == (0, 0, 255)


def test_the_cache_is_bounded_in_number_and_bytes_and_forgets_what_was_unused_longest():
    box = Box(10, 10)
    pictures = {name: Picture(name, box, Image.new("RGB", (10, 10))) for name in "abcde"}
    cache = PictureCache(pictures=3)
    for name in "abc":
        cache.put(pictures[name])
    assert cache.get("a", box) is pictures["a"]
    cache.put(pictures["d"])
    assert [name for name in "abcd" if cache.get(name, box)] == ["a", "c", "d"]
    small = PictureCache(size=700)
    for name in "abcde":
        small.put(pictures[name])
    assert len(small) == 2


@pytest.mark.parametrize(
    ("rgb", "word"),
    [
        ((0, 0, 0), "black"),
        ((250, 250, 250), "white"),
        ((128, 128, 128), "grey"),
        ((220, 20, 20), "red"),
        ((120, 70, 30), "brown"),
        ((250, 150, 20), "orange"),
        ((20, 80, 20), "dark green"),
        ((160, 190, 240), "light blue"),
    ],
)
def test_colours_have_the_names_people_give_them(rgb, word):
    assert colour_words(Image.new("RGB", (20, 20), rgb)) == (word,)

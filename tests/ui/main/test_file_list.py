"""The folder: what each line says, and what opening one means."""

from __future__ import annotations

import pytest

from aim_tui.core.scoring.plan import Status
from aim_tui.ui.main.file_list import Entry, EntryKind, FileList
from tests.ui.widgets.samples import NAMES, Holder, assert_aligned, painted

FOLDER = [
    Entry("/up", "..", EntryKind.PARENT),
    Entry("/up/here/refs", "refs", EntryKind.FOLDER),
    Entry("/up/here/a.png", "a.png", status=Status.OK, final=87.25),
    Entry("/up/here/b.png", "b.png", status=Status.FAILED),
    Entry("/up/here/c.png", "c.png", status=Status.PARTIAL),
    Entry("/up/here/d.png", "d.png", status=Status.PENDING),
    Entry("/up/here/e.png", "e.png", status=Status.OK, stale=True, final=12.0),
    Entry("/up/here/f.png", "f.png"),
]


async def listing(pilot, entries=FOLDER, cursor=None):
    files = pilot.app.widget
    files.show(entries, cursor)
    await pilot.pause()
    return files


def line_of(files, name):
    return next(line for line in painted(files) if name in line)


async def test_each_line_says_what_it_is_and_how_far_it_is_scored():
    async with Holder(FileList()).run_test(size=(30, 12)) as pilot:
        files = await listing(pilot)
        assert painted(files)[0].split() == ["↑", "../"]
        assert painted(files)[1].split() == ["▸", "refs/"]
        assert line_of(files, "a.png").split() == ["✓", "a.png", "87.2"]
        assert line_of(files, "b.png").split() == ["!", "b.png"]
        assert line_of(files, "c.png").split() == ["◐", "c.png"]
        assert line_of(files, "d.png").split() == ["·", "d.png"]
        assert line_of(files, "e.png").split() == ["~", "e.png", "~12.0"]
        assert line_of(files, "f.png").split() == ["f.png"]


@pytest.mark.parametrize("width", [8, 16, 24, 40, 100])
async def test_columns_stay_aligned_whatever_the_names_are(width):
    entries = [Entry(f"/x/{n}", name, status=Status.OK, final=50.0) for n, name in enumerate(NAMES)]
    async with Holder(FileList()).run_test(size=(width, 20)) as pilot:
        files = await listing(pilot, entries)
        assert_aligned(files)
        assert "\x1b" not in "".join(painted(files))


async def test_markup_in_a_name_is_shown_as_it_is():
    async with Holder(FileList()).run_test(size=(60, 12)) as pilot:
        files = await listing(pilot, [Entry("/x", "a[/x][bold]b.png")])
        assert "a[/x][bold]b.png" in painted(files)[0]


async def test_a_long_name_keeps_its_end():
    async with Holder(FileList()).run_test(size=(24, 12)) as pilot:
        files = await listing(pilot, [Entry("/x", "landscape_with_a_cabin_0017.png")])
        assert "…" in painted(files)[0]
        assert painted(files)[0].rstrip().endswith("17.png")


async def test_opening_tells_a_folder_from_an_image():
    async with Holder(FileList()).run_test(size=(30, 12)) as pilot:
        await listing(pilot)
        await pilot.press("j", "enter", "j", "l", "h")
        await pilot.pause()
        assert [fact.path for fact in pilot.app.told(FileList.FolderChosen)] == ["/up/here/refs", "/up"]
        assert [fact.path for fact in pilot.app.told(FileList.ImageOpened)] == ["/up/here/a.png"]


async def test_at_the_root_there_is_no_way_up():
    async with Holder(FileList()).run_test(size=(30, 12)) as pilot:
        await listing(pilot, FOLDER[1:])
        await pilot.press("h")
        await pilot.pause()
        assert not pilot.app.told(FileList.FolderChosen)


async def test_the_cursor_can_begin_on_the_folder_one_came_from():
    async with Holder(FileList()).run_test(size=(30, 12)) as pilot:
        files = await listing(pilot, cursor="/up/here/refs")
        assert files.cursor_entry == FOLDER[1]


async def test_only_images_are_marked():
    async with Holder(FileList()).run_test(size=(30, 12)) as pilot:
        files = await listing(pilot)
        await pilot.press("space", "space", "space")
        assert files.marks == {"/up/here/a.png"}
        await pilot.press("ctrl+a")
        assert files.marks == set(files.images) == {entry.path for entry in FOLDER[2:]}


async def test_a_score_that_arrives_is_shown_and_other_folders_are_passed_over():
    async with Holder(FileList()).run_test(size=(30, 12)) as pilot:
        files = await listing(pilot)
        files.entries_changed(
            [
                Entry("/up/here/d.png", "d.png", status=Status.OK, final=55.5),
                Entry("/elsewhere/z.png", "z.png", status=Status.OK, final=1.0),
            ]
        )
        await pilot.pause()
        assert line_of(files, "d.png").split() == ["✓", "d.png", "55.5"]
        assert len(files.keys) == len(FOLDER)

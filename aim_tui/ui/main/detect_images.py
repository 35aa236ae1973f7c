"""Asking the terminal again how it shows images: after tmux was attached from elsewhere, say."""

from __future__ import annotations

from textual.app import App, SuspendNotSupported

from aim_tui.core.text import printable
from aim_tui.terminal.images import image_support, remember
from aim_tui.terminal.probe import probe
from aim_tui.ui.widgets.image_preview import ImagePreview


def detect_images(app: App[int]) -> None:
    """Ask the terminal while nobody reads its input, and draw as it says from now on.

    The screen stands still meanwhile, for as long as an answer takes and 1.5 seconds at most: what is painted while
    the input is not Textual's would be lost. The worker goes on.
    """
    try:
        with app.suspend():
            # Before the input is read again: the driver looks whether an answer is still to come.
            remember(probe())
    except SuspendNotSupported:
        app.notify("this terminal cannot be asked", severity="warning", markup=False)
        return
    support = image_support()
    for screen in app.screen_stack:
        for preview in screen.query(ImagePreview):
            support = preview.use(support)
    app.notify(printable(f"images: {support.mode} ({support.why})"), markup=False, timeout=6)

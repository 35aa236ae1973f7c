"""What files hold, for judgements that are kept by content."""

from __future__ import annotations

import hashlib
import os
import threading
from typing import TYPE_CHECKING

from aim_tui.ui.session.file_contents import FileContents

if TYPE_CHECKING:
    from pathlib import Path


def test_pipes_and_devices_among_the_images_are_left_out_and_not_waited_for(tmp_path: Path) -> None:
    image, pipe, device = tmp_path / "a.png", tmp_path / "b.png", tmp_path / "c.png"
    image.write_bytes(b"image")
    os.mkfifo(pipe)
    device.symlink_to("/dev/zero")
    found: dict[str, str] = {}
    reading = threading.Thread(
        target=lambda: found.update(FileContents().of_all(map(str, (pipe, device, image)))), daemon=True
    )
    reading.start()
    reading.join(30)
    assert found == {str(image): hashlib.sha256(b"image").hexdigest()}

"""ctrl+s knows every registered format of rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.exports.toy_format import register_toy

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("models_here")


async def test_a_registered_format_is_named_and_written(
    open_app: Any, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register_toy(monkeypatch)
    async with open_app(folder) as app:
        await app.until(lambda: len(app.rows) == 8)
        await app.press("ctrl+s")
        await app.shows("All rows as .csv, .json, .jsonl or .toy")
        await app.press("ctrl+u")
        await app.paste(str(tmp_path / "rows.txt"))
        await app.press("enter")
        await app.shows("the name must end in .csv, .json, .jsonl or .toy")
        await app.press("ctrl+u")
        await app.paste(str(tmp_path / "rows.toy"))
        await app.press("enter")
        await app.until((tmp_path / "rows.toy").exists)
    assert len((tmp_path / "rows.toy").read_text().splitlines()) == 1 + 8

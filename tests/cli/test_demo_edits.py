"""`aim-tui demo --edits` scores, compares with the known truth and reports, in 80 columns and without a store."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aim_tui.store.locations import default_store

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Outcome


def test_right_instructions_beat_wrong_ones_of_every_type_of_error(cli: Callable[..., Outcome]) -> None:
    told = cli("demo", "--edits")
    assert told.code == 0, told.err
    assert max(map(len, told.out.splitlines())) <= 80
    rows = {cells[0]: cells for line in told.out.splitlines() if len(cells := re.split(r"\s{2,}", line.strip())) > 5}
    won = {name: int(cells[4]) for name, cells in rows.items() if name.endswith(("↑", "↓"))}
    assert next(iter(won)) == "editclip_score ↑", "the best first"
    assert won["editclip_score ↑"] >= 0.9 * 48
    assert won["preservation_lpips ↓"] == 0 and rows["preservation_lpips ↓"][5] == "48", "it sees no instruction"
    types = {"wrong_value", "wrong_object", "opposite_action", "incomplete", "extra_change", "unrelated"}
    assert types <= rows.keys()
    assert sum(int(rows[name][1]) for name in types) == int(rows["all"][1]) == 48
    assert "What it does not say" in told.out
    assert not default_store().exists()

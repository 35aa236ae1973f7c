"""What commands write is, byte for byte, what the version before the rebuild wrote.

`scenes.py` is the table of cases and `files/` holds the outputs; `producing.py` says what is replaced in them because
it differs between any two runs. Where an output is meant to change, `python -m tests.golden.make [SCENE...]` writes
the files again. A scene is one test, since its commands share the store and the models in memory.
"""

from __future__ import annotations

import json

import pytest

from tests.golden.comparing import difference, machine
from tests.golden.make import FILES, MACHINE
from tests.golden.producing import produce
from tests.golden.scenes import SCENES


@pytest.mark.parametrize("scene", SCENES)
def test_what_is_written_is_what_was_written_before(scene: str) -> None:
    golden = {path.name: path.read_bytes().decode() for path in (FILES / scene).iterdir()}
    found = produce(scene)
    assert sorted(found) == sorted(golden)
    exactly = json.loads(MACHINE.read_text()) == machine()
    differences = [difference(f"{scene}/{name}", golden[name], found[name], exactly=exactly) for name in golden]
    if told := "\n".join(filter(None, differences)):
        pytest.fail(told, pytrace=False)


def test_a_changed_number_is_seen_also_on_another_machine() -> None:
    golden = "a.png,0.40870001,data:image/jpeg;base64,AAAA\n"
    assert difference("x", golden, "a.png,0.40870002,data:image/jpeg;base64,BB==\n", exactly=False) == ""
    for changed in ("a.png,0.4107,x", "a.png,0.4087", "b.png,0.40870001,data:image/jpeg;base64,AAAA\n"):
        assert "-a.png,0.40870001" in difference("x", golden, changed, exactly=False)
    assert "+a.png,0.40870002" in difference("x", golden, golden.replace("0001", "0002"), exactly=True)

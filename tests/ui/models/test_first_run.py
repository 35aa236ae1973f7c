"""The application opens without its models, says which are missing, and offers a way out on one key each."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from aim_tui.core.metrics.spec import Role
from aim_tui.ui.models.screen import ModelsScreen, human_bytes

if TYPE_CHECKING:
    from aim_tui.hub.inventory import ModelState

FETCH = """
import json, os, sys
wanted = json.load(sys.stdin)
role = wanted[0]["role"]
say = lambda **body: print(json.dumps(body), flush=True)
say(type="progress", role=role, file="model.safetensors", done=250_000_000, total=609_000_000)
with open(sys.argv[1], "rb", buffering=0) as gate:
    word = gate.read(1)
if word == b"f":
    say(type="failed", role=role, error="openai/clip-vit-base-patch32 is gated", hint="set HF_TOKEN")
    sys.exit(1)
open(sys.argv[2], "w").close()
say(type="done", role=role, path="/x", revision="main")
"""


class Hub:
    """Models that are missing until the fetch has run."""

    def __init__(self, folder: Path, state: Any) -> None:
        self.fetched = folder / "fetched"
        self.gate = folder / "fetch-gate"
        self._state = state
        os.mkfifo(self.gate)
        self._handle = os.open(self.gate, os.O_RDWR)

    def say(self, word: bytes) -> None:
        os.write(self._handle, word)

    def inspect(self, profile: Any, metrics: Any) -> list[ModelState]:
        missing = 0 if profile.name in ("sample", "aim+local") or self.fetched.exists() else 609_000_000
        return [
            self._state(Role.CLIP, "openai/clip-vit-base-patch32", ("clip",), missing),
            self._state(Role.CAPTIONER, "Salesforce/blip2-opt-2.7b", ("blip2",)),
        ]


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model_state: Any) -> Any:
    hub = Hub(tmp_path, model_state)
    monkeypatch.setattr("aim_tui.ui.session.models.inspect_profile", hub.inspect)
    monkeypatch.setattr(
        "aim_tui.ui.session.models.FETCH_COMMAND", (sys.executable, "-c", FETCH, str(hub.gate), str(hub.fetched))
    )
    return hub


async def test_what_is_missing_is_named_with_its_size_and_the_ways_out(open_app: Any, folder: Path, hub: Hub) -> None:
    async with open_app(folder, size=(80, 24)) as app:
        await app.shows("Models of the profile aim")
        await app.shows("1 model is not on this machine: about 609 MB to fetch.")
        for words in (
            "openai/clip-vit-base-patch32",
            "f  fetch them",
            "s  use the sample models",
            "p  choose another profile",
            "l  use a folder",
        ):
            assert words in app.text()


async def test_everything_that_needs_no_model_works_meanwhile(open_app: Any, folder: Path, hub: Hub) -> None:
    async with open_app(folder, toasts=True) as app:
        await app.shows("Models of the profile")
        await app.press("escape")
        await app.shows("1 model is not on this machine")
        await app.press("j", "j", "space")
        await app.shows("img_2.png")
        await app.press("s")
        await app.shows("M shows what can be done")
        assert app.session.workspace.running is None
        await app.press("f")
        await app.type("img_3")
        await app.press("enter")
        await app.shows("1/8")
        await app.press("M")
        await app.shows("Models of the profile")


async def test_fetching_shows_bytes_and_afterwards_scoring_works(open_app: Any, folder: Path, hub: Hub) -> None:
    async with open_app(folder) as app:
        await app.shows("f  fetch them")
        await app.press("f")
        await app.shows("250 MB of 609 MB")
        await app.shows("x  cancel")
        hub.say(b"d")
        await app.shows("All models are on this machine.")
        await app.press("escape", "s")
        await app.all_scored()


async def test_a_fetch_that_is_cancelled_can_go_on(open_app: Any, folder: Path, hub: Hub) -> None:
    async with open_app(folder) as app:
        await app.shows("f  fetch them")
        await app.press("f")
        await app.shows("250 MB of 609 MB")
        await app.press("x")
        await app.shows("f  fetch them")
        await app.press("f")
        await app.shows("250 MB of 609 MB")
        hub.say(b"d")
        await app.shows("All models are on this machine.")


async def test_a_fetch_that_fails_says_why_and_what_to_do(open_app: Any, folder: Path, hub: Hub) -> None:
    async with open_app(folder) as app:
        await app.shows("f  fetch them")
        await app.press("f")
        hub.say(b"f")
        await app.shows("openai/clip-vit-base-patch32 is gated (set HF_TOKEN)")
        await app.shows("f  fetch them")


async def test_a_fetch_goes_on_behind_the_closed_screen_and_ends_with_the_application(
    open_app: Any, folder: Path, hub: Hub
) -> None:
    async with open_app(folder) as app:
        await app.shows("f  fetch them")
        await app.press("f")
        await app.shows("250 MB of 609 MB")
        await app.press("escape")
        await app.shows("fetching models: 41 %")


async def test_the_sample_models_are_one_key_away(open_app: Any, folder: Path, hub: Hub) -> None:
    async with open_app(folder) as app:
        await app.shows("s  use the sample models")
        await app.press("s")
        await app.shows("sample models, to try out: scores mean something only for the sample images")
        await app.press("s")
        await app.all_scored()


async def test_another_profile_can_be_chosen(open_app: Any, folder: Path, hub: Hub) -> None:
    async with open_app(folder) as app:
        await app.shows("p  choose another profile")
        await app.press("p")
        await app.shows("larger CLIP and captioner")
        await app.press("j", "enter")
        await app.until(lambda: app.session.workspace.profile.name == "large")
        await app.shows("Models of the profile large")


async def test_a_local_folder_is_checked_before_it_is_taken(
    open_app: Any, folder: Path, hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_app(folder) as app:
        await app.shows("l  use a folder")
        await app.press("l")
        await app.shows("Folder of the clip model")
        await app.paste(str(tmp_path / "nowhere"))
        await app.press("enter")
        await app.shows("there is no such folder")
        sample = Path(__file__).parents[3] / "sample_data" / "models" / "clip"
        await app.press("ctrl+u")
        await app.paste(str(sample))
        await app.press("enter")
        await app.until(lambda: app.session.workspace.profile.name == "aim+local")
        assert app.session.workspace.profile.models[Role.CLIP].path == str(sample)
        await app.press("s")
        await app.all_scored()


async def test_the_screen_closes_and_opens_with_the_keyboard_alone(open_app: Any, folder: Path, hub: Hub) -> None:
    async with open_app(folder) as app:
        await app.until(lambda: isinstance(app.app.screen, ModelsScreen))
        await app.press("q")
        await app.until(lambda: not isinstance(app.app.screen, ModelsScreen))
        await app.press("M")
        await app.until(lambda: isinstance(app.app.screen, ModelsScreen))


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "0 B"), (999, "999 B"), (15_000_000_000, "15 GB"), (609_400_000, "609 MB"), (None, "an unknown size")],
)
def test_sizes_read_as_a_person_writes_them(count: int | None, words: str) -> None:
    assert human_bytes(count) == words

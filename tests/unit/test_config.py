"""Settings come from files and the environment, and every mistake in them is named with its place."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from aim_tui.config import load_settings
from aim_tui.core.metrics import Role
from aim_tui.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith(("AIM_TUI_", "HF_", "HUGGING", "DISABLE_", "BLIP2_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)


def write(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "settings.toml"
    file.write_text(text)
    return file


def test_the_built_in_profiles_are_aims_a_larger_one_and_the_sample() -> None:
    settings = load_settings()
    assert list(settings.profiles) == ["aim", "large", "sample"]
    assert settings.profile().name == "aim"
    assert settings.profile("aim").models[Role.CAPTIONER].id == "Salesforce/blip2-opt-2.7b"
    assert settings.profile("large").models[Role.LPIPS].id == "vgg"
    assert settings.profile("sample").notice.startswith("sample models: for trying out")


def test_an_own_profile_takes_what_it_does_not_say_from_the_one_it_extends(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        """
        profile = "mine"
        [rules.strict]
        clip = [[0.2, 0, 0], [0.3, 0, 1], [inf, 1, 1]]
        blip2 = [[inf, 1, 1]]
        lpips = [[inf, 1, 1]]
        [profiles.mine]
        extends = "aim"
        rules = "strict"
        weights = { clip = 1 }
        [profiles.mine.models]
        clip = { path = "models/clip", dtype = "bfloat16", attention = "eager", batch_size = 4 }
        captioner = { id = "x/y", revision = "abc", quantisation = "4bit" }
        """,
    )
    mine = load_settings(file).profile()
    assert mine.models[Role.CLIP].path == str(tmp_path / "models/clip")
    assert mine.models[Role.CLIP].batch_size == 4
    assert mine.models[Role.CAPTIONER].quantisation == "4bit"
    assert mine.models[Role.LPIPS].id == "alex"
    assert mine.weights == {"clip": 1.0, "blip2": 0.5, "lpips": 0.3}
    assert mine.rules.rules["clip"].normalise(0.25) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a = \n", r"settings.toml: not valid TOML: .*line 1"),
        ("profile = 3\n", r"settings.toml, line 1: profile: Expected `str"),
        (
            "\n[profiles.mine]\nextend = 'aim'\n",
            r"settings.toml, line 3: profiles.mine.extend: unknown setting; did you mean 'extends'",
        ),
        (
            "[profiles.m]\nextends='aim'\n[profiles.m.models]\n\nclip={id='x',dtype='fp8'}\n",
            r"line 5: profiles.m.models.clip.dtype: Invalid enum",
        ),
        ("[profiles.m]\nextends = 'aimm'\n", r"unknown profile 'aimm'; did you mean 'aim'\?"),
        ("[profiles.m]\nextends = 'm'\n", "goes round in a circle"),
        ("[profiles.m]\nextends='aim'\nrules='aimm'\n", r"unknown rules 'aimm'; did you mean 'aim'\?"),
        ("[profiles.m]\nextends='aim'\nweights={clib=1}\n", r"unknown name 'clib'; did you mean 'clip'\?"),
        ("[profiles.m.models]\nclip={id='x'}\n", "no model for captioner, sentence, lpips"),
        ("[rules.r]\nclip=[[1,0,0]]\n", "rules.r.clip: the last piece must reach inf"),
        ("[reading]\nexif='turn'\n", "reading.exif is 'turn'"),
        ("[reading]\nbackground='blurple'\n", "unknown colour 'blurple'"),
    ],
)
def test_a_mistake_names_the_file_and_the_place(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_settings(write(tmp_path, text))


def test_a_settings_file_that_is_named_must_exist(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read the settings file"):
        load_settings(tmp_path / "none.toml")


def test_a_settings_folder_that_can_not_be_looked_into_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / ("x" * 300)))
    with pytest.raises(ConfigError, match="cannot read the settings file"):
        load_settings()


def test_an_unknown_profile_gets_the_nearest_name() -> None:
    with pytest.raises(UsageError, match="unknown profile 'sampel'; did you mean 'sample'?"):
        load_settings().profile("sampel")


def test_aims_environment_names_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BLIP2_MODEL", "Salesforce/blip2-opt-6.7b")
    monkeypatch.setenv("DISABLE_LPIPS", "true")
    monkeypatch.setenv("DISABLE_CLIP", "0")
    settings = load_settings()
    assert settings.profile("aim").models[Role.CAPTIONER].id == "Salesforce/blip2-opt-6.7b"
    assert settings.profile("sample").models[Role.CAPTIONER].id == "sample/blip2"
    assert settings.disabled == {"lpips": "DISABLE_LPIPS"}


def test_a_dotenv_file_above_the_working_folder_is_read_for_known_names_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("DISABLE_BLIP2=1\nHUGGING_FACE_API=hf_x\nPYTHONPATH=/evil\nHF_ENDPOINT=evil\n")
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    monkeypatch.setenv("PYTHONPATH", "before")
    for name in ("DISABLE_BLIP2", "HUGGING_FACE_API"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    settings = load_settings()
    assert settings.disabled == {"blip2": "DISABLE_BLIP2"}
    assert os.environ["HUGGING_FACE_API"] == "hf_x"
    assert os.environ["PYTHONPATH"] == "before"
    assert "HF_ENDPOINT" not in os.environ


def test_the_environment_wins_over_the_dotenv_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("AIM_TUI_PROFILE=large\n")
    monkeypatch.setenv("AIM_TUI_PROFILE", "sample")
    assert load_settings().profile().name == "sample"

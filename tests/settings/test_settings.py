"""Settings come from files and the environment, and every mistake in them is reported with its place."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from aim_tui.core.metrics.spec import Role
from aim_tui.errors import ConfigError, UsageError
from aim_tui.settings import settings as config
from aim_tui.settings.settings import load_settings


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
    assert settings.profile("sample").notice.startswith("sample models, to try out")


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


def test_what_an_image_file_may_cost_is_a_setting(tmp_path: Path) -> None:
    text = "[reading]\nmax_megapixels = 2.5\nmax_megabytes = 3\nmax_seconds = 1.5\n"
    reading = load_settings(write(tmp_path, text)).reading
    assert (reading.max_pixels, reading.max_bytes, reading.max_seconds) == (2_500_000, 3 << 20, 1.5)


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
            "[profiles.m]\nextends='aim'\n[profiles.m.models]\n\nclip={id='x',dtype='fp16'}\n",
            r"line 5: profiles.m.models.clip.dtype: unknown value 'fp16'; did you mean 'float16'\?",
        ),
        ("[profiles.m]\n[profiles.m.models]\nclip='x'\n", r"line 3: profiles.m.models.clip: Expected `object`"),
        ("\nprofile = 'mien'\n[profiles.mine]\nextends='aim'\n", r"line 2: profile: .*'mien'; did you mean 'mine'\?"),
        ("\ndevice = 'gpu'\n", r"settings.toml, line 2: device: unknown device 'gpu'; it is auto, cpu, mps, cuda or"),
        ("\nbatch_size = 0\n", r"settings.toml, line 2: batch_size: Expected `int` >= 1"),
        (
            "[reading]\n\nexif='turn'\n",
            r"settings.toml, line 3: reading.exif: unknown value 'turn'; known: rotate, ignore",
        ),
        ("[reading]\nexfi='rotate'\n", r"line 2: reading.exfi: unknown setting; did you mean 'exif'\?"),
        ("[reading]\n\nbackground='blurple'\n", r"line 3: reading.background: unknown colour 'blurple'"),
        ("[reading]\n\nmax_megapixels=0\n", r"line 3: reading.max_megapixels: Expected `float` > 0"),
        ("[reading]\n\nmax_seconds=-1\n", r"line 3: reading.max_seconds: Expected `float` > 0"),
        ("[reading]\n\nmax_megabytes=inf\n", r"line 3: reading.max_megabytes: Expected `float` <= 1"),
        ("[rules.r]\n\nclip=[[1,0,0]]\n", r"line 3: rules.r.clip: the last piece must reach inf"),
        ("[rules.r]\nclip=[\n[1,0,0],\n[inf,1,1]\n]\nlpips=[]\n", r"line 6: rules.r.lpips: a rule needs at least one"),
        ("[rules.r]\n\nmade_for={clop='x'}\n", r"line 3: rules.r.made_for: unknown role 'clop'; did you mean 'clip'\?"),
        (
            "\n[rules.aim]\nclip=[[inf,1,1]]\n",
            r"settings.toml, line 2: rules.aim: no rule for blip2, lpips, .*profile 'aim'",
        ),
    ],
)
def test_a_mistake_names_the_file_the_line_and_the_key(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_settings(write(tmp_path, text))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("extends = 'aimm'", r"line 3: profiles.m.extends: unknown profile 'aimm'; did you mean 'aim'\?"),
        ("extends = 'm'", r"line 3: profiles.m.extends: extends itself \(m -> m\)"),
        ("extends='aim'\nrules='aimm'", r"line 4: profiles.m.rules: unknown rules 'aimm'; did you mean 'aim'\?"),
        (
            "extends='aim'\nrules='r'\n[rules.r]\nclip=[[inf,1,1]]",
            r"line 5: rules.r: no rule for blip2, lpips, .* 'm' uses",
        ),
        (
            "extends='aim'\nmetrics=['clop']",
            r"line 4: profiles.m.metrics: unknown metric 'clop'; did you mean 'clip'\?",
        ),
        ("extends='aim'\nmetrics=[]", r"line 4: profiles.m.metrics: Expected `array` of length >= 1"),
        ("extends='aim'\nweights={clib=1}", r"line 4: profiles.m.weights.clib: .*'clib'; did you mean 'clip'\?"),
        ("extends='aim'\nweights={clip=-1}", r"line 4: profiles.m.weights.clip: the weight is -1; weights are zero or"),
        ("extends='aim'\n[profiles.m.weights]\nlpips=nan", r"line 5: profiles.m.weights.lpips: the weight is nan"),
        ("extends='aim'\nmetrics=['clip']\nweights={clip=0}", r"line 5: profiles.m.weights: .*clip sum to zero"),
        ("[profiles.m.models]\nclip={id='x'}", r"line 3: profiles.m.models: no model for captioner, sentence, lpips"),
        ("[profiles.m.models]\nclip={}", r"line 4: profiles.m.models.clip: needs an id"),
        ("[profiles.m.models]\nclib={id='x'}", r"line 4: profiles.m.models.clib: unknown role 'clib'; did you mean"),
        ("[profiles.m.models]\nx={id='x'}", r"unknown role 'x'; known: clip, captioner, sentence, lpips, editclip$"),
        ("[profiles.m.models]\nclip={id='x',device='gpu'}", r"line 4: profiles.m.models.clip.device: unknown .*'gpu'"),
        ("[profiles.m.models.clip]\nbatch_size=-3", r"line 4: profiles.m.models.clip.batch_size: Expected `int` >= 1"),
    ],
)
def test_a_profile_that_could_not_score_is_refused_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=rf"^{tmp_path}/settings.toml, .*{message}"):
        load_settings(write(tmp_path, f"\n[profiles.m]\n{text}\n"))


def test_a_mistake_in_an_extended_profile_is_reported_for_that_profile(tmp_path: Path) -> None:
    text = "[profiles.b]\nextends='a'\n[profiles.a]\nextends='aim'\nweights={clip=-1}\n"
    with pytest.raises(ConfigError, match=r"line 5: profiles.a.weights.clip"):
        load_settings(write(tmp_path, text))


def test_a_profile_with_a_dot_in_its_name_is_found(tmp_path: Path) -> None:
    text = "[profiles.'my.own']\nextends='aim'\nweights={clip=-1}\n"
    with pytest.raises(ConfigError, match=r"line 3: profiles.my.own.weights.clip"):
        load_settings(write(tmp_path, text))


def test_a_mistake_in_a_built_in_profile_is_reported_for_the_built_in_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built_in = tmp_path / "profiles.toml"
    built_in.write_text("[profiles.aim]\nextends = 'none'\n")
    monkeypatch.setattr(config, "_BUILT_IN", built_in)
    with pytest.raises(ConfigError, match=r"profiles.toml, line 2: profiles.aim.extends"):
        load_settings(write(tmp_path, "device = 'cpu'\n"))


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


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("AIM_TUI_PROFILE", "sampel", "AIM_TUI_PROFILE: unknown profile 'sampel'; did you mean 'sample'"),
        ("AIM_TUI_DEVICE", "gpu", "AIM_TUI_DEVICE: unknown device 'gpu'"),
        ("AIM_TUI_PRECISION", "fats", "AIM_TUI_PRECISION is 'fats'"),
    ],
)
def test_a_wrong_value_in_the_environment_names_the_variable(
    name: str, value: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=message):
        load_settings()


def test_a_dotenv_file_that_is_not_utf_8_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_bytes(b"TOPIC=caf\xe9\n")
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    with pytest.raises(ConfigError, match=rf"{tmp_path}/.env: the .env file is not UTF-8"):
        load_settings()


def test_a_dotenv_file_that_can_not_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read_text = Path.read_text

    def refuse(path: Path, *args: Any, **kwargs: Any) -> str:
        if path.name == ".env":
            raise PermissionError(13, "Permission denied", str(path))
        return read_text(path, *args, **kwargs)

    (tmp_path / ".env").touch()
    monkeypatch.setattr(Path, "read_text", refuse)
    with pytest.raises(ConfigError, match=rf"cannot read {tmp_path}/.env: Permission denied"):
        load_settings()


def test_a_dotenv_value_that_no_variable_can_hold_is_named(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"HF_TOKEN=a\0b\n")
    with pytest.raises(ConfigError, match=rf"{tmp_path}/.env: HF_TOKEN"):
        load_settings()


def test_settings_load_where_the_working_folder_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert load_settings().profile().name == "aim"


def test_a_model_below_the_home_of_nobody_is_a_path_like_any_other(tmp_path: Path) -> None:
    file = write(tmp_path, "[profiles.m]\nextends='aim'\n[profiles.m.models]\nclip={path='~nobody-here/clip'}\n")
    assert load_settings(file).profile("m").models[Role.CLIP].path == str(tmp_path / "~nobody-here/clip")

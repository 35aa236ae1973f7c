from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from aim_tui.cli.setup.models import app
from aim_tui.errors import UsageError
from tests.hub import fake_repos
from tests.hub.fake_hub import FakeHub, Repo

if TYPE_CHECKING:
    from click.testing import Result

TOKEN = "hf_averysecrettoken"
SETTINGS = """
[profiles.mine]
extends = "aim"

[profiles.mine.models]
captioner = { path = "blip2" }
sentence = { id = "someone/encoder [red]\\u001b[31m" }
lpips = { path = "lpips.safetensors" }
"""


@pytest.fixture(autouse=True)
def settings(tmp_path: Path) -> None:
    """A profile with a hub model, a local folder, a name that is none, and a local file."""
    folder = tmp_path / "config" / "aim-tui"
    for name, content in fake_repos.blip2().items():
        (folder / "blip2" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "blip2" / name).write_bytes(content)
    (folder / "lpips.safetensors").write_bytes(fake_repos.tensors(4000))
    (folder / "config.toml").write_text(SETTINGS)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def test_list_shows_every_role_with_size_and_presence():
    result = run("list", "--profile", "aim")
    assert result.exit_code == 0
    assert result.stderr == ""
    lines = result.stdout.splitlines()
    assert [line.split()[0] for line in lines[2:]] == ["clip", "captioner", "sentence", "lpips"]
    assert "about 15.0 GB" in lines[3]
    assert "not on this machine" in lines[3]
    assert "\x1b" not in result.stdout


def test_names_from_the_settings_are_shown_and_not_obeyed():
    shown = run("list", "--profile", "mine").stdout
    assert "\x1b" not in shown
    assert "someone/encoder [red]" in shown


def test_list_as_json_is_for_programs():
    data = json.loads(run("list", "--profile", "mine", "--json").stdout)
    assert data["profile"] == "mine"
    states = {model["role"]: model for model in data["models"]}
    assert list(states) == ["clip", "captioner", "sentence", "lpips"]
    assert (states["clip"]["present"], states["clip"]["bytes_to_fetch"] > 1e8) == (False, True)
    assert (states["captioner"]["complete"], states["captioner"]["revision"]) == (True, "local")
    assert states["lpips"]["path"].endswith("lpips.safetensors")
    assert states["captioner"]["metrics"] == ["blip2"]


@pytest.mark.parametrize(
    ("options", "roles"),
    [
        (["--metrics", "lpips,clip"], ["clip", "lpips"]),
        (["--metrics", "blip2", "--role", "captioner"], ["captioner"]),
        (["--role", "lpips", "--role", "clip"], ["clip", "lpips"]),
    ],
)
def test_a_part_of_the_profile_can_be_named(options: list[str], roles: list[str]):
    data = json.loads(run("list", "--json", *options).stdout)
    assert [model["role"] for model in data["models"]] == roles


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--profile", "lrage"], "did you mean 'large'"),
        (["--role", "clp"], "did you mean 'clip'"),
        (["--metrics", "lpisp"], "did you mean 'lpips'"),
    ],
)
def test_a_wrong_name_gets_the_nearest_right_one(options: list[str], said: str):
    result = run("list", *options)
    assert isinstance(result.exception, UsageError)
    assert said in str(result.exception)


def test_check_exits_3_with_the_reason_and_what_to_do():
    result = run("check", "--profile", "mine", "--role", "clip")
    assert result.exit_code == 3
    assert "error: clip openai/clip-vit-base-patch32: not on this machine" in result.stderr
    assert "aim-tui models fetch --profile mine" in result.stderr


def test_check_exits_0_when_all_that_is_needed_is_here():
    result = run("check", "--profile", "mine", "--metrics", "lpips", "--json")
    assert result.exit_code == 0
    assert [model["complete"] for model in json.loads(result.stdout)["models"]] == [True]


def test_check_does_not_offer_to_fetch_a_local_folder(tmp_path: Path):
    (tmp_path / "config/aim-tui/blip2/model-00001-of-00002.safetensors").unlink()
    result = run("check", "--profile", "mine", "--role", "captioner")
    assert result.exit_code == 3
    assert "model-00001-of-00002.safetensors is missing" in result.stderr
    assert "models fetch" not in result.stderr


def test_check_sees_damage_and_fetch_repairs_it(hub: FakeHub):
    hub.repos["openai/clip-vit-base-patch32"] = Repo(fake_repos.clip())
    only = ("--profile", "mine", "--role", "clip")
    assert run("fetch", *only).exit_code == 0
    assert run("check", *only).exit_code == 0
    (model,) = json.loads(run("list", *only, "--json").stdout)["models"]
    with (Path(model["path"]) / "model.safetensors").open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"!")
    result = run("check", *only)
    assert result.exit_code == 3
    assert "checksum is wrong" in result.stderr
    assert "--verify" in result.stderr
    assert run("fetch", *only, "--verify").exit_code == 0
    assert run("check", *only).exit_code == 0


def test_fetch_gets_what_it_can_and_says_what_it_cannot(hub: FakeHub, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    hub.repos["openai/clip-vit-base-patch32"] = Repo(fake_repos.clip())
    hub.repos["Salesforce/blip2-opt-2.7b"] = Repo(fake_repos.blip2(), gated=True)
    result = run("fetch", "--profile", "aim", "--role", "captioner", "--role", "clip")
    assert result.exit_code == 3
    assert "clip openai/clip-vit-base-patch32: in " in result.stderr
    assert "error: Salesforce/blip2-opt-2.7b is gated" in result.stderr
    assert "hint: accept the licence" in result.stderr
    assert result.stdout == ""
    assert TOKEN not in result.output


def test_the_command_line_answers_without_a_network_at_once():
    result = run("fetch", "--role", "clip")
    assert result.exit_code == 3
    assert "cannot reach the server" in result.stderr


def test_listing_models_loads_no_model_library():
    code = (
        "import sys, typer.testing as t; from aim_tui.cli.setup.models import app; "
        "t.CliRunner().invoke(app, ['list']); "
        "print([m for m in ('torch', 'transformers', 'huggingface_hub', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("command", ["list", "check", "fetch"])
def test_the_settings_file_can_be_named(command: str, tmp_path: Path):
    (tmp_path / "other.toml").write_text("[profiles.theirs]\nextends = 'aim'\n")
    named = ("--profile", "theirs", "--role", "clip")
    assert isinstance(run(command, *named).exception, UsageError)
    result = run(command, *named, "--config", str(tmp_path / "other.toml"))
    assert "clip-vit-base-patch32" in result.output


def test_the_hint_of_check_names_the_same_settings_file(tmp_path: Path):
    (tmp_path / "my other.toml").write_text("[profiles.theirs]\nextends = 'aim'\n")
    result = run("check", "-P", "theirs", "--role", "clip", "--config", str(tmp_path / "my other.toml"))
    assert f"models fetch --profile theirs --config '{tmp_path}/my other.toml'" in result.stderr

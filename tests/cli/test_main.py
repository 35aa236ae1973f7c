"""`aim-tui` itself: which command is meant, and that no state of the machine ends in a traceback."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Outcome

    Cli = Callable[..., Outcome]

NEEDS_A_TERMINAL = "the application needs a terminal"


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The working folder has been deleted."""
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()


@pytest.mark.parametrize(
    ("typed", "meant"), [("scor", "score"), ("model", "models"), ("bnech", "bench"), ("run", "runs"), ("oepn", "open")]
)
def test_a_mistyped_command_gets_the_nearest_one(cli: Cli, tmp_path: Path, typed: str, meant: str) -> None:
    run = cli(typed, str(tmp_path))
    assert run.code == 2
    assert run.err.startswith(f"error: unknown command '{typed}'; did you mean '{meant}'?\n")


def test_a_folder_named_almost_as_a_command_is_opened(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("scores").mkdir()
    assert NEEDS_A_TERMINAL in cli("scores").err


def test_help_is_a_command_too(cli: Cli) -> None:
    assert cli("help").out == cli("--help").out
    assert cli("help", "runs", "show").out == cli("runs", "show", "--help").out
    assert cli("help").code == 0


def test_help_of_a_command_that_there_is_not_says_so(cli: Cli) -> None:
    run = cli("help", "scor")
    assert run.code == 2
    assert run.err.startswith("error: unknown command 'scor'\nhint: did you mean 'score'?")


def test_v_is_the_version(cli: Cli) -> None:
    assert cli("-v").out == cli("--version").out != ""


def test_a_path_that_resembles_no_command_is_looked_for(cli: Cli) -> None:
    assert "no such file or folder: holiday-2024" in cli("holiday-2024").err


@pytest.mark.parametrize("arguments", [(), (".",), ("score", "."), ("score", "a.png", "--reference", "b.png")])
def test_a_deleted_working_folder_is_reported_where_it_is_needed(
    cli: Cli, nowhere: None, arguments: tuple[str]
) -> None:
    run = cli(*arguments)
    assert run.code == 2
    assert run.err.startswith("error: the working folder no longer exists\n")


def test_what_needs_no_working_folder_works_without_one(cli: Cli, nowhere: None) -> None:
    run = cli("models", "list", "--profile", "sample")
    assert run.code == 0, run.err
    assert "blip2" in run.out


def test_a_dotenv_file_that_is_not_text_is_an_error_with_its_name(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(".env").write_bytes(b"A=\xff\n")
    run = cli("models", "list")
    assert (run.code, run.err) == (2, f"error: {tmp_path}/.env: the .env file is not UTF-8 text\n")


@pytest.mark.parametrize("device", ["gpu", "cuda:x", "cuda:"])
def test_a_device_that_there_is_not_is_refused_before_anything_is_scored(cli: Cli, device: str) -> None:
    run = cli("score", ".", "--topic", "a", "--device", device)
    assert run.code == 2
    assert f"unknown device '{device}'; it is auto, cpu, mps, cuda or cuda:N" in run.err

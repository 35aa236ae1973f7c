"""Nothing among the user's files is imported: commands run in a folder of modules named like all there are."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from PIL import Image

from aim_tui import isolation
from aim_tui.cli import COMMANDS
from aim_tui.ipc.client import WORKER_COMMAND
from aim_tui.isolation import PYTHON, isolate
from aim_tui.ui.session.models import FETCH_COMMAND

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def traps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an image and a module of every name, each of which leaves a file behind when it is imported."""
    folder = tmp_path_factory.mktemp("traps")
    Image.new("RGB", (16, 16), "red").save(folder / "a.png")
    for name in {*sys.stdlib_module_names, *packages_distributions(), "sitecustomize", "usercustomize"} - {"aim_tui"}:
        if name.isidentifier():
            (folder / f"{name}.py").write_text(f"open({str(folder / 'sprung')!r}, 'a').write({name!r} + ' ')\n")
    return folder


@pytest.fixture
def run_there(traps: Path, tmp_path: Path) -> Callable[[Sequence[str]], subprocess.CompletedProcess[str]]:
    """Run a command in the folder; fails where a module of it was imported."""

    def run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        sprung = traps / "sprung"
        sprung.unlink(missing_ok=True)
        homes = {name: str(tmp_path) for name in ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME")}
        environ = {**os.environ, "PYTHONPATH": str(REPOSITORY), **homes}
        environ.pop("PYTHONSAFEPATH", None)
        done = subprocess.run(
            command, cwd=traps, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        assert not sprung.exists(), f"{' '.join(command)} imported {sprung.read_text()}"
        return done

    return run


# As the script in bin/ starts it: with no folder of the user's on the import path.
PROGRAM = (sys.executable, "-P", "-m", "aim_tui")
WORKED = {
    "score": ("score", ".", "--profile", "sample", "--metrics", "clip", "-p", "a cabin", "--no-store"),
    "doctor": ("doctor",),
    "models": ("models", "check", "--profile", "sample"),
}


@pytest.mark.parametrize("command", [WORKER_COMMAND, FETCH_COMMAND], ids=["worker", "fetch"])
def test_the_applications_own_processes_import_nothing_from_there(
    run_there: Callable[..., object], command: tuple[str, ...]
) -> None:
    run_there(command)


@pytest.mark.parametrize("name", WORKED)
def test_a_command_does_its_work_there(run_there: Callable[..., subprocess.CompletedProcess[str]], name: str) -> None:
    done = run_there([*PROGRAM, *WORKED[name]])
    assert "Traceback" not in done.stderr
    if name == "score":
        assert done.returncode == 0, done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself_there(
    run_there: Callable[..., subprocess.CompletedProcess[str]], name: str
) -> None:
    assert run_there([*PROGRAM, name, "--help"]).returncode == 0


def test_processes_that_libraries_start_import_nothing_from_there(run_there: Callable[..., object]) -> None:
    code = (
        "from aim_tui.isolation import isolate; isolate(); import multiprocessing as m;"
        "p = m.get_context('spawn').Process(target=print); p.start(); p.join(); raise SystemExit(p.exitcode)"
    )
    assert run_there([*PYTHON, "-c", code]).returncode == 0  # type: ignore[attr-defined]


def test_the_import_path_keeps_what_is_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "src").mkdir()
    kept = ["/usr/lib/python3", "__editable__.other.finder.__path_hook__", str(REPOSITORY)]
    monkeypatch.setattr(sys, "path", ["", str(tmp_path), "src", *kept])
    monkeypatch.setenv("PYTHONPATH", f":{REPOSITORY}:.")
    monkeypatch.setenv("PYTHONSAFEPATH", "")
    isolate()
    assert sys.path == kept
    assert os.environ["PYTHONPATH"] == str(REPOSITORY)


def test_a_checkout_of_the_program_may_be_the_working_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(isolation.__file__).parents[1])
    monkeypatch.setattr(sys, "path", [str(Path.cwd())])
    monkeypatch.setenv("PYTHONSAFEPATH", "")
    isolate()
    assert sys.path == [str(Path.cwd())]

"""`aim-tui doctor` names what is broken and how to fix it, and exits 1; a broken torch cannot break it."""

from __future__ import annotations

import json
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from aim_tui.cli.setup.checks import (
    State,
    config_finding,
    query_tmux,
    storage_findings,
    terminal_findings,
    tmux_findings,
)
from aim_tui.cli.setup.torch_checks import nvidia_driver, query_torch, torch_findings
from aim_tui.errors import ConfigError
from aim_tui.terminal.answers import Answers, read_answers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from aim_tui.cli.setup.checks import Finding
    from tests.cli.conftest import Outcome

    Cli = Callable[..., Outcome]

GPU = {"name": "NVIDIA H200", "problem": "", "capability": "9.0", "free": 140 * 10**9, "total": 150 * 10**9}
TORCH: dict[str, Any] = {
    "version": "2.11.0+cu130", "cuda": "13.0", "hip": None, "available": False, "mps": False, "threads": 8,
    "devices": [], "warnings": [],
}  # fmt: skip


def named(findings: Iterable[Finding], name: str) -> Finding:
    return next(finding for finding in findings if finding.name == name)


def gpu(driver: str, environ: dict[str, str] | None = None, **torch: Any) -> Finding:
    """The finding about the GPU."""
    findings = list(torch_findings(TORCH | torch, driver, environ or {}))
    return next(finding for finding in findings if finding.name.startswith("GPU"))


# --- torch and the GPU ------------------------------------------------------------------------------------------------


def test_a_cuda_build_that_the_driver_cannot_run_is_reported_with_both_fixes() -> None:
    found = gpu("550.54.15")
    assert found.state is State.BROKEN
    assert found.text == "torch is built for CUDA 13.0, which needs driver 580 or newer; this one is 550.54.15"
    assert found.fixes[0] == "either install driver 580 or newer,"
    assert "torch built for CUDA 12.x" in found.fixes[1]
    assert "--torch-backend=auto torch torchvision" in found.fixes[2]


def test_a_driver_too_old_for_every_build_is_reported_as_such() -> None:
    assert "too old" in gpu("390.157").fixes[1]


def test_a_torch_without_cuda_beside_a_gpu_is_broken_and_without_one_it_is_fine() -> None:
    assert gpu("550.54.15", cuda=None).state is State.BROKEN
    assert gpu("", cuda=None).state is State.FINE
    assert "CPU" in gpu("").text


def test_a_new_enough_driver_that_still_fails_is_reported_with_the_warning_of_torch() -> None:
    warned = ["CUDA initialization: CUDA unknown error - this may be due to an incorrectly set up environment\nmore"]
    found = gpu("580.65.06", warnings=warned)
    assert found.state is State.BROKEN
    assert found.text.endswith("CUDA unknown error - this may be due to an incorrectly set up environment")


def test_a_gpu_hidden_on_purpose_is_a_note() -> None:
    found = gpu("550.54.15", {"CUDA_VISIBLE_DEVICES": ""})
    assert (found.state, found.fixes) == (State.NOTE, ("unset CUDA_VISIBLE_DEVICES",))


def test_a_gpu_is_listed_with_its_memory_and_a_full_one_is_a_note() -> None:
    found = gpu("580.65.06", available=True, devices=[GPU])
    assert (found.state, found.text) == (State.FINE, "NVIDIA H200, 140.0 GB of 150.0 GB free")
    assert gpu("580.65.06", available=True, devices=[GPU | {"free": 10**9}]).state is State.NOTE


def test_a_gpu_that_cannot_add_two_numbers_is_broken() -> None:
    device = {"name": "NVIDIA GB10", "problem": "no kernel image is available for execution on the device"}
    found = gpu("580.65.06", available=True, devices=[device])
    assert found.state is State.BROKEN
    assert "no kernel image" in found.text
    assert "or use the CPU: aim-tui --device cpu" in found.fixes


def test_torch_is_queried_in_a_separate_process() -> None:
    text = query_torch()
    assert text["version"].startswith("2.")
    assert isinstance(text["devices"], list)
    assert named(torch_findings(text, "", {}), "torch").state is State.FINE


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        ("echo 'ImportError: libcudart.so.13: cannot open shared object file' >&2; exit 1", "libcudart.so.13"),
        ("kill -SEGV $$", "it ended with status -11"),
        ("echo '{\"half\":'", "it ended with status 0"),
        ("exec sleep 60", "it did not answer within"),
    ],
)
def test_any_failure_of_torch_is_a_finding(tmp_path: Path, script: str, problem: str) -> None:
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)
    text = query_torch(str(python), timeout=0.5 if "sleep" in script else 60)
    (found,) = torch_findings(text, "580.65.06", {})
    assert found.state is State.BROKEN
    assert problem in found.text


def test_a_missing_python_is_a_finding(tmp_path: Path) -> None:
    assert "cannot be run" in query_torch(str(tmp_path / "nothing"))["problem"]


def test_the_driver_is_read_from_the_kernel_or_from_nvidia_smi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "version"
    file.write_text("NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.86.15  Release Build\nGCC 12.3.0\n")
    assert nvidia_driver(file) == "570.86.15"
    monkeypatch.setenv("PATH", str(tmp_path))
    assert nvidia_driver(tmp_path / "none") == ""
    (tmp_path / "nvidia-smi").write_text("#!/bin/sh\necho 535.183.01\n")
    (tmp_path / "nvidia-smi").chmod(0o755)
    assert nvidia_driver(tmp_path / "none") == "535.183.01"


# --- terminal and tmux ------------------------------------------------------------------------------------------------


def terminal(data: bytes = b"", colours: str | None = "truecolor", **environ: str) -> list[Finding]:
    answers = read_answers(data) if data else Answers(problem="it was not queried")
    return list(terminal_findings(answers, environ, colours=colours, size=(80, 24), query_tmux=lambda: None))


def test_the_terminal_is_listed_with_how_it_shows_images_and_why() -> None:
    findings = terminal(b"\x1b_Gi=31;OK\x1b\\\x1b[6;20;9t\x1bP>|kitty(0.39.1)\x1b\\\x1b[?62c", TERM="xterm-kitty")
    assert named(findings, "name").text == "kitty(0.39.1) (TERM=xterm-kitty), 80 x 24"
    assert named(findings, "images").data["mode"] == "kitty"
    assert "true pixels: kitty(0.39.1) supports kitty" in named(findings, "images").text
    assert "9 x 20 pixels" in named(findings, "images").text


@pytest.mark.parametrize(
    ("colours", "environ", "state", "way"),
    [
        ("truecolor", {}, State.FINE, ""),
        ("256", {}, State.NOTE, "COLORTERM=truecolor"),
        ("standard", {}, State.NOTE, "TERM=xterm-256color"),
        ("256", {"NO_COLOR": "1"}, State.FINE, ""),
        (None, {}, State.FINE, ""),
    ],
)
def test_few_colours_are_a_note_with_a_fix(colours: str, environ: dict, state: State, way: str) -> None:
    found = named(terminal(colours=colours, **environ), "colours")
    assert found.state is state
    assert way in " ".join(found.fixes)


def test_default_tmux_settings_get_every_line_to_change() -> None:
    default = {
        "version": "3.4", "set-clipboard": "1", "allow-passthrough": "0", "escape-time": "500",
        "client_termfeatures": "256,bpaste,ccolour", "client_termname": "xterm-kitty",
    }  # fmt: skip
    lines = [way for found in tmux_findings(default) for way in found.fixes]
    for line in (
        "set -s set-clipboard on",
        'set -as terminal-features ",xterm-kitty:RGB"',
        "set -g allow-passthrough on",
        "set -s escape-time 10",
    ):
        assert line in lines


def test_a_well_configured_tmux_gets_no_fixes() -> None:
    well = {
        "version": "3.5", "set-clipboard": "2", "allow-passthrough": "1", "escape-time": "10",
        "client_termfeatures": "256,RGB,sixel", "client_termname": "foot",
    }  # fmt: skip
    assert all(found.state is State.FINE and not found.fixes for found in tmux_findings(well))


def test_tmux_on_the_other_side_of_ssh_gets_the_settings_to_check() -> None:
    found = named(terminal(TERM="tmux-256color"), "tmux")
    assert found.state is State.NOTE
    assert "set -s set-clipboard on" in found.fixes


def test_a_missing_tmux_does_not_answer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert query_tmux() is None


# --- settings, store and the command ----------------------------------------------------------------------------------


def test_unreadable_settings_are_broken_and_name_the_line(tmp_path: Path) -> None:
    def load(config: Path | None) -> Any:
        raise ConfigError("config.toml, line 3: unknown key 'wieghts'; did you mean 'weights'?")

    found, settings = config_finding(tmp_path / "config.toml", load)
    assert (found.state, settings) == (State.BROKEN, None)
    assert "line 3" in found.text


def test_a_file_that_is_not_a_store_is_broken_and_a_missing_store_is_fine(tmp_path: Path) -> None:
    assert named(storage_findings(tmp_path / "a" / "b" / "new.db"), "store").state is State.FINE
    bad = tmp_path / "bad.db"
    bad.write_text("no database")
    assert named(storage_findings(bad), "store").state is State.BROKEN


def test_low_disk_space_is_a_note_and_a_full_disk_is_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def disk(free: int) -> State:
        monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=free))
        return named(storage_findings(tmp_path / "x.db"), "disk of the store").state

    assert [disk(10**11), disk(10**9), disk(10**7)] == [State.FINE, State.NOTE, State.BROKEN]


@pytest.fixture
def healthy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aim_tui.cli.setup.doctor.query_torch", lambda: TORCH | {"available": True, "devices": [GPU]})
    monkeypatch.setattr("aim_tui.cli.setup.doctor.nvidia_driver", lambda: "580.65.06")


def test_a_healthy_setup_is_reported_as_usable_and_exits_0(cli: Cli, healthy: None) -> None:
    done = cli("doctor", "--profile", "sample")
    assert done.code == 0, done.out
    assert "everything is usable" in done.out
    assert "NVIDIA H200" in done.out


def test_json_has_the_same_findings(cli: Cli, healthy: None) -> None:
    done = cli("doctor", "--profile", "sample", "--json")
    report = json.loads(done.out)
    assert report["ok"] is True
    names = {(finding["topic"], finding["name"]) for finding in report["findings"]}
    assert {
        ("terminal", "images"), ("terminal", "clipboard"), ("program", "Python"), ("program", "settings"),
        ("torch", "torch"), ("torch", "GPU 0"), ("models", "clip"), ("storage", "store"),
    } <= names  # fmt: skip


def test_missing_models_are_broken_with_the_command_that_fetches_them(
    cli: Cli, healthy: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    done = cli("doctor")
    assert done.code == 1
    assert "openai/clip-vit-base-patch32: not on this machine" in done.out
    assert done.out.count("→ aim-tui models fetch --profile aim\n") == 1
    assert "broken" in done.out.splitlines()[-1]


def test_a_broken_torch_is_one_finding_among_the_others(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aim_tui.cli.setup.doctor.query_torch", lambda: {"problem": "ImportError: libtorch.so"})
    done = cli("doctor", "--profile", "sample")
    assert done.code == 1
    assert "cannot be used: ImportError: libtorch.so" in done.out
    assert "Storage" in done.out


def test_doctor_does_not_import_torch_itself(cli: Cli, healthy: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    assert cli("doctor", "--profile", "sample").code == 0


def test_an_unknown_profile_is_broken_not_a_crash(cli: Cli, healthy: None) -> None:
    done = cli("doctor", "--profile", "nosuch")
    assert done.code == 1
    assert "nosuch" in done.out

"""The check-up: what is broken is named with the way out of it, and it exits 1; a broken torch cannot break it."""

from __future__ import annotations

import json
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from aim_tui.cli.setup.checks import config_finding, storage_findings, terminal_findings
from aim_tui.cli.setup.finding import State
from aim_tui.cli.setup.tmux_checks import ask_tmux, tmux_findings
from aim_tui.cli.setup.torch_checks import ask_torch, nvidia_driver, torch_findings
from aim_tui.errors import ConfigError
from aim_tui.terminal.answers import Answers, read_answers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from aim_tui.cli.setup.finding import Finding
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
    """What is found of the GPU."""
    findings = list(torch_findings(TORCH | torch, driver, environ or {}))
    return next(finding for finding in findings if finding.name.startswith("GPU"))


# --- torch and the GPU ------------------------------------------------------------------------------------------------


def test_a_cuda_build_that_the_driver_cannot_run_is_named_with_both_ways_out() -> None:
    found = gpu("550.54.15")
    assert found.state is State.BROKEN
    assert found.said == "torch is built for CUDA 13.0, which needs driver 580 or newer; this one is 550.54.15"
    assert found.ways_out[0] == "either a driver of 580 or newer,"
    assert "torch built for CUDA 12.x" in found.ways_out[1]
    assert "--torch-backend=auto torch torchvision" in found.ways_out[2]


def test_a_driver_that_is_too_old_for_every_build_is_said_to_be() -> None:
    assert "too old" in gpu("390.157").ways_out[1]


def test_a_torch_without_cuda_beside_a_gpu_is_broken_and_without_one_it_is_fine() -> None:
    assert gpu("550.54.15", cuda=None).state is State.BROKEN
    assert gpu("", cuda=None).state is State.FINE
    assert "processor" in gpu("").said


def test_a_driver_that_is_new_enough_and_still_fails_brings_what_torch_said() -> None:
    warned = ["CUDA initialization: CUDA unknown error - this may be due to an incorrectly set up environment\nmore"]
    found = gpu("580.65.06", warnings=warned)
    assert found.state is State.BROKEN
    assert found.said.endswith("CUDA unknown error - this may be due to an incorrectly set up environment")


def test_a_gpu_that_was_hidden_on_purpose_is_no_fault() -> None:
    found = gpu("550.54.15", {"CUDA_VISIBLE_DEVICES": ""})
    assert (found.state, found.ways_out) == (State.NOTE, ("unset CUDA_VISIBLE_DEVICES",))


def test_a_gpu_is_told_with_its_memory_and_a_full_one_is_noted() -> None:
    found = gpu("580.65.06", available=True, devices=[GPU])
    assert (found.state, found.said) == (State.FINE, "NVIDIA H200, 140.0 GB of 150.0 GB free")
    assert gpu("580.65.06", available=True, devices=[GPU | {"free": 10**9}]).state is State.NOTE


def test_a_gpu_that_cannot_add_two_numbers_is_broken() -> None:
    device = {"name": "NVIDIA GB10", "problem": "no kernel image is available for execution on the device"}
    found = gpu("580.65.06", available=True, devices=[device])
    assert found.state is State.BROKEN
    assert "no kernel image" in found.said
    assert "or use the processor: aim-tui --device cpu" in found.ways_out


def test_torch_is_asked_in_a_process_of_its_own() -> None:
    said = ask_torch()
    assert said["version"].startswith("2.")
    assert isinstance(said["devices"], list)
    assert named(torch_findings(said, "", {}), "torch").state is State.FINE


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        ("echo 'ImportError: libcudart.so.13: cannot open shared object file' >&2; exit 1", "libcudart.so.13"),
        ("kill -SEGV $$", "it ended with status -11"),
        ("echo '{\"half\":'", "it ended with status 0"),
        ("exec sleep 60", "it did not answer within"),
    ],
)
def test_whatever_torch_does_is_a_finding(tmp_path: Path, script: str, problem: str) -> None:
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)
    said = ask_torch(str(python), patience=0.5 if "sleep" in script else 60)
    (found,) = torch_findings(said, "580.65.06", {})
    assert found.state is State.BROKEN
    assert problem in found.said


def test_a_python_that_is_not_there_is_a_finding(tmp_path: Path) -> None:
    assert "cannot be run" in ask_torch(str(tmp_path / "nothing"))["problem"]


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
    answers = read_answers(data) if data else Answers(problem="it was not asked")
    return list(terminal_findings(answers, environ, colours=colours, size=(80, 24), ask=lambda: None))


def test_the_terminal_is_told_with_how_it_shows_images_and_why() -> None:
    findings = terminal(b"\x1b_Gi=31;OK\x1b\\\x1b[6;20;9t\x1bP>|kitty(0.39.1)\x1b\\\x1b[?62c", TERM="xterm-kitty")
    assert named(findings, "name").said == "kitty(0.39.1) (TERM=xterm-kitty), 80 x 24"
    assert named(findings, "images").data["mode"] == "kitty"
    assert "true pixels: kitty(0.39.1) takes images" in named(findings, "images").said
    assert "9 x 20 pixels" in named(findings, "images").said


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
def test_few_colours_are_noted_with_the_way_to_more(colours: str, environ: dict, state: State, way: str) -> None:
    found = named(terminal(colours=colours, **environ), "colours")
    assert found.state is state
    assert way in " ".join(found.ways_out)


def test_tmux_as_it_comes_is_told_every_line_to_change() -> None:
    default = {
        "version": "3.4", "set-clipboard": "1", "allow-passthrough": "0", "escape-time": "500",
        "client_termfeatures": "256,bpaste,ccolour", "client_termname": "xterm-kitty",
    }  # fmt: skip
    lines = [way for found in tmux_findings(default) for way in found.ways_out]
    for line in (
        "set -s set-clipboard on",
        'set -as terminal-features ",xterm-kitty:RGB"',
        "set -g allow-passthrough on",
        "set -s escape-time 10",
    ):
        assert line in lines


def test_tmux_that_is_set_well_is_told_nothing() -> None:
    well = {
        "version": "3.5", "set-clipboard": "2", "allow-passthrough": "1", "escape-time": "10",
        "client_termfeatures": "256,RGB,sixel", "client_termname": "foot",
    }  # fmt: skip
    assert all(found.state is State.FINE and not found.ways_out for found in tmux_findings(well))


def test_tmux_on_the_other_side_of_ssh_is_told_what_to_look_at() -> None:
    found = named(terminal(TERM="tmux-256color"), "tmux")
    assert found.state is State.NOTE
    assert "set -s set-clipboard on" in found.ways_out


def test_a_tmux_that_is_not_there_does_not_answer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert ask_tmux() is None


# --- settings, store and the command ----------------------------------------------------------------------------------


def test_settings_that_cannot_be_read_are_broken_and_say_where(tmp_path: Path) -> None:
    def load(config: Path | None) -> Any:
        raise ConfigError("config.toml, line 3: unknown key 'wieghts'; did you mean 'weights'?")

    found, settings = config_finding(tmp_path / "config.toml", load)
    assert (found.state, settings) == (State.BROKEN, None)
    assert "line 3" in found.said


def test_a_store_that_is_none_is_broken_and_one_still_to_come_is_fine(tmp_path: Path) -> None:
    assert named(storage_findings(tmp_path / "a" / "b" / "new.db"), "store").state is State.FINE
    bad = tmp_path / "bad.db"
    bad.write_text("no database")
    assert named(storage_findings(bad), "store").state is State.BROKEN


def test_little_room_is_noted_and_none_is_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def disk(free: int) -> State:
        monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=free))
        return named(storage_findings(tmp_path / "x.db"), "disk of the store").state

    assert [disk(10**11), disk(10**9), disk(10**7)] == [State.FINE, State.NOTE, State.BROKEN]


@pytest.fixture
def healthy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "aim_tui.cli.setup.torch_checks.ask_torch", lambda: TORCH | {"available": True, "devices": [GPU]}
    )
    monkeypatch.setattr("aim_tui.cli.setup.torch_checks.nvidia_driver", lambda: "580.65.06")


def test_where_all_is_usable_it_says_so_and_exits_0(cli: Cli, healthy: None) -> None:
    done = cli("doctor", "--profile", "sample")
    assert done.code == 0, done.out
    assert "everything is usable" in done.out
    assert "NVIDIA H200" in done.out


def test_json_holds_the_same_for_programs(cli: Cli, healthy: None) -> None:
    done = cli("doctor", "--profile", "sample", "--json")
    told = json.loads(done.out)
    assert told["ok"] is True
    names = {(finding["topic"], finding["name"]) for finding in told["findings"]}
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
    monkeypatch.setattr("aim_tui.cli.setup.torch_checks.ask_torch", lambda: {"problem": "ImportError: libtorch.so"})
    done = cli("doctor", "--profile", "sample")
    assert done.code == 1
    assert "cannot be used: ImportError: libtorch.so" in done.out
    assert "Storage" in done.out


def test_it_imports_no_torch_itself(cli: Cli, healthy: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    assert cli("doctor", "--profile", "sample").code == 0


def test_an_unknown_profile_is_broken_not_a_crash(cli: Cli, healthy: None) -> None:
    done = cli("doctor", "--profile", "nosuch")
    assert done.code == 1
    assert "nosuch" in done.out

"""The boundaries between the rooms hold: statically (import-linter) and in a fresh interpreter."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("torch", "torchvision", "transformers", "sentence_transformers", "lpips", "scipy.stats", "huggingface_hub")


def modules_after(statement: str) -> set[str]:
    """Names of the modules that a fresh interpreter holds after a statement."""
    code = f"{statement}; import sys; print('\\n'.join(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(run.stdout.splitlines())


def test_every_import_contract_is_kept() -> None:
    command = [Path(sys.executable).with_name("lint-imports"), "--no-cache"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize(
    "module", ["aim_tui", "aim_tui.cli", "aim_tui.ui.app", "aim_tui.ipc.client", "aim_tui.settings.settings"]
)
def test_importing_a_front_room_brings_no_model_library(module: str) -> None:
    assert modules_after(f"import {module}").isdisjoint(HEAVY)


def test_the_package_itself_imports_nothing_but_itself() -> None:
    ours = {name for name in modules_after("import aim_tui") if name.startswith("aim_tui")}
    assert ours == {"aim_tui"}


def test_importing_the_screen_does_not_import_the_worker() -> None:
    assert not any(name.startswith("aim_tui.worker") for name in modules_after("import aim_tui.ui.app"))

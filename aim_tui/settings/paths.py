"""The folders of the program's own files; no other module names a folder in the user's home."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

_APP = "aim-tui"


def config_file() -> Path:
    """The user's settings file (TOML); it need not exist."""
    return platformdirs.user_config_path(_APP) / "config.toml"


def state_place() -> Path:
    """The folder for logs and remembered UI state; it need not exist."""
    return platformdirs.user_state_path(_APP)


def state_dir() -> Path:
    """The same folder, created on first use and private to the user."""
    path = state_place()
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    return path


def sample_data() -> Path:
    """The folder of the embedded sample models and images: inside the wheel, or next to the package in a checkout."""
    package = Path(__file__).parent.parent
    installed = package / "_sample_data"
    return installed if os.path.isdir(installed) else package.parent / "sample_data"

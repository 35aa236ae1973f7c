"""Where the model libraries keep what they fetched, and how the environment steers them.

The rules are those of huggingface_hub and torch.hub, restated here because importing either costs the screen a
quarter of a second or more. A test compares them with the libraries' own answers.
"""

from __future__ import annotations

import os
from pathlib import Path

_TRUE = frozenset({"1", "ON", "YES", "TRUE"})


def _folder(value: str | Path) -> Path:
    return Path(os.path.expandvars(value)).expanduser()


def _set(name: str) -> str | None:
    """The value of an environment variable; an empty one counts as not set."""
    return os.environ.get(name) or None


def _user_cache() -> Path:
    return _folder(_set("XDG_CACHE_HOME") or "~/.cache")


def hub_cache() -> Path:
    """The hub's cache of model snapshots (HF_HUB_CACHE, HF_HOME)."""
    if chosen := _set("HF_HUB_CACHE") or _set("HUGGINGFACE_HUB_CACHE"):
        return _folder(chosen)
    return _folder(_set("HF_HOME") or _user_cache() / "huggingface") / "hub"


def torch_checkpoints() -> Path:
    """The folder where torch.hub keeps checkpoints (TORCH_HOME)."""
    return _folder(_set("TORCH_HOME") or _user_cache() / "torch") / "hub" / "checkpoints"


def offline() -> bool:
    """Whether the user has switched network access to the hub off (HF_HUB_OFFLINE, TRANSFORMERS_OFFLINE)."""
    return (_set("HF_HUB_OFFLINE") or os.environ.get("TRANSFORMERS_OFFLINE", "")).upper() in _TRUE


def endpoint() -> str | None:
    """The hub to ask in place of the public one (HF_ENDPOINT), or None."""
    chosen = _set("HF_ENDPOINT")
    return chosen.rstrip("/") if chosen else None


def token() -> str | None:
    """The user's access token (HF_TOKEN, or HUGGING_FACE_API as AIM calls it); None leaves it to a stored login."""
    chosen = _set("HF_TOKEN") or _set("HUGGING_FACE_API")
    return chosen.strip() if chosen else None

"""The cache folders and environment variables of huggingface_hub and torch.hub.

Their rules are restated here because importing either library takes a quarter of a second or more. A test compares
the results with those of the libraries.
"""

from __future__ import annotations

import os
from pathlib import Path

_TRUE = frozenset({"1", "ON", "YES", "TRUE"})


def _folder(value: str | Path) -> Path:
    return Path(os.path.expanduser(os.path.expandvars(value)))


def _variable(name: str) -> str | None:
    """The value of an environment variable; an empty one counts as unset."""
    return os.environ.get(name) or None


def _user_cache() -> Path:
    return _folder(_variable("XDG_CACHE_HOME") or "~/.cache")


def hub_cache() -> Path:
    """The hub's cache of model snapshots (HF_HUB_CACHE, HF_HOME)."""
    if cache := _variable("HF_HUB_CACHE") or _variable("HUGGINGFACE_HUB_CACHE"):
        return _folder(cache)
    return _folder(_variable("HF_HOME") or _user_cache() / "huggingface") / "hub"


def torch_checkpoints() -> Path:
    """The checkpoint folder of torch.hub (TORCH_HOME)."""
    return _folder(_variable("TORCH_HOME") or _user_cache() / "torch") / "hub" / "checkpoints"


def offline() -> bool:
    """Whether network access to the hub is switched off (HF_HUB_OFFLINE, TRANSFORMERS_OFFLINE)."""
    return (_variable("HF_HUB_OFFLINE") or os.environ.get("TRANSFORMERS_OFFLINE", "")).upper() in _TRUE


def endpoint() -> str | None:
    """The hub to use instead of the public one (HF_ENDPOINT), or None."""
    value = _variable("HF_ENDPOINT")
    return value.rstrip("/") if value else None


def token() -> str | None:
    """The user's access token (HF_TOKEN, or AIM's HUGGING_FACE_API); None means that of a stored login."""
    value = _variable("HF_TOKEN") or _variable("HUGGING_FACE_API")
    return value.strip() if value else None

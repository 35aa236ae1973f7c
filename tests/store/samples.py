"""Runs small enough to read, and processes of their own to disturb them."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aim_tui.core.scoring.context import Context
from aim_tui.core.scoring.events import (
    ImageFacts,
    ImageFailed,
    ImageRead,
    Item,
    MetricBatch,
    MetricValue,
    ModelInfo,
    ModelLoaded,
    PromptRead,
)
from aim_tui.core.scoring.plan import ScoringPlan
from aim_tui.settings.settings import load_settings
from aim_tui.store.records import RunRequest

if TYPE_CHECKING:
    from aim_tui.core.scoring.events import Event

ROOT = Path(__file__).parents[2]
AIM = load_settings().profile("aim")
CONTEXT = Context(topic="a cabin", prompt="one cabin by a lake", reference="/r.png")


def request(**changed: Any) -> RunRequest:
    plan = ScoringPlan(("clip", "blip2", "lpips"), dict(AIM.weights), AIM.rules)
    asked: dict[str, Any] = {
        "context": CONTEXT,
        "plan": plan,
        "profile": AIM,
        "command": "aim-tui score images",
        "folder": "/images",
        "device": "cpu",
        "fingerprints": {"clip": "f0"},
        "settings": {"precision": "aim", "batch_size": 4},
        "versions": {"python": "3.11"},
    }
    return RunRequest(**(asked | changed))


def items(count: int, folder: str = "/images") -> list[Item]:
    return [Item(number, f"{folder}/{number}.png") for number in range(count)]


def sha(text: object) -> str:
    return hashlib.sha256(str(text).encode()).hexdigest()


def facts(item: int) -> ImageFacts:
    return ImageFacts(width=640, height=480, format="PNG", mode="RGB", bytes=1000 + item, sha256=sha(item))


def scored(item: int, caption: str = "a cabin") -> list[Event]:
    """The events of an image that went well."""
    return [
        ImageRead(item, facts(item)),
        MetricBatch("clip", [MetricValue(item, "present", value=0.1 + item / 1e4)]),
        MetricBatch("blip2", [MetricValue(item, "present", value=0.5, caption=caption)]),
        MetricBatch("lpips", [MetricValue(item, "present", value=0.7)]),
    ]


def mixed_events() -> list[Event]:
    """Four images: one went well, one in part, one cannot be read, one is not reached; and the models."""
    clip = ModelInfo("clip", "openai/clip", "abc", "float32", "cpu", 151_000_000, {"image_processor": "torchvision"})
    return [
        ModelLoaded(clip),
        PromptRead(7, 77, False),
        *scored(0),
        ImageRead(1, facts(1)),
        MetricBatch("clip", [MetricValue(1, "present", value=0.25)]),
        MetricBatch("blip2", [MetricValue(1, "missing", reason="empty caption", caption="")]),
        MetricBatch("lpips", [MetricValue(1, "failed", reason="too small for LPIPS")]),
        ImageFailed(2, "is empty (0 bytes)"),
    ]


def python(code: str, *arguments: object, **options: Any) -> subprocess.Popen[str]:
    """A process of its own that runs `code`, with the arguments in sys.argv[1:]."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, text=True, env=environment, **(pipes | options))

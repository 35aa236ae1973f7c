"""A metric that is registered once is listed by `aim-tui metrics`; metrics of edits are refused for images."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from aim_tui.core.metrics import registry
from tests.core.metrics.test_registry import TOY

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from tests.cli.conftest import Outcome

    Cli = Callable[..., Outcome]


def test_a_new_metric_is_listed_with_its_models(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_registered", dict(registry._registered))
    registry.register(TOY, "a test")
    listed = json.loads(cli("metrics", "--json").out)["metrics"]
    assert listed[-1]["name"] == "toy"
    assert (listed[-1]["models"], listed[-1]["from"]) == ({"toy": "somebody/toy"}, "a test")
    assert "points out of ten" in cli("metrics", "toy").out


def test_a_metric_of_edits_is_refused_for_images_in_words(cli: Cli) -> None:
    refused = cli("score", "image.png", "--metrics", "clip,edit_score")
    assert refused.code == 2
    assert "'edit_score' compares an edit with its source" in refused.err

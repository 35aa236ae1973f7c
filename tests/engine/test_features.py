"""What the engine computes before anybody says what to compare it with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from aim_tui.core.metrics.spec import Role
from aim_tui.core.outcomes import Missing
from aim_tui.core.scoring.context import Context
from aim_tui.core.scoring.events import Item, ModelLoaded
from aim_tui.core.scoring.jobs import EngineSettings, Job
from aim_tui.engine.engine import Engine
from aim_tui.errors import UsageError
from aim_tui.inputs.demo_data import load_demo_data
from aim_tui.settings.settings import load_settings

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def settings(tmp_path: Path) -> EngineSettings:
    models = dict(load_settings(None).profile("sample").models)
    return EngineSettings(models=models, store=str(tmp_path / "store.db"))


@pytest.fixture(scope="module")
def images() -> list[Item]:
    paths = sorted(load_demo_data().generations.glob("*.png"))[:3]
    return [Item(number, str(path)) for number, path in enumerate(paths)]


def outcomes(events: list[Any], metric: str) -> list[object]:
    return [value.outcome for event in events if getattr(event, "metric", "") == metric for value in event.values]


def test_features_are_kept_without_prompt_or_topic_and_their_values_are_missing(
    settings: EngineSettings, images: list[Item]
) -> None:
    job = Job(("clip", "blip2"), Context(), images, features_only=True)
    events = list(Engine(settings).run(job))
    assert outcomes(events, "clip") == [Missing("no prompt")] * 3
    assert outcomes(events, "blip2") == [Missing("no topic")] * 3

    again = Engine(settings)
    assert list(again.run(job))
    assert not again.models, "what is kept needs no model"
    shas = [event.facts.sha256 for event in events if hasattr(event, "facts")]
    kept = again.embeddings(Role.CLIP, [*shas, "0" * 64])
    assert kept.keys() == set(shas)
    assert all(np.linalg.norm(row) == pytest.approx(1, abs=1e-6) for row in kept.values())


def test_a_cosine_of_kept_features_is_the_metric_s_own_value(settings: EngineSettings, images: list[Item]) -> None:
    engine = Engine(settings)
    prompt = "a wooden cabin at a lake"
    events = list(engine.run(Job(("clip",), Context(prompt=prompt), images)))
    shas = [event.facts.sha256 for event in events if hasattr(event, "facts")]
    kept = engine.embeddings(Role.CLIP, shas)
    text = engine.embed_texts(Role.CLIP, [prompt]).get(prompt)
    values = [value.value for event in events if getattr(event, "metric", "") == "clip" for value in event.values]
    assert [float(kept[sha] @ text) for sha in shas] == pytest.approx(values, abs=1e-6)


def test_texts_embedded_together_are_as_if_each_were_alone(settings: EngineSettings) -> None:
    engine = Engine(settings)
    texts = ["", "snow", "a cabin at night, with a lake", "trees [in] autumn " * 60]
    book = engine.embed_texts(Role.CLIP, texts)
    assert book.cut == {texts[-1]}
    clip: Any = engine.models[Role.CLIP]
    for text in texts:
        row = book.get(text)
        assert isinstance(row, np.ndarray)
        assert row == pytest.approx(clip.text_features(text).features[0].numpy(), abs=1e-6)

    recalled = Engine(settings)
    assert np.array_equal(recalled.embed_texts(Role.CLIP, texts).get("snow"), book.get("snow"))
    assert not recalled.models


def test_a_metric_that_looks_at_a_reference_has_no_features_without_one(
    settings: EngineSettings, images: list[Item]
) -> None:
    with pytest.raises(UsageError, match="lpips was named, but there is no reference"):
        list(Engine(settings).run(Job(("lpips",), Context(), images, features_only=True)))


def test_a_model_is_told_of_also_where_only_features_are_wanted(settings: EngineSettings, images: list[Item]) -> None:
    events = list(Engine(settings).run(Job(("clip",), Context(), images, features_only=True)))
    assert [event.info.role for event in events if isinstance(event, ModelLoaded)] == ["clip"]

"""Images that are each judged against a prompt, a topic or a reference of their own."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest
import torch

from aim_tui.core.metrics.spec import Role
from aim_tui.core.outcomes import Failed, Missing, Present
from aim_tui.core.scoring.context import Context
from aim_tui.core.scoring.events import ImageFailed, ImageRead, Item, PromptRead, numbered
from aim_tui.core.scoring.jobs import EngineSettings, Job
from aim_tui.engine.engine import Engine
from aim_tui.engine.metrics.caption_similarity import CaptionSimilarity
from aim_tui.engine.text_embeddings import ModelTexts, TextEmbeddings
from aim_tui.inputs.demo_data import load_demo_data
from aim_tui.settings.settings import load_settings

if TYPE_CHECKING:
    from pathlib import Path

METRICS = ("clip", "blip2", "lpips")


@pytest.fixture(scope="module")
def models() -> dict[Any, Any]:
    return dict(load_settings(None).profile("sample").models)


@pytest.fixture(scope="module")
def images() -> list[str]:
    return [str(path) for path in sorted(load_demo_data().generations.glob("*.png"))[:4]]


def outcomes(events: list[Any]) -> dict[tuple[str, int], Any]:
    batches = [event for event in events if hasattr(event, "metric")]
    return {(batch.metric, value.item): value.outcome for batch in batches for value in batch.values}


def test_each_image_gets_the_values_that_a_job_of_its_own_context_gives(
    models: dict[Any, Any], images: list[str], tmp_path: Path
) -> None:
    contexts = [
        Context("a wooden cabin", "a cabin at a lake", images[0]),
        Context("a lake", "mountains at night", images[1]),
        Context("a wooden cabin", "a cabin at a lake", images[1]),
        Context("trees", "autumn trees [red] " * 40, images[0]),
    ]
    items = [Item(number, path, context=contexts[number]) for number, path in enumerate(images)]
    engine = Engine(EngineSettings(models=models, store=str(tmp_path / "store.db")))
    together = outcomes(list(engine.run(Job(METRICS, Context(), items))))
    plain = Engine(EngineSettings(models=models))
    for number, path in enumerate(images):
        alone = outcomes(list(plain.run(Job(METRICS, contexts[number], numbered([path])))))
        for metric in METRICS:
            assert isinstance(alone[metric, 0], Present)
            assert together[metric, number].value == pytest.approx(alone[metric, 0].value, abs=1e-6), metric

    again = Engine(EngineSettings(models=models, store=str(tmp_path / "store.db")))
    assert outcomes(list(again.run(Job(METRICS, Context(), items)))) == together
    assert not again.models, "what was computed once needs no model"


def test_what_a_job_of_one_prompt_computed_is_found_and_the_other_way_round(
    models: dict[Any, Any], images: list[str], tmp_path: Path
) -> None:
    settings = EngineSettings(models=models, store=str(tmp_path / "store.db"))
    everybody = Context("a wooden cabin", "a cabin at a lake", images[0])
    first = outcomes(list(Engine(settings).run(Job(METRICS, everybody, numbered(images)))))
    engine = Engine(settings)
    own = [Item(number, path, context=everybody) for number, path in enumerate(images)]
    assert outcomes(list(engine.run(Job(METRICS, Context(), own)))) == first
    assert not engine.models


def test_what_an_image_does_not_bring_is_the_job_s(models: dict[Any, Any], images: list[str]) -> None:
    engine = Engine(EngineSettings(models=models))
    items = [Item(0, images[0], context=Context(prompt="snow")), Item(1, images[1])]
    found = outcomes(list(engine.run(Job(("clip",), Context(prompt="a lake"), items))))
    for number, prompt in enumerate(("snow", "a lake")):
        alone = outcomes(list(engine.run(Job(("clip",), Context(prompt=prompt), numbered([images[number]])))))
        assert found["clip", number].value == pytest.approx(alone["clip", 0].value, abs=1e-6)


def test_how_much_of_its_own_prompt_the_model_read_is_reported_for_each_image(
    models: dict[Any, Any], images: list[str], tmp_path: Path
) -> None:
    long = "autumn trees in the snow " * 40
    contexts = [Context(prompt="a cabin"), Context(prompt=long), Context(), Context(prompt="a cabin")]
    items = [Item(n, path, context=own) for n, (path, own) in enumerate(zip(images, contexts, strict=True))]
    settings = EngineSettings(models=models, store=str(tmp_path / "store.db"))
    for _ in range(2):  # computed, then found again
        events = list(Engine(settings).run(Job(("clip",), Context(), items)))
        reads = {event.item: event for event in events if isinstance(event, PromptRead)}
        assert set(reads) == {0, 1, 3} and reads[0].tokens == reads[3].tokens < 10
        assert reads[1].truncated and reads[1].tokens > reads[1].limit and not reads[0].truncated


def test_each_image_without_a_prompt_says_its_own_reason(models: dict[Any, Any], images: list[str]) -> None:
    items = [Item(n, images[n], Context(prompt_origin=why)) for n, why in enumerate(("no file a.txt", "no file b.txt"))]
    items.append(Item(2, images[2], Context(prompt="a cabin")))
    found = outcomes(list(Engine(EngineSettings(models=models)).run(Job(("clip",), Context(), items))))
    assert [found["clip", n] for n in (0, 1)] == [
        Missing("no prompt: no file a.txt"),
        Missing("no prompt: no file b.txt"),
    ]


def test_what_is_missing_or_broken_concerns_its_own_row_and_metric(
    models: dict[Any, Any], images: list[str], tmp_path: Path
) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\nno more")
    gone = str(tmp_path / "gone.png")
    whole = Context("a cabin", "a cabin", images[0])
    items = [
        Item(0, images[1], context=whole),
        Item(1, images[1], context=Context("a cabin", " ", images[0])),
        Item(2, images[1], context=Context("", "a cabin", gone)),
        Item(3, images[2], context=Context("a cabin", "a cabin", str(broken))),
        Item(4, str(broken), context=whole),
        Item(5, images[2], context=whole),
    ]
    events = list(Engine(EngineSettings(models=models)).run(Job(METRICS, Context(), items)))
    found = outcomes(events)
    assert [event.item for event in events if isinstance(event, ImageRead)] == [0, 1, 2, 3, 5]
    assert [event.item for event in events if isinstance(event, ImageFailed)] == [4]
    assert found["clip", 1] == Missing("no prompt")
    assert found["blip2", 2] == Missing("no topic")
    assert found["lpips", 2] == Failed(f"reference {gone}: no such file")
    assert isinstance(found["lpips", 3], Failed)
    others = [(metric, item) for metric in METRICS for item in (0, 5)]
    others += [("clip", 2), ("clip", 3), ("blip2", 3), ("lpips", 1)]
    assert all(isinstance(found[key], Present) for key in others)


def test_a_reference_that_no_metric_asks_for_is_not_read(
    models: dict[Any, Any], images: list[str], tmp_path: Path
) -> None:
    item = Item(0, images[0], context=Context(prompt="a cabin", reference=str(tmp_path / "gone.png")))
    found = outcomes(list(Engine(EngineSettings(models=models)).run(Job(("clip",), Context(), [item]))))
    assert isinstance(found["clip", 0], Present)


def test_a_row_that_fits_no_other_batch_is_as_it_would_be_in_one(
    models: dict[Any, Any], images: list[str], tmp_path: Path
) -> None:
    copies = []
    for number in range(9):
        copies.append(str(tmp_path / f"{number}.png"))
        shutil.copy(images[number % 4], copies[-1])
    items = [Item(n, path, context=Context(prompt=f"a lake {n}")) for n, path in enumerate(copies)]
    job = Job(("clip",), Context(), items)
    whole = outcomes(list(Engine(EngineSettings(models=models)).run(job)))
    parts = outcomes(list(Engine(EngineSettings(models=models, batch_size=2)).run(job)))
    assert list(parts) == list(whole)
    assert all(parts[key].value == pytest.approx(whole[key].value, abs=1e-6) for key in whole)


def test_a_topic_or_caption_without_any_known_word_is_a_failure_and_says_which() -> None:
    context = Context(topic="topic")
    for unknown in ("topic", "caption"):
        book = ModelTexts(Role.SENTENCE, {Role.SENTENCE: Encoder(unknown)})
        book.embed(["topic", "caption"])
        (raw,) = CaptionSimilarity({}).values(context, [["caption"]], TextEmbeddings(lambda role, book=book: book))
        assert raw.outcome == Failed(f"the sentence encoder knows no word of the {unknown}")
        assert raw.caption == "caption"


class Encoder:
    """Knows every text but one."""

    def __init__(self, unknown: str) -> None:
        self._unknown = unknown
        self.limit = None

    def tokens(self, texts: list[str]) -> list[int]:
        return [0] * len(texts)

    def embed(self, texts: list[str]) -> torch.Tensor:
        return torch.tensor([[0.5 * (text != self._unknown)] * 4 for text in texts])

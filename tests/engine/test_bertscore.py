"""BERTScore of captions: torchmetrics' own numbers, caption by caption, and every image captioned once."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from transformers import AutoModel, AutoTokenizer

from aim_tui.core.metrics.spec import ModelRef, Role
from aim_tui.core.scoring.events import Item, ModelLoaded, Notice
from aim_tui.core.scoring.jobs import EngineSettings, Job
from aim_tui.engine.engine import Engine
from aim_tui.engine.models.captioner import Captioner
from aim_tui.errors import ModelUnavailableError, UsageError
from aim_tui.hub import folder_check
from tests.engine.conftest import TOPIC, collect, items
from tests.engine.random_models import save_roberta

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from aim_tui.core.scoring.context import Context
    from tests.engine.conftest import Ran

BERTSCORE = Role("bertscore")
# In the order in which the sorting of torchmetrics gives each of the first three the number of another.
SAID = ["ab", "abc", "a", "a cabin in the snow", "trees", "a red barn", "snow", "a lake", "xyz"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_roberta(tmp_path_factory.mktemp("bertscore") / "roberta")


@pytest.fixture
def named(refs: dict[Role, ModelRef], folder: Path) -> dict[Role, ModelRef]:
    return {**refs, BERTSCORE: ModelRef("mine", path=str(folder))}


@pytest.fixture
def run(named: dict[Role, ModelRef], context: Context) -> Callable[..., Ran]:
    """Score paths with a fresh engine; keywords change what the model's settings or the context say."""

    def score(paths: Sequence[Path], *metrics: str, store: Path | None = None, **changes: object) -> Ran:
        ref = replace(named[BERTSCORE], **{name: changes.pop(name) for name in ("id", "layer") if name in changes})
        models = {**named, BERTSCORE: ref}
        engine = Engine(EngineSettings(models, device="cpu", store=str(store) if store else None))
        try:
            return collect(engine.run(Job(metrics or ("bertscore",), replace(context, **changes), items(paths))))
        finally:
            engine.close()

    return score


@pytest.fixture
def says(monkeypatch: pytest.MonkeyPatch) -> Callable[[Sequence[str]], Counter]:
    """Have the captioner say these texts, one image after the other; returns how many it was asked for."""

    def speak(texts: Sequence[str]) -> Counter:
        asked, coming = Counter(), iter(texts)

        def captions(self: Captioner, batch: Sequence[torch.Tensor]) -> list[str]:
            asked["images"] += len(batch)
            return [next(coming) for _ in batch]

        monkeypatch.setattr(Captioner, "captions", captions)
        return asked

    return speak


def direct(folder: Path, captions: Sequence[str], topic: str, layer: int) -> list[float]:
    """torchmetrics as it is called without this program, one caption at a time."""
    from torchmetrics.functional.text import bert_score

    model = AutoModel.from_pretrained(folder, add_pooling_layer=False)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    return [
        float(
            bert_score(
                [caption], [topic], model=model, user_tokenizer=tokenizer, num_layers=layer, max_length=64,
                truncation=True,
            )["f1"]
        )
        for caption in captions
    ]  # fmt: skip


def test_each_caption_has_the_number_that_torchmetrics_gives_it_alone(run, folder, says, pictures) -> None:
    says(SAID)
    ran = run(pictures)
    ours = ran.numbers("bertscore")
    assert np.ptp(ours) > 0.1, "captions that all score alike prove nothing"
    assert ours == pytest.approx(direct(folder, SAID, TOPIC, 3), abs=1e-5)
    assert ours[3] == pytest.approx(1.0, abs=1e-6), "the topic itself"
    assert [ran.values["bertscore"][item].caption for item in range(len(SAID))] == SAID
    (info,) = [event.info for event in ran.of(ModelLoaded) if event.info.role == "bertscore"]
    assert info.detail["layer"] == "3 of 3"
    assert "not rescaled" in info.detail["score"]


def test_many_captions_of_one_length_keep_their_numbers(named, folder, context) -> None:
    """Forty texts of four letters: the library's sorting mixes those of one length among so many."""
    captions = [f"{first}{second}no" for first in "abcdefgh" for second in "ijklm"]
    engine = Engine(EngineSettings(named, device="cpu"))
    collect(engine.run(Job(("bertscore",), context, [])))
    ours = engine.models[BERTSCORE].f1([*captions, "a cabin", "x"], TOPIC)
    assert ours == pytest.approx(direct(folder, [*captions, "a cabin", "x"], TOPIC, 3), abs=1e-5)


def test_the_layer_is_the_settings_or_that_of_a_known_model(run, folder, says, pictures) -> None:
    for layer in (1, 2):
        says(SAID)
        assert run(pictures, layer=layer).numbers("bertscore") == pytest.approx(
            direct(folder, SAID, TOPIC, layer), abs=1e-5
        )
    with pytest.raises(ModelUnavailableError, match="has 3 layers, and no layer 17"):
        run(pictures, id="FacebookAI/roberta-large")


def test_both_text_metrics_share_the_captions_and_the_store_keeps_them(run, says, pictures, tmp_path) -> None:
    asked = says(SAID)
    together = run(pictures, "blip2", "bertscore", store=tmp_path / "store.db")
    assert asked["images"] == len(pictures), "each image once"
    again = run(pictures, "bertscore", store=tmp_path / "store.db", topic="a red barn")
    assert asked["images"] == len(pictures), "no image again for another topic"
    assert again.numbers("bertscore")[5] == pytest.approx(1.0, abs=1e-6)
    assert together.numbers("blip2") != together.numbers("bertscore")


def test_images_with_topics_of_their_own_get_the_same_numbers(named, folder, says, context, pictures) -> None:
    topics = [TOPIC, "a red barn", TOPIC, ""]
    asked = says(SAID)
    rows = [
        Item(number, str(pictures[number]), context=replace(context, topic=topic))
        for number, topic in enumerate(topics)
    ]
    engine = Engine(EngineSettings(named, device="cpu"))
    ran = collect(engine.run(Job(("blip2", "bertscore"), replace(context, topic=""), rows)))
    assert asked["images"] == 3, "one caption for both metrics, none where there is no topic"
    found = ran.values["bertscore"]
    for number, topic in enumerate(topics[:3]):
        assert found[number].value == pytest.approx(direct(folder, SAID[number : number + 1], topic, 3)[0], abs=1e-5)
    assert (found[3].state, found[3].reason) == ("missing", "no topic")


def test_what_has_no_token_is_no_number(run, says, pictures, monkeypatch) -> None:
    says(["a cabin", "", "snow"])
    empty = run(pictures[:3]).values["bertscore"]
    assert [empty[item].state for item in range(3)] == ["present", "missing", "present"]
    assert empty[1].reason == "the captioner returned an empty caption"
    from aim_tui.engine.models import bertscore

    counted = bertscore.BertScorer.tokens
    monkeypatch.setattr(
        bertscore.BertScorer,
        "tokens",
        lambda self, texts: [n * (t != "?") for n, t in zip(counted(self, texts), texts, strict=True)],
    )
    says(["a cabin", "?"])
    tokenless = run(pictures[:2]).values["bertscore"][1]
    assert (tokenless.state, tokenless.reason) == ("failed", "the BERTScore model finds no token in the caption")
    with pytest.raises(UsageError, match="finds no token in the topic"):
        run(pictures[:1], topic="?")


def test_a_model_that_gives_no_number_gives_a_failure_and_not_the_zero_of_the_library(run, says, pictures) -> None:
    says(["a cabin", "snow"])
    from aim_tui.engine.models.bertscore import BertScorer

    features = BertScorer._features
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BertScorer, "_features", lambda *args: features(*args) * torch.nan)
        found = run(pictures[:2]).values["bertscore"]
    assert {value.state for value in found.values()} == {"failed"}


def test_a_topic_that_is_too_long_is_cut_and_told(run, folder, says, pictures) -> None:
    says(SAID)
    long = "a cabin in the snow " * 5
    ran = run(pictures[:2], topic=long)
    assert ran.numbers("bertscore") == pytest.approx(direct(folder, SAID[:2], long, 3), abs=1e-5)
    assert any("bertscore reads the first 62" in notice.text for notice in ran.of(Notice))


def test_without_the_library_it_is_said_before_a_model_is_loaded(run, named, context, pictures, monkeypatch) -> None:
    monkeypatch.setattr(folder_check.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr("aim_tui.engine.engine.load", lambda *_: pytest.fail("a model was loaded"))
    own = [Item(0, str(pictures[0]), context=context)]
    for job in (Job(("bertscore",), context, items(pictures)), Job(("bertscore",), context, own)):
        with pytest.raises(ModelUnavailableError, match="torchmetrics, which is not installed") as refused:
            collect(Engine(EngineSettings(named, device="cpu")).run(job))
        assert "pip install 'aim-tui[bertscore]'" in refused.value.hint


def test_a_model_of_another_kind_is_refused_by_name(named, models, context, pictures) -> None:
    for wrong in ("clip", "t5"):
        refs = {**named, BERTSCORE: ModelRef("wrong", path=str(models[wrong]))}
        with pytest.raises(ModelUnavailableError, match="BERTScore model .* which is not an encoder"):
            collect(Engine(EngineSettings(refs, device="cpu")).run(Job(("bertscore",), context, items(pictures))))

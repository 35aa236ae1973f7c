"""What CLIP sees of a prompt: the counter and the engine agree, and the end of a long prompt is really cut off."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import torch
from transformers import AutoTokenizer, CLIPTokenizer

from aim_tui.core.metrics.spec import ModelRef, Role
from aim_tui.core.scoring.context import Context
from aim_tui.core.scoring.events import Item, Notice, PromptRead
from aim_tui.core.scoring.jobs import EngineSettings, Job
from aim_tui.core.scoring.plan import ScoringPlan
from aim_tui.core.scoring.records import full_record
from aim_tui.core.scoring.results import Results
from aim_tui.engine.engine import Engine
from aim_tui.engine.models.clip import load as load_clip
from aim_tui.engine.models.clip import load_siglip
from aim_tui.engine.models.device import Placement
from aim_tui.engine.text_embeddings import ModelTexts
from aim_tui.hub.inventory import LocalModel
from aim_tui.settings import paths
from aim_tui.settings.settings import load_settings
from aim_tui.worker.tokens import TokenCounter
from tests.engine.conftest import collect, items
from tests.engine.random_models import save_siglip

if TYPE_CHECKING:
    from pathlib import Path

CPU = Placement(torch.device("cpu"), torch.float32)
LONG = "a cabin " * 40


@pytest.fixture(scope="module")
def counter() -> TokenCounter:
    return TokenCounter(paths.sample_data() / "models" / "clip")


def test_start_and_end_are_counted(counter: TokenCounter) -> None:
    count = counter.count("a cabin")
    assert (count.tokens, count.limit, count.cut_at, count.bytes_only) == (4, 77, None, 0.0)


def test_no_prompt_is_start_and_end_only(counter: TokenCounter) -> None:
    assert (counter.count("").tokens, counter.count("").bytes_only) == (2, 0.0)


def test_a_prompt_that_just_fits_is_whole(counter: TokenCounter) -> None:
    fits = counter.count("cabin " * 75)
    over = counter.count("cabin " * 76)
    assert (fits.tokens, fits.cut_at) == (77, None)
    assert (over.tokens, over.cut_at) == (78, len("cabin " * 75))


def test_what_is_cut_off_is_what_the_model_does_not_get(counter: TokenCounter) -> None:
    cut_at = counter.count(LONG).cut_at
    tokenizer = CLIPTokenizer.from_pretrained(paths.sample_data() / "models" / "clip")
    kept = tokenizer(LONG, truncation=True, max_length=77)["input_ids"]
    assert tokenizer(LONG[:cut_at])["input_ids"] == kept


def test_letters_of_a_script_that_the_tokenizer_never_learned_are_bytes(counter: TokenCounter) -> None:
    assert counter.count("나무 오두막").bytes_only == 1.0
    assert counter.count("木屋 cabin").bytes_only == pytest.approx(2 / 7)
    assert counter.count("1234 !? 🎄").bytes_only == 0.0


def test_an_unpaired_surrogate_is_counted_and_not_an_error(counter: TokenCounter) -> None:
    assert counter.count("a \udcff cabin").tokens > 4


def test_the_counter_needs_neither_torch_nor_transformers() -> None:
    code = (
        "import sys; from aim_tui.settings import paths; from aim_tui.worker.tokens import TokenCounter;"
        "TokenCounter(paths.sample_data() / 'models' / 'clip').count('a cabin');"
        "sys.exit(bool({'torch', 'transformers'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_folder_without_tokenizer_json_is_counted_alike(tmp_path: Path) -> None:
    sample = paths.sample_data() / "models" / "clip"
    tokenizer = CLIPTokenizer.from_pretrained(sample)
    for name in ("config.json", "tokenizer_config.json"):
        (tmp_path / name).write_bytes((sample / name).read_bytes())
    tokenizer.backend_tokenizer.model.save(str(tmp_path))
    assert TokenCounter(tmp_path).count(LONG) == TokenCounter(sample).count(LONG)


class TestPromptsInTheEngine:
    @pytest.fixture(scope="class")
    def engine(self, refs) -> Engine:
        return Engine(EngineSettings(refs, device="cpu"))

    def score(self, engine: Engine, context: Context, prompt: str, pictures: list[Path]) -> tuple[PromptRead, float]:
        ran = collect(engine.run(Job(("clip",), replace(context, prompt=prompt), items(pictures[:1]))))
        return ran.of(PromptRead)[0], ran.numbers("clip")[0]

    def test_the_engine_counts_as_the_counter_does(
        self, engine: Engine, context: Context, pictures: list[Path], models: dict[str, Path]
    ) -> None:
        counter = TokenCounter(models["clip"])
        for prompt in ("cabin", "x" * 75, "x" * 76, "나무", LONG):
            read, _ = self.score(engine, context, prompt, pictures)
            count = counter.count(prompt)
            assert (read.tokens, read.limit) == (count.tokens, count.limit)
            assert read.truncated == (count.cut_at is not None)

    def test_prompts_that_differ_after_the_limit_only_score_alike(
        self, engine: Engine, context: Context, pictures: list[Path]
    ) -> None:
        (read, one), (other, two) = (
            self.score(engine, context, "x" * 75 + end, pictures) for end in (" cabin", " house")
        )
        assert read == other
        assert read.truncated
        assert one == two

    def test_long_prompts_that_differ_before_the_limit_keep_their_own_scores(
        self, engine: Engine, context: Context, pictures: list[Path]
    ) -> None:
        prompts = [word * 30 for word in ("cabin ", "house ", "dog ", "tree and lake ")]
        scores = [self.score(engine, context, prompt, pictures) for prompt in prompts]
        assert all(read.truncated for read, _ in scores)
        values = [value for _, value in scores]
        assert all(abs(one - two) > 1e-4 for one, two in zip(values, values[1:], strict=False))


class TestTextsThatModelsCut:
    def test_siglip_reads_lower_case_as_siglip2_tokenizer_does(self, tmp_path: Path) -> None:
        folder = save_siglip(tmp_path / "siglip")
        clip = load_siglip(ModelRef(path=str(folder)), LocalModel(Role("siglip"), folder, "local"), CPU)
        assert clip.info.detail["text"] == "lower-cased"
        plain = AutoTokenizer.from_pretrained(folder)
        for text in ("A Wooden Cabin", "ÜBER Straße", "İstanbul"):
            lowered = "".join(map(str.lower, text))
            assert clip.tokenizer(text)["input_ids"] == plain(lowered)["input_ids"] != plain(text)["input_ids"]
            assert torch.equal(clip.text_features(text).features, clip.text_features(lowered).features)
        assert TokenCounter(folder).count("A Cabin") == TokenCounter(folder).count("a cabin")

    def test_clip_reads_text_as_it_is_written(self, models: dict[str, Path]) -> None:
        local = LocalModel(Role.CLIP, models["clip"], "local")
        assert "text" not in load_clip(ModelRef(path=str(models["clip"])), local, CPU).info.detail

    def test_a_topic_that_the_sentence_encoder_cuts_is_counted(
        self, refs: dict[Role, ModelRef], context: Context, pictures: list[Path], tmp_path: Path
    ) -> None:
        long = "a cabin " * 40
        settings = EngineSettings(refs, device="cpu", store=str(tmp_path / "store.db"))
        read = None
        for _ in range(2):  # the second time the embedding is a kept one
            engine = Engine(settings)
            job = Job(("blip2",), replace(context, topic=long), items(pictures[:1]))
            (again,) = collect(engine.run(job)).of(PromptRead)
            engine.close()
            assert read is None or again == read
            read = again
        assert read is not None
        assert (read.text, read.item, read.limit, read.truncated) == ("topic", None, 64, True)
        assert read.tokens == 40 * 6 + 2  # letters, and what begins and ends the text

    def test_texts_that_items_bring_are_counted_for_each_and_the_common_one_once(
        self, refs: dict[Role, ModelRef], pictures: list[Path]
    ) -> None:
        engine = Engine(EngineSettings(refs, device="cpu"))
        common = Context(topic="a cabin", prompt="a cabin")
        own = [Context(prompt="x" * 100), None, Context(topic="cabin " * 20), None]
        rows = [Item(n, str(path), context=each) for n, (path, each) in enumerate(zip(pictures, own, strict=False))]
        ran = collect(engine.run(Job(("clip", "blip2"), common, rows)))
        reads = {(read.text, read.item): read.truncated for read in ran.of(PromptRead)}
        assert reads == {("prompt", 0): True, ("prompt", None): False, ("topic", 2): True, ("topic", None): False}
        results = Results(
            ScoringPlan(("clip", "blip2"), {"clip": 1.0, "blip2": 1.0}, load_settings().profile("aim").rules), common
        )
        results.add(rows)
        for event in ran.events:
            results.apply(event)
        records = [full_record(row, results) for row in results.rows]
        assert [record["prompt_truncated"] for record in records] == [True, False, False, False]
        assert [record["topic_truncated"] for record in records] == [False, False, True, False]
        assert any("longer than their model reads" in notice.text for notice in ran.of(Notice))

    def test_a_text_is_embedded_once_however_many_there_are(self, monkeypatch: pytest.MonkeyPatch) -> None:
        embedded: list[str] = []

        class Encoder:
            limit = None

            def embed(self, texts: list[str]) -> torch.Tensor:
                embedded.extend(texts)
                return torch.ones(len(texts), 4)

            def tokens(self, texts: list[str]) -> list[int]:
                return [0] * len(texts)

        monkeypatch.setattr("aim_tui.engine.text_embeddings._REMEMBERED", 4)
        texts = ModelTexts(Role.SENTENCE, {Role.SENTENCE: Encoder()})  # type: ignore[dict-item]
        for number in range(12):
            wanted = ["the instruction of all", f"caption {number}"]
            texts.embed(texts.lacking(wanted))
        assert embedded.count("the instruction of all") == 1

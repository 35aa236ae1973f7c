"""What CLIP sees of a prompt: the counter and the engine agree, and the end of a long prompt is really cut off."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from transformers import CLIPTokenizer

from aim_tui.core.scoring.events import PromptRead
from aim_tui.core.scoring.jobs import EngineSettings, Job
from aim_tui.engine.engine import Engine
from aim_tui.settings import paths
from aim_tui.worker.tokens import TokenCounter
from tests.engine.conftest import collect, items

if TYPE_CHECKING:
    from pathlib import Path

    from aim_tui.core.scoring.context import Context

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
        from dataclasses import replace

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

"""Why this score: what it is made of, what was compared, what CLIP did not see, and who computed it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from aim_tui.core.heatmaps import words_of
from aim_tui.ipc.protocol import TokenCount
from aim_tui.ui.heatmap.screen import HeatmapScreen
from aim_tui.ui.review.explain_text import prompt_line

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("models_here")


def bold(content: Any) -> str:
    """What of a text is in bold."""
    return " ".join(content.plain[span.start : span.end] for span in content.spans if "bold" in str(span.style))


async def explained(app: Any) -> None:
    await app.all_scored()
    await app.press("e")
    await app.shows("scores as it does")


async def test_the_points_of_all_metrics_make_up_the_final_score(folder: Path, open_app: Any) -> None:
    async with open_app(folder, reference=str(folder / "img_7.png"), start_scoring=True) as app:
        await explained(app)
        lines = [line for line in app.text().splitlines() if " of " in line and "━" in line]
        numbers = [float(line.partition(" of ")[0].split()[-1]) for line in lines]
        assert len(numbers) == 4
        assert numbers[0] == pytest.approx(sum(numbers[1:]), abs=0.02)
        assert numbers[0] == pytest.approx(app.rows[0].final, abs=0.01)


async def test_a_bar_is_as_long_as_its_weight_and_as_full_as_its_value(folder: Path, open_app: Any) -> None:
    async with open_app(folder, reference=str(folder / "img_7.png"), start_scoring=True) as app:
        await explained(app)
        lengths = {}
        for line in app.text().splitlines():
            for weight in (20, 50, 30):
                if f"of {weight}" in line and "━" in line:
                    lengths[weight] = (line.count("━"), line.count("━") + line.count("─"))
        # 0.4 or more is all of CLIP's points by AIM's rule, and so are 0.9 and 0.3 of the others'.
        assert lengths == {20: (8, 8), 50: (20, 20), 30: (12, 12)}
        await app.press("escape", "G", "e")
        await app.shows("Why img_7.png")
        (line,) = [line for line in app.text().splitlines() if "of 20" in line and "━" in line]
        filled = line.count("━")
        assert filled == round(8 * (0.4 - 0.003 * 7 + 1) / 1.4)
        assert line.count("━") + line.count("─") == 8


async def test_what_clip_does_not_see_of_a_long_prompt_is_marked(folder: Path, open_app: Any) -> None:
    prompt = " ".join(f"word{number}" for number in range(80))
    async with open_app(folder, prompt=prompt, start_scoring=True, size=(120, 60)) as app:
        await explained(app)
        await app.shows("82 tokens, of which CLIP reads 77")
        seen, cut, unseen = app.text().partition("✂ ")
        assert cut
        assert "word74" in seen
        assert unseen.split()[0] == "word75"


def test_a_prompt_that_is_cut_is_struck_out_from_there() -> None:
    line = prompt_line("one two three", TokenCount(90, 77, 4, 0.0))
    struck = [line.plain[span.start : span.end] for span in line.spans if "strike" in str(span.style)]
    assert struck == ["two three"]
    whole = prompt_line("one two three", TokenCount(5, 77, None, 0.0))
    assert "5 of 77 tokens" in whole.plain
    assert "struck" not in whole.plain


async def test_the_caption_stands_above_the_topic_with_their_common_words_in_bold(folder: Path, open_app: Any) -> None:
    async with open_app(folder, topic="A Caption, of winter", start_scoring=True, size=(120, 60)) as app:
        await explained(app)
        statics = [widget.content for widget in app.app.screen.query("#box > Static")]
        caption = next(line for line in statics if line.plain.startswith("caption: "))
        topic = next(line for line in statics if line.plain.startswith("against the topic: "))
        assert words_of(bold(caption)) == ["a", "caption", "of"]
        assert words_of(bold(topic)) == ["A", "Caption,", "of"]


async def test_scores_that_come_from_the_store_say_who_made_them(folder: Path, open_app: Any, tmp_path: Path) -> None:
    store = tmp_path / "store.db"
    async with open_app(folder, store=store, start_scoring=True) as app:
        await app.all_scored()
        await app.until(lambda: not app.session.jobs.storing)
    async with open_app(folder, store=store, size=(120, 60)) as app:
        await explained(app)
        assert "scripted/clip  revision main, float32 on cpu" in app.text()


async def test_the_heatmap_is_one_key_away_and_comes_back_here(folder: Path, open_app: Any) -> None:
    async with open_app(folder, start_scoring=True) as app:
        await explained(app)
        await app.press("A")
        await app.until(lambda: isinstance(app.app.screen, HeatmapScreen))
        await app.shows("clip_score")
        await app.press("q")
        await app.shows("scores as it does")

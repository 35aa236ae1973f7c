"""Results of categories and classify on the screen: bars that open in review, labels, the confusion matrix."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from aim_tui.core.embeddings.categories import Categories, Category, ScoredImage, category_record
from aim_tui.core.embeddings.confusion import agreement
from aim_tui.core.embeddings.saved_results import CategoriesFound, ClassesFound, ClassifiedImage
from aim_tui.core.embeddings.zero_shot import Guess
from aim_tui.core.scoring.context import Context
from aim_tui.errors import UsageError
from aim_tui.inputs.saved_results import read_findings
from aim_tui.ui.embeddings.categories import CategoriesScreen
from aim_tui.ui.embeddings.classes import ClassesScreen
from aim_tui.ui.image_view.screen import ViewScreen
from aim_tui.ui.review.screen import ReviewScreen

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("models_here")


def categories(root: Path) -> CategoriesFound:
    """Two categories whose images are there, one of which nothing could be read, and a hostile name."""

    def scored(name: str, *scores: float) -> tuple[ScoredImage, ...]:
        return tuple(ScoredImage(str(root / name / f"{number}.png"), score) for number, score in enumerate(scores))

    made = (
        Category("cabins", "a [/red] cabin", scored("cabins", 0.31, 0.33, 0.35), (("x.png", "is empty"),)),
        Category("lakes \x1b[31m", "a lake", scored("lakes", 0.21, 0.25)),
        Category("zebras", "a zebra", (), (("y.png", "is empty"),)),
    )
    return CategoriesFound(str(root), Categories(made), "openai/clip", 2)


def classes() -> ClassesFound:
    labels = ("cabin", "lake", "zebra")
    shares = [(0.9, 0.06, 0.04), (0.4, 0.35, 0.25), (0.2, 0.7, 0.1), (0.02, 0.03, 0.95)]
    truth = ["cabin", "lake", "lake", None]
    images, true, given = [], [], []
    for number, (row, told) in enumerate(zip(shares, truth, strict=True)):
        top = sorted(
            (Guess(label, share) for label, share in zip(labels, row, strict=True)), key=lambda g: -g.probability
        )
        images.append(ClassifiedImage(f"img_{number}.png", tuple(top), told, told and top[0].label == told))
        if told:
            true.append(told)
            given.append(top[0].label)
    return ClassesFound(
        tuple(images), labels, "openai/clip", "softmax over the labels", 1, agreement(true, given, labels)
    )


@pytest.fixture
def root(folder: Path, tmp_path: Path) -> Path:
    made = tmp_path / "root"
    shutil.copytree(folder, made / "cabins")
    return made


async def test_a_category_opens_in_review_against_its_own_prompt(open_app: Any, root: Path, tmp_path: Path) -> None:
    async with open_app(root, findings=categories(root), store=tmp_path / "s.db", size=(120, 30)) as app:
        await app.until(lambda: isinstance(app.app.screen, CategoriesScreen))
        text = app.text()
        assert text.index("cabins") < text.index("lakes") < text.index("zebras")
        assert "0.3300" in text and "no score" in text and "2 left out" in text and "\x1b" not in text
        assert "a [/red] cabin" in text and "2 of 3 categories" in text
        await app.press("enter")
        await app.until(lambda: isinstance(app.app.screen, ReviewScreen))
        assert app.session.workspace.context == Context(app.session.workspace.context.topic, "a [/red] cabin")
        assert app.session.workspace.listing.folder == root / "cabins" and len(app.rows) == 8
        await app.all_scored()
        await app.until(app.app.late_input.settled)
        await app.press("5")
        await app.until(lambda: app.session.ratings.opinion(app.rows[0].path).rating == 5)
        await app.press("q")
        await app.until(lambda: isinstance(app.app.screen, CategoriesScreen))
        await app.press("s")
        await app.shows("by name")


async def test_a_category_whose_folder_is_gone_is_said_and_nothing_else_happens(open_app: Any, root: Path) -> None:
    async with open_app(root, findings=categories(root), toasts=True) as app:
        await app.until(lambda: isinstance(app.app.screen, CategoriesScreen))
        shutil.rmtree(root / "cabins")
        await app.press("enter")
        await app.shows("there are no images in")
        assert isinstance(app.app.screen, CategoriesScreen) and app.session.workspace.listing.folder == root


async def test_labels_are_looked_through_the_wrong_ones_alone_and_the_matrix(open_app: Any, folder: Path) -> None:
    async with open_app(folder, findings=classes(), size=(80, 24)) as app:
        await app.until(lambda: isinstance(app.app.screen, ClassesScreen))
        text = app.text()
        assert "accuracy 66.7%, 2 of 3" in text and "4 of 4 images by" in text and "✗" in text
        assert "90.0%" in text
        await app.press("w")
        await app.shows("1 of 4 images")
        assert "img_0.png" not in app.text() and "img_1.png" in app.text()
        await app.press("w", "s")
        await app.shows("least certain first")
        assert app.text().index("img_1.png") < app.text().index("img_0.png")
        await app.press("v")
        await app.shows("true, given")
        assert "macro mean" in app.text() and "0.8333" not in app.text().split("true, given")[1]
        await app.press("v", "enter")
        await app.until(lambda: isinstance(app.app.screen, ViewScreen))


@pytest.mark.parametrize("size", [(40, 10), pytest.param((80, 24), marks=pytest.mark.slow), (200, 60)])
async def test_both_fit_every_size(open_app: Any, root: Path, size: tuple[int, int]) -> None:
    for found in (categories(root), classes()):
        async with open_app(root, findings=found, size=size) as app:
            await app.until(lambda: isinstance(app.app.screen, (CategoriesScreen, ClassesScreen)))
            await app.press("j", "k", "G", "s", "question_mark", "escape", "q")
            await app.until(lambda: not isinstance(app.app.screen, (CategoriesScreen, ClassesScreen)))


async def test_a_file_of_results_is_opened_by_key_and_what_is_none_is_said(
    open_app: Any, root: Path, tmp_path: Path
) -> None:
    found, file = categories(root), tmp_path / "found.json"
    images = [
        {"category": one.name, "path": image.path, "clip_score": image.score}
        for one in found.categories.categories
        for image in one.images
    ]
    written = {
        "root": {"path": str(root)},
        "model": found.model,
        "left_out": [],
        "categories": [category_record(one) for one in found.categories.categories],
        "images": images,
    }
    file.write_text(json.dumps(written))
    async with open_app(root) as app:
        await app.press("O")
        await app.shows("Open results")
        await app.press("ctrl+u", *str(file), "enter")
        await app.until(lambda: isinstance(app.app.screen, CategoriesScreen))
        assert "0.3300" in app.text()
    for bad in (
        "",
        "[]",
        '{"root": 1, "categories": 2, "images": 3}',
        '{"labels": [], "results": [{}]}',
        "[" * 100_000,
    ):
        file.write_text(bad)
        with pytest.raises(UsageError, match="found.json"):
            read_findings(file)

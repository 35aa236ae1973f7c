"""Which images of two runs belong together, and what is said of them."""

from __future__ import annotations

import pytest

from aim_tui.core.scoring.context import Context
from aim_tui.core.scoring.events import ImageFacts, ImageFailed, ImageRead, Item, MetricBatch, MetricValue
from aim_tui.core.scoring.plan import ScoringPlan
from aim_tui.core.scoring.results import Results, Row
from aim_tui.core.scoring.run_comparison import FINAL, By, compare, pair_rows
from aim_tui.settings.settings import load_settings

AIM = load_settings().profile("aim")


def rows(*named: tuple[str, str]) -> list[Row]:
    """Rows by path and content."""
    return [
        Row(number, path, facts=ImageFacts(1, 1, "PNG", "RGB", 1, content) if content else None)
        for number, (path, content) in enumerate(named)
    ]


def found(a: list[Row], b: list[Row]) -> dict[tuple[str, str], By]:
    return {(pair.a.path, pair.b.path): pair.by for pair in pair_rows(a, b)}


def test_a_moved_image_is_found_by_its_content() -> None:
    assert found(rows(("/a/1.png", "x")), rows(("/b/2.png", "x"))) == {("/a/1.png", "/b/2.png"): By.CONTENT}


def test_content_says_more_than_a_path() -> None:
    before, after = rows(("/1.png", "x"), ("/2.png", "y")), rows(("/1.png", "y"), ("/2.png", "z"))
    # What lay at /2.png lies at /1.png now; what was at /1.png is gone.
    assert found(before, after) == {("/2.png", "/1.png"): By.CONTENT}


def test_a_picture_that_was_regenerated_is_matched_by_its_path_and_reported_as_another() -> None:
    (pair,) = pair_rows(rows(("/1.png", "x")), rows(("/1.png", "y")))
    assert (pair.by, pair.replaced) == (By.PATH, True)


def test_the_same_prompts_from_two_models_are_found_by_name() -> None:
    before, after = rows(("/sd/1.png", "x"), ("/sd/2.png", "y")), rows(("/flux/2.png", "v"), ("/flux/1.png", "u"))
    assert found(before, after) == {
        ("/sd/1.png", "/flux/1.png"): By.NAME,
        ("/sd/2.png", "/flux/2.png"): By.NAME,
    }


def test_copies_are_never_joined_with_the_wrong_one() -> None:
    before, after = rows(("/1.png", "x"), ("/2.png", "x")), rows(("/2.png", "x"), ("/1.png", "x"))
    assert found(before, after) == {("/1.png", "/1.png"): By.PATH, ("/2.png", "/2.png"): By.PATH}
    assert found(rows(("/a/1.png", ""), ("/b/1.png", "")), rows(("/c/1.png", ""))) == {}


def results(values: list[float | None]) -> Results:
    made = Results(ScoringPlan(("clip",), AIM.weights, AIM.rules), Context(prompt="a cabin"))
    made.add(Item(number, f"/{number}.png") for number in range(len(values)))
    for number, value in enumerate(values):
        if value is None:
            made.apply(ImageFailed(number, "is empty"))
        else:
            made.apply(ImageRead(number, ImageFacts(1, 1, "PNG", "RGB", 1, str(number))))
            made.apply(MetricBatch("clip", [MetricValue(number, "present", value=value)]))
    return made


def test_rises_falls_and_what_stayed_add_up() -> None:
    compared = compare(results([0.1, 0.2, 0.3, None, 0.2]), results([0.2, 0.2, 0.1, 0.3, None]))
    assert [pair.a.path for pair in compared.rose()] == ["/0.png"]
    assert [pair.a.path for pair in compared.fell()] == ["/2.png"]
    assert len(compared.pairs) == 3
    assert (compared.only_a, compared.only_b, compared.without_score) == (0, 0, 2)
    final, clip = compared.measures
    assert (final.name, clip.name) == (FINAL, "clip")
    assert final.change.mean == pytest.approx(final.mean_b - final.mean_a)
    assert clip.change.n == 3


def test_a_difference_in_the_last_digit_is_not_a_rise() -> None:
    compared = compare(results([0.2]), results([0.2 + 1e-9]))
    assert (compared.rose(), compared.fell(), len(compared.pairs)) == ([], [], 1)


def test_nothing_in_common_has_no_measure() -> None:
    compared = compare(results([None]), results([None]))
    assert (compared.pairs, compared.measures) == ([], [])

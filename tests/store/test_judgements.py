"""Judgements of images are stored at once, by rater, and never overwritten."""

from __future__ import annotations

import pytest

from aim_tui.store.database import Database
from aim_tui.store.judgements import DuelOutcome, Image, JudgementKind, Judgements

A, B = Image("a" * 64, "/a.png"), Image("b" * 64, "/b\udcff.png")


@pytest.fixture
def judgements(database: Database) -> Judgements:
    return Judgements(database)


def ratings(judgements: Judgements) -> dict[tuple[str, str], object]:
    held = judgements.current(JudgementKind.RATING)
    return {(sha256[0], rater): said.value for sha256, raters in held.items() for rater, said in raters.items()}


def test_the_newest_rating_of_each_rater_counts(judgements: Judgements) -> None:
    judgements.rate(A, 3, rater="ann")
    judgements.rate(A, 5, rater="bob")
    judgements.rate(A, 4, rater="ann", run="r1")
    judgements.rate(B, 1, rater="ann")
    assert ratings(judgements) == {("a", "ann"): 4, ("a", "bob"): 5, ("b", "ann"): 1}
    assert [said.value for said in judgements.history(A.sha256)] == [3, 5, 4]
    only = judgements.current(JudgementKind.RATING, [B.sha256, "c" * 64], rater="ann")
    assert [raters["ann"].image for raters in only.values()] == [B]


def test_a_rating_is_on_disk_when_the_call_returns(judgements: Judgements, database: Database) -> None:
    judgements.rate(A, 3, rater="ann")
    with Database.open(database.path, read_only=True) as other:
        assert ratings(Judgements(other)) == {("a", "ann"): 3}


def test_a_cleared_rating_is_gone_and_its_history_is_not(judgements: Judgements) -> None:
    judgements.rate(A, 3, rater="ann")
    judgements.rate(A, None, rater="ann")
    assert ratings(judgements) == {}
    assert [said.value for said in judgements.history(A.sha256)] == [3, None]


def test_undo_goes_back_step_by_step_over_everything_a_rater_said(judgements: Judgements) -> None:
    judgements.rate(A, 3, rater="ann")
    judgements.rate(A, 4, rater="ann")
    judgements.reject(B, True, rater="ann")
    judgements.rate(A, 1, rater="bob")
    undone = judgements.undo("ann")
    assert undone is not None
    assert (undone.kind, undone.image, undone.value) == (JudgementKind.REJECT, B, None)
    judgements.undo("ann")
    assert ratings(judgements) == {("a", "ann"): 3, ("a", "bob"): 1}
    judgements.rate(A, 5, rater="ann")
    judgements.undo("ann")
    assert ratings(judgements) == {("a", "ann"): 3, ("a", "bob"): 1}
    judgements.undo("ann")
    assert ratings(judgements) == {("a", "bob"): 1}
    assert judgements.undo("ann") is None
    assert judgements.undo("nobody") is None
    assert len(judgements.history(A.sha256)) == 7


def test_rejections_and_notes_are_stored_and_undone(judgements: Judgements) -> None:
    judgements.reject(A, True, rater="ann")
    judgements.note(A, "six fingers \udcff", rater="ann")
    assert judgements.current(JudgementKind.REJECT)[A.sha256]["ann"].value is True
    assert judgements.current(JudgementKind.NOTE)[A.sha256]["ann"].value == "six fingers \udcff"
    judgements.reject(A, False, rater="ann")
    judgements.note(A, "", rater="ann")
    assert judgements.current(JudgementKind.REJECT) == judgements.current(JudgementKind.NOTE) == {}


def test_duels_come_back_in_order_and_the_last_can_be_undone(judgements: Judgements) -> None:
    judgements.duel(A, B, DuelOutcome.LEFT, rater="ann", series="s")
    judgements.duel(B, A, DuelOutcome.TIE, rater="ann", series="s", run="r1")
    judgements.duel(B, A, DuelOutcome.SKIP, rater="bob", series="s")
    judgements.duel(B, A, DuelOutcome.RIGHT, rater="ann", series="t")
    assert [(duel.left, duel.outcome) for duel in judgements.duels("s", "ann")] == [(A, "left"), (B, "tie")]
    assert len(judgements.duels()) == 4
    taken = judgements.undo_duel("ann", "s")
    assert taken is not None
    assert taken.outcome is DuelOutcome.TIE
    assert [duel.outcome for duel in judgements.duels("s", "ann")] == ["left"]
    judgements.undo_duel("ann", "s")
    assert judgements.undo_duel("ann", "s") is None

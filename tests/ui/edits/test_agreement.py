"""The Correlation screen over edits: their known truth, ratings given to them, and files, by the id of the edit."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from textual.app import App

from aim_tui.core.agreement.coefficients import CoefficientKind
from aim_tui.core.scoring.context import Context
from aim_tui.core.scoring.events import DataRow, ImageFacts, ImageRead, Item, MetricBatch, MetricValue
from aim_tui.core.scoring.jobs import ReadingPolicy
from aim_tui.core.scoring.plan import raw_plan
from aim_tui.core.scoring.results import Results
from aim_tui.store.database import Database
from aim_tui.store.evidence import judged_edit
from aim_tui.store.judgements import Judgements
from aim_tui.ui.correlation.screen import CorrelationScreen
from aim_tui.ui.session.agreement import AgreementService, groupings
from aim_tui.ui.session.judgement_files import JudgementFile
from aim_tui.ui.session.store_access import StoreAccess
from tests.ui.widgets.samples import until

if TYPE_CHECKING:
    from pathlib import Path

SCORES = (0.9, 0.8, 0.7, 0.3, 0.75, 0.2)


def shown(*, truth: bool = True, scored: bool = True) -> Results:
    results = Results(raw_plan(["editclip_score"]), Context())
    for number, score in enumerate(SCORES):
        right = number < 3
        known = {"original_id": str(number % 3), "is_correct": right, **({} if right else {"error_type": "colour"})}
        target, context = f"/t{number % 3}.png", Context(source="/s.png", instruction=f"{right}")
        data = DataRow(f"e{number}", "/s.png", target, known if truth else {})
        results.add([Item(number, target, context, data)])
        if scored:
            facts = [ImageFacts(8, 8, "PNG", "RGB", 1, f"{name:064}") for name in (number % 3, 99)]
            results.apply(ImageRead(number, *facts))
            results.apply(MetricBatch("editclip_score", [MetricValue(number, "present", value=score)]))
    return results


def service(tmp_path: Path, edits: Results) -> AgreementService:
    troubles: list[object] = []
    return AgreementService(
        StoreAccess(tmp_path / "store.db", troubles.append, lambda: None), lambda: (edits, "edits.json")
    )


async def test_without_a_file_the_known_truth_and_own_ratings_judge(tmp_path: Path) -> None:
    edits = shown()
    with Database.open(tmp_path / "store.db") as database:
        for row in edits.rows:
            judged = judged_edit(row)
            assert judged is not None
            Judgements(database).rate(judged, 1 + row.item % 5, rater="ann")
    made = service(tmp_path, edits)
    gathered = await made.gather()
    assert gathered.missing == "" and gathered.ids == ("e0", "e1", "e2", "e3", "e4", "e5")
    assert [row.path for row in gathered.rows][:2] == ["/t0.png", "/t1.png"]
    assert [(one.name, str(one.scale)) for one in gathered.study.judgements] == [
        ("is_correct", "0 to 1"), ("rating", "1 to 5"),
    ]  # fmt: skip
    found = await made.analyse(gathered.study, "error_type")
    assert found.cell("editclip_score", "is_correct").coefficients[CoefficientKind.SPEARMAN].value is not None
    assert found.discriminations[0].overall.wins is not None
    assert {"is_correct", "original_id"} <= groupings(gathered.study).keys()


async def test_a_file_joins_by_the_id_of_the_edit(tmp_path: Path) -> None:
    path = tmp_path / "llm.json"
    path.write_text(json.dumps([{"id": f"e{number}", "llm_score": number} for number in (0, 2, 4)]))
    made = service(tmp_path, shown())
    assert (await made.preview(JudgementFile(str(path)))).matched.to_left == {"e0": "e0", "e2": "e2", "e4": "e4"}
    (judgement,) = (await made.gather(JudgementFile(str(path)))).study.judgements
    assert judgement.name == "llm_score"


async def test_what_is_missing_is_said(tmp_path: Path) -> None:
    assert "has a score" in (await service(tmp_path, shown(scored=False)).gather()).missing
    assert "is_correct" in (await service(tmp_path, shown(truth=False)).gather()).missing


async def test_the_screen_shows_edits_and_opens_one_in_the_way_it_is_given(tmp_path: Path) -> None:
    opened: list[str] = []
    screen = CorrelationScreen(service(tmp_path, shown()), ReadingPolicy(), str(tmp_path), opened.append)

    class Held(App[None]):
        def on_mount(self) -> None:
            self.push_screen(screen)

    async with Held().run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: screen.analysis is not None)
        await pilot.pause()
        samples = screen.query_one("#samples")
        samples.focus()
        await until(pilot, lambda: samples.has_focus)
        await pilot.press("enter")
        await until(pilot, lambda: opened)
        assert opened[0] in {"e0", "e1", "e2", "e3", "e4", "e5"}

"""Texts embedded by the real worker process: comparable with what the store keeps of images, in a job and refused."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from aim_tui.core.scoring.context import Context
from aim_tui.core.scoring.events import ImageRead, MetricBatch
from aim_tui.core.scoring.jobs import Job
from aim_tui.ipc.protocol import Configure, CountTokens, EmbedTexts, JobEnded, RequestFailed, TextsEmbedded, TokenCount
from aim_tui.store.cache import FeatureCache, FeatureKind, Space
from aim_tui.store.database import Database
from tests.contract.test_worker_process import SETTINGS, Worker, gate, items, own, shared

if TYPE_CHECKING:
    from pathlib import Path

    from aim_tui.core.scoring.events import Item

__all__ = ["gate", "items", "own", "shared"]


def test_the_cosine_with_what_is_kept_of_an_image_is_its_clip_score(
    own: Worker, items: list[Item], tmp_path: Path
) -> None:
    path = tmp_path / "store.db"
    Database.open(path).close()
    own.send(1, Configure(replace(SETTINGS, store=str(path))))
    reports = own.run(2, "clip", context=Context(prompt="a cabin at night"), items=items)
    scores = {value.item: value.value for report in _of(reports, MetricBatch) for value in report.values}
    own.send(3, EmbedTexts(["a cabin at night", "a meadow", "cabin " * 100]))
    (embedded,) = own.until(TextsEmbedded, 3)
    vectors = np.array(embedded.vectors, dtype=np.float32)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)
    assert embedded.cut == ["cabin " * 100]
    hashes = [read.facts.sha256 for read in sorted(_of(reports, ImageRead), key=lambda read: read.item)]
    with Database.open(path) as database:
        space = Space(FeatureKind.EMBEDDING, embedded.fingerprint, embedded.recipe)
        there, kept = FeatureCache(database).vectors(space, hashes)
    assert there.all()
    assert (kept @ vectors[0]).tolist() == pytest.approx([scores[item.id] for item in items], abs=1e-5)


def test_texts_are_embedded_between_the_batches_of_a_job(
    own: Worker, items: list[Item], gate: Path, tmp_path: Path
) -> None:
    path = tmp_path / "store.db"
    Database.open(path).close()
    own.send(1, Configure(replace(SETTINGS, store=str(path))))
    own.send(2, EmbedTexts(["a meadow"]))
    own.until(TextsEmbedded, 2)
    own.send(3, Job(("noisy",), Context(prompt=str(gate)), items[:2]))
    with gate.open("wb") as door:
        own.send(4, EmbedTexts(["a lake"]))
        own.send(5, CountTokens("a"))
        own.until(TokenCount, 5)
        door.write(b"the first")
    # The second image still waits at its gate, so the job has not ended.
    assert len(own.until(TextsEmbedded, 4)) == 1
    gate.write_text("the second")
    assert own.until(JobEnded, 3)[-1] == JobEnded("done")


def test_without_a_store_there_is_nothing_to_compare_with(shared: Worker) -> None:
    shared.send(200, EmbedTexts(["a lake"]))
    (refused,) = shared.until(RequestFailed, 200)
    assert "without a store" in refused.error and refused.hint


def _of(reports: list[Any], kind: type) -> list[Any]:
    return [report for report in reports if isinstance(report, kind)]

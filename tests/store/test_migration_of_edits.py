"""A store of the version that kept runs over edits apart opens with everything in it, or stays as it was."""

from __future__ import annotations

import contextlib
import json
import signal
import sqlite3
from typing import TYPE_CHECKING

import pytest

from aim_tui.core.outcomes import Failed, Missing, Present
from aim_tui.core.scoring.context import Context
from aim_tui.core.scoring.events import DataRow, ImageFacts, Item
from aim_tui.core.scoring.plan import Status, raw_plan
from aim_tui.store import migrations
from aim_tui.store.codec import to_flat
from aim_tui.store.database import Database
from aim_tui.store.errors import StoreError
from aim_tui.store.judgements import DuelOutcome, Image, Judgements
from aim_tui.store.processes import Owner
from aim_tui.store.records import RunKind, RunRequest, RunState
from aim_tui.store.runs import Runs
from tests.store.samples import AIM, python, request, sha

if TYPE_CHECKING:
    from pathlib import Path

BEFORE = migrations.released()[:3]
#: Of the request below, as the version before computed it.
ASKED = "a0b919c27e78da21d7e4eee8e17b492998591d01b96e3db2e724e276bae57e74"
SOURCE, TARGET = (ImageFacts(8, 8, "PNG", "RGB", 1, sha(name)) for name in "st")
RUN, OTHER, IMAGES = "01A22BC8906B30F3", "01A22BC8906B30F4", "01A22BC8906B30F2"


def asked() -> RunRequest:
    return RunRequest(
        context=Context(),
        plan=raw_plan(
            ["edit_score", "target_text_sim", "source_text_sim", "source_target_sim", "editclip_score"],
        ),
        profile=AIM.__class__("sample", {}, AIM.rules, {}, notice="n"),
        settings={"batch_size": 4, "precision": "aim", "pre_resize": None},
        fingerprints={"clip": "f0"},
        data="/d/edits.json",
    )


def edits() -> list[Item]:
    truth = {"is_correct": True, "original_id": "7"}
    first = Context(source="/d/s.png", instruction="make it night", source_caption="a day")
    second = Context(source="/d/\udcff.png", instruction="add a lake")
    return [
        Item(0, "/d/t.png", first, DataRow("e1", "/d/s.png", "/d/t.png", truth)),
        Item(1, "/d/t2.png", second, DataRow("e2", "/d/\udcff.png", "/d/t2.png", {})),
    ]


def older_store(path: Path) -> None:
    """A store as the version before left it: an image, ratings, a duel, a cache, a stopped edit run and a done one."""
    run = ("running", "2026-11-01T10:00:00.000+00:00", None)
    settings = '{"batch_size":4,"notice":"n","precision":"aim","pre_resize":null}'
    with Database.open(path, steps=BEFORE) as database:
        with database.writing() as connection:
            connection.execute("INSERT INTO files VALUES ('/a.png', 1, 2, 'x', 0)")
            connection.execute(
                "INSERT INTO runs (id, state, started, images, asked, command, folder, topic, prompt, reference, "
                "reference_sha256, profile_name, device, plan, profile, not_asked, settings, fingerprints, versions, "
                "host, pid, process) VALUES (?, 'done', ?, 1, 'a', '', '/images', 't', 'p', '', '', 'aim', 'cpu', "
                "?, ?, '{}', '{}', '{}', '{}', 'h', 1, 'gone')",
                (IMAGES, run[1], *plan_and_profile()),
            )
            connection.execute("INSERT INTO run_images (run, item, path) VALUES (?, 0, '/images/a.png')", (IMAGES,))
            connection.execute("INSERT INTO run_values VALUES (?, 0, 'clip', 'present', 0.25, '', NULL)", (IMAGES,))
            for name, asks, families, data in (
                (RUN, ASKED, '["clip_edit","editclip"]', "/d/edits.json"),
                (OTHER, "b", '["preservation","directional","caption_change"]', b"/d/\xff.json"),
            ):
                connection.execute(
                    "INSERT INTO edit_runs VALUES (?, ?, ?, ?, 2, ?, 'aim-tui edit', ?, ?, 'sample', ?, "
                    '\'{"clip":"f0"}\', \'{"python":"3.11"}\', ?, 1, \'gone\')',
                    (name, *run, asks, data, families, settings, Owner.this().host),
                )
                connection.execute("INSERT INTO edit_run_models VALUES (?, 'clip', ?)", (name, MODEL))
                connection.execute(
                    "INSERT INTO edit_rows VALUES (?, 0, 'e1', '/d/s.png', '/d/t.png', 'make it night', 'a day', '', "
                    "?, ?, ?, NULL)",
                    (name, '{"is_correct":true,"original_id":"7"}', facts(SOURCE), facts(TARGET)),
                )
                connection.execute(
                    "INSERT INTO edit_rows VALUES (?, 1, 'e2', ?, '/d/t2.png', 'add a lake', '', '', '{}', NULL, NULL, "
                    "'source image: no such file')",
                    (name, b"/d/\xff.png"),
                )
            connection.executemany(
                "INSERT INTO edit_values VALUES (?, 0, ?, ?, ?, ?, ?)",
                [
                    (RUN, "edit_score", "present", 0.5, "", None),
                    (RUN, "editclip_score", "failed", None, "out of memory", None),
                    (OTHER, "directional_similarity", "missing", None, "no caption", "a day"),
                ],
            )
        said = Judgements(database)
        said.rate(Image(sha("a"), "/images/a.png"), 4, rater="ann")
        said.duel(Image(sha("a"), "/a"), Image(sha("b"), "/b"), DuelOutcome.LEFT, rater="ann", series="s")


MODEL = '{"role":"clip","id":"c","revision":"r","dtype":"float32","device":"cpu","parameters":1,"detail":{}}'


def facts(of: ImageFacts) -> str:
    return json.dumps(to_flat(of))


def plan_and_profile() -> tuple[str, str]:
    from aim_tui.store.codec import plan_to_data, profile_to_data
    from aim_tui.store.packing import to_json

    return to_json(plan_to_data(request().plan)), to_json(profile_to_data(AIM))


def opens_with_all_runs(path: Path) -> None:
    with Database.open(path) as database:
        assert [info.id for info in Runs(database).history(kind=None)] == [OTHER, RUN, IMAGES]


def test_everything_of_an_older_store_is_there(path: Path) -> None:
    older_store(path)
    with Database.open(path) as database:
        runs = Runs(database)
        assert [info.id for info in runs.history()] == [IMAGES]
        assert [info.id for info in runs.history(kind=RunKind.EDITS)] == [OTHER, RUN]
        assert [info.id for info in runs.history("/d", kind=None)] == [RUN]
        assert runs.load(IMAGES).results.rows[0].outcome("clip") == Present(0.25)
        run, other = runs.load(RUN), runs.load(OTHER)
        assert (run.info.state, run.info.begun, run.info.data) == (RunState.INTERRUPTED, 2, "/d/edits.json")
        assert (other.info.data, other.info.images) == ("/d/\udcff.json", 2)
        assert run.results.plan == asked().plan
        assert other.results.plan.metrics == (
            "preservation_lpips", "preservation_clip", "directional_similarity", "caption_change",
            "caption_instruction_sim",
        )  # fmt: skip
        assert (run.request.profile.name, run.request.profile.notice) == ("sample", "n")
        assert run.request.settings == asked().settings
        first, second = run.results.rows
        assert (first.source, first.facts, first.own, first.truth) == (SOURCE, TARGET, edits()[0].context, {
            "is_correct": True, "original_id": "7",
        })  # fmt: skip
        assert (first.outcome("edit_score"), first.outcome("editclip_score")) == (Present(0.5), Failed("out of memory"))
        assert (second.own, second.error, second.status) == (
            edits()[1].context, "source image: no such file", Status.FAILED,
        )  # fmt: skip
        assert other.results.rows[0].outcome("directional_similarity") == Missing("no caption")
        assert other.results.rows[0].captions == {"directional_similarity": "a day"}
        assert run.results.models["clip"].id == "c"
        said = Judgements(database)
        assert said.history(sha("a"))[0].value == 4
        assert [duel.outcome for duel in said.duels()] == [DuelOutcome.LEFT]
        with database.reading() as connection:
            assert connection.execute("SELECT path FROM files").fetchall() == [], "it was known by too little"
            left = connection.execute("SELECT name FROM sqlite_master WHERE name LIKE 'edit%'").fetchall()
            assert left == []


def test_a_stopped_edit_run_of_the_version_before_goes_on(path: Path) -> None:
    assert asked().digest(edits()) == ASKED
    older_store(path)
    with Database.open(path) as database:
        runs = Runs(database)
        found = runs.find_resumable(asked(), edits())
        assert found is not None and found.id == RUN
        writer, run = runs.resume(RUN)
        assert [row.error for row in run.results.rows] == [None, None], "what could not be read is tried again"
        writer.end(RunState.DONE)
        assert runs.load(RUN).info.state is RunState.DONE


def test_a_migration_that_fails_halfway_leaves_the_edit_runs_where_they_were(path: Path) -> None:
    older_store(path)
    before = path.read_bytes()
    broken = migrations.Migration(4, "broken", f"{migrations.released()[3].sql}\nINSERT INTO nowhere VALUES (1);\n")
    with pytest.raises(StoreError, match="nowhere"):
        Database.open(path, steps=[*BEFORE, broken])
    assert path.read_bytes() == before
    opens_with_all_runs(path)


def test_a_program_that_is_killed_while_it_migrates_leaves_the_store_as_it_was(path: Path) -> None:
    older_store(path)
    killed = python(
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from aim_tui.store import migrations\n"
        "from aim_tui.store.database import Database\n"
        "whole = migrations.Migration.statements\n"
        "def half(step):\n"
        "    for statement in whole(step):\n"
        "        yield statement\n"
        "        if 'DROP TABLE edit_rows' in statement:\n"
        "            os.kill(os.getpid(), signal.SIGKILL)\n"
        "migrations.Migration.statements = half\n"
        "Database.open(Path(sys.argv[1]))\n",
        path,
    )
    killed.communicate(timeout=120)
    assert killed.returncode == -signal.SIGKILL
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as reader:
        assert reader.execute("PRAGMA user_version").fetchone() == (3,)
        assert reader.execute("SELECT count(*) FROM edit_rows").fetchone() == (4,)
    opens_with_all_runs(path)

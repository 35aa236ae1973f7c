"""Runs come back as they went in, resume where they stopped, and survive whatever happens to their process."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from aim_tui.core.outcomes import Failed, Missing, Present
from aim_tui.core.scoring.context import Context
from aim_tui.core.scoring.events import ImageFailed, ImageRead, Item, MetricBatch, MetricValue, PromptRead
from aim_tui.core.scoring.plan import Status
from aim_tui.core.scoring.records import document
from aim_tui.core.scoring.results import Results
from aim_tui.inputs.file_identity import FileIdentity
from aim_tui.store.database import Database
from aim_tui.store.errors import StoreError, UnknownRunError
from aim_tui.store.files import FileHashes, Stat
from aim_tui.store.records import RunState
from aim_tui.store.runs import Runs
from tests.store.samples import AIM, facts, items, mixed_events, python, request, scored, sha


@pytest.fixture
def runs(database: Database) -> Runs:
    return Runs(database)


def finished(runs: Runs, count: int = 1) -> str:
    with runs.begin(request(), items(count)) as writer:
        for item in range(count):
            writer.write(*scored(item))
    return writer.id


def abandoned(database: Database, run_id: str) -> None:
    """As if the process of a run had been killed."""
    with database.writing() as connection:
        connection.execute(
            "UPDATE runs SET state = 'running', ended = NULL, pid = ?, process = 'gone' WHERE id = ?",
            (2**22 + 1, run_id),
        )


def test_a_loaded_run_says_exactly_what_the_live_one_said(runs: Runs) -> None:
    asked = request(not_asked={"x": "off"})
    live = Results(asked.plan, asked.context)
    live.add(items(4))
    with runs.begin(asked, items(4)) as writer:
        for event in mixed_events():
            writer.write(event)
            live.apply(event)
        writer.end(RunState.CANCELLED, live.summary())
    run = runs.load(writer.id)
    settings = {**asked.settings, "device": "cpu"}
    stored = run.document()
    assert {name: stored[name] for name in stored if name != "run"} == document(live, AIM, settings, {"x": "off"})
    assert [row.outcome("blip2") for row in run.results.rows] == [
        Present(0.5),
        Missing("empty caption"),
        Failed("is empty (0 bytes)"),
        None,
    ]
    assert run.request == asked
    assert run.info.state is RunState.CANCELLED
    assert (run.info.images, run.info.begun, run.info.summary) == (4, 3, live.summary())


def test_what_is_read_of_texts_comes_back(runs: Runs) -> None:
    own = [Item(0, "a.png", context=Context(prompt="its own", topic="its own")), Item(1, "b.png")]
    events = [
        PromptRead(7, 77, False),
        PromptRead(150, 128, True, "topic"),
        PromptRead(90, 77, True, item=0),
        PromptRead(9, 128, False, "topic", item=0),
    ]
    with runs.begin(request(), own) as writer:
        for event in events:
            writer.write(event)
    results = runs.load(writer.id).results
    assert [results.prompt, results.topic] == events[:2]
    assert results.rows[0].texts_read == {"prompt": events[2], "topic": events[3]}
    assert results.rows[1].texts_read == {}


def test_paths_and_texts_with_undecodable_bytes_come_back(runs: Runs) -> None:
    odd = os.fsdecode(b"/images/\xff.png")
    asked = request(folder=os.fsdecode(b"/\xfe"), context=Context("t", "p\udc80", odd))
    with runs.begin(asked, [Item(0, odd), Item(1, "/images/ü\n.png")]) as writer:
        writer.write(ImageFailed(0, f"{odd}: no such file"))
    run = runs.load(writer.id)
    assert [row.path for row in run.results.rows] == [odd, "/images/ü\n.png"]
    assert run.results.rows[0].error == f"{odd}: no such file"
    assert run.request == asked
    assert [info.id for info in runs.history(asked.folder)] == [writer.id]


def test_items_may_bear_any_numbers(runs: Runs) -> None:
    with runs.begin(request(), [Item(70, "/a.png"), Item(5, "/b.png")]) as writer:
        writer.write(*scored(5), *scored(70))
    rows = runs.load(writer.id).results.rows
    assert [(row.path, row.facts) for row in rows] == [("/a.png", facts(70)), ("/b.png", facts(5))]


def test_a_later_value_replaces_an_earlier_one_and_a_failure_replaces_all(runs: Runs) -> None:
    with runs.begin(request(), items(2)) as writer:
        writer.write(*scored(0), MetricBatch("clip", [MetricValue(0, "present", value=0.4)]), *scored(1))
        writer.flush()
        writer.write(ImageFailed(1, "vanished"))
        writer.flush()
        writer.write(ImageRead(1, facts(1)))
    first, second = runs.load(writer.id).results.rows
    assert first.outcome("clip") == Present(0.4)
    assert (second.error, second.raws, second.status) == (None, {}, Status.PENDING)


def test_events_are_committed_within_the_interval_without_a_flush(database: Database) -> None:
    writer = Runs(database).begin(request(), items(1), interval=0.01)
    writer.write(*scored(0))
    deadline = time.monotonic() + 120
    with Database.open(database.path, read_only=True) as other:
        while Runs(other).load(writer.id).results.rows[0].status is not Status.OK:
            assert time.monotonic() < deadline
    writer.end()


def test_writing_never_waits_for_the_disk(database: Database) -> None:
    writer = Runs(database).begin(request(), items(1))
    with Database.open(database.path) as other, other.writing():
        writer.write(*scored(0))
    writer.end()
    assert Runs(database).load(writer.id).results.rows[0].status is Status.OK


def test_a_failed_commit_is_reported_and_tried_again_later(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = Runs(database).begin(request(), items(1), interval=0.001)

    def full() -> None:
        raise StoreError("disk full")

    monkeypatch.setattr(database, "writing", full)
    deadline = time.monotonic() + 120
    with pytest.raises(StoreError, match="disk full"):
        while time.monotonic() < deadline:
            writer.write(*scored(0))
    monkeypatch.undo()
    writer.flush()
    writer.write(*scored(0))
    writer.end()
    assert Runs(database).load(writer.id).results.rows[0].status is Status.OK


@pytest.mark.parametrize(
    ("error", "state"), [(KeyboardInterrupt, RunState.CANCELLED), (ZeroDivisionError, RunState.FAILED)]
)
def test_a_run_that_is_left_by_an_exception_keeps_its_rows(
    runs: Runs, error: type[BaseException], state: RunState
) -> None:
    with pytest.raises(error), runs.begin(request(), items(1)) as writer:
        writer.write(*scored(0))
        raise error
    run = runs.load(writer.id)
    assert (run.info.state, run.results.rows[0].status) == (state, Status.OK)


def test_an_ended_run_takes_nothing_more(runs: Runs) -> None:
    writer = runs.begin(request(), items(1))
    writer.end()
    writer.end(RunState.FAILED)
    with pytest.raises(StoreError, match="has ended"):
        writer.write(*scored(0))
    assert runs.load(writer.id).info.state is RunState.DONE


def test_the_history_is_newest_first_and_can_be_of_one_folder(runs: Runs) -> None:
    ids = []
    for folder in ("/a", "/b", "/a"):
        with runs.begin(request(folder=folder), items(1)) as writer:
            ids.append(writer.id)
    assert {info.id for info in runs.history()} == set(ids)
    assert [info.id for info in runs.history("/a")] == sorted([ids[0], ids[2]], reverse=True)
    assert len(runs.history(limit=1)) == 1


def test_a_run_is_found_by_the_beginning_of_its_id(runs: Runs) -> None:
    first = finished(runs)
    assert runs.find(first[:13].lower()) == runs.find("last") == runs.find(first) == first
    second = finished(runs)
    with pytest.raises(UnknownRunError, match=f"{first}.*{second}|{second}.*{first}"):
        runs.find(first[:4])
    for unknown in ("nothing", "%"):
        with pytest.raises(UnknownRunError, match="no run"):
            runs.find(unknown)


def test_a_deleted_run_leaves_nothing_and_a_running_one_stays(runs: Runs, database: Database) -> None:
    run_id = finished(runs)
    runs.delete(run_id)
    with database.reading() as connection:
        for table in ("runs", "run_images", "run_values", "run_models"):
            assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)
    with pytest.raises(UnknownRunError):
        runs.load(run_id)
    with runs.begin(request(), items(1)) as writer, pytest.raises(StoreError, match="still running"):
        runs.delete(writer.id)


# -- going on ---------------------------------------------------------------------------------------------------------


def pictures(folder: Path, count: int) -> list[Item]:
    made = [Item(number, str(folder / f"{number}.png")) for number in range(count)]
    for item in made:
        Path(item.path).write_bytes(b"x")
    return made


def test_an_interrupted_run_goes_on_with_what_is_left(runs: Runs, database: Database) -> None:
    images = items(3)
    with runs.begin(request(), images) as writer:
        writer.write(*scored(0))
    abandoned(database, writer.id)
    assert runs.load(writer.id).info.state is RunState.INTERRUPTED
    found = runs.find_resumable(request(), images)
    assert found is not None
    again, run = runs.resume(found.id)
    assert [row.item for row in run.results.left(request().context)] == [1, 2]
    again.write(*scored(1), *scored(2))
    again.end()
    assert [row.status for row in runs.load(writer.id).results.rows] == [Status.OK] * 3
    assert runs.find_resumable(request(), images) is None


def test_only_a_run_that_asked_the_same_goes_on(runs: Runs) -> None:
    with pytest.raises(KeyboardInterrupt), runs.begin(request(), items(2)) as writer:
        raise KeyboardInterrupt
    same = items(2)
    found = runs.find_resumable(request(settings={"precision": "aim", "batch_size": 99}, command="other"), same)
    assert found is not None
    assert found.id == writer.id
    for other in (
        request(context=Context("a cabin", "two cabins", "/r.png")),
        request(fingerprints={"clip": "f1"}),
        request(reference_sha256="other"),
        request(folder="/elsewhere"),
        request(settings={"precision": "fast", "batch_size": 4}),
    ):
        assert runs.find_resumable(other, same) is None
    assert runs.find_resumable(request(), items(3)) is None


def test_a_run_that_is_done_or_still_runs_is_not_resumed(runs: Runs) -> None:
    with runs.begin(request(), items(1)) as writer:
        assert runs.find_resumable(request(), items(1)) is None
        with pytest.raises(StoreError, match="is running"):
            runs.resume(writer.id)
    assert runs.find_resumable(request(), items(1)) is None
    with pytest.raises(StoreError, match="is done"):
        runs.resume(writer.id)


def test_an_image_that_changed_since_the_run_began_is_left_again(
    runs: Runs, database: Database, tmp_path: Path
) -> None:
    images = pictures(tmp_path, 3)
    # The clock of the file system ticks more coarsely than ours.
    deadline = time.monotonic() + 120
    while time.time_ns() // 1_000_000 * 1_000_000 <= max(Path(image.path).stat().st_ctime_ns for image in images):
        assert time.monotonic() < deadline
    with runs.begin(request(), images) as writer:
        for item in range(3):
            writer.write(*scored(item))
    abandoned(database, writer.id)
    changed = Path(images[1].path)
    kept = changed.stat()
    while changed.stat().st_ctime_ns <= kept.st_ctime_ns or changed.stat().st_ctime_ns < time.time_ns() - 10**9:
        changed.write_bytes(b"y")
        os.utime(changed, ns=(kept.st_atime_ns, kept.st_mtime_ns))
        assert time.monotonic() < deadline
    Path(images[2].path).unlink()
    again, run = runs.resume(writer.id)
    again.end()
    assert [row.item for row in run.results.left(request().context)] == [1]


def test_a_run_that_goes_on_believes_the_hash_of_a_file_more_than_its_times(
    runs: Runs, database: Database, tmp_path: Path
) -> None:
    images = pictures(tmp_path, 2)
    with runs.begin(request(), images) as writer:
        for item in range(2):
            writer.write(*scored(item))
    abandoned(database, writer.id)
    for image in images:
        # Touched since the run began, and hashed as it is now: one is what it was.
        os.chmod(image.path, 0o600)  # noqa: PTH101
    stats = [Stat(image.path, FileIdentity.from_stat(os.stat(image.path))) for image in images]  # noqa: PTH116
    FileHashes(database).remember([(stats[0], sha(0)), (stats[1], sha("another"))])
    again, run = runs.resume(writer.id)
    again.end()
    assert [row.item for row in run.results.left(request().context)] == [1]
    assert [row.item for row in runs.load(writer.id).results.left(request().context)] == [1]


def test_two_rows_of_one_path_are_each_compared_with_what_they_hold(
    runs: Runs, database: Database, tmp_path: Path
) -> None:
    """As a watch leaves them that has scored an image again under its name."""
    path = pictures(tmp_path, 1)[0].path
    twice = [Item(0, path), Item(1, path)]
    with runs.begin(request(), twice) as writer:
        writer.write(*scored(0), *scored(1))
    stat = Stat(path, FileIdentity.from_stat(os.stat(path)))  # noqa: PTH116
    FileHashes(database).remember([(stat, sha(1))])
    run = runs.load(writer.id)
    assert list(runs.unchanged(run.results.rows, run.info.started)) == [1]


# -- several processes, and their deaths ------------------------------------------------------------------------------

WRITE = """
import sys
from pathlib import Path
from aim_tui.inputs.file_identity import FileIdentity
from aim_tui.store.database import Database
from aim_tui.store.runs import Runs
from tests.store.samples import items, request, scored
count, flush_each = int(sys.argv[2]), sys.argv[3] == "each"
with Database.open(Path(sys.argv[1])) as database:
    writer = Runs(database).begin(request(), items(count))
    print(writer.id, flush=True)
    sys.stdin.readline()
    for item in range(count):
        writer.write(*scored(item))
        if flush_each:
            writer.flush()
            print(item, flush=True)
    if flush_each:
        for item in range(100_000):
            writer.write(*scored(0))
    writer.end()
"""


def test_two_programs_that_write_at_once_lose_nothing(database: Database) -> None:
    programs = [python(WRITE, database.path, 2000, "end", stdin=-1) for _ in range(2)]
    ids = [program.stdout.readline().strip() for program in programs if program.stdout]
    said = [program.communicate("go\n") for program in programs]
    assert [errors for _, errors in said] == ["", ""]
    for run_id in ids:
        run = Runs(database).load(run_id)
        assert run.info.state is RunState.DONE
        assert [row.outcome("clip") for row in run.results.rows] == [Present(0.1 + item / 1e4) for item in range(2000)]
        assert [row.facts and row.facts.sha256 for row in run.results.rows] == [sha(item) for item in range(2000)]


@pytest.mark.parametrize("after", [1, 7, 19])
def test_a_killed_program_loses_only_what_was_not_committed(database: Database, after: int) -> None:
    program = python(WRITE, database.path, 20, "each", stdin=-1)
    assert program.stdout
    assert program.stdin
    run_id = program.stdout.readline().strip()
    program.stdin.write("go\n")
    program.stdin.flush()
    for _ in range(after + 1):
        program.stdout.readline()
    program.send_signal(signal.SIGKILL)
    program.communicate()
    with database.reading() as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    run = Runs(database).load(run_id)
    assert run.info.state is RunState.INTERRUPTED
    assert [row.status for row in run.results.rows[: after + 1]] == [Status.OK] * (after + 1)


def test_an_own_prompt_comes_back_with_its_origin_and_how_much_of_it_was_read(runs: Runs) -> None:
    context = Context(prompt="a cabin", prompt_origin="A1111 parameters")
    asked = request()
    with runs.begin(asked, [Item(0, "/a.png", context), Item(1, "/b.png", Context(prompt_origin="why"))]) as writer:
        writer.write(PromptRead(90, 77, True, item=0))
    first, second = runs.load(writer.id).results.rows
    assert first.own is not None and (first.own.prompt, first.own.prompt_origin) == ("a cabin", "A1111 parameters")
    assert first.texts_read == {"prompt": PromptRead(90, 77, True, item=0)}
    assert second.own is not None and second.own.prompt_origin == "why" and not second.texts_read

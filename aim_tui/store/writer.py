"""Write a run's events to the store: at once to memory, and soon after, in a thread, to disk."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from aim_tui.core.scoring.events import Event, ImageFailed, ImageRead, Item, MetricBatch, ModelLoaded, PromptRead
from aim_tui.core.scoring.results import Summary
from aim_tui.store.codec import own_to_data, to_flat
from aim_tui.store.database import Database
from aim_tui.store.errors import StoreError
from aim_tui.store.packing import pack, pack_optional, to_json
from aim_tui.store.records import RunState

INTERVAL = 0.05
"""Seconds that an event may wait in memory, so that the events of a batch share a commit."""
# Seconds after which a failed commit is tried again.
_TRY_AGAIN = 1.0
# This many events are committed without waiting.
_MANY = 2000

# Reading an image clears an earlier failure; a failure keeps the facts of the file.
_IMAGE = """
    UPDATE run_images SET sha256 = coalesce(?, sha256), facts = coalesce(?, facts),
        source_facts = coalesce(?, source_facts), error = ?
    WHERE run = ? AND item = ?
"""
_FORGET_VALUES = "DELETE FROM run_values WHERE run = ? AND item = ?"
_VALUE = """
    INSERT INTO run_values (run, item, metric, state, value, reason, caption) VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (run, item, metric) DO UPDATE
    SET state = excluded.state, value = excluded.value, reason = excluded.reason, caption = excluded.caption
"""
_MODEL = "INSERT OR REPLACE INTO run_models (run, role, info) VALUES (?, ?, ?)"
_PROMPT = "UPDATE runs SET prompt_read = ? WHERE id = ?"
_TOPIC = "UPDATE runs SET topic_read = ? WHERE id = ?"
_OWN_TEXT = """
    UPDATE run_images SET texts_read = json_set(coalesce(texts_read, '{}'), '$.' || ?, json(?))
    WHERE run = ? AND item = ?
"""


class RunWriter:
    """Writes one run. `write` never waits for the disk; a thread commits.

    As a context manager it ends the run as done, as cancelled on KeyboardInterrupt, or as failed on another
    exception, unless `end` was called before.
    """

    def __init__(self, database: Database, run_id: str, items: dict[int, int], *, interval: float = INTERVAL) -> None:
        self.id = run_id
        self._database = database
        self._items = items
        self._interval = interval
        self._buffer: list[Event] = []
        self.committed = 0
        """The number of events on disk."""
        self._changed = threading.Condition()
        self._committing = threading.Lock()
        self._problem: StoreError | None = None
        self._closing = self._ended = False
        self._thread = threading.Thread(target=self._commit_events, name=f"store-{run_id}", daemon=True)
        self._thread.start()

    def write(self, *events: Event) -> None:
        """Add events of this run, in order.

        Raises StoreError while earlier ones cannot be committed; all are kept, and tried again every second and at the
        end.
        """
        with self._changed:
            if self._closing:
                raise StoreError(f"run {self.id} has ended")
            was_empty = not self._buffer
            self._buffer.extend(events)
            if was_empty or len(self._buffer) >= _MANY:
                self._changed.notify_all()
            if self._problem is not None:
                raise self._problem

    def extend(self, items: Sequence[Item], digest: str) -> None:
        """Add images to the run, on disk before this returns; `digest` is that of the request with them."""
        first = len(self._items)
        added = {item.id: first + number for number, item in enumerate(items)}
        with self._database.writing() as connection:
            insert_images(connection, self.id, items, first)
            connection.execute(
                "UPDATE runs SET images = ?, asked = ? WHERE id = ?", (first + len(items), digest, self.id)
            )
        self._items.update(added)

    def renew(self, items: Sequence[Item]) -> None:
        """Forget what is known of images that are others now, on disk before this returns, and what they brought."""
        self.flush()
        rows = [(self.id, self._items[item.id]) for item in items]
        with self._database.writing() as connection:
            connection.executemany("DELETE FROM run_values WHERE run = ? AND item = ?", rows)
            connection.executemany(
                "UPDATE run_images SET sha256 = NULL, facts = NULL, error = NULL, texts_read = NULL, own = ? "
                "WHERE run = ? AND item = ?",
                [(_columns_of(item)[0], *row) for item, row in zip(items, rows, strict=True)],
            )

    def flush(self) -> None:
        """Commit what has been written so far; if that fails, StoreError, and the events are kept."""
        with self._committing:
            with self._changed:
                events = self._buffer[:]
            if events:
                with self._database.writing() as connection:
                    _store(connection, self.id, self._items, events)
            with self._changed:
                del self._buffer[: len(events)]
                self.committed += len(events)
                self._problem = None

    def end(self, state: RunState = RunState.DONE, summary: Summary | None = None) -> None:
        """Commit the rest and record how the run ended; a second call does nothing."""
        if self._ended:
            return
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join()
        self.flush()
        ended = datetime.now(UTC).isoformat(timespec="milliseconds")
        with self._database.writing() as connection:
            connection.execute(
                "UPDATE runs SET state = ?, ended = ?, summary = ? WHERE id = ?",
                (str(state), ended, to_json(to_flat(summary)) if summary else None, self.id),
            )
        self._ended = True

    def __enter__(self) -> RunWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.end()
        else:
            # The first error is the one to report.
            with contextlib.suppress(StoreError):
                self.end(RunState.CANCELLED if issubclass(kind, KeyboardInterrupt) else RunState.FAILED)

    def _commit_events(self) -> None:
        while self._wait():
            try:
                self.flush()
            except Exception as error:  # reported by the next `write`
                self._set_problem(
                    error if isinstance(error, StoreError) else StoreError(f"cannot be stored: {error!r}")
                )
        self._database.release()

    def _wait(self) -> bool:
        """Wait until there is something to commit and its time is up; False at the end of the run."""
        with self._changed:
            self._changed.wait_for(lambda: self._buffer or self._closing)
            self._changed.wait_for(lambda: self._closing or len(self._buffer) >= _MANY, self._interval)
            return not self._closing

    def _set_problem(self, problem: StoreError) -> None:
        with self._changed:
            self._problem = problem
            self._changed.wait_for(lambda: self._closing, _TRY_AGAIN)


def insert_images(connection: sqlite3.Connection, run: str, items: Sequence[Item], first: int = 0) -> None:
    """Insert images of a run that has `first` images already."""
    connection.executemany(
        "INSERT INTO run_images (run, item, path, own, data_id, source, instruction, source_caption, target_caption, "
        "truth) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        ((run, first + number, pack(item.path), *_columns_of(item)) for number, item in enumerate(items)),
    )


def _columns_of(item: Item) -> tuple[Any, ...]:
    """The columns of an item: its own context, or the parts of an edit."""
    if (edit := item.edit) is None:
        own = None
        if item.context is not None:
            own = to_json(own_to_data(item.context) | {"prompt_origin": item.context.prompt_origin})
        return (own, None, None, None, None, None, None)
    texts = (edit.source, edit.instruction, edit.source_caption, edit.target_caption)
    truth = dict(item.data.truth) if item.data is not None else {}
    return (None, pack(item.data.id if item.data is not None else ""), *map(pack, texts), to_json(truth))


def _store(connection: sqlite3.Connection, run: str, items: Mapping[int, int], events: Sequence[Event]) -> None:
    """Store events as rows, all of one statement together."""
    statements = (_IMAGE, _FORGET_VALUES, _VALUE, _MODEL, _PROMPT, _TOPIC, _OWN_TEXT)
    rows: dict[str, list[tuple[Any, ...]]] = {statement: [] for statement in statements}
    for event in events:
        match event:
            case ImageRead(item, facts, source):
                before = to_json(to_flat(source)) if source is not None else None
                rows[_IMAGE].append((facts.sha256, to_json(to_flat(facts)), before, None, run, items[item]))
            case ImageFailed(item, reason):
                rows[_IMAGE].append((None, None, None, pack(reason), run, items[item]))
                rows[_FORGET_VALUES].append((run, items[item]))
            case MetricBatch(metric, values):
                rows[_VALUE] += (
                    (run, items[v.item], metric, v.state, v.value, pack(v.reason), pack_optional(v.caption))
                    for v in values
                )
            case ModelLoaded(info):
                rows[_MODEL].append((run, info.role, to_json(to_flat(info))))
            case PromptRead(item=int(item)):
                rows[_OWN_TEXT].append((event.text, to_json(to_flat(event)), run, items[item]))
            case PromptRead(text="topic"):
                rows[_TOPIC].append((to_json(to_flat(event)), run))
            case PromptRead():
                rows[_PROMPT].append((to_json(to_flat(event)), run))
    for statement, parameters in rows.items():
        connection.executemany(statement, parameters)

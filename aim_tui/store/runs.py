"""Runs: started with a request, filled by a `RunWriter`, and loaded as results."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from aim_tui.core.metrics.spec import Role
from aim_tui.core.outcomes import Failed
from aim_tui.core.scoring.context import Context
from aim_tui.core.scoring.events import DataRow, ImageFacts, Item, MetricValue, ModelInfo, PromptRead
from aim_tui.core.scoring.results import Raw, Results, Row, Summary, own_need
from aim_tui.inputs.file_identity import FileIdentity
from aim_tui.store.codec import (
    checked,
    checked_fields,
    plan_from_json,
    plan_to_data,
    profile_from_json,
    profile_to_data,
)
from aim_tui.store.database import Database
from aim_tui.store.errors import StoreError, UnknownRunError, decoding
from aim_tui.store.files import FileHashes
from aim_tui.store.packing import pack, to_json, unpack, unpack_optional
from aim_tui.store.processes import Owner
from aim_tui.store.records import RESUMABLE, Run, RunInfo, RunKind, RunRequest, RunState
from aim_tui.store.writer import INTERVAL, RunWriter, insert_images

_Rows = Sequence[tuple[Any, ...]]


# Counting the rows of a long history takes time, so a run with a summary is not counted again. An edit has begun when
# its images are read, because its metrics come one after the other.
_INFO = """
    SELECT runs.*, CASE
        WHEN data IS NOT NULL THEN
            (SELECT count(*) FROM run_images WHERE run = runs.id AND (facts IS NOT NULL OR error IS NOT NULL))
        WHEN summary IS NULL THEN
            (SELECT count(*) FROM run_images WHERE run = runs.id AND error IS NOT NULL)
            + (SELECT count(DISTINCT item) FROM run_values WHERE run = runs.id)
    END AS begun
    FROM runs
"""
_OF_KIND = {None: "TRUE", RunKind.IMAGES: "data IS NULL", RunKind.EDITS: "data IS NOT NULL"}


class Runs:
    """The runs of a store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, request: RunRequest, items: Sequence[Item], *, interval: float = INTERVAL) -> RunWriter:
        """Record a new run of this process over `items`, and return its writer.

        Events name images by `Item.id`; the stored run numbers them from zero in the given order.
        """
        run_id, owner = _new_id(), Owner.this()
        context = request.context
        row = {
            "id": run_id,
            "state": str(RunState.RUNNING),
            "started": _now(),
            "images": len(items),
            "asked": request.digest(items),
            "command": pack(request.command),
            "folder": pack(request.folder),
            "topic": pack(context.topic),
            "prompt": pack(context.prompt),
            "reference": pack(context.reference),
            "reference_sha256": request.reference_sha256,
            "profile_name": request.profile.name,
            "device": request.device,
            "plan": to_json(plan_to_data(request.plan)),
            "profile": to_json(profile_to_data(request.profile)),
            "not_asked": to_json(dict(request.not_asked)),
            "settings": to_json(dict(request.settings)),
            "fingerprints": to_json(dict(request.fingerprints)),
            "versions": to_json(dict(request.versions)),
            "host": owner.host,
            "pid": owner.pid,
            "process": owner.process,
            "data": pack(request.data) if request.data else None,
        }
        names = ", ".join(row)
        with self._database.writing() as connection:
            connection.execute(f"INSERT INTO runs ({names}) VALUES ({', '.join('?' * len(row))})", tuple(row.values()))
            insert_images(connection, run_id, items)
        positions = {item.id: number for number, item in enumerate(items)}
        return RunWriter(self._database, run_id, positions, interval=interval)

    def newest(self, request: RunRequest, items: Iterable[Item]) -> RunInfo | None:
        """The newest run with this request over exactly these images, in any state."""
        digest = request.digest(items)
        with self._database.reading() as connection:
            rows = _dicts(connection.execute(f"{_INFO} WHERE asked = ? ORDER BY id DESC LIMIT 1", (digest,)))
        with decoding(self._database.path):
            return next(map(_info, rows), None)

    def latest(self, request: RunRequest, items: Sequence[Item]) -> Run | None:
        """The newest run with this request, in any state, with its rows; None without one.

        Rows whose files have changed since the run started are unscored.
        """
        info = self.newest(request, items)
        if info is None:
            return None
        run = self.load(info.id)
        for item in self._changed(run.results.rows, info.started):
            run.results.reset(item)
        return run

    def find_resumable(self, request: RunRequest, items: Iterable[Item]) -> RunInfo | None:
        """The run to resume: the newest with this request over exactly these images, if it was stopped.

        None if the newest one is done or still running.
        """
        info = self.newest(request, items)
        return info if info is not None and info.state in RESUMABLE else None

    def resume(self, run_id: str, *, interval: float = INTERVAL) -> tuple[RunWriter, Run]:
        """Resume a stopped run; `run.results.left(context)` is what remains to be scored.

        Images whose file has changed since the run started are scored again, and edits that could not be read. Raises
        StoreError if the run is done or another process runs it: of two that try at once, one succeeds.
        """
        owner = Owner.this()
        with self._database.writing() as connection:
            row = _one(connection, run_id)
            with decoding(self._database.path):
                info = _info(row)
            if info.state not in RESUMABLE:
                raise StoreError(f"run {run_id} is {info.state}: nothing to resume")
            connection.execute(
                "UPDATE runs SET state = 'running', ended = NULL, summary = NULL, host = ?, pid = ?, process = ? "
                "WHERE id = ?",
                (owner.host, owner.pid, owner.process, run_id),
            )
        run = self.load(run_id)
        self._forget_changed(run, info.started)
        positions = {number: number for number in range(len(run.results.rows))}
        return RunWriter(self._database, run_id, positions, interval=interval), run

    def unchanged(self, rows: Sequence[Row], since: datetime) -> dict[int, FileIdentity | None]:
        """Those of these rows whose files hold what they held at this time, by item, with the image's identity now.

        A file that is gone keeps what was found, and has none.
        """
        since_ns = int(since.timestamp() * 1e9)
        present = FileHashes(self._database).present({path for row in rows for path in row.contents}, since_ns)
        unchanged: dict[int, FileIdentity | None] = {}
        for row in rows:
            files = ((present[path], content) for path, content in row.contents.items())
            if all(file is None or file.holds(content, since_ns) for file, content in files):
                file = present[row.path]
                unchanged[row.item] = file.identity if file is not None else None
        return unchanged

    def _changed(self, rows: Sequence[Row], since: datetime) -> list[int]:
        """The items of which something is known and a file is another one than then."""
        known = [row for row in rows if row.facts is not None or row.error is not None]
        unchanged = self.unchanged(known, since)
        return [row.item for row in known if row.item not in unchanged]

    def _forget_changed(self, run: Run, started: datetime) -> None:
        """Forget what a run holds of images whose file has changed since it began, and of edits that were not read."""
        unread = (row.item for row in run.results.rows if row.edit is not None and row.error is not None)
        changed = sorted({*self._changed(run.results.rows, started), *unread})
        if not changed:
            return
        rows = [(run.info.id, item) for item in changed]
        with self._database.writing() as connection:
            connection.executemany("DELETE FROM run_values WHERE run = ? AND item = ?", rows)
            connection.executemany(
                "UPDATE run_images SET sha256 = NULL, facts = NULL, source_facts = NULL, error = NULL "
                "WHERE run = ? AND item = ?",
                rows,
            )
        for item in changed:
            run.results.reset(item)

    def load(self, run_id: str) -> Run:
        """A run with its rows, scored by its own plan; UnknownRunError if there is none."""
        with self._database.reading() as connection:
            row = _one(connection, run_id)
            images = connection.execute(
                "SELECT path, facts, error, own, source_facts, texts_read, data_id, source, instruction, "
                "source_caption, target_caption, truth FROM run_images WHERE run = ? ORDER BY item",
                (run_id,),
            ).fetchall()
            values = connection.execute(
                "SELECT metric, item, state, value, reason, caption FROM run_values WHERE run = ?", (run_id,)
            ).fetchall()
            models = connection.execute("SELECT info FROM run_models WHERE run = ?", (run_id,)).fetchall()
        with decoding(self._database.path):
            return _run(row, images, values, models)

    def history(
        self, folder: str | None = None, limit: int | None = None, *, kind: RunKind | None = RunKind.IMAGES
    ) -> list[RunInfo]:
        """The runs of a folder, or all, the newest first; of both kinds if `kind` is None."""
        where, parameters = _OF_KIND[kind], []
        if folder is not None:
            where, parameters = f"{where} AND folder = ?", [pack(folder)]
        with self._database.reading() as connection:
            rows = _dicts(
                connection.execute(
                    f"{_INFO} WHERE {where} ORDER BY id DESC LIMIT ?", [*parameters, -1 if limit is None else limit]
                )
            )
        with decoding(self._database.path):
            return [_info(row) for row in rows]

    def find(self, name: str, *, kind: RunKind | None = RunKind.IMAGES) -> str:
        """The id of a run by 'last', an id, or a unique prefix of one; UnknownRunError for anything else."""
        where = _OF_KIND[kind]
        with self._database.reading() as connection:
            if name == "last":
                found = connection.execute(f"SELECT id FROM runs WHERE {where} ORDER BY id DESC LIMIT 1").fetchall()
            else:
                found = connection.execute(
                    f"SELECT id FROM runs WHERE {where} AND substr(id, 1, length(?1)) = ?1 ORDER BY id", (name.upper(),)
                ).fetchall()
        if len(found) != 1:
            several = ", ".join(run for (run,) in found[:5])
            hint = f"it may be any of {several}" if found else "see `aim-tui runs list`"
            raise UnknownRunError(f"{'more than one run begins with' if found else 'no run'} {name!r}", hint)
        return str(found[0][0])

    def delete(self, run_id: str) -> None:
        """Remove a run and its values; ratings and the feature cache stay. StoreError while it is running."""
        with self._database.writing() as connection:
            info = _info(_one(connection, run_id))
            if info.state is RunState.RUNNING:
                of_edits = "edit " if info.kind is RunKind.EDITS else ""
                raise StoreError(f"{of_edits}run {run_id} is still running", "cancel it first")
            connection.execute("DELETE FROM runs WHERE id = ?", (run_id,))


def _new_id() -> str:
    """An id of 16 hex digits: the time to the millisecond, and a random end for processes that start together."""
    return f"{time.time_ns() // 1_000_000:012X}{os.urandom(2).hex().upper()}"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _dicts(cursor: sqlite3.Cursor) -> list[dict[str, Any]]:
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def _one(connection: sqlite3.Connection, run_id: str) -> dict[str, Any]:
    rows = _dicts(connection.execute(f"{_INFO} WHERE id = ?", (run_id,)))
    if not rows:
        raise UnknownRunError(f"no run {run_id!r}", "see `aim-tui runs list`")
    return rows[0]


def _info(row: dict[str, Any]) -> RunInfo:
    owner = Owner(row["host"], row["pid"], row["process"])
    state = RunState(row["state"])
    if state is RunState.RUNNING and not owner.alive():
        state = RunState.INTERRUPTED
    summary = checked(Summary, row["summary"]) if row["summary"] else None
    return RunInfo(
        id=row["id"],
        state=state,
        started=datetime.fromisoformat(row["started"]),
        ended=datetime.fromisoformat(row["ended"]) if row["ended"] else None,
        command=unpack(row["command"]),
        folder=unpack(row["folder"]),
        topic=unpack(row["topic"]),
        prompt=unpack(row["prompt"]),
        reference=unpack(row["reference"]),
        profile=row["profile_name"],
        metrics=tuple(json.loads(row["plan"])["metrics"]),
        images=row["images"],
        begun=row["begun"] if summary is None or row["begun"] is not None else summary.n - summary.n_pending,
        owner=owner,
        summary=summary,
        data=unpack_optional(row["data"]) or "",
    )


def _request(row: dict[str, Any]) -> RunRequest:
    return RunRequest(
        context=Context(unpack(row["topic"]), unpack(row["prompt"]), unpack(row["reference"])),
        plan=plan_from_json(row["plan"]),
        profile=profile_from_json(row["profile"]),
        command=unpack(row["command"]),
        folder=unpack(row["folder"]),
        device=row["device"],
        reference_sha256=row["reference_sha256"],
        not_asked=_mapping(row["not_asked"]),
        settings=_mapping(row["settings"]),
        fingerprints=_mapping(row["fingerprints"]),
        versions=_mapping(row["versions"]),
        data=unpack_optional(row["data"]) or "",
    )


def _run(row: dict[str, Any], images: _Rows, values: _Rows, models: _Rows) -> Run:
    request = _request(row)
    results = Results(request.plan, request.context)
    results.add(_item(number, path, own, *edit) for number, (path, _, _, own, _, _, *edit) in enumerate(images))
    for result, (_, facts, error, _, source_facts, texts_read, *_) in zip(results.rows, images, strict=True):
        result.facts = checked(ImageFacts, facts) if facts else None
        result.source = checked(ImageFacts, source_facts) if source_facts else None
        result.error = unpack_optional(error)
        if texts_read:
            result.texts_read = {text: checked_fields(PromptRead, read) for text, read in _mapping(texts_read).items()}
    _fill(results, values)
    infos = {info.role: info for info in (checked(ModelInfo, text) for (text,) in models)}
    # Models of a run over edits were always sorted by name.
    order = sorted(infos) if request.kind is RunKind.EDITS else (*Role, *sorted(infos))
    results.models = {role: infos[role] for role in order if role in infos}
    if row["prompt_read"]:
        results.prompt = checked(PromptRead, row["prompt_read"])
    if row["topic_read"]:
        results.topic = checked(PromptRead, row["topic_read"])
    results.replan(request.plan)
    return Run(_info(row), request, results)


def _fill(results: Results, values: _Rows) -> None:
    """Fill raw values into rows as their events would, without scoring a row once per metric."""
    needs = {metric: results.context.need(metric) for metric in results.plan.metrics}
    for metric, item, state, value, reason, caption in values:
        row: Row = results.rows[item]
        outcome = MetricValue(item, state, value, unpack(reason)).outcome
        row.raws[metric] = Raw(outcome, own_need(row, metric) or needs[metric])
        if caption is not None:
            row.captions[metric] = unpack(caption)
    for row in results.rows:
        if row.error is not None:
            row.raws = {metric: Raw(Failed(row.error), row.need(metric, results.context)) for metric in needs}


def _item(number: int, path: Any, own: str | None, name: Any, source: Any, *edit: Any) -> Item:
    """An image, or the target of an edit, from its stored columns."""
    if source is None:
        return Item(number, unpack(path), context=_own(own))
    *texts, truth = edit
    instruction, source_caption, target_caption = map(unpack, texts)
    context = Context(
        source=unpack(source),
        instruction=instruction,
        source_caption=source_caption,
        target_caption=target_caption,
    )
    return Item(number, unpack(path), context, DataRow(unpack(name), unpack(source), unpack(path), _mapping(truth)))


def _mapping(text: str) -> dict[str, Any]:
    data = json.loads(text)
    if not isinstance(data, dict):
        raise ValueError(f"{text[:40]!r} is not an object")
    return data


def _own(text: str | None) -> Context | None:
    return checked(Context, text) if text is not None else None

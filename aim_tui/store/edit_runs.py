"""Runs over edits: begun with what is asked, filled with the engine's events, found again where they stopped."""

from __future__ import annotations

import hashlib
import json
import os
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aim_tui.core.scoring.edit_results import EditResult, EditResults
from aim_tui.core.scoring.events import (  # fmt: skip
    Event,
    ImageFacts,
    ImageFailed,
    ImageRead,
    MetricBatch,
    MetricValue,
    ModelInfo,
    ModelLoaded,
)
from aim_tui.store.codec import from_flat, to_flat
from aim_tui.store.errors import StoreError, UnknownRunError, decoding
from aim_tui.store.packing import pack, pack_optional, to_json, unpack, unpack_optional
from aim_tui.store.processes import Owner
from aim_tui.store.records import RESUMABLE, RunState, versions

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping, Sequence

    from aim_tui.store.database import Database

_VALUE = """
    INSERT INTO edit_values (run, item, measure, state, value, reason, caption) VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (run, item, measure) DO UPDATE
    SET state = excluded.state, value = excluded.value, reason = excluded.reason, caption = excluded.caption
"""
_NOT_DECIDING = frozenset({"batch_size"})
# Where the profile's notice stands among the settings of a stored run.
_NOTICE = "notice"


@dataclass(frozen=True, slots=True)
class StoredEdit:
    """One edit as a run keeps it; paths are absolute."""

    id: str
    source: str
    target: str
    instruction: str
    source_caption: str = ""
    target_caption: str = ""
    truth: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EditRequest:
    """What a run over edits is asked for. `settings` holds whatever decides about numbers besides the models."""

    families: tuple[str, ...]
    data: str
    profile: str
    settings: Mapping[str, Any]
    fingerprints: Mapping[str, str]
    command: str = ""
    versions: Mapping[str, str] = field(default_factory=versions)
    notice: str = ""
    """What the profile says of its numbers wherever they are shown; it decides about none."""

    def digest(self, edits: Iterable[StoredEdit]) -> str:
        """The same for two requests exactly if one may go on where the other stopped."""
        said = {
            "families": self.families,
            "data": self.data,
            "profile": self.profile,
            "settings": {name: value for name, value in self.settings.items() if name not in _NOT_DECIDING},
            "fingerprints": dict(self.fingerprints),
        }
        digest = hashlib.sha256(to_json(said).encode("ascii"))
        for edit in edits:
            digest.update(to_json([to_flat(edit) | {"truth": dict(edit.truth)}]).encode("ascii"))
        return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class EditRun:
    """A stored run over edits, with its rows."""

    id: str
    state: RunState
    started: datetime
    ended: datetime | None
    request: EditRequest
    edits: tuple[StoredEdit, ...]
    results: EditResults


class EditRuns:
    """The runs over edits of a store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, request: EditRequest, edits: Sequence[StoredEdit]) -> str:
        """Record a new run of this process; its id."""
        run, owner = f"{time.time_ns() // 1_000_000:012X}{os.urandom(2).hex().upper()}", Owner.this()
        row = {
            "id": run,
            "state": str(RunState.RUNNING),
            "started": _now(),
            "edits": len(edits),
            "asked": request.digest(edits),
            "command": pack(request.command),
            "data": pack(request.data),
            "families": to_json(list(request.families)),
            "profile_name": request.profile,
            "settings": to_json({**request.settings, **({_NOTICE: request.notice} if request.notice else {})}),
            "fingerprints": to_json(dict(request.fingerprints)),
            "versions": to_json(dict(request.versions)),
            "host": owner.host,
            "pid": owner.pid,
            "process": owner.process,
        }
        with self._database.writing() as connection:
            connection.execute(
                f"INSERT INTO edit_runs ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", tuple(row.values())
            )
            connection.executemany(
                "INSERT INTO edit_rows (run, item, edit_id, source, target, instruction, source_caption, "
                "target_caption, truth) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    (
                        run, number, pack(edit.id), pack(edit.source), pack(edit.target), pack(edit.instruction),
                        pack(edit.source_caption), pack(edit.target_caption), to_json(dict(edit.truth)),
                    )
                    for number, edit in enumerate(edits)
                ),
            )  # fmt: skip
        return run

    def resume(self, request: EditRequest, edits: Sequence[StoredEdit]) -> EditRun | None:
        """Take over the newest run that asked exactly this, where it did not come to its end; else None.

        Edits with a file that has changed since the run began are left again, as those are that could not be read.
        """
        owner = Owner.this()
        with self._database.writing() as connection:
            found = connection.execute(
                "SELECT id, state, started, host, pid, process FROM edit_runs WHERE asked = ? ORDER BY id DESC LIMIT 1",
                (request.digest(edits),),
            ).fetchone()
            if found is None or state_of(found[1], Owner(*found[3:])) not in RESUMABLE:
                return None
            run, began = str(found[0]), datetime.fromisoformat(found[2])
            connection.execute(
                "UPDATE edit_runs SET state = 'running', ended = NULL, host = ?, pid = ?, process = ? WHERE id = ?",
                (owner.host, owner.pid, owner.process, run),
            )
            rows = connection.execute("SELECT item, source, target, error FROM edit_rows WHERE run = ?", (run,))
            again = [(run, item) for item, *paths, error in rows if error is not None or _changed(paths, began)]
            connection.executemany("DELETE FROM edit_values WHERE run = ? AND item = ?", again)
            connection.executemany("UPDATE edit_rows SET error = NULL WHERE run = ? AND item = ?", again)
        return self.load(run)

    def find(self, request: EditRequest, edits: Sequence[StoredEdit]) -> EditRun | None:
        """The newest run that asked exactly this, however it stands; None where there is none.

        An edit with a file that has changed since that run began is as if it had not been scored.
        """
        with self._database.reading() as connection:
            found = connection.execute(
                "SELECT id FROM edit_runs WHERE asked = ? ORDER BY id DESC LIMIT 1", (request.digest(edits),)
            ).fetchone()
        if found is None:
            return None
        run = self.load(str(found[0]))
        for number, edit in enumerate(run.edits):
            if _changed((edit.source, edit.target), run.started):
                run.results.rows[number] = EditResult(number)
        return run

    def write(self, run: str, events: Sequence[Event]) -> None:
        """Commit events of a run; when it returns they are on disk."""
        with self._database.writing() as connection:
            for event in events:
                _store(connection, run, event)

    def end(self, run: str, state: RunState) -> None:
        """Say how a run ended."""
        with self._database.writing() as connection:
            connection.execute("UPDATE edit_runs SET state = ?, ended = ? WHERE id = ?", (str(state), _now(), run))

    def load(self, run: str) -> EditRun:
        """A run with its rows; UnknownRunError where there is none."""
        with self._database.reading() as connection:
            cursor = connection.execute("SELECT * FROM edit_runs WHERE id = ?", (run,))
            names = [column[0] for column in cursor.description]
            found = cursor.fetchone()
            if found is None:
                raise UnknownRunError(f"there is no edit run {run!r}", "it may be of another store: --store")
            rows = connection.execute(
                "SELECT edit_id, source, target, instruction, source_caption, target_caption, truth, source_facts, "
                "target_facts, error FROM edit_rows WHERE run = ? ORDER BY item",
                (run,),
            ).fetchall()
            values = connection.execute(
                "SELECT measure, item, state, value, reason, caption FROM edit_values WHERE run = ?", (run,)
            ).fetchall()
            models = connection.execute("SELECT info FROM edit_run_models WHERE run = ?", (run,)).fetchall()
        with decoding(self._database.path):
            return _loaded(dict(zip(names, found, strict=True)), rows, values, models)

    def newest(self, limit: int | None = None) -> list[str]:
        """The ids of the runs, the newest first."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT id FROM edit_runs ORDER BY id DESC LIMIT ?", (-1 if limit is None else limit,)
            )
            return [str(run) for (run,) in rows]

    def delete(self, run: str) -> None:
        """Remove a run and its numbers; StoreError while it is running."""
        with self._database.writing() as connection:
            found = connection.execute(
                "SELECT state, host, pid, process FROM edit_runs WHERE id = ?", (run,)
            ).fetchone()
            if found is None:
                raise UnknownRunError(f"there is no edit run {run!r}", "it may be of another store: --store")
            if state_of(found[0], Owner(*found[1:])) is RunState.RUNNING:
                raise StoreError(f"edit run {run} is still running", "cancel it first")
            connection.execute("DELETE FROM edit_runs WHERE id = ?", (run,))


def _store(connection: sqlite3.Connection, run: str, event: Event) -> None:
    match event:
        case ImageRead(item, target, source):
            facts = [to_json(to_flat(each)) if each is not None else None for each in (source, target)]
            connection.execute(
                "UPDATE edit_rows SET source_facts = ?, target_facts = ?, error = NULL WHERE run = ? AND item = ?",
                (*facts, run, item),
            )
        case ImageFailed(item, reason):
            connection.execute("UPDATE edit_rows SET error = ? WHERE run = ? AND item = ?", (pack(reason), run, item))
            connection.execute("DELETE FROM edit_values WHERE run = ? AND item = ?", (run, item))
        case MetricBatch(measure, values):
            connection.executemany(
                _VALUE,
                ((run, v.item, measure, v.state, v.value, pack(v.reason), pack_optional(v.caption)) for v in values),
            )
        case ModelLoaded(info):
            connection.execute(
                "INSERT OR REPLACE INTO edit_run_models (run, role, info) VALUES (?, ?, ?)",
                (run, info.role, to_json(to_flat(info))),
            )


def _loaded(
    row: dict[str, Any], rows: Sequence[tuple[Any, ...]], values: Sequence[tuple[Any, ...]], models: Sequence[Any]
) -> EditRun:
    settings = json.loads(row["settings"])
    notice = str(settings.pop(_NOTICE, ""))
    request = EditRequest(
        families=tuple(json.loads(row["families"])),
        data=unpack(row["data"]),
        profile=row["profile_name"],
        settings=settings,
        fingerprints=json.loads(row["fingerprints"]),
        command=unpack(row["command"]),
        versions=json.loads(row["versions"]),
        notice=notice,
    )
    results = EditResults(request.families, len(rows))
    edits = []
    for number, (*texts, truth, source, target, error) in enumerate(rows):
        name, before, after, instruction, *captions = map(unpack, texts)
        edits.append(StoredEdit(name, before, after, instruction, captions[0], captions[1], json.loads(truth)))
        if target is not None:
            facts = [from_flat(ImageFacts, json.loads(text)) for text in (target, source)]
            results.apply(ImageRead(number, *facts))
        if (reason := unpack_optional(error)) is not None:
            results.apply(ImageFailed(number, reason))
    for measure, item, state, value, reason, caption in values:
        said = MetricValue(item, state, value, unpack(reason), unpack_optional(caption))
        results.apply(MetricBatch(measure, [said]))
    for (text,) in models:
        results.apply(ModelLoaded(from_flat(ModelInfo, json.loads(text))))
    return EditRun(
        id=row["id"],
        state=state_of(row["state"], Owner(row["host"], row["pid"], row["process"])),
        started=datetime.fromisoformat(row["started"]),
        ended=datetime.fromisoformat(row["ended"]) if row["ended"] else None,
        request=request,
        edits=tuple(edits),
        results=results,
    )


def state_of(text: str, owner: Owner) -> RunState:
    """How a run stands: one that says it is running is interrupted where its process is gone."""
    state = RunState(text)
    return RunState.INTERRUPTED if state is RunState.RUNNING and not owner.alive() else state


def _changed(paths: Sequence[str | bytes], began: datetime) -> bool:
    """Whether one of the files is another one than when the run began; one that is gone keeps what was found."""
    for path in paths:
        try:
            if os.stat(unpack(path)).st_ctime_ns > int(began.timestamp() * 1e9):  # noqa: PTH116
                return True
        except (OSError, ValueError):
            continue
    return False


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")

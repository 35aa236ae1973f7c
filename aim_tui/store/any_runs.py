"""Runs over images and runs over edits side by side: a user's id may be of either."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from aim_tui.store.edit_runs import state_of
from aim_tui.store.errors import UnknownRunError, decoding
from aim_tui.store.packing import unpack
from aim_tui.store.processes import Owner

if TYPE_CHECKING:
    from aim_tui.store.database import Database
    from aim_tui.store.records import RunState


class RunKind(StrEnum):
    """What a run is over."""

    IMAGES = "images"
    EDITS = "edits"


@dataclass(frozen=True, slots=True)
class EditRunInfo:
    """One line of a history: what can be told of a run over edits without its rows."""

    id: str
    state: RunState
    started: datetime
    ended: datetime | None
    command: str
    data: str
    profile: str
    families: tuple[str, ...]
    edits: int
    begun: int
    """Edits of which something is known: a value, or why they could not be read."""
    owner: Owner


def find_any(database: Database, name: str) -> tuple[RunKind, str]:
    """The run that a user means: 'last', an id, or the beginning of just one of either kind; else UnknownRunError."""
    both = "SELECT 'images' AS kind, id FROM runs UNION ALL SELECT 'edits', id FROM edit_runs"
    with database.reading() as connection:
        if name == "last":
            found = connection.execute(f"SELECT kind, id FROM ({both}) ORDER BY id DESC LIMIT 1").fetchall()
        else:
            found = connection.execute(
                f"SELECT kind, id FROM ({both}) WHERE substr(id, 1, length(?1)) = ?1 ORDER BY id", (name.upper(),)
            ).fetchall()
    if len(found) != 1:
        several = ", ".join(run for _, run in found[:5])
        hint = f"it may be any of {several}" if found else "see `aim-tui runs list`"
        raise UnknownRunError(f"{'more than one run begins with' if found else 'there is no run'} {name!r}", hint)
    return RunKind(found[0][0]), str(found[0][1])


def edit_history(database: Database, folder: str | None = None, limit: int | None = None) -> list[EditRunInfo]:
    """The runs over edits, of data files in a folder or of all, the newest first."""
    with database.reading() as connection:
        rows = connection.execute(
            "SELECT id, state, started, ended, command, data, profile_name, families, edits, host, pid, process, "
            "(SELECT count(*) FROM edit_rows WHERE run = edit_runs.id AND (target_facts NOT NULL OR error NOT NULL)) "
            "FROM edit_runs ORDER BY id DESC"
        ).fetchall()
    with decoding(database.path):
        infos = [_info(row) for row in rows]
    return [info for info in infos if folder in (None, _folder(info.data))][:limit]


def refuse_edits(database: Database, name: str) -> None:
    """UnknownRunError where a name is of a run over edits, which has no plan, prompt and final score."""
    kind, run = find_any(database, name)
    if kind is RunKind.EDITS:
        raise UnknownRunError(
            f"{run} is a run over edits, and this is made of runs over images",
            "`aim-tui runs show` and `aim-tui runs export -f csv` know both",
        )


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _info(row: tuple[Any, ...]) -> EditRunInfo:
    run, state, started, ended, command, data, profile, families, edits, host, pid, process, begun = row
    owner = Owner(host, pid, process)
    return EditRunInfo(
        id=run,
        state=state_of(state, owner),
        started=datetime.fromisoformat(started),
        ended=datetime.fromisoformat(ended) if ended else None,
        command=unpack(command),
        data=unpack(data),
        profile=profile,
        families=tuple(json.loads(families)),
        edits=edits,
        begun=begun,
        owner=owner,
    )

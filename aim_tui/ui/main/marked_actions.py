"""Verbs on the marked images, each with its questions. Awaited in a Textual worker, since they wait for answers."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from textual.app import App
from textual.content import Content

from aim_tui.core.scoring.columns import View
from aim_tui.core.scoring.results import Row
from aim_tui.core.selection.mark_rules import MarkRule
from aim_tui.core.text import printable
from aim_tui.errors import AimError
from aim_tui.exports.images import ImageRecords
from aim_tui.file_operations.plan import Action, TransferPlan, folder_problem, paths_as_bytes
from aim_tui.file_operations.transfer import TransferOutcome
from aim_tui.ui.dialogs.ask import AskScreen
from aim_tui.ui.dialogs.confirm import ConfirmScreen
from aim_tui.ui.dialogs.dialog import PageDialog
from aim_tui.ui.main.marked_menu import RuleScreen, TransferScreen
from aim_tui.ui.session.arrangement import Arrangement
from aim_tui.ui.session.exports import export_path, listed_endings, path_problem, provenance
from aim_tui.ui.session.exports import write_rows as write_records
from aim_tui.ui.session.undo_history import UndoResult, UndoStep

if TYPE_CHECKING:
    from aim_tui.ui.session.session import Session

_RATINGS = ("0", "1", "2", "3", "4", "5")


async def do(app: App[int], session: Session, name: str, rows: Sequence[Row]) -> None:
    """Do what was chosen in the menu with these rows, and say what came of it."""
    try:
        match name:
            case "score":
                session.scoring.score(row.item for row in rows)
            case "rate":
                await rate(app, session, rows)
            case "copy" | "move":
                await transfer(app, session, Action(name), rows)
            case "undo":
                await undo_last_transfer(session)
            case "list" | "list0":
                await write_list(app, session, rows, b"\0" if name == "list0" else b"\n")
            case "rows":
                await write_rows(app, session, rows)
    except (AimError, OSError) as error:
        session.workspace.notify(printable(str(error)), "error")


async def rate(app: App[int], session: Session, rows: Sequence[Row]) -> None:
    """Give all of them one rating, after the number was said."""
    text = await app.push_screen_wait(
        AskScreen(
            "Rate",
            f"One rating for {_images(len(rows))}: 1 to 5, or 0 clears yours. Ratings they have are replaced.",
            "",
            lambda text: "" if text in _RATINGS else "a number from 0 to 5",
        )
    )
    if text is None:
        return
    stored = await session.ratings.rate_all([row.path for row in rows], float(text) or None)
    if stored:
        left = f"; {len(rows) - stored} cannot be read" if stored < len(rows) else ""
        done = f"rated {_images(stored)} {text}" if text != "0" else f"{_images(stored)} have no rating of yours now"
        session.workspace.notify(f"{done}{left}; u undoes", "error" if left else "information")


async def transfer(app: App[int], session: Session, action: Action, rows: Sequence[Row]) -> None:
    """Copy or move files to a folder that is asked for, after a question where files leave or something is left out."""
    if action is Action.MOVE and (reason := _files_stay(session)):
        session.workspace.notify(reason, "warning")
        return
    answer = await app.push_screen_wait(
        AskScreen(
            f"{action.title()} {_images(len(rows))}",
            "To which folder? A missing one is made. Files beside the images stay.",
            printable(f"{session.workspace.listing.folder}/"),
            lambda text: folder_problem(_folder(text)) if text else folder_problem(""),
        )
    )
    if answer is None:
        return
    folder = _folder(answer)
    plan = await _settle(app, await session.file_transfer.plan(action, [row.path for row in rows], folder))
    if plan is None:
        return
    outcome = await app.push_screen_wait(TransferScreen(session.file_transfer, session.file_transfer.transfer(plan)))
    if outcome is not None:
        if outcome.carried:
            session.undo_history.add(transfer_step(app, session, outcome))
        if action is Action.MOVE:
            session.folders.moved({one.source: one.target for one in outcome.carried})
        await _report(app, session, outcome, "copied" if action is Action.COPY else "moved", "; u undoes")


def transfer_step(app: App[int], session: Session, done: TransferOutcome) -> UndoStep:
    """The step of a copy or move that was carried out."""
    doing = "copying" if done.action is Action.COPY else "moving"
    what = f"{doing} {_images(len(done.carried))} to {printable(done.folder)}"
    undo = partial(_undo_transfer, app, session, done)
    return UndoStep(what, undo, None, by_hand="b does it again", owner=session.file_transfer, asks=True)


async def undo_last_transfer(session: Session) -> None:
    """Undo the last copy or move, also where something else was changed since."""
    step = session.undo_history.newest(session.file_transfer)
    if step is None:
        session.workspace.notify("there is no copy or move to undo", "warning")
    else:
        await asyncio.shield(session.undo_history.undo(step))


async def _undo_transfer(app: App[int], session: Session, done: TransferOutcome) -> UndoResult:
    """Undo a copy or move, after a question, and list what has to stay as it is."""
    workspace, where, number = session.workspace, printable(done.folder), _images(len(done.carried))
    if (reason := _files_stay(session)) and (done.action is Action.MOVE or workspace.running is not None):
        workspace.notify(f"not undone: {reason}", "warning")
        return UndoResult.REFUSED
    if len(app.screen_stack) > 1:
        workspace.notify(
            f"the last change is the {done.action} of {number}: q goes back to where u undoes it", "warning"
        )
        return UndoResult.REFUSED
    if done.action is Action.MOVE:
        question = f"{number} go from {where} back to where they were."
    else:
        question = f"{number} that were copied to {where} are removed there."
    question += " Files that have changed since stay."
    if not await app.push_screen_wait(ConfirmScreen(f"Undo the {done.action}?", question, "Undo", "Leave it")):
        workspace.notify(f"the {done.action} of {number} was not undone")
        return UndoResult.REFUSED
    outcome = await app.push_screen_wait(TransferScreen(session.file_transfer, session.file_transfer.undo(done)))
    if outcome is None:
        return UndoResult.REFUSED
    if outcome.action is Action.MOVE:
        session.folders.moved({one.source: one.target for one in outcome.carried})
    if not outcome.refused and not outcome.cancelled:
        return UndoResult.DONE
    then = "; u goes on" if outcome.cancelled else ""
    await _report(app, session, outcome, "moved back" if done.action is Action.MOVE else "removed", then)
    return UndoResult.REFUSED if outcome.cancelled else UndoResult.IMPOSSIBLE


def _files_stay(session: Session) -> str:
    """Why no files are moved now; empty where they are."""
    if session.workspace.running is not None:
        return "files are not moved while a job runs; x cancels it"
    if session.workspace.viewed is not None:
        return "files are not moved while a stored run is shown; esc goes back to the folder"
    return ""


async def _settle(app: App[int], plan: TransferPlan) -> TransferPlan | None:
    """Ask what has to be asked of a plan; None where nothing is to be done."""
    verb, where = plan.action.title(), printable(plan.folder)
    if not plan.fits:
        text = f"{_bytes(plan.needed)} are needed in {where} and {_bytes(plan.free)} are free."
        await app.push_screen_wait(PageDialog("No room", [Content(text), Content("Nothing was touched.")]))
        return None
    if taken := len(plan.taken):
        has = "has" if taken == 1 else "have"
        question = f"{_images(taken)} {has} a name that is taken in {where}. Nothing is overwritten."
        rename = await app.push_screen_wait(
            ConfirmScreen("Names are taken", f"{question} Number those, as in img (2).png?", "Number", "Skip them")
        )
        if rename is None:
            return None
        plan = plan.with_taken_renamed() if rename else plan.with_taken_skipped()
    if not plan.steps:
        await _list_refused(app, f"Nothing to {plan.action}", plan.refused)
        return None
    if plan.action is Action.COPY and not plan.refused and not taken:
        return plan
    question = f"{verb} {_images(len(plan.steps))} to {where}{' (a new folder)' if plan.makes_folder else ''}?"
    if plan.refused:
        question += f" {len(plan.refused)} left out; listed afterwards."
    return plan if await app.push_screen_wait(ConfirmScreen(f"{verb} files", question, verb, "Leave them")) else None


async def _report(app: App[int], session: Session, outcome: TransferOutcome, done: str, then: str) -> None:
    ended = ", then cancelled" if outcome.cancelled else ""
    session.workspace.notify(f"{_images(len(outcome.carried))} {done}{ended}{then if outcome.carried else ''}")
    if outcome.unrecorded:
        after = "after a restart this cannot be undone"
        session.workspace.notify(f"the journal could not be written ({outcome.unrecorded}): {after}", "warning")
    if outcome.refused:
        await _list_refused(app, f"{len(outcome.carried)} {done}, {len(outcome.refused)} not", outcome.refused)


async def _list_refused(app: App[int], heading: str, refused: Sequence[tuple[str, str]]) -> None:
    shown = [
        Content.assemble((printable(path.rpartition("/")[2]), "bold"), f"  {reason}") for path, reason in refused[:200]
    ]
    more = [Content(f"and {len(refused) - 200} more")] if len(refused) > 200 else []
    await app.push_screen_wait(PageDialog(heading, [*shown, *more]))


async def write_list(app: App[int], session: Session, rows: Sequence[Row], end: bytes) -> None:
    """Write the paths of these rows to a file."""
    from aim_tui.exports.atomic_write import write_whole

    kind = "each ended by NUL" if end == b"\0" else "one a line"
    proposal = f"{session.workspace.listing.folder}/marked.txt"
    text = await _ask_file(app, f"Paths of {_images(len(rows))}, {kind}.", proposal, True)
    if text is None:
        return
    try:
        content = paths_as_bytes([row.path for row in rows], end)
    except ValueError as error:
        session.workspace.notify(f"{error}; the list for xargs -0 can hold them", "error")
        return
    await asyncio.to_thread(write_whole, export_path(text), content)
    session.workspace.notify(f"wrote {len(rows)} paths to {text}")


async def write_rows(app: App[int], session: Session, rows: Sequence[Row]) -> None:
    """Write these rows to a file."""
    from aim_tui.core.scoring.results import Results

    about = f"Rows of {_images(len(rows))} as {listed_endings(ImageRecords)}."
    text = await _ask_file(app, about, f"{session.workspace.listing.folder}/marked.csv", False)
    if text is None:
        return
    every = session.workspace.results
    chosen = Results(every.plan, every.context)
    chosen.models, chosen.prompt, chosen.rows = every.models, every.prompt, list(rows)
    workspace = session.workspace
    source = provenance(workspace.profile, workspace.engine_settings(), workspace.skipped)
    await asyncio.to_thread(write_records, export_path(text), chosen, source, await session.ratings.judged())
    workspace.notify(f"wrote {len(rows)} rows to {text}")


async def _ask_file(app: App[int], about: str, proposal: str, is_list: bool) -> str | None:
    """A path to write to; asks before a file is replaced."""

    def check(text: str) -> str:
        if not is_list:
            return path_problem(text)
        # Never an image by a slip: a list has a name of its own kind.
        if not text.lower().endswith((".txt", ".lst", ".list")):
            return "the name must end in .txt, .lst or .list"
        path = export_path(text)
        if os.path.isdir(path):
            return f"{path} is a folder"
        return "" if os.path.isdir(path.parent) else f"there is no folder {path.parent}"

    text = await app.push_screen_wait(AskScreen("Export", about, printable(proposal), check))
    if text is not None and os.path.exists(export_path(text)):
        question = f"{printable(text)} is there already."
        if not await app.push_screen_wait(ConfirmScreen("Replace the file?", question, "Replace", "Leave it")):
            return None
    return text


async def mark_by_rule(app: App[int], session: Session, arrangement: Arrangement, marks: frozenset[int]) -> list[int]:
    """The items that a rule takes among what is shown; none where nothing was chosen."""
    results, order, sort = session.workspace.results, list(arrangement.order), arrangement.sort
    view = View.of(results.context, results.plan.metrics, marks, session.ratings.mine, results.names)

    def take(rule: MarkRule) -> list[int]:
        return rule.items(results.rows, order, sort, view)

    by = f"by {sort.column}{', falling' if sort.reverse else ''}"
    items = await app.push_screen_wait(RuleScreen(take, by, len(order)))
    return items if items is not None and results is session.workspace.results else []


async def suggest_reference(app: App[int], session: Session, items: Sequence[int]) -> None:
    """Offer the most typical of these images as the reference, with what that rests on."""
    rows = [session.workspace.results.rows[item] for item in items]
    try:
        typical = await session.search.typical_image(rows)
    except AimError as error:
        session.workspace.notify(f"no reference can be suggested: {error}", "warning")
        return
    left = f"\n{typical.left_out} of {len(rows)} have no embedding and were left out." if typical.left_out else ""
    question = (
        f"{printable(typical.path.rpartition('/')[2])} is the most typical of {_images(typical.count)} "
        "as CLIP sees them: "
        f"its mean similarity to the others is {typical.similarity:.3f}.{left}"
    )
    heading = "Suggested reference"
    if await app.push_screen_wait(ConfirmScreen(heading, question, "Take it", "Leave", yes_is_safe=True)):
        session.setup.set_reference(typical.path)


def _folder(text: str) -> str:
    return os.path.abspath(os.path.expanduser(text))  # text, any bytes


def _images(count: int) -> str:
    return f"{count} image{'' if count == 1 else 's'}"


def _bytes(count: int) -> str:
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count} B"

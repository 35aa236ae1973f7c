"""Verbs on the marked images, each with its questions. Awaited in a Textual worker, since they wait for answers."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from textual.content import Content

from aim_tui.core.selection.fields import View
from aim_tui.core.text import printable
from aim_tui.errors import AimError
from aim_tui.file_operations.plan import Action, folder_problem, paths_as_bytes
from aim_tui.ui.dialogs.ask import AskScreen
from aim_tui.ui.dialogs.confirm import ConfirmScreen
from aim_tui.ui.dialogs.dialog import PageDialog
from aim_tui.ui.main.marked_menu import CarryScreen, RuleScreen
from aim_tui.ui.session.exports import export, export_path, path_problem
from aim_tui.ui.session.messages import Said

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import App

    from aim_tui.core.scoring.results import Row
    from aim_tui.core.selection.mark_rules import MarkRule
    from aim_tui.file_operations.plan import TransferPlan
    from aim_tui.file_operations.transfer import TransferOutcome
    from aim_tui.ui.session.arrangement import Arrangement
    from aim_tui.ui.session.session import Session

_RATINGS = ("0", "1", "2", "3", "4", "5")


async def do(app: App[int], session: Session, name: str, rows: Sequence[Row]) -> None:
    """Do what was chosen in the menu with these rows, and say what came of it."""
    try:
        match name:
            case "score":
                session.score(row.item for row in rows)
            case "rate":
                await rate(app, session, rows)
            case "copy" | "move":
                await carry(app, session, Action(name), rows)
            case "undo":
                await take_back(app, session)
            case "list" | "list0":
                await write_list(app, session, rows, b"\0" if name == "list0" else b"\n")
            case "rows":
                await write_rows(app, session, rows)
    except (AimError, OSError) as error:
        session.say(Said(printable(str(error)), "error"))


async def rate(app: App[int], session: Session, rows: Sequence[Row]) -> None:
    """Give all of them one rating, after the number was said."""
    text = await app.push_screen_wait(
        AskScreen(
            "Rate",
            f"One rating for {_images(len(rows))}: 1 to 5, or 0 takes yours back. Ratings they have are replaced.",
            "",
            lambda text: "" if text in _RATINGS else "a number from 0 to 5",
        )
    )
    if text is None:
        return
    stored = await session.judging.rate_all([row.path for row in rows], float(text) or None)
    if stored:
        left = f"; {len(rows) - stored} cannot be read" if stored < len(rows) else ""
        done = f"rated {_images(stored)} {text}" if text != "0" else f"{_images(stored)} have no rating of yours now"
        session.say(Said(f"{done}{left}; u takes it back", "error" if left else "information"))


async def take_back_word(session: Session) -> None:
    """Take back the rating, rejection or note that was given last, or all ratings that were given at once."""
    undone = await asyncio.shield(session.judging.undo())
    if undone is not None:
        session.say(Said(str(undone)))


async def carry(app: App[int], session: Session, action: Action, rows: Sequence[Row]) -> None:
    """Copy or move files to a folder that is asked for, after a question that names number and folder."""
    if action is Action.MOVE and (session.running is not None or session.viewed is not None):
        reason = "a job runs; x cancels it" if session.running is not None else "a stored run is shown"
        session.say(Said(f"files are not moved while {reason}", "warning"))
        return
    answer = await app.push_screen_wait(
        AskScreen(
            f"{action.title()} {_images(len(rows))}",
            "To which folder? A missing one is made. Files beside the images stay.",
            printable(f"{session.listing.folder}/"),
            lambda text: folder_problem(_folder(text)) if text else folder_problem(""),
        )
    )
    if answer is None:
        return
    folder = _folder(answer)
    plan = await _settle(app, await session.batch.plan(action, [row.path for row in rows], folder))
    if plan is None:
        return
    outcome = await app.push_screen_wait(CarryScreen(session.batch, session.batch.carry(plan)))
    if outcome is not None:
        if action is Action.MOVE:
            session.moved({one.source: one.target for one in outcome.carried})
        await _report(app, session, outcome, "copied" if action is Action.COPY else "moved", " (b u takes it back)")


async def take_back(app: App[int], session: Session) -> None:
    """Take the last copy or move back, after a question."""
    last = session.batch.last
    if last is None:
        session.say(Said("there is no copy or move to take back", "warning"))
        return
    if session.running is not None:
        session.say(Said("files are not moved while a job runs; x cancels it", "warning"))
        return
    where = printable(last.folder)
    number = _images(len(last.carried))
    if last.action is Action.MOVE:
        question = f"{number} go from {where} back to where they were."
    else:
        question = f"{number} that were copied to {where} are removed there."
    question += " Files that have changed since stay."
    if not await app.push_screen_wait(ConfirmScreen(f"Undo the {last.action}?", question, "Undo", "Leave it")):
        return
    outcome = await app.push_screen_wait(CarryScreen(session.batch, session.batch.undo()))
    if outcome is not None:
        if outcome.action is Action.MOVE:
            session.moved({one.source: one.target for one in outcome.carried})
        await _report(app, session, outcome, "taken back", "")


async def _settle(app: App[int], plan: TransferPlan) -> TransferPlan | None:
    """Ask what has to be asked of a plan; None where nothing is to be done."""
    verb, where = plan.action.title(), printable(plan.folder)
    if not plan.fits:
        text = f"{_bytes(plan.needed)} are needed in {where} and {_bytes(plan.free)} are free."
        await app.push_screen_wait(PageDialog("No room", [Content(text), Content("Nothing was touched.")]))
        return None
    if plan.taken:
        taken = len(plan.taken)
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
    question = f"{verb} {_images(len(plan.steps))} to {where}{' (a new folder)' if plan.makes_folder else ''}?"
    if plan.refused:
        question += f" {len(plan.refused)} left out; listed afterwards."
    return plan if await app.push_screen_wait(ConfirmScreen(f"{verb} files", question, verb, "Leave them")) else None


async def _report(app: App[int], session: Session, outcome: TransferOutcome, done: str, then: str) -> None:
    ended = ", then cancelled" if outcome.cancelled else ""
    session.say(Said(f"{_images(len(outcome.carried))} {done}{ended}{then if outcome.carried else ''}"))
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
    text = await _ask_file(app, f"Paths of {_images(len(rows))}, {kind}.", f"{session.listing.folder}/marked.txt", True)
    if text is None:
        return
    try:
        content = paths_as_bytes([row.path for row in rows], end)
    except ValueError as error:
        session.say(Said(f"{error}; the list for xargs -0 can hold them", "error"))
        return
    await asyncio.to_thread(write_whole, export_path(text), content)
    session.say(Said(f"wrote {len(rows)} paths to {text}"))


async def write_rows(app: App[int], session: Session, rows: Sequence[Row]) -> None:
    """Write these rows to a file."""
    from aim_tui.core.scoring.results import Results

    about = f"Rows of {_images(len(rows))} as .csv, .json or .jsonl."
    text = await _ask_file(app, about, f"{session.listing.folder}/marked.csv", False)
    if text is None:
        return
    every = session.results
    chosen = Results(every.plan, every.context)
    chosen.models, chosen.prompt, chosen.rows = every.models, every.prompt, list(rows)
    engine = session.launch.engine_settings(session.profile)
    asked = (session.profile, engine, session.not_asked, await session.judging.judged())
    await asyncio.to_thread(export, export_path(text), chosen, *asked)
    session.say(Said(f"wrote {len(rows)} rows to {text}"))


async def _ask_file(app: App[int], about: str, proposal: str, is_list: bool) -> str | None:
    """A path to write to; asks before a file is replaced."""

    def check(text: str) -> str:
        if not is_list:
            return path_problem(text)
        # Never an image by a slip: a list has a name of its own kind.
        if not text.lower().endswith((".txt", ".lst", ".list")):
            return "the name must end in .txt, .lst or .list"
        path = export_path(text)
        if path.is_dir():
            return f"{path} is a folder"
        return "" if path.parent.is_dir() else f"there is no folder {path.parent}"

    text = await app.push_screen_wait(AskScreen("Export", about, printable(proposal), check))
    if text is not None and export_path(text).exists():
        question = f"{printable(text)} is there already."
        if not await app.push_screen_wait(ConfirmScreen("Replace the file?", question, "Replace", "Leave it")):
            return None
    return text


async def mark_by_rule(app: App[int], session: Session, arrangement: Arrangement, marks: frozenset[int]) -> list[int]:
    """The items that a rule takes among what is shown; none where nothing was chosen."""
    results, order, sort = session.results, list(arrangement.order), arrangement.sort
    view = View.of(results.context, results.plan.metrics, marks, session.judging.mine)

    def take(rule: MarkRule) -> list[int]:
        return rule.items(results.rows, order, sort, view)

    by = f"by {sort.column}{', falling' if sort.reverse else ''}"
    items = await app.push_screen_wait(RuleScreen(take, by, len(order)))
    return items if items is not None and results is session.results else []


async def suggest_reference(app: App[int], session: Session, items: Sequence[int]) -> None:
    """Offer the most typical of these images as the reference, with what that rests on."""
    # Neither it nor numpy behind it has to be there for the first paint.
    from aim_tui.ui.session.typical import typical_image

    rows = [session.results.rows[item] for item in items]
    try:
        found = await typical_image(session.store, session.profile, session.launch.reading, rows)
    except AimError as error:
        session.say(Said(f"no reference can be suggested: {error}", "warning"))
        return
    left = f"\n{found.left_out} of {len(rows)} have no embedding and were left out." if found.left_out else ""
    question = (
        f"{printable(found.path.rpartition('/')[2])} is the most typical of {_images(found.count)} as CLIP sees them: "
        f"its mean similarity to the others is {found.similarity:.3f}.{left}"
    )
    heading = "Suggested reference"
    if await app.push_screen_wait(ConfirmScreen(heading, question, "Take it", "Leave", yes_is_safe=True)):
        session.set_reference(found.path)


def _folder(text: str) -> str:
    return os.path.abspath(os.path.expanduser(text))  # noqa: PTH100, PTH111  # text, any bytes


def _images(count: int) -> str:
    return f"{count} image{'' if count == 1 else 's'}"


def _bytes(count: int) -> str:
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count} B"

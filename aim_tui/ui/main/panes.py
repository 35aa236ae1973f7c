"""The panes of the main screen, and what they show of the workspace."""

from __future__ import annotations

import asyncio
import gc
from collections import deque
from collections.abc import Sequence
from time import monotonic
from typing import TYPE_CHECKING

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.events import Resize

from aim_tui.core.scoring.results import Summary
from aim_tui.core.text import printable
from aim_tui.ui.concurrency import in_row_thread
from aim_tui.ui.dialogs.help import HelpScreen
from aim_tui.ui.dialogs.notifications import NotificationsScreen
from aim_tui.ui.late_input import LateInput
from aim_tui.ui.main.file_entries import folder_entries, image_entries
from aim_tui.ui.main.file_list import FileList
from aim_tui.ui.main.info_line import InfoLine
from aim_tui.ui.main.layout import share_out
from aim_tui.ui.main.prompt_form import PromptForm
from aim_tui.ui.main.reference_chip import ReferenceChip
from aim_tui.ui.notifications import ShownNotification
from aim_tui.ui.progress_strip import ProgressStrip
from aim_tui.ui.scores.score_pane import ScorePane
from aim_tui.ui.scores.table_verbs import TableVerbs
from aim_tui.ui.session.messages import (
    ActivityChanged,
    BelowCounted,
    FolderOpened,
    OpinionsChanged,
    ScoresChanged,
    SetupChanged,
    UserNotice,
    WatchChanged,
)
from aim_tui.ui.session.terminal_status import TerminalStatus
from aim_tui.ui.undo_verbs import UndoVerbs
from aim_tui.ui.widgets.header_lines import NoticeLine, SetupLine, TitleLine
from aim_tui.ui.widgets.image_preview import ImagePreview
from aim_tui.ui.widgets.key_line import KeyLine

if TYPE_CHECKING:
    from aim_tui.ui.session.session import Session

# What the files show of so many rows is made anew in some 5 ms.
_FILES_AT_ONCE = 1000
# After a summary, so many times as long as it took none is made: while all rows change it would never end.
_SUMMARY_SHARE = 3


class PanesScreen(TableVerbs, UndoVerbs):
    """Files, prompt, scores and preview: shows the workspace; the verbs are in `screen`."""

    def __init__(
        self,
        session: Session,
        terminal_status: TerminalStatus,
        late_input: LateInput,
        notifications: deque[ShownNotification],
    ) -> None:
        super().__init__()
        self.session = session
        self.undo_history = session.undo_history
        self.workspace = session.workspace
        self._terminal_status = terminal_status
        self._late_input = late_input
        self._past_notifications = notifications
        self._models_shown_for = ""
        # The path, the content that its score is of, and the caption.
        self._previewed: tuple[str | None, str | None, str | None] = (None, None, None)
        self._summary_wanted = self._summing_up = False

    def compose(self) -> ComposeResult:
        """Title, panes, then the lines that speak."""
        context, policy = self.workspace.context, self.workspace.launch.reading
        place, texts = self.workspace.begun_place, self.workspace.saved_state.texts
        # Held rather than looked up: facts may still arrive while the screen is being taken down.
        self.heading, self.setup, self.notice = TitleLine(), SetupLine(), NoticeLine()
        self.files = FileList(id="files")
        self.form = PromptForm(context.topic, context.prompt, texts.topics, texts.prompts)
        self.chip = ReferenceChip(policy)
        self.scores = ScorePane(place, self.session.ratings.mine, undo_history=self.undo_history)
        self.preview = ImagePreview(policy=policy, id="preview")
        self.info, self.strip = InfoLine(place.info), ProgressStrip()
        yield self.heading
        with Horizontal(id="panes"):
            yield self.files
            with Vertical(id="centre"):
                yield self.form
                yield self.chip
                yield self.setup
                yield self.scores
            yield self.preview
        yield self.notice
        yield self.info
        yield self.strip
        yield KeyLine()

    # -- what has changed --------------------------------------------------------------------------------------------

    @on(FolderOpened)
    def _folder_opened(self) -> None:
        self._show_scores()
        self.strip.show_marked(self.scores.marked_note)
        self._show_files()
        self._show_setup()
        self._show_summary()

    @on(BelowCounted)
    def _below_counted(self) -> None:
        self._show_heading()
        if not self.workspace.results.rows:
            self._show_scores()

    @on(ScoresChanged)
    def _scores_changed(self) -> None:
        workspace = self.workspace
        items = workspace.take_changed()
        self.session.ratings.rows_changed(workspace.results.rows[item] for item in items)
        self.scores.rows_changed(items)
        self._show_files_changed(items)
        self._show_current()
        if workspace.running is None:
            self._show_summary()

    @on(WatchChanged)
    def _watch_changed(self) -> None:
        workspace, folder_watch = self.workspace, self.session.folder_watch
        added, results = folder_watch.take_added(), workspace.results
        self.strip.show_watching(folder_watch.note)
        self.files.entries_added(
            image_entries([results.rows[item] for item in added], results), workspace.unfinished_files
        )
        self._show_heading()
        if added:
            self.scores.rows_added(added)
            self._share_out()
            if workspace.running is None:
                self._show_summary()

    @on(OpinionsChanged)
    def _opinions_changed(self) -> None:
        self.scores.rows_changed(self.session.ratings.take_changed())
        self._share_out()

    @on(SetupChanged)
    def _setup_changed(self) -> None:
        self._show_scores()
        self._show_files()
        self._show_setup()
        if self.workspace.running is None:
            self._show_summary()
        self._count_tokens(self.form.prompt)

    @on(ActivityChanged)
    def _activity_changed(self) -> None:
        activity = self.session.scoring.activity()
        self._terminal_status.show(activity, self.workspace.folder)
        self.strip.show(activity)
        self.strip.show_not_stored(self.session.scoring.not_stored)
        if not activity.running:
            self._show_summary()
        self.refresh_bindings()

    @work(group="tokens")
    async def _count_tokens(self, text: str) -> None:
        wanted = "clip" in self.workspace.enabled
        self.form.show_tokens(text, await self.session.heatmaps.tokens_while_typing(text, wanted=wanted))

    @on(UserNotice)
    def _notify(self, event: UserNotice) -> None:
        if event.quiet:
            self._past_notifications.append(ShownNotification.now(printable(event.text), event.severity))
            return
        timeout = {"information": 3.0, "warning": 6.0, "error": 12.0}[event.severity]
        self.notify(printable(event.text), severity=event.severity, timeout=timeout, markup=False)

    # -- what is shown -----------------------------------------------------------------------------------------------

    @on(Resize)
    def _share_out(self) -> None:
        """Give files and preview what the table leaves; where that is too little, they wait behind a key."""
        panes = share_out(self.size.width, self.scores.wanted_width)
        for pane, width in ((self.files, panes.files), (self.preview, panes.preview)):
            pane.styles.width = width or None
        self.set_class(panes.files > 0, "-files-beside")
        self.set_class(panes.preview > 0, "-preview-beside")

    def _show_scores(self) -> None:
        listing = self.workspace.listing
        if listing.problem:
            what = "No images" if listing.paths or listing.recursive else "This folder cannot be read"
            empty = f"{what}: {printable(listing.problem)}.\nIn the files (o), h goes to the folder above."
        else:
            keys = "l opens a folder and h the one above"
            empty = f"No images in this folder.\nIn the files (o), {keys}."
            if below := self.workspace.below:
                empty = f"No images in this folder; {below}.\nIn the files (o), R shows them, {keys}."
            if left_out := self.workspace.left_out:
                empty += f"\nLeft out: {left_out}."
        self.scores.show(self.workspace.results, empty)
        self._share_out()
        self._show_current()

    @work(exclusive=True, group="files")
    async def _show_files(self) -> None:
        workspace, results = self.workspace, self.workspace.results
        seen = len(results.rows)
        lines = await in_row_thread(folder_entries, workspace.listing, results)
        gc.freeze()
        if results is workspace.results:
            current = self.files.cursor_key if self.files.has_focus else None
            row = self.scores.current
            self.files.show_by_path(lines, current or (row.path if row is not None else None))
            # Some may have come meanwhile.
            self.files.entries_added(image_entries(results.rows[seen:], results), workspace.unfinished_files)

    @work(group="files changed")
    async def _show_files_changed(self, items: Sequence[int]) -> None:
        results = self.workspace.results
        # Other weights change 100,000 rows at once.
        for start in range(0, len(items), _FILES_AT_ONCE):
            changed = [results.rows[item] for item in items[start : start + _FILES_AT_ONCE]]
            self.files.entries_changed(image_entries(changed, results))
            await asyncio.sleep(0)
            if results is not self.workspace.results:
                return

    def _show_setup(self) -> None:
        workspace = self.workspace
        self.form.show(workspace.context.topic, workspace.context.prompt)
        self.chip.show(workspace.context.reference)
        self.setup.show(workspace.plan, workspace.skipped, workspace.problem)
        self.notice.show(workspace.notice)
        self._show_heading()

    def _show_heading(self) -> None:
        workspace = self.workspace
        recalled = workspace.saved_state.recalled_in(workspace.context, workspace.profile.name)
        folder, images, own = str(workspace.listing.folder), len(workspace.results.rows), workspace.item_prompt_count
        others = ["sub-folders too"] if workspace.listing.recursive else []
        others += [f"{workspace.below.images:,} in sub-folders"] if workspace.below else []
        others += [f"{workspace.left_out.count} left out"] if workspace.left_out else []
        self.heading.show(folder, images, workspace.profile.name, recalled, own, ", ".join(others))

    def _show_current(self) -> None:
        workspace, row = self.workspace, self.scores.current
        whose = workspace.prompt_origin(row) if row is not None else ""
        self.info.show(row, workspace.plan, workspace.context, workspace.skipped, whose)
        path, caption = (row.path, row.caption) if row is not None else (None, None)
        content = row.facts.sha256 if row is not None and row.facts is not None else None
        shown_path, shown_content, shown_caption = self._previewed
        # A row that is pending again is of another picture.
        if path != shown_path or shown_content not in (None, content):
            self.preview.show(path, caption=caption, neighbours=[row.path for row in self.scores.neighbours()])
            if row is not None:
                self.session.replaced_files.look([row])
        elif caption != shown_caption:
            self.preview.set_caption(caption)
        self._previewed = (path, content, caption)

    def _show_summary(self) -> None:
        # Asked for while one is made: once more after it, and not at the same time.
        self._summary_wanted = True
        if not self._summing_up:
            self._summing_up = True
            self._sum_up()

    @work(group="summary")
    async def _sum_up(self) -> None:
        try:
            while self._summary_wanted:
                self._summary_wanted = False
                results, began = self.workspace.results, monotonic()
                summary = await in_row_thread(results.summary)
                if results is self.workspace.results:
                    self._show_sum(summary)
                await asyncio.sleep(_SUMMARY_SHARE * (monotonic() - began))
        finally:
            self._summing_up = False

    def _show_sum(self, summary: Summary) -> None:
        broken = summary.n_failed + summary.n_partial
        stale = f", {summary.n_stale} out of date" if summary.n_stale else ""
        if summary.best is not None and summary.mean is not None:
            best = printable(self.workspace.results.names[summary.best], None)
            self.strip.show_summary(f"mean {summary.mean:.1f}, best {summary.best_score:.1f} {best}{stale}", broken)
        elif summary.n:
            none = "none has a final score" if broken or summary.n_stale else "none scored; s scores them"
            self.strip.show_summary(f"{summary.n} images, {none}{stale}", broken)
        else:
            self.strip.show_summary("")

    # -- pages to read -----------------------------------------------------------------------------------------------

    def action_notifications(self) -> None:
        """All notifications that were shown."""
        self.app.push_screen(NotificationsScreen(self._past_notifications))

    def action_help(self) -> None:
        """The keys that work here."""
        self.app.push_screen(HelpScreen(self.app, self.active_bindings.values()))

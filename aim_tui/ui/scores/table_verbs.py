"""What every screen with a score table offers: to sort, filter and find in it."""

from __future__ import annotations

from textual.screen import Screen

from aim_tui.core.selection.sorting import SortKey
from aim_tui.ui.dialogs.sort import LetterScreen
from aim_tui.ui.scores.score_pane import ScorePane


class TableVerbs(Screen[None]):
    """The actions behind the keys; the keys themselves are the screen's."""

    scores: ScorePane

    def sort_screen(self) -> LetterScreen:
        """Asks for the letter of a column."""
        raise NotImplementedError

    def action_sort(self) -> None:
        """Wait for the letter of a column."""

        def chosen(key: SortKey | None) -> None:
            if key is not None:
                self.scores.sort_by(key)

        self.app.push_screen(self.sort_screen(), chosen)

    def action_filter(self) -> None:
        """Show only some rows."""
        self.scores.start_filter()

    def action_find(self) -> None:
        """Find a name."""
        self.scores.start_find()

    def action_find_again(self, step: int) -> None:
        """The next or previous name found."""
        if not self.scores.find_again(step):
            self.notify("nothing found to go on to; / finds", markup=False, timeout=3)

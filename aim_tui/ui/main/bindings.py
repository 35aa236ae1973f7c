"""The keys of the main screen. Lists and fields bring their own; ids are what a keymap changes."""

from __future__ import annotations

from textual.binding import BindingType

from aim_tui.ui.aim_screen import ScreenKeys
from aim_tui.ui.undo_verbs import undo_bindings

_key = ScreenKeys("main")

MAIN_BINDINGS: list[BindingType] = [
    _key("s", "score", "Score", "Score the marked images, or what is left where none is marked"),
    _key("S", "score_all", "Score all", "Score all images anew", show=False),
    _key("x", "cancel", "Cancel", "End the job; what is finished stays"),
    _key("W", "restart", "Restart worker", "Say why the worker died and start it again"),
    _key("p", "edit_prompt", "Prompt", "Edit prompt and topic: enter saves, esc restores them", "prompt"),
    _key("r", "take_reference", "Reference", "Compare with the current image", "reference", show=False),
    _key("R", "clear_reference", "No reference", "Compare with no image", "no-reference", show=False),
    _key("i", "review", "Review", "One image after another, with keys to rate them; enter too", show=False),
    _key("c", "compare", "Compare", "The current image beside the marked one or the reference", show=False),
    _key("z", "preview", "View", "The current image on the whole screen", "view"),
    _key("e", "explain", "Explain", "Why the current image scores as it does", show=False),
    _key("A", "heatmap", "Heatmap", "Which regions of the current image count", show=False),
    _key("w", "weights", "Weights", "Weights and switches of the metrics", show=False),
    _key("m", "turn_info", "Info", "Path and failures, caption, or formula below", "info", show=False),
    _key("comma", "sort", "Sort", "Then a column's letter; upper case reverses", show=False),
    _key("slash", "find", "Find", "Find a name; tab searches by what is shown", show=False),
    _key("n", "find_again(1)", "Next", "The next name found", "find-next", show=False),
    _key("N", "find_again(-1)", "Previous", "The name found before", "find-previous", show=False),
    _key("f", "filter", "Filter", "Show only some: a name, or final>70 & caption~cabin"),
    _key("b", "batch", "Batch", "What can be done with the marked images: copy, move, list"),
    *undo_bindings(_key),
    _key(
        "full_stop", "suggest_reference", "Suggest reference",
        "The most typical of the images, as a reference", show=False,
    ),
    _key(
        "asterisk", "mark_by_rule", "Mark by rule",
        "Mark top 20, or what an expression accepts", "mark-rule", show=False,
    ),
    _key("P", "pause", "Pause", "Keep order and place while results arrive", show=False),
    _key("y", "copy_path", "Copy path", "Send the path to the clipboard", show=False),
    _key("Y", "copy_row", "Copy row", "Send the row to the clipboard as TSV", show=False),
    _key("ctrl+s", "export", "Export", "Write all rows to a CSV or JSON file", show=False),
    _key("M", "models", "Models", "Models: what is missing, profiles, fetching", show=False),
    _key("H", "history", "History", "Stored runs: open one, compare two, delete", show=False),
    _key(
        "K", "correlate", "Correlation",
        "How far the metrics agree with ratings, duels or a file", "correlation", show=False,
    ),
    _key("E", "edits", "Open edits...", "Score and rate image edits: source, target, instruction", show=False),
    _key(
        "O", "findings", "Open results...",
        "What `aim-tui categories`, `classify` or `matrix` found: the JSON file", show=False,
    ),
    _key("t", "grid", "Grid", "All that is shown as thumbnails", show=False),
    _key("D", "duel", "Duel", "Blind duels between the marked or shown images", show=False),
    _key(
        "I", "item_prompts", "Prompts of images",
        "From metadata, sidecar files or names; or the current image's alone", "own-prompts", show=False,
    ),
    _key(
        "F", "watch", "Watch",
        "Follow the folder: new images appear and are scored; again: not scored; again: off", show=False,
    ),
    _key("L", "notifications", "Messages", "All messages, also those that have gone", "told", show=False),
    _key("o", "browse", "Files", "Files and folders", "files"),
    _key("escape", "back", "Back", "Close files or a stored run, or show all rows again", show=False),
    _key("question_mark,f1", "help", "Help", "The keys that work here", display="?"),
    _key("colon", "app.command_palette", "Commands", "Every action by name", "palette", show=False),
    _key("q", "app.quit", "Quit", "Quit; asks while a job runs", "quit", show=False),
]  # fmt: skip

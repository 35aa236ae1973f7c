"""The keys of the main screen. Lists and fields bring their own; ids are what a keymap changes."""

from __future__ import annotations

from textual.binding import Binding, BindingType

MAIN_BINDINGS: list[BindingType] = [
    Binding(
        "s", "score", "Score", tooltip="Score the marked images, or what is left where none is marked", id="main.score"
    ),
    Binding("S", "score_all", "Score all", show=False, tooltip="Score all images anew", id="main.score-all"),
    Binding("x", "cancel", "Cancel", tooltip="End the job; what is finished stays", id="main.cancel"),
    Binding("W", "restart", "Restart worker", tooltip="Say why the worker died and start it again", id="main.restart"),
    Binding(
        "p", "edit_prompt", "Prompt", tooltip="Edit prompt and topic: enter saves, esc restores them", id="main.prompt"
    ),
    Binding(
        "r", "take_reference", "Reference", show=False, tooltip="Compare with the current image", id="main.reference"
    ),
    Binding(
        "R", "clear_reference", "No reference", show=False, tooltip="Compare with no image", id="main.no-reference"
    ),
    Binding(
        "i",
        "review",
        "Review",
        show=False,
        tooltip="One image after another, with keys to rate them; enter too",
        id="main.review",
    ),
    Binding(
        "c",
        "compare",
        "Compare",
        show=False,
        tooltip="The current image beside the marked one or the reference",
        id="main.compare",
    ),
    Binding("z", "preview", "View", tooltip="The current image on the whole screen", id="main.view"),
    Binding(
        "e", "explain", "Explain", show=False, tooltip="Why the current image scores as it does", id="main.explain"
    ),
    Binding(
        "A", "heatmap", "Heatmap", show=False, tooltip="Which regions of the current image count", id="main.heatmap"
    ),
    Binding("w", "weights", "Weights", show=False, tooltip="Weights and switches of the metrics", id="main.weights"),
    Binding(
        "m", "turn_info", "Info", show=False, tooltip="Path and failures, caption, or formula below", id="main.info"
    ),
    Binding("comma", "sort", "Sort", show=False, tooltip="Then a column's letter; upper case reverses", id="main.sort"),
    Binding("slash", "find", "Find", show=False, tooltip="Find a name; tab searches by what is shown", id="main.find"),
    Binding("n", "find_again(1)", "Next", show=False, tooltip="The next name found", id="main.find-next"),
    Binding("N", "find_again(-1)", "Previous", show=False, tooltip="The name found before", id="main.find-previous"),
    Binding("f", "filter", "Filter", tooltip="Show only some: a name, or final>70 & caption~cabin", id="main.filter"),
    Binding(
        "b", "batch", "Batch", tooltip="What can be done with the marked images: copy, move, list", id="main.batch"
    ),
    Binding(
        "u",
        "undo",
        "Undo",
        show=False,
        tooltip="Take back the rating, rejection or note given last; a batch at once",
        id="main.undo",
    ),
    Binding(
        "full_stop",
        "suggest_reference",
        "Suggest reference",
        show=False,
        tooltip="The most typical of the images, as a reference",
        id="main.suggest-reference",
    ),
    Binding(
        "asterisk",
        "mark_by_rule",
        "Mark by rule",
        show=False,
        tooltip="Mark top 20, or what an expression accepts",
        id="main.mark-rule",
    ),
    Binding("P", "pause", "Pause", show=False, tooltip="Keep order and place while results arrive", id="main.pause"),
    Binding("y", "copy_path", "Copy path", show=False, tooltip="Send the path to the clipboard", id="main.copy-path"),
    Binding(
        "Y", "copy_row", "Copy row", show=False, tooltip="Send the row to the clipboard as TSV", id="main.copy-row"
    ),
    Binding("ctrl+s", "export", "Export", show=False, tooltip="Write all rows to a CSV or JSON file", id="main.export"),
    Binding(
        "M", "models", "Models", show=False, tooltip="Models: what is missing, profiles, fetching", id="main.models"
    ),
    Binding(
        "H", "history", "History", show=False, tooltip="Stored runs: open one, compare two, delete", id="main.history"
    ),
    Binding(
        "K",
        "correlate",
        "Correlation",
        show=False,
        tooltip="How far the metrics agree with ratings, duels or a file",
        id="main.correlation",
    ),
    Binding(
        "E",
        "edits",
        "Open edits...",
        show=False,
        tooltip="Score and rate image edits: source, target, instruction",
        id="main.edits",
    ),
    Binding(
        "O",
        "findings",
        "Open results...",
        show=False,
        tooltip="What `aim-tui categories`, `classify` or `matrix` found: the JSON file",
        id="main.findings",
    ),
    Binding("t", "grid", "Grid", show=False, tooltip="All that is shown as thumbnails", id="main.grid"),
    Binding("D", "duel", "Duel", show=False, tooltip="Blind duels between the marked or shown images", id="main.duel"),
    Binding(
        "I",
        "item_prompts",
        "Prompts of images",
        show=False,
        tooltip="From metadata, sidecar files or names; or the current image's alone",
        id="main.own-prompts",
    ),
    Binding(
        "F",
        "watch",
        "Watch",
        show=False,
        tooltip="Follow the folder: new images appear and are scored; again: not scored; again: off",
        id="main.watch",
    ),
    Binding(
        "L",
        "notifications",
        "Messages",
        show=False,
        tooltip="What was said, also what is gone from the screen",
        id="main.told",
    ),
    Binding("o", "browse", "Files", tooltip="Files and folders", id="main.files"),
    Binding(
        "escape",
        "back",
        "Back",
        show=False,
        tooltip="Close files or a stored run, or show all rows again",
        id="main.back",
    ),
    Binding("question_mark,f1", "help", "Help", tooltip="The keys that work here", id="main.help", key_display="?"),
    Binding("colon", "app.command_palette", "Commands", show=False, tooltip="Every action by name", id="main.palette"),
    Binding("q", "app.quit", "Quit", show=False, tooltip="Quit; asks while a job runs", id="main.quit"),
]

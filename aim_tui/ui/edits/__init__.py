"""Image edits: table, panes and review."""

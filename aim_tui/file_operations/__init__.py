"""Copy and move the user's files: plan first, never overwrite, allow undo."""

"""Copying and moving the user's files: planned first, done one by one, never over another file, undone at will."""

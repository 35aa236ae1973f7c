"""The table of what is scored, images or edits, with what sorts, filters and searches it."""

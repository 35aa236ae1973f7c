"""The main screen: files, scores and the preview."""

"""Model files: what is here, what is missing, and the download."""

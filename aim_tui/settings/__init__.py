"""Settings files, profiles as data, and the folders for settings and state."""

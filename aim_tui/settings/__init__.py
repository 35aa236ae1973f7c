"""Settings files, profiles as data, and the folders where state is kept."""

"""Two images next to each other."""

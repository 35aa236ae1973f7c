"""One image as large as the terminal allows."""

"""What the terminal can do, found out without asking it anything once Textual runs."""

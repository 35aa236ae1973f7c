"""Terminal capabilities and control sequences; the terminal is queried only before Textual starts."""

"""`python -m aim_tui` is the `aim-tui` command."""

from __future__ import annotations

from aim_tui.cli import main

if __name__ == "__main__":
    main()

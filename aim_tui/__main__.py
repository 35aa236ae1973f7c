"""`python -m aim_tui` is the `aim-tui` command."""

from __future__ import annotations

from aim_tui.isolation import isolate

if __name__ == "__main__":
    isolate()
    from aim_tui.cli import main

    main()

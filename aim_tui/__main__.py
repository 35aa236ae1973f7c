"""`python -m aim_tui` is the `aim-tui` command."""

from __future__ import annotations

from aim_tui.isolation import isolate

isolate()

from aim_tui.cli import main  # noqa: E402 - not before the import path is safe

if __name__ == "__main__":
    main()

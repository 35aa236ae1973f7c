"""`python -m aim_tui.worker`: the process that holds the models."""

from __future__ import annotations

from aim_tui.worker.process import main

if __name__ == "__main__":
    main()

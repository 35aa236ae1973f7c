"""`python -m aim_tui.worker`: the process that holds the models."""

from __future__ import annotations

from aim_tui.isolation import isolate

if __name__ == "__main__":
    isolate()
    from aim_tui.worker.process import main

    main()

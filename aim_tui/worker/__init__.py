"""The only room that imports torch: the engine, the metrics, the models, and the worker process."""

from __future__ import annotations

from aim_tui.worker.runtime import prepare_environment

# OpenMP reads its settings once, when torch is first imported; whatever imports torch passes here first.
prepare_environment()

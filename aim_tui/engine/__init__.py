"""All that needs torch: images and texts in, raw values out."""

from __future__ import annotations

from aim_tui.engine.runtime import prepare_environment

# OpenMP reads its settings once, when torch is first imported; whatever imports torch passes here first.
prepare_environment()

"""What the process that others are forked from imports: the libraries, and all that a run imports on its way.

Nothing is computed here, since a library's threads do not survive a fork.
"""

from __future__ import annotations

import sentence_transformers  # noqa: F401
import torch  # noqa: F401
import transformers.models.blip_2.modeling_blip_2
import transformers.models.clip.modeling_clip  # noqa: F401

import aim_tui.engine.engine
import aim_tui.engine.metrics.clip
import aim_tui.engine.models.clip  # noqa: F401
from aim_tui.settings.settings import load_settings
from aim_tui.store import migrations
from aim_tui.store.runs import Runs

load_settings()
migrations.released()

# A run here lasts about a second. It commits as often in it as a long one does in a minute, so that a moment at random
# falls between two commits, and into one.
for method in (Runs.begin, Runs.resume):
    assert method.__kwdefaults__ is not None
    method.__kwdefaults__["interval"] = 0.02

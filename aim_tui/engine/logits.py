"""How a model makes logits of cosines; kept, so that it need not be loaded for that."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import msgspec

from aim_tui.core.embeddings.zero_shot import Logits
from aim_tui.core.metrics.spec import Role
from aim_tui.engine.cache_keys import Cache, text_key
from aim_tui.engine.models.loading import LoadedModel

if TYPE_CHECKING:
    from aim_tui.engine.models.clip import Clip

_NOTE = "logits"


def kept_logits(role: Role, cache: Cache | None) -> Logits | None:
    """What is kept of a model's logits."""
    if cache is None or role not in cache.identities:
        return None
    key = text_key(_NOTE)
    kept = cache.access.values(cache.notes(role, _NOTE), [key]).get(key)
    return None if kept is None else msgspec.json.decode(kept, type=Logits)


def logits_of(role: Role, model: LoadedModel, cache: Cache | None) -> Logits:
    """The logits of a loaded model, which are kept."""
    clip = cast("Clip", model)
    found = Logits(clip.scale, sigmoid=hasattr(clip.model, "logit_bias"))
    if cache is not None and role in cache.identities:
        encoded = msgspec.json.encode(found).decode()
        cache.access.keep_values(cache.notes(role, _NOTE), {text_key(_NOTE): encoded})
    return found

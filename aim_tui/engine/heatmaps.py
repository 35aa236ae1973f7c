"""Maps over one image: where CLIP looks, what made it match the words, where it differs from the reference."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from torch.nn import functional

from aim_tui.core.heatmaps import MOST_CELLS, MakeMap, Map, MapMethod
from aim_tui.core.metrics.spec import Role
from aim_tui.engine.metrics.base import UnsuitableError, cosines
from aim_tui.engine.metrics.lpips import check_size, fitted
from aim_tui.engine.models.attention import class_attention, relevance
from aim_tui.engine.models.clip import Clip
from aim_tui.engine.models.loading import LoadedModel
from aim_tui.engine.models.lpips import Lpips
from aim_tui.errors import AimError, UsageError
from aim_tui.inputs.images import ImageError

if TYPE_CHECKING:
    from aim_tui.engine.metrics.base import Read

_DIGITS = 5


def role_for(method: MapMethod) -> Role:
    """The model that a map is made with."""
    return Role.LPIPS if method is MapMethod.DIFFERENCE else Role.CLIP


def make_map(request: MakeMap, model: Callable[[Role], LoadedModel], read: Read) -> Map:
    """The map that is asked for. AimError where a file cannot be read, a model not be had, or nothing be compared."""
    pixels = _pixels(request.path, read, "")
    loaded = model(role_for(request.method))
    if request.method is MapMethod.DIFFERENCE:
        reference = _pixels(request.reference, read, "reference ")
        return _difference(cast("Lpips", loaded), pixels, reference)
    return _heatmap(cast("Clip", loaded), request, pixels)


def _heatmap(clip: Clip, request: MakeMap, pixels: torch.Tensor) -> Map:
    prepared = clip.prepare(pixels)
    if request.method is MapMethod.RELEVANCE and not request.text.strip():
        raise UsageError("there is no text to compare with", "p edits the prompt")
    score, text = _score(clip, prepared, request.text)
    whole = score if request.whole == request.text else _score(clip, prepared, request.whole)[0]
    if request.method is MapMethod.RELEVANCE and text is not None:
        grid = relevance(clip, prepared, text)
        layers = clip.model.config.vision_config.num_hidden_layers
        how = f"gradient-weighted attention over all {layers} layers (Chefer et al. 2021)"
    else:
        grid = class_attention(clip, prepared)
        how = (
            f"class token's attention, last layer, mean of {clip.model.config.vision_config.num_attention_heads} heads"
        )
    height, width = pixels.shape[:2]
    return Map(
        request.method,
        _rows(grid),
        width,
        height,
        area=clip.preparation.seen(width, height),
        text=request.text,
        score=score,
        whole=whole,
        how=f"{how}, {clip.info.id}",
    )


def _score(clip: Clip, prepared: torch.Tensor, text: str) -> tuple[float | None, torch.Tensor | None]:
    """The CLIP score exactly as the metric computes it, and the text's features; None where there is no text."""
    if not text.strip():
        return None, None
    features = clip.text_features(text).features
    (score,) = cosines(clip.image_features([prepared]).numpy(), features[0].numpy())
    return score, features


def _difference(lpips: Lpips, pixels: torch.Tensor, reference: torch.Tensor) -> Map:
    """LPIPS before its mean over space: the layers at the image's size, added up, then averaged in cells."""
    try:
        check_size(lpips, pixels)
    except UnsuitableError as error:
        raise UsageError(str(error), "choose a larger image") from None
    height, width = pixels.shape[:2]
    against = fitted(reference, (height, width))
    features = lpips.features(against)
    same = torch.equal(pixels, against)
    spatial = torch.zeros(height, width) if same else lpips.difference(pixels, features)
    scale = min(1.0, MOST_CELLS / max(height, width))
    cells = max(1, round(height * scale)), max(1, round(width * scale))
    grid = functional.adaptive_avg_pool2d(spatial[None, None], cells)[0, 0]
    return Map(
        MapMethod.DIFFERENCE,
        _rows(grid),
        width,
        height,
        score=0.0 if same else lpips.distances([pixels], features)[0],
        how=f"LPIPS {lpips.net} before the mean over space, its layers enlarged and added up",
    )


def _pixels(path: str, read: Read, what: str) -> torch.Tensor:
    try:
        return torch.from_numpy(np.array(read(path).pixels))
    except ImageError as error:
        raise UsageError(f"{what}{path}: {error}", "choose another image") from None


def _rows(grid: torch.Tensor) -> tuple[tuple[float, ...], ...]:
    """The numbers with as many digits as they are worth."""
    if not bool(torch.isfinite(grid).all()):
        raise AimError("the model's map holds numbers that are not finite", "try --precision aim or another device")
    return tuple(tuple(float(f"{number:.{_DIGITS}g}") for number in row) for row in grid.tolist())

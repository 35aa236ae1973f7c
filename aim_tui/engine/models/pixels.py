"""From decoded pixels to a model's input, exactly as its image processor does it, split at the point where it pays.

Resizing and cropping happen per image in the decoding threads and stay in uint8, so that an image waits for its
batch in a few kilobytes; conversion and normalisation happen per batch on the model's device.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from aim_tui.engine.runtime import LOCAL_ONLY
from aim_tui.errors import ModelUnavailableError

# Landscape, portrait and enlarged; with odd differences, so that ways of rounding a crop differ.
_PROBES = ((61, 90), (700, 333), (37, 37))


class ImagePreparation:
    """Prepares images for one model. `prepare` may run in any thread.

    Uses the torchvision backend of the image processor, which resizes uint8 with antialiasing: at most one 8-bit
    level from Pillow when an image is made smaller.
    """

    def __init__(self, processor: Any) -> None:
        self.processor = processor
        self._split = self._agrees()
        size = {key: value for key, value in dict(processor.size).items() if value is not None}
        resample = Image.Resampling(processor.resample).name.lower()
        self.detail = {
            "image processor": f"{type(processor).__name__} (torchvision)",
            "resize": f"{size}, {resample}, antialias, uint8",
            "crop": str({key: value for key, value in dict(processor.crop_size).items() if value is not None})
            if processor.do_center_crop
            else "none",
        }

    def prepare(self, pixels: torch.Tensor) -> torch.Tensor:
        """Resize and crop uint8 (height, width, 3) to uint8 (3, h, w); float32 where the processor cannot be split."""
        return self._shrink(pixels) if self._split else self._whole(pixels)

    def finish(self, batch: Sequence[torch.Tensor], device: torch.device, dtype: torch.dtype) -> torch.Tensor:
        """Stack prepared images, move them, and normalise: (batch, 3, h, w) in `dtype`."""
        stacked = torch.stack(list(batch)).to(device, non_blocking=True)
        if self._split:
            stacked = self._normalise(stacked)
        return stacked.to(dtype)

    def seen(self, width: int, height: int) -> tuple[float, float, float, float]:
        """The part of an image of this size that the model sees: left, top, right, bottom in fractions of it.

        Beyond 0 and 1 where the processor pads what is too small for its crop.
        """
        processor = self.processor
        if not processor.do_center_crop:
            return 0.0, 0.0, 1.0, 1.0
        # On the meta device the processor's own resize costs nothing and gives the size.
        image = torch.empty(3, height, width, dtype=torch.uint8, device="meta")
        if processor.do_resize:
            image = processor.resize(image=image, size=processor.size, resample=processor.resample)
        rows, columns = image.shape[-2:]
        crop_rows, crop_columns = processor.crop_size.height, processor.crop_size.width
        top, left = (rows - crop_rows) // 2, (columns - crop_columns) // 2
        return left / columns, top / rows, (left + crop_columns) / columns, (top + crop_rows) / rows

    def _whole(self, pixels: torch.Tensor) -> torch.Tensor:
        values: torch.Tensor = self.processor(pixels.permute(2, 0, 1), return_tensors="pt")["pixel_values"][0]
        return values

    def _shrink(self, pixels: torch.Tensor) -> torch.Tensor:
        image = pixels.permute(2, 0, 1)
        processor = self.processor
        if processor.do_resize:
            image = processor.resize(image=image, size=processor.size, resample=processor.resample)
        if processor.do_center_crop:
            image = processor.center_crop(image, processor.crop_size)
        # A crop is a view: without the copy it would keep the whole resized image alive.
        return image.contiguous()

    def _normalise(self, batch: torch.Tensor) -> torch.Tensor:
        processor = self.processor
        values: torch.Tensor = processor.rescale_and_normalize(
            batch,
            processor.do_rescale,
            processor.rescale_factor,
            processor.do_normalize,
            processor.image_mean,
            processor.image_std,
        )
        return values

    def _agrees(self) -> bool:
        """Whether the split gives the processor's own numbers; processors with steps of their own do not."""
        generator = torch.Generator().manual_seed(0)
        for height, width in _PROBES:
            probe = torch.randint(0, 256, (height, width, 3), dtype=torch.uint8, generator=generator)
            try:
                ours = self._normalise(self._shrink(probe)[None])[0]
            except (AttributeError, TypeError, ValueError):
                return False
            theirs = self._whole(probe)
            if ours.shape != theirs.shape or not torch.allclose(ours, theirs, rtol=0.0, atol=1e-6):
                return False
        return True


def load_preparation(folder: Path) -> ImagePreparation:
    """The image processor of a local model folder, with its torchvision backend."""
    from transformers import AutoImageProcessor

    processor = AutoImageProcessor.from_pretrained(folder, **LOCAL_ONLY, backend="torchvision")
    if getattr(processor, "backend", None) != "torchvision":
        raise ModelUnavailableError(
            f"the image processor {type(processor).__name__} of {folder} has no torchvision backend",
            "choose another model in the settings",
        )
    return ImagePreparation(processor)

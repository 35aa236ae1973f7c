"""Where a model runs and in which numbers it computes."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from aim_tui.core.metrics.spec import ModelRef, Precision, Role
from aim_tui.errors import UsageError


@dataclass(frozen=True, slots=True)
class Placement:
    """A device and the dtype of the weights on it. Norms and distances are float32 everywhere."""

    device: torch.device
    dtype: torch.dtype


def place(role: Role, ref: ModelRef, device: str, precision: Precision) -> Placement:
    """Decide for one model; `device` applies where the model names none. UsageError for a device that is not here."""
    where = pick_device(ref.device if ref.device != "auto" else device)
    return Placement(where, pick_dtype(role, ref, where, precision))


def pick_device(name: str) -> torch.device:
    """The torch device of 'auto', 'cpu', 'mps', 'cuda' or 'cuda:N'; UsageError where it is not available."""
    available = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if name == "auto":
        name = next(kind for kind, here in available.items() if here)
    try:
        device = torch.device(name)
    except RuntimeError:
        raise UsageError(f"unknown device {name!r}", "devices are auto, cpu, mps, cuda and cuda:N") from None
    if device.type not in available:
        raise UsageError(f"device {name!r} is not supported", "devices are auto, cpu, mps, cuda and cuda:N")
    if not available[device.type] or (device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count()):
        raise UsageError(f"device {name!r} is not available on this machine", "use --device auto or --device cpu")
    return device


def pick_dtype(role: Role, ref: ModelRef, device: torch.device, precision: Precision) -> torch.dtype:
    """The dtype that the model names, else that of the precision.

    'aim' is AIM's own choice: the captioner in float16 on CUDA, everything else in float32. 'fast' is bfloat16
    where the device computes in it, else float16.
    """
    if ref.dtype != "auto":
        return {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}[ref.dtype]
    if precision == "fast":
        if device.type == "cpu" or (device.type == "cuda" and torch.cuda.is_bf16_supported()):
            return torch.bfloat16
        return torch.float16
    return torch.float16 if role is Role.CAPTIONER and device.type == "cuda" else torch.float32


def dtype_name(dtype: torch.dtype) -> str:
    """'float32' for torch.float32."""
    return str(dtype).removeprefix("torch.")

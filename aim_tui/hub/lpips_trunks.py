"""The trunks of LPIPS: torchvision's ImageNet checkpoints, in torch.hub's checkpoint folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from aim_tui.core.names import did_you_mean
from aim_tui.errors import ModelUnavailableError
from aim_tui.hub.cache_paths import torch_checkpoints
from aim_tui.isolation import PYTHON


@dataclass(frozen=True, slots=True)
class Trunk:
    """A checkpoint of torchvision; the digits in its file name are the start of its SHA-256."""

    file: str
    megabytes: float
    """Size in units of 2**20 bytes, to three decimals, as torchvision states it."""
    enum: str

    @property
    def size(self) -> int:
        """Size in bytes, accurate to about 500."""
        return round(self.megabytes * 2**20)

    @property
    def path(self) -> Path:
        """Its path in torch.hub's folder, whether it exists or not."""
        return torch_checkpoints() / self.file


TRUNKS = {
    "alex": Trunk("alexnet-owt-7be5be79.pth", 233.087, "AlexNet_Weights"),
    "vgg": Trunk("vgg16-397923af.pth", 527.796, "VGG16_Weights"),
}


def get_trunk(name: str) -> Trunk:
    """The checkpoint of an LPIPS trunk by its short name."""
    try:
        return TRUNKS[name]
    except KeyError:
        raise ModelUnavailableError(
            f"unknown LPIPS trunk {name!r}{did_you_mean(name, TRUNKS)}",
            "name alex, vgg or a local file for lpips in the settings",
        ) from None


def size_problem(trunk: Trunk) -> str:
    """Whether the checkpoint on disk is truncated, by its size; '' if it is not."""
    size = trunk.path.stat().st_size
    # Old checkpoints are not zip archives: their size is all that can be checked without reading them.
    return "" if abs(size - trunk.size) <= 1024 else f"{trunk.file} is truncated ({size:,} of {trunk.size:,} bytes)"


def address(trunk: Trunk) -> str:
    """The URL of the checkpoint, from torchvision in a separate process: this one must not import torch."""
    import subprocess

    code = f"from torchvision.models import {trunk.enum} as w; print(w.IMAGENET1K_V1.url)"
    process = subprocess.run([*PYTHON, "-c", code], capture_output=True, text=True, check=False, timeout=120)
    url = process.stdout.strip()
    if process.returncode != 0 or not url.startswith("http") or not url.endswith(trunk.file):
        raise ModelUnavailableError(
            f"the installed torchvision does not offer {trunk.file} for LPIPS",
            "install a newer torchvision, or name a local file for lpips in the settings",
        )
    return url

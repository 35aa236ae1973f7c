"""The trunks of LPIPS: torchvision's ImageNet checkpoints, kept where torch.hub keeps them."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aim_tui.core.names import did_you_mean
from aim_tui.errors import ModelUnavailableError
from aim_tui.hub.cache_paths import torch_checkpoints

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Trunk:
    """A checkpoint as torchvision names it; the digits in the file name begin its SHA-256."""

    file: str
    megabytes: float
    """Size in units of 2**20 bytes, to three decimals, as torchvision states it."""
    enum: str

    @property
    def size(self) -> int:
        """Size in bytes, right to about 500."""
        return round(self.megabytes * 2**20)

    @property
    def path(self) -> Path:
        """Where torch.hub keeps it, whether it is there or not."""
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
            f"no LPIPS trunk is called {name!r}{did_you_mean(name, TRUNKS)}",
            "name alex, vgg or a local file for lpips in the settings",
        ) from None


def size_problem(trunk: Trunk) -> str:
    """What the size of the checkpoint on disk says ('' if it is right)."""
    size = trunk.path.stat().st_size
    # Old checkpoints are no archives, so their size is all that can be judged without reading 200 MB or more.
    return "" if abs(size - trunk.size) <= 1024 else f"{trunk.file} is truncated ({size:,} of {trunk.size:,} bytes)"


def address(trunk: Trunk) -> str:
    """Where torchvision says the checkpoint can be had; asked in a process of its own, for torch is heavy."""
    import subprocess

    code = f"from torchvision.models import {trunk.enum} as w; print(w.IMAGENET1K_V1.url)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120)
    url = done.stdout.strip()
    if done.returncode != 0 or not url.startswith("http") or not url.endswith(trunk.file):
        raise ModelUnavailableError(
            f"the installed torchvision does not offer {trunk.file} for LPIPS",
            "install a newer torchvision, or name a local file for lpips in the settings",
        )
    return url

"""LPIPS (Zhang et al. 2018, version 0.1), split into features of one image and a distance between features.

The reference is the same for every image of its size, so its features are computed once; the split gives the
package's own forward to float32 rounding, and exactly 0 between an image and itself.
"""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional

from aim_tui.core.metrics.spec import ModelRef
from aim_tui.core.scoring.events import ModelInfo
from aim_tui.engine.models.device import Placement
from aim_tui.engine.models.loading import WAY_OUT, describe
from aim_tui.errors import ModelUnavailableError
from aim_tui.hub.inventory import LocalModel

#: The least width and height that leave a pixel in the last feature map.
MIN_SIDE = {"alex": 31, "vgg": 16}
#: How two images are brought to one size.
POLICY = "reference to the image's size, Pillow bilinear; full resolution"
_EPS = 1e-10
# Normalising, subtracting and squaring in pieces that stay in the cache halves the time of a whole layer's passes.
_POSITIONS_IN_CACHE = 1024
# What lpips.LPIPS registers in addition to the weights that count: constants, and the same lin layers once more.
_CONSTANT = ("scaling_layer.", "lins.")

Size = tuple[int, int]


@dataclass(frozen=True, slots=True)
class SizedReference:
    """The reference at one size: uint8 (height, width, 3), and its normalised features, a tensor a layer."""

    pixels: torch.Tensor
    features: list[torch.Tensor]

    @property
    def nbytes(self) -> int:
        """Bytes that are held."""
        return self.pixels.nbytes + sum(layer.nbytes for layer in self.features)


class ReferenceCache:
    """The reference at the last few (height, width), within a number of bytes."""

    def __init__(self, compute: Callable[[Size], SizedReference], max_bytes: int = 1 << 30) -> None:
        self._compute = compute
        self._max_bytes = max_bytes
        self._kept: OrderedDict[Size, SizedReference] = OrderedDict()

    def get(self, size: Size) -> SizedReference:
        """The reference for images of this size."""
        if size in self._kept:
            self._kept.move_to_end(size)
        else:
            # Room is made first: the new features may be as large as all that is kept.
            while self._kept and self._bytes() > self._max_bytes // 2:
                self._kept.popitem(last=False)
            self._kept[size] = self._compute(size)
        return self._kept[size]

    def clear(self) -> None:
        """Free everything, when memory ran out."""
        self._kept.clear()

    def _bytes(self) -> int:
        return sum(reference.nbytes for reference in self._kept.values())


class Lpips:
    """An LPIPS network. The trunk runs in the placement's dtype, normalisation and distance in float32."""

    def __init__(self, model: Any, net: str, placement: Placement, info: ModelInfo) -> None:
        self.model = model
        self.placement = placement
        self.net = net
        self.min_side = MIN_SIDE[net]
        self.info = info
        self._slices = [getattr(model.net, f"slice{number}") for number in range(1, model.L + 1)]
        self._weights = [lin.model[-1].weight.float().reshape(-1) for lin in model.lins]

    @property
    def on_cpu(self) -> bool:
        """Whether it computes on the CPU."""
        return self.placement.device.type == "cpu"

    @torch.inference_mode()
    def features(self, image: torch.Tensor) -> list[torch.Tensor]:
        """The normalised features of one image, uint8 (height, width, 3): float32 (positions, channels) a layer."""
        return [_normalised(rows[0]) for rows in self._layers(image[None])]

    @torch.inference_mode()
    def distances(self, batch: Sequence[torch.Tensor], reference: Iterable[torch.Tensor]) -> list[float]:
        """The distance of each image, uint8 (height, width, 3) of one size, to the reference's features."""
        total = torch.zeros(len(batch), device=self.placement.device)
        for rows, against, weight in zip(self._layers(torch.stack(list(batch))), reference, self._weights, strict=True):
            # Averaging over space before the 1x1 convolution is the same sum in another order, over far less data.
            total += self._squared_differences(rows, against) @ weight / len(against)
        return [float(value) for value in total.cpu()]

    @torch.inference_mode()
    def difference(self, image: torch.Tensor, reference: Iterable[torch.Tensor]) -> torch.Tensor:
        """Where one image differs from the reference's features: float32 (height, width) on the CPU.

        What lpips.LPIPS(spatial=True) gives: each layer's weighted squared difference, enlarged bilinearly to the
        image's size, and all added up. Its mean over space is the distance but for what enlarging does at the edges.
        """
        size = image.shape[:2]
        total = torch.zeros(1, 1, *size, device=self.placement.device)
        for hidden, against, weight in zip(self._maps(image[None]), reference, self._weights, strict=True):
            rows = _normalised(hidden.permute(0, 2, 3, 1).flatten(1, 2)[0])
            layer = (rows.sub_(against).square_() @ weight).view(1, 1, *hidden.shape[-2:])
            total += functional.interpolate(layer, size=size, mode="bilinear", align_corners=False)
        return total[0, 0].cpu()

    def _squared_differences(self, rows: torch.Tensor, against: torch.Tensor) -> torch.Tensor:
        """Summed over positions: float32 (batch, channels) from features (batch, positions, channels)."""
        step = _POSITIONS_IN_CACHE if self.on_cpu else len(against)
        total = torch.zeros(rows.shape[0], rows.shape[2], device=rows.device)
        for start in range(0, len(against), step):
            end = start + step
            total += _normalised(rows[:, start:end]).sub_(against[start:end]).square_().sum(dim=1)
        return total

    def _layers(self, images: torch.Tensor) -> Iterator[torch.Tensor]:
        """Features (batch, positions, channels) of uint8 (batch, height, width, 3), one layer at a time."""
        for hidden in self._maps(images):
            yield hidden.permute(0, 2, 3, 1).flatten(1, 2)

    def _maps(self, images: torch.Tensor) -> Iterator[torch.Tensor]:
        """Features (batch, channels, rows, columns), one layer at a time."""
        hidden = self._scaled(images).to(self.placement.dtype)
        for part in self._slices:
            hidden = part(hidden)
            yield hidden

    def _scaled(self, images: torch.Tensor) -> torch.Tensor:
        """[0, 255] to [-1, 1] and through the scaling layer: float32 (batch, 3, height, width), channels last."""
        scale, shift = self.model.scaling_layer.scale, self.model.scaling_layer.shift
        width = images.shape[2]
        factor = (1 / (127.5 * scale)).flatten().repeat(width)
        offset = ((-1 - shift) / scale).flatten().repeat(width)
        # Whole rows of pixels at once: three channels in the innermost place are too few to compute on.
        rows = images.to(self.placement.device).flatten(2).float()
        return torch.addcmul(offset, rows, factor).view(images.shape).permute(0, 3, 1, 2)


def _normalised(rows: torch.Tensor) -> torch.Tensor:
    """Float32 features of length one a position, as lpips.normalize_tensor makes them."""
    rows = rows.float()
    lengths: torch.Tensor = torch.linalg.vector_norm(rows, dim=-1, keepdim=True)
    return rows / lengths.add_(_EPS)


def load(ref: ModelRef, local: LocalModel, placement: Placement) -> Lpips:
    """Load from a whole LPIPS file (`net.*` and `lin?.*`), or from a torchvision trunk with the package's own lins."""
    file = _weights_file(ref, local)
    state, metadata = _read(file)
    whole = any(key.startswith("net.") for key in state)
    net = metadata.get("net") or ref.id
    known = ", ".join(MIN_SIDE)
    if not net:
        raise ModelUnavailableError(
            f"LPIPS file {file} does not name its trunk, and neither do the settings",
            f'set its id beside the path: lpips = {{ path = "{file}", id = "alex" }}; known trunks: {known}',
        )
    if net not in MIN_SIDE:
        raise ModelUnavailableError(f"LPIPS trunk {net!r} is unknown", f"known trunks: {known}")
    model = _empty(net)
    if not whole:
        state = _trunk(model, state, file) | _packaged_lins(net)
    _fill(model, state, file)
    model.eval().requires_grad_(False)
    model.net.to(dtype=placement.dtype, memory_format=torch.channels_last)
    model.to(placement.device)
    detail = {
        "net": net,
        "version": "0.1",
        "lins": "from the file" if whole else "from the lpips package",
        "resize": POLICY,
    }
    return Lpips(model, net, placement, describe(ref, local, placement, model, detail))


def _weights_file(ref: ModelRef, local: LocalModel) -> Path:
    if local.path.is_file():
        return local.path
    files = sorted(local.path.glob("*.safetensors"))
    preferred = [file for file in files if file.name == "model.safetensors"]
    if preferred or len(files) == 1:
        return (preferred or files)[0]
    raise ModelUnavailableError(
        f"LPIPS trunk {ref.name}: {local.path} holds {len(files)} safetensors files and none is model.safetensors",
        "name the file as its path in the settings",
    )


def _read(file: Path) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """The tensors of a safetensors or a .pth file, and the metadata of the former."""
    if file.suffix == ".safetensors":
        from safetensors import safe_open

        with safe_open(file, framework="pt") as opened:
            return {key: opened.get_tensor(key) for key in opened.keys()}, opened.metadata() or {}  # noqa: SIM118
    return torch.load(file, map_location="cpu", weights_only=True), {}


def _empty(net: str) -> Any:
    """The network without weights: the package would fill a trunk with random ones, or download it."""
    from lpips import LPIPS

    with warnings.catch_warnings(), torch.device("meta"):
        # The package still uses torchvision's old argument names.
        warnings.simplefilter("ignore", UserWarning)
        return LPIPS(net=net, pnet_rand=True, pretrained=False, verbose=False)


def _trunk(model: Any, state: dict[str, torch.Tensor], file: Path) -> dict[str, torch.Tensor]:
    """From torchvision's `features.N.*` to lpips's slices, which keep the number N of every layer."""
    slices = {f"features.{key.partition('.')[2]}": f"net.{key}" for key in model.net.state_dict()}
    found = {key for key in state if key.startswith("features.")}
    _check(set(slices), found, file)
    return {slices[key]: state[key] for key in found}


def _packaged_lins(net: str) -> dict[str, torch.Tensor]:
    import lpips

    file = Path(lpips.__file__).parent / "weights" / "v0.1" / f"{net}.pth"
    lins: dict[str, torch.Tensor] = torch.load(file, map_location="cpu", weights_only=True)
    return lins


def _fill(model: Any, state: dict[str, torch.Tensor], file: Path) -> None:
    """Give the network exactly the weights it needs, as float32."""
    expected = {key for key in model.state_dict() if not key.startswith(_CONSTANT)}
    state = {key: value.float() for key, value in state.items() if not key.startswith(_CONSTANT)}
    _check(expected, set(state), file)
    # Not strict only because of the constants, which the check leaves out.
    model.load_state_dict(state, strict=False, assign=True)


def _check(expected: set[str], found: set[str], file: Path) -> None:
    if expected != found:
        lacking, strange = sorted(expected - found), sorted(found - expected)
        words = [f"lacks {', '.join(lacking[:3])}"] if lacking else []
        words += [f"has the unknown {', '.join(strange[:3])}"] if strange else []
        raise ModelUnavailableError(f"LPIPS weights {file}: the file {' and '.join(words)}", WAY_OUT)

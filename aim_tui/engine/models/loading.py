"""Loading: from a role and a reference to a model in memory, or an error with what to do."""

from __future__ import annotations

import importlib
import importlib.util
import logging
from dataclasses import replace
from typing import Any, Protocol

import torch

from aim_tui.core.metrics.registry import model_role
from aim_tui.core.metrics.spec import ModelRef, Role
from aim_tui.core.scoring.events import ModelInfo
from aim_tui.engine.models.device import Placement, dtype_name
from aim_tui.engine.out_of_memory import brief, is_out_of_memory
from aim_tui.engine.runtime import LOCAL_ONLY, silence_libraries
from aim_tui.errors import AimError, ModelUnavailableError
from aim_tui.hub.inventory import LocalModel, locate, role_name

log = logging.getLogger(__name__)

WAY_OUT = (
    "fetch it again: aim-tui models fetch; or use another --profile; or name a local folder as its path in the settings"
)


class LoadedModel(Protocol):
    """A model in memory."""

    @property
    def info(self) -> ModelInfo:
        """What every output records of it."""


def resolve(name: str) -> Any:
    """The object of a 'module:name' string; ImportError or AttributeError where there is none."""
    module, _, attribute = name.partition(":")
    return getattr(importlib.import_module(module), attribute)


def load(role: Role, ref: ModelRef, placement: Placement) -> LoadedModel:
    """Load the model of a role from this machine, never from the network.

    Raises ModelUnavailableError, which names the model, for whatever keeps it from being loaded.
    """
    local = locate(role, ref)
    silence_libraries()
    what = f"{role_name(role)} {ref.name}"
    _check_flash_attention(what, ref, placement)
    try:
        # Imported when a model of the role is first needed: importing the sentence encoder's library takes seconds.
        model: LoadedModel = resolve(_loader(role))(ref, local, placement)
    except (AimError, KeyboardInterrupt):
        raise
    except BaseException as error:  # a loader may be another package's, and exit
        if is_out_of_memory(error):
            raise ModelUnavailableError(
                f"{what} does not fit into the memory of {placement.device}",
                "use --device cpu, a smaller --profile, or quantisation in the settings",
            ) from None
        log.exception("loading %s from %s failed", what, local.path)
        raise ModelUnavailableError(f"{what} cannot be loaded from {local.path}: {brief(error)}", WAY_OUT) from error
    return model


def _check_flash_attention(what: str, ref: ModelRef, placement: Placement) -> None:
    if not (ref.attention or "").startswith("flash_"):
        return
    if placement.device.type != "cuda":
        raise ModelUnavailableError(
            f"{what}: attention {ref.attention!r} needs a CUDA device, not {placement.device}",
            'set attention = "sdpa" in the settings, or use --device cuda',
        )
    if placement.dtype == torch.float32:
        raise ModelUnavailableError(
            f"{what}: attention {ref.attention!r} computes in half precision only, not in float32",
            'set dtype = "bfloat16" or attention = "sdpa" in the settings, or use --precision fast',
        )


def _loader(role: Role) -> str:
    model = model_role(role)
    if model is None:
        raise ModelUnavailableError(f"no metric has a loader for {role}", "install the package of its metric again")
    return model.loader


def from_pretrained(
    auto_class: Any, ref: ModelRef, local: LocalModel, placement: Placement, *, unneeded: tuple[str, ...] = ()
) -> tuple[torch.nn.Module, dict[str, str]]:
    """A transformers model in evaluation mode on its device, and the details of how it runs.

    transformers fills weights that a file lacks with random numbers and only warns; here that is an error, but for
    those whose names begin with one of `unneeded`: no feature that is used comes from them.
    """
    kwargs: dict[str, Any] = {"dtype": placement.dtype, "output_loading_info": True, **LOCAL_ONLY}
    if ref.attention:
        kwargs["attn_implementation"] = ref.attention
    if ref.quantisation != "none":
        kwargs["quantization_config"] = _quantisation(ref, local.role, placement)
        kwargs["device_map"] = {"": placement.device}
    model, report = auto_class.from_pretrained(local.path, **kwargs)
    lacking = sorted(map(str, report["missing_keys"])) + sorted(str(key) for key in report["mismatched_keys"])
    lacking = [name for name in lacking if not name.startswith(unneeded)]
    if lacking:
        raise ModelUnavailableError(
            f"{role_name(local.role)} {ref.name}: {len(lacking)} weights are missing from {local.path} "
            f"or have another shape, such as {lacking[0]}",
            WAY_OUT,
        )
    if ref.quantisation == "none":
        model = model.to(placement.device)
    model.eval().requires_grad_(False)
    detail = {"attention": str(getattr(model.config, "_attn_implementation", None) or "default")}
    if ref.quantisation != "none":
        detail["quantisation"] = ref.quantisation
    return model, detail


def describe(
    ref: ModelRef, local: LocalModel, placement: Placement, model: torch.nn.Module, detail: dict[str, str]
) -> ModelInfo:
    """The record of a loaded model."""
    return ModelInfo(
        role=local.role.value,
        id=ref.id or ref.name,
        revision=local.revision,
        dtype=dtype_name(placement.dtype),
        device=str(placement.device),
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        detail=detail | ({"path": ref.path} if ref.path else {}),
    )


def load_key(ref: ModelRef, placement: Placement) -> tuple[ModelRef, Placement]:
    """Two references with the same key are the same model in memory: the batch size is none of its business."""
    return replace(ref, batch_size=None, device="auto", dtype="auto"), placement


def _quantisation(ref: ModelRef, role: Role, placement: Placement) -> Any:
    what = f"{role_name(role)} {ref.name}: quantisation {ref.quantisation}"
    if placement.device.type != "cuda":
        raise ModelUnavailableError(
            f"{what} needs a CUDA device, not {placement.device}",
            "set quantisation to 'none' in the settings, or use --device cuda",
        )
    for library in ("bitsandbytes", "accelerate"):
        if importlib.util.find_spec(library) is None:
            raise ModelUnavailableError(
                f"{what} needs {library}, which is not installed", "install it: pip install 'aim-tui[quantised]'"
            )
    from transformers import BitsAndBytesConfig

    if ref.quantisation == "8bit":
        return BitsAndBytesConfig(load_in_8bit=True)
    return BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_compute_dtype=placement.dtype)

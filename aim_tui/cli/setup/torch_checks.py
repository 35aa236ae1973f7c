"""torch and the GPU. torch is asked in a process of its own: one that is broken cannot break the check-up."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aim_tui.cli.setup.finding import Finding, State

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_PATIENCE_SECONDS = 180.0
_DRIVER_FILE = Path("/proc/driver/nvidia/version")
_VERSION = re.compile(r"\b(\d{3,4}\.\d+(?:\.\d+)?)\b")
# The oldest driver that runs a major version of CUDA on Linux (NVIDIA's table of minor version compatibility).
_OLDEST_DRIVER = {13: 580, 12: 525, 11: 450}
# uv looks at the driver itself and takes the build that it runs.
_REINSTALL = "uv pip install --reinstall --torch-backend=auto torch torchvision"

_QUESTION = """
import json, platform, warnings
with warnings.catch_warnings(record=True) as warned:
    warnings.simplefilter("always")
    import torch
    said = {"version": torch.__version__, "cuda": torch.version.cuda, "hip": getattr(torch.version, "hip", None)}
    said["available"] = torch.cuda.is_available()
    said["mps"] = torch.backends.mps.is_available()
    said["threads"] = torch.get_num_threads()
    said["devices"] = []
    for number in range(torch.cuda.device_count()) if said["available"] else ():
        device = {"name": torch.cuda.get_device_name(number), "problem": ""}
        try:
            device["capability"] = ".".join(map(str, torch.cuda.get_device_capability(number)))
            device["free"], device["total"] = torch.cuda.mem_get_info(number)
            assert torch.ones(2, device=f"cuda:{number}").sum().item() == 2
        except Exception as error:
            device["problem"] = (str(error).splitlines() or [type(error).__name__])[0]
        said["devices"].append(device)
said["warnings"] = [str(warning.message) for warning in warned]
print("\\n" + json.dumps(said))
"""


def ask_torch(python: str = sys.executable, patience: float = _PATIENCE_SECONDS) -> dict[str, Any]:
    """What torch says of itself and the devices; {"problem": why} where it says nothing."""
    try:
        run = subprocess.run(
            [python, "-c", _QUESTION],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=patience,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return {"problem": f"it did not answer within {patience:.0f} s"}
    except OSError as error:
        return {"problem": f"{python} cannot be run: {error.strerror}"}
    try:
        said = json.loads(run.stdout.rstrip().rpartition("\n")[2])
    except ValueError:
        said = None
    if run.returncode == 0 and isinstance(said, dict):
        return said
    lines = run.stderr.strip().splitlines()
    return {"problem": lines[-1] if lines else f"it ended with status {run.returncode}"}


def nvidia_driver(file: Path = _DRIVER_FILE) -> str:
    """The version of NVIDIA's driver, by the kernel or by nvidia-smi; empty where there is none."""
    try:
        text = file.read_text(errors="replace").partition("\n")[0]
    except OSError:
        text = ""
    if found := _VERSION.search(text):
        return found[1]
    command = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, ValueError, subprocess.SubprocessError):
        return ""
    found = _VERSION.search(run.stdout)
    return found[1] if found else ""


def torch_findings(said: Mapping[str, Any], driver: str, environ: Mapping[str, str]) -> Iterator[Finding]:
    """torch, and whether it and the driver get along."""
    if problem := said.get("problem"):
        ways = (_REINSTALL, "or, without uv: pip install --force-reinstall torch torchvision")
        yield Finding("torch", "torch", f"cannot be used: {problem}", State.BROKEN, ways, {"problem": problem})
        return
    cuda, hip = said.get("cuda"), said.get("hip")
    build = f"built for CUDA {cuda}" if cuda else f"built for ROCm {hip}" if hip else "built without CUDA"
    data = {key: value for key, value in said.items() if key != "devices"}
    yield Finding("torch", "torch", f"{said['version']}, {build}", data=data)
    if driver:
        yield Finding("torch", "driver", f"NVIDIA {driver}", data={"driver": driver})
    if said.get("available"):
        yield from map(_device_finding, range(len(said["devices"])), said["devices"])
    elif said.get("mps"):
        yield Finding("torch", "GPU", "Apple's (mps)", data={"devices": ["mps"]})
    else:
        yield _without_gpu(said, driver, environ)


def _device_finding(number: int, device: Mapping[str, Any]) -> Finding:
    from rich.filesize import decimal

    name = f"GPU {number}"
    if problem := device.get("problem"):
        ways = (_REINSTALL, "or use the processor: aim-tui --device cpu")
        return Finding("torch", name, f"{device['name']} cannot be used: {problem}", State.BROKEN, ways, dict(device))
    free, total = device["free"], device["total"]
    said = f"{device['name']}, {decimal(free)} of {decimal(total)} free"
    if free < total / 10:
        ways = ("nvidia-smi shows who uses it; another: --device cuda:N", "or use the processor: --device cpu")
        return Finding("torch", name, said, State.NOTE, ways, dict(device))
    return Finding("torch", name, said, data=dict(device))


def _without_gpu(said: Mapping[str, Any], driver: str, environ: Mapping[str, str]) -> Finding:
    cuda, data = said.get("cuda"), {"devices": [], "warnings": said.get("warnings", [])}
    hidden = environ.get("CUDA_VISIBLE_DEVICES")
    ways: tuple[str, ...]
    if not driver:
        return Finding("torch", "GPU", "none; models run on the processor, in float32", data=data)
    if hidden is not None and hidden.strip() in ("", "-1", "NoDevFiles"):
        ways = ("unset CUDA_VISIBLE_DEVICES",)
        return Finding("torch", "GPU", f"hidden by CUDA_VISIBLE_DEVICES={hidden!r}", State.NOTE, ways, data)
    if not cuda:
        said_so = "there is an NVIDIA driver, but this torch is built without CUDA and cannot use the GPU"
        return Finding("torch", "GPU", said_so, State.BROKEN, (_build_for(driver), _REINSTALL), data)
    needed = _OLDEST_DRIVER.get(int(cuda.partition(".")[0]))
    if needed and int(driver.partition(".")[0]) < needed:
        said_so = f"torch is built for CUDA {cuda}, which needs driver {needed} or newer; this one is {driver}"
        ways = (f"either a driver of {needed} or newer,", f"or {_build_for(driver)}", _REINSTALL)
        return Finding("torch", "GPU", said_so, State.BROKEN, ways, data)
    told = _told(said.get("warnings", []))
    said_so = f"torch for CUDA {cuda} cannot use the GPU under driver {driver}{told}"
    ways = (
        "nvidia-smi says whether the driver itself works; after an update of it, restart the machine",
        "in a container, the GPU is to be handed in (--gpus all)",
        "without it: aim-tui --device cpu",
    )
    return Finding("torch", "GPU", said_so, State.BROKEN, ways, data)


def _told(warnings: Sequence[str]) -> str:
    line = next((warning.splitlines()[0] for warning in warnings if "CUDA" in warning), "")
    return f": {line}" if line else ""


def _build_for(driver: str) -> str:
    """Which torch a driver runs, in words."""
    major = int(driver.partition(".")[0])
    cuda = next((cuda for cuda, oldest in _OLDEST_DRIVER.items() if major >= oldest), None)
    return (
        f"torch built for CUDA {cuda}.x, which driver {driver} runs:" if cuda else "a newer driver; this one is too old"
    )

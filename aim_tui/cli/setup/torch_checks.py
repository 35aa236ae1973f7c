"""torch and the GPU, queried in a separate process: a broken torch must not break `aim-tui doctor`."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rich.filesize import decimal

from aim_tui.cli.setup.checks import Finding, State

_TIMEOUT_SECONDS = 180.0
_DRIVER_FILE = Path("/proc/driver/nvidia/version")
_VERSION = re.compile(r"\b(\d{3,4}\.\d+(?:\.\d+)?)\b")
# The oldest driver that runs a major version of CUDA on Linux (NVIDIA's table of minor version compatibility).
_OLDEST_DRIVER = {13: 580, 12: 525, 11: 450}
# uv inspects the driver itself and picks a build that it supports.
_REINSTALL = "uv pip install --reinstall --torch-backend=auto torch torchvision"

_SCRIPT = """
import json, warnings
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    import torch
    report = {"version": torch.__version__, "cuda": torch.version.cuda, "hip": getattr(torch.version, "hip", None)}
    report["available"] = torch.cuda.is_available()
    report["mps"] = torch.backends.mps.is_available()
    report["threads"] = torch.get_num_threads()
    report["devices"] = []
    for number in range(torch.cuda.device_count()) if report["available"] else ():
        device = {"name": torch.cuda.get_device_name(number), "problem": ""}
        try:
            device["capability"] = ".".join(map(str, torch.cuda.get_device_capability(number)))
            device["free"], device["total"] = torch.cuda.mem_get_info(number)
            assert torch.ones(2, device=f"cuda:{number}").sum().item() == 2
        except Exception as error:
            device["problem"] = (str(error).splitlines() or [type(error).__name__])[0]
        report["devices"].append(device)
report["warnings"] = [str(warning.message) for warning in caught]
print("\\n" + json.dumps(report))
"""


def query_torch(python: str = sys.executable, timeout: float = _TIMEOUT_SECONDS) -> dict[str, Any]:
    """Version, build and devices of torch; {"problem": reason} if it cannot be imported."""
    try:
        run = subprocess.run(
            [python, "-P", "-c", _SCRIPT],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return {"problem": f"it did not answer within {timeout:.0f} s"}
    except OSError as error:
        return {"problem": f"{python} cannot be run: {error.strerror}"}
    try:
        report = json.loads(run.stdout.rstrip().rpartition("\n")[2])
    except ValueError:
        report = None
    if run.returncode == 0 and isinstance(report, dict):
        return report
    lines = run.stderr.strip().splitlines()
    return {"problem": lines[-1] if lines else f"it ended with status {run.returncode}"}


def nvidia_driver(file: Path = _DRIVER_FILE) -> str:
    """The version of NVIDIA's driver, from the kernel or from nvidia-smi; empty without one."""
    try:
        text = file.read_text(errors="replace").partition("\n")[0]
    except OSError:
        text = ""
    if match := _VERSION.search(text):
        return match[1]
    command = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, ValueError, subprocess.SubprocessError):
        return ""
    match = _VERSION.search(run.stdout)
    return match[1] if match else ""


def torch_findings(report: Mapping[str, Any], driver: str, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Whether torch works, and works with the driver; `report` is that of `query_torch`."""
    if problem := report.get("problem"):
        fixes = (_REINSTALL, "or, without uv: pip install --force-reinstall torch torchvision")
        yield Finding("torch", "torch", f"cannot be used: {problem}", State.BROKEN, fixes, {"problem": problem})
        return
    cuda, hip = report.get("cuda"), report.get("hip")
    build = f"built for CUDA {cuda}" if cuda else f"built for ROCm {hip}" if hip else "built without CUDA"
    data = {key: value for key, value in report.items() if key != "devices"}
    yield Finding("torch", "torch", f"{report['version']}, {build}", data=data)
    if driver:
        yield Finding("torch", "driver", f"NVIDIA {driver}", data={"driver": driver})
    if report.get("available"):
        yield from map(_device_finding, range(len(report["devices"])), report["devices"])
    elif report.get("mps"):
        yield Finding("torch", "GPU", "Apple's (mps)", data={"devices": ["mps"]})
    else:
        yield _no_gpu_finding(report, driver, environ)


def _device_finding(number: int, device: Mapping[str, Any]) -> Finding:
    name = f"GPU {number}"
    if problem := device.get("problem"):
        fixes = (_REINSTALL, "or use the CPU: aim-tui --device cpu")
        return Finding("torch", name, f"{device['name']} cannot be used: {problem}", State.BROKEN, fixes, dict(device))
    free, total = device["free"], device["total"]
    text = f"{device['name']}, {decimal(free)} of {decimal(total)} free"
    if free < total / 10:
        fixes = ("nvidia-smi shows what uses it; for another GPU: --device cuda:N", "or use the CPU: --device cpu")
        return Finding("torch", name, text, State.NOTE, fixes, dict(device))
    return Finding("torch", name, text, data=dict(device))


def _no_gpu_finding(report: Mapping[str, Any], driver: str, environ: Mapping[str, str]) -> Finding:
    warnings = report.get("warnings", [])
    cuda, data = report.get("cuda"), {"devices": [], "warnings": warnings}
    visible = environ.get("CUDA_VISIBLE_DEVICES")
    fixes: tuple[str, ...]
    if not driver:
        return Finding("torch", "GPU", "none; models run on the CPU, in float32", data=data)
    if visible is not None and visible.strip() in ("", "-1", "NoDevFiles"):
        fixes = ("unset CUDA_VISIBLE_DEVICES",)
        return Finding("torch", "GPU", f"hidden by CUDA_VISIBLE_DEVICES={visible!r}", State.NOTE, fixes, data)
    if not cuda:
        text = "there is an NVIDIA driver, but this torch is built without CUDA and cannot use the GPU"
        return Finding("torch", "GPU", text, State.BROKEN, (_supported_build(driver), _REINSTALL), data)
    oldest = _OLDEST_DRIVER.get(int(cuda.partition(".")[0]))
    if oldest and int(driver.partition(".")[0]) < oldest:
        text = f"torch is built for CUDA {cuda}, which needs driver {oldest} or newer; this one is {driver}"
        fixes = (f"either install driver {oldest} or newer,", f"or {_supported_build(driver)}", _REINSTALL)
        return Finding("torch", "GPU", text, State.BROKEN, fixes, data)
    reason = next((f": {warning.splitlines()[0]}" for warning in warnings if "CUDA" in warning), "")
    text = f"torch for CUDA {cuda} cannot use the GPU under driver {driver}{reason}"
    fixes = (
        "nvidia-smi shows whether the driver itself works; after updating it, restart the machine",
        "in a container, pass the GPU through (--gpus all)",
        "without a GPU: aim-tui --device cpu",
    )
    return Finding("torch", "GPU", text, State.BROKEN, fixes, data)


def _supported_build(driver: str) -> str:
    """The build of torch that a driver supports, as a step to take."""
    major = int(driver.partition(".")[0])
    cuda = next((cuda for cuda, oldest in _OLDEST_DRIVER.items() if major >= oldest), None)
    if cuda is None:
        return "install a newer driver; this one is too old"
    return f"install torch built for CUDA {cuda}.x, which driver {driver} supports:"

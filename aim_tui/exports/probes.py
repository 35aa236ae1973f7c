"""Probes as files: safetensors with a description in JSON, which can be read without running code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aim_tui.core.embeddings.linear_probe import Probe
from aim_tui.core.scoring.records import to_json
from aim_tui.core.text import printable
from aim_tui.errors import UsageError
from aim_tui.exports.atomic_write import write_whole

_FORMAT = "aim-tui probe 1"
# A thousand classes of long embeddings take 16 MB.
_MOST_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class SavedProbe:
    """A probe from a file, and its description: model, fingerprint, way of reading, cross-validation."""

    probe: Probe
    about: Mapping[str, Any]

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the model whose embeddings it takes."""
        return str(self.about.get("fingerprint", ""))


def write_probe(path: Path, probe: Probe, about: Mapping[str, Any]) -> None:
    """Write whole or not at all."""
    from safetensors.numpy import save

    metadata = {"format": _FORMAT, "classes": to_json(list(probe.classes)), "about": to_json(dict(about))}
    write_whole(path, save({"weights": probe.weights, "intercepts": probe.intercepts}, metadata))


def read_probe(path: Path) -> SavedProbe:
    """Read what `write_probe` wrote; UsageError for anything else."""
    from safetensors import SafetensorError, safe_open

    name = printable(str(path))
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise UsageError(f"{name} is too large for a probe")
        with safe_open(path, "numpy") as file:
            metadata = file.metadata() or {}
            if metadata.get("format") != _FORMAT:
                raise UsageError(f"{name} is not a probe of aim-tui", "train one: aim-tui probe train")
            classes, about = json.loads(metadata["classes"]), json.loads(metadata["about"])
            weights, intercepts = file.get_tensor("weights"), file.get_tensor("intercepts")
        if not isinstance(classes, list) or not isinstance(about, dict):
            raise ValueError("its description has another form")
        if weights.dtype != "float64" or intercepts.dtype != "float64":
            raise ValueError("its weights are not float64")
        return SavedProbe(Probe(tuple(map(str, classes)), weights, intercepts), about)
    except OSError as error:
        raise UsageError(f"cannot read {name}: {error.strerror or error}") from None
    except (SafetensorError, KeyError, ValueError, RecursionError) as error:
        raise UsageError(f"{name} is not a valid probe: {printable(str(error))}") from None

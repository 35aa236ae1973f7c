"""The files of a model of each role: which to fetch from a repository, and which a folder must contain."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from aim_tui.core.metrics.registry import model_role
from aim_tui.core.metrics.spec import Role
from aim_tui.hub.checksums import file_problem
from aim_tui.hub.folder_check import MODULES, module_list, parse_modules

# Configurations, tokenizers and processors are small, and have too many names to list.
_SMALL_SUFFIXES = frozenset({".json", ".txt", ".model", ".jinja"})
_SHARD = re.compile(r"(model|pytorch_model)-\d+-of-\d+\.(safetensors|bin)")

# In the order in which transformers looks for them; an index means its shards.
_SAFETENSORS = ("model.safetensors", "model.safetensors.index.json")
_PICKLED = ("pytorch_model.bin", "pytorch_model.bin.index.json")
_WEIGHTS = (*_SAFETENSORS, *_PICKLED)

# Each row is one complete set of tokenizer files.
_TOKENIZERS = (
    ("tokenizer.json",),
    ("vocab.json", "merges.txt"),
    ("vocab.txt",),
    ("spiece.model",),
    ("sentencepiece.bpe.model",),
    ("tokenizer.model",),
)
_PROCESSORS = (("preprocessor_config.json",), ("processor_config.json",))

# The parts that each module of a sentence encoder must have in its folder, by class name. Others (Normalize) need none.
_MODULE_PARTS = {
    "Transformer": ("config", "weights", "tokenizer"),
    "StaticEmbedding": ("weights", "tokenizer"),
    "Pooling": ("config",),
    "CLIPModel": ("config", "weights", "tokenizer"),
    "Dense": ("config", "weights"),
    "LayerNorm": ("config", "weights"),
    "LSTM": ("weights",),
    "CNN": ("weights",),
    "WeightedLayerPooling": ("config", "weights"),
}


def chosen_weights(names: Iterable[str]) -> str | None:
    """The file of a folder from which transformers loads weights: safetensors first; None if there is none."""
    present = set(names)
    return next((name for name in _WEIGHTS if name in present), None)


def required_files(files: Iterable[str], modules: Iterable[str] = ("",)) -> list[str]:
    """The files that a model needs, from the listing of its repository.

    `modules` are the module folders of a sentence encoder. Each folder's weights are taken in one format: safetensors
    if it has them, else pickled; never those of other frameworks.
    """
    by_folder: dict[str, list[str]] = {}
    for name in files:
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts:
            continue
        by_folder.setdefault("" if str(path.parent) == "." else str(path.parent), []).append(path.name)
    required: list[str] = []
    for folder in sorted({"", *modules}):
        names = by_folder.get(folder, [])
        prefix = f"{folder}/" if folder else ""
        required += [prefix + name for name in sorted(names) if _is_required(name, chosen_weights(names))]
    return required


def _is_required(name: str, weights: str | None) -> bool:
    if name == weights:
        return True
    if name.endswith(".index.json"):
        return False
    if shard := _SHARD.fullmatch(name):
        return weights == f"{shard[1]}.{shard[2]}.index.json"
    return PurePosixPath(name).suffix in _SMALL_SUFFIXES


def module_folders(text: str) -> list[str]:
    """The folders named by a sentence encoder's modules.json; ValueError if the text is not one."""
    return [str(module.get("path", "")).strip("/") for module in parse_modules(text)]


def folder_problems(role: Role, folder: Path) -> list[str]:
    """What is missing from a model folder, or damaged; empty if it is complete."""
    model = model_role(role)
    return _part_problems(folder, model.parts if model else ("config", "weights"))


def has_processors(folder: Path) -> bool:
    """Whether a model folder has a tokenizer and the configuration of an image processor."""
    return not _part_problems(folder, ("tokenizer", "processor"))


def _sentence_problems(folder: Path) -> list[str]:
    if not (folder / MODULES).is_file():
        # sentence-transformers adds mean pooling to a plain transformer.
        return _part_problems(folder, _MODULE_PARTS["Transformer"])
    try:
        modules = module_list(folder)
    except (OSError, ValueError):
        return [f"{MODULES} cannot be read"]
    problems: list[str] = []
    for module in modules:
        path = str(module.get("path", "")).strip("/")
        kind = str(module.get("type", "")).rpartition(".")[2]
        prefix = f"{path}/" if path else ""
        problems += [prefix + problem for problem in _part_problems(folder / path, _MODULE_PARTS.get(kind, ()))]
    return problems


def _part_problems(folder: Path, parts: Iterable[str]) -> list[str]:
    problems: list[str] = []
    for part in parts:
        match part:
            case "config":
                problems += _json_problem(folder / "config.json")
            case "weights":
                problems += _weights_problems(folder)
            case "processor":
                problems += _one_of(folder, _PROCESSORS, "the image processor's configuration")
            case "modules":
                problems += _sentence_problems(folder)
            case "safetensors":
                problems += _safetensors_problems(folder)
            case _:
                problems += _one_of(folder, _TOKENIZERS, "the tokenizer")
    return problems


def _safetensors_problems(folder: Path) -> list[str]:
    found = sorted(folder.glob("*.safetensors"))
    if not found:
        return ["weights (*.safetensors) are missing"]
    return [problem for path in found if (problem := file_problem(path))]


def _one_of(folder: Path, choices: Iterable[tuple[str, ...]], what: str) -> list[str]:
    choices = list(choices)
    if any(all((folder / name).is_file() for name in names) for names in choices):
        return []
    return [f"{what} is missing ({' or '.join(choices[0])})"]


def _json_problem(path: Path) -> list[str]:
    if not path.is_file():
        return [f"{path.name} is missing"]
    try:
        json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return [f"{path.name} cannot be read"]
    return []


def _weights_problems(folder: Path) -> list[str]:
    weights = chosen_weights(name for name in _WEIGHTS if (folder / name).is_file())
    if weights is None:
        return [f"weights are missing ({' or '.join((_SAFETENSORS[0], _PICKLED[0]))})"]
    if not weights.endswith(".index.json"):
        problem = file_problem(folder / weights)
        return [problem] if problem else []
    try:
        shards = sorted(set(json.loads((folder / weights).read_bytes())["weight_map"].values()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return [f"{weights} cannot be read"]
    return [problem for shard in shards if (problem := file_problem(folder / str(shard)))]

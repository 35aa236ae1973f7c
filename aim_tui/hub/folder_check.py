"""The check of a model folder before any library reads it: what a library would run, follow or choke on is refused.

Every file is data. Nothing here unpickles, imports or resolves a name; whoever loads a model passes `inventory.locate`,
which asks here first.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import stat
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from aim_tui.core.metrics.spec import Library

MODULES = "modules.json"

_MB = 1 << 20
#: The largest file of each kind that is read. Vocabularies are large (35 MB for Gemma's), everything else is small.
_LIMITS = {".json": 8 * _MB, ".txt": 64 * _MB, ".model": 64 * _MB, ".jinja": 8 * _MB}
_VOCABULARIES = frozenset({"tokenizer.json", "vocab.json"})
_VOCABULARY_LIMIT = 64 * _MB
_INDEX_LIMIT = 32 * _MB
_PICKLED = frozenset({".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".h5", ".msgpack", ".joblib", ".npy"})
_FILES = frozenset({*_LIMITS, *_PICKLED, ".safetensors"})

# The modules of a sentence encoder that have tensors and numbers in their folders, and no names of other classes.
_MODULE_CLASSES = frozenset(
    {
        "CLIPModel", "CNN", "Dense", "Dropout", "LSTM", "LayerNorm", "Normalize", "Pooling", "StaticEmbedding",
        "Transformer", "WeightedLayerPooling",
    }
)  # fmt: skip
_MODULE_NAMESPACE = "sentence_transformers."
_ACTIVATION = re.compile(r"torch\.nn\.(modules\.[a-z_]+\.)?[A-Za-z0-9]+")

# Values by which a file names code: of the folder, of a repository, or of whatever is installed.
_CODE_KEYS = ("auto_map", "custom_pipelines", "custom_generate", "trust_remote_code")
_CLASS_KEYS = ("tokenizer_class", "image_processor_type", "feature_extractor_type")
_KERNEL_KEYS = ("attn_implementation", "_attn_implementation", "_attn_implementation_internal", "attention_backend")
_PATH_KEYS = frozenset({"tokenizer_name_or_path", "model_name_or_path", "gguf_file", "subfolder"})
# Older versions of transformers open these as they stand. Files of people who save models name paths that are nowhere.
_FILE_KEYS = frozenset({"vocab_file", "merges_file", "spm_file", "tokenizer_file", "sentencepiece_model_file"})
_CONFIGS = ("config.json", "tokenizer_config.json", "preprocessor_config.json", "processor_config.json")

_NAMES = re.compile(r'"([\w.-]+)"')
_CLASSES = re.compile(r"^(?:class )?(\w+)(?:\(| = )", re.MULTILINE)

# A configuration is believed when memory is taken and layers are built, before a weight is read.
_MOST = (
    (re.compile(r"(^|_)(layers?|heads|blocks|depth)(_|$)"), 1_000),
    (re.compile(r"(^|_)(height|width|edge)$|^(image|crop|patch)_size$"), 16_384),
    (re.compile(r"(^|_)(size|dim|ffn|embeddings|tokens|channels|features)(_|$)"), 16_000_000),
)
_SIZED = ("config.json", "preprocessor_config.json", "processor_config.json")

#: Tokenizers that read their SentencePiece model themselves, with the libraries they need for it.
_SENTENCEPIECE = (Library("sentencepiece", "siglip"), Library("google.protobuf", "siglip"))
_SENTENCEPIECE_CLASSES = frozenset(
    {"BartphoTokenizer", "BertGenerationTokenizer", "GPTSw3Tokenizer", "PLBartTokenizer", "SiglipTokenizer"}
)
_SENTENCEPIECE_FILES = ("spiece.model", "sentencepiece.bpe.model", "tokenizer.model")
_PACKAGES = {"google.protobuf": "protobuf"}


class _RefusedError(Exception):
    """Why a folder is refused, in one sentence."""


def folder_refusal(folder: Path, *, local: bool) -> str:
    """Why no library may read a model folder, in one sentence; empty where nothing is against it.

    `local` is a folder that the user named: its weights have to be safetensors, and its links stay inside. The hub's
    own cache links into its blobs, and its pickled checkpoints are of the checksum that the hub publishes.
    """
    try:
        _check(folder, local)
    except _RefusedError as error:
        return str(error)
    except (OSError, ValueError, RuntimeError) as error:  # the last one is a loop of links
        return f"{folder.name} cannot be read: {getattr(error, 'strerror', None) or error}"
    return ""


def missing_libraries(folder: Path) -> tuple[Library, ...]:
    """The libraries that the tokenizer of a folder needs and that are not installed; imports nothing."""
    folders = [folder]
    if (folder / MODULES).is_file():
        try:
            folders += [folder / str(module.get("path", "")) for module in module_list(folder)]
        except ValueError:
            return ()
    needed = any(map(_reads_sentencepiece, folders))
    return tuple(library for library in _SENTENCEPIECE if needed and not is_installed(library))


def _reads_sentencepiece(folder: Path) -> bool:
    """Whether the tokenizer of a folder needs the libraries that read a SentencePiece model."""
    try:
        config = _read(folder / "tokenizer_config.json")
    except (_RefusedError, OSError, ValueError):
        return False
    name = str(config.get("tokenizer_class") or "") if isinstance(config, dict) else ""
    fast = (folder / "tokenizer.json").is_file()
    converted = not fast and any((folder / file).is_file() for file in _SENTENCEPIECE_FILES)
    return converted or name.removesuffix("Fast") in _SENTENCEPIECE_CLASSES


def is_installed(library: Library) -> bool:
    """Whether a library is installed; imports nothing but the parent of a name with dots."""
    try:
        return importlib.util.find_spec(library.module) is not None
    except ModuleNotFoundError:
        return False


def install_hint(libraries: tuple[Library, ...]) -> str:
    """What is lacking, and the command that installs it."""
    names = " and ".join(_PACKAGES.get(library.module, library.module) for library in libraries)
    extras = ",".join(dict.fromkeys(library.extra for library in libraries))
    verb = "is" if len(libraries) == 1 else "are"
    return f"{names}, which {verb} not installed: pip install 'aim-tui[{extras}]'"


def module_list(folder: Path) -> list[dict[str, Any]]:
    """The modules of a sentence encoder; ValueError where its modules.json is not a list of them."""
    return parse_modules((folder / MODULES).read_text(encoding="utf-8"))


def parse_modules(text: str) -> list[dict[str, Any]]:
    """The entries of a modules.json; ValueError where the text is not one."""
    try:
        modules = json.loads(text)
    except RecursionError:
        raise ValueError(f"{MODULES} is nested too deeply") from None
    if not isinstance(modules, list) or not all(isinstance(module, dict) for module in modules):
        raise ValueError(f"{MODULES} is not a list of modules")
    return modules


def _check(folder: Path, local: bool) -> None:
    root = _Root(folder, local)
    _check_files(folder, root, "")
    if (folder / "adapter_config.json").is_file():
        raise _RefusedError("adapter_config.json: adapters are not loaded; merge it into its model first")
    folders = {"": folder}
    if (folder / MODULES).is_file():
        for module in _modules(folder):
            path = _check_module(module, root, folder)
            if str(module["type"]).endswith(".Dense"):
                _check_activation(folder, f"{path}/config.json" if path else "config.json")
            if path not in folders:
                folders[path] = folder / path
                _check_files(folder / path, root, f"{path}/")
    for path, part in folders.items():
        prefix = f"{path}/" if path else ""
        for file in sorted(part.glob("*.json")):
            if file.name in _VOCABULARIES or file.name.endswith(".index.json") or not file.is_file():
                continue
            try:
                value = _read(file, prefix)
            except json.JSONDecodeError:
                if local:
                    raise _RefusedError(f"{prefix}{file.name} is not JSON") from None
                continue  # damaged on its way: its checksum tells, and it can be fetched again
            if file.name == MODULES or value is None:
                continue
            _check_values(prefix + file.name, value)
            if file.name in _SIZED and isinstance(value, dict):
                _check_sizes(prefix + file.name, value)
        for file in sorted(part.glob("*.index.json")):
            _check_shards(file, prefix)
        if local:
            _check_pickles(part, prefix)


class _Root:
    """What links may not leave: the folder, or the storage of the repository that it is a snapshot of."""

    def __init__(self, folder: Path, local: bool) -> None:
        resolved = folder.resolve()
        storage = resolved.parent.parent
        self._is_snapshot = resolved.parent.name == "snapshots" and storage.name.startswith("models--")
        self._path = storage if self._is_snapshot else resolved
        # In the hub's own cache a blob may itself be a link into a store that is shared.
        self._one_link = self._is_snapshot and not local

    def holds(self, path: Path) -> bool:
        """Whether what a path leads to is inside."""
        if self._one_link and path.is_symlink():
            path = Path(os.path.normpath(path.parent.resolve() / path.readlink()))
            return path.is_relative_to(self._path)
        return path.resolve().is_relative_to(self._path)


def _check_files(folder: Path, root: _Root, prefix: str) -> None:
    if not folder.is_dir():
        return
    if not root.holds(folder):
        raise _RefusedError(f"{prefix.rstrip('/')} is a link out of the folder")
    with os.scandir(folder) as entries:
        files = sorted((entry for entry in entries if Path(entry.name).suffix in _FILES), key=lambda entry: entry.name)
    for entry in files:
        name = prefix + entry.name
        if entry.is_symlink() and not root.holds(Path(entry.path)):
            raise _RefusedError(f"{name} is a link out of the folder")
        try:
            status = entry.stat()
        except FileNotFoundError:
            continue  # a dangling link is a missing file
        if stat.S_ISDIR(status.st_mode):
            continue
        if not stat.S_ISREG(status.st_mode):
            raise _RefusedError(f"{name} is not a regular file")
        limit = _limit(entry.name)
        if limit is not None and status.st_size > limit:
            raise _RefusedError(f"{name} has {status.st_size / 1e6:,.0f} MB; at most {limit / 1e6:,.0f} MB are read")


def _limit(name: str) -> int | None:
    if name in _VOCABULARIES:
        return _VOCABULARY_LIMIT
    if name.endswith(".index.json"):
        return _INDEX_LIMIT
    return _LIMITS.get(Path(name).suffix)


def _read(path: Path, prefix: str = "") -> Any:
    """The value of a JSON file, None where there is none."""
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except RecursionError:
        raise _RefusedError(f"{prefix}{path.name} is nested too deeply") from None
    except json.JSONDecodeError:
        raise
    except ValueError:  # bytes that are no text, numbers of thousands of digits
        raise _RefusedError(f"{prefix}{path.name} is not JSON") from None


def _modules(folder: Path) -> list[dict[str, Any]]:
    try:
        return module_list(folder)
    except ValueError:
        raise _RefusedError(f"{MODULES} cannot be read") from None


def _check_module(module: Mapping[str, Any], root: _Root, folder: Path) -> str:
    """The folder of a module, relative to that of the model."""
    kind, path = module.get("type"), module.get("path", "")
    if not isinstance(kind, str) or not isinstance(path, str):
        raise _RefusedError(f"{MODULES} names a module without a type or a path")
    if not kind.startswith(_MODULE_NAMESPACE):
        raise _RefusedError(f"{MODULES} names {_shown(kind)}; only sentence_transformers' own modules are loaded")
    if kind.rpartition(".")[2] not in _MODULE_CLASSES or not all(part.isidentifier() for part in kind.split(".")):
        known = ", ".join(sorted(_MODULE_CLASSES))
        raise _RefusedError(f"{MODULES} names {_shown(kind)}; the modules that are loaded are {known}")
    if Path(path).is_absolute() or ".." in Path(path).parts or not root.holds(folder / path):
        raise _RefusedError(f"{MODULES} names the path {_shown(path)}, which is outside the folder")
    return path.strip("/")


def _check_values(name: str, value: Any) -> None:
    """Whether a file names code, classes that no library has, or paths elsewhere."""
    for key, found in _entries(value):
        if key in _CODE_KEYS and found:
            raise _RefusedError(
                f"{name} names code of its own ({key}: {_shown(found)}); only code of the libraries is run"
            )
        if key in _KERNEL_KEYS and isinstance(found, str) and "/" in found:
            raise _RefusedError(f"{name} names code of a repository ({key}: {_shown(found)}); it is not run")
        if key in _PATH_KEYS and isinstance(found, str) and _leads_out(found):
            raise _RefusedError(f"{name} names the path {_shown(found)}, which is outside the folder")
        if key in _FILE_KEYS and isinstance(found, str) and _leads_out(found) and Path(found).exists():
            raise _RefusedError(f"{name} names the file {_shown(found)}, which is outside the folder")
    if name.rpartition("/")[2] in _CONFIGS and isinstance(value, dict):
        classes = [(key, found) for key, found in _entries(value) if key in _CLASS_KEYS]
        for key, found in (*classes, ("model_type", value.get("model_type"))):
            if found is not None and not _is_known(found):
                raise _RefusedError(f"{name} names {_shown(found)} as its {key}, which transformers does not have")


def _check_shards(file: Path, prefix: str) -> None:
    """The files that an index names lie beside it, and those of safetensors are safetensors."""
    try:
        index = _read(file, prefix)
        shards = set(index["weight_map"].values())
    except (json.JSONDecodeError, KeyError, TypeError, AttributeError):
        return  # no index, which is a damaged or missing file like another
    kind = ".safetensors" if ".safetensors." in file.name else ""
    for shard in shards:
        if not isinstance(shard, str) or Path(shard).name != shard or not shard.endswith(kind):
            raise _RefusedError(f"{prefix}{file.name} names {_shown(shard)}, which is not a file of weights beside it")


def _leads_out(path: str) -> bool:
    return Path(path).is_absolute() or ".." in Path(path).parts


def _check_activation(folder: Path, name: str) -> None:
    """A dense layer imports its activation by name."""
    config = _read(folder / name)
    activation = config.get("activation_function") if isinstance(config, dict) else None
    if activation is not None and not (isinstance(activation, str) and _ACTIVATION.fullmatch(activation)):
        raise _RefusedError(f"{name} names {_shown(activation)}; only activations of torch.nn are loaded")


def _check_sizes(name: str, value: Mapping[str, Any]) -> None:
    for key, found in _entries(value):
        if isinstance(found, int) and not isinstance(found, bool):
            for pattern, most in _MOST:
                if found > most and pattern.search(key):
                    raise _RefusedError(f"{name} has {key} {found:,}; no model has more than {most:,}")


def _check_pickles(folder: Path, prefix: str) -> None:
    """In a folder without safetensors, a library would load what it finds of the other formats."""
    names = sorted(file.name for file in folder.iterdir() if file.suffix in _PICKLED | {".safetensors"})
    pickled = [name for name in names if Path(name).suffix in _PICKLED]
    if pickled and len(pickled) == len(names):
        raise _RefusedError(
            f"{prefix}{pickled[0]} holds pickled weights, which can run code; only safetensors are loaded from a folder"
        )


def _entries(value: Any) -> Iterator[tuple[str, Any]]:
    """All keys of nested objects with their values."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            yield from each.items()
            waiting += each.values()
        elif isinstance(each, list):
            waiting += each


def _shown(value: Any) -> str:
    if isinstance(value, Mapping) and value:
        value = next(iter(value.values()))
    if isinstance(value, list) and value:
        value = next((each for each in value if each), value[0])
    # One line, whatever the file says; escapes are taken out where it is printed.
    return " ".join(str(value).split())[:80]


def _is_known(name: Any) -> bool:
    """Whether transformers has a class or model type of this name, by the text of its files; nothing is imported."""
    if not isinstance(name, str):
        return False
    # Image processors were feature extractors once, and fast tokenizers had names of their own.
    base = name.removesuffix("Fast").replace("FeatureExtractor", "ImageProcessor")
    return not (known := _registered()) or base in known or base in _defined()


def _package() -> Path | None:
    spec = importlib.util.find_spec("transformers")
    return None if spec is None or spec.origin is None else Path(spec.origin).parent


@lru_cache(maxsize=1)
def _registered() -> frozenset[str]:
    """Every name in the registries of transformers; empty where it cannot be found."""
    if (package := _package()) is None:
        return frozenset()
    files = (
        *(package / "models/auto").glob("*.py"),
        package / "__init__.py",
        package / "convert_slow_tokenizer.py",
    )
    return frozenset(name for file in files for name in _NAMES.findall(file.read_text(encoding="utf-8")))


@lru_cache(maxsize=1)
def _defined() -> frozenset[str]:
    """Every tokenizer and image processor that transformers defines; not all of them are registered."""
    if (package := _package()) is None:
        return frozenset()
    files = (file for kind in ("tokenization", "image_processing") for file in package.glob(f"models/*/{kind}_*.py"))
    return frozenset(name for file in files for name in _CLASSES.findall(file.read_text(encoding="utf-8")))

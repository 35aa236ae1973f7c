"""Gives a scene's commands in this process and returns what each wrote, as text that two runs write alike."""

from __future__ import annotations

import io
import json
import os
import platform
import re
import secrets
import shlex
import shutil
import sys
import time
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

from aim_tui.cli import main
from tests.golden.scenes import SAMPLE, SCENES

if TYPE_CHECKING:
    from collections.abc import Iterator

#: As long as the folder that it stands for: tables are padded to the length of paths.
STAND_IN = "/home/painter/golden/set"
HOST = "golden"
_VERSIONED = (
    "aim-tui", "lpips", "numpy", "pillow", "python", "sentence-transformers", "tokenizers", "torch", "torchmetrics",
    "torchvision", "transformers",
)  # fmt: skip


def produce(name: str) -> dict[str, str]:
    """Every output of a scene by its name. AssertionError where a command does not end as the table says."""
    scene = SCENES[name]
    written: dict[str, str] = {}
    with _place() as root:
        scene.prepare(root)
        for step in scene.steps:
            out = root / "out" / step.output
            runs = _runs() if "{runs[" in step.command else []
            command = step.command.replace("{ask}", scene.ask).format(out=shlex.quote(str(out)), runs=runs)
            code, printed, told = aim_tui(*shlex.split(command))
            assert code == step.code, f"aim-tui {command} ended with {code}, not {step.code}:\n{told}"
            if step.output:
                written[step.output] = read(out) if "{out}" in step.command else printed
        runs = _runs()
    return {output: normalised(text, root, runs) for output, text in written.items()}


def aim_tui(*arguments: str) -> tuple[int, str, str]:
    """The exit code, the stdout and the stderr of a command."""
    printed, told = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline=""), io.StringIO()
    with redirect_stdout(printed), redirect_stderr(told), mock.patch.object(sys, "argv", ["aim-tui", *arguments]):
        try:
            main()
            code = 0
        except SystemExit as exited:
            code = int(exited.code or 0)
    printed.flush()
    return code, printed.buffer.getvalue().decode(), told.getvalue()  # type: ignore[attr-defined]


def normalised(text: str, root: Path, runs: list[str]) -> str:
    """What legitimately differs between two runs, replaced by something of the same length wherever tables have it.

    The folder of the scene and the one of the sample models, run ids (0 is the oldest run), times, how long a run
    took, and the versions of this program, of Python and of libraries.
    """
    text = text.replace(str(root), STAND_IN).replace(str(SAMPLE), "/aim-tui/sample_data")
    for number, run in enumerate(runs):
        text = text.replace(run, f"{number:0>16}")
    text = re.sub(r"\b20\d\d-\d\d-\d\d([T ])\d\d:\d\d:\d\d(\.\d{3,6})?", r"2000-01-01\g<1>00:00:00", text)
    text = re.sub(r"\b20\d\d-\d\d-\d\d \d\d:\d\d\b", "2000-01-01 00:00", text)
    text = re.sub(r"\btook \d+\.\d s\b", "took 0.0 s", text)
    text = re.sub(r"\b\d{1,2} [A-Z][a-z]+ 20\d\d, \d\d:\d\d UTC", "1 January 2000, 00:00 UTC", text)
    # In JSON, in JSON within JSON, and in HTML.
    return re.sub(rf'(?<=[">])({"|".join(_VERSIONED)})(\\?": \\?"|</dt><dd>)[\w.+-]+', r"\1\2*", text)


def read(path: Path) -> str:
    """A written file as text: as it is, or the contents of one that is not text, a line a column, array or row."""
    match path.suffix:
        case ".parquet":
            from pyarrow import parquet

            table = parquet.read_table(path)
            said = {key.decode(): value.decode() for key, value in (table.schema.metadata or {}).items()}
            lines: list[Any] = [said, *({field.name: str(field.type)} for field in table.schema), *table.to_pylist()]
        case ".npz":
            import numpy as np

            with np.load(path, allow_pickle=False) as arrays:
                lines = [_array(name, arrays[name]) for name in arrays.files]
        case ".safetensors":
            from safetensors import safe_open

            with safe_open(path, "np") as tensors:
                # The file has the metadata in any order.
                lines = [
                    dict(sorted(tensors.metadata().items())),
                    *(_array(name, tensors.get_tensor(name)) for name in sorted(tensors.keys())),
                ]
        case _:
            return path.read_bytes().decode()
    return "".join(json.dumps(line, ensure_ascii=False, default=_plain) + "\n" for line in lines)


def _array(name: str, array: Any) -> dict[str, Any]:
    return {"name": name, "type": str(array.dtype), "shape": list(array.shape), "values": array.tolist()}


def _plain(value: Any) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


def _runs() -> list[str]:
    """The ids of all stored runs, the oldest first."""
    return [run["id"] for run in reversed(json.loads(aim_tui("runs", "list", "--json")[1]))]


@contextmanager
def _place() -> Iterator[Path]:
    """A working folder with a store of its own, in which no setting of whoever runs it is seen."""
    # Of letters and digits alone, which Markdown does not escape, and of one length, to which tables are padded.
    root = Path("/tmp") / f"aim-golden-{secrets.token_hex(4)}"
    root.mkdir(mode=0o700)
    assert len(str(root)) == len(STAND_IN)
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("AIM_TUI_", "DISABLE_"))}
    ours |= {f"XDG_{kind}_HOME": str(root / kind.lower()) for kind in ("CONFIG", "DATA", "STATE")}
    # With another number of threads sums are taken in another order, which shows in the last digits.
    ours |= {"AIM_TUI_STORE": str(root / "store.db"), "TZ": "UTC", "COLUMNS": "200", "OMP_NUM_THREADS": "1"}
    ours.pop("BLIP2_MODEL", None)
    before = Path.cwd()
    (root / "out").mkdir()
    try:
        os.chdir(root)
        with (
            mock.patch.dict(os.environ, ours, clear=True),
            mock.patch.object(platform, "node", lambda: HOST),
            _one_thread(),
        ):
            time.tzset()
            yield root
    finally:
        os.chdir(before)
        time.tzset()
        shutil.rmtree(root)


@contextmanager
def _one_thread() -> Iterator[None]:
    """The same of a torch that is loaded already, which reads the variable no more."""
    torch = sys.modules.get("torch")
    if torch is None:
        yield
        return
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)

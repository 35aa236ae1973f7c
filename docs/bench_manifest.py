"""How much memory a long manifest takes: `aim-tui clip-score` with few rows and with many, each in its own process.

    python docs/bench_manifest.py [ROWS] [SUFFIX...]

The rows share the sample images, and each has a text of its own. Prints the peak of the resident memory of both runs
and the growth from one to the other.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from aim_tui.inputs.demo_data import load_demo_data
from aim_tui.inputs.listing import list_folder

FEW = 1000
_PEAK = """
import resource, sys
sys.argv = ["aim-tui", *sys.argv[1:]]
from aim_tui.cli import main
try:
    main()
except SystemExit as ended:
    assert not ended.code, ended.code
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, file=open("peak", "w"))
"""


def write_manifest(file: Path, rows: int) -> None:
    """A manifest of the format that the name ends in."""
    images = list_folder(load_demo_data().generations).images
    records = (
        {"id": number, "image_path": images[number % len(images)], "text": f"a cabin and {number} trees", "x": [1.0]}
        for number in range(rows)
    )
    if file.suffix == ".parquet":
        import pyarrow as pa
        import pyarrow.parquet as pq

        pq.write_table(pa.Table.from_pylist(list(records)), file, row_group_size=10_000)
        return
    with file.open("w", encoding="utf-8") as out:
        for number, record in enumerate(records):
            if file.suffix == ".json":
                out.write(("[" if number == 0 else ",\n") + json.dumps(record))
            elif file.suffix == ".csv":
                out.write("id,image_path,text\n" if number == 0 else "")
                out.write(f"{record['id']},{record['image_path']},{record['text']}\n")
            else:
                out.write(json.dumps(record) + "\n")
        out.write("]\n" if file.suffix == ".json" else "")


def peak(folder: Path, suffix: str, rows: int) -> tuple[int, float]:
    """The peak resident memory in MB, and the seconds that it took."""
    manifest, store = folder / f"{rows}{suffix}", folder / f"{rows}{suffix}.db"
    write_manifest(manifest, rows)
    command = [
        sys.executable, "-c", _PEAK, "clip-score", str(manifest), "-o", str(folder / f"out{suffix}"),
        "--profile", "sample", "--store", str(store),
    ]  # fmt: skip
    begun = time.monotonic()
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    subprocess.run(command, cwd=folder, env=environment, check=True, stderr=subprocess.DEVNULL)
    return int((folder / "peak").read_text()), time.monotonic() - begun


def main() -> None:
    """Measure and print."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    for suffix in sys.argv[2:] or (".jsonl",):
        with tempfile.TemporaryDirectory() as name:
            few, _ = peak(Path(name), suffix, FEW)
            many, seconds = peak(Path(name), suffix, rows)
        print(
            f"{suffix}: {FEW:,} rows {few} MB, {rows:,} rows {many} MB: grown by {many - few} MB "
            f"({many / few:.2f} times); {seconds:.0f} s"
        )


if __name__ == "__main__":
    main()

"""`aim-tui cache`: show and prune the feature cache, which keeps what models have computed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.filesize import decimal

from aim_tui.cli import options
from aim_tui.cli.console import print_json, say, show, table, words
from aim_tui.core.text import portable_path
from aim_tui.runs.storage import open_existing, parse_size, store_path
from aim_tui.store.cache import FeatureCache, Usage

app = typer.Typer(no_args_is_help=True)


@app.command()
def info(as_json: options.Json = False, store: options.Store = None) -> None:
    """Show how much is cached, by kind and model, and the size of the store."""
    path = store_path(store)
    found: list[Usage] = []
    if os.path.exists(path):
        with open_existing(path) as database:
            found = FeatureCache(database).info()
    total = sum(usage.bytes for usage in found)
    if as_json:
        entries = [
            {
                "kind": str(usage.kind),
                "model": portable_path(usage.model) or None,
                "fingerprint": usage.fingerprint or None,
                "count": usage.count,
                "bytes": usage.bytes,
            }
            for usage in found
        ]
        store_bytes = _on_disk(path)
        print_json({"store": portable_path(str(path)), "store_bytes": store_bytes, "bytes": total, "entries": entries})
        return
    if found:
        made = table("kind", "model", "fingerprint", "count", "size", right=("count", "size"))
        for usage in found:
            cells = (usage.kind, usage.model, usage.fingerprint[:8], f"{usage.count:,}", decimal(usage.bytes))
            made.add_row(*map(words, cells))
        show(made)
    say(f"{decimal(total)} cached in {path}, {decimal(_on_disk(path))} with all runs")


@app.command()
def prune(
    max_size: Annotated[
        str,
        typer.Option("--max-size", metavar="SIZE", help="How much to keep, for example 500MB or 2GB; 0 to empty it."),
    ],
    store: options.Store = None,
) -> None:
    """Delete the least recently used cache entries. They can be computed again; runs and ratings stay."""
    size, path = parse_size(max_size), store_path(store)
    if not os.path.exists(path):
        say(f"nothing is cached: no store at {path}")
        return
    before = _on_disk(path)
    with open_existing(path) as database:
        removed = FeatureCache(database).prune(size)
    after = _on_disk(path)
    say(f"removed {decimal(removed)}; {path} went from {decimal(before)} to {decimal(after)}")


def _on_disk(path: Path) -> int:
    """The bytes of the store with its write-ahead log."""
    files = (path, path.with_name(f"{path.name}-wal"))
    return sum(file.stat().st_size for file in files if os.path.exists(file))

"""`aim-tui cache`: what models have computed and is kept, so that it is never computed again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from aim_tui.cli import options

if TYPE_CHECKING:
    from pathlib import Path

    from aim_tui.store.cache import Usage

app = typer.Typer(
    name="cache",
    help="Show and prune the feature cache.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


@app.command()
def info(as_json: options.Json = False, store: options.Store = None) -> None:
    """Show how much is cached, by kind and model, and the size of the store."""
    from aim_tui.cli.console import print_json, say, show, table, words
    from aim_tui.core.text import portable_path
    from aim_tui.runs.storage import open_existing, store_path
    from aim_tui.store.cache import FeatureCache

    path = store_path(store)
    found: list[Usage] = []
    if path.exists():
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
        said = {"store": portable_path(str(path)), "store_bytes": _on_disk(path), "bytes": total, "entries": entries}
        print_json(said)
        return
    if found:
        made = table("kind", "model", "fingerprint", "count", "size", right=("count", "size"))
        for usage in found:
            cells = (usage.kind, usage.model, usage.fingerprint[:8], f"{usage.count:,}", _size(usage.bytes))
            made.add_row(*map(words, cells))
        show(made)
    say(f"{_size(total)} cached in {path}, which has {_size(_on_disk(path))} with all runs")


@app.command()
def prune(
    max_size: Annotated[
        str,
        typer.Option("--max-size", metavar="SIZE", help="How much to keep, for example 500MB or 2GB; 0 to empty it."),
    ],
    store: options.Store = None,
) -> None:
    """Delete the least recently used cache entries. They can be computed again; runs and ratings stay."""
    from aim_tui.cli.console import say
    from aim_tui.runs.storage import open_existing, parse_size, store_path
    from aim_tui.store.cache import FeatureCache

    size, path = parse_size(max_size), store_path(store)
    if not path.exists():
        say(f"nothing is cached: there is no store at {path}")
        return
    before = _on_disk(path)
    with open_existing(path) as database:
        removed = FeatureCache(database).prune(size)
    after = _on_disk(path)
    say(f"removed {_size(removed)}; {path} went from {_size(before)} to {_size(after)}")


def _on_disk(path: Path) -> int:
    """The store with the log beside it."""
    files = (path, path.with_name(f"{path.name}-wal"))
    return sum(file.stat().st_size for file in files if file.exists())


def _size(count: int) -> str:
    from rich.filesize import decimal

    return decimal(count)

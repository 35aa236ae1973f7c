"""`aim-tui keys`: every binding by the id that `[keys]` of the settings file gives other keys to."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from aim_tui.cli import options


def keys(
    config: options.ConfigOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """List all bindings: id, keys as they are set, what they do. A * marks keys that the settings file has changed."""
    from aim_tui.cli.interface import preferences
    from aim_tui.config import load_settings
    from aim_tui.ui.keymap import key_actions

    wanted, doubts = preferences(load_settings(config))
    lines = []
    for id, action in sorted(key_actions().items()):
        present = tuple(wanted.keymap.get(id, ",".join(action.keys)).split(","))
        lines.append((id, present, present != action.keys, action))
    if as_json:
        listed = [
            {"id": id, "keys": present, "default": action.keys, "changed": changed, "does": action.about}
            for id, present, changed, action in lines
        ]
        print(json.dumps({"keys": listed, "conflicts": doubts}, indent=2, ensure_ascii=False))
        return
    wide = max(len(id) for id, *_ in lines)
    keys_wide = max(len(",".join(present)) for _, present, *_ in lines)
    for id, present, changed, action in lines:
        print(f"{id:<{wide}} {'*' if changed else ' '} {','.join(present):<{keys_wide}}  {action.about}")
    for doubt in doubts:
        typer.echo(f"conflict: {doubt}", err=True)

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
        present = wanted.keymap.get(id, ",".join(action.keys)).split(",")
        changed = present != list(action.keys)
        lines.append(
            {"id": id, "keys": present, "default": list(action.keys), "changed": changed, "does": action.about}
        )
    if as_json:
        print(json.dumps({"keys": lines, "conflicts": doubts}, indent=2, ensure_ascii=False))
        return
    wide = max(len(str(line["id"])) for line in lines)
    keys_wide = max(len(",".join(line["keys"])) for line in lines)
    for line in lines:
        sign = "*" if line["changed"] else " "
        print(f"{line['id']:<{wide}} {sign} {','.join(line['keys']):<{keys_wide}}  {line['does']}")
    for doubt in doubts:
        typer.echo(f"conflict: {doubt}", err=True)

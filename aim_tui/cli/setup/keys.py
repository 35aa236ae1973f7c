"""`aim-tui keys`: every key binding, by the id that `[keys]` of the settings file uses."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

import typer

from aim_tui.cli import options
from aim_tui.cli.console import print_json
from aim_tui.cli.setup.ui_settings import preferences
from aim_tui.exports.sink import Sink
from aim_tui.settings.settings import load_settings

if TYPE_CHECKING:
    from aim_tui.ui.keymap import KeyAction


def keys(
    config: options.Config = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown, a table for each screen.")] = False,
) -> None:
    """List all key bindings: id, keys, what they do. * marks keys changed by the settings file."""
    from aim_tui.ui.keymap import key_actions

    ui, conflicts = preferences(load_settings(config))
    bindings = [
        (id, tuple(ui.keymap.get(id, ",".join(action.keys)).split(",")), action)
        for id, action in sorted(key_actions().items())
    ]
    if as_json:
        records = [
            {"id": id, "keys": keys, "default": action.keys, "changed": keys != action.keys, "does": action.about}
            for id, keys, action in bindings
        ]
        print_json({"keys": records, "conflicts": conflicts})
        return
    if as_markdown:
        Sink().write(_markdown(bindings) + "\n")
        return
    id_width = max(len(id) for id, *_ in bindings)
    keys_width = max(len(",".join(keys)) for _, keys, _ in bindings)
    lines = []
    for id, keys, action in bindings:
        mark = "*" if keys != action.keys else " "
        lines.append(f"{id:<{id_width}} {mark} {','.join(keys):<{keys_width}}  {action.about}\n")
    Sink().write("".join(lines))
    for conflict in conflicts:
        typer.echo(f"conflict: {conflict}", err=True)


def _markdown(bindings: list[tuple[str, tuple[str, ...], KeyAction]]) -> str:
    """A table for each screen that has keys, in alphabetical order."""
    from textual.keys import format_key

    places: dict[str, list[str]] = {}
    for id, keys, action in bindings:
        # A bar would end the cell, and a backtick the code.
        code = " ".join(f"`{format_key(key)}`".replace("|", "\\|").replace("```", "`` ` ``") for key in keys)
        # A screen without a title goes by the name of its class.
        place = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", action.place).removesuffix(" Screen").capitalize()
        places.setdefault(place, []).append(f"| {code} | {action.about} | `{id}` |")
    lines = [
        "# Keys",
        "",
        "The default keys of every screen, written by `aim-tui keys --markdown`. To change a binding, give its id",
        "(last column) other keys under `[keys]` in the settings file.",
    ]
    for place in sorted(places):
        lines += ["", f"## {place}", "", "| keys | what they do | id |", "|---|---|---|", *places[place]]
    return "\n".join(lines)

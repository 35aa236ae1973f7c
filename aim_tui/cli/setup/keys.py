"""`aim-tui keys`: every binding by the id that `[keys]` of the settings file gives other keys to."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

import typer

from aim_tui.cli import options

if TYPE_CHECKING:
    from aim_tui.ui.keymap import KeyAction


def keys(
    config: options.Config = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown, a table for each screen.")] = False,
) -> None:
    """List all key bindings: id, keys, what they do. * marks keys changed by the settings file."""
    from aim_tui.cli.setup.ui_settings import preferences
    from aim_tui.settings.settings import load_settings
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
        from aim_tui.cli.console import print_json

        print_json({"keys": listed, "conflicts": doubts})
        return
    if as_markdown:
        print(_markdown([(id, present, action) for id, present, _, action in lines]))
        return
    wide = max(len(id) for id, *_ in lines)
    keys_wide = max(len(",".join(present)) for _, present, *_ in lines)
    for id, present, changed, action in lines:
        print(f"{id:<{wide}} {'*' if changed else ' '} {','.join(present):<{keys_wide}}  {action.about}")
    for doubt in doubts:
        typer.echo(f"conflict: {doubt}", err=True)


def _markdown(lines: list[tuple[str, tuple[str, ...], KeyAction]]) -> str:
    """A table for each place that has keys, in alphabetical order."""
    from textual.keys import format_key

    places: dict[str, list[str]] = {}
    for id, keys, action in lines:
        # A bar ends a cell, and a tick ends code.
        shown = " ".join(f"`{format_key(key)}`".replace("|", "\\|").replace("```", "`` ` ``") for key in keys)
        # A place without a title of its own is called as its class is.
        place = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", action.place).removesuffix(" Screen").capitalize()
        places.setdefault(place, []).append(f"| {shown} | {action.about} | `{id}` |")
    said = [
        "# Keys",
        "",
        "Every key by the place where it works, as it comes; made by `aim-tui keys --markdown`. To the id in the last",
        "column `[keys]` of the settings file gives other keys.",
    ]
    for place in sorted(places):
        said += ["", f"## {place}", "", "| keys | what they do | id |", "|---|---|---|", *places[place]]
    return "\n".join(said)

"""`aim-tui models`: list, check and fetch the models that a profile needs."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.filesize import decimal
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.table import Column

from aim_tui.cli import options
from aim_tui.cli.console import console, print_json, say, show, table, words
from aim_tui.core.metrics import edits
from aim_tui.core.metrics.profiles import Profile
from aim_tui.core.metrics.registry import images_in_order, model_role, profile_roles, roles_in_order
from aim_tui.core.metrics.spec import NAME, ModelRef, Role
from aim_tui.core.names import comma_separated, did_you_mean
from aim_tui.core.text import portable_path, printable
from aim_tui.errors import AimError, UsageError
from aim_tui.hub.inventory import LOCAL, ModelState, inspect
from aim_tui.settings.settings import load_settings

if TYPE_CHECKING:
    from aim_tui.hub.fetch import FetchProgress

app = typer.Typer(no_args_is_help=True)

_Profile = Annotated[str | None, typer.Option("--profile", "-P", help="Default: the default profile.")]
_Roles = Annotated[list[str] | None, typer.Option("--role", help="Only this role; can be given several times.")]
_Metrics = Annotated[str | None, typer.Option("--metrics", help="Only what these metrics need, such as clip,siglip.")]


@app.command("list")
def list_models(
    profile: _Profile = None,
    role: _Roles = None,
    metrics: _Metrics = None,
    as_json: options.Json = False,
    config: options.Config = None,
) -> None:
    """List the models of a profile: role, model, size, and whether it is on this machine."""
    chosen, models = _select_models(profile, role, metrics, config)
    _print(chosen, [inspect(part, ref) for part, ref in models], as_json=as_json)


@app.command()
def check(
    profile: _Profile = None,
    role: _Roles = None,
    metrics: _Metrics = None,
    as_json: options.Json = False,
    config: options.Config = None,
) -> None:
    """Check that all files of a profile's models are here and have the right checksums.

    Exit: 0 complete, 3 a model is missing or damaged.
    """
    chosen, models = _select_models(profile, role, metrics, config)
    with _progress() as progress:
        states = [_check_one(part, ref, progress) for part, ref in models]
    _print(chosen, states, as_json=as_json)
    bad = [state for state in states if not state.complete]
    if not bad:
        return
    for state in bad:
        say(f"error: {state.role} {state.name}: {state.problem}")
    from_hub = [state for state in bad if state.revision != LOCAL and not state.refused]
    if from_hub:
        flags = " --verify" if any(state.path is not None for state in from_hub) else ""
        flags += f" --config {shlex.quote(str(config))}" if config is not None else ""
        say(f"hint: fetch what is missing: aim-tui models fetch --profile {shlex.quote(chosen.name)}{flags}")
    raise typer.Exit(3)


def _check_one(role: Role, ref: ModelRef, progress: Progress) -> ModelState:
    task = progress.add_task(f"checking {role}", total=inspect(role, ref).bytes_on_disk)
    try:
        return inspect(role, ref, deep=True, on_bytes=lambda size: progress.advance(task, size))
    finally:
        progress.remove_task(task)


@app.command()
def fetch(
    profile: _Profile = None,
    role: _Roles = None,
    metrics: _Metrics = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Check the files that are here and fetch damaged ones again.")
    ] = False,
    config: options.Config = None,
) -> None:
    """Download the models of a profile that are missing; an interrupted download resumes.

    Exit: 0 complete, 3 a model cannot be fetched. HF_TOKEN, HF_ENDPOINT, HF_HOME and HF_HUB_OFFLINE are honoured.
    """
    _, models = _select_models(profile, role, metrics, config)
    failures: list[AimError] = []
    try:
        with _progress() as progress:
            for part, ref in models:
                try:
                    path = _fetch_one(part, ref, progress, verify=verify)
                except AimError as error:
                    failures.append(error)
                else:
                    progress.console.print(words(f"{part} {ref.name}: in {path}"), soft_wrap=True)
    except KeyboardInterrupt:
        say("stopped; partial downloads are kept: fetch again to resume")
        raise typer.Exit(130) from None
    for failure in failures:
        say(f"error: {failure.message}")
        if failure.hint:
            say(f"hint: {failure.hint}")
    if failures:
        raise typer.Exit(3)


def _fetch_one(role: Role, ref: ModelRef, progress: Progress, *, verify: bool) -> Path:
    from aim_tui.hub.fetch import fetch as fetch_model

    task = progress.add_task(f"{role} listing files", total=None)

    def show(step: FetchProgress) -> None:
        progress.update(task, description=f"{step.role} {printable(step.file)}", completed=step.done, total=step.total)

    try:
        return fetch_model(role, ref, show, verify=verify).path
    finally:
        progress.remove_task(task)


def _select_models(
    profile: str | None, roles: Sequence[str] | None, metrics: str | None, config: Path | None
) -> tuple[Profile, list[tuple[Role, ModelRef]]]:
    """The profile, and those of its models that the options select, in the order of the roles."""
    settings = load_settings(config)
    chosen = settings.profile(profile)
    families: list[str] = []
    if metrics is None:
        selected = tuple(metric for metric in chosen.metrics if metric not in settings.disabled)
    else:
        names = comma_separated(metrics)
        families = [name for name in names if name in edits.FAMILIES]
        try:
            selected = images_in_order(name for name in names if name not in edits.FAMILIES)
        except KeyError as error:
            raise UsageError(error.args[0]) from None
    models = dict(chosen.equipped(selected).models)
    for name in roles or ():
        model = model_role(Role(name)) if NAME.fullmatch(name) else None
        if model is None:
            raise UsageError(f"unknown role {name!r}{did_you_mean(name, [*map(str, profile_roles())])}")
        if model.default is not None:
            models.setdefault(model.role, model.default)
    needed = {*chosen.roles_for(selected), *edits.roles_for(families, captioned=True)}
    if metrics is None:
        # A role named with --role counts even if no default metric uses it.
        needed |= {Role(role) for role in roles or ()}
    return chosen, [
        (role, models[role]) for role in roles_in_order(needed) if role in models and (not roles or role in roles)
    ]


def _print(profile: Profile, states: Sequence[ModelState], *, as_json: bool) -> None:
    if as_json:
        print_json({"profile": profile.name, "models": [_as_data(state) for state in states]})
        return
    made = table("role", "model", "for", "size", "on this machine?", right=("size",))
    for state in states:
        presence = "yes" if state.complete else state.problem
        made.add_row(*map(words, (state.role, state.name, ", ".join(state.needed_by), _size(state), presence)))
    show((words(f"profile {profile.name}" + (f" - {profile.notice}" if profile.notice else "")), made))


def _as_data(state: ModelState) -> dict[str, object]:
    return {
        "role": str(state.role),
        "name": portable_path(state.name),
        "metrics": [metric for metric in state.needed_by if metric != "editclip"],
        "present": state.present,
        "complete": state.complete,
        "bytes_on_disk": state.bytes_on_disk,
        "bytes_to_fetch": state.bytes_to_fetch,
        "path": portable_path(str(state.path)) if state.path else None,
        "revision": state.revision,
        "problem": portable_path(state.problem),
    }


def _size(state: ModelState) -> str:
    """The size on disk, or about how much is left to fetch."""
    if state.complete:
        return decimal(state.bytes_on_disk)
    return "unknown" if state.bytes_to_fetch is None else f"about {decimal(state.bytes_to_fetch)}"


def _progress() -> Progress:
    """Progress bars on stderr that fit 80 columns; none if stderr is not a terminal."""

    def narrow(width: int | None = None) -> Column:
        return Column(no_wrap=True, overflow="ellipsis", max_width=width)

    stderr = console(stderr=True)
    return Progress(
        # File names come from a server: never read as markup.
        TextColumn("{task.description}", markup=False, table_column=narrow(30)),
        BarColumn(bar_width=10),
        DownloadColumn(table_column=narrow()),
        TransferSpeedColumn(table_column=narrow()),
        TimeRemainingColumn(table_column=narrow()),
        console=stderr,
        disable=not stderr.is_terminal,
    )

"""The options that several commands share: each declared once, in a group that a command takes as one parameter.

    @takes_groups
    def search(paths: ..., *, destination: OutputOptions, common: RunOptions) -> None:

An option added to a group is an option of every command that takes the group.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from aim_tui.exports.content import Content, Records
from aim_tui.exports.formats import formats_for
from aim_tui.inputs.edits import EditColumns
from aim_tui.runs.setup import Setup, resolve
from aim_tui.runs.storage import store_path

_MODELS = "Models and machine"
_STORE = "Store"
_OUTPUT = "Output"

Topic = Annotated[str, typer.Option("--topic", "-t", help="What the image shows; compared with its caption.")]
Prompt = Annotated[str, typer.Option("--prompt", "-p", help="The detailed prompt; compared with the image by CLIP.")]
Reference = Annotated[
    str, typer.Option("--reference", "-R", metavar="FILE", help="The image that LPIPS measures the distance to.")
]
Metrics = Annotated[
    str | None,
    typer.Option("--metrics", metavar="LIST", help="Default: clip,blip2,lpips. `aim-tui metrics` lists all."),
]
Weights = Annotated[
    str | None, typer.Option("--weights", metavar="LIST", help="For example clip=0.2,blip2=0.5,lpips=0.3.")
]
Recursive = Annotated[bool, typer.Option("--recursive", "-r", help="Include sub-folders.")]
Limit = Annotated[
    int, typer.Option("--limit", min=1, metavar="N", help="How many images the table shows; files have all.")
]
OpenInTui = Annotated[bool, typer.Option("--tui", help="Open the result in the application.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FILE", rich_help_panel=_OUTPUT, help="Write to FILE instead of stdout."),
]
Images = Annotated[list[str], typer.Argument(metavar="PATH...", help="Images, folders and glob patterns.")]
Config = Annotated[
    Path | None,
    typer.Option(
        "--config", metavar="FILE", rich_help_panel=_MODELS, help="Settings file to read instead of the default one."
    ),
]
Profile = Annotated[
    str | None,
    typer.Option(
        "--profile",
        "-P",
        metavar="NAME",
        rich_help_panel=_MODELS,
        help="Models and rules: aim, large, sample or your own.",
    ),
]
Store = Annotated[
    Path | None,
    typer.Option(
        "--store",
        metavar="PATH",
        envvar="AIM_TUI_STORE",
        show_envvar=True,
        rich_help_panel=_STORE,
        help="Store to use instead of your own.",
    ),
]


def format_option(*kinds: type[Content], default: str = "by the ending of FILE, else table") -> Any:
    """--format of a command that writes one of these kinds of content; the help lists the formats."""
    names = [each.id for each in formats_for(*kinds)]
    known = " or ".join([", ".join(names[:-1]), names[-1]])
    return typer.Option(
        "--format",
        "-f",
        metavar="FORMAT",
        rich_help_panel=_OUTPUT,
        help=f"{known}. Default: {default}.",
        show_default=False,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineOptions:
    """Which models run, and how."""

    profile: Profile = None
    device: Annotated[
        str | None,
        typer.Option(
            "--device", metavar="D", rich_help_panel=_MODELS, help="auto, cpu, mps, cuda or cuda:N. Default: auto."
        ),
    ] = None
    precision: Annotated[
        str | None,
        typer.Option(
            "--precision",
            metavar="P",
            rich_help_panel=_MODELS,
            help="aim (default), or fast: bf16 or fp16 everywhere, float32 norms.",
        ),
    ] = None
    batch_size: Annotated[
        int | None,
        typer.Option(
            "--batch-size", "-b", min=1, metavar="N", rich_help_panel=_MODELS, help="Images per batch, for every model."
        ),
    ] = None
    exif: Annotated[
        str | None,
        typer.Option(
            "--exif",
            metavar="rotate|ignore",
            rich_help_panel=_MODELS,
            help="ignore: no EXIF rotation, as in AIM itself.",
        ),
    ] = None
    config: Config = None

    def setup(self, **wanted: Any) -> Setup:
        """The setup of these options and the settings; `wanted` are the further arguments of `runs.setup.resolve`."""
        return resolve(
            profile=self.profile,
            device=self.device,
            precision=self.precision,
            batch_size=self.batch_size,
            exif=self.exif,
            config=self.config,
            **wanted,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class RunOptions(EngineOptions):
    """Which models run, how, and where what they compute is stored."""

    store: Store = None
    no_store: Annotated[
        bool,
        typer.Option("--no-store", rich_help_panel=_STORE, help="Store nothing, and reuse nothing that is stored."),
    ] = False

    @property
    def store_path(self) -> Path | None:
        """The store to use; None with --no-store."""
        return None if self.no_store else store_path(self.store)


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadOptions(RunOptions):
    """The same of a command that reads images."""

    fresh: Annotated[
        bool,
        typer.Option("--fresh", rich_help_panel=_STORE, help="Read every file again, even one that looks unchanged."),
    ] = False

    def setup(self, **wanted: Any) -> Setup:
        """What these options and the settings add up to."""
        return replace(RunOptions.setup(self, **wanted), fresh=self.fresh)


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredRunOptions(ReadOptions):
    """The same of a command whose runs are stored, and go on where they stopped."""

    fresh: Annotated[
        bool,
        typer.Option(
            "--fresh/--resume",
            rich_help_panel=_STORE,
            help="Begin a new run and read every file again, or resume the same run if it was interrupted.",
        ),
    ] = False


@dataclass(frozen=True, kw_only=True, slots=True)
class OutputOptions:
    """Where a result goes, and in which format."""

    format: Annotated[str | None, format_option(Records)] = None
    output: Output = None


@dataclass(frozen=True, kw_only=True, slots=True)
class EditColumnOptions:
    """Which columns of a data set of edits hold what."""

    source_key: Annotated[
        str, typer.Option("--source-key", metavar="COLUMN", help="Column of source images. Default: source_image ...")
    ] = ""
    target_key: Annotated[
        str, typer.Option("--target-key", metavar="COLUMN", help="Column of edited images. Default: target_image ...")
    ] = ""
    instruction_key: Annotated[
        str, typer.Option("--instruction-key", metavar="COLUMN", help="Column of instructions. Default: instruction.")
    ] = ""
    id_key: Annotated[str, typer.Option("--id-key", metavar="COLUMN", help="Column of ids. Default: id.")] = ""

    @property
    def columns(self) -> EditColumns:
        """The names that were given; an empty one stands for those that are known."""
        return EditColumns(self.source_key, self.target_key, self.instruction_key, self.id_key)


def takes_groups(command: Callable[..., None]) -> Callable[..., None]:
    """The command as typer reads it: the options of a group stand in place of the parameter that takes the group."""
    hints = get_type_hints(command, include_extras=True)
    groups: dict[str, type] = {}
    parameters: list[inspect.Parameter] = []
    for name, parameter in inspect.signature(command).parameters.items():
        kind = hints[name]
        if not (isinstance(kind, type) and is_dataclass(kind)):
            parameters.append(parameter.replace(annotation=kind, kind=inspect.Parameter.KEYWORD_ONLY))
            continue
        groups[name] = kind
        options = get_type_hints(kind, include_extras=True)
        parameters += [
            inspect.Parameter(
                field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=options[field.name]
            )
            for field in fields(kind)
        ]

    @functools.wraps(command)
    def call(**values: Any) -> None:
        parts = {name: {field.name: values.pop(field.name) for field in fields(kind)} for name, kind in groups.items()}
        command(**values, **{name: kind(**parts[name]) for name, kind in groups.items()})

    # typer reads the signature; through `__wrapped__` it would read the command's own.
    del call.__wrapped__
    call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    call.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return call

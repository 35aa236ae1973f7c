"""The options that several sub-commands share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    pass


ProfileOption = Annotated[
    str | None,
    typer.Option("--profile", "-P", metavar="NAME", help="Models and rules: aim, large, sample or your own."),
]
TopicOption = Annotated[str, typer.Option("--topic", "-t", help="What the image is of; captions are compared with it.")]
PromptOption = Annotated[str, typer.Option("--prompt", "-p", help="The detailed prompt; CLIP compares images with it.")]
ReferenceOption = Annotated[
    str, typer.Option("--reference", "-R", metavar="FILE", help="The image that LPIPS measures the distance to.")
]
MetricsOption = Annotated[
    str | None,
    typer.Option("--metrics", metavar="LIST", help="Default: clip,blip2,lpips. `aim-tui metrics` lists all."),
]
TextMetricOption = Annotated[
    str | None,
    typer.Option(
        "--text-metric",
        metavar="NAME",
        help="What compares captions with the topic: sentence (blip2's cosine), bertscore in its place, or both.",
    ),
]
WeightsOption = Annotated[
    str | None, typer.Option("--weights", metavar="LIST", help="Such as clip=0.2,blip2=0.5,lpips=0.3.")
]
DeviceOption = Annotated[
    str | None, typer.Option("--device", metavar="D", help="auto, cpu, mps, cuda or cuda:N. Default: auto.")
]
PrecisionOption = Annotated[
    str | None,
    typer.Option("--precision", metavar="P", help="aim (default) or fast: bf16/fp16 everywhere, float32 norms."),
]
BatchOption = Annotated[
    int | None, typer.Option("--batch-size", "-b", min=1, metavar="N", help="Images a batch, for every model.")
]
ExifOption = Annotated[
    str | None, typer.Option("--exif", metavar="rotate|ignore", help="ignore: no EXIF rotation, as in AIM itself.")
]
ConfigOption = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="Settings file to read instead of the default one.")
]
RecursiveOption = Annotated[bool, typer.Option("--recursive", "-r", help="Look into sub-folders too.")]
FormatOption = Annotated[
    str | None,
    typer.Option(
        "--format", "-f", metavar="FORMAT", help="table, json, jsonl or csv. Default: as FILE ends, or table."
    ),
]
OutputOption = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write there instead of to stdout.")
]
NoStoreOption = Annotated[bool, typer.Option("--no-store", help="Keep nothing, and look up nothing that was kept.")]
NoRunStoreOption = Annotated[bool, typer.Option("--no-store", help="Keep nothing of this run but its output.")]
ResumeOption = Annotated[
    bool, typer.Option("--resume/--fresh", help="Go on with the same run where it was interrupted, or begin anew.")
]
StoreOption = Annotated[
    Path | None,
    typer.Option(
        "--store", metavar="PATH", envvar="AIM_TUI_STORE", show_envvar=True, help="Store to use instead of your own."
    ),
]

"""`aim-tui bench`: this machine's speed with a profile's models, compared with the models alone and a plain loop."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from aim_tui.cli import options
from aim_tui.cli.console import console, print_json
from aim_tui.errors import UsageError
from aim_tui.inputs.listing import expand

if TYPE_CHECKING:
    from aim_tui.engine.bench import Report

_TOPIC = "A wooden cabin with a smoking chimney stands among snow-covered trees and a snowy mountain"
_PROMPT = "Only one wooden cabin with one chimney, no other buildings or cabins, in a snowy forest with mountains"


@options.takes_groups
def bench(
    images: Annotated[
        list[str] | None,
        typer.Option("--images", metavar="PATH", help="Measure with these images instead of drawn ones."),
    ] = None,
    count: Annotated[int, typer.Option("--count", "-n", min=1, metavar="N", help="How many images.")] = 48,
    size: Annotated[
        int, typer.Option("--size", min=32, max=8192, metavar="PX", help="Side length of the drawn images.")
    ] = (1024),
    image_format: Annotated[
        str, typer.Option("--format", metavar="png|jpeg", help="Format of the drawn images.")
    ] = "png",
    metrics: options.Metrics = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON to stdout instead of tables.")] = False,
    *,
    common: options.EngineOptions,
) -> None:
    """Measure images/s of each metric and of all together, the limit of the models alone, and a plain loop."""
    from aim_tui.engine.runtime import go_offline

    if image_format not in ("png", "jpeg"):
        raise UsageError(f"--format is {image_format!r}; it is 'png' or 'jpeg'")
    stderr = console(stderr=True)
    with contextlib.ExitStack() as stack:
        found = expand(images, recursive=True).images[:count] if images else None
        if found == []:
            raise UsageError(f"no images to measure with in {', '.join(images or ())}")
        go_offline()
        from aim_tui.engine.bench import measure, synthesise

        if found is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="aim-tui-bench-")))
            stderr.print(f"drawing {count} {image_format} images of {size} x {size}")
            found = synthesise(folder, count, size, "png" if image_format == "png" else "jpeg")
        setup = common.setup(topic=_TOPIC, prompt=_PROMPT, reference=found[0], metrics=metrics)
        say: Callable[[str], None] = stderr.print
        report = measure(setup.engine, setup.metrics, setup.context, found, say)
    if as_json:
        print_json({"profile": setup.profile.name, **report.to_json()})
    else:
        _show(setup.profile.name, report)


def _show(profile: str, report: Report) -> None:
    out = console()
    machine = report.machine
    out.print(
        f"profile {profile} on {machine['devices']}, {machine['cores']} cores, torch {machine['torch']} "
        f"with {machine['torch_threads']} threads (plain loop: {machine['torch_threads_plain']})",
        soft_wrap=True,
    )
    out.print(f"{report.images} images of {report.mean_bytes / 1e6:.2f} MB on average\n", soft_wrap=True)
    table = Table(show_edge=False)
    for heading in ("", "", "batch", "pipeline", "models", "plain", "x plain", "x models"):
        table.add_column(heading, justify="right" if heading else "left", no_wrap=True)
    for ways in [*report.metrics, report.whole]:
        plain, limit = ways.faster_than_plain, ways.over_the_limit
        timings = (ways.pipeline, ways.models_alone, ways.plain)
        table.add_row(
            ways.name,
            "images/s",
            str(ways.batch_size or ""),
            *(_number(timing.rate) for timing in timings),
            _number(plain.wall if plain else 0),
            _number(limit.wall if limit else 0),
        )
        table.add_row(
            "",
            "CPU ms",
            "",
            *(_number(timing.cpu_ms) for timing in timings),
            _number(plain.cpu if plain else 0),
            _number(limit.cpu if limit else 0),
            end_section=True,
        )
    out.print(table)
    out.print(
        f"\nreading alone, on all cores: {report.reading.rate:.2f} images/s. The bottleneck is {report.bound_by}: "
        f"all metrics together reach {report.share_of_the_limit:.0%} of its limit."
    )


def _number(value: float | None) -> str:
    """Three figures or so; '-' for what was not measured."""
    return "-" if not value else f"{value:.2f}" if value < 100 else f"{value:.0f}"

"""`aim-tui correlate`: how well metrics agree with human ratings, an LLM judge or any column."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from aim_tui.cli import options
from aim_tui.cli.agreement.study import StudyRequest, error_mapping, gather_study
from aim_tui.cli.console import say, show, table, words
from aim_tui.core.agreement.analysis import Options, analyse
from aim_tui.core.agreement.pairs import join
from aim_tui.core.agreement.report_tables import plain_number
from aim_tui.core.agreement.study import Study
from aim_tui.core.names import comma_separated, did_you_mean
from aim_tui.core.text import printable
from aim_tui.errors import UsageError
from aim_tui.exports.agreement import AgreementFigure, AgreementReport
from aim_tui.exports.formats import export, format_of, get_format
from aim_tui.exports.formats.json import JSON
from aim_tui.exports.sink import check_folder
from aim_tui.inputs.judgements import read_scale


def correlate(
    run: Annotated[
        str | None, typer.Argument(metavar="[RUN]", help="A stored run: its id, a prefix of it, or 'last' (default).")
    ] = None,
    metric: Annotated[
        str, typer.Option("--metric", "--x", "-m", metavar="X[,Y...]", help="The metrics or columns to evaluate.")
    ] = "",
    against: Annotated[
        str,
        typer.Option(
            "--against", "--y", "-a", metavar="Z[,...]", help="What to compare them with: rating, duels, or columns."
        ),
    ] = "",
    scores: Annotated[
        Path | None, typer.Option("--scores", metavar="FILE", help="File of metric values: CSV, JSON or JSON Lines.")
    ] = None,
    judgements: Annotated[
        Path | None,
        typer.Option("--judgements", "-j", metavar="FILE", help="File of judgements: CSV, JSON or JSON Lines."),
    ] = None,
    id_column: Annotated[
        str, typer.Option("--id", metavar="COL[,COL]", help="Id or path column: of --scores, of --judgements.")
    ] = "",
    rater: Annotated[str, typer.Option("--rater", metavar="COL", help="The column with the rater's name.")] = "",
    raters: Annotated[
        str, typer.Option("--raters", metavar="COL,COL", help="Columns with one rater's judgements each.")
    ] = "",
    scale: Annotated[
        str, typer.Option("--scale", metavar="LO-HI", help="Range of the judgements: 0-1, 1-5, 0-10 ...")
    ] = "",
    metric_scale: Annotated[str, typer.Option("--metric-scale", metavar="LO-HI", help="Range of the metrics.")] = "",
    lower: Annotated[
        str, typer.Option("--lower-is-better", metavar="COL,...", help="Columns where lower is better.")
    ] = "",
    group_by: Annotated[
        str, typer.Option("--group-by", "-g", metavar="COL", help="Resample whole groups; compare their levels.")
    ] = "",
    normalize: Annotated[
        str,
        typer.Option(
            "--normalize",
            metavar="raw|minmax|calibrated",
            help="How metrics are put on the judgements' scale for MAE and RMSE.",
        ),
    ] = "calibrated",
    bootstrap: Annotated[
        int | None,
        typer.Option(
            "--bootstrap",
            min=0,
            metavar="N",
            help="Resamples and permutations; 0 for none. Default: 10000, fewer for many pairs.",
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option("--seed", min=0, metavar="S", help="Random seed; the same seed gives the same figures.")
    ] = 0,
    top: Annotated[int, typer.Option("--top", min=0, metavar="N", help="How many samples to list of each kind.")] = 5,
    output_format: Annotated[str, options.format_option(AgreementReport, default="table")] = "table",
    plot: Annotated[
        Path | None,
        typer.Option("--plot", metavar="FILE.png|svg", help="Plot the first metric against the first judgement."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Also write correlation_results.json to FILE.")
    ] = None,
    preview: Annotated[bool, typer.Option("--preview", help="Only show which samples match.")] = False,
    store: options.Store = None,
) -> None:
    """Measure how well metrics agree with human ratings, duels, an LLM judge or any column."""
    table_format = get_format(output_format, AgreementReport)
    plot_format = format_of(plot, AgreementFigure) if plot is not None else None
    analysis_options = Options(group_by, error_mapping(normalize), bootstrap, seed, top)
    inputs = [path for path in (scores, judgements) if path is not None]
    _check_outputs(output, plot, inputs)
    request = StudyRequest(
        run=run,
        metrics=tuple(comma_separated(metric)),
        against=tuple(comma_separated(against)),
        scores=scores,
        judgements=judgements,
        ids=tuple(comma_separated(id_column)),
        rater_column=rater,
        raters=tuple(comma_separated(raters)),
        scale=read_scale("--scale", scale),
        metric_scale=read_scale("--metric-scale", metric_scale),
        lower_is_better=frozenset(comma_separated(lower)),
        store=store,
    )
    study = gather_study(request)
    _check_groups(study, group_by)
    if preview:
        _preview(study)
        return
    analysis = analyse(study, analysis_options)
    export(AgreementReport(analysis), table_format)
    if output is not None:
        export(AgreementReport(analysis), JSON, output)
        say(f"wrote {output}")
    if plot is not None and plot_format is not None:
        if not analysis.cells:
            raise UsageError("nothing to plot: no metric was compared with a judgement")
        first = analysis.cells[0]
        export(AgreementFigure(first), plot_format, plot)
        say(f"wrote {plot}: {first.metric.name} against {first.judgement.name}")


def _check_outputs(output: Path | None, plot: Path | None, inputs: list[Path]) -> None:
    """UsageError, before anything is computed, if an output cannot be written or would overwrite an input."""
    outputs = {option: path for option, path in (("--output", output), ("--plot", plot)) if path is not None}
    for option, path in outputs.items():
        check_folder(path)
        if any(path.resolve() == source.resolve() for source in inputs):
            raise UsageError(f"{option} {path} is one of the input files", "name another file")
    if len({path.resolve() for path in outputs.values()}) < len(outputs):
        raise UsageError("--output and --plot name the same file", "name two different files")


def _check_groups(study: Study, group_by: str) -> None:
    labels = dict.fromkeys(name for sample in study.samples.values() for name in sample.labels)
    if group_by and group_by not in labels:
        raise UsageError(f"--group-by: no sample has {group_by!r}{did_you_mean(group_by, labels)}")


def _preview(study: Study) -> None:
    """Print which samples would be joined, without computing anything."""
    show(*map(words, study.notes))
    for judgement in study.judgements:
        for metric in study.metrics:
            pairs = join(metric, judgement)
            show("", words(f"{metric.name} against {judgement.name}: {pairs.describe()}", "bold"))
            x_name, y_name = printable(metric.name), printable(judgement.name)
            rows = table("sample", x_name, y_name, right=(x_name, y_name))
            signs = (-1 if pairs.negated_x else 1, -1 if pairs.negated_y else 1)
            for name, x, y in list(zip(pairs.ids, pairs.x, pairs.y, strict=True))[:10]:
                rows.add_row(*map(words, (name, plain_number(signs[0] * x), plain_number(signs[1] * y))))
            for drop in pairs.dropped[:10]:
                rows.add_row(*map(words, (drop.id, "", f"left out: {drop.side} {drop.reason}")))
            show(rows)

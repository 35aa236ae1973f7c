"""`aim-tui score`: score images without the application; data on stdout, everything else on stderr."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from aim_tui.cli import options
from aim_tui.cli.progress import display
from aim_tui.cli.scoring.item_prompts import read_options, with_own
from aim_tui.cli.scoring.score_manifest import Columns, score_manifest
from aim_tui.core.metrics.spec import Need
from aim_tui.errors import UsageError
from aim_tui.exports.formats import get_format
from aim_tui.exports.images import ScoredImages
from aim_tui.exports.sink import Sink
from aim_tui.inputs.folder_watcher import Watch
from aim_tui.inputs.listing import Expansion, expand
from aim_tui.runs.recording import Record, StoredRecord, common_folder, request_of
from aim_tui.runs.runner import Watching, image_work, run
from aim_tui.runs.setup import Setup
from aim_tui.runs.storage import open_to_score
from aim_tui.store.runs import Runs


@options.takes_groups
def score(
    paths: Annotated[
        list[str] | None, typer.Argument(metavar="PATH...", help="Images, folders and glob patterns.")
    ] = None,
    topic: options.Topic = "",
    prompt: Annotated[
        list[str] | None,
        typer.Option(
            "--prompt", "-p", help="Compared with the images by CLIP. Repeat it to score each image with every prompt."
        ),
    ] = None,
    prompts: Annotated[
        Path | None, typer.Option("--prompts", metavar="FILE", help="A file with one prompt per line.")
    ] = None,
    pair: Annotated[
        bool,
        typer.Option("--pair", help="Pair image 1 with prompt 1 and so on, instead of every image with every prompt."),
    ] = False,
    prompt_from: Annotated[
        str | None,
        typer.Option(
            "--prompt-from",
            metavar="WHERE",
            help="Each image's own prompt: metadata (A1111, ComfyUI, Fooocus, InvokeAI, SwarmUI, NovelAI and others), "
            "sidecar (.txt, .caption or .json beside it), filename, or the column of the manifest.",
        ),
    ] = None,
    keep_lora: Annotated[
        bool, typer.Option("--keep-lora", help="Keep <lora:...> and the like in the images' own prompts.")
    ] = False,
    manifest: Annotated[
        Path | None,
        typer.Option(
            "--manifest",
            metavar="FILE",
            help="Score the rows of a JSON Lines, JSON, CSV, TSV or Parquet file and write them with the scores added.",
        ),
    ] = None,
    image_key: Annotated[
        str | None,
        typer.Option("--image-key", metavar="COLUMN", help="Image column of the manifest. Default: image_path."),
    ] = None,
    topic_key: Annotated[
        str | None, typer.Option("--topic-key", metavar="COLUMN", help="Topic column. Default: topic, if present.")
    ] = None,
    prompt_key: Annotated[
        str | None, typer.Option("--prompt-key", metavar="COLUMN", help="Prompt column. Default: prompt, if present.")
    ] = None,
    reference_key: Annotated[
        str | None,
        typer.Option("--reference-key", metavar="COLUMN", help="Reference column. Default: reference, if present."),
    ] = None,
    column_prefix: Annotated[
        str, typer.Option("--column-prefix", metavar="TEXT", help="Prefix for the names of added columns.")
    ] = "",
    replace: Annotated[bool, typer.Option("--replace", help="Overwrite columns that exist already.")] = False,
    reference: options.Reference = "",
    metrics: options.Metrics = None,
    text_metric: Annotated[
        str | None,
        typer.Option(
            "--text-metric",
            metavar="NAME",
            help="How captions are compared with the topic: sentence (cosine, blip2), bertscore, or both.",
        ),
    ] = None,
    weights: options.Weights = None,
    recursive: options.Recursive = False,
    output_format: Annotated[str, options.format_option(ScoredImages, default="table")] = "table",
    output: options.Output = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Keep scoring new images once they are fully written, until Ctrl-C.")
    ] = False,
    *,
    common: options.StoredRunOptions,
) -> None:
    """Score images: raw and normalised values of each metric, and the final score.

    Exit: 0 all images scored, 1 some failed, 2 usage, 3 a model could not be loaded, 130 Ctrl-C.
    """
    item_prompts = read_options(prompt, prompts, pair, prompt_from, manifest=manifest is not None, keep_tags=keep_lora)
    setup = common.setup(
        topic=topic,
        prompt=item_prompts.common,
        reference=reference,
        metrics=metrics,
        text_metric=text_metric,
        weights=weights,
    )
    if manifest is not None:
        if paths or watch or output_format != "table":
            raise UsageError("--manifest FILE gives the images and the format", "leave out PATH, --watch and --format")
        keys = Columns(image_key, topic_key, prompt_key, reference_key)
        code = score_manifest(
            manifest, keys, setup, item_prompts, output,
            prefix=column_prefix, replace=replace, store=common.store_path,
        )  # fmt: skip
        raise typer.Exit(code)
    if any((image_key, topic_key, prompt_key, reference_key, column_prefix, replace)):
        raise UsageError("column options need --manifest FILE")
    if not paths:
        raise UsageError("nothing to score", "name images, folders or patterns, or give --manifest FILE")
    if item_prompts.own:
        if watch and item_prompts.pair:
            raise UsageError("--pair needs a fixed number of images; --watch has none", "leave out one of them")
        setup = with_own(setup, {Need.PROMPT})
    chosen, sink = get_format(output_format, ScoredImages), Sink(output)
    sink.check()
    # A watch also finds the images that are there already, once they are fully written.
    found = Expansion([], []) if watch else expand(paths, recursive)
    if not found.images and not watch:
        problems = "; ".join(f"{problem.path}: {problem.reason}" for problem in found.problems)
        raise UsageError(f"no images to score: {problems}")
    sink.check([*found.images, setup.context.reference], "images to score")
    images = item_prompts.items(found.images, named=paths, further=watch)
    watching = None
    if watch:
        seen = Watch(paths, recursive, setup.engine.reading, known=())
        watching = Watching(seen, partial(item_prompts.items, further=True))

    def score_to(record: Record, setup: Setup) -> int:
        content = ScoredImages(
            record.results, setup.provenance(), own=("prompt",) if watch and item_prompts.own else ()
        )
        writer = chosen.writer(content, sink)
        work = image_work(setup, found.problems, found.left_out.lines())
        return run(work, writer, record, display(), problems=found.problems, watch=watching)

    path = common.store_path
    if path is None:
        raise typer.Exit(score_to(Record(setup, images), setup))
    with open_to_score(path) as database:
        request = request_of(setup, common_folder(paths, found.images))
        record = StoredRecord(Runs(database), setup, images, request, fresh=common.fresh or watch)
        raise typer.Exit(score_to(record, setup.with_store(path)))

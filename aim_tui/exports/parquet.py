"""Parquet, for data frames; needs the extra 'parquet'."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

from aim_tui.core.scoring.records import full_record, other_fields, own_fields
from aim_tui.store.errors import ExportError

if TYPE_CHECKING:
    from aim_tui.store.records import Run

# Types are stated, so that a column in which everything is missing has the same one as in another run.
_COLUMNS = {
    "path": "string",
    "clip_score": "float64",
    "clip_norm": "float64",
    "caption": "string",
    "blip2_similarity": "float64",
    "blip2_norm": "float64",
    "lpips_score": "float64",
    "lpips_norm": "float64",
    "final_score": "float64",
    "status": "string",
    "error": "string",
    "prompt_tokens": "int64",
    "prompt_truncated": "bool_",
    "width": "int64",
    "height": "int64",
    "format": "string",
    "mode": "string",
    "bytes": "int64",
    "sha256": "string",
    "exif_rotated": "bool_",
    "flattened": "string",
    "frames": "int64",
}

METADATA_KEY = b"aim_tui"
"""The schema's metadata holds the run without its rows under this key, as JSON."""


def parquet(run: Run) -> bytes:
    """One row an image; ExportError where pyarrow is not installed."""
    try:
        import pyarrow
        from pyarrow import parquet as files
    except ImportError:
        raise ExportError(
            "Parquet needs pyarrow, which is not installed", "pip install 'aim-tui[parquet]', or choose another format"
        ) from None
    records = [full_record(row, run.results, run.judged) for row in run.results.rows]
    said = {name: value for name, value in run.document().items() if name != "results"}
    kinds = _COLUMNS | dict.fromkeys(other_fields(run.results.plan), "float64")
    kinds |= dict.fromkeys(own_fields(run.results), "string")
    fields = [pyarrow.field(name, getattr(pyarrow, kind)()) for name, kind in kinds.items()]
    opinion = {"rater": "string", "rating": "float64", "rejected": "bool_", "note": "string"}
    judgement = pyarrow.struct([(name, getattr(pyarrow, kind)()) for name, kind in opinion.items()])
    fields.append(pyarrow.field("judgements", pyarrow.list_(judgement)))
    schema = pyarrow.schema(fields, {METADATA_KEY: json.dumps(said).encode("utf-8")})
    columns = [[_clean(record.get(name)) for record in records] for name in (*kinds, "judgements")]
    stream = io.BytesIO()
    files.write_table(pyarrow.table(columns, schema=schema), stream, compression="zstd")
    return stream.getvalue()


def _clean(value: Any) -> Any:
    """Texts as valid Unicode, which Arrow insists on."""
    return value.encode("utf-8", "backslashreplace").decode("utf-8") if isinstance(value, str) else value

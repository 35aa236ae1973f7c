"""Parquet, for data frames; needs the extra 'parquet'."""

from __future__ import annotations

from functools import partial
from typing import IO

from aim_tui.errors import ExportError
from aim_tui.exports.content import Columnar
from aim_tui.exports.formats.writer import BinaryWriter, Format


def _dump(content: Columnar, stream: IO[bytes]) -> None:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise ExportError(
            "Parquet needs pyarrow, which is not installed",
            "pip install 'aim-tui[parquet]', or choose another format",
        ) from None
    parquet.write_table(content.arrow(pyarrow), stream, compression="zstd")


PARQUET = Format("parquet", "Parquet", partial(BinaryWriter, _dump), ("parquet", "pq"), Columnar, "parquet")

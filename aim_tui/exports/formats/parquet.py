"""Parquet, for data frames; needs the extra 'parquet'."""

from __future__ import annotations

from typing import IO

from aim_tui.exports.content import Columnar
from aim_tui.exports.formats.writer import BinaryWriter, Format
from aim_tui.store.errors import ExportError


class ParquetWriter(BinaryWriter[Columnar]):
    """Typed columns, compressed."""

    def dump(self, stream: IO[bytes]) -> None:
        """Write the file; ExportError where pyarrow is not installed."""
        try:
            import pyarrow
            from pyarrow import parquet as files
        except ImportError:
            raise ExportError(
                "Parquet needs pyarrow, which is not installed",
                "pip install 'aim-tui[parquet]', or choose another format",
            ) from None
        files.write_table(self.content.arrow(pyarrow), stream, compression="zstd")


PARQUET = Format("parquet", "Parquet", ParquetWriter, ("parquet", "pq"), needs=Columnar, library="parquet")

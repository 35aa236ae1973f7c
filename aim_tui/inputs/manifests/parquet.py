"""Manifests in Parquet, one row group at a time; schema, metadata and compression are kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, BinaryIO

from aim_tui.documents import parquet_errors
from aim_tui.errors import UsageError
from aim_tui.inputs.manifests.base import Manifest, ManifestRow, RowWriter, UnreadableCell

# A larger row group, in bytes, is read and written in parts.
_LARGE = 128 << 20
_BATCH_ROWS = 1024


class Parquet(Manifest):
    """A table with typed columns; needs pyarrow."""

    suffixes = (".parquet", ".pq")

    def columns(self) -> tuple[str, ...]:
        """The names of the schema."""
        with parquet_errors(self.path), self._open() as file:
            return tuple(file.schema_arrow.names)

    def rows(self, wanted: Sequence[str]) -> Iterator[ManifestRow]:
        """All rows; UsageError for a column that is not text."""
        with parquet_errors(self.path), self._open() as file:
            schema = file.schema_arrow
            names = [name for name in dict.fromkeys(wanted) if name in schema.names]
            for name in names:
                if not _is_text(schema.field(name).type):
                    raise UsageError(f"{self.path.name}: the column {name!r} holds {schema.field(name).type}, not text")
            number = 0
            for batch in file.iter_batches(batch_size=_BATCH_ROWS, columns=names):
                columns = [_values(batch.column(batch.schema.get_field_index(name))) for name in names]
                for at in range(batch.num_rows):
                    number += 1
                    yield ManifestRow(
                        f"row {number}", {name: column[at] for name, column in zip(names, columns, strict=True)}
                    )

    def writer(self, stream: BinaryIO, added: Mapping[str, type]) -> RowWriter:
        """A writer that adds columns to the unchanged row groups."""
        return _ParquetWriter(stream, self, added)

    def count(self) -> int:
        """The number of rows."""
        with parquet_errors(self.path), self._open() as file:
            return int(file.metadata.num_rows)

    def _open(self) -> Any:
        try:
            import pyarrow.parquet as pq
        except ImportError:
            raise UsageError("Parquet needs pyarrow", "pip install 'aim-tui[parquet]'") from None
        with parquet_errors(self.path):
            return pq.ParquetFile(self.path)

    def pieces(self) -> Iterator[Any]:
        """The file as tables of moderate size: row groups, or parts of large ones."""
        import pyarrow as pa

        with parquet_errors(self.path), self._open() as file:
            for number in range(file.metadata.num_row_groups):
                group = file.metadata.row_group(number)
                if group.total_byte_size <= _LARGE:
                    yield file.read_row_group(number)
                    continue
                rows = max(1, group.num_rows * _LARGE // group.total_byte_size)
                for batch in file.iter_batches(batch_size=rows, row_groups=[number]):
                    yield pa.Table.from_batches([batch])

    def layout(self) -> tuple[Any, dict[str, Any]]:
        """The schema, and the options for writing the file in the same way."""
        with parquet_errors(self.path), self._open() as file:
            meta = file.metadata
            options: dict[str, Any] = {"compression": "snappy"}
            if meta.num_row_groups and meta.num_columns:
                compression = meta.row_group(0).column(0).compression.lower()
                options["compression"] = "none" if compression == "uncompressed" else compression
            physical = [file.schema.column(number).physical_type for number in range(meta.num_columns)]
            options["use_deprecated_int96_timestamps"] = "INT96" in physical
            return file.schema_arrow, options


class _ParquetWriter(RowWriter):
    def __init__(self, stream: BinaryIO, manifest: Parquet, added: Mapping[str, type]) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        self._types = {name: pa.float64() if kind is float else pa.string() for name, kind in added.items()}
        schema, options = manifest.layout()
        for name, kind in self._types.items():
            at = schema.get_field_index(name)
            new = pa.field(name, kind)
            schema = schema.append(new) if at < 0 else schema.set(at, new)
        self._writer = pq.ParquetWriter(stream, schema, **options)
        self._schema = schema
        self._pieces = manifest.pieces()
        self._piece: Any = None
        self._cells: list[Mapping[str, Any]] = []

    def write(self, row: ManifestRow, cells: Mapping[str, Any]) -> None:
        while self._piece is None or self._piece.num_rows == 0:
            self._piece = next(self._pieces)
        self._cells.append(cells)
        if len(self._cells) == self._piece.num_rows:
            self._put()

    def end(self) -> None:
        if self._cells:
            self._piece = self._piece.slice(0, len(self._cells))
            self._put()
        self._pieces.close()  # type: ignore[attr-defined]  # a generator
        self._writer.close()

    def _put(self) -> None:
        import pyarrow as pa

        piece = self._piece
        for name, kind in self._types.items():
            column = pa.array([cells[name] for cells in self._cells], kind)
            at = piece.schema.get_field_index(name)
            piece = piece.append_column(name, column) if at < 0 else piece.set_column(at, name, column)
        self._writer.write_table(piece.replace_schema_metadata(self._schema.metadata), row_group_size=piece.num_rows)
        self._piece = None
        self._cells = []


def _is_text(kind: Any) -> bool:
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_string_view(kind)
        or pa.types.is_null(kind)
    )


def _values(column: Any) -> list[Any]:
    try:
        return list(column.to_pylist())
    except UnicodeDecodeError:
        return [_value(scalar) for scalar in column]


def _value(scalar: Any) -> Any:
    try:
        return scalar.as_py()
    except UnicodeDecodeError:
        return UnreadableCell("is not UTF-8")

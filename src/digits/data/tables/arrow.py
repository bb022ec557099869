"""Parquet files and Arrow streams, by pyarrow; only a worker imports this."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from digits.core.errors import DataError
from digits.data.tables import Columns, Row

_ROWS_AT_A_TIME = 32_768
_PICTURES_AT_A_TIME = 32


class ParquetTable:
    """A Parquet file, read a few rows at a time."""

    def __init__(self, path: Path) -> None:
        try:
            self._file = pq.ParquetFile(path, memory_map=True)
        except (pa.ArrowException, OSError) as error:
            raise _damaged(error) from error
        self.columns = _columns(self._file.schema_arrow)

    def rows(self, columns: Sequence[str]) -> Iterator[Row]:
        """See ``Table.rows``."""
        size = _batch_rows(self._file.schema_arrow, columns)
        return _rows(self._file.iter_batches(batch_size=size, columns=list(columns)), columns, size)


class ArrowTable:
    """An Arrow stream or file, as the Hugging Face libraries save datasets."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.columns = _columns(self._open().schema)

    def _open(self) -> Any:
        try:
            source = pa.memory_map(str(self._path))
            try:
                return pa.ipc.open_stream(source)
            except pa.ArrowInvalid:
                return pa.ipc.open_file(source)
        except (pa.ArrowException, OSError) as error:
            raise _damaged(error) from error

    def rows(self, columns: Sequence[str]) -> Iterator[Row]:
        """See ``Table.rows``."""
        reader = self._open()
        size = _batch_rows(reader.schema, columns)
        in_a_file = hasattr(reader, "num_record_batches")
        batches = map(reader.get_batch, range(reader.num_record_batches)) if in_a_file else iter(reader)
        return _rows(batches, columns, size)


def _rows(batches: Iterator[Any], columns: Sequence[str], size: int) -> Iterator[Row]:
    number = 0
    try:
        for batch in batches:
            for start in range(0, batch.num_rows, size):
                part = batch.slice(start, size)
                for values in zip(*(part.column(name).to_pylist() for name in columns), strict=True):
                    number += 1
                    yield Row(number, values)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise _damaged(error) from error


def _batch_rows(schema: Any, columns: Sequence[str]) -> int:
    heavy = any(not _is_light(schema.field(name).type) for name in columns)
    return _PICTURES_AT_A_TIME if heavy else _ROWS_AT_A_TIME


def _is_light(kind: Any) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return not (pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _columns(schema: Any) -> Columns:
    try:
        told = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
        features = told["info"]["features"]
    except (ValueError, KeyError, TypeError, RecursionError):
        features = {}
    return Columns(tuple(schema.names), features if isinstance(features, dict) else {})


def _damaged(error: BaseException) -> DataError:
    text = str(error).splitlines()[0][:200].rstrip(".") if str(error) else type(error).__name__
    return DataError(f"The table is damaged: {text}.", hint="Make or fetch it again.", rule="TABLE_DAMAGED")

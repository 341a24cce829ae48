"""Parquet tables, where pyarrow is installed: read in batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, final

import numpy as np

from aeverify.data.csv_files import mark
from aeverify.data.source import Chunk, Source, float_rows, require_limit, require_numeric
from aeverify.errors import UsageError

_MOST_RATIO = 200
_SMALL = 64 * 2**20


@final
class ParquetSource(Source):
    """Rows of a Parquet file.

    Args:
        path: of the file.
        limit: largest number of rows.
        memory: bytes that one row group may take when it is decoded.
        columns: names of the columns that make a row; None for all but that of the marks.
        marks: column that says which rows are held out, or None.

    Raises:
        UsageError: pyarrow is not installed, no Parquet file, columns that hold no numbers, no or too many rows, a row
            group that is too large or expands more than 200 times.
    """

    def __init__(
        self, path: Path, limit: int, memory: int, columns: Sequence[str | int] | None = None, marks: str | None = None
    ) -> None:
        self._path, self._mark = path, marks
        with _Opened(path) as file:
            meta, schema = file.metadata, file.schema_arrow
            names = list(schema.names)
            chosen = [n for n in names if n != marks] if columns is None else [str(c) for c in columns]
            for name in (*chosen, *([marks] if marks is not None else [])):
                if names.count(name) != 1:
                    raise UsageError(f"{path.name} has {names.count(name)} columns {name!r}; it has: {names[:20]}.")
            for name in chosen:
                _require_numbers(schema.field(name).type, f"Column {name!r} of {path.name}")
            if meta.num_rows < 1:
                raise UsageError(f"{path.name} has no rows; expected at least one.")
            require_limit(meta.num_rows, path.name, limit)
            groups = [meta.row_group(i).total_byte_size for i in range(meta.num_row_groups)]
        size, rows = path.stat().st_size, 8 * meta.num_rows * len(chosen)
        # groups are told before their values are repeated, which a short run of one value says of millions
        if max(sum(groups), rows) > max(_MOST_RATIO * size, _SMALL) or max(groups, default=0) > memory:
            raise UsageError(
                f"{path.name} expands from {size} to {max(sum(groups), rows)} bytes, {max(groups, default=0)} in one "
                "row group: write it with smaller row groups, or as .npy."
            )
        super().__init__(path.name, (len(chosen),), tuple(chosen), limit)

    def chunks(self) -> Iterator[Chunk]:
        """Record batches."""
        wanted = [*self.columns, *([self._mark] if self._mark is not None else [])]
        with _Opened(self._path) as file:
            start = 0
            for batch in file.iter_batches(batch_size=self.chunk_rows, columns=wanted):
                rows = np.column_stack([self._column(batch, name, start) for name in self.columns])
                yield Chunk(rows, None if self._mark is None else self._marks(batch, start))
                start += len(rows)

    def _column(self, batch: Any, name: str, start: int) -> np.ndarray[Any, Any]:
        column = batch.column(batch.schema.get_field_index(name))
        if column.null_count:
            row = start + int(np.argmax(column.is_null().to_numpy(zero_copy_only=False)))
            raise UsageError(f"Column {name!r} of {self.name} has no value in row {row}: mend or leave out such rows.")
        return float_rows(column.to_numpy(zero_copy_only=False)[:, None], f"Column {name!r} of {self.name}")[:, 0]

    def _marks(self, batch: Any, start: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
        found = [mark(str(v)) for v in batch.column(batch.schema.get_field_index(self._mark)).to_pylist()]
        if None in found:
            raise UsageError(
                f"Row {start + found.index(None)} of {self.name} is neither held out nor not: expected 1 or 0, true or "
                f"false, test or train in column {self._mark!r}."
            )
        return np.array(found, dtype=bool)


def _require_numbers(kind: Any, name: str) -> None:
    try:
        dtype = np.dtype(kind.to_pandas_dtype())
    except (NotImplementedError, TypeError):
        dtype = np.dtype(object)
    if dtype.hasobject:
        raise UsageError(
            f"{name} holds values of type {kind}; expected numbers. Name the columns to read with columns=[...]."
        )
    require_numeric(dtype, name)


class _Opened:
    """A Parquet file, open for reading; what is wrong with it is a UsageError, also while it is read."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> Any:
        try:
            import pyarrow.parquet
        except ImportError:
            raise UsageError(
                "Reading Parquet needs pyarrow, which is not installed: pip install 'aeverify[parquet]', or save the "
                "table as .npy or .csv."
            ) from None
        try:
            self._file = pyarrow.parquet.ParquetFile(self._path)
        except (OSError, ValueError) as error:  # pyarrow's own errors derive from these
            raise UsageError(f"{self._path.name} is no Parquet file: {str(error)[:200]}") from None
        return self._file

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._file.close()
        if isinstance(error, OSError | ValueError):
            raise UsageError(f"{self._path.name} cannot be read: {str(error)[:200]}") from None

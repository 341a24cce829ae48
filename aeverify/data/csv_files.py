"""Tables of text: numbers between separators, read line by line, with the place of every cell that is no number."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TextIO, final

import numpy as np

from aeverify.data.source import Chunk, Source, require_limit
from aeverify.errors import UsageError

_SEPARATORS = ",;\t|"
_MOST_LINE = 64 * 2**20
_TRUE = frozenset({"1", "1.0", "true", "yes", "test", "held-out", "held_out", "holdout"})
_FALSE = frozenset({"0", "0.0", "false", "no", "train", "training"})
_SHOWN = 40


def number(cell: str) -> float | None:
    """The number in a cell; None where it holds none. "nan" and "inf" are numbers here, which the data set refuses."""
    if "_" in cell:  # float("1_0") is Python's own idea of a number
        return None
    try:
        return float(cell)
    except ValueError:
        return None


def mark(cell: str) -> bool | None:
    """What a cell of the column of held-out rows says; None where it says neither."""
    word = cell.strip().lower()
    return True if word in _TRUE else False if word in _FALSE else None


class _Lines:
    """Lines of a file, each of at most `_MOST_LINE` characters."""

    def __init__(self, stream: TextIO, name: str) -> None:
        self._stream, self._name, self._count = stream, name, 0

    def __iter__(self) -> Iterator[str]:
        while True:
            try:
                line = self._stream.readline(_MOST_LINE + 1)
            except UnicodeDecodeError as error:
                raise UsageError(
                    f"{self._name} is no text in UTF-8 after line {self._count}: {error.reason}. Save it as UTF-8."
                ) from None
            if not line:
                return
            self._count += 1
            if len(line) > _MOST_LINE:
                raise UsageError(f"Line {self._count} of {self._name} is longer than {_MOST_LINE} characters.")
            if "\0" in line:
                raise UsageError(f"Line {self._count} of {self._name} holds a zero byte: this is no table of text.")
            yield line


@final
class CsvSource(Source):
    """Rows of a table of text.

    The separator is the one of , ; tab | that the first line has most often. The first line is taken for names if none
    of its cells is a number; if some are and some are not, or it counts 0, 1, 2, ..., it is refused, since it may be
    either.

    Args:
        path: of the file, in UTF-8.
        limit: largest number of rows.
        columns: names (or positions from 0, where there are no names) of the columns that make a row; None for all,
            but that of the marks.
        marks: column that says which rows are held out (1/0, true/false, test/train), or None.

    Raises:
        UsageError: no text, no row, unknown or repeated names.
    """

    def __init__(
        self, path: Path, limit: int, columns: Sequence[str | int] | None = None, marks: str | None = None
    ) -> None:
        self._path = path
        with path.open(encoding="utf-8-sig", newline="") as stream:
            lines = iter(_Lines(stream, path.name))
            first = next((line for line in lines if line.strip()), None)
            if first is None:
                raise UsageError(f"{path.name} is empty; expected a table with one row a data point.")
            self._separator = max(_SEPARATORS, key=first.count)
        record = next(iter(self._records()), None)
        if record is None:
            raise UsageError(f"{path.name} is empty; expected a table with one row a data point.")
        cells = [c.strip() for c in record[1]]
        parsed = [number(c) is not None for c in cells]
        self._named = not any(parsed)
        if any(parsed) and not all(parsed) and marks is None and columns is None:
            i = parsed.index(False)
            raise UsageError(
                f"Line {record[0]} of {path.name} has numbers and, in column {i + 1}, {cells[i][:_SHOWN]!r}: it may be "
                "names or a row. Give every column a name, or mend the cell."
            )
        if len(cells) > 2 and cells == [str(i) for i in range(len(cells))]:
            raise UsageError(
                f"The first line of {path.name} counts 0, 1, 2, ...: these may be the numbers that a library gave to "
                "the columns, or a row. Write names without numbers, or no such line."
            )
        names = cells if self._named else [str(i) for i in range(len(cells))]
        if self._named:
            self._require_names(names)
        self._cells = len(cells)
        self._mark = None if marks is None else self._position(marks, names)
        if columns is None:
            self._chosen = [i for i in range(len(cells)) if i != self._mark]
        else:
            self._chosen = [self._position(str(c), names) for c in columns]
        if not self._chosen or len(set(self._chosen)) != len(self._chosen):
            raise UsageError(f"Name at least one column of {path.name}, and none twice; got {columns!r}.")
        chosen = tuple(names[i] for i in self._chosen)
        super().__init__(path.name, (len(self._chosen),), chosen if self._named else (), limit)
        self._names = names

    def _require_names(self, names: list[str]) -> None:
        empty = [i + 1 for i, n in enumerate(names) if not n]
        twice = sorted({n for n in names if n and names.count(n) > 1}) if len(names) <= 10_000 else []
        if empty or twice:
            what = f"column {empty[0]} has none" if empty else f"{twice[0][:_SHOWN]!r} stands twice"
            raise UsageError(f"The first line of {self._path.name} has no number, so it names the columns, but {what}.")

    def _position(self, name: str, names: list[str]) -> int:
        if name not in names:
            have = ", ".join(n[:_SHOWN] for n in names[:20])
            raise UsageError(f"{self._path.name} has no column {name!r}; it has: {have}.")
        return names.index(name)

    def _records(self) -> Iterator[tuple[int, list[str]]]:
        """Line numbers and cells of all lines that are not empty."""
        with self._path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(_Lines(stream, self._path.name), delimiter=self._separator, strict=True)
            try:
                for cells in reader:
                    if cells:
                        yield reader.line_num, cells
            except csv.Error as error:
                raise UsageError(f"Line {reader.line_num} of {self._path.name}: {error}.") from None

    def chunks(self) -> Iterator[Chunk]:
        """Rows as they are read."""
        rows: list[list[float]] = []
        marks: list[bool] = []
        seen = 0
        for index, (line, cells) in enumerate(self._records()):
            if index == 0 and self._named:
                continue
            seen += 1
            require_limit(seen, self.name, self.limit)
            if len(cells) != self._cells:
                raise UsageError(
                    f"Line {line} of {self.name} has {len(cells)} cells, the first line {self._cells}: every row has "
                    "the same number of them."
                )
            if self._mark is not None:
                marks.append(self._marked(cells[self._mark], line))
            rows.append(self._row(cells, line))
            if len(rows) == self.chunk_rows:
                yield self._chunk(rows, marks)
                rows, marks = [], []
        if not seen:
            raise UsageError(f"{self.name} has names of columns and no row; expected at least one.")
        if rows:
            yield self._chunk(rows, marks)

    def _chunk(self, rows: list[list[float]], marks: list[bool]) -> Chunk:
        return Chunk(np.array(rows, dtype=np.float64), None if self._mark is None else np.array(marks, dtype=bool))

    def _row(self, cells: list[str], line: int) -> list[float]:
        found = [number(cells[i]) for i in self._chosen]
        if None in found:
            column = self._chosen[found.index(None)]
            name = f" ({self._names[column][:_SHOWN]})" if self._named else ""
            raise UsageError(
                f"Line {line}, column {column + 1}{name} of {self.name} holds {cells[column][:_SHOWN]!r}; expected a "
                "number. Mend the cell, or name the columns to read with columns=[...]."
            )
        return [f for f in found if f is not None]

    def _marked(self, cell: str, line: int) -> bool:
        found = mark(cell)
        if found is None:
            raise UsageError(
                f"Line {line} of {self.name} says {cell[:_SHOWN]!r} in the column of held-out rows; expected 1 or 0, "
                "true or false, test or train."
            )
        return found

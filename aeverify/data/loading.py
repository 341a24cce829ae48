"""Loading: one entry for data of every kind; the file's name says which."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aeverify.core.seeds import Seed
from aeverify.data.csv_files import CsvSource
from aeverify.data.dataset import MEMORY, DataSet, HeldOut, require_memory
from aeverify.data.images import ImageFolder
from aeverify.data.loaders import is_dataset, is_loader, loaded
from aeverify.data.numpy_files import npy_source, npz_source
from aeverify.data.parquet_files import ParquetSource
from aeverify.data.source import ArraySource, Source
from aeverify.errors import UsageError
from aeverify.manifolds.base import require_count

LIMIT = 10_000_000
"""Rows that are read unless told otherwise."""

FORMATS = (".npy", ".npz", ".csv", ".tsv", ".parquet")
_COLUMN = "column:"


def load_data(
    data: Any,
    *,
    held_out: float | str | Path | NDArray[Any] | Any = 0.0,
    columns: Sequence[str | int] | None = None,
    limit: int = LIMIT,
    memory: int = MEMORY,
    seed: int = 0,
    independent: bool = True,
    channels_last: bool = False,
    name: str | None = None,
) -> DataSet:
    """The data set in a file, a folder of pictures, a numpy array, or a torch Dataset or DataLoader.

    Nothing in a file runs: arrays are read without pickle, and no size that a header announces is believed before the
    file bears it out.

    Args:
        data: path of a .npy, .npz, .csv, .tsv or .parquet file (the last needs pyarrow) or of a folder of PNG or JPEG
            pictures (needs Pillow; scaled to [0, 1]); or an array (N, ...); or a Dataset or DataLoader, of whose
            tuples the first element is taken.
        held_out: the rows that the model was not trained on: a share of all rows, drawn with `seed` (1.0: all of them);
            "column:NAME" for a column (or an array of an .npz) that says so with 1 and 0, true and false, or test and
            train; anything else is a second data set, all of whose rows are held out. 0 names none. Naming them is
            the caller's word that they were not trained on; nothing can check that, and evidence lists it as an
            assumption.
        columns: names of the columns that make a row (of an .npz: of one array); None for all.
        limit: largest number of rows; a larger data set is refused, since its first rows alone may be no fair sample.
        memory: bytes of rows to keep in memory (twice that while they are read); larger files are read again whenever
            they are needed, 32 MiB at a time.
        seed: of the draw of a share.
        independent: the caller's word that the rows are independent draws from one population; False for a time
            series, say, and then no statistical statement is made.
        channels_last: colour pictures have shape (H, W, 3), as Keras has them, and not (3, H, W).
        name: what to call the data in reports; the file's name by default.

    Raises:
        UsageError: no such file, a kind that is not known, a file that is not what it seems, text where numbers are
            expected (with line and column), NaN or infinite rows (with their indices), too many rows.

    Cost: one reading of everything, and a hash of each row (about a microsecond).

    Example:
        >>> import numpy as np
        >>> load_data(np.eye(4), held_out=0.5, name="corners")
        DataSet('corners': 4 rows in R^4, 2 held out)
    """
    rows, room = require_count(limit, "limit of rows"), require_memory(memory)
    Seed(seed)
    marks = None
    if isinstance(held_out, str) and held_out.startswith(_COLUMN):
        marks = held_out.removeprefix(_COLUMN)
    source = _source(data, rows, room, columns, marks, channels_last, name or "array")
    if name is not None:
        source.name = name
    if marks is not None:
        return DataSet(source, None, independent=independent, memory=room)
    if isinstance(held_out, np.integer | np.floating):
        held_out = float(held_out)
    other: Source | HeldOut
    if isinstance(held_out, bool) or (isinstance(held_out, int | float) and not 0.0 <= held_out <= 1.0):
        raise UsageError(f"The held-out share must be a number from 0 to 1, got {held_out!r}.")
    if isinstance(held_out, int | float):
        other = _share(float(held_out), seed)
    else:
        other = _source(held_out, rows, room, columns, None, channels_last, "held-out array")
    return DataSet(source, other, independent=independent, memory=room)


def _share(share: float, seed: int) -> HeldOut:
    if math.isnan(share):
        raise UsageError("The held-out share must be a number from 0 to 1, got nan.")
    if share == 0.0:
        return HeldOut("", 0.0, seed)
    if share == 1.0:
        return HeldOut("all rows", 1.0, seed)
    return HeldOut(f"a share of {share:g} of the rows, drawn with seed {seed}", share, seed)


def _source(
    data: Any,
    limit: int,
    memory: int,
    columns: Sequence[str | int] | None,
    marks: str | None,
    channels_last: bool,
    name: str,
) -> Source:
    if isinstance(data, str | Path):
        return _file(Path(data), limit, memory, columns, marks, channels_last)
    if columns is not None or marks is not None:
        raise UsageError("Columns are chosen of files; of an array or a loader, hand over what is meant.")
    if isinstance(data, np.ndarray):
        return ArraySource(data, name, limit)
    if is_loader(data) or is_dataset(data):
        return loaded(data, type(data).__name__ if name == "array" else name, limit, memory)
    raise UsageError(
        f"Expected a path, a numpy array, or a torch Dataset or DataLoader, got {type(data).__name__}: wrap the data."
    )


def _file(
    path: Path,
    limit: int,
    memory: int,
    columns: Sequence[str | int] | None,
    marks: str | None,
    channels_last: bool,
) -> Source:
    suffix = path.suffix.lower()
    try:
        if path.is_dir():
            if columns is not None or marks is not None:
                raise UsageError(f"{path} is a folder of pictures, which has no columns.")
            return ImageFolder(path, limit, channels_last=channels_last)
        if not path.is_file():
            raise UsageError(
                f"There is no file or folder {str(path)!r}; expected a path of one of {', '.join(FORMATS)}."
            )
        if suffix == ".npy":
            if columns is not None or marks is not None:
                raise UsageError(f"{path.name} is one array and has no named columns: write an .npz, .csv or .parquet.")
            return npy_source(path, limit)
        if suffix == ".npz":
            if columns is not None and len(columns) != 1:
                raise UsageError(f"Name one array of {path.name} with columns=[...], got {list(columns)!r}.")
            return npz_source(path, limit, None if columns is None else str(columns[0]), marks, memory)
        if suffix in (".csv", ".tsv"):
            return CsvSource(path, limit, columns, marks)
        if suffix == ".parquet":
            return ParquetSource(path, limit, memory, columns, marks)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}.") from None
    raise UsageError(
        f"{path.name} is of no known kind; expected {', '.join(FORMATS)} or a folder of PNG or JPEG pictures."
    )

"""numpy's files: .npy mapped from the disk, .npz read as a stream. Nothing is unpickled, and no header is believed
before the size of the file bears it out."""

from __future__ import annotations

import math
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, final

import numpy as np
from numpy.typing import NDArray

from aeverify.data.source import ArraySource, Chunk, Source, float_rows, require_numeric, require_rows
from aeverify.errors import UsageError

_MOST_HEADER = 10_000
_MOST_MEMBERS = 1_000
_MOST_RATIO = 200
_SMALL = 64 * 2**20
_BROKEN = (
    ValueError,
    TypeError,
    SyntaxError,
    EOFError,
    RecursionError,
    MemoryError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
    tokenize.TokenError,
)


@dataclass(frozen=True)
class _Header:
    """What an array file says of itself."""

    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype[Any]
    offset: int

    @property
    def bytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize


def _header(stream: IO[bytes], name: str) -> _Header:
    """The header of an array file, which is a Python literal and nothing that runs."""
    try:
        version = np.lib.format.read_magic(stream)
        read: Any = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }.get(version)
        if read is None:
            raise UsageError(f"{name} has the format version {version}; expected 1.0 or 2.0, as numpy writes arrays.")
        shape, fortran, dtype = read(stream, max_header_size=_MOST_HEADER)
    except UsageError:
        raise
    except _BROKEN as error:
        why = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise UsageError(f"{name} is no array file of numpy: {why}") from None
    if not all(type(side) is int and side >= 0 for side in shape):
        raise UsageError(f"{name} announces the shape {shape}; expected integers of at least 0.")
    return _Header(tuple(shape), bool(fortran), dtype, stream.tell())


def npy_source(path: Path, limit: int) -> Source:
    """The rows of an array file, mapped: only the chunk that is looked at is in memory.

    Raises:
        UsageError: no array file, objects, another shape than (N, ...), more than `limit` rows, or a file whose size
            is not what its header announces.
    """
    with path.open("rb") as stream:
        header = _header(stream, path.name)
    require_numeric(header.dtype, path.name)
    require_rows(header.shape, path.name, limit)
    held = path.stat().st_size - header.offset
    _require_size(header, held, path.name)
    mapped = np.memmap(
        path,
        dtype=header.dtype,
        mode="r",
        offset=header.offset,
        shape=header.shape,
        order="F" if header.fortran else "C",
    )
    return ArraySource(mapped, path.name, limit)


def _require_size(header: _Header, held: int, name: str) -> None:
    if header.bytes != held:
        raise UsageError(
            f"The header of {name} announces shape {header.shape} of {header.dtype}, {header.bytes} bytes, but the "
            f"file holds {held}: it was cut off or damaged; write it again."
        )


def npz_source(path: Path, limit: int, array: str | None, marks: str | None, memory: int) -> Source:
    """The rows of one array of an archive, decompressed as a stream at each reading.

    Args:
        path: of the archive.
        limit: largest number of rows.
        array: name of the array; None where there is one alone (beside that of the marks).
        marks: name of an array (N,) that says which rows are held out, or None.
        memory: bytes that an array may take that has to be in memory as a whole (one in Fortran order).

    Raises:
        UsageError: no such archive or array, an entry that expands more than 200 times (a bomb), or as `npy_source`.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            infos = {i.filename.removesuffix(".npy"): i for i in archive.infolist() if i.filename.endswith(".npy")}
            count = len(archive.infolist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, struct.error) as error:
        raise UsageError(f"{path.name} is no archive of arrays: {error}.") from None
    if count > _MOST_MEMBERS:
        raise UsageError(f"{path.name} has {count} entries; an archive of data has at most {_MOST_MEMBERS}.")
    choices = sorted(set(infos) - {marks})
    if array is None and len(choices) != 1:
        raise UsageError(
            f"{path.name} holds {len(choices)} arrays ({', '.join(choices[:20])}): name one with columns=[...]."
        )
    chosen = choices[0] if array is None else array
    for wanted in (chosen, *([marks] if marks is not None else [])):
        if wanted not in infos:
            raise UsageError(f"{path.name} has no array {wanted!r}; it has: {', '.join(sorted(infos)[:20]) or 'none'}.")
    flags = None
    if marks is not None:
        rows = _NpzSource(path, infos[marks], limit, memory, one_axis=True)
        flags = np.concatenate([c.rows[:, 0] for c in rows.chunks()])
        if rows.width != 1 or not np.isin(flags, (0.0, 1.0)).all():
            raise UsageError(f"The array {marks!r} of {path.name} says which rows are held out; expected 0 or 1 a row.")
    return _NpzSource(path, infos[chosen], limit, memory, None if flags is None else flags.astype(bool))


@final
class _NpzSource(Source):
    """One entry of an archive."""

    def __init__(
        self,
        path: Path,
        info: zipfile.ZipInfo,
        limit: int,
        memory: int,
        marks: NDArray[np.bool_] | None = None,
        *,
        one_axis: bool = False,
    ) -> None:
        name = f"{info.filename.removesuffix('.npy')} in {path.name}"
        if info.flag_bits & 1:
            raise UsageError(f"{name} is encrypted; expected an archive as numpy writes it.")
        if info.file_size > max(_MOST_RATIO * info.compress_size, _SMALL):
            raise UsageError(
                f"{name} expands from {info.compress_size} to {info.file_size} bytes, more than {_MOST_RATIO} times: "
                "it may be a bomb. If it is not, save the array as .npy."
            )
        self._path, self._info = path, info
        with _Opened(path, info, name) as stream:
            header = _header(stream, name)
        require_numeric(header.dtype, name)
        shape = (*header.shape, 1) if one_axis and len(header.shape) == 1 else header.shape
        require_rows(shape, name, limit)
        _require_size(header, info.file_size - header.offset, name)
        super().__init__(name, shape[1:], (), limit)
        if header.fortran and len(header.shape) > 1 and header.bytes > memory:
            raise UsageError(
                f"{name} is stored by columns, so that it has to be read as a whole, {header.bytes} bytes: save it "
                "with numpy.ascontiguousarray, or as .npy."
            )
        if marks is not None and len(marks) != shape[0]:
            raise UsageError(f"{name} has {shape[0]} rows, but {len(marks)} marks say which are held out.")
        self._header, self._rows, self._marks = header, shape[0], marks

    def chunks(self) -> Iterator[Chunk]:
        """Rows as they are decompressed."""
        fortran = self._header.fortran and len(self._header.shape) > 1
        step = self._rows if fortran else self.chunk_rows
        with _Opened(self._path, self._info, self.name) as stream:
            _header(stream, self.name)
            for start in range(0, self._rows, step):
                k = min(step, self._rows - start)
                wanted = k * self.width * self._header.dtype.itemsize
                flat = np.frombuffer(_read(stream, wanted, self.name), dtype=self._header.dtype)
                rows = flat.reshape((k, *self.shape), order="F" if fortran else "C")
                marks = None if self._marks is None else self._marks[start : start + k]
                yield Chunk(float_rows(rows, self.name), marks)


class _Opened:
    """An entry of an archive, open for reading; what is wrong with it is a UsageError."""

    def __init__(self, path: Path, info: zipfile.ZipInfo, name: str) -> None:
        self._path, self._info, self._name = path, info, name

    def __enter__(self) -> IO[bytes]:
        try:
            self._archive = zipfile.ZipFile(self._path)
            self._stream = self._archive.open(self._info)
        except (zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError, struct.error) as error:
            raise UsageError(f"{self._name} cannot be read: {error}.") from None
        return self._stream

    def __exit__(self, *_: object) -> None:
        self._stream.close()
        self._archive.close()


def _read(stream: IO[bytes], wanted: int, name: str) -> bytes:
    try:
        found = stream.read(wanted)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
        raise UsageError(f"{name} is damaged: {error}.") from None
    if len(found) != wanted:
        raise UsageError(f"{name} ends after {len(found)} of {wanted} bytes of a chunk: it was cut off.")
    return found

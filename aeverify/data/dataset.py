"""DataSet: a finite sample of which nothing is known but its rows. What is said of the set that it was drawn from is
estimated, and can certify nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from aeverify.core.seeds import Seed, as_seed
from aeverify.data.source import Chunk, FloatArray, Source
from aeverify.errors import UsageError
from aeverify.manifolds.base import require_count
from aeverify.manifolds.cloud import Estimate, PointCloud

MEMORY = 512 * 2**20
"""Bytes of rows that are kept in memory; a larger data set is read again from its file whenever it is needed."""

_SHOWN = 10
_SMALLEST, _LARGEST = 1e-100, 1e100
_ESTIMATED_ON = 1_000
_ESTIMATED_NUMBERS = 2**19
_SUBSET_NUMBERS = 2**26


class Part(StrEnum):
    """Which rows of a data set are meant."""

    ALL = "all"
    TRAINING = "training"
    HELD_OUT = "held-out"


@final
@dataclass(frozen=True)
class HeldOut:
    """Which rows were held out from training, and who says so.

    Attributes:
        rule: in words, "" where no row is held out.
        share: of all rows, drawn with `seed`; None where a file or a column says which.
        seed: of the draw.
    """

    rule: str = ""
    share: float | None = None
    seed: int = 0


@final
class DataSet:
    """N rows of R^n with their held-out part.

    The rows are read once when the data set is made: they are counted, checked to be finite, compared with each other
    and hashed. Where they fit into `memory` bytes they are kept; else every later use reads the file again, 32 MiB at a
    time. Beside the rows, 26 bytes a row are kept.

    Args:
        source: where the rows come from.
        held_out: a second source whose rows are all held out; or a HeldOut with a share; or None: what the first
            source marks, else nothing.
        independent: the author's word that the rows are independent draws from one population. It is listed among the
            assumptions of every statistical statement; where it is False, none is made.
        memory: bytes of rows to keep; twice as many are taken while they are read.

    Raises:
        UsageError: no rows, NaN or infinite ones (with their places), rows of different lengths, numbers of sizes
            whose squares overflow or vanish, a share that leaves one of the two parts empty.
    """

    def __init__(
        self,
        source: Source,
        held_out: Source | HeldOut | None = None,
        *,
        independent: bool = True,
        memory: int = MEMORY,
    ) -> None:
        self._sources = (source, held_out) if isinstance(held_out, Source) else (source,)
        if len(self._sources) == 2 and self._sources[1].width != source.width:
            raise UsageError(
                f"{self._sources[1].name} has rows of {self._sources[1].width} numbers, {source.name} of "
                f"{source.width}: training and held-out rows are of one kind."
            )
        self.name, self.shape, self.columns = source.name, source.shape, source.columns
        self.independent = independent
        self.memory = require_memory(memory)
        self._kept: FloatArray | None = None
        marks = self._scan()
        if isinstance(held_out, HeldOut):
            marks, self.held_out = _drawn(held_out, len(marks)), held_out
        elif len(self._sources) == 2:
            self.held_out = HeldOut(f"all rows of {self._sources[1].name}")
        else:
            self.held_out = HeldOut("the rows that the data set marks as held out") if marks.any() else HeldOut()
        self._marks = marks
        self._compare()

    def _scan(self) -> NDArray[np.bool_]:
        """Read all rows once; returns which ones a source marks."""
        content, names = hashlib.sha256(f"{self.width}".encode()), bytearray()
        kept: list[FloatArray] | None = []
        marks: list[NDArray[np.bool_]] = []
        low, high = np.full(self.width, np.inf), np.full(self.width, -np.inf)
        bad: list[int] = []
        bad_count = count = 0
        self._starts = []
        for number, source in enumerate(self._sources):
            self._starts.append(count)
            for chunk in source.chunks():
                rows = chunk.rows + 0.0  # -0.0 and 0.0 are one number
                finite = np.isfinite(rows).all(axis=1)
                if not finite.all():
                    places = np.flatnonzero(~finite)
                    bad += [count + int(i) for i in places[: _SHOWN - len(bad)]]
                    bad_count += len(places)
                low, high = np.minimum(low, rows.min(axis=0)), np.maximum(high, rows.max(axis=0))
                content.update(np.ascontiguousarray(rows, dtype="<f8").tobytes())
                names += b"".join(hashlib.blake2b(row.tobytes(), digest_size=16).digest() for row in rows)
                given = chunk.marks if chunk.marks is not None else np.zeros(len(rows), dtype=bool)
                marks.append(given if number == 0 else np.ones(len(rows), dtype=bool))
                count += len(rows)
                if kept is not None and 8 * self.width * count <= self.memory:
                    kept.append(rows)
                else:
                    kept = None
        self._count = count
        if not count:
            raise UsageError(f"{self.name} has no rows; expected at least one.")
        if bad_count:
            more = f" and {bad_count - len(bad)} more" if bad_count > len(bad) else ""
            raise UsageError(
                f"{bad_count} rows hold NaN or infinity: {', '.join(self.where(i) for i in bad)}{more}. A row must be "
                "finite; leave such rows out, or fill the gaps as the model's training did."
            )
        largest = float(np.maximum(np.abs(low), np.abs(high)).max())
        if largest and not _SMALLEST <= largest <= _LARGEST:
            raise UsageError(
                f"The numbers of {self.name} are up to {largest:.3g} in size, and squares of such numbers are lost: "
                f"rescale the data so that the largest is between {_SMALLEST:g} and {_LARGEST:g}."
            )
        if kept is not None:
            self._kept = np.concatenate(kept)
            self._kept.setflags(write=False)
        self._low, self._high = low, high
        self._content = content.hexdigest()
        self._names = np.frombuffer(bytes(names), dtype="S16")
        return np.concatenate(marks)

    def _compare(self) -> None:
        _, group, sizes = np.unique(self._names, return_inverse=True, return_counts=True)
        self.duplicates = self._count - len(sizes)
        marked = np.bincount(group[self._marks], minlength=len(sizes)) > 0
        unmarked = np.bincount(group[~self._marks], minlength=len(sizes)) > 0
        self._shared = np.flatnonzero((marked & unmarked)[group] & self._marks)
        digest = hashlib.sha256(f"{self._content};{self.shape}".encode())
        digest.update(np.packbits(self._marks).tobytes())
        self.fingerprint = digest.hexdigest()

    @property
    def width(self) -> int:
        """n, as `ambient_dim`; known before the rows are read."""
        return self._sources[0].width

    @property
    def ambient_dim(self) -> int:
        """n, how many numbers a row has."""
        return self.width

    @property
    def streamed(self) -> bool:
        """Whether the rows are read again at every use."""
        return self._kept is None

    @property
    def shared_rows(self) -> tuple[int, ...]:
        """Indices of held-out rows that stand among the other rows too, number for number; at most 1000 of them."""
        return tuple(int(i) for i in self._shared[:1000])

    @property
    def shared_count(self) -> int:
        """How many held-out rows stand among the other rows too."""
        return len(self._shared)

    @property
    def extent(self) -> float:
        """Length of the diagonal of the box of the rows: at least the largest distance of two rows."""
        return float(np.linalg.norm(self._high - self._low))

    @property
    def constant_columns(self) -> int:
        """How many of the n numbers are the same in all rows."""
        return int((self._low == self._high).sum())

    def __len__(self) -> int:
        return self._count

    def __str__(self) -> str:
        return f"data:{self.name}"

    def __repr__(self) -> str:
        return (
            f"DataSet({self.name!r}: {self._count} rows in R^{self.ambient_dim}, {self.count(Part.HELD_OUT)} held out)"
        )

    def count(self, part: Part = Part.ALL) -> int:
        """How many rows a part has."""
        held = int(self._marks.sum())
        return {Part.ALL: self._count, Part.HELD_OUT: held, Part.TRAINING: self._count - held}[part]

    def indices(self, part: Part = Part.ALL) -> NDArray[np.int64]:
        """Indices of the rows of a part, increasing."""
        if part is Part.ALL:
            return np.arange(self._count)
        return np.flatnonzero(self._marks if part is Part.HELD_OUT else ~self._marks)

    def where(self, row: int) -> str:
        """Row `row` as a reader finds it: its number within its file, or its picture."""
        second = len(self._starts) > 1 and row >= self._starts[1]
        return self._sources[int(second)].where(row - self._starts[int(second)])

    def chunks(self, part: Part = Part.ALL) -> Iterator[tuple[NDArray[np.int64], FloatArray]]:
        """The rows of a part in order: their indices (k,) and the rows (k, n), float64, at most 32 MiB at a time.

        Raises:
            UsageError: the file has changed since it was read first.
        """
        chosen = np.ones(self._count, dtype=bool) if part is Part.ALL else self._marks == (part is Part.HELD_OUT)
        if self._kept is not None:
            step = self._sources[0].chunk_rows
            for start in range(0, self._count, step):
                index = start + np.flatnonzero(chosen[start : start + step])
                if len(index):
                    yield index, self._kept[index]
            return
        start = 0
        for chunk in self._read():
            stop = start + len(chunk.rows)
            self._require_unchanged(chunk.rows, start)
            index = start + np.flatnonzero(chosen[start:stop])
            if len(index):
                yield index, chunk.rows[index - start] + 0.0
            start = stop
        if start != self._count:
            raise UsageError(f"{self.name} has {start} rows now and had {self._count} when it was read first.")

    def _read(self) -> Iterator[Chunk]:
        for source in self._sources:
            yield from source.chunks()

    def _require_unchanged(self, rows: FloatArray, start: int) -> None:
        """The first row of a chunk is the one that was read before: a file that is written to meanwhile is noticed."""
        now = hashlib.blake2b((rows[0] + 0.0).tobytes(), digest_size=16).digest()
        if start >= self._count or self._names[start : start + 1].tobytes() != now:
            raise UsageError(f"{self.name} has changed since it was read first; read it again.")

    def rows(self, indices: Sequence[int] | NDArray[np.int64], part: Part = Part.ALL) -> FloatArray:
        """The rows of these indices, in their order, shape (k, n)."""
        wanted = np.asarray(indices, dtype=np.int64)
        if self._kept is not None:
            return np.array(self._kept[wanted])
        found = np.empty((len(wanted), self.width))
        for index, rows in self.chunks(part):
            here = np.flatnonzero((wanted >= index[0]) & (wanted <= index[-1]))
            found[here] = rows[np.searchsorted(index, wanted[here])]
        return found

    def subset(self, most: int, seed: Seed | int = 0, part: Part = Part.ALL) -> NDArray[np.int64]:
        """Indices, increasing, of at most `most` rows of a part, and of wide rows no more than 512 MiB, drawn without
        repetition; all where there are no more."""
        index = self.indices(part)
        most = min(require_count(most, "number of rows"), max(200, _SUBSET_NUMBERS // self.width))
        if len(index) <= most:
            return index
        rng = np.random.Generator(np.random.PCG64(as_seed(seed).child("data", "subset").value))
        return np.sort(rng.choice(index, most, replace=False))

    def cloud(self, most: int = _ESTIMATED_ON, seed: Seed | int = 0) -> PointCloud:
        """At most `most` rows (fewer of wide ones) as a PointCloud, of which facts can be estimated.

        Raises:
            UsageError: fewer than 20 different rows.
        """
        count = min(require_count(most, "number of rows"), max(20, _ESTIMATED_NUMBERS // self.width))
        return PointCloud(self.rows(self.subset(count, seed)), self.name)

    def estimates(self, seed: Seed | int = 0) -> tuple[Estimate, ...]:
        """Estimates of the intrinsic dimension and, where that is found, of the reach: none of them bounds anything,
        and none can decide a claim. () for fewer than 20 different rows."""
        try:
            cloud = self.cloud(seed=seed)
        except UsageError:
            return ()
        dimension = cloud.dimension()
        if dimension.value is None or not dimension.value < self.ambient_dim:
            return (dimension,)
        k = int(dimension.value)
        neighbors = max(12, 2 * k)
        if neighbors >= cloud.different:
            return (dimension,)
        return dimension, cloud.reach(k, neighbors=neighbors, seed=seed)

    def facts(self, seed: Seed | int = 0) -> Mapping[str, str]:
        """What a reader should know of the data, in words: for the head of a report."""
        found = {
            "data": f"{self._count} rows of R^{self.ambient_dim}, shape {self.shape}",
            "held out": f"{self.count(Part.HELD_OUT)} rows: {self.held_out.rule}" if self.held_out.rule else "none",
            "duplicates": (
                f"{self.duplicates} rows repeat another; {self.shared_count} held-out rows stand among the rest"
            ),
            "fingerprint": f"sha256:{self.fingerprint}",
            "read": "again at every use" if self.streamed else "once, kept in memory",
        }
        if self.constant_columns:
            found["constant"] = f"{self.constant_columns} of {self.ambient_dim} numbers are the same in all rows"
        for estimate in self.estimates(seed):
            value = "none" if estimate.value is None else f"{estimate.value:.4g}"
            found[estimate.quantity.replace("_", " ")] = f"{value} (estimated, bounds nothing): {estimate.method}"
        return found

    def record(self) -> dict[str, Any]:
        """JSON values that name the data in evidence."""
        return {
            "data": self.name,
            "data_rows": self._count,
            "held_out_rows": self.count(Part.HELD_OUT),
            "held_out": self.held_out.rule,
            "duplicates": self.duplicates,
            "fingerprint": self.fingerprint,
        }


def require_memory(value: int) -> int:
    """`value`, checked to be a number of bytes from 1 to 2^50.

    Raises:
        UsageError: it is not.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 2**50:
        raise UsageError(f"The memory must be an integer number of bytes from 1 to 2^50, got {value!r}.")
    return value


def _drawn(held_out: HeldOut, count: int) -> NDArray[np.bool_]:
    """Which of `count` rows a share draws."""
    share = held_out.share if held_out.share is not None else 0.0
    size = count if share == 1.0 else round(share * count)
    if share and (size == 0 or (size == count and share < 1.0)):
        raise UsageError(
            f"A held-out share of {share:g} of {count} rows leaves one part empty: take another share, or 1 where the "
            "model was trained on none of these rows."
        )
    marks = np.zeros(count, dtype=bool)
    rng = np.random.Generator(np.random.PCG64(Seed(held_out.seed).child("data", "held_out").value))
    marks[rng.choice(count, size, replace=False)] = True
    return marks

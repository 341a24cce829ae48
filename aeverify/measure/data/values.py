"""Values: the model on the rows of a data set, and the witnesses that come of it.

A row is taken for the exact float64 numbers that it has. What the model does there is the real function's value up to a
stated allowance for rounding, as everywhere in this room.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aeverify.autoencoders.protocol import Autoencoder
from aeverify.core.evidence import Evidence, Rigor
from aeverify.core.interval import Interval
from aeverify.core.witness import Witness, WitnessPoint
from aeverify.data import DataSet, Part
from aeverify.errors import MeasurementError, NonFiniteOutputError, UsageError
from aeverify.measure.evaluation import ALLOWANCE, ROWS

FloatArray = NDArray[np.float64]

_ALONE = 64
_SMALLEST, _LARGEST = 1e-100, 1e100
_UNDERFLOW = 2.0**-500


@dataclass(frozen=True, eq=False)
class RowErrors:
    """Errors of the model at the rows of one part of a data set.

    Attributes:
        part: which rows.
        rows: their indices in the data set, shape (N,).
        errors: |D(E(x)) - x| in float64, shape (N,), all finite.
        allowance: for each row, how far the float64 error is taken to be from that of the real function.
        worst: what the model makes of the row with the largest error, evaluated alone.
        worst_row: its index in the data set.
    """

    part: Part
    rows: NDArray[np.int64]
    errors: FloatArray
    allowance: FloatArray
    worst: WitnessPoint
    worst_row: int

    @property
    def low(self) -> FloatArray:
        """Lower ends of the errors."""
        return np.maximum(self.errors - self.allowance, 0.0)

    @property
    def high(self) -> FloatArray:
        """Upper ends of the errors."""
        return np.asarray(self.errors + self.allowance)


def require_same_space(autoencoder: Autoencoder, data: DataSet) -> None:
    """Check that the model takes rows of the data.

    Raises:
        UsageError: their dimensions differ.
    """
    if autoencoder.ambient_dim != data.ambient_dim:
        raise UsageError(
            f"{autoencoder.name} takes points of R^{autoencoder.ambient_dim}, but {data} has rows of "
            f"{data.ambient_dim} numbers (shape {data.shape}). Give the data that the model was made for, or name the "
            "columns that make a row."
        )


def row_errors(autoencoder: Autoencoder, data: DataSet, part: Part = Part.ALL) -> RowErrors:
    """The model's errors at every row of a part, in one reading of the data.

    Raises:
        UsageError: the part has no rows, or the dimensions differ.
        NonFiniteOutputError: a code or a reconstruction is NaN or infinite; carries the first such row.

    Cost: one evaluation a row; 24 bytes a row are kept.
    """
    require_same_space(autoencoder, data)
    if not data.count(part):
        raise UsageError(f"{data} has no {part} rows: name a held-out part, or take all rows.")
    indices: list[NDArray[np.int64]] = []
    errors: list[FloatArray] = []
    allowances: list[FloatArray] = []
    for index, rows in data.chunks(part):
        for start in range(0, len(rows), ROWS):
            x, place = rows[start : start + ROWS], index[start : start + ROWS]
            y = reconstructed(autoencoder, data, place, x)
            with np.errstate(over="ignore"):
                error = np.linalg.norm(y - x, axis=1)
                size = np.linalg.norm(x, axis=1) + np.linalg.norm(y, axis=1)
            _require_finite(autoencoder, data, place, x, error[:, None], "decoder")
            indices.append(place)
            errors.append(error)
            # squares below the smallest number are lost; their root is far below the second term
            allowances.append(math.sqrt(x.shape[1]) * (ALLOWANCE * size + _UNDERFLOW))
    row, found = np.concatenate(indices), np.concatenate(errors)
    worst = int(row[found.argmax()])
    return RowErrors(part, row, found, np.concatenate(allowances), row_point(autoencoder, data, worst), worst)


def reconstructed(autoencoder: Autoencoder, data: DataSet, place: NDArray[np.int64], x: FloatArray) -> FloatArray:
    """D(E(x)) for rows x (k, n) of these indices; raises as `row_errors`."""
    y = autoencoder.decode(codes_of(autoencoder, data, place, x))
    _require_finite(autoencoder, data, place, x, y, "decoder")
    return y


def codes_of(autoencoder: Autoencoder, data: DataSet, place: NDArray[np.int64], x: FloatArray) -> FloatArray:
    """E(x), shape (k, m), for rows x (k, n) of these indices; raises as `row_errors`."""
    parts = [autoencoder.encode(x[i : i + ROWS]) for i in range(0, len(x), ROWS)]
    codes = np.concatenate(parts) if parts else np.empty((0, autoencoder.latent_dim))
    _require_finite(autoencoder, data, place, x, codes, "encoder")
    return codes


def moderate_codes(autoencoder: Autoencoder, data: DataSet, place: NDArray[np.int64], x: FloatArray) -> FloatArray:
    """As `codes_of`, for codes whose distances are asked for.

    Raises:
        MeasurementError: the codes are so large or so small that distances overflow or vanish.
    """
    codes = codes_of(autoencoder, data, place, x)
    largest = float(np.abs(codes).max(initial=0.0))
    if largest and not _SMALLEST <= largest <= _LARGEST:
        raise MeasurementError(
            f"The codes of {autoencoder.name} are up to {largest:.3g} in size, so that their distances overflow or "
            "vanish: rescale the code."
        )
    return codes


def _require_finite(
    autoencoder: Autoencoder, data: DataSet, place: NDArray[np.int64], x: FloatArray, output: FloatArray, part: str
) -> None:
    finite = np.asarray(np.isfinite(output).all(axis=1))
    if finite.all():
        return
    i = int(np.argmin(finite))
    where = data.where(int(place[i]))
    point = WitnessPoint(0, (), tuple(map(float, x[i])), (), (), math.inf)
    witness = Witness(
        "non_finite", str(data), autoencoder.fingerprint(), (point,), f"The {part} returns NaN or infinity at {where}."
    )
    raise NonFiniteOutputError(
        f"The {part} of {autoencoder.name} returned NaN or infinity at {int((~finite).sum())} of {len(finite)} rows of "
        f"{data} that were evaluated together, first at {where}. Finite outputs are expected; mend the model.",
        witness,
    )


def row_point(autoencoder: Autoencoder, data: DataSet, row: int) -> WitnessPoint:
    """One row with what the model makes of it, evaluated alone so that a replay gives the same numbers.

    Raises:
        NonFiniteOutputError: NaN or infinity comes out.
    """
    x = data.rows([row])
    place = np.array([row], dtype=np.int64)
    code = codes_of(autoencoder, data, place, x)
    y = autoencoder.decode(code)
    _require_finite(autoencoder, data, place, x, y, "decoder")
    return _point(x[0], code[0], y[0])


def _point(x: FloatArray, code: FloatArray, y: FloatArray) -> WitnessPoint:
    return WitnessPoint(
        0,
        (),
        tuple(map(float, x)),
        tuple(map(float, code)),
        tuple(map(float, y)),
        float(np.linalg.norm(y - x)),
    )


def row_witness(
    kind: str, autoencoder: Autoencoder, data: DataSet, points: tuple[WitnessPoint, ...], note: str
) -> Witness:
    """A witness with the name of the data and the fingerprint of the model."""
    return Witness(kind, str(data), autoencoder.fingerprint(), points, note)


def reevaluate_rows(autoencoder: Autoencoder, witness: Witness) -> Witness:
    """A witness on a data set with every number computed anew by this model, at the coordinates that it carries: the
    data themselves are not needed. Where NaN or infinity comes out now, the result has kind "non_finite".

    Raises:
        UsageError: the witness lies on no data set, has no points, or points of another dimension.
    """
    if not witness.manifold.startswith("data:") or not witness.points:
        raise UsageError(
            f"Expected a witness of rows of a data set, got one of kind {witness.kind!r} on "
            f"{witness.manifold!r} with {len(witness.points)} points."
        )
    again = []
    for old in witness.points:
        x = np.array([old.point], dtype=np.float64)
        if x.shape[1] != autoencoder.ambient_dim:
            raise UsageError(
                f"The witness has points of R^{x.shape[1]}, {autoencoder.name} takes points of "
                f"R^{autoencoder.ambient_dim}: replay it with a model of that dimension."
            )
        code = autoencoder.encode(x)
        y = autoencoder.decode(code) if np.isfinite(code).all() else np.full_like(x, np.nan)
        if not np.isfinite(y).all():
            point = WitnessPoint(0, (), old.point, (), (), math.inf)
            note = "The model returns NaN or infinity here."
            return Witness("non_finite", witness.manifold, autoencoder.fingerprint(), (point,), note)
        again.append(_point(x[0], code[0], y[0]))
    return Witness(witness.kind, witness.manifold, autoencoder.fingerprint(), tuple(again), witness.note)


def batch_gap(autoencoder: Autoencoder, data: DataSet) -> Evidence:
    """Largest difference between what the model makes of a row alone and of the same row among 63 others, as a share of
    the size of the reconstruction: 0 up to rounding for a function of one point; not so for batch norm in train mode or
    dropout.

    Returns:
        Evidence "batch_gap" [gap, inf), EMPIRICAL: rows that were not tried may differ more.

    Raises:
        NonFiniteOutputError: NaN or infinity comes out.

    Cost: 65 evaluations.
    """
    require_same_space(autoencoder, data)
    index = data.subset(_ALONE)
    x = data.rows(index)
    together = reconstructed(autoencoder, data, index, x)
    alone = np.concatenate(
        [reconstructed(autoencoder, data, index[i : i + 1], x[i : i + 1]) for i in range(len(index))]
    )
    size = max(float(np.abs(together).max()), float(np.abs(alone).max()), 1e-300)
    gap = np.abs(together - alone).max(axis=1) / size
    row = int(index[int(gap.argmax())])
    return Evidence(
        "batch_gap",
        Interval.at_least(float(gap.max())),
        Rigor.EMPIRICAL,
        f"Lower end: the largest change of {len(index)} reconstructions when each row is evaluated alone.",
        details={"rows": len(index), "worst_row": data.where(row)},
    )

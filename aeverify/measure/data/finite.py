"""Finite: the largest error on the rows of a data set, which are finitely many exact points, and on nothing else.

The maximum over a finite set needs no sampling theory: it is enclosed as soon as the error at each row is. Layers of
affine maps and piecewise linear activations give certified upper ends in float64 (`rounding`); other known layers are
evaluated at each row in ball arithmetic as far as the time goes. Of the rows that are not in the data set it says
nothing but that the worst error there may be as large, or larger.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from aeverify.autoencoders.protocol import Autoencoder
from aeverify.core.evidence import Evidence, Rigor
from aeverify.core.interval import Interval
from aeverify.data import DataSet, Part
from aeverify.manifolds.balls import ball_operations, precision
from aeverify.measure.data.values import RowErrors, row_witness
from aeverify.measure.evaluation import BITS, distance_interval
from aeverify.measure.rounding import certified_errors

FloatArray = NDArray[np.float64]

_QUANTITY = "sup_error_on_data"


def sup_on_data(
    autoencoder: Autoencoder, data: DataSet, errors: RowErrors, *, time_budget: float = 3.0
) -> Iterator[Evidence]:
    """Enclosures of the largest error on the rows of a part of a data set, most rigorous first.

    Args:
        autoencoder: the model.
        data: the data set.
        errors: its errors at the rows of that part.
        time_budget: seconds for the certified enclosure; 0 leaves it out.

    Yields:
        Evidence "sup_error_on_data", in the units of the data: CERTIFIED where every row was evaluated with its
        rounding enclosed; a CERTIFIED lower end alone, where the worst row could be; and last both ends in float64,
        EMPIRICAL. None of them bounds the error off the rows from above.

    Raises:
        UsageError: the data changed while they were read.
    """
    stop = time.perf_counter() + time_budget
    lower = row_ball(autoencoder, np.array(errors.worst.point)) if time_budget > 0 else None
    upper = _linear_upper(autoencoder, data, errors.part, stop) if time_budget > 0 else None
    if upper is None and lower is not None:
        if lower.lower > 0.0:
            yield _evidence(autoencoder, data, errors, Interval.at_least(lower.lower), Rigor.CERTIFIED, "")
        upper = _ball_upper(autoencoder, data, errors.part, stop)
    if upper is not None:
        floor = 0.0 if lower is None else lower.lower
        yield _evidence(
            autoencoder,
            data,
            errors,
            Interval(floor, upper),
            Rigor.CERTIFIED,
            "each row taken for the exact numbers that it has, rounding included",
        )
    both = Interval(float(errors.low.max()), float(errors.high.max()))
    yield _evidence(
        autoencoder, data, errors, both, Rigor.EMPIRICAL, "float64, with an allowance for rounding that is not proved"
    )


def _evidence(
    autoencoder: Autoencoder, data: DataSet, errors: RowErrors, interval: Interval, rigor: Rigor, how: str
) -> Evidence:
    count, part = len(errors.rows), errors.part
    rows = f"all {count} rows" if part is Part.ALL else f"the {count} {part} rows"
    method = (
        f"Both ends: largest error on {rows}; {how}. Nothing is said of other points."
        if how
        else "Lower end: the error at the worst row, in ball arithmetic. Upper end: none was certified."
    )
    note = f"The largest error among the rows: {data.where(errors.worst_row)}."
    return Evidence(
        quantity=_QUANTITY,
        interval=interval,
        rigor=rigor,
        method=method,
        witness=row_witness("point", autoencoder, data, (errors.worst,), note),
        details={**data.record(), "rows": count, "worst_row": data.where(errors.worst_row)},
    )


def row_ball(autoencoder: Autoencoder, row: FloatArray) -> Interval | None:
    """Certified enclosure of the error at one row; None where the model cannot be evaluated in ball arithmetic."""
    with precision(BITS):
        operations = ball_operations()
        point = [operations.real(float(v)) for v in row]
    found = autoencoder.reconstruct_balls(point)
    return None if found is None else distance_interval(found, point)


def _linear_upper(autoencoder: Autoencoder, data: DataSet, part: Part, stop: float) -> float | None:
    """Certified upper end of the largest error for piecewise linear layers; None for others, or out of time."""
    best = 0.0
    for _, rows in data.chunks(part):
        for i in range(0, len(rows), 8_192):
            bounds = certified_errors(autoencoder, rows[i : i + 8_192])
            if bounds is None or not np.isfinite(bounds).all() or time.perf_counter() > stop:
                return None
            best = max(best, float(bounds.max()))
    return best


def _ball_upper(autoencoder: Autoencoder, data: DataSet, part: Part, stop: float) -> float | None:
    """Certified upper end of the largest error, row by row; None where one row has none, or out of time."""
    best = 0.0
    for _, rows in data.chunks(part):
        for row in rows:
            found = row_ball(autoencoder, row) if time.perf_counter() <= stop else None
            if found is None or not np.isfinite(found.upper):
                return None
            best = max(best, found.upper)
    return best

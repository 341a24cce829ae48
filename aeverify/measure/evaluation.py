"""Evaluation: the model on points of K, in float64 and in ball arithmetic, and the witnesses that come of it.

Every measurement of this room stands on these functions, so that the same few rules hold everywhere: non-finite output
ends the measurement with a witness; a witness is evaluated alone, one row at a time, as its replay does; a float64
error is off from the real one by a stated allowance; a ball is never anything but an enclosure.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aeverify.autoencoders.protocol import Autoencoder
from aeverify.core.interval import Interval
from aeverify.core.seeds import Seed, as_seed
from aeverify.core.witness import Witness, WitnessPoint
from aeverify.errors import NonFiniteOutputError, UsageError
from aeverify.manifolds.balls import interval_of, point_balls, precision
from aeverify.manifolds.base import Manifold, Sample

FloatArray = NDArray[np.float64]

ROWS = 32_768
"""Rows that are handed to a model at once, which bounds the memory."""

BITS = 128
"""Working precision of ball arithmetic, in bits."""

ALLOWANCE = 2.0**-44
"""Relative allowance for rounding in float64 errors: 512 units in the last place of |x| + |D(E(x))|."""


@dataclass(frozen=True)
class Values:
    """The model at N points: codes (N, m), reconstructions (N, n) and errors (N,), float64, all finite."""

    points: FloatArray
    codes: FloatArray
    reconstructions: FloatArray
    errors: FloatArray

    @property
    def allowance(self) -> FloatArray:
        """For each row, how far the float64 error is taken to be from the error of the real function.

        It covers the rounding of the point, of the difference and of the norm (fewer than 20 operations for dimensions
        up to a few dozen) and some of the rounding inside the model, which nothing proves for a model whose operations
        are unknown; so what rests on it is EMPIRICAL.
        """
        size = np.linalg.norm(self.points, axis=1) + np.linalg.norm(self.reconstructions, axis=1)
        return np.asarray(ALLOWANCE * math.sqrt(self.points.shape[1]) * size)


def require_compatible(autoencoder: Autoencoder, manifold: Manifold) -> None:
    """Check that the model takes points of the space that K lies in.

    Raises:
        UsageError: their dimensions differ.
    """
    if autoencoder.ambient_dim != manifold.ambient_dim:
        raise UsageError(
            f"{autoencoder.name} takes points of R^{autoencoder.ambient_dim}, but {manifold} lies in "
            f"R^{manifold.ambient_dim}. Choose a model and a set of the same dimension."
        )


def require_real(value: float, what: str, *, minimum: float = -math.inf, maximum: float = math.inf) -> float:
    """`value` as a float, checked to be a finite number in [minimum, maximum].

    Raises:
        UsageError: it is not.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        raise UsageError(f"The {what} must be a number, got {value!r}.")
    if not (math.isfinite(value) and minimum <= value <= maximum):
        raise UsageError(f"The {what} must be a finite number in [{minimum:g}, {maximum:g}], got {value!r}.")
    return float(value)


def require_probability(value: float, what: str) -> float:
    """`value`, checked to lie strictly between 0 and 1.

    Raises:
        UsageError: it does not.
    """
    number = require_real(value, what)
    if not 0.0 < number < 1.0:
        raise UsageError(f"The {what} must lie strictly between 0 and 1, got {value!r}.")
    return number


def generator(seed: Seed | int, *names: str | int) -> np.random.Generator:
    """The generator of the random stream of that name."""
    return np.random.Generator(np.random.PCG64(as_seed(seed).child(*names).value))


def evaluate(
    autoencoder: Autoencoder,
    manifold: Manifold,
    points: FloatArray,
    component: NDArray[np.int64] | int,
    parameters: FloatArray,
) -> Values:
    """The model at points (N, n) of K, whose components and chart parameters (N, d) a witness will name.

    Raises:
        NonFiniteOutputError: a code or a reconstruction is NaN or infinite; carries the first such point.
    """
    return evaluate_points(autoencoder, str(manifold), points, component, parameters)


def evaluate_points(
    autoencoder: Autoencoder,
    spec: str,
    points: FloatArray,
    component: NDArray[np.int64] | int,
    parameters: FloatArray,
) -> Values:
    """As `evaluate`, for points of the set of that spec, or of a data set (spec "")."""
    codes = _encode(autoencoder, spec, points, component, parameters)
    parts = [autoencoder.decode(codes[i : i + ROWS]) for i in range(0, len(codes), ROWS)]
    reconstructions = np.concatenate(parts) if parts else np.empty((0, autoencoder.ambient_dim))
    _require_finite(autoencoder, spec, points, component, parameters, codes, reconstructions)
    # hypot would not overflow, but a reconstruction of 1e200 is as good as infinite for every purpose
    with np.errstate(over="ignore"):
        errors = np.linalg.norm(reconstructions - points, axis=1)
    _require_finite(autoencoder, spec, points, component, parameters, codes, errors[:, None])
    return Values(points, codes, reconstructions, errors)


def encode(
    autoencoder: Autoencoder,
    manifold: Manifold,
    points: FloatArray,
    component: NDArray[np.int64] | int,
    parameters: FloatArray,
) -> FloatArray:
    """Codes (N, m) of points of K; raises as `evaluate`."""
    return _encode(autoencoder, str(manifold), points, component, parameters)


def _encode(
    autoencoder: Autoencoder,
    spec: str,
    points: FloatArray,
    component: NDArray[np.int64] | int,
    parameters: FloatArray,
) -> FloatArray:
    parts = [autoencoder.encode(points[i : i + ROWS]) for i in range(0, len(points), ROWS)]
    codes = np.concatenate(parts) if parts else np.empty((0, autoencoder.latent_dim))
    _require_finite(autoencoder, spec, points, component, parameters, codes, None)
    return codes


def _require_finite(
    autoencoder: Autoencoder,
    spec: str,
    points: FloatArray,
    component: NDArray[np.int64] | int,
    parameters: FloatArray,
    codes: FloatArray,
    reconstructions: FloatArray | None,
) -> None:
    output = codes if reconstructions is None else reconstructions
    finite = np.asarray(np.isfinite(output).all(axis=1))
    if finite.all():
        return
    i = int(np.argmin(finite))
    index = int(component if isinstance(component, int) else component[i])
    point = WitnessPoint(
        component=index,
        parameters=tuple(map(float, parameters[i])),
        point=tuple(map(float, points[i])),
        code=() if reconstructions is None else tuple(map(float, codes[i])),
        reconstruction=(),
        error=math.inf,
    )
    part = "encoder" if reconstructions is None else "decoder"
    count = int((~finite).sum())
    witness = Witness(
        "non_finite", spec, autoencoder.fingerprint(), (point,), f"The {part} returns NaN or infinity here."
    )
    raise NonFiniteOutputError(
        f"The {part} of {autoencoder.name} returned NaN or infinity at {count} of {len(finite)} points of "
        f"{spec or 'the data'}, first at chart parameters {point.parameters} of component {index}. Finite outputs "
        "on K are expected; mend the model.",
        witness,
    )


def at_parameters(autoencoder: Autoencoder, manifold: Manifold, component: int, parameters: FloatArray) -> Values:
    """The model at the points of chart parameters (N, d) of one component; raises as `evaluate`."""
    part = manifold.components[component]
    return evaluate(autoencoder, manifold, part.chart.embed(parameters), component, parameters)


def witness_point(
    autoencoder: Autoencoder, manifold: Manifold, component: int, parameters: Sequence[float]
) -> WitnessPoint:
    """One point of K with what the model makes of it, evaluated alone so that a replay gives the same numbers.

    Args:
        autoencoder: the model.
        manifold: the set K (a union has several components).
        component: index of the component that the point lies on.
        parameters: chart parameters of the point in that component.

    Raises:
        UsageError: no such component, or another number of parameters.
        NonFiniteOutputError: NaN or infinity comes out.
    """
    if not 0 <= component < len(manifold.components):
        raise UsageError(f"{manifold} has components 0 to {len(manifold.components) - 1}, got {component}.")
    row = np.array([[float(p) for p in parameters]], dtype=np.float64)
    values = at_parameters(autoencoder, manifold, component, row)
    return _point(component, row[0], values)


def place_of(manifold: Manifold, sample: Sample, row: int) -> tuple[int, tuple[float, ...]]:
    """Component of the point in a row of a sample of K, and its parameters in that component's chart (the array is as
    wide as the widest chart of K)."""
    component = int(sample.component[row])
    dimension = manifold.components[component].chart.dim
    return component, tuple(map(float, sample.parameters[row][:dimension]))


def sampled_point(autoencoder: Autoencoder, manifold: Manifold, sample: Sample, row: int) -> WitnessPoint:
    """The point in a row of a sample of K as a witness; raises as `witness_point`."""
    return witness_point(autoencoder, manifold, *place_of(manifold, sample, row))


def _point(component: int, parameters: FloatArray, values: Values) -> WitnessPoint:
    return WitnessPoint(
        component=component,
        parameters=tuple(map(float, parameters)),
        point=tuple(map(float, values.points[0])),
        code=tuple(map(float, values.codes[0])),
        reconstruction=tuple(map(float, values.reconstructions[0])),
        error=float(values.errors[0]),
    )


def reevaluate(autoencoder: Autoencoder, manifold: Manifold, witness: Witness) -> Witness:
    """The witness with every number computed anew from its chart parameters by this model.

    A point without chart parameters is evaluated at its coordinates; one without coordinates too (a code at which the
    decoder jumps) is decoded. The result carries the fingerprint of `autoencoder`, so that a caller sees whether the
    model is the one that the witness was found with. Where NaN or infinity comes out now, the result has kind
    "non_finite".

    Raises:
        UsageError: the witness belongs to another set, or has no points.
    """
    require_compatible(autoencoder, manifold)
    if witness.manifold != str(manifold):
        raise UsageError(f"The witness lies on {witness.manifold!r}, not on {str(manifold)!r}: build that set first.")
    if not witness.points:
        raise UsageError("The witness has no points, so there is nothing to evaluate again.")
    try:
        points = tuple(_again(autoencoder, manifold, p) for p in witness.points)
    except NonFiniteOutputError as error:
        found = error.witness
        if not isinstance(found, Witness):
            raise
        return found
    return Witness(witness.kind, witness.manifold, autoencoder.fingerprint(), points, witness.note)


def _again(autoencoder: Autoencoder, manifold: Manifold, point: WitnessPoint) -> WitnessPoint:
    if point.parameters:
        return witness_point(autoencoder, manifold, point.component, point.parameters)
    nowhere = np.empty((1, 0))
    if point.point:
        row = np.array([point.point], dtype=np.float64)
        return _point(point.component, nowhere[0], evaluate(autoencoder, manifold, row, point.component, nowhere))
    code = np.array([point.code], dtype=np.float64)
    decoded = autoencoder.decode(code)
    _require_finite(autoencoder, str(manifold), np.empty((1, 0)), point.component, nowhere, code, decoded)
    return WitnessPoint(point.component, (), (), point.code, tuple(map(float, decoded[0])), 0.0)


def witness_of(
    kind: str, autoencoder: Autoencoder, manifold: Manifold, points: Sequence[WitnessPoint], note: str
) -> Witness:
    """A witness with the spec of the set and the fingerprint of the model."""
    return Witness(kind, str(manifold), autoencoder.fingerprint(), tuple(points), note)


def draw_errors(
    autoencoder: Autoencoder, manifold: Manifold, n: int, seed: Seed
) -> tuple[FloatArray, FloatArray, WitnessPoint]:
    """Errors and allowances at n independent uniform draws, and the worst of them as a witness."""
    require_compatible(autoencoder, manifold)
    sample = manifold.sample(n, seed)
    values = evaluate(autoencoder, manifold, sample.points, sample.component, sample.parameters)
    point = sampled_point(autoencoder, manifold, sample, int(values.errors.argmax()))
    return values.errors, values.allowance, point


def ball_point(manifold: Manifold, component: int, parameters: Sequence[float]) -> list[Any] | None:
    """Enclosures of the coordinates of the exact point of these parameters; None where the chart has none."""
    try:
        balls = point_balls(manifold, parameters, component=component, bits=BITS)
    except (AttributeError, TypeError):  # a third party's formula that uses operations of its own
        return None
    return balls if all(b.is_finite() for b in balls) else None


def certified_error(
    autoencoder: Autoencoder, manifold: Manifold, component: int, parameters: Sequence[float]
) -> Interval | None:
    """Certified enclosure of e(x) = |D(E(x)) - x| at the exact point of these parameters, rounding included; None
    where the model or the chart cannot be evaluated in ball arithmetic.

    The chart formula and the model's layers are evaluated on balls of 128 bits, so the result holds for the real
    function of the stored weights on the exact set. Cost: about a millisecond for a network of 66,000 weights.
    """
    point = ball_point(manifold, component, parameters)
    if point is None:
        return None
    reconstruction = autoencoder.reconstruct_balls(point)
    return None if reconstruction is None else distance_interval(reconstruction, point)


def distance_interval(a: Sequence[Any], b: Sequence[Any]) -> Interval | None:
    """Enclosure of the Euclidean distance of two points of balls, rounded outward; None where it is not finite."""
    with precision(BITS):
        squared: Any = 0
        for x, y in zip(a, b, strict=True):
            gap = x - y
            squared = squared + gap * gap  # a power of a ball that holds 0 is not finite
        if not squared.is_finite():
            return None
        # a square is not negative, but its ball may reach below zero
        low, high = interval_of(squared).lower, squared.upper()
        lower = 0.0 if low <= 0.0 else interval_of(squared.lower().sqrt()).lower
        upper = interval_of(high.sqrt()).upper
    return Interval(max(lower, 0.0), max(upper, 0.0))

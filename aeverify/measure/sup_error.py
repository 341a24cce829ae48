"""The worst error sup e over K, e(x) = |D(E(x)) - x|, from below by witnesses, from above by Lipschitz constants.

**Lower end.** e(x) at any point x of K is a lower bound of sup e, so every witness certifies itself and only the search
for a good one needs a reason:

(i) random points and a regular grid.

(ii) One-dimensional codes and a loop t -> x(t) of period P in a chart. For any shift s let
g_s(t) = E(x(t)) - E(x(t + s)). The mean of g_s over a period is 0, so a continuous g_s has a zero; for s = P/2 even
g(t + P/2) = -g(t), so every half period holds one. At a zero D(E) takes one value at two points x, y, hence
max(e(x), e(y)) >= |x - y| / 2. Bisection needs no luck and no fine sampling: a code that tears in a gap of width w is
found by log2(1/w) halvings, which is how a tear narrower than any sampling is met. The pair then certifies itself: two
evaluations of e.

(iii) From the worst points so far: a logarithmic zoom (1e-1 to 1e-15 of the box) and gradient ascent by finite
differences, for any callable and any dimension of chart.

What is promised: the lower end is true. That it is near sup e is not: a spike away from every tear, narrower than the
samples are apart, can be missed (a model that is wrong on a set of measure 1e-9 only shows if one draws 1e9 points).

**Upper end.** If f = D after E is L-Lipschitz, e is (L + 1)-Lipschitz by the triangle inequality, so
sup e <= max over a grid of e + (L + 1) eps for a grid with proved covering radius eps. L must be an upper bound; a
sampled L would bound nothing. Where L is too large for that to say anything, a one-dimensional code is bounded first
(`error_through_code`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aeverify.autoencoders.protocol import Autoencoder, Part
from aeverify.core.evidence import Citation, Evidence, Rigor
from aeverify.core.interval import Interval
from aeverify.core.seeds import Seed, as_seed
from aeverify.core.witness import WitnessPoint
from aeverify.errors import InvariantError
from aeverify.manifolds.base import Manifold, require_count
from aeverify.measure.certified import enclosed, without_enclosure
from aeverify.measure.evaluation import (
    at_parameters,
    certified_error,
    evaluate,
    generator,
    require_compatible,
    witness_of,
    witness_point,
)
from aeverify.measure.rounding import certified_errors, error_through_code, operations
from aeverify.measure.search import ascend, bisect, zoom

FloatArray = NDArray[np.float64]

_STARTS = 12
"""Best points of each kind from which the local search starts."""

_SHIFTS = (1 / 2, 1 / 3, 1 / 4, 1 / 8, 1 / 32)
_LOOP_NODES = 96
_MOST_BRACKETS = 64
_BALL_POINTS = 2_048
_FEWEST = 1_000
_OPERATIONS = 4e9
_SLACK = 0.01
_CODED = 20_000

_CITATION = Citation(
    "M. D. Kvalheim and E. D. Sontag, Why should autoencoders work?, TMLR 2024 (arXiv:2310.02250)",
    "Theorem 1",
    "some points of K have a large error however small the error is elsewhere",
)


@dataclass(frozen=True)
class _Found:
    """The best witness of one component and where it came from."""

    point: WitnessPoint
    interval: Interval
    rigor: Rigor
    origin: str
    sampled_maximum: float


@dataclass(frozen=True)
class _Above:
    """What is known of one component from above."""

    value: float
    rigor: Rigor | None
    words: str
    details: dict[str, Any]
    assumptions: tuple[str, ...] = ()


def sup_error(
    autoencoder: Autoencoder,
    manifold: Manifold,
    *,
    seed: Seed | int = 0,
    samples: int = 20_000,
    grid_limit: int = 200_000,
    tolerance: float | None = None,
    time_budget: float | None = None,
) -> Evidence:
    """Enclosure of the worst error sup over K of |D(E(x)) - x|, in the units of the data.

    With neither `tolerance` nor `time_budget`, the lower end is a witness, and the upper end is finite only where an
    upper bound of the Lipschitz constant of D after E is known. See `sup_error_by_component`, of which this is the
    maximum over the components of K.

    With either of them, branch and bound over chart boxes encloses it, CERTIFIED, rounding included, where the model
    is made of torch layers whose rules are known. Elsewhere the former comes back, and says why.

    Args:
        autoencoder, manifold, seed, samples, grid_limit: see `sup_error_by_component`.
        tolerance: width of the certified enclosure asked for.
        time_budget: seconds after which the certified enclosure reached so far is returned.

    Raises:
        UsageError: the dimensions of model and set differ, a count or tolerance is not positive, a budget negative.
        NonFiniteOutputError: NaN or infinity came out on K.

    Example:
        A decoder that is constantly the centre of a circle of radius r has sup error exactly r, whatever E is.
    """
    if tolerance is not None or time_budget is not None:
        found = enclosed(autoencoder, manifold, threshold=None, tolerance=tolerance, time_budget=time_budget)
        if isinstance(found, Evidence):
            return found
        searched = sup_error(autoencoder, manifold, seed=seed, samples=samples, grid_limit=grid_limit)
        return without_enclosure(searched, found)
    parts = sup_error_by_component(autoencoder, manifold, seed=seed, samples=samples, grid_limit=grid_limit)
    worst = max(parts, key=lambda e: e.lower)
    lower, upper = worst.lower, max(e.upper for e in parts)
    lower_rigor = _rigor(worst, "lower_rigor")
    rigors = [lower_rigor] + [_rigor(e, "upper_rigor") for e in parts if math.isfinite(upper)]
    details = dict(worst.details)
    details["components"] = [{"lower": e.lower, "upper": _json(e.upper)} for e in parts]
    details["upper_rigor"] = str(min(_rigor(e, "upper_rigor") for e in parts)) if math.isfinite(upper) else None
    return Evidence(
        quantity="sup_error",
        interval=Interval(lower, upper),
        rigor=min(rigors),
        method=worst.method if len(parts) == 1 else f"Maximum over {len(parts)} components. {worst.method}",
        witness=worst.witness,
        citations=worst.citations,
        assumptions=tuple(dict.fromkeys(a for e in parts for a in e.assumptions)),
        details=details,
    )


def sup_error_by_component(
    autoencoder: Autoencoder,
    manifold: Manifold,
    *,
    seed: Seed | int = 0,
    samples: int = 20_000,
    grid_limit: int = 200_000,
    tolerance: float | None = None,
    time_budget: float | None = None,
) -> tuple[Evidence, ...]:
    """Enclosures of the worst error on each connected component of K, in order.

    With `tolerance` or `time_budget` (for each component), branch and bound gives both ends where the model's layers
    and K's charts allow it, beside the witness that the search below finds; elsewhere the evidence says why not.

    Guarantee. Lower end: the error at the witness, rounded down; CERTIFIED where the model and the chart evaluate in
    ball arithmetic (then it holds for the real function of the stored weights on the exact set), else the float64
    error less the stated allowance, EMPIRICAL. Upper end: max over a grid of e + (L + 1) eps, rounded up; CERTIFIED
    where the grid is evaluated in ball arithmetic too (at most 2,048 points) or the model is a stack of affine maps
    and piecewise linear activations, whose float64 rounding is bounded, else EMPIRICAL. An upper end that is
    EMPIRICAL beside a certified lower end is left out of the interval, which would be no stronger than it, and stands
    in details["upper_empirical"].

    Args:
        autoencoder: the model.
        manifold: the set K.
        seed: root of the random streams.
        samples: points with which the search starts on each component, half random, half on a grid.
        grid_limit: most grid points for the upper end.

    Returns:
        One Evidence on "sup_error" a component, with a witness of kind "point"; details hold `lower_rigor`,
        `upper_rigor`, where the witness came from, and the figures of the grid.

    Raises:
        UsageError: the dimensions of model and set differ, or a count is not positive.
        NonFiniteOutputError: NaN or infinity came out on K.
        InvariantError: the witness exceeds the upper end, so the declared Lipschitz constant is false.

    Cost: about samples + 20,000 evaluations of the model a component, and the grid of the upper end.
    """
    require_compatible(autoencoder, manifold)
    require_count(samples, "number of samples")
    require_count(grid_limit, "grid limit")
    root = as_seed(seed).child("measure", "sup_error")
    return tuple(
        _component_evidence(autoencoder, manifold, i, root.child(i), samples, grid_limit, (tolerance, time_budget))
        for i in range(len(manifold.components))
    )


def _component_evidence(
    autoencoder: Autoencoder,
    manifold: Manifold,
    index: int,
    seed: Seed,
    samples: int,
    grid_limit: int,
    effort: tuple[float | None, float | None],
) -> Evidence:
    found = _below(autoencoder, manifold, index, seed, samples)
    if effort != (None, None):
        tight = enclosed(
            autoencoder, manifold, threshold=None, tolerance=effort[0], time_budget=effort[1], component=index
        )
        if isinstance(tight, Evidence):
            return _both(autoencoder, manifold, index, found, tight)
        searched = _component_evidence(autoencoder, manifold, index, seed, samples, grid_limit, (None, None))
        return without_enclosure(searched, tight)
    above = _above(autoencoder, manifold, index, found.interval.lower, samples, grid_limit)
    details: dict[str, Any] = {
        "component": index,
        "lower_rigor": str(found.rigor),
        "rounding_allowance": found.interval.width if found.rigor is Rigor.EMPIRICAL else 0.0,
        "upper_rigor": str(above.rigor) if above.rigor else None,
        "found_by": found.origin,
        "sampled_maximum": found.sampled_maximum,
        "samples": samples,
        "seed": str(seed),
        **above.details,
    }
    upper = above.value
    if above.rigor is Rigor.EMPIRICAL and found.rigor > Rigor.EMPIRICAL:
        details["upper_empirical"] = _json(upper)
        details["upper_rigor"] = None
        upper = math.inf
    if upper < found.interval.lower:
        raise InvariantError(
            f"The error {found.interval.lower:.6g} at a point of {manifold} exceeds the upper bound {upper:.6g} of "
            f"the worst error of {autoencoder.name} ({above.words}): the Lipschitz constant that the model declares "
            "is false, or this is a bug of aeverify."
        )
    used = [found.rigor] + ([above.rigor] if math.isfinite(upper) and above.rigor else [])
    how = (
        "evaluated again in ball arithmetic and rounded down"
        if found.rigor is Rigor.CERTIFIED
        else "its float64 value less an allowance of 2^-44 (|x| + |D(E(x))|)"
    )
    return Evidence(
        quantity="sup_error",
        interval=Interval(found.interval.lower, upper),
        rigor=min(used),
        method=(
            f"Lower end: error at the witness, found by {found.origin}, {how}; a spike narrower than the samples and "
            f"away from every tear may be missed. Upper end: {above.words}."
        ),
        witness=witness_of("point", autoencoder, manifold, (found.point,), "The error at this point is large."),
        citations=(_CITATION,),
        assumptions=above.assumptions if math.isfinite(upper) else (),
        details=details,
    )


def _both(autoencoder: Autoencoder, manifold: Manifold, index: int, found: _Found, tight: Evidence) -> Evidence:
    """The certified enclosure, with the witness of the search where that is certified and better."""
    details = {**tight.details, "component": index, "rounding_allowance": 0.0, "sampled_maximum": found.sampled_maximum}
    if found.rigor is Rigor.CERTIFIED and found.interval.lower > tight.lower:
        point = witness_of("point", autoencoder, manifold, (found.point,), "The error at this point is large.")
        tight = replace(
            tight,
            interval=tight.interval.intersect(Interval.at_least(found.interval.lower)),
            witness=point,
            method=f"{tight.method} The lower end is the error at the witness, found by {found.origin}, in ball "
            "arithmetic.",
        )
    return replace(tight, details=details)


def _below(autoencoder: Autoencoder, manifold: Manifold, index: int, seed: Seed, samples: int) -> _Found:
    """The best witness on one component: steps (i) to (iii), then ball arithmetic on the best few."""
    part = manifold.components[index]
    chart = part.chart
    rng = generator(seed, "search")

    def errors(parameters: FloatArray) -> FloatArray:
        return at_parameters(autoencoder, manifold, index, parameters).errors

    # (i)
    half = max(samples // 2, 1)
    drawn, grid = part.sample(half, seed.child("draws")), part.grid(half)
    parameters = np.concatenate([drawn.parameters, grid.parameters])
    values = evaluate(autoencoder, manifold, np.concatenate([drawn.points, grid.points]), index, parameters).errors
    order = np.argsort(values)[::-1][:_STARTS]
    candidates: list[tuple[float, FloatArray, str]] = [(float(values[order[0]]), parameters[order[0]], "sampling")]
    starts = [parameters[order]]
    scales = [np.full(len(order), 2.0 / half ** (1.0 / chart.dim))]
    # (ii)
    pairs = _equal_code_pairs(autoencoder, manifold, index, rng) if autoencoder.latent_dim == 1 else None
    if pairs is not None and len(pairs):
        at_pairs = errors(pairs)
        order = np.argsort(at_pairs)[::-1][:_STARTS]
        candidates.append((float(at_pairs[order[0]]), pairs[order[0]], "bisection to two points with one code"))
        zoomed, _, found_at = zoom(errors, chart, pairs[order], rng)
        starts.append(zoomed)
        scales.append(found_at)
    # (iii)
    zoomed, _, found_at = zoom(errors, chart, starts[0], rng)
    starts.append(zoomed)
    scales.append(found_at)
    tops, heights = ascend(errors, chart, np.concatenate(starts), np.concatenate(scales))
    for _ in range(2):
        order = np.argsort(heights)[::-1][:_STARTS]
        zoomed, _, found_at = zoom(errors, chart, tops[order], rng)
        tops, heights = ascend(errors, chart, zoomed, found_at, iterations=24)
    order = np.argsort(heights)[::-1][:3]
    candidates += [(float(heights[i]), tops[i], "ascent from the worst points") for i in order]
    # The box's corner often has exact coordinates, where the error of a simple model comes out without rounding.
    corner = np.array(chart.lower)
    candidates.append((float(errors(corner[None])[0]), corner, "evaluation at the chart's corner"))
    return _best_certified(autoencoder, manifold, index, candidates, float(values.max()))


def _best_certified(
    autoencoder: Autoencoder,
    manifold: Manifold,
    index: int,
    candidates: Sequence[tuple[float, FloatArray, str]],
    sampled: float,
) -> _Found:
    """The candidate with the largest lower bound; only those within 1e-6 of the largest float64 value are tried."""
    largest = max(value for value, _, _ in candidates)
    found: list[_Found] = []
    for value, u, origin in candidates:
        if value < largest * (1.0 - 1e-6):
            continue
        row = tuple(map(float, u))
        interval = certified_error(autoencoder, manifold, index, row)
        point = witness_point(autoencoder, manifold, index, row)
        rigor = Rigor.CERTIFIED
        if interval is None:
            alone = at_parameters(autoencoder, manifold, index, u[None])
            interval = Interval(max(point.error - float(alone.allowance[0]), 0.0), point.error)
            rigor = Rigor.EMPIRICAL
        found.append(_Found(point, interval, rigor, origin, sampled))
    certified = [f for f in found if f.rigor is Rigor.CERTIFIED]
    return max(certified or found, key=lambda f: f.interval.lower)


def _equal_code_pairs(
    autoencoder: Autoencoder, manifold: Manifold, index: int, rng: np.random.Generator
) -> FloatArray | None:
    """Chart parameters of pairs with (nearly) equal codes on loops of the chart, by bisection; step (ii)."""
    chart = manifold.components[index].chart
    extent = np.array(chart.upper) - np.array(chart.lower)
    found: list[FloatArray] = []
    for axis in (i for i in range(chart.dim) if chart.periodic[i]):
        bases = np.array(chart.lower) + extent * rng.random((1 if chart.dim == 1 else 6, chart.dim))
        for base in bases:
            for shift in _SHIFTS:
                found.append(_pairs_on_loop(autoencoder, manifold, index, base, axis, shift, float(rng.random())))
    return np.concatenate(found) if found else None


def _pairs_on_loop(
    autoencoder: Autoencoder,
    manifold: Manifold,
    index: int,
    base: FloatArray,
    axis: int,
    shift: float,
    offset: float,
) -> FloatArray:
    part = manifold.components[index]
    chart = part.chart
    low, period = chart.lower[axis], chart.upper[axis] - chart.lower[axis]

    def place(t: FloatArray) -> FloatArray:
        u = np.tile(base, (len(t), 1))
        u[:, axis] = low + period * t
        return chart.wrap(u)

    def g(t: FloatArray) -> FloatArray:
        u = np.concatenate([place(t), place(t + shift)])
        codes = at_parameters(autoencoder, manifold, index, u).codes[:, 0]
        return codes[: len(t)] - codes[len(t) :]

    nodes = (np.arange(_LOOP_NODES + 1) + offset) / _LOOP_NODES
    signs = np.sign(g(nodes))
    brackets = np.flatnonzero((signs[:-1] * signs[1:] <= 0) & (signs[:-1] != signs[1:]))
    zeros = nodes[:-1][signs[:-1] == 0][:4]
    if len(brackets) > _MOST_BRACKETS:
        brackets = brackets[np.linspace(0, len(brackets) - 1, _MOST_BRACKETS).astype(int)]
    ends = bisect(g, nodes[brackets], nodes[brackets + 1])
    t = np.concatenate([*ends, zeros])
    return np.concatenate([place(t), place(t + shift)])


def _above(autoencoder: Autoencoder, manifold: Manifold, index: int, lower: float, samples: int, limit: int) -> _Above:
    """max over a grid of e + (L + 1) eps. The grid is as fine as makes the slack 1 % of the lower end or 0.1 % of the
    size of K, within 2,048 points in ball arithmetic, and otherwise within `limit` points and 4e9 operations."""
    constant = autoencoder.lipschitz(Part.RECONSTRUCTION)
    if constant is None or not math.isfinite(constant.upper):
        return _Above(math.inf, None, "none, since no upper bound of the Lipschitz constant of D after E is known", {})
    slope = math.nextafter(constant.upper + 1.0, math.inf)
    part = manifold.components[index]
    d = part.chart.dim
    limit = min(limit, max(_FEWEST, int(_OPERATIONS / max(operations(autoencoder), 1))))
    coarse = part.grid(min(_FEWEST, limit))
    eps = coarse.covering_radius.upper
    details: dict[str, Any] = {"lipschitz": constant.upper}
    if not math.isfinite(eps):
        return _Above(math.inf, None, "none, since the covering radius of the grid is not known", details)
    size = float(np.linalg.norm(np.ptp(coarse.points, axis=0)))

    def needed(slack: float) -> float:
        """Grid size at which (L + 1) eps is at most `slack`; eps falls like n^(-1/d)."""
        return math.ceil(len(coarse) * (slope * eps / slack) ** d)

    wanted = needed(max(_SLACK * lower, _SLACK / 10 * size))
    in_balls = needed(max(10 * _SLACK * lower, 2 * _SLACK * size)) <= _BALL_POINTS
    top: float | None = None
    if in_balls and certified_error(autoencoder, manifold, index, part.chart.lower) is not None:
        grid = part.grid(int(min(max(wanted, 16), _BALL_POINTS)))
        intervals = [certified_error(autoencoder, manifold, index, tuple(u)) for u in grid.parameters.tolist()]
        if all(i is not None for i in intervals):
            top = max(i.upper for i in intervals if i is not None)
    rigor, kind = Rigor.CERTIFIED, "in ball arithmetic"
    if top is None:
        # where even the finest grid would say less than the size of K does, do not pay for it
        useless = needed(4 * max(lower, size)) > limit
        grid = coarse if useless else part.grid(int(min(max(wanted, len(coarse)), limit)))
        bounds = certified_errors(autoencoder, grid.points)
        kind = "in float64 with a proved bound of the rounding"
        if bounds is None or not np.isfinite(bounds).all():
            values = evaluate(autoencoder, manifold, grid.points, index, grid.parameters)
            bounds = values.errors + values.allowance
            rigor, kind = Rigor.EMPIRICAL, "in float64 with an allowance for rounding"
        top = float(bounds.max())
    eps = grid.covering_radius.upper
    # The radius is proved for the float64 points, the balls hold for the exact ones; both lie within `shift`.
    shift = 2.0**-44 * math.sqrt(part.ambient_dim) * (float(np.abs(grid.points).max()) + sum(part.chart.speed))
    slack = slope * (eps + shift) * (1.0 + 2.0**-48)
    details |= {"grid_points": len(grid), "covering_radius": eps, "slack": slack}
    words = f"largest error on a grid of {len(grid)} points ({kind}) plus (L + 1) eps with L = {constant.upper:.4g}"
    value = math.nextafter((top + slack) * (1.0 + 2.0**-50), math.inf)
    assumed = constant.assumptions
    if slack > size:
        grid = part.grid(min(_CODED, limit))
        through = error_through_code(autoencoder, grid.points, (grid.covering_radius.upper + shift) * (1.0 + 2.0**-48))
        if through is not None and through < value:
            value, rigor, kind = through, Rigor.CERTIFIED, "in float64 with a proved bound of the rounding"
            words = f"size of the decoder's image of the code range, from a grid of {len(grid)} points ({kind})"
            details |= {"grid_points": len(grid), "covering_radius": grid.covering_radius.upper, "slack": None}
    if kind != "in ball arithmetic":
        assumed += ("The platform's sin and cos are accurate to a few units in the last place.",)
    return _Above(value, min(rigor, constant.rigor), words, details, assumed)


def _rigor(evidence: Evidence, key: str) -> Rigor:
    value = evidence.details.get(key)
    return Rigor(str(value)) if value else evidence.rigor


def _json(value: float) -> float | None:
    return value if math.isfinite(value) else None

"""Continuity: whether E and D are continuous functions, the premise of every theorem about autoencoders here.

What the graph of operations says comes first (`Autoencoder.continuity`). A probe looks for jumps besides: it walks E
and D after E along chart lines of K, and D along segments between codes, and wherever neighbouring samples differ
much it halves the bracket towards the larger change until no float64 number lies between its ends.

A jump is told from a steep but continuous tear by how the change shrinks with the bracket. Over a bracket of one unit
in the last place a continuous ramp shows about 1/64 of its change over 64 units, a jump all of it. So a change counts
as a jump if it exceeds 1e-3 of the range of values over the last bracket (a slope above 1e12 ranges a unit of
parameter) and is at least half of the change over 64 such brackets. A continuous ramp narrower than about 100 units
in the last place (1e-14 of the box) cannot be told from a jump by evaluating in float64, and jumps below 1e-3 of the
range (rounding codes to four decimals) are not looked for, since a model that computes in float32 has such steps
everywhere. Values whose whole range is below 1e-10 of their size and that of K count as constant.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aeverify.autoencoders.protocol import Autoencoder, Continuity
from aeverify.core.claim import Premise
from aeverify.core.evidence import Evidence, Rigor
from aeverify.core.interval import Interval
from aeverify.core.seeds import Seed
from aeverify.core.witness import WitnessPoint
from aeverify.errors import NonFiniteOutputError
from aeverify.manifolds.base import Manifold, require_count
from aeverify.measure.evaluation import at_parameters, generator, require_compatible, witness_of, witness_point
from aeverify.measure.search import largest_change

FloatArray = NDArray[np.float64]

_JUMP = 1e-3
_PERSISTENCE = 0.5
_WIDER = 64
_NOISE = 1e-10
_MOST_BRACKETS = 256
_LINES = 16

_STATEMENT = "E and D are continuous functions on K and on its codes."


@dataclass(frozen=True)
class _Jump:
    """A change over adjacent positions that does not shrink with them: its size, as a share of the range, and where."""

    share: float
    size: float
    part: str
    points: tuple[WitnessPoint, WitnessPoint]


def continuity(autoencoder: Autoencoder, manifold: Manifold, *, seed: Seed | int = 0, nodes: int = 4_096) -> Premise:
    """Whether E and D are continuous: the premise "continuous", with Evidence on "largest_jump".

    The interval encloses the size of the largest jump of E (in code units) or of D (in data units), whichever was found
    to be larger relative to its range: 0 where the graph is known to be continuous; [size, inf), EMPIRICAL, with a
    witness of kind "jump" (two adjacent points) where one was found; [0, inf) where none was found, since a probe that
    finds nothing bounds nothing from above.

    `holds` is True where every operation of the graph is continuous, and where the probe finds no jump and nothing
    speaks against continuity (then the evidence is EMPIRICAL, and so is every verdict that leans on it; a declaration
    by the author stands among the assumptions); False where the graph has an operation that jumps, its author says so,
    or the probe found a jump.

    Args:
        autoencoder: the model.
        manifold: the set K.
        seed: root of the random stream.
        nodes: points of each line on a curve; other charts share them among 16 lines an axis.

    Raises:
        UsageError: a parameter is out of range.
        NonFiniteOutputError: NaN or infinity came out on K or on a segment between codes.

    Cost: about 6 nodes evaluations a component, and 60 for each suspicious bracket (256 at most).
    """
    require_compatible(autoencoder, manifold)
    count = max(require_count(nodes, "number of nodes"), 16)
    known = autoencoder.continuity
    if known is Continuity.KNOWN:
        evidence = Evidence(
            "largest_jump",
            Interval.exactly(0.0),
            Rigor.EXACT,
            "Every operation of the graphs of E and D is a continuous function.",
            details={"graph": autoencoder.continuity_note} if autoencoder.continuity_note else {},
        )
        return Premise("continuous", _STATEMENT, True, evidence)
    jumps = _probe(autoencoder, manifold, generator(seed, "measure", "continuity"), count)
    best = max(jumps, key=lambda j: j.share, default=None)
    details = {"nodes": count, "seed": str(seed), "declared": str(known)}
    if autoencoder.continuity_note:
        details["graph"] = autoencoder.continuity_note
    if best is not None:
        note = f"The {best.part} changes by {best.size:.4g} ({best.share:.3g} of its range) between adjacent numbers."
        evidence = Evidence(
            "largest_jump",
            Interval.at_least(best.size),
            Rigor.EMPIRICAL,
            f"Lower end: change of the {best.part} between two adjacent positions, which does not shrink with the "
            "bracket.",
            witness=witness_of("jump", autoencoder, manifold, best.points, note),
            details={**details, "part": best.part, "share_of_range": best.share},
        )
        return Premise("continuous", _STATEMENT, False, evidence)
    declared = known is Continuity.DECLARED
    words = {
        Continuity.DISCONTINUOUS: "An operation of the graph jumps, or so its author says; the probe met no jump on K.",
        Continuity.DECLARED: "The probe found no jump, which bounds nothing from above; the author declares none.",
    }.get(known, "The probe found no jump, which bounds nothing from above, and nothing is known of the graph.")
    if autoencoder.continuity_note:
        words = f"{words} {autoencoder.continuity_note}"
    evidence = Evidence(
        "largest_jump",
        Interval.at_least(0.0),
        Rigor.EMPIRICAL,
        words,
        assumptions=(
            "The author declares E and D continuous." if declared else "E and D have no jump that the probe missed.",
        ),
        details=details,
    )
    holds = known is not Continuity.DISCONTINUOUS
    return Premise("continuous", _STATEMENT, holds, evidence)


def _probe(autoencoder: Autoencoder, manifold: Manifold, rng: np.random.Generator, nodes: int) -> list[_Jump]:
    found: list[_Jump] = []
    lines = [(index, base, axis) for index, part in enumerate(manifold.components) for base, axis in _lines(part, rng)]
    # the ranges first, over all of K: a jump is judged by the range of all values
    seen = [
        at_parameters(autoencoder, manifold, index, _on_line(manifold, index, base, axis, rng.random(512)))
        for index, base, axis in lines
    ]
    codes = np.concatenate([v.codes for v in seen])
    size_of_k = float(np.abs(np.concatenate([v.points for v in seen])).max())
    ranges = [_range(rows, size_of_k) for rows in (codes, np.concatenate([v.reconstructions for v in seen]))]
    for index, base, axis in lines:
        size = nodes if manifold.components[index].chart.dim == 1 else max(nodes // _LINES, 64)
        periodic = manifold.components[index].chart.periodic[axis]
        start = float(rng.random()) if periodic else 0.0

        def place(t: FloatArray, index: int = index, base: FloatArray = base, axis: int = axis) -> FloatArray:
            return _on_line(manifold, index, base, axis, t)

        def encoded(t: FloatArray, index: int = index) -> FloatArray:
            return at_parameters(autoencoder, manifold, index, place(t)).codes

        def reconstructed(t: FloatArray, index: int = index) -> FloatArray:
            return at_parameters(autoencoder, manifold, index, place(t)).reconstructions

        for part, function, extent in (
            ("encoder", encoded, ranges[0]),
            ("reconstruction", reconstructed, ranges[1]),
        ):
            for a, b, jump in _jumps(function, np.linspace(start, start + 1.0, size + 1), extent):
                pair = [witness_point(autoencoder, manifold, index, tuple(u)) for u in place(np.array([a, b]))]
                found.append(_Jump(jump / extent, jump, part, (pair[0], pair[1])))
    found += _decoder_jumps(autoencoder, manifold, codes, ranges[1], rng, nodes)
    return found


def _range(rows: FloatArray, size: float) -> float:
    """Diameter of the box that holds the values; 0 where it is rounding noise beside the values and the points."""
    extent = float(np.linalg.norm(np.ptp(rows, axis=0)))
    return extent if extent > _NOISE * (size + float(np.abs(rows).max())) else 0.0


def _lines(part: Manifold, rng: np.random.Generator) -> list[tuple[FloatArray, int]]:
    """Lines of the parameter box along each axis: one on a curve, 16 an axis otherwise."""
    chart = part.chart
    low, high = np.array(chart.lower), np.array(chart.upper)
    count = 1 if chart.dim == 1 else _LINES
    return [(low + (high - low) * rng.random(chart.dim), axis) for axis in range(chart.dim) for _ in range(count)]


def _on_line(manifold: Manifold, index: int, base: FloatArray, axis: int, t: FloatArray) -> FloatArray:
    chart = manifold.components[index].chart
    u = np.tile(base, (len(t), 1))
    u[:, axis] = chart.lower[axis] + (chart.upper[axis] - chart.lower[axis]) * t
    return chart.wrap(u)


def _jumps(
    function: Callable[[FloatArray], FloatArray], nodes: FloatArray, extent: float
) -> list[tuple[float, float, float]]:
    """(left, right, size) of the largest jump of `function` on the line of the nodes; empty where there is none."""
    if extent <= 0.0:
        return []

    def difference(s: FloatArray, t: FloatArray) -> FloatArray:
        both = function(np.concatenate([s, t]))
        return np.asarray(np.linalg.norm(both[: len(s)] - both[len(s) :], axis=1))

    values = function(nodes)
    changes = np.linalg.norm(np.diff(values, axis=0), axis=1)
    suspicious = np.flatnonzero(changes > _JUMP / 2 * extent)
    suspicious = suspicious[np.argsort(changes[suspicious])[::-1][:_MOST_BRACKETS]]
    if not len(suspicious):
        return []
    a, b = largest_change(difference, nodes[suspicious], nodes[suspicious + 1])
    width = np.maximum(b - a, np.spacing(np.abs(a)))
    wide = difference(np.maximum(a - _WIDER / 2 * width, nodes[0]), np.minimum(b + _WIDER / 2 * width, nodes[-1]))
    last = difference(a, b)
    jumped = np.flatnonzero((last > _JUMP * extent) & (last >= _PERSISTENCE * wide))
    if not len(jumped):
        return []
    k = int(jumped[np.argmax(last[jumped])])
    return [(float(a[k]), float(b[k]), float(last[k]))]


def _decoder_jumps(
    autoencoder: Autoencoder,
    manifold: Manifold,
    codes: FloatArray,
    extent: float,
    rng: np.random.Generator,
    nodes: int,
) -> list[_Jump]:
    """Jumps of D on segments between codes: the whole range for m = 1, 16 random segments otherwise."""
    if autoencoder.latent_dim == 1:
        segments = [(codes[codes[:, 0].argmin()], codes[codes[:, 0].argmax()])]
    else:
        pairs = rng.integers(0, len(codes), (_LINES, 2))
        segments = [(codes[i], codes[j]) for i, j in pairs]
    found = []
    size = nodes if autoencoder.latent_dim == 1 else max(nodes // _LINES, 64)
    for first, second in segments:

        def place(t: FloatArray, first: FloatArray = first, second: FloatArray = second) -> FloatArray:
            return np.asarray(first + t[:, None] * (second - first))

        def decoded(t: FloatArray) -> FloatArray:
            z = place(t)
            x = autoencoder.decode(z)
            finite = np.isfinite(x).all(axis=1)
            if not finite.all():
                point = _code_point(z[int(np.argmin(finite))], ())
                witness = witness_of(
                    "non_finite", autoencoder, manifold, (point,), "The decoder returns NaN or infinity."
                )
                raise NonFiniteOutputError(
                    f"The decoder of {autoencoder.name} returned NaN or infinity at the code {point.code}, between "
                    f"two codes of {manifold}. Finite outputs are expected there; mend the model.",
                    witness,
                )
            return x

        for a, b, jump in _jumps(decoded, np.linspace(0.0, 1.0, size + 1), extent):
            z = place(np.array([a, b]))
            x = decoded(np.array([a, b]))
            found.append(_Jump(jump / extent, jump, "decoder", (_code_point(z[0], x[0]), _code_point(z[1], x[1]))))
    return found


def _code_point(code: FloatArray, decoded: FloatArray | tuple[()]) -> WitnessPoint:
    return WitnessPoint(0, (), (), tuple(map(float, code)), tuple(map(float, decoded)), 0.0)

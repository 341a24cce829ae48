"""Generated points: how far D(z) is from K, for codes z that no point of K need have.

Distances to K are enclosed from a grid with a proved covering radius (`proximity`), two-sided.

**Codes.** z is uniform in the smallest box that holds the codes of the grid's nodes, scaled about its centre by a
factor: 1 for inside the range of the codes, more for beyond it.

**Disconnected sets.** Let K = A u B be two disjoint compact parts at distance at least g, Z connected, D continuous on
Z, and z_1, z_2 in Z with d(D(z_1), A) <= g/2 and d(D(z_2), B) <= g/2. Then d(D(z), K) >= g/2 for some z in Z: the
function d(D(z), A) - d(D(z), B) is at most d(D(z_1), A) - (g - d(D(z_1), A)) <= 0 at z_1, at least 0 at z_2, and so 0
at some z, where both distances are equal, and their sum is at least g. Bisection on the segment from z_1 to z_2 finds
one; that it is far from K is seen by decoding it, whatever led there.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from aeverify.autoencoders.protocol import Autoencoder
from aeverify.core.evidence import Evidence, Rigor
from aeverify.core.interval import Interval
from aeverify.core.seeds import Seed, as_seed
from aeverify.core.witness import Witness, WitnessPoint
from aeverify.errors import NonFiniteOutputError, UsageError
from aeverify.manifolds.base import Manifold, require_count
from aeverify.measure.counting import share_evidence
from aeverify.measure.evaluation import (
    ROWS,
    evaluate,
    generator,
    require_compatible,
    require_probability,
    require_real,
    witness_of,
    witness_point,
)
from aeverify.measure.proximity import Nodes

FloatArray = NDArray[np.float64]

_CODES = 4_096
_SCAN = 257
_HALVINGS = 60


def generated_far_share(
    autoencoder: Autoencoder,
    manifold: Manifold,
    epsilon: float,
    *,
    scale: float = 1.0,
    seed: Seed | int = 0,
    draws: int = 20_000,
    alpha: float = 0.01,
) -> Evidence:
    """Probability that D(z) is farther than epsilon from K, for z uniform in the box of the codes, scaled.

    Args:
        autoencoder: the model.
        manifold: the set K.
        epsilon: distance in the units of the data, at least 0.
        scale: factor by which the box of the codes is scaled about its centre, above 0.
        seed: root of the random stream.
        draws: number n of independent codes.
        alpha: probability that the enclosure is wrong.

    Returns:
        Evidence "generated_far_share" in [0, 1], STATISTICAL, both ends, the wider the larger the covering radius of
        20,000 nodes is; the witness is the code whose output is farthest. Details: the box, the median and the largest
        distance from below.

    Raises:
        UsageError: a parameter is out of range.
        NonFiniteOutputError: NaN or infinity came out.

    Cost: n evaluations of D and nearest-neighbour searches.
    """
    level = require_real(epsilon, "distance", minimum=0.0)
    factor = require_real(scale, "scale", minimum=1e-300)
    n = require_count(draws, "number of draws")
    low, high = _box(autoencoder, manifold)
    center, half = (low + high) / 2, (high - low) / 2 * factor
    rng = generator(as_seed(seed), "measure", "generated_far_share")
    codes = center + half * rng.uniform(-1.0, 1.0, size=(n, len(low)))
    decoded = decode(autoencoder, manifold, codes)
    nearest, farthest = Nodes.of(manifold).distances(decoded)
    i = int(nearest.argmax())
    return share_evidence(
        "generated_far_share",
        nearest > level,
        farthest > level,
        require_probability(alpha, "alpha"),
        f"D(z) is farther than {level:g} from K for z in the box of the codes scaled by {factor:g}",
        witness=_code_witness(autoencoder, manifold, codes[i], "The code whose output is farthest from K."),
        details={
            "epsilon": level,
            "scale": factor,
            "box": [[float(a), float(b)] for a, b in zip(center - half, center + half, strict=True)],
            "median_distance_at_least": float(np.median(nearest)),
            "largest_distance_at_least": float(nearest.max()),
            "seed": str(seed),
        },
    )


def nearest_reconstructions(autoencoder: Autoencoder, manifold: Manifold, nodes: int = _CODES) -> tuple[Evidence, ...]:
    """For each component of K, the least error on a grid, an upper bound of the least error there: Evidence
    "least_error" [0, value plus an allowance], EMPIRICAL, whose witness is the point.

    Raises:
        UsageError: a parameter is out of range.
        NonFiniteOutputError: NaN or infinity came out on K.
    """
    require_compatible(autoencoder, manifold)
    found = []
    for index, part in enumerate(manifold.components):
        grid = part.grid(require_count(nodes, "number of nodes"))
        values = evaluate(autoencoder, manifold, grid.points, index, grid.parameters)
        i = int((values.errors + values.allowance).argmin())
        point = witness_point(autoencoder, manifold, index, tuple(grid.parameters[i][: part.chart.dim]))
        found.append(
            Evidence(
                "least_error",
                Interval(0.0, point.error + float(values.allowance[i])),
                Rigor.EMPIRICAL,
                f"Upper end: the least float64 error at {len(grid)} nodes of component {index}, with an allowance.",
                witness=witness_of("point", autoencoder, manifold, (point,), "The best reconstructed node."),
            )
        )
    return tuple(found)


def farthest_between(autoencoder: Autoencoder, manifold: Manifold, first: FloatArray, second: FloatArray) -> Evidence:
    """The largest distance of D(z) to K that was found on the segment between two codes, as a lower bound.

    257 codes of the segment are decoded; of the two neighbours between which the nearest component changes the bracket
    is halved 60 times, as the theorem has it, and every code on the way counts.

    Args:
        autoencoder: the model.
        manifold: a set of two or more components.
        first, second: codes, shape (m,).

    Returns:
        Evidence "generated_distance" [d, inf), EMPIRICAL, in the units of the data; the witness is the code.
        details["resolution"] is the covering radius of the nodes, by which d may fall short.

    Raises:
        UsageError: one component only.
        NonFiniteOutputError: D returned NaN or infinity.
    """
    if len(manifold.components) < 2:
        raise UsageError(f"{manifold} has one component; the segment between codes says something of several.")
    require_compatible(autoencoder, manifold)
    parts = [Nodes.of(part) for part in manifold.components]
    best, where, code = -1.0, 0.0, first

    def nearest(share: FloatArray) -> NDArray[np.int64]:
        """The nearest component at each position; keeps the farthest code met."""
        nonlocal best, where, code
        codes = first + share[:, None] * (second - first)
        below = np.stack([part.distances(decode(autoencoder, manifold, codes))[0] for part in parts])
        away = below.min(axis=0)
        i = int(away.argmax())
        if away[i] > best:
            best, where, code = float(away[i]), float(share[i]), codes[i]
        return np.asarray(below.argmin(axis=0), dtype=np.int64)

    positions = np.linspace(0.0, 1.0, _SCAN)
    labels = nearest(positions)
    for i in np.flatnonzero(labels[1:] != labels[:-1])[:8]:
        left, right, start = float(positions[i]), float(positions[i + 1]), labels[i]
        for _ in range(_HALVINGS):
            middle = (left + right) / 2
            if middle in (left, right):
                break
            if nearest(np.array([middle]))[0] == start:
                left = middle
            else:
                right = middle
    return Evidence(
        quantity="generated_distance",
        interval=Interval.at_least(max(best, 0.0)),
        rigor=Rigor.EMPIRICAL,
        method=f"Lower end: {_SCAN} codes of the segment and bisection where the nearest component changes; distances "
        "to K from a grid less its covering radius and an allowance for rounding.",
        witness=_code_witness(autoencoder, manifold, code, "A code between two components: its output is far from K."),
        details={"position": where, "resolution": max(part.radius for part in parts)},
    )


def decode(autoencoder: Autoencoder, manifold: Manifold, codes: FloatArray) -> FloatArray:
    """D at codes (N, m), shape (N, n).

    Raises:
        NonFiniteOutputError: D returned NaN or infinity; the witness is the first such code.
    """
    points = np.concatenate([autoencoder.decode(codes[i : i + ROWS]) for i in range(0, len(codes), ROWS)])
    finite = np.isfinite(points).all(axis=1)
    if not finite.all():
        i = int(np.argmin(finite))
        witness = _code_witness(autoencoder, manifold, codes[i], "The decoder returns NaN or infinity here.")
        raise NonFiniteOutputError(
            f"The decoder of {autoencoder.name} returned NaN or infinity at {int((~finite).sum())} of {len(codes)} "
            "codes. Finite outputs are expected; mend the model.",
            replace(witness, kind="non_finite"),
        )
    return points


def _box(autoencoder: Autoencoder, manifold: Manifold) -> tuple[FloatArray, FloatArray]:
    """Least and largest coordinates of the codes of a grid, each of shape (m,)."""
    require_compatible(autoencoder, manifold)
    grid = manifold.grid(_CODES)
    codes = evaluate(autoencoder, manifold, grid.points, grid.component, grid.parameters).codes
    return codes.min(axis=0), codes.max(axis=0)


def _code_witness(autoencoder: Autoencoder, manifold: Manifold, code: FloatArray, note: str) -> Witness:
    """A code by its coordinates, with its output; a code at which D is not finite has none."""
    output = autoencoder.decode(code[None])[0]
    shown = tuple(map(float, output)) if np.isfinite(output).all() else ()
    point = WitnessPoint(0, (), (), tuple(map(float, code)), shown, 0.0)
    return witness_of("point", autoencoder, manifold, (point,), note)

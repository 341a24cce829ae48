"""Latent barcodes as evidence: what the diagram of finitely many codes shows of the whole latent image, and what the
error forces it to show.

Let P be finitely many points of a connected part K and delta such that every code of K is within delta of E(P): on
boxes of chart parameters that cover K, with a node in each, delta is the largest distance of the node's code from a
corner of the box's code range (`ranges`), or L_E times a proved covering radius of P. X^r is the closed offset of
radius r. Bars are those of the alpha complex of E(P) in radius units.

**Features that are real.** E(P)^s is in E(K)^s, which is in E(P)^{s + delta}. So a bar [b, d) with d - b > delta is a
class of the offsets E(K)^u for every u in [b, d - delta): the inclusion of E(P)^b into E(P)^t, t < d, factors through
them, and independent bars stay independent. This is a statement about offsets only. It says nothing of E(K) itself
(offset 0) unless b is small and the weak feature size of E(K) is known: a Lipschitz image may have features of any
size.

**Features that must be there.** Let D be L_D-Lipschitz, sup e <= a on K, r above a, and s = (r - a) / L_D >= delta.
Then at least rank(H_j(K) -> H_j(K^r)) bars of degree j are born by delta and die after s. Proof: for z in E(P)^s pick p
in P with |z - E(p)| <= s; then |D(z) - p| <= L_D s + e(p) <= r, so D maps E(P)^s into K^r. The composite of
E: K -> E(P)^delta, the inclusion into E(P)^s and D: E(P)^s -> K^r moves no point by more than a <= r, along segments
inside K^r, so it is homotopic to the inclusion of K into K^r and has its rank on H_j, which is at most that of
H_j(E(P)^delta) -> H_j(E(P)^s), the number of those bars. For r below the weak feature size of a K of positive reach
the rank is the Betti number b_j(K). Degrees j >= m have no bars at all: there the premise sup e < r must fail.

**Rounding.** The engine promises alpha values with a relative accuracy of 1e-5 in radius units, and the float64 codes
are within a certified distance of the real ones, which moves every end of a bar by no more than that. What is said to
be certified is so if the engine keeps its promise.

**Confidence sets.** For N independent draws and subsamples of size b, let c be twice the (1 - alpha)-quantile of the
Hausdorff distance between a subsample's codes and all N codes. The diagram of E(K) is within bottleneck distance c of
the sample's with probability at least 1 - alpha in the limit of large N (Fasy et al. 2014), so bars longer than 2 c
stand for features. An asymptotic statement, which no N makes certain.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aeverify.autoencoders.protocol import Autoencoder, Part
from aeverify.core.evidence import Evidence, Rigor
from aeverify.core.interval import Interval
from aeverify.core.seeds import Seed, as_seed
from aeverify.errors import UsageError
from aeverify.homology import ALPHA_DIMENSIONS, RELATIVE_ACCURACY, persistence
from aeverify.homology.theorems import CONFIDENCE_SETS, STABILITY
from aeverify.manifolds.base import Manifold, require_count
from aeverify.measure.evaluation import encode, generator, require_compatible, require_probability
from aeverify.measure.ranges import Ranges, ranges_of, tiles

FloatArray = NDArray[np.float64]

_MOST_NODES = 5_000
_ROUNDS = 4


@dataclass(frozen=True, eq=False)
class Codes:
    """Codes of nodes of one component.

    Attributes:
        codes: (N, m), float64.
        error: each row is within this distance of the real code of its node; 0 where nothing is certified.
        density: every code of the component is within this distance of the real code of a node; inf if unknown.
        certified: whether both are certified.
        worst: certified upper bound of the reconstruction error on the component, from the same boxes; inf if unknown.
    """

    codes: FloatArray
    error: float
    density: float
    certified: bool
    worst: float = math.inf


@dataclass(frozen=True)
class Survival:
    """What the latent diagram of one component must show, and what it shows.

    Attributes:
        component: index of the component of K.
        required: sum of the Betti numbers of the component in degrees 1 to m - 1.
        born_by, alive_after: the radii delta and s: bars are counted that are born by the first and die after the
            second.
        forced: True where the premise holds (sup e below the feature size, and s >= delta), False where the error is
            so large that nothing is forced, None where that is not decided.
        why: the premise in words and numbers.
        count: Evidence "surviving_classes": the number of those bars, both ends; None where nothing is forced.
    """

    component: int
    required: int
    born_by: float
    alive_after: float
    forced: bool | None
    why: str
    count: Evidence | None


def latent_features(
    autoencoder: Autoencoder, manifold: Manifold, component: int = 0, *, field: int = 2, nodes: int = 500
) -> Evidence:
    """Lower bound of the number of homology classes, in degrees 1 to m - 1, of the offsets of the latent image.

    Args:
        autoencoder: the model.
        manifold: the set K.
        component: index of the component whose image is meant.
        field: prime p of the coefficient field Z/p.
        nodes: points of the component, on a grid of chart boxes.

    Returns:
        Evidence "latent_features" [count, inf): some offset E(K)^u has at least so many independent classes (for each
        degree the u that has most is taken; details give the window [b, d - delta) of each bar). Of offsets only,
        never of E(K) itself. CERTIFIED (up to the promised accuracy of the engine) where the model can be enclosed on
        boxes or has a certified Lipschitz constant and a ball form; else the count is 0, which is trivial.

    Raises:
        UsageError: a parameter is out of range, or m > 4.
        NonFiniteOutputError: NaN or infinity came out on K.

    Cost: an enclosure of `nodes` boxes and an alpha complex of as many codes.
    """
    _require_alpha(autoencoder)
    m = autoencoder.latent_dim
    cloud = latent_cover(autoencoder, manifold, component, require_count(nodes, "number of nodes"))
    if not math.isfinite(cloud.density):
        return Evidence(
            "latent_features",
            Interval.at_least(0.0),
            Rigor.CERTIFIED,
            "Lower end: 0, which is trivial: no bound is known of how far a code of K may be from the sampled ones.",
        )
    total = 0
    windows: list[list[float]] = []
    diagram = persistence(cloud.codes, max_degree=max(m - 1, 0), field=field, engine="alpha")
    for degree in range(1, m):
        births, deaths = _ends(diagram.intervals(degree), cloud.error)
        real = [(b, d - cloud.density) for b, d in zip(births[1], deaths[0], strict=True) if d - b > cloud.density]
        total += max((sum(bool(b <= u < d) for b, d in real) for u, _ in real), default=0)
        windows += [[degree, float(b), float(d)] for b, d in real]
    return Evidence(
        quantity="latent_features",
        interval=Interval.at_least(float(total)),
        rigor=Rigor.CERTIFIED if cloud.certified else Rigor.EMPIRICAL,
        method=(
            f"Lower end: bars in degrees 1 to {m - 1} over {diagram.field_name} that are longer than the distance "
            f"{cloud.density:.4g} within which every code of K has a sampled one; classes of offsets of the latent "
            "image, not of the image itself."
        ),
        citations=(STABILITY,),
        details={
            "nodes": len(cloud.codes),
            "density": cloud.density,
            "windows": windows[:50],
            "field": diagram.field_name,
        },
    )


def surviving_classes(
    autoencoder: Autoencoder,
    manifold: Manifold,
    component: int,
    sup_error: Evidence,
    *,
    field: int = 2,
    nodes: int = 500,
) -> Survival:
    """How many classes of a component the latent diagram must show at this worst error, and how many it shows.

    Args:
        autoencoder: the model.
        manifold: the set K.
        component: index of a component that is a connected component of K.
        sup_error: enclosure of the worst error on the component; the smaller of its upper end and that of the boxes
            is what forces.
        field: prime p of the coefficient field Z/p.
        nodes: points with which to begin; doubled while they are too few for s >= delta.

    Returns:
        Survival; its count is an Evidence with both ends, CERTIFIED where the codes, the constant of D and the worst
        error are (up to the promised accuracy of the engine).

    Raises:
        UsageError: a parameter is out of range, or m > 4.
        NonFiniteOutputError: NaN or infinity came out on K.
    """
    _require_alpha(autoencoder)
    part, m = manifold.components[component], autoencoder.latent_dim
    truth = part.truth
    required = sum(truth.betti.get(f"Z/{field}", ())[1:m])
    size = truth.reach.lower if truth.weak_feature_size is None else truth.weak_feature_size.lower
    if truth.reach.lower <= 0.0:
        size = 0.0
    wanted = require_count(nodes, "number of nodes")
    slope = autoencoder.lipschitz(Part.DECODER)
    constant = math.inf if slope is None else slope.upper
    for _ in range(_ROUNDS):
        cloud = latent_cover(autoencoder, manifold, component, wanted)
        worst = min(sup_error.upper, cloud.worst)
        room = math.nextafter(size * (1.0 - 2.0**-40) - worst, -math.inf)
        level = math.inf if constant == 0.0 else room / constant * (1.0 - 2.0**-40)
        # the margin keeps births at delta, which is where a dense cloud has them, off the threshold
        born = cloud.density * (1.0 + 1e-3) + cloud.error
        hopeless = sup_error.lower >= size or not cloud.certified
        if born <= level or 2 * wanted > _MOST_NODES or hopeless:
            break
        wanted *= 2
    if not room > 0.0:
        why = (
            f"the worst error is in [{sup_error.lower:.6g}, {worst:.6g}], and only errors below the weak feature size "
            f"{size:.6g} force classes to survive"
        )
        return Survival(component, required, born, 0.0, False if sup_error.lower >= size else None, why, None)
    if slope is None or not math.isfinite(constant):
        return Survival(component, required, born, 0.0, None, "no Lipschitz constant of the decoder is known", None)
    if not born <= level:
        why = (
            f"with {len(cloud.codes)} points every code is within {cloud.density:.3g} of a sampled one, and {level:.3g}"
            " or less is needed"
        )
        return Survival(component, required, born, level, None, why, None)
    diagram = persistence(cloud.codes, max_degree=m - 1, field=field, engine="alpha")
    surely = possibly = 0
    for degree in range(1, m):
        births, deaths = _ends(diagram.intervals(degree), cloud.error)
        surely += int(((births[1] <= born) & (deaths[0] > level)).sum())
        possibly += int(((births[0] <= born) & (deaths[1] > level)).sum())
    above = Rigor.CERTIFIED if worst < sup_error.upper else sup_error.rigor
    count = Evidence(
        quantity="surviving_classes",
        interval=Interval(float(surely), float(possibly)),
        rigor=min(above, slope.rigor, Rigor.CERTIFIED if cloud.certified else Rigor.EMPIRICAL),
        method=(
            f"Both ends: bars of {len(cloud.codes)} codes in degrees 1 to {m - 1} over {diagram.field_name} that are "
            f"born by {born:.6g} and die after {level:.6g}, with the engine's accuracy of 1e-5 on either side."
        ),
        details={
            "component": component,
            "nodes": len(cloud.codes),
            "density": cloud.density,
            "level": level if math.isfinite(level) else None,
            "decoder_constant": slope.upper,
            "code_diagram": diagram.to_dict(20),
        },
    )
    why = f"the worst error is at most {worst:.6g}, below the weak feature size {size:.6g}"
    return Survival(component, required, born, level, True, why, count)


def latent_features_confidence(
    autoencoder: Autoencoder,
    manifold: Manifold,
    component: int = 0,
    *,
    field: int = 2,
    draws: int = 2_000,
    subsamples: int = 200,
    alpha: float = 0.05,
    seed: Seed | int = 0,
) -> Evidence:
    """Number of bars of sampled codes, in degrees 1 to m - 1, that exceed an asymptotic confidence band.

    Returns:
        Evidence "latent_features" [count, inf), STATISTICAL with confidence 1 - alpha in the limit of many draws, which
        is stated as an assumption; subsamples have draws / log(draws) points.

    Raises:
        UsageError: a parameter is out of range, or m > 4.
        NonFiniteOutputError: NaN or infinity came out on K.

    Cost: `subsamples` nearest-neighbour searches among the draws, and one alpha complex.
    """
    from scipy.spatial import cKDTree

    _require_alpha(autoencoder)
    n, repeats = require_count(draws, "number of draws"), require_count(subsamples, "number of subsamples")
    share = require_probability(alpha, "alpha")
    if n < 20:
        raise UsageError(f"Subsampling needs at least 20 draws, got {n}.")
    root = as_seed(seed).child("measure", "latent_features_confidence", component)
    sample = manifold.components[component].sample(n, root)
    codes = encode(autoencoder, manifold, sample.points, component, sample.parameters)
    rng, size = generator(root, "subsamples"), max(2, int(n / math.log(n)))
    distances = [
        float(cKDTree(codes[rng.choice(n, size, replace=False)]).query(codes)[0].max()) for _ in range(repeats)
    ]
    band = 2.0 * float(np.quantile(distances, 1.0 - share, method="higher"))
    m = autoencoder.latent_dim
    diagram = persistence(codes, max_degree=max(m - 1, 0), field=field, engine="alpha" if m > 1 else "auto")
    count = sum(diagram.longer_than(j, 2.0 * band) for j in range(1, m))
    return Evidence(
        quantity="latent_features",
        interval=Interval.at_least(float(count)),
        rigor=Rigor.STATISTICAL,
        confidence=1.0 - share,
        method=(
            f"Lower end: bars in degrees 1 to {m - 1} over {diagram.field_name} of the codes of {n} uniform draws that "
            f"are longer than twice {band:.4g}, the band of {repeats} subsamples of size {size}."
        ),
        citations=(CONFIDENCE_SETS,),
        assumptions=("The number of draws is large: the confidence is asymptotic.",),
        details={"draws": n, "subsamples": repeats, "subsample_size": size, "band": band, "seed": str(seed)},
    )


def latent_cover(autoencoder: Autoencoder, manifold: Manifold, component: int, nodes: int) -> Codes:
    """Codes of about `nodes` points of a component, and how near every code of the component is to one of them.

    Raises:
        NonFiniteOutputError: NaN or infinity came out.
    """
    require_compatible(autoencoder, manifold)
    part = manifold.components[component]
    ranges = ranges_of(autoencoder, manifold)
    if ranges is not None:
        found = _boxed(ranges, component, nodes)
        if math.isfinite(found.density):
            return found
    grid = part.grid(nodes)
    codes = encode(autoencoder, manifold, grid.points, component, grid.parameters)
    slope = autoencoder.lipschitz(Part.ENCODER)
    density = math.inf if slope is None else slope.upper * grid.covering_radius.upper * (1.0 + 2.0**-50)
    return Codes(codes, 0.0, density, False)


def _boxed(ranges: Ranges, component: int, nodes: int) -> Codes:
    chart = ranges.manifold.components[component].chart
    sides = [s * (b - a) for s, a, b in zip(chart.speed, chart.lower, chart.upper, strict=True)]
    scale = (nodes / math.prod(sides)) ** (1.0 / chart.dim)
    low, high = tiles(chart, [max(1, round(scale * side)) for side in sides])
    middle = low + (high - low) / 2
    at = ranges.codes(component, middle, middle)
    if not all(np.isfinite(a).all() for a in at):
        return Codes(np.zeros((0, ranges.autoencoder.latent_dim)), 0.0, math.inf, False)
    codes = at[0] + (at[1] - at[0]) / 2
    over = ranges.codes(component, low, high)
    far = np.maximum(np.abs(over[1] - codes), np.abs(codes - over[0]))
    pad = 1.0 + 2.0**-40
    error = float(np.linalg.norm(np.maximum(at[1] - codes, codes - at[0]), axis=1).max()) * pad
    density = float(np.linalg.norm(far, axis=1).max()) * pad
    # codes of boxes are within `far` of the float64 node, which is within `error` of the real one
    worst = float(ranges.errors(component, low, high)[1].max())
    return Codes(codes, error, density + error, math.isfinite(density), worst)


def _ends(rows: FloatArray, error: float) -> tuple[FloatArray, FloatArray]:
    """Bounds (2, k) of the births and of the deaths of bars, lower bounds first."""
    births, deaths = rows[:, 0], rows[:, 1]
    down, up = 1.0 - RELATIVE_ACCURACY, 1.0 + RELATIVE_ACCURACY
    low = np.stack([births * down - error, births * up + error])
    high = np.stack([deaths * down - error, deaths * up + error])
    return low, high


def _require_alpha(autoencoder: Autoencoder) -> None:
    if autoencoder.latent_dim > ALPHA_DIMENSIONS:
        raise UsageError(
            f"Latent barcodes are read off alpha complexes, which are computed up to dimension {ALPHA_DIMENSIONS}; "
            f"the codes have dimension {autoencoder.latent_dim}. A Rips complex would not bound anything."
        )

"""Homology of K and of its codes, component by component, from one sample of K.

The set of codes P = E(K) is a compact subset of R^m, so its Cech cohomology vanishes in degrees >= m (Alexander
duality), and so does the homology of every union of balls around finitely many codes, which is open in R^m up to
homotopy. The alpha complex has the homotopy type of that union at each radius (nerve theorem): its diagram is empty
in degrees >= m for every encoder whatever. Classes of K in those degrees are lost by force. A Rips complex is no
nerve, and may show such classes.

In degrees below m the diagram of the codes shows what the encoder kept, as far as the sample can tell: EMPIRICAL.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from aeverify.autoencoders.protocol import Autoencoder
from aeverify.core.evidence import Citation, Evidence, Rigor
from aeverify.core.interval import Interval
from aeverify.core.seeds import Seed, as_seed
from aeverify.homology import ALPHA_DIMENSIONS, ALPHA_LIMITS, Diagram, farthest_points, persistence
from aeverify.manifolds.base import Manifold, require_count
from aeverify.measure.evaluation import encode, require_compatible

FloatArray = NDArray[np.float64]

_RIPS_POINTS = 200
_DUALITY = Citation(
    "A. Dold, Lectures on Algebraic Topology",
    "VIII.8.15",
    "H^j of a compact subset of R^m is 0 for j >= m (Alexander duality)",
)


@dataclass(frozen=True)
class LatentHomology:
    """Persistence diagrams of a sample of each component of K and of its codes, and what follows.

    Attributes:
        field_name: coefficient field, "Z/p".
        sample_diagrams: one a component of K, of its sample.
        code_diagrams: one a component of K, of the codes of the same points.
        latent_bars: number of bars in degrees >= m over all clouds of codes (each component, and all of them together):
            an exact count on the alpha diagram, which must be 0.
        lost_classes: number of homology classes of K in degrees >= m, which every encoder loses: exact, from K's
            Betti numbers; [0, inf) where these are not known over the field.
        long_bars: number of long bars of the codes in degrees 1 to m - 1, over the components: EMPIRICAL.
    """

    field_name: str
    sample_diagrams: tuple[Diagram, ...]
    code_diagrams: tuple[Diagram, ...]
    latent_bars: Evidence
    lost_classes: Evidence
    long_bars: Evidence

    @property
    def supporting(self) -> tuple[Evidence, ...]:
        """The evidence beside `latent_bars`."""
        return (self.lost_classes, self.long_bars)


def latent_homology(
    autoencoder: Autoencoder,
    manifold: Manifold,
    *,
    field: int = 2,
    samples: int = 500,
    seed: Seed | int = 0,
    engine: Literal["auto", "alpha", "rips"] = "auto",
) -> LatentHomology:
    """Persistence diagrams of K's components and of their codes over Z/field, in radius units.

    Each component is sampled apart (two linked circles together have a Delaunay triangulation of quadratic size, and
    their union has other homology than its parts). With g the last death in degree 0 (half the largest gap that has
    to be bridged to connect the sample), a bar counts as long if it is born at 3 g or before and is longer than 2 g:
    a feature of the sampled set rather than of far parts of it that come near each other.

    Args:
        autoencoder: the model.
        manifold: the set K.
        field: prime p.
        samples: uniform draws of each component; a cloud for which that is too many is thinned by farthest points,
            which its diagram's size shows.
        seed: root of the random streams.
        engine: of the codes' diagrams. "auto" and "alpha" take alpha complexes for m <= 4; for larger m "auto" takes
            Rips in degrees 0 and 1, and the bars in degrees >= m are not counted: [0, inf).

    Raises:
        UsageError: a parameter is out of range, or "alpha" for m > 4.
        NonFiniteOutputError: NaN or infinity came out on K.
        MeasurementError: the engine failed.

    Cost: see `aeverify.homology.persistence`; about 0.1 s a component of 500 points on a curve.
    """
    require_compatible(autoencoder, manifold)
    n, m = require_count(samples, "number of samples"), autoencoder.latent_dim
    root = as_seed(seed).child("measure", "latent_homology")
    clouds: list[FloatArray] = []
    of_sample: list[Diagram] = []
    of_codes: list[Diagram] = []
    for index, part in enumerate(manifold.components):
        sample = part.sample(n, root.child(index))
        codes = encode(autoencoder, manifold, sample.points, index, sample.parameters)
        clouds.append(codes)
        of_sample.append(_diagram(sample.points, min(part.truth.dimension, 2), field, "auto"))
        of_codes.append(_diagram(codes, m, field, engine))
    together = [_diagram(np.concatenate(clouds), m, field, engine)] if len(clouds) > 1 else []
    return LatentHomology(
        of_sample[0].field_name,
        tuple(of_sample),
        tuple(of_codes),
        _latent_bars([*of_codes, *together], of_sample, m, n, seed),
        _lost_classes(manifold, m, field),
        _long_bars(of_codes, of_sample, m),
    )


def _diagram(cloud: FloatArray, degree: int, field: int, engine: Literal["auto", "alpha", "rips"]) -> Diagram:
    dimension = cloud.shape[1]
    rips = engine == "rips" or (engine == "auto" and dimension > ALPHA_DIMENSIONS)
    limit = _RIPS_POINTS if rips else ALPHA_LIMITS.get(dimension, len(cloud))
    if rips:
        degree = min(degree, 1 if dimension > ALPHA_DIMENSIONS else 2)
        limit = limit if degree < 2 else limit // 4
    if len(cloud) > limit:
        cloud = cloud[farthest_points(cloud, limit)[0]]
    return persistence(cloud, max_degree=degree, field=field, engine=engine)


def _latent_bars(codes: list[Diagram], sample: list[Diagram], m: int, n: int, seed: Seed | int) -> Evidence:
    details = {
        "samples": n,
        "seed": str(seed),
        "code_diagrams": [d.to_dict(50) for d in codes],
        "sample_diagrams": [d.to_dict(50) for d in sample],
    }
    counted = all(len(d.degrees) > m for d in codes)
    if not counted:
        return Evidence(
            "latent_bars",
            Interval.at_least(0.0),
            Rigor.EMPIRICAL,
            f"Codes in R^{m} are beyond alpha complexes, so bars in degrees >= {m} were not counted.",
            details=details,
        )
    count = sum(len(d.intervals(j)) for d in codes for j in range(m, len(d.degrees)))
    engines = ", ".join(sorted({d.engine for d in codes}))
    reason = {
        "path": "codes on a line, whose union of intervals has no homology above degree 0 by its form",
        "alpha": "alpha complexes, which have no simplices above dimension m",
    }.get(engines, "a complex that need not vanish there")
    return Evidence(
        "latent_bars",
        Interval.exactly(float(count)),
        Rigor.EXACT,
        f"Both ends: number of bars in degrees >= {m} over {codes[0].field_name} of the sampled codes ({engines}: "
        f"{reason}).",
        citations=(_DUALITY,),
        details=details,
    )


def _lost_classes(manifold: Manifold, m: int, field: int) -> Evidence:
    name = f"Z/{field}"
    known = [part.truth.betti.get(name) for part in manifold.connected_components]
    if any(b is None for b in known):
        return Evidence(
            "lost_classes",
            Interval.at_least(0.0),
            Rigor.EXACT,
            f"The Betti numbers of K over {name} are not known; a number of classes is not negative.",
        )
    lost = sum(sum(b[m:]) for b in known if b is not None)
    return Evidence(
        "lost_classes",
        Interval.exactly(float(lost)),
        Rigor.EXACT,
        f"Both ends: sum of the Betti numbers of K's components over {name} in degrees >= {m}, all of which every "
        f"encoder to R^{m} sends to zero.",
        citations=(_DUALITY,),
        details={"betti": [list(b) for b in known if b is not None]},
    )


def _long_bars(codes: list[Diagram], sample: list[Diagram], m: int) -> Evidence:
    def long(diagram: Diagram, degree: int) -> int:
        rows, gap = diagram.intervals(degree), diagram.largest_gap
        return int(((rows[:, 1] - rows[:, 0] > 2.0 * gap) & (rows[:, 0] <= 3.0 * gap)).sum())

    kept = [[long(d, j) for j in range(1, min(m, len(d.degrees)))] for d in codes]
    seen = [[long(d, j) for j in range(1, len(d.degrees))] for d in sample]
    count = sum(sum(row) for row in kept)
    return Evidence(
        "long_bars",
        Interval.exactly(float(count)),
        Rigor.EMPIRICAL,
        f"Both ends: number of bars of the sampled codes in degrees 1 to {m - 1} that are born within 3 and longer "
        "than 2 of the sample's largest gaps; true of the sample.",
        details={"codes_from_degree_1": kept, "sample_from_degree_1": seen},
    )

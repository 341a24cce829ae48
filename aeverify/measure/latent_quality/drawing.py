"""Drawing: the score of each of many independent uniform draws of K, and the draw at which it is worst."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np

from aeverify.autoencoders.protocol import Autoencoder
from aeverify.core.seeds import Seed, as_seed
from aeverify.core.witness import Witness
from aeverify.errors import UsageError
from aeverify.manifolds.base import Manifold, Sample, require_count
from aeverify.measure.evaluation import encode, require_compatible, sampled_point, witness_of
from aeverify.measure.latent_quality.distances import BLOCK, FloatArray, IndexArray, require_neighbours
from aeverify.measure.latent_quality.geodesics import Distances, geodesic_distances
from aeverify.measure.latent_quality.jacobians import decoder_stretch, encoder_stretch
from aeverify.measure.latent_quality.ranks import LocalRanks, joined, local_ranks
from aeverify.measure.latent_quality.scores import Score, score_named


@final
@dataclass(frozen=True)
class DrawSettings:
    """How points of K are drawn for a score; the attributes are the parameters of `mean_score` of the same names."""

    neighbours: int = 10
    reference: int = 1_000
    draws: int = 5_000
    geodesic: bool = False
    seed: Seed | int = 0


@final
@dataclass(frozen=True, eq=False)
class Drawn:
    """One pointwise score at independent uniform draws of K.

    Attributes:
        score: which.
        sample: the draws.
        values: shape (N,).
        reference: the reference points; None for a condition number.
        partners: for each draw the reference point with which it is at its worst.
        method: what a value is.
        details: sample sizes and the seed.
    """

    score: Score
    sample: Sample
    values: FloatArray
    reference: Sample | None
    partners: IndexArray | None
    method: str
    details: dict[str, Any]

    @property
    def worst(self) -> int:
        """Row of the worst value."""
        return int(self.values.argmin() if self.score.better == "higher" else self.values.argmax())


def require_geodesics(manifold: Manifold, geodesic: bool) -> Distances | None:
    """Geodesic distances where they are asked for; None where they are not.

    Raises:
        UsageError: asked for and not known for this set.
    """
    found = geodesic_distances(manifold) if geodesic else None
    if geodesic and found is None:
        raise UsageError(
            f"The geodesic distances of {manifold} are not known, and those along a graph of neighbours bound nothing: "
            "leave `geodesic` out, or look at `latent_quality(..., geodesic=True)`, which shows them as numbers."
        )
    return found


def draw_scores(autoencoder: Autoencoder, manifold: Manifold, score: str, settings: DrawSettings) -> Drawn:
    """A pointwise score at independent uniform draws of K.

    Args:
        autoencoder: the model.
        manifold: the set K.
        score: the name of a score that every point has.
        settings: numbers of draws and of neighbours, distances and seed.

    Raises:
        UsageError: a setting is out of range, no such score, or geodesic distances are not known.
        UnknownNameError: no such score.
        NonFiniteOutputError: NaN or infinity came out on K.

    Cost: N n distances in each space and their sorts: 0.5 s for 5000 draws and 1000 reference points.
    """
    require_compatible(autoencoder, manifold)
    asked = score_named(score)
    if not asked.pointwise:
        raise UsageError(f"{score} is a number of a whole sample, not of each point.")
    if not asked.mean:
        return _draw_conditions(autoencoder, manifold, asked, require_draws(settings.draws), settings.seed)
    return draw_neighbour_scores(autoencoder, manifold, (score,), settings)[0]


def _draw_conditions(autoencoder: Autoencoder, manifold: Manifold, score: Score, count: int, seed: Seed | int) -> Drawn:
    sample = manifold.sample(count, as_seed(seed).child("measure", "latent_quality", "draws"))
    codes = encode(autoencoder, manifold, sample.points, sample.component, sample.parameters)
    found = (
        decoder_stretch(autoencoder, codes)
        if score.name == "decoder_condition"
        else encoder_stretch(autoencoder, manifold, sample)
    )
    details = {"draws": count, "seed": str(seed), "step_disagreement": found.disagreement}
    return Drawn(score, sample, found.condition, None, None, "central differences", details)


def draw_neighbour_scores(
    autoencoder: Autoencoder, manifold: Manifold, names: tuple[str, ...], settings: DrawSettings
) -> tuple[Drawn, ...]:
    """Several neighbour scores at the same draws and reference points; as `draw_scores`, whose cost is for all."""
    require_compatible(autoencoder, manifold)
    n, count = require_count(settings.reference, "number of reference points"), require_draws(settings.draws)
    k = require_neighbours(settings.neighbours, n, third=any(name.startswith("mrre") for name in names))
    geodesic, seed = settings.geodesic, settings.seed
    along = require_geodesics(manifold, geodesic)
    root = as_seed(seed).child("measure", "latent_quality")
    sample, others = manifold.sample(count, root.child("draws")), manifold.sample(n - 1, root.child("reference"))
    found = _ranked(autoencoder, manifold, k, sample, others, along)
    method = f"{n - 1} fixed reference points, k = {k}, {'geodesic' if geodesic else 'Euclidean'} distances on K"
    details = {"draws": count, "seed": str(seed), "reference": n - 1, "neighbours": k, "geodesic": geodesic}
    return tuple(
        Drawn(score_named(name), sample, found.values[name], others, found.partner_of(name), method, details)
        for name in names
    )


def _ranked(
    autoencoder: Autoencoder, manifold: Manifold, k: int, sample: Sample, others: Sample, along: Distances | None
) -> LocalRanks:
    """Ranks of the reference points about each draw, a block of draws at a time."""
    from scipy.spatial.distance import cdist

    z = encode(autoencoder, manifold, sample.points, sample.component, sample.parameters)
    y = encode(autoencoder, manifold, others.points, others.component, others.parameters)
    step = max(1, BLOCK // len(y))
    blocks = []
    for i in range(0, len(z), step):
        rows = slice(i, i + step)
        data = (
            np.asarray(cdist(sample.points[rows], others.points), dtype=np.float64)
            if along is None
            else along(sample.parameters[rows], others.parameters)
        )
        blocks.append(local_ranks(data, np.asarray(cdist(z[rows], y), dtype=np.float64), k))
    return joined(blocks)


def require_draws(draws: int) -> int:
    """The number of draws, at least 20.

    Raises:
        UsageError: it is less, or no count.
    """
    count = require_count(draws, "number of draws")
    if count < 20:
        raise UsageError(f"Latent quality over K needs at least 20 draws, got {count}.")
    return count


def worst_witness(autoencoder: Autoencoder, manifold: Manifold, drawn: Drawn) -> Witness:
    """The draw with the worst value and, for a neighbour score, the neighbour that makes it so."""
    i = drawn.worst
    rows = [(drawn.sample, i)]
    note = f"{drawn.score.name} is {drawn.values[i]:.6g} here"
    if drawn.reference is not None and drawn.partners is not None:
        rows.append((drawn.reference, int(drawn.partners[i])))
        near, far = ("K", "code") if drawn.score.name in ("continuity", "mrre_missing") else ("code", "K")
        note += f"; the second point is a neighbour in {near}, but far in {far}"
    points = [sampled_point(autoencoder, manifold, sample, row) for sample, row in rows]
    return witness_of("point", autoencoder, manifold, points, note + ".")

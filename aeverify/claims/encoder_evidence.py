"""What is measured of a study's encoder: each quantity once, shared by the claims and by the diagnosis."""

from __future__ import annotations

from aeverify import measure
from aeverify.autoencoders.protocol import Continuity
from aeverify.claims.study import Study
from aeverify.core.evidence import Evidence
from aeverify.manifolds.base import Manifold


def connected_parts(manifold: Manifold) -> list[int]:
    """Indices of the components that are connected components by themselves; none where some connected component has
    several charts."""
    if manifold.connected_components != manifold.components:
        return []
    return list(range(len(manifold.components)))


def closed_parts(manifold: Manifold, dimension: int) -> list[int]:
    """Indices of the connected components that are closed manifolds of that dimension."""
    parts = manifold.components
    return [i for i in connected_parts(manifold) if parts[i].truth.closed and parts[i].truth.dimension == dimension]


def sliced_parts(manifold: Manifold) -> list[tuple[int, int]]:
    """(component, parameter) for each component of at least 2 parameters with one that runs round closed slices."""
    found = []
    for i, part in enumerate(manifold.components):
        chart = part.chart
        for axis in range(chart.dim):
            mirrored = chart.flips[axis] if chart.flips else ()
            if chart.dim >= 2 and chart.periodic[axis] and not mirrored:
                found.append((i, axis))
                break
    return found


def winding(study: Study, component: int) -> Evidence:
    """How often the codes of a closed curve wind about the deepest hole; m = 2."""
    return study._once(
        ("winding", component), lambda: measure.winding_number(study.autoencoder, study.manifold, component)
    )


def survival(study: Study, component: int, field: int, nodes: int) -> measure.Survival:
    """What the latent diagram of a component must show at its worst error, and what it shows."""
    return study._once(
        ("survival", component, field, nodes),
        lambda: measure.surviving_classes(
            study.autoencoder, study.manifold, component, study.sup_errors()[component], field=field, nodes=nodes
        ),
    )


def preimages(study: Study, component: int) -> measure.PreimageCounts:
    """How many points of a closed component share a code."""
    return study._once(
        ("preimages", component),
        lambda: measure.preimage_counts(
            study.autoencoder, study.manifold, component, seed=study.seed.child("preimages", component)
        ),
    )


def encoder_floor(study: Study) -> Evidence:
    """Enclosure of R(E), the least worst error that any decoder can reach with this encoder."""

    def find() -> Evidence:
        model, space = study.autoencoder, study.manifold
        lowers = [measure.encoder_floor(model, space, seed=study.seed.child("encoder_floor"))]
        if study.latent_dim == 2 and model.continuity is Continuity.KNOWN:
            lowers += [
                measure.antipodal_floor(model, space, i)
                for i, part in enumerate(space.components)
                if part.chart.dim == 2 and part.truth.symmetry_center is not None
            ]
        if not any(e.lower > 0.0 for e in lowers):
            lowers.append(measure.shared_code_floor(model, space))
        same = len({part.chart.dim for part in space.components}) == 1
        if not same:
            return max(lowers, key=lambda e: e.lower)
        known = max(e.lower for e in lowers)
        most = 4_000 if space.components[0].chart.dim == 1 else 1_500
        return measure.encoder_floor_bounds(lowers, measure.fibre_radius_upper(model, space, known=known, most=most))

    return study._once("encoder_floor_bounds", find)


def localisation(study: Study, component: int, epsilon: float) -> measure.Localisation:
    """Where on a component the error is above epsilon."""

    def find() -> measure.Localisation:
        witness = study.sup_errors()[component].witness
        spikes = [p.parameters for p in witness.points if p.parameters] if witness else []
        most = 20_000 if study.manifold.components[component].chart.dim == 1 else 4_000
        return measure.localise(study.autoencoder, study.manifold, component, epsilon, spikes=spikes, most=most)

    return study._once(("localisation", component, epsilon), find)


def sweep(study: Study, component: int, epsilon: float) -> measure.Sweep:
    """What the tear of a closed component forces the error to be."""
    return study._once(
        ("sweep", component, epsilon),
        lambda: measure.sweep(study.autoencoder, study.manifold, localisation(study, component, epsilon)),
    )


def slices(study: Study, component: int, axis: int, count: int) -> tuple[Evidence, ...]:
    """The worst error on each of several closed slices of a component."""
    return study._once(
        ("slices", component, axis, count),
        lambda: measure.slice_maxima(study.autoencoder, study.manifold, component, axis=axis, slices=count),
    )

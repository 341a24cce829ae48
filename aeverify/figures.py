"""Figure data of a run: what the source's Figures 2 to 8 show, computed from the model and the set."""

from __future__ import annotations

import numpy as np

from aeverify.claims import Study
from aeverify.claims.encoder_evidence import closed_parts, localisation, sweep
from aeverify.core.report import Plot, Series
from aeverify.manifolds.base import Manifold
from aeverify.manifolds.chart import FloatArray
from aeverify.measure import tears

_FURTHER = 3
"""Colours of what belongs to no component begin here, after those of the first components."""
_DENSE = 2000
_DRAWN = 500


def _curve(part: Manifold, n: int) -> FloatArray:
    """Parameters of n + 1 equidistant points of a curve, both ends included."""
    chart = part.chart
    return np.linspace(chart.lower[0], chart.upper[0], n + 1)[:, None]


def _columns(points: FloatArray) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(float(v) for v in column) for column in points.T[:3])


def _axes(ambient_dim: int) -> tuple[str, ...]:
    return ("x", "y", "z")[: min(ambient_dim, 3)]


def component_name(index: int, manifold: Manifold) -> str:
    """ "component 0" and so on; "K" where there is one."""
    return "K" if len(manifold.components) == 1 else f"component {index}"


def data_plot(manifold: Manifold) -> Plot:
    """The set itself (source 000, Figure 2)."""
    series = tuple(
        Series(component_name(i, manifold), _columns(part.chart.embed(_curve(part, _DRAWN))), "line", i)
        if part.chart.dim == 1
        else Series(component_name(i, manifold), _columns(part.grid(_DENSE).points), "points", i)
        for i, part in enumerate(manifold.components)
    )
    return Plot("data", "The set K", f"K = {manifold}, drawn from its chart.", _axes(manifold.ambient_dim), series)


def decoded_plot(study: Study, identity: str) -> Plot:
    """The decoded points (source 000, Figures 4, 6 and 8)."""
    manifold, series = study.manifold, []
    for i, part in enumerate(manifold.components):
        points = part.chart.embed(_curve(part, _DRAWN))
        name = component_name(i, manifold)
        series.append(Series(f"{name}, decoded", _columns(study.autoencoder.reconstruct(points)), "points", i))
        series.append(Series(name, _columns(points), "line", i))
    return Plot(
        f"decoded-{identity}",
        f"Decoded points of {study.autoencoder.name}",
        "Where a closed curve is coded by one number it must be broken somewhere: look for the points that leave K.",
        _axes(manifold.ambient_dim),
        tuple(series),
    )


def codes_plot(study: Study, identity: str) -> Plot:
    """The codes (source 000, Figures 5 and 7): on a line for m = 1, in the plane for m >= 2."""
    manifold, series = study.manifold, []
    for i, part in enumerate(manifold.components):
        codes = study.autoencoder.encode(part.chart.embed(_curve(part, _DRAWN)))
        if study.latent_dim == 1:
            codes = np.column_stack([codes, np.full(len(codes), float(i))])
        series.append(Series(component_name(i, manifold), _columns(codes[:, :2]), "points", i))
    axes = ("code", "component") if study.latent_dim == 1 else ("code 1", "code 2")
    return Plot(
        f"codes-{identity}",
        f"Codes of {study.autoencoder.name}",
        "The image of each component under the encoder; components whose codes overlap share reconstructions.",
        axes,
        tuple(series),
    )


def error_plot(study: Study, identity: str, epsilon: float) -> Plot:
    """The error along each curve, the tear shaded, with the worst points that were found."""
    manifold, series = study.manifold, []
    bands: list[tuple[float, float, str]] = []
    for i, part in enumerate(manifold.components):
        parameters = _curve(part, _DENSE)
        found = study.sup_errors()[i].witness
        spikes = [p.parameters for p in found.points if p.parameters] if found else []
        if spikes:
            near = np.concatenate([s[0] + np.outer((-1.0, 1.0), np.logspace(-9, -3, 40)).ravel() for s in spikes])
            parameters = np.unique(np.concatenate([part.chart.wrap(near[:, None]), parameters, np.array(spikes)]))[
                :, None
            ]
        errors = study.autoencoder.errors(part.chart.embed(parameters))
        name = component_name(i, manifold)
        series.append(Series(name, (tuple(parameters[:, 0].tolist()), tuple(errors.tolist())), "line", i))
        bands += [(a, b, f"tear, {name}") for a, b in _intervals(parameters[:, 0], errors > epsilon)]
        if found:
            best = max(found.points, key=lambda p: p.error)
            series.append(Series(f"worst, {name}", ((best.parameters[0],), (best.error,)), "marker", i))
    bound = study.width().interval.lower
    lines = [(epsilon, f"epsilon = {epsilon:g}")]
    if bound > 0:
        lines.append((bound, f"no autoencoder gets below {bound:.4g}"))
    return Plot(
        f"error-{identity}",
        f"Error along K of {study.autoencoder.name}",
        "Error against the chart parameter; the shaded tear is where it exceeds epsilon on the drawn points.",
        ("parameter (turns)" if manifold.components[0].chart.periodic[0] else "parameter", "error"),
        tuple(series),
        log_axes=(1,),
        bands=tuple(bands[:40]),
        lines=tuple(lines),
    )


def _intervals(x: FloatArray, inside: np.ndarray) -> list[tuple[float, float]]:
    """The maximal runs of consecutive points that are inside, as closed intervals of x."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], inside.astype(int), [0]])))
    return [(float(x[a]), float(x[b - 1])) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def loss_plot(losses: dict[str, tuple[tuple[float, ...], tuple[float, ...]]]) -> Plot:
    """Training loss of every restart against the epoch."""
    return Plot(
        "loss",
        "Training loss",
        "Mean squared error of each restart, by epoch.",
        ("epoch", "loss"),
        tuple(Series(name, (epochs, values), "line") for name, (epochs, values) in losses.items()),
        log_axes=(1,),
    )


def tradeoff_plot(study: Study, identity: str, epsilon: float) -> Plot | None:
    """Worst error against the share of the curve on which the error exceeds epsilon, against the Lipschitz constant.

    For each closed curve coded by one number, with w a lower bound of its width, l its length and L an upper bound of
    the Lipschitz constant of D after E: no model has a worst error y below w, whatever its bad set; and e, which is
    (L + 1)-Lipschitz, exceeds epsilon on a share of at least 2 (y - epsilon) / ((L + 1) l) about its worst point, on
    both sides of it. Both regions are shaded for the curve with the largest worst error; further lines show the second
    bound for constants 10 and 100 times as large. Dashed is what the tear of this model forces. None where there is
    no such curve, or the error exceeds epsilon nowhere.
    """
    parts = closed_parts(study.manifold, 1) if study.latent_dim == 1 else []
    points = []
    for i in parts:
        found, worst = localisation(study, i, epsilon), study.sup_errors()[i]
        total = sum(t.length.upper for t in tears(found, study.manifold))
        if total > 0.0:
            points.append((worst.lower, min(1.0, total / study.manifold.components[i].truth.volume.lower), i))
    if not points:
        return None
    top, _, index = max(points)
    part = study.manifold.components[index]
    width, length = study.obstruction(index).lower, part.truth.volume.upper
    known = study.lipschitz_upper(index)
    highest = 1.15 * max(top, part.truth.diameter.upper)
    least = min(share for _, share, _ in points)
    floors = []
    if known is not None:
        floors = [(k * known.upper, 2.0 / ((k * known.upper + 1.0) * length)) for k in (1.0, 10.0, 100.0)]
        least = min(least, floors[-1][1] * max(top - epsilon, epsilon))
    left = 10.0 ** np.floor(np.log10(max(least, 1e-15)) - 0.5)
    heights = np.linspace(min(epsilon, highest), highest, 60)
    series = []
    if width > 0:
        corners = ((left, 1.0, 1.0, left), (0.0, 0.0, width, width))
        series.append(Series("below the width: no continuous model", corners, "region"))
    for order, (constant, slope) in enumerate(floors):
        shares = np.clip(slope * (heights - epsilon), left, 1.0)
        if order == 0:
            xs, ys = (left, *shares.tolist(), left), (float(heights[0]), *heights.tolist(), float(heights[-1]))
            series.append(Series(f"needs a constant above L = {constant:.3g}", (xs, ys), "region", _FURTHER))
        else:
            columns = (tuple(shares.tolist()), tuple(heights.tolist()))
            series.append(Series(f"the same for L = {constant:.3g}", columns, "line", _FURTHER + order))
    for worst_error, share, i in points:
        name = f"{study.autoencoder.name}, {component_name(i, study.manifold)}"
        series.append(Series(name, ((share,), (worst_error,)), "marker", i))
    lines = []
    floor = sweep(study, index, epsilon).floor
    if floor is not None and floor.lower > 0:
        lines.append((floor.lower, "what this tear forces"))
    return Plot(
        f"tradeoff-{identity}",
        f"Bad set against worst error of {study.autoencoder.name}",
        f"Share of the curve with an error above {epsilon:g}, and the worst error. Shaded: where no continuous model "
        "can be, and where none with this model's Lipschitz constant can be. A smaller tear is steeper, no less deep.",
        ("share of K in the bad set", "worst error"),
        tuple(series),
        log_axes=(0,),
        lines=tuple(lines),
    )


def persistence_plot(study: Study, identity: str) -> Plot:
    """Persistence diagrams of a sample of K and of its codes, in radius units."""
    homology = study.latent_homology()
    series = []
    for name, diagram in (("sample of K", homology.sample_diagrams), ("codes", homology.code_diagrams)):
        for degree in range(2):
            bars = [b for d in diagram for b in d.intervals(degree).tolist()]
            if bars:
                births, deaths = zip(*bars, strict=True)
                series.append(Series(f"{name}, H_{degree}", (tuple(births), tuple(deaths)), "points"))
    return Plot(
        f"persistence-{identity}",
        f"Persistence over {homology.field_name} of {study.autoencoder.name}",
        "Each component apart, in radius units. Points far above the diagonal are features; the codes have none in "
        f"degree {study.latent_dim} and above.",
        ("birth", "death"),
        tuple(series),
    )


def order_plot(study: Study, identity: str) -> Plot:
    """Codes against the parameter of an arc (source 003's order of codes)."""
    parameters = _curve(study.manifold, _DRAWN)
    codes = study.autoencoder.encode(study.manifold.chart.embed(parameters))
    return Plot(
        f"codes-vs-parameter-{identity}",
        f"Codes along the arc of {study.autoencoder.name}",
        "A monotone curve keeps the order of the points.",
        ("parameter", "code"),
        (Series("code", (tuple(parameters[:, 0].tolist()), tuple(codes[:, 0].tolist())), "line"),),
    )


def figures(study: Study, identity: str, epsilon: float) -> tuple[Plot, ...]:
    """Every figure of one model that its set and latent dimension allow (curves for now)."""
    if any(part.truth.dimension != 1 for part in study.manifold.components):
        return ()
    plots = [decoded_plot(study, identity), codes_plot(study, identity), error_plot(study, identity, epsilon)]
    if study.latent_dim == 1 and len(study.manifold.components) == 1 and not study.manifold.truth.closed:
        plots.append(order_plot(study, identity))
    tradeoff = tradeoff_plot(study, identity, epsilon)
    if tradeoff is not None:
        plots.append(tradeoff)
    plots.append(persistence_plot(study, identity))
    return tuple(plots)

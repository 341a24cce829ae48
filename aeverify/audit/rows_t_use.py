"""Rows of source 003 on what its model is used for: training, new samples, anomalies and the error map."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from aeverify import measure
from aeverify.audit.context import AuditContext
from aeverify.audit.findings import AuditReason, Figure, Finding
from aeverify.audit.outcomes import exactly, observed
from aeverify.audit.rows import row
from aeverify.audit.rows_t_spiral import SPIRAL, by_error, columns, spiral_models, worst_error
from aeverify.autoencoders.architectures import architecture
from aeverify.autoencoders.building import from_architecture
from aeverify.autoencoders.protocol import Autoencoder, FloatArray
from aeverify.autoencoders.recipes import recipe
from aeverify.core.evidence import Evidence, Rigor
from aeverify.core.interval import Interval
from aeverify.core.report import Plot, Series
from aeverify.manifolds import manifold
from aeverify.measure.proximity import Nodes


def ranked(values: Sequence[float], printed: float, alpha: float) -> Evidence:
    """Two-sided p-value of a printed number as one more draw among those of N trainings.

    Were it one, its rank among the N + 1 would be uniform, so that min(1, 2 (rank from the nearer end)/(N + 1)) is at
    most p with probability at most p.
    """
    n = len(values)
    side = min(sum(v <= printed for v in values), sum(v >= printed for v in values))
    return Evidence(
        "rank_p_value",
        Interval.exactly(min(1.0, 2.0 * (side + 1) / (n + 1))),
        Rigor.STATISTICAL,
        f"Rank of the printed number among {n} trainings, two-sided.",
        confidence=1.0 - alpha,
        assumptions=("the printed number is one draw, not the best of several",),
    )


def _spread(name: str, values: Sequence[float]) -> dict[str, Figure]:
    low, middle, high = (float(q) for q in np.quantile(values, [0.25, 0.5, 0.75]))
    return {f"{name}, median": middle, f"{name}, quartiles": f"{low:.4g} and {high:.4g}"}


@row("T-9", "The default training of the source: its settings, and that the loss falls.")
def trains(context: AuditContext) -> Finding:
    """Keras documents RMSprop at 1e-3 and batches of 32 as its defaults; recipe `spiral` has them and 1000 epochs."""
    how = recipe("spiral")
    settings = {name: getattr(how, name) for name in context.table("settings")}
    wrong = [f"{k} is {settings[k]}, printed {v}" for k, v in context.table("settings").items() if settings[k] != v]
    figures: dict[str, Figure] = {f"recipe: {k}": str(v) for k, v in settings.items()}
    found = spiral_models(context)
    points = found.sample.points
    shape = architecture("mlp:hidden=[10,10]", ambient_dim=2, latent_dim=1)
    before = [float(np.mean(np.square(m.errors(points)))) for m in _untrained(context, str(shape), len(found.models))]
    after = [float(np.mean(np.square(m.errors(points)))) for m in found.models]
    curve = _loss_curve(context)
    evidence = observed(
        "largest_loss_after_as_share_of_least_before",
        Interval.exactly(max(after) / min(before)),
        f"Mean squared errors over the data of {len(after)} trained and {len(before)} untrained networks, in float64.",
    )
    if wrong or evidence.upper >= 1.0:
        wrong = wrong or ["some trained network has a larger error than some untrained one"]
        return Finding(AuditReason.REFUTED, "; ".join(wrong) + ".", (evidence,), figures)
    return Finding(
        AuditReason.SUPPORTED,
        f"All {len(after)} trainings with the default settings end with a mean squared error below that of every "
        f"untrained network, the largest at {max(after):.3g} against {min(before):.3g}.",
        (evidence,),
        {**figures, **_spread("mean squared error before", before), **_spread("mean squared error after", after)},
        (curve,),
    )


def _untrained(context: AuditContext, shape: str, count: int) -> list[Autoencoder]:
    return [from_architecture(shape, context.seed.child("row", "T-9", i)) for i in range(count)]


def _loss_curve(context: AuditContext) -> Plot:
    """Mean squared error of one training stopped after ever more epochs: the same seed, so the same path."""
    epochs = context.either([1, 30, 100, 300, 1000], [1, 3, 10, 30, 100, 200, 300, 500, 700, 1000])
    errors = []
    for n in epochs:
        (model,) = context.trained("mlp:hidden=[10,10]", SPIRAL, "spiral", latent_dim=1, points="paper", epochs=int(n))
        errors.append(float(np.mean(np.square(model.errors(context.sample(SPIRAL, "paper").points)))))
    return Plot(
        "trend-loss",
        "Training loss",
        "Mean squared error over the data of one training, stopped after so many epochs.",
        ("epoch", "mean squared error"),
        (Series("training", (tuple(map(float, epochs)), tuple(errors)), "line"),),
        log_axes=(0, 1),
    )


@row("T-15", "New samples from codes: near the data where the codes of K fill the range, not beyond it.")
def generates(context: AuditContext) -> Finding:
    """On a connected K with m = 1 the codes fill an interval, so that z between two codes is the code of some x of K
    and D(z) = D(E(x)) is within e(x) of K. For other sets the hull of the codes holds codes of no point: the pair of
    circles is disconnected, and some code between has an output far from both."""
    found = spiral_models(context)
    model = by_error(found)[0]
    study = context.study(model, SPIRAL, share=2)
    sup = worst_error(context, model)
    far, beyond = (
        measure.generated_far_share(
            model,
            study.manifold,
            sup.upper if np.isfinite(sup.upper) else sup.lower,
            scale=scale,
            seed=study.seed.child("far", i),
            draws=study.effort.draws,
            alpha=study.alpha,
        )
        for i, scale in enumerate((1.0, context.number("beyond")))
    )
    circles = context.fixture("two_circles_paper_0")
    gap = context.verdict(circles, "two_circles", "completeness-obstruction")
    printed = np.array([[context.number("code")]])
    inside = sum(_inside(m, found.sample.points, float(printed[0, 0])) for m in found.models)
    figures: dict[str, Figure] = {
        "worst error": sup.interval,
        "share of decoded codes farther than that, in the range": far.interval,
        "share of decoded codes farther than that, beyond": beyond.interval,
        f"trainings with code {printed[0, 0]:g} in the range": f"{inside} of {len(found.models)}",
    }
    evidence = (sup, far, beyond, *((gap.evidence,) if gap.evidence is not None else ()))
    plot = _generated(context, model, found.sample.points, printed)
    if far.lower > 0 or not np.isfinite(sup.upper) or gap.evidence is None or not gap.evidence.lower > 0:
        return Finding(
            AuditReason.UNDECIDED, "The two sides were not shown by these models.", evidence, figures, (plot,)
        )
    return Finding(
        AuditReason.LOOSE,
        f"On the spiral it is forced: a code between two codes is the code of a point, so that its output is within "
        f"{sup.upper:.3g} of the data. On a disconnected set it fails: between the codes of the two circles lies a "
        f"code with an output at least {gap.evidence.lower:.3g} away from both.",
        evidence,
        figures,
        (plot,),
        premise="The codes of the data fill the range, as they do for connected data and a code of one number.",
        proof="E(K) is connected, hence an interval, and D(E(x)) is within sup e of x.",
        commands=("aeverify explain completeness-obstruction",),
    )


def _inside(model: Autoencoder, points: FloatArray, code: float) -> bool:
    codes = model.encode(points)
    return bool(codes.min() <= code <= codes.max())


def _generated(context: AuditContext, model: Autoencoder, points: FloatArray, printed: FloatArray) -> Plot:
    codes = model.encode(points)
    low, high = (float(v) for v in context.listed("grid"))
    within = np.linspace(codes.min(), codes.max(), 100)[:, None]
    return Plot(
        "decoded-samples",
        "New samples",
        "Decoded codes: over the range of the codes of the data, over the printed grid, and the printed code.",
        ("x1", "x2"),
        (
            Series("decoded grid", columns(model.decode(np.linspace(low, high, 100)[:, None])), "line"),
            Series("decoded range", columns(model.decode(within)), "line"),
            Series("data", columns(points)),
            Series("printed code", columns(model.decode(printed)), "marker"),
        ),
    )


@row("T-16", "The printed error of the anomaly, against the trainings; and the alternative point.")
def anomaly(context: AuditContext) -> Finding:
    """The error at the printed point over trainings, its rank, and whether the calibrated threshold is exceeded."""
    found = spiral_models(context)
    bad, other = (np.array([context.parameter(name)], dtype=np.float64) for name in ("anomaly", "alternative"))
    printed = context.number("rmse")
    scores = [float(m.errors(bad)[0]) for m in found.models]
    others = [float(m.errors(other)[0]) for m in found.models]
    p = ranked(scores, printed, context.alpha)
    space, n = manifold(SPIRAL), len(found.models)
    level, draws = context.number("level"), context.effort.draws
    bars = [
        measure.anomaly_threshold(
            m, space, level, seed=context.seed.child("row", "T-16", i), draws=draws, alpha=context.alpha / n
        ).details["threshold"]
        for i, m in enumerate(found.models)
    ]
    alarms = sum(s > b for s, b in zip(scores, bars, strict=True))
    far = float(Nodes.of(space).distances(other)[0][0])
    figures: dict[str, Figure] = {
        "printed": printed,
        **_spread("error at the anomaly", scores),
        "p-value": p.lower,
        "alarms at the anomaly": f"{alarms} of {n}",
        **_spread("error at the alternative", others),
        "distance of the alternative to the arc, at least": far,
    }
    outputs = np.concatenate([m.reconstruct(bad) for m in found.models])
    plot = Plot(
        "decoded-anomaly",
        "Where the anomaly goes",
        "The anomaly, and what each of the trainings gives back for it.",
        ("x1", "x2"),
        (
            Series("data", columns(found.sample.points)),
            Series("reconstructions", columns(outputs), "marker"),
            Series("anomaly", columns(bad), "marker"),
        ),
    )
    text = (
        f"{n} trainings err at the anomaly by {min(scores):.3g} to {max(scores):.3g}, median {np.median(scores):.4g}; "
        f"printed {printed:.6g}, p = {p.lower:.2g}. {alarms} of them raise an alarm at a false-alarm rate of "
        f"{level:g}. The alternative point lies {far:.2g} from the arc, and is hardly an anomaly."
    )
    if p.lower <= context.alpha:
        return Finding(AuditReason.NOT_REPRODUCED, text, (p,), figures, (plot,))
    within = min(scores) <= printed <= max(scores)
    return Finding(AuditReason.SUPPORTED if within else AuditReason.UNDECIDED, text, (p,), figures, (plot,))


@row("T-17", "The error tells points off the spiral from points on it.")
def detects(context: AuditContext) -> Finding:
    """Area under the ROC curve against uniform points of the surrounding box, of every training and not of the best;
    "typically" is taken as: of most trainings."""
    models, space, n = spiral_models(context).models, manifold(SPIRAL), context.effort.draws // 4
    bar, size = context.number("auroc"), space.truth.circumradius.upper
    seed = context.seed.child("row", "T-17")
    outliers = measure.anomalies(space, apart=0.3 * size, margin=0.5 * size, seed=seed, draws=n)
    areas = [
        measure.auroc(m, space, outliers, seed=seed.child(i), alpha=context.alpha / len(models))
        for i, m in enumerate(models)
    ]
    above, below = sum(a.lower >= bar for a in areas), sum(a.upper < bar for a in areas)
    figures: dict[str, Figure] = {
        f"trainings with an area of at least {bar:g}": f"{above} of {len(areas)}",
        "trainings below it": below,
        **_spread("area under the ROC curve", [a.lower for a in areas]),
    }
    weakest = sorted(areas, key=lambda a: a.lower)[len(areas) // 2 - 1]
    text = (
        f"{above} of {len(areas)} trainings tell points of the box about the spiral from points on it with an area "
        f"under the ROC curve of {bar:g} or more, {below} do not. So it is typical, and no more: points off it with "
        "small errors are in row T-18."
    )
    if 2 * above > len(areas):
        return Finding(AuditReason.SUPPORTED, text, (weakest, *areas[:3]), figures)
    reason = AuditReason.REFUTED if 2 * below > len(areas) else AuditReason.UNDECIDED
    return Finding(reason, text, (weakest, *areas[:3]), figures)


@row("T-18", "The error map on the grid: its shape, its blind spots, and the factor of the printed code.")
def error_map(context: AuditContext) -> Finding:
    """The printed code divides the sum over the two coordinates by the number of grid points, where each error is one
    of a single sample: its colours are the errors divided by the root of that number."""
    n = context.count("n_grid")
    (left, right), (bottom, top) = context.parameter("u"), context.parameter("v")
    u, v = np.meshgrid(np.linspace(left, right, n), np.linspace(bottom, top, n))
    points = np.stack([u.ravel(), v.ravel()], axis=1)
    models = by_error(spiral_models(context))
    model = models[0]
    errors = model.errors(points)
    space = manifold(SPIRAL)
    distances = Nodes.of(space).distances(points)[0]
    tau = _rank_correlation(errors, distances)
    bar = measure.anomaly_threshold(
        model, space, seed=context.seed.child("row", "T-18"), draws=context.effort.draws, alpha=context.alpha
    )
    off = context.number("off")
    blind = (errors <= bar.details["threshold"]) & (distances > off)
    shares = _blind_shares(context, models, points[distances > off])
    factor = float(np.sqrt(len(points)))
    figures: dict[str, Figure] = {
        "rank correlation of error and distance": tau,
        "largest error on the grid": float(errors.max()),
        "largest value that the printed code draws": float(errors.max()) / factor,
        f"grid points farther than {context.parameter('off')} from the arc without alarm": int(blind.sum()),
        "trainings with such points": f"{sum(s > 0 for s in shares)} of {len(shares)}",
        "largest share of such points, of those off the arc": max(shares),
    }
    evidence = (
        exactly("factor", factor, f"The printed code divides by len(X_grid) = {len(points)} under the root, not by 1."),
        observed("rank_correlation", Interval.exactly(tau), f"Spearman's, over {len(points)} grid points, in float64."),
    )
    plot = _bands(points.reshape(n, n, 2), errors.reshape(n, n), points[blind])
    if not tau > context.number("correlation"):
        return Finding(AuditReason.REFUTED, f"Rank correlation only {tau:.3g}.", evidence, figures, (plot,))
    return Finding(
        AuditReason.LOOSE,
        f"The map has the shape of the distance to the arc (rank correlation {tau:.2f}), in the best training. "
        f"{sum(s > 0 for s in shares)} of {len(shares)} trainings raise no alarm at some points off the arc, up to a "
        f"share of {max(shares):.2g} of them. What is drawn is no RMSE: the printed code divides each "
        f"error by {factor:g}.",
        evidence,
        figures,
        (plot,),
        premise="The values are read up to the factor that the printed code divides by, the root of the number of grid "
        "points.",
    )


def _blind_shares(context: AuditContext, models: Sequence[Autoencoder], off: FloatArray) -> list[float]:
    """For each model, the share of the points off the arc with an error at most its calibrated threshold."""
    shares = []
    for i, model in enumerate(models):
        seed = context.seed.child("row", "T-18", i)
        draws, alpha = context.effort.draws, context.alpha / len(models)
        bar = measure.anomaly_threshold(model, manifold(SPIRAL), seed=seed, draws=draws, alpha=alpha)
        shares.append(float((model.errors(off) <= bar.details["threshold"]).mean()))
    return shares


def _rank_correlation(a: FloatArray, b: FloatArray) -> float:
    from scipy.stats import spearmanr

    return float(spearmanr(a, b).statistic)


def _bands(grid: FloatArray, errors: FloatArray, blind: FloatArray) -> Plot:
    """The map as points in bands of error; every third line of the grid is drawn."""
    points, values = grid[::3, ::3].reshape(-1, 2), errors[::3, ::3].ravel()
    ends = [0.0, 0.1, 0.3, 1.0, 2.0, 3.0, np.inf]
    series = [
        Series(f"error from {low:g} to {high:g}", columns(points[(values >= low) & (values < high)]))
        for low, high in itertools.pairwise(ends)
        if bool(((values >= low) & (values < high)).any())
    ]
    if len(blind):
        series.append(Series("off the arc, no alarm", columns(blind[:: max(1, len(blind) // 200)]), "marker"))
    caption = "Error at each point of the grid, in bands; marked are points off the arc that raise no alarm."
    return Plot("data-error-map", "Error map", caption, ("x1", "x2"), tuple(series))

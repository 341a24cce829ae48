"""Rows of source 003 on its spiral: the data, the unwinding, order, and PCA beside it.

The data are gamma(t) = (1 + t) (cos(5 t + 1.5), sin(5 t + 1.5)) at 100 uniform t in [0, 1]. Since |gamma(t)| = 1 + t,
the pair E(x) = |x| - 1 and D = gamma (held constant outside of [0, 1]) is continuous and perfect.
"""

from __future__ import annotations

import numpy as np

from aeverify import measure, widths
from aeverify.audit.context import AuditContext, Trained
from aeverify.audit.findings import AuditReason, Figure, Finding
from aeverify.audit.outcomes import agreed, exactly, observed
from aeverify.audit.rows import row
from aeverify.autoencoders.callables import CallableAutoencoder
from aeverify.autoencoders.linear import pca_floor
from aeverify.autoencoders.protocol import Autoencoder, FloatArray
from aeverify.core.evidence import Evidence
from aeverify.core.interval import Interval
from aeverify.core.report import Plot, Series
from aeverify.manifolds import Sample, manifold

SPIRAL = "spiral"


def spiral_models(context: AuditContext) -> Trained:
    """The source's network 2-10-10-1-10-10-2 trained by its recipe on its 100 points, over seeds; the same for all
    rows of source 003."""
    restarts = context.either(20, 100)
    return context.training("mlp:hidden=[10,10]", SPIRAL, "spiral", restarts, latent_dim=1, points="paper")


def by_error(found: Trained) -> list[Autoencoder]:
    """The models of a training, the smallest mean squared error first."""
    order = np.argsort([float(r["mean_squared_error"]) for r in found.records], kind="stable")
    return [found.models[i] for i in order]


def worst_error(context: AuditContext, model: Autoencoder) -> Evidence:
    """Certified enclosure of the worst error on the spiral, narrow enough whatever else the machine does."""
    seed = context.seed.child("row", "spiral worst error", model.name)
    return measure.sup_error(model, manifold(SPIRAL), seed=seed, tolerance=0.02, time_budget=30.0)


def columns(points: FloatArray) -> tuple[tuple[float, ...], ...]:
    """Columns of points (N, n), as plots take them."""
    return tuple(tuple(float(v) for v in column) for column in points.T)


def _unwinding() -> Autoencoder:
    space = manifold(SPIRAL)
    chart = space.chart

    def decode(codes: FloatArray) -> FloatArray:
        return chart.embed(np.clip(codes, chart.lower[0], chart.upper[0]))

    return CallableAutoencoder(
        lambda x: np.linalg.norm(x, axis=1, keepdims=True) - 1.0, decode, 2, 1, "radius less 1, and the chart", True
    )


def _joined(identifier: str, title: str, sample: Sample, codes: FloatArray) -> Plot:
    """The source's figure: each sample joined with its code on the first axis."""
    gaps = np.full(len(codes), np.nan)
    x = np.stack([sample.points[:, 0], codes[:, 0], gaps], axis=1).ravel()
    y = np.stack([sample.points[:, 1], np.zeros(len(codes)), gaps], axis=1).ravel()
    on_axis = np.stack([codes[:, 0], np.zeros(len(codes))], axis=1)
    return Plot(
        identifier,
        title,
        "Each point of the data is joined with its code, drawn on the first axis.",
        ("x1, code", "x2"),
        (
            Series("joined", (tuple(x.tolist()), tuple(y.tolist())), "line"),
            Series("data", columns(sample.points)),
            Series("codes", columns(on_axis), "marker"),
        ),
    )


def _beside(identifier: str, title: str, sample: Sample, model: Autoencoder) -> Plot:
    return Plot(
        identifier,
        title,
        "The data, and what the model gives back.",
        ("x1", "x2"),
        (
            Series("original", columns(sample.points)),
            Series("reconstructed", columns(model.reconstruct(sample.points)), "marker"),
        ),
    )


@row("T-2", "A code of fewer numbers drops information: everywhere in the space, not on every set.")
def must_drop(context: AuditContext) -> Finding:
    """A continuous map of R^n to R^m, m < n, gives antipodes of a sphere one code (Borsuk and Ulam), so that it drops
    something; whether that is relevant depends on the data: w_m(K) is 0 on an arc and positive on a closed set."""
    figures: dict[str, Figure] = {}
    evidence = []
    for spec in context.listed("relevant"):
        bound = widths.best_lower(spec, 1)
        figures[f"w_1 of {spec}, at least"] = bound.lower
        evidence.append(bound)
    kept = _unwinding().errors(context.sample(SPIRAL).points).max()
    figures["largest error of a perfect pair on the spiral"] = float(kept)
    if not all(e.lower > 0 for e in evidence):
        return Finding(
            AuditReason.UNDECIDED, "No positive width is known on one of the sets.", tuple(evidence), figures
        )
    return Finding(
        AuditReason.LOOSE,
        "Something is dropped always: some sphere has two antipodes with one code. That it is what is not relevant "
        f"holds on the spiral, where nothing is lost, and not on {', '.join(context.parameter('relevant'))}, where "
        "every continuous model with one code number has an error of at least the width.",
        tuple(evidence),
        figures,
        premise="The data lie on a set that is homeomorphic to a subset of the code space.",
        proof="By Borsuk and Ulam a continuous map of S^{n-1} to R^{n-1} takes one value at two antipodes.",
        commands=("aeverify width circle --latent-dim 1 --explain",),
    )


@row("T-4", "The data of the spiral, drawn again from the printed formula and seed.")
def data_again(context: AuditContext) -> Finding:
    """NumPy's generator is versioned by stream, so that the printed seed fixes every bit."""
    n, seed = context.count("n"), context.count("seed")
    turn, offset = context.number("angle_per_t"), context.number("angle_at_0")
    t = np.random.default_rng(seed).uniform(0, 1, n)
    again = np.stack([(t + 1) * np.cos(turn * t + offset), (t + 1) * np.sin(turn * t + offset)], axis=1)
    sample = context.sample(SPIRAL, "paper")
    apart = float(np.abs(again - sample.points).max()) if len(sample) == n else np.inf
    truth = manifold(SPIRAL).truth
    one = truth.dimension == 1 and not truth.closed and len(manifold(SPIRAL).components) == 1
    right = apart == 0.0 and one
    return Finding(
        AuditReason.SUPPORTED if right else AuditReason.REFUTED,
        f"The {n} points are those of the catalog's spiral, bit for bit (largest difference {apart:g}); the set is a "
        f"connected arc of dimension {truth.dimension} and length {truth.volume}.",
        (exactly("largest_difference", apart, "Float64 values of two computations, compared one by one."),),
        {"points": n, "length": truth.volume, "reach": truth.reach},
        (
            Plot(
                "data-spiral",
                "The toy data set",
                "100 points of an open spiral arc.",
                ("x1", "x2"),
                (Series("data", columns(sample.points)),),
            ),
        ),
    )


@row("T-5", "A perfect unwinding of the spiral, written down; and what training finds.")
def unwinds(context: AuditContext) -> Finding:
    """|gamma(t)| - 1 = t, so that E(x) = |x| - 1 and D = gamma are perfect; the rest is rounding."""
    pair = _unwinding()
    grid = manifold(SPIRAL).grid(2_000)
    rounding = float(pair.errors(grid.points).max())
    best = by_error(spiral_models(context))[0]
    sup = worst_error(context, best)
    width = exactly(
        "width", 0.0, "E(x) = |x| - 1 and D = gamma on [0, 1] are continuous, and D(E(gamma(t))) = gamma(t)."
    )
    found = observed("sup_error", Interval.at_least(rounding), "Largest float64 error of that pair on 2000 points.")
    if rounding > context.row.tolerance:
        return Finding(AuditReason.REFUTED, f"The pair errs by {rounding:g} on the spiral.", (found,))
    return Finding(
        AuditReason.SUPPORTED,
        "The radius less 1 is the parameter, so one number keeps everything and nothing obstructs it: the width is 0. "
        f"The best training has a worst error in {sup.interval} on the whole arc.",
        (width, found, sup),
        {"largest error of the perfect pair": rounding, "worst error of the best training": sup.interval},
    )


@row("T-6", "With an affine decoder no encoder beats PCA, so that one layer cannot unwind.")
def one_layer(context: AuditContext) -> Finding:
    """An affine decoder of one number has a line as its image; the mean squared distance to the best line is the
    smallest eigenvalue of the covariance (Eckart and Young)."""
    sample = context.sample(SPIRAL, "paper")
    floor = float(np.sqrt(pca_floor(sample.points, 1)))
    found = context.training("linear", SPIRAL, "spiral", context.either(2, 10), latent_dim=1, points="paper")
    verdicts = [context.verdict(m, SPIRAL, "pca-floor", training=sample) for m in found.models]
    errors = [measure.root_mean_squared_error(m, sample) for m in found.models]
    return agreed(
        verdicts,
        f"A line is the image of every affine decoder of one number, and no line is nearer to the data than "
        f"{floor:.4f} in the root mean square; the trained ones keep to it.",
        AuditReason.FORCED,
        figures={
            "floor of the RMSE": floor,
            **{f"RMSE of linear training {i}": e.interval for i, e in enumerate(errors)},
        },
        proof="The image of D is a line; PCA gives the line of least mean squared distance.",
        commands=("aeverify explain pca-floor",),
    )


@row("T-11", "Codes on a line, joined with the data: the figure of the codes.")
def codes_joined(context: AuditContext) -> Finding:
    """One finite number for each sample; the figure shows the mapping."""
    found = spiral_models(context)
    best = by_error(found)[0]
    codes = best.encode(found.sample.points)
    right = codes.shape == (len(found.sample), 1) and bool(np.isfinite(codes).all())
    distinct = len(np.unique(codes))
    return Finding(
        AuditReason.SUPPORTED if right else AuditReason.REFUTED,
        f"The {len(codes)} samples have {distinct} different codes of one number each, from {codes.min():.3g} to "
        f"{codes.max():.3g}.",
        (exactly("code_dimension", codes.shape[1], "Number of coordinates of a code."),),
        {"codes": len(codes), "different": distinct},
        (
            _joined("data-codes", "Data joined with their codes", found.sample, codes),
            _beside("data-reconstructed", "Data and reconstructions", found.sample, best),
        ),
    )


@row("T-12", "Order of the codes: forced up to a gap that the worst error sets, free below it.")
def order(context: AuditContext) -> Finding:
    """No two points further apart than 2 sup e share a code, so that the codes of all pairs with |s - t| > delta are in
    one order (see `order-preservation`). Where the error is large, nothing is forced, and trainings show both."""
    found = spiral_models(context)
    taus = [abs(_rank_correlation(m, found.sample)) for m in found.models]
    kept = sum(t == 1.0 for t in taus)
    figures: dict[str, Figure] = {"trainings": len(taus), "in order on the data": kept}
    gaps, counts = [], []
    for i, model in enumerate(by_error(found)[: context.either(2, 10)]):
        sup = worst_error(context, model)
        gap = measure.arc_gap_evidence(manifold(SPIRAL), sup.upper, tolerance=1e-3)
        counts.append(_violations(context, model, gap.upper))
        figures[f"pairs out of order on the arc, training {i}"] = _violations(context, model, 0.0).interval
        figures[f"of these beyond that difference, training {i}"] = counts[-1].interval
        figures[f"worst error, training {i} by its mean"] = sup.interval
        figures[f"order is forced beyond this difference of t, training {i}"] = gap.upper
        gaps.append(gap)
    plot = Plot(
        "trend-order",
        "Order and error over trainings",
        "Kendall's rank correlation of code and parameter: 1 where the whole order is kept.",
        ("RMSE", "absolute rank correlation"),
        (Series("trainings", (tuple(_errors(found)), tuple(taus)), "marker"),),
    )
    forced = gaps[0].upper < 1.0 and all(c.upper == 0 for c in counts)
    if not forced or kept == len(taus):
        text = "The trainings do not show both sides: an error small enough to force the order, and an order lost."
        return Finding(AuditReason.UNDECIDED, text, tuple(gaps), figures, (plot,))
    return Finding(
        AuditReason.LOOSE,
        f"{kept} of {len(taus)} trainings keep the order of the 100 points, the others do not. For a small error "
        "order is a general property: where the best training errs by at most "
        f"{gaps[0].details['epsilon']:.3g}, every continuous model that does has its codes in order for all parameters "
        f"more than {gaps[0].upper:.3g} apart; a perfect one has them in order altogether.",
        (gaps[0], *counts),
        figures,
        (plot,),
        premise="The worst error on the arc is not bounded; once it is at most epsilon, only pairs closer than "
        "delta(epsilon) can be out of order.",
        proof="Equal codes have one reconstruction, so that the points are within 2 epsilon; the difference of codes "
        "has no zero on the connected triangle t - s > delta, and keeps its sign.",
        commands=("aeverify explain order-preservation",),
    )


def _violations(context: AuditContext, model: Autoencoder, gap: float) -> Evidence:
    seed = context.seed.child("row", "order")
    return measure.code_order(model, manifold(SPIRAL), gap=gap, seed=seed, samples=1_000)


def _rank_correlation(model: Autoencoder, sample: Sample) -> float:
    """Kendall's, of the codes of the data with their parameters: 1 or -1 where the whole order is kept."""
    from scipy.stats import kendalltau

    return float(kendalltau(sample.parameters[:, 0], model.encode(sample.points)[:, 0]).statistic)


def _errors(found: Trained) -> list[float]:
    return [measure.root_mean_squared_error(m, found.sample).lower for m in found.models]


@row("T-13", "The printed PCA error of the spiral data, recomputed.")
def pca_again(context: AuditContext) -> Finding:
    """sqrt(sum |x - D(E(x))|^2 / N): a mean of squared norms, not of squared coordinates."""
    sample = context.sample(SPIRAL, "paper")
    (model,) = context.trained("pca", sample, latent_dim=1)
    error = measure.root_mean_squared_error(model, sample)
    printed = context.number("rmse")
    apart = max(abs(error.lower - printed), abs(error.upper - printed))
    return Finding(
        AuditReason.SUPPORTED if apart <= context.row.tolerance else AuditReason.REFUTED,
        f"PCA with one component has RMSE {error.details['value']:.16g} on the {len(sample)} points, at most "
        f"{apart:.1e} from the printed {printed:.16g}.",
        (error,),
        {"RMSE": error.interval, "printed": printed, "largest deviation": apart},
        (_beside("data-pca", "Data and reconstructions of PCA", sample, model),),
    )


@row("T-14", "Points far apart that PCA gives one code, and what that costs every decoder.")
def pca_collides(context: AuditContext) -> Finding:
    """A linear functional along the arc is not monotone, so that it takes values twice; two points x, y with one code
    leave every decoder an error of |x - y| / 2 at one of them."""
    sample = context.sample(SPIRAL, "paper")
    (model,) = context.trained("pca", sample, latent_dim=1)
    floor = measure.encoder_floor(model, manifold(SPIRAL), seed=context.seed.child("row", "T-14"))
    plot = _joined("data-codes-pca", "Data joined with their PCA codes", sample, model.encode(sample.points))
    reason = AuditReason.SUPPORTED if floor.lower > context.number("floor") else AuditReason.UNDECIDED
    return Finding(
        reason,
        f"Two points of the arc at a distance of at least {2 * floor.lower:.4g} have one PCA code, so that no decoder "
        f"of these codes has a worst error below {floor.lower:.4g}.",
        (floor,),
        {"worst error of any decoder, at least": floor.lower},
        (plot,),
    )

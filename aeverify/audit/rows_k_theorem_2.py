"""Rows of source 000 on Theorem 2: the error is small off a set as small as one likes, at the price of steepness."""

from __future__ import annotations

import math

import numpy as np

from aeverify import measure
from aeverify.audit.context import AuditContext
from aeverify.audit.cuts import joined, sphere_cut
from aeverify.audit.findings import AuditReason, Figure, Finding
from aeverify.audit.outcomes import agreed, observed
from aeverify.audit.rows import row
from aeverify.autoencoders.oracles import oracle
from aeverify.autoencoders.protocol import Autoencoder, Part
from aeverify.core.evidence import Evidence, Rigor
from aeverify.core.interval import Interval
from aeverify.core.report import Plot, Series
from aeverify.manifolds import manifold

PAPER = ("two_circles_paper_0", "two_circles_paper_1")


@row("K-11", "The same model has a small mean error and a worst error above the bound.")
def paradox(context: AuditContext) -> Finding:
    """Both must hold of each run of the paper's network."""
    epsilon = context.number("epsilon")
    verdicts = [
        context.verdict(context.fixture(n), "two_circles", "paradox", share=len(PAPER), epsilon=epsilon) for n in PAPER
    ]
    figures: dict[str, Figure] = {}
    for v in verdicts:
        for e in (v.evidence, *v.supporting):
            if e is not None:
                figures[f"{v.subject}: {e.quantity}"] = e.interval
    return agreed(
        verdicts,
        f"Both runs have a mean error below {epsilon:g} and a worst error above the bound: success on average and "
        "failure somewhere go together.",
        figures=figures,
        commands=("aeverify audit properties/ledgers/k.toml --row K-11",),
    )


@row("K-12", "For every epsilon and delta some continuous model errs by less than epsilon off a share delta.")
def small_bad_set(context: AuditContext) -> Finding:
    """The cut oracle of half-width h is exact off two arcs of a share h / pi, so that h < pi delta will do for every
    epsilon; its bad share is known in closed form, and drawn points agree. Trained runs are held to `theorem-2`."""
    evidence: list[Evidence] = []
    figures: dict[str, Figure] = {}
    wanted = [(float(e), float(d)) for e, d in context.listed("pairs")]
    for epsilon, delta in wanted:
        model = oracle(f"cut_two_circles:half_width={0.9 * math.pi * delta!r}")
        share = model.truth.bad_share(epsilon)
        assert share is not None
        drawn = measure.bad_set(
            model,
            manifold("two_circles"),
            epsilon,
            seed=context.seed.child("row", context.row.id, repr(delta)),
            draws=context.effort.draws,
            alpha=context.alpha / (len(wanted) + len(PAPER)),
        )
        figures[f"share with e > {epsilon:g}, asked <= {delta:g}"] = share
        evidence.append(Evidence("bad_set_measure", share, Rigor.EXACT, f"Closed form for {model.name}."))
        if share.upper > delta or not drawn.interval.intersects(share):
            return Finding(AuditReason.REFUTED, f"{model.name} has a share of {share}.", (drawn,), figures)
    sample = context.sample("two_circles")
    verdicts = [
        context.verdict(context.fixture(n), "two_circles", "theorem-2", training=sample, share=len(wanted) + len(PAPER))
        for n in PAPER
    ]
    for v in verdicts:
        if v.evidence is not None:
            figures[f"trained: {v.subject}"] = v.evidence.interval
    return agreed(
        verdicts,
        f"For each of {len(wanted)} pairs (epsilon, delta) a hand-made continuous model has a bad share below delta, "
        "known in closed form; the construction works for every delta. The two trained runs are such models for "
        "epsilon = 0.1 and delta = 0.05.",
        first=tuple(evidence),
        figures=figures,
        proof="Cut each circle at one point and open the cut to an arc of a share below delta.",
    )


@row("K-13", "The bad set can avoid any finite set.")
def avoids_finite_set(context: AuditContext) -> Finding:
    """Points S of the circle; the middle of their largest gap is turned to the cut of the cut oracle, whose half-width
    is a third of the gap. Then S lies off the tear, where the oracle is exact."""
    figures: dict[str, Figure] = {}
    evidence: list[Evidence] = []
    rng = context.rng("points")
    for count in context.listed("counts"):
        angles = np.sort(rng.uniform(-math.pi, math.pi, int(count)))
        gaps = np.diff(np.append(angles, angles[0] + 2 * math.pi))
        wide = int(gaps.argmax())
        turned = angles - (angles[wide] + gaps[wide] / 2) + math.pi
        model = oracle(f"cut:half_width={max(float(gaps[wide]) / 3, 1e-12)!r}")
        found = measure.training_error(model, np.column_stack([np.cos(turned), np.sin(turned)]))
        share = model.truth.bad_share(context.number("epsilon"))
        assert share is not None
        figures[f"largest error on {count} points"] = found.interval
        figures[f"share of the bad set beside {count} points"] = share
        evidence.append(Evidence("bad_set_measure", share, Rigor.EXACT, f"Closed form, {count} points avoided."))
        if found.interval.upper > 1e-9:
            return Finding(AuditReason.REFUTED, f"{count} points were not avoided.", (found,), figures)
        evidence.append(found)
    return Finding(
        AuditReason.SUPPORTED,
        "For each set of drawn points the cut was turned into their largest gap: the error at all of them is rounding, "
        "and the bad set is an arc within the gap. It works for any finite set, and the arc may be as small as one "
        "likes.",
        tuple(evidence),
        figures,
        proof="A finite set leaves gaps on a circle; put the tear into one.",
    )


@row("K-14", "Components of different dimensions, with and without boundary.")
def mixed_dimensions(context: AuditContext) -> Finding:
    """A sphere, an arc of a circle's plane and a circle in R^3 with codes in R^2, each with its own map in its own
    disc: the smooth cut of the sphere, and coordinates of a plane for the others."""
    spec = context.text("set")
    space = manifold(spec)
    h = context.number("half_width")
    flat = Autoencoder.from_callables(
        lambda x: x[:, :2].copy(),
        lambda z: np.column_stack([z, np.zeros(len(z))]),
        ambient_dim=3,
        latent_dim=2,
        name="plane",
        continuous=True,
    )
    centers = np.array([[float(c), 0.0, 0.0] for c in context.listed("centers")])
    model = joined([sphere_cut(2, h), flat, flat], centers, f"{len(centers)} components, each in its own disc")
    epsilon, delta = context.number("epsilon"), context.number("delta")
    dims = [c.truth.dimension for c in space.components]
    bad = measure.bad_set(
        model, space, epsilon, seed=context.seed.child("row", "K-14"), draws=context.effort.draws, alpha=context.alpha
    )
    return Finding(
        AuditReason.SUPPORTED if bad.upper < delta else AuditReason.UNDECIDED,
        f"A union of components of dimensions {dims}, with and without boundary: the share with e > {epsilon:g} is "
        f"{bad.interval}, asked below {delta:g}. The codes of the components lie in disjoint discs.",
        (bad,),
        {"bad share": bad.interval, "asked": delta},
        proof="Each component is cut and mapped into its own disc (Lemma 2).",
    )


@row("K-15", "Wider networks get closer: the bad share falls with the width.")
def wider_is_better(context: AuditContext) -> Finding:
    """Kendall's tau of the bad share of the best of several seeds against the width.

    The property itself is one of the class of functions (density), and training need not find what the class holds:
    what is measured is an upper bound of what a width can do.
    """
    if context.quick:
        return context.needs_full("networks of several widths, several seeds each, trained to the end.")
    epsilon = context.number("epsilon")
    best: list[Evidence] = []
    figures: dict[str, Figure] = {}
    widths = [int(w) for w in context.listed("widths")]
    for width in widths:
        models = context.trained(
            f"mlp:hidden=[{width},{width}]", "two_circles", "default", context.count("seeds"), latent_dim=1
        )
        shares = [
            measure.bad_set(m, manifold("two_circles"), epsilon, alpha=context.alpha, tolerance=1e-6, time_budget=2.0)
            for m in models
        ]
        if not shares:
            return Finding(AuditReason.UNDECIDED, f"Every training of width {width} diverged.")
        least = min(shares, key=lambda e: e.upper)
        best.append(observed("minus_bad_share", Interval(-least.upper, -least.lower), least.method))
        figures[f"smallest bad share, width {width}"] = least.interval
    trend = measure.kendall_tau(best)
    figures["Kendall's tau"] = trend.interval
    falls = trend.lower > context.number("tau")
    line = Series(
        "best of the seeds",
        (tuple(float(w) for w in widths), tuple(max(-e.lower, 1e-9) for e in best)),
        "line",
    )
    plot = Plot("bad-share-by-width", "Bad share against the width", "Smallest share over the seeds.",
                ("width", "share"), (line,), log_axes=(0, 1))  # fmt: skip
    return Finding(
        AuditReason.SUPPORTED if falls else AuditReason.UNDECIDED,
        f"Smallest share of {len(widths)} widths: tau {trend.interval}. Density is a property of the class; a trained "
        "network only shows what can be reached, not what cannot.",
        (trend, *best),
        figures,
        (plot,),
    )


@row("K-16", "For a finite training set some model has a small error on it and a small bad set on all of K.")
def generalises(context: AuditContext) -> Finding:
    """The trained runs are such models, by fresh draws or boxes; a memoriser shows that not every model with a small
    training error is one: the statement is on existence."""
    sample = context.sample("two_circles")
    names = [(context.fixture(n)) for n in PAPER]
    verdicts = [context.verdict(m, "two_circles", "theorem-2", training=sample, share=len(PAPER) + 1) for m in names]
    few = context.sample("circle", context.count("few"))
    (by_heart,) = context.trained("memoriser", few, latent_dim=1)
    fitted = measure.training_error(by_heart, few)
    unseen = measure.bad_set(
        by_heart,
        manifold("circle"),
        context.number("epsilon"),
        seed=context.seed.child("row", context.row.id),
        draws=context.effort.draws,
        alpha=context.alpha / (len(PAPER) + 1),
    )
    figures: dict[str, Figure] = {v.subject: v.evidence.interval for v in verdicts if v.evidence is not None}
    figures |= {
        f"memoriser: largest error on its {len(few)} points": fitted.interval,
        "memoriser: share of the circle with a large error": unseen.interval,
    }
    return agreed(
        verdicts,
        "There is such a model: both runs err little on the training points, and on all of K but a share that was "
        f"bounded. It is a statement on existence: a memoriser of {len(few)} points has no training error and a bad "
        f"share of {unseen.interval}, so that a small training error alone promises nothing.",
        figures=figures,
    )


@row("K-17", "A smaller bad set needs a larger Lipschitz constant.")
def price_of_smallness(context: AuditContext) -> Finding:
    """The cut of half-width h has the bad share (2 h / pi^2) arccos(t / 2) on a tear of slope pi / h - 1: the constant
    grows like one over the share. The law that every model obeys is `lipschitz-price`."""
    tears = [float(h) for h in context.listed("half_widths")]
    models: list[Autoencoder] = [oracle(f"cut:half_width={h!r}") for h in tears]
    trained = context.trained("mlp:hidden=[32,32]", "circle", "quick", 1, latent_dim=1, points=200)
    verdicts = [context.verdict(m, "circle", "lipschitz-price", share=len(tears) + 1) for m in (*models, *trained)]
    figures: dict[str, Figure] = {}
    for v in verdicts:
        if v.evidence is not None and v.threshold is not None:
            figures[f"Lipschitz constant, {v.subject}"] = v.evidence.interval
            figures[f"what its bad set asks for, {v.subject}"] = v.threshold.lower
    steep, level = [], []
    for h in (*tears, *map(float, context.parameter("narrower"))):
        cut = oracle(f"cut:half_width={h!r}")
        constant, share = cut.lipschitz(Part.RECONSTRUCTION), cut.truth.bad_share(0.5)
        if constant is not None and share is not None:
            steep.append(constant.upper)
            level.append(share.upper)
    slope = float(np.polyfit(np.log(level), np.log(steep), 1)[0])
    figures["slope of log L over log share"] = slope
    plot = Plot(
        "price-of-a-small-bad-set",
        "Lipschitz constant against the bad share",
        "Cut oracles of falling half-width; the price grows like one over the share.",
        ("bad share", "Lipschitz constant"),
        (Series("cut oracles", (tuple(level), tuple(steep)), "line"),),
        log_axes=(0, 1),
    )
    return agreed(
        verdicts,
        f"Every model pays at least what its bad set asks for; on the cut oracles log L falls with slope {slope:.3f} "
        "over the log of the share (-1 in the limit).",
        AuditReason.FORCED,
        figures=figures,
        plots=(plot,),
        proof="An (L + 1)-Lipschitz error that reaches B exceeds B / 2 on a ball of radius B / (2 L + 2).",
    )

"""Rows of source 002 on copying: what autoencoders cannot copy, what they copy too well, and what that is worth."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from aeverify import measure, widths
from aeverify.audit.context import AuditContext
from aeverify.audit.findings import AuditReason, Figure, Finding
from aeverify.audit.outcomes import observed
from aeverify.audit.rows import row
from aeverify.autoencoders.kinds import kind
from aeverify.autoencoders.kinds.memoriser import MemoriserAutoencoder
from aeverify.autoencoders.linear import PcaAutoencoder
from aeverify.autoencoders.oracles import oracle
from aeverify.autoencoders.protocol import Autoencoder
from aeverify.core.interval import Interval
from aeverify.core.verdict import Outcome
from aeverify.manifolds import manifold

FloatArray = NDArray[np.float64]
SMALL = "mlp:hidden=[32,32]"


def copier(ambient_dim: int, latent_dim: int) -> Autoencoder:
    """The linear autoencoder whose first n codes are the inputs, and whose others are 0: an exact copy, m >= n."""
    import torch

    from aeverify.autoencoders.forms import marked

    shapes = ((ambient_dim, latent_dim), (latent_dim, ambient_dim))
    encoder, decoder = (torch.nn.Linear(a, b, device="meta").to_empty(device="cpu") for a, b in shapes)
    with torch.no_grad():
        for layer in (encoder, decoder):
            layer.weight.copy_(torch.eye(*layer.weight.shape))
            layer.bias.zero_()
    if latent_dim > ambient_dim:
        # a kind by whose name more codes than inputs are asked for, and no mistake
        marked(encoder, str(kind("overcomplete:hidden=[]", ambient_dim=ambient_dim, latent_dim=latent_dim)))
    return Autoencoder.from_modules(encoder, decoder, name=f"copier {ambient_dim}-{latent_dim}")


@row("S-2", "One code of an arc ranges over an interval; two codes of a knot cross.")
def codes_form_a_manifold(context: AuditContext) -> Finding:
    """The image of a compact manifold under an injective continuous map is homeomorphic to it. Without injectivity it
    need not be a manifold: the two PCA codes of a knot are a plane curve with crossings, where two distant points share
    a code (`injectivity-gap` fails with the pair as its witness)."""
    arc, knot = context.text("arc"), context.text("knot")
    (model,) = context.trained(SMALL, arc, latent_dim=1)
    wide = context.number("order_gap")
    ordered = measure.code_order(model, manifold(arc), gap=wide, seed=context.seed.child("row", "S-2"))
    (flat,) = context.trained("pca", knot, latent_dim=2)
    gap = context.verdict(flat, knot, "injectivity-gap", rho=context.number("rho"), gap=0.01)
    codes, points = _crossing(context, flat, knot)
    apart = observed("distance_of_points_with_one_code", Interval.exactly(points), "float64, a root of E(s) - E(t).")
    meets = observed("distance_of_their_codes", Interval.exactly(codes), "float64, the same root.")
    found = gap.outcome is Outcome.FAIL
    found = found and codes <= context.row.tolerance and points >= context.number("rho")
    return Finding(
        AuditReason.LOOSE if found else AuditReason.UNDECIDED,
        f"One code of {arc} ranges over an interval, as of any arc. Two points of {knot}, {points:.4g} apart, have "
        f"PCA codes {codes:.1e} apart: the curve of codes meets itself, and has four ends at the crossing, which no "
        "curve that is a manifold has.",
        (apart, meets, ordered),
        {"pairs of the arc in the wrong order": ordered.interval, gap.claim.id: str(gap.outcome)},
        premise="the encoder is injective on the data" if found else "",
    )


def _crossing(context: AuditContext, model: Autoencoder, spec: str) -> tuple[float, float]:
    """Distances of the codes and of the points at a root of E(x(s)) - E(x(t)) that is not s = t, from the pair of nodes
    far apart on the curve whose codes are nearest."""
    from scipy.optimize import root as solve

    chart = manifold(spec).components[0].chart
    grid = manifold(spec).grid(400)
    codes = model.encode(grid.points)
    near = np.linalg.norm(codes[:, None] - codes[None], axis=2)
    far = np.linalg.norm(grid.points[:, None] - grid.points[None], axis=2) >= context.number("rho")
    i, j = np.unravel_index(int(np.where(far, near, np.inf).argmin()), near.shape)

    def off(pair: FloatArray) -> FloatArray:
        both = model.encode(chart.embed(chart.wrap(pair[:, None])))
        difference: FloatArray = both[0] - both[1]
        return difference

    root = np.asarray(solve(off, [grid.parameters[i, 0], grid.parameters[j, 0]], tol=1e-14).x)
    pair = chart.embed(chart.wrap(root[:, None]))
    return float(np.linalg.norm(off(root))), float(np.linalg.norm(pair[0] - pair[1]))


@row("S-6", "A network of one set is bad on another.")
def data_specific(context: AuditContext) -> Finding:
    """`data-specificity`: errors at most epsilon on the own set, above it on the other, each but for a share."""
    spec, other = context.text("set"), context.text("other")
    found = context.training(SMALL, spec, latent_dim=1, restarts=context.either(1, 10))
    settings = {"other": other, "epsilon": context.parameter("epsilon")}
    verdicts = [
        context.verdict(m, spec, "data-specificity", share=2 * len(found.models), **settings) for m in found.models
    ]
    right = bool(verdicts) and all(v.outcome is Outcome.PASS for v in verdicts)
    evidence = tuple(v.evidence for v in verdicts if v.evidence is not None)
    return Finding(
        AuditReason.SUPPORTED if right else AuditReason.UNDECIDED,
        f"{len(verdicts)} networks trained on {spec}, {other} in the place of the trees: {verdicts[0].message}",
        evidence,
    )


@row("S-10", "A linear autoencoder of a segment is exact on another segment of the same line.")
def only_the_training_distribution(context: AuditContext) -> Finding:
    """Counterexample to "only": PCA with one code reproduces every point of its line, so that it compresses a segment
    that is disjoint from its data, far away, without loss. On a set that leaves the line it is bad."""
    rng = context.rng("data")
    direction = np.array([3.0, 4.0]) / 5.0
    data, far = (np.outer(t, direction) for t in (rng.uniform(0, 1, 200), rng.uniform(100, 101, 200)))
    model = PcaAutoencoder.fit(data, 1)
    own, elsewhere = (measure.training_error(model, x) for x in (data, far))
    spec, other = context.text("set"), context.text("other")
    (network,) = context.trained(SMALL, spec, latent_dim=1)
    bad = context.study(network, other).bad_set(context.number("epsilon"))
    exact = elsewhere.upper <= context.row.tolerance and bad.lower > 0.5
    return Finding(
        AuditReason.LOOSE if exact else AuditReason.UNDECIDED,
        f"PCA of a segment has an error of at most {elsewhere.upper:.1e} on a segment 100 lengths away. A network of "
        f"{spec} has an error above {context.parameter('epsilon')} on a share of {other} in {bad.interval}.",
        (elsewhere, own, bad),
        {"error on its own segment": own.interval, "error on the far segment": elsewhere.interval},
        premise="the model is nonlinear, and other inputs are not near the points that it maps to themselves"
        if exact
        else "",
    )


@row("S-7", "Lossy on a closed curve, lossless on an arc.")
def lossy(context: AuditContext) -> Finding:
    """On a closed set with as many codes as dimensions the worst error is at least the width, whatever the network. On
    an arc a continuous pair is exact: the arc's own parameter as code."""
    closed = context.text("closed")
    bound = widths.best_lower(closed, 1)
    model, arc = oracle("spiral_arc"), context.text("arc")
    error = measure.training_error(model, context.sample(arc, 1_000, "S-7"))
    both = bound.lower > 0 and error.upper <= context.row.tolerance
    return Finding(
        AuditReason.LOOSE if both else AuditReason.UNDECIDED,
        f"With one code every continuous autoencoder of {closed} has a worst error of at least {bound.lower:.6g}; on "
        f"{arc} the code t -> point(t) is exact (error at most {error.upper:.1e} in float64).",
        (bound, error),
        premise="the data are not homeomorphic to a subset of the code space, or the networks are not exact there"
        if both
        else "",
        proof=str(bound.details.get("proof", "")),
        commands=(f"aeverify width '{closed}' --latent-dim 1 --explain",),
    )


@row("S-8", "With fewer codes than inputs no continuous model copies everything; with as many a linear one does.")
def unable_to_copy(context: AuditContext) -> Finding:
    """Undercomplete: E is continuous on every circle of radius r, which it cannot map injectively to R^1, and in
    general on every sphere of R^n (Borsuk-Ulam): two antipodes share a code and one of them errs by r or more, for
    every r. Not undercomplete: the identity is linear. So it is a matter of the code's dimension."""
    circle = context.text("circle")
    bound = widths.best_lower(circle, 1)
    (model,) = context.trained(SMALL, circle, latent_dim=1, points=100)
    ratio = context.verdict(model, circle, "no-copying", noise=context.number("noise"))
    copy = copier(2, 2)
    exact = measure.training_error(copy, context.rng("points").uniform(-1.0, 1.0, (1_000, 2)))
    both = bound.lower > 0 and exact.upper <= context.row.tolerance
    evidence = (bound, exact, *((ratio.evidence,) if ratio.evidence is not None else ()))
    return Finding(
        AuditReason.LOOSE if both else AuditReason.UNDECIDED,
        f"One code for the plane: an error of at least r on every circle of radius r ({bound.lower:g} for r = 1), so "
        f"without bound. Two codes: the identity is exact everywhere (at most {exact.upper:.1e} with the allowance "
        "for rounding). A trained network copies noise with a probability in "
        f"{ratio.evidence.interval if ratio.evidence else 'unknown'}.",
        evidence,
        premise="the code has fewer numbers than the input, or a penalty forbids copying" if both else "",
        proof="On the circle of radius r some antipodes x, -x share a code (Borsuk-Ulam); one of them errs by r.",
    )


@row("S-11", "A code with room for every input can be the input.")
def overcomplete_copies(context: AuditContext) -> Finding:
    """The copier: code j is input j, the rest is 0. Exact everywhere, and its codes say nothing of the data: noise is
    copied with probability 1 (`no-copying` fails)."""
    spec, m = context.text("set"), context.count("latent_dim")
    points = context.rng("points").normal(size=(1_000, 2))
    model = copier(2, m)
    codes = model.encode(points)
    moved = float(np.abs(codes[:, :2] - points).max()) + float(np.abs(codes[:, 2:]).max())
    exact = measure.training_error(model, points)
    flagged = context.verdict(model, spec, "no-copying", noise=context.number("noise"))
    right = moved == 0.0 and exact.upper <= context.row.tolerance and flagged.outcome is Outcome.FAIL
    evidence = (exact, *((flagged.evidence,) if flagged.evidence is not None else ()))
    return Finding(
        AuditReason.SUPPORTED if right else AuditReason.UNDECIDED,
        f"With {m} codes for 2 inputs the first two can be the inputs themselves, bit by bit; noise is copied with a "
        f"probability in {flagged.evidence.interval if flagged.evidence else 'unknown'}.",
        evidence,
        {"codes less inputs": moved},
    )


@row("S-20", "The i-th training point on the number i and back.")
def indices(context: AuditContext) -> Finding:
    """A linear functional that tells the points apart, then the polyline that takes its i-th value to i, is a
    continuous code; the polyline through the points decodes. Both are exact at the training points, and it fails
    between them. Its price: Lip(D) (N - 1) is at least the length of a spanning tree (`measure.decoder_travel`)."""
    spec, count = context.text("set"), context.count("points")
    data = context.sample(spec, count, "S-20")
    base = MemoriserAutoencoder.fit(data.points, context.seed.child("row", "S-20"))
    numbers = np.arange(len(base.codes), dtype=np.float64)

    def encode(x: FloatArray) -> FloatArray:
        return np.interp(base.encode(x)[:, 0], base.codes, numbers)[:, None]

    def decode(z: FloatArray) -> FloatArray:
        return np.stack([np.interp(z[:, 0], numbers, column) for column in base.points.T], axis=1)

    n = data.points.shape[1]
    model = Autoencoder.from_callables(encode, decode, ambient_dim=n, latent_dim=1, name="indices", continuous=True)
    codes = np.sort(model.encode(data.points)[:, 0])
    off = float(np.abs(codes - numbers).max())
    fitted = measure.training_error(model, data)
    bad = measure.bad_set(
        model,
        manifold(spec),
        context.number("level"),
        seed=context.seed.child("row", "S-20"),
        draws=context.effort.draws,
        alpha=context.alpha,
    )
    travel, tour = measure.decoder_travel(model, data.points)
    fails = bad.lower >= context.number("fails_on")
    right = off <= context.row.tolerance and fitted.upper <= context.row.tolerance and fails
    return Finding(
        AuditReason.SUPPORTED if right else AuditReason.UNDECIDED,
        f"{len(codes)} points of {spec} have the codes 0, 1, 2, ... to {off:.1e} and come back with an error of at "
        f"most {fitted.upper:.1e}; on the set the error exceeds {context.parameter('level')} on a share in "
        f"{bad.interval}.",
        (fitted, bad, tour),
        {"constant of the decoder times code range, at least": travel.lower, "tour of the points": tour.interval},
    )


@row("S-22", "Three oracles that fail as listed are flagged; a trained overcomplete network is not one of them.")
def listed_failures(context: AuditContext) -> Finding:
    """Each of the three cases has a model that learned nothing, and a check that says so: the memoriser, the identity,
    the overcomplete copier. That a network of such a shape must fail is another matter: one that was trained on the
    squared error alone, with more codes than inputs, is asked whether it denoises."""
    spec = context.text("set")
    few = context.sample(spec, context.count("points"), "S-22")
    (memory,) = context.trained("memoriser", few, latent_dim=1)
    n = few.points.shape[1]
    noise = context.number("noise")
    flagged = {
        "1. capacity (memoriser)": context.verdict(memory, spec, "memorisation", training=few, share=4),
        "2. as many codes as inputs (identity)": context.verdict(
            copier(n, n), spec, "no-copying", share=4, noise=noise
        ),
        "3. more codes than inputs (copier)": context.verdict(
            copier(n, 2 * n), spec, "no-copying", share=4, noise=noise
        ),
    }
    (trained,) = context.trained(
        context.text("model"), spec, latent_dim=context.count("latent_dim"), points=100,
        **context.table("recipe"),
    )  # fmt: skip
    useful = context.verdict(trained, spec, "untrained-denoising", noise=noise, levels=1, share=4)
    figures: dict[str, Figure] = {name: f"{v.outcome}: {v.claim.id}" for name, v in flagged.items()}
    figures["trained, overcomplete, no penalty"] = f"{useful.outcome}: {useful.claim.id}"
    all_flagged = all(v.outcome is Outcome.FAIL for v in flagged.values())
    evidence = tuple(v.evidence for v in (*flagged.values(), useful) if v.evidence is not None)
    loose = all_flagged and useful.outcome is Outcome.PASS
    reason = AuditReason.LOOSE if loose else AuditReason.SUPPORTED if all_flagged else AuditReason.UNDECIDED
    return Finding(
        reason,
        "The memoriser, the identity and the overcomplete copier are each flagged. An overcomplete network trained "
        f"without any penalty comes out {useful.outcome} on denoising at noise {noise:g}: {useful.message}",
        evidence,
        figures,
        premise="training in fact ends at a copy: each case has such a minimum, and other minima too" if loose else "",
    )

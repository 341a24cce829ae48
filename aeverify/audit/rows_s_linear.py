"""Rows of source 002 on structure and on linear maps: PCA, scaling, composition, tied weights, XOR."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from aeverify import measure
from aeverify.audit.context import AuditContext
from aeverify.audit.findings import AuditReason, Figure, Finding
from aeverify.audit.outcomes import exactly, observed
from aeverify.audit.rows import row
from aeverify.autoencoders.linear import PcaAutoencoder
from aeverify.autoencoders.networks import ModuleAutoencoder
from aeverify.core.evidence import Citation
from aeverify.core.interval import Interval
from aeverify.core.verdict import Outcome

FloatArray = NDArray[np.float64]

DE_LEEUW = Citation(
    "J. de Leeuw, Applications of convex analysis to multidimensional scaling, 1977",
    "",
    "each step of the majorisation algorithm does not raise the stress",
)


@row("S-3", "Captured variance and squared error add up to the total variance, for every projection.")
def variance_and_error(context: AuditContext) -> Finding:
    """For an orthogonal projector P and centred x, |x|^2 = |P x|^2 + |x - P x|^2, so that the two optima are the same.
    Checked on random data and random subspaces: the sum is the total, none captures more than PCA or errs less."""
    rng = context.rng("data")
    off, beaten, trials = 0.0, 0, int(context.either(200, 20_000))
    n, m = 6, 2
    x = rng.standard_normal((50, n)) @ rng.standard_normal((n, n))
    x -= x.mean(0)
    total = float((x**2).sum() / len(x))
    model = PcaAutoencoder.fit(x, m)
    best = float((model.errors(x) ** 2).mean())
    for _ in range(trials):
        basis = np.linalg.qr(rng.standard_normal((n, m)))[0]
        captured = float(((x @ basis) ** 2).sum() / len(x))
        error = float(((x - x @ basis @ basis.T) ** 2).sum() / len(x))
        off = max(off, abs(captured + error - total) / total)
        beaten += error < best * (1 - 1e-12) or captured > (total - best) * (1 + 1e-12)
    right = off <= context.row.tolerance and beaten == 0
    return Finding(
        AuditReason.SUPPORTED if right else AuditReason.REFUTED,
        f"Variance and error add up to the total variance to {off:.1e} for {trials} random planes of R^{n}, none of "
        "which is better than PCA in either sense. The projection has to be orthogonal and the data centred.",
        (observed("deviation_of_the_sum", Interval(0.0, off), f"float64, {trials} random subspaces."),),
        {"total variance": total, "error of PCA": best},
        proof="|x|^2 = |P x|^2 + |x - P x|^2 for an orthogonal projector P (Pythagoras).",
    )


@row("S-4", "Scaling by majorisation ends below the stress of PCA and of a network, and not always in one place.")
def scaling(context: AuditContext) -> Finding:
    """Stress: the sum of (|y_i - y_j| - |x_i - x_j|)^2 over pairs. Majorisation (de Leeuw) never raises it, so that it
    ends no higher than PCA or the network that it starts from. From random starts it ends in several places, and which
    of them is the best possible is not known."""
    spec = context.text("set")
    points = context.sample(spec, context.count("points"), "S-4").points
    (network,) = context.trained("mlp:hidden=[32,32]", spec, latent_dim=1)
    target = _distances(points)
    rng = context.rng("starts")
    starts = {"PCA": PcaAutoencoder.fit(points, 1).encode(points), "network": network.encode(points)}
    for i in range(context.either(4, 20)):
        starts[f"random {i}"] = rng.standard_normal((len(points), 1))
    ends, figures = {}, dict[str, Figure]()
    for name, codes in starts.items():
        fitted = codes * float((target * _distances(codes)).sum() / (_distances(codes) ** 2).sum())
        ends[name] = _stress(target, _majorised(target, fitted, context.either(200, 2_000)))
        figures[f"stress of {name}"] = _stress(target, fitted)
        figures[f"stress after scaling from {name}"] = ends[name]
    below = all(ends[name] <= figures[f"stress of {name}"] for name in ("PCA", "network"))  # type: ignore[operator]
    several = max(ends.values()) > 1.01 * min(ends.values())
    least = min(ends.values())
    return Finding(
        AuditReason.LOOSE if below and several else AuditReason.UNDECIDED,
        f"Scaling ends at a stress of {ends['PCA']:.5g} from PCA and {ends['network']:.5g} from a network's codes, "
        f"below both; {len(starts)} starts end between {least:.5g} and {max(ends.values()):.5g}.",
        (observed("stress", Interval.exactly(least), "float64, the least over the starts."),),
        figures,
        citations=(DE_LEEUW,),
        premise="the global minimum of the stress is found, which descent does not promise"
        if below and several
        else "",
    )


def _distances(rows: FloatArray) -> FloatArray:
    found: FloatArray = np.linalg.norm(rows[:, None] - rows[None], axis=2)
    return found


def _stress(target: FloatArray, codes: FloatArray) -> float:
    return float(((_distances(codes) - target) ** 2).sum() / 2.0)


def _majorised(target: FloatArray, codes: FloatArray, steps: int) -> FloatArray:
    """The codes after steps of the Guttman transform, y <- B(y) y / N."""
    for _ in range(steps):
        now = _distances(codes)
        b = -np.divide(target, now, out=np.zeros_like(now), where=now > 0)
        np.fill_diagonal(b, 0.0)
        np.fill_diagonal(b, -b.sum(1))
        codes = b @ codes / len(codes)
    return codes


@row("S-5", "The output is the decoder at the code, for models of several kinds.")
def two_parts(context: AuditContext) -> Finding:
    """By definition; checked bit by bit on fitted and trained models, so that codes are all that the decoder sees."""
    models = [context.trained(kind, context.text("set"), latent_dim=1)[0] for kind in context.listed("kinds")]
    points = context.sample(context.text("set"), 200, "S-5").points
    off = max(float(np.abs(m.reconstruct(points) - m.decode(m.encode(points))).max()) for m in models)
    return Finding(
        AuditReason.FORCED if off == 0.0 else AuditReason.REFUTED,
        f"r = g(f(x)) bit by bit for {len(models)} models. This is what an autoencoder is called, and says nothing "
        "more.",
        (observed("deviation", Interval.exactly(off), f"float64, {len(points)} points, {len(models)} models."),),
        proof="A definition.",
    )


@row(
    "S-15",
    "A linear decoder spans the principal subspace where there is an eigengap, and need not where there is none.",
)
def same_subspace(context: AuditContext) -> Finding:
    """With an eigengap the angle is bounded by the excess error (`measure.subspace`). Without one every plane is as
    good as every other: two linear codes of a circle, of different directions, have the same error, which is the
    optimum."""
    gapped, round_set = context.text("gapped"), context.text("round")
    (model,) = context.trained("mlp:hidden=[]", gapped, latent_dim=2, points=300, epochs=2000)
    data = context.sample(gapped, 300)
    verdict = context.verdict(model, gapped, "pca-subspace", training=data, tolerance=context.number("sine"))
    grid = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]])
    lines = (np.array([1.0, 0.0]), np.array([0.0, 1.0]))
    errors = [float(((grid - np.outer(grid @ u, u)) ** 2).sum() / len(grid)) for u in lines]
    same = errors[0] == errors[1]
    gap = measure.eigengap(context.sample(round_set, 1000).points, 1)
    assert verdict.evidence is not None
    right = verdict.outcome is Outcome.PASS and same
    return Finding(
        AuditReason.LOOSE if right else AuditReason.UNDECIDED,
        f"On {gapped} the sine of the largest angle is at most {verdict.evidence.upper:.3g}. On four points of a "
        "circle two perpendicular lines have the same, optimal error: a linear autoencoder may span either.",
        (
            verdict.evidence,
            exactly("difference_of_errors", abs(errors[0] - errors[1]), "Two lines through four points: integers."),
            *verdict.supporting,
        ),
        {
            "sine of the largest angle": verdict.evidence.interval,
            "relative eigengap, 1000 points of a circle": gap.interval,
        },
        premise="the covariance has an eigengap at m, and training ends near the optimum" if right else "",
        proof="max sin^2 theta <= (error - floor)/(l_m - l_{m+1}).",
    )


@row("S-16", "A network has a smaller error than PCA on a curved set.")
def beats_pca(context: AuditContext) -> Finding:
    """`beats-pca`: the mean squared error of a trained network is at most a share of the PCA floor, which no affine
    decoder goes below. That high capacity is not desirable is judged in the rows on failures."""
    spec = context.text("set")
    found = context.training("mlp:hidden=[32,32]", spec, latent_dim=1, restarts=context.either(1, 10))
    verdicts = [context.verdict(m, spec, "beats-pca", training=found.sample) for m in found.models]
    evidence = tuple(v.evidence for v in verdicts if v.evidence is not None)
    right = bool(verdicts) and all(v.outcome is Outcome.PASS for v in verdicts)
    return Finding(
        AuditReason.SUPPORTED if right else AuditReason.UNDECIDED,
        f"{len(verdicts)} networks on {spec}: mean squared error at most {max(e.upper for e in evidence):.3g}. "
        f"{verdicts[0].message}",
        evidence,
    )


@row(
    "S-17",
    "The printed order of composition maps codes to codes, and its loss is zero for a model that copies nothing.",
)
def order_of_composition(context: AuditContext) -> Finding:
    """With f: X -> h and g: h -> X as printed, (f o g) takes codes, so that (f o g) X has a meaning only where codes
    and points are of one space. There too it is another function: for f = first coordinate and then 0, as integer
    matrices F, G, F G != G F. And for a code of one number, F = (1 0), G = (1 0)^T: F G = 1, a perfect copy of the
    code, while G F leaves out the second coordinate of every point."""
    f, g = np.array([[1, 0]]), np.array([[1], [0]])
    on_codes, on_points = f @ g, g @ f
    square_f, square_g = np.array([[0, 1], [0, 0]]), np.array([[1, 0], [0, 0]])
    commutator = square_f @ square_g - square_g @ square_f
    x = np.array([int(v) for v in context.listed("x")])
    lost = int(((x - on_points @ x) ** 2).sum())
    wrong = int(on_codes[0, 0]) == 1 and lost > 0 and bool(commutator.any())
    return Finding(
        AuditReason.REFUTED if wrong else AuditReason.UNDECIDED,
        f"F = (1 0), G = (1 0)^T: F G = {on_codes.tolist()} is the identity of codes, so that the printed order finds "
        f"no fault, while |x - G F x|^2 = {lost} at x = {x.tolist()}. The reconstruction is g(f(x)), (g o f)(x), as "
        "the slides print elsewhere.",
        (
            exactly("squared_error_of_g_after_f", lost, "Integer matrices, by hand."),
            exactly("entries_where_fg_and_gf_differ", int(np.count_nonzero(commutator)), "Two integer matrices."),
        ),
        proof="f o g maps codes to codes; with f: R^2 -> R and g: R -> R^2 it cannot be applied to X in R^2.",
    )


@row("S-18", "Tied weights are one matrix and its transpose; free ones are another model, with another loss.")
def tied_weights(context: AuditContext) -> Finding:
    """The slide writes the decoder with W' and then the loss with W^t. For the tied kind the two agree exactly after
    training. For free weights the printed loss is not the model's: both are evaluated on one trained network."""
    spec = context.text("set")
    (tied,) = context.trained("tied:hidden=[]", spec, latent_dim=2, **context.table("recipe"))
    (free,) = context.trained("mlp:hidden=[],latent_dim=2", spec, epochs=200)
    w, back, _ = _layers(tied)
    off = float(np.abs(back - w.T).max())
    v, other, (b, c) = _layers(free)
    points = context.sample(spec).points
    own = float(((points - ((points @ v.T + b) @ other.T + c)) ** 2).sum(1).mean())
    printed = float(((points - ((points @ v.T + b) @ v + c)) ** 2).sum(1).mean())
    right = off == 0.0 and printed > own
    return Finding(
        AuditReason.LOOSE if right else AuditReason.REFUTED,
        f"Tied after training: |W' - W^t| = {off:g}. With free weights the loss is {own:.4g}, while the printed "
        f"formula gives {printed:.4g} for the same network.",
        (
            exactly("difference_of_tied_weights", off, "Stored weights of a trained model, compared number by number."),
            observed("printed_loss_less_loss", Interval.exactly(printed - own), "float64, the training points."),
        ),
        {"loss of the free network": own, "printed formula on it": printed},
        premise="W' is the transpose of W (tied weights), which the line before leaves free" if right else "",
    )


def _layers(model: object) -> tuple[FloatArray, FloatArray, tuple[FloatArray, FloatArray]]:
    """Weights of the only encoder layer and the only decoder layer, and both biases."""
    import torch

    assert isinstance(model, ModuleAutoencoder)
    first, last = (
        next(layer for layer in part.modules() if isinstance(layer, torch.nn.Linear))
        for part in (model.encoder, model.decoder)
    )
    w, u, b, c = (t.detach().numpy().astype(np.float64) for t in (first.weight, last.weight, first.bias, last.bias))
    return w, u, (b, c)


@row("S-19", "The drawn network has three hidden layers, the code being the middle one.")
def three_hidden_layers(context: AuditContext) -> Finding:
    """Built by name: input, hidden, code, hidden, output. The number of weights has the closed form
    2 (n h + h m) + 2 h + m + n, and training lowers its error below that of the best constant."""
    import torch

    spec, h, m = context.text("set"), context.count("hidden"), context.count("latent_dim")
    (model,) = context.trained(f"mlp:hidden=[{h}]", spec, latent_dim=m)
    assert isinstance(model, ModuleAutoencoder)
    layers = [x for part in (model.encoder, model.decoder) for x in part.modules() if isinstance(x, torch.nn.Linear)]
    n = model.ambient_dim
    count = sum(p.numel() for layer in layers for p in layer.parameters())
    expected = 2 * (n * h + h * m) + 2 * h + m + n
    points = context.sample(spec).points
    share = float((model.errors(points) ** 2).mean() / ((points - points.mean(0)) ** 2).sum(1).mean())
    right = len(layers) - 1 == context.count("hidden_layers") and count == expected and share < 1.0
    return Finding(
        AuditReason.SUPPORTED if right else AuditReason.REFUTED,
        f"Hidden layers: {len(layers) - 1}, with {count} weights; trained on {spec} it leaves {share:.2g} of the "
        "variance. The slide is a picture without numbers, so that there is no more to check.",
        (exactly("hidden_layers", len(layers) - 1, "Linear layers of the built network, less the output."),),
        {"weights": count},
    )


@row("S-12", "XOR is separable after one feature is added, and never after linear ones.")
def added_dimensions(context: AuditContext) -> Finding:
    """Four points of the square, labels of XOR. A separating w, b would have w.(0,1) + b and w.(1,0) + b > 0 and
    w.(0,0) + b and w.(1,1) + b < 0; both pairs have the same sum. An affine code keeps that relation whatever its
    dimension, so that it stays inseparable; the product x1 x2 as third coordinate separates, with integers."""
    square = np.array(list(itertools.product((0, 1), repeat=2)))
    sign = np.where(square.sum(1) == 1, 1, -1)
    relation = int(np.abs((sign[:, None] * square).sum(0)).sum() + abs(sign.sum()))
    lifted = np.column_stack([square, square.prod(1)])
    margin = int((sign * (2 * (lifted @ np.array([1, 1, -2])) - 1)).min())
    codes = square @ context.rng("code").integers(-9, 10, size=(2, 5)) + 3
    kept = int(np.abs((sign[:, None] * codes).sum(0)).max())
    right = relation == 0 and margin > 0 and kept == 0
    return Finding(
        AuditReason.LOOSE if right else AuditReason.REFUTED,
        f"In the plane no line separates XOR; with x1 x2 added the plane x1 + x2 - 2 x1 x2 = 1/2 does, with margin "
        f"{margin}/2. Five codes that are affine in the input keep the relation that forbids it.",
        (
            exactly("sum_of_positive_less_negative_corners", relation, "Integers: (0,1) + (1,0) = (0,0) + (1,1)."),
            exactly("twice_the_margin", margin, "Integers: the four values of 2 (x1 + x2 - 2 x1 x2) - 1."),
        ),
        {"relation in five affine codes": kept},
        premise="the added dimensions are nonlinear functions of the input" if right else "",
        proof="A sum of two positive numbers cannot equal a sum of two negative ones.",
    )

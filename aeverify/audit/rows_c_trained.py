"""Rows of source 004 on trained networks: copying, denoising, generalisation, and a walk over images.

The source's pictures (CIFAR-10, landscapes, churches) are replaced by image manifolds of known truth: a rotating bar,
and a blob moved over a torus, with grey values in [0, 1] as the source's.
"""

from __future__ import annotations

import itertools

import numpy as np

from aeverify import measure
from aeverify.audit.context import AuditContext
from aeverify.audit.findings import AuditReason, Figure, Finding
from aeverify.audit.outcomes import agreed, observed
from aeverify.audit.rows import row
from aeverify.audit.rows_c_theory import given
from aeverify.autoencoders.kinds import kind
from aeverify.autoencoders.networks import ModuleAutoencoder
from aeverify.autoencoders.protocol import Autoencoder, FloatArray
from aeverify.core.evidence import Evidence
from aeverify.core.interval import Interval
from aeverify.core.report import Plot, Series
from aeverify.manifolds import Manifold, manifold
from aeverify.measure.counting import share_evidence
from aeverify.measure.proximity import Nodes

BAR = "rotating_bar:pixels=8"
BLOB = "blob:pixels=5"


def overcomplete(context: AuditContext, on: str = BAR) -> list[ModuleAutoencoder]:
    """Networks with five hidden layers, each of more units than inputs, trained on images by squared error alone."""
    hidden, m = ("[96,96]", 80) if on == BAR else ("[48,48]", 40)
    restarts = context.either(1, 5)
    found = context.trained(f"overcomplete:hidden={hidden}", on, "quick", restarts, latent_dim=m, points=400)
    return [model for model in found if isinstance(model, ModuleAutoencoder)]


def _noisy(context: AuditContext, space: Manifold, count: int) -> tuple[FloatArray, FloatArray]:
    """Clean images, and the same with the printed noise N(0.7, 0.2) added to each pixel."""
    clean = space.sample(count, context.seed.child("row", context.row.id, str(space))).points
    mean, deviation = context.number("mean"), context.number("deviation")
    noise = context.rng("noise", str(space)).standard_normal(clean.shape)
    return clean, clean + mean + deviation * noise


def _shares(
    context: AuditContext, model: Autoencoder, space: Manifold, statements: int
) -> tuple[Evidence, Evidence, FloatArray, FloatArray]:
    """The probability that the noise is copied, and that it is taken off, with the ratios of the draws."""
    clean, noisy = _noisy(context, space, context.effort.draws // 4)
    out = model.reconstruct(noisy)
    size = np.linalg.norm(noisy - clean, axis=1)
    copy, gain = (np.linalg.norm(out - to, axis=1) / size for to in (noisy, clean))
    bar, alpha = context.number("copy_ratio"), context.alpha / statements
    words = f"for x uniform on {space} and noise of the printed mean and deviation on each pixel"
    copied = share_evidence("copy_share", copy <= bar, copy <= bar, alpha, f"a copy ratio of at most {bar:g} {words}")
    better = gain < 1.0
    cleaned = share_evidence("denoising_share", better, better, alpha, f"an output nearer to x than x~ {words}")
    return copied, cleaned, copy, gain


def _picture(name: str, title: str, values: dict[str, FloatArray], words: str) -> Plot:
    """Sorted values of the draws, as distribution functions."""
    levels = np.linspace(0.0, 1.0, 101)
    series = tuple(
        Series(label, (tuple(np.quantile(v, levels).tolist()), tuple(levels.tolist())), "line")
        for label, v in values.items()
    )
    return Plot(name, title, words, ("ratio", "share of the draws"), series)


@row("C-1", "That overcomplete networks learn the identity: an assumption that trainings contradict.")
def learns_identity(context: AuditContext) -> Finding:
    """Centred noise of several sizes: a copy of it has a ratio near 0."""
    shares, figures = [], dict[str, Figure]()
    levels = [float(s) for s in context.listed("noise")]
    model = overcomplete(context)[0]
    space = manifold(BAR)
    for s in levels:
        found = measure.copy_share(
            model,
            space,
            s,
            context.number("copy_ratio"),
            seed=context.seed.child("row", "C-1", str(s)),
            draws=context.effort.draws // 4,
            alpha=context.alpha / len(levels),
        )
        figures[f"share of copies at noise {s:g}"] = found.interval
        figures[f"median copy ratio at noise {s:g}"] = float(found.details["median_copy_ratio"])
        shares.append(found)
    jacobian = _distance_to_identity(model, space.sample(20, context.seed.child("row", "C-1")).points)
    figures["distance of the derivative to the identity, as a share of its norm"] = jacobian
    if any(s.upper >= 0.5 for s in shares):
        return Finding(AuditReason.UNDECIDED, "Most draws of some level are copied.", tuple(shares), figures)
    return Finding(
        AuditReason.REFUTED,
        "A network with more units than inputs in each of its five hidden layers, trained without any regularisation, "
        f"copies noise in a share of at most {max(s.upper for s in shares):.2g} of the draws. The source reports the "
        "assumption in order to contradict it.",
        tuple(shares),
        figures,
        commands=("aeverify explain no-copying",),
    )


def _distance_to_identity(model: ModuleAutoencoder, points: FloatArray) -> float:
    """Mean over points of |J - I|_F/|I|_F, J the derivative of D after E by central differences."""
    n, step = points.shape[1], 1e-5
    found = []
    for x in points:
        ahead, back = (model.reconstruct(x + sign * step * np.eye(n)) for sign in (1.0, -1.0))
        found.append(np.linalg.norm((ahead - back).T / (2 * step) - np.eye(n)) / np.sqrt(n))
    return float(np.mean(found))


@row("C-3", "The contractive penalty, and how the encoder's derivative falls with its weight.")
def contracts(context: AuditContext) -> Finding:
    """Mean of the squared norm of the encoder's Jacobian over K for increasing weights of the penalty."""
    weights = [float(w) for w in context.listed("weights")]
    space = manifold("circle")
    penalties, figures = [], dict[str, Figure]()
    for weight in weights:
        (model,) = context.trained(
            f"contractive:hidden=[16],weight={weight}", space, "quick", latent_dim=2, points=100, epochs=100
        )
        found = measure.stretched_share(
            model, space, 1.0, seed=context.seed.child("row", "C-3"), draws=1_000, alpha=context.alpha / len(weights)
        )
        penalties.append(float(found.details["mean_penalty"]))
        figures[f"mean squared norm of the derivative, weight {weight:g}"] = penalties[-1]
    evidence = observed(
        "penalty_at_most_as_share_of_the_last",
        Interval.exactly(penalties[-1] / penalties[0]),
        "Largest to least weight.",
    )
    falls = all(b < a for a, b in itertools.pairwise(penalties))
    return Finding(
        AuditReason.SUPPORTED if falls else AuditReason.UNDECIDED,
        f"The mean squared norm of the encoder's derivative goes from {penalties[0]:.3g} to {penalties[-1]:.3g} as the "
        "weight of its penalty grows.",
        (evidence,),
        figures,
        commands=("aeverify explain contraction",),
    )


@row("C-7", "Training generalises on data with structure, and not on data without.")
def generalises(context: AuditContext) -> Finding:
    """Mean squared errors on the training points and on fresh ones: for the bar's images, and for independent normal
    points through a narrow code, where the mean of the data is the better prediction of fresh ones."""
    space = manifold(BAR)
    model = overcomplete(context)[0]
    fresh = space.sample(2_000, context.seed.child("row", "C-7")).points
    structured = float(np.mean(np.square(model.errors(fresh)))) / float(np.var(fresh, axis=0).sum())
    n, count = context.count("dimension"), context.count("points")
    rng = context.rng("normal")
    points, others = rng.standard_normal((count, n)), rng.standard_normal((5_000, n))
    (fitted,) = context.trained(
        "mlp:hidden=[64,64]",
        given(points, "independent normal points"),
        "quick",
        latent_dim=2,
        epochs=1000,
    )
    seen = float(np.mean(np.square(fitted.errors(points)))) / n
    squares = np.square(fitted.errors(others)) - np.square(others - points.mean(axis=0)).sum(axis=1)
    excess, error = float(squares.mean()), float(squares.std(ddof=1) / np.sqrt(len(squares)))
    evidence = (
        observed(
            "excess_over_the_mean", Interval(excess - 5 * error, excess + 5 * error), "Fresh normal points, 5 sigma."
        ),
        observed("error_share_on_fresh_images", Interval.exactly(structured), "Of the variance, 2000 fresh images."),
    )
    figures: dict[str, Figure] = {
        "images: squared error on fresh ones, share of the variance": structured,
        "normal points: squared error on the training points, share of the variance": seen,
        "normal points: squared error on fresh ones, in excess of the mean's": excess,
    }
    if not (evidence[0].lower > 0 and seen < 0.5 and structured < 0.5):
        return Finding(AuditReason.UNDECIDED, "The two cases were not told apart.", evidence, figures)
    return Finding(
        AuditReason.LOOSE,
        f"On images of a bar the error on fresh ones is {structured:.1e} of their variance. On independent normal "
        f"points the same kind of training fits its own to {seen:.2f} of the variance, and does worse on fresh ones "
        "than their mean does: gradient descent guarantees nothing there.",
        evidence,
        figures,
        premise="The data have a structure that the network can follow; the reference speaks of classifiers of images.",
    )


@row("C-10", "Noise tells a copy from what is not one; it does not tell memorising from learning.")
def copy_test(context: AuditContext) -> Finding:
    """The identity has copy ratio 0. The memoriser, which gives back its training points and those alone, has a ratio
    near 1: it passes the test and has memorised its inputs."""
    from aeverify.autoencoders.oracles import oracle

    space = manifold(BAR)
    sample = context.sample(BAR, 100)
    (memory,) = context.trained("memoriser", sample, latent_dim=1)
    figures: dict[str, Figure] = {}
    found = []
    for name, model in (("identity", oracle(f"identity:ambient_dim={space.ambient_dim}")), ("memoriser", memory)):
        share = measure.copy_share(
            model, space, 0.1, seed=context.seed.child("row", "C-10"), draws=2_000, alpha=context.alpha / 2
        )
        figures[f"share of copies, {name}"] = share.interval
        figures[f"median copy ratio, {name}"] = float(share.details["median_copy_ratio"])
        found.append(share)
    error = measure.training_error(memory, sample)
    figures["largest training error of the memoriser"] = error.upper
    right = found[0].lower > 0.5 and found[1].upper < 0.5 and error.upper < 1e-6
    if not right:
        return Finding(AuditReason.UNDECIDED, "The two models are not told apart.", (*found, error), figures)
    return Finding(
        AuditReason.LOOSE,
        "The identity copies every noise, so that a model that does not copy is not the identity. But a model that "
        "gives back each of its 100 training points exactly, and knows nothing else, does not copy noise either.",
        (found[1], found[0], error),
        figures,
        premise="Memorising means giving back every input, not only those of the training set.",
        commands=("aeverify explain memorisation", "aeverify explain no-copying"),
    )


@row("C-11", "The source's noise experiment on image manifolds: the output is no copy.")
def does_not_copy(context: AuditContext) -> Finding:
    """Five hidden layers of more units than inputs, squared error alone, noise N(0.7, 0.2) on every pixel."""
    sets = [BAR, BLOB]
    evidence, figures, ratios = [], dict[str, Figure](), dict[str, FloatArray]()
    for spec in sets:
        for i, model in enumerate(overcomplete(context, spec)):
            copied, _, ratio, _ = _shares(context, model, manifold(spec), len(sets) * context.either(1, 5))
            figures[f"share of copies, {spec}, training {i}"] = copied.interval
            figures[f"median copy ratio, {spec}, training {i}"] = float(np.median(ratio))
            ratios[f"{spec}, training {i}"] = ratio
            evidence.append(copied)
    words = "Size of output less noisy input, as a share of the noise: 0 for the identity."
    plot = _picture("trend-copy-ratio", "Copy ratios under the printed noise", ratios, words)
    most = max(e.upper for e in evidence)
    return Finding(
        AuditReason.SUPPORTED if most < 0.5 else AuditReason.UNDECIDED,
        f"On images of a rotating bar and of a moved blob the noise is copied in a share of at most {most:.2g} of the "
        f"draws; median ratios from {min(np.median(r) for r in ratios.values()):.2f}, where the identity has 0. The "
        "source's own figure is of CIFAR-10, which is not used here.",
        tuple(evidence),
        figures,
        (plot,),
        commands=("aeverify explain no-copying",),
    )


@row("C-12", "Denoising without being trained to: under the printed noise, and under small noise.")
def denoises(context: AuditContext) -> Finding:
    """Under the printed noise |x~ - x| exceeds the circumradius of K, so that a constant image denoises as well; noise
    of a mean square below the circumradius is asked for besides (`untrained-denoising`, an exact sign test)."""
    evidence, figures, gains, verdicts = [], dict[str, Figure](), dict[str, FloatArray](), []
    for spec, level in ((BAR, "noise_bar"), (BLOB, "noise_blob")):
        space, model = manifold(spec), overcomplete(context, spec)[0]
        _, cleaned, _, gain = _shares(context, model, space, 4)
        clean, noisy = _noisy(context, space, 500)
        size = np.linalg.norm(noisy - clean, axis=1)
        constant = np.linalg.norm(clean - clean.mean(axis=0), axis=1) / size
        figures[f"denoised under the printed noise, {spec}"] = cleaned.interval
        figures[f"median gain, {spec}"] = float(np.median(gain))
        figures[f"the same of a constant image, {spec}"] = float(np.median(constant))
        gains[f"network, {spec}"], gains[f"constant image, {spec}"] = gain, constant
        evidence.append(cleaned)
        verdicts.append(
            context.verdict(
                model, spec, "untrained-denoising", share=4, noise=float(context.parameter(level)), levels=3
            )
        )
    words = "Distance of the output to the clean image, as a share of the noise: below 1 the output is cleaner."
    plot = _picture("trend-gain", "Gains under the printed noise", gains, words)
    if min(e.lower for e in evidence) <= 0.5:
        text = "Under the printed noise the output is not nearer more often than not."
        return Finding(AuditReason.REFUTED, text, tuple(evidence), figures, (plot,))
    return agreed(
        verdicts,
        "The output is nearer to the clean image than the noisy input was, under the printed noise, and under noise "
        "that is smaller than K is wide, at three levels. The printed noise alone would show little: its mean of "
        "0.7 moves an image further than images are apart, and a constant image denoises it too: to a median of "
        + " and ".join(f"{np.median(v):.2f}" for k, v in gains.items() if k.startswith("constant"))
        + " of the noise, the networks to "
        + " and ".join(f"{np.median(v):.2f}" for k, v in gains.items() if k.startswith("network"))
        + ".",
        first=evidence,
        figures=figures,
        plots=(plot,),
        commands=("aeverify explain untrained-denoising",),
    )


@row("C-13", "A trained U-Net keeps more of its input in the last layer than an untrained one.")
def clearer_when_trained(context: AuditContext) -> Finding:
    """The input is recovered from the last layer by the best affine map of half of the images, and judged on the other
    half: without training, and after it."""
    spec = f"unet:shape=[1,8,8],channels=[4,8],bottleneck={int(context.parameter('bottleneck'))}"
    m = context.count("bottleneck")
    space = manifold(BAR)
    (trained,) = context.trained(spec, space, "quick", latent_dim=m, points=100, epochs=context.either(60, 200))
    chosen = kind(spec, ambient_dim=space.ambient_dim, latent_dim=m)
    untrained = chosen.untrained(context.seed.child("row", "C-13"))  # type: ignore[attr-defined]
    points = space.sample(400, context.seed.child("row", "C-13", "images")).points
    errors = [_recovered(model.reconstruct(points), points) for model in (untrained, trained)]
    itself = [float(np.mean(np.square(m.errors(points)))) for m in (untrained, trained)]
    evidence = observed(
        "recovery_error_share", Interval.exactly(errors[1] / errors[0]), "Trained over untrained, 200 fresh images."
    )
    figures: dict[str, Figure] = {
        "squared error recovered from the last layer, untrained": errors[0],
        "squared error recovered from the last layer, trained": errors[1],
        "squared error of the output itself, untrained": itself[0],
        "squared error of the output itself, trained": itself[1],
    }
    return Finding(
        AuditReason.SUPPORTED if errors[1] < errors[0] else AuditReason.REFUTED,
        f"From the last layer an affine map recovers images of the bar to {errors[1]:.3g} after training and to "
        f"{errors[0]:.3g} before (mean squared error). One small network on one set; the source's are of landscapes.",
        (evidence,),
        figures,
    )


def _recovered(outputs: FloatArray, points: FloatArray) -> float:
    """Mean squared error on the second half of the best affine map that is fitted on the first."""
    half = len(points) // 2
    design = np.concatenate([outputs, np.ones((len(outputs), 1))], axis=1)
    weights = np.linalg.lstsq(design[:half], points[:half], rcond=1e-6)[0]
    return float(np.mean(np.square(design[half:] @ weights - points[half:]).sum(axis=1)))


@row("C-18", "A walk over codes passes through images near the data, in small steps.")
def walks(context: AuditContext) -> Finding:
    """Codes of neighbouring images are joined by segments and decoded: how far from K the decoded images are, and how
    far apart in turn; beside the images halfway on the straight line between distant images."""
    space = manifold(BAR)
    model = overcomplete(context)[0]
    grid = space.grid(context.count("stops")).points
    codes = model.encode(np.concatenate([grid, grid[:1]]))
    between = np.linspace(0.0, 1.0, 10, endpoint=False)[:, None]
    path = np.concatenate([a + between * (b - a) for a, b in itertools.pairwise(codes)])
    images = model.decode(path)
    nodes = Nodes.of(space)
    low, high = nodes.distances(images)
    steps = np.linalg.norm(np.diff(images, axis=0), axis=1)
    blends = (grid + np.roll(grid, len(grid) // 2, axis=0)) / 2.0
    blended = nodes.distances(blends)[0]
    found = observed(
        "distance_to_K",
        Interval(float(low.max()), float(high.max())),
        f"Largest over {len(images)} decoded codes, enclosed by a covering grid of K.",
    )
    figures: dict[str, Figure] = {
        "largest distance of the walk to K": found.interval,
        "the same of straight blends of images": float(blended.max()),
        "largest step": float(steps.max()),
        "circumradius of K": space.truth.circumradius,
    }
    share = np.arange(len(images)) / len(images)
    plot = Plot(
        "trend-walk",
        "A walk over codes",
        "Distance of the decoded images to the data along the walk.",
        ("share of the walk", "distance to K, at least"),
        (Series("walk", (tuple(share.tolist()), tuple(low.tolist())), "line"),),
        lines=((float(blended.max()), "straight blend"),),
    )
    bar = context.number("share") * space.truth.circumradius.lower
    reason = AuditReason.SUPPORTED if found.upper <= bar else AuditReason.REFUTED
    return Finding(
        reason if not found.lower <= bar < found.upper else AuditReason.UNDECIDED,
        f"Along the walk decoded images stay within {found.upper:.3g} of the rotating bar's, {bar:.3g} being asked, "
        f"and change by {steps.max():.3g} a step at most; a straight blend of two images is up to "
        f"{blended.max():.3g} away. The source's video is of other pictures.",
        (found,),
        figures,
        (plot,),
    )

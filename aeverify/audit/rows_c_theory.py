"""Rows of source 004 that algebra and exact counterexamples decide."""

from __future__ import annotations

import itertools
import math

import numpy as np

from aeverify import measure, widths
from aeverify.audit.context import AuditContext
from aeverify.audit.findings import AuditReason, Figure, Finding
from aeverify.audit.outcomes import KVALHEIM_SONTAG, exactly, observed
from aeverify.audit.rows import row
from aeverify.autoencoders.networks import ModuleAutoencoder
from aeverify.autoencoders.oracles import oracle
from aeverify.autoencoders.protocol import FloatArray
from aeverify.core.evidence import Citation, Evidence, Rigor
from aeverify.core.interval import Interval
from aeverify.core.report import Plot, Series
from aeverify.manifolds import Sample, manifold

BAYES = Citation(
    "normal conjugacy, derived in aeverify.audit.rows_c_theory",
    "",
    "for x ~ N(0, I_n) and x~ = x + s xi the posterior mean x~/(1 + s^2) has mean squared error n s^2/(1 + s^2)",
)


def copying_network(n: int, width: int, layers: int, bound: float) -> ModuleAutoencoder:
    """Weights with which a ReLU network copies every x of [-bound, bound]^n: x + bound >= 0 passes each ReLU unchanged,
    and the last layer takes bound off again. Of its `layers` hidden layers (odd) the middle one, the code, has n units
    and the others `width`; the code is linear, as in all models here."""
    import torch
    from torch import nn

    half = layers // 2
    parts = []
    for path, shift in (([n, *[width] * half, n], bound), ([n, *[width] * half, n], -bound)):
        modules: list[nn.Module] = []
        for before, after in itertools.pairwise(path):
            linear = nn.Linear(before, after, dtype=torch.float64)
            with torch.no_grad():
                linear.weight.copy_(torch.eye(after, before, dtype=torch.float64))
                linear.bias.zero_()
            modules += [nn.ReLU(), linear] if modules else [linear]
        shifted = modules[0] if shift > 0 else modules[-1]
        assert isinstance(shifted, nn.Linear)
        with torch.no_grad():
            shifted.bias[:n] += shift
        parts.append(nn.Sequential(*modules))
    return ModuleAutoencoder(*parts, ambient_dim=n, latent_dim=n, name=f"copy of {n} numbers")


@row("C-2", "Layers of at least n units can copy, bottlenecks cannot.")
def can_copy(context: AuditContext) -> Finding:
    """Weights that copy are written down for an overcomplete network; a code of m < n numbers takes antipodes of some
    sphere to one code, and no decoder tells them apart."""
    n, width, layers = (int(context.parameter(k)) for k in ("inputs", "width", "layers"))
    model = copying_network(n, width, layers, 256.0)
    points = context.rng("integers").integers(-255, 256, (500, n)).astype(np.float64)
    worst = float(model.errors(points).max())
    sphere = f"sphere:dim={n - 1},radius=1"
    bound = widths.best_lower(sphere, n - 1)
    evidence = (
        exactly(
            "largest_error", worst, f"Integers through {layers} hidden layers of {n} units or more: float64 is exact."
        ),
        bound,
    )
    if worst != 0.0 or not bound.lower > 0:
        return Finding(AuditReason.REFUTED, "The network does not copy, or the bottleneck might.", evidence)
    return Finding(
        AuditReason.SUPPORTED,
        f"A ReLU network with {layers} hidden layers of {n} or {width} units has weights that copy {n} numbers "
        f"exactly; with one unit less than inputs in a layer, some unit vector errs by at least {bound.lower:g}.",
        evidence,
        {"largest error of the copy": worst, f"least worst error with {n - 1} code numbers": bound.lower},
        commands=(f"aeverify width {sphere} --latent-dim {n - 1} --explain",),
    )


@row("C-4", "The loss of a variational autoencoder: a distance of outputs and one of codes to a normal law.")
def variational_loss(context: AuditContext) -> Finding:
    """The objective that training uses, taken apart: -log p(x | z) is |x - D(z)|^2/(2 s^2) up to a constant, and the
    divergence 1/2 sum (v + mu^2 - 1 - log v) is zero at N(0, I) and agrees with the integral of q log(q/p)."""
    import torch
    from scipy import integrate, stats

    from aeverify.autoencoders.kinds.priors import GaussianPrior

    prior = GaussianPrior(1)
    worst = 0.0
    for mu, spread in ((0.0, 1.0), (0.7, 0.3), (-1.5, 2.0)):
        q, p = stats.norm(mu, spread), stats.norm(0.0, 1.0)
        integral = integrate.quad(
            lambda z, q=q, p=p: q.pdf(z) * (q.logpdf(z) - p.logpdf(z)), mu - 12 * spread, mu + 12 * spread
        )[0]
        closed = float(prior.divergence(torch.tensor([[mu, 2.0 * math.log(spread)]], dtype=torch.float64))[0])
        worst = max(worst, abs(closed - integral))
    zero = float(prior.divergence(torch.zeros(1, 2, dtype=torch.float64))[0])
    evidence = (
        observed(
            "largest_difference", Interval.exactly(worst), "Closed form less numerical integral, three normal laws."
        ),
        exactly("divergence_at_the_prior", zero, "Of N(0, 1) from itself, by the closed form."),
    )
    right = zero == 0.0 and worst <= context.row.tolerance
    return Finding(
        AuditReason.SUPPORTED if right else AuditReason.REFUTED,
        f"The divergence of the code is zero at the prior and agrees with its integral to {worst:.1e}; the other term "
        "is the squared error. (The law is printed as N(z; I), without its mean 0.)",
        evidence,
        {"largest difference from the integral": worst},
        commands=("aeverify list kinds",),
    )


@row("C-5", "What a variational autoencoder smooths away is what varies little, and not what is sharp.")
def blurs(context: AuditContext) -> Finding:
    """The optimum of a linear variational autoencoder with noise variance s^2 multiplies the principal component of
    variance v by 1 - s^2/v, and by 0 for v <= s^2 (Tipping and Bishop 1999; Lucas et al. 2019). Convolving with a
    Gaussian multiplies a frequency w by exp(-w^2 r^2/2), less the higher it is. On waves whose high frequency varies
    more than the low one, the two do the opposite."""
    n, s2 = context.count("samples"), context.number("variance")
    low, high = (int(f) for f in context.listed("frequencies"))
    spreads = {low: context.number("spread_low"), high: context.number("spread_high")}
    grid = 2.0 * np.pi * np.arange(n) / n
    waves = {f: np.cos(f * grid) * math.sqrt(2.0 / n) for f in (low, high)}
    rng = context.rng("waves")
    amplitudes = {f: spreads[f] * rng.standard_normal(200) for f in waves}
    points = np.outer(amplitudes[low], waves[low]) + np.outer(amplitudes[high], waves[high])
    (model,) = context.trained(
        f"variational:hidden=[],variance={s2}",
        given(points, "waves"),
        "quick",
        latent_dim=2,
        epochs=2500,
        batch_size=200,
        batch_share=1.0,
        learning_rate=0.05,
    )
    found = model.reconstruct(points)
    gains = {f: float((found @ waves[f]) @ amplitudes[f] / (amplitudes[f] @ amplitudes[f])) for f in waves}
    expected = {f: max(0.0, 1.0 - s2 / float(np.var(amplitudes[f]))) for f in waves}
    evidence = (
        exactly("gain_excess_of_high", expected[high] - expected[low], "1 - s^2/v at the two variances of the data."),
        observed("trained_gain_excess", Interval.exactly(gains[high] - gains[low]), "Regression of outputs on waves."),
    )
    figures: dict[str, Figure] = {
        **{f"gain at frequency {f}, trained": gains[f] for f in waves},
        **{f"gain at frequency {f}, optimum": expected[f] for f in waves},
        f"gain at frequency {high} of a Gaussian that keeps half of frequency {low}": 0.5 ** (high / low) ** 2,
    }
    reached = max(abs(gains[f] - expected[f]) for f in waves) <= context.row.tolerance
    if not (reached and expected[high] > expected[low] and gains[high] > gains[low]):
        text = "The trained model does not show what the optimum does."
        return Finding(AuditReason.UNDECIDED, text, evidence, figures)
    return Finding(
        AuditReason.LOOSE,
        f"Trained on waves of which the high frequency varies more, it keeps {gains[high]:.2f} of the high one and "
        f"{gains[low]:.2f} of the low one: the opposite of a blur. A normal law of codes is no convolution of images.",
        evidence,
        figures,
        premise="The variance of the data falls with the frequency, as it does in photographs.",
        citations=(
            Citation(
                "J. Lucas, G. Tucker, R. Grosse and M. Norouzi, Don't blame the ELBO!, NeurIPS 2019",
                "",
                "the optimum of a linear variational autoencoder is that of probabilistic PCA",
            ),
        ),
    )


def given(points: FloatArray, words: str) -> Sample:
    """A training sample of points (N, n) that belong to no set of the catalog."""
    n = len(points)
    return Sample(points, np.empty((n, 0)), np.zeros(n, dtype=np.int64), Interval.at_least(0.0), words)


@row("C-8", "Squared error and cross-entropy: one gradient for one Gaussian of fixed width, not for a mixture.")
def cross_entropy(context: AuditContext) -> Finding:
    """-log N(y; mu, s^2 I) = |y - mu|^2/(2 s^2) + const, so that the gradients in mu are multiples of each other; the
    gradient of the cross-entropy with a mixture of two is not a multiple of that of the squared error to its mean."""
    import torch

    rng = context.rng("values")
    y, mu = (torch.tensor(rng.standard_normal((50, 7))) for _ in range(2))
    sigma = context.number("sigma")

    def minus_log(mean: torch.Tensor) -> torch.Tensor:
        variance = torch.full_like(y, sigma**2)
        return torch.nn.functional.gaussian_nll_loss(mean, y, variance, full=True, reduction="none")

    def gradient(loss: str) -> FloatArray:
        at = mu.clone().requires_grad_(True)
        with torch.enable_grad():
            square = (y - at).square().sum()
            normal = minus_log(at).sum()
            two = torch.stack([-minus_log(at + c).sum(1) for c in (-1.0, 1.0)])
            value = {"square": square, "normal": normal, "mixture": -torch.logsumexp(two, 0).sum()}[loss]
            found: FloatArray = torch.autograd.grad(value, at)[0].numpy()
        return found

    square = gradient("square") / (2.0 * sigma**2)
    apart = float(np.abs(gradient("normal") - square).max())
    mixture = gradient("mixture")
    cosine = float((mixture * square).sum() / np.linalg.norm(mixture) / np.linalg.norm(square))
    evidence = (
        observed("largest_difference", Interval.exactly(apart), "Gradients of the two losses in float64, 350 numbers."),
        observed("cosine_with_mixture", Interval.exactly(cosine), "Of the gradients with two Gaussians and with one."),
    )
    figures: dict[str, Figure] = {"largest difference, one Gaussian": apart, "cosine, two Gaussians": cosine}
    if apart > context.row.tolerance or cosine > 0.999:
        return Finding(AuditReason.REFUTED, "The gradients differ, or those of a mixture do not.", evidence, figures)
    return Finding(
        AuditReason.LOOSE,
        f"With one Gaussian of fixed width at each output the gradients agree to {apart:.1e}. With a mixture, as the "
        f"sentence has it, they do not: the cosine with a mixture of two is {cosine:.3f}.",
        evidence,
        figures,
        premise="One Gaussian at each output, of one width that is not trained.",
    )


@row("C-9", "Arbitrarily good on one input, always; on all of a closed set through a bottleneck, never.")
def arbitrarily_good(context: AuditContext) -> Finding:
    """A constant model is perfect on one input. Uniformly over a closed set with a code of its dimension, Theorem 1
    keeps the worst error above the reach for every size; larger networks only lower the mean."""
    figures: dict[str, Figure] = {}
    evidence: list[Evidence] = []
    for spec, k in context.listed("sets"):
        bound = widths.best_lower(spec, int(k))
        figures[f"worst error on {spec}, code of {k}, at least"] = bound.lower
        evidence.append(bound)
    errors = []
    for width in context.listed("hidden"):
        (model,) = context.trained(f"mlp:hidden=[{width},{width}]", "circle", "quick", latent_dim=1, points=200)
        study = context.study(model, "circle", share=len(context.listed("hidden")))
        mean, sup = study.mean_error(), study.sup_error()
        figures[f"mean error on the circle, width {width}"] = mean.interval
        figures[f"worst error on the circle, width {width}"] = sup.interval
        errors.append((float(width), float(mean.details["sample_mean"]), sup.lower))
        evidence.append(sup)
    wide, means, sups = zip(*errors, strict=True)
    plot = Plot(
        "trend-capacity",
        "Larger networks on a circle, one code number",
        "The mean error falls with the width of the layers, the worst error does not.",
        ("width of the layers", "error"),
        (Series("mean error", (wide, means), "line"), Series("worst error, at least", (wide, sups), "line")),
        log_axes=(0, 1),
        lines=((widths.best_lower("circle", 1).lower, "width bound"),),
    )
    if not all(e.lower > 0 for e in evidence[: len(context.listed("sets"))]):
        return Finding(
            AuditReason.UNDECIDED, "No bound is known on one of the sets.", tuple(evidence), figures, (plot,)
        )
    return Finding(
        AuditReason.LOOSE,
        "On one given input it is trivial: a constant does it, of any size. For all inputs of a closed set together, "
        "with as many code numbers as the set has dimensions, no size does it: the worst error of every continuous "
        "model is at least the width. Mixtures of Gaussians approximate densities, and not all computable functions.",
        tuple(evidence),
        figures,
        (plot,),
        premise="A single input is meant, or the code has room for the set: on closed sets through a bottleneck of "
        "their dimension the uniform statement is false.",
        citations=(KVALHEIM_SONTAG,),
        commands=("aeverify width rotating_bar --latent-dim 1 --explain",),
    )


@row("C-20", "The identity has no loss at all, and has learned nothing.")
def identity_is_cheap(context: AuditContext) -> Finding:
    """Loss 0 on every data set, and no noise taken off: both exact."""
    space = manifold(context.text("set"))
    copy = oracle(f"identity:ambient_dim={space.ambient_dim}")
    sample = space.sample(200, context.seed.child("row", "C-20"))
    others = context.rng("noise").standard_normal(sample.points.shape)
    loss = max(float(copy.errors(sample.points).max()), float(copy.errors(others).max()))
    share = measure.denoising_share(
        copy, space, 0.1, seed=context.seed.child("row", "C-20"), draws=context.effort.draws, alpha=context.alpha
    )
    evidence = (exactly("largest_error", loss, "Of the identity, on the set and on noise."), share)
    right = loss == 0.0 and share.upper < 0.5
    return Finding(
        AuditReason.SUPPORTED if right else AuditReason.REFUTED,
        f"The identity has loss {loss:g} on {space} and on pure noise alike, and takes noise off in a share of "
        f"{share.interval} of draws: a small loss by itself says nothing about the data.",
        evidence,
        {"loss on the set and on noise": loss, "share of draws that it denoises": share.interval},
        commands=("aeverify explain untrained-denoising",),
    )


@row("C-21", "Copying has the loss of the corruption, which is more than the least, and infers nothing.")
def infers_corruption(context: AuditContext) -> Finding:
    """For x ~ N(0, I_n) and x~ = x + s xi, copying has the loss n s^2, and the posterior mean x~/(1 + s^2) the loss
    n s^2/(1 + s^2): less for every s > 0. Copying is the same map for every s, while the best one is not, so that it
    holds no knowledge of s."""
    n = context.count("dimension")
    levels = [float(s) for s in context.listed("levels")]
    rng = context.rng("corruption")
    clean, noise = (rng.standard_normal((context.either(20_000, 200_000), n)) for _ in range(2))
    copy = oracle(f"identity:ambient_dim={n}")
    figures: dict[str, Figure] = {}
    gap = math.inf
    equal = 0.0
    for s in levels:
        dirty = clean + s * noise
        out = copy.reconstruct(dirty)
        equal = max(equal, float(np.abs(out - dirty).max()))
        best = dirty / (1.0 + s * s)
        figures[f"loss of copying, s = {s:g}"] = n * s * s
        figures[f"least loss, s = {s:g}"] = n * s * s / (1.0 + s * s)
        figures[f"measured, s = {s:g}"] = (
            f"{np.square(out - clean).sum(1).mean():.4g} and {np.square(best - clean).sum(1).mean():.4g}"
        )
        gap = min(gap, s * s - s * s / (1.0 + s * s))
    evidence = (
        Evidence(
            "excess_loss_of_copying",
            Interval.exactly(gap),
            Rigor.EXACT,
            "Least over the levels of s^2 - s^2/(1 + s^2), for each coordinate.",
            citations=(BAYES,),
        ),
        exactly("identity_difference", equal, "|O(x~) - x~| of the identity: its loss is |x~ - x|^2, as printed."),
    )
    if equal != 0.0 or not gap > 0:
        return Finding(AuditReason.UNDECIDED, "The identity did not copy.", evidence, figures)
    return Finding(
        AuditReason.REFUTED,
        "The equality holds: a perfect copy has the loss |x~ - x|^2. The conclusion does not follow: the copy is one "
        "map whatever the corruption is, its loss is larger than that of the best map at every level of noise, and "
        "the best map changes with the level. A copy cannot infer what its output does not depend on.",
        evidence,
        figures,
        citations=(BAYES,),
    )

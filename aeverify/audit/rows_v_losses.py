"""Rows of source 001 on losses and distributions: t-SNE, the printed cross-entropy, the divergence, drawn codes."""

from __future__ import annotations

import itertools
import math

import numpy as np
from numpy.typing import NDArray

from aeverify.audit.context import AuditContext
from aeverify.audit.findings import AuditReason, Figure, Finding
from aeverify.audit.outcomes import observed
from aeverify.audit.rows import row
from aeverify.core.evidence import Citation, Evidence, Rigor
from aeverify.core.interval import Interval
from aeverify.core.report import Plot, Series

FloatArray = NDArray[np.float64]

VAN_DER_MAATEN = Citation(
    "L. van der Maaten and G. Hinton, Visualizing data using t-SNE, JMLR 9 (2008)",
    "",
    "the divergence of Student-t similarities of the codes from Gaussian similarities of the data, and its gradient",
)
KINGMA_WELLING = Citation(
    "D. P. Kingma and M. Welling, Auto-encoding variational Bayes, ICLR 2014",
    "appendix B",
    "the divergence of a diagonal normal distribution from the standard one, in closed form",
)


@row("V-3", "t-SNE: both distributions depend on distances alone, and its step descends their divergence.")
def stochastic_neighbours(context: AuditContext) -> Finding:
    """P from Gaussian weights of the squared distances of the data, Q from 1/(1 + d^2) of the codes, each normalised
    over all pairs. Checked: a rigid motion changes neither; 4 sum_j (p - q)_ij (y_i - y_j)/(1 + d_ij^2) is the gradient
    of KL(P || Q), by central differences; descent along it lowers KL; KL = 0 for Q = P."""
    count = context.count("points")
    points = context.sample(context.text("set"), count, "V-3").points
    rng = context.rng("codes")
    p = _similarities(np.exp(-_squares(points) / (2.0 * context.number("bandwidth") ** 2)))
    turn = np.linalg.qr(rng.standard_normal((points.shape[1],) * 2))[0]
    moved = points @ turn + rng.standard_normal(points.shape[1])
    same = float(np.abs(_similarities(np.exp(-_squares(moved) / (2 * context.number("bandwidth") ** 2))) - p).max())
    codes = 1e-2 * rng.standard_normal((count, 2))
    start, worst, step = _tsne_divergence(p, codes), 0.0, 1e-5
    slope = _tsne_gradient(p, codes)
    for i, j in itertools.product(range(0, count, max(count // 10, 1)), range(2)):
        bump = np.zeros_like(codes)
        bump[i, j] = step
        difference = (_tsne_divergence(p, codes + bump) - _tsne_divergence(p, codes - bump)) / (2 * step)
        worst = max(worst, abs(difference - slope[i, j]))
    values = [start]
    rate = float(count)
    for _ in range(context.either(100, 1000)):
        trial = codes - rate * _tsne_gradient(p, codes)
        value = _tsne_divergence(p, trial)
        if value < values[-1]:
            codes, rate = trial, rate * 1.2
            values.append(value)
        else:
            rate /= 2
    scale = float(np.abs(slope).max())
    right = same <= context.row.tolerance and worst <= 1e-4 * scale and values[-1] < start
    drop = observed(
        "divergence",
        Interval.exactly(values[-1]),
        f"float64 value after {len(values) - 1} descending steps.",
        start=start,
    )
    return Finding(
        AuditReason.SUPPORTED if right else AuditReason.REFUTED,
        f"KL(P || Q) falls from {start:.4g} to {values[-1]:.4g} along the gradient; a rigid motion of the {count} "
        f"points changes P by {same:.1e}.",
        (drop,),
        {"KL at the start": start, "KL at the end": values[-1], "gradient off by": worst, "P changes by": same},
        (
            Plot(
                "tsne-descent",
                "t-SNE descends its divergence",
                "KL(P || Q) after each step.",
                ("step", "KL"),
                (Series("KL", (tuple(map(float, range(len(values)))), tuple(values)), "line"),),
            ),
        ),
        (VAN_DER_MAATEN,),
    )


def _squares(rows: FloatArray) -> FloatArray:
    squares: FloatArray = ((rows[:, None] - rows[None]) ** 2).sum(-1)
    return squares


def _similarities(weights: FloatArray) -> FloatArray:
    off = weights * (1.0 - np.eye(len(weights)))
    shares: FloatArray = off / off.sum()
    return shares


def _tsne_divergence(p: FloatArray, codes: FloatArray) -> float:
    q = _similarities(1.0 / (1.0 + _squares(codes)))
    used = p > 0
    return float((p[used] * np.log(p[used] / q[used])).sum())


def _tsne_gradient(p: FloatArray, codes: FloatArray) -> FloatArray:
    weights = 1.0 / (1.0 + _squares(codes))
    pull = (p - _similarities(weights)) * weights
    gradient: FloatArray = 4.0 * (pull.sum(1)[:, None] * codes - pull @ codes)
    return gradient


@row("V-4", "The printed cross-entropy is not least where the output is the input, and has no least value.")
def printed_cross_entropy(context: AuditContext) -> Finding:
    """For one coordinate 0 < x < 1 and an output y > 0 the printed loss is -x ln y. Its derivative -x/y is negative for
    all y, so that it falls without end: at y = 1 it is below its value at y = x by -x ln x > 0, and at y = e^t it is
    -x t. Where inputs and outputs are probability vectors it is right (Gibbs: sum x ln(x/y) >= 0), and so is it with
    the term -(1 - x) ln(1 - y) for outputs in (0, 1). Both are checked, and the same network is trained on each."""
    from flint import arb

    x = context.parameter("x")
    ball = arb(x)
    gain = -ball * ball.log()
    lower = math.nextafter(float(gain.lower()), -math.inf)
    excess = Evidence(
        "loss_excess_of_the_exact_output",
        Interval(lower, math.nextafter(float(gain.upper()), math.inf)),
        Rigor.CERTIFIED,
        f"Both ends: -x ln x in ball arithmetic for x = {x:g}: the printed loss at y = x less that at y = 1.",
    )
    draws = context.rng("simplex").dirichlet(np.ones(context.count("outcomes")), size=(2, 200))
    gibbs = float((draws[0] * np.log(draws[0] / draws[1])).sum(1).min())
    trained = {name: _train(context, name) for name in ("printed", "with the missing term")}
    y = np.linspace(0.01, 1.5, 150)
    inside = y[y < 0.995]
    curves = (
        Series("printed: -x ln y", (_floats(y), _floats(-x * np.log(y))), "line"),
        Series(
            "with -(1 - x) ln(1 - y)",
            (_floats(inside), _floats(-x * np.log(inside) - (1 - x) * np.log(1 - inside))),
            "line",
        ),
        Series("squared error", (_floats(y), _floats((x - y) ** 2)), "line"),
    )
    figures: dict[str, Figure] = {
        "excess at y = x": excess.interval,
        "least sum x ln(x/y), probability vectors": gibbs,
        **{f"RMSE after training, {name}": value for name, (value, _) in trained.items()},
        **{f"mean output, {name}": value for name, (_, value) in trained.items()},
    }
    wrong = excess.lower > 0.0 and trained["printed"][0] > trained["with the missing term"][0]
    return Finding(
        AuditReason.REFUTED if wrong and gibbs >= 0.0 else AuditReason.UNDECIDED,
        f"For x = {x:g} the output 1 has a loss that is smaller by {excess.lower:.6g} than that of the exact output, "
        "and larger outputs have losses below every bound. A network with outputs in (0, 1) that is trained on it "
        f"ends with a mean output of {trained['printed'][1]:.4g} and RMSE {trained['printed'][0]:.4g}, against "
        f"{trained['with the missing term'][0]:.4g} with the missing term. It is right where inputs and outputs are "
        "probability vectors, which is not said.",
        (excess,),
        figures,
        (
            Plot(
                "printed-loss",
                "The printed loss of one coordinate",
                f"Input x = {x:g}. The printed loss falls past y = x; the other two are least there.",
                ("output y", "loss"),
                curves,
                bands=((x, x + 0.004, "y = x"),),
            ),
        ),
        proof="d/dy (-x ln y) = -x/y < 0 for all y > 0.",
    )


def _floats(values: FloatArray) -> tuple[float, ...]:
    return tuple(map(float, values))


def _train(context: AuditContext, name: str) -> tuple[float, float]:
    """RMSE and mean output after Adam on one of the two losses, data of a circle scaled into (0, 1)."""
    import torch

    from aeverify.autoencoders.kinds import TrainedKind, kind

    chosen = kind("undercomplete:hidden=[16],activation=tanh", ambient_dim=2, latent_dim=2)
    assert isinstance(chosen, TrainedKind)
    encoder, decoder = chosen.build(context.seed.child("row", "V-4"))
    points = context.sample("circle:radius=1,ambient_dim=2", 100, "V-4").points
    x = torch.tensor(0.5 + 0.4 * points, dtype=torch.float32)
    optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=0.02)
    for _ in range(context.either(300, 3000)):
        logits = decoder(encoder(x))
        loss = (x * torch.nn.functional.softplus(-logits)).sum(1).mean()
        if name != "printed":
            loss = loss + ((1 - x) * torch.nn.functional.softplus(logits)).sum(1).mean()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    with torch.no_grad():
        outputs = torch.sigmoid(decoder(encoder(x)))
        return float(((outputs - x) ** 2).sum(1).mean().sqrt()), float(outputs.mean())


@row("V-11", "Drawn codes are mu + sigma eps; their mean and standard deviation are what the encoder returned.")
def drawn_codes(context: AuditContext) -> Finding:
    """The map eps -> z is affine with value mu at 0 and slope sigma, both exactly; so z ~ N(mu, sigma^2) coordinate by
    coordinate. Beside it: mean and standard deviation of many draws. What theorems are asked of is the mean path, which
    is deterministic: two encodings agree bit by bit."""
    import torch

    from aeverify.autoencoders.kinds.priors import GaussianPrior

    m, n = 3, int(context.either(20_000, 1_000_000))
    rng = context.rng("parameters")
    mu, sigma = rng.standard_normal(m), np.exp(rng.uniform(-2.0, 1.0, m))
    prior = GaussianPrior(m)
    parameters = torch.tensor(np.concatenate([mu, 2.0 * np.log(sigma)]))[None]

    def drawn(noise: FloatArray) -> FloatArray:
        codes: FloatArray = prior.sample(parameters.expand(len(noise), -1), torch.tensor(noise)).numpy()
        return codes

    base = drawn(np.zeros((1, m)))[0]
    affine = float(np.abs(drawn(np.eye(m)) - base - np.diag(sigma)).max())
    off = float(np.abs(base - mu).max())
    z = drawn(rng.standard_normal((n, m)))
    mean_off = float((np.abs(z.mean(0) - mu) / sigma).max())
    spread_off = float((np.abs(z.std(0, ddof=1) - sigma) / sigma).max())
    (model,) = context.trained(context.text("model"), *_where(context), **context.table("recipe"))
    points = context.sample(context.text("set"), 100).points
    again = float(np.abs(model.encode(points) - model.encode(points)).max())
    limit = 6.0 / math.sqrt(n)
    right = off <= 1e-12 and affine <= 1e-12 and mean_off <= limit and spread_off <= limit and again == 0.0
    deviation = observed(
        "deviation_from_mu_plus_sigma_eps", Interval(0.0, max(off, affine)), "float64; all coordinates."
    )
    return Finding(
        AuditReason.SUPPORTED if right else AuditReason.REFUTED,
        f"The code is mu + sigma eps up to {max(off, affine):.1e}; over {n} draws the mean is off by {mean_off:.2g} "
        f"sigma and the standard deviation by {spread_off:.2g} of itself. The mean path is deterministic.",
        (deviation,),
        {"draws": n, "mean off by (sigma)": mean_off, "standard deviation off by (relative)": spread_off},
        citations=(KINGMA_WELLING,),
    )


def _where(context: AuditContext) -> tuple[str]:
    return (context.text("set"),)


@row("V-12", "The printed divergence is that of the normal distributions, and 0 at the standard one only.")
def printed_divergence(context: AuditContext) -> Finding:
    """KL(N(mu, s^2) || N(0, 1)) = E_q[ln q - ln p] = 1/2 (s^2 + mu^2 - 1) - ln s. Its derivatives mu and s - 1/s vanish
    at mu = 0, s = 1 alone, where it is 0; s^2 - 1 - 2 ln s and mu^2 are convex, so that it is positive elsewhere. The
    printed sum is compared with the library's, with ours (what training uses), and with Gauss-Hermite quadrature."""
    import torch

    from aeverify.autoencoders.kinds.priors import GaussianPrior

    n, m = int(context.either(1_000, 100_000)), 4
    rng = context.rng("parameters")
    mu, sigma = 2.0 * rng.standard_normal((n, m)), np.exp(rng.uniform(-3.0, 2.0, (n, m)))
    printed = 0.5 * (sigma**2 + mu**2 - 1.0 - 2.0 * np.log(sigma)).sum(1)
    one = torch.distributions.Normal(torch.tensor(mu), torch.tensor(sigma))
    zero = torch.distributions.Normal(torch.zeros_like(one.loc), torch.ones_like(one.loc))
    library = torch.distributions.kl_divergence(one, zero).sum(1).numpy()
    ours = GaussianPrior(m).divergence(torch.tensor(np.concatenate([mu, 2.0 * np.log(sigma)], 1))).numpy()
    nodes, weights = np.polynomial.hermite_e.hermegauss(8)
    z = mu[..., None] + sigma[..., None] * nodes
    logs = -0.5 * nodes**2 - np.log(sigma)[..., None] + 0.5 * z**2
    integral = (logs @ weights / weights.sum()).sum(1)
    size = 1.0 + np.abs(printed)
    off = max(float((np.abs(other - printed) / size).max()) for other in (library, ours, integral))
    least = float(printed.min())
    at_zero = float(GaussianPrior(1).divergence(torch.zeros(1, 2, dtype=torch.float64)))
    right = off <= context.row.tolerance and least > 0.0 and at_zero == 0.0
    return Finding(
        AuditReason.SUPPORTED if right else AuditReason.REFUTED,
        f"Equation (46) agrees with the library, with the training's own formula and with quadrature to {off:.1e} "
        f"(relative) at {n} random (mu, sigma); it is 0 at mu = 0, sigma = 1 and at least {least:.3g} at the others.",
        (observed("relative_deviation", Interval(0.0, off), f"float64, {n} draws of (mu, sigma) in {m} dimensions."),),
        {"largest relative deviation": off, "value at the standard distribution": at_zero, "least other value": least},
        citations=(KINGMA_WELLING,),
        proof="d/dmu = mu and d/ds = s - 1/s vanish at (0, 1) alone; the function is convex in mu and in s^2.",
    )


@row("V-13", "Noise on the code is a penalty on the decoder's derivative.")
def noise_regularises(context: AuditContext) -> Finding:
    """For an affine D and z = mu + sigma eps, E|x - D(z)|^2 = |x - D(mu)|^2 + sum_j sigma_j^2 |D e_j - D 0|^2, since
    the cross terms have mean 0: noise adds sigma^2 times the squared norm of the derivative, and so it does to second
    order for a smooth D. For a quadratic the mean over the 2^m sign vectors is the mean over normal eps (equal first
    and second moments), so that both sides are computed without sampling. For the trained decoder: what noise adds."""
    m, n = 3, 5
    rng = context.rng("decoder")
    weights, offset = rng.standard_normal((n, m)), rng.standard_normal(n)
    x, mu, sigma = rng.standard_normal(n), rng.standard_normal(m), rng.uniform(0.1, 1.0, m)
    signs = np.array(list(itertools.product((-1.0, 1.0), repeat=m)))
    mean = float(((x - offset - (mu + sigma * signs) @ weights.T) ** 2).sum(1).mean())
    penalty = float((sigma**2 * (weights**2).sum(0)).sum())
    off = abs(mean - float(((x - offset - weights @ mu) ** 2).sum()) - penalty)
    (model,) = context.trained(context.text("model"), *_where(context), **context.table("recipe"))
    points = context.sample(context.text("set"), 500).points
    codes = model.encode(points)
    added: dict[str, Figure] = {}
    for share in (0.05, 0.1, 0.2):
        noise = share * codes.std(0) * rng.standard_normal((20, *codes.shape))
        squares = [float(((model.decode(codes + d) - points) ** 2).sum(1).mean()) for d in noise]
        added[f"mean squared error with noise of {share:g} of the codes' spread"] = float(np.mean(squares))
    clean = float((model.errors(points) ** 2).mean())
    right = off <= 1e-12 * (1.0 + mean) and list(added.values())[-1] > clean  # type: ignore[operator]
    return Finding(
        AuditReason.SUPPORTED if right else AuditReason.REFUTED,
        f"The mean loss under noise is the loss plus sum sigma_j^2 |dD/dz_j|^2, to {off:.1e} for an affine decoder: "
        "making it small asks for a decoder that is flat where codes are noisy. Dropout is another noise with the same "
        "effect; that the noise also improves generalisation is not shown by this.",
        (
            observed(
                "deviation_from_the_penalty",
                Interval(0.0, off),
                "float64 mean over sign vectors, exact for quadratics.",
            ),
        ),
        {"penalty": penalty, "mean squared error without noise": clean, **added},
        proof="E|x - D(mu) - A sigma eps|^2 = |x - D(mu)|^2 + sum_j sigma_j^2 |A_j|^2, as E eps = 0, E eps eps^T = I.",
    )

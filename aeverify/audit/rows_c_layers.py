"""Rows of source 004 on what layers lose: non-invertibility, noise, and the laws of inputs given outputs."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from aeverify.audit.context import AuditContext
from aeverify.audit.findings import AuditReason, Figure, Finding
from aeverify.audit.outcomes import exactly, observed
from aeverify.audit.rows import row
from aeverify.audit.rows_c_theory import copying_network
from aeverify.audit.rows_c_trained import overcomplete
from aeverify.autoencoders.networks import ModuleAutoencoder
from aeverify.autoencoders.protocol import FloatArray
from aeverify.core.interval import Interval
from aeverify.core.report import Plot, Series

if TYPE_CHECKING:
    from torch import nn


def ranks_by_layer(model: ModuleAutoencoder, points: FloatArray) -> list[float]:
    """Mean rank, over the points, of the derivative of the first l linear layers and their ReLUs, for each l.

    The derivative of a ReLU network at x is a product of its weights and of diagonal matrices of zeros and ones; the
    rank of a product is at most that of its first part, so that the list cannot rise.
    """
    from torch import nn

    found: list[list[int]] = []
    for x in points:
        product = np.eye(len(x))
        value = x
        ranks = []
        for layer in _layers(model):
            if isinstance(layer, nn.Linear):
                weight, bias = (p.detach().double().numpy() for p in (layer.weight, layer.bias))
                product, value = weight @ product, weight @ value + bias
            else:
                product, value = product * (value > 0)[:, None], np.maximum(value, 0.0)
                ranks.append(int(np.linalg.matrix_rank(product, tol=1e-9)))
        ranks.append(int(np.linalg.matrix_rank(product, tol=1e-9)))
        found.append(ranks)
    return [float(v) for v in np.mean(found, axis=0)]


def _layers(model: ModuleAutoencoder) -> list[nn.Module]:
    from torch import nn

    return [m for part in (model.encoder, model.decoder) for m in part.modules() if isinstance(m, nn.Linear | nn.ReLU)]


@row("C-6", "Information is never gained with depth, and is lost only where a layer is not injective.")
def loses_with_depth(context: AuditContext) -> Finding:
    """Every decoder of a deep layer is one of an earlier layer, by way of the layers between: the least error of
    recovering the input cannot fall with depth. It stays 0 in the copying network, and the local rank falls in the
    trained one."""
    trained = overcomplete(context)[0]
    n = trained.ambient_dim
    points = context.sample(context.text("set"), 50).points
    ranks = ranks_by_layer(trained, points[: context.either(10, 50)])
    copied = ranks_by_layer(copying_network(n, context.count("width"), 5, 2.0), points[:3])
    figures: dict[str, Figure] = {
        "inputs": n,
        "local rank by layer, trained": ", ".join(f"{v:.1f}" for v in ranks),
        "local rank by layer, copying network": ", ".join(f"{v:.1f}" for v in copied),
    }
    evidence = (
        exactly("rank_lost_by_copying", n - copied[-1], "Integer weights: the derivative is the identity."),
        observed("mean_rank_at_the_end", Interval.exactly(ranks[-1]), "Numerical rank at tolerance 1e-9, points of K."),
    )
    if copied[-1] != n or any(b > a for a, b in itertools.pairwise(ranks)):
        return Finding(AuditReason.REFUTED, "A rank rose, or the copying network lost some.", evidence, figures)
    return Finding(
        AuditReason.LOOSE,
        f"Depth never gains: the rank falls from {n} inputs to {ranks[-1]:.1f} in a trained network of more units than "
        "inputs. It need not lose: a network of the same form copies through every layer. The classifiers and "
        "images of the reference are not here.",
        evidence,
        figures,
        premise="Some layer is not injective on the inputs; how much is lost was measured elsewhere, on classifiers.",
        proof="A decoder of layer l + 1 after layer l + 1 is a decoder of layer l.",
    )


@row("C-15", "Many inputs with one output: forced by fewer units, and not by non-linear depth alone.")
def many_inputs(context: AuditContext) -> Finding:
    """A linear map to m < n numbers has a kernel: x and x + v have one output, exactly. The linear parts of a trained
    overcomplete network have full rank; there only its ReLUs can merge inputs."""
    rng = context.rng("layer")
    n, m = context.count("inputs"), context.count("outputs")
    weight = rng.integers(-3, 4, (m, n)).astype(np.float64)
    # the columns after the first two are taken from these two, so that an integer kernel vector is known
    weight[:, 2] = weight[:, 0] + weight[:, 1]
    kernel = np.zeros(n)
    kernel[:3] = (1.0, 1.0, -1.0)
    x = rng.integers(-9, 10, n).astype(np.float64)
    apart = float(np.abs(weight @ (x + kernel) - weight @ x).max())
    nullity = n - int(np.linalg.matrix_rank(weight))
    trained = overcomplete(context)[0]
    from torch import nn

    product = np.eye(trained.ambient_dim)
    for layer in trained.encoder.modules():
        if isinstance(layer, nn.Linear):
            product = layer.weight.detach().double().numpy() @ product
    smallest = float(np.linalg.svd(product, compute_uv=False)[-1])
    evidence = (
        exactly("output_difference", apart, f"An integer layer of {n} inputs and {m} outputs, at x and x + v."),
        observed("least_singular_value", Interval.exactly(smallest), "Product of the encoder's weights, in float64."),
    )
    figures: dict[str, Figure] = {
        "dimension of the kernel": nullity,
        "least singular value of the product of the overcomplete encoder's weights": smallest,
    }
    if apart != 0.0 or nullity < n - m:
        return Finding(AuditReason.REFUTED, "The layer tells the two inputs apart.", evidence, figures)
    if not smallest > 1e-6:
        return Finding(AuditReason.UNDECIDED, "The trained layers are not of full rank.", evidence, figures)
    return Finding(
        AuditReason.LOOSE,
        f"With {m} outputs of {n} inputs a whole space of {nullity} dimensions shares each output. In the overcomplete "
        f"network the linear maps together are injective (least singular value {smallest:.2g}): nothing "
        "makes its layers merge inputs but its activations.",
        evidence,
        figures,
        premise="The layer has a kernel or activations that merge inputs of the data: more units than inputs have none "
        "by themselves.",
    )


@row("C-16", "Sums tend to a normal law under premises that the text takes off.")
def central_limit(context: AuditContext) -> Finding:
    """The excess kurtosis of sum w_i A_i is k sum w_i^4/(sum w_i^2)^2 for independent A_i of excess kurtosis k. Equal
    weights send it to 0; weights 2^-i keep it at k (1/15)/(1/9) = 3 k/5 in the limit. And given the value f(a), the sum
    is that value: its variance is 0, where independent A_i would give sum w_i^2 Var A_i."""
    uniform = -1.2
    sizes = [int(n) for n in context.listed("sizes")]
    equal = [uniform / n for n in sizes]
    halves = [_kurtosis(uniform, 0.5 ** np.arange(1, n + 1)) for n in sizes]
    limit = uniform * 3.0 / 5.0
    n = context.count("fibre")
    rng = context.rng("fibre")
    # uniform on the inputs of [0, 1]^n with a given sum 1: normalised exponentials
    draws = rng.exponential(size=(context.either(20_000, 100_000), n))
    draws /= draws.sum(axis=1, keepdims=True)
    spread, alone = float(draws.sum(axis=1).var()), float(draws.var(axis=0).sum())
    evidence = (
        exactly("excess_kurtosis_limit", limit, "Uniform terms with weights 2^-i: 3/5 of the kurtosis of one term."),
        observed(
            "variance_of_the_sum", Interval(0.0, max(spread, 1e-12)), f"Given f(a); independence asks {alone:.3g}."
        ),
    )
    plot = Plot(
        "trend-kurtosis",
        "Distance from the normal law",
        "Excess kurtosis of a weighted sum of uniform terms; a normal law has 0.",
        ("number of terms", "excess kurtosis"),
        (
            Series("equal weights", (tuple(map(float, sizes)), tuple(equal)), "line"),
            Series("weights 2^-i", (tuple(map(float, sizes)), tuple(halves)), "line"),
        ),
        log_axes=(0,),
    )
    figures: dict[str, Figure] = {
        "excess kurtosis in the limit, equal weights": 0.0,
        "excess kurtosis in the limit, weights 2^-i": limit,
        "variance of the sum, given f(a)": spread,
        "sum of the variances of its terms": alone,
    }
    if not (abs(halves[-1] - limit) < 1e-3 and spread < 1e-12 < alone):
        return Finding(
            AuditReason.UNDECIDED, "The sums did not do what the closed form says.", evidence, figures, (plot,)
        )
    return Finding(
        AuditReason.LOOSE,
        f"With weights 2^-i the sum keeps an excess kurtosis of {limit:g} for ever. And the terms are not independent: "
        f"given f(a) their weighted sum is one number, of variance 0, where independence would give {alone:.3g}. The "
        "argument is a heuristic.",
        evidence,
        figures,
        (plot,),
        premise="Independent terms of finite variance, none of which dominates (Lindeberg); given f(a) they are "
        "dependent.",
    )


def _kurtosis(one: float, weights: NDArray[Any]) -> float:
    return float(one * (weights**4).sum() / (weights**2).sum() ** 2)


@row("C-17", "The law of one input, given the output of a layer: uniform on a fibre is not uniform in a coordinate.")
def uniform_preimages(context: AuditContext) -> Finding:
    """Let a be uniform in [0, 1]^n and f(a) = sum a_i = 1. The fibre is the simplex, the law on it uniform, and a_1 has
    the density (n - 1)(1 - a)^(n - 2): P(a_1 <= 1/2) = 1 - 2^-(n - 1), which is 1/2 for n = 2 only."""
    n = context.count("inputs")
    rng = context.rng("fibre")
    draws = rng.exponential(size=(context.either(20_000, 200_000), n))
    first = draws[:, 0] / draws.sum(axis=1)
    exact = 1.0 - 2.0 ** -(n - 1)
    seen = float((first <= 0.5).mean())
    uniform = 0.5
    grid = np.linspace(0.0, 1.0, 101)
    plot = Plot(
        "trend-preimages",
        "One coordinate of the inputs with a given output",
        "Distribution function of a uniform law, and of a coordinate on the fibre.",
        ("a_1", "distribution function"),
        (
            Series("on the fibre", (tuple(grid.tolist()), tuple(float((first <= g).mean()) for g in grid)), "line"),
            Series("uniform", (tuple(grid.tolist()), tuple(grid.tolist())), "line"),
        ),
    )
    evidence = (
        exactly("probability_below_half", exact, f"1 - 2^-(n - 1) at n = {n}; a uniform law on [0, 1] has 1/2."),
        observed("share_below_half", Interval.exactly(seen), f"Of {len(first)} uniform draws of the fibre."),
    )
    if abs(exact - uniform) < 1e-12 or abs(seen - exact) > 0.02:
        return Finding(AuditReason.UNDECIDED, "The draws do not tell the two laws apart.", evidence)
    return Finding(
        AuditReason.REFUTED,
        f"Already for one linear layer f(a) = a_1 + ... + a_{n}: of the inputs with f(a) = 1, uniform on their fibre, "
        f"a share of {exact:g} has a_1 <= 1/2 ({seen:.3f} of the draws), where a uniform law has 0.5.",
        evidence,
        {"P(a_1 <= 1/2)": exact, "of the draws": seen, "of a uniform law": uniform},
        (plot,),
    )

"""Rows of source 001 on plain autoencoders: what their codes keep, what they memorise, what they generate."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from aeverify import measure
from aeverify.audit.context import AuditContext
from aeverify.audit.findings import AuditReason, Figure, Finding
from aeverify.audit.outcomes import exactly, observed
from aeverify.audit.rows import row
from aeverify.autoencoders.linear import PcaAutoencoder, pca_floor
from aeverify.core.evidence import Evidence
from aeverify.core.interval import Interval
from aeverify.core.report import Plot, Series
from aeverify.core.verdict import Outcome
from aeverify.errors import ModelError
from aeverify.manifolds import manifold

FloatArray = NDArray[np.float64]
SMALL = "mlp:hidden=[32,32]"


@row("V-1", "Decoded codes are near an arc, and cannot all be near a set of two parts.")
def generative(context: AuditContext) -> Finding:
    """A plain autoencoder has no distribution of codes, so one must be added: here the uniform one on the box of the
    codes. On an arc what it generates is near the data. On a disconnected set the same sampling must fail somewhere
    (`measure.generation`): between the parts, at half their distance."""
    arc, parts = context.text("connected"), context.text("disconnected")
    (model,) = context.trained(SMALL, arc, latent_dim=1)
    near = context.verdict(model, arc, "generated-samples", epsilon=context.number("epsilon"), share=2)
    (other,) = context.trained(SMALL, parts, latent_dim=2, points=200)
    far = context.verdict(other, parts, "completeness-obstruction", share=2)
    both = near.outcome is Outcome.PASS and far.outcome is Outcome.PASS
    assert near.evidence is not None and far.evidence is not None
    return Finding(
        AuditReason.LOOSE if both else AuditReason.UNDECIDED,
        f"With codes drawn from their box, the share of outputs farther than {context.parameter('epsilon')} from {arc} "
        f"is in {near.evidence.interval}; from two circles some output is at least {far.evidence.lower:.4g} away, as "
        "it must be for every continuous decoder of both.",
        (near.evidence, far.evidence, *far.supporting),
        {"far share on the arc": near.evidence.interval, "distance from two parts": far.evidence.interval},
        premise="a distribution of codes is given beside the network, and the data are connected" if both else "",
    )


@row("V-2", "PCA is one computation with one result; two trainings of one network end in two errors.")
def recipe_or_training(context: AuditContext) -> Finding:
    """PCA: the subspace does not depend on the order of the points, and no affine decoder has a smaller mean squared
    error. Autoencoders: trainings that differ in their seed end with errors whose enclosures are disjoint, so that all
    of them but one are not the best, and nothing says that the best of them is."""
    spec = context.text("set")
    data = context.sample(spec)
    shuffled = data.points[context.rng("order").permutation(len(data))]
    errors = [PcaAutoencoder.fit(x, 1).rmse(data.points) for x in (data.points, shuffled)]
    found = context.training(SMALL, spec, restarts=context.either(3, 10), latent_dim=1)
    trained = [measure.mean_squared_error(model, found.sample) for model in found.models]
    best = min(trained, key=lambda e: e.upper)
    worse = sum(e.lower > best.upper for e in trained)
    floor = pca_floor(data.points, 1)
    figures: dict[str, Figure] = {
        "PCA, mean squared error": floor,
        "PCA after a permutation, change": abs(errors[0] - errors[1]),
        **{f"training {i}, mean squared error": e.interval for i, e in enumerate(trained)},
    }
    right = abs(errors[0] - errors[1]) <= 1e-12 and best.upper < floor and worse >= 1
    return Finding(
        AuditReason.LOOSE if right else AuditReason.UNDECIDED,
        f"PCA gives {floor:.6g} in any order of the points. {len(trained)} trainings give {best.lower:.3g} to "
        f"{max(e.lower for e in trained):.3g}, all different; {worse} of them are surely not the best.",
        (best, *(e for e in trained if e is not best)),
        figures,
        premise="training reaches the global minimum of its loss, of which nothing is known" if right else "",
    )


@row(
    "V-5", "Codes of PCA are uncorrelated and can depend on each other wholly; codes of networks depend on each other."
)
def dependent_features(context: AuditContext) -> Finding:
    """On a circle about the origin the two PCA codes have u^2 + v^2 = r^2: uncorrelated, and the squares have the
    correlation -1, so that each code determines the other up to its sign. Networks: over disjoint pairs of draws, both
    codes rise or fall together as often as not if they are independent, whatever their laws: the exact binomial test,
    its alpha split over the trainings."""
    circle = context.text("circle")
    count = context.count("points")
    points = context.sample(circle, count, "V-5").points
    codes = PcaAutoencoder.fit(points, 2).encode(points)
    plain = _correlation(codes)
    grid = manifold(circle).grid(4_000).points
    squares = PcaAutoencoder.fit(grid, 2).encode(grid) ** 2
    dependence = _correlation(squares)
    spec = context.text("set")
    models = context.trained(SMALL, spec, restarts=context.either(3, 10), latent_dim=2, points=300, epochs=500)
    draws = manifold(spec).sample(20_000, context.seed.child("row", "V-5")).points
    tests = [_together(model.encode(draws)) for model in models]
    figures: dict[str, Figure] = {
        "PCA codes on the circle, correlation": plain,
        "PCA codes on the circle, correlation of the squares": dependence,
        **{f"network {i}, share of pairs in which both codes rise": t.statistic for i, t in enumerate(tests)},
        **{f"network {i}, p": t.pvalue for i, t in enumerate(tests)},
    }
    shown = [t for t in tests if t.pvalue <= context.alpha / len(tests)]
    dependent = bool(shown) and dependence < -0.999
    evidence = observed(
        "correlation_of_squares",
        Interval(dependence - 1e-9, dependence + 1e-9),
        "float64, a uniform grid of the circle; -1 in closed form, since u^2 + v^2 is constant.",
    )
    return Finding(
        AuditReason.LOOSE if dependent and abs(plain) <= 1e-10 else AuditReason.UNDECIDED,
        f"Codes of {len(shown)} of {len(tests)} networks depend on each other: both rise in a share of "
        f"{', '.join(f'{t.statistic:.3g}' for t in tests)} of the pairs. Those of PCA have no correlation "
        f"({plain:.1e}) and are dependent all the same: on a circle the correlation of their squares is "
        f"{dependence:.6g}.",
        (evidence,),
        figures,
        premise="independent is read as uncorrelated (the same for normal data only)"
        if dependent and abs(plain) <= 1e-10
        else "",
    )


def _together(rows: FloatArray) -> Any:
    """Test that two codes are independent: how often both rise or both fall from one draw to the next.

    Raises:
        ModelError: a code is NaN or infinite.
    """
    if not np.isfinite(rows).all():
        raise ModelError("Codes of the network are NaN or infinite, so that nothing can be said of their dependence.")
    count = len(rows) // 2
    steps = rows[:count] - rows[count : 2 * count]
    signs = np.sign(steps[:, 0] * steps[:, 1])
    return binomtest(int((signs > 0).sum()), max(1, int((signs != 0).sum())), 0.5)


def _correlation(rows: FloatArray) -> float:
    """Of the two columns."""
    centred = rows - rows.mean(0)
    x, y = centred.T
    return float(x @ y / np.sqrt((x @ x) * (y @ y)))


@row("V-6", "The error falls with the number of codes, and one linear code keeps the direction of largest variance.")
def bottleneck(context: AuditContext) -> Finding:
    """Optimal errors cannot rise with m (a decoder may ignore a code). Trained ones are compared by disjoint
    enclosures; what one code keeps is seen where it is known: the linear optimum is the first principal direction."""
    spec = context.text("set")
    dims = range(1, manifold(spec).ambient_dim + 1)
    found = [context.training(SMALL, spec, latent_dim=m, points=300, epochs=500) for m in dims]
    errors = [measure.root_mean_squared_error(f.models[0], f.sample) for f in found]
    trend = measure.kendall_tau(errors)
    (linear,) = context.trained("mlp:hidden=[]", spec, latent_dim=1, points=300, epochs=2000)
    angle = measure.principal_angle(linear, context.sample(spec, 300).points)
    floors = [pca_floor(found[0].sample.points, m) ** 0.5 if m < dims[-1] else 0.0 for m in dims]
    right = trend.upper == -1.0 and angle.upper <= context.number("sine")
    return Finding(
        AuditReason.SUPPORTED if right else AuditReason.UNDECIDED,
        f"RMSE by code dimension on {spec}: {', '.join(f'{e.lower:.4g}' for e in errors)} (PCA: "
        f"{', '.join(f'{f:.4g}' for f in floors)}); a linear code keeps the leading principal direction up to a sine "
        f"of {angle.upper:.3g}.",
        (trend, angle, *errors),
        {f"RMSE, {m} codes": e.interval for m, e in zip(dims, errors, strict=True)},
        (
            Plot(
                "error-by-code-dimension",
                "Error against the number of codes",
                "Trained networks lie below PCA where the set is curved.",
                ("m", "RMSE"),
                (
                    Series("networks", (tuple(map(float, dims)), tuple(e.lower for e in errors)), "line"),
                    Series("PCA", (tuple(map(float, dims)), tuple(floors)), "line"),
                ),
            ),
        ),
    )


@row("V-7", "All training points on one number and back without loss, and nothing else learned.")
def one_number(context: AuditContext) -> Finding:
    """Such a pair exists for any distinct points: a linear code that tells them apart and a polyline through them.
    Measured: its training error, the share of the set on which it fails, and what it costs (`code-range-price`)."""
    spec = context.text("set")
    data = context.sample(spec, context.count("points"), "V-7")
    (model,) = context.trained("memoriser", data, latent_dim=1)
    fitted = measure.training_error(model, data)
    seen = context.verdict(model, spec, "memorisation", training=data, share=1)
    price = context.verdict(model, spec, "code-range-price", training=data)
    assert seen.evidence is not None and price.evidence is not None
    lost = seen.evidence.lower >= context.number("fails_on")
    right = fitted.upper <= context.row.tolerance and seen.outcome is Outcome.FAIL and lost
    right = right and price.outcome is Outcome.PASS
    return Finding(
        AuditReason.SUPPORTED if right else AuditReason.UNDECIDED,
        f"{len(data)} points of {spec} come back from one number each with an error of at most {fitted.upper:.1e}; on "
        f"the set itself the error exceeds a fifth of its radius on a share in {seen.evidence.interval}. The decoder "
        f"has to be steep: its constant times the range of the codes is at least {price.evidence.lower:.4g}. (On "
        "points of a straight line the same pair would be exact everywhere: the failure is the set's, not the pair's "
        "alone.)",
        (fitted, seen.evidence, price.evidence),
        {"training error": fitted.interval, "share of the set with a large error": seen.evidence.interval},
    )


@row("V-8", "Unseen points with and without a penalty: a plain network that generalises, and one that does not.")
def regularisation_needed(context: AuditContext) -> Finding:
    """The necessity has a counterexample: a network trained on the squared error alone, whose error is small on the
    whole set (`memorisation` passes). With few points the same network fails on unseen ones. So the sentence needs its
    premise: more capacity than the points determine."""
    spec = context.text("set")
    dense = context.training(SMALL, spec, latent_dim=1)
    (enough,) = dense.models
    good = context.verdict(enough, spec, "memorisation", training=dense.sample, share=4)
    few = context.sample(spec, context.count("few"), "V-8")
    shares: dict[str, Evidence] = {}
    for name, settings in (("plain", {}), ("with noise on the input", context.parameter("regularised"))):
        (model,) = context.trained(SMALL, few, latent_dim=1, **settings)
        study = context.study(model, spec, share=4)
        shares[name] = study.bad_set(context.number("level"))
    (memory,) = context.trained("memoriser", few, latent_dim=1)
    shares["memoriser"] = context.study(memory, spec, share=4).bad_set(context.number("level"))
    assert good.evidence is not None
    counterexample = good.outcome is Outcome.PASS
    fails = shares["memoriser"].lower > good.evidence.upper
    figures: dict[str, Figure] = {
        f"{len(dense.sample)} points, plain: share with a large error": good.evidence.interval,
        **{
            f"{len(few)} points, {name}: share above {context.parameter('level')}": e.interval
            for name, e in shares.items()
        },
    }
    return Finding(
        AuditReason.LOOSE if counterexample and fails else AuditReason.UNDECIDED,
        f"A network trained on {len(dense.sample)} points of {spec} without any penalty has a large error on a share "
        f"in {good.evidence.interval} of the set only: no regularisation was needed. With {len(few)} points the pair "
        f"that memorises fails on a share in {shares['memoriser'].interval}, the plain network on "
        f"{shares['plain'].interval}, the same with noise on its inputs on "
        f"{shares['with noise on the input'].interval}.",
        (good.evidence, *shares.values()),
        figures,
        premise="the pair has more capacity than the training points determine" if counterexample and fails else "",
    )


@row("V-9", "Networks of continuous layers are Lipschitz: near inputs have near codes, whatever the training.")
def continuity_of_codes(context: AuditContext) -> Finding:
    """Continuity in the printed sense has no number, and every network of continuous layers has it: on a compact set it
    is even Lipschitz. Measured: a certified enclosure of the encoder's constant for a plain and for a variational
    model. The converse (near codes, near inputs) is what a closed set forbids: `theorem-1`."""
    spec = context.text("set")
    names = {"plain": SMALL, "variational": context.text("model")}
    found: dict[str, Evidence] = {}
    for name, network in names.items():
        settings = context.parameter("recipe") if name == "variational" else {}
        (model,) = context.trained(network, spec, latent_dim=1, points=100, **settings)
        verdict = context.verdict(model, spec, "code-continuity", constant=1e6)
        if verdict.outcome is not Outcome.PASS or verdict.evidence is None:
            return Finding(AuditReason.UNDECIDED, f"{name}: {verdict.message or verdict.reason}")
        found[name] = verdict.evidence
        worst = context.verdict(model, spec, "theorem-1")
        if worst.evidence is not None:
            found[f"{name}, worst error"] = worst.evidence
    forced = exactly(
        "models_whose_codes_are_continuous",
        len(names),
        "Affine maps and the activations are Lipschitz, and so is every composition of them.",
    )
    return Finding(
        AuditReason.FORCED,
        f"Plain: |E(x) - E(y)| <= L d(x, y) with L in {found['plain'].interval}; variational: "
        f"{found['variational'].interval}. The property does not tell the two apart. On this closed curve both have "
        "far points with one code, which continuity makes necessary.",
        (forced, *found.values()),
        {name: e.interval for name, e in found.items()},
        proof="A composition of Lipschitz maps is Lipschitz with the product of the constants.",
    )

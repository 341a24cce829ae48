"""Rows of source 000 on Theorems 1 and 3: what every continuous autoencoder must get wrong.

Theorem 3. If H^k(K) is not zero, sup over K of e(x) = |D(E(x)) - x| is at least reach(K) for codes in R^k: a smaller
error keeps the segments from x to D(E(x)) within the tube on which the nearest-point retraction is continuous, so that
the identity of H^k(K) factors through H^k(E(K)) = 0. The width w_k(K) = inf over (E, D) of sup e is the best such
bound, so that w_k(K) >= reach(K); `aeverify.widths` proves larger lower bounds of it on many sets.
"""

from __future__ import annotations

import math

import numpy as np

from aeverify import widths
from aeverify.audit.context import AuditContext
from aeverify.audit.findings import AuditReason, Figure, Finding
from aeverify.audit.outcomes import KVALHEIM_SONTAG, agreed, exactly, observed
from aeverify.audit.rows import row
from aeverify.autoencoders.oracles import oracle
from aeverify.autoencoders.protocol import Autoencoder, Part
from aeverify.core.evidence import Evidence, Rigor
from aeverify.core.interval import Interval
from aeverify.core.verdict import Verdict
from aeverify.manifolds import manifold
from aeverify.widths.reach import reach_bounds

PROOF = (
    "Were the error smaller, the segments from x to D(E(x)) would stay where the nearest point of K is unique, and the "
    "identity of H^k(K) would factor through H^k(E(K)), which is zero for a compact subset of R^k (Alexander duality)."
)


@row("K-3", "Perfect models exist on subsets of R^k, and a positive width excludes them on closed manifolds.")
def perfect_iff_subset(context: AuditContext) -> Finding:
    """Both directions over a table of sets.

    If K is homeomorphic to a subset of R^k by h, then E = h (extended by Tietze) and D an extension of its inverse are
    perfect. Conversely a perfect model is injective on the compact K, so E is a homeomorphism of K onto E(K). Where a
    lower bound of w_k(K) is positive there is none.
    """
    figures: dict[str, Figure] = {}
    evidence: list[Evidence] = []
    wrong: list[str] = []
    for spec, k in context.listed("possible"):
        room = manifold(spec).truth.embedding_dim
        if room is None or room > k:
            wrong.append(f"{spec} is not known to lie in R^{k}")
        figures[f"perfect for k = {k}: {spec}"] = f"lies in R^{room}"
        evidence.append(exactly("width", 0.0, f"{spec} is homeomorphic to a subset of R^{room}; w_{k} = 0."))
    for spec, k in context.listed("obstructed"):
        bound = widths.best_lower(spec, k)
        if not bound.lower > 0:
            wrong.append(f"no positive lower bound of w_{k}({spec}) is known")
        reach = max((b.lower for b in reach_bounds(manifold(spec), k)), default=0.0)
        figures[f"w_{k} of {spec}, at least"] = bound.lower
        figures[f"of which Theorem 3 gives, {spec}"] = reach
        evidence.append(bound)
    if wrong:
        return Finding(AuditReason.REFUTED, "; ".join(wrong) + ".", tuple(evidence), figures)
    return Finding(
        AuditReason.SUPPORTED,
        f"{len(context.listed('possible'))} sets that lie in R^k have perfect models; "
        f"{len(context.listed('obstructed'))} that do not have a positive width, the strip included, on which "
        "Theorems 1 and 3 give no bound since its cohomology in degree 2 is zero.",
        tuple(evidence),
        figures,
        proof="A perfect model is injective on a compact set, hence a homeomorphism onto its image.",
        commands=("aeverify width 'moebius:R=2,h=0.4' --latent-dim 2 --explain",),
    )


@row("K-7", "Theorem 1 on oracles, random, adversarial and trained networks.")
def theorem_1(context: AuditContext) -> Finding:
    """No model may have a certified worst error below the bound; the theorem is proved, so the row is FORCED."""
    verdicts = [context.verdict(m, on, "theorem-1") for m, on in _many_models(context)]
    first = [_reach_evidence(spec, k) for spec, k in context.listed("sets")]
    figures: dict[str, Figure] = {f"reach of {s}": e.lower for (s, _), e in zip(_sets(context), first, strict=True)}
    return agreed(
        verdicts,
        f"On {len(first)} closed sets the bound is the reach by Theorem 1, for every continuous model. "
        f"{len(verdicts)} models were measured and none is below it.",
        AuditReason.FORCED,
        first=first,
        figures={**figures, **_worst_errors(verdicts)},
        proof=PROOF,
        citations=(KVALHEIM_SONTAG,),
        commands=("aeverify width circle --latent-dim 1 --explain",),
    )


@row("K-7b", "The width is a bound for every model too, and larger than the reach.")
def width_beats_reach(context: AuditContext) -> Finding:
    """w_k(K) > reach(K) on the sets of the row, as a proved lower bound, and no model falls below it."""
    figures: dict[str, Figure] = {}
    evidence: list[Evidence] = []
    for spec, k in context.listed("sets"):
        bound = widths.best_lower(spec, k)
        figures[f"w_{k} of {spec}, at least"] = bound.lower
        figures[f"reach of {spec}"] = manifold(spec).truth.reach
        if not bound.lower > manifold(spec).truth.reach.upper:
            return Finding(
                AuditReason.REFUTED, f"On {spec} no bound of w_{k} above the reach is proved.", (bound,), figures
            )
        evidence.append(bound)
    fold = oracle("fold:a=3,b=2")
    verdicts = [
        context.verdict(fold, "ellipse:a=3,b=2", "theorem-1"),
        *(context.verdict(m, "ellipse:a=3,b=2", "theorem-1") for m in _random_models(context, "ellipse:a=3,b=2", 2)),
        context.verdict(oracle("label"), "two_circles", "theorem-1"),
    ]
    return agreed(
        verdicts,
        f"On {len(evidence)} sets the proved lower bound of the width exceeds the reach; the models on the ellipse and "
        "on the two circles keep to it, and two of them attain it.",
        AuditReason.FORCED,
        first=evidence,
        figures={**figures, **_worst_errors(verdicts)},
        proof="Every lower bound of w_k(K) bounds every model: w_k(K) is the infimum of sup e over all of them.",
        commands=("aeverify width 'ellipse:a=3,b=2' --latent-dim 1 --explain",),
    )


@row("K-8", "The error is large on an open set of positive measure.")
def thick_set(context: AuditContext) -> Finding:
    """e is continuous and e(x*) >= B at some x*, so {e > (1 - eta) B} is open in K and holds x*; with a Lipschitz
    constant it holds a ball of known measure (`thick-set`)."""
    models = [(oracle("cut:half_width=0.03"), "circle"), *((m, "circle") for m in _circle_models(context, 1))]
    verdicts = [context.verdict(m, on, "thick-set", share=len(models) + 1) for m, on in models]
    paper = context.fixture("two_circles_paper_0")
    verdicts.append(context.verdict(paper, "two_circles", "thick-set", share=len(models) + 1))
    figures: dict[str, Figure] = {}
    for v in verdicts:
        if v.evidence is not None and v.threshold is not None:
            figures[f"share with a large error, {v.subject}"] = v.evidence.interval
            figures[f"floor of that share, {v.subject}"] = v.threshold.lower
    return agreed(
        verdicts,
        "Where the worst error is at least B, continuity keeps it above B / 2 on an open set; its share of K was "
        "measured, and lies above the floor that the Lipschitz constant gives.",
        AuditReason.FORCED,
        figures=figures,
        proof="The set {e > B / 2} is the preimage of an open set under a continuous function, and is not empty.",
    )


@row("K-9", "The worst error over ever finer subsets rises to that over K.")
def dense_subsets(context: AuditContext) -> Finding:
    """sup of the continuous e over a dense subset X equals sup over K: every x in K is a limit of points of X.

    No finite set is dense, so no computation can stand for the claim itself. What can be certified for a model with
    Lipschitz constant L of D after E: the maximum over a set with covering radius eps is at least w - (L + 1) eps.
    """
    space = manifold("circle")
    bound = widths.best_lower(space, 1)
    models: list[Autoencoder] = [oracle("cut:half_width=0.3"), *_circle_models(context, 1)]
    figures: dict[str, Figure] = {}
    evidence: list[Evidence] = [bound]
    for model in models:
        steep = context.study(model, space).lipschitz_upper(0, Part.RECONSTRUCTION)
        if steep is None or not math.isfinite(steep.upper):
            return Finding(AuditReason.UNDECIDED, f"No Lipschitz constant of {model.name} is known.", (bound,))
        for n in context.listed("grids"):
            grid = space.grid(int(n))
            found = float(model.errors(grid.points).max())
            floor = bound.lower - (steep.upper + 1.0) * grid.covering_radius.upper
            if found < floor - 1e-9:
                low = observed("sup_error", Interval.exactly(found), f"Largest error on a grid of {n} points.")
                return Finding(AuditReason.REFUTED, f"{model.name} is below {floor} on {n} points.", (low,), figures)
            figures[f"{model.name}: largest error on {n} points"] = found
            figures[f"{model.name}: its floor on {n} points"] = max(floor, 0.0)
        evidence.append(steep)
        if max(floor, 0.0) == 0.0:
            return Finding(AuditReason.UNDECIDED, f"The finest grid says nothing of {model.name}.", (bound,), figures)
    return Finding(
        AuditReason.FORCED,
        f"On a dense subset the supremum of the continuous error is that over K, at least {bound.lower:g} here. Grids "
        "show how it comes: on coarse ones the error may be anything, on fine ones it has a positive floor.",
        tuple(evidence),
        figures,
        proof="Every point of K is a limit of points of the dense subset, and e is continuous.",
        citations=(KVALHEIM_SONTAG,),
    )


@row("K-10", "The bound does not depend on the architecture.")
def universal(context: AuditContext) -> Finding:
    """Depth, width, activation, optimiser and initial weights change; the smallest worst error stays above the
    bound."""
    table = context.parameter("networks")
    models: list[Autoencoder] = []
    for spec, settings in table:
        models += context.trained(
            spec, "circle", "quick", context.either(1, 5), latent_dim=1, points=200, **dict(settings)
        )
    models += _random_models(context, "circle", context.either(3, 20))
    verdicts = [context.verdict(m, "circle", "theorem-1") for m in models]
    lows = [v.evidence.lower for v in verdicts if v.evidence is not None]
    bound = widths.best_lower("circle", 1)
    return agreed(
        verdicts,
        f"{len(models)} networks of {len(table)} shapes and recipes, and untrained ones: the smallest of their worst "
        f"errors is at least {min(lows, default=math.nan):.6g}; the bound is {bound.lower:g} for all.",
        AuditReason.FORCED,
        first=(bound,),
        figures=_worst_errors(verdicts),
        proof="The bound is an infimum over all continuous E and D, whatever computes them.",
    )


@row("K-19", "Theorem 3 on sets that are no closed k-manifolds.")
def theorem_3(context: AuditContext) -> Finding:
    """Compact sets with H^k not zero: the theorem gives their reach, which is empty where the reach is zero."""
    figures: dict[str, Figure] = {}
    evidence: list[Evidence] = []
    for spec, k in context.listed("sets"):
        found = reach_bounds(manifold(spec), k)
        if not found:
            return Finding(
                AuditReason.REFUTED,
                f"{spec} has no cohomology in degree {k} or above that is known.",
                (widths.best_lower(spec, k),),
            )
        best = max(found, key=lambda e: e.lower)
        evidence.append(best)
        figures[f"{spec}, k = {k}: reach"] = best.lower
        figures[f"{spec}, k = {k}: best bound known"] = widths.best_lower(spec, k).lower
    spec, k = context.parameter("without")
    figures[f"{spec}, k = {k}: bounds of Theorem 3"] = len(reach_bounds(manifold(spec), k))
    figures[f"{spec}, k = {k}: best bound known"] = widths.best_lower(spec, k).lower
    on = "annulus:inner=1,outer=2"
    verdicts = [context.verdict(m, on, "theorem-1") for m in _random_models(context, on, context.either(2, 10))]
    return agreed(
        verdicts,
        f"{len(evidence)} sets with cohomology in degree k, with boundary or of higher dimension: their reach bounds "
        "every model, and the measured ones keep to it. Where the reach is zero the theorem says nothing, and where "
        f"the cohomology is zero ({spec}) it does not apply although no model is perfect there.",
        AuditReason.FORCED,
        first=tuple(sorted(evidence, key=lambda e: -e.lower)),
        figures={**figures, **_worst_errors(verdicts)},
        proof=PROOF,
        citations=(KVALHEIM_SONTAG,),
    )


@row("K-38", "On the two circles the bound is 1 on each, twice what Theorem 1 gives for their union.")
def two_circles(context: AuditContext) -> Finding:
    """w_1 of a unit circle is 1 (antipodes with one code); that of a disjoint union is the largest of its parts'."""
    bound = widths.best_lower("two_circles", 1)
    reach = manifold("two_circles").truth.reach
    models: list[Autoencoder] = [context.fixture(f"two_circles_paper_{i}") for i in (0, 1)]
    verdicts = [context.verdict(m, "two_circles", "theorem-1") for m in (*models, oracle("label"))]
    return agreed(
        verdicts,
        f"The worst error is at least {bound.lower:g} on each circle, for every model; the reach of the union is "
        f"{reach.lower:g}. The label oracle attains it, and the two trained runs have twice that.",
        AuditReason.FORCED,
        first=(bound,),
        figures={"reach of the union": reach, "w_1, at least": bound.lower, **_worst_errors(verdicts)},
        proof=str(bound.details["proof"]),
        commands=("aeverify width two_circles --latent-dim 1 --explain",),
    )


def _sets(context: AuditContext) -> list[tuple[str, int]]:
    return [(str(s), int(k)) for s, k in context.listed("sets")]


def _reach_evidence(spec: str, k: int) -> Evidence:
    reach = manifold(spec).truth.reach
    return Evidence(
        "width", Interval.at_least(reach.lower), Rigor.EXACT, f"Theorem 1: the reach of {spec}, k = {k}.",
        citations=(KVALHEIM_SONTAG,),
    )  # fmt: skip


def _many_models(context: AuditContext) -> list[tuple[Autoencoder, str]]:
    found: list[tuple[Autoencoder, str]] = [
        (oracle("constant"), "circle"),
        (oracle("cut:half_width=0.03"), "circle"),
        (oracle("cut:half_width=1e-6"), "circle"),
        (oracle("cut_two_circles:half_width=0.03"), "two_circles"),
        (context.fixture("two_circles_paper_0"), "two_circles"),
    ]
    found += [(m, "circle") for m in _circle_models(context, context.either(2, 10))]
    for spec, k in _sets(context):
        found += [(m, spec) for m in _random_models(context, spec, context.either(1, 10), k)]
    return found


def _circle_models(context: AuditContext, count: int) -> list[Autoencoder]:
    return context.trained("mlp:hidden=[32,32]", "circle", "quick", count, latent_dim=1, points=200)


def _random_models(context: AuditContext, spec: str, count: int, latent_dim: int = 1) -> list[Autoencoder]:
    """Networks with random weights of random size, from nearly constant to steep: no training, no good will."""
    from aeverify.autoencoders.architectures import Architecture
    from aeverify.autoencoders.networks import ModuleAutoencoder

    rng = context.rng("random models", spec, latent_dim)
    n = manifold(spec).ambient_dim
    made: list[Autoencoder] = []
    for i in range(count):
        hidden = tuple(int(h) for h in rng.integers(4, 17, size=rng.integers(1, 3)))
        shape = Architecture(n, latent_dim, hidden, str(rng.choice(["relu", "leaky_relu"])))
        encoder, decoder = shape.build(context.seed.child("row", context.row.id, "random", spec, i))
        for module in (encoder, decoder):
            scale = float(np.exp(rng.uniform(-1.0, 1.5)))
            for weight in module.parameters():
                weight.data.mul_(scale)
        made.append(ModuleAutoencoder(encoder, decoder, name=f"random {shape.spec} {i}"))
    return made


def _worst_errors(verdicts: list[Verdict]) -> dict[str, Figure]:
    return {f"worst error, {v.subject} on {v.manifold}": v.evidence.interval for v in verdicts if v.evidence}

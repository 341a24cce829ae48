"""Rows of source 001 on variational autoencoders: completeness, what regularisation cannot do, other priors."""

from __future__ import annotations

from typing import Any

import numpy as np

from aeverify import measure
from aeverify.audit.context import AuditContext
from aeverify.audit.findings import AuditReason, Figure, Finding
from aeverify.audit.rows import row
from aeverify.autoencoders.protocol import Autoencoder
from aeverify.core.evidence import Evidence
from aeverify.core.report import Plot, Series
from aeverify.core.verdict import Outcome
from aeverify.manifolds import manifold

PLAIN = "mlp:hidden=[32,32]"
_GAP = "The difference of the distances of D(z) to the two parts is continuous on the connected set of codes and "
_PROOF = _GAP + "changes its sign, so that it has a zero, where both distances are at least half the gap."


def _pair(context: AuditContext, spec: str, latent_dim: int, points: int) -> dict[str, Autoencoder]:
    """A plain and a variational model of the same set."""
    (plain,) = context.trained(PLAIN, spec, latent_dim=latent_dim, points=points)
    (variational,) = context.trained(
        context.text("model"), spec, latent_dim=latent_dim, points=points, **context.table("recipe")
    )
    return {"plain": plain, "variational": variational}


@row("V-10", "No continuous decoder maps connected codes onto a disconnected set and nothing else.")
def completeness(context: AuditContext) -> Finding:
    """If every code decodes to a point of K, D(R^m) is a connected subset of K, so that it misses all parts of K but
    one. Quantified: at parts g apart, both decoded to within g/2, some code is decoded at least g/2 away from K. The
    witness is found on the segment between two codes, for a plain and for a variational model."""
    spec = context.text("set")
    models = _pair(context, spec, context.count("latent_dim"), context.count("points"))
    verdicts = {name: context.verdict(m, spec, "completeness-obstruction") for name, m in models.items()}
    evidence = [v.evidence for v in verdicts.values() if v.evidence is not None]
    if any(v.outcome is not Outcome.PASS for v in verdicts.values()):
        told = "; ".join(f"{name}: {v.outcome} {v.message}" for name, v in verdicts.items())
        return Finding(AuditReason.UNDECIDED, told[:1900], tuple(evidence))
    gap = verdicts["plain"].supporting
    return Finding(
        AuditReason.IMPOSSIBLE,
        f"On {spec} a code between the two parts decodes to a point at least {evidence[0].lower:.6g} from the data "
        f"(plain), {evidence[1].lower:.6g} (variational); half the distance of the parts is "
        f"{gap[0].lower / 2:.6g}. On a connected set nothing forbids completeness.",
        (gap[0], *evidence),
        {f"distance from the data, {name}": e.interval for name, e in zip(verdicts, evidence, strict=True)},
        proof=_PROOF,
    )


@row("V-14", "A variational autoencoder on a disconnected and on a closed set, beside the plain one.")
def requirements_fulfilled(context: AuditContext) -> Finding:
    """Completeness: on two parts the prior's draws decode to points between them (`completeness-obstruction`, which is
    a theorem for every continuous decoder); the share of such draws is measured. Continuity holds for both kinds of
    model. On a closed curve with a scalar code the worst error is at least the width, so that some near codes belong
    to far points, with or without the prior (`theorem-1`)."""
    spec, closed = context.text("set"), context.text("closed")
    m, points = context.count("latent_dim"), context.count("points")
    models = _pair(context, spec, m, points)
    rng = context.rng("prior")
    figures: dict[str, Figure] = {}
    evidence: list[Evidence] = []
    complete = []
    for name, model in models.items():
        far = context.verdict(model, spec, "completeness-obstruction")
        share = measure.generated_far_share(
            model,
            manifold(spec),
            context.number("epsilon"),
            seed=context.seed.child("row", "V-14", name),
            draws=context.effort.draws,
            alpha=context.alpha / 2,
        )
        complete.append(far.outcome is not Outcome.PASS)
        if far.evidence is not None:
            evidence.append(far.evidence)
            figures[f"{name}: largest distance found from the data"] = far.evidence.interval
        evidence.append(share)
        figures[f"{name}: share of codes farther than {context.parameter('epsilon')}"] = share.interval
    evidence.sort(key=lambda e: e.quantity != "generated_distance")
    loops = _pair(context, closed, 1, 100)
    for name, model in loops.items():
        worst = context.verdict(model, closed, "theorem-1")
        if worst.evidence is not None:
            evidence.append(worst.evidence)
            figures[f"{name}: worst error on {closed}"] = worst.evidence.interval
    fulfilled = any(complete)
    return Finding(
        AuditReason.UNDECIDED if fulfilled else AuditReason.REFUTED,
        f"Completeness fails for both models on {spec}, and for every continuous decoder: {evidence[0].interval} from "
        "the data. Continuity both have, since networks are continuous; on a closed curve with one code it costs an "
        "error of the whole radius. Enforcing mean and variance changes where the misses lie, not that there are some.",
        tuple(evidence),
        figures,
        (*_plots(models, spec, rng), *_curves(loops, closed)),
        proof=_PROOF,
        commands=(f"aeverify width '{closed}' --latent-dim 1 --explain",),
    )


def _plots(models: dict[str, Autoencoder], spec: str, rng: np.random.Generator) -> tuple[Plot, ...]:
    """Codes, and decoded draws of the box of the codes (plain) and of the prior (variational)."""
    space = manifold(spec)
    grid = space.grid(800)
    plots = []
    for name, model in models.items():
        codes = model.encode(grid.points)
        low, high = codes.min(0), codes.max(0)
        prior = name == "variational"
        size = (1_500, model.latent_dim)
        drawn = rng.standard_normal(size) if prior else rng.uniform(low, high, size)
        decoded = model.decode(drawn)
        parts = [grid.component == i for i in range(len(space.components))]
        plots += [
            Plot(
                f"{name}-codes",
                f"Codes of the {name} autoencoder",
                f"Each part of {spec} in its colour.",
                ("z1", "z2"),
                tuple(Series(f"part {i}", _columns(codes[p]), "points", i) for i, p in enumerate(parts)),
            ),
            Plot(
                f"{name}-generated",
                f"What the {name} autoencoder generates",
                f"Decoded draws of {'the prior' if prior else 'the box of the codes'}: some lie between the parts.",
                ("x1", "x2"),
                (
                    Series("generated", _columns(decoded[:, :2]), "points"),
                    *(Series(f"part {i}", _columns(grid.points[p][:, :2]), "line", i) for i, p in enumerate(parts)),
                ),
            ),
        ]
    return tuple(plots)


def _curves(models: dict[str, Autoencoder], spec: str) -> tuple[Plot, ...]:
    """The code along a closed curve, and what it decodes to."""
    grid = manifold(spec).grid(600)
    angle = tuple(map(float, grid.parameters[:, 0]))
    return (
        Plot(
            "codes-along-the-curve",
            "The code along a closed curve",
            "A continuous code takes every value but its extremes twice: near the jump of the plain and of the "
            "variational model far points are near in code.",
            ("parameter", "code"),
            tuple(
                Series(name, (angle, tuple(map(float, m.encode(grid.points)[:, 0]))), "line")
                for name, m in models.items()
            ),
        ),
        Plot(
            "decoded-curve",
            "The decoded curve",
            "Both models leave a gap, across which their outputs run through the middle.",
            ("x1", "x2"),
            tuple(Series(name, _columns(m.reconstruct(grid.points)[:, :2]), "line") for name, m in models.items()),
        ),
    )


def _columns(rows: Any) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(map(float, column)) for column in np.asarray(rows).T)


@row("V-15", "Another prior and a recurrent network, trained by the same machinery.")
def other_priors(context: AuditContext) -> Finding:
    """A prior on a circle gives a closed curve codes on a circle: the mean error falls below what any scalar code
    allows at its worst point. A recurrent encoder and decoder are trained on the same terms. Faces and molecules are
    not data of this toolkit, and of scientific discovery nothing can be computed."""
    closed, arc = context.text("closed"), context.text("arc")
    figures: dict[str, Figure] = {}
    evidence = []
    for name, spec, m, network, settings in (
        ("circle prior", closed, 2, context.parameter("torus_model"), context.parameter("torus_recipe")),
        ("recurrent", arc, 1, context.parameter("recurrent_model"), context.parameter("recurrent_recipe")),
    ):
        (model,) = context.trained(str(network), spec, latent_dim=m, points=100, **settings)
        points = context.sample(spec, 100).points
        error = measure.root_mean_squared_error(model, points)
        spread = float(np.sqrt(((points - points.mean(0)) ** 2).sum(1).mean()))
        figures[f"{name} on {spec}: RMSE"] = error.interval
        figures[f"{name}: RMSE as a share of the spread"] = error.upper / spread
        evidence.append((error, error.upper / spread))
    bar = context.number("share_of_spread")
    right = all(share <= bar for _, share in evidence)
    return Finding(
        AuditReason.SUPPORTED if right else AuditReason.UNDECIDED,
        "A variational model with its codes on a circle and a recurrent autoencoder reach "
        f"{', '.join(f'{e.upper:.3g}' for e, _ in evidence)} RMSE. That such models generate faces or molecules, or "
        "lead to discoveries, is not checked.",
        tuple(e for e, _ in evidence),
        figures,
    )

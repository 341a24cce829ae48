"""Rows of source 000 on networks: continuity, the intrinsic dimension, shapes, recipes, one hidden layer."""

from __future__ import annotations

import numpy as np

from aeverify import measure, widths
from aeverify.audit.context import AuditContext
from aeverify.audit.findings import AuditReason, Figure, Finding
from aeverify.audit.outcomes import KVALHEIM_SONTAG, agreed, exactly, observed
from aeverify.audit.rows import row
from aeverify.autoencoders.architectures import architecture
from aeverify.autoencoders.building import from_architecture
from aeverify.autoencoders.layers import ACTIVATIONS
from aeverify.autoencoders.oracles import oracle
from aeverify.autoencoders.protocol import Continuity
from aeverify.autoencoders.recipes import recipe
from aeverify.core.evidence import Evidence
from aeverify.core.interval import Interval
from aeverify.core.report import Plot, Series
from aeverify.manifolds import manifold


@row("K-1", "Networks with continuous activations are continuous maps of the stated shapes, for every activation.")
def continuous_maps(context: AuditContext) -> Finding:
    """Each activation that networks can be built of is Lipschitz (`ACTIVATIONS` holds the proofs), affine maps are,
    and compositions are. The mutant whose code is an angle jumps, and is told apart."""
    n, k = context.count("ambient_dim"), context.count("latent_dim")
    points = context.rng("points").normal(size=(context.either(50, 5_000), n))
    figures: dict[str, Figure] = {}
    for name, activation in ACTIVATIONS.items():
        model = from_architecture(
            f"mlp:ambient_dim={n},latent_dim={k},hidden=[16,16],activation={name}", context.seed.child("row", "K-1")
        )
        codes = model.encode(points)
        decoded = model.decode(codes)
        finite = bool(np.isfinite(codes).all() and np.isfinite(decoded).all())
        figures[name] = f"{model.continuity}; {activation.derivation}"
        if model.continuity is not Continuity.KNOWN or codes.shape[1] != k or decoded.shape[1] != n or not finite:
            low = observed("continuous", Interval.exactly(0.0), f"{len(points)} points, {name}.")
            return Finding(AuditReason.REFUTED, f"{name} is not a continuous map of that shape.", (low,), figures)
    jumping = measure.continuity(oracle("atan2"), manifold("circle"), seed=context.seed.child("row", context.row.id))
    figures["code = angle (mutant), continuous"] = str(jumping.holds)
    return Finding(
        AuditReason.SUPPORTED if jumping.holds is False else AuditReason.REFUTED,
        f"All {len(ACTIVATIONS)} activations give continuous maps R^{n} -> R^{k} -> R^{n}; a code that jumps is "
        "recognised, and theorems are not asked of it.",
        (exactly("continuous_activations", len(ACTIVATIONS), "Each is Lipschitz; compositions of continuous maps."),),
        figures,
        proof="Affine maps and Lipschitz activations are continuous, and so are their compositions.",
    )


@row("K-2", "The sup and the mean error against the code dimension, on sets of known dimension.")
def intrinsic_dimension(context: AuditContext) -> Finding:
    """Two elbows. The least k with w_k(K) = 0, where the worst error can vanish, is the dimension that K embeds in; the
    least k with a small median error of trained networks is the intrinsic one: by Theorem 2 the error may be small off
    a small set, which a median does not see and a mean square of errors near the diameter does. Theorem 2 holds with
    k = 1 for every compact set (number the cells of a fine grid), so that even the second is a matter of how steep
    networks may be."""
    figures: dict[str, Figure] = {}
    evidence: list[Evidence] = []
    plots: list[Series] = []
    level = context.number("elbow")
    by_median, by_worst = [], []
    for spec, points in context.listed("sets"):
        space = manifold(spec)
        errors, typical = [], []
        for k in range(1, space.ambient_dim + 1):
            found = context.trained(
                "mlp:hidden=[64,64]",
                spec,
                "quick",
                context.either(1, 5),
                latent_dim=k,
                points=int(points),
                epochs=1000,
            )
            fresh = space.sample(2_000, context.seed.child("row", context.row.id, spec))
            size = space.truth.circumradius.upper
            errors.append(min(measure.root_mean_squared_error(m, fresh).upper for m in found) / size)
            typical.append(min(float(np.median(m.errors(fresh.points))) for m in found) / size)
            figures[f"{spec}, k = {k}: median error in circumradii"] = typical[-1]
            figures[f"{spec}, k = {k}: root mean squared error in circumradii"] = errors[-1]
            bound = widths.best_lower(spec, k)
            figures[f"{spec}, k = {k}: worst error, at least"] = bound.lower
            evidence.append(bound)
        small, small_mean = (next((k for k, e in enumerate(row, 1) if e < level), None) for row in (typical, errors))
        room = space.truth.embedding_dim
        by_median.append(small == space.truth.dimension)
        by_worst.append(room == space.truth.dimension)
        figures[f"{spec}: dimension"] = space.truth.dimension
        figures[f"{spec}: least k with a small median error"] = "none" if small is None else small
        figures[f"{spec}: least k with a small mean square"] = "none" if small_mean is None else small_mean
        figures[f"{spec}: least k that holds the set"] = "not known" if room is None else room
        columns = (tuple(float(k) for k in range(1, len(errors) + 1)), tuple(typical))
        plots.append(Series(spec, columns, "line", len(plots)))
    plot = Plot(
        "bottleneck-sweep",
        "Error against the code dimension",
        "Median error of the best trained network, in circumradii.",
        ("code dimension", "error"),
        tuple(plots),
        log_axes=(1,),
        lines=((level, f"small: below {level:g}"),),
    )
    evidence.sort(key=lambda e: -e.lower)
    if all(by_worst):
        return Finding(AuditReason.SUPPORTED, "Both elbows are at the dimension.", tuple(evidence), figures, (plot,))
    said = (
        "by the worst error the bottleneck shows the dimension that the set embeds in, one more than its own for the "
        "closed ones"
    )
    if not all(by_median):
        return Finding(
            AuditReason.UNDECIDED, f"Training did not find the elbow of the median error; {said}.", tuple(evidence),
            figures, (plot,),
        )  # fmt: skip
    return Finding(
        AuditReason.LOOSE,
        f"By the median error of trained networks the elbow is at the dimension of each set; {said}.",
        tuple(evidence),
        figures,
        (plot,),
        premise="the error is a typical one (a median) and the networks are of limited steepness; the worst error, and "
        "often the mean square, which a small bad set may carry, show the dimension that the set embeds in",
    )


@row("K-18", "A replicator is a continuous autoencoder to which the same theorems apply.")
def replicator(context: AuditContext) -> Finding:
    """Hecht-Nielsen's network with a staircase as code layer: trained on the circle, held to Theorem 1, with the share
    of its bad set. What his Fig. 4 shows is not in this text."""
    models = context.trained(context.text("kind"), "circle", "quick", context.either(1, 5), latent_dim=1, points=200)
    verdicts = [context.verdict(m, "circle", "theorem-1") for m in models]
    figures: dict[str, Figure] = {f"worst error, {v.subject}": v.evidence.interval for v in verdicts if v.evidence}
    for m in models:
        found = measure.bad_set(
            m,
            manifold("circle"),
            context.number("epsilon"),
            seed=context.seed.child("row", context.row.id, m.name),
            draws=context.effort.draws,
            alpha=context.alpha / max(len(models), 1),
        )
        figures[f"share with a large error, {m.name}"] = found.interval
    judged = agreed(verdicts, "Replicators.", AuditReason.FORCED, figures=figures) if verdicts else None
    if judged is None or judged.reason is not AuditReason.FORCED:
        return Finding(AuditReason.UNDECIDED, "No replicator could be judged.", (), figures)
    return Finding(
        AuditReason.NOT_CHECKABLE,
        "The text names a figure of another paper and says only that the idea there is related. The network of that "
        f"paper exists here: {len(models)} trained replicators keep to Theorem 1 as any continuous model must.",
        judged.evidence,
        figures,
    )


@row("K-32", "The printed shape has the parameters that were counted from it.")
def parameter_count(context: AuditContext) -> Finding:
    """(n + 1) h + 2 (h + 1) h + (h + 1) m for the encoder, the mirror for the decoder, and the built modules."""
    shape = architecture("paper")
    model = from_architecture("paper", 0)
    built = [sum(p.numel() for p in part.parameters()) for part in (model.encoder, model.decoder)]
    layers, units = context.count("hidden_layers"), context.count("units")
    counted = [context.count("encoder"), context.count("decoder")]
    right = (
        shape.hidden == (units,) * layers
        and shape.activation == context.parameter("activation")
        and built == counted == [shape.encoder_parameter_count, shape.decoder_parameter_count]
    )
    return Finding(
        AuditReason.SUPPORTED if right else AuditReason.REFUTED,
        f"The network {shape} has {built[0]} + {built[1]} = {sum(built)} parameters.",
        (exactly("parameters", sum(built), "Counted in the built modules, and by formula."),),
        {
            "encoder (Figure 3)": " - ".join(map(str, shape.encoder_sizes)),
            "decoder (Figure 3)": " - ".join(map(str, shape.decoder_sizes)),
            "parameters of E": built[0],
            "parameters of D": built[1],
        },
    )


@row("K-33", "The recipe in the appendix is the preset of that name.")
def training_recipe(context: AuditContext) -> Finding:
    """Setting by setting; under the full budget the network is trained by it, and the loss is shown."""
    preset = recipe("paper").to_dict()
    wanted = context.table("settings")
    figures: dict[str, Figure] = {name: f"{preset[name]} (printed: {value})" for name, value in wanted.items()}
    wrong = [name for name, value in wanted.items() if preset[name] != value]
    evidence = [exactly("settings", len(wanted) - len(wrong), "Compared one by one.")]
    text = f"All {len(wanted)} settings agree."
    if not context.quick and not wrong:
        trained = context.training("paper", "two_circles", "paper", 1)
        for r in trained.records:
            error = float(r["mean_squared_error"])
            figures["mean squared error after the last epoch"] = error
            evidence.append(observed("mean_squared_error", Interval.exactly(error), "Over the training points."))
        text += f" {trained.diverged} of 1 trainings diverged."
    return Finding(
        AuditReason.REFUTED if wrong else AuditReason.SUPPORTED,
        f"Settings differ: {', '.join(wrong)}." if wrong else text,
        tuple(evidence),
        figures,
        commands=("aeverify list recipes",),
    )


@row("K-34", "One hidden layer is enough on the circle, and wider ones are better.")
def single_hidden_layer(context: AuditContext) -> Finding:
    """Networks with one hidden layer on each side; existence for one (epsilon, delta) is shown by one model. Density
    itself is a theorem on the class (cited by the source), and no training decides it."""
    epsilon, delta = context.number("epsilon"), context.number("delta")
    sets = [str(s) for s in context.listed("sets")][: context.either(1, None)]
    units = [int(w) for w in context.listed("units")]
    figures: dict[str, Figure] = {}
    series: list[Series] = []
    best: list[Evidence] = []
    count = len(sets) * len(units)
    for spec in sets:
        curve = []
        for width in units:
            found = []
            models = context.trained(
                f"mlp:hidden=[{width}]", spec, "quick", context.either(2, 10), latent_dim=1, points=400, epochs=600
            )
            for i, m in enumerate(models):
                seed = context.seed.child("row", context.row.id, spec, width, i)
                share = context.alpha / (count * len(models))
                found.append(
                    measure.bad_set(m, manifold(spec), epsilon, seed=seed, draws=context.effort.draws, alpha=share)
                )
            least = min(found, key=lambda e: e.upper)
            figures[f"{spec}, {width} units: smallest share with e > {epsilon:g}"] = least.interval
            curve.append(least)
        best.append(min(curve, key=lambda e: e.upper))
        columns = (tuple(float(w) for w in units), tuple(e.upper for e in curve))
        series.append(Series(spec, columns, "line", len(series)))
    plot = Plot("one-hidden-layer", "Bad share against the units of one hidden layer", "Smallest over the seeds.",
                ("units", "share, at most"), tuple(series), log_axes=(0, 1), lines=((delta, "asked"),))  # fmt: skip
    reached = all(e.upper < delta for e in best)
    text = "; ".join(f"{s}: {e.interval}" for s, e in zip(sets, best, strict=True))
    return Finding(
        AuditReason.SUPPORTED if reached else AuditReason.UNDECIDED,
        f"Smallest share with e > {epsilon:g} of networks with one hidden layer (asked: below {delta:g}): {text}. That "
        "they approximate every continuous function is a theorem; this shows models for one epsilon and delta.",
        tuple(best),
        figures,
        (plot,),
        citations=(KVALHEIM_SONTAG,),
    )

"""Rows of source 002 on training and regularisation: capacity, penalties and what they buy, distributions of codes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from aeverify import measure
from aeverify.audit.context import AuditContext
from aeverify.audit.findings import AuditReason, Figure, Finding
from aeverify.audit.outcomes import observed
from aeverify.audit.rows import row
from aeverify.autoencoders.linear import pca_floor
from aeverify.autoencoders.protocol import Autoencoder
from aeverify.core.evidence import Evidence, Rigor
from aeverify.core.interval import Interval
from aeverify.core.report import Plot, Series
from aeverify.core.verdict import Outcome
from aeverify.manifolds import manifold

SMALL = "mlp:hidden=[32,32]"


def _models(context: AuditContext, names: tuple[str, ...]) -> dict[str, Autoencoder]:
    """Overcomplete networks of one set, one for each penalty that the row names, trained alike."""
    specs: Mapping[str, str] = context.parameter("models")
    spec, m = context.text("set"), context.count("latent_dim")
    recipe = context.parameter("recipe")
    return {name: context.trained(specs[name], spec, latent_dim=m, points=100, **recipe)[0] for name in names}


@row(
    "S-1", "Reduction, compression, denoising, features, generation and sequences, each on one model; not transformers."
)
def applications(context: AuditContext) -> Finding:
    """Each application that can be computed is shown once. Reduction and compression: fewer numbers with a small error;
    denoising: outputs nearer to the clean point; features: codes in the order of the arc; generation: decoded codes
    near it; sequences: a recurrent model. Of encoders for transformers the slide says nothing that could be
    computed."""
    spec = context.text("set")
    (model,) = context.trained(SMALL, spec, latent_dim=1)
    epsilon = context.number("epsilon")
    verdicts = {
        "1. reduction, 2. compression": context.verdict(
            model, spec, "error-bound", epsilon=epsilon, delta=0.05, share=3
        ),
        "3. denoising": context.verdict(
            model, spec, "untrained-denoising", noise=context.number("noise"), levels=1, share=3
        ),
        "5. generation": context.verdict(model, spec, "generated-samples", epsilon=epsilon, share=3),
    }
    (sequences,) = context.trained(
        context.text("recurrent_model"),
        spec,
        latent_dim=1,
        points=100,
        **context.table("recurrent_recipe"),
    )
    points = context.sample(spec, 100).points
    error, floor = measure.mean_squared_error(sequences, points), pca_floor(points, 1)
    figures: dict[str, Figure] = {name: str(v.outcome) for name, v in verdicts.items()}
    ordered = measure.code_order(
        model, manifold(spec), gap=context.number("order_gap"), seed=context.seed.child("row", "S-1")
    )
    figures["4. features: distant pairs of points whose codes are in the wrong order"] = ordered.interval
    figures["6. sequences, error as a share of PCA's"] = error.upper / floor
    figures["7. encoders for transformers"] = "not checked"
    shown = all(v.outcome is Outcome.PASS for v in verdicts.values()) and error.upper < floor and ordered.upper == 0.0
    evidence = (*(v.evidence for v in verdicts.values() if v.evidence is not None), ordered, error)
    return Finding(
        AuditReason.UNDECIDED,
        f"{'Six of the seven are' if shown else 'Not all of the first six are'} shown by a model of {spec} each. "
        "Nothing here decides the seventh, encoders for transformers: the slide names no task, and no number.",
        evidence,
        figures,
    )


@row("S-9", "A variational model learns p(h|x): the spread of its codes is neither that of the prior nor zero.")
def stochastic_mappings(context: AuditContext) -> Finding:
    """After training, sigma(x) of the encoder is compared with 0 (a function) and 1 (the prior, no information). The
    decoder's p(x|h) is normal about D(h) with the variance of the loss."""
    mean, spread, error = _posterior(context)
    low, high = float(spread.min()), float(spread.max())
    learned = low > 0.0 and high < 1.0 and float(np.ptp(mean)) > 1.0
    found = observed("posterior_standard_deviation", Interval(low, high), f"float32 network at {len(spread)} points.")
    return Finding(
        AuditReason.SUPPORTED if learned else AuditReason.UNDECIDED,
        f"Trained on {context.parameter('set')}, sigma(x) lies between {low:.3g} and {high:.3g}, the means range over "
        f"{float(np.ptp(mean)):.3g}; RMSE of drawn outputs {error:.3g}. Both mappings are distributions.",
        (found,),
        {"RMSE with drawn codes": error},
    )


@row("S-26", "Each input has a distribution of codes: mean and spread along the set.")
def latent_distributions(context: AuditContext) -> Finding:
    """The slide is a heading and a picture. Drawn here from a trained model: mu(x) with mu(x) -+ 2 sigma(x), and the
    divergence of q(h|x) from the prior, positive for every input: no two are the same distribution as the prior."""
    mean, spread, _ = _posterior(context)
    divergence = 0.5 * (spread**2 + mean**2 - 1.0 - 2.0 * np.log(spread))
    order = tuple(map(float, np.linspace(0.0, 1.0, len(mean))))
    series = tuple(
        Series(name, (order, tuple(map(float, values))), "line")
        for name, values in (("mu - 2 sigma", mean - 2 * spread), ("mu", mean), ("mu + 2 sigma", mean + 2 * spread))
    )
    least = float(divergence.min())
    return Finding(
        AuditReason.SUPPORTED if least > 0.0 else AuditReason.REFUTED,
        f"KL(q(h|x) || p) is between {least:.3g} and {float(divergence.max()):.3g} nats along the set.",
        (observed("divergence", Interval(least, float(divergence.max())), f"{len(mean)} points, float32 network."),),
        {},
        (
            Plot(
                "distributions-of-codes",
                "The distribution of codes along the set",
                "Mean and two standard deviations of the code of each point.",
                ("parameter", "code"),
                series,
            ),
        ),
    )


def _posterior(context: AuditContext) -> tuple[np.ndarray, np.ndarray, float]:
    """mu and sigma along the set after training in the form that returns both, and the RMSE with drawn codes."""
    import torch

    from aeverify.autoencoders.kinds import TrainedKind, kind

    spec = context.text("set")
    space = manifold(spec)
    chosen = kind(context.text("model"), ambient_dim=space.ambient_dim, latent_dim=1)
    assert isinstance(chosen, TrainedKind)
    seed = context.seed.child("row", "S-9")
    encoder, decoder = chosen.build(seed)
    objective = chosen.objective()
    assert objective is not None
    generator = torch.Generator().manual_seed(seed.child("noise").value % 2**63)
    points = context.sample(spec, 100).points
    x = torch.tensor(points, dtype=torch.float32)
    optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=0.01)
    for _ in range(context.either(500, 3_000)):
        loss = objective(encoder, decoder, x, torch.randn(len(x), objective.noise, generator=generator))
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    with torch.no_grad():
        grid = torch.tensor(space.grid(200).points, dtype=torch.float32)
        mean, log_variance = encoder(grid).double().numpy().T
        spread = np.exp(0.5 * log_variance)
        drawn = mean + spread * np.random.Generator(np.random.PCG64(seed.value)).standard_normal(len(mean))
        outputs = decoder(torch.tensor(drawn[:, None], dtype=torch.float32))
        return mean, spread, float(((outputs - grid) ** 2).sum(1).mean().sqrt())


@row("S-13", "The error of trained networks falls with the code's dimension, on sets of several dimensions.")
def higher_codes(context: AuditContext) -> Finding:
    """The optimum cannot rise with m. Trained errors are compared by disjoint enclosures; the more dimensions a set
    has, the more codes it takes until its error is small."""
    figures: dict[str, Figure] = {}
    trends = []
    series = []
    for spec in context.listed("sets"):
        dims = range(1, manifold(spec).ambient_dim + 1)
        found = [context.training(SMALL, spec, latent_dim=m, points=300, epochs=500) for m in dims]
        errors = [measure.root_mean_squared_error(f.models[0], f.sample) for f in found]
        trends.append(measure.kendall_tau(errors))
        figures.update({f"RMSE on {spec}, {m} codes": e.interval for m, e in zip(dims, errors, strict=True)})
        series.append(Series(spec, (tuple(map(float, dims)), tuple(e.lower for e in errors)), "line"))
    right = all(t.upper == -1.0 for t in trends)
    return Finding(
        AuditReason.SUPPORTED if right else AuditReason.UNDECIDED,
        f"Kendall's tau of the error with the number of codes: {', '.join(f'{t.upper:g}' for t in trends)} on "
        f"{len(trends)} sets.",
        tuple(trends),
        figures,
        (Plot("error-by-codes", "Error against the number of codes", "One line a set.", ("m", "RMSE"), tuple(series)),),
    )


@row("S-14", "Backpropagation with minibatches and recirculation both lower the error below that of a constant.")
def training_methods(context: AuditContext) -> Finding:
    """The same points by both methods, against the best constant (the variance), the best affine decoder (PCA), and
    without training."""
    spec = context.text("set")
    points = context.sample(spec, 200).points
    variance = float(((points - points.mean(0)) ** 2).sum(1).mean())
    (back,) = context.trained("mlp:hidden=[]", spec, latent_dim=1, points=200, batch_size=20)
    (circulated,) = context.trained("recirculation", context.sample(spec, 200), latent_dim=1)
    errors = {
        "backpropagation, minibatches": measure.mean_squared_error(back, points),
        "recirculation": measure.mean_squared_error(circulated, points),
    }
    floor = pca_floor(points, 1)
    right = all(e.upper < variance for e in errors.values())
    return Finding(
        AuditReason.SUPPORTED if right else AuditReason.UNDECIDED,
        f"Mean squared error of one code on {spec}: {errors['backpropagation, minibatches'].upper:.4g} by "
        f"backpropagation, {errors['recirculation'].upper:.4g} by recirculation; {variance:.4g} for the best "
        f"constant, {floor:.4g} for PCA.",
        tuple(errors.values()),
        {"best constant": variance, "PCA": floor, **{name: e.interval for name, e in errors.items()}},
    )


@row("S-21", "Too little capacity underfits by a proved bound; the most capacity memorises; trained networks need not.")
def capacity(context: AuditContext) -> Finding:
    """Underfitting is certain for an affine decoder on a curved set: PCA's floor. Overfitting "may" happen: the
    memoriser does. The sweep over widths shows training and unseen error of networks on few points."""
    spec, level = context.text("set"), context.number("level")
    few = context.sample(spec, context.count("points"), "S-21")
    names = {"affine": "mlp:hidden=[]", **{f"{w}+{w}": f"mlp:hidden=[{w},{w}]" for w in context.listed("widths")}}
    models = {
        name: context.trained(network, few, latent_dim=1, restarts=context.either(1, 5), **context.table("recipe"))
        for name, network in names.items()
    }
    models["memoriser"] = context.trained("memoriser", few, latent_dim=1)
    fitted: dict[str, float] = {}
    unseen: dict[str, Evidence] = {}
    figures: dict[str, Figure] = {}
    for name, found in models.items():
        rows = [
            (measure.root_mean_squared_error(m, few).upper, context.study(m, spec, share=9).bad_set(level))
            for m in found
        ]
        rows.sort(key=lambda pair: pair[1].upper)
        fitted[name], unseen[name] = rows[len(rows) // 2]
        figures[f"{name}: training RMSE"] = fitted[name]
        figures[f"{name}: share of the set above {level:g}"] = unseen[name].interval
    floor = pca_floor(few.points, 1) ** 0.5
    underfits = fitted["affine"] >= floor * (1 - 1e-9) > level
    networks = [e for name, e in unseen.items() if name not in ("memoriser", "affine")]
    memorises = fitted["memoriser"] <= context.row.tolerance and unseen["memoriser"].lower > float(
        context.parameter("fails_on")
    )
    place = tuple(map(float, range(len(models))))
    return Finding(
        AuditReason.SUPPORTED if underfits and memorises else AuditReason.UNDECIDED,
        f"Affine: RMSE {fitted['affine']:.3g} on its own training points, at least {floor:.3g} for every affine "
        f"decoder. Memoriser: {fitted['memoriser']:.1e} there, above {level:g} on a share of the set in "
        f"{unseen['memoriser'].interval}. Trained networks, from the narrowest to the widest, exceed it on shares of "
        f"{', '.join(f'{e.upper:.3g}' for e in networks)} of the set: what may happen need not.",
        (unseen["memoriser"], *(e for name, e in unseen.items() if name != "memoriser")),
        figures,
        (
            Plot(
                "capacity-sweep",
                "Training and unseen error by capacity",
                f"From left to right: {', '.join(models)}.",
                ("model", "error"),
                (
                    Series("RMSE on training points", (place, tuple(fitted.values())), "line"),
                    Series(
                        f"share of the set above {level:g}", (place, tuple(e.upper for e in unseen.values())), "line"
                    ),
                ),
            ),
        ),
    )


@row("S-23", "A penalty in the place of a smaller network: the same overcomplete shape with and without it.")
def regularise_rather(context: AuditContext) -> Finding:
    """The same network, data and recipe with noise on its inputs and without: the share of disturbed points that come
    back within epsilon, and beside it a network with a small code and no penalty. Advice cannot be proved by one case;
    that the penalty gives a property that the plain network lacks can."""
    models = _models(context, ("plain", "denoising"))
    spec, noise = context.text("set"), context.number("noise")
    (small,) = context.trained("mlp:hidden=[32]", spec, latent_dim=2, points=100)
    models["small code, no penalty"] = small
    found = {name: _noisy(context, m, spec, noise, name, 3) for name, m in models.items()}
    better = found["denoising"].upper < found["plain"].lower
    return Finding(
        AuditReason.SUPPORTED if better else AuditReason.UNDECIDED,
        f"Share of points with noise {noise:g} that end farther than {context.parameter('epsilon')} from the clean "
        "point: "
        + "; ".join(f"{name} {e.interval}" for name, e in found.items())
        + ". Which code size is ideal is advice without a criterion, and not judged.",
        (found["denoising"], found["plain"], found["small code, no penalty"]),
        {name: e.interval for name, e in found.items()},
    )


def _noisy(context: AuditContext, model: Autoencoder, spec: str, noise: float, name: str, share: int) -> Evidence:
    return measure.noisy_bad_share(
        model,
        manifold(spec),
        context.number("epsilon"),
        noise,
        seed=context.seed.child("row", context.row.id, name),
        draws=context.effort.draws,
        alpha=context.alpha / share,
    )


@row("S-24", "Four penalties against four properties: each buys its own, and not all the others.")
def properties(context: AuditContext) -> Finding:
    """Overcomplete networks of one shape: plain, sparse, contractive, denoising, masked. For each: the share of code
    numbers near zero, the share of the set where ||J_E|| exceeds a bound, and the shares of noisy and of masked inputs
    that come back wrong. A penalty has a property where its share is better than the plain network's for certain."""
    names = ("plain", "sparse", "contractive", "denoising", "masked")
    models = _models(context, names)
    space = manifold(context.text("set"))
    share = 4 * len(names)
    table: dict[str, dict[str, Evidence]] = {}
    for name, model in models.items():
        seed = context.seed.child("row", "S-24", name)
        draws, alpha = context.effort.draws, context.alpha / share
        table[name] = {
            "sparsity": measure.sparse_share(model, space, context.number("zero"), seed=seed, draws=draws, alpha=alpha),
            "small derivative": measure.stretched_share(
                model, space, context.number("stretch"), seed=seed, draws=draws // 4, alpha=alpha
            ),
            "noise": _noisy(context, model, str(space), context.number("noise"), name, share),
            "missing inputs": measure.masked_bad_share(
                model,
                space,
                context.number("epsilon"),
                context.number("hidden"),
                seed=seed,
                draws=draws,
                alpha=alpha,
            ),
        }
    own = {"sparse": "sparsity", "contractive": "small derivative", "denoising": "noise", "masked": "missing inputs"}
    has = {
        (name, what): _better(found, table["plain"][what], what)
        for name, row_of in table.items()
        if name != "plain"
        for what, found in row_of.items()
    }
    figures: dict[str, Figure] = {
        f"{name}, {what}": e.interval for name, row_of in table.items() for what, e in row_of.items()
    }
    each = all(has[name, what] for name, what in own.items())
    missing = [f"{name}: {what}" for (name, what), yes in has.items() if not yes]
    evidence = tuple(table[name][what] for name, what in own.items())
    reason = AuditReason.UNDECIDED if not each else AuditReason.LOOSE if missing else AuditReason.SUPPORTED
    return Finding(
        reason,
        f"Each penalty has its own property against the plain network: {'yes' if each else 'no'}. Without a certain "
        f"gain: {', '.join(missing) or 'none'}.",
        (*evidence, *table["plain"].values()),
        figures,
        premise="each property is that of its own penalty; no regularised autoencoder need have all four"
        if reason is AuditReason.LOOSE
        else "",
    )


def _better(found: Evidence, plain: Evidence, what: str) -> bool:
    assert found.rigor is Rigor.STATISTICAL
    return found.lower > plain.upper if what == "sparsity" else found.upper < plain.lower


@row("S-25", "A nonlinear overcomplete network with a penalty denoises and does not copy.")
def still_useful(context: AuditContext) -> Finding:
    """More codes and more units in every layer than inputs, so that the identity is within reach (the copier). Trained
    with noise on its inputs it moves noisy points towards the set (`untrained-denoising`), and does not leave them
    where they are (`no-copying`)."""
    (model,) = _models(context, ("denoising",)).values()
    spec, noise = context.text("set"), context.number("noise")
    gain = context.verdict(model, spec, "untrained-denoising", noise=noise, levels=1, share=2)
    copies = context.verdict(model, spec, "no-copying", noise=noise, share=2)
    right = gain.outcome is Outcome.PASS and copies.outcome is Outcome.PASS
    return Finding(
        AuditReason.SUPPORTED if right else AuditReason.UNDECIDED,
        f"{context.parameter('latent_dim')} codes for {manifold(spec).ambient_dim} inputs. {gain.message} "
        f"{copies.message}",
        tuple(v.evidence for v in (gain, copies) if v.evidence is not None),
        {v.claim.id: str(v.outcome) for v in (gain, copies)},
    )

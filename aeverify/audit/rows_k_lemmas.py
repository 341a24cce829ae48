"""Rows of source 000 on its proofs: the retraction of Theorem 3, Alexander duality, Lemmas 1 and 2, and density."""

from __future__ import annotations

import copy
import math

import numpy as np

from aeverify import measure
from aeverify.audit.context import AuditContext
from aeverify.audit.cuts import cap_share, moebius_cut, sphere_cut
from aeverify.audit.findings import AuditReason, Figure, Finding
from aeverify.audit.outcomes import KVALHEIM_SONTAG, agreed, disjoint, exactly, observed
from aeverify.audit.rows import row
from aeverify.autoencoders.networks import ModuleAutoencoder
from aeverify.autoencoders.oracles import oracle
from aeverify.autoencoders.protocol import Autoencoder, FloatArray, Part
from aeverify.core.evidence import Evidence, Rigor
from aeverify.core.interval import Interval
from aeverify.homology.engine import persistence
from aeverify.manifolds import manifold


@row("K-22", "Below the reach the homotopy of the proof stays in the tube; codes on a line unwind every loop.")
def homotopy(context: AuditContext) -> Finding:
    """On the unit circle, whose tube is the plane without the centre and whose retraction is x / |x|.

    (i) A model with error below the reach: the segments from x to D(E(x)) keep off the centre, so that x -> D(E(x)) is
    homotopic to the identity and winds once. (ii) D(E(.)) with codes on a line factors through an interval, so that it
    winds 0 times wherever it keeps off the centre: both cannot be, which is the proof for k = 1.
    """
    nodes, offset = context.either(2_000, 20_000), context.number("offset")
    points = manifold("circle").grid(nodes).points
    near = oracle(f"shift:offset={offset!r}")
    steps = np.linspace(0.0, 1.0, 65)[:, None, None]
    ends = near.reconstruct(points)
    tube = float(np.linalg.norm((1.0 - steps) * points + steps * ends, axis=2).min())
    turns = {near.name: _turns(ends)}
    models: list[Autoencoder] = [oracle(f"cut:half_width={h!r}") for h in (0.3, 0.03)]
    models += context.trained("mlp:hidden=[32,32]", "circle", "quick", 1, latent_dim=1, points=200)
    counted = 0
    for model in models:
        # A loop that passes near the centre has no winding number; the inner end of a steep tear is sampled more.
        found = _turns(model.reconstruct(_refined(model, points)))
        turns[model.name] = found
        counted += found is not None
    wrong = [n for n, t in turns.items() if t is not None and t != (1 if n == near.name else 0)]
    figures: dict[str, Figure] = {
        f"windings of {n}": "not defined: it passes the centre" if t is None else t for n, t in turns.items()
    }
    figures["least distance of the segments from the centre"] = tube
    seen = observed("winding_number", Interval.exactly(1.0), f"{nodes} points of the circle; {near.name}.")
    if wrong or turns[near.name] is None:
        return Finding(AuditReason.REFUTED, f"These wind otherwise: {', '.join(wrong)}.", (seen,), figures)
    kept = Evidence(
        "distance", Interval.at_least(1.0 - offset), Rigor.EXACT, "|x + t (f(x) - x)| >= 1 - |f(x) - x| on the circle."
    )
    return Finding(
        AuditReason.SUPPORTED if tube >= kept.lower - 1e-9 else AuditReason.REFUTED,
        f"With an error below the reach the homotopy keeps {tube:.3g} off the centre and the loop winds once; "
        f"{counted} loops through codes on a line do not wind, as a map through an interval cannot.",
        (seen, kept),
        figures,
        proof="A loop through an interval is contractible, the identity of the circle is not.",
        citations=(KVALHEIM_SONTAG,),
    )


@row("K-23", "Codes in R^k have no homology in degree k; a Rips complex is no witness of that.")
def alexander_duality(context: AuditContext) -> Finding:
    """Alpha diagrams of the codes of several models; the six vertices of a regular hexagon in R^2 have a Rips H_2."""
    cases: list[tuple[Autoencoder, str]] = [
        (context.fixture("two_circles_paper_0"), "two_circles"),
        *((m, "sphere:dim=2") for m in context.trained("mlp:hidden=[32,32]", "sphere:dim=2", "quick", 1, latent_dim=2)),
    ]
    verdicts = [context.verdict(m, on, "latent-topology") for m, on in cases]
    turns = np.arange(6) * (math.pi / 3.0)
    hexagon = np.column_stack([np.cos(turns), np.sin(turns)])
    rips = persistence(hexagon, max_degree=2, engine="rips").bars(2)
    alpha = persistence(hexagon, max_degree=2, engine="alpha").bars(2)
    figures: dict[str, Figure] = {"Rips bars of a hexagon in degree 2": len(rips), "alpha bars of it": len(alpha)}
    for v in verdicts:
        if v.evidence is not None:
            figures[f"bars in degree k and above, {v.subject}"] = v.evidence.interval
    return agreed(
        verdicts,
        f"No alpha diagram of codes has a bar in degree k or above, over {len(verdicts)} models: forced by duality, so "
        "that this holds the engine to the theorem. The Rips complex of six points of the plane has "
        f"{len(rips)} bar in degree 2, so that Rips diagrams prove nothing here.",
        AuditReason.FORCED,
        figures=figures,
        proof="A compact subset of R^k has no Cech cohomology in degree k (Alexander duality).",
    )


@row("K-24", "Cutting along the cut locus leaves a set that R^k holds, and the cut avoids any finite set.")
def cut_locus(context: AuditContext) -> Finding:
    """On S^1, S^2 and S^3 the cut locus of a pole is the other pole: the exponential map is exact off a cap of radius
    h about it, whose share tends to 0, and the pole is chosen such that the drawn points are off the cap."""
    figures: dict[str, Figure] = {}
    evidence: list[Evidence] = []
    for dim in context.listed("dimensions"):
        space = manifold(f"sphere:dim={dim}")
        sample = context.sample(space, context.count("points"))
        poles = context.sample(space, 400, "poles").points
        nearest = np.arccos(np.clip(-(poles @ sample.points.T), -1.0, 1.0)).min(axis=1)
        pole, free = poles[int(nearest.argmax())], float(nearest.max())
        h = 0.9 * free
        model = sphere_cut(int(dim), h, pole)
        fitted = measure.training_error(model, sample)
        figures[f"S^{dim}: largest error on {len(sample)} points"] = fitted.interval
        if fitted.interval.upper > context.number("rounding"):
            return Finding(AuditReason.REFUTED, f"The cut of S^{dim} is not exact off its cap.", (fitted,), figures)
        shares = [cap_share(int(dim), h * s) for s in (1.0, 0.1, 0.01)]
        figures[f"S^{dim}: share of the cap avoided by all points"] = shares[0]
        figures[f"S^{dim}: share of a cap a hundredth as wide"] = shares[2]
        evidence.append(fitted)
    return Finding(
        AuditReason.SUPPORTED,
        "On spheres of three dimensions the smooth map is exact at every drawn point, and the cap that it is wrong on "
        "holds none of them; narrower caps have a share that tends to 0.",
        (exactly("cut_measure", 0.0, "The cut locus of a point of S^d is one point, of measure 0."), *evidence),
        figures,
        proof="exp is a diffeomorphism of the open ball of radius pi onto the sphere without the antipode of the pole.",
    )


@row("K-25", "Sets with boundary: some need no cut, the Moebius band is cut along a segment.")
def with_boundary(context: AuditContext) -> Finding:
    """Hemisphere and annulus lie in the plane, the former by its last two coordinates; the band has `moebius_cut`."""
    epsilon, core = context.number("epsilon"), context.number("radius")
    draws = context.effort.draws
    figures: dict[str, Figure] = {}
    flat = Autoencoder.from_callables(
        lambda x: x[:, 1:].copy(),
        lambda z: np.column_stack([np.sqrt(np.maximum(1.0 - (z**2).sum(axis=1), 0.0)), z]),
        ambient_dim=3,
        latent_dim=2,
        name="projection of the hemisphere",
        continuous=True,
    )
    whole = [(flat, "hemisphere:dim=2"), (oracle("identity:ambient_dim=2"), "annulus:inner=1,outer=2")]
    evidence: list[Evidence] = []
    for model, spec in whole:
        sample = manifold(spec).sample(draws // 10, context.seed.child("row", context.row.id, spec))
        found = measure.training_error(model, sample)
        figures[f"{spec}: largest error, no cut"] = found.interval
        evidence.append(found)
        if found.interval.upper > 1e-6:
            return Finding(AuditReason.REFUTED, f"The map of {spec} is not exact.", (found,), figures)
    band = manifold(context.text("band"))
    last = 1.0
    for h in context.listed("half_widths"):
        bad = measure.bad_set(
            moebius_cut(core, float(h)),
            band,
            epsilon,
            seed=context.seed.child("row", context.row.id, repr(h)),
            draws=draws,
            alpha=context.alpha / len(context.listed("half_widths")),
        )
        figures[f"band: share with e > {epsilon:g}, cut of {h}"] = bad.interval
        if bad.interval.lower > last:
            return Finding(AuditReason.REFUTED, "The bad share does not fall with the cut.", (bad,), figures)
        last = bad.interval.upper
        evidence.insert(0, bad)
    return Finding(
        AuditReason.SUPPORTED,
        "Hemisphere and annulus are mapped without a cut. The Moebius band, which the plane does not hold, is cut "
        f"along a segment: the bad share falls with the width of the cut, at last to at most {last:.3g}.",
        tuple(evidence),
        figures,
    )


@row("K-26", "Smooth maps that are exact off the cut.")
def smooth_and_exact(context: AuditContext) -> Finding:
    """Error off the cap, which is rounding, and a bound of the difference quotients of E across the cut that settles as
    the step falls: E has no jump there (that it is smooth is proved in `aeverify.audit.cuts`)."""
    figures: dict[str, Figure] = {}
    evidence: list[Evidence] = []
    h = context.number("half_width")
    for dim in context.listed("dimensions"):
        space = manifold(f"sphere:dim={dim}")
        sample = space.sample(context.either(2_000, 50_000), context.seed.child("row", context.row.id, dim))
        off = sample.points[:, 0] > -math.cos(h)
        model = sphere_cut(int(dim), h)
        found = measure.training_error(model, sample.points[off])
        figures[f"S^{dim}: largest error off the cap"] = found.interval
        figures[f"S^{dim}: share of the cap"] = cap_share(int(dim), h)
        evidence.append(found)
        if found.interval.upper > context.number("rounding"):
            return Finding(AuditReason.REFUTED, f"The maps of S^{dim} are not exact off the cap.", (found,), figures)
    steps = [_steepest(sphere_cut(1, h), h, n) for n in (10_000, 100_000)]
    figures["S^1: steepest difference of E across the cut, fine and finer"] = f"{steps[0]:.4g}, {steps[1]:.4g}"
    settled = abs(steps[1] - steps[0]) < 0.05 * steps[0]
    return Finding(
        AuditReason.SUPPORTED if settled else AuditReason.UNDECIDED,
        "Off the cap the error is rounding, in three dimensions; across it the encoder's slope settles as the step "
        "falls, as that of a smooth map must.",
        tuple(evidence),
        figures,
        proof="E is the inverse of exp times a smooth function that is flat at the cut point; D = exp is analytic.",
    )


@row("K-27", "Components have codes in disjoint discs.")
def disjoint_codes(context: AuditContext) -> Finding:
    """The gap between the codes of the two circles, certified for the trained runs."""
    names = ("two_circles_paper_0", "two_circles_paper_1")
    hand = measure.nearest_codes(
        oracle(f"cut_two_circles:half_width={float(context.parameter('half_width'))!r}"),
        manifold("two_circles"),
        apart=None,
        samples=context.either(2_000, 20_000),
        seed=context.seed.child("row", context.row.id),
    )
    figures: dict[str, Figure] = {"code distance, cut oracle, at most": hand.upper}
    return disjoint(
        [context.fixture(n) for n in names],
        "The codes of the two circles are disjoint intervals in both trained runs, certified, and in the construction.",
        figures=figures,
    )


@row("K-29", "Maps near E and D compose to a map near D after E.")
def perturbed_weights(context: AuditContext) -> Finding:
    """|D'E'(x) - DE(x)| <= |D' - D| at E'(x) + L_D |E'(x) - E(x)|, which goes to 0 with the change of the weights."""
    import torch

    base = context.fixture("two_circles_paper_0")
    assert isinstance(base, ModuleAutoencoder)
    space = manifold("two_circles")
    points = space.grid(context.either(500, 5_000)).points
    codes, recon = base.encode(points), base.reconstruct(points)
    steep = base.lipschitz(Part.DECODER)
    changes: list[Evidence] = []
    figures: dict[str, Figure] = {}
    for eta in context.listed("relative_changes"):
        encoder, decoder = copy.deepcopy(base.encoder), copy.deepcopy(base.decoder)
        noise = torch.Generator().manual_seed(int(context.seed.child("row", context.row.id).value % 2**31))
        for p in (*encoder.parameters(), *decoder.parameters()):
            p.data.mul_(1.0 + float(eta) * (2.0 * torch.rand(p.shape, generator=noise, dtype=p.dtype) - 1.0))
        other = ModuleAutoencoder(encoder, decoder, name=f"{base.name}, weights changed by {eta:g}")
        change = np.linalg.norm(other.reconstruct(points) - recon, axis=1)
        moved = other.encode(points)
        if steep is not None:
            allowed = np.linalg.norm(other.decode(moved) - base.decode(moved), axis=1) + steep.upper * np.linalg.norm(
                moved - codes, axis=1
            )
            if (change > allowed * (1.0 + 1e-9) + 1e-9).any():
                far = observed("change", Interval.exactly(float(change.max())), f"Weights changed by {eta}.")
                return Finding(AuditReason.REFUTED, "The triangle inequality fails.", (far,), figures)
        figures[f"largest change of D(E(x)), weights changed by {eta:g}"] = float(change.max())
        changes.append(observed("minus_change", Interval.exactly(-float(change.max())), f"Changed by {eta}."))
    trend = measure.kendall_tau(changes)
    figures["Kendall's tau of the change"] = trend.interval
    small = -changes[-1].lower < context.number("small")
    return Finding(
        AuditReason.SUPPORTED if trend.lower == 1.0 and small else AuditReason.UNDECIDED,
        f"The change of D(E(x)) over {len(points)} points falls with that of the weights, at last to "
        f"{-changes[-1].lower:.2g}, and keeps to the modulus of the composition.",
        (trend, *changes),
        figures,
        proof="|D'E' - DE| <= |D'E' - DE'| + |DE' - DE|, and D is uniformly continuous on a compact neighbourhood.",
    )


def _refined(model: Autoencoder, points: FloatArray) -> FloatArray:
    """Points of the circle in order, dense where the reconstruction moves fast."""
    angles = np.sort(np.arctan2(points[:, 1], points[:, 0]))
    for _ in range(12):
        at = np.append(angles, angles[0] + 2.0 * math.pi)
        image = model.reconstruct(np.column_stack([np.cos(at), np.sin(at)]))
        far = np.flatnonzero(np.linalg.norm(np.diff(image, axis=0), axis=1) > 0.05)
        if not len(far):
            break
        angles = np.sort(np.append(angles, (at[far] + at[far + 1]) / 2.0))
    return np.column_stack([np.cos(angles), np.sin(angles)])


def _turns(loop: FloatArray) -> int | None:
    """How often a closed polygon winds about the origin; None where an edge is longer than it is far from there."""
    closed = np.vstack([loop, loop[:1]])
    if np.linalg.norm(closed, axis=1).min() <= np.linalg.norm(np.diff(closed, axis=0), axis=1).max():
        return None
    angle = np.unwrap(np.arctan2(closed[:, 1], closed[:, 0]))
    return round(float(angle[-1] - angle[0]) / (2.0 * math.pi))


def _steepest(model: Autoencoder, half_width: float, nodes: int) -> float:
    angle = math.pi + np.linspace(-1.5 * half_width, 1.5 * half_width, nodes)
    codes = model.encode(np.column_stack([np.cos(angle), np.sin(angle)]))
    return float(np.abs(np.diff(codes[:, 0])).max() / (angle[1] - angle[0]))

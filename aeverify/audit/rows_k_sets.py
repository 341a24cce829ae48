"""Rows of source 000 on sets: linear ones, intrinsic dimension, reach, homology, measure, and the two circles."""

from __future__ import annotations

import itertools
import math

import numpy as np

from aeverify import measure
from aeverify.audit.context import AuditContext
from aeverify.audit.findings import AuditReason, Figure, Finding
from aeverify.audit.outcomes import exactly, observed
from aeverify.audit.rows import row
from aeverify.core.evidence import Evidence, Rigor
from aeverify.core.interval import Interval
from aeverify.figures import data_plot
from aeverify.homology.engine import persistence
from aeverify.manifolds import MANIFOLDS, Manifold, certified_reach, manifold
from aeverify.manifolds.arclength import length_bounds
from aeverify.manifolds.chart import FloatArray
from aeverify.manifolds.cloud import PointCloud
from aeverify.widths.predicates import linking_number


@row("K-4", "PCA and classical scaling on linear sets are exact, and on a circle they are not.")
def linear_sets(context: AuditContext) -> Finding:
    """K in a k-dimensional affine subspace: its centred points have rank k, so that k principal components, and the
    first k coordinates of classical scaling (the same up to a rotation: X X^T and X^T X share their spectrum), lose
    nothing. The error of PCA is the norm of an affine map, hence convex: over a box it is largest at a corner."""
    figures: dict[str, Figure] = {}
    evidence: list[Evidence] = []
    rounding = context.number("rounding")
    for spec, k in context.listed("sets"):
        sample = context.sample(spec, 200)
        (pca,) = context.trained("pca", sample, latent_dim=int(k))
        corners = _box(sample.points, int(k), 2.0 * manifold(spec).truth.circumradius.upper)
        error, stress = float(pca.errors(corners).max()), _stress(sample.points, int(k))
        figures |= {f"{spec}: error of PCA, k = {k}, at most": error, f"{spec}: stress of classical scaling": stress}
        evidence.append(
            observed("sup_error", Interval.at_most(error), "Convex error at the corners of a box that holds the set.")
        )
        if max(stress, error) > rounding:
            return Finding(AuditReason.REFUTED, f"{spec} is not recovered.", tuple(evidence), figures)
    bent = context.sample("circle", 200)
    (pca,) = context.trained("pca", bent, latent_dim=1)
    worst = measure.sup_error(pca, manifold("circle"), samples=context.effort.samples)
    figures["circle, k = 1: worst error of PCA"] = worst.interval
    figures["circle, k = 1: stress of classical scaling"] = _stress(bent.points, 1)
    return Finding(
        AuditReason.SUPPORTED,
        f"On {len(evidence)} linear sets the error of PCA is at most {rounding:g}, and classical scaling keeps all "
        f"distances; on the circle PCA with k = 1 errs by at least {worst.lower:.6g}.",
        tuple(evidence),
        figures,
        proof="k principal components of points in a k-dimensional affine subspace span it.",
    )


@row("K-5", "Estimators of the intrinsic dimension on sets of known dimension.")
def manifold_hypothesis(context: AuditContext) -> Finding:
    """NOT_CHECKABLE: the text names no data, and a finite sample lies on manifolds of every dimension from 1. Shown is
    what estimators make of samples of known sets."""
    figures: dict[str, Figure] = {}
    evidence: list[Evidence] = []
    for spec in context.listed("sets"):
        space = manifold(spec)
        points = space.sample(context.either(500, 4_000), context.seed.child("row", context.row.id, spec)).points
        found = PointCloud(points, name=spec).dimension()
        figures[f"{spec}: estimated, of {space.truth.dimension}"] = (
            "estimators disagree" if found.value is None else found.value
        )
        evidence.append(found.evidence())
    return Finding(
        AuditReason.NOT_CHECKABLE,
        "A postulate on data that are not named. Finitely many points lie on smooth curves, surfaces and so on, so "
        "that no sample decides it; estimators on sets of known dimension are shown for what they are worth.",
        tuple(evidence),
        figures,
    )


@row("K-6", "The reach: unique nearest points inside, several just outside.")
def reach(context: AuditContext) -> Finding:
    """For a closed plane curve, p in K is the only nearest point of p + s n for every unit normal n exactly while s is
    below the reach. Inside, grids of the curve are searched for a nearer point; outside, some p has one. The closed
    form is met by an enclosure that does not use it."""
    figures: dict[str, Figure] = {}
    evidence: list[Evidence] = []
    share = context.number("share")
    for spec in context.listed("sets"):
        space = manifold(spec)
        known = space.truth.reach
        found = certified_reach(space.chart)
        certified = found.interval
        figures[f"{spec}: reach in closed form"] = known
        figures[f"{spec}: reach enclosed"] = certified
        inside, outside = (_deepest(space, known.lower * (1.0 + s)) for s in (-share, share))
        figures[f"{spec}: least excess of other points inside"] = inside
        figures[f"{spec}: the same outside"] = outside
        evidence.append(
            Evidence("reach", certified, Rigor.CERTIFIED, f"Curvature and far pairs of {spec}, enclosed over cells.")
        )
        if not certified.intersects(known) or inside < -1e-9 or outside > -1e-9:
            return Finding(AuditReason.REFUTED, f"The reach of {spec} is not {known}.", tuple(evidence), figures)
    return Finding(
        AuditReason.SUPPORTED,
        f"On {len(evidence)} curves the enclosed reach holds the closed form; {share:.0%} inside it no point of the "
        "curve is nearer than the foot of the normal, and as far outside one is.",
        tuple(evidence),
        figures,
    )


@row("K-20", "The field that shows the top class: any for orientable sets, Z/2 for the others.")
def fields(context: AuditContext) -> Finding:
    """Known Betti numbers in the top degree, and alpha diagrams of samples over Z/2 and Z/3."""
    figures: dict[str, Figure] = {}
    evidence: list[Evidence] = []
    for spec in context.listed("sets"):
        truth = manifold(spec).truth
        top = {f: n[truth.dimension] if truth.dimension < len(n) else 0 for f, n in truth.betti.items()}
        figures[f"{spec}: top Betti number"] = ", ".join(f"{v} over {f}" for f, v in top.items())
        right = (
            all(v > 0 for v in top.values()) if truth.orientable else (top["Z/2"], top["Z/3"], top["Q"]) == (1, 0, 0)
        )
        evidence.append(exactly("betti_number", top["Z/2"], f"Top degree of {spec} over Z/2."))
        if not right:
            return Finding(AuditReason.REFUTED, f"The top class of {spec} is another.", tuple(evidence), figures)
    points = context.count("points") if context.quick else 4 * context.count("points")
    for spec in context.listed("sampled"):
        truth, cloud = manifold(spec).truth, manifold(spec).grid(points).points
        for p in (2, 3):
            bars = persistence(cloud, max_degree=truth.dimension, field=p, engine="alpha").bars(truth.dimension)
            longest = max((b - a for a, b in bars), default=0.0)
            figures[f"{spec}: longest top bar over Z/{p}, {len(cloud)} points"] = longest
            seen = observed("longest_bar", Interval.exactly(longest), f"Alpha diagram of {len(cloud)} points.")
            evidence.append(seen)
            expected = truth.betti[f"Z/{p}"][truth.dimension] > 0
            if expected != (longest > truth.reach.lower / 2):
                return Finding(AuditReason.UNDECIDED, f"{spec} over Z/{p} is not resolved.", (seen,), figures)
    return Finding(
        AuditReason.SUPPORTED,
        "Closed orientable sets show their top class over every field, the others over Z/2 alone; over Z/3 the theorem "
        "would say nothing of them. Samples agree.",
        tuple(evidence),
        figures,
    )


@row("K-21", "Smooth compact sets have positive reach; compact sets need not.")
def positive_reach(context: AuditContext) -> Finding:
    """All examples of the catalog: those without boundary are smooth and must have a positive lower end; the triod,
    three segments from one point, has reach 0."""
    figures: dict[str, Figure] = {}
    count = 0
    for entry in MANIFOLDS.values():
        for spec in entry.examples:
            truth = manifold(spec).truth
            if not truth.closed:
                continue
            count += 1
            if not truth.reach.lower > 0:
                low = Evidence("reach", truth.reach, Rigor.CERTIFIED, f"Known of {spec}.")
                return Finding(AuditReason.UNDECIDED, f"No positive reach of {spec} is known.", (low,), figures)
            figures[f"reach of {spec}"] = truth.reach
    cornered = context.text("cornered")
    zero = manifold(cornered).truth.reach
    figures[f"reach of {cornered}"] = zero
    return Finding(
        AuditReason.SUPPORTED if zero == Interval.exactly(0.0) else AuditReason.REFUTED,
        f"{count} closed smooth sets have a positive lower bound of the reach; {cornered} is compact and has reach "
        f"{zero}: Theorem 1 says nothing there.",
        (exactly("reach", zero.lower, f"Two legs of {cornered} meet at an angle: points between them near it have two "
                 "nearest points."),),
        figures,
    )  # fmt: skip


@row("K-28", "Intrinsic measure: certified lengths, areas of boxes, and samples that are uniform in it.")
def intrinsic_measure(context: AuditContext) -> Finding:
    """Lengths in closed form lie in enclosures from the chart's speed; by Kolmogorov and Smirnov (exact distribution)
    the samples' arc lengths, and the torus's tube angle v of density 1 + (r/R) cos v, are as they should."""
    from scipy.stats import kstest

    figures: dict[str, Figure] = {}
    evidence: list[Evidence] = []
    curves = [str(s) for s in context.listed("curves")]
    torus = context.text("torus")
    level = context.alpha / (len(curves) + 1)
    n = context.either(2_000, 50_000)
    for spec in curves:
        space = manifold(spec)
        enclosed = length_bounds(space.chart)
        figures[f"{spec}: length"] = space.truth.volume
        evidence.append(Evidence("length", enclosed, Rigor.CERTIFIED, f"Speed of the chart of {spec}, enclosed."))
        if not enclosed.intersects(space.truth.volume):
            return Finding(AuditReason.REFUTED, f"The length of {spec} is another.", tuple(evidence), figures)
        nodes = np.linspace(space.chart.lower[0], space.chart.upper[0], 20_001)
        edges = np.linalg.norm(np.diff(space.chart.embed(nodes[:, None]), axis=0), axis=1)
        travelled = np.append(0.0, np.cumsum(edges)) / edges.sum()
        drawn = space.sample(n, context.seed.child("row", context.row.id, spec)).parameters[:, 0]
        p = float(kstest(np.interp(drawn, nodes, travelled), "uniform").pvalue)
        figures[f"{spec}: p-value of uniform arc length"] = p
        if p < level:
            return _not_uniform(spec, p, context, figures)
    space = manifold(torus)
    ratio = context.number("r") / context.number("R")
    points = space.sample(n, context.seed.child("row", context.row.id, torus)).points
    v = np.arctan2(points[:, 2], np.hypot(points[:, 0], points[:, 1]) - context.number("R")) % (2 * math.pi)
    p = float(kstest((v + ratio * np.sin(v)) / (2 * math.pi), "uniform").pvalue)
    naive = float(kstest(v / (2 * math.pi), "uniform").pvalue)
    figures |= {f"{torus}: p-value of its area": p, f"{torus}: p-value of a uniform angle": naive}
    if p < level:
        return _not_uniform(torus, p, context, figures)
    return Finding(
        AuditReason.SUPPORTED,
        "Certified lengths hold the closed forms, and samples follow length and area; a torus drawn uniformly in its "
        f"angles would not (p = {naive:.2g}).",
        tuple(evidence),
        figures,
    )


@row("K-30", "The two circles: centres, planes, distance and linking number from the set itself.")
def two_circles(context: AuditContext) -> Finding:
    """Each circle's points keep distance 1 from its printed centre and 0 from its printed plane; the distance of the
    circles is that of the union, and the linking number is counted on polygons whose homotopy to the circles stays
    apart."""
    space = manifold("two_circles")
    figures: dict[str, Figure] = {}
    polygons = []
    for part, center, axis in zip(
        space.components, context.parameter("centers"), context.parameter("normal_axes"), strict=True
    ):
        nodes = np.linspace(part.chart.lower[0], part.chart.upper[0], 1025)[:-1]
        points = part.chart.embed(nodes[:, None])
        polygons.append(points)
        radius = np.linalg.norm(points - np.array(center, dtype=np.float64), axis=1)
        off = float(max(np.abs(radius - context.number("radius")).max(), np.abs(points[:, int(axis)]).max()))
        figures[f"circle about {center}: largest deviation"] = off
        if off > context.number("rounding"):
            low = observed("deviation", Interval.exactly(off), "1024 points.")
            return Finding(AuditReason.REFUTED, f"The circle about {center} is another.", (low,), figures)
    turns = linking_number(polygons[0], polygons[1])
    gap = 2.0 * space.truth.reach.lower
    figures |= {"linking number": "undecided" if turns is None else turns, "distance of the circles": gap}
    right = turns is not None and abs(turns) == 1
    return Finding(
        AuditReason.SUPPORTED if right else AuditReason.REFUTED,
        f"The set is as printed; the circles are {gap:g} apart and linked {turns} times. Linking plays no part in the "
        "width, which is that of one circle.",
        (
            exactly("linking_number", math.nan if turns is None else turns, "Signed crossings of two 1024-gons."),
            exactly("distance", gap, "Twice the reach of the union, which is half the distance of its parts here."),
        ),
        figures,
        (data_plot(space),),
        commands=("aeverify list manifolds",),
    )


@row("K-31", "The data set: rows, and different points among them.")
def data_set(context: AuditContext) -> Finding:
    """linspace(0, 2 pi, 500) takes both ends, and they are one point of the circle."""
    sample = context.sample("two_circles", "paper")
    printed = context.count("points_per_circle")
    figures: dict[str, Figure] = {"rows": len(sample)}
    different = []
    for i in (0, 1):
        points = sample.points[sample.component == i]
        near = np.linalg.norm(points[:, None, :] - points[None, :, :], axis=2) < 1e-12
        distinct = int(len(points) - np.triu(near, 1).any(axis=0).sum())
        figures[f"circle {i}: rows"] = len(points)
        figures[f"circle {i}: different points"] = distinct
        different.append(distinct)
        if len(points) != printed:
            return Finding(AuditReason.REFUTED, f"{len(points)} rows.", (exactly("rows", len(points), "Counted."),))
    evidence = (exactly("distinct_points", min(different), "Rows of one circle that differ by more than 1e-12."),)
    if min(different) == printed:
        return Finding(AuditReason.SUPPORTED, f"{printed} different points a circle.", evidence, figures)
    return Finding(
        AuditReason.LOOSE,
        f"{printed} rows a circle, of which {different[0]} and {different[1]} are different points of the set.",
        evidence,
        figures,
        premise="the end point counts twice: the parameter runs from 0 to 2 pi with both ends",
    )


def _stress(points: FloatArray, k: int) -> float:
    """Largest change of a distance by classical scaling to k coordinates."""
    distance = np.linalg.norm(points[:, None, :] - points[None, :, :], axis=2)
    center = np.eye(len(points)) - 1.0 / len(points)
    values, vectors = np.linalg.eigh(-0.5 * center @ distance**2 @ center)
    scaled = vectors[:, -k:] * np.sqrt(np.maximum(values[-k:], 0.0))
    return float(np.abs(np.linalg.norm(scaled[:, None, :] - scaled[None, :, :], axis=2) - distance).max())


def _box(points: FloatArray, k: int, half: float) -> FloatArray:
    """Corners of a box in the affine hull of the points, of dimension k, about their mean."""
    center = points.mean(axis=0)
    frame = np.linalg.svd(points - center, full_matrices=False)[2][:k]
    signs = np.array(list(itertools.product((-half, half), repeat=k)))
    corners: FloatArray = center + signs @ frame
    return corners


def _deepest(space: Manifold, s: float) -> float:
    """Least |q - (p + s n)| - s over grid points p, q of a closed plane curve and both normals n."""
    nodes = np.linspace(space.chart.lower[0], space.chart.upper[0], 1201)[:-1, None]
    points, tangent = space.chart.embed(nodes), space.chart.jacobian(nodes)[:, :, 0]
    normal = np.column_stack([-tangent[:, 1], tangent[:, 0]]) / np.linalg.norm(tangent, axis=1)[:, None]
    least = math.inf
    for sign in (1.0, -1.0):
        feet = points + sign * s * normal
        least = min(least, float(np.linalg.norm(feet[:, None, :] - points[None, :, :], axis=2).min()) - s)
    return least


def _not_uniform(spec: str, p: float, context: AuditContext, figures: dict[str, Figure]) -> Finding:
    seen = Evidence(
        "p_value", Interval.exactly(p), Rigor.STATISTICAL, "Kolmogorov-Smirnov test.", confidence=1 - context.alpha
    )
    return Finding(AuditReason.REFUTED, f"The sample of {spec} is not uniform (p = {p:.3g}).", (seen,), figures)

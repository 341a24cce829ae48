"""Rows of source 000 on its numerical example: Figures 4 to 8, two runs, where the circles break, and how often.

The two committed runs are the paper's network (3-128-128-128-1 and back, ReLU) on the paper's data, 2000 epochs, by the
recipe `default`; the full budget trains by the paper's own recipe.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from aeverify import measure
from aeverify.audit.context import AuditContext
from aeverify.audit.findings import AuditReason, Figure, Finding
from aeverify.audit.outcomes import disjoint, observed
from aeverify.audit.rows import row
from aeverify.autoencoders.protocol import Autoencoder
from aeverify.core.evidence import Evidence, Rigor
from aeverify.core.interval import Interval
from aeverify.core.report import Plot, Series
from aeverify.figures import codes_plot, decoded_plot, error_plot
from aeverify.homology.engine import persistence
from aeverify.manifolds import manifold
from aeverify.manifolds.chart import FloatArray
from aeverify.measure import Tear
from aeverify.measure.counting import probability_interval

RUNS = ("two_circles_paper_0", "two_circles_paper_1")


@row("K-35", "Each decoded circle is broken once; the break lies in a certified arc.")
def broken_circles(context: AuditContext) -> Finding:
    """Branch and bound over the circle's parameter finds arcs off which e <= epsilon everywhere, and within which
    e > epsilon somewhere. What is decoded of the rest of a circle that breaks once is a curve with two ends: at scales
    below the distance of the ends its points have one component and no loop."""
    epsilon = context.number("epsilon")
    model = context.fixture(RUNS[0])
    figures: dict[str, Figure] = {}
    evidence: list[Evidence] = []
    counts = []
    for i, found in enumerate(_tears(model, epsilon)):
        counts.append(sum(t.inner is not None for t in found))
        longest = _longest(found)
        if longest is None:
            return Finding(AuditReason.UNDECIDED, f"No break of circle {i} was found.", tuple(evidence), figures)
        for t in found:
            figures[f"circle {i}: arc of the break, in turns"] = t.outer
            figures[f"circle {i}: length of the break"] = t.length
            evidence.append(Evidence("tear", t.outer, Rigor.CERTIFIED, f"Off this arc of circle {i} e <= {epsilon:g}."))
        gap, pieces, loops = _arc(model, i, longest)
        figures[f"circle {i}: distance of the decoded ends"] = gap
        figures[f"circle {i}: components and loops of the rest, below that scale"] = f"{pieces} and {loops}"
        evidence.append(observed("loops", Interval.exactly(loops), "Rips complex below half the gap of the ends."))
        if counts[-1] == 1 and (pieces, loops) != (1, 0):
            return Finding(AuditReason.REFUTED, f"Circle {i} decodes to no arc.", tuple(evidence), figures)
    study = context.study(model, "two_circles")
    plots = (decoded_plot(study, "run-0"), error_plot(study, "run-0", epsilon))
    once = counts == [1] * len(counts)
    return Finding(
        AuditReason.SUPPORTED if once else AuditReason.UNDECIDED,
        f"Certified: circle by circle the error exceeds {epsilon:g} in {' and '.join(map(str, counts))} arc, and "
        "nowhere else; what is decoded of the rest is an arc with two ends.",
        tuple(evidence),
        figures,
        plots,
    )


@row("K-36", "The image of the encoder is two disjoint intervals.")
def encoder_image(context: AuditContext) -> Finding:
    """E of a circle is an interval (connected, compact); the two are disjoint where codes of different circles are
    certified to be apart. Were they to meet, two points 1 apart would share a code and one would err by 1/2."""
    models = [context.fixture(n) for n in RUNS]
    model = models[0]
    figures: dict[str, Figure] = {}
    for i, part in enumerate(manifold("two_circles").components):
        codes = model.encode(part.grid(4_000).points)
        figures[f"codes of circle {i}, from"] = float(codes.min())
        figures[f"codes of circle {i}, to"] = float(codes.max())
    study = context.study(model, "two_circles")
    return disjoint(
        models,
        "The codes of the circles are two disjoint intervals of R in both runs, certified: b_0 = 2, no overlap.",
        figures=figures,
        plots=(codes_plot(study, "run-0"),),
        proof="The continuous image of a circle in R is a compact interval.",
    )


@row("K-37", "Runs differ in where they break, and not all converge.")
def stochastic_training(context: AuditContext) -> Finding:
    """Break arcs of two runs that are certified to be disjoint show that runs differ. Of several seeds the share that
    converge has a Clopper-Pearson interval. The quick budget takes the two committed runs and small networks; the
    full one trains the paper's network by the paper's recipe."""
    epsilon = context.number("epsilon")
    runs: list[Autoencoder] = [context.fixture(n) for n in RUNS]
    arcs = [[_longest(found) for found in _tears(m, epsilon)] for m in runs]
    figures: dict[str, Figure] = {}
    apart = []
    for i in range(len(arcs[0])):
        a, b = arcs[0][i], arcs[1][i]
        if a is None or b is None:
            return Finding(AuditReason.UNDECIDED, f"No break of circle {i} was found in one of the runs.")
        figures[f"circle {i}: break of run 0, in turns"] = a.outer
        figures[f"circle {i}: break of run 1, in turns"] = b.outer
        apart.append(not _meet(a.outer, b.outer))
    spec, recipe, seeds = context.either(
        ("mlp:hidden=[32,32]", "quick", context.count("quick_seeds")),
        ("paper", "paper", context.count("seeds")),
    )
    trained = context.training(spec, "two_circles", recipe, seeds, latent_dim=1)
    converged = [m for m, r in zip(trained.models, trained.records, strict=True) if r["converged"]]
    rate = _rate(len(converged), seeds, context.alpha)
    figures |= {
        f"seeds of {spec} by the recipe {recipe}": seeds,
        "of these converged": len(converged),
        "diverged": trained.diverged,
        "share that converges": rate.interval,
    }
    positions: list[list[float]] = [[], []]
    for m in (*runs, *converged):
        for i, found in enumerate(_tears(m, epsilon)):
            longest = _longest(found)
            if longest is not None:
                positions[i].append(float(np.mod((longest.outer.lower + longest.outer.upper) / 2.0, 1.0)))
    spread = Plot(
        "break-positions",
        "Where runs break the circles",
        "Middle of the longest arc with a large error, for each run that converged.",
        ("parameter (turns)", "circle"),
        tuple(Series(f"circle {i}", (tuple(p), (float(i),) * len(p)), "points", i) for i, p in enumerate(positions)),
    )
    study = context.study(runs[1], "two_circles")
    decoded = decoded_plot(study, "run-1")
    evidence = [
        Evidence(
            "disjoint_breaks",
            Interval.exactly(sum(apart)),
            Rigor.CERTIFIED,
            "Circles whose certified arcs of the break in the two runs are disjoint.",
        ),
        rate,
    ]
    words = (
        f"{sum(apart)} of {len(apart)} circles break at certified different places in the two runs; of {seeds} further "
        f"trainings {len(converged)} converged"
    )
    return Finding(
        AuditReason.SUPPORTED if any(apart) else AuditReason.UNDECIDED,
        words + (" (small networks by a short recipe, under this budget)." if context.quick else "."),
        tuple(evidence),
        figures,
        (decoded, codes_plot(study, "run-1"), _rotated(decoded, context.parameter("rotation")), spread),
    )


def _tears(model: Autoencoder, epsilon: float) -> list[tuple[Tear, ...]]:
    space = manifold("two_circles")
    return [measure.tears(measure.localise(model, space, i, epsilon), space) for i in range(len(space.components))]


def _longest(found: Sequence[Tear]) -> Tear | None:
    certain = [t for t in found if t.inner is not None]
    return max(certain, key=lambda t: t.length.lower) if certain else None


def _meet(a: Interval, b: Interval) -> bool:
    """Whether two arcs of the circle R / Z meet."""
    return any(a.intersects(Interval(b.lower + turn, b.upper + turn)) for turn in (-2.0, -1.0, 0.0, 1.0, 2.0))


def _rate(converged: int, seeds: int, alpha: float) -> Evidence:
    return Evidence(
        "convergence_rate",
        probability_interval(converged, converged, seeds, alpha),
        Rigor.STATISTICAL,
        f"Clopper-Pearson from {converged} of {seeds} independent trainings.",
        confidence=1.0 - alpha,
    )


def _arc(model: Autoencoder, component: int, tear: Tear) -> tuple[float, int, int]:
    """The distance of the two ends (an eighth of the arc each) of what is decoded off the break, and at radii below
    half of that the numbers of components and of loops of the Rips complex of the decoded points: 1 and 0 for an arc.
    """
    from scipy.spatial import cKDTree

    part = manifold("two_circles").components[component]

    def decoded(share: FloatArray) -> FloatArray:
        turns = tear.outer.upper + (1.0 + tear.outer.lower - tear.outer.upper) * share
        return model.reconstruct(part.chart.embed(turns[:, None]))

    # The decoded curve runs fast near its ends: nodes are dense there, and then even in arc length.
    ends = np.logspace(-8.0, -3.0, 2_000)
    nodes = np.concatenate([[0.0], ends, np.linspace(2e-3, 1.0 - 2e-3, 8_000), 1.0 - ends[::-1], [1.0]])
    curve = decoded(nodes)
    travelled = np.append(0.0, np.cumsum(np.linalg.norm(np.diff(curve, axis=0), axis=1)))
    first, last = curve[nodes < 0.125], curve[nodes > 0.875]
    gap = float(cKDTree(last).query(first)[0].min())
    count = min(20_000, max(500, int(4.0 * travelled[-1] / gap)))
    points = decoded(np.interp(np.linspace(0.0, travelled[-1], count), travelled, nodes))
    diagram = persistence(points, max_degree=1, engine="rips", max_radius=0.45 * gap)
    return gap, diagram.betti(0, 0.44 * gap), diagram.betti(1, 0.44 * gap)


def _rotated(plot: Plot, degrees: Sequence[float]) -> Plot:
    """The same points after turns about the third and then the first axis (the source's Figure 8)."""
    turn, tilt = np.radians(np.asarray(degrees, dtype=np.float64))
    about_z = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
    about_x = np.array([[1, 0, 0], [0, np.cos(tilt), -np.sin(tilt)], [0, np.sin(tilt), np.cos(tilt)]])
    matrix = about_x @ about_z
    series = tuple(
        Series(s.name, tuple(tuple(map(float, c)) for c in matrix @ np.array(s.columns)), s.style, s.component)
        for s in plot.series
    )
    return Plot(f"{plot.id}-rotated", f"{plot.title}, rotated", "To see the break of the second circle.",
                ("x'", "y'", "z'"), series)  # fmt: skip

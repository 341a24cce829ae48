"""Rows of source 000: the cheap ones as the ledger expects them, and what the constructions of its lemmas promise."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
import pytest

from aeverify import manifold, measure
from aeverify.audit import (  # noqa: F401 - each registers its rows
    rows_k_example,
    rows_k_lemmas,
    rows_k_networks,
    rows_k_sets,
    rows_k_theorem_1,
    rows_k_theorem_2,
)
from aeverify.audit.context import AuditContext
from aeverify.audit.cuts import cap_share, joined, moebius_cut, smooth_step, sphere_cut
from aeverify.audit.findings import AuditReason, Finding
from aeverify.audit.ledger import Ledger, Row, load_ledger
from aeverify.audit.outcomes import agreed
from aeverify.audit.rows import ROWS
from aeverify.autoencoders.oracles import oracle
from aeverify.core.evidence import Rigor
from aeverify.core.interval import Interval
from aeverify.core.verdict import Outcome
from aeverify.errors import MeasurementError, UsageError
from tests.unit.audit.rows import LEDGERS

IDS = [*(f"K-{i}" for i in range(1, 40)), "K-7b"]
SLOW = {"K-2", "K-7", "K-7b", "K-8", "K-10", "K-16", "K-12", "K-18", "K-20", "K-21", "K-23", "K-34", "K-37"}


@cache
def ledger() -> Ledger:
    """The ledger of source 000."""
    return load_ledger(LEDGERS / "k.toml")


def row(name: str, **changed: Any) -> Row:
    """A row of it, with some of its parameters changed."""
    found = next(r for r in ledger().rows if r.id == name)
    return found.model_copy(update={"parameters": {**found.parameters, **changed}})


def checked(name: str, budget: str = "quick", **changed: Any) -> Finding:
    """What its check finds."""
    asked = row(name, **changed)
    assert asked.check is not None
    context = AuditContext(asked, budget=budget, fixtures=LEDGERS / "weights")  # type: ignore[arg-type]
    return ROWS[asked.check].check(context)


def test_every_row_of_the_source_is_there() -> None:
    """K-1 to K-39 and K-7b, each with a check of its own or a reason why there is none."""
    assert sorted(IDS) == sorted(r.id for r in ledger().rows)
    assert [r.id for r in ledger().rows if r.expected is None] == []
    assert {"K-39"} == {r.id for r in ledger().rows if r.check is None}


def test_quotations_stand_in_the_rows_as_printed() -> None:
    """Quotations are short and not empty."""
    assert all(0 < len(r.quotation) <= 200 for r in ledger().rows)


@pytest.mark.parametrize(
    "name",
    [pytest.param(i, marks=pytest.mark.slow) if i in SLOW else i for i in IDS if i != "K-39"],
)
def test_rows_come_out_as_expected(name: str) -> None:
    """The quick budget gives the reason that the ledger expects, with evidence, and no sampled number is certified."""
    asked = row(name)
    finding = checked(name)
    assert (asked.expected_quick or asked.expected) == finding.reason.code
    assert finding.evidence or finding.outcome in (Outcome.VACUOUS, Outcome.INCONCLUSIVE)


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("K-3", {"obstructed": [["spiral", 1]]}),
        ("K-3", {"possible": [["circle", 1]]}),
        ("K-7b", {"sets": [["circle", 1]]}),
        ("K-19", {"sets": [["triod", 1]]}),
        ("K-30", {"centers": [[0.0, 0.0, 0.0], [2.0, 0.0, 0.0]]}),
        ("K-30", {"normal_axes": [2, 2]}),
        ("K-31", {"points_per_circle": 499}),
        ("K-32", {"units": 64}),
        ("K-32", {"decoder": 33665}),
        ("K-33", {"settings": {"batch_size": 32}}),
        ("K-21", {"cornered": "circle"}),
    ],
)
def test_a_false_text_is_refuted(name: str, changed: dict[str, Any]) -> None:
    """Rows whose printed numbers or sets are changed do not hold."""
    assert AuditReason.REFUTED is checked(name, **changed).reason


def test_unmet_demands_are_not_supported() -> None:
    """A bad share below what the cut leaves, and an epsilon that no run reaches, are refuted or left open."""
    assert AuditReason.UNDECIDED is checked("K-14", delta=1e-4).reason
    assert Outcome.PASS is not checked("K-11", epsilon=1e-6).outcome


def test_the_break_is_located_with_certainty() -> None:
    """One arc a circle, certified, in which the error really is large and off which it is small."""
    finding = checked("K-35")
    arcs = [e for e in finding.evidence if e.quantity == "tear"]
    assert [a.rigor for a in arcs] == [Rigor.CERTIFIED] * 2
    model = AuditContext(row("K-35"), fixtures=LEDGERS / "weights").fixture("two_circles_paper_0")
    for part, arc in zip(manifold("two_circles").components, arcs, strict=True):
        inside = np.linspace(arc.lower, arc.upper, 2_000)[:, None]
        outside = np.linspace(arc.upper, arc.lower + 1.0, 2_000)[:, None]
        assert model.errors(part.chart.embed(inside)).max() > 0.1
        assert model.errors(part.chart.embed(outside)).max() <= 0.1


def test_the_figures_of_the_source_are_drawn() -> None:
    """Figures 2, 4 and 5 as plots of their rows, two colours for the two circles."""
    plots = [p for name in ("K-30", "K-35", "K-36") for p in checked(name).plots]
    assert [p.id for p in plots] == ["data", "decoded-run-0", "error-run-0", "codes-run-0"]
    assert all({0, 1} <= {s.component for s in p.series} for p in plots)


@pytest.mark.slow
def test_the_second_run_is_drawn_and_turned() -> None:
    """Figures 6 to 8; the turn keeps distances."""
    plots = {p.id: p for p in checked("K-37").plots}
    assert {"decoded-run-1", "codes-run-1", "decoded-run-1-rotated", "break-positions"} == set(plots)
    before, after = (np.array(plots[i].series[0].columns) for i in ("decoded-run-1", "decoded-run-1-rotated"))
    assert np.linalg.norm(before, axis=0) == pytest.approx(np.linalg.norm(after, axis=0))


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_the_cut_sphere_is_exact_off_its_cap(dim: int) -> None:
    """The error is rounding off the cap of radius h about the far pole, and large at that pole."""
    h, pole = 0.2, np.eye(dim + 1)[-1]
    model = sphere_cut(dim, h, pole)
    points = manifold(f"sphere:dim={dim}").sample(2_000, 0).points
    off = points @ pole > -math.cos(h)
    assert model.errors(points[off]).max() < 1e-12
    assert model.errors(-pole[None, :])[0] == pytest.approx(2.0)


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_the_share_of_a_cap(dim: int) -> None:
    """Closed forms on the circle, the sphere and S^3, and complements add up to 1."""
    h = 0.7
    closed = {1: h / math.pi, 2: (1 - math.cos(h)) / 2, 3: (h - math.sin(h) * math.cos(h)) / math.pi}
    assert cap_share(dim, h) == pytest.approx(closed[dim])
    assert cap_share(dim, h) + cap_share(dim, math.pi - h) == pytest.approx(1.0)


def test_the_smooth_step_is_a_step() -> None:
    """0 and 1 at its ends, 1/2 in the middle, never falling."""
    u = np.linspace(-1.0, 2.0, 3_001)
    values = smooth_step(u)
    assert (values[u <= 0].max(), values[u >= 1].min()) == (0.0, 1.0)
    assert smooth_step(np.array([0.5]))[0] == pytest.approx(0.5)
    assert (np.diff(values) >= 0).all()


def test_the_cut_band_is_continuous_and_exact_off_its_strip() -> None:
    """Adjacent points have adjacent codes, also across the cut, where the chart turns over."""
    h, band = 0.1, manifold("moebius:R=2,h=0.4")
    model = moebius_cut(2.0, h)
    points = band.sample(2_000, 0).points
    off = np.abs(np.arctan2(points[:, 1], points[:, 0])) < math.pi - h
    assert model.errors(points[off]).max() < 1e-12
    t = np.linspace(-0.4, 0.4, 9)
    # The same points of the band, from u a little below pi and from u a little above -pi with t reversed.
    sides = []
    for u, s in ((math.pi - 1e-9, 1.0), (-math.pi + 1e-9, -1.0)):
        rho = 2.0 + s * t * math.cos(u / 2)
        sides.append(np.column_stack([rho * math.cos(u), rho * math.sin(u), s * t * math.sin(u / 2)]))
    assert np.abs(sides[0] - sides[1]).max() < 1e-8
    assert np.abs(model.encode(sides[0]) - model.encode(sides[1])).max() < 1e-6


def test_joined_parts_keep_their_errors() -> None:
    """Two spheres far apart, each with its own map: exact off the caps, codes of different parts apart."""
    parts = [sphere_cut(2, 0.1), sphere_cut(2, 0.1)]
    centers = np.array([[0.0, 0.0, 0.0], [5.0, 0.0, 0.0]])
    model = joined(parts, centers, "two spheres")
    points = manifold("sphere:dim=2").sample(500, 0).points
    off = points[points[:, 0] > -math.cos(0.1)]
    codes = [model.encode(off + c) for c in centers]
    assert max(model.errors(off + c).max() for c in centers) < 1e-9
    assert codes[0][:, 0].max() < 1.0 < codes[1][:, 0].min()


def test_parts_that_are_too_near_are_refused() -> None:
    """Centres must be more than 4 apart on the first axis."""
    parts = [sphere_cut(2, 0.1), sphere_cut(2, 0.1)]
    with pytest.raises(UsageError, match="more than 4 apart"):
        joined(parts, np.array([[0.0, 0.0, 0.0], [3.0, 0.0, 0.0]]), "near")
    with pytest.raises(UsageError, match="unit vector"):
        sphere_cut(2, 0.1, np.array([1.0, 1.0, 0.0]))
    with pytest.raises(UsageError, match="half-width"):
        sphere_cut(2, 4.0)


def test_verdicts_are_judged_by_the_worst() -> None:
    """A FAIL among passes refutes, a premise that is not met leaves nothing to say, and no verdict is an error."""
    context = AuditContext(row("K-7"))
    good = context.verdict(oracle("cut:half_width=0.3"), "circle", "theorem-1")
    bad = context.verdict(oracle("cut:half_width=0.3"), "circle", "error-bound", epsilon=0.1, delta=0.0)
    empty = context.verdict(oracle("atan2"), "circle", "theorem-1")
    assert AuditReason.FORCED is agreed([good], "Text.", AuditReason.FORCED).reason
    assert AuditReason.REFUTED is agreed([good, bad, empty], "Text.").reason
    assert AuditReason.PREMISE_UNMET is agreed([good, empty], "Text.").reason
    with pytest.raises(MeasurementError, match="no verdict"):
        agreed([], "Text.")


def test_the_memoriser_of_the_contrast_fails_off_its_points() -> None:
    """A small training error with a large bad set, which is why K-16 speaks of existence."""
    finding = checked("K-16", few=20)
    share = next(v for k, v in finding.figures.items() if k.startswith("memoriser: share"))
    assert isinstance(share, Interval)
    assert share.lower > 0.3


def test_the_measured_share_of_the_mixed_union_holds_the_cap() -> None:
    """The bad share of the union is that of the sphere's cap, in the sphere's part of the whole measure."""
    finding = checked("K-14")
    space = manifold(str(row("K-14").parameters["set"]))
    h = float(row("K-14").parameters["half_width"])
    most = cap_share(2, h) * 4 * math.pi / space.truth.volume.lower
    share = finding.figures["bad share"]
    assert isinstance(share, Interval)
    assert 0 < share.lower <= most
    assert measure.bad_set(oracle("cut:half_width=0.3"), manifold("circle"), 0.5, draws=1_000).lower > 0

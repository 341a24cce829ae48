"""Interval charts draw what is known and no more: caps at bounds, arrows where there is none."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aeverify.core import Citation, Claim, ClaimKind, Evidence, Interval, Outcome, Reason, Relation, Rigor, Verdict
from aeverify.reporting.intervals import Axis, Chart, Row, axis_name, bar, scale, strip

FINITE = st.floats(allow_nan=False, allow_infinity=False)
INTERVALS = [
    Interval(0.5, 0.7),
    Interval.exactly(1.0),
    Interval.at_least(2.0),
    Interval.at_most(1e308),
    Interval.unknown(),
    Interval(0.0, 1e-300),
]


def percent(value: str | None) -> float:
    """A coordinate of a strip."""
    assert value is not None and value.endswith("%"), value
    return float(value[:-1])


def caps(drawing: str) -> list[float]:
    """Where the caps of a strip are."""
    return [percent(line.get("x1")) for line in ET.fromstring(drawing).iter("line") if line.get("class") == "cap"]


def tips(drawing: str) -> list[str | None]:
    """Edges of the strip with an arrow."""
    return [e.get("x") for e in ET.fromstring(drawing).iter("svg") if e.get("class") == "tip"]


@pytest.mark.parametrize("relation", list(Relation))
@pytest.mark.parametrize("interval", INTERVALS)
def test_strips_are_well_formed_and_inside(interval: Interval, relation: Relation) -> None:
    """Everything is between the edges; an arrow for every end without a bound, a cap for every other."""
    threshold = Interval(0.9, 1.1)
    drawing = strip(interval, Axis.around([interval, threshold]), threshold, relation, "words")
    root = ET.fromstring(drawing)
    assert (root.get("role"), root.get("aria-label")) == ("img", "words")
    for rectangle in root.iter("rect"):
        x, width = percent(rectangle.get("x")), percent(rectangle.get("width"))
        assert 0 <= x <= x + width <= 100.02
    arrows = ["0%"] * (interval.lower == -math.inf) + ["100%"] * (interval.upper == math.inf)
    assert tips(drawing) == arrows
    assert len(caps(drawing)) == (0 if interval.is_exact else 2 - len(arrows))
    assert sum(1 for _ in root.iter("circle")) == interval.is_exact


@pytest.mark.parametrize(
    ("relation", "start", "end"),
    [
        (Relation.AT_LEAST, 62.8, 100),
        (Relation.GREATER, 62.8, 100),
        (Relation.AT_MOST, 0, 37.2),
        (Relation.LESS, 0, 37.2),
        (Relation.EQUAL, 37.2, 62.8),
    ],
)
def test_the_hatched_side_satisfies_the_claim_whatever_the_threshold_is(
    relation: Relation, start: float, end: float
) -> None:
    """Beyond the far end of a threshold that is itself an interval; both its ends are dashed."""
    axis = Axis(0.0, 1.0)
    root = ET.fromstring(strip(None, axis, Interval(0.3609, 0.6391), relation))
    (claimed,) = (r for r in root.iter("rect") if r.get("class") == "claimed")
    x = percent(claimed.get("x"))
    assert (round(x, 1), round(x + percent(claimed.get("width")), 1)) == (start, end)
    dashed = [round(percent(e.get("x1")), 1) for e in root.iter("line") if e.get("class") == "threshold"]
    assert dashed == [37.2, 62.8]


@given(st.lists(st.tuples(FINITE, FINITE), min_size=1, max_size=6))
def test_order_is_kept_on_every_axis(pairs: list[tuple[float, float]]) -> None:
    """A larger number is never drawn left of a smaller one, and every finite one is drawn between the edges."""
    axis = Axis.around([Interval(min(p), max(p)) for p in pairs])
    numbers = sorted({v for p in pairs for v in p})
    places = [axis.at(v) for v in numbers]
    assert places == sorted(places)
    assert all(0 < place < 100 for place in places)
    assert (axis.at(-math.inf), axis.at(math.inf)) == (0, 100)
    ET.fromstring(scale(axis))


@given(st.lists(st.tuples(FINITE, FINITE), max_size=6))
def test_ticks_are_where_their_labels_say(pairs: list[tuple[float, float]]) -> None:
    """Few, in order, and each label within a hundredth of the axis of its place."""
    axis = Axis.around([Interval(min(p), max(p)) for p in pairs])
    ticks = axis.ticks()
    assert 1 <= len(ticks) <= 6
    assert [v for v, _ in ticks] == sorted(v for v, _ in ticks)
    for value, label in ticks:
        if abs(value) < 1e300:
            assert abs(axis.at(float(label)) - axis.at(value)) <= 1 or axis.high - axis.low > 1e290
        assert "nan" not in label and "inf" not in label


@pytest.mark.parametrize(
    ("intervals", "log", "zero"),
    [
        ([Interval(1e-6, 1.0)], True, False),
        ([Interval(0.0, 1e-6), Interval.exactly(1.0)], True, True),
        ([Interval(0.1, 1.0)], False, False),
        ([Interval(-1e-6, 1.0)], False, False),
        ([Interval(0.0, 1.0)], False, False),
        ([Interval.unknown()], False, False),
        ([], False, False),
    ],
)
def test_the_scale_is_logarithmic_where_it_must_be(intervals: list[Interval], log: bool, zero: bool) -> None:
    """Where none is negative and the largest is over 1000 times the smallest above 0; 0 then has a place of its own,
    with a break between, and a label."""
    axis = Axis.around(intervals)
    assert (axis.log, axis.zero) == (log, zero)
    assert ("break" in scale(axis)) == zero
    if zero:
        assert axis.ticks()[0] == (0.0, "0")
        assert axis.at(0.0) < axis.at(5e-324) < axis.at(1e-6) < axis.at(1.0)


def test_widths_stand_beside_errors() -> None:
    """The bounds on the width are lengths of errors; a share of K is not."""
    assert axis_name("width") == axis_name("sup_error")
    assert axis_name("bad_set_measure") == "bad_set_measure"
    rows = [
        Row("sup_error", "deciding", Interval.at_least(1.5), "CERTIFIED", Interval.exactly(1.0), Relation.AT_LEAST),
        Row("width", "supporting", Interval(1.0, 2.0), "EXACT"),
    ]
    chart = Chart.of("error", rows)
    assert chart.axis == Axis.around([Interval(1.0, 2.0)])


def test_a_bar_says_in_words_what_it_shows() -> None:
    """Quantity, enclosure, relation and threshold; nothing where there is no evidence."""
    claim = Claim("c", "", ClaimKind.THEOREM, "", Citation("x"), "q", Relation.AT_MOST)
    evidence = Evidence("<q>", Interval(0.5, 0.7), Rigor.EMPIRICAL, "")
    verdict = Verdict(claim, "", "", Outcome.PASS, Reason.SATISFIED, Rigor.EMPIRICAL, evidence, Interval.exactly(0.9))
    label = ET.fromstring(bar(verdict, Axis(0.0, 1.0))).get("aria-label")
    assert label == "<q> in [0.5, 0.7]; claimed: <= 0.9"
    assert bar(Verdict(claim, "", "", Outcome.VACUOUS, Reason.PREMISE_UNMET), Axis(0.0, 1.0)) == ""

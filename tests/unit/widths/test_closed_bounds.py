"""Lower bounds by closed forms alone: never above the best bound, with points to show where there are some."""

from __future__ import annotations

import pytest

from aeverify.errors import UsageError
from aeverify.widths import best_lower, closed_lower_bound


@pytest.mark.parametrize(
    ("spec", "m"),
    [("circle", 1), ("two_circles", 1), ("torus:R=2,r=1", 2), ("klein:R=2,r=1", 3), ("star:a=0.3,k=3,radius=1", 1)],
)
def test_closed_forms_do_not_exceed_the_best_bound(spec: str, m: int):
    """Searches only add to them, and on the star they do."""
    closed, best = closed_lower_bound(spec, m), best_lower(spec, m)
    assert 0 < closed.lower <= best.lower
    assert (closed.lower < best.lower) == spec.startswith("star")


def test_a_witness_as_good_is_shown():
    """The reach of the circle has no points to show; antipodes, which bound as much, have."""
    bound = closed_lower_bound("circle", 1)
    assert (bound.lower, bound.details["name"]) == (1.0, "reach")
    assert bound.witness is not None and bound.witness.points


def test_dimensions_are_checked():
    """As everywhere: 1 <= m <= n."""
    with pytest.raises(UsageError):
        closed_lower_bound("circle", 3)

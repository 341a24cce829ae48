import json
import subprocess
import sys

import numpy as np
import pytest

from aeverify import widths
from aeverify.core import Evidence, Interval, Rigor
from aeverify.errors import InvariantError, UnknownNameError, UsageError
from aeverify.manifolds import MANIFOLDS, Circle, Ellipse, Spiral, Union, manifold


def is_slow(spec):
    """Pictures and knots, whose searches take seconds."""
    return spec.startswith(("rotating_bar", "blob", "torus_knot", "genus2"))


EXAMPLES = [example for entry in MANIFOLDS.values() for example in entry.examples]


@pytest.mark.parametrize(
    ("spec", "m", "expected"),
    [
        ("two_circles", 1, 1.0),
        ("two_circles", 2, 0.0),
        ("two_circles", 3, 0.0),
        ("ellipse:a=3,b=2", 1, 2.0),
        ("ellipse:a=2,b=3", 1, 2.0),
        ("ellipse:a=3,b=2", 2, 0.0),
        ("circle:radius=0.3", 1, 0.3),
        ("circle:radius=7,ambient_dim=5,center=[1,2,3,4,5]", 1, 7.0),
        ("circle:radius=7,ambient_dim=5", 2, 0.0),
        ("circle:radius=1e-100", 1, 1e-100),
        ("circle:radius=1e100", 1, 1e100),
        ("genus2:c=0.1", 2, 0.1),
        ("genus2:c=0.1", 3, 0.0),
        ("spiral", 1, 0.0),
        ("spiral", 2, 0.0),
        ('union:parts=["circle:radius=1","ellipse:a=4,b=3"]', 1, 3.0),
    ],
)
def test_known_widths_are_exact(spec, m, expected):
    """Both ends meet at the closed form."""
    found = widths.bounds(spec, m)
    assert found.interval == Interval.exactly(expected)
    assert found.rigor is Rigor.EXACT
    assert found.quantity == "width"


def test_charted_pieces_are_not_taken_for_disjoint_components():
    """The rule of disjoint unions is not used on a connected set, though each of its pieces embeds in R^3 or less."""
    for m in (1, 2, 3):
        names = [e.details["name"] for e in widths.upper_bounds("genus2", m)]
        assert names
        assert not any("component" in name or "whole set" in name for name in names)
        assert all(e.details["component"] is None for e in widths.lower_bounds("genus2", m))
    # An inner piece is an annulus, which a code of two numbers keeps; the surface is lost.
    assert widths.bounds("genus2:c=0.1,piece=right", 2).interval.upper == 0.0
    found = widths.bounds("genus2", 1)
    values = [round(m["value"], 9) for m in found.details["methods"]]
    assert round(0.1**0.5, 9) in values
    assert 0.1**0.5 < found.lower < found.upper < 1.1**0.5


@pytest.mark.parametrize("spec", [pytest.param(e, marks=pytest.mark.slow) if is_slow(e) else e for e in EXAMPLES])
def test_every_lower_bound_is_below_every_upper_bound(spec):
    """No method contradicts another, in any latent dimension; each side is sorted, best first."""
    k = manifold(spec)
    for m in range(1, k.ambient_dim + 1):
        below, above = widths.lower_bounds(k, m), widths.upper_bounds(k, m)
        assert max(e.lower for e in below) <= min(e.upper for e in above)
        assert [e.lower for e in below] == sorted((e.lower for e in below), reverse=True)
        assert [e.upper for e in above] == sorted(e.upper for e in above)
        assert all(e.upper == float("inf") for e in below)
        assert widths.best_lower(k, m) == below[0]


def test_widths_fall_with_the_latent_dimension():
    """More latent dimensions never make the best lower bound larger."""
    found = [widths.best_lower("two_circles", m).lower for m in (1, 2, 3)]
    assert found == sorted(found, reverse=True)


def test_a_width_scales_with_its_set():
    """Semi-axes twice as long give bounds twice as large, method by method."""
    once = {e.details["name"]: e.lower for e in widths.lower_bounds(Ellipse(3, 2), 1)}
    twice = {e.details["name"]: e.lower for e in widths.lower_bounds(Ellipse(6, 4), 1)}
    assert twice == pytest.approx({name: 2 * value for name, value in once.items()}, rel=1e-12)


def test_the_reach_alone_is_told_beside_the_best_bound():
    """Ellipse (3, 2): reach gives 4/3 from below. Two circles: 1 for a component, 1/2 for the whole set."""
    ellipse = widths.bounds("ellipse:a=3,b=2", 1)
    assert ellipse.details["reach"] == pytest.approx(4 / 3, rel=1e-15)
    assert 3 * ellipse.details["reach"] <= 4
    circles = {m["method"]: m["value"] for m in widths.bounds("two_circles", 1).details["methods"]}
    assert circles["reach"] == 1.0
    assert circles["reach of the whole set"] == 0.5
    assert widths.bounds("spiral", 1).details["reach"] is None


def test_the_details_explain_both_ends():
    """Method, value, proof and citation of the best bounds, and a witness where there are points to show."""
    found = widths.bounds("ellipse:a=3,b=2", 1)
    assert (found.details["lower"]["method"], found.details["lower"]["value"]) == ("antipodes", 2.0)
    assert (found.details["upper"]["method"], found.details["upper"]["value"]) == ("axis truncation", 2.0)
    for method in found.details["methods"]:
        assert method["proof"]
        assert method["citation"]["source"]
        assert method["side"] in ("lower", "upper")
    assert found.witness is not None
    assert widths.bounds("two_circles", 1).witness is not None


def test_evidence_survives_json():
    """The whole enclosure is one JSON document and back."""
    found = widths.bounds("two_circles", 1)
    again = Evidence.from_dict(json.loads(json.dumps(found.to_dict(), allow_nan=False)))
    assert again.to_dict() == found.to_dict()


def test_a_bound_that_rests_on_an_enclosure_is_certified_not_exact():
    """The reach 4/3 is no float: its lower end is a certified bound."""
    by_name = {e.details["name"]: e.rigor for e in widths.lower_bounds("ellipse:a=3,b=2", 1, every=True)}
    assert by_name["reach"] is Rigor.CERTIFIED
    assert by_name["antipodes"] is Rigor.EXACT
    assert by_name["swap path"] is Rigor.CERTIFIED


def test_an_arc_beside_a_circle_does_not_hide_the_circle():
    """The width of a union is the largest of its parts', and the circle's part is found."""
    found = widths.bounds(Union([Spiral(), Circle(10)]), 1)
    assert found.interval == Interval.exactly(10.0)
    assert found.details["lower"]["component"] == 1


@pytest.mark.parametrize("m", [0, -1, 4, 1.0, True, "1", None])
def test_latent_dimensions_that_cannot_be_are_refused(m):
    """The latent dimension is an integer from 1 to the data dimension."""
    for function in (widths.bounds, widths.lower_bounds, widths.upper_bounds, widths.best_lower):
        with pytest.raises(UsageError):
            function("two_circles", m)


def test_an_unknown_manifold_is_refused():
    """A mistyped name lists the nearest."""
    with pytest.raises(UnknownNameError, match="two_circles"):
        widths.bounds("two_circle", 1)


def test_closed_forms_that_meet_need_no_search():
    """By default nothing is searched where the ends have met; every method runs where that is asked for."""
    names = {e.details["name"] for e in widths.lower_bounds("ellipse:a=3,b=2", 1)}
    every = {e.details["name"] for e in widths.lower_bounds("ellipse:a=3,b=2", 1, every=True)}
    assert names == {"antipodes", "reach", "non-negativity"}
    assert every >= {*names, "swap path", "minimal width", "winding number", "persistence"}
    above = {e.details["name"] for e in widths.upper_bounds("ellipse:a=3,b=2", 1, every=True)}
    assert above == {"axis truncation", "fold map", "linear truncation", "centre", "cut map"}


def test_what_a_bound_assumes_is_told_with_the_enclosure():
    """Persistence rests on gudhi; where it is not the best bound the enclosure does not."""
    assert widths.bounds("ellipse:a=3,b=2", 1, every=True).assumptions == ()


def test_every_method_of_a_union_is_placed_on_its_component():
    """The swap path of the second of two stars is one of the union, with a witness on component 1."""
    k = Union([manifold("star:a=0.3,k=3"), manifold('moved:base="star:a=0.3,k=3,radius=2",shift=[9,0]')])
    best = widths.best_lower(k, 1)
    assert (best.details["name"], best.details["component"]) == ("swap path", 1)
    assert {p.component for p in best.witness.points} == {1}
    assert best.witness.manifold == str(k)
    for p in best.witness.points:
        assert p.point == pytest.approx(k.embed(1, np.array([p.parameters]))[0])
    assert widths.bounds(k, 1).interval.width < 1e-4


def test_a_listed_subset_bounds_the_set():
    """The outer equator of an annulus, listed as a circle in the plane, carries its bound with the assumption told."""
    found = widths.bounds("annulus:inner=1,outer=2", 1, subsets=["circle:radius=1.5", "ellipse:a=2,b=1"])
    assert found.interval == Interval.exactly(2.0)
    listed = [
        e for e in widths.lower_bounds("annulus:inner=1,outer=2", 1, subsets=["circle:radius=1.5"]) if e.assumptions
    ]
    assert [(e.lower, e.assumptions) for e in listed] == [(1.5, ("circle:radius=1.5,ambient_dim=2 is a subset",))]
    with pytest.raises(UsageError, match="no subset"):
        widths.bounds("annulus:inner=1,outer=2", 1, subsets=["circle:ambient_dim=3"])


def test_a_false_subset_is_found_out():
    """A circle of radius 3 is no subset of an annulus of radius 2: its bound exceeds what a constant achieves."""
    with pytest.raises(InvariantError, match="exceeds the upper bound"):
        widths.bounds("annulus:inner=1,outer=2", 1, subsets=["circle:radius=3"])


def test_widths_load_no_torch():
    """Bounds on the best autoencoder need no autoencoder, searches included."""
    code = "import sys; from aeverify import widths; widths.bounds('trefoil', 1); print('torch' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "False"

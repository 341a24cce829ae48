import itertools
import math

import pytest

from aeverify.core.evidence import Rigor
from aeverify.manifolds import manifold
from aeverify.widths import bounds, lower_bounds, upper_bounds

ROOT_HALF = math.sqrt(0.5)


@pytest.mark.parametrize(
    ("spec", "spectrum"),
    [
        ("sphere:dim=3,radius=2", [2, 2, 2, 0]),
        ("ellipsoid:axes=[3,2,1]", [2, 1, 0]),
        ("ellipsoid:axes=[1,3,0.5,2]", [2, 1, 0.5, 0]),
        ("hemisphere:dim=3", [1, 1, 0, 0]),
        ("ball:dim=3,radius=2", [2, 2, 0]),
        ("annulus:inner=1,outer=2", [2, 0]),
        ("torus:R=2,r=1", [3, 1, 0]),
        ("torus:R=1,r=0.75", [1.75, 0.75, 0]),
        ("klein:R=2,r=1", [3, 1, 1, 0]),
        ("klein:R=1,r=0.75", [1.75, 0.75, 0.75, 0]),
        ("projective_plane", [1, 0.5, 0.5, 0]),
        ("clifford:r1=3,r2=4", [5, 3, 0, 0]),
        ('scaled:base="torus:R=2,r=1",factor=3', [9, 3, 0]),
        ('included:base="klein:R=2,r=1",ambient_dim=6', [3, 1, 1, 0, 0, 0]),
        ('moved:base="ellipsoid:axes=[3,2,1]",rotation=1', [2, 1, 0]),
        ('product:factors=["two_circles","circle"]', [None, 1, 0, 0, 0]),
    ],
)
def test_spectra_that_are_known_exactly(spec, spectrum):
    """Lower and upper bounds meet at the closed form, for every latent dimension."""
    for m, expected in enumerate(spectrum, start=1):
        if expected is not None:
            found = bounds(spec, m)
            assert (found.lower, found.upper) == (expected, expected)
            assert found.rigor is Rigor.EXACT


@pytest.mark.parametrize(
    ("spec", "m", "value"),
    [
        ("clifford:r1=0.6,r2=1.1", 1, math.hypot(0.6, 1.1)),
        ("veronese", 3, ROOT_HALF),
        ("moebius:R=1,h=0.4", 2, 0.4),
        ('product:factors=["ellipse:a=2,b=1","sphere:dim=2,radius=1"]', 1, math.sqrt(2)),
    ],
)
def test_spectra_that_are_known_up_to_rounding(spec, m, value):
    """The interval holds the closed form and is a few units in the last place wide."""
    found = bounds(spec, m).interval
    assert found.lower <= value * (1 + 1e-15)
    assert found.upper >= value * (1 - 1e-15)
    assert found.width <= 1e-14


def test_intervals_that_stay_open():
    """Veronese below 3, the Moebius band at 1, a flat 3-torus at 2."""
    assert bounds("veronese", 1).upper == pytest.approx(math.sqrt(2 / 3))
    assert bounds("veronese", 1).lower == pytest.approx(ROOT_HALF)
    assert bounds("veronese", 2).upper < 0.8
    assert bounds("moebius:R=1,h=0.4", 1).interval.encloses(bounds("circle", 1).interval)
    assert bounds("flat_torus:radii=[3,2,1]", 2).lower == 2


def test_a_wide_moebius_band_is_searched():
    """At h = .48 > R / (1 + 2 / sqrt 3) the closed form gives sqrt 3 (R - h) / 2 only; distances of the drawn edges
    give h. For R < 2 h the closed form says nothing, and the drawn graph does."""
    closed = {e.details["name"]: e.lower for e in lower_bounds("moebius:R=1,h=0.48", 2)}
    assert closed["disjoint edges of K_{3,3}"] == pytest.approx(math.sqrt(3) * 0.52 / 2)
    assert bounds("moebius:R=1,h=0.48", 2).interval.lower > 0.48 * (1 - 1e-4)
    wide = {e.details["name"]: e.lower for e in lower_bounds("moebius:R=1,h=0.7", 2)}
    assert "disjoint edges of K_{3,3}" not in wide
    assert wide["a drawn K_{3,3}"] > 0.5146


def test_orientability_decides_one_dimension_above():
    """w_3 of a torus is 0, of a Klein bottle its tube's radius: seen over Z/2 only."""
    assert bounds("torus:R=2,r=1", 3).upper == 0
    names = {e.details["name"] for e in lower_bounds("klein:R=2,r=1", 3)}
    assert "reach of a manifold that is not orientable" in names
    assert "first Steenrod square" in names


def test_the_bound_of_a_component_names_it():
    """In a union the torus carries the bound."""
    best = lower_bounds(
        'union:parts=["circle:radius=0.1,ambient_dim=3","moved:base=\\"torus:R=2,r=0.5\\",shift=[5,0,0]"]', 2
    )[0]
    assert best.lower == 0.5
    assert best.details["component"] == 1


def test_no_lower_bound_exceeds_an_upper_one_in_the_catalog():
    """Every example but curves and what is slow, every latent dimension up to five; widths fall with it."""
    from aeverify.manifolds import MANIFOLDS

    for entry in MANIFOLDS.values():
        for spec in entry.examples:
            k = manifold(spec)
            if all(part.chart.dim == 1 for part in k.components) or entry.name in ("blob", "genus2"):
                continue
            found = [bounds(k, m).interval for m in range(1, min(5, k.ambient_dim) + 1)]
            assert all(later.lower <= earlier.upper for earlier, later in itertools.pairwise(found))
            assert all(e.citations and e.details["proof"] for e in (*lower_bounds(k, 1), *upper_bounds(k, 1)))

"""Betti numbers of every family of the catalog, over Z/2, Z/3 and a large prime, from samples.

Let X be points within nu of K that cover it within eps. Alpha complexes, s = eps and t = 2 eps + nu: the map
H(X^s) -> H(X^t) factors through H(K^(eps + nu)), and H(K) -> H(X^s) -> H(X^t) -> H(K^(t + nu)) is an isomorphism where
t + nu is below the reach, so the rank is the Betti number of K exactly. Rips complexes at s lie between those of balls
at s and at c s, c = sqrt(2n / (n + 1)), so the same holds with s = eps, t = (c + 1) eps + nu and c t + nu below the
reach. Where no reach is proved, or it is too small for a test, the scales are given by hand.
"""

from __future__ import annotations

import math

import pytest

from aeverify.homology import ALPHA_DIMENSIONS, persistence_over
from aeverify.homology.engine import ALPHA_AT_MOST
from aeverify.manifolds import Manifold, manifold
from aeverify.manifolds.entry import MANIFOLDS
from aeverify.widths.persistence import Net, net_of

FIELDS = (2, 3, 1_009)
"""The last stands for Q: no manifold here has torsion of that order."""

FAST = {
    "annulus:inner=1,outer=2": 200,
    "ball:dim=2,radius=1": 100,
    "circle:radius=1": 20,
    "clifford:r1=0.6,r2=1.1": 250,
    "ellipse:a=3,b=2": 40,
    "ellipsoid:axes=[1.2,1.1,1]": 500,
    "flat_torus:radii=[1,1]": 150,
    "fourier:seed=0,degree=3,ambient_dim=3,decay=2": 200,
    "helix:radius=1,pitch=1,turns=2": 60,
    "hemisphere:dim=2,radius=1": 100,
    'included:base="klein:R=2,r=1",ambient_dim=10,seed=1': 800,
    "klein:R=2,r=1": 300,
    'moved:base="ellipsoid:axes=[1.2,1.1,1]",rotation=7,shift=[1,0,-2]': 500,
    'product:factors=["circle:radius=1","ellipse:a=2,b=1.8"]': 200,
    "projective_plane": 200,
    "rotating_bar:pixels=5,width=0.5": 100,
    'scaled:base="torus:R=2,r=1",factor=3': 400,
    "segment:length=1": 10,
    "sphere:dim=2,radius=1": 100,
    "spiral": 20,
    "spiral_arc:start=1,end=2,turns=1": 60,
    "star:a=0.3,k=3,radius=1": 80,
    "swiss_roll:start=0.75,end=2.25,width=21": 1_000,
    "torus:R=2,r=1": 400,
    "torus_knot:p=2,q=3": 100,
    "trefoil": 120,
    "two_circles": 60,
    'union:parts=["circle:radius=1","ellipse:a=4,b=3"]': 100,
    "veronese": 400,
}
SLOW = {
    "blob:pixels=8": 1_200,
    "sphere:dim=3,radius=0.5": 800,
    "torus:R=1,r=0.7": 3_000,
    "ellipsoid:axes=[3,2,1]": 6_000,
    "klein:R=2,r=0.5": 1_200,
    "ball:dim=3,radius=2": 1_000,
}
BY_HAND = {
    "genus2:c=0.1": (6_000, 0.04, 0.048),
    "moebius:R=1,h=0.4": (300, 0.1, 0.3),
    "reuleaux:width=1,sides=3,sharpness=0.9": (100, 0.03, 0.2),
    "triod:legs=[1,1,1]": (60, 0.1, 0.3),
}


def ranks(net: Net, degree: int, start: float, end: float) -> list[list[int]]:
    """Ranks of H_j at `start` in H_j at `end`, for each field, j = 0 to the degree."""
    n = net.points.shape[1]
    diagrams = persistence_over(
        net.points,
        FIELDS,
        max_degree=degree,
        engine="alpha" if n <= ALPHA_AT_MOST else "rips",
        max_radius=1.01 * end,
    )
    return [[d.persistent_betti(j, start, end) for j in range(degree + 1)] for d in diagrams]


def truth(K: Manifold) -> list[list[int]]:
    """The same from the catalog."""
    return [list(K.truth.betti[name]) for name in ("Z/2", "Z/3", "Q")]


def certified(K: Manifold, count: int) -> None:
    """The ranks at proved scales are the Betti numbers."""
    net = net_of(K, count)
    n = K.ambient_dim
    c = 1.0 if n <= ALPHA_DIMENSIONS else math.sqrt(2 * n / (n + 1))
    start = net.covering * (1 + 1e-4)
    end = (c + 1) * start + net.noise
    assert c * end + net.noise < K.truth.reach.lower
    assert ranks(net, K.truth.dimension, start, end) == truth(K)


@pytest.mark.parametrize("spec", FAST)
def test_betti_numbers_are_found(spec):
    """At scales where they must be, over three fields."""
    certified(manifold(spec), FAST[spec])


@pytest.mark.slow
@pytest.mark.parametrize("spec", SLOW)
def test_betti_numbers_are_found_in_large_samples(spec):
    """The same where it takes many points."""
    certified(manifold(spec), SLOW[spec])


@pytest.mark.parametrize(
    "spec", [pytest.param(s, marks=pytest.mark.slow) if s.startswith("genus2") else s for s in BY_HAND]
)
def test_betti_numbers_are_found_at_given_scales(spec):
    """Where the reach is 0 or tiny."""
    K = manifold(spec)
    count, start, end = BY_HAND[spec]
    assert ranks(net_of(K, count), K.truth.dimension, start, end) == truth(K)


def test_betti_numbers_of_a_threefold_are_found_in_the_fifth_dimension():
    """S^1 x S^2, by alpha complexes asked for by name; the scales are given, below the reach 1."""
    K = manifold('product:factors=["circle:radius=1","sphere:dim=2,radius=1"]')
    assert K.ambient_dim == ALPHA_AT_MOST
    assert ranks(net_of(K, 250), 3, 0.8, 0.95) == truth(K)


def test_every_family_is_here():
    """A new family of the catalog needs a row."""
    here = {str(manifold(spec)).partition(":")[0] for spec in (*FAST, *SLOW, *BY_HAND)}
    assert here == set(MANIFOLDS)

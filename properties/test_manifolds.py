"""Facts of drawn sets against each other: reach and width, scaling, disjoint unions."""

from __future__ import annotations

import math

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aeverify import widths
from aeverify.core import Interval
from aeverify.manifolds import Manifold, Union, moved, scaled
from aeverify.manifolds.base import INFINITE
from aeverify.strategies import ManifoldSpec, manifolds
from aeverify.testing import check_similarity

SETTINGS = settings(deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow])
# Families whose truth costs seconds are in the conformance tests; what is drawn here has closed forms.
quick = st.one_of(manifolds(components=1, max_reach_ratio=20.0), manifolds(dim=1, closed=True, max_reach_ratio=9.0))


def obstructed(k: Manifold, m: int) -> bool:
    """Whether some H^j(K) with j >= m is not 0, over a field where the Betti numbers are known."""
    return any(any(betti[m:]) for betti in k.truth.betti.values())


@settings(SETTINGS, max_examples=60)
@given(spec=quick, latent_dim=st.integers(1, 3))
def test_the_width_is_not_below_the_reach(spec: ManifoldSpec, latent_dim: int):
    """Kvalheim and Sontag 2024, Theorem 2: where H^j(K) is not 0 for some j >= m, no continuous autoencoder with m
    latent dimensions has a sup error below the reach."""
    k = spec.build()
    if latent_dim > k.ambient_dim:
        return
    width = widths.bounds(k, latent_dim).interval
    if obstructed(k, latent_dim):
        assert k.truth.reach.lower <= width.upper
    assert width.upper <= k.truth.circumradius.upper * (1 + 1e-12)


@settings(SETTINGS, max_examples=40)
@given(spec=quick, factor=st.integers(1, 400).map(lambda n: n / 20))
def test_every_fact_scales(spec: ManifoldSpec, factor: float):
    """Lengths by the factor, the volume by its power, the curvature by its inverse; the topology stays; widths too."""
    k = spec.build()
    image = scaled(k, factor)
    check_similarity(k, image, factor)
    before, after = widths.bounds(k, 1).interval, widths.bounds(image, 1).interval
    assert before.lower * factor <= after.upper * (1 + 1e-9)
    assert after.lower <= before.upper * factor * (1 + 1e-9)


@settings(SETTINGS, max_examples=25)
@given(spec=quick, rotation=st.integers(0, 1000))
def test_rigid_motions_change_no_fact(spec: ManifoldSpec, rotation: int):
    """A rotation about the origin and a shift."""
    k = spec.build()
    if k.ambient_dim <= 10:
        check_similarity(k, moved(k, rotation, (0.5 * k.truth.diameter.lower,) * k.ambient_dim), 1.0)


def sum_of(intervals: list[Interval]) -> Interval:
    """Enclosure of a sum."""
    return Interval(math.fsum(i.lower for i in intervals), math.fsum(i.upper for i in intervals))


def close(a: Interval, b: Interval) -> bool:
    """Whether the two enclose a common number, up to rounding."""
    slack = 1e-9 * max(abs(a.lower), abs(b.lower), 1e-9)
    return a.lower - slack <= b.upper and b.lower - slack <= a.upper


@settings(SETTINGS, max_examples=15)
@given(spec=manifolds(dim=1, closed=True, max_reach_ratio=4.0, components=2), latent_dim=st.integers(1, 2))
def test_unions_obey_their_rules(spec: ManifoldSpec, latent_dim: int):
    """The reach is the least of the parts' and half their gap, the width the largest, volumes and Betti numbers add."""
    assert_union_rules(spec.build(), latent_dim)


@settings(SETTINGS, max_examples=15)
@given(
    first=manifolds(dim=1, ambient_dim=2, components=1, max_reach_ratio=9.0),
    second=manifolds(dim=1, ambient_dim=2, components=1, max_reach_ratio=9.0),
    gap=st.integers(1, 40).map(lambda n: n / 10),
)
def test_unions_of_different_parts_obey_their_rules(first: ManifoldSpec, second: ManifoldSpec, gap: float):
    """The same for parts of different shapes and sizes, with gaps that decide the reach or do not."""
    a, b = first.build(), second.build()
    away = 2 * a.truth.diameter.upper + 2 * b.truth.diameter.upper + gap
    center = [float((lo + hi) / 2) for lo, hi in _box(a)]
    other = [float((lo + hi) / 2) for lo, hi in _box(b)]
    shift = (center[0] - other[0] + away, center[1] - other[1])
    if max(map(abs, shift)) > 1e5 * b.truth.diameter.lower:
        return
    assert_union_rules(Union([a, moved(b, "none", shift)]), 1)


def _box(k: Manifold) -> list[tuple[float, float]]:
    x = k.grid(100).points
    return list(zip(x.min(axis=0).tolist(), x.max(axis=0).tolist(), strict=True))


def assert_union_rules(union: Manifold, latent_dim: int) -> None:
    """Every rule of disjoint unions, from the truth of the parts."""
    assert isinstance(union, Union)
    parts = [part.truth for part in union.components]
    reach = Interval(union.extents.gap.lower / 2, union.extents.gap.upper / 2)
    for truth in parts:
        reach = reach if truth.reach == INFINITE else reach.minimum(truth.reach)
    assert union.truth.reach == reach
    assert close(sum_of([t.volume for t in parts]), union.truth.volume)
    for field, betti in union.truth.betti.items():
        assert betti[0] == sum(t.betti[field][0] for t in parts)
    each = [widths.bounds(part, latent_dim).interval for part in union.components]
    largest = each[0]
    for interval in each[1:]:
        largest = largest.maximum(interval)
    assert close(largest, widths.bounds(union, latent_dim).interval)

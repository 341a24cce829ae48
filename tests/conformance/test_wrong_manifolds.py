"""Deliberately wrong manifolds: each part of the conformance suite refuses the one that is wrong in its own way."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from aeverify import testing
from aeverify.core import Interval, Spec
from aeverify.manifolds import Chart, Manifold, Sample, Truth, manifold, scaled


class Altered(Manifold):
    """A manifold of the catalog of which one thing is changed."""

    def __init__(self, base: str, **changes: Callable[[Any], Any]) -> None:
        self._base = manifold(base)
        self._changes = changes

    def _changed(self, name: str, value: Any) -> Any:
        return self._changes[name](value) if name in self._changes else value

    @property
    def spec(self) -> Spec:
        return self._changed("spec", self._base.spec)

    @property
    def ambient_dim(self) -> int:
        return self._base.ambient_dim

    @property
    def truth(self) -> Truth:
        return self._changed("truth", self._base.truth)

    @property
    def chart(self) -> Chart:
        return self._changed("chart", self._base.chart)

    def sample(self, n: int, seed: Any, *, method: str = "uniform") -> Sample:
        return self._changed("sample", self._base.sample(n, seed, method=method))

    def grid(self, n: int) -> Sample:
        return self._changed("grid", self._base.grid(n))


def with_facts(**facts):
    return lambda truth: dataclasses.replace(truth, **facts)


class Forged(Chart):
    """A chart whose Jacobian is not the derivative of its formula."""

    def jacobian(self, parameters):
        return 0.9 * super().jacobian(parameters)


def crowded(sample: Sample) -> Sample:
    """The sample drawn uniformly in squares of the parameters."""
    chart = manifold("circle").chart
    u = sample.parameters**2
    return dataclasses.replace(sample, parameters=u, points=chart.embed(u))


def forged(chart: Chart) -> Chart:
    return Forged(**{f.name: getattr(chart, f.name) for f in dataclasses.fields(chart)})


def slow(chart: Chart) -> Chart:
    return dataclasses.replace(chart, speed=tuple(0.5 * s for s in chart.speed))


def near_grid(grid: Sample) -> Sample:
    return dataclasses.replace(grid, covering_radius=Interval(0.0, grid.covering_radius.upper / 2))


WRONG = {
    "spec": ("check_spec", Altered("circle", spec=lambda s: Spec("circle", {"radius": 2}))),
    "speed": ("check_chart", Altered("circle", chart=slow)),
    "diameter": ("check_chart", Altered("ellipse:a=3,b=2", truth=with_facts(diameter=Interval.exactly(5.0)))),
    "dimension": ("check_chart", Altered("torus:R=2,r=1", truth=with_facts(dimension=1))),
    "tangents": ("check_tangents", Altered("ellipse:a=3,b=2", chart=forged)),
    "volume": ("check_volume", Altered("sphere:dim=2,radius=1", truth=with_facts(volume=Interval.exactly(12.5)))),
    "sampler": ("check_sampler", Altered("circle", sample=crowded)),
    "field": (
        "check_topology",
        Altered("klein:R=2,r=1", truth=with_facts(betti={"Q": (1, 1, 0), "Z/2": (1, 1, 0)})),
    ),
    "characteristic": (
        "check_topology",
        Altered("torus:R=2,r=1", truth=with_facts(betti={"Q": (1, 2, 1), "Z/2": (1, 3, 1)})),
    ),
    "components": ("check_topology", Altered("circle", truth=with_facts(betti={"Q": (2, 2)}))),
    "covering": ("check_covering", Altered("circle", grid=near_grid)),
    "reach": ("check_reach", Altered("ellipse:a=3,b=2", truth=with_facts(reach=Interval.exactly(2.0), curvature=None))),
    "curvature": ("check_reach", Altered("circle", truth=with_facts(curvature=Interval.exactly(2.0)))),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_manifold_fails_its_part(name):
    """The part that is wrong is refused, and the message names the set."""
    part, wrong = WRONG[name]
    with pytest.raises(AssertionError, match="does not conform"):
        getattr(testing, part)(wrong)


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_manifold_fails_the_whole_suite(name):
    """Running everything finds the same defect."""
    rebuilt = WRONG[name][1]
    with pytest.raises(AssertionError):
        testing.check_manifold(rebuilt, rebuild=(lambda _: rebuilt) if name != "spec" else manifold, transforms=False)


@pytest.mark.parametrize("fact", ["reach", "volume", "diameter", "circumradius", "curvature"])
def test_a_transform_that_forgets_a_fact_is_refused(fact):
    """Every fact must follow the points: one left as it was is found."""
    base = manifold("torus:R=2,r=1")
    wrong = Altered(str(scaled(base, 3.0)), truth=lambda t: with_facts(**{fact: getattr(base.truth, fact)})(t))
    with pytest.raises(AssertionError, match=fact):
        testing.check_similarity(base, wrong, 3.0)


def test_a_transform_that_moves_no_point_is_refused():
    """Facts that scale while the points stay are found by the distances."""
    base = manifold("torus:R=2,r=1")
    wrong = Altered(str(base), truth=lambda _: scaled(base, 3.0).truth)
    with pytest.raises(AssertionError, match="distances"):
        testing.check_similarity(base, wrong, 3.0)


def test_check_transforms_refuses_a_manifold_whose_facts_do_not_scale(monkeypatch: pytest.MonkeyPatch):
    """The transforms that are checked are those that users get."""
    from aeverify.testing import conformance

    monkeypatch.setattr(conformance, "scaled", lambda base, factor: base)
    with pytest.raises(AssertionError, match="distances"):
        testing.check_transforms(manifold("circle"))


def test_a_third_party_may_rebuild_its_own_families():
    """A family that the catalog does not know passes with its own way to rebuild it."""

    def mine(text: str) -> Manifold:
        return Altered("circle:radius=2", spec=lambda _: Spec("my_circle"))

    testing.check_manifold(mine("my_circle"), rebuild=mine, transforms=False)


def test_high_dimensions_are_integrated_by_independent_points():
    """A sphere of dimension 5 passes; half its volume does not."""
    testing.check_manifold(manifold("sphere:dim=5,radius=1"))
    truth = manifold("sphere:dim=5,radius=1").truth
    half = Interval(truth.volume.lower / 2, truth.volume.upper / 2)
    with pytest.raises(AssertionError, match="area"):
        testing.check_volume(Altered("sphere:dim=5,radius=1", truth=with_facts(volume=half)))


def test_equal_seeds_look_at_equal_points():
    """A failure of the suite is reproduced by its seed."""
    k = manifold("torus:R=2,r=1")
    a, b = (k.sample(5, 3).points for _ in range(2))
    assert np.array_equal(a, b)

"""The strategies: they reach every family, what they draw is as asked for and not degenerate, and they shrink well."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import hypothesis
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from aeverify import strategies
from aeverify.autoencoders.architectures import Architecture
from aeverify.autoencoders.recipes import Recipe
from aeverify.core import Spec
from aeverify.errors import UsageError
from aeverify.manifolds import MANIFOLDS, Manifold

DRAWING = settings(
    max_examples=1000,
    phases=[Phase.generate],
    database=None,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
FINDING = settings(max_examples=2000, database=None, deadline=None, derandomize=True)


def drawn(strategy: st.SearchStrategy[Any], n: int = 1000) -> list[Any]:
    """n draws, the same ones every time."""
    found: list[Any] = []

    @settings(DRAWING, max_examples=n)
    @given(strategy)
    def collect(value: Any) -> None:
        found.append(value)

    collect()
    return found


@pytest.fixture(scope="module")
def sets() -> list[strategies.ManifoldSpec]:
    """A thousand sets."""
    return drawn(strategies.manifolds())


def find(strategy: st.SearchStrategy[Any], condition: Callable[[Any], bool]) -> str:
    return str(hypothesis.find(strategy, condition, settings=FINDING))


def names(text: str) -> set[str]:
    """The families in a specification, nested ones too."""
    spec = Spec.parse(text)
    inner = [spec.parameters[key] for key in ("parts", "factors", "base") if key in spec.parameters]
    nested = [t for x in inner for t in ([x] if isinstance(x, str) else x)]
    return {spec.name}.union(*(names(t) for t in nested)) if nested else {spec.name}


def test_every_family_is_reached(sets):
    """A thousand draws hold every family of the catalog."""
    assert set(MANIFOLDS) - set().union(*(names(str(k)) for k in sets)) == set()


def test_no_family_dominates(sets):
    """Variety: no specification makes up a tenth of the draws, and most are distinct."""
    counts = Counter(map(str, sets))
    assert max(counts.values()) < 100
    assert len(counts) > 700


def test_drawn_specifications_are_canonical_and_rebuild_by_their_repr(sets):
    """The repr of a draw is code that rebuilds it, and its text is that of the set that it builds."""
    for k in sets:
        assert eval(repr(k), {"ManifoldSpec": strategies.ManifoldSpec}) == k
    for k in [k for k in sets if Spec.parse(str(k)).name not in ("union", "rotating_bar")][:100]:
        assert str(k.build()) == str(k)


def test_drawn_sets_are_not_degenerate(sets):
    """Every set has a positive volume, a positive finite extent, and points that differ."""
    seen = 0
    for k in sets:
        # Of these the truth takes seconds (a triod has reach 0); their chart is looked at with the others'.
        if (
            names(str(k)) & {"union", "rotating_bar", "genus2", "swiss_roll", "moebius", "product", "triod"}
            or seen >= 40
        ):
            continue
        seen += 1
        built = k.build()
        truth = built.truth
        assert truth.volume.lower > 1e-6
        assert 1e-2 < truth.diameter.lower <= truth.diameter.upper < 1e4
        assert truth.reach.upper > 1e-4
        points = built.sample(10, 0).points
        assert len({tuple(x) for x in points.round(9).tolist()}) == 10
    assert seen == 40


@pytest.mark.parametrize(
    "asked",
    [
        {"dim": 1, "closed": True},
        {"dim": 1, "closed": False},
        {"dim": 2, "ambient_dim": 3, "closed": True},
        {"dim": 2, "orientable": False, "closed": True},
        {"dim": 2, "orientable": False, "closed": False},
        {"dim": 3, "orientable": False, "components": 1},
        {"dim": 7, "closed": True, "components": 1},
        {"dim": 2, "ambient_dim": 2},
        {"ambient_dim": 2, "components": 2},
        {"ambient_dim": 9, "dim": 1, "components": 1},
        {"dim": 1, "components": 3, "closed": True, "max_reach_ratio": 5.0},
        {"dim": 1, "max_reach_ratio": 1.0},
        {"dim": 2, "max_reach_ratio": 3.0, "closed": True},
        {"dim": 4, "max_reach_ratio": 2.5},
    ],
    ids=str,
)
def test_what_is_drawn_is_as_asked(asked):
    """The truth of every drawn set has the dimension, the kind, the components and the ratio that were asked for."""
    for k in drawn(strategies.manifolds(**asked), 6):
        built: Manifold = k.build()
        truth = built.truth
        assert truth.dimension == asked.get("dim", truth.dimension), k
        assert built.ambient_dim == asked.get("ambient_dim", built.ambient_dim), k
        assert truth.closed == asked.get("closed", truth.closed), k
        assert truth.orientable == asked.get("orientable", truth.orientable), k
        assert truth.components == asked.get("components", truth.components), k
        if "max_reach_ratio" in asked:
            assert truth.circumradius.lower <= asked["max_reach_ratio"] * truth.reach.upper * (1 + 1e-6), k
            assert truth.circumradius.upper <= asked["max_reach_ratio"] * truth.reach.lower * (1 + 0.1), k


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({"dim": 0}, "positive integer"),
        ({"dim": 101}, "at most 100"),
        ({"dim": 2, "ambient_dim": 2, "closed": True}, "open in it"),
        ({"dim": 3, "ambient_dim": 2}, "ambient_dim=3"),
        ({"dim": 1, "orientable": False}, "Every curve is orientable"),
        ({"orientable": False, "closed": True, "ambient_dim": 3}, "hypersurface"),
        ({"orientable": False, "ambient_dim": 2}, "not orientable"),
        ({"dim": 3, "orientable": False, "closed": True, "ambient_dim": 5}, "No family"),
        ({"max_reach_ratio": 0.5, "closed": True}, "max_reach_ratio"),
        ({"max_reach_ratio": float("nan")}, "finite"),
        ({"components": 3, "max_reach_ratio": 4.0}, "at least 5 times"),
        ({"components": 0}, "positive integer"),
        ({"closed": "yes"}, "True, False or None"),
    ],
)
def test_impossible_arguments_are_refused_at_once(asked, why):
    """Nothing is drawn first: the call that makes the strategy raises, and says why."""
    with pytest.raises(UsageError, match=why):
        strategies.manifolds(**asked)


def test_sets_shrink_to_the_unit_circle():
    """The documented minimum: whatever fails for every set is shown on the unit circle of the plane."""
    assert find(strategies.manifolds(), lambda k: True) == "circle:radius=1,ambient_dim=2"
    assert find(strategies.curves(), lambda k: True) == "circle:radius=1,ambient_dim=2"
    assert find(strategies.manifolds(), lambda k: k.build().truth.closed) == "circle:radius=1,ambient_dim=2"


def test_failures_shrink_to_the_simplest_set_that_still_fails():
    """One condition a kind: a dimension, a codimension, several components, a boundary, no orientation."""
    assert find(strategies.surfaces(), lambda k: True) == "sphere:dim=2,radius=1"
    assert find(strategies.curves(ambient_dim=5), lambda k: True) == "circle:radius=1,ambient_dim=5"
    assert find(strategies.manifolds(components=2), lambda k: True).count("circle:radius=1,ambient_dim=2") == 2
    assert find(strategies.curves(closed=False), lambda k: True) == "segment:length=1,ambient_dim=2"
    assert find(strategies.surfaces(orientable=False, closed=True), lambda k: True) == "projective_plane"
    large = find(strategies.manifolds(), lambda k: "circle" in names(str(k)) and k.build().truth.reach.upper > 2)
    assert large == "circle:radius=2.02,ambient_dim=2"


def test_networks_recipes_models_and_samples_shrink_and_rebuild():
    """The smallest network has one hidden unit; each repr is code that rebuilds the draw."""
    scope = {name: getattr(strategies, name) for name in ("ManifoldSpec", "OracleSpec", "NetworkSpec", "SampleSpec")}
    scope |= {"Architecture": Architecture, "Recipe": Recipe}
    smallest = "mlp:ambient_dim=2,latent_dim=1,hidden=[1],activation=relu"
    assert find(strategies.networks(), lambda a: True) == smallest
    for strategy in (strategies.networks(), strategies.recipes(), strategies.autoencoders(), strategies.samples()):
        for value in drawn(strategy, 60):
            assert eval(repr(value), dict(scope)) == value
    found = hypothesis.find(strategies.autoencoders(), lambda a: True, settings=FINDING)
    assert found == strategies.NetworkSpec(Architecture(2, 1, (1,), "relu"), 0)
    sample = hypothesis.find(strategies.samples(), lambda s: s.n >= 10, settings=FINDING)
    assert (str(sample.manifold), sample.n, sample.seed) == ("circle:radius=1,ambient_dim=2", 10, 0)
    assert len(sample.build()) == 10


def test_drawn_models_have_the_dimensions_that_were_asked_for():
    """Networks and oracles alike."""
    models = drawn(strategies.autoencoders(ambient_dim=2, latent_dim=1), 60)
    assert {type(m).__name__ for m in models} == {"OracleSpec", "NetworkSpec"}
    for model in models[:25]:
        built = model.build()
        assert (built.ambient_dim, built.latent_dim) == (2, 1)


@pytest.mark.parametrize(
    "call",
    [
        lambda: strategies.networks(ambient_dim=2, latent_dim=3),
        lambda: strategies.networks(max_width=0),
        lambda: strategies.recipes(max_epochs=0),
        lambda: strategies.samples(min_size=5, max_size=4),
        lambda: strategies.autoencoders(ambient_dim=1, latent_dim=2),
    ],
)
def test_other_impossible_arguments_are_refused_at_once(call):
    """As those of sets."""
    with pytest.raises(UsageError):
        call()


def test_profiles_have_no_deadline_and_ci_repeats_itself():
    """The three profiles, registered on request."""
    strategies.register_profiles()
    profiles = {name: settings.get_profile(f"aeverify-{name}") for name in ("dev", "ci", "nightly")}
    assert {p.deadline for p in profiles.values()} == {None}
    assert [p.max_examples for p in profiles.values()] == [25, 100, 2000]
    assert [p.derandomize for p in profiles.values()] == [False, True, False]

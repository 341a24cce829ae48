"""Hypothesis strategies that draw what claims are about: compact sets, samples of them, networks, models, recipes.

    from hypothesis import given
    from aeverify.strategies import curves, manifolds

    @given(K=manifolds(dim=2, closed=True))
    def test_something(K):
        space = K.build()

They draw *specifications*, plain frozen parameters, never arrays or trained models; `build` makes the thing. The repr
of what was drawn is code that rebuilds it. Everything drawn can be built: parameters are constructed within their
ranges, nothing is filtered, and arguments that no family can meet are refused when the strategy is made. Drawn sets
shrink toward `circle:radius=1,ambient_dim=2`: the first family, one component, the lowest codimension, lengths of 1;
networks toward one hidden layer of one unit.

This room alone knows hypothesis.
"""

from aeverify.strategies.models import autoencoders, networks, recipes
from aeverify.strategies.profiles import register_profiles
from aeverify.strategies.sampling import samples
from aeverify.strategies.sets import curves, manifolds, surfaces
from aeverify.strategies.specs import ManifoldSpec, NetworkSpec, OracleSpec, SampleSpec

__all__ = [
    "ManifoldSpec",
    "NetworkSpec",
    "OracleSpec",
    "SampleSpec",
    "autoencoders",
    "curves",
    "manifolds",
    "networks",
    "recipes",
    "register_profiles",
    "samples",
    "surfaces",
]

from __future__ import annotations

import pytest

from aeverify import measure
from aeverify.autoencoders.building import mlp
from aeverify.autoencoders.oracles import oracle
from aeverify.core import Rigor
from aeverify.errors import UsageError
from aeverify.manifolds import manifold


@pytest.mark.parametrize("name", ["cut:half_width=0.05", "cut:half_width=1e-6", "fold"])
def test_codes_of_a_circle_have_two_preimages(circle, name):
    """A fold by its two sides, a tear by the good point and one in the tear, however narrow."""
    found = measure.preimage_counts(oracle(name), circle)
    assert found.typical == 2
    assert set(found.counts.tolist()) == {2}
    assert (found.odd.upper, found.odd.rigor) == (0.0, Rigor.EMPIRICAL)


@pytest.mark.parametrize("spec", ["sphere", "torus:R=2,r=0.7", "klein:R=2,r=1"])
def test_codes_of_surfaces_have_even_counts(spec):
    """Poles, and sides that are identified with a flip, are no matter."""
    space = manifold(spec)
    found = measure.preimage_counts(mlp(space.ambient_dim, 2, (16, 16), "relu", seed=1), space)
    assert found.odd.upper == 0.0
    assert found.counts.max() >= 2


def test_a_jump_is_no_preimage(circle):
    """The angle has one preimage each, and the crossing at its jump does not count: odd, and decided by nothing."""
    found = measure.preimage_counts(oracle("atan2"), circle)
    assert found.typical == 1
    assert (found.odd.lower, found.odd.upper) == (0.0, 200.0)


def test_a_constant_code_has_no_regular_value(circle):
    """Nothing is counted, also where the code varies by rounding."""
    assert len(measure.preimage_counts(oracle("collapsed"), circle).counts) == 0
    assert len(measure.preimage_counts(oracle("label"), manifold("two_circles"), 1).counts) == 0


def test_bad_input_is_refused(circle):
    """Arcs, codes of another dimension, unknown components."""
    for model, space, component in (("spiral_arc", "spiral", 0), ("identity", "circle", 0), ("cut", "circle", 3)):
        with pytest.raises(UsageError):
            measure.preimage_counts(oracle(model), manifold(space), component)

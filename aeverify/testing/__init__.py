"""For test suites: assert claims about models, and hold manifolds to what they say of themselves.

from aeverify.testing import assert_claim, check_manifold

def test_the_tear_exists():
    assert_claim(model, "circle", "theorem-1")

def test_my_manifold():
    check_manifold(MyManifold(3.0), rebuild=my_manifold)
"""

from aeverify.testing.claims import assert_claim, check_claim, describe, drain
from aeverify.testing.conformance import (
    PARTS,
    check_chart,
    check_covering,
    check_manifold,
    check_reach,
    check_sampler,
    check_similarity,
    check_spec,
    check_tangents,
    check_topology,
    check_transforms,
    check_volume,
)

__all__ = [
    "PARTS",
    "assert_claim",
    "check_chart",
    "check_claim",
    "check_covering",
    "check_manifold",
    "check_reach",
    "check_sampler",
    "check_similarity",
    "check_spec",
    "check_tangents",
    "check_topology",
    "check_transforms",
    "check_volume",
    "describe",
    "drain",
]

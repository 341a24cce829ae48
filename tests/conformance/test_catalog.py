"""Every example of the catalog passes the conformance suite that third parties run."""

import pytest

from aeverify.manifolds import MANIFOLDS, manifold
from aeverify.testing import check_manifold

EXAMPLES = [example for entry in MANIFOLDS.values() for example in entry.examples]


@pytest.mark.parametrize("spec", EXAMPLES)
def test_every_example_conforms(spec):
    """What the catalog says of a set is what its chart shows, and transforms of it too."""
    check_manifold(manifold(spec))

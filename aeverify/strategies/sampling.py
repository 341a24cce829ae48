"""Sampling: the strategy that draws samples of sets."""

from __future__ import annotations

from hypothesis import strategies as st

from aeverify.core.dimensions import require_positive
from aeverify.errors import UsageError
from aeverify.strategies.sets import manifolds as any_manifolds
from aeverify.strategies.specs import ManifoldSpec, SampleSpec


def samples(
    manifolds: st.SearchStrategy[ManifoldSpec] | None = None, min_size: int = 1, max_size: int = 1000
) -> st.SearchStrategy[SampleSpec]:
    """Specifications of samples: a set, a number of points, a seed and a method of sampling.

    Args:
        manifolds: where the sets come from; left out, `manifolds()`.
        min_size, max_size: of the number of points.

    Raises:
        UsageError: the sizes are not 1 <= min_size <= max_size <= 10^8.
    """
    least, most = require_positive(min_size, "min_size"), require_positive(max_size, "max_size")
    if not least <= most <= 10**8:
        raise UsageError(f"Sizes of samples must be 1 <= min_size <= max_size <= 10^8, got {least} and {most}.")
    sets = any_manifolds() if manifolds is None else manifolds
    methods = st.sampled_from(("uniform", "stratified", "sobol"))
    return st.builds(SampleSpec, sets, st.integers(least, most), st.integers(0, 2**31 - 1), methods)

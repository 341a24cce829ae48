import numpy as np
import pytest

from aeverify.core.dimensions import require_latent_dim, require_positive
from aeverify.errors import UsageError


def test_numpy_integers_count_as_integers():
    """A dimension read from an array's shape or from numpy is accepted."""
    assert require_positive(np.int64(3), "n") == 3


@pytest.mark.parametrize("value", [0, -1, 1.0, True, "2", None, float("nan")])
def test_what_is_no_positive_integer_is_refused(value):
    """Zero, negative numbers, floats, booleans and strings are no dimensions."""
    with pytest.raises(UsageError, match="positive integer"):
        require_positive(value, "n")


def test_a_code_larger_than_the_data_is_refused():
    """latent_dim may equal the data dimension but not exceed it."""
    assert require_latent_dim(3, 3) == 3
    with pytest.raises(UsageError, match="larger than the data dimension"):
        require_latent_dim(4, 3)

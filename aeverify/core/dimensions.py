"""Checks of dimensions that several rooms share: a positive integer, and 1 <= latent_dim <= ambient_dim."""

from __future__ import annotations

from numbers import Integral
from typing import Any

from aeverify.errors import UsageError


def require_positive(value: Any, what: str) -> int:
    """`value`, checked to be a positive integer (numpy integers too, booleans not).

    Raises:
        UsageError: it is not.
    """
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
        raise UsageError(f"{what} must be a positive integer, got {value!r}.")
    return int(value)


def require_latent_dim(latent_dim: int, ambient_dim: int) -> int:
    """latent_dim, checked to satisfy 1 <= latent_dim <= ambient_dim.

    Raises:
        UsageError: it does not.
    """
    m, n = require_positive(latent_dim, "latent_dim"), require_positive(ambient_dim, "ambient_dim")
    if m > n:
        raise UsageError(
            f"latent_dim {m} is larger than the data dimension {n}: a code with more numbers than the data compresses "
            f"nothing. Choose latent_dim from 1 to {n}."
        )
    return m

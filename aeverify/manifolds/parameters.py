"""Checks of the parameters of manifolds: every refusal says what was got, what is expected and what to do."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

from aeverify.errors import SpecError

SMALLEST_LENGTH = 1e-100
LARGEST_LENGTH = 1e100
LARGEST_AMBIENT_DIM = 10_000
LARGEST_DIM = 100
FARTHEST_CENTER = 1e6


def require_real(value: Any, what: str) -> float:
    """A finite real number.

    Raises:
        SpecError: it is a boolean, no number, NaN or infinite.
    """
    if isinstance(value, bool) or not isinstance(value, Real):
        raise SpecError(f"{what} must be a real number, got {value!r}.")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise SpecError(f"{what} must be a finite number, got {value!r}.")
    return number


def require_length(value: Any, what: str) -> float:
    """A positive length between 1e-100 and 1e100: squares and quotients of lengths then neither overflow nor vanish.

    Raises:
        SpecError: it is not.
    """
    number = require_real(value, what)
    if number <= 0:
        raise SpecError(f"{what} must be positive, got {value!r}: the set would be empty or a single point.")
    if not SMALLEST_LENGTH <= number <= LARGEST_LENGTH:
        raise SpecError(
            f"{what} must lie between {SMALLEST_LENGTH:g} and {LARGEST_LENGTH:g}, where squares and quotients of "
            f"lengths are exact enough to be enclosed, got {value!r}. Change the unit of length."
        )
    return number


def require_ambient_dim(value: Any, least: int, what: str) -> int:
    """An integer from `least` to 10,000.

    Raises:
        SpecError: it is not.
    """
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise SpecError(f"ambient_dim of {what} must be an integer, got {value!r}.")
    n = int(value)
    if not least <= n <= LARGEST_AMBIENT_DIM:
        raise SpecError(f"ambient_dim of {what} must lie between {least} and {LARGEST_AMBIENT_DIM}, got {n}.")
    return n


def require_dim(value: Any, least: int, what: str) -> int:
    """A dimension of a set, from `least` to 100.

    Raises:
        SpecError: it is not.
    """
    return require_integer(value, least, LARGEST_DIM, f"dim of {what}")


def require_integer(value: Any, least: int, most: int, what: str) -> int:
    """An integer from `least` to `most`.

    Raises:
        SpecError: it is not.
    """
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise SpecError(f"{what} must be an integer, got {value!r}.")
    if not least <= int(value) <= most:
        raise SpecError(f"{what} must lie between {least} and {most}, got {value}.")
    return int(value)


def require_lengths(value: Any, least: int, most: int, what: str) -> tuple[float, ...]:
    """A list of `least` to `most` lengths.

    Raises:
        SpecError: another number, or one of them is no length.
    """
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise SpecError(f"{what} must be a list of numbers such as [3,2,1], got {value!r}.")
    if not least <= len(value) <= most:
        raise SpecError(f"{what} must be a list of {least} to {most} numbers, got {len(value)}.")
    return tuple(require_length(v, f"each entry of {what}") for v in value)


def require_volume(lengths: Sequence[float], what: str) -> None:
    """Refuses a set whose volume, about the product of these lengths, float64 cannot hold.

    Raises:
        SpecError: the product is not between 1e-200 and 1e200.
    """
    if not abs(math.fsum(math.log10(x) for x in lengths)) <= 200:
        raise SpecError(
            f"The volume of {what} would be near 1e{math.fsum(math.log10(x) for x in lengths):.0f}, beyond the range "
            "from 1e-200 to 1e200 that float64 holds with room. Change the unit of length."
        )


def rounded_up(value: float) -> float:
    """A positive bound computed with fewer than eight roundings, as an upper bound."""
    return math.nextafter(value * (1 + 2.0**-49), math.inf)


def require_center(value: Any, ambient_dim: int, size: float, what: str) -> tuple[float, ...]:
    """A point of R^n; the number 0 stands for the origin.

    Coordinates may be up to 10^6 times `size`, so that float64 still resolves the set about that centre.

    Raises:
        SpecError: another length, no numbers, or too far away.
    """
    if not isinstance(value, bool) and isinstance(value, Real) and value == 0:
        return (0.0,) * ambient_dim
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise SpecError(f"{what} must be 0 (the origin) or a list of {ambient_dim} numbers, got {value!r}.")
    if len(value) != ambient_dim:
        raise SpecError(f"{what} must have {ambient_dim} coordinates, one a dimension, got {len(value)}: {value!r}.")
    center = tuple(require_real(v, f"each coordinate of {what}") + 0.0 for v in value)
    if max(abs(v) for v in center) > FARTHEST_CENTER * size:
        raise SpecError(
            f"{what} may be at most {FARTHEST_CENTER:g} times as far from the origin as the set is large "
            f"({size:g}), else float64 cannot resolve the set; got {value!r}. Move the set to the origin."
        )
    return center

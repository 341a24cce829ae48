"""Volumes of balls in a closed submanifold, bounded by its reach alone.

M is a closed C^2 submanifold of R^n of dimension k with reach at least tau, so that |II(v, v)| <= 1/tau for unit v.
Write omega_k for the volume of the unit ball of R^k.

**From below.** M within B(x, r) holds the geodesic ball of radius r, since |x - y| <= d_M(x, y). By the Gauss equation
M has sectional curvature at most 1/tau^2, so that the conjugate radius is at least pi tau; closed geodesics have
curvature at most 1/tau in R^n and hence length at least 2 pi tau (Fenchel); so the injectivity radius is at least pi
tau (Klingenberg), and Guenther's comparison gives, for r <= pi tau,

    v(r) = k omega_k * integral over [0, r] of (tau sin(t / tau))^{k-1} dt.

k = 1: 2 r. k = 2: 2 pi tau^2 (1 - cos(r / tau)).

**From above.** Let r < tau. Two points of M within B(x, r), x any point of R^n, are at most 2 r apart, hence at most
s = 2 tau arcsin(r / tau) apart along M (Boissonnat, Lieutier and Wintraecken 2019). So M within B(x, r) lies in a
geodesic ball of radius s about one of its points. Sectional curvatures are at least -2/tau^2 (for orthonormal
u, v, <II(u,u), II(v,v)> >= -1/tau^2 and |II(u,v)|^2 <= 1/tau^2), and Bishop's comparison gives

    V(r) <= k omega_k * integral over [0, s] of (sinh(sqrt(2) t / tau) tau / sqrt(2))^{k-1} dt.

k = 1: 2 s.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

_PAD = 1.0 - 1e-12
"""A few dozen roundings of one unit in the last place each, and the platform's sin and sinh, stay far below this."""
_CELLS = 2_000


def unit_ball_volume(dimension: int) -> float:
    """omega_k, the volume of the unit ball of R^k, in float64 (a few units in the last place off)."""
    return float(math.pi ** (dimension / 2)) / math.gamma(dimension / 2 + 1)


def ball_volume_lower(dimension: int, reach_lower: float, radius_lower: float) -> float:
    """Lower bound of the intrinsic volume of M within distance r of a point x of M, for every x, rounded down.

    See the module. The bound increases with r up to pi tau, so a larger r is cut to that. For k >= 3 the integral is a
    lower Riemann sum, 0.1 % below the formula: the integrand rises and then falls, so it is least at an end of a cell.

    Args:
        dimension: k, at least 1.
        reach_lower: lower bound of the reach, in the units of the data.
        radius_lower: lower bound of r.

    Raises:
        ValueError: the dimension is below 1.

    Example:
        On the unit circle the true length within distance r is 4 arcsin(r / 2) >= 2 r:

        >>> ball_volume_lower(1, 1.0, 0.5) <= 4 * math.asin(0.25)
        True
    """
    if dimension < 1:
        raise ValueError(f"ball_volume_lower knows dimensions from 1 on, got {dimension}")
    if not (reach_lower > 0 and radius_lower > 0):
        return 0.0
    radius = min(radius_lower, math.pi * reach_lower * _PAD)
    if dimension == 1:
        return 2.0 * radius * _PAD
    if dimension == 2:
        # 1 - cos t = 2 sin^2(t/2) keeps relative accuracy for small t
        return 4.0 * math.pi * (reach_lower * math.sin(radius / (2.0 * reach_lower))) ** 2 * _PAD
    ends = [radius * i / _CELLS for i in range(_CELLS + 1)]
    values = [_power(reach_lower * math.sin(t / reach_lower), dimension - 1) for t in ends]
    total = math.fsum(min(a, b) for a, b in itertools.pairwise(values)) * (radius / _CELLS)
    return dimension * unit_ball_volume(dimension) * total * (1.0 - 1e-12 * dimension)


def ball_volume_upper(dimension: int, reach_lower: float, radius_upper: float) -> float:
    """Upper bound of the intrinsic volume of M within distance r of any point of R^n, rounded up; see the module.

    inf where r is not below the reach, since nothing is known then. For k >= 2 the integral is an upper Riemann sum.

    Example:
        On the unit circle, 4 arcsin(r) >= the true length within r of a point:

        >>> ball_volume_upper(1, 1.0, 0.5) >= 4 * math.asin(0.25)
        True
    """
    if not 0 <= radius_upper < reach_lower * _PAD:
        return math.inf
    s = 2.0 * reach_lower * math.asin(min(radius_upper / reach_lower / _PAD, 1.0)) / _PAD
    if dimension == 1:
        return 2.0 * s / _PAD
    flat = reach_lower / math.sqrt(2.0)
    values = (_power(flat * math.sinh(s * (i + 1) / _CELLS / flat), dimension - 1) for i in range(_CELLS))
    return dimension * unit_ball_volume(dimension) * math.fsum(values) * (s / _CELLS) * (1.0 + 1e-12 * dimension)


def ball_radius_upper(dimension: int, reach_lower: float, volume_upper: float) -> float:
    """A radius R such that every ball of M of a radius r <= pi tau with v(r) <= `volume_upper` has r < R; inf where
    even v(pi tau) is no larger than that."""
    return _first(lambda r: ball_volume_lower(dimension, reach_lower, r) > volume_upper, math.pi * reach_lower * _PAD)


def _first(holds: Callable[[float], bool], top: float) -> float:
    """A number at which the monotone `holds` is true, near the least such one; inf where it is false at `top`."""
    if not holds(top):
        return math.inf
    low, high = 0.0, top
    for _ in range(80):
        middle = (low + high) / 2.0
        if holds(middle):
            high = middle
        else:
            low = middle
    return high


def _power(value: float, exponent: int) -> float:
    return float(value**exponent)

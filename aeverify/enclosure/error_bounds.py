"""From affine forms of f(x) - x to bounds of its Euclidean norm e on a box.

Let y(s) = f(x(s)) - x(s) = y0 + A s + G e + p, |p| <= r. Let H be the Householder reflection that maps y0 to a multiple
of the first axis. H = I - 2 v v^T / (v.v) is orthogonal for EVERY v, so |H y| = |y| however v was rounded; only the
computed products H row carry errors, at most 5 (n + 8) u |row|_2 in any component.

* Lower bound, affine in s: e(s) >= n.y(s) >= la.s + lb with the unit vector n = +-H^T e_1, la = n.A, lb = n.y0 - rho_1.
* Upper bound: with rho_i >= sum_k |(H G_k)_i|, e(s) <= | |H(y0 + A s)| + rho |_2 + |r|_2. The right side is a convex
  function of s (a norm that is monotone on the positive orthant, of convex non-negative functions), so its values hv at
  the 2^d vertices of [-1, 1]^d bound it: e <= max hv, and every affine function ua.s + ub that is >= hv at all vertices
  is >= e on the box. Slopes: ua_i = mean over v of v_i hv(v), then ub = max_v (hv(v) - ua.v).

Everything that was lost to rounding is below `slack` = c u (sum of |components| of all rows), and is added at the end.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from itertools import product as cartesian

import torch
from torch import Tensor

from aeverify.enclosure.charts import ChartForms
from aeverify.enclosure.network import Network
from aeverify.enclosure.propagation import Forms, Records, backward, propagate
from aeverify.enclosure.rounding import TINY, UNIT, gamma

MAX_BACKWARD_ROWS = 8


@dataclass(frozen=True)
class ErrorBounds:
    """Bounds of e over N boxes: lower_slope.s + lower_offset <= e(s) <= upper_slope.s + upper_offset, s in [-1, 1]^d.

    Attributes:
        lower, upper: constants, (N,): lower <= e <= upper on the box; upper is inf where nothing is known.
        lower_slope, upper_slope: (N, d). lower_offset, upper_offset: (N,).
        worst: vertex of [-1, 1]^d with the largest upper bound, (N, d).
        blame: (N, d), how much each axis adds to the gap between the two affine bounds.
        constant: (N,), the network is constant on the box: `value` (N, n) within `radius` (N,).
    """

    lower: Tensor
    upper: Tensor
    lower_slope: Tensor
    lower_offset: Tensor
    upper_slope: Tensor
    upper_offset: Tensor
    worst: Tensor
    blame: Tensor
    constant: Tensor
    value: Tensor
    radius: Tensor

    def select(self, index: Tensor) -> ErrorBounds:
        """The bounds of some of the boxes."""
        return ErrorBounds(*(getattr(self, f.name)[index] for f in fields(self)))

    @staticmethod
    def concatenate(parts: list[ErrorBounds]) -> ErrorBounds:
        """The bounds of all boxes of several chunks."""
        return ErrorBounds(*(torch.cat([getattr(p, f.name) for p in parts]) for f in fields(ErrorBounds)))


def vertices(dim: int, like: Tensor) -> Tensor:
    """The 2^d vertices of [-1, 1]^d, shape (2^d, d)."""
    return like.new_tensor(list(cartesian((-1.0, 1.0), repeat=dim)))


@dataclass(frozen=True)
class _Reflection:
    """x -> x - scale v (v.x) per box."""

    v: Tensor
    scale: Tensor

    @staticmethod
    def onto_axis(y: Tensor) -> _Reflection:
        length = torch.linalg.vector_norm(y, dim=1)
        v = y.clone()
        v[:, 0] += torch.where(y[:, 0] >= 0, length, -length)
        v[:, 0] += (length == 0).to(y.dtype)
        square = (v * v).sum(1)
        safe = square > 1e-200
        v = torch.where(safe[:, None], v, torch.zeros_like(v))
        v[:, 0] = torch.where(safe, v[:, 0], torch.ones_like(square))
        return _Reflection(v, 2.0 / torch.where(safe, square, torch.ones_like(square)))

    def __call__(self, x: Tensor) -> Tensor:
        return x - ((x * self.v).sum(-1) * self.scale)[..., None] * self.v

    def ragged(self, x: Tensor, owner: Tensor) -> Tensor:
        return _Reflection(self.v.index_select(0, owner), self.scale.index_select(0, owner))(x)


def error_bounds(
    network: Network, chart: ChartForms, alive: dict[int, Tensor] | None
) -> tuple[ErrorBounds, dict[int, Tensor]]:
    """Certified bounds of e = |D(E(x)) - x| over N chart boxes, rounding included, and which ReLUs are not off.

    The real function of the stored weights; sound for every point of every box. `alive` is what is already known of the
    ReLUs on all the boxes together (see `propagation`).
    """
    forms, records, found = propagate(network, chart, alive)
    center, slopes = forms.linear()
    y, a = center - chart.center, slopes - chart.slopes
    reflect = _Reflection.onto_axis(y)
    n, dim = y.shape[1], forms.dim
    chart_size = chart.center.abs() + chart.slopes.abs().sum(0) + chart.generators.abs().sum(0)
    rounding = (forms.rounding + chart.radius) * (1 + 8 * UNIT) + 2 * UNIT * (forms.size + chart_size)
    slack = gamma(8 * (n + 16)) * (forms.size + chart_size + rounding).sum(1) + TINY

    yf, af = reflect(y), reflect(a)
    inner, outer = reflect(forms.static_generators()).abs(), reflect(chart.generators).abs()
    rho = inner.sum(0) + outer.sum(0)
    terms = inner.shape[0] + outer.shape[0]
    blame = _blame_static(forms, inner[..., 0], outer[..., 0], af)
    if len(forms.owner):
        ragged = reflect.ragged(forms.ragged_generators(), forms.owner).abs()
        rho = rho + forms.ragged_sum(ragged)
        terms += forms.most_ragged
        if forms.ragged_share is not None:
            blame = blame + forms.ragged_sum(ragged[:, :1] * forms.ragged_share)
    rho = rho * (1 + gamma(terms + 4))
    radius = torch.linalg.vector_norm(rounding, dim=1) * (1 + gamma(n + 8))
    further = torch.zeros_like(radius)
    if forms.relaxation is not None:
        rho, further, blame = _relaxation(network, forms, records, reflect, rho, blame)

    sign = torch.where(yf[:, 0] >= 0, 1.0, -1.0).to(y.dtype)
    lower_slope = (af[:, :, 0] * sign).T
    lower_offset = yf[:, 0] * sign - (rho[:, 0] + radius + slack * (dim + 2)) * (1 + 8 * UNIT)
    corner = vertices(dim, y)
    at = (yf + torch.einsum("vd,dnk->vnk", corner, af)).abs() + rho
    heights = torch.linalg.vector_norm(at, dim=2) * (1 + gamma(n + 8)) + (radius + further + slack * (n + dim + 2))
    constant = (forms.reach().amax(1) == 0) & (further == 0) & chart.finite
    if forms.relaxation is not None:
        constant &= forms.relaxation.amax(1) == 0
    known = _assemble(heights, corner, lower_slope, lower_offset, blame, chart.finite)
    size = torch.linalg.vector_norm(forms.rounding, dim=1) * (1 + gamma(n + 8))
    return ErrorBounds(*(*known, constant, center, size)), found


def _blame_static(forms: Forms, inner: Tensor, outer: Tensor, slopes: Tensor) -> Tensor:
    """Blame of the generators that every box has, (N, d)."""
    if forms.static_share is None:
        return torch.zeros_like(inner[0])[:, None] if len(inner) else torch.zeros_like(slopes[0, :, :1])
    length = slopes.abs().sum(2).T
    share = length / length.sum(1, keepdim=True).clamp(min=1e-300)
    return (inner[..., None] * forms.static_share).sum(0) + outer.sum(0)[:, None] * share


def _relaxation(
    network: Network, forms: Forms, records: Records, reflect: _Reflection, rho: Tensor, blame: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Add the relaxation errors of a smooth network by a backward pass from the rows of the reflection.

    Returns rho, what is to be added to the upper bound's norm (in many dimensions only the first row is passed back,
    and the other components are bounded together), and the blame.
    """
    assert forms.relaxation is not None
    n = rho.shape[1]
    forward = torch.linalg.vector_norm(forms.relaxation, dim=1) * (1 + gamma(n + 8))
    count = n if n <= MAX_BACKWARD_ROWS else 1
    rows = reflect.scale[:, None, None] * reflect.v[:, :count, None] * reflect.v[:, None, :]
    rows = torch.eye(n, dtype=rho.dtype, device=rho.device)[:count] - rows
    bound, parts = backward(network.decoder, records, rows, True)
    # The rows of the reflection were rounded: each entry by at most 2 (n + 6) u, against the forward bound.
    bound = torch.minimum(bound + 16 * n * UNIT * forward[:, None], forward[:, None])
    if parts:
        rest = (bound[:, 0] - sum(parts)).clamp(min=0)
        blame = blame + torch.stack([*parts, rest], 1)
    if count == n:
        return rho + bound, torch.zeros_like(forward), blame
    return torch.cat([rho[:, :1] + bound, rho[:, 1:]], 1), forward, blame


def _assemble(
    heights: Tensor, corner: Tensor, lower_slope: Tensor, lower_offset: Tensor, blame: Tensor, finite: Tensor
) -> tuple[Tensor, ...]:
    """Affine upper bound from the vertex values, constants, and the boxes of which nothing is known."""
    upper_slope = (corner.T @ heights).T / len(corner)
    at = (corner @ upper_slope.T).abs()
    upper_offset = (heights - corner @ upper_slope.T).amax(0)
    upper_offset = upper_offset + gamma(16) * (heights + at).amax(0)
    size = lower_slope.abs().sum(1)
    lower = lower_offset - size * (1 + gamma(16)) - 4 * UNIT * lower_offset.abs()
    upper = heights.amax(0) * (1 + 4 * UNIT)
    known = finite & torch.isfinite(upper) & torch.isfinite(lower)
    zero, infinite = torch.zeros_like(upper), torch.full_like(upper, float("inf"))
    return (
        torch.where(known, lower.clamp(min=0), zero),
        torch.where(known, upper, infinite),
        torch.where(known[:, None], lower_slope, torch.zeros_like(lower_slope)),
        torch.where(known, lower_offset, zero - 1),
        torch.where(known[:, None], upper_slope, torch.zeros_like(upper_slope)),
        torch.where(known, upper_offset, infinite),
        corner[heights.argmax(0)],
        torch.nan_to_num(blame, nan=0.0, posinf=0.0),
    )

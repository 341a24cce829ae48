"""Certified volumes of chart boxes and of the parts of a box that a linear inequality cuts off.

Density. The volume of a parameter box B is the integral over B of w = sqrt(det(J^T J)), J the chart's Jacobian. On a
*patch* P (a box) w is enclosed by its Taylor polynomial of degree q at the centre c_P plus a remainder,

    |w(u) - sum_{|a| <= q} w_a (u - c_P)^a| <= rho   for u in P,

from the Taylor arithmetic of `taylor` carried through the determinant and the root. A box B in P, centre c_P + z and
half-widths h, then has volume sum_a w_a prod_i M(a_i; z_i, h_i) up to rho |B|, M(k; z, h) = integral over [z-h, z+h] of
t^k dt. On B the density stays within w(c_B) +- (sum_i h_i sup_P |d_i w| + rho'). Where det(J^T J) cannot be shown to be
positive (a pole of the sphere), w lies in [0, sqrt(sup det)] and that is all: its boxes are made smaller instead.

Half-space share. For a in R^d, the share of [-1, 1]^d with a.s > tau (`half_space_share`) has a closed form; it is
bounded from below, rounding included, and by shrinking the problem where the closed form would cancel.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations
from itertools import product as cartesian

import torch
from torch import Tensor

from aeverify.enclosure.arithmetics import BALL, Coefficient
from aeverify.enclosure.charts import chart_jets
from aeverify.enclosure.rounding import TINY, UNIT, gamma
from aeverify.enclosure.taylor import Index, Jet, indices
from aeverify.errors import UsageError
from aeverify.manifolds.chart import Chart

PATCH_DEGREE = {1: 4, 2: 3}
"""Degree of the density's Taylor polynomial by chart dimension; 2 elsewhere."""
MOST_VOLUME_PARAMETERS = 5
"""Most parameters of a chart whose boxes are measured: the first grid takes 5 s for five, and a minute for six."""


def require_volumes(charts: Sequence[Chart]) -> None:
    """Check that boxes of these charts can be measured in reasonable time.

    Raises:
        UsageError: a chart of more than `MOST_VOLUME_PARAMETERS` parameters.
    """
    dim = max((chart.dim for chart in charts), default=0)
    if dim > MOST_VOLUME_PARAMETERS:
        raise UsageError(
            f"The chart has {dim} parameters, and volumes of boxes are enclosed for at most {MOST_VOLUME_PARAMETERS}. "
            "Measure the share by sampling instead."
        )


_COLUMNS = ("center", "coefficients", "remainder", "slope", "upper", "sharp")


@dataclass(frozen=True)
class Patches:
    """Taylor models of the density on P boxes (see the module's docstring).

    Attributes:
        center: (P, d). coefficients: (P, number of multi-indices). remainder: rho, (P,).
        slope: upper bounds of |d_i w| on the patch, (P, d). upper: upper bound of w on the patch, (P,).
        sharp: (P,), false where only 0 <= w <= upper is known.
    """

    exponents: tuple[Index, ...]
    center: Tensor
    coefficients: Tensor
    remainder: Tensor
    slope: Tensor
    upper: Tensor
    sharp: Tensor

    def append(self, other: Patches) -> Patches:
        """Both tables, `other` after this one."""
        return Patches(self.exponents, *(torch.cat([getattr(self, k), getattr(other, k)]) for k in _COLUMNS))

    def take(self, index: Tensor) -> Patches:
        """Some rows of the table."""
        return Patches(self.exponents, *(getattr(self, k)[index] for k in _COLUMNS))


def _derivative(jet: Jet, axis: int) -> Jet:
    """The jet of d_axis f, one order lower."""
    terms: dict[Index, Coefficient] = {}
    for a, (m, r, *_) in jet.terms.items():
        if a[axis]:
            lower = tuple(k - int(i == axis) for i, k in enumerate(a))
            factor = float(a[axis])
            terms[lower] = (m * factor, r * factor * (1 + 4 * UNIT) + UNIT * (m * factor).abs())
    return Jet(BALL, jet.order - 1, terms) if terms else (jet * 0.0).truncated(jet.order - 1)


def _determinant(rows: list[list[Jet]]) -> Jet:
    """Leibniz' formula; the dimension of a chart is small."""
    total: Jet | None = None
    for order in permutations(range(len(rows))):
        inversions = sum(order[i] > order[j] for i in range(len(rows)) for j in range(i + 1, len(rows)))
        term = rows[0][order[0]]
        for i in range(1, len(rows)):
            term = term * rows[i][order[i]]
        term = -term if inversions % 2 else term
        total = term if total is None else total + term
    assert total is not None
    return total


def _gram_determinant(chart: Chart, mid: Tensor, rad: Tensor, order: int) -> Jet:
    jets = chart_jets(chart, BALL, mid, rad, order + 1)
    dim = mid.shape[1]
    columns = [[_derivative(j, i) for j in jets] for i in range(dim)]

    def inner(i: int, k: int) -> Jet:
        total = columns[i][0] * columns[k][0]
        for x, y in zip(columns[i][1:], columns[k][1:], strict=True):
            total = total + x * y
        return total

    gram = [[inner(min(i, k), max(i, k)) for k in range(dim)] for i in range(dim)]
    return _determinant(gram)


def _sharpened(point: Jet, box: Jet, half: Tensor) -> Jet:
    """The coefficients of `box` (over the box, one order more) replaced by what `point` (at its centre) gives, if
    smaller.

    Taylor's theorem for the derivative of order a: for |z| <= half, f_a(c + z) lies in
    sum_{b >= a, |b| <= q} binom(b, a) f_b(c) z^(b - a) + sum_{b >= a, |b| = q + 1} binom(b, a) f_b(box) z^(b - a).
    Direct ball arithmetic over the box does not see cancellations such as sin^2 + cos^2 = 1; this does."""
    order = box.order
    terms: dict[Index, Coefficient] = {}
    for a, (mid, rad, *_) in box.terms.items():
        if sum(a) == order:
            terms[a] = (mid, rad)
            continue
        value, spread = point.terms.get(a, (torch.zeros_like(mid), torch.zeros_like(mid)))[:2]
        for b in indices(len(a), order):
            source = box if sum(b) == order else point
            if b == a or b not in source.terms or any(x < y for x, y in zip(b, a, strict=True)):
                continue
            m, r = source.terms[b][:2]
            size = (m.abs() + r) * math.prod(math.comb(x, y) for x, y in zip(b, a, strict=True))
            for i, (x, y) in enumerate(zip(b, a, strict=True)):
                size = size * half[:, i] ** (x - y)
            spread = spread + size
        spread = spread * (1 + gamma(256)) + TINY
        better = ~(spread >= rad)  # also where rad is not finite
        better &= torch.isfinite(spread)
        terms[a] = (torch.where(better, value, mid), torch.where(better, spread, rad))
    return Jet(BALL, order, terms)


def density_patches(chart: Chart, center: Tensor, half: Tensor) -> Patches:
    """Taylor models of the density over the boxes center +- half, (P, d).

    Raises:
        UsageError: the chart's formula cannot be enclosed.
    """
    count, dim = center.shape
    degree = PATCH_DEGREE.get(dim, 2)
    square_point = _gram_determinant(chart, center, torch.zeros_like(half), degree)
    square_box = _gram_determinant(chart, center, half, degree + 1)
    square_box = _sharpened(square_point, square_box, half)
    root_point, root_box = square_point.compose(BALL.root), square_box.compose(BALL.root)
    exponents = indices(dim, degree)
    zero = center.new_zeros(count)

    def ball(jet: Jet, a: Index) -> tuple[Tensor, Tensor]:
        m, r, *_ = jet.terms.get(a, (zero, zero))
        return m.expand(count), r.expand(count)

    def size(a: Index) -> Tensor:
        out = torch.ones_like(zero)
        for i, k in enumerate(a):
            out = out * half[:, i] ** k
        return out * (1 + 32 * UNIT)

    root_box = _sharpened(root_point, root_box, half)
    coefficients, remainder = [], zero
    for a in exponents:
        m, r = ball(root_point, a)
        coefficients.append(m)
        remainder = remainder + r * size(a)
    for a in indices(dim, degree + 1):
        if sum(a) == degree + 1:
            m, r = ball(root_box, a)
            remainder = remainder + (m.abs() + r) * size(a)
    remainder = remainder * (1 + 64 * UNIT) + TINY
    slopes = []
    for i in range(dim):
        m, r = ball(root_box, tuple(int(i == k) for k in range(dim)))
        slopes.append((m.abs() + r) * (1 + 8 * UNIT))
    slope = torch.stack(slopes, 1)
    m, r = ball(root_box, (0,) * dim)
    square_m, square_r = ball(square_box, (0,) * dim)
    upper = torch.sqrt((square_m + square_r).clamp(min=0.0) * (1 + 8 * UNIT) + TINY) * (1 + 8 * UNIT)
    upper = torch.nan_to_num(upper, nan=math.inf, posinf=math.inf)
    table = torch.stack(coefficients, 1)
    sharp = torch.isfinite(table).all(1) & torch.isfinite(remainder) & torch.isfinite(slope).all(1)
    sharp &= remainder <= upper  # a model that knows less than [0, upper] is none
    clean = sharp[:, None]
    return Patches(
        exponents,
        center,
        torch.where(clean, table, torch.zeros_like(table)),
        torch.where(sharp, remainder, zero),
        torch.where(clean, slope, torch.zeros_like(slope)),
        upper,
        sharp,
    )


@dataclass(frozen=True)
class BoxVolumes:
    """Enclosures for N boxes: volume in [lower, upper], density in [density_lower, density_upper], parameter volume."""

    lower: Tensor
    upper: Tensor
    density_lower: Tensor
    density_upper: Tensor
    parameter_lower: Tensor
    parameter_upper: Tensor


def box_volumes(patches: Patches, patch: Tensor, low: Tensor, high: Tensor) -> BoxVolumes:
    """Volumes and density ranges of the boxes [low, high], (N, d), each inside patch number `patch`, (N,)."""
    center, half = (low + high) * 0.5, (high - low) * 0.5
    z = center - patches.center[patch]
    table, rho = patches.coefficients[patch], patches.remainder[patch]
    dim = low.shape[1]
    top = max(max(a) for a in patches.exponents)
    # M(k; z, h) / (2h) = sum_{j even} binom(k, j) z^(k-j) h^j / (j+1), and the same with |z| for rounding.
    moments, sizes = [], []
    for k in range(top + 1):
        m, size = torch.zeros_like(z), torch.zeros_like(z)
        for j in range(0, k + 1, 2):
            factor = math.comb(k, j) / (j + 1)
            m = m + factor * z ** (k - j) * half**j
            size = size + factor * z.abs() ** (k - j) * half**j
        moments.append(m)
        sizes.append(size)
    mean, bound, value = torch.zeros_like(rho), torch.zeros_like(rho), torch.zeros_like(rho)
    for column, a in enumerate(patches.exponents):
        w = table[:, column]
        term, size, point = w, w.abs(), w
        for i in range(dim):
            term, size, point = term * moments[a[i]][:, i], size * sizes[a[i]][:, i], point * z[:, i] ** a[i]
        mean, bound, value = mean + term, bound + size, value + point
    # Fewer than 200 roundings on the way to each term; centres and half-widths carry at most one each and are counted.
    slack = gamma(400) * bound + rho * (1 + gamma(16)) + TINY
    spread = (half * patches.slope[patch]).sum(1) * (1 + gamma(16)) + slack
    parameter = (2 * half).prod(1)
    parameter_lower, parameter_upper = parameter * (1 - gamma(8 * dim)), parameter * (1 + gamma(8 * dim))
    top_density = patches.upper[patch]
    zero = torch.zeros_like(mean)
    sharp = patches.sharp[patch]
    density_lower = torch.where(sharp, (value - spread).clamp(min=0.0) * (1 - gamma(4)), zero)
    density_upper = torch.where(sharp, torch.minimum((value + spread) * (1 + gamma(4)), top_density), top_density)
    lower = torch.where(sharp, ((mean - slack).clamp(min=0.0) * parameter_lower) * (1 - gamma(8)), zero)
    upper = torch.where(sharp, (mean + slack) * parameter_upper, top_density * parameter_upper) * (1 + gamma(8))
    return BoxVolumes(lower, upper, density_lower, density_upper, parameter_lower, parameter_upper)


def _share_of_segment(a: Tensor, tau: Tensor) -> Tensor:
    p = a[:, 0]
    safe = p.clamp(min=1e-300)
    return ((p - tau) / (2 * safe)).clamp(0.0, 1.0)


def _share_of_square(p: Tensor, q: Tensor, tau: Tensor) -> Tensor:
    """Share of [-1, 1]^2 with p s + q t > tau for p >= q >= 0: 1/2 - tau/2p while |tau| <= p - q, then a corner
    triangle (p + q - |tau|)^2 / 8pq. Each piece is a product of numbers that carry few roundings; the derivative in
    tau is at most 1/2p, so the absolute error stays below 16 u."""
    t = tau.abs()
    middle = 0.5 - t / (2 * p).clamp(min=1e-300)
    corner = (p + q - t).clamp(min=0.0) ** 2 / (8 * p * q).clamp(min=1e-300)
    share = torch.where(t <= p - q, middle, torch.where(t >= p + q, torch.zeros_like(t), corner))
    return torch.where(tau < 0, 1 - share, share)


def _share_by_vertices(a: Tensor, tau: Tensor) -> Tensor:
    """Lower bound for any dimension: sum over vertices v of prod(v_i) (a.v - tau)_+^d / (2^d d! prod a_i), a > 0.

    Proof: (1/d!) (x)_+^d is the d-fold integral of the step; d successive differences over [-1, 1] in each coordinate,
    each divided by a_i, integrate the step of a.s - tau over the cube, and 2^d normalises. Its rounding error is at
    most gamma times the sum of the absolute terms, and is subtracted."""
    dim = a.shape[1]
    total, size = torch.zeros_like(tau), torch.zeros_like(tau)
    reach = a.sum(1) + tau.abs()
    for v in cartesian((-1.0, 1.0), repeat=dim):
        term = ((a * a.new_tensor(v)).sum(1) - tau).clamp(min=0.0) ** dim
        total = total + math.prod(v) * term
        size = size + reach**dim
    scale = 2.0**dim * math.factorial(dim) * a.prod(1)
    error = gamma(8 * dim + 2**dim) * dim * size
    share = (total - error) / scale.clamp(min=1e-300) * (1 - 1e-14)
    return torch.where(tau >= a.sum(1), torch.zeros_like(tau), share)


def half_space_share(a: Tensor, tau: Tensor) -> Tensor:
    """Certified lower bound of the share of [-1, 1]^d with a.s > tau, for rows a (N, d) and tau (N,).

    In three and more dimensions coefficients below 1/64 of the largest are removed at their worst sign (tau rises by
    their size): the closed form divides by their product. Absolute looseness otherwise below 1e-9.
    """
    a = a.abs()
    dim = a.shape[1]
    if dim == 1:
        share = _share_of_segment(a, tau)
        share = torch.where(a[:, 0] > 0, share, (tau < 0).to(tau.dtype))
    elif dim == 2:
        share = _share_of_square(a.amax(1), a.amin(1), tau)
        share = torch.where(a.amax(1) > 0, share, (tau < 0).to(tau.dtype))
    else:
        ordered = a.sort(dim=1, descending=True).values
        share = torch.zeros_like(tau)
        for keep in range(1, dim + 1):
            head, tail = ordered[:, :keep], ordered[:, keep:].sum(1) * (1 + gamma(8 * dim))
            shifted = (tau + tail) + 4 * UNIT * (tau.abs() + tail)
            if keep == 1:
                part = _share_of_segment(head, shifted)
            elif keep == 2:
                part = _share_of_square(head[:, 0], head[:, 1], shifted)
            else:
                part = _share_by_vertices(head / head[:, :1].clamp(min=1e-300), shifted / head[:, 0].clamp(min=1e-300))
                part = torch.where(head[:, -1] * 64 >= head[:, 0], part, torch.zeros_like(part))
            share = torch.maximum(share, torch.where(head[:, 0] > 0, part, (shifted < 0).to(tau.dtype)))
    everything = tau < -a.sum(1) * (1 + gamma(8 * dim))
    return torch.where(everything, torch.ones_like(tau), share - 1e-13 - TINY).clamp(0.0, 1.0)

"""A chart over small boxes as affine forms: centre, slopes, remainder generators, rounding radius.

Let c be the centre and h the half-widths of a box, u = c + h s with s in [-1, 1]^d, and p_a the Taylor coefficients
d^a p / a! at c. By Taylor's theorem with the Lagrange remainder, coordinate by coordinate,

    p(c + h s) = sum_{|a| <= q} p_a(c) h^a s^a + sum_{|a| = q+1} p_a(xi) h^a s^a,   xi in the box.

Every monomial s^a of degree two and more is one noise symbol of its own: an even one (all exponents even) lies in [0,
1] and is 1/2 + e/2, the others lie in [-1, 1]. Two ways to write the result:

* few ambient dimensions (n <= `axis_limit(d)`): q = 2, and one generator per coordinate axis, whose length is the sum
  of the absolute coefficients of degree 2 and 3: n generators;
* many: q = 3, one generator (a vector of R^n) per monomial of degree 2 and 3, the remainder of degree 4 to the radius.

p_a(c) is evaluated in plain float64. What that loses, and sup |p_a(xi)| for |a| = q + 1, come from one tracked
evaluation over a larger box, the *cell* (`arithmetics.TRACKED`): the cells of the first grid serve all boxes inside
them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor

from aeverify.enclosure.arithmetics import PLAIN, TRACKED, Arithmetic
from aeverify.enclosure.rounding import TINY, UNIT, gamma
from aeverify.enclosure.taylor import Index, Jet, JetOperations, indices
from aeverify.errors import AeverifyError, ModelError, UsageError
from aeverify.manifolds.chart import MOST_BOXED_PARAMETERS, Chart


@dataclass(frozen=True)
class ChartForms:
    """x(s) = center + sum_i slopes_i s_i + sum_k generators_k e_k + r, |s|, |e| <= 1, |r| <= radius, for N boxes.

    Attributes:
        center: (N, n). slopes: (d, N, n). generators: (g, N, n). radius: (N, n).
        finite: (N,), false where the chart could not be enclosed on the box; the other fields are then zero.
    """

    center: Tensor
    slopes: Tensor
    generators: Tensor
    radius: Tensor
    finite: Tensor

    def select(self, index: Tensor | slice) -> ChartForms:
        """The forms of some of the boxes."""
        return ChartForms(
            self.center[index], self.slopes[:, index], self.generators[:, index], self.radius[index], self.finite[index]
        )

    @staticmethod
    def join(parts: Sequence[ChartForms]) -> ChartForms:
        """The forms of the boxes of several tables."""
        if len(parts) == 1:
            return parts[0]
        axis = {"slopes": 1, "generators": 1}
        names = [f.name for f in fields(ChartForms)]
        return ChartForms(*(torch.cat([getattr(p, k) for p in parts], axis.get(k, 0)) for k in names))


@dataclass(frozen=True)
class CellTable:
    """What a chart needs to know of P cells: for every box inside a cell.

    Attributes:
        error: (P, A, n), by how much the plain evaluation of the coefficients of degree <= q may be off.
        top: (P, B, n), upper bounds of |p_a| for the coefficients of degree q + 1.
        finite: (P,), whether all of that is finite.
    """

    error: Tensor
    top: Tensor
    finite: Tensor


def axis_limit(dim: int) -> int:
    """Largest ambient dimension for which remainders become one generator per coordinate axis."""
    return max(3, dim * (dim + 1) // 2 + 1)


def chart_jets(chart: Chart, arithmetic: Arithmetic, mid: Tensor, rad: Tensor, order: int) -> list[Jet]:
    """The coordinates of a chart as jets expanded over the boxes mid +- rad, each (N, d).

    Raises:
        UsageError: the formula uses an operation that has no enclosure.
    """
    variables = Jet.variables(arithmetic, mid, rad, order)
    try:
        columns: Sequence[Any] = chart.formula(variables, JetOperations())
        zero = variables[0] * 0.0
        return [column if isinstance(column, Jet) else zero + column for column in columns]
    except AeverifyError:
        raise
    except Exception as error:
        raise UsageError(
            f"The chart's formula cannot be differentiated with enclosures ({type(error).__name__}: {error}). "
            "Certified bounds need a formula of +, -, *, /, integer powers and pi, sin, cos, sqrt and exp."
        ) from error


def _column(jets: list[Jet], a: Index, part: int, count: int) -> Tensor | None:
    """Part (value, radius, error) of coefficient a of all coordinates, (N, n); None where all are structurally zero."""
    if not any(a in jet.terms for jet in jets):
        return None
    zero = next(iter(jets[0].terms.values()))[0].new_zeros(())
    return torch.stack([(jet.terms[a][part] if a in jet.terms else zero).expand(count) for jet in jets], 1)


def _order(dim: int, ambient: int) -> int:
    return 2 if ambient <= axis_limit(dim) else 3


def cell_table(chart: Chart, ambient: int, center: Tensor, half: Tensor) -> CellTable:
    """The table of the cells center +- half, both (P, d); see the module's docstring."""
    count, dim = center.shape
    order = _order(dim, ambient)
    jets = chart_jets(chart, TRACKED, center, half, order + 1)
    zero = center.new_zeros(count, ambient)
    errors, tops = [], []
    for a in indices(dim, order + 1):
        if sum(a) <= order:
            found = _column(jets, a, 2, count)
            errors.append(zero if found is None else found)
        else:
            mid, rad = _column(jets, a, 0, count), _column(jets, a, 1, count)
            tops.append(zero if mid is None or rad is None else (mid.abs() + rad) * (1 + 4 * UNIT))
    error, top = torch.stack(errors, 1), torch.stack(tops, 1)
    finite = torch.isfinite(error).flatten(1).all(1) & torch.isfinite(top).flatten(1).all(1)
    return CellTable(error, top, finite)


def _power(h: Tensor, a: Index) -> Tensor:
    """h^a for rows h, shape (N, 1)."""
    out = torch.ones_like(h[:, :1])
    for i, k in enumerate(a):
        for _ in range(k):
            out = out * h[:, i : i + 1]
    return out


def chart_forms(chart: Chart, table: CellTable, cell: Tensor, center: Tensor, half: Tensor) -> ChartForms:
    """Affine forms of a chart over the boxes center +- half, both (N, d) float64, box i inside cell number cell[i].

    Sound: for every u with |u - center| <= half inside the cell, chart(u) lies in the form, rounding included.
    Cost: one plain evaluation of the formula's Taylor series of order 2 (3 in many ambient dimensions).
    """
    count, dim = center.shape
    n = table.error.shape[2]
    order = _order(dim, n)
    jets = chart_jets(chart, PLAIN, center, half, order)
    error, top = table.error[cell], table.top[cell]
    zeros = center.new_zeros(count, n)
    middle, radius, slopes = zeros, zeros, [zeros] * dim
    higher: list[Tensor] = []
    for i, a in enumerate(indices(dim, order)):
        value = _column(jets, a, 0, count)
        if value is None:
            continue
        scale, degree = _power(half, a), sum(a)
        value = value * scale
        # h^a and the product: at most degree + 1 roundings.
        radius = radius + error[:, i] * scale + gamma(degree + 2) * value.abs()
        if degree == 0:
            middle = value
        elif degree == 1:
            slopes[a.index(1)] = value
        elif all(k % 2 == 0 for k in a):
            middle = middle + value * 0.5
            radius = radius + UNIT * middle.abs()
            higher.append(value * 0.5)
        else:
            higher.append(value)
    remainder = zeros
    for i, a in enumerate([a for a in indices(dim, order + 1) if sum(a) == order + 1]):
        remainder = remainder + top[:, i] * _power(half, a)
    if order == 2:
        axis = remainder
        for value in higher:
            axis = axis + value.abs()
        generators = torch.diag_embed(axis * (1 + gamma(64))).permute(1, 0, 2)
    else:
        generators = torch.stack(higher) if higher else zeros[None][:0]
        radius = radius + remainder
    radius = radius * (1 + gamma(128)) + TINY
    stacked = torch.stack(slopes)
    finite = table.finite[cell] & torch.isfinite(middle).all(1) & torch.isfinite(radius).all(1)
    finite = finite & torch.isfinite(stacked).all(2).all(0) & torch.isfinite(generators).all(2).all(0)
    forms = ChartForms(middle, stacked, generators, radius, finite)
    return forms if bool(finite.all()) else _blank(forms)


def _blank(forms: ChartForms) -> ChartForms:
    """Zeros where the chart is not finite, so that nothing spreads."""
    bad = ~forms.finite[:, None]
    return ChartForms(
        forms.center.masked_fill(bad, 0.0),
        forms.slopes.masked_fill(bad, 0.0),
        forms.generators.masked_fill(bad, 0.0),
        forms.radius.masked_fill(bad, 0.0),
        forms.finite,
    )


def require_chart(chart: Chart, ambient: int) -> None:
    """Check a chart once, with a message that says what is wrong.

    Raises:
        UsageError: the box is empty or not finite, or the formula cannot be enclosed.
        ModelError: the chart maps into another space than the network's input.
    """
    low, high = torch.tensor(chart.lower, dtype=torch.float64), torch.tensor(chart.upper, dtype=torch.float64)
    if not chart.dim or not bool((torch.isfinite(low) & torch.isfinite(high) & (low < high)).all()):
        raise UsageError(f"The chart's box must be finite with lower < upper, got {chart.lower} and {chart.upper}.")
    if chart.dim > MOST_BOXED_PARAMETERS:
        raise UsageError(
            f"The chart has {chart.dim} parameters; branch and bound takes at most {MOST_BOXED_PARAMETERS}, and is "
            "sharp for up to three. Measure by sampling instead."
        )
    center = ((low + high) / 2)[None]
    jets = chart_jets(chart, TRACKED, center, torch.zeros_like(center), 1)
    if len(jets) != ambient:
        raise ModelError(
            f"The chart maps into R^{len(jets)} and the network takes points of R^{ambient}. Give a network and a "
            "manifold of the same ambient dimension."
        )

"""Affine forms through a network: zonotopes with shared slopes, one generator per unstable neuron, rounding included.

For each of N boxes, after each stage, neuron j of the real network at the point of parameter s in [-1, 1]^d is

    y_j(s) = c_j + sum_i a_ij s_i + sum_k g_kj e_k + p_j + q_j,   |e_k| <= 1,  |p_j| <= rounding_j,  |q_j| <=
    relaxation_j,

where the rows c, a, g are the float64 numbers that were computed. The symbols e_k are the same for all neurons.

* Affine stage W, b: rows are multiplied by W, in one product for all rows of all boxes; the centre row gains b. Let
  S_j = |c_j| + sum |a_ij| + sum |g_kj| before the stage. Every row's product is off by at most gamma(n) |row| |W|
  (`rounding`), so rounding' = rounding |W| + gamma (S |W| + |b|). The same gamma is taken a little larger than Higham's
  and pays for everything that touches the rows between two products (a multiplication by the slope, an addition of the
  offset: two roundings relative to S after it). relaxation' = relaxation |W|.
* Activation: y lies in c_j +- (sum |a_ij| + sum |g_kj| + rounding_j + relaxation_j), summed up with its own slack;
  there f(y) = k y + o + error term (`relaxations`). All rows and radii are multiplied by k, the centre gains o. For
  piecewise-linear activations the error term is a new generator (a new symbol e_k for that neuron alone: it is not
  multiplied out, the row after the next product is its length times one row of W); for smooth ones, where every neuron
  has an error, it goes to `relaxation`.
* Code: all generators and radii of the m code neurons are replaced by m symbols of their own, one per axis.
* Smooth networks: `relaxation` grows with |W| layer by layer, so it is replaced at the code and at the output by a
  backward pass: the coefficient A_l of the error terms of layer l in the output is the product of the later W and k, so
  |q| <= sum_l |A_l| error_l. |A_l| is computed in float64; with eta_l >= ||A_l(computed) - A_l||_1 per row,
  eta' <= (eta + gamma ||A_l||_1) max_out sum_in |W| across a product, eta' <= (eta + u ||A_l||_1) max|k| across an
  activation, and the sum gains eta_l max_j error_lj.

Dead columns: a ReLU that is off on all of a box is off on its children. Where a whole chunk agrees, the column is not
computed. The order of the columns does not matter, and an omitted neuron is exactly 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from aeverify.enclosure.charts import ChartForms
from aeverify.enclosure.network import Affine, Network, Stage
from aeverify.enclosure.ragged import Grouping, gather, relax, scale, shares, sides, spread
from aeverify.enclosure.relaxations import Activation, LeakyReLU
from aeverify.enclosure.rounding import TINY, UNIT, gamma, product

BETWEEN_PRODUCTS = 24
"""Roundings relative to S that may happen to a row between two products (at most six do)."""


@dataclass
class _Record:
    """What the backward pass needs of one activation."""

    slope: Tensor
    error: Tensor
    shared: Tensor | None  # error times the share of each axis but the last, (d - 1, N, w)


@final
class Forms:
    """Affine forms of the neurons of one layer over N boxes (see the module's docstring).

    Attributes:
        rows: (slots * N + R, w): slot 0 centre, slots 1..d slopes, then generators that every box has, slot-major; then
            R ragged generators. owner: box of each ragged row. rounding: (N, w). relaxation: (N, w) or None.
        static_share: (slots - 1 - d, N, d) and ragged_share: (R, d): the part of a generator that each chart axis is
            to blame for; None for one-dimensional charts.
    """

    def __init__(self, chart: ChartForms) -> None:
        dim, count, width = chart.slopes.shape
        self.dim, self.count = dim, count
        self.rows = torch.cat([chart.center[None], chart.slopes, chart.generators]).reshape(-1, width)
        self.slots = 1 + dim + chart.generators.shape[0]
        self.owner = torch.empty(0, dtype=torch.long, device=chart.center.device)
        self.rounding = chart.radius
        self.relaxation: Tensor | None = None
        self.size = self._static().abs().sum(0)
        self.columns: Tensor | None = None
        self.newborn: tuple[Tensor, Tensor, Tensor] | None = None  # box, neuron, length
        self.newborn_share: Tensor | None = None
        self.groups = Grouping.of(self.owner, count)
        self.static_share: Tensor | None = None
        self.ragged_share: Tensor | None = None
        if dim > 1:
            length = chart.slopes.abs().sum(2).T
            share = length / length.sum(1, keepdim=True).clamp(min=1e-300)
            self.static_share = share.expand(self.slots - 1 - dim, count, dim)
            self.ragged_share = share[:0]

    def _static(self) -> Tensor:
        return self.rows[: self.slots * self.count].view(self.slots, self.count, -1)

    def _ragged(self) -> Tensor:
        return self.rows[self.slots * self.count :]

    def ragged_sum(self, values: Tensor) -> Tensor:
        """Sum over the ragged rows of each box: (R, w) to (N, w)."""
        return self.groups.sum(values)

    @property
    def most_ragged(self) -> int:
        """The largest number of ragged rows of a box."""
        return self.groups.most

    def affine(self, stage: Affine, keep: Tensor | None) -> None:
        """Through an affine map; only output columns `keep` are computed where given."""
        weight, bias, bias_error = stage.weight, stage.bias, stage.bias_error
        if self.columns is not None:
            weight = weight.index_select(0, self.columns)
        if keep is not None:
            weight, bias = weight.index_select(1, keep), bias.index_select(0, keep)
            bias_error = None if bias_error is None else bias_error.index_select(0, keep)
        magnitude = weight.abs()
        loss = (gamma(stage.fan_in + BETWEEN_PRODUCTS) + 1.001 * stage.relative) * 1.001
        grow = 1.0 + 2 * loss
        self.rounding = product((self.rounding * grow).add_(self.size, alpha=loss), magnitude)
        self.rounding += 4 * UNIT * bias.abs() + TINY
        if bias_error is not None:
            self.rounding = self.rounding + bias_error * (1 + 4 * UNIT)
        if self.relaxation is not None:
            self.relaxation = product(self.relaxation * grow, magnitude)
        old = self.rows.shape[0]
        born = 0 if self.newborn is None else len(self.newborn[0])
        rows = self.rows.new_empty(old + born, weight.shape[1])
        product(self.rows, weight, rows[:old])
        rows[: self.count] += bias
        if self.newborn is not None:
            box, neuron, length = self.newborn
            gather(weight, neuron, length, rows[old:])
            self.owner = torch.cat([self.owner, box])
            self.groups = Grouping.of(self.owner, self.count)
            if self.ragged_share is not None and self.newborn_share is not None:
                self.ragged_share = torch.cat([self.ragged_share, self.newborn_share])
            self.newborn = None
        self.rows, self.columns = rows, keep

    def reach(self) -> Tensor:
        """How far the neurons go from their centres, (N, w), as computed, roundings and relaxation errors aside."""
        return spread(self.rows, self.slots, self.groups)

    def measure(self) -> Tensor:
        """Recompute `size`; return the half-width of the neurons' ranges, rounded up, roundings included."""
        reach = self.reach()
        self.size = self._static()[0].abs() + reach
        radius = reach + self.rounding + self._sum_loss * self.size
        return radius if self.relaxation is None else (radius + self.relaxation) * (1 + 8 * UNIT)

    @property
    def _sum_loss(self) -> float:
        """What the sum of all terms of a form loses, and the two roundings of centre -+ radius."""
        return gamma(self.slots + self.most_ragged + 8)

    def ranges(self) -> tuple[Tensor, Tensor]:
        """Lower and upper bounds of the neurons, each (N, w), roundings included."""
        radius = self.measure()
        center = self._static()[0]
        return center - radius, center + radius

    def activate(self, stage: Activation, width: int) -> Tensor | None:
        """Through a piecewise-linear activation; for a ReLU, which of the layer's `width` neurons are not off."""
        assert isinstance(stage, LeakyReLU) and self.relaxation is None
        found = sides(self.rows, self.slots, self.groups, self.rounding, self._sum_loss, stage.negative, stage.mask)
        box, neuron = found.box, found.neuron
        k, offset, error = stage.relax(found.low, found.high)
        if self.dim > 1 and len(box):
            self.newborn_share = shares(self.rows, self.dim, self.count, box, neuron)
        self.size = found.size
        relax(self.rows, self.slots, self.owner, found, k, offset, error, self.rounding)
        self.newborn = (box, neuron, error) if len(box) else None
        if stage.negative or stage.mask is not None:
            return None
        alive = found.alive
        if self.columns is not None:
            full = torch.zeros(self.count, width, dtype=torch.bool, device=alive.device)
            alive = full.index_copy_(1, self.columns, alive)
        return alive

    def _scale(self, slope: Tensor) -> None:
        scale(self.rows, self.slots, self.owner, slope)
        magnitude = slope.abs()
        self.size = self.size * magnitude
        self.rounding = self.rounding * magnitude
        if self.relaxation is not None:
            self.relaxation = self.relaxation * magnitude

    def activate_smooth(self, stage: Activation) -> _Record:
        """Through an activation of any kind, its errors to `relaxation`; returns what the backward pass needs."""
        low, high = self.ranges()
        slope, offset, error = stage.relaxed(low, high)
        shared = None
        if self.dim > 1:
            parts = self._static()[1 : 1 + self.dim].abs()
            shared = error * parts[:-1] / parts.sum(0).clamp(min=1e-300)
        self._scale(slope)
        self._static()[0].add_(offset)
        self.size = self.size + offset.abs()
        self.relaxation = error if self.relaxation is None else self.relaxation + error
        return _Record(slope, error, shared)

    def reduce(self) -> None:
        """Replace all generators and radii by one symbol per neuron (few neurons: the code)."""
        static, ragged = self._static(), self._ragged()
        generators = static[1 + self.dim :].abs()
        total = generators.sum(0)
        blame = None if self.static_share is None else (generators[..., None] * self.static_share[:, :, None]).sum(0)
        if len(self.owner):
            size = ragged.abs()
            total = total + self.ragged_sum(size)
            if blame is not None and self.ragged_share is not None:
                for i in range(self.dim):
                    blame[..., i] += self.ragged_sum(size * self.ragged_share[:, i : i + 1])
        terms = self.slots + self.most_ragged
        total = total * (1 + gamma(terms + 8)) + self.rounding
        width = total.shape[1]
        if self.relaxation is not None:
            total = total + self.relaxation
            if blame is not None:
                blame = blame + (self.relaxation / self.dim)[..., None]
        total = total * (1 + gamma(8))
        self.rows = torch.cat([static[: 1 + self.dim], torch.diag_embed(total).permute(1, 0, 2)]).reshape(-1, width)
        self.slots = 1 + self.dim + width
        self.owner = self.owner[:0]
        self.groups = Grouping.of(self.owner, self.count)
        self.rounding = torch.zeros_like(total)
        self.relaxation = None if self.relaxation is None else torch.zeros_like(total)
        self.size = self._static().abs().sum(0)
        if blame is not None:
            self.static_share = (blame / blame.sum(2, keepdim=True).clamp(min=1e-300)).permute(1, 0, 2)
            self.ragged_share = self.static_share[0, :0]

    def static_generators(self) -> Tensor:
        """(slots - 1 - d, N, w)."""
        return self._static()[1 + self.dim :]

    def ragged_generators(self) -> Tensor:
        """(R, w), box of each in `owner`."""
        return self._ragged()

    def linear(self) -> tuple[Tensor, Tensor]:
        """Centre (N, w) and slopes (d, N, w)."""
        static = self._static()
        return static[0], static[1 : 1 + self.dim]


Records = list[_Record | None]


def backward(
    stages: tuple[Stage, ...], records: Records, start: Tensor, wanted_shares: bool
) -> tuple[Tensor, list[Tensor]]:
    """Upper bounds of |row . relaxation error| for rows `start`, (N, q, w) exact, on the output of `stages`.

    Returns the bounds (N, q), and for the first row its parts by chart axis but the last, each (N,), where wanted.
    """
    rows = start
    lost = torch.zeros_like(rows[:, :, 0])
    total = torch.zeros_like(lost)
    parts: list[Tensor] = []
    for stage, record in zip(reversed(stages), reversed(records), strict=True):
        if isinstance(stage, Affine):
            loss = (gamma(stage.weight.shape[1] + 4) + stage.relative) * 1.001
            lost = (lost + loss * rows.abs().sum(2) * 1.001) * stage.row_norm
            rows = product(rows.reshape(-1, rows.shape[2]), stage.weight.T).view(rows.shape[0], rows.shape[1], -1)
        elif record is not None:
            magnitude = rows.abs()
            total = total + torch.bmm(magnitude, record.error[:, :, None])[:, :, 0]
            total = total + lost * record.error.amax(1, keepdim=True)
            if wanted_shares and record.shared is not None:
                found = [(magnitude[:, 0] * s).sum(1) for s in record.shared]
                parts = found if not parts else [a + b for a, b in zip(parts, found, strict=True)]
            lost = (lost + UNIT * magnitude.sum(2) * 1.001) * record.slope.abs().amax(1, keepdim=True) * (1 + 1e-12)
            rows = rows * record.slope[:, None]
    width = max(s.weight.shape[0] for s in stages if isinstance(s, Affine))
    return total * (1 + gamma(width + 4 * len(stages) + 16)) + TINY, parts


def propagate(
    network: Network, chart: ChartForms, alive: dict[int, Tensor] | None
) -> tuple[Forms, Records, dict[int, Tensor]]:
    """Affine forms of D(E(chart)), the records of the decoder's stages, and which ReLUs are not off.

    `alive` maps a stage number to the neurons, (w,) bool, that may be on anywhere in the chunk.
    """
    forms = Forms(chart)
    found: dict[int, Tensor] = {}
    stages, split = network.stages, len(network.encoder)
    records: Records = []
    for i, stage in enumerate(stages):
        record: _Record | None = None
        if isinstance(stage, Affine):
            keep = None
            if alive is not None and i + 1 in alive:
                keep = alive[i + 1].nonzero()[:, 0]
                keep = keep if len(keep) <= 0.9 * len(alive[i + 1]) else None
            forms.affine(stage, keep)
            width = int(stage.weight.shape[1])
            if i + 1 == len(stages) or isinstance(stages[i + 1], Affine):
                forms.measure()
        elif network.smooth:
            record = forms.activate_smooth(stage)
        else:
            on = forms.activate(stage, width)
            if on is not None:
                found[i] = on
        records.append(record)
        if i == split - 1:
            if forms.relaxation is not None:
                eye = torch.eye(network.latent_dim, dtype=forms.rows.dtype, device=forms.rows.device)
                bound, _ = backward(network.encoder, records, eye.expand(forms.count, -1, -1), False)
                forms.relaxation = torch.minimum(forms.relaxation, bound)
            forms.reduce()
            records = []
    return forms, records, found

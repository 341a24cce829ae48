"""Ranges: what a model does on whole boxes of chart parameters, enclosed with every rounding included.

A box is a product of intervals of chart parameters of one component of K. Three sources, each sound on its own:

* torch layers whose rules are known: affine forms of the chart through the encoder or the whole model
  (`aeverify.enclosure`), many boxes at once;
* models with a ball form: the chart formula and the model on the box as one ball (natural interval extension);
* a certified Lipschitz constant L of the part: its value at the centre, in ball arithmetic, and L times the radius of
  the box's image. This serves where a ball form is not finite on a wide ball (the root of a square that may be 0).

The natural extension and the Lipschitz form are intersected. Where nothing is known a range is (-inf, inf).

Winding numbers of closed chains of boxes in the plane are combinatorial. Let a closed curve pass through boxes
B_1, ..., B_N in turn, consecutive boxes sharing a point of the curve, and let no box hold p. Then each box lies on one
side of p: right, above, left or below. Two sides that face each other have no point in common, so the side turns by
-1, 0 or 1 quarters from each box to the next, and the angle of the curve about p, lifted continuously, stays within
a quarter turn of the side's. The sum of the quarters over the chain, divided by 4, is the winding number, exactly.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from aeverify.autoencoders.protocol import Autoencoder, Continuity, Part
from aeverify.core.evidence import Rigor
from aeverify.manifolds.balls import ball_operations, precision
from aeverify.manifolds.base import Manifold
from aeverify.manifolds.chart import MOST_BOXED_PARAMETERS, Chart
from aeverify.manifolds.sampling import evaluation_error
from aeverify.measure.certified import network_of
from aeverify.measure.evaluation import BITS, distance_interval

FloatArray = NDArray[np.float64]

_CHUNK = 512


def image_balls(chart: Chart, low: FloatArray, high: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Centres (N, n) and radii (N,) of balls of R^n that hold the chart's images of boxes [low, high], each (N, d).

    With h_i the half-width of the box along parameter i, the path from the centre that moves one parameter at a time
    has length at most sum_i speed_i h_i. The centre is float64; a bound of its error is added.
    """
    center = low + (high - low) / 2
    half = np.nextafter(np.maximum(high - center, center - low), np.inf)
    points = chart.embed(center)
    radius = (half @ np.array(chart.speed) + evaluation_error(chart, points)) * (1.0 + 2.0**-48)
    return points, np.asarray(radius, dtype=np.float64)


def tiles(chart: Chart, cells: Sequence[int]) -> tuple[FloatArray, FloatArray]:
    """Lower and upper corners (N, d) of the boxes that tile the box of a chart, cells[i] of them along parameter i."""
    edges = [np.linspace(a, b, n + 1) for a, b, n in zip(chart.lower, chart.upper, cells, strict=True)]
    low, high = (
        np.stack(np.meshgrid(*ends, indexing="ij"), axis=-1).reshape(-1, chart.dim)
        for ends in ([e[:-1] for e in edges], [e[1:] for e in edges])
    )
    return low, high


def even(dim: int, wanted: int, most: int) -> list[int]:
    """Cells along each of `dim` parameters: as many as wanted, but at most `most` in all, and one at least."""
    return [max(1, min(wanted, math.floor(most ** (1.0 / dim) + 1e-9)))] * dim


def halves(chart: Chart, low: FloatArray, high: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Lower and upper corners (2 N, d) of both halves of each box along its longest side in space, first the N lower
    halves; each cut is one float, so that they tile the box."""
    axis = ((high - low) * np.array(chart.speed)).argmax(axis=1)[:, None]
    middle = np.take_along_axis(low + (high - low) / 2, axis, axis=1)
    left_high, right_low = high.copy(), low.copy()
    np.put_along_axis(left_high, axis, middle, axis=1)
    np.put_along_axis(right_low, axis, middle, axis=1)
    return np.concatenate([low, right_low]), np.concatenate([left_high, high])


@final
class Ranges:
    """Certified ranges of the codes and of the error of one model on boxes of one set; build it with `ranges_of`."""

    def __init__(self, autoencoder: Autoencoder, manifold: Manifold, network: Any) -> None:
        self.autoencoder, self.manifold, self._network = autoencoder, manifold, network

    @property
    def method(self) -> str:
        """How boxes are enclosed, in words."""
        return "affine forms of chart boxes" if self._network is not None else "ball arithmetic on chart boxes"

    def codes(self, component: int, low: FloatArray, high: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Lower and upper bounds (N, m) of the coordinates of E on boxes [low, high], each (N, d)."""
        return self.codes_on(self.manifold.components[component].chart, low, high)

    def codes_on(self, chart: Chart, low: FloatArray, high: FloatArray) -> tuple[FloatArray, FloatArray]:
        """As `codes`, for the boxes of any chart that maps into the space of K (the reflection of one, say)."""
        if self._network is not None:
            return self._affine_codes(chart, low, high)
        m = self.autoencoder.latent_dim
        lower, upper = np.full((len(low), m), -math.inf), np.full((len(low), m), math.inf)
        slope = self._constant(Part.ENCODER)
        radii = image_balls(chart, low, high)[1] if slope is not None else np.zeros(len(low))
        for i in range(len(low)):
            for point, radius in _forms(chart, low[i], high[i], float(radii[i]), slope):
                found = self.autoencoder.encode_balls(point)
                if found is None or not all(c.is_finite() for c in found):
                    continue
                ends = np.array([_ends(c, radius) for c in found])
                lower[i], upper[i] = np.maximum(lower[i], ends[:, 0]), np.minimum(upper[i], ends[:, 1])
        return lower, upper

    def errors(self, component: int, low: FloatArray, high: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Lower and upper bounds (N,) of e = |D(E(x)) - x| on boxes [low, high], each (N, d)."""
        chart = self.manifold.components[component].chart
        if self._network is not None:
            return self._affine_errors(chart, low, high)
        lower, upper = np.zeros(len(low)), np.full(len(low), math.inf)
        slope = self._constant(Part.RECONSTRUCTION)
        radii = image_balls(chart, low, high)[1] if slope is not None else np.zeros(len(low))
        # e is (L + 1)-Lipschitz by the triangle inequality
        steep = None if slope is None else math.nextafter(slope + 1.0, math.inf)
        for i in range(len(low)):
            for point, radius in _forms(chart, low[i], high[i], float(radii[i]), steep):
                found = self.autoencoder.reconstruct_balls(point)
                if found is None or not all(c.is_finite() for c in found):
                    continue
                distance = distance_interval(found, point)
                if distance is not None:
                    lower[i] = max(lower[i], math.nextafter(distance.lower - radius, -math.inf))
                    upper[i] = min(upper[i], math.nextafter(distance.upper + radius, math.inf))
        return lower, np.maximum(upper, lower)

    def _constant(self, part: Part) -> float | None:
        known = self.autoencoder.lipschitz(part)
        if known is None or known.rigor < Rigor.CERTIFIED or not math.isfinite(known.upper):
            return None
        return known.upper

    def _affine_codes(self, chart: Chart, low: FloatArray, high: FloatArray) -> tuple[FloatArray, FloatArray]:
        import torch

        from aeverify.enclosure.network import Affine
        from aeverify.enclosure.propagation import Forms

        stages = self._network.encoder
        lower, upper = [], []
        for forms_of_chart in self._chart_forms(chart, low, high):
            with torch.no_grad():
                forms = Forms(forms_of_chart)
                for i, stage in enumerate(stages):
                    if isinstance(stage, Affine):
                        forms.affine(stage, None)
                        if i + 1 < len(stages) and isinstance(stages[i + 1], Affine):
                            forms.measure()
                    elif self._network.smooth:
                        forms.activate_smooth(stage)
                    else:
                        forms.activate(stage, 0)
                a, b = forms.ranges()
                known = forms_of_chart.finite[:, None] & torch.isfinite(a) & torch.isfinite(b)
                lower.append(torch.where(known, a, torch.full_like(a, -torch.inf)).numpy())
                upper.append(torch.where(known, b, torch.full_like(b, torch.inf)).numpy())
        return _stack(lower, self.autoencoder.latent_dim), _stack(upper, self.autoencoder.latent_dim)

    def _affine_errors(self, chart: Chart, low: FloatArray, high: FloatArray) -> tuple[FloatArray, FloatArray]:
        import torch

        from aeverify.enclosure.error_bounds import error_bounds

        lower, upper = [np.zeros(0)], [np.zeros(0)]
        for forms in self._chart_forms(chart, low, high):
            with torch.no_grad():
                bounds, _ = error_bounds(self._network, forms, None)
            lower.append(bounds.lower.numpy())
            upper.append(bounds.upper.numpy())
        return np.concatenate(lower), np.concatenate(upper)

    def _chart_forms(self, chart: Chart, low: FloatArray, high: FloatArray) -> Any:
        import torch

        from aeverify.enclosure.charts import cell_table, chart_forms

        for start in range(0, len(low), _CHUNK):
            a, b = (torch.from_numpy(np.ascontiguousarray(v[start : start + _CHUNK])) for v in (low, high))
            center = (a + b) * 0.5
            half = torch.maximum(b - center, center - a) * (1 + 2.0**-50)
            with torch.no_grad():
                table = cell_table(chart, self.autoencoder.ambient_dim, center, half)
                yield chart_forms(chart, table, torch.arange(len(center)), center, half)


def ranges_of(autoencoder: Autoencoder, manifold: Manifold) -> Ranges | None:
    """The ranges of a model on a set; None where it has no rule for boxes: a model whose graph is not known to be
    continuous, or one with neither known torch layers nor a ball form; a chart of more than `MOST_BOXED_PARAMETERS`."""
    if autoencoder.continuity is not Continuity.KNOWN:
        return None
    if max(part.chart.dim for part in manifold.components) > MOST_BOXED_PARAMETERS:
        return None
    network = network_of(autoencoder)
    if not isinstance(network, str):
        return Ranges(autoencoder, manifold, network)
    point = [0.0] * autoencoder.ambient_dim
    if autoencoder.encode_balls(point) is None or autoencoder.reconstruct_balls(point) is None:
        return None
    return Ranges(autoencoder, manifold, None)


def _forms(
    chart: Chart, low: FloatArray, high: FloatArray, radius: float, slope: float | None
) -> list[tuple[list[Any], float]]:
    """The box as one ball point, and its centre with the loss of the Lipschitz form, where there is a constant."""
    with precision(BITS):
        operations = ball_operations()

        def image(parameters: list[Any]) -> list[Any]:
            return [operations.real(c) for c in chart.evaluate(parameters, operations)]

        hull = [operations.real(a).union(operations.real(b)) for a, b in zip(low.tolist(), high.tolist(), strict=True)]
        forms: list[tuple[list[Any], float]] = [(image(hull), 0.0)]
        if slope is not None:
            middle = (low + (high - low) / 2).tolist()
            loss = math.nextafter(slope * radius, math.inf)
            forms.append((image([operations.real(v) for v in middle]), loss))
    return [(point, loss) for point, loss in forms if all(c.is_finite() for c in point)]


def _ends(ball: Any, radius: float) -> tuple[float, float]:
    """Float64 bounds of a ball widened by `radius`, rounded outward at each of the two steps."""
    lower = math.nextafter(float(ball.lower()), -math.inf) - radius
    upper = math.nextafter(float(ball.upper()), math.inf) + radius
    return math.nextafter(lower, -math.inf), math.nextafter(upper, math.inf)


def _stack(parts: list[FloatArray], width: int) -> FloatArray:
    return np.concatenate(parts) if parts else np.zeros((0, width))


def sides(low: FloatArray, high: FloatArray, point: FloatArray) -> NDArray[np.int64]:
    """For boxes of the plane (N, 2), on which side of a point each lies: 0 right, 1 above, 2 left, 3 below; -1 where it
    is not known to keep off the point."""
    found = np.full(len(low), -1, dtype=np.int64)
    x, y = float(point[0]), float(point[1])
    for side, where in ((3, high[:, 1] < y), (2, high[:, 0] < x), (1, low[:, 1] > y), (0, low[:, 0] > x)):
        found[where] = side
    return found


def winding_of_sides(chain: NDArray[np.int64]) -> int:
    """The winding number of a closed curve through boxes that lie on these sides of a point, in order (see the module).

    Raises:
        ValueError: a side is unknown (-1), or two consecutive ones face each other: then the boxes share no point.
    """
    if (chain < 0).any():
        raise ValueError("A box may hold the point, so that the winding number is not determined.")
    turns = (np.roll(chain, -1) - chain + 1) % 4 - 1
    if (turns == 2).any():
        raise ValueError("Consecutive boxes lie on sides that face each other, so that they share no point.")
    return int(turns.sum()) // 4

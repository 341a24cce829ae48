"""Ours beside other bound propagators: width and speed on the same boxes, and seconds to the same tolerance.

`python benchmarks/enclosure_peers.py [--cap SECONDS] [--only NAME] ...` (`--help` tells the rest), one thread, float64.
The peers are no dependencies; one that cannot be imported is skipped with a line that says how to get it:

* bound-propagation 0.4.7: `pip install bound-propagation==0.4.7` (it needs torch);
* auto_LiRPA 0.7.1: a checkout of https://github.com/Verified-Intelligence/auto_LiRPA whose folder is named by the
  environment variable AUTO_LIRPA, and `pip install appdirs pyyaml tqdm packaging graphviz ninja`.

What the peers get. A box of chart parameters goes in as the chart's affine form: x = c + J t, t in [-1, 1]^(d + n) (the
d parameters and one remainder per ambient axis), a linear layer of its own for every box; out comes H (D(E(x)) - x), H
the rotation that turns the value at the centre onto the first axis: so each of them works in chart coordinates, sees
the subtraction, and bounds the direction that matters. Their linear bounds in t are turned into bounds of the norm by
the rule that ours uses. None of the peers accounts for rounding; ours does.

Seconds to a tolerance. All bounds, ours among them, run inside the same plain branch and bound below: best first, in
batches, boxes bisected along the axis whose image is longest, the same volumes and half-space credits. "Ours" is in
addition the library's own search (`enclose_sup_error`, `enclose_bad_set`).
"""

from __future__ import annotations

import argparse
import importlib.metadata
import math
import os
import statistics
import sys
import time
import warnings
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from aeverify.autoencoders.loading import load as load_model
from aeverify.enclosure import Network, enclose_bad_set, enclose_sup_error, network_from_modules
from aeverify.enclosure.charts import CellTable, ChartForms, cell_table, chart_forms
from aeverify.enclosure.error_bounds import error_bounds, vertices
from aeverify.enclosure.questions import MeasureQuestion
from aeverify.enclosure.volumes import Patches, box_volumes, density_patches
from aeverify.manifolds.chart import Chart

sys.path.insert(0, str(Path(__file__).parent))
import enclosure as cases

FIXTURES = Path(__file__).parent.parent / "tests" / "fixtures"
CHUNK = 256
SIDE = {1: 512, 2: 64}
"""Cells per axis of the first grid."""

Linear = tuple[Tensor, Tensor, Tensor, Tensor]
"""Lower weight (N, n, d + n) and offset (N, n), upper weight and offset."""


@dataclass(frozen=True)
class Bounds:
    """What every bound gives for N boxes: affine and constant bounds of the error e."""

    lower: Tensor
    upper: Tensor
    lower_slope: Tensor
    lower_offset: Tensor
    upper_slope: Tensor
    upper_offset: Tensor

    @staticmethod
    def join(parts: Sequence[Bounds]) -> Bounds:
        return Bounds(*(torch.cat([getattr(p, k) for p in parts]) for k in Bounds.__dataclass_fields__))


Rule = Callable[[ChartForms], Bounds]


@dataclass(frozen=True)
class Subject:
    """A network as stages and as modules, and its charts."""

    name: str
    network: Network
    encoder: nn.Sequential
    decoder: nn.Sequential
    charts: list[Chart]


def ours(subject: Subject) -> Rule:
    """The library's bounds."""

    def bound(forms: ChartForms) -> Bounds:
        b, _ = error_bounds(subject.network, forms, None)
        return Bounds(b.lower, b.upper, b.lower_slope, b.lower_offset, b.upper_slope, b.upper_offset)

    return bound


def _input_map(forms: ChartForms) -> Tensor:
    """J, (N, n, d + g): slopes and remainder generators."""
    return torch.cat([forms.slopes, forms.generators]).permute(1, 2, 0).contiguous()


def _rotation(y: Tensor) -> Tensor:
    """Rows of an orthogonal matrix whose first is y/|y|, up to sign, (N, n, n)."""
    n = y.shape[1]
    v = y.clone()
    v[:, 0] += torch.where(y[:, 0] >= 0, 1.0, -1.0) * torch.linalg.vector_norm(y, dim=1)
    square = (v * v).sum(1).clamp(min=1e-300)
    return torch.eye(n) - 2 * v[:, :, None] * v[:, None, :] / square[:, None, None]


def _norm_bounds(linear: Linear, dim: int) -> Bounds:
    """Bounds of |H y| from linear bounds of H y: its first component from below, the convex norm at the vertices."""
    lw, lb, uw, ub = linear
    low, high = lb - lw[..., dim:].abs().sum(2), ub + uw[..., dim:].abs().sum(2)
    positive = (low[:, 0] + high[:, 0]) >= 0
    slope = torch.where(positive[:, None], lw[:, 0, :dim], -uw[:, 0, :dim])
    offset = torch.where(positive, low[:, 0], -high[:, 0])
    corner = vertices(dim, low)
    below = torch.einsum("vd,nkd->vnk", corner, lw[..., :dim]) + low
    above = torch.einsum("vd,nkd->vnk", corner, uw[..., :dim]) + high
    heights = torch.linalg.vector_norm(torch.maximum(above.abs(), below.abs()), dim=2)
    up = (corner.T @ heights).T / len(corner)
    top = (heights - corner @ up.T).amax(0)
    least = torch.maximum(below.amin(0), -above.amax(0)).clamp(min=0)
    lower = torch.maximum(offset - slope.abs().sum(1), torch.linalg.vector_norm(least, dim=1)).clamp(min=0)
    return Bounds(lower, heights.amax(0), slope, offset, up, top)


class _Chained(nn.Module):
    """t -> H (D(E(c + J t)) - c - J t), the maps of every box given beside it."""

    def __init__(self, encoder: nn.Module, decoder: nn.Module) -> None:
        super().__init__()
        self.encoder, self.decoder = encoder, decoder

    def forward(self, t: Tensor, j: Tensor, c: Tensor, h: Tensor) -> Tensor:
        x = torch.matmul(j, t.unsqueeze(-1)).squeeze(-1) + c
        y = self.decoder(self.encoder(x)) - x
        return torch.matmul(h, y.unsqueeze(-1)).squeeze(-1)


def auto_lirpa(subject: Subject, method: str) -> Rule:
    """auto_LiRPA in one of its modes."""
    from auto_LiRPA import BoundedModule, BoundedTensor
    from auto_LiRPA.perturbations import PerturbationLpNorm

    n, dim = subject.network.ambient_dim, subject.charts[0].dim
    model = _Chained(subject.encoder, subject.decoder)
    shapes = ((2, dim + n), (2, n, dim + n), (2, n), (2, n, n))
    bounded = BoundedModule(model, tuple(torch.zeros(s) for s in shapes), device="cpu", verbose=False)

    def bound(forms: ChartForms) -> Bounds:
        j, c = _input_map(forms), forms.center
        h = _rotation(subject.network.reconstruct(c) - c)
        ones = torch.ones(len(c), j.shape[2])
        t = BoundedTensor(torch.zeros_like(ones), PerturbationLpNorm(norm=math.inf, x_L=-ones, x_U=ones))
        needed: dict[str, set[str]] = defaultdict(set)
        output = bounded.output_name[0]
        needed[output].add(bounded.input_name[0])
        linear = method != "IBP"
        kwargs = {"return_A": True, "needed_A_dict": needed} if linear and method != "forward" else {}
        found = bounded.compute_bounds(x=(t, j, c, h), method=method, **kwargs)
        if method == "forward":
            f = bounded[output].linear
            return _norm_bounds((f.lw.transpose(1, 2), f.lb, f.uw.transpose(1, 2), f.ub), dim)
        if linear:
            a = found[2][output][bounded.input_name[0]]
            return _norm_bounds((a["lA"], a["lbias"], a["uA"], a["ubias"]), dim)
        zero = torch.zeros_like(j)
        return _norm_bounds((zero, found[0], zero, found[1]), dim)

    return bound


class _PerBox(nn.Module):
    """x -> W x + b with a matrix for every box."""

    weight: Tensor
    bias: Tensor

    def forward(self, x: Tensor) -> Tensor:
        return torch.matmul(self.weight, x.unsqueeze(-1)).squeeze(-1) + self.bias


def bound_propagation(subject: Subject, method: str) -> Rule:
    """The bound-propagation package in one of its modes, with a linear layer for every box added to its factory."""
    from bound_propagation import BoundModelFactory, HyperRectangle
    from bound_propagation.bivariate import Sub
    from bound_propagation.bounds import IntervalBounds, LinearBounds
    from bound_propagation.general import BoundModule

    n, dim = subject.network.ambient_dim, subject.charts[0].dim

    class BoundPerBox(BoundModule):
        need_relaxation = False

        def crown_backward(self, linear_bounds: Any, optimize: bool) -> Any:
            def back(pair: Any) -> Any:
                if pair is None:
                    return None
                return pair[0] @ self.module.weight, pair[1] + (pair[0] @ self.module.bias[:, :, None])[:, :, 0]

            return LinearBounds(linear_bounds.region, back(linear_bounds.lower), back(linear_bounds.upper))

        def ibp_forward(self, bounds: Any, save_relaxation: bool = False, save_input_bounds: bool = False) -> Any:
            center = self.module(bounds.center)
            spread = (self.module.weight.abs() @ (bounds.width / 2)[:, :, None])[:, :, 0]
            return IntervalBounds(bounds.region, center - spread, center + spread)

        def propagate_size(self, in_size: int) -> int:
            return n

    factory = BoundModelFactory()
    factory.register(_PerBox, BoundPerBox)
    first, last = _PerBox(), _PerBox()
    network = nn.Sequential(*subject.encoder, *subject.decoder)
    model = factory.build(nn.Sequential(first, Sub(network, nn.Identity()), last))

    def bound(forms: ChartForms) -> Bounds:
        first.weight, first.bias = _input_map(forms), forms.center
        last.weight = _rotation(subject.network.reconstruct(forms.center) - forms.center)
        last.bias = torch.zeros_like(forms.center)
        ones = torch.ones(len(forms.center), dim + n)
        region = HyperRectangle(-ones, ones)
        if method == "ibp":
            box = model.ibp(region)
            zero = torch.zeros_like(first.weight)
            return _norm_bounds((zero, box.lower, zero, box.upper), dim)
        found = getattr(model, method)(region)
        return _norm_bounds((*found.lower, *found.upper), dim)

    return bound


def _tools() -> list[tuple[str, Callable[[Subject], Rule]]]:
    """Names and builders of what can be run here; a line for each peer that cannot."""
    tools: list[tuple[str, Callable[[Subject], Rule]]] = [("ours", ours)]
    folder = os.environ.get("AUTO_LIRPA")
    if folder:
        sys.path.insert(0, folder)
    try:
        import auto_LiRPA

        for m in ("IBP", "CROWN-IBP", "forward", "forward+backward", "CROWN"):
            tools.append((f"auto_LiRPA {auto_LiRPA.__version__} {m}", lambda s, m=m: auto_lirpa(s, m)))  # type: ignore[misc]
    except ImportError as error:
        sys.stdout.write(f"auto_LiRPA is skipped ({error}): see the docstring of this file for how to get it.\n")
    try:
        import bound_propagation as package

        version = importlib.metadata.version(package.__name__.replace("_", "-"))
        for m in ("ibp", "crown_ibp", "crown"):
            tools.append((f"bound-propagation {version} {m}", lambda s, m=m: bound_propagation(s, m)))  # type: ignore[misc]
    except ImportError:
        sys.stdout.write("bound-propagation is skipped: pip install bound-propagation==0.4.7.\n")
    return tools


def _own_forms(chart: Chart, n: int, center: Tensor, half: Tensor) -> ChartForms:
    """Affine forms with every box its own cell."""
    return chart_forms(chart, cell_table(chart, n, center, half), torch.arange(len(center)), center, half)


def widths(subject: Subject, tools: Sequence[tuple[str, Rule]], halves: Sequence[float], repeats: int = 3) -> None:
    """Median width of the bounds of e and seconds per 1,000 boxes; the chart's forms are made once, for all."""
    n, dim = subject.network.ambient_dim, subject.charts[0].dim
    for half in halves:
        generator = torch.Generator().manual_seed(0)
        parts = []
        for chart in subject.charts:
            center = torch.rand(1000 // len(subject.charts), dim, generator=generator) * (1 - 2 * half) + half
            parts.append(_own_forms(chart, n, center, torch.full_like(center, half)))
        forms = ChartForms.join(parts)
        s = torch.rand(400, 1, dim, generator=generator) * 2 - 1
        x = forms.center + torch.einsum("pod,dnk->pnk", s, forms.slopes)
        sampled = subject.network.errors(x.reshape(-1, n)).view(400, -1)
        range_seen = float((sampled.amax(0) - sampled.amin(0)).median())
        sys.stdout.write(f"\n{subject.name}, half-width {half:g} of the turn: sampled range {range_seen:.3e}\n")
        seconds: dict[str, list[float]] = {name: [] for name, _ in tools}
        median: dict[str, float] = {}
        for round_ in range(repeats):
            for name, rule in tools:
                if round_ and seconds[name][0] > 5:
                    continue
                begun = time.process_time()
                found = Bounds.join([rule(forms.select(slice(i, i + CHUNK))) for i in range(0, 1000, CHUNK)])
                seconds[name].append(time.process_time() - begun)
                median[name] = float((found.upper - found.lower).median())
        base = statistics.median(seconds["ours"])
        for name, _ in tools:
            took = statistics.median(seconds[name])
            width = f"{median[name]:.3e} ({median[name] / range_seen:.2f} x sampled)"
            speed = f"{took:.3f} s per 1,000 boxes ({took / base:.2f} x ours)"
            sys.stdout.write(f"  {name:34} width {width:30} {speed}\n")
            sys.stdout.flush()


@dataclass
class _Pool:
    low: Tensor
    high: Tensor
    chart: Tensor
    cell: Tensor
    credits: Tensor
    longest: Tensor

    def select(self, index: Tensor) -> _Pool:
        return _Pool(*(getattr(self, k)[index] for k in _Pool.__dataclass_fields__))

    @staticmethod
    def join(parts: Sequence[_Pool]) -> _Pool:
        return _Pool(*(torch.cat([getattr(p, k) for p in parts]) for k in _Pool.__dataclass_fields__))


class _OutOfTime(Exception):
    pass


class PlainSearch:
    """Best-first bisection with any bound: the same for all tools. `threshold` None asks for sup e."""

    def __init__(self, subject: Subject, rule: Rule, threshold: float | None, tolerance: float, cap: float) -> None:
        self.subject, self.rule, self.threshold, self.tolerance = subject, rule, threshold, tolerance
        self.begun = time.process_time()
        self.deadline = self.begun + cap
        self.boxes, self.best = 0, 0.0
        self.done = [0.0] * 4
        self.table: CellTable | None = None
        self.patches: Patches | None = None

    def _bounds(self, low: Tensor, high: Tensor, chart: Tensor, cell: Tensor) -> tuple[Bounds, Tensor]:
        assert self.table is not None
        parts, longest, order = [], [], []
        for number, c in enumerate(self.subject.charts):
            mine = (chart == number).nonzero()[:, 0]
            for index in mine.split(CHUNK) if len(mine) else ():
                if time.process_time() > self.deadline:
                    raise _OutOfTime
                center, half = (low[index] + high[index]) / 2, (high[index] - low[index]) / 2
                forms = chart_forms(c, self.table, cell[index], center, half)
                found = self.rule(forms)
                parts.append(found)
                longest.append(forms.slopes.norm(dim=2).argmax(0))
                order.append(index)
                if self.threshold is None:
                    worst = forms.center + torch.einsum("nd,dnk->nk", found.upper_slope.sign(), forms.slopes)
                    errors = torch.cat([self.subject.network.errors(p) for p in (forms.center, worst)])
                    self.best = max(self.best, float(errors.max()))
        back = torch.argsort(torch.cat(order))
        joined = Bounds.join(parts)
        return Bounds(*(getattr(joined, k)[back] for k in Bounds.__dataclass_fields__)), torch.cat(longest)[back]

    def _evaluate(self, low: Tensor, high: Tensor, chart: Tensor, cell: Tensor) -> _Pool:
        bounds, longest = self._bounds(low, high, chart, cell)
        self.boxes += len(low)
        if self.threshold is None:
            credits = torch.stack([bounds.upper, bounds.lower], 1)
        else:
            assert self.patches is not None
            volumes = box_volumes(self.patches, cell, low, high)
            credits = MeasureQuestion(self.threshold, self.tolerance).credits(bounds, volumes)  # type: ignore[arg-type]
        return _Pool(low, high, chart, cell, credits, longest)

    def _begin(self) -> _Pool:
        n, dim = self.subject.network.ambient_dim, self.subject.charts[0].dim
        lows, highs, numbers, tables, patches = [], [], [], [], None
        for number, c in enumerate(self.subject.charts):
            side = SIDE[dim]
            edges = [a + (b - a) * torch.arange(side + 1) / side for a, b in zip(c.lower, c.upper, strict=True)]
            lows.append(torch.cartesian_prod(*[e[:-1] for e in edges]).reshape(-1, dim))
            highs.append(torch.cartesian_prod(*[e[1:] for e in edges]).reshape(-1, dim))
            numbers.append(torch.full((len(lows[-1]),), number))
            center, half = (lows[-1] + highs[-1]) / 2, (highs[-1] - lows[-1]) / 2
            tables.append(cell_table(c, n, center, half))
            fresh = density_patches(c, center, half)
            patches = fresh if patches is None else patches.append(fresh)
        self.patches = patches
        self.table = CellTable(*(torch.cat([getattr(t, k) for t in tables]) for k in ("error", "top", "finite")))
        low = torch.cat(lows)
        return self._evaluate(low, torch.cat(highs), torch.cat(numbers), torch.arange(len(low)))

    def _interval(self, pool: _Pool) -> tuple[float, float]:
        if self.threshold is None:
            return self.best, max([self.best, *pool.credits[:, 0].amax(0, keepdim=True).tolist()])
        b0, b1, g0, g1 = (a + float(pool.credits[:, i].sum()) for i, a in enumerate(self.done))
        return b0 / (b0 + g1), b1 / (b1 + g0)

    def _gaps(self, pool: _Pool) -> Tensor:
        if self.threshold is None:
            return pool.credits[:, 0]
        return pool.credits[:, 1] - pool.credits[:, 0]

    def _settled(self, pool: _Pool) -> Tensor:
        if self.threshold is None:
            return pool.credits[:, 0] <= self.best
        return (pool.credits[:, 1] == 0) | (pool.credits[:, 3] == 0)

    def run(self) -> tuple[float, float, float, int, bool]:
        """Lower end, upper end, processor seconds, boxes, finished."""
        pool, finished = None, False
        try:
            pool = self._begin()
            while True:
                settled = self._settled(pool)
                if self.threshold is not None:
                    self.done = [a + float(b) for a, b in zip(self.done, pool.credits[settled].sum(0), strict=True)]
                pool = pool.select((~settled).nonzero()[:, 0])
                low, high = self._interval(pool)
                if high - low <= self.tolerance or not len(pool.low):
                    finished = True
                    break
                pool = self._split(pool)
        except _OutOfTime:
            pass
        low, high = (0.0, math.inf) if pool is None else self._interval(pool)
        return low, high, time.process_time() - self.begun, self.boxes, finished

    def _split(self, pool: _Pool) -> _Pool:
        ordered, index = self._gaps(pool).sort(descending=True)
        if self.threshold is None:
            count = min(512, len(index))
        else:
            running = ordered.cumsum(0)
            count = max(min(256, len(index)), int((running < 0.6 * running[-1]).sum()) + 1)
        rest = torch.ones(len(index), dtype=torch.bool)
        rest[index[:count]] = False
        p = pool.select(index[:count])
        at = p.longest[:, None]
        middle = (p.low.gather(1, at) + p.high.gather(1, at)) / 2
        low = torch.cat([p.low, p.low.scatter(1, at, middle)])
        high = torch.cat([p.high.scatter(1, at, middle), p.high])
        children = self._evaluate(low, high, p.chart.repeat(2), p.cell.repeat(2))
        return _Pool.join([pool.select(rest.nonzero()[:, 0]), children])


def _median(run: Callable[[], tuple[float, str]]) -> tuple[float, str]:
    """Seconds and text of a run; the median of three where it is short."""
    found = run()
    if found[0] > 3:
        return found
    return statistics.median([found[0], run()[0], run()[0]]), found[1]


def searches(
    subject: Subject, tools: Sequence[tuple[str, Rule]], goals: Sequence[tuple[float | None, float]], cap: float
) -> None:
    """Seconds to the same tolerance: the library's search, then every bound in the plain one."""
    for threshold, tolerance in goals:
        what = "sup e" if threshold is None else f"share of e > {threshold:g}"
        sys.stdout.write(f"\n{subject.name}, {what} to width {tolerance:g} (processor seconds, cap {cap:g} s)\n")

        def own(threshold: float | None = threshold, tolerance: float = tolerance) -> tuple[float, str]:
            begun = time.process_time()
            limits: Any = {"tolerance": tolerance, "time_budget": 8 * cap}
            if threshold is None:
                found = enclose_sup_error(subject.network, subject.charts, **limits)
            else:
                found = enclose_bad_set(subject.network, subject.charts, threshold, **limits)
            interval = f"[{found.interval.lower:.7g}, {found.interval.upper:.7g}]"
            return time.process_time() - begun, f"{found.boxes:9d} boxes  {interval}"

        own()
        base, text = _median(own)
        sys.stdout.write(f"  {'ours, its own search':34} {base:8.2f} s {text}\n")
        for name, rule in tools:

            def plain(
                rule: Rule = rule, threshold: float | None = threshold, tolerance: float = tolerance
            ) -> tuple[float, str]:
                low, high, took, boxes, finished = PlainSearch(subject, rule, threshold, tolerance, cap).run()
                reached = f"{boxes:9d} boxes  [{low:.7g}, {high:.7g}]"
                return took, reached if finished else f"{reached}, width {high - low:.2g}"

            took, text = _median(plain)
            late = "width" in text
            label = f"   > {cap:g} s" if late else f"{took:8.2f} s"
            sys.stdout.write(f"  {name:34} {label} {text}  {'> ' if late else ''}{took / base:.1f} x ours\n")
            sys.stdout.flush()


def _modules(network: Network) -> tuple[nn.Sequential, nn.Sequential]:
    """A dense ReLU network as torch modules in float64."""
    from aeverify.enclosure.network import Affine

    parts = []
    for stages in (network.encoder, network.decoder):
        layers: list[nn.Module] = []
        for stage in stages:
            if isinstance(stage, Affine):
                linear = nn.Linear(*stage.weight.shape)
                linear.weight.data, linear.bias.data = stage.weight.T.contiguous(), stage.bias.clone()
                layers.append(linear)
            else:
                layers.append(nn.ReLU())
        parts.append(nn.Sequential(*layers).requires_grad_(False))
    return parts[0], parts[1]


def subjects() -> list[tuple[Subject, tuple[float, float], list[tuple[float | None, float]]]]:
    """The paper's two circles and the torus, with half-widths and goals."""
    model: Any = load_model(FIXTURES / "two_circles_paper_0.safetensors")
    circles = network_from_modules(model.encoder, model.decoder, ambient_dim=3, latent_dim=model.latent_dim)
    torus, charts = cases.load("torus", 0)
    return [
        (
            Subject("two circles, the paper's network", circles, *_modules(circles), cases.CHARTS["circles"][0]),
            (3e-3, 3e-4),
            [(None, 1e-6), (0.1, 1e-9)],
        ),
        (
            Subject("torus, 128-wide ReLU", torus, *_modules(torus), charts),
            (1e-2, 1e-3),
            [(None, 2e-2), (0.2, 1e-2), (0.2, 1e-3)],
        ),
    ]


def main() -> None:
    """Widths and searches for both subjects."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cap", type=float, default=60.0, help="processor seconds a search may take")
    parser.add_argument("--only", default="", help="subjects whose name contains this")
    parser.add_argument("--tools", nargs="*", help="last words of the names of the tools (ours, CROWN, crown_ibp, ...)")
    parser.add_argument("--question", choices=["sup", "share"], help="one kind of search alone")
    parser.add_argument("--skip-widths", action="store_true")
    parser.add_argument("--skip-searches", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    tools = _tools()
    warnings.simplefilter("ignore")  # after the imports, which set filters of their own
    with torch.no_grad():
        for subject, halves, goals in subjects():
            if options.only not in subject.name:
                continue
            wanted = [t for t in tools if not options.tools or t[0].split()[-1] in ("ours", *options.tools)]
            built = [(name, build(subject)) for name, build in wanted]
            goals = [g for g in goals if options.question in (None, "sup" if g[0] is None else "share")]
            if not options.skip_widths:
                widths(subject, built, halves)
            if not options.skip_searches:
                searches(subject, built, goals, options.cap)


if __name__ == "__main__":
    main()

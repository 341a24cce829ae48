"""Soundness fuzz: random and trained networks, charts and boxes; every point must lie inside its enclosure.

`python -m tests.unit.enclosure.fuzz NETWORKS POINTS [SEED]` is the long run, with the trained fixtures first; the tests
take a short one. A *case* is a network, a chart and a box; its parameters are dyadic, so every point of it is exact. At
each point the exact error (`extended`, in 80-bit arithmetic with a bound of what that loses) is compared with

* the affine lower and upper bound and the two constants of the box,
* the volume credited as bad and as good at a threshold in the middle of the box's errors.

A point counts as outside where it is outside by more than the bound of the 80-bit error; where that cannot be told, the
question is asked in ball arithmetic. So no violation is too small to be seen.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from flint import arb, ctx
from safetensors.torch import load_file
from torch import nn

from aeverify.autoencoders.blocks import Residual
from aeverify.enclosure.error_bounds import ErrorBounds, error_bounds, vertices
from aeverify.enclosure.evaluation import Boxes, Evaluator
from aeverify.enclosure.layers import network_from_modules
from aeverify.enclosure.network import Network
from aeverify.enclosure.questions import MeasureQuestion
from aeverify.enclosure.volumes import box_volumes, density_patches
from aeverify.manifolds.chart import Chart
from tests.unit.enclosure import extended
from tests.unit.enclosure.exact import ACTIVATIONS, BITS, CHARTS, error_ball, forms_of, make, random_mlp
from tests.unit.enclosure.extended import Real

FIXTURES = Path(__file__).parents[2] / "fixtures"
MOST_BALLS = 64
"""Points of one box that are decided by balls; the rest, if any, is reported as undecided."""


@dataclass(frozen=True)
class Subject:
    """A network as modules and as stages, and a chart."""

    name: str
    encoder: nn.Module
    decoder: nn.Module
    network: Network
    chart: Chart


@dataclass
class Found:
    """Totals of a run; all but the first four must be 0."""

    networks: int = 0
    boxes: int = 0
    points: int = 0
    balls: int = 0
    outside: int = 0
    credits: int = 0
    undecided: int = 0
    mismatches: int = 0

    def add(self, other: Found) -> None:
        """Add the totals of another run."""
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)

    @property
    def failures(self) -> int:
        """How much was wrong: points outside, credits too large, points undecided, 80-bit values outside balls."""
        return self.outside + self.credits + self.undecided + self.mismatches


def _dense(sizes: Sequence[int], activation: Callable[[], nn.Module], rng: np.random.Generator) -> nn.Sequential:
    """A dense network with batch norm after its first layer."""
    layers = list(random_mlp(sizes, activation, rng))
    norm = nn.BatchNorm1d(sizes[1])
    _randomize(norm, rng)
    return nn.Sequential(layers[0], norm, nn.Dropout(), *layers[1:], nn.Identity())


def _randomize(norm: nn.Module, rng: np.random.Generator) -> None:
    torch.manual_seed(int(rng.integers(2**31)))
    with torch.no_grad():
        norm.running_mean.uniform_(-1, 1)
        norm.running_var.uniform_(0.1, 2)
        norm.weight.uniform_(-2, 2)
        norm.bias.uniform_(-1, 1)


def _images(
    n: int, latent: int, one: Callable[[], nn.Module], two: Callable[[], nn.Module], rng: np.random.Generator
) -> tuple[nn.Module, nn.Module]:
    """Convolutional encoder and decoder of 4 x 4 images or of signals of even length n."""
    torch.manual_seed(int(rng.integers(2**31)))
    if n == 16 and rng.random() < 0.7:
        encoder = nn.Sequential(
            nn.Unflatten(1, (1, 4, 4)), nn.Conv2d(1, 3, 3, 1, 1), one(), nn.AvgPool2d(2), nn.BatchNorm2d(3),
            nn.Flatten(), nn.Linear(12, latent),
        )  # fmt: skip
        decoder = nn.Sequential(
            nn.Linear(latent, 8), two(), nn.Unflatten(1, (2, 2, 2)), nn.Upsample(scale_factor=2),
            nn.ConvTranspose2d(2, 2, 3, 1, 1), one(), nn.Conv2d(2, 1, 3, 1, 1), nn.Flatten(),
        )  # fmt: skip
    else:
        half = n // 2
        encoder = nn.Sequential(
            nn.Unflatten(1, (1, n)), nn.Conv1d(1, 2, 3, 1, 1), one(), nn.AvgPool1d(2), nn.BatchNorm1d(2), nn.Flatten(),
            nn.Linear(2 * half, latent),
        )  # fmt: skip
        up = nn.ConvTranspose1d(2, 2, 4, 2, 1) if rng.random() < 0.5 else nn.Upsample(scale_factor=2)
        decoder = nn.Sequential(
            nn.Linear(latent, 2 * half), two(), nn.Unflatten(1, (2, half)), up, one(), nn.Conv1d(2, 1, 3, 1, 1),
            nn.Flatten(),
        )  # fmt: skip
    _randomize(encoder[4], rng)
    return encoder, decoder


def random_subject(name: str, rng: np.random.Generator) -> Subject:
    """A random network of one of four kinds on a chart, with activations of two kinds."""
    chart, n = CHARTS[name]
    one, two = (ACTIVATIONS[int(i)] for i in rng.integers(len(ACTIVATIONS), size=2))
    width, latent = int(rng.integers(2, 10)), int(rng.integers(1, min(n, 3) + 1))
    kind = int(rng.integers(4))
    if kind == 3 and n % 2 == 0 and n >= 4:
        encoder, decoder = _images(n, latent, one, two, rng)
    elif kind == 2:
        inner = (random_mlp([n, width, n], two, rng), random_mlp([n, width, width], one, rng))
        encoder = nn.Sequential(Residual(inner[0]), one(), random_mlp([n, width, latent], one, rng))
        decoder = nn.Sequential(random_mlp([latent, width, n], two, rng), Residual(random_mlp([n, width, n], one, rng)))
    elif kind == 1:
        encoder, decoder = _dense([n, width, width, latent], one, rng), _dense([latent, width, n], two, rng)
    else:
        encoder, decoder = (
            random_mlp([n, width, width, latent], one, rng), random_mlp([latent, width, width, n], two, rng),
        )  # fmt: skip
    encoder, decoder = encoder.eval(), decoder.eval()
    network = network_from_modules(encoder, decoder, ambient_dim=n, latent_dim=latent)
    return Subject(name, encoder, decoder, network, chart)


def trained_subject(path: Path) -> Subject:
    """A fixture of `tests/fixtures/enclosure_train.py`, with a chart of its manifold."""
    sys.path.insert(0, str(FIXTURES))
    import enclosure_train as recipes

    sys.path.pop(0)
    _, *words, _ = path.stem.split("_")
    encoder, decoder = recipes.CASES["_".join(words)][0]()
    weights = load_file(path)
    for part, module in (("encoder.", encoder), ("decoder.", decoder)):
        module.load_state_dict({k[len(part) :]: v for k, v in weights.items() if k.startswith(part)})
    chart, ambient, latent = TRAINED_CHARTS[words[0]]
    network = network_from_modules(encoder, decoder, ambient_dim=ambient, latent_dim=latent)
    return Subject(path.stem, encoder.eval(), decoder.eval(), network, chart)


def _lifted_circle(u, ops):
    return [*CHARTS["circle"][0].formula(u, ops), 0 * u[0]]


def _sphere3(u, ops):
    a, b, c = (2 * ops.pi * x for x in u)
    return [ops.cos(c) * ops.cos(a), ops.cos(c) * ops.sin(a), ops.sin(c) * ops.cos(b), ops.sin(c) * ops.sin(b)]


def _bar(u, ops):
    s, c = ops.sin(ops.pi * u[0]), ops.cos(ops.pi * u[0])
    axis = [(2 * i - 11) / 12 for i in range(12)]
    across = [(x * s - y * c) * 4 for y in axis for x in axis]
    return [ops.exp(-(z * z)) for z in across]


TRAINED_CHARTS = {
    "circles": (make(_lifted_circle, (0.0,), (1.0,)), 3, 1),
    "torus": (CHARTS["torus"][0], 3, 2),
    "sphere": (CHARTS["sphere"][0], 3, 2),
    "klein": (CHARTS["klein"][0], 4, 2),
    "sphere3": (make(_sphere3, (0.0, 0.0, 0.0), (1.0, 1.0, 0.25)), 4, 3),
    "flat3": (CHARTS["flat"][0], 6, 3),
    "bar": (make(_bar, (0.0,), (1.0,)), 144, 1),
}


def _boxes(
    subject: Subject, count: int, halves: tuple[int, int], rng: np.random.Generator
) -> tuple[ErrorBounds, torch.Tensor, torch.Tensor]:
    """Bounds of random boxes, their centres and half-widths: asked directly, or through their parents.

    Every centre + half * s with s a multiple of 2^-12 is exact."""
    chart, network = subject.chart, subject.network
    exponents = rng.integers(halves[0], halves[1], size=(count, chart.dim))
    half = torch.from_numpy(np.where(rng.random((count, chart.dim)) < 0.1, 0.0, 2.0**-exponents))
    low, high = torch.tensor(chart.lower), torch.tensor(chart.upper)
    cells = torch.from_numpy(rng.integers(1, 31, size=(count, chart.dim)) / 32.0)
    center = (low + (high - low) * cells).double()
    if rng.random() < 0.5:
        bounds, _ = error_bounds(network, forms_of(chart, network.ambient_dim, center, half), None)
        return bounds, center, half
    evaluate = Evaluator(network, [chart])
    owner = torch.zeros(count, dtype=torch.long)
    parents = Boxes(center - half, center + half, owner, torch.arange(count), None)
    with torch.no_grad():
        evaluate.prepare(parents)
        _, alive = evaluate(parents, lambda: None)
        children = Boxes(center.clone(), center + half, owner, torch.arange(count), alive)
        bounds, _ = evaluate(children, lambda: None)
    return bounds, *children.centers()


def _points(dim: int, count: int, rng: np.random.Generator) -> tuple[np.ndarray, int]:
    """Points of [-1, 1]^d, multiples of 2^-12, and how many of them, at the beginning, are a grid of cell centres (0
    where a grid of so few points would say nothing of volumes)."""
    side = 2 ** max(1, int(np.log2(max(2.0, 0.6 * count ** (1 / dim)))))
    axis = (np.arange(side) * 2 + 1) / side - 1
    grid = np.stack(np.meshgrid(*[axis] * dim, indexing="ij"), -1).reshape(-1, dim)
    corners = vertices(dim, torch.zeros(1, dtype=torch.float64)).numpy()
    free = rng.integers(-4096, 4097, size=(max(0, count - len(grid) - len(corners)), dim)) / 4096.0
    return np.concatenate([grid, corners, free])[:count], len(grid) if 64 <= len(grid) <= count else 0


def _line(slope: torch.Tensor, offset: torch.Tensor, s: np.ndarray) -> Real:
    total = Real(np.full(len(s), float(offset), dtype=np.longdouble))
    for k, a in enumerate(slope.tolist()):
        total = total + Real(s[:, k]) * a
    return total


def _outside_in_balls(subject: Subject, bounds: ErrorBounds, i: int, u: np.ndarray, s: np.ndarray) -> bool:
    """Whether an exact point is outside; true also where balls cannot tell."""
    e = error_ball(subject.network, subject.chart, u.tolist())
    with ctx.workprec(BITS):
        lower, upper = arb(float(bounds.lower_offset[i])), arb(float(bounds.upper_offset[i]))
        for k, t in enumerate(s.tolist()):
            lower += arb(float(bounds.lower_slope[i, k])) * arb(t)
            upper += arb(float(bounds.upper_slope[i, k])) * arb(t)
        return not (lower <= e <= upper and float(bounds.lower[i]) <= e <= float(bounds.upper[i]))


def _agrees(subject: Subject, u: np.ndarray, value: np.longdouble, error: float) -> bool:
    """Whether an 80-bit value lies within its bound of the ball of the same point.

    Balls go through the stages, whose scales of pooling and batch norm are rounded: 1e-12 is allowed there."""
    ball = error_ball(subject.network, subject.chart, u.tolist())
    rounded = any(getattr(stage, "relative", 0.0) for stage in subject.network.stages)
    high = float(value)
    with ctx.workprec(BITS):
        gap = abs(ball - arb(high) - arb(float(value - np.longdouble(high))))
        return bool(gap <= error + rounded * 1e-12 * (1 + high))


def _credit_failures(
    subject: Subject, bounds: ErrorBounds, center: torch.Tensor, half: torch.Tensor, i: int, e: np.ndarray, t: float
) -> int:
    """Whether more volume than there is was credited as bad or good: e holds the errors at the cells of a grid.

    The credits come from half-spaces on which the affine bounds decide; a half-space meets at most d/side of the cells
    of the grid without holding their centres."""
    dim = center.shape[1]
    c, h = center[i : i + 1], half[i : i + 1]
    patches = density_patches(subject.chart, c, h)
    volumes = box_volumes(patches, torch.zeros(1, dtype=torch.long), c - h, c + h)
    credits = MeasureQuestion(t, 0.1).credits(bounds.select(torch.tensor([i])), volumes)
    bad, most_bad, good, most_good = credits[0].tolist()
    spare = dim / round(len(e) ** (1 / dim))
    share = float((e > t).mean())
    top = float((volumes.parameter_upper * volumes.density_upper)[0]) * (1 + 1e-9) + 1e-300
    floor = float(volumes.lower[0]) * (1 - 1e-9)
    too_much = bad > (share + spare) * top or good > (1 - share + spare) * top
    return int(too_much or most_bad < bad or most_good < good or bad + most_good < floor)


def compare(
    subject: Subject,
    bounds: ErrorBounds,
    center: torch.Tensor,
    half: torch.Tensor,
    points: int,
    rng: np.random.Generator,
    spot: int = 0,
) -> Found:
    """Put points of boxes into the boxes' enclosures; `spot` points of each box are compared with balls."""
    found = Found(networks=1, boxes=len(center))
    for i in range(len(center)):
        s, grid = _points(subject.chart.dim, points, rng)
        u = center[i].numpy() + half[i].numpy() * s
        e = extended.errors(subject.encoder, subject.decoder, subject.chart, u)
        lower = _line(bounds.lower_slope[i], bounds.lower_offset[i], s)
        upper = _line(bounds.upper_slope[i], bounds.upper_offset[i], s)
        out, inside = np.zeros(len(s), dtype=bool), np.ones(len(s), dtype=bool)
        for gap in (e - lower, upper - e, e - float(bounds.lower[i]), -(e - float(bounds.upper[i]))):
            out |= gap.value < -gap.error
            inside &= (gap.value >= gap.error) | np.isposinf(gap.value)
        doubtful = (~inside & ~out).nonzero()[0]
        asked = doubtful[:MOST_BALLS]
        found.points += len(s)
        found.balls += len(asked) + spot
        found.outside += int(out.sum()) + sum(_outside_in_balls(subject, bounds, i, u[k], s[k]) for k in asked)
        found.undecided += len(doubtful) - len(asked)
        for k in rng.integers(len(s), size=spot):
            found.mismatches += not _agrees(subject, u[k], e.value[k], float(e.error[k]))
        if grid and bool((half[i] > 0).all()):
            at_grid = e.value[:grid].astype(np.float64)
            found.credits += _credit_failures(subject, bounds, center, half, i, at_grid, float(np.median(at_grid)))
    return found


def check(
    subject: Subject, boxes: int, points: int, rng: np.random.Generator, halves: tuple[int, int], spot: int = 1
) -> Found:
    """Put points of random boxes of one network into their enclosures."""
    bounds, center, half = _boxes(subject, boxes, halves, rng)
    return compare(subject, bounds, center, half, points, rng, spot)


def random_run(
    networks: int, points: int, seed: int, halves: tuple[int, int] = (4, 36), boxes: int = 4, spot: int = 1
) -> Found:
    """Random networks on all charts in turn."""
    rng = np.random.Generator(np.random.PCG64(seed))
    total = Found()
    for case in range(networks):
        subject = random_subject(list(CHARTS)[case % len(CHARTS)], rng)
        total.add(check(subject, boxes, points, rng, halves, spot))
    return total


def trained_runs(points: int, seed: int, boxes: int = 4) -> Iterator[tuple[str, Found]]:
    """The trained fixtures."""
    rng = np.random.Generator(np.random.PCG64(seed))
    for path in sorted(FIXTURES.glob("enclosure_*.safetensors")):
        subject = trained_subject(path)
        yield subject.name, check(subject, boxes, points, rng, (5, 24), spot=1)


def violations(networks: int, points: int, seed: int, halves: tuple[int, int] = (4, 36), boxes: int = 4) -> int:
    """Failures of a run over random networks; must be 0."""
    return random_run(networks, points, seed, halves, boxes, spot=0).failures


def main() -> None:
    """The long run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", type=int, help="random networks")
    parser.add_argument("points", type=int, help="points of every box")
    parser.add_argument("seed", type=int, nargs="?", default=0)
    parser.add_argument("--boxes", type=int, default=4, help="boxes of every network")
    parser.add_argument("--no-trained", action="store_true", help="leave the trained fixtures out")
    options = parser.parse_args()
    torch.set_num_threads(1)
    start = time.process_time()
    line = (
        "{0}: {1.networks} networks, {1.boxes} boxes, {1.points} points ({1.balls} in balls): {1.outside} outside, "
        "{1.credits} credits too large, {1.undecided} undecided, {1.mismatches} 80-bit values outside balls, "
        "{2:.0f} s\n"
    )
    if not options.no_trained:
        total = Found()
        for name, found in trained_runs(options.points, options.seed, options.boxes):
            total.add(found)
            sys.stdout.write(line.format(name, found, time.process_time() - start))
            sys.stdout.flush()
        sys.stdout.write(line.format("trained", total, time.process_time() - start))
    total = Found()
    for part, (first, last) in enumerate(pairwise(np.linspace(0, options.networks, 11).astype(int).tolist())):
        total.add(random_run(last - first, options.points, options.seed * 1000 + part, boxes=options.boxes))
        sys.stdout.write(line.format("random", total, time.process_time() - start))
        sys.stdout.flush()


if __name__ == "__main__":
    main()

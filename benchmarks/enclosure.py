"""Certified enclosures of trained networks: seconds, boxes and widths reached on one core.

`python benchmarks/enclosure.py [NAME ...] [--repeats N]` runs the cases whose name contains one of the words (all
without words). Set OMP_NUM_THREADS=1 and OPENBLAS_NUM_THREADS=1 for one core. Times are medians over the repeats, which
take turns, so that noise falls on all alike; processor seconds stand beside wall-clock seconds.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from aeverify.enclosure import Enclosure, Network, enclose_bad_set, enclose_sup_error, network_from_modules
from aeverify.manifolds.chart import Chart

FIXTURES = Path(__file__).parent.parent / "tests" / "fixtures"
sys.path.insert(0, str(FIXTURES))

import enclosure_train as recipes  # noqa: E402


def _chart(formula: Callable[..., Any], lower: Sequence[float], upper: Sequence[float]) -> Chart:
    return Chart(tuple(lower), tuple(upper), (False,) * len(lower), formula, (100.0,) * len(lower))


def _first_circle(u: Any, ops: Any) -> list[Any]:
    a = 2 * ops.pi * u[0]
    return [ops.cos(a), ops.sin(a), 0 * u[0]]


def _second_circle(u: Any, ops: Any) -> list[Any]:
    a = 2 * ops.pi * u[0]
    return [1 + ops.sin(a), 0 * u[0], ops.cos(a)]


def _torus(u: Any, ops: Any) -> list[Any]:
    a, b = 2 * ops.pi * u[0], 2 * ops.pi * u[1]
    w = 2 + ops.cos(b)
    return [w * ops.cos(a), w * ops.sin(a), ops.sin(b)]


def _sphere(u: Any, ops: Any) -> list[Any]:
    a, b = 2 * ops.pi * u[0], 2 * ops.pi * u[1]
    return [ops.cos(b) * ops.cos(a), ops.cos(b) * ops.sin(a), ops.sin(b)]


def _sphere3(u: Any, ops: Any) -> list[Any]:
    a, b, c = (2 * ops.pi * x for x in u)
    return [ops.cos(c) * ops.cos(a), ops.cos(c) * ops.sin(a), ops.sin(c) * ops.cos(b), ops.sin(c) * ops.sin(b)]


def _klein(u: Any, ops: Any) -> list[Any]:
    a, b, half = 2 * ops.pi * u[0], 2 * ops.pi * u[1], ops.pi * u[0]
    w, s = 2 + ops.cos(b), ops.sin(b)
    return [w * ops.cos(a), w * ops.sin(a), s * ops.cos(half), s * ops.sin(half)]


def _flat(u: Any, ops: Any) -> list[Any]:
    return [f(2 * ops.pi * x) for x in u for f in (ops.cos, ops.sin)]


def _bar(u: Any, ops: Any, side: int = 12) -> list[Any]:
    s, c = ops.sin(ops.pi * u[0]), ops.cos(ops.pi * u[0])
    axis = [(i - (side - 1) / 2) / (side / 2) for i in range(side)]
    return [ops.exp(-(((x * s - y * c) * 4) ** 2)) for y in axis for x in axis]


CHARTS = {
    "circles": ([_chart(_first_circle, (0.0,), (1.0,)), _chart(_second_circle, (0.0,), (1.0,))], 3, 1),
    "torus": ([_chart(_torus, (0.0, 0.0), (1.0, 1.0))], 3, 2),
    "sphere": ([_chart(_sphere, (0.0, -0.25), (1.0, 0.25))], 3, 2),
    "klein": ([_chart(_klein, (0.0, 0.0), (1.0, 1.0))], 4, 2),
    "sphere3": ([_chart(_sphere3, (0.0, 0.0, 0.0), (1.0, 1.0, 0.25))], 4, 3),
    "flat3": ([_chart(_flat, (0.0,) * 3, (1.0,) * 3)], 6, 3),
    "bar": ([_chart(_bar, (0.0,), (1.0,))], 144, 1),
}


def load(name: str, seed: int) -> tuple[Network, list[Chart]]:
    """A trained fixture network and the charts of its manifold."""
    encoder, decoder = recipes.CASES[name][0]()
    weights = load_file(FIXTURES / f"enclosure_{name}_{seed}.safetensors")
    for part, module in (("encoder.", encoder), ("decoder.", decoder)):
        module.load_state_dict({k[len(part) :]: v for k, v in weights.items() if k.startswith(part)})
    charts, ambient, latent = CHARTS[name.split("_")[0]]
    return network_from_modules(encoder, decoder, ambient_dim=ambient, latent_dim=latent), charts


@dataclass(frozen=True)
class Case:
    """One figure: the worst error (threshold None) to a tolerance relative to its size, or a bad share to a width."""

    name: str
    seed: int
    threshold: float | None
    tolerance: float
    budget: float = 60.0

    def run(self, network: Network, charts: list[Chart]) -> Enclosure:
        """One run."""
        if self.threshold is None:
            return enclose_sup_error(network, charts, tolerance=self.tolerance, time_budget=self.budget)
        return enclose_bad_set(network, charts, self.threshold, tolerance=self.tolerance, time_budget=self.budget)


CASES = [
    Case("circles", 0, None, 1e-6),
    Case("circles", 0, 0.1, 1e-9),
    *(Case("torus", s, 0.2, w) for s in (0, 1, 2) for w in (1e-2, 1e-3)),
    *(Case("torus", s, None, w) for s in (0, 1, 2) for w in (2e-2, 2e-3)),
    Case("sphere", 0, 0.05, 1e-3),
    Case("sphere", 0, 0.05, 1e-4),
    Case("sphere", 0, None, 2e-3),
    Case("klein", 0, 0.2, 1e-2),
    Case("klein", 0, 0.2, 1e-3),
    Case("klein", 0, None, 4e-3),
    *(Case(f"torus_{a}", 0, 0.2, 1e-3) for a in ("tanh", "silu", "gelu")),
    *(Case(f"torus_{a}", 0, None, 2e-2) for a in ("tanh", "silu", "gelu")),
    Case("sphere3", 0, 0.2, 1e-2, 60.0),
    Case("sphere3", 0, None, 0.2, 60.0),
    Case("flat3", 0, 1.0, 5e-2, 120.0),
    Case("bar", 0, 0.5, 1e-3),
    Case("bar", 0, None, 1e-3),
]


def main() -> None:
    """Run the chosen cases and print one line each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--repeats", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(1)
    chosen = [c for c in CASES if not options.names or any(n in c.name for n in options.names)]
    loaded = {(c.name, c.seed): load(c.name, c.seed) for c in chosen}
    seconds: dict[Case, list[tuple[float, float]]] = {c: [] for c in chosen}
    found: dict[Case, Enclosure] = {}
    for case in chosen[:1]:
        case.run(*loaded[case.name, case.seed])
    for _ in range(options.repeats):
        for case in chosen:
            begun = time.process_time()
            found[case] = case.run(*loaded[case.name, case.seed])
            seconds[case].append((found[case].seconds, time.process_time() - begun))
    line = "{:12} {:4} {:12} {:>8} {:>9} {:>8} {:>8}  {}\n"
    sys.stdout.write(line.format("network", "seed", "quantity", "width", "boxes", "wall s", "cpu s", "enclosure"))
    for case in chosen:
        quantity = "sup" if case.threshold is None else f"share > {case.threshold:g}"
        wall, cpu = (statistics.median(s[i] for s in seconds[case]) for i in (0, 1))
        e = found[case]
        mark = "" if e.finished else f" ({e.stopped})"
        text = f"[{e.interval.lower:.9g}, {e.interval.upper:.9g}]{mark}"
        width = f"{case.tolerance:.0e}"
        sys.stdout.write(line.format(case.name, case.seed, quantity, width, e.boxes, f"{wall:.2f}", f"{cpu:.2f}", text))


if __name__ == "__main__":
    main()

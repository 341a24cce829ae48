"""Certified reach: relative gap of the two ends and seconds, on one core. Run: python benchmarks/reach.py [CURVES]."""

from __future__ import annotations

import sys
import time

from aeverify.errors import SpecError
from aeverify.manifolds import certified_reach, certified_surface_reach, manifold

CURVES = (
    "ellipse:a=3,b=2",
    "ellipse:a=300,b=0.1",
    "star:a=0.3,k=3",
    "star:a=0.5,k=8",
    "trefoil",
    "torus_knot:p=2,q=3",
    "torus_knot:p=2,q=5,R=3,r=1",
    "torus_knot:p=7,q=9",
    "spiral",
    "spiral_arc:start=0,end=3,turns=20",
    "helix:radius=1,pitch=1,turns=10",
    "rotating_bar:pixels=8",
    "rotating_bar:pixels=16,width=0.15",
)
RANDOM = ((3, 3, 2.0), (3, 5, 2.0), (3, 5, 1.0), (3, 8, 1.0), (3, 12, 1.0), (4, 5, 1.0), (10, 8, 1.0))
SURFACES = ("torus:R=2,r=0.7", "torus:R=1,r=0.7", "clifford:r1=0.6,r2=1.1", "klein:R=2,r=1")


def main(count: int) -> None:
    """Print three tables: named curves, random trigonometric curves, surfaces."""
    line = "{:36} {:>14} {:>14} {:>9} {:>8}"
    sys.stdout.write(line.format("curve, tolerance 0.001", "lower", "upper", "gap", "seconds") + "\n")
    for spec in CURVES:
        k = manifold(spec)
        start = time.perf_counter()
        found = certified_reach(k.chart, k.chart.periodic[0], 1e-3).interval
        seconds = time.perf_counter() - start
        gap = f"{100 * (1 - found.lower / found.upper):.4f} %"
        sys.stdout.write(line.format(spec, f"{found.lower:.8g}", f"{found.upper:.8g}", gap, f"{seconds:.3f}") + "\n")
    title = f"random curves, {count} each, tolerance 0.02"
    sys.stdout.write("\n" + line.format(title, "median gap", "largest gap", "median s", "most s") + "\n")
    for n, degree, decay in RANDOM:
        gaps, times, seed = [], [], 0
        while len(gaps) < count:
            try:
                k = manifold(f"fourier:seed={seed},degree={degree},ambient_dim={n},decay={decay}")
            except SpecError:
                sys.stdout.write(f"  seed {seed} is refused: not proved embedded\n")
                seed += 1
                continue
            seed += 1
            start = time.perf_counter()
            found = certified_reach(k.chart).interval
            times.append(time.perf_counter() - start)
            gaps.append(1 - found.lower / found.upper)
        cells = [f"{100 * sorted(gaps)[count // 2]:.2f} %", f"{100 * max(gaps):.2f} %"]
        cells += [f"{sorted(times)[count // 2]:.3f}", f"{max(times):.3f}"]
        sys.stdout.write(line.format(f"R^{n}, degree {degree}, decay {decay:g}", *cells) + "\n")
    sys.stdout.write("\n" + line.format("surface, tolerance 0.02", "lower", "upper", "gap", "seconds") + "\n")
    for spec in SURFACES:
        chart = manifold(spec).chart
        start = time.perf_counter()
        found = certified_surface_reach(chart).interval
        seconds = time.perf_counter() - start
        gap = f"{100 * (1 - found.lower / found.upper):.2f} %"
        sys.stdout.write(line.format(spec, f"{found.lower:.6g}", f"{found.upper:.6g}", gap, f"{seconds:.1f}") + "\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)

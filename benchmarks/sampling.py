"""Points drawn per second on one core, family by family: `python benchmarks/sampling.py [N]`.

Prints one line a family: specification, method, points, seconds (best of three), million points a second.
"""

from __future__ import annotations

import sys
import time

from aeverify.manifolds import manifold

FAMILIES = (
    "circle",
    "torus:R=2,r=1",
    "sphere:dim=2,radius=1",
    "sphere:dim=9,radius=1",
    "ellipsoid:axes=[3,2,1]",
    "clifford:r1=1,r2=2",
    "klein:R=2,r=1",
    "moebius:R=1,h=0.4",
    "veronese",
    "swiss_roll",
)


def main(n: int) -> None:
    """Time every family."""
    for spec in FAMILIES:
        k = manifold(spec)
        k.sample(1000, 0)
        for method in ("uniform", "sobol") if spec == "torus:R=2,r=1" else ("uniform",):
            best = float("inf")
            for seed in range(3):
                start = time.perf_counter()
                k.sample(n, seed, method=method)
                best = min(best, time.perf_counter() - start)
            sys.stdout.write(f"{spec:28} {method:10} {n:9d} {best:8.3f} s {n / best / 1e6:8.2f} M/s\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)

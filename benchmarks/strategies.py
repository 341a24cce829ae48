"""Seconds to draw specifications of manifolds: `python benchmarks/strategies.py [N]`; the target is 1,000 in 5 s."""

from __future__ import annotations

import sys
import time

from hypothesis import HealthCheck, Phase, given, settings

from aeverify.strategies import ManifoldSpec, manifolds


def main(n: int) -> None:
    """Draw n specifications and print one line."""
    found: list[ManifoldSpec] = []

    @settings(
        max_examples=n,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(manifolds())
    def collect(k: ManifoldSpec) -> None:
        found.append(k)

    start = time.perf_counter()
    collect()
    sys.stdout.write(f"{len(found)} specifications in {time.perf_counter() - start:.2f} s\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)

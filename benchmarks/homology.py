"""Homology engines side by side: CPU seconds and peak memory, one core. Run: python benchmarks/homology.py [ROW ...]

Each cell is a process of its own, with a cap on its time and on its address space, and the engines take turns. Needs
ripser and scikit-learn beside aeverify's own dependencies (`pip install ripser scikit-learn`); an engine that cannot be
imported is left out, and one that ran out of time or memory on fewer points of the same kind is not tried on more
("more"). A task is a cloud, a highest degree and a radius up to which the diagram is asked for.

The last columns compare aeverify with the fastest of the permissively licensed engines: gudhi's Rips complex with edge
collapse, gudhi's port of ripser, and ripser.py (all MIT). Alpha complexes rest on CGAL (GPL) and are shown beside.
"""

from __future__ import annotations

import json
import math
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

SECONDS = 10
BYTES = 8 << 30
REPEATS = 3
ENGINES = ("aeverify", "alpha", "collapse", "gudhi ripser", "ripser.py")
PERMISSIVE = ("collapse", "gudhi ripser", "ripser.py")


@dataclass(frozen=True)
class Task:
    """One row: points on a set in R^dimension, degrees 0 to `degree`, up to `radius` in radius units."""

    dimension: int
    points: int
    degree: int
    radius: float = math.inf

    @property
    def name(self) -> str:
        """As on the command line."""
        cut = f" r<={self.radius:g}" if math.isfinite(self.radius) else ""
        return f"R^{self.dimension} N={self.points} H0-{self.degree}{cut}"

    def cloud(self) -> np.ndarray:
        """R^2: a circle of radius 1 with noise 0.05. R^3: a torus (1, 0.4). R^10: a Clifford torus (1, 1), turned, with
        noise 0.02."""
        rng = np.random.Generator(np.random.PCG64(0))
        u, v = rng.random((2, self.points)) * 2 * math.pi
        if self.dimension == 2:
            flat = np.column_stack([np.cos(u), np.sin(u)])
            return flat + 0.05 * rng.standard_normal(flat.shape)
        if self.dimension == 3:
            rho = 1 + 0.4 * np.cos(v)
            return np.column_stack([rho * np.cos(u), rho * np.sin(u), 0.4 * np.sin(v)])
        flat = np.column_stack([np.cos(u), np.sin(u), np.cos(v), np.sin(v)])
        turn = np.linalg.qr(rng.standard_normal((self.dimension, self.dimension)))[0][:4]
        return flat @ turn + 0.02 * rng.standard_normal((self.points, self.dimension))


TASKS = (
    *(Task(2, n, 1) for n in (500, 2_000, 5_000, 20_000)),
    *(Task(2, n, 1, 0.1) for n in (500, 2_000, 5_000, 20_000)),
    *(Task(3, n, 1) for n in (500, 2_000, 5_000, 20_000)),
    *(Task(3, n, 2) for n in (500, 2_000, 5_000, 20_000)),
    *(Task(3, n, 2, 0.25) for n in (500, 2_000, 5_000, 20_000)),
    *(Task(3, n, 2, 0.1) for n in (500, 2_000, 5_000, 20_000)),
    *(Task(10, n, 1) for n in (500, 2_000, 5_000)),
    *(Task(10, n, 1, 0.3) for n in (500, 2_000, 5_000, 20_000)),
    *(Task(10, n, 2, 0.3) for n in (500, 2_000, 5_000, 20_000)),
)


def engine(name: str) -> Callable[[np.ndarray, Task], Any]:
    """The engine's imports, done, and its computation."""
    if name.startswith("aeverify"):
        from aeverify.homology import persistence

        persistence(np.eye(2), field=2)  # the self-test, once a process
        choice: Any = name.partition(":")[2] or "auto"
        return lambda x, t: persistence(x, max_degree=t.degree, field=2, max_radius=t.radius, engine=choice).degrees
    if name == "ripser.py":
        from ripser import ripser

        return lambda x, t: ripser(x, maxdim=t.degree, thresh=2 * t.radius, coeff=2)["dgms"]
    if name == "gudhi ripser":
        from gudhi.sklearn.rips_persistence import RipsPersistence

        def port(x: np.ndarray, t: Task) -> Any:
            asked = list(range(t.degree + 1))
            return RipsPersistence(asked, threshold=2 * t.radius, homology_coeff_field=2).fit_transform([x])[0]

        return port
    import gudhi

    def tree(x: np.ndarray, t: Task) -> Any:
        if name == "alpha":
            complex_ = gudhi.AlphaComplex(points=x, precision="safe").create_simplex_tree(output_squared_values=False)
        else:
            complex_ = gudhi.RipsComplex(points=x, max_edge_length=2 * t.radius).create_simplex_tree(max_dimension=1)
            complex_.collapse_edges()
            complex_.expansion(t.degree + 1)
        complex_.compute_persistence(homology_coeff_field=2, persistence_dim_max=True)
        return [complex_.persistence_intervals_in_dimension(j) for j in range(t.degree + 1)]

    return tree


def cell(name: str, task: Task) -> None:
    """One measurement, printed as JSON: CPU seconds, and the memory that the computation added."""
    compute, x = engine(name), task.cloud()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    bars = compute(x, task)
    seconds, runs = time.process_time() - start, 1
    megabytes = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    # what takes milliseconds is repeated, for the clock and for a warm start
    if seconds < 0.2:
        start, runs = time.process_time(), 0
        while (seconds := time.process_time() - start) < 0.4:
            compute(x, task)
            runs += 1
    counts = [len(rows) for rows in bars]
    sys.stdout.write(json.dumps({"seconds": seconds / runs, "megabytes": megabytes, "bars": counts}))


def measured(name: str, index: int) -> dict[str, Any] | str:
    """A cell in its own process; why there is no figure, in a word, where there is none."""
    done = subprocess.run(
        [sys.executable, __file__, "--cell", name, str(index)],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"},
        preexec_fn=_capped,
    )
    if done.returncode == 0:
        return dict(json.loads(done.stdout))
    if "ImportError" in done.stderr or "ModuleNotFoundError" in done.stderr:
        return "absent"
    if "subsample to at most" in done.stderr:
        return "refused"
    memory = "MemoryError" in done.stderr or "bad_alloc" in done.stderr or "allocate" in done.stderr
    return "memory" if memory or done.returncode == -11 else "time" if done.returncode < 0 else "error"


def _capped() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 1))
    resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))


def main(wanted: list[str], engines: tuple[str, ...]) -> None:
    """Print the table, a row as soon as it is measured."""
    line = "{:28}" + " {:>16}" * len(engines) + " {:>8}"
    sys.stdout.write(line.format("task", *engines, "ratio") + "\n")
    hopeless: set[tuple[tuple[int, int, float], str]] = set()
    for index, task in enumerate(TASKS):
        if wanted and not any(w in task.name for w in wanted):
            continue
        found: dict[str, list[dict[str, Any]]] = {}
        alike = (task.dimension, task.degree, task.radius)
        failed = {name: "more" for name in engines if (alike, name) in hopeless}
        for _ in range(REPEATS):
            for name in engines:
                enough = name in failed or (name in found and found[name][0]["seconds"] > 1)
                result = None if enough else measured(name, index)
                if isinstance(result, str):
                    failed[name] = result
                    if result in ("time", "memory"):
                        hopeless.add((alike, name))
                elif result is not None:
                    found.setdefault(name, []).append(result)
        seconds = {name: statistics.median(r["seconds"] for r in rows) for name, rows in found.items()}
        cells = [
            f"{seconds[n]:.3f} s {found[n][0]['megabytes']:5.0f} MB" if n in seconds else failed[n] for n in engines
        ]
        best = min((seconds[n] for n in PERMISSIVE if n in seconds), default=math.nan)
        ratio = f"{seconds[engines[0]] / max(best, 1e-9):.2f}" if engines[0] in seconds else failed[engines[0]]
        sys.stdout.write(line.format(task.name, *cells, ratio) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--cell"]:
        cell(sys.argv[2], TASKS[int(sys.argv[3])])
    else:
        only = [a for a in sys.argv[1:] if not a.startswith("--engines=")]
        chosen = [a.removeprefix("--engines=").split(",") for a in sys.argv[1:] if a.startswith("--engines=")]
        main(only, tuple(chosen[0]) if chosen else ENGINES)

"""What the pytest plugin costs a suite that does not use it: `python benchmarks/plugin_startup.py [PAIRS]`.

Fresh pytest processes on one empty test, with the plugin and with `-p no:aeverify`, in turns; who is first changes from
pair to pair. Prints medians of wall-clock and CPU seconds and the ratio with its quartiles over the pairs, first where
Python keeps compiled files, as it does by default, then where PYTHONDONTWRITEBYTECODE forbids that, as many containers
do: there pytest compiles every plugin anew. Other plugins are left out, and the plugin is loaded by name from a copy.
"""

from __future__ import annotations

import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PLUGIN = Path(__file__).resolve().parents[1] / "_aeverify_pytest.py"
PAIRS = 31


def cost(options: list[str], folder: Path, compiled: bool) -> tuple[float, float]:
    """Wall-clock and CPU seconds of one session."""
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": str(folder)}
    environment["PYTHONDONTWRITEBYTECODE"] = "" if compiled else "1"
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    command = [sys.executable, "-m", "pytest", "-q", *options]
    subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
    wall, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def compare(pairs: int, folder: Path, compiled: bool) -> None:
    """Measure one setting and print."""
    kinds = {"without": ["-p", "no:aeverify"], "with": ["-p", PLUGIN.stem]}
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in kinds}
    for options in kinds.values():
        cost(options, folder, compiled)
    for i in range(pairs):
        for kind in sorted(kinds, reverse=bool(i % 2)):
            found[kind].append(cost(kinds[kind], folder, compiled))
    sys.stdout.write(f"{pairs} pairs, compiled files {'kept' if compiled else 'forbidden'}\n")
    for i, unit in enumerate(("wall clock", "CPU")):
        medians = {kind: statistics.median(row[i] for row in rows) for kind, rows in found.items()}
        ratios = [a[i] / b[i] for a, b in zip(found["with"], found["without"], strict=True)]
        low, middle, high = statistics.quantiles(ratios, n=4)
        sys.stdout.write(
            f"  {unit:<12} without {medians['without']:.4f} s, with {medians['with']:.4f} s, "
            f"ratio of medians {medians['with'] / medians['without']:.3f}; "
            f"ratio of a pair {middle:.3f} ({low:.3f} to {high:.3f})\n"
        )


def main(pairs: int) -> None:
    """Measure and print."""
    for compiled in (True, False):
        with tempfile.TemporaryDirectory() as name:
            (Path(name) / "test_nothing.py").write_text("def test_nothing():\n    pass\n")
            shutil.copy(PLUGIN, name)
            compare(pairs, Path(name), compiled)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else PAIRS)

"""What starting costs: help of the command line, import of the package, pytest with and without the plugin.

Prints the median wall-clock seconds of fresh processes, each beside what it is compared with.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RUNS = 9


def median_seconds(arguments: list[list[str]], folder: Path) -> list[float]:
    """Median seconds of each command; the commands take turns, so that noise falls on all alike."""
    seconds: list[list[float]] = [[] for _ in arguments]
    for _ in range(RUNS):
        for found, command in zip(seconds, arguments, strict=True):
            begun = time.perf_counter()
            subprocess.run([sys.executable, *command], cwd=folder, check=True, capture_output=True)
            found.append(time.perf_counter() - begun)
    return [statistics.median(s) for s in seconds]


def main() -> None:
    """Measure and print."""
    commands = {
        "python": ["-c", "pass"],
        "import aeverify": ["-c", "import aeverify"],
        "aeverify --help": ["-m", "aeverify", "--help"],
        "aeverify run --help": ["-m", "aeverify", "run", "--help"],
        "pytest without the plugin": ["-m", "pytest", "-q", "-p", "no:aeverify"],
        "pytest with the plugin": ["-m", "pytest", "-q"],
    }
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "test_nothing.py").write_text("def test_nothing():\n    pass\n")
        seconds = median_seconds(list(commands.values()), Path(folder))
    for name, value in zip(commands, seconds, strict=True):
        sys.stdout.write(f"{name:<28}{value:8.3f} s\n")


if __name__ == "__main__":
    main()

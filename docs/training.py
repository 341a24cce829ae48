"""Measure what printed recipes reach over many seeds: `python docs/training.py [SEEDS] [CHECKPOINTS]`.

Trains SEEDS models (32) by the recipe of Kvalheim and Sontag and by that of the spiral tutorial, and writes the tables
of docs/training.md between their marks. Interrupted, it goes on from the folder CHECKPOINTS (.cache/training).
About 10 minutes of one core.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path

import numpy as np

from aeverify.autoencoders.ensembles import train_ensemble
from aeverify.autoencoders.linear import PcaAutoencoder
from aeverify.autoencoders.members import Member
from aeverify.autoencoders.results import TrainingResult
from aeverify.core.seeds import Seed
from aeverify.manifolds import manifold, training_points

PAGE = Path(__file__).with_suffix(".md")
GRID = 100_000
EPSILONS = (0.1, 0.5)


def main(seeds: int, checkpoints: Path) -> None:
    """Train, measure, write."""
    replace("paper", paper(seeds, checkpoints))
    replace("spiral", spiral(seeds, checkpoints))


def trained(network: str, set_: str, recipe: str, seeds: int, checkpoints: Path) -> list[TrainingResult]:
    """Models of the seeds 0/restart/0, 0/restart/1, ... on the published points of a set."""
    points = training_points(set_, "paper").points
    members = [Member(Seed(0).child("restart", i), points) for i in range(seeds)]
    results = dict(train_ensemble(network, members, recipe, checkpoint=checkpoints / f"{recipe}-{seeds}", workers=1))
    return [results[i] for i in range(seeds)]


def paper(seeds: int, checkpoints: Path) -> str:
    """Distribution of the errors over both circles, each circle on a grid of its own."""
    results = trained("paper", "two_circles", "paper", seeds, checkpoints)
    grids = [part.grid(GRID).points for part in manifold("two_circles").components]
    rows: dict[str, list[float]] = {"mean squared error on the training points": []}
    for i, result in enumerate(results):
        if result.model is None:
            raise SystemExit(f"Seed {i} diverged: {result.note}")
        errors = [result.model.errors(points) for points in grids]
        found: dict[str, float] = {
            "mean squared error on the training points": result.mean_squared_error or 0.0,
            "mean error over the circles": float(np.mean(errors)),
            "sup error, circle in the plane z = 0 (lower bound)": float(errors[0].max()),
            "sup error, circle in the plane y = 0 (lower bound)": float(errors[1].max()),
        }
        for epsilon in EPSILONS:
            found[f"share of the length with error > {epsilon:g}"] = float(np.mean(np.concatenate(errors) > epsilon))
        for name, value in found.items():
            rows.setdefault(name, []).append(value)
        least = min(e.max() for e in errors)
        if least < 1.0:
            raise SystemExit(
                f"Seed {i} has sup error {least:.3f} < 1 on a circle of reach 1: the theorem says otherwise."
            )
    converged = sum(r.converged for r in results)
    above = results[0].recipe.converged_below
    lines = [
        "| over the seeds | least | quartile | median | quartile | largest |",
        "|---|---|---|---|---|---|",
        *(f"| {name} | " + " | ".join(number(q) for q in five(values)) + " |" for name, values in rows.items()),
        "",
        f"{converged} of {seeds} runs converged (mean squared error at most {above:g} of the variance).",
        "Every sup error is at least 1, the reach of each circle, as Theorem 1 says of every continuous autoencoder.",
    ]
    return "\n".join(lines)


def spiral(seeds: int, checkpoints: Path) -> str:
    """Root mean squared errors as the tutorial computes them, beside the ones that it prints."""
    results = trained("spiral", "spiral", "spiral", seeds, checkpoints)
    points = training_points("spiral", "paper").points
    errors = [rmse(r.model.errors(points)) for r in results if r.model is not None]
    pca = rmse(PcaAutoencoder.fit(points, 1).errors(points))
    better = sum(e < pca for e in errors)
    lines = [
        "| root mean squared error | least | quartile | median | quartile | largest | printed |",
        "|---|---|---|---|---|---|---|",
        "| autoencoder | " + " | ".join(number(q) for q in five(errors)) + " | 0.0380 |",
        "| PCA | | | " + f"{pca:.4f} | | | 0.9049 |",
        "",
        f"{better} of {seeds} autoencoders are better than PCA; {sum(e <= 0.0380 for e in errors)} at least as "
        "good as the printed one.",
        f"{sum(r.converged for r in results)} of {seeds} converged (mean squared error at "
        f"most {results[0].recipe.converged_below:g} of the variance).",
    ]
    return "\n".join(lines)


def rmse(errors: np.ndarray) -> float:
    """sqrt of the mean over points of squared distances, not divided by the number of coordinates (as the source)."""
    return math.sqrt(float(np.mean(np.square(errors))))


def five(values: list[float]) -> list[float]:
    """Least, quartile, median, quartile, largest."""
    return [float(q) for q in np.quantile(values, (0.0, 0.25, 0.5, 0.75, 1.0))]


def number(x: float) -> str:
    """Three digits."""
    return f"{x:.3g}" if abs(x) < 1 else f"{x:.2f}"


def replace(mark: str, text: str) -> None:
    """Write what stands between the marks of the page."""
    page = PAGE.read_text(encoding="utf-8")
    head, rest = page.split(f"<!-- {mark} -->\n", 1)
    tail = rest.split(f"<!-- end {mark} -->", 1)[1]
    PAGE.write_text(f"{head}<!-- {mark} -->\n{text}\n<!-- end {mark} -->{tail}", encoding="utf-8")


if __name__ == "__main__":
    main(
        int(sys.argv[1]) if len(sys.argv) > 1 else 32,
        Path(sys.argv[2]) if len(sys.argv) > 2 else Path(".cache/training"),
    )

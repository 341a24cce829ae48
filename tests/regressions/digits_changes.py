"""Changes to the pipeline and the data of examples/scikit_learn."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.regressions.running import EXAMPLES

Numbers = dict[str, NDArray[np.float64]]
Build = Callable[[Path], list[str]]
MODEL = ["pipeline:fitted", "--trust-model"]


def _stored(name: str) -> Numbers:
    with np.load(EXAMPLES / "scikit_learn" / name) as stored:
        return dict(stored)


def with_numbers(change: Callable[[Numbers], object]) -> Build:
    """The module of the example beside fitted numbers of which some were changed in place."""

    def build(folder: Path) -> list[str]:
        numbers = _stored("pipeline.npz")
        change(numbers)
        np.savez_compressed(folder / "pipeline.npz", **numbers)
        shutil.copy(EXAMPLES / "scikit_learn" / "pipeline.py", folder)
        return MODEL

    return build


def with_code(lines: str) -> Build:
    """The numbers of the example, and a module that makes something else of its Pipeline `made`."""

    def build(folder: Path) -> list[str]:
        with_numbers(lambda numbers: None)(folder)
        module = folder / "pipeline.py"
        head = module.read_text(encoding="utf-8").replace("def fitted(", "def _fitted(")
        body = "".join(f"    {line}\n" for line in lines.splitlines())
        module.write_text(f"{head}\n\ndef fitted():\n    made = _fitted()\n{body}", encoding="utf-8")
        return MODEL

    return build


def stale(numbers: Numbers) -> None:
    """The scaler of an older release, whose pixels went from 0 to 1."""
    numbers["scaler_mean"] /= 16
    numbers["scaler_scale"] /= 16


def signs_flipped(numbers: Numbers) -> None:
    """Every second component points the other way, as another LAPACK has it."""
    numbers["pca_components"][::2] *= -1


def rows_shuffled(folder: Path) -> list[str]:
    """The same rows in another order."""
    with_numbers(lambda numbers: None)(folder)
    data = _stored("digits.npz")
    order = np.random.default_rng(1).permutation(len(data["pixels"]))
    np.savez_compressed(folder / "digits.npz", **{key: rows[order] for key, rows in data.items()})
    return [*MODEL, "--on", "digits.npz"]


CALLABLES = """\
from aeverify import Autoencoder
return Autoencoder.from_callables({encode}, {decode}, ambient_dim=64, latent_dim=24)
"""
TRANSPOSED = CALLABLES.format(
    encode="made.transform",
    decode="lambda z: made.inverse_transform(z).reshape(-1, 8, 8).transpose(0, 2, 1).reshape(-1, 64)",
)
OPAQUE = CALLABLES.format(encode="made.transform", decode="made.inverse_transform")

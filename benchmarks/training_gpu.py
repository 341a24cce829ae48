"""Train 1024 paper models for 100,000 steps on a GPU: `python benchmarks/training_gpu.py [MODELS] [STEPS]`.

Prints the wall time and its ratio to the floor that the optimiser sets: 32 bytes a weight and step at the
measured bandwidth of the device. Data are drawn on the device. Without a GPU it says so. Not yet
run on one.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch

from aeverify.autoencoders.architectures import architecture
from aeverify.autoencoders.engines.graphs import BYTES_A_WEIGHT_AND_STEP
from aeverify.autoencoders.ensembles import train_ensemble
from aeverify.autoencoders.members import Member
from aeverify.autoencoders.recipes import recipe
from aeverify.core.seeds import Seed
from aeverify.manifolds import manifold
from aeverify.manifolds.tensors import sample_tensors

TARGET_SECONDS = 180.0
POINTS = 1000


@dataclass(frozen=True)
class Drawn:
    """Uniform points of the two circles, drawn where they are needed."""

    seed: Seed

    def tensor(self, device: str) -> torch.Tensor:
        """See `PointSource`."""
        return sample_tensors(manifold("two_circles"), POINTS, self.seed, device=device, dtype=torch.float32)[0]


def bandwidth() -> float:
    """Bytes a second that the device reads and writes, by copies of a gigabyte."""
    source = torch.empty(2**28, device="cuda")
    target = torch.empty_like(source)
    target.copy_(source)
    torch.cuda.synchronize()
    before = time.perf_counter()
    for _ in range(20):
        target.copy_(source)
    torch.cuda.synchronize()
    return 20 * 2 * source.nbytes / (time.perf_counter() - before)


def main(models: int, steps: int) -> None:
    """Train and tell."""
    if not torch.cuda.is_available():
        sys.stdout.write("No GPU here: torch sees no CUDA device, and nothing was measured.\n")
        return
    speed = bandwidth()
    members = [Member(Seed(i), Drawn(Seed(i).child("data"))) for i in range(models)]
    before = time.perf_counter()
    results = dict(train_ensemble("paper", members, recipe("paper", steps=steps), device="cuda"))
    seconds = time.perf_counter() - before
    floor = architecture("paper").parameter_count * BYTES_A_WEIGHT_AND_STEP * models * steps / speed
    sys.stdout.write(
        f"{torch.cuda.get_device_name()}, {speed / 1e12:.2f} TB/s: {models} models, {steps} steps in {seconds:.1f} s, "
        f"{seconds / (models * steps) * 1e6:.2f} us a model-step; floor {floor:.1f} s, ratio {seconds / floor:.2f}; "
        f"target {TARGET_SECONDS:.0f} s {'met' if seconds <= TARGET_SECONDS else 'missed'}; "
        f"{sum(r.converged for r in results.values())} converged\n"
    )


if __name__ == "__main__":
    main(*(int(x) for x in sys.argv[1:3])) if len(sys.argv) > 2 else main(1024, 100_000)

"""Tensors: points drawn on the device where they are needed, by the same charts evaluated on torch tensors.

torch is loaded when the first tensor is asked for.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from aeverify.core.seeds import Seed, as_seed
from aeverify.manifolds.base import Manifold, require_count
from aeverify.manifolds.chart import Chart, Operations

if TYPE_CHECKING:
    import torch

_BATCH = 4_000_000
_LEAST_SHARE = 0.02


class _TorchOperations:
    """The operations of a chart's formula on tensors; numbers stay Python floats."""

    pi: Any = math.pi
    real = staticmethod(float)

    def sin(self, x: Any, /) -> Any:
        """The sine."""
        return x.sin() if hasattr(x, "sin") else math.sin(x)

    def cos(self, x: Any, /) -> Any:
        """The cosine."""
        return x.cos() if hasattr(x, "cos") else math.cos(x)

    def sqrt(self, x: Any, /) -> Any:
        """The square root."""
        return x.sqrt() if hasattr(x, "sqrt") else math.sqrt(x)

    def exp(self, x: Any, /) -> Any:
        """The exponential."""
        return x.exp() if hasattr(x, "exp") else math.exp(x)


TORCH: Operations = _TorchOperations()


def sample_tensors(
    K: Manifold, n: int, seed: Seed | int, *, device: str = "cpu", dtype: torch.dtype | None = None
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """n independent points of a set, uniform in its intrinsic measure, drawn on a torch device.

    By rejection under the proved envelope (`sampling`), in float64 on the device. Families whose share of kept
    proposals is below 2 % are drawn by numpy and copied. Other numbers than `Manifold.sample` draws from the same seed.

    Args:
        K: any manifold.
        n: how many points.
        seed: of the draws.
        device: a torch device, "cpu" or "cuda".
        dtype: of the points returned; float64 where left out. Parameters are always float64.

    Returns:
        points (n, ambient_dim), chart parameters (n, d) and the index of the component (n,).

    Raises:
        UsageError: n is not a count or the seed is no seed.
    """
    import torch

    n, seed = require_count(n), as_seed(seed)
    kind = torch.float64 if dtype is None else dtype
    generator = torch.Generator(device=device)
    generator.manual_seed(seed.value)
    parts = K.components
    volumes = torch.tensor([p.truth.volume.lower for p in parts], dtype=torch.float64, device=device)
    if len(parts) == 1:
        component = torch.zeros(n, dtype=torch.int64, device=device)
    else:
        component = torch.multinomial(volumes, n, replacement=True, generator=generator)
    width = max(p.chart.dim for p in parts)
    points = torch.empty((n, K.ambient_dim), dtype=kind, device=device)
    parameters = torch.zeros((n, width), dtype=torch.float64, device=device)
    for i, part in enumerate(parts):
        rows = slice(None) if len(parts) == 1 else (component == i).nonzero()[:, 0]
        count = n if len(parts) == 1 else len(rows)  # type: ignore[arg-type]
        if not count:
            continue
        chart = part.chart
        box = math.prod(b - a for a, b in zip(chart.lower, chart.upper, strict=True))
        if part.truth.volume.lower / (math.prod(chart.speed) * box) >= _LEAST_SHARE:
            u = _draw(chart, count, generator, device)
        else:
            drawn = part.sample(count, seed.child("component", i)).parameters
            u = torch.as_tensor(drawn, device=device)
        columns = chart.formula([u[:, j] for j in range(chart.dim)], TORCH)
        x = torch.stack([c if isinstance(c, torch.Tensor) else torch.full_like(u[:, 0], c) for c in columns], dim=1)
        points[rows] = x.to(kind)
        parameters[rows, : chart.dim] = u
    return points, parameters, component


def _draw(chart: Chart, n: int, generator: torch.Generator, device: str) -> torch.Tensor:
    import torch

    low = torch.tensor(chart.lower, dtype=torch.float64, device=device)
    length = torch.tensor(chart.upper, dtype=torch.float64, device=device) - low
    kept: list[torch.Tensor] = []
    missing = n
    while missing > 0:
        size = min(_BATCH, 64 + missing + missing // 2)
        u = low + length * torch.rand((size, chart.dim), dtype=torch.float64, device=device, generator=generator)
        density = _density(chart, u)
        keep = torch.rand(size, dtype=torch.float64, device=device, generator=generator) < density
        kept.append(u[keep][:missing])
        missing -= len(kept[-1])
    return torch.cat(kept)


def _density(chart: Chart, u: torch.Tensor) -> torch.Tensor:
    """sqrt(det J^T J) over prod speed_i, at parameters (N, d)."""
    import torch

    rows = chart.differentiate([u[:, j] for j in range(chart.dim)], TORCH)[1]
    zero = torch.zeros(len(u), dtype=torch.float64, device=u.device)
    gram = [[zero for _ in range(chart.dim)] for _ in range(chart.dim)]
    for row in rows:
        for j in range(chart.dim):
            for k in range(j + 1):
                if chart.orthogonal and j != k:
                    continue
                gram[j][k] = gram[k][j] = gram[j][k] + row[j] * row[k] / (chart.speed[j] * chart.speed[k])
    if chart.orthogonal or chart.dim == 1:
        product = gram[0][0]
        for j in range(1, chart.dim):
            product = product * gram[j][j]
        return product.sqrt()
    matrix = torch.stack([torch.stack(row, dim=-1) for row in gram], dim=-2)
    density: torch.Tensor = torch.linalg.det(matrix).clamp_min(0.0).sqrt()
    return density

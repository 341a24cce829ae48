"""Image layers made from weights: convolutions with given kernels, and moving an image as a convolution."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from aeverify.autoencoders.rows import Array, NotRebuilt, Shape

CONVOLUTIONS: dict[int, type[nn.Module]] = {1: nn.Conv1d, 2: nn.Conv2d}
TRANSPOSED: dict[int, type[nn.Module]] = {1: nn.ConvTranspose1d, 2: nn.ConvTranspose2d}


def axes_of(before: Shape) -> int:
    """The number of axes of an image (channels, ...) of that shape: 1 or 2.

    Raises:
        NotRebuilt: another number.
    """
    if len(before) not in (2, 3):
        raise NotRebuilt(f"it convolves or pools tensors of shape {before}")
    return len(before) - 1


def filled(kind: type[nn.Module], weight: Array, bias: Array | None, *args: Any, **settings: Any) -> nn.Module:
    """A layer of that kind with these weights."""
    layer = kind(*args, bias=bias is not None, device="meta", **settings)
    layer.weight = nn.Parameter(torch.from_numpy(np.array(weight)), requires_grad=False)
    if bias is not None:
        layer.bias = nn.Parameter(torch.from_numpy(np.array(bias)), requires_grad=False)
    return layer


def padded_kernel(weight: Array, axis: int, first: int, last: int, dilation: int) -> Array:
    """The kernel with zeros before and after along one axis, counted in steps of the input."""
    if first % dilation or last % dilation:
        raise NotRebuilt("a dilated convolution is padded differently on two sides")
    widths = [(0, 0)] * weight.ndim
    widths[axis + 2] = (first // dilation, last // dilation)
    return np.pad(weight, widths)


def batch_norm(before: Shape, epsilon: float, weight: Array, bias: Array, mean: Array, variance: Array) -> nn.Module:
    """Batch norm in eval mode with these running statistics, on tensors of that shape.

    Raises:
        NotRebuilt: no torch layer normalises such tensors, or a negative variance.
    """
    kinds = {1: nn.BatchNorm1d, 2: nn.BatchNorm1d, 3: nn.BatchNorm2d}
    if len(before) not in kinds:
        raise NotRebuilt(f"it normalises tensors of shape {before}")
    if not (variance >= 0).all():
        raise NotRebuilt("its batch norm has a negative variance")
    layer = kinds[len(before)](before[0], eps=epsilon)
    for name, array in (("weight", weight), ("bias", bias), ("running_mean", mean), ("running_var", variance)):
        tensor = torch.from_numpy(np.array(array))
        setattr(layer, name, nn.Parameter(tensor, requires_grad=False) if name in ("weight", "bias") else tensor)
    return layer.eval()


def moved_image(before: Shape, changes: Sequence[tuple[int, int]]) -> nn.Module:
    """An image with zeros put before and after it along each axis, or taken away where a number is negative: the
    convolution by a kernel that is one at one place."""
    axes, channels = axes_of(before), before[0]
    weight = np.ones((channels, 1, *([1] * axes)), dtype=np.float32)
    symmetric = []
    for axis, (first, last) in enumerate(changes):
        p = max(first, last, 0)
        weight = padded_kernel(weight, axis, p - first, p - last, 1)
        symmetric.append(p)
    kernel = tuple(weight.shape[2:])
    return filled(
        CONVOLUTIONS[axes], weight, None, channels, channels, kernel, padding=tuple(symmetric), groups=channels
    )

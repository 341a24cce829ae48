"""Image operators of ONNX as torch modules: padding that differs on two sides goes into the kernel as rows of zeros."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import nn

from aeverify.autoencoders.images import CONVOLUTIONS, TRANSPOSED, axes_of, filled, moved_image, padded_kernel
from aeverify.autoencoders.onnx.graphs import Array
from aeverify.autoencoders.onnx.operators import attribute
from aeverify.autoencoders.rows import NotRebuilt

Shape = tuple[int, ...]


def _pads(
    node: Any, before: Shape, kernel: Sequence[int], strides: Sequence[int], dilations: Sequence[int]
) -> list[tuple[int, int]]:
    """Padding before and after along each axis."""
    mode = attribute(node, "auto_pad", "NOTSET")
    axes = len(kernel)
    if mode == "NOTSET":
        pads = list(attribute(node, "pads", [0] * (2 * axes)))
        return list(zip(pads[:axes], pads[axes:], strict=True))
    if mode == "VALID":
        return [(0, 0)] * axes
    found = []
    for size, k, s, d in zip(before[1:], kernel, strides, dilations, strict=True):
        total = max((-(-size // s) - 1) * s + d * (k - 1) + 1 - size, 0)
        small, large = total // 2, total - total // 2
        found.append((small, large) if mode == "SAME_UPPER" else (large, small))
    return found


def convolution(node: Any, weight: Array, bias: Array | None, before: Shape, after: Shape) -> nn.Module:
    """Conv. With padding (a, b) on an axis and p = max(a, b), the window that starts at -a starts at -p for a kernel
    with p - a zeros put before it; p - b zeros after it keep the number of windows."""
    axes = axes_of(before)
    strides, dilations = (list(attribute(node, name, [1] * axes)) for name in ("strides", "dilations"))
    pads = _pads(node, before, weight.shape[2:], strides, dilations)
    symmetric = []
    for axis, (first, last) in enumerate(pads):
        p = max(first, last)
        weight = padded_kernel(weight, axis, p - first, p - last, dilations[axis])
        symmetric.append(p)
    return filled(
        CONVOLUTIONS[axes],
        weight,
        bias,
        before[0],
        after[0],
        tuple(weight.shape[2:]),
        stride=tuple(strides),
        padding=tuple(symmetric),
        dilation=tuple(dilations),
        groups=attribute(node, "group", 1),
    )


def transposed(node: Any, weight: Array, bias: Array | None, before: Shape, after: Shape) -> nn.Module:
    """ConvTranspose. The full result is cropped by a and b; torch crops p on both sides and adds `output_padding` at
    the end. So p = a and output_padding = o + a - b; where that is negative, z zeros before the kernel shift the
    result by z, and a becomes a + z."""
    axes = axes_of(before)
    strides, dilations = (list(attribute(node, name, [1] * axes)) for name in ("strides", "dilations"))
    extra = list(attribute(node, "output_padding", [0] * axes))
    mode, sizes = attribute(node, "auto_pad", "NOTSET"), attribute(node, "output_shape")
    if mode == "NOTSET" and sizes is None:
        pads = list(attribute(node, "pads", [0] * (2 * axes)))
        crops = list(zip(pads[:axes], pads[axes:], strict=True))
    elif mode == "VALID":
        crops = [(0, 0)] * axes
    else:
        crops = []
        for size, out, k, s, d, o in zip(
            before[1:], after[1:], weight.shape[2:], strides, dilations, extra, strict=True
        ):
            total = s * (size - 1) + o + d * (k - 1) + 1 - out
            small, large = total // 2, total - total // 2
            crops.append((small, large) if mode == "SAME_UPPER" else (large, small))
    padding_, added = [], []
    for axis, ((first, last), o) in enumerate(zip(crops, extra, strict=True)):
        zeros = max(0, last - first - o)
        zeros += -zeros % dilations[axis]
        weight = padded_kernel(weight, axis, zeros, 0, dilations[axis])
        first += zeros
        padding_.append(first)
        added.append(o + first - last)
        if first < 0 or not 0 <= added[-1] < max(strides[axis], dilations[axis]):
            raise NotRebuilt("a transposed convolution is cropped in a way that torch has no setting for")
    group = attribute(node, "group", 1)
    return filled(
        TRANSPOSED[axes],
        weight,
        bias,
        before[0],
        after[0],
        tuple(weight.shape[2:]),
        stride=tuple(strides),
        padding=tuple(padding_),
        output_padding=tuple(added),
        dilation=tuple(dilations),
        groups=group,
    )


def pooling(node: Any, kind: str, before: Shape) -> nn.Module:
    """AveragePool, MaxPool and GlobalAveragePool."""
    axes = axes_of(before)
    average: dict[int, Any] = {1: nn.AvgPool1d, 2: nn.AvgPool2d}
    if kind == "GlobalAveragePool":
        return average[axes](before[1] if axes == 1 else tuple(before[1:]))  # type: ignore[no-any-return]
    kernel = list(attribute(node, "kernel_shape"))
    strides = list(attribute(node, "strides", [1] * axes))
    dilations = list(attribute(node, "dilations", [1] * axes))
    pads = _pads(node, before, kernel, strides, dilations)
    if attribute(node, "ceil_mode", 0) or any(first != last for first, last in pads) or set(dilations) != {1}:
        raise NotRebuilt(f"its {kind} is padded differently on two sides, rounds its size up or is dilated")
    sizes: list[Any] = [tuple(kernel), tuple(strides), tuple(first for first, _ in pads)]
    if axes == 1:
        sizes = [s[0] for s in sizes]
    if kind == "MaxPool":
        return nn.MaxPool1d(*sizes) if axes == 1 else nn.MaxPool2d(*sizes)
    counted = bool(attribute(node, "count_include_pad", 0))
    return average[axes](*sizes, count_include_pad=counted)  # type: ignore[no-any-return]


def upsampling(node: Any, before: Shape, after: Shape) -> nn.Module:
    """Resize and Upsample to nearest neighbours by whole factors, in the settings that take pixel floor(i/f) for i."""
    axes = axes_of(before)
    factors = [new // old for new, old in zip(after[1:], before[1:], strict=True)]
    whole = all(old * f == new for old, new, f in zip(before[1:], after[1:], factors, strict=True))
    setting = (
        attribute(node, "coordinate_transformation_mode", "half_pixel"),
        attribute(node, "nearest_mode", "round_prefer_floor"),
    )
    # (i + 1/2)/f - 1/2 lies less than 1/2 from floor(i/f), and i/f in [floor(i/f), floor(i/f) + 1)
    floors = setting[0] in ("half_pixel", "pytorch_half_pixel") and setting[1].startswith("round_prefer")
    floors = floors or (setting[0] in ("asymmetric", "tf_half_pixel_for_nn") and setting[1] == "floor")
    floors = floors or node.op_type == "Upsample"
    if attribute(node, "mode", "nearest") != "nearest" or before[0] != after[0] or not whole or not floors:
        raise NotRebuilt(f"its {node.op_type} is not to nearest neighbours by whole factors")
    return nn.Upsample(scale_factor=tuple(map(float, factors)) if axes > 1 else float(factors[0]))


def padding(node: Any, kind: str, arguments: list[Array | None], before: Shape) -> nn.Module:
    """Pad with zeros, and Slice with step 1, along the axes of images: a convolution by a kernel that is one at one
    place, which moves the image."""
    axes = axes_of(before)
    rank = axes + 2
    if kind == "Pad":
        pads = attribute(node, "pads") if attribute(node, "pads") is not None else arguments[0]
        value = arguments[1] if len(arguments) > 1 else None
        by_axis = arguments[2] if len(arguments) > 2 else None
        if attribute(node, "mode", "constant") != "constant" or pads is None or by_axis is not None:
            raise NotRebuilt("its Pad does not pad with zeros")
        if value is not None and value.size and float(value.flat[0]) != 0.0:
            raise NotRebuilt("its Pad pads with another number than zero")
        changes = [(int(pads[i]), int(pads[i + rank])) for i in range(rank)]
    else:
        changes = _sliced(arguments, before, rank)
    if changes[0] != (0, 0) or changes[1] != (0, 0):
        raise NotRebuilt(f"its {kind} changes the batch or the channels")
    return moved_image(before, changes[2:])


def _sliced(arguments: list[Array | None], before: Shape, rank: int) -> list[tuple[int, int]]:
    """A Slice as negative padding."""
    if len(arguments) < 2 or arguments[0] is None or arguments[1] is None:
        raise NotRebuilt("its Slice depends on the input")
    starts, ends = (np.asarray(a).ravel().tolist() for a in arguments[:2])
    axes = list(range(len(starts)))
    if len(arguments) > 2 and arguments[2] is not None:
        axes = [int(a) % rank for a in arguments[2].ravel()]
    if len(arguments) > 3 and arguments[3] is not None and not (arguments[3] == 1).all():
        raise NotRebuilt("its Slice leaves out pixels")
    changes = [(0, 0)] * rank
    for start, end, axis in zip(starts, ends, axes, strict=True):
        if axis == 0:
            raise NotRebuilt("its Slice takes some rows of the batch only")
        size = before[axis - 1]
        low, high = slice(int(start), int(end)).indices(size)[:2]
        changes[axis] = (-low, -(size - high))
    return changes

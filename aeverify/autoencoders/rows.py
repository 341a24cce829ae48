"""Rows: a network written as steps on flattened points, turned into an `nn.Sequential` that enclosures understand.

Two kinds of step that other libraries write, and that no certified rule exists for, are put into the weights beside
them. Both are exact, since weights are only moved:

- a transposition (images with the channels last) is a permutation P of the coordinates. It is carried forward through
  everything that acts on each coordinate alone, and ends in the columns of the next dense layer, in the rows of the
  last one, or cancels another. One that repeats coordinates ends in the rows of the last dense layer, or is an
  upsampling;
- multiplication by constants a and addition of constants b: b becomes the bias of the layer before it where that has
  none; else x -> a x + b is a diagonal layer, or a convolution with kernel 1 where a and b are constant in a channel.

A permutation or a diagonal that ends nowhere is a dense layer of at most `MOST_DIAGONAL` coordinates.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, TypeAlias, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from aeverify.autoencoders.blocks import Residual
from aeverify.errors import InvariantError

Array = NDArray[Any]
Shape = tuple[int, ...]

MOST_DIAGONAL = 4096
"""Most coordinates of a dense layer that is a permutation or a diagonal: 128 MiB."""


class NotRebuilt(Exception):
    """The network has no form as torch modules; the message says why, to be put after "since"."""


@final
@dataclass(frozen=True, eq=False)
class Dense:
    """x -> weight x + bias on rows, weight (out, in)."""

    weight: Array
    bias: Array | None = None


@final
@dataclass(frozen=True, eq=False)
class Scale:
    """x -> factor x + shift for each coordinate; arrays of the size of a row; None for 1 and 0."""

    factor: Array | None
    shift: Array | None


@final
@dataclass(frozen=True, eq=False)
class Take:
    """y[i] = x[order[i]]: a permutation of the coordinates, or one that repeats or leaves out some."""

    order: NDArray[np.int64]


@final
@dataclass(frozen=True, eq=False)
class Pointwise:
    """An activation, applied to each coordinate alone."""

    module: nn.Module


@final
@dataclass(frozen=True, eq=False)
class Spatial:
    """A module on tensors of one shape that returns another: convolution, pooling, upsampling, batch norm."""

    module: nn.Module
    before: Shape
    after: Shape


@final
@dataclass(frozen=True, eq=False)
class Skip:
    """x -> x + body(x) on rows of that size."""

    body: tuple[Step, ...]
    size: int


Step: TypeAlias = Dense | Scale | Take | Pointwise | Spatial | Skip


def sequential(steps: tuple[Step, ...], size: int) -> nn.Sequential:
    """The network of these steps on rows of that size.

    Raises:
        NotRebuilt: a permutation or a diagonal of more than `MOST_DIAGONAL` coordinates is left over.
    """
    return _modules(_merged(steps, size), size)


def clamped(low: float | None, high: float | None, size: int) -> list[Step]:
    """min(max(x, a), b) in affine maps and ReLU: max(x, a) = a + relu(x - a), min(x, b) = b - relu(b - x), and
    min(max(x, a), b) = b - relu(b - a - relu(x - a)) for a <= b.

    Raises:
        NotRebuilt: a > b, or b - a is no float64 number, so that no weight can hold it.
    """
    low, high = (None if low == -math.inf else low), (None if high == math.inf else high)
    if not all(end is None or math.isfinite(end) for end in (low, high)):
        raise NotRebuilt(f"it clamps to [{low!r}, {high!r}]")
    minus = np.full(size, -1.0)
    relu = Pointwise(nn.ReLU())
    if low is None and high is None:
        return []
    if low is None or high is None:
        end = low if high is None else high
        assert end is not None
        number = np.full(size, end)
        if high is None:
            return [Scale(None, -number), relu, Scale(None, number)]
        return [Scale(minus, number), relu, Scale(minus, number)]
    if low > high or Fraction(high) - Fraction(low) != Fraction(high - low):
        raise NotRebuilt(f"the width of its clamp to [{low!r}, {high!r}] is no float64 number")
    between = np.full(size, high - low)
    return [
        *(Scale(None, np.full(size, -low)), relu),
        *(Scale(minus, between), relu),
        Scale(minus, np.full(size, high)),
    ]


def maxima(count: int, size: int) -> list[Step]:
    """The largest of `count` rows of `size` numbers that lie one after the other, number by number: pairs at a time,
    max(a, b) = b + relu(a - b).

    Raises:
        NotRebuilt: more than `MOST_DIAGONAL` numbers in all.
    """
    steps: list[Step] = []
    while count > 1:
        _require_small(count * size, "takes maxima")
        half = count // 2
        difference = np.zeros((half * size, count * size), dtype=np.float32)
        index = np.arange(half * size)
        difference[index, index] = 1.0
        difference[index, half * size + index] = -1.0
        back = np.zeros((count * size, half * size), dtype=np.float32)
        back[half * size + index, index] = 1.0
        steps.append(Skip((Dense(difference), Pointwise(nn.ReLU()), Dense(back)), count * size))
        steps.append(Take(np.arange(half * size, count * size)))
        count -= half
    return steps


def _merged(steps: tuple[Step, ...], size: int) -> list[Step]:
    """The same function without `Take`, and with shifts put into the layer before them where it has no bias."""
    done: list[Step] = []
    order: NDArray[np.int64] | None = None
    width = size  # of what `order` takes from
    for step in steps:
        if isinstance(step, Take):
            order = step.order if order is None else order[step.order]
            if len(order) == width and np.array_equal(order, np.arange(width)):
                order = None
            continue
        if order is not None and not isinstance(step, Pointwise):
            one_to_one = len(order) == width and len(np.unique(order)) == width
            if isinstance(step, Dense) and one_to_one:
                weight = np.empty_like(step.weight)
                weight[:, order] = step.weight
                step, order = replace(step, weight=weight), None
            elif isinstance(step, Scale) and one_to_one:
                back = np.empty_like(order)
                back[order] = np.arange(width)
                step = Scale(*(None if a is None else a[back] for a in (step.factor, step.shift)))
            else:
                _flush(done, order, width)
                width, order = len(order), None
        if isinstance(step, Skip):
            step = replace(step, body=tuple(_merged(step.body, step.size)))
        width = _width(step, width)
        if isinstance(step, Scale) and step.factor is None and done and _takes_shift(done, step):
            continue
        done.append(step)
    if order is not None:
        _flush(done, order, width)
    return done


def _width(step: Step, before: int) -> int:
    if isinstance(step, Dense):
        return int(step.weight.shape[0])
    return math.prod(step.after) if isinstance(step, Spatial) else before


def _flush(done: list[Step], order: NDArray[np.int64], width: int) -> None:
    """Put a `Take` at the end: into the rows of the last dense layer, if what follows acts on coordinates alone; as an
    upsampling; or as a dense layer of its own."""
    back = len(done)
    while back and isinstance(done[back - 1], Scale | Pointwise):
        back -= 1
    last = done[back - 1] if back else None
    if isinstance(last, Dense):
        for i in range(back - 1, len(done)):
            step = done[i]
            if isinstance(step, Dense):
                done[i] = Dense(step.weight[order], None if step.bias is None else step.bias[order])
            elif isinstance(step, Scale):
                done[i] = Scale(*(None if a is None else a[order] for a in (step.factor, step.shift)))
        return
    upsampling = _upsampling(last.after, order) if isinstance(last, Spatial) else None
    if upsampling is not None:
        done.append(upsampling)
        return
    _require_small(max(len(order), width), "transposes or repeats images")
    weight = np.zeros((len(order), width), dtype=np.float32)
    weight[np.arange(len(order)), order] = 1.0
    done.append(Dense(weight))


def _upsampling(shape: Shape, order: NDArray[np.int64]) -> Spatial | None:
    """The upsampling by one factor on all axes of an image that repeats pixels in this order; None where it is none."""
    axes, factor = len(shape) - 1, 2
    while axes in (1, 2) and math.prod(shape) * factor**axes <= len(order):
        index = np.arange(math.prod(shape)).reshape(shape)
        for axis in range(1, axes + 1):
            index = index.repeat(factor, axis)
        if index.size == len(order) and np.array_equal(index.ravel(), order):
            return Spatial(nn.Upsample(scale_factor=float(factor)), shape, index.shape)
        factor += 1
    return None


def _takes_shift(done: list[Step], step: Scale) -> bool:
    last, shift = done[-1], step.shift
    assert shift is not None
    if isinstance(last, Scale) and last.shift is None:
        done[-1] = replace(last, shift=shift)
        return True
    if isinstance(last, Dense) and last.bias is None:
        done[-1] = replace(last, bias=shift)
        return True
    if isinstance(last, Spatial) and getattr(last.module, "bias", 0) is None:
        per_channel = shift.reshape(last.after[0], -1)
        if (per_channel == per_channel[:, :1]).all():
            last.module.bias = nn.Parameter(torch.from_numpy(per_channel[:, 0].copy()), requires_grad=False)
            return True
    return False


def _require_small(size: int, what: str) -> None:
    if size > MOST_DIAGONAL:
        raise NotRebuilt(f"it {what} of {size} numbers, more than the {MOST_DIAGONAL} that a dense layer is made for")


def _modules(steps: list[Step], size: int) -> nn.Sequential:
    modules: list[nn.Module] = []
    shape: Shape = (size,)

    def become(wanted: Shape) -> None:
        nonlocal shape
        if shape == wanted:
            return
        if len(shape) > 1:
            modules.append(nn.Flatten(1))
        if len(wanted) > 1:
            modules.append(nn.Unflatten(1, wanted))
        shape = wanted

    for step in steps:
        if isinstance(step, Dense):
            become((math.prod(shape),))
            modules.append(_linear(step.weight, step.bias))
            shape = (step.weight.shape[0],)
        elif isinstance(step, Pointwise):
            modules.append(step.module)
        elif isinstance(step, Spatial):
            become(step.before)
            modules.append(step.module)
            shape = step.after
        elif isinstance(step, Skip):
            become((step.size,))
            modules.append(Residual(_modules(list(step.body), step.size)))
        elif isinstance(step, Scale):
            layer = by_channel(step, shape)
            if layer is not None:
                modules.append(layer)
                continue
            become((math.prod(shape),))
            _require_small(shape[0], "multiplies images by constants")
            factor = np.ones(shape[0], dtype=np.float32) if step.factor is None else step.factor
            modules.append(_linear(np.diag(factor), step.shift))
        else:
            raise InvariantError(f"A step {type(step).__name__} was to be merged before.")
    become((math.prod(shape),))
    return nn.Sequential(*modules)


def _parameter(array: Array) -> nn.Parameter:
    return nn.Parameter(torch.from_numpy(np.array(array)), requires_grad=False)


def _linear(weight: Array, bias: Array | None) -> nn.Linear:
    layer = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None, device="meta")
    layer.weight = _parameter(weight)
    if bias is not None:
        layer.bias = _parameter(bias)
    return layer


def by_channel(step: Scale, shape: Shape) -> nn.Module | None:
    """A convolution with kernel 1 for each channel, where the constants do not change inside one."""
    if len(shape) not in (2, 3):
        return None
    values: list[Array | None] = []
    for array in (step.factor, step.shift):
        if array is None:
            values.append(None)
            continue
        rows = array.reshape(shape[0], -1)
        if not (rows == rows[:, :1]).all():
            return None
        values.append(rows[:, 0])
    channels = shape[0]
    factor = np.ones(channels, dtype=np.float32) if values[0] is None else values[0]
    kind = nn.Conv1d if len(shape) == 2 else nn.Conv2d
    layer = kind(channels, channels, 1, groups=channels, bias=values[1] is not None, device="meta")
    layer.weight = _parameter(factor.reshape(channels, 1, *([1] * (len(shape) - 1))))
    if values[1] is not None:
        layer.bias = _parameter(values[1])
    return layer

"""Exported: a torch module with a forward of its own, written as a stack of layers.

torch.export records the ATen operators between input and output. They are walked from the output to the input, and each
becomes a step on rows (`rows`): a layer with the weights that it was called with, an activation, multiplication or
addition of constants, or the choice of coordinates. What only moves numbers (transpositions, slices, repetition) is not
interpreted but run on the numbers of the coordinates, several rows at once, so that an operator that mixes rows shows.
A sum of two branches becomes a residual block where one of them is an ancestor of the other. x sigmoid(x) is SiLU.
Clamps and max pooling become ReLU (`rows.clamped`, `rows.maxima`).

The stack is the same real function as the graph, not the same sequence of roundings; the two are compared at random
points nevertheless.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, final

import numpy as np
import torch
from torch import nn

from aeverify.autoencoders.blocks import Cosine, Quotient, Sine
from aeverify.autoencoders.images import CONVOLUTIONS, TRANSPOSED, axes_of, batch_norm, filled, moved_image
from aeverify.autoencoders.rows import (
    Array,
    Dense,
    NotRebuilt,
    Pointwise,
    Scale,
    Shape,
    Skip,
    Spatial,
    Step,
    Take,
    by_channel,
    clamped,
    maxima,
)
from aeverify.autoencoders.rows import sequential as stacked
from aeverify.autoencoders.tracing import changes_itself, operator_name, quiet, traced
from aeverify.errors import AeverifyError

AGREEMENT = 1e-9
"""Largest difference, relative to the largest number, between a module and its stack at random points in float64."""

_ROWS = 7
_MOST_NODES = 2000
_MOST_DEPTH = 100

_RESHAPING = frozenset({"view", "reshape", "flatten", "unflatten", "squeeze", "unsqueeze", "_unsafe_view"})
_SAME = frozenset({"contiguous", "clone", "detach", "alias", "lift_fresh_copy"})
_MOVING = frozenset(
    (
        *("permute", "transpose", "t", "numpy_T", "swapaxes", "movedim", "slice", "select", "narrow", "chunk", "split"),
        *("split_with_sizes", "unbind", "flip", "expand", "repeat", "tile", "pixel_shuffle", "pixel_unshuffle"),
    )
)
_MANY = frozenset({"chunk", "split", "split_with_sizes", "unbind"})
_ACTIVATIONS: dict[str, Callable[[dict[str, Any]], nn.Module]] = {
    "relu": lambda given: nn.ReLU(),
    "leaky_relu": lambda given: nn.LeakyReLU(given["negative_slope"]),
    "silu": lambda given: nn.SiLU(),
    "gelu": lambda given: nn.GELU(approximate=given["approximate"]),
    "softplus": lambda given: nn.Softplus(given["beta"], given["threshold"]),
    "tanh": lambda given: nn.Tanh(),
    "sigmoid": lambda given: nn.Sigmoid(),
    "sin": lambda given: Sine(1.0),
    "cos": lambda given: Cosine(1.0),
}
_SELU_ALPHA, _SELU_SCALE = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946


def stack_of(module: nn.Module, width: int) -> nn.Sequential:
    """The module as a stack of layers on rows of that width, of the same weights.

    Args:
        module: on the CPU, in float64 and eval mode; its Python runs, as in any call of it.
        width: how many numbers a row has.

    Raises:
        NotRebuilt: torch.export cannot trace it, an operator or a way in which branches meet has no form as layers, or
            the stack does not give the same numbers.
    """
    kind = type(module).__name__
    with quiet():
        try:
            program, any_batch = traced(module, width)
        except Exception as error:
            what = str(error).strip().partition("\n")[0][:160]
            raise NotRebuilt(f"torch.export cannot trace {kind} ({type(error).__name__}: {what})") from error
        if not any_batch or changes_itself(program):
            raise NotRebuilt(f"{kind} is traced for a fixed number of rows only, or changes its own buffers")
        if len(program.graph.nodes) > _MOST_NODES:
            raise NotRebuilt(f"{kind} has {len(program.graph.nodes)} operators, more than the {_MOST_NODES} taken")
        try:
            with torch.no_grad():
                built = _Builder(program, width).stack().double().eval().requires_grad_(False)
                gap = _difference(module, built, width)
        except (AeverifyError, RuntimeError, ValueError, TypeError, KeyError, IndexError) as error:
            raise NotRebuilt(f"the operators of {kind} do not fit together as layers ({error})") from error
    if not gap <= AGREEMENT:
        raise NotRebuilt(f"the layers made from {kind} differ from it by {gap:.2g} (relative) at random points")
    return built


def _difference(module: nn.Module, built: nn.Module, width: int) -> float:
    generator = torch.Generator().manual_seed(0)
    normal = torch.randn(16, width, dtype=torch.float64, generator=generator)
    rows = torch.cat([normal, torch.rand(16, width, dtype=torch.float64, generator=generator)])
    a, b = module(rows).reshape(len(rows), -1), built(rows)
    scale = max(1.0, float(a.abs().max()))
    return float((a - b).abs().max()) / scale if a.shape == b.shape else math.nan


@final
@dataclass(frozen=True, eq=False)
class _Builder:
    program: Any
    width: int

    def stack(self) -> nn.Sequential:
        output = next(node for node in self.program.graph.nodes if node.op == "output")
        results = output.args[0]
        if len(results) != 1:
            raise NotRebuilt(f"it returns {len(results)} tensors")
        return stacked(tuple(self._steps(results[0], self._input)), self.width)

    @cached_property
    def _input(self) -> Any:
        (name,) = self.program.graph_signature.user_inputs
        return next(node for node in self.program.graph.nodes if node.name == name)

    @cached_property
    def _depending(self) -> set[Any]:
        """The nodes whose values depend on the values of the input."""
        found = {self._input}
        for node in self.program.graph.nodes:
            if "sym_size" not in str(node.target) and any(n in found for n in node.all_input_nodes):
                found.add(node)
        return found

    def _steps(self, value: Any, source: Any, depth: int = 0) -> list[Step]:
        """Steps from `source` to `value`, first to last."""
        if depth > _MOST_DEPTH:
            raise NotRebuilt("its branches nest too deeply")
        found: list[Step] = []
        while value is not source:
            if value.op != "call_function" or value not in self._depending:
                raise NotRebuilt("its branches meet in a way that is no residual block")
            value, own = self._step(value, depth)
            found += reversed(own)
        return found[::-1]

    def _shape(self, node: Any) -> Shape:
        """Shape of one row of a value."""
        shape = node.meta["val"].shape
        if not len(shape) or isinstance(shape[0], int) or shape[0] != self._input.meta["val"].shape[0]:
            raise NotRebuilt(f"the result of {operator_name(node)} does not have the batch first")
        return tuple(int(size) for size in shape[1:])

    def _step(self, node: Any, depth: int) -> tuple[Any, list[Step]]:
        """The value that an operator takes, and its steps."""
        name = operator_name(node)
        if name == "getitem":
            return self._part(node)
        data = [n for n in dict.fromkeys(node.all_input_nodes) if n in self._depending]
        given = _arguments(node)
        if name in ("mul", "add", "sub") and len(data) == 2:
            return self._joined(name, data, given, depth)
        if len(data) != 1:
            raise NotRebuilt(f"the operator {name} joins several branches")
        (value,) = data
        before, after = self._shape(value), self._shape(node)
        if name in _SAME or name in _RESHAPING or (name == "dropout" and not given["train"]):
            return value, []
        if name in ("to", "_to_copy", "double"):
            if node.meta["val"].dtype is not torch.float64:
                raise NotRebuilt(f"it converts to {node.meta['val'].dtype}")
            return value, []
        if name in _ACTIVATIONS:
            return value, [Pointwise(_ACTIVATIONS[name](given))]
        if name in ("elu", "selu"):
            return value, _elu(name, given, math.prod(after))
        if name in ("clamp", "hardtanh", "relu6", "clamp_min", "clamp_max"):
            low, high = _limits(name, given)
            return value, clamped(low, high, math.prod(after))
        if name in _MOVING:
            return value, [self._moved(node, value, before)]
        if name in ("add", "sub", "rsub", "mul", "div", "neg"):
            return value, [self._scaled(name, given, value, before, after)]
        if name in ("linear", "addmm", "mm", "matmul"):
            return value, [self._dense(name, given, value, before, after)]
        if name in ("max_pool1d", "max_pool2d"):
            return value, _largest(given, before)
        if name == "mean":
            after = (after[0], *([1] * (len(before) - 1)))
        return value, [Spatial(self._image(name, given, before, after), before, after)]

    def _constant(self, node: Any) -> Array:
        """The numbers of a value that does not depend on the input: weights, or weights with their numbers moved."""
        if not isinstance(node, torch.fx.Node):
            raise NotRebuilt(f"an argument that was to be a tensor is {node!r}")
        return self._tensor(node).detach().double().numpy()

    def _tensor(self, node: Any) -> torch.Tensor:
        signature, program = self.program.graph_signature, self.program
        if node.op == "placeholder":
            for names, tensors in (
                (signature.inputs_to_parameters, program.state_dict),
                (signature.inputs_to_buffers, {**program.constants, **program.state_dict}),
                (signature.inputs_to_lifted_tensor_constants, program.constants),
            ):
                if node.name in names:
                    found: torch.Tensor = tensors[names[node.name]]
                    return found
        name = operator_name(node)
        if node in self._depending or name not in _MOVING | _RESHAPING | _SAME:
            raise NotRebuilt(f"a weight is computed when the module runs, by the operator {name}")
        return self._run(node, {n: self._tensor(n) for n in node.all_input_nodes})  # type: ignore[no-any-return]

    def _run(self, node: Any, values: dict[Any, Any]) -> Any:
        """An operator on other values; sizes of the batch are `_ROWS`."""

        def of(argument: Any) -> Any:
            if argument in values:
                return values[argument]
            size = argument.meta["val"]
            if size == self._input.meta["val"].shape[0]:
                return _ROWS
            raise NotRebuilt("it computes sizes from the number of rows")

        args = torch.fx.node.map_arg(node.args, of)
        return node.target(*args, **torch.fx.node.map_arg(node.kwargs, of))

    def _moved(self, node: Any, value: Any, before: Shape, part: int | None = None) -> Take:
        """The coordinates of its input that an operator takes, in order."""
        size = math.prod(before)
        numbers = torch.arange(_ROWS * size).reshape(_ROWS, *before)
        moved = self._run(node, {value: numbers})
        moved = (moved if part is None else moved[part]).reshape(_ROWS, -1)
        order = moved[0]
        if not torch.equal(moved, order + size * torch.arange(_ROWS)[:, None]):
            raise NotRebuilt(f"the operator {operator_name(node)} mixes the rows of a batch")
        return Take(order.numpy().copy())

    def _part(self, node: Any) -> tuple[Any, list[Step]]:
        """One of several results."""
        whole, part = node.args
        if node.target is not operator.getitem or operator_name(whole) not in _MANY:
            raise NotRebuilt(f"it uses one of several results of {operator_name(whole)}")
        data = [n for n in whole.all_input_nodes if n in self._depending]
        if len(data) != 1:
            raise NotRebuilt(f"the operator {operator_name(whole)} joins several branches")
        self._shape(node)
        return data[0], [self._moved(whole, data[0], self._shape(data[0]), int(part))]

    def _joined(self, name: str, data: list[Any], given: dict[str, Any], depth: int) -> tuple[Any, list[Step]]:
        """x + F(x), or x sigmoid(x)."""
        if name == "mul":
            for x, other in (data, data[::-1]):
                if operator_name(other) == "sigmoid" and other.args[0] is x:
                    return x, [Pointwise(nn.SiLU())]
            raise NotRebuilt("it multiplies two branches")
        if name == "sub" or given.get("alpha", 1) != 1:
            raise NotRebuilt("it subtracts a branch from another, or adds a multiple of it")
        for start, end in (data, data[::-1]):
            if start in self._ancestors(end):
                if self._shape(start) != self._shape(end):
                    raise NotRebuilt("a sum repeats one of its branches")
                body = tuple(self._steps(end, start, depth + 1))
                return start, [Skip(body, math.prod(self._shape(start)))]
        raise NotRebuilt("its branches meet in a way that is no residual block")

    def _ancestors(self, node: Any) -> set[Any]:
        seen: set[Any] = set()
        stack = [node]
        while stack:
            for before in stack.pop().all_input_nodes:
                if before not in seen:
                    seen.add(before)
                    stack.append(before)
        return seen

    def _scaled(self, name: str, given: dict[str, Any], value: Any, before: Shape, after: Shape) -> Step:
        if before != after:
            raise NotRebuilt(f"the operator {name} repeats its input")
        if given.get("alpha", 1) != 1 or given.get("rounding_mode"):
            raise NotRebuilt(f"the operator {name} has a factor or rounds")
        first = given["self"] is value
        minus = np.full(math.prod(after), -1.0)
        if name == "neg":
            return Scale(minus, None)
        constant = self._spread(given["other"] if first else given["self"], after)
        if name == "div":
            if not first:
                raise NotRebuilt("it divides by values of the input")
            return Spatial(Quotient(constant.reshape(after)), after, after)
        if name == "mul":
            step = Scale(constant, None)
        elif name == "add":
            step = Scale(None, constant)
        else:
            step = Scale(None, -constant) if first == (name == "sub") else Scale(minus, constant)
        layer = by_channel(step, after)
        return step if layer is None else Spatial(layer, after, after)

    def _spread(self, other: Any, shape: Shape) -> Array:
        """A constant as one number for each coordinate of a row."""
        if isinstance(other, int | float) and not isinstance(other, bool):
            return np.full(math.prod(shape), float(other))
        array = self._constant(other)
        if array.ndim > len(shape) and array.shape[: array.ndim - len(shape)] != (1,) * (array.ndim - len(shape)):
            raise NotRebuilt("it has a constant for each row of the batch")
        return np.broadcast_to(array.reshape(array.shape[max(0, array.ndim - len(shape)) :]), shape).ravel().copy()

    def _dense(self, name: str, given: dict[str, Any], value: Any, before: Shape, after: Shape) -> Dense:
        if len(before) != 1 or len(after) != 1:
            raise NotRebuilt(f"the operator {name} acts on tensors of shape {before}, not on rows")
        if name == "linear":
            bias = given["bias"]
            return Dense(self._constant(given["weight"]), None if bias is None else self._constant(bias))
        left, right = (given["mat1"], given["mat2"]) if name == "addmm" else (given["self"], _second(given))
        if left is not value:
            raise NotRebuilt("a product of matrices has the rows on the right")
        if given.get("alpha", 1) != 1 or given.get("beta", 1) != 1:
            raise NotRebuilt("a product of matrices is scaled")
        shift = self._spread(given["self"], after) if name == "addmm" else None
        return Dense(self._constant(right).T.copy(), shift)

    def _image(self, name: str, given: dict[str, Any], before: Shape, after: Shape) -> nn.Module:
        axes = len(before) - 1
        if name in ("conv1d", "conv2d", "conv_transpose1d", "conv_transpose2d"):
            weight, bias = self._constant(given["weight"]), given["bias"]
            kinds = TRANSPOSED if "transpose" in name else CONVOLUTIONS
            names = ("stride", "padding", "dilation", "groups", *(("output_padding",) if "transpose" in name else ()))
            return filled(
                kinds[axes],
                weight,
                None if bias is None else self._constant(bias),
                before[0],
                after[0],
                tuple(weight.shape[2:]),
                **{k: tuple(given[k]) if isinstance(given[k], list | tuple) else given[k] for k in names},
            )
        if name == "batch_norm":
            return self._batch_norm(given, before)
        if name in ("avg_pool1d", "avg_pool2d"):
            names = ("kernel_size", "stride", "padding", "ceil_mode", "count_include_pad")
            settings: dict[str, Any] = {k: tuple(v) if isinstance(v := given[k], list | tuple) else v for k in names}
            settings["stride"] = settings["stride"] or settings["kernel_size"]
            if given.get("divisor_override"):
                raise NotRebuilt("its average pooling divides by another number than the size of the window")
            return nn.AvgPool1d(**settings) if axes == 1 else nn.AvgPool2d(**settings)
        if name in ("adaptive_avg_pool1d", "adaptive_avg_pool2d", "mean"):
            return self._averaged(name, given, before, after)
        if name.startswith("upsample_nearest") and axes in (1, 2):
            factors = [new / old for new, old in zip(after[1:], before[1:], strict=True)]
            if any(not f.is_integer() for f in factors):
                raise NotRebuilt("its upsampling is not by whole factors")
            return nn.Upsample(scale_factor=tuple(factors) if axes > 1 else factors[0])
        if name in ("pad", "constant_pad_nd"):
            pads = list(given["pad"])
            changes = list(zip(pads[0::2], pads[1::2], strict=True))[::-1]
            if given.get("mode", "constant") != "constant" or given.get("value") or len(changes) > axes:
                raise NotRebuilt("its padding is not by zeros beside and above images")
            return moved_image(before, [(0, 0)] * (axes - len(changes)) + changes)
        raise NotRebuilt(f"the operator {name} has no form as a layer")

    def _batch_norm(self, given: dict[str, Any], before: Shape) -> nn.Module:
        if given["training"] or given["running_mean"] is None:
            raise NotRebuilt("it normalises by the batch")
        numbers = [
            np.full(before[0], default) if given[name] is None else self._constant(given[name])
            for name, default in (("weight", 1.0), ("bias", 0.0), ("running_mean", 0.0), ("running_var", 1.0))
        ]
        return batch_norm(before, given["eps"], *numbers)

    def _averaged(self, name: str, given: dict[str, Any], before: Shape, after: Shape) -> nn.Module:
        """The mean over all pixels, or over equal windows."""
        axes = len(before) - 1
        wanted = tuple(after[1:])
        if name == "mean":
            dims = sorted(d % (axes + 2) for d in given["dim"]) if given.get("dim") else []
            if dims != list(range(2, axes + 2)) or axes not in (1, 2):
                raise NotRebuilt("it takes a mean of something else than all pixels of an image")
            wanted = (1,) * axes
        if any(size % out for size, out in zip(before[1:], wanted, strict=True)):
            raise NotRebuilt("its adaptive pooling has windows of different sizes")
        window: Any = tuple(size // out for size, out in zip(before[1:], wanted, strict=True))
        return nn.AvgPool1d(window[0]) if axes == 1 else nn.AvgPool2d(window)


def _arguments(node: Any) -> dict[str, Any]:
    """All arguments of an operator by name, defaults too."""
    schema = node.target._schema.arguments
    found = {a.name: a.default_value for a in schema if a.has_default_value()}
    found.update(zip((a.name for a in schema), node.args, strict=False))
    found.update(node.kwargs)
    return {{"input": "self"}.get(k, k): v for k, v in found.items()}


def _second(given: dict[str, Any]) -> Any:
    return given["mat2"] if "mat2" in given else given["other"]


def _elu(name: str, given: dict[str, Any], size: int) -> list[Step]:
    if name == "selu":
        return [Pointwise(nn.ELU(_SELU_ALPHA)), Scale(np.full(size, _SELU_SCALE), None)]
    if given["scale"] != 1 or given["input_scale"] != 1:
        raise NotRebuilt("its ELU is scaled")
    return [Pointwise(nn.ELU(given["alpha"]))]


def _largest(given: dict[str, Any], before: Shape) -> list[Step]:
    """Max pooling as maxima of the numbers of each window; what lies outside of the image is never the largest."""
    axes = axes_of(before)
    names = ("kernel_size", "dilation", "stride")
    kernel, dilation, stride = (_pair(given[name] or given["kernel_size"], axes, 1) for name in names)
    padding = _pair(given["padding"], axes, 0)
    if given["ceil_mode"]:
        raise NotRebuilt("its pooling rounds its size up")
    size = math.prod(before)
    numbers = torch.arange(1, size + 1, dtype=torch.float64).reshape(1, before[0], -1 if axes == 2 else 1, before[-1])
    moved = nn.functional.unfold(numbers, kernel, dilation, padding, stride)  # 0 outside of the image
    windows = moved.reshape(before[0], math.prod(kernel), -1).permute(1, 0, 2).flatten(1).long()
    windows = torch.where(windows == 0, windows.amax(0), windows) - 1
    return [Take(windows.flatten().numpy()), *maxima(len(windows), windows.shape[1])]


def _pair(value: Any, axes: int, other: int) -> tuple[int, int]:
    """A setting of one or two axes as one of two; sequences are images of one line, `other` is its setting."""
    numbers = list(value) if isinstance(value, list | tuple) else [value]
    if axes == 2:
        numbers = numbers * 2 if len(numbers) == 1 else numbers
        return int(numbers[0]), int(numbers[1])
    return other, int(numbers[0])


def _limits(name: str, given: dict[str, Any]) -> tuple[float | None, float | None]:
    if name == "relu6":
        return 0.0, 6.0
    low, high = (given.get(a, given.get(b)) for a, b in (("min", "min_val"), ("max", "max_val")))
    for end in (low, high):
        if end is not None and not isinstance(end, int | float):
            raise NotRebuilt("it clamps to values that are tensors")
    return (None if low is None else float(low)), (None if high is None else float(high))

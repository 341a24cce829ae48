"""Rebuilding: the operators of an ONNX graph as torch modules with the weights of the file.

The graph is walked from its output to its input. Every operator of the whitelist becomes a step on rows; a sum of two
branches becomes a residual block where one of them is an ancestor of the other; products that are SiLU (x sigmoid(x))
and GELU (x (1 + erf(x / sqrt 2)) / 2) are recognised, with the constants taken as the real numbers that they stand for.
Anything else leaves the graph to onnxruntime, with the reason.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np
from torch import nn

from aeverify.autoencoders.blocks import Cosine, Quotient, Sine
from aeverify.autoencoders.images import batch_norm
from aeverify.autoencoders.onnx.graphs import Array, Graph
from aeverify.autoencoders.onnx.images import convolution, padding, pooling, transposed, upsampling
from aeverify.autoencoders.onnx.operators import attribute
from aeverify.autoencoders.rows import (
    Dense,
    NotRebuilt,
    Pointwise,
    Scale,
    Skip,
    Spatial,
    Step,
    Take,
    clamped,
    sequential,
)

__all__ = ["NotRebuilt", "rebuild"]

_SQRT_HALF = math.sqrt(0.5)
_NEAR = 1e-6
_MOST_DEPTH = 100
_MOST_OPERATORS = 2000
_MOST_FACTORS = 5

_ACTIVATIONS: dict[str, Callable[[Any], nn.Module]] = {
    "Relu": lambda node: nn.ReLU(),
    "LeakyRelu": lambda node: nn.LeakyReLU(attribute(node, "alpha", 0.01)),
    "Elu": lambda node: nn.ELU(attribute(node, "alpha", 1.0)),
    "Sigmoid": lambda node: nn.Sigmoid(),
    "Tanh": lambda node: nn.Tanh(),
    "Softplus": lambda node: nn.Softplus(),
    "Gelu": lambda node: nn.GELU(approximate=attribute(node, "approximate", "none")),
    "Sin": lambda node: Sine(1.0),
    "Cos": lambda node: Cosine(1.0),
}
_SAME = frozenset({"Identity", "Dropout"})
_RESHAPING = frozenset({"Reshape", "Flatten", "Squeeze", "Unsqueeze"})


def rebuild(graph: Graph) -> nn.Sequential:
    """The graph as a stack of torch modules on rows of its input, with the weights in their stored type.

    Raises:
        NotRebuilt: an operator, or a way in which the branches meet, has no torch form here.
    """
    if graph.type == "float16":
        raise NotRebuilt("its numbers are float16")
    if len(graph.nodes) > _MOST_OPERATORS:
        raise NotRebuilt(f"it has {len(graph.nodes)} operators, more than the {_MOST_OPERATORS} that are rebuilt")
    builder = _Builder(graph)
    return sequential(tuple(builder.steps(graph.outputs[0], graph.input)), graph.size(graph.input))


@final
@dataclass(frozen=True, eq=False)
class _Builder:
    graph: Graph
    by_output: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.by_output.update({name: node for node in self.graph.nodes for name in node.output if name})

    def steps(self, value: str, source: str, depth: int = 0) -> list[Step]:
        """Steps from `source` to `value`, first to last."""
        if depth > _MOST_DEPTH:
            raise NotRebuilt("its branches nest too deeply")
        found: list[Step] = []
        while value != source:
            if value not in self.by_output:
                raise NotRebuilt("its branches meet in a way that is no residual block")
            node = self.by_output[value]
            if value != node.output[0]:
                raise NotRebuilt(f"it uses a second result of {node.op_type}")
            value, own = self._step(node, depth)
            found += reversed(own)
        return found[::-1]

    def shape(self, value: str) -> tuple[int, ...]:
        """Shape of one row of a value."""
        shape = self.graph.shapes[value]
        if not shape or shape[0] != self.graph.batch:
            raise NotRebuilt(f"the tensor {value[:40]!r} does not have the batch first")
        return shape[1:]

    def constant(self, name: str) -> Array | None:
        return self.graph.constants.get(name)

    def _step(self, node: Any, depth: int) -> tuple[str, list[Step]]:
        """The value that an operator takes, and its steps."""
        kind = node.op_type
        data = [name for name in dict.fromkeys(node.input) if name and name not in self.graph.constants]
        if kind == "Mul":
            found = self._product(node)
            if found is not None:
                return found
        if kind in ("Add", "Sum") and len(node.input) == 2 and len(data) == 2:
            return self._sum(data[0], data[1], depth)
        if len(data) != 1 or [n for n in node.input if n in data] != data:
            raise NotRebuilt(f"the operator {kind} joins several branches")
        value = data[0]
        before, after = self.shape(value), self.shape(node.output[0])
        if kind in _SAME or kind in _RESHAPING:
            return value, []
        if kind == "Cast":
            if attribute(node, "to") not in (1, 11):
                raise NotRebuilt(f"it casts to the ONNX type {attribute(node, 'to')}")
            return value, []
        if kind in _ACTIVATIONS:
            return value, [Pointwise(_ACTIVATIONS[kind](node))]
        if kind == "Selu":
            # gamma (x for x > 0, else alpha e^x - alpha): an ELU times gamma
            alpha, gamma = attribute(node, "alpha", 1.6732632), attribute(node, "gamma", 1.0507010)
            factor = np.full(math.prod(after), gamma, dtype=np.float32)
            return value, [Pointwise(nn.ELU(alpha)), Scale(factor, None)]
        if kind == "Clip":
            ends = [attribute(node, name) for name in ("min", "max")]
            for position, name in enumerate(node.input[1:], start=1):
                ends.append(float(self._constant(node, position).flat[0]) if name else None)
            low, high = (next((e for e in ends[i::2] if e is not None), None) for i in (0, 1))
            return value, clamped(low, high, math.prod(after))
        if kind == "PRelu":
            slope = self._constant(node, 1)
            if slope.size == 0 or not (slope == slope.flat[0]).all():
                raise NotRebuilt("its PRelu has a slope for each channel")
            return value, [Pointwise(nn.LeakyReLU(float(slope.flat[0])))]
        if kind in ("Add", "Sub", "Mul", "Div", "Sum", "Neg"):
            return value, [self._scale(node, kind, value, before, after)]
        if kind in ("MatMul", "Gemm"):
            return value, [self._dense(node, kind, value, before)]
        if kind == "Transpose":
            perm = list(attribute(node, "perm", list(range(len(before) + 1))[::-1]))
            if perm[0] != 0:
                raise NotRebuilt("it transposes the batch")
            order = np.arange(math.prod(before)).reshape(before).transpose([p - 1 for p in perm[1:]])
            return value, [Take(order.ravel())]
        if kind in ("Tile", "Expand", "Gather"):
            return value, [Take(self._taken(node, kind, before, after))]
        return value, self._image(node, kind, before, after)

    def _taken(self, node: Any, kind: str, before: tuple[int, ...], after: tuple[int, ...]) -> Array:
        """The coordinates of its input that an operator repeats or chooses, in order."""
        index = np.arange(math.prod(before)).reshape(before)
        argument = self._constant(node, 1)
        if kind == "Expand":
            if len(before) > len(after):
                raise NotRebuilt("its Expand drops an axis")
            return np.broadcast_to(index.reshape((1,) * (len(after) - len(before)) + before), after).ravel()
        if kind == "Tile":
            if argument[0] != 1:
                raise NotRebuilt("its Tile repeats the batch")
            return np.tile(index, argument[1:]).ravel()
        axis = attribute(node, "axis", 0) % (len(before) + 1)
        if axis == 0:
            raise NotRebuilt("its Gather takes some rows of the batch only")
        return np.take(index, argument, axis=axis - 1).ravel()

    def _constant(self, node: Any, position: int) -> Array:
        found = self.constant(node.input[position]) if len(node.input) > position else None
        if found is None:
            raise NotRebuilt(f"an argument of {node.op_type} is computed from the input")
        return found

    def _scale(self, node: Any, kind: str, value: str, before: tuple[int, ...], after: tuple[int, ...]) -> Step:
        if before != after:
            raise NotRebuilt(f"the operator {kind} repeats its input")
        if kind == "Neg":
            return Scale(np.full(math.prod(after), -1.0, dtype=np.float32), None)
        first = node.input[0] == value
        given = self._constant(node, 1 if first else 0)
        if given.dtype not in (np.float32, np.float64):
            raise NotRebuilt(f"the operator {kind} has a constant of type {given.dtype}")
        shape = (1,) * (len(after) + 1 - given.ndim) + given.shape
        if shape[0] != 1:
            raise NotRebuilt(f"the operator {kind} has a constant for each row of the batch")
        constant = np.broadcast_to(given.reshape(shape), (1, *after)).ravel()
        if kind in ("Add", "Sum"):
            return Scale(None, constant)
        if kind == "Mul":
            return Scale(constant, None)
        if kind == "Sub":
            return Scale(None, -constant) if first else Scale(-np.ones_like(constant), constant)
        if not first:
            raise NotRebuilt("it divides by values of the input")
        if not (constant != 0).all():
            raise NotRebuilt("it divides by zero")
        if not (np.frexp(constant)[0] * np.sign(constant) == 0.5).all():
            return Spatial(Quotient(constant.reshape(after)), after, after)
        return Scale((1.0 / constant.astype(np.float64)).astype(constant.dtype), None)

    def _dense(self, node: Any, kind: str, value: str, before: tuple[int, ...]) -> Dense:
        if len(before) != 1:
            raise NotRebuilt(f"the operator {kind} acts on tensors of shape {before}, not on rows")
        if kind == "MatMul":
            weight = self._constant(node, 1) if node.input[0] == value else None
            if weight is None or weight.ndim != 2:
                raise NotRebuilt("a MatMul is no product of rows with a matrix")
            return Dense(weight.T)
        weight = self._constant(node, 1)
        if node.input[0] != value or attribute(node, "transA", 0):
            raise NotRebuilt("a Gemm has the rows on the right")
        weight = weight if attribute(node, "transB", 0) else weight.T
        bias = self._constant(node, 2) if len(node.input) > 2 and node.input[2] else None
        alpha, beta = attribute(node, "alpha", 1.0), attribute(node, "beta", 1.0)
        if alpha != 1.0 or (bias is not None and beta != 1.0):
            raise NotRebuilt("a Gemm scales its matrix")
        if bias is not None:
            if bias.ndim > 1 and bias.shape[0] != 1:
                raise NotRebuilt("a Gemm adds another row to each row of the batch")
            bias = np.broadcast_to(bias.reshape(-1), (len(weight),))
        return Dense(weight, bias)

    def _image(self, node: Any, kind: str, before: tuple[int, ...], after: tuple[int, ...]) -> list[Step]:
        if kind == "Conv":
            return [Spatial(convolution(node, self._constant(node, 1), self._bias(node), before, after), before, after)]
        if kind == "ConvTranspose":
            return [Spatial(transposed(node, self._constant(node, 1), self._bias(node), before, after), before, after)]
        if kind in ("AveragePool", "MaxPool", "GlobalAveragePool"):
            return [Spatial(pooling(node, kind, before), before, after)]
        if kind in ("Resize", "Upsample"):
            return [Spatial(upsampling(node, before, after), before, after)]
        if kind in ("Pad", "Slice"):
            arguments = [self.constant(name) if name else None for name in node.input[1:]]
            return [Spatial(padding(node, kind, arguments, before), before, after)]
        if kind == "BatchNormalization":
            return [Spatial(self._batch_norm(node, before), before, after)]
        raise NotRebuilt(f"the operator {kind} has no torch form here")

    def _bias(self, node: Any) -> Array | None:
        return self._constant(node, 2) if len(node.input) > 2 and node.input[2] else None

    def _batch_norm(self, node: Any, before: tuple[int, ...]) -> nn.Module:
        weight, bias, mean, variance = (self._constant(node, i) for i in range(1, 5))
        return batch_norm(before, attribute(node, "epsilon", 1e-5), weight, bias, mean, variance)

    def _sum(self, first: str, second: str, depth: int) -> tuple[str, list[Step]]:
        """x + F(x), where one branch is an ancestor of the other."""
        for start, end in ((first, second), (second, first)):
            if start in self._ancestors(end):
                body = tuple(self.steps(end, start, depth + 1))
                if self.shape(start) != self.shape(end):
                    raise NotRebuilt("a sum repeats one of its branches")
                return start, [Skip(body, math.prod(self.shape(start)))]
        raise NotRebuilt("its branches meet in a way that is no residual block")

    def _ancestors(self, value: str) -> set[str]:
        seen: set[str] = set()
        stack = [value]
        while stack:
            node = self.by_output.get(stack.pop())
            for name in node.input if node is not None else ():
                if name and name not in seen:
                    seen.add(name)
                    stack.append(name)
        return seen

    def _product(self, node: Any) -> tuple[str, list[Step]] | None:
        """x sigmoid(x) or x (1 + erf(x / sqrt 2)) / 2 in any order of the factors; None where it is neither."""
        factor, values = self._factors(node.output[0])
        for x in dict.fromkeys(values):
            if values.count(x) != 1 or len(values) != 2:
                continue
            other = self.by_output.get(next(v for v in values if v != x))
            if other is None:
                continue
            if other.op_type == "Sigmoid" and other.input[0] == x and factor == 1.0:
                return x, [Pointwise(nn.SiLU())]
            if abs(factor - 0.5) <= _NEAR and self._is_one_plus_erf(other, x):
                return x, [Pointwise(nn.GELU())]
        return None

    def _factors(self, value: str, depth: int = 0) -> tuple[float, list[str]]:
        """A product as a number and other factors, through nested Mul with scalars; and Div by them."""
        node = self.by_output.get(value)
        if node is None or node.op_type not in ("Mul", "Div") or depth > _MOST_FACTORS:
            return 1.0, [value]
        scalars = [self._scalar(name) for name in node.input]
        if node.op_type == "Div":
            if scalars[1] is None or scalars[1] == 0:
                return 1.0, [value]
            number, values = self._factors(node.input[0], depth + 1)
            return number / scalars[1], values
        number, values = 1.0, []
        for name, scalar in zip(node.input, scalars, strict=True):
            if scalar is not None:
                number *= scalar
                continue
            if name in self.graph.constants:
                return 1.0, [value]
            more, inner = self._factors(name, depth + 1)
            number, values = number * more, values + inner
        return number, values

    def _scalar(self, name: str) -> float | None:
        value = self.constant(name)
        return float(value.flat[0]) if value is not None and value.size == 1 else None

    def _is_one_plus_erf(self, node: Any, x: str) -> bool:
        """Whether an operator is 1 + erf(x / sqrt 2), or erfc-free variants of it."""
        if node.op_type != "Add":
            return False
        ones = [self._scalar(name) for name in node.input]
        inner = [self.by_output.get(name) for name, one in zip(node.input, ones, strict=True) if one is None]
        if len(inner) != 1 or 1.0 not in ones or inner[0] is None or inner[0].op_type != "Erf":
            return False
        factor, values = self._factors(inner[0].input[0])
        return values == [x] and abs(factor - _SQRT_HALF) <= _NEAR

"""Graph: the operators of an ONNX model between one input and its outputs, as plain data."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from aeverify.errors import UsageError

FLOATS = {1: "float32", 10: "float16", 11: "float64"}
"""ONNX's numbers of the floating point types that an input may have."""

Array = NDArray[Any]


@final
@dataclass(frozen=True, eq=False)
class Graph:
    """The operators between one input and one or more outputs, in an order in which they can run.

    Attributes:
        path: the file.
        nodes: `onnx.NodeProto`s whose result depends on the input and is needed for an output.
        constants: every other tensor that these need.
        input: name of the input; `shapes` has its shape with `batch` rows.
        outputs: names of the outputs.
        shapes: shape of every tensor for `batch` rows.
        batch: the number of rows of those shapes.
        fixed: True where the graph works for that number of rows only.
        type: numpy type of the input.
        opset, ir_version: as in the file.
    """

    path: Path
    nodes: tuple[Any, ...]
    constants: dict[str, Array]
    input: str
    outputs: tuple[str, ...]
    shapes: dict[str, tuple[int, ...]]
    batch: int
    fixed: bool
    type: str
    opset: int
    ir_version: int

    def size(self, value: str) -> int:
        """Numbers of one row of a tensor."""
        return math.prod(self.shapes[value][1:])

    def between(self, source: str, target: str) -> Graph:
        """The part of the graph that computes `target` from `source`."""
        by_output = {name: node for node in self.nodes for name in node.output if name}
        needed: set[int] = set()
        stack, seen = [target], {source}
        while stack:
            name = stack.pop()
            if name in seen or name not in by_output:
                continue
            seen.add(name)
            needed.add(id(by_output[name]))
            stack.extend(by_output[name].input)
        nodes = tuple(node for node in self.nodes if id(node) in needed)
        return replace(self, nodes=nodes, input=source, outputs=(target,))

    def cuts(self, target: str) -> tuple[str, ...]:
        """Tensors that everything on the way from the input to `target` passes through, in order."""
        nodes = self.between(self.input, target).nodes
        last: dict[str, int] = {}
        for i, node in enumerate(nodes):
            last |= dict.fromkeys(node.input, i)
        found, open_until = [], last.get(self.input, -1)
        for i, node in enumerate(nodes[:-1]):
            own = [name for name in node.output if name in last]
            if open_until <= i and len(own) == 1:
                found.append(own[0])
            open_until = max([open_until, *(last[name] for name in own)])
        return tuple(name for name in found if self.shapes[name][:1] == (self.batch,))


def attribute_of(node: Any, name: str, default: Any, onnx: Any) -> Any:
    """The value of an attribute of an operator, or the default."""
    return next((onnx.helper.get_attribute_value(a) for a in node.attribute if a.name == name), default)


def require_package(name: str) -> Any:
    """onnx or onnxruntime.

    Raises:
        UsageError: it is not installed.
    """
    import importlib

    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise UsageError(
            f"ONNX models need the package {name}, which is not installed: pip install 'aeverify[onnx]'."
        ) from error


def to_model(graph: Graph, onnx: Any, batch: int | None) -> Any:
    """A ModelProto of the graph; `batch` rows, or any number where None."""
    helper, kinds = onnx.helper, {v: k for k, v in FLOATS.items()}
    shape = graph.shapes[graph.input]
    first = helper.make_tensor_value_info(graph.input, kinds[graph.type], [batch, *shape[1:]])
    outputs = [onnx.ValueInfoProto(name=name) for name in graph.outputs]
    tensors = [onnx.numpy_helper.from_array(np.ascontiguousarray(v), name) for name, v in graph.constants.items()]
    body = helper.make_graph(list(graph.nodes), "graph", [first], outputs, initializer=tensors)
    return helper.make_model(
        body, opset_imports=[helper.make_opsetid("", graph.opset)], ir_version=max(graph.ir_version, 4)
    )

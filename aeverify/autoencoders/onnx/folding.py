"""Folding: the constants of an ONNX graph computed, the shapes of all its tensors inferred, and both bounded.

An operator whose inputs are known is evaluated by ONNX's reference implementation, if the inferred size of its result
is moderate. Shapes are inferred for a stated number of rows; where that number went into the target of a Reshape, it
is taken out again, and where it went anywhere else, the graph runs for that number of rows only.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from aeverify.autoencoders.onnx.graphs import Array, Graph, attribute_of, require_package, to_model
from aeverify.errors import ModelFileError

MAX_ELEMENTS = 2**26
"""Most numbers of one tensor, for the number of rows that shapes are inferred with."""

MAX_WORK = 2 * 10**11
"""Most multiplications of one call with those rows, about ten seconds of one core."""

_MAX_FOLDED = 2**24
_MOST_DECIDING = 4096
_ROUNDS = 6


def folded(graph: Graph, onnx: Any) -> Graph:
    """The graph with constants folded, shapes inferred, and only what the outputs need of the input."""
    constants, nodes = dict(graph.constants), list(graph.nodes)
    by_batch: set[str] = set()
    shapes: dict[str, tuple[int, ...]] = {}
    for _ in range(_ROUNDS):
        shapes = _shapes(replace(graph, constants=constants, nodes=tuple(nodes)), onnx)
        rest = []
        for node in nodes:
            if not _fold(node, constants, shapes, by_batch, graph, onnx):
                rest.append(node)
        if len(rest) == len(nodes):
            break
        nodes = rest
    if any(name in constants for name in graph.outputs) or graph.input in graph.outputs:
        raise ModelFileError(f"{graph.path} has an output that does not depend on its input; export the whole model.")
    live = _live(nodes, graph.input, graph.outputs)
    fixed = graph.fixed
    if by_batch and not fixed:
        live, fixed = _for_any_batch(live, constants, by_batch, shapes, graph)
    _check_shapes(graph, live, shapes)
    needed = {name for node in live for name in node.input}
    kept = {name: value for name, value in constants.items() if name in needed}
    return replace(graph, nodes=tuple(live), constants=kept, shapes=shapes, fixed=fixed)


def _shapes(graph: Graph, onnx: Any) -> dict[str, tuple[int, ...]]:
    # weights decide no shape by their values, and need not be copied for each inference
    small = {name: value for name, value in graph.constants.items() if value.size <= _MOST_DECIDING}
    model = to_model(replace(graph, constants=small), onnx, graph.batch)
    for name, value in graph.constants.items():
        if name not in small:
            kind = onnx.helper.np_dtype_to_tensor_dtype(value.dtype)
            model.graph.input.append(onnx.helper.make_tensor_value_info(name, kind, list(value.shape)))
    try:
        inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True)
    except Exception as error:
        raise ModelFileError(
            f"The shapes of {graph.path} do not fit together: {str(error).strip().partition(chr(10))[0][:240]}. Export "
            "it again."
        ) from error
    found: dict[str, tuple[int, ...]] = {name: tuple(value.shape) for name, value in graph.constants.items()}
    for value in (*inferred.graph.input, *inferred.graph.value_info, *inferred.graph.output):
        kind = value.type.tensor_type
        if kind.HasField("shape") and all(d.HasField("dim_value") and d.dim_value >= 0 for d in kind.shape.dim):
            found[value.name] = tuple(int(d.dim_value) for d in kind.shape.dim)
    return found


def _fold(
    node: Any,
    constants: dict[str, Array],
    shapes: dict[str, tuple[int, ...]],
    by_batch: set[str],
    graph: Graph,
    onnx: Any,
) -> bool:
    """Evaluate an operator whose inputs are known, where its result is of a known and moderate size."""
    given = [name for name in node.input if name]
    if node.op_type == "Shape" and given[0] in shapes:
        shape = shapes[given[0]]
        start, end = (attribute_of(node, key, default, onnx) for key, default in (("start", 0), ("end", None)))
        constants[node.output[0]] = np.array(shape[start:end], dtype=np.int64)
        if given[0] not in constants:
            by_batch.add(node.output[0])
        return True
    if not given or any(name not in constants for name in given):
        return False
    outputs = [name for name in node.output if name]
    if any(math.prod(shapes.get(name, (_MAX_FOLDED + 1,))) > _MAX_FOLDED for name in outputs):
        return False
    reference = require_package("onnx.reference")
    try:
        with np.errstate(all="ignore"):
            evaluator = reference.ReferenceEvaluator(node, opsets={"": graph.opset})
            results = evaluator.run(None, {name: constants[name] for name in given})
    except Exception:
        return False  # left to the run time, whose result is checked like that of any other operator
    for name, value in zip(node.output, results, strict=False):
        if name:
            constants[name] = np.asarray(value)
            if any(each in by_batch for each in given):
                by_batch.add(name)
    return True


def _live(nodes: list[Any], source: str, outputs: Iterable[str]) -> list[Any]:
    """The operators that the outputs need, in an order in which each comes after those that it needs."""
    by_output = {name: node for node in nodes for name in node.output if name}
    order: list[Any] = []
    done: set[int] = set()
    stack: list[tuple[Any, bool]] = [(by_output[name], False) for name in reversed(list(outputs)) if name in by_output]
    entered: set[int] = set()
    while stack:
        node, ready = stack.pop()
        if id(node) in done:
            continue
        if ready:
            done.add(id(node))
            order.append(node)
            continue
        if id(node) in entered:
            raise ModelFileError(f"The ONNX graph has a cycle through the operator {node.op_type}.")
        entered.add(id(node))
        stack.append((node, True))
        stack += [(by_output[n], False) for n in node.input if n in by_output and id(by_output[n]) not in done]
    return order


def _for_any_batch(
    nodes: list[Any],
    constants: dict[str, Array],
    by_batch: set[str],
    shapes: dict[str, tuple[int, ...]],
    graph: Graph,
) -> tuple[list[Any], bool]:
    """The operators with the number of rows taken out of the shapes of Reshape again; True where one is left that has
    it built in, so that the graph runs for that number of rows only."""
    import copy

    result, fixed = [], False
    for node in nodes:
        target = node.input[1] if node.op_type == "Reshape" and len(node.input) > 1 else ""
        if target in by_batch and not any(name in by_batch for name in node.input if name != target):
            shape = constants[target].copy()
            if len(shape) and shape[0] == graph.batch and shapes.get(node.input[0], (0,))[0] == graph.batch:
                others = math.prod(int(s) for s in shape[1:])
                if others > 0 and np.all(shape[1:] > 0):
                    shape[0] = -1
                    node = copy.deepcopy(node)
                    node.input[1] = f"{target}::rows"
                    constants[node.input[1]] = shape
                    result.append(node)
                    continue
        fixed = fixed or any(
            name in by_batch and graph.batch in np.asarray(constants[name]).ravel()[:64] for name in node.input
        )
        fixed = fixed or any(name in by_batch and shapes.get(name, (0,))[:1] == (graph.batch,) for name in node.input)
        result.append(node)
    return result, fixed


def _check_shapes(graph: Graph, nodes: list[Any], shapes: dict[str, tuple[int, ...]]) -> None:
    used = {name for node in nodes for name in node.input} | set(graph.outputs)
    for node in nodes:
        for name in node.output:
            if name not in used:
                continue
            if name not in shapes:
                raise ModelFileError(
                    f"{graph.path}: the size of what {node.op_type} returns ({name[:60]!r}) cannot be told before it "
                    "runs, which is required. Export with a fixed shape of a point."
                )
            if math.prod(shapes[name]) > MAX_ELEMENTS:
                raise ModelFileError(
                    f"{graph.path}: {node.op_type} makes a tensor of shape {shapes[name]} for {graph.batch} rows; at "
                    f"most {MAX_ELEMENTS} numbers are computed at once."
                )
    work = sum(_work(node, shapes) for node in nodes)
    if work > MAX_WORK:
        raise ModelFileError(
            f"{graph.path} takes {work:.2g} multiplications for {graph.batch} rows; at most {MAX_WORK:.2g} are "
            "computed."
        )
    for name in graph.outputs:
        if name not in shapes or not shapes[name] or shapes[name][0] != graph.batch:
            raise ModelFileError(
                f"{graph.path}: the output {name!r} has the shape {shapes.get(name)} for {graph.batch} rows; expected "
                "one entry for each row, the batch first."
            )


def _work(node: Any, shapes: dict[str, tuple[int, ...]]) -> int:
    """About how many multiplications an operator takes."""
    given = [shapes.get(name, ()) for name in node.input]
    out = math.prod(shapes.get(node.output[0], ()))
    if node.op_type in ("Conv", "ConvTranspose") and len(given) > 1 and len(given[1]) > 2:
        rows = math.prod(given[0]) if node.op_type == "ConvTranspose" else out
        return rows * math.prod(given[1][1:])
    if node.op_type in ("MatMul", "Gemm") and given[0]:
        return out * max(given[0])
    return out

"""Which ONNX operators are continuous: the lists, and what they say of a graph.

An operator counts if its result depends on the input and an output needs it; `Graph` holds no others. It is taken as
the function of real numbers that the specification writes down. Where continuity depends on an argument (a divisor, an
exponent, indices, a slope), that argument has to be a constant that allows it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from aeverify.autoencoders.onnx.graphs import Graph
from aeverify.autoencoders.protocol import Continuity


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


CONTINUOUS = _words(
    """
    Abs Add Asinh Atan AveragePool Celu Concat Conv ConvTranspose Cos Cosh CumSum DepthToSpace Dropout Einsum Elu
    Erf Exp Expand Flatten Gelu Gemm GlobalAveragePool GlobalMaxPool HardSigmoid HardSwish Identity LRN LeakyRelu
    LogSoftmax MatMul Max Mean Min Mish Mul Neg PRelu Pad ReduceL1 ReduceL2 ReduceLogSumExp ReduceMax ReduceMean
    ReduceMin ReduceProd ReduceSum ReduceSumSquare Relu Reshape Selu Sigmoid Sin Sinh Softmax Softplus Softsign
    SpaceToDepth Split Squeeze Sub Sum Swish Tanh Tile Transpose Trilu Unsqueeze
    """
)
"""Continuous functions of all their inputs, whatever their attributes."""

JUMPING = _words(
    """
    And ArgMax ArgMin BitShift BitwiseAnd BitwiseNot BitwiseOr BitwiseXor Ceil Compress ConvInteger
    DynamicQuantizeLinear Equal EyeLike Floor Greater GreaterOrEqual Hardmax IsInf IsNaN Less LessOrEqual
    MatMulInteger Mod NonMaxSuppression NonZero Not OneHot Or QLinearConv QLinearMatMul QuantizeLinear Round Sign
    ThresholdedRelu Unique Where Xor
    """
)
"""Operators that jump somewhere, when they are reached by values of the input."""

# position of the input by which the operator chooses, which must be a constant
_CHOOSING = {"Gather": 1, "GatherElements": 1, "GatherND": 1, "ScatterElements": 1, "ScatterND": 1, "Slice": 1}
_NORMALISING = frozenset({"BatchNormalization", "InstanceNormalization", "LayerNormalization", "GroupNormalization"})
_FLOAT_TYPES = frozenset({1, 10, 11, 16})


def graph_continuity(*graphs: Graph) -> tuple[Continuity, str]:
    """KNOWN, DISCONTINUOUS or OPAQUE, and the operators that decided, in one sentence."""
    jumping: dict[str, None] = {}
    unknown: dict[str, None] = {}
    for graph in graphs:
        used = {name for node in graph.nodes for name in node.input}.union(graph.outputs)
        for node in graph.nodes:
            found = _judge(node, graph, used)
            if found is Continuity.DISCONTINUOUS:
                jumping[node.op_type] = None
            elif found is Continuity.OPAQUE:
                unknown[node.op_type] = None
    if jumping:
        return Continuity.DISCONTINUOUS, f"ONNX operators of the graph that jump: {', '.join(jumping)}."
    if unknown:
        return Continuity.OPAQUE, f"ONNX operators that are not known to be continuous: {', '.join(unknown)}."
    return Continuity.KNOWN, "Every ONNX operator of the graph is on the list of continuous ones."


def attribute(node: Any, name: str, default: Any = None) -> Any:
    """The value of an attribute of an operator, text as str."""
    from onnx.helper import get_attribute_value

    for each in node.attribute:
        if each.name == name:
            value = get_attribute_value(each)
            return value.decode() if isinstance(value, bytes) else value
    return default


def _judge(node: Any, graph: Graph, used: set[str]) -> Continuity:
    known, opaque, jumps = Continuity.KNOWN, Continuity.OPAQUE, Continuity.DISCONTINUOUS
    kind = node.op_type
    if kind in CONTINUOUS:
        return known
    if kind in JUMPING:
        if kind == "ThresholdedRelu" and attribute(node, "alpha", 1.0) == 0.0:
            return known
        if kind == "Where" and node.input[0] in graph.constants:
            return known
        return jumps
    if kind == "Cast":
        return known if attribute(node, "to") in _FLOAT_TYPES else jumps
    if kind in _CHOOSING:
        indices = node.input[_CHOOSING[kind] :] if kind == "Slice" else [node.input[_CHOOSING[kind]]]
        return known if all(name in graph.constants for name in indices if name) else jumps
    if kind in _NORMALISING:
        return known if attribute(node, "epsilon", 1e-5) > 0 else opaque
    if kind == "Shrink":
        return known if attribute(node, "lambd", 0.5) == attribute(node, "bias", 0.0) else jumps
    if kind == "Clip":
        limits = [graph.constants.get(name) for name in node.input[1:] if name]
        return known if all(limit is not None for limit in limits) else opaque
    if kind == "Div":
        divisor = graph.constants.get(node.input[1])
        return known if divisor is not None and bool((np.asarray(divisor) != 0).all()) else opaque
    if kind == "Pow":
        return known if _is_power(graph.constants.get(node.input[1])) else opaque
    if kind in ("MaxPool", "TopK"):
        return jumps if any(name in used for name in node.output[1:]) else known
    if kind in ("Resize", "Upsample"):
        return known if all(name in graph.constants for name in node.input[1:] if name) else opaque
    if kind in ("LSTM", "GRU", "RNN"):
        return known if attribute(node, "activations") is None else opaque
    return opaque


def _is_power(exponent: Any) -> bool:
    return exponent is not None and bool(((exponent >= 0) & (exponent == np.floor(exponent))).all())

"""Changes to the ONNX graphs of examples/keras."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, compose, helper, numpy_helper

from tests.regressions.running import EXAMPLES

FloatArray = NDArray[np.float32]
PARTS = ("encoder", "decoder")
MODEL = ["encoder.onnx", "--decoder", "decoder.onnx"]
Parts = dict[str, ModelProto]
Build = Callable[[Path], list[str]]


def models() -> Parts:
    """Encoder and decoder of the example."""
    return {part: onnx.load(EXAMPLES / "keras" / f"{part}.onnx") for part in PARTS}


def with_graphs(change: Callable[[Parts], object]) -> Build:
    """Both graphs with something changed in place."""

    def build(folder: Path) -> list[str]:
        parts = models()
        change(parts)
        for part, model in parts.items():
            onnx.save(model, folder / f"{part}.onnx")
        return MODEL

    return build


def tensors(model: ModelProto) -> dict[str, FloatArray]:
    """The weights by name."""
    return {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}


def put(model: ModelProto, values: dict[str, FloatArray]) -> None:
    """Replace weights."""
    for tensor in model.graph.initializer:
        if tensor.name in values:
            tensor.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(values[tensor.name]), tensor.name))


def layers(model: ModelProto) -> list[tuple[str, str]]:
    """Names of weight and bias of each dense layer, in order; a weight has shape (inputs, outputs)."""
    nodes = model.graph.node
    products, sums = ([n for n in nodes if n.op_type == kind] for kind in ("MatMul", "Add"))
    return [(p.input[1], s.input[1]) for p, s in zip(products, sums, strict=True)]


def activations(model: ModelProto) -> list[NodeProto]:
    """The ReLU nodes."""
    return [n for n in model.graph.node if n.op_type == "Relu"]


def saturated(parts: Parts) -> None:
    """The decoder's ReLU by tanh."""
    for node in activations(parts["decoder"]):
        node.op_type = "Tanh"


def leaking(parts: Parts) -> None:
    """ReLU by leaky ReLU with slope 0.1 in both parts."""
    for model in parts.values():
        for node in activations(model):
            node.op_type = "LeakyRelu"
            node.attribute.append(helper.make_attribute("alpha", 0.1))


def without_bias(parts: Parts) -> None:
    """The decoder's first bias set to 0."""
    _, bias = layers(parts["decoder"])[0]
    put(parts["decoder"], {bias: np.zeros_like(tensors(parts["decoder"])[bias])})


def in_half(parts: Parts) -> None:
    """A layer's weights times 1e6 and the next one's by 1e6, which float32 bears, stored in float16, which does not."""
    model = parts["encoder"]
    (first, first_bias), (second, _), *_ = layers(model)
    values = tensors(model)
    with np.errstate(over="ignore"):
        changed = {
            first: (values[first] * 1e6).astype(np.float16),
            first_bias: (values[first_bias] * 1e6).astype(np.float16),
            second: (values[second] / 1e6).astype(np.float16),
        }
    put(model, {name: value.astype(np.float32) for name, value in changed.items()})


def class_torn(parts: Parts) -> None:
    """The lowest tenth of the codes of one circle, that with the lowest, is clipped before it is decoded."""
    from aeverify.autoencoders.files import open_model
    from aeverify.manifolds import manifold

    model = open_model(EXAMPLES / "keras" / "encoder.onnx", decoder=EXAMPLES / "keras" / "decoder.onnx")
    codes = min((model.encode(k.grid(1000).points) for k in manifold("two_circles").components), key=np.min)
    least = np.quantile(codes, 0.1).astype(np.float32)
    graph = parts["decoder"].graph
    graph.initializer.append(numpy_helper.from_array(least.reshape(()), "least"))
    name = graph.input[0].name
    graph.node[0].input[0] = "clipped"
    graph.node.insert(0, helper.make_node("Clip", [name, "least"], ["clipped"]))


def exchanged(folder: Path) -> list[str]:
    """The decoder's file in the encoder's place, and the other way round."""
    with_graphs(lambda parts: None)(folder)
    return ["decoder.onnx", "--decoder", "encoder.onnx"]


def one_graph(folder: Path) -> list[str]:
    """Encoder and decoder as one graph; the code is a tensor inside."""
    encoder, decoder = (compose.add_prefix(model, f"{part}/") for part, model in models().items())
    code = encoder.graph.output[0].name
    merged = compose.merge_models(encoder, decoder, io_map=[(code, decoder.graph.input[0].name)])
    onnx.save(merged, folder / "autoencoder.onnx")
    return ["autoencoder.onnx", "--latent", code]


def rescaled(parts: Parts) -> None:
    """A ReLU layer times 8 and the next one by 8: relu(8 x) = 8 relu(x), and powers of two are exact."""
    for model in parts.values():
        (first, bias), (second, _), *_ = layers(model)
        values = tensors(model)
        put(model, {first: values[first] * 8, bias: values[bias] * 8, second: values[second] / 8})


def units_permuted(parts: Parts) -> None:
    """The hidden units of every layer in another order, with the weights on both sides of them."""
    generator = np.random.default_rng(0)
    for model in parts.values():
        values = tensors(model)
        names = layers(model)
        for (weight, bias), (following, _) in itertools.pairwise(names):
            order = generator.permutation(len(values[bias]))
            values[weight], values[bias] = values[weight][:, order], values[bias][order]
            values[following] = values[following][order]
        put(model, values)


def _as_gemm(parts: Parts) -> None:
    """MatMul and Add as one Gemm."""
    for model in parts.values():
        nodes = model.graph.node
        kept: list[NodeProto] = []
        for node in nodes:
            if node.op_type == "Add":
                product = kept.pop()
                kept.append(helper.make_node("Gemm", [*product.input, node.input[1]], list(node.output)))
            else:
                kept.append(node)
        del nodes[:]
        nodes.extend(kept)


def _renamed(parts: Parts) -> None:
    """Every tensor and node under another name."""
    for model in parts.values():
        graph = model.graph
        given = [t for n in graph.node for t in (*n.input, *n.output)]
        names = {old: f"t{i}" for i, old in enumerate(dict.fromkeys(given))}
        for node in graph.node:
            node.name = f"{node.op_type}_{node.output[0]}"
            for field in (node.input, node.output):
                field[:] = [names[old] for old in field]
        for value in (*graph.input, *graph.output, *graph.initializer):
            value.name = names[value.name]
        del graph.value_info[:]


def exported_otherwise(parts: Parts) -> None:
    """The same functions as another exporter would write them."""
    _as_gemm(parts)
    _renamed(parts)

"""ONNX models: rebuilt as torch modules they are the same function, and what cannot be is said."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from torch import nn

from aeverify import measure
from aeverify.autoencoders.files import open_model
from aeverify.autoencoders.networks import ModuleAutoencoder
from aeverify.autoencoders.onnx.opening import TOLERANCE
from aeverify.autoencoders.onnx.operators import graph_continuity
from aeverify.autoencoders.onnx.reading import BATCH, read_graph
from aeverify.autoencoders.onnx.rebuilding import NotRebuilt, rebuild
from aeverify.autoencoders.onnx.running import OnnxAutoencoder, Runner
from aeverify.autoencoders.protocol import Continuity
from aeverify.core.evidence import Rigor
from aeverify.enclosure import network_from_modules
from aeverify.errors import ModelFileError, UsageError
from aeverify.manifolds import manifold

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
KERAS = Path(__file__).resolve().parents[3] / "examples" / "keras"

Node = tuple[str, list[str], dict[str, Any]]


def save(
    path: Path,
    nodes: list[Node],
    shape: tuple[int | str, ...],
    constants: dict[str, Any] | None = None,
    outputs: tuple[str, ...] = (),
    opset: int = 20,
) -> Path:
    """A graph of operators, each with the output `y0`, `y1`, ... of its number; the last one is the output."""
    made = [helper.make_node(kind, inputs, [f"y{i}"], **settings) for i, (kind, inputs, settings) in enumerate(nodes)]
    names = outputs or (f"y{len(nodes) - 1}",)
    graph = helper.make_graph(
        made,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, list(shape))],
        [onnx.ValueInfoProto(name=name) for name in names],
        [numpy_helper.from_array(np.asarray(v), k) for k, v in (constants or {}).items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9)
    path.write_bytes(model.SerializeToString())
    return path


def weights(*shape: int) -> np.ndarray[Any, Any]:
    """Float32 numbers of some size."""
    rng = np.random.default_rng(sum(shape))
    return rng.normal(0.0, 0.7, shape).astype(np.float32)


def ints(*values: int) -> np.ndarray[Any, Any]:
    """A shape, axes or indices."""
    return np.array(values, dtype=np.int64)


IMAGE = ("N", 2, 6, 6)
ROW = ("N", 4)

# name: input shape, operators, constants
OPERATORS: dict[str, tuple[tuple[int | str, ...], list[Node], dict[str, Any]]] = {
    "gemm": (ROW, [("Gemm", ["x", "w", "b"], {})], {"w": weights(4, 3), "b": weights(3)}),
    "gemm transposed": (ROW, [("Gemm", ["x", "w", "b"], {"transB": 1})], {"w": weights(3, 4), "b": weights(1, 3)}),
    "matmul and add": (
        ROW,
        [("MatMul", ["x", "w"], {}), ("Add", ["y0", "b"], {})],
        {"w": weights(4, 3), "b": weights(3)},
    ),
    **{
        f"activation {kind}": (ROW, [(kind, ["x"], settings)], {})
        for kind, settings in (
            ("Relu", {}),
            ("LeakyRelu", {"alpha": 0.3}),
            ("Elu", {"alpha": 1.5}),
            ("Selu", {}),
            ("Sigmoid", {}),
            ("Tanh", {}),
            ("Softplus", {}),
            ("Gelu", {}),
            ("Gelu", {"approximate": "tanh"}),
            ("Sin", {}),
            ("Cos", {}),
            ("Neg", {}),
            ("Identity", {}),
            ("Dropout", {}),
        )
    },
    "clip": (ROW, [("Clip", ["x", "low", "high"], {})], {"low": np.float32(-0.5), "high": np.float32(0.25)}),
    "clip below": (ROW, [("Clip", ["x", "low"], {})], {"low": np.float32(0.1)}),
    "clip above": (ROW, [("Clip", ["x", "", "high"], {})], {"high": np.float32(0.1)}),
    "prelu": (ROW, [("PRelu", ["x", "s"], {})], {"s": np.float32([0.2])}),
    "silu": (ROW, [("Sigmoid", ["x"], {}), ("Mul", ["y0", "x"], {})], {}),
    "gelu by erf": (
        ROW,
        [
            ("Div", ["x", "r"], {}),
            ("Erf", ["y0"], {}),
            ("Add", ["y1", "one"], {}),
            ("Mul", ["x", "y2"], {}),
            ("Mul", ["y3", "half"], {}),
        ],
        {"r": np.float32(2**0.5), "one": np.float32(1), "half": np.float32(0.5)},
    ),
    "gelu by erf, factors elsewhere": (
        ROW,
        [
            ("Mul", ["x", "r"], {}),
            ("Erf", ["y0"], {}),
            ("Add", ["one", "y1"], {}),
            ("Mul", ["half", "x"], {}),
            ("Mul", ["y3", "y2"], {}),
        ],
        {"r": np.float32(0.5**0.5), "one": np.float32(1), "half": np.float32(0.5)},
    ),
    "normalisation": (
        ROW,
        [("Sub", ["x", "m"], {}), ("Div", ["y0", "s"], {}), ("Sub", ["c", "y1"], {}), ("Mul", ["y2", "f"], {})],
        {"m": weights(4), "s": np.float32([3, 0.25, 7, 255]), "c": np.float32(1), "f": weights(1, 4)},
    ),
    "normalisation of channels": (
        IMAGE,
        [("Sub", ["x", "m"], {}), ("Div", ["y0", "s"], {})],
        {"m": weights(1, 2, 1, 1), "s": np.float32(255)},
    ),
    "normalisation of pixels": (
        IMAGE,
        [("Mul", ["x", "m"], {}), ("Add", ["y0", "x2"], {})],
        {"m": weights(2, 6, 6), "x2": weights(6)},
    ),
    "convolution": (
        IMAGE,
        [("Conv", ["x", "w", "b"], {"pads": [1, 1, 1, 1], "strides": [2, 2]})],
        {"w": weights(3, 2, 3, 3), "b": weights(3)},
    ),
    "convolution padded at the end": (
        IMAGE,
        [("Conv", ["x", "w"], {"pads": [0, 0, 1, 1], "strides": [2, 2]})],
        {"w": weights(3, 2, 3, 3)},
    ),
    "convolution padded by name": (
        IMAGE,
        [("Conv", ["x", "w"], {"auto_pad": "SAME_LOWER", "strides": [2, 1]})],
        {"w": weights(3, 2, 4, 3)},
    ),
    "convolution dilated in groups": (
        IMAGE,
        [("Conv", ["x", "w"], {"dilations": [2, 2], "group": 2, "pads": [2, 2, 2, 2]})],
        {"w": weights(4, 1, 3, 3)},
    ),
    "convolution of sequences": (
        ("N", 2, 9),
        [("Conv", ["x", "w"], {"pads": [2, 1]}), ("AveragePool", ["y0"], {"kernel_shape": [2], "strides": [2]})],
        {"w": weights(3, 2, 3)},
    ),
    "transposed convolution": (
        IMAGE,
        [("ConvTranspose", ["x", "w", "b"], {"strides": [2, 2], "pads": [1, 1, 1, 1], "output_padding": [1, 1]})],
        {"w": weights(2, 3, 3, 3), "b": weights(3)},
    ),
    "transposed convolution cropped at the end": (
        IMAGE,
        [("ConvTranspose", ["x", "w"], {"strides": [2, 2], "pads": [0, 0, 1, 1]})],
        {"w": weights(2, 3, 3, 3)},
    ),
    "transposed convolution to a size": (
        IMAGE,
        [("ConvTranspose", ["x", "w"], {"strides": [2, 2], "output_shape": [12, 12], "auto_pad": "SAME_UPPER"})],
        {"w": weights(2, 3, 3, 3)},
    ),
    "pad and slice": (
        IMAGE,
        [("Pad", ["x", "p"], {}), ("Slice", ["y0", "from", "to", "axes"], {})],
        {"p": ints(0, 0, 1, 0, 0, 0, 2, 3), "from": ints(2, 1), "to": ints(9, -1), "axes": ints(2, 3)},
    ),
    "pooling": (
        IMAGE,
        [("AveragePool", ["x"], {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]})],
        {},
    ),
    "pooling that counts its padding": (
        IMAGE,
        [("AveragePool", ["x"], {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "count_include_pad": 1})],
        {},
    ),
    "largest": (IMAGE, [("MaxPool", ["x"], {"kernel_shape": [2, 2], "strides": [2, 2]})], {}),
    "global pooling": (IMAGE, [("GlobalAveragePool", ["x"], {}), ("Flatten", ["y0"], {})], {}),
    "batch norm": (
        IMAGE,
        [("BatchNormalization", ["x", "w", "b", "m", "v"], {})],
        {"w": weights(2), "b": weights(2), "m": weights(2), "v": np.abs(weights(2)) + 0.1},
    ),
    "upsampling": (
        IMAGE,
        [("Resize", ["x", "", "f"], {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"})],
        {"f": np.float32([1, 1, 2, 3])},
    ),
    "upsampling by half pixels": (IMAGE, [("Resize", ["x", "", "f"], {})], {"f": np.float32([1, 1, 3, 3])}),
    "upsampling by repetition": (
        IMAGE,
        [
            ("Conv", ["x", "w"], {}),
            ("Unsqueeze", ["y0", "two"], {}),
            ("Tile", ["y1", "t"], {}),
            ("Transpose", ["y2"], {"perm": [0, 1, 3, 4, 2]}),
            ("Reshape", ["y3", "s"], {}),
            ("Unsqueeze", ["y4", "two"], {}),
            ("Tile", ["y5", "t"], {}),
            ("Transpose", ["y6"], {"perm": [0, 1, 3, 2, 4]}),
            ("Reshape", ["y7", "u"], {}),
        ],
        {
            "w": weights(2, 2, 3, 3),
            "two": ints(2),
            "t": ints(1, 1, 2, 1, 1),
            "s": ints(0, 2, 4, 8),
            "u": ints(0, 2, 8, 8),
        },
    ),
    "channels last": (
        ("N", 6, 6, 2),
        [
            ("Transpose", ["x"], {"perm": [0, 3, 1, 2]}),
            ("Conv", ["y0", "w"], {}),
            ("Transpose", ["y1"], {"perm": [0, 2, 3, 1]}),
            ("Mul", ["y2", "s"], {}),
            ("Relu", ["y3"], {}),
            ("Reshape", ["y4", "flat"], {}),
            ("MatMul", ["y5", "d"], {}),
        ],
        {"w": weights(3, 2, 3, 3), "s": weights(3), "flat": ints(-1, 48), "d": weights(48, 2)},
    ),
    "images from a row": (
        ROW,
        [
            ("Gemm", ["x", "w"], {}),
            ("Relu", ["y0"], {}),
            ("Reshape", ["y1", "s"], {}),
            ("Transpose", ["y2"], {"perm": [0, 3, 1, 2]}),
            ("Conv", ["y3", "k"], {}),
        ],
        {"w": weights(4, 18), "s": ints(0, 3, 3, 2), "k": weights(1, 2, 2, 2)},
    ),
    "shape from the batch": (
        IMAGE,
        [
            ("Shape", ["x"], {}),
            ("Gather", ["y0", "zero"], {}),
            ("Concat", ["y1", "rest"], {"axis": 0}),
            ("Reshape", ["x", "y2"], {}),
            ("MatMul", ["y3", "d"], {}),
        ],
        {"zero": ints(0), "rest": ints(72), "d": weights(72, 3)},
    ),
    "residual": (
        ROW,
        [
            ("Gemm", ["x", "w"], {}),
            ("Tanh", ["y0"], {}),
            ("Gemm", ["y1", "w"], {}),
            ("Add", ["y2", "x"], {}),
            ("Sigmoid", ["y3"], {}),
        ],
        {"w": weights(4, 4)},
    ),
    "residual with images": (
        IMAGE,
        [("Relu", ["x"], {}), ("Conv", ["y0", "w"], {"pads": [1, 1, 1, 1]}), ("Add", ["y0", "y1"], {})],
        {"w": weights(2, 2, 3, 3)},
    ),
}


@pytest.mark.parametrize("name", OPERATORS)
def test_rebuilt_operators_are_the_same_function(name: str, tmp_path: Path) -> None:
    """As ONNX's own reference implementation says, in float32, whose rounding is all that they differ by."""
    shape, nodes, constants = OPERATORS[name]
    graph = read_graph(save(tmp_path / "m.onnx", nodes, shape, constants))
    module = rebuild(graph).double()
    x = np.random.default_rng(1).normal(size=(5, graph.size("x")))
    model = onnx.load(tmp_path / "m.onnx")
    expected = ReferenceEvaluator(model).run(None, {"x": x.reshape(5, *shape[1:]).astype(np.float32)})[0].reshape(5, -1)
    with torch.no_grad():
        found = module(torch.from_numpy(x.astype(np.float32).astype(np.float64))).numpy()
    np.testing.assert_allclose(found, expected, rtol=2e-5, atol=2e-6)
    assert graph_continuity(graph)[0] is Continuity.KNOWN
    np.testing.assert_allclose(Runner(graph)(x, 2), expected, rtol=2e-5, atol=2e-6)


ENCLOSABLE = [n for n in OPERATORS if n not in ("largest", "activation Gelu")]


@pytest.mark.parametrize("name", ENCLOSABLE)
def test_rebuilt_operators_have_certified_rules(name: str, tmp_path: Path) -> None:
    """But for max pooling and the tanh approximation of GELU."""
    shape, nodes, constants = OPERATORS[name]
    graph = read_graph(save(tmp_path / "m.onnx", nodes, shape, constants))
    n, m = graph.size("x"), graph.size(graph.outputs[0])
    back = nn.Sequential(nn.Linear(m, n))
    network = network_from_modules(rebuild(graph), back, ambient_dim=n, latent_dim=m)
    assert (network.ambient_dim, network.latent_dim) == (n, m)


def pair(tmp_path: Path, *activation: Node) -> tuple[Path, Path]:
    """An encoder of the plane by one number, with an activation, and an affine decoder."""
    first = [("Gemm", ["x", "w"], {}), *activation, ("Gemm", [f"y{len(activation)}", "v"], {})]
    encoder = save(tmp_path / "e.onnx", first, ("N", 2), {"w": weights(2, 5), "v": weights(5, 1)})
    return encoder, save(tmp_path / "d.onnx", [("Gemm", ["x", "w"], {})], ("N", 1), {"w": weights(1, 2)})


def test_the_worst_error_of_an_onnx_model_is_enclosed(tmp_path: Path) -> None:
    """Certified, and above what is found at points of the circle."""
    encoder, decoder = pair(tmp_path, ("Tanh", ["y0"], {}))
    model = open_model(encoder, decoder=decoder)
    circle = manifold("circle")
    found = measure.sup_error(model, circle, tolerance=1e-2, time_budget=20)
    t = np.linspace(0.0, 2 * np.pi, 400)
    sampled = model.errors(np.stack([np.cos(t), np.sin(t)], axis=1)).max()
    assert found.rigor is Rigor.CERTIFIED
    assert sampled - 1e-9 <= found.interval.upper
    assert found.interval.upper - found.interval.lower <= 1.1e-2
    assert found.interval.lower >= sampled - 1e-2


def test_a_keras_model_of_the_paper_is_rebuilt_with_its_weights_as_stored() -> None:
    """The example's files: the network of the paper, in float32, known to be continuous."""
    model = open_model(KERAS / "encoder.onnx", decoder=KERAS / "decoder.onnx", name="keras")
    assert isinstance(model, ModuleAutoencoder)
    assert (model.ambient_dim, model.latent_dim, model.stored_dtype) == (3, 1, torch.float32)
    assert model.continuity is Continuity.KNOWN
    assert model.encoder_layers is not None and model.decoder_layers is not None
    assert model.source == str(KERAS / "encoder.onnx")
    assert "Rebuilt from ONNX" in model.note
    assert model.reconstruct_balls([1.0, 0.0, 0.0]) is not None
    sizes = [layer.weight.shape for layer in model.encoder_layers if hasattr(layer, "weight")]
    assert sizes == [(128, 3), (128, 128), (128, 128), (1, 128)]


def test_a_convolutional_keras_model_gives_the_numbers_of_keras() -> None:
    """Channels last, padding "same", upsampling by repetition: what Keras computed is stored beside the files."""
    model = open_model(FIXTURES / "keras_conv_encoder.onnx", decoder=FIXTURES / "keras_conv_decoder.onnx")
    values = np.load(FIXTURES / "keras_conv_values.npz")
    points = values["points"].reshape(3, -1)
    assert isinstance(model, ModuleAutoencoder)
    np.testing.assert_allclose(model.encode(points), values["codes"], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(model.decode(values["codes"]), values["decoded"].reshape(3, -1), rtol=1e-4, atol=1e-5)
    network = network_from_modules(model.encoder, model.decoder, ambient_dim=128, latent_dim=2)
    rows = torch.from_numpy(points.astype(np.float64))
    np.testing.assert_allclose(network.reconstruct(rows).numpy(), model.reconstruct(points), atol=1e-9)


class Block(nn.Module):
    """A network as PyTorch users write it, with a forward of its own, a skip, and layers called as functions."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.norm, self.back = nn.Conv2d(1, 3, 3, 2, 1), nn.BatchNorm2d(3), nn.Linear(48, 2)
        self.inner = nn.Linear(48, 48)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = torch.nn.functional.gelu(self.norm(self.first(x.reshape(-1, 1, 8, 8))))
        y = y.flatten(1)
        return self.back(y + torch.nn.functional.silu(self.inner(y)))


@pytest.mark.filterwarnings("ignore")  # the exporter that needs no further package is deprecated
@pytest.mark.parametrize("opset", [13, 20])
def test_a_torch_module_with_its_own_forward_is_rebuilt_after_export(opset: int, tmp_path: Path) -> None:
    """So that certified enclosures exist for it, whatever opset writes GELU out."""
    torch.manual_seed(0)
    encoder, decoder = Block().eval(), nn.Sequential(nn.Linear(2, 64)).eval()
    for part, module, n in (("e", encoder, 64), ("d", decoder, 2)):
        torch.onnx.export(
            module,
            (torch.zeros(2, n),),
            str(tmp_path / f"{part}.onnx"),
            dynamo=False,
            opset_version=opset,
            input_names=["x"],
            dynamic_axes={"x": {0: "N"}},
        )
    model = open_model(tmp_path / "e.onnx", decoder=tmp_path / "d.onnx")
    assert isinstance(model, ModuleAutoencoder), model.note
    x = np.random.default_rng(0).normal(size=(5, 64))
    with torch.no_grad():
        expected = encoder.double()(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(model.encode(x), expected, rtol=1e-6, atol=1e-9)
    network_from_modules(model.encoder, model.decoder, ambient_dim=64, latent_dim=2)


def autoencoder(tmp_path: Path, outputs: tuple[str, ...] = ("y3",)) -> Path:
    """One graph of the plane, whose code is y1."""
    nodes: list[Node] = [
        ("Tanh", ["x"], {}),
        ("Gemm", ["y0", "w"], {}),
        ("Sigmoid", ["y1"], {}),
        ("Gemm", ["y2", "v"], {}),
    ]
    return save(tmp_path / "a.onnx", nodes, ("N", 2), {"w": weights(2, 1), "v": weights(1, 2)}, outputs)


def test_one_graph_is_cut_at_its_narrowest_tensor(tmp_path: Path) -> None:
    """The last one before it widens, one that is an output of its own, or the one that is named."""
    x = np.random.default_rng(0).normal(size=(7, 2))
    models = [
        open_model(autoencoder(tmp_path)),
        open_model(autoencoder(tmp_path, ("y3", "y1"))),
        open_model(autoencoder(tmp_path), latent="y1"),
    ]
    codes = np.tanh(x) @ weights(2, 1)
    for model, expected in zip(models, (1 / (1 + np.exp(-codes)), codes, codes), strict=True):
        np.testing.assert_allclose(model.encode(x), expected, rtol=1e-6)
        np.testing.assert_allclose(model.reconstruct(x), models[0].reconstruct(x), rtol=1e-6)
    assert "'y2'" in models[0].note and "'y1'" in models[1].note


def test_one_graph_without_a_code_says_what_is_needed(tmp_path: Path) -> None:
    """A pure reconstruction, a name that is no cut, a dimension that no tensor has, an encoder alone."""
    flat = save(tmp_path / "f.onnx", [("Gemm", ["x", "w"], {}), ("Tanh", ["y0"], {})], ("N", 2), {"w": weights(2, 2)})
    with pytest.raises(ModelFileError, match=r"Name it \(latent=\), or export encoder and decoder as two files"):
        open_model(flat)
    with pytest.raises(ModelFileError, match=r"such are: 'y0' .2 numbers., 'y1' .1 numbers., 'y2'"):
        open_model(autoencoder(tmp_path), latent="nothing")
    with pytest.raises(ModelFileError, match="no tensor of 5 numbers"):
        open_model(autoencoder(tmp_path), latent_dim=5)
    with pytest.raises(ModelFileError, match="give the decoder's file too"):
        open_model(pair(tmp_path)[0])


def test_files_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    """Swapped, or of another dimension than is needed."""
    encoder, decoder = pair(tmp_path)
    with pytest.raises(ModelFileError, match=r"maps 1 numbers to 2: .* Give the encoder's file first"):
        open_model(decoder, decoder=encoder)
    other = save(tmp_path / "o.onnx", [("Gemm", ["x", "w"], {})], ("N", 3), {"w": weights(3, 2)})
    with pytest.raises(ModelFileError, match=r"maps 2 numbers to 1, and the decoder o.onnx 3 to 2"):
        open_model(encoder, decoder=other)
    with pytest.raises(ModelFileError, match="has ambient_dim 2, and 3 is needed"):
        open_model(encoder, decoder=decoder, ambient_dim=3)
    with pytest.raises(UsageError, match="for one ONNX graph"):
        open_model(encoder, decoder=decoder, latent="y0")


def test_operators_without_a_torch_form_are_left_to_onnxruntime(tmp_path: Path) -> None:
    """The float32 function is judged, the note says so, and the operators still decide continuity."""
    encoder, decoder = pair(tmp_path, ("Mish", ["y0"], {}))
    model = open_model(encoder, decoder=decoder)
    assert isinstance(model, OnnxAutoencoder)
    assert model.continuity is Continuity.KNOWN
    assert "onnxruntime in float32" in model.note and "Mish" in model.note
    x = np.random.default_rng(0).normal(size=(2001, 2))
    hidden = x @ weights(2, 5)
    expected = hidden * np.tanh(np.log1p(np.exp(hidden))) @ weights(5, 1)
    np.testing.assert_allclose(model.encode(x), expected, atol=1e-5)
    assert model.encode(np.empty((0, 2))).shape == (0, 1)
    assert model.fingerprint() == open_model(encoder, decoder=decoder).fingerprint()
    assert len(model.fingerprint()) == 64


@pytest.mark.parametrize(
    ("nodes", "expected", "operator"),
    [
        ([("Round", ["x"], {})], Continuity.DISCONTINUOUS, "Round"),
        ([("Floor", ["x"], {})], Continuity.DISCONTINUOUS, "Floor"),
        ([("Sign", ["x"], {})], Continuity.DISCONTINUOUS, "Sign"),
        ([("Mod", ["x", "c"], {"fmod": 1})], Continuity.DISCONTINUOUS, "Mod"),
        ([("Greater", ["x", "c"], {}), ("Where", ["y0", "x", "c"], {})], Continuity.DISCONTINUOUS, "Greater, Where"),
        ([("ArgMax", ["x"], {"axis": 1}), ("Cast", ["y0"], {"to": 1})], Continuity.DISCONTINUOUS, "ArgMax"),
        ([("Cast", ["x"], {"to": 6}), ("Cast", ["y0"], {"to": 1})], Continuity.DISCONTINUOUS, "Cast"),
        ([("ThresholdedRelu", ["x"], {})], Continuity.DISCONTINUOUS, "ThresholdedRelu"),
        ([("Shrink", ["x"], {})], Continuity.DISCONTINUOUS, "Shrink"),
        (
            [("ArgMax", ["x"], {"axis": 1, "keepdims": 0}), ("Gather", ["book", "y0"], {})],
            Continuity.DISCONTINUOUS,
            "ArgMax, Gather",
        ),
        ([("Div", ["c", "x"], {})], Continuity.OPAQUE, "Div"),
        ([("Log", ["x"], {})], Continuity.OPAQUE, "Log"),
        ([("Pow", ["x", "h"], {})], Continuity.OPAQUE, "Pow"),
        ([("Pow", ["x", "two"], {})], Continuity.KNOWN, ""),
        ([("Shrink", ["x"], {"bias": 0.5})], Continuity.KNOWN, ""),
        ([("Clip", ["x", "one"], {})], Continuity.KNOWN, ""),
        ([("Greater", ["c", "h"], {}), ("Where", ["y0", "x", "c"], {})], Continuity.KNOWN, ""),
        ([("Softmax", ["x"], {}), ("LayerNormalization", ["y0", "c"], {})], Continuity.KNOWN, ""),
    ],
)
def test_continuity_is_decided_from_the_operators(
    nodes: list[Node], expected: Continuity, operator: str, tmp_path: Path
) -> None:
    """A jump on the way is named; constants that are folded do not count; the rest is opaque or known."""
    constants = {
        "c": np.float32([0.5, 0.25]),
        "h": np.float32(0.5),
        "two": np.float32(2),
        "one": np.float32(1),
        "book": weights(2, 3),
    }
    graph = read_graph(save(tmp_path / "m.onnx", nodes, ("N", 2), constants))
    found, note = graph_continuity(graph)
    assert found is expected
    assert operator in note


def test_quantised_weights_are_folded_and_quantised_values_jump(tmp_path: Path) -> None:
    """DequantizeLinear of constants is arithmetic on weights; QuantizeLinear of the input rounds it."""
    constants = {"q": np.int8([[3, -7], [100, 5]]), "s": np.float32(0.01), "z": np.int8(0)}
    nodes: list[Node] = [("DequantizeLinear", ["q", "s", "z"], {}), ("MatMul", ["x", "y0"], {})]
    graph = read_graph(save(tmp_path / "w.onnx", nodes, ("N", 2), constants))
    assert graph_continuity(graph)[0] is Continuity.KNOWN
    found = rebuild(graph)(torch.eye(2)).detach().numpy()
    np.testing.assert_allclose(found, np.float32([[0.03, -0.07], [1.0, 0.05]]))
    nodes = [("QuantizeLinear", ["x", "s", "z"], {}), ("DequantizeLinear", ["y0", "s", "z"], {})]
    graph = read_graph(save(tmp_path / "v.onnx", nodes, ("N", 2), constants))
    assert graph_continuity(graph)[0] is Continuity.DISCONTINUOUS
    with pytest.raises(NotRebuilt, match="DequantizeLinear"):
        rebuild(graph)


def test_a_graph_for_a_fixed_number_of_rows_is_run_with_it(tmp_path: Path) -> None:
    """Exporters that fix the batch at 1 or 3 are common; rows are filled up and dropped again."""
    for batch in (1, 3):
        nodes: list[Node] = [("Mish", ["x"], {}), ("Reshape", ["y0", "s"], {}), ("MatMul", ["y1", "w"], {})]
        path = save(tmp_path / "e.onnx", nodes, (batch, 2, 1), {"s": ints(batch, 2), "w": weights(2, 1)})
        decoder = save(tmp_path / "d.onnx", [("Gemm", ["x", "w"], {})], (batch, 1), {"w": weights(1, 2)})
        model = open_model(path, decoder=decoder)
        x = np.random.default_rng(0).normal(size=(4, 2))
        expected = x * np.tanh(np.log1p(np.exp(x))) @ weights(2, 1) @ weights(1, 2)
        np.testing.assert_allclose(model.reconstruct(x), expected, rtol=1e-4, atol=1e-6)


def test_a_rebuilt_model_that_differs_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Were an operator translated wrongly, onnxruntime would show it: the note names the difference."""
    from aeverify.autoencoders.onnx import rebuilding

    monkeypatch.setitem(rebuilding._ACTIVATIONS, "Tanh", lambda node: nn.Sigmoid())
    encoder, decoder = pair(tmp_path, ("Tanh", ["y0"], {}))
    model = open_model(encoder, decoder=decoder)
    assert isinstance(model, OnnxAutoencoder)
    assert f"{TOLERANCE:g} is allowed" in model.note


def test_graphs_that_mix_the_rows_of_a_batch_are_refused(tmp_path: Path) -> None:
    """A mean over the batch is no function of one point."""
    nodes: list[Node] = [("ReduceMean", ["x", "a"], {}), ("Sub", ["x", "y0"], {}), ("MatMul", ["y1", "w"], {})]
    encoder = save(tmp_path / "e.onnx", nodes, ("N", 2), {"a": ints(0), "w": weights(2, 1)})
    decoder = save(tmp_path / "d.onnx", [("Gemm", ["x", "w"], {})], ("N", 1), {"w": weights(1, 2)})
    with pytest.raises(ModelFileError, match="mixes the rows of a batch"):
        open_model(encoder, decoder=decoder)


def _control_flow() -> onnx.ModelProto:
    body = helper.make_graph(
        [helper.make_node("Constant", [], ["c"], value_float=1.0)], "b", [], [onnx.ValueInfoProto(name="c")]
    )
    node = helper.make_node("If", ["k"], ["y0"], then_branch=body, else_branch=body)
    return helper.make_model(_graph([node], [numpy_helper.from_array(np.array(True), "k")]))


def _graph(nodes: list[Any], initializers: list[Any] | None = None, shape: tuple[Any, ...] = ("N", 2)) -> Any:
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, list(shape))]
    return helper.make_graph(nodes, "g", inputs, [onnx.ValueInfoProto(name="y0")], initializers or [])


def _tensor(dims: list[int], raw: bytes = b"") -> Any:
    return TensorProto(name="w", dims=dims, data_type=TensorProto.FLOAT, raw_data=raw)


def _external(location: str, **more: str) -> Any:
    tensor = TensorProto(name="w", dims=[2, 2], data_type=TensorProto.FLOAT, data_location=TensorProto.EXTERNAL)
    for key, value in {"location": location, **more}.items():
        tensor.external_data.add(key=key, value=value)
    return helper.make_model(_graph([helper.make_node("MatMul", ["x", "w"], ["y0"])], [tensor]))


def _of(*nodes: Any, shape: tuple[Any, ...] = ("N", 2), opset: int = 20, initializers: Any = None) -> Any:
    return helper.make_model(_graph(list(nodes), initializers, shape), opset_imports=[helper.make_opsetid("", opset)])


def _custom() -> Any:
    model = _of(helper.make_node("Evil", ["x"], ["y0"], domain="com.evil"))
    model.opset_import.add(domain="com.evil", version=1)
    return model


def _functions() -> Any:
    model = _of(helper.make_node("Relu", ["x"], ["y0"]))
    model.functions.add(name="f", domain="here")
    return model


def _big(value: int) -> Any:
    return numpy_helper.from_array(np.array([value, value], dtype=np.int64), "s")


def _chain() -> Any:
    """Repeated outer products: sizes that grow from operator to operator."""
    nodes = [helper.make_node("Unsqueeze", ["x", "a"], ["u0"])]
    for i in range(3):
        nodes.append(helper.make_node("Tile", [f"u{i}", "t"], [f"u{i + 1}"]))
    nodes.append(helper.make_node("ReduceSum", ["u3", "a"], ["y0"]))
    constants = {"a": [2], "t": [1, 1, 1000]}
    arrays = [numpy_helper.from_array(np.array(v, dtype=np.int64), k) for k, v in constants.items()]
    return _of(*nodes, initializers=arrays)


HOSTILE: dict[str, tuple[Callable[[], Any], str]] = {
    "control flow": (_control_flow, "control flow"),
    "custom operator": (_custom, "domain 'com.evil'"),
    "functions": (_functions, "functions of its own"),
    "unknown operator": (lambda: _of(helper.make_node("Nonsense", ["x"], ["y0"])), "'Nonsense', which ONNX does not"),
    "opset of the future": (lambda: _of(helper.make_node("Relu", ["x"], ["y0"]), opset=999), "opset 999"),
    "opset of the past": (lambda: _of(helper.make_node("Relu", ["x"], ["y0"]), opset=3), "opset 3"),
    "random numbers": (lambda: _of(helper.make_node("RandomNormalLike", ["x"], ["y0"])), "draws random numbers"),
    "batch norm that trains": (
        lambda: _of(helper.make_node("BatchNormalization", ["x"] * 5, ["y0"], training_mode=1)),
        "Put the model in eval mode",
    ),
    "dropout that is on": (
        lambda: _of(
            helper.make_node("Dropout", ["x", "", "t"], ["y0"]),
            initializers=[numpy_helper.from_array(np.array(True), "t")],
        ),
        "Dropout in training mode",
    ),
    "declared size": (
        lambda: _of(helper.make_node("MatMul", ["x", "w"], ["y0"]), initializers=[_tensor([2**40, 2**40])]),
        "declares the shape",
    ),
    "negative size": (
        lambda: _of(helper.make_node("MatMul", ["x", "w"], ["y0"]), initializers=[_tensor([-2, 2])]),
        "declares the shape",
    ),
    "missing bytes": (
        lambda: _of(helper.make_node("MatMul", ["x", "w"], ["y0"]), initializers=[_tensor([2, 2], b"1234")]),
        "does not have the bytes",
    ),
    "infinite weight": (
        lambda: _of(
            helper.make_node("MatMul", ["x", "w"], ["y0"]),
            initializers=[_tensor([2, 2], np.float32([[1, 2], [3, np.inf]]).tobytes())],
        ),
        "NaN or infinite",
    ),
    "external data above": (lambda: _external("../../../../etc/passwd"), "no regular file in the model's own folder"),
    "external data elsewhere": (lambda: _external("/etc/passwd"), "no regular file in the model's own folder"),
    "external data by a link": (lambda: _external("link.bin"), "no regular file in the model's own folder"),
    "external data missing": (lambda: _external("nothing.bin"), "no regular file in the model's own folder"),
    "external data too long": (lambda: _external("data.bin", length="999999"), "cannot be read: bytes 0 to 999999"),
    "external data negative": (lambda: _external("data.bin", offset="-8"), "cannot be read"),
    "huge input": (lambda: _of(helper.make_node("Relu", ["x"], ["y0"]), shape=("N", 2**33)), "the shape"),
    "open dimensions": (lambda: _of(helper.make_node("Relu", ["x"], ["y0"]), shape=("N", "h", "w")), "2 dimensions"),
    "no batch": (lambda: _of(helper.make_node("Relu", ["x"], ["y0"]), shape=(2,)), "the batch first"),
    "huge constant": (
        lambda: _of(
            helper.make_node("ConstantOfShape", ["s"], ["c"]),
            helper.make_node("ReduceSum", ["c"], ["d"]),
            helper.make_node("Mul", ["x", "d"], ["y0"]),
            initializers=[_big(2**20)],
        ),
        "makes a tensor of shape",
    ),
    "huge intermediate": (_chain, "makes a tensor of shape"),
    "unknown size": (
        lambda: _of(
            helper.make_node("NonZero", ["x"], ["i"]),
            helper.make_node("Cast", ["i"], ["f"], to=1),
            helper.make_node("Transpose", ["f"], ["y0"]),
        ),
        "cannot be told before it runs",
    ),
    "cycle": (
        lambda: _of(helper.make_node("Add", ["x", "z"], ["y0"]), helper.make_node("Relu", ["y0"], ["z"])),
        "(?i)topolog|cycle|not fit together",
    ),
    "no input used": (
        lambda: _of(helper.make_node("Constant", [], ["y0"], value_floats=[1.0, 2.0])),
        "does not depend on its input",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_and_broken_graphs_are_refused(name: str, tmp_path: Path) -> None:
    """With what was found and what to do, before anything runs."""
    make, message = HOSTILE[name]
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "secret.bin").write_bytes(bytes(16))
    (folder / "link.bin").symlink_to(tmp_path / "secret.bin")
    (folder / "data.bin").write_bytes(bytes(16))
    path = folder / "m.onnx"
    path.write_bytes(make().SerializeToString())
    with pytest.raises(ModelFileError, match=message):
        open_model(path, decoder=path)


def test_external_data_beside_the_model_is_read(tmp_path: Path) -> None:
    """The file's own folder is allowed."""
    matrix = weights(2, 2)
    (tmp_path / "data.bin").write_bytes(b"skip" + matrix.tobytes())
    path = tmp_path / "m.onnx"
    path.write_bytes(_external("data.bin", offset="4", length="16").SerializeToString())
    np.testing.assert_array_equal(read_graph(path).constants["w"], matrix)


def test_long_graphs_take_no_long_time_and_no_deep_recursion(tmp_path: Path) -> None:
    """Products of products, which have twice as many factors at each step, and 5000 operators in a row."""
    for count, node in ((60, lambda i: ("Mul", [f"y{i}", f"y{i}"], {})), (5000, lambda i: ("Mul", [f"y{i}", "c"], {}))):
        nodes: list[Node] = [("Tanh", ["x"], {}), *(node(i) for i in range(count)), ("MatMul", [f"y{count}", "w"], {})]
        encoder = save(tmp_path / "e.onnx", nodes, ("N", 2), {"c": np.float32(1), "w": weights(2, 1)})
        decoder = save(tmp_path / "d.onnx", [("Gemm", ["x", "w"], {})], ("N", 1), {"w": weights(1, 2)})
        assert isinstance(open_model(encoder, decoder=decoder), OnnxAutoencoder)


def test_a_slice_of_a_shape_that_ends_far_out_costs_nothing(tmp_path: Path) -> None:
    """ONNX's own propagation of shapes would walk to its end, through all memory; values are sliced here."""
    nodes: list[Node] = [
        ("Shape", ["x"], {}),
        ("Slice", ["y0", "from", "to"], {}),
        ("Concat", ["rows", "y1"], {"axis": 0}),
        ("Reshape", ["x", "y2"], {}),
        ("Relu", ["y3"], {}),
    ]
    constants = {"from": ints(1), "to": ints(2**61), "rows": ints(-1)}
    graph = read_graph(save(tmp_path / "m.onnx", nodes, ROW, constants))
    assert (graph.shapes["y4"], graph.fixed) == ((BATCH, 4), False)


def test_truncated_and_garbled_files_are_refused_or_read_but_never_crash(tmp_path: Path) -> None:
    """Every prefix and 60 files with changed bytes: our own error, or a model."""
    encoder, decoder = pair(tmp_path, ("Tanh", ["y0"], {}))
    whole = encoder.read_bytes()
    broken = tmp_path / "b.onnx"
    rng = np.random.default_rng(0)
    refused = 0
    for i in range(120):
        data = bytearray(whole[: 1 + i * len(whole) // 60] if i < 60 else whole)
        if i >= 60:
            for place in rng.integers(0, len(data), 3):
                data[place] = rng.integers(0, 256)
        broken.write_bytes(data)
        try:
            open_model(broken, decoder=decoder)
        except (ModelFileError, UsageError):
            refused += 1
    assert refused >= 60


def test_shapes_are_inferred_for_a_stated_number_of_rows(tmp_path: Path) -> None:
    """Which is unlikely to be another size too."""
    graph = read_graph(save(tmp_path / "m.onnx", [("Relu", ["x"], {})], ROW))
    assert (graph.batch, graph.shapes["y0"], graph.fixed) == (BATCH, (BATCH, 4), False)

"""Reading an ONNX file within limits: a `Graph` of tensors whose sizes are known before anything runs.

A protobuf of at most 1 GiB is parsed; refused are operators of other domains, functions, control flow (If, Loop, Scan),
random operators, operators in training mode, tensors whose declared size does not fit their bytes, and external data
that does not lie in the model's own folder. Constants are folded, so that weights that were quantised, transposed or
cast in the file are plain arrays, and shapes computed from the number of rows become plain shapes. The shape of every
tensor on the way is inferred for a stated number of rows, and has to be known and bounded.
"""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from aeverify.autoencoders.files.formats import MAX_BYTES, size_of
from aeverify.autoencoders.onnx.folding import MAX_ELEMENTS, folded
from aeverify.autoencoders.onnx.graphs import FLOATS, Array, Graph, attribute_of, require_package
from aeverify.errors import AeverifyError, ModelFileError

MAX_NODES = 20_000
BATCH = 13
"""Number of rows for which shapes are inferred where the file leaves it open; unlikely to be another size too."""

_RANDOM = frozenset(
    ["RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Bernoulli", "Multinomial"]
)


def read_graph(path: Path, ambient: int | None = None) -> Graph:
    """The graph of an ONNX file; `ambient` fills in one dimension of the input that the file leaves open.

    Raises:
        ModelFileError: the file is damaged, too large, or holds what is not opened (see the module).
        UsageError: onnx is not installed.
    """
    onnx = require_package("onnx")
    size_of(path)
    try:
        model = onnx.load_model_from_string(path.read_bytes())
    except OSError as error:
        raise ModelFileError(f"The model file {path} cannot be read: {error.strerror or error}.") from error
    except Exception as error:
        raise ModelFileError(
            f"{path} is not a whole ONNX model ({str(error)[:160]}): it is truncated, damaged or of another format. "
            "Export it again."
        ) from error
    try:
        return _graph(path, model, ambient, onnx)
    except AeverifyError:
        raise
    except Exception as error:
        # whatever a garbled file brings about in the libraries that read it
        raise ModelFileError(
            f"{path} is no sound ONNX model ({type(error).__name__}: "
            f"{str(error).strip().partition(chr(10))[0][:160]}). It is damaged; export it again."
        ) from error


def _graph(path: Path, model: Any, ambient: int | None, onnx: Any) -> Graph:
    opset = _check_structure(path, model, onnx)
    constants = {t.name: _array(path, t, onnx) for t in model.graph.initializer}
    nodes = []
    for node in model.graph.node:
        if node.op_type == "Constant":
            constants[node.output[0]] = _constant(path, node, onnx)
        else:
            nodes.append(node)
    for node in nodes:
        training = node.input[2] if node.op_type == "Dropout" and len(node.input) > 2 else ""
        if training and bool(np.any(constants.get(training, np.array(True)))):
            raise ModelFileError(
                f"{path} draws random numbers (Dropout in training mode), so that it is no function of the point. Put "
                "the model in eval mode before it is exported."
            )
    name, shape, kind, fixed = _input(path, model, constants, ambient)
    outputs = tuple(o.name for o in model.graph.output)
    graph = Graph(path, tuple(nodes), constants, name, outputs, {name: shape}, shape[0], fixed, kind, opset, 0)
    return folded(replace(graph, ir_version=min(int(model.ir_version), 10)), onnx)


def _check_structure(path: Path, model: Any, onnx: Any) -> int:
    def refuse(what: str) -> ModelFileError:
        return ModelFileError(f"{path} {what}")

    graph = model.graph
    if not graph.node or not graph.output:
        raise refuse("holds no ONNX graph: it is truncated, empty or of another format. Export it again.")
    opset = next((int(o.version) for o in model.opset_import if o.domain in ("", "ai.onnx")), 0)
    newest = onnx.defs.onnx_opset_version()
    if not 7 <= opset <= newest:
        raise refuse(f"has the opset {opset or 'unknown'}; this version reads 7 to {newest}. Export with opset 17.")
    if len(model.functions):
        raise refuse("defines functions of its own, which are not opened. Export with the standard operators only.")
    if len(graph.sparse_initializer):
        raise refuse("has sparse weights, which are not opened. Export dense ones.")
    if len(graph.node) > MAX_NODES or len(graph.initializer) > MAX_NODES:
        raise refuse(f"has {len(graph.node)} operators and {len(graph.initializer)} tensors; the limit is {MAX_NODES}.")
    texts = [name for node in graph.node for name in (node.op_type, node.domain, *node.input, *node.output)]
    texts += [t.name for t in graph.initializer] + [v.name for v in (*graph.input, *graph.output)]
    if not all(isinstance(text, str) for text in texts):
        raise refuse("has names that are no text (UTF-8): it is damaged. Export it again.")
    for node in graph.node:
        if node.domain not in ("", "ai.onnx"):
            raise refuse(
                f"uses the operator {node.op_type!r} of the domain {node.domain!r}, whose code is elsewhere. "
                "Export with the standard operators only."
            )
        if any(a.type in (onnx.AttributeProto.GRAPH, onnx.AttributeProto.GRAPHS) for a in node.attribute):
            raise refuse(f"has control flow ({node.op_type}), which is not opened: export a graph without branches.")
        if node.op_type in _RANDOM:
            raise refuse(
                f"draws random numbers ({node.op_type}), so that it is no function of the point. Of a variational "
                "autoencoder export the mean: encoder to mean, decoder from it."
            )
        if not onnx.defs.has(node.op_type, opset, ""):
            raise refuse(f"uses the operator {node.op_type!r}, which ONNX does not have in opset {opset}.")
        if node.op_type == "BatchNormalization" and attribute_of(node, "training_mode", 0, onnx):
            raise refuse(
                "normalises by the batch (BatchNormalization in training mode), so that it is no function of one "
                "point. Put the model in eval mode before it is exported."
            )
    return opset


def _constant(path: Path, node: Any, onnx: Any) -> Array:
    value = onnx.helper.get_attribute_value(node.attribute[0]) if len(node.attribute) == 1 else None
    name = node.attribute[0].name if value is not None else ""
    if name == "value":
        return _array(path, value, onnx)
    if name in ("value_float", "value_floats"):
        return np.asarray(value, dtype=np.float32)
    if name in ("value_int", "value_ints"):
        return np.asarray(value, dtype=np.int64)
    raise ModelFileError(f"{path} has a constant {node.output[0][:60]!r} that is no tensor of numbers.")


def _array(path: Path, tensor: Any, onnx: Any) -> Array:
    """A tensor's values, its declared size checked against its bytes first."""
    what = f"the tensor {tensor.name[:60]!r}"
    if any(d < 0 for d in tensor.dims) or math.prod(tensor.dims) > MAX_ELEMENTS:
        raise ModelFileError(
            f"{path}: {what} declares the shape {list(tensor.dims)[:8]}; at most {MAX_ELEMENTS} numbers are read."
        )
    if tensor.data_location == onnx.TensorProto.EXTERNAL:
        _read_external(path, tensor, what)
    try:
        values = onnx.numpy_helper.to_array(tensor)
    except Exception as error:
        raise ModelFileError(
            f"{path}: {what} of shape {list(tensor.dims)} does not have the bytes for it ({str(error)[:120]}). "
            "The file is damaged; export it again."
        ) from error
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise ModelFileError(f"{path}: {what} has entries that are NaN or infinite.")
    return np.asarray(values)


def _read_external(path: Path, tensor: Any, what: str) -> None:
    """Put the bytes of a tensor that lie in another file into it: a file in the model's folder, never elsewhere."""
    entries = {e.key: e.value for e in tensor.external_data}
    location = entries.get("location", "")
    folder = path.resolve().parent
    target = folder / location
    try:
        inside = target.resolve().is_relative_to(folder) and not target.is_symlink()
        usable = bool(location) and not Path(location).is_absolute() and inside and target.is_file()
    except (OSError, ValueError):
        usable = False
    if not usable:
        raise ModelFileError(
            f"{path}: {what} keeps its data in {location[:80]!r}, which is no regular file in the model's own folder. "
            "Put it beside the model, or export with the weights inside."
        )
    try:
        offset, total = int(entries.get("offset") or 0), target.stat().st_size
        length = int(entries.get("length") or total - offset)
        if offset < 0 or length < 0 or offset + length > total or length > MAX_BYTES:
            raise ValueError(f"bytes {offset} to {offset + length} of {total}")
        with target.open("rb") as file:
            file.seek(offset)
            tensor.raw_data = file.read(length)
    except (OSError, ValueError) as error:
        raise ModelFileError(f"{path}: the data of {what} in {location!r} cannot be read: {error}.") from error
    tensor.data_location = 0


def _input(
    path: Path, model: Any, constants: dict[str, Array], ambient: int | None
) -> tuple[str, tuple[int, ...], str, bool]:
    inputs = [i for i in model.graph.input if i.name not in constants]
    if len(inputs) != 1 or not inputs[0].type.HasField("tensor_type"):
        raise ModelFileError(
            f"{path} has {len(inputs)} inputs ({', '.join(i.name for i in inputs[:6])}), expected one tensor of "
            "points. Export encoder and decoder with one input each."
        )
    kind = inputs[0].type.tensor_type
    name = inputs[0].name
    if kind.elem_type not in FLOATS:
        raise ModelFileError(f"{path}: the input {name!r} takes no floating point numbers; export a model that does.")
    dims = [int(d.dim_value) if d.HasField("dim_value") else 0 for d in kind.shape.dim]
    if len(dims) < 2 or any(d < 0 for d in dims):
        raise ModelFileError(
            f"{path}: the input {name!r} has the shape {dims}, expected one with the batch first, such as (N, 3)."
        )
    open_axes = [i for i, d in enumerate(dims) if i and not d]
    if len(open_axes) == 1 and ambient is not None and ambient % math.prod(d for d in dims[1:] if d) == 0:
        dims[open_axes[0]] = ambient // math.prod(d for d in dims[1:] if d)
    elif open_axes:
        raise ModelFileError(
            f"{path}: the input {name!r} leaves {len(open_axes)} dimensions of a point open "
            f"({', '.join(kind.shape.dim[i].dim_param or '?' for i in open_axes)}). Export with a fixed shape of "
            "a point; only the batch may be open."
        )
    fixed = dims[0] > 0
    shape = (dims[0] or BATCH, *dims[1:])
    if math.prod(shape) > MAX_ELEMENTS:
        raise ModelFileError(
            f"{path}: the input {name!r} has the shape {dims}; at most {MAX_ELEMENTS} numbers are taken."
        )
    return name, shape, FLOATS[kind.elem_type], fixed

"""OnnxAutoencoder: an encoder and a decoder that onnxruntime runs, in the type of the graph."""

from __future__ import annotations

import hashlib
import math
from typing import Any, final

import numpy as np

from aeverify.autoencoders.onnx.graphs import Graph, require_package, to_model
from aeverify.autoencoders.onnx.operators import graph_continuity
from aeverify.autoencoders.protocol import Autoencoder, Continuity, FloatArray
from aeverify.core.dimensions import require_positive
from aeverify.errors import ModelFileError, UsageError

_ROWS_PER_CALL = 2000


class Runner:
    """One graph as a function of float64 rows, run by onnxruntime on one thread."""

    def __init__(self, graph: Graph, device: str = "cpu") -> None:
        onnx, runtime = require_package("onnx"), require_package("onnxruntime")
        self.graph = graph
        self._shape = graph.shapes[graph.input][1:]
        self._output = graph.outputs[0]
        options = runtime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4
        model = to_model(graph, onnx, graph.batch if graph.fixed else None)
        try:
            self._session = runtime.InferenceSession(
                model.SerializeToString(), options, providers=_providers(device, runtime), enable_fallback=0
            )
        except UsageError:
            raise
        except Exception as error:
            raise ModelFileError(
                f"onnxruntime refuses {graph.path}: {str(error).strip().partition(chr(10))[0][:240]}"
            ) from error

    def __call__(self, rows: FloatArray, size: int) -> FloatArray:
        """The output for rows (N, n), at most `size` of them a call, as float64 rows."""
        width = self.graph.size(self._output)
        if self.graph.fixed:
            size = self.graph.batch
        parts = [self._run(rows[i : i + size], width) for i in range(0, len(rows), size)]
        return np.concatenate(parts) if parts else np.empty((0, width))

    def _run(self, rows: FloatArray, width: int) -> FloatArray:
        count = len(rows)
        if self.graph.fixed and count < self.graph.batch:
            rows = np.concatenate([rows, np.repeat(rows[-1:], self.graph.batch - count, axis=0)])
        with np.errstate(over="ignore"):
            given = rows.reshape(len(rows), *self._shape).astype(self.graph.type)
        out = self._session.run([self._output], {self.graph.input: given})[0]
        values = np.asarray(out, dtype=np.float64)
        return values.reshape(len(rows), -1)[:count] if values.size == len(rows) * width else values


def _providers(device: str, runtime: Any) -> list[Any]:
    if device == "cpu":
        return ["CPUExecutionProvider"]
    from aeverify.autoencoders.devices import require_device

    place = require_device(device)
    if place == "cpu":
        return ["CPUExecutionProvider"]
    if "CUDAExecutionProvider" not in runtime.get_available_providers():
        raise UsageError(f"The device {device!r} was asked for, and this onnxruntime has no CUDA: use onnxruntime-gpu.")
    return [("CUDAExecutionProvider", {"device_id": int(place.partition(":")[2] or 0)})]


@final
class OnnxAutoencoder(Autoencoder):
    """An autoencoder of two ONNX graphs, run by onnxruntime.

    The function is the one that the graph states, in its own type: rows are rounded to float32 before a float32 graph,
    which has steps of the size of its rounding everywhere. So its codes and points are EMPIRICAL at best, and nothing
    about it can be enclosed.

    Args:
        encoder, decoder: graphs of one input and one output, E from n to m numbers and D back.
        name: how reports call it.
        source: the path of the file.
        device: "cpu", or "cuda" where onnxruntime has it.
        batch_size: most rows of one call; None for 2000.

    Raises:
        ModelFileError: dimensions that do not fit together or are not m <= n, or a graph that onnxruntime refuses.
        UsageError: a device that is not there.
    """

    def __init__(
        self,
        encoder: Graph,
        decoder: Graph,
        *,
        name: str,
        source: str = "",
        device: str = "cpu",
        batch_size: int | None = None,
    ) -> None:
        n, m = math.prod(encoder.shapes[encoder.input][1:]), encoder.size(encoder.outputs[0])
        code, out = math.prod(decoder.shapes[decoder.input][1:]), decoder.size(decoder.outputs[0])
        if (code, out) != (m, n):
            raise ModelFileError(
                f"The encoder {encoder.path.name} maps {n} numbers to {m}, and the decoder {decoder.path.name} "
                f"{code} to {out}; expected a decoder from {m} to {n}. Give files that belong together, the "
                "encoder first."
            )
        if m > n:
            raise ModelFileError(
                f"The encoder {encoder.path.name} maps {n} numbers to {m}: a code with more numbers than a point "
                "compresses nothing. Give the encoder's file first and the decoder's second."
            )
        super().__init__(name, n, m)
        self._source = source
        self._rows = _ROWS_PER_CALL if batch_size is None else require_positive(batch_size, "batch_size")
        self._graphs = (encoder, decoder)
        self.evaluate_on(device)
        self._continuity, self._continuity_note = graph_continuity(encoder, decoder)
        self._fingerprint = _fingerprint(encoder, decoder)

    def evaluate_on(self, device: str) -> None:
        """Choose where onnxruntime runs: "cpu", or "cuda" where it has it; raises as the constructor."""
        self._parts = tuple(Runner(graph, device) for graph in self._graphs)

    @property
    def source(self) -> str:
        """Path of the file that it was opened from."""
        return self._source

    @property
    def continuity(self) -> Continuity:
        """What the operators of the graphs say, taken as functions of real numbers."""
        return self._continuity

    @property
    def continuity_note(self) -> str:
        """Which operators decided."""
        return self._continuity_note

    def fingerprint(self) -> str:
        """SHA-256 (hex) of the operators, their attributes and the weights; the same in every process."""
        return self._fingerprint

    def _encode(self, points: FloatArray) -> FloatArray:
        return self._parts[0](points, self._rows)

    def _decode(self, codes: FloatArray) -> FloatArray:
        return self._parts[1](codes, self._rows)


def _fingerprint(*graphs: Graph) -> str:
    digest = hashlib.sha256(b"aeverify onnx autoencoder 1\n")
    for graph in graphs:
        digest.update(f"\n{graph.input} {graph.outputs} {graph.type} {graph.opset}\n".encode())
        for node in graph.nodes:
            digest.update(node.SerializeToString(deterministic=True))
        used = {name for node in graph.nodes for name in node.input}
        for name, value in sorted(graph.constants.items()):
            if name in used:
                digest.update(f"\n{name} {value.dtype} {value.shape}\n".encode())
                digest.update(np.ascontiguousarray(value).tobytes())
    return digest.hexdigest()

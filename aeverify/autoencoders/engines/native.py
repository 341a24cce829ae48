"""The native engine: `kernel.c`, compiled when it is first asked for, trains one model after the other.

Layers this small leave a matrix library little to do: at batch 20 the products of the paper's network reach half of
what one core can do in MKL, and every call costs. The kernel takes hundreds of steps in one call, keeps a model in the
cache meanwhile, and forms each piece of the gradient in registers, from where it goes into the optimiser. It asks for a
C compiler (`cc`, or what CC names) and about a second of it in each process; without one, the engine `flat` does
the same in torch. The compiled file lives in a private temporary folder until it is loaded.

A model trained here is the same bit for bit whatever is trained beside it. It needs ReLU or leaky ReLU units with a
slope of at least 0, and the mean squared error.
"""

from __future__ import annotations

import ctypes
import functools
import itertools
import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from aeverify.autoencoders.architectures import Architecture
from aeverify.autoencoders.engines.advance import batches, factors, materialised
from aeverify.autoencoders.engines.state import MOMENTS, Float32, Group
from aeverify.autoencoders.layers import Affine, Layers

_SOURCE = Path(__file__).with_name("kernel.c")
_FLAGS = ("-O3", "-march=native", "-fno-math-errno", "-shared", "-fPIC")
_SECONDS = 60
_KINDS = {"adam": 0, "rmsprop": 1, "sgd": 2}
_MOST_LAYERS = 64
_ROWS = 120


@functools.cache
def kernel() -> ctypes.CDLL | None:
    """The compiled kernel; None where there is no compiler or it does not compile here."""
    compiler = shlex.split(os.environ.get("CC", "cc"))
    if not compiler or shutil.which(compiler[0]) is None:
        return None
    with tempfile.TemporaryDirectory(prefix="aeverify-") as folder:
        library = Path(folder) / "kernel.so"
        command = [*compiler, *_FLAGS, str(_SOURCE), "-o", str(library), "-lm"]
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=_SECONDS)
            loaded = ctypes.CDLL(str(library))
        except (OSError, subprocess.SubprocessError):
            return None
    loaded.workspace.restype = ctypes.c_long
    loaded.reconstruct.restype = None
    return loaded


def supports(shape: Architecture) -> bool:
    """Whether the kernel has this architecture's activation, at any size."""
    known = shape.activation == "relu" or (shape.activation == "leaky_relu" and (shape.parameter or 0.0) >= 0.0)
    return known and 2 * len(shape.hidden) + 2 <= _MOST_LAYERS


@final
class PaddedNetwork:
    """A network in the layout of the kernel: its sizes, and how flat weights go there and back.

    Args:
        sizes: widths from input to output.
        active: which affine layers are followed by the activation max(x, slope x), slope >= 0.
    """

    def __init__(self, sizes: Sequence[int], active: Sequence[bool], slope: float) -> None:
        library = kernel()
        assert library is not None, "the kernel is asked for only where it compiles"
        self.library = library
        lanes = library.vector_lanes()
        self.pairs = list(itertools.pairwise(sizes))
        self.layers, self.width = len(self.pairs), sizes[-1]
        self.sizes = np.array(sizes, dtype=np.int32)
        self.active = np.array(active, dtype=np.int32)
        self.slope = slope
        self._pads = [(-(-a // lanes) * lanes, -(-b // lanes) * lanes) for a, b in self.pairs]
        self.length = sum((a + 1) * b for a, b in self._pads)

    @classmethod
    def of(cls, shape: Architecture) -> PaddedNetwork:
        """The layout of an architecture that `supports` accepts."""
        sizes = (*shape.encoder_sizes, *shape.decoder_sizes[1:])
        plain = (len(shape.hidden), len(sizes) - 2)
        return cls(sizes, [i not in plain for i in range(len(sizes) - 1)], float(shape.parameter or 0.0))

    def pack(self, flat: Float32) -> Float32:
        """Flat weights (per layer: weight (out, in), bias) as the kernel wants them, aligned to cache lines."""
        out, here, there = aligned(self.length), 0, 0
        for (a, b), (pa, pb) in zip(self.pairs, self._pads, strict=True):
            weight = out[there : there + pa * pb].reshape(pa, pb)
            weight[:a, :b] = flat[here : here + a * b].reshape(b, a).T
            there += pa * pb
            out[there : there + b] = flat[here + a * b : here + a * b + b]
            there, here = there + pb, here + a * b + b
        return out

    def unpack(self, padded: Float32, flat: Float32) -> None:
        """The inverse of `pack`, into `flat`."""
        here = there = 0
        for (a, b), (pa, pb) in zip(self.pairs, self._pads, strict=True):
            weight = padded[there : there + pa * pb].reshape(pa, pb)
            flat[here : here + a * b].reshape(b, a)[:] = weight[:a, :b].T
            there += pa * pb
            flat[here + a * b : here + a * b + b] = padded[there : there + b]
            there, here = there + pb, here + a * b + b

    def head(self) -> tuple[Any, ...]:
        """The first arguments of the kernel's routines."""
        return self.layers, _address(self.sizes), _address(self.active), ctypes.c_float(self.slope)

    def workspace(self, batch: int) -> Float32:
        """Room for batches of that size."""
        return aligned(self.library.workspace(self.layers, _address(self.sizes), batch))

    def reconstruct(self, padded: Float32, points: Float32) -> Float32:
        """The outputs in float32, 120 rows at a time: their activations stay in the second-level cache."""
        points = np.ascontiguousarray(points, dtype=np.float32)
        out = np.empty((len(points), self.width), dtype=np.float32)
        if len(points):
            work = self.workspace(min(_ROWS, len(points)))
            addresses = [_address(x) for x in (padded, work, points)]
            rows = min(_ROWS, len(points))
            self.library.reconstruct(*self.head(), *addresses, len(points), rows, _address(out))
        return out


def fast_form(layers: Layers) -> Callable[[Float32], Float32] | None:
    """A stack of affine maps with at most one ReLU or leaky ReLU after each, as a function on rows in float32; None
    where the kernel does not have it."""
    affine: list[Affine] = []
    active: list[bool] = []
    slopes: set[float] = set()
    for layer in layers:
        if isinstance(layer, Affine):
            affine.append(layer)
            active.append(False)
        elif not affine or active[-1] or layer.activation not in ("relu", "leaky_relu"):
            return None
        else:
            active[-1] = True
            slopes.add(layer.parameter)
    if not affine or len(slopes) > 1 or min(slopes, default=0.0) < 0.0 or len(affine) > _MOST_LAYERS:
        return None
    if kernel() is None:
        return None
    sizes = (affine[0].weight.shape[1], *(len(layer.weight) for layer in affine))
    network = PaddedNetwork(sizes, active, min(slopes, default=0.0))
    flat = np.concatenate([part.ravel() for layer in affine for part in (layer.weight, layer.bias)])
    padded = network.pack(flat.astype(np.float32))
    return lambda points: network.reconstruct(padded, points)


@final
class NativeEngine:
    """The models of a group in the layout of the kernel, one after the other."""

    def __init__(self, group: Group) -> None:
        self._group = group
        self._network = PaddedNetwork.of(group.network)
        self._batch = group.recipe.rows_a_step(group.count)
        self._work = self._network.workspace(self._batch)
        spare = aligned(1)
        self._held: dict[int, tuple[Float32, list[Float32]]] = {}
        for i in group.running:
            state = group.states[i]
            moments = [self._network.pack(row) for row in state.moments]
            self._held[i] = self._network.pack(state.weights), [*moments, spare][:2]
        self._points = {i: np.ascontiguousarray(materialised(group, i)) for i in self._held}

    def run(self, members: Sequence[int], start: int, stop: int) -> NDArray[np.float64]:
        """See `Engine`."""
        group, how = self._group, self._group.recipe
        steps = stop - start
        rows, counts = batches(group, members, start, stop)
        shares = factors(group, start, stop)
        # Each array lives until the call is over: only its address is passed.
        correction, roots = _corrections(how.optimizer, start, stop)
        losses = np.full((len(members), steps), np.nan)
        for k, i in enumerate(members):
            weights, moments = self._held[i]
            rate = group.rates[i] * shares
            keeps = (1.0 - how.weight_decay * rate).astype(np.float32)
            rates = (rate / correction).astype(np.float32)
            numbers = np.ascontiguousarray(rows[k])
            self._network.library.train(
                *self._network.head(),
                *(_address(x) for x in (weights, *moments, self._work, self._points[i], numbers, counts)),
                self._batch,
                steps,
                *(_address(x) for x in (rates, roots, keeps)),
                _KINDS[how.optimizer],
                ctypes.c_float(how.epsilon),
                ctypes.c_float(how.momentum),
                _address(losses[k]),
            )
        return losses / self._network.width

    def reconstruct(self, member: int, points: Float32) -> Float32:
        """See `Engine`."""
        return self._network.reconstruct(self._held[member][0], points)

    def store(self) -> None:
        """See `Engine`."""
        for i, (weights, moments) in self._held.items():
            state = self._group.states[i]
            self._network.unpack(weights, state.weights)
            for row in range(MOMENTS[self._group.recipe.optimizer]):
                self._network.unpack(moments[row], state.moments[row])


def _corrections(optimizer: str, start: int, stop: int) -> tuple[NDArray[np.float64], Float32]:
    """For each step, what Adam divides its rate by, and what it multiplies the root of its second moment by."""
    if optimizer != "adam":
        return np.ones(stop - start), np.ones(stop - start, dtype=np.float32)
    t = np.arange(start + 1, stop + 1, dtype=np.float64)
    return 1.0 - np.power(0.9, t), (1.0 / np.sqrt(1.0 - np.power(0.999, t))).astype(np.float32)


def aligned(length: int) -> Float32:
    """Zeros that begin at a cache line."""
    room = np.zeros(length + 16, dtype=np.float32)
    offset = (-room.ctypes.data % 64) // 4
    return room[offset : offset + length]


def _address(array: NDArray[Any]) -> ctypes.c_void_p:
    assert array.flags.c_contiguous
    return ctypes.c_void_p(array.ctypes.data)

"""CallableAutoencoder: two functions of the user, about which nothing is known beyond what the author declares."""

from __future__ import annotations

import hashlib
import math
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from aeverify.autoencoders.devices import require_device
from aeverify.autoencoders.protocol import Autoencoder, Continuity, FloatArray, require_latent_dim
from aeverify.core.dimensions import require_positive
from aeverify.errors import ModelError, UsageError

_PROCESS_TOKEN = secrets.token_hex(16)


@final
@dataclass(frozen=True)
class Calling:
    """How two functions are called: the dimensions, the shapes of a point and of a code, and the kind of arrays.

    Attributes:
        ambient_dim, latent_dim: n and m.
        input_shape, latent_shape: shapes of one point and one code, whose products are n and m.
        arrays: "numpy" or "torch".
        device: where torch tensors lie.
        batch_size: most rows of one call; None for no limit.
    """

    ambient_dim: int
    latent_dim: int
    input_shape: tuple[int, ...]
    latent_shape: tuple[int, ...]
    arrays: str = "numpy"
    device: str = "cpu"
    batch_size: int | None = None

    @classmethod
    def of(
        cls,
        ambient_dim: int | None,
        latent_dim: int | None,
        input_shape: Sequence[int] | None = None,
        latent_shape: Sequence[int] | None = None,
        arrays: str = "numpy",
        device: str = "cpu",
        batch_size: int | None = None,
    ) -> Calling:
        """The calling that these arguments mean.

        Raises:
            UsageError: a dimension that is missing or disagrees with its shape, or another argument out of range.
        """
        n, before = _sizes("ambient_dim", ambient_dim, "input_shape", input_shape)
        m, code = _sizes("latent_dim", latent_dim, "latent_shape", latent_shape)
        if arrays not in ("numpy", "torch"):
            raise UsageError(f"arrays must be 'numpy' or 'torch', got {arrays!r}.")
        if arrays == "numpy" and device != "cpu":
            raise UsageError(f"The device {device!r} is for functions of torch tensors; give arrays='torch' with it.")
        if batch_size is not None:
            require_positive(batch_size, "batch_size")
        return cls(n, m, before, code, arrays, require_device(device), batch_size)

    def call(self, function: Callable[[Any], Any], rows: FloatArray, shape: tuple[int, ...]) -> FloatArray:
        """What a function returns for rows, each given in `shape`, as float64 rows."""
        size = max(self.batch_size or len(rows), 1)
        parts = [self._once(function, rows[i : i + size], shape) for i in range(0, max(len(rows), 1), size)]
        return np.concatenate(parts) if len(parts) > 1 else parts[0]

    def _once(self, function: Callable[[Any], Any], rows: FloatArray, shape: tuple[int, ...]) -> FloatArray:
        given = rows.reshape(len(rows), *shape)
        if self.arrays == "numpy":
            return _real_rows(function(given), len(rows), flatten=len(shape) > 1 or self._flattens)
        import torch

        with torch.no_grad():
            result = function(torch.from_numpy(np.ascontiguousarray(given)).to(self.device))
        return _real_rows(result, len(rows), flatten=len(shape) > 1 or self._flattens)

    @property
    def _flattens(self) -> bool:
        return len(self.input_shape) > 1 or len(self.latent_shape) > 1


def _sizes(what: str, dim: int | None, shape_name: str, shape: Sequence[int] | None) -> tuple[int, tuple[int, ...]]:
    if shape is None:
        if dim is None:
            raise UsageError(f"{what} is missing: give {what}=, or {shape_name}= where rows are flattened tensors.")
        return require_positive(dim, what), (dim,)
    from aeverify.autoencoders.shapes import require_shape

    sizes = require_shape(shape, shape_name)
    if dim not in (None, math.prod(sizes)):
        raise UsageError(f"{what} is {dim}, and {shape_name}={sizes} has {math.prod(sizes)} numbers; make them agree.")
    return math.prod(sizes), sizes


def _real_rows(result: Any, rows: int, *, flatten: bool) -> FloatArray:
    """A numpy array or torch tensor as float64, with the batch as first axis."""
    if isinstance(result, tuple):
        raise ModelError(
            f"the function returned a tuple of {len(result)}, expected one array with {rows} rows. Of a variational "
            "encoder return the mean alone: theorems are about two deterministic maps."
        )
    if hasattr(result, "detach"):  # a torch tensor, of a type that numpy may not have (bfloat16)
        result = result.detach().cpu()
        if not result.is_complex():
            result = result.double()
        result = result.numpy()
    values = np.asarray(result)
    if values.dtype.kind == "c":
        raise ModelError(
            f"the function returned complex numbers ({values.dtype}), expected real ones. Return real and imaginary "
            "parts as separate coordinates."
        )
    if values.dtype.kind not in "fiub":
        raise ModelError(f"the function returned an array of type {values.dtype}, expected real numbers.")
    if flatten and values.ndim > 2 and len(values) == rows:
        values = values.reshape(rows, -1)
    return np.asarray(values, dtype=np.float64)


@final
class CallableAutoencoder(Autoencoder):
    """An encoder and a decoder given as functions on float64 arrays of shape (N, ambient_dim) and (N, latent_dim).

    Its fingerprint hashes the identities and names of the two functions with a token drawn once a process: two
    functions that live at the same time never share it, and it means nothing in another process, where the functions
    cannot be rebuilt anyway.

    Args:
        encode, decode: the two functions; each must return one row for each row it is given.
        ambient_dim, latent_dim: n and m, with 1 <= m <= n.
        name: how reports call the model.
        continuous: the author's declaration. True is reported as an assumption, False makes theorems about continuous
            autoencoders VACUOUS, None declares nothing (a probe looks for jumps).
        calling: shapes, kind of arrays, device and batch size; None for plain rows of numpy arrays.

    Raises:
        UsageError: an argument is not callable, or the dimensions are not 1 <= latent_dim <= ambient_dim.
    """

    def __init__(
        self,
        encode: Callable[[FloatArray], FloatArray],
        decode: Callable[[FloatArray], FloatArray],
        ambient_dim: int,
        latent_dim: int,
        name: str = "callables",
        continuous: bool | None = None,
        calling: Calling | None = None,
    ) -> None:
        for what, function in (("encode", encode), ("decode", decode)):
            if not callable(function):
                raise UsageError(
                    f"{what} must be a function of an array of rows, got {type(function).__name__} {function!r}."
                )
        if continuous not in (True, False, None):
            raise UsageError(f"continuous must be True, False or None (nothing declared), got {continuous!r}.")
        require_latent_dim(latent_dim, ambient_dim)
        super().__init__(name, ambient_dim, latent_dim)
        self._functions = (encode, decode)
        self._continuous = continuous
        self._calling = calling or Calling(ambient_dim, latent_dim, (ambient_dim,), (latent_dim,))

    def _encode(self, points: FloatArray) -> FloatArray:
        return self._calling.call(self._functions[0], points, self._calling.input_shape)

    def _decode(self, codes: FloatArray) -> FloatArray:
        return self._calling.call(self._functions[1], codes, self._calling.latent_shape)

    @property
    def continuity(self) -> Continuity:
        """DECLARED, DISCONTINUOUS or OPAQUE, as the author declared True, False or nothing."""
        if self._continuous is None:
            return Continuity.OPAQUE
        return Continuity.DECLARED if self._continuous else Continuity.DISCONTINUOUS

    def fingerprint(self) -> str:
        """SHA-256 (hex) that holds within this process and while the functions live."""
        names = [
            f"{getattr(f, '__module__', '')}.{getattr(f, '__qualname__', type(f).__qualname__)}@{id(f)}"
            for f in self._functions
        ]
        text = "\x1f".join((_PROCESS_TOKEN, str(self.ambient_dim), str(self.latent_dim), *names))
        return hashlib.sha256(text.encode()).hexdigest()

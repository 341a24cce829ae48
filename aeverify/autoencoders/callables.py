"""CallableAutoencoder: two functions of the user, about which nothing is known beyond what the author declares."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from typing import final

from aeverify.autoencoders.protocol import Autoencoder, Continuity, FloatArray, require_latent_dim
from aeverify.errors import UsageError

_PROCESS_TOKEN = secrets.token_hex(16)


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

    def _encode(self, points: FloatArray) -> FloatArray:
        return self._functions[0](points)

    def _decode(self, codes: FloatArray) -> FloatArray:
        return self._functions[1](codes)

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

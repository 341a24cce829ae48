"""MemoriserAutoencoder: all training points on one number and back."""

from __future__ import annotations

import hashlib
import math
from typing import final

import numpy as np

from aeverify.autoencoders.lipschitz import operator_norm_upper
from aeverify.autoencoders.protocol import Autoencoder, Continuity, FloatArray, Part
from aeverify.core.evidence import Evidence, Rigor
from aeverify.core.interval import Interval
from aeverify.core.seeds import Seed, as_seed
from aeverify.errors import UsageError

_DRAWS = 20
_UNIT = 2.0**-53


@final
class MemoriserAutoencoder(Autoencoder):
    """E(x) = <w, x> and D the polyline through the points in the order of their codes, constant outside.

    Args:
        direction: w, shape (n,).
        codes: the nodes z_1 < ... < z_N, shape (N,).
        points: D(z_i), shape (N, n).
        name: how reports call the model.
        source: path that it was loaded from, else "".

    Raises:
        UsageError: shapes that do not fit, codes that do not increase, or numbers that are not finite.
    """

    def __init__(
        self, direction: FloatArray, codes: FloatArray, points: FloatArray, name: str = "memoriser", source: str = ""
    ) -> None:
        w, z, x = (np.array(a, dtype=np.float64) for a in (direction, codes, points))
        if w.ndim != 1 or z.ndim != 1 or x.shape != (len(z), len(w)) or not len(z):
            raise UsageError(
                f"Expected a direction (n,), codes (N,) and points (N, n), got {w.shape, z.shape, x.shape}."
            )
        if not all(np.isfinite(a).all() for a in (w, z, x)) or not (np.diff(z) > 0).all():
            raise UsageError("The memoriser needs finite numbers and codes that increase.")
        super().__init__(name, len(w), 1)
        self.direction, self.codes, self.points, self._source = w, z, x, source
        for array in (w, z, x):
            array.setflags(write=False)

    @classmethod
    def fit(cls, points: FloatArray, seed: Seed | int = 0, name: str = "memoriser") -> MemoriserAutoencoder:
        """The memoriser of points (N, n) with a direction that is uniform on the sphere.

        Two distinct points share a code for directions of measure 0 only; where rounding makes them, another direction
        is drawn, up to 20 times. Points that are equal count once.

        Raises:
            UsageError: no direction tells the points apart: some are too close for float64.
        """
        x = np.unique(np.asarray(points, dtype=np.float64), axis=0)
        draw = np.random.Generator(np.random.PCG64(as_seed(seed).child("direction").value))
        for _ in range(_DRAWS):
            drawn = draw.standard_normal(x.shape[1])
            w = np.asarray(drawn / np.linalg.norm(drawn))
            z = _codes(x, w)
            order = np.argsort(z)
            if (np.diff(z[order]) > 0).all():
                return cls(w, z[order], x[order], name)
        raise UsageError(f"The {len(x)} points cannot be told apart by one number: some are too close for float64.")

    @property
    def source(self) -> str:
        """Path of the file that it was loaded from; "" where it lives in memory only."""
        return self._source

    @property
    def continuity(self) -> Continuity:
        """KNOWN: a linear map and a polyline."""
        return Continuity.KNOWN

    def lipschitz(self, part: Part) -> Evidence | None:
        """CERTIFIED upper bound: |w|, the steepest piece of the polyline, or their product."""
        # n squares, a sum, a root and a quotient, of rounded differences: within 2 n + 8 roundings
        grow = 1.0 + 2.0 * (2 * self.ambient_dim + 8) * _UNIT
        encoder = operator_norm_upper(self.direction[None])
        rises = np.linalg.norm(np.diff(self.points, axis=0), axis=1) / np.diff(self.codes)
        decoder = float(rises.max(initial=0.0)) * grow * grow
        bound = {Part.ENCODER: encoder, Part.DECODER: decoder, Part.RECONSTRUCTION: encoder * decoder * grow}[part]
        if not math.isfinite(bound):
            return None
        return Evidence(
            quantity="lipschitz_constant",
            interval=Interval(0.0, bound),
            rigor=Rigor.CERTIFIED,
            method="The upper end bounds |w| times the slope of the steepest piece of the polyline.",
            details={"part": str(part), "pieces": len(self.codes) - 1},
        )

    def fingerprint(self) -> str:
        """SHA-256 (hex) of direction, codes and points; the same in every process."""
        digest = hashlib.sha256(f"aeverify memoriser 1\n{self.points.shape}\n".encode())
        for array in (self.direction, self.codes, self.points):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    def _encode(self, points: FloatArray) -> FloatArray:
        return _codes(points, self.direction)[:, None]

    def _decode(self, codes: FloatArray) -> FloatArray:
        z = codes[:, 0]
        return np.column_stack([np.interp(z, self.codes, column) for column in self.points.T])


def _codes(points: FloatArray, direction: FloatArray) -> FloatArray:
    """<w, x> for each row, summed in an order that does not depend on the other rows."""
    total: FloatArray = np.ascontiguousarray(points * direction).sum(axis=1)
    return total

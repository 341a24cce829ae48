"""Fourier: trigonometric closed curves in R^n, given by coefficients or drawn from a seed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeAlias, final

import numpy as np

from aeverify.core.seeds import Seed
from aeverify.core.spec import Spec
from aeverify.errors import SpecError
from aeverify.manifolds.base import Truth
from aeverify.manifolds.chart import Operations
from aeverify.manifolds.connected import ConnectedManifold
from aeverify.manifolds.curve_facts import curve_chart, curve_truth, enclosed_reach
from aeverify.manifolds.entry import MANIFOLDS, Entry, Parameter
from aeverify.manifolds.parameters import require_integer, require_real

MOST_HARMONICS = 32
_MOST_COORDINATES = 256
_LARGEST = 1e9
_SMALLEST = 1e-9

Rows: TypeAlias = tuple[tuple[float, ...], ...]


@final
class FourierCurve(ConnectedManifold):
    """The closed curve sum_k (a_k cos 2 pi k t + b_k sin 2 pi k t), t in [0, 1], with vectors a_k, b_k in R^n.

    Coefficients are given (`cosine`, `sine`) or drawn: with `seed`, the entries of a_k and b_k, k = 1 ... degree, are
    independent normal numbers times k^-decay. With `amplitude` too, the drawn curve is scaled so that
    sum_k 2 pi k (|a_k| + |b_k|) = 4 amplitude, and added to the unit circle in the first two coordinates. For amplitude
    < 1 that is embedded and regular whatever is drawn: a chord of the circle between parameters at distance d <= 1/2 is
    2 sin(pi d) >= 4 d, and the drawn curve changes by at most 4 amplitude d.

    Otherwise the curve is proved to be embedded by a positive certified lower end of its reach (`certified_reach`); a
    curve for which that fails is refused. Random curves of low degree in R^3 and higher pass, most in the plane meet
    themselves. Reach, length, curvature and extent are enclosed from the chart.

    Args:
        cosine, sine: lists of the vectors a_1, a_2, ... and b_1, b_2, ..., each of n numbers, at most 32; the shorter
            list is continued with zeros.
        seed: an integer from 0, instead of coefficients.
        degree: largest harmonic of a drawn curve, from 1 to 32.
        ambient_dim: n of a drawn curve, from 2 to 256.
        decay: exponent of a drawn curve, from 0 to 10.
        amplitude: size of the drawn part beside a unit circle, from 0 to 100; left out for the drawn part alone.

    Raises:
        SpecError: a parameter is out of range, the curve is traced several times, or it could not be proved embedded.
    """

    def __init__(
        self,
        cosine: Sequence[Sequence[float]] | None = None,
        sine: Sequence[Sequence[float]] | None = None,
        seed: int | None = None,
        degree: int | None = None,
        ambient_dim: int | None = None,
        decay: float | None = None,
        amplitude: float | None = None,
    ) -> None:
        drawn = (degree, ambient_dim, decay, amplitude)
        if seed is None:
            if any(p is not None for p in drawn):
                raise SpecError(
                    "degree, ambient_dim, decay and amplitude of a Fourier curve belong to a seed: give it."
                )
            self.cosine, self.sine = _given(cosine, sine)
            spec = Spec("fourier", {"cosine": self.cosine, "sine": self.sine})
            embedded = ""
        else:
            if cosine is not None or sine is not None:
                raise SpecError("A Fourier curve takes coefficients or a seed, not both.")
            parameters = _draw_parameters(seed, degree, ambient_dim, decay, amplitude)
            self.cosine, self.sine = _drawn(**parameters)
            spec = Spec("fourier", {k: v for k, v in parameters.items() if v is not None})
            embedded = "a change of Lipschitz constant below 4 of a circle of radius 1 keeps chords positive"
            if amplitude is None or amplitude > 0.999:
                embedded = ""
        _require_single_trace(self.cosine, self.sine)
        chart = curve_chart(self._formula, closed=True, rounding=16.0 + 4.0 * len(self.cosine))
        super().__init__(spec, len(self.cosine[0]), chart)
        self._embedded = embedded
        if not embedded:
            found = enclosed_reach(self, 0.5)
            if not found.is_embedded:
                s, t = (p[0] for p in found.pair)
                raise SpecError(
                    f"{spec}: this Fourier curve could not be proved to be embedded; its reach is at most "
                    f"{found.interval.upper:.3g}, shown by the parameters {s:.6g} and {t:.6g}, near which it "
                    "meets itself, nearly does, or has a cusp. Change the coefficients or the seed, take ambient_dim=3 "
                    "or more, or an amplitude below 1."
                )

    @property
    def degree(self) -> int:
        """The number of harmonics."""
        return len(self.cosine)

    def _formula(self, parameters: Sequence[Any], ops: Operations) -> list[Any]:
        turn = 2 * ops.pi * parameters[0]
        out: list[Any] = [ops.real(0.0)] * len(self.cosine[0])
        for k, (a, b) in enumerate(zip(self.cosine, self.sine, strict=True), start=1):
            c, s = ops.cos(k * turn), ops.sin(k * turn)
            for i, (p, q) in enumerate(zip(a, b, strict=True)):
                if p:
                    out[i] = out[i] + p * c
                if q:
                    out[i] = out[i] + q * s
        return out

    def _find_truth(self) -> Truth:
        return curve_truth(self, "derived in aeverify.manifolds.fourier.FourierCurve", self._embedded)


def _given(cosine: Any, sine: Any) -> tuple[Rows, Rows]:
    a, b = _rows(cosine, "cosine"), _rows(sine, "sine")
    lengths = sorted({len(v) for v in (*a, *b)})
    if not lengths:
        raise SpecError(
            "A Fourier curve needs coefficients, such as cosine=[[1,0]],sine=[[0,1]], or a seed, such as seed=0."
        )
    if len(lengths) > 1 or not 2 <= lengths[0] <= _MOST_COORDINATES:
        raise SpecError(
            f"All vectors of a Fourier curve must have one length n from 2 to {_MOST_COORDINATES}, got {lengths}."
        )
    harmonics = max((k for rows in (a, b) for k, v in enumerate(rows, start=1) if any(v)), default=0)
    size = max((abs(x) for v in (*a, *b) for x in v), default=0.0)
    if not _SMALLEST <= size <= _LARGEST:
        raise SpecError(
            f"The largest coefficient of a Fourier curve must lie between {_SMALLEST:g} and {_LARGEST:g}, got {size:g}."
        )
    zero = (0.0,) * lengths[0]
    padded = [tuple(rows[:harmonics]) + (zero,) * (harmonics - len(rows)) for rows in (a, b)]
    return padded[0], padded[1]


def _rows(value: Any, what: str) -> Rows:
    if value is None:
        return ()
    listed = not isinstance(value, str) and isinstance(value, Sequence)
    if not listed or any(isinstance(v, str) or not isinstance(v, Sequence) for v in value):
        raise SpecError(f"{what} of a Fourier curve must be a list of vectors such as [[1,0],[0,0.5]], got {value!r}.")
    if len(value) > MOST_HARMONICS:
        raise SpecError(f"{what} of a Fourier curve may have at most {MOST_HARMONICS} vectors, got {len(value)}.")
    return tuple(tuple(require_real(x, f"each number in {what} of a Fourier curve") + 0.0 for x in v) for v in value)


def _draw_parameters(seed: Any, degree: Any, ambient_dim: Any, decay: Any, amplitude: Any) -> dict[str, Any]:
    """The parameters of a drawn curve, checked, with defaults filled in."""
    ranges = (
        ("seed", seed, 0, 2**63 - 1),
        ("degree", 3 if degree is None else degree, 1, MOST_HARMONICS),
        ("ambient_dim", 3 if ambient_dim is None else ambient_dim, 2, _MOST_COORDINATES),
    )
    integers = {name: require_integer(v, low, high, f"{name} of a Fourier curve") for name, v, low, high in ranges}
    rate = require_real(2.0 if decay is None else decay, "decay of a Fourier curve")
    if not 0 <= rate <= 10:
        raise SpecError(f"decay of a Fourier curve must lie between 0 and 10, got {decay!r}.")
    size = None if amplitude is None else require_real(amplitude, "amplitude of a Fourier curve") + 0.0
    if size is not None and not 0 <= size <= 100:
        raise SpecError(f"amplitude of a Fourier curve must lie between 0 and 100, got {amplitude!r}.")
    return {**integers, "decay": rate, "amplitude": size}


def _drawn(seed: int, degree: int, ambient_dim: int, decay: float, amplitude: float | None) -> tuple[Rows, Rows]:
    rng = np.random.Generator(np.random.PCG64(Seed(seed).child("fourier", degree, ambient_dim).value))
    numbers = rng.standard_normal((2, degree, ambient_dim))
    numbers *= np.array([k**-decay for k in range(1, degree + 1)])[:, None]
    if amplitude is not None:
        sizes = np.sqrt((numbers**2).sum(axis=2)).sum(axis=0)
        # 1 - 2^-40 is more than the rounding of the sum can undo.
        weight = 2 * math.pi * sum(k * float(s) for k, s in enumerate(sizes, start=1))
        numbers *= 4 * amplitude * (1 - 2.0**-40) / weight
        numbers[0, 0, 0] += 1.0
        numbers[1, 0, 1] += 1.0
    a, b = (tuple(tuple(float(x) for x in row) for row in half) for half in numbers)
    return a, b


def _require_single_trace(cosine: Rows, sine: Rows) -> None:
    harmonics = [k for k, v in enumerate(zip(cosine, sine, strict=True), start=1) if any(map(any, v))]
    times = math.gcd(*harmonics)
    if times > 1:
        raise SpecError(
            f"All harmonics of this Fourier curve are multiples of {times}, so it is traced {times} times; divide them."
        )


MANIFOLDS.register(
    "fourier",
    Entry(
        name="fourier",
        summary="a trigonometric closed curve in R^n, given by coefficients or drawn from a seed",
        build=FourierCurve,
        parameters=(
            Parameter("cosine", "vectors of the cosines of harmonics 1, 2, ..., at most 32", "zeros"),
            Parameter("sine", "vectors of the sines", "zeros"),
            Parameter("seed", "draws the coefficients instead, an integer from 0", "none"),
            Parameter("degree", "largest harmonic that is drawn, from 1 to 32", "3 with a seed"),
            Parameter("ambient_dim", "dimension n of the space of a drawn curve, from 2 to 256", "3 with a seed"),
            Parameter("decay", "harmonic k is drawn of size k^-decay, from 0 to 10", "2 with a seed"),
            Parameter(
                "amplitude", "size beside a unit circle, from 0 to 100; below 1 always embedded", "no circle is added"
            ),
        ),
        examples=(
            "fourier:seed=0,degree=3,ambient_dim=3,decay=2",
            "fourier:seed=1,degree=5,ambient_dim=2,decay=1,amplitude=0.9",
            "fourier:cosine=[[1,0],[0.2,0]],sine=[[0,1],[0,0.2]]",
        ),
    ),
)

"""Oracles: hand-built autoencoders of which the truth is known, and mutants with known defects.

`oracle("cut:half_width=0.05,radius=1")` builds one; its `truth` says on which set K, and what is true there: the exact
sup error, the share of the length on which the error exceeds a threshold, the Betti numbers of the latent image, and
whether E and D are continuous. Each entry of `ORACLES` derives its truth in the docstring of its builder. Angles are
in radians. Names that begin with `liar_` declare something false about themselves and say what.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np

from aeverify.autoencoders.protocol import Autoencoder, Continuity, FloatArray, Part
from aeverify.core.evidence import Evidence, Rigor
from aeverify.core.interval import Interval
from aeverify.core.registry import Registry
from aeverify.core.spec import Spec
from aeverify.errors import SpecError

Balls = Callable[[list[Any]], list[Any]]
Share = Callable[[float], float]
_ULPS = 8


@final
@dataclass(frozen=True)
class OracleTruth:
    """What is true of an oracle on one set K.

    Attributes:
        manifold: spec of K.
        sup_error: sup over K of |D(E(x)) - x|; None where the oracle is not finite on K.
        share: maps t >= 0 to the share of the length of K on which the error exceeds t; None where not derived.
        latent_betti: Betti numbers b_0, b_1 of E(K) over any field.
        continuous: whether E and D are continuous on the whole space, which is the truth and not what is declared.
        non_finite_share: share of the length of K on which the output is not finite.
    """

    manifold: str
    sup_error: Interval | None
    share: Share | None
    latent_betti: tuple[int, ...]
    continuous: bool = True
    non_finite_share: float = 0.0

    def bad_share(self, threshold: float) -> Interval | None:
        """Enclosure of the share of the length of K on which the error exceeds `threshold`, rounding included."""
        if self.share is None:
            return None
        value = min(max(self.share(threshold), 0.0), 1.0)
        if value in (0.0, 1.0):
            return Interval.exactly(value)
        return Interval.around(value, _ULPS)


@dataclass(frozen=True)
class Parts:
    """What a builder returns; `lipschitz` maps a part to a bound of the global constant and its rigor."""

    encode: Callable[[FloatArray], FloatArray]
    decode: Callable[[FloatArray], FloatArray]
    truth: OracleTruth
    ambient_dim: int = 2
    latent_dim: int = 1
    continuity: Continuity = Continuity.KNOWN
    affine_decoder: bool = False
    lipschitz: Mapping[Part, tuple[float, Rigor]] = field(default_factory=dict)
    encode_balls: Balls | None = None
    decode_balls: Balls | None = None


@final
@dataclass(frozen=True)
class OracleEntry:
    """One family of oracles.

    Attributes:
        summary: one line.
        parameters: for each parameter its default and its meaning.
        build: makes the parts of an oracle of all the parameters.
    """

    summary: str
    parameters: Mapping[str, Mapping[str, Any]]
    build: Callable[..., Parts]

    @property
    def doc(self) -> str:
        """The definition and the derivation of its truth."""
        return self.build.__doc__ or ""


ORACLES: Registry[OracleEntry] = Registry("oracle")


@final
class Oracle(Autoencoder):
    """An oracle of `ORACLES`; build it with `oracle(spec)`.

    Attributes:
        spec: the canonical specification, every parameter given.
        truth: what is known of it, and on which set.
    """

    def __init__(self, spec: Spec, parts: Parts) -> None:
        super().__init__(str(spec), parts.ambient_dim, parts.latent_dim)
        self.spec = spec
        self.truth = parts.truth
        self._parts = parts

    @property
    def source(self) -> str:
        """The spec, from which `oracle` rebuilds it."""
        return str(self.spec)

    @property
    def continuity(self) -> Continuity:
        """KNOWN where it is proved in the builder's docstring; what a mutant declares otherwise."""
        return self._parts.continuity

    @property
    def affine_decoder(self) -> bool:
        """True where the decoder is affine, or a liar says so."""
        return self._parts.affine_decoder

    def fingerprint(self) -> str:
        """SHA-256 (hex) of the canonical spec; the same in every process."""
        return hashlib.sha256(f"aeverify oracle 1\n{self.spec}".encode()).hexdigest()

    def lipschitz(self, part: Part) -> Evidence | None:
        """Derived upper bound of the global Lipschitz constant; None where none is derived."""
        if part not in self._parts.lipschitz:
            return None
        bound, rigor = self._parts.lipschitz[part]
        return Evidence(
            quantity="lipschitz_constant",
            interval=Interval(0.0, bound),
            rigor=rigor,
            method=f"The upper end is derived by hand for the oracle {self.spec.name}.",
            details={"part": str(part)},
        )

    def encode_balls(self, point: Sequence[Any]) -> list[Any] | None:
        """Enclosures of the coordinates of E(x); None where the oracle has no ball form."""
        if self._parts.encode_balls is None:
            return None
        return _in_balls(self._parts.encode_balls, point)

    def reconstruct_balls(self, point: Sequence[Any]) -> list[Any] | None:
        """Enclosures of the coordinates of D(E(x)); None where the oracle has no ball form."""
        encode, decode = self._parts.encode_balls, self._parts.decode_balls
        if encode is None or decode is None:
            return None
        return _in_balls(lambda x: decode(encode(x)), point)

    def _encode(self, points: FloatArray) -> FloatArray:
        return self._parts.encode(points)

    def _decode(self, codes: FloatArray) -> FloatArray:
        return self._parts.decode(codes)


def oracle(spec: str | Spec) -> Oracle:
    """The oracle that a spec names, such as `cut:half_width=0.05`.

    Raises:
        UnknownNameError: no such oracle; the message lists the nearest ones.
        SpecError: an unknown parameter, or one out of range.
    """
    parsed = spec if isinstance(spec, Spec) else Spec.parse(spec)
    entry = ORACLES[parsed.name]
    values: dict[str, Any] = {name: about["default"] for name, about in entry.parameters.items()}
    for name, value in parsed.parameters.items():
        if name not in values:
            known = ", ".join(values) or "no parameters"
            raise SpecError(f"The oracle {parsed.name!r} has no parameter {name!r}; it has {known}.")
        values[name] = _number(value, name, parsed.name, whole=isinstance(values[name], int))
    return Oracle(Spec(parsed.name, values), entry.build(**values))


def _number(value: Any, name: str, owner: str, *, whole: bool) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise SpecError(f"{owner}: {name} must be a number, got {value!r}.")
    if whole:
        if value != int(value) or not 1 <= value <= 10_000:
            raise SpecError(f"{owner}: {name} must be a whole number from 1 to 10000, got {value!r}.")
        return int(value)
    if value != 0.0 and not 1e-12 <= abs(value) <= 1e12:
        raise SpecError(f"{owner}: the magnitude of {name} must lie between 1e-12 and 1e12, got {value!r}.")
    return float(value)


def positive(value: float, name: str) -> float:
    """The value, checked to be above 0; a SpecError otherwise."""
    if not value > 0.0:
        raise SpecError(f"{name} must be positive, got {value!r}.")
    return value


def angle(value: float, name: str, below: float) -> float:
    """The angle in radians, checked to lie between 0 and `below`; a SpecError otherwise."""
    if not 0.0 < value < below:
        raise SpecError(f"{name} is an angle in radians between 0 and {below:.6g}, got {value!r}.")
    return value


def entry(
    name: str, summary: str, **parameters: tuple[float, str]
) -> Callable[[Callable[..., Parts]], Callable[..., Parts]]:
    """Decorator: registers a builder under `name`; each parameter has its default and its meaning."""

    def register(build: Callable[..., Parts]) -> Callable[..., Parts]:
        table = {key: {"default": default, "meaning": meaning} for key, (default, meaning) in parameters.items()}
        ORACLES.register(name, OracleEntry(summary, table, build))
        return build

    return register


def _in_balls(function: Balls, point: Sequence[Any]) -> list[Any]:
    from flint import arb, ctx

    with ctx.workprec(128):
        return function([x if isinstance(x, arb) else arb(x) for x in point])


def upper_end(value: Any) -> float:
    """A float64 number above every number of the ball."""
    return math.nextafter(float(value.upper()), math.inf)


def circle_spec(radius: float, ambient_dim: int = 2) -> str:
    """The spec of the circle about the origin."""
    return str(Spec("circle", {"radius": radius, "ambient_dim": ambient_dim}))


def share_above(t: float, value: float) -> float:
    """Share of a set on which a constant error `value` exceeds t."""
    return 1.0 if t < value else 0.0


def exact_constants(encoder: float, decoder: float, both: float) -> dict[Part, tuple[float, Rigor]]:
    """Exactly known Lipschitz constants of E, D and D after E."""
    return {
        Part.ENCODER: (encoder, Rigor.EXACT),
        Part.DECODER: (decoder, Rigor.EXACT),
        Part.RECONSTRUCTION: (both, Rigor.EXACT),
    }


def zeros(count: int) -> Callable[[FloatArray], FloatArray]:
    """The map to the zero vector of `count` numbers (NaN stays NaN)."""
    return lambda rows: np.zeros((len(rows), count)) + 0.0 * rows[:, :1]


def zero_balls(count: int) -> Balls:
    """The map to the zero vector of `count` balls."""
    return lambda point: [0 * point[0] for _ in range(count)]


def clamp(x: Any) -> Any:
    """The ball clamped to [0, 1]."""
    from flint import arb

    return x.max(arb(0)).min(arb(1))

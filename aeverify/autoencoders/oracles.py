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

_Balls = Callable[[list[Any]], list[Any]]
_Share = Callable[[float], float]
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
    share: _Share | None
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
class _Parts:
    """What a builder returns; `lipschitz` maps a part to a bound of the global constant and its rigor."""

    encode: Callable[[FloatArray], FloatArray]
    decode: Callable[[FloatArray], FloatArray]
    truth: OracleTruth
    ambient_dim: int = 2
    latent_dim: int = 1
    continuity: Continuity = Continuity.KNOWN
    affine_decoder: bool = False
    lipschitz: Mapping[Part, tuple[float, Rigor]] = field(default_factory=dict)
    encode_balls: _Balls | None = None
    decode_balls: _Balls | None = None


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
    build: Callable[..., _Parts]

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

    def __init__(self, spec: Spec, parts: _Parts) -> None:
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


def _positive(value: float, name: str) -> float:
    if not value > 0.0:
        raise SpecError(f"{name} must be positive, got {value!r}.")
    return value


def _angle(value: float, name: str, below: float) -> float:
    if not 0.0 < value < below:
        raise SpecError(f"{name} is an angle in radians between 0 and {below:.6g}, got {value!r}.")
    return value


def _entry(
    name: str, summary: str, **parameters: tuple[float, str]
) -> Callable[[Callable[..., _Parts]], Callable[..., _Parts]]:
    def register(build: Callable[..., _Parts]) -> Callable[..., _Parts]:
        table = {key: {"default": default, "meaning": meaning} for key, (default, meaning) in parameters.items()}
        ORACLES.register(name, OracleEntry(summary, table, build))
        return build

    return register


def _in_balls(function: _Balls, point: Sequence[Any]) -> list[Any]:
    from flint import arb, ctx

    with ctx.workprec(128):
        return function([x if isinstance(x, arb) else arb(x) for x in point])


def _upper(value: Any) -> float:
    """A float64 number above every number of the ball."""
    return math.nextafter(float(value.upper()), math.inf)


def _circle_spec(radius: float, ambient_dim: int = 2) -> str:
    return str(Spec("circle", {"radius": radius, "ambient_dim": ambient_dim}))


def _above(t: float, value: float) -> float:
    """Share of a set on which a constant error `value` exceeds t."""
    return 1.0 if t < value else 0.0


def _exact(encoder: float, decoder: float, both: float) -> dict[Part, tuple[float, Rigor]]:
    return {
        Part.ENCODER: (encoder, Rigor.EXACT),
        Part.DECODER: (decoder, Rigor.EXACT),
        Part.RECONSTRUCTION: (both, Rigor.EXACT),
    }


def _zeros(count: int) -> Callable[[FloatArray], FloatArray]:
    return lambda rows: np.zeros((len(rows), count)) + 0.0 * rows[:, :1]


def _zero_balls(count: int) -> _Balls:
    return lambda point: [0 * point[0] for _ in range(count)]


@_entry(
    "constant",
    "Everything goes to the centre of the circle: the best continuous autoencoder of a circle, sup error = radius.",
    radius=(1.0, "radius of the circle"),
    ambient_dim=(2, "dimension of the space"),
    latent_dim=(1, "dimension of the code"),
)
def _constant(radius: float, ambient_dim: int, latent_dim: int) -> _Parts:
    """E = 0 and D = 0. On the circle of that radius about 0 the error is the radius everywhere, so the share above t
    is 1 below the radius and 0 from there on; the latent image is a point. All Lipschitz constants are 0."""
    _positive(radius, "radius")
    if not 1 <= latent_dim <= ambient_dim or ambient_dim < 2:
        raise SpecError(
            f"constant needs 2 <= ambient_dim and latent_dim <= ambient_dim, got {ambient_dim}, {latent_dim}."
        )
    return _Parts(
        encode=_zeros(latent_dim),
        decode=_zeros(ambient_dim),
        truth=OracleTruth(
            _circle_spec(radius, ambient_dim), Interval.exactly(radius), lambda t: _above(t, radius), (1,)
        ),
        ambient_dim=ambient_dim,
        latent_dim=latent_dim,
        affine_decoder=True,
        lipschitz=_exact(0.0, 0.0, 0.0),
        encode_balls=_zero_balls(latent_dim),
        decode_balls=_zero_balls(ambient_dim),
    )


def _cut_code(first: FloatArray, second: FloatArray, half_width: float) -> FloatArray:
    """The code of the cut map at the angle of (first, second); see `_cut`."""
    slope = (math.pi - half_width) / half_width
    angle = np.arctan2(second, first)
    ahead = np.maximum(np.minimum(angle, slope * (math.pi - angle)), -slope * (math.pi + angle))
    # Measured from the tear, so that it is exact where the tear is narrower than the rounding of an angle near pi.
    turned = np.arctan2(-second, -first)
    behind = np.maximum(np.minimum(-slope * turned, math.pi + turned), turned - math.pi)
    return np.where(first < 0, behind, ahead)


def _cut_code_balls(first: Any, second: Any, half_width: float) -> Any:
    from flint import arb

    pi = arb.pi()
    slope = (pi - half_width) / half_width
    if first < 0:
        turned = arb.atan2(-second, -first)
        return (-slope * turned).min(pi + turned).max(turned - pi)
    angle = arb.atan2(second, first)
    return angle.min(slope * (pi - angle)).max(-slope * (pi + angle))


def _cut_share(half_width: float, radius: float) -> _Share:
    def share(t: float) -> float:
        if t < 0.0:
            return 1.0
        return 2.0 * half_width / math.pi**2 * math.acos(min(t / (2.0 * radius), 1.0))

    return share


def _cut_parts(half_width: float, radius: float) -> _Parts:
    from flint import arb, ctx

    _positive(radius, "radius")
    _angle(half_width, "half_width", math.pi)

    def encode(points: FloatArray) -> FloatArray:
        x, y = points.T
        codes: FloatArray = _cut_code(x, y, half_width) * np.minimum(np.hypot(x, y) / radius, 1.0)
        return codes[:, None]

    def decode(codes: FloatArray) -> FloatArray:
        return radius * np.column_stack([np.cos(codes[:, 0]), np.sin(codes[:, 0])])

    def encode_balls(point: list[Any]) -> list[Any]:
        x, y = point
        norm = (x * x + y * y).sqrt()
        return [_cut_code_balls(x, y, half_width) * (norm / radius).min(arb(1))]

    def decode_balls(code: list[Any]) -> list[Any]:
        sine, cosine = code[0].sin_cos()
        return [radius * cosine, radius * sine]

    with ctx.workprec(128):
        span = arb.pi() - half_width
        slope = span / half_width
        both = (span**2 + slope.max(arb(1)) ** 2).sqrt()
        lipschitz = {
            Part.ENCODER: (_upper(both / radius), Rigor.CERTIFIED),
            Part.DECODER: (radius, Rigor.EXACT),
            Part.RECONSTRUCTION: (_upper(both), Rigor.CERTIFIED),
        }
    return _Parts(
        encode=encode,
        decode=decode,
        truth=OracleTruth(_circle_spec(radius), Interval.exactly(2.0 * radius), _cut_share(half_width, radius), (1,)),
        lipschitz=lipschitz,
        encode_balls=encode_balls,
        decode_balls=decode_balls,
    )


@_entry(
    "cut",
    "A continuous circle torn at the angle pi: perfect off a tear of chosen half-width, sup error = diameter.",
    half_width=(0.05, "half the angle of the tear, in radians, between 0 and pi"),
    radius=(1.0, "radius of the circle"),
)
def _cut(half_width: float, radius: float) -> _Parts:
    """With theta the angle of x in (-pi, pi], h the half-width and S = (pi - h)/h, the code of the circle is

        c(theta) = theta for |theta| <= pi - h, and sign(theta) S (pi - |theta|) in the tear |theta| > pi - h,

    which agree at the edge of the tear and vanish at theta = pi from both sides, so that c is continuous on the circle.
    E(x) = c(theta) min(1, |x|/r) is continuous on the plane (c is bounded), D(z) = r (cos z, sin z) on the line.

    Error on the circle: 0 off the tear. In it let s = pi - |theta|; then |theta| - |c| = pi - s - S s = pi (1 - s/h)
    and e = 2 r sin(pi (1 - s/h)/2) = 2 r cos(pi s/(2 h)), which decreases from 2 r at s = 0 to 0 at s = h: the sup
    is 2 r, attained at theta = pi. e > t >= 0 where s < (2 h/pi) arccos(t/(2 r)), on both sides of pi, which is the
    share (2 h/pi^2) arccos(t/(2 r)) of the circle. The latent image is the interval [-(pi - h), pi - h].

    Lipschitz constants: for |x| >= r the gradient of E has length |c'|/|x| <= max(1, S)/r; for |x| < r it has radial
    part |c|/r <= (pi - h)/r and angular part |c'|/r, so |grad E| <= sqrt((pi - h)^2 + max(1, S)^2)/r. This bounds the
    global constant, since the plane is convex (and is attained in the limit at the edge of the tear). D has constant r,
    and D after E at most the product.
    """
    return _cut_parts(half_width, radius)


@_entry(
    "fold",
    "Projection to the first axis: an ellipse folded flat, sup error = the other semi-axis.",
    a=(1.0, "semi-axis along the first coordinate"),
    b=(1.0, "semi-axis along the second coordinate"),
)
def _fold(a: float, b: float) -> _Parts:
    """E(x) = x_1, D(z) = (z, 0), so e = |x_2|, whose sup on the ellipse is b. On a circle (a = b) |x_2| = b |sin theta|
    exceeds t where |sin theta| > t/b, the share 1 - (2/pi) arcsin(t/b); for a != b no share is derived here. The latent
    image is [-a, a]. E, D and the projection D after E have Lipschitz constant 1."""
    _positive(a, "a"), _positive(b, "b")
    spec = _circle_spec(a) if a == b else str(Spec("ellipse", {"a": a, "b": b}))
    share: _Share = lambda t: 1.0 if t < 0.0 else 1.0 - 2.0 / math.pi * math.asin(min(t / b, 1.0))  # noqa: E731
    return _Parts(
        encode=lambda points: points[:, :1],
        decode=lambda codes: np.column_stack([codes[:, 0], np.zeros(len(codes))]),
        truth=OracleTruth(spec, Interval.exactly(b), share if a == b else None, (1,)),
        affine_decoder=True,
        lipschitz=_exact(1.0, 1.0, 1.0),
        encode_balls=lambda point: [point[0]],
        decode_balls=lambda code: [code[0], 0 * code[0]],
    )


@_entry(
    "double_wrap",
    "The circle wrapped twice round a latent circle in R^2: antipodes share a code, so no decoder beats the centre.",
    radius=(1.0, "radius of the circle"),
)
def _double_wrap(radius: float) -> _Parts:
    """E(|x| e^{i theta}) = |x| e^{2 i theta}, that is (x_1^2 - x_2^2, 2 x_1 x_2)/|x|, continuous with E(0) = 0; D = 0.

    Antipodes x and -x have one code, and a point that is within r of both is their midpoint 0: D = 0 is the only
    decoder with the least sup error, which is r; the error is r everywhere on the circle. The latent image is a circle,
    so that b_1 = 1 although nothing is reconstructed. E stretches radii by 1 and angles by 2: its constant is 2.
    """

    def encode(points: FloatArray) -> FloatArray:
        x, y = points.T
        norm = np.hypot(x, y)
        unit_x, unit_y = (np.divide(v, norm, out=np.zeros_like(v), where=norm != 0) for v in (x, y))
        return np.column_stack([unit_x * x - unit_y * y, 2.0 * unit_x * y])

    def encode_balls(point: list[Any]) -> list[Any]:
        x, y = point
        norm = (x * x + y * y).sqrt()
        return [(x * x - y * y) / norm, 2 * x * y / norm]

    _positive(radius, "radius")
    return _Parts(
        encode=encode,
        decode=_zeros(2),
        truth=OracleTruth(_circle_spec(radius), Interval.exactly(radius), lambda t: _above(t, radius), (1, 1)),
        latent_dim=2,
        affine_decoder=True,
        lipschitz=_exact(2.0, 0.0, 0.0),
        encode_balls=encode_balls,
        decode_balls=_zero_balls(2),
    )


def _shifted_identity(offset: float, ambient_dim: int) -> _Parts:
    if ambient_dim < 2:
        raise SpecError(f"ambient_dim must be at least 2, got {ambient_dim}.")

    def decode(codes: FloatArray) -> FloatArray:
        out = codes.copy()
        out[:, 0] += offset
        return out

    return _Parts(
        encode=lambda points: points,
        decode=decode,
        truth=OracleTruth(
            _circle_spec(1.0, ambient_dim), Interval.exactly(abs(offset)), lambda t: _above(t, abs(offset)), (1, 1)
        ),
        ambient_dim=ambient_dim,
        latent_dim=ambient_dim,
        affine_decoder=True,
        lipschitz=_exact(1.0, 1.0, 1.0),
        encode_balls=lambda point: point,
        decode_balls=lambda code: [code[0] + offset, *code[1:]],
    )


@_entry(
    "identity",
    "m = n and both maps the identity: nothing obstructs it, error 0.",
    ambient_dim=(2, "dimension n = m of data and code"),
)
def _identity(ambient_dim: int) -> _Parts:
    """E and D are the identity of R^n, so the error is 0 on every set and E(K) = K; the truth is stated for the unit
    circle, b = (1, 1). All Lipschitz constants are 1."""
    return _shifted_identity(0.0, ambient_dim)


@_entry(
    "shift",
    "Mutant: the identity with a decoder shifted along the first axis: the same error everywhere.",
    offset=(0.1, "shift of the decoder"),
    ambient_dim=(2, "dimension n = m of data and code"),
)
def _shift(offset: float, ambient_dim: int) -> _Parts:
    """E(x) = x, D(z) = z + offset e_1: the error is |offset| at every point of every set, and E(K) = K; the truth is
    stated for the unit circle. All Lipschitz constants are 1."""
    return _shifted_identity(offset, ambient_dim)


@_entry(
    "collapsed",
    "Mutant: the code is constant and decodes to one point of the circle; sup error = diameter.",
    radius=(1.0, "radius of the circle"),
)
def _collapsed(radius: float) -> _Parts:
    """E = 0, D(z) = r (cos z, sin z), so D(E(x)) = (r, 0) and e = 2 r |sin(theta/2)|: the sup is 2 r at theta = pi, and
    e > t on the share 1 - (2/pi) arcsin(t/(2 r)). The latent image is a point. Lipschitz constants 0, r and 0."""
    _positive(radius, "radius")
    return _Parts(
        encode=_zeros(1),
        decode=lambda codes: radius * np.column_stack([np.cos(codes[:, 0]), np.sin(codes[:, 0])]),
        truth=OracleTruth(
            _circle_spec(radius),
            Interval.exactly(2.0 * radius),
            lambda t: 1.0 if t < 0.0 else 1.0 - 2.0 / math.pi * math.asin(min(t / (2.0 * radius), 1.0)),
            (1,),
        ),
        lipschitz=_exact(0.0, radius, 0.0),
        encode_balls=_zero_balls(1),
        decode_balls=lambda code: [radius * code[0].cos(), radius * code[0].sin()],
    )


@_entry(
    "nan",
    "Mutant: the cut map (tear 0.05) whose code is NaN on an arc of the circle.",
    center=(0.0, "angle of the middle of the arc, in radians"),
    half_width=(0.01, "half the angle of the arc, in radians, between 0 and pi"),
)
def _nan(center: float, half_width: float) -> _Parts:
    """The cut map of the unit circle, its code replaced by NaN where the angle to `center` is below the half-width, on
    the share half_width/pi of the circle. It is not a real function there, so that nothing is true of its sup error;
    off the arc its image is that of the cut map."""
    _angle(half_width, "half_width", math.pi)
    base = _cut_parts(0.05, 1.0)

    def encode(points: FloatArray) -> FloatArray:
        codes = base.encode(points)
        turned = np.arctan2(points[:, 1], points[:, 0]) - center
        distance = np.abs(np.mod(turned + math.pi, 2.0 * math.pi) - math.pi)
        codes[distance < half_width] = math.nan
        return codes

    return _Parts(
        encode=encode,
        decode=base.decode,
        truth=OracleTruth(_circle_spec(1.0), None, None, (1,), continuous=False, non_finite_share=half_width / math.pi),
        continuity=Continuity.OPAQUE,
    )


def _atan2_parts(radius: float, continuity: Continuity) -> _Parts:
    _positive(radius, "radius")
    return _Parts(
        encode=lambda points: np.arctan2(points[:, 1], points[:, 0])[:, None],
        decode=lambda codes: radius * np.column_stack([np.cos(codes[:, 0]), np.sin(codes[:, 0])]),
        truth=OracleTruth(
            _circle_spec(radius), Interval.exactly(0.0), lambda t: _above(t, 0.0), (1,), continuous=False
        ),
        continuity=continuity,
    )


@_entry(
    "atan2",
    "Mutant: the angle as code. Reconstructs perfectly because it jumps by 2 pi at the angle pi.",
    radius=(1.0, "radius of the circle"),
)
def _atan2(radius: float) -> _Parts:
    """E(x) = atan2(x_2, x_1), D(z) = r (cos z, sin z): the error is 0 on the circle (up to rounding in the program),
    and E jumps from pi to -pi across the negative first axis. The latent image is (-pi, pi], contractible. It is left
    OPAQUE, so that a probe has to find the jump: theorems on continuous autoencoders say nothing about it."""
    return _atan2_parts(radius, Continuity.OPAQUE)


@_entry(
    "liar_continuity",
    "Mutant: the atan2 oracle declared to be continuous, which is false.",
    radius=(1.0, "radius of the circle"),
)
def _liar_continuity(radius: float) -> _Parts:
    """As `atan2`; the lie: continuity is DECLARED. It reconstructs perfectly, which no continuous autoencoder can."""
    return _atan2_parts(radius, Continuity.DECLARED)


@_entry(
    "liar_lipschitz",
    "Mutant: the cut map that declares Lipschitz constants far too small.",
    half_width=(0.05, "half the angle of the tear, in radians, between 0 and pi"),
    declared=(1.0, "the constant that it declares for E, D and D after E"),
)
def _liar_lipschitz(half_width: float, declared: float) -> _Parts:
    """The cut map of the unit circle, whose D after E turns by 2 (pi - h) while x turns by 2 h: its constant is at
    least (pi - h)/h on the circle. The lie: it declares `declared` as a CERTIFIED bound of all three constants. An
    upper bound of the sup error that rests on it (a sample's maximum plus slack) can fall below the true 2."""
    base = _cut_parts(half_width, 1.0)
    bound = (_positive(declared, "declared"), Rigor.CERTIFIED)
    return _Parts(
        encode=base.encode,
        decode=base.decode,
        truth=base.truth,
        lipschitz=dict.fromkeys(Part, bound),
        encode_balls=base.encode_balls,
        decode_balls=base.decode_balls,
    )


@_entry(
    "liar_affine",
    "Mutant: the cut map that declares its decoder affine, which is false.",
    half_width=(0.05, "half the angle of the tear, in radians, between 0 and pi"),
)
def _liar_affine(half_width: float) -> _Parts:
    """The cut map of the unit circle. The lie: it declares D(z) = (cos z, sin z) affine. Its mean squared error is
    (1/pi) times the integral over [0, h] of 4 cos^2(pi s/(2 h)), that is 2 h/pi, which is below the PCA floor 1/2 for
    h < pi/4; no affine decoder can be."""
    base = _cut_parts(half_width, 1.0)
    return _Parts(
        encode=base.encode,
        decode=base.decode,
        truth=base.truth,
        affine_decoder=True,
        lipschitz=base.lipschitz,
        encode_balls=base.encode_balls,
        decode_balls=base.decode_balls,
    )


_SPIRAL = "spiral"


def _spiral_decode(codes: FloatArray, offset: float = 0.0) -> FloatArray:
    t = np.clip(codes[:, 0], 0.0, 1.0)
    angle = 5.0 * t + 1.5
    return np.column_stack([(t + 1.0) * np.cos(angle) + offset, (t + 1.0) * np.sin(angle)])


def _clamp(x: Any) -> Any:
    from flint import arb

    return x.max(arb(0)).min(arb(1))


@_entry(
    "spiral_arc",
    "The spiral's own parameter as code: an arc is not obstructed, error 0 (or the offset everywhere).",
    offset=(0.0, "shift of the decoder along the first axis; not 0 makes it a mutant"),
)
def _spiral_arc(offset: float) -> _Parts:
    """On the arc (t + 1)(cos(5 t + 1.5), sin(5 t + 1.5)), 0 <= t <= 1, the distance to 0 is t + 1. So
    E(x) = |x| - 1 clamped to [0, 1] and D(t) = the point of the clamped t plus (offset, 0) have error |offset| at
    every point. The latent image is [0, 1]. E is a clamped norm: constant 1. D has speed sqrt(1 + 25 (t + 1)^2),
    at most sqrt(101), and so has D after E along a ray."""
    from flint import arb, ctx

    def encode_balls(point: list[Any]) -> list[Any]:
        x, y = point
        return [_clamp((x * x + y * y).sqrt() - 1)]

    def decode_balls(code: list[Any]) -> list[Any]:
        t = _clamp(code[0])
        sine, cosine = (5 * t + arb(1.5)).sin_cos()
        return [(t + 1) * cosine + offset, (t + 1) * sine]

    with ctx.workprec(128):
        speed = (_upper(arb(101).sqrt()), Rigor.CERTIFIED)
    return _Parts(
        encode=lambda points: np.clip(np.hypot(points[:, 0], points[:, 1]) - 1.0, 0.0, 1.0)[:, None],
        decode=lambda codes: _spiral_decode(codes, offset),
        truth=OracleTruth(_SPIRAL, Interval.exactly(abs(offset)), lambda t: _above(t, abs(offset)), (1,)),
        lipschitz={Part.ENCODER: (1.0, Rigor.EXACT), Part.DECODER: speed, Part.RECONSTRUCTION: speed},
        encode_balls=encode_balls,
        decode_balls=decode_balls,
    )


@_entry(
    "interval_exchange",
    "Mutant: the spiral's parameter with its two parts exchanged: perfect, but the order is lost by a jump.",
    cut=(0.5, "where the interval [0, 1] is cut, between 0 and 1"),
)
def _interval_exchange(cut: float) -> _Parts:
    """With t = |x| - 1 clamped to [0, 1] and c the cut, the code is t - c in [0, 1 - c] for t >= c, and t - c + 2 in
    [2 - c, 2) for t < c: it jumps at c, and every code of the first part is larger than every code of the second. D
    undoes it, so the error is 0 on the spiral (up to rounding in the program). Not continuous, and left OPAQUE. The
    latent image is two intervals."""
    if not 0.0 < cut < 1.0:
        raise SpecError(f"cut must lie between 0 and 1, got {cut!r}.")

    def encode(points: FloatArray) -> FloatArray:
        t = np.clip(np.hypot(points[:, 0], points[:, 1]) - 1.0, 0.0, 1.0)[:, None]
        return np.where(t < cut, t - cut + 2.0, t - cut)

    def decode(codes: FloatArray) -> FloatArray:
        return _spiral_decode(np.where(codes > 1.5 - cut, codes - 2.0 + cut, codes + cut))

    return _Parts(
        encode=encode,
        decode=decode,
        truth=OracleTruth(_SPIRAL, Interval.exactly(0.0), lambda t: _above(t, 0.0), (2,), continuous=False),
        continuity=Continuity.OPAQUE,
    )


@_entry(
    "liar_order",
    "Mutant: the spiral's parameter with its halves exchanged by a steep bridge; its Lipschitz constant denies it.",
    bridge=(1e-9, "half-width of the bridge, in the arc's parameter, between 0 and 0.1"),
)
def _liar_order(bridge: float) -> _Parts:
    """As `interval_exchange` with the cut at 1/2, but continuous: with t = |x| - 1 clamped to [0, 1] and w the bridge,
    the code is t - 1/2 for t >= 1/2 + w, t + 3/2 for t <= 1/2 - w, and linear between. D is the spiral's point at
    z + 1/2 for z <= 1/2, at z - 3/2 for z >= 3/2, and runs back along the whole arc between. So the error is 0 off the
    bridge, on it up to the diameter of what lies between, and the order of the two halves is exchanged. The lie: it
    declares the constant of the true parameter map, sqrt(101), for all three maps, where that of E is about 1/w."""
    if not 0.0 < bridge < 0.1:
        raise SpecError(f"bridge must lie between 0 and 0.1, got {bridge!r}.")

    def encode(points: FloatArray) -> FloatArray:
        t = np.clip(np.hypot(points[:, 0], points[:, 1]) - 1.0, 0.0, 1.0)[:, None]
        return np.asarray(t - 0.5 + 2.0 * np.clip((0.5 + bridge - t) / (2.0 * bridge), 0.0, 1.0))

    def decode(codes: FloatArray) -> FloatArray:
        middle = 1.0 - np.clip(codes - 0.5, 0.0, 1.0)
        return _spiral_decode(np.where(codes <= 0.5, codes + 0.5, np.where(codes >= 1.5, codes - 1.5, middle)))

    return _Parts(
        encode=encode,
        decode=decode,
        truth=OracleTruth(_SPIRAL, None, None, (1,)),
        lipschitz=dict.fromkeys(Part, (math.nextafter(math.sqrt(101.0), math.inf), Rigor.CERTIFIED)),
    )


def _distance_to_first(points: FloatArray) -> FloatArray:
    """Distance to the unit circle in the plane z = 0."""
    return np.hypot(np.hypot(points[:, 0], points[:, 1]) - 1.0, points[:, 2])


def _distance_to_first_balls(point: list[Any]) -> Any:
    x, y, z = point
    ring = (x * x + y * y).sqrt() - 1
    return (ring * ring + z * z).sqrt()


@_entry("label", "The two circles: each goes to its own label, decoded to its centre; sup error 1, the best there is.")
def _label() -> _Parts:
    """A = {(cos s, sin s, 0)}, B = {(1 + sin s, 0, cos s)}. E(x) = min(1, d(x, A)) is 0 on A and 1 on B, since for b in
    B d(b, A)^2 = (|1 + sin s| - 1)^2 + cos^2 s = 1; D(z) = (z, 0, 0) gives the centres (0, 0, 0) and (1, 0, 0). So the
    error is 1 everywhere on K, and no continuous autoencoder with a 1-D code has a smaller sup. The latent image is two
    points. A clamped distance has constant 1, D is an isometry, and D after E has constant 1."""
    from flint import arb

    return _Parts(
        encode=lambda points: np.minimum(_distance_to_first(points), 1.0)[:, None],
        decode=lambda codes: np.column_stack([codes[:, 0], np.zeros((len(codes), 2))]),
        truth=OracleTruth("two_circles", Interval.exactly(1.0), lambda t: _above(t, 1.0), (2,)),
        ambient_dim=3,
        affine_decoder=True,
        lipschitz=_exact(1.0, 1.0, 1.0),
        encode_balls=lambda point: [_distance_to_first_balls(point).min(arb(1))],
        decode_balls=lambda code: [code[0], 0 * code[0], 0 * code[0]],
    )


@_entry(
    "cut_two_circles",
    "The two circles, each torn as by the cut map: perfect off two tears, sup error 2.",
    half_width=(0.05, "half the angle of each tear, in radians, between 0 and pi"),
)
def _cut_two_circles(half_width: float) -> _Parts:
    """A = {(cos s, sin s, 0)}, B = {(1 + sin s, 0, cos s)}; c and h as in the cut map, and C(u, v) = c(angle of (u, v))
    min(1, |(u, v)|), continuous on the plane. With w(x) = 2 d(x, A) - 1/2 clamped to [0, 1],

        E(x) = (1 - w) C(x_1, x_2) + w (C(x_3, x_1 - 1) + 2 pi)

    is continuous on R^3; w is 0 on A and, since d(b, A) = 1 on B (see `label`), 1 on B. So E is the cut code of A on A,
    in [-(pi - h), pi - h], and that of B moved by 2 pi on B, in [pi + h, 3 pi - h]. D is A's point of z for
    z <= pi - h, B's point of z - 2 pi for z >= pi + h, and between a blend of the two ends. On each circle the error is
    that of the cut map of radius 1: sup 2, share (2 h/pi^2) arccos(t/2). The latent image is two intervals."""
    from flint import arb

    _angle(half_width, "half_width", math.pi)
    low, high = math.pi - half_width, math.pi + half_width

    def encode(points: FloatArray) -> FloatArray:
        x, y, z = points.T
        weight = np.clip(2.0 * _distance_to_first(points) - 0.5, 0.0, 1.0)
        first = _cut_code(x, y, half_width) * np.minimum(np.hypot(x, y), 1.0)
        second = _cut_code(z, x - 1.0, half_width) * np.minimum(np.hypot(z, x - 1.0), 1.0) + 2.0 * math.pi
        codes: FloatArray = (1.0 - weight) * first + weight * second
        return codes[:, None]

    def decode(codes: FloatArray) -> FloatArray:
        code = codes[:, 0]
        on_first, on_second = np.minimum(code, low), np.maximum(code, high)
        zero = np.zeros(len(code))
        first = np.column_stack([np.cos(on_first), np.sin(on_first), zero])
        # sin and cos have period 2 pi, so that the second circle's angle is the code itself.
        second = np.column_stack([1.0 + np.sin(on_second), zero, np.cos(on_second)])
        weight = np.clip((code - low) / (high - low), 0.0, 1.0)[:, None]
        points: FloatArray = (1.0 - weight) * first + weight * second
        return points

    def encode_balls(point: list[Any]) -> list[Any]:
        x, y, z = point
        weight = _clamp(2 * _distance_to_first_balls(point) - arb(0.5))
        codes = []
        for u, v in ((x, y), (z, x - 1)):
            codes.append(_cut_code_balls(u, v, half_width) * (u * u + v * v).sqrt().min(arb(1)))
        if weight == 0:
            return [codes[0]]
        moved = codes[1] + 2 * arb.pi()
        return [moved] if weight == 1 else [(1 - weight) * codes[0] + weight * moved]

    def decode_balls(code: list[Any]) -> list[Any]:
        z, pi = code[0], arb.pi()
        on_first, on_second = z.min(pi - half_width), z.max(pi + half_width)
        first = [on_first.cos(), on_first.sin(), arb(0)]
        second = [1 + on_second.sin(), arb(0), on_second.cos()]
        weight = _clamp((z - (pi - half_width)) / (2 * half_width))
        return [(1 - weight) * a + weight * b for a, b in zip(first, second, strict=True)]

    return _Parts(
        encode=encode,
        decode=decode,
        truth=OracleTruth("two_circles", Interval.exactly(2.0), _cut_share(half_width, 1.0), (2,)),
        ambient_dim=3,
        encode_balls=encode_balls,
        decode_balls=decode_balls,
    )

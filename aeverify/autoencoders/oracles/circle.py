"""Oracles of the circle and the ellipse: constants, cut maps, folds, wraps and identities, and their mutants."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from aeverify.autoencoders.oracles.base import (
    OracleTruth,
    Parts,
    Share,
    angle,
    circle_spec,
    entry,
    exact_constants,
    positive,
    share_above,
    upper_end,
    zero_balls,
    zeros,
)
from aeverify.autoencoders.protocol import Continuity, FloatArray, Part
from aeverify.core.evidence import Rigor
from aeverify.core.interval import Interval
from aeverify.core.spec import Spec
from aeverify.errors import SpecError


@entry(
    "constant",
    "Everything goes to the centre of the circle: the best continuous autoencoder of a circle, sup error = radius.",
    radius=(1.0, "radius of the circle"),
    ambient_dim=(2, "dimension of the space"),
    latent_dim=(1, "dimension of the code"),
)
def _constant(radius: float, ambient_dim: int, latent_dim: int) -> Parts:
    """E = 0 and D = 0. On the circle of that radius about 0 the error is the radius everywhere, so the share above t
    is 1 below the radius and 0 from there on; the latent image is a point. All Lipschitz constants are 0."""
    positive(radius, "radius")
    if not 1 <= latent_dim <= ambient_dim or ambient_dim < 2:
        raise SpecError(
            f"constant needs 2 <= ambient_dim and latent_dim <= ambient_dim, got {ambient_dim}, {latent_dim}."
        )
    return Parts(
        encode=zeros(latent_dim),
        decode=zeros(ambient_dim),
        truth=OracleTruth(
            circle_spec(radius, ambient_dim), Interval.exactly(radius), lambda t: share_above(t, radius), (1,)
        ),
        ambient_dim=ambient_dim,
        latent_dim=latent_dim,
        affine_decoder=True,
        lipschitz=exact_constants(0.0, 0.0, 0.0),
        encode_balls=zero_balls(latent_dim),
        decode_balls=zero_balls(ambient_dim),
    )


def cut_code(first: FloatArray, second: FloatArray, half_width: float) -> FloatArray:
    """The code of the cut map at the angle of (first, second); see `_cut`."""
    slope = (math.pi - half_width) / half_width
    angle = np.arctan2(second, first)
    ahead = np.maximum(np.minimum(angle, slope * (math.pi - angle)), -slope * (math.pi + angle))
    # Measured from the tear, so that it is exact where the tear is narrower than the rounding of an angle near pi.
    turned = np.arctan2(-second, -first)
    behind = np.maximum(np.minimum(-slope * turned, math.pi + turned), turned - math.pi)
    return np.where(first < 0, behind, ahead)


def cut_code_balls(first: Any, second: Any, half_width: float) -> Any:
    """`cut_code` in ball arithmetic."""
    from flint import arb

    pi = arb.pi()
    slope = (pi - half_width) / half_width
    if first < 0:
        turned = arb.atan2(-second, -first)
        return (-slope * turned).min(pi + turned).max(turned - pi)
    angle = arb.atan2(second, first)
    return angle.min(slope * (pi - angle)).max(-slope * (pi + angle))


def cut_share(half_width: float, radius: float) -> Share:
    """Share of the circle on which the error of the cut map exceeds a threshold: (2 h / pi^2) arccos(t / 2r)."""

    def share(t: float) -> float:
        if t < 0.0:
            return 1.0
        return 2.0 * half_width / math.pi**2 * math.acos(min(t / (2.0 * radius), 1.0))

    return share


def cut_parts(half_width: float, radius: float) -> Parts:
    """The cut map of the circle, with its truth and its Lipschitz constants."""
    from flint import arb, ctx

    positive(radius, "radius")
    angle(half_width, "half_width", math.pi)

    def encode(points: FloatArray) -> FloatArray:
        x, y = points.T
        codes: FloatArray = cut_code(x, y, half_width) * np.minimum(np.hypot(x, y) / radius, 1.0)
        return codes[:, None]

    def decode(codes: FloatArray) -> FloatArray:
        return radius * np.column_stack([np.cos(codes[:, 0]), np.sin(codes[:, 0])])

    def encode_balls(point: list[Any]) -> list[Any]:
        x, y = point
        norm = (x * x + y * y).sqrt()
        return [cut_code_balls(x, y, half_width) * (norm / radius).min(arb(1))]

    def decode_balls(code: list[Any]) -> list[Any]:
        sine, cosine = code[0].sin_cos()
        return [radius * cosine, radius * sine]

    with ctx.workprec(128):
        span = arb.pi() - half_width
        slope = span / half_width
        both = (span**2 + slope.max(arb(1)) ** 2).sqrt()
        lipschitz = {
            Part.ENCODER: (upper_end(both / radius), Rigor.CERTIFIED),
            Part.DECODER: (radius, Rigor.EXACT),
            Part.RECONSTRUCTION: (upper_end(both), Rigor.CERTIFIED),
        }
    return Parts(
        encode=encode,
        decode=decode,
        truth=OracleTruth(circle_spec(radius), Interval.exactly(2.0 * radius), cut_share(half_width, radius), (1,)),
        lipschitz=lipschitz,
        encode_balls=encode_balls,
        decode_balls=decode_balls,
    )


@entry(
    "cut",
    "A continuous circle torn at the angle pi: perfect off a tear of chosen half-width, sup error = diameter.",
    half_width=(0.05, "half the angle of the tear, in radians, between 0 and pi"),
    radius=(1.0, "radius of the circle"),
)
def _cut(half_width: float, radius: float) -> Parts:
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
    return cut_parts(half_width, radius)


@entry(
    "fold",
    "Projection to the first axis: an ellipse folded flat, sup error = the other semi-axis.",
    a=(1.0, "semi-axis along the first coordinate"),
    b=(1.0, "semi-axis along the second coordinate"),
)
def _fold(a: float, b: float) -> Parts:
    """E(x) = x_1, D(z) = (z, 0), so e = |x_2|, whose sup on the ellipse is b. On a circle (a = b) |x_2| = b |sin theta|
    exceeds t where |sin theta| > t/b, the share 1 - (2/pi) arcsin(t/b); for a != b no share is derived here. The latent
    image is [-a, a]. E, D and the projection D after E have Lipschitz constant 1."""
    positive(a, "a"), positive(b, "b")
    spec = circle_spec(a) if a == b else str(Spec("ellipse", {"a": a, "b": b}))
    share: Share = lambda t: 1.0 if t < 0.0 else 1.0 - 2.0 / math.pi * math.asin(min(t / b, 1.0))  # noqa: E731
    return Parts(
        encode=lambda points: points[:, :1],
        decode=lambda codes: np.column_stack([codes[:, 0], np.zeros(len(codes))]),
        truth=OracleTruth(spec, Interval.exactly(b), share if a == b else None, (1,)),
        affine_decoder=True,
        lipschitz=exact_constants(1.0, 1.0, 1.0),
        encode_balls=lambda point: [point[0]],
        decode_balls=lambda code: [code[0], 0 * code[0]],
    )


@entry(
    "double_wrap",
    "The circle wrapped twice round a latent circle in R^2: antipodes share a code, so no decoder beats the centre.",
    radius=(1.0, "radius of the circle"),
)
def _double_wrap(radius: float) -> Parts:
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

    positive(radius, "radius")
    return Parts(
        encode=encode,
        decode=zeros(2),
        truth=OracleTruth(circle_spec(radius), Interval.exactly(radius), lambda t: share_above(t, radius), (1, 1)),
        latent_dim=2,
        affine_decoder=True,
        lipschitz=exact_constants(2.0, 0.0, 0.0),
        encode_balls=encode_balls,
        decode_balls=zero_balls(2),
    )


def _shifted_identity(offset: float, ambient_dim: int) -> Parts:
    if ambient_dim < 2:
        raise SpecError(f"ambient_dim must be at least 2, got {ambient_dim}.")

    def decode(codes: FloatArray) -> FloatArray:
        out = codes.copy()
        out[:, 0] += offset
        return out

    return Parts(
        encode=lambda points: points,
        decode=decode,
        truth=OracleTruth(
            circle_spec(1.0, ambient_dim), Interval.exactly(abs(offset)), lambda t: share_above(t, abs(offset)), (1, 1)
        ),
        ambient_dim=ambient_dim,
        latent_dim=ambient_dim,
        affine_decoder=True,
        lipschitz=exact_constants(1.0, 1.0, 1.0),
        encode_balls=lambda point: point,
        decode_balls=lambda code: [code[0] + offset, *code[1:]],
    )


@entry(
    "identity",
    "m = n and both maps the identity: nothing obstructs it, error 0.",
    ambient_dim=(2, "dimension n = m of data and code"),
)
def _identity(ambient_dim: int) -> Parts:
    """E and D are the identity of R^n, so the error is 0 on every set and E(K) = K; the truth is stated for the unit
    circle, b = (1, 1). All Lipschitz constants are 1."""
    return _shifted_identity(0.0, ambient_dim)


@entry(
    "shift",
    "Mutant: the identity with a decoder shifted along the first axis: the same error everywhere.",
    offset=(0.1, "shift of the decoder"),
    ambient_dim=(2, "dimension n = m of data and code"),
)
def _shift(offset: float, ambient_dim: int) -> Parts:
    """E(x) = x, D(z) = z + offset e_1: the error is |offset| at every point of every set, and E(K) = K; the truth is
    stated for the unit circle. All Lipschitz constants are 1."""
    return _shifted_identity(offset, ambient_dim)


@entry(
    "collapsed",
    "Mutant: the code is constant and decodes to one point of the circle; sup error = diameter.",
    radius=(1.0, "radius of the circle"),
)
def _collapsed(radius: float) -> Parts:
    """E = 0, D(z) = r (cos z, sin z), so D(E(x)) = (r, 0) and e = 2 r |sin(theta/2)|: the sup is 2 r at theta = pi, and
    e > t on the share 1 - (2/pi) arcsin(t/(2 r)). The latent image is a point. Lipschitz constants 0, r and 0."""
    positive(radius, "radius")
    return Parts(
        encode=zeros(1),
        decode=lambda codes: radius * np.column_stack([np.cos(codes[:, 0]), np.sin(codes[:, 0])]),
        truth=OracleTruth(
            circle_spec(radius),
            Interval.exactly(2.0 * radius),
            lambda t: 1.0 if t < 0.0 else 1.0 - 2.0 / math.pi * math.asin(min(t / (2.0 * radius), 1.0)),
            (1,),
        ),
        lipschitz=exact_constants(0.0, radius, 0.0),
        encode_balls=zero_balls(1),
        decode_balls=lambda code: [radius * code[0].cos(), radius * code[0].sin()],
    )


@entry(
    "nan",
    "Mutant: the cut map (tear 0.05) whose code is NaN on an arc of the circle.",
    center=(0.0, "angle of the middle of the arc, in radians"),
    half_width=(0.01, "half the angle of the arc, in radians, between 0 and pi"),
)
def _nan(center: float, half_width: float) -> Parts:
    """The cut map of the unit circle, its code replaced by NaN where the angle to `center` is below the half-width, on
    the share half_width/pi of the circle. It is not a real function there, so that nothing is true of its sup error;
    off the arc its image is that of the cut map."""
    angle(half_width, "half_width", math.pi)
    base = cut_parts(0.05, 1.0)

    def encode(points: FloatArray) -> FloatArray:
        codes = base.encode(points)
        turned = np.arctan2(points[:, 1], points[:, 0]) - center
        distance = np.abs(np.mod(turned + math.pi, 2.0 * math.pi) - math.pi)
        codes[distance < half_width] = math.nan
        return codes

    return Parts(
        encode=encode,
        decode=base.decode,
        truth=OracleTruth(circle_spec(1.0), None, None, (1,), continuous=False, non_finite_share=half_width / math.pi),
        continuity=Continuity.OPAQUE,
    )


def atan2_parts(radius: float, continuity: Continuity) -> Parts:
    """The angle as code, with the continuity that it declares."""
    positive(radius, "radius")
    return Parts(
        encode=lambda points: np.arctan2(points[:, 1], points[:, 0])[:, None],
        decode=lambda codes: radius * np.column_stack([np.cos(codes[:, 0]), np.sin(codes[:, 0])]),
        truth=OracleTruth(
            circle_spec(radius), Interval.exactly(0.0), lambda t: share_above(t, 0.0), (1,), continuous=False
        ),
        continuity=continuity,
    )


@entry(
    "atan2",
    "Mutant: the angle as code. Reconstructs perfectly because it jumps by 2 pi at the angle pi.",
    radius=(1.0, "radius of the circle"),
)
def _atan2(radius: float) -> Parts:
    """E(x) = atan2(x_2, x_1), D(z) = r (cos z, sin z): the error is 0 on the circle (up to rounding in the program),
    and E jumps from pi to -pi across the negative first axis. The latent image is (-pi, pi], contractible. It is left
    OPAQUE, so that a probe has to find the jump: theorems on continuous autoencoders say nothing about it."""
    return atan2_parts(radius, Continuity.OPAQUE)

"""Cuts: the autoencoders that Lemmas 1 and 2 of source 000 build, written down.

**Sphere.** On S^d let x = exp(v) for the north pole N, |v| = t in [0, pi]; its cut locus is the south pole. With a
smooth p, 0 for u <= 0 and 1 for u >= 1, and q(t) = p((pi - t)/h),

    E(x) = q(t) v,   D(z) = exp(z) = (cos |z|) N + (sin |z| / |z|) z.

E is smooth on S^d: v is smooth away from the south pole, and near it q v tends to 0 with all its derivatives. D is
smooth, being analytic in z. D(E(x)) = x wherever t <= pi - h: all but a cap of radius h, whose share tends to 0.
Another pole puts the cut elsewhere, away from any finite set.

**Moebius band.** (u, t), |t| <= w, with (u + 2 pi, t) = (u, -t) and u in (-pi, pi]. With c(u) = u and s(u) = 1 for
|u| <= pi - h, and both linear in |u| from there to 0 at |u| = pi, E = (c(u), s(u) t) is continuous on the band: where u
jumps and t changes its sign, E is (0, 0). D reads (u, t) off the code. D(E(x)) = x off the strip |u| > pi - h.

**Union.** Components of a union go into disjoint discs: z -> scale z + shift i.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from aeverify.autoencoders.protocol import Autoencoder, FloatArray
from aeverify.errors import UsageError


def smooth_step(u: FloatArray) -> FloatArray:
    """A C^infinity function, 0 for u <= 0 and 1 for u >= 1: f(u) / (f(u) + f(1 - u)) with f(u) = exp(-1/u)."""
    inside = np.clip(u, 1e-3, 1.0 - 1e-3)
    low, high = np.exp(-1.0 / inside), np.exp(-1.0 / (1.0 - inside))
    return np.where(u <= 1e-3, 0.0, np.where(u >= 1.0 - 1e-3, 1.0, low / (low + high)))


def _north(dim: int, pole: FloatArray | None) -> tuple[FloatArray, FloatArray]:
    """The pole and an orthonormal frame (dim, dim + 1) of its tangent space."""
    north = np.eye(dim + 1)[0] if pole is None else np.asarray(pole, dtype=np.float64)
    if north.shape != (dim + 1,) or not math.isclose(float(np.linalg.norm(north)), 1.0, abs_tol=1e-12):
        raise UsageError(f"A pole of the {dim}-sphere is a unit vector of R^{dim + 1}, got {north.tolist()}.")
    frame = np.linalg.svd(north[None, :])[2][1:]
    return north, frame


def sphere_cut(dim: int, half_width: float, pole: FloatArray | None = None) -> Autoencoder:
    """The smooth autoencoder of the unit dim-sphere with codes in R^dim, exact off a cap about -pole.

    Args:
        dim: d, at least 1.
        half_width: h, radius of the cap in radians, in (0, pi).
        pole: unit vector N; the first axis by default.

    Raises:
        UsageError: the pole is no unit vector, or h is out of range.
    """
    if not 0.0 < half_width < math.pi:
        raise UsageError(f"The half-width of a cut lies between 0 and pi, got {half_width}.")
    north, frame = _north(dim, pole)

    def encode(points: FloatArray) -> FloatArray:
        across = points @ frame.T
        size = np.linalg.norm(across, axis=1)
        angle = np.arctan2(size, points @ north)
        ratio = np.where(size > 1e-300, angle / np.maximum(size, 1e-300), 1.0)
        codes: FloatArray = (smooth_step((math.pi - angle) / half_width) * ratio)[:, None] * across
        return codes

    def decode(codes: FloatArray) -> FloatArray:
        size = np.linalg.norm(codes, axis=1)[:, None]
        points: FloatArray = np.cos(size) * north + np.sinc(size / math.pi) * (codes @ frame)
        return points

    name = f"exponential map of S^{dim} with a cut of {half_width:g}"
    return Autoencoder.from_callables(encode, decode, ambient_dim=dim + 1, latent_dim=dim, name=name, continuous=True)


def cap_share(dim: int, half_width: float) -> float:
    """Share of S^dim in a cap of radius h: the integral of sin^(dim - 1) over [0, h], over that over [0, pi]."""
    from scipy.special import betainc

    if half_width >= math.pi / 2:
        return 1.0 - cap_share(dim, math.pi - half_width)
    return 0.5 * float(betainc(dim / 2.0, 0.5, math.sin(half_width) ** 2))


def moebius_cut(radius: float, half_width: float) -> Autoencoder:
    """The continuous autoencoder of a Moebius band of that core radius with codes in R^2, exact off a strip.

    The band is {((R + t cos(u/2)) cos u, (R + t cos(u/2)) sin u, t sin(u/2))}.
    """
    width = half_width

    def encode(points: FloatArray) -> FloatArray:
        x, y, z = points.T
        u = np.arctan2(y, x)
        t = (np.hypot(x, y) - radius) * np.cos(u / 2) + z * np.sin(u / 2)
        back = (math.pi - np.abs(u)) / width
        inside = back < 1.0
        code = np.where(inside, np.sign(u) * (math.pi - width) * back, u)
        return np.column_stack([code, np.where(inside, back, 1.0) * t])

    def decode(codes: FloatArray) -> FloatArray:
        u, t = codes.T
        rho = radius + t * np.cos(u / 2)
        return np.column_stack([rho * np.cos(u), rho * np.sin(u), t * np.sin(u / 2)])

    name = f"Moebius band with a cut of {half_width:g}"
    return Autoencoder.from_callables(encode, decode, ambient_dim=3, latent_dim=2, name=name, continuous=True)


def joined(parts: Sequence[Autoencoder], centers: FloatArray, name: str) -> Autoencoder:
    """One autoencoder of sets that lie within distance 1 of their centres, which are on a line more than 4 apart.

    Part i works on x - centre i; its codes, pressed into (-1, 1) by z -> z / (1 + |z|), are moved by 3 i along the
    first axis. Between the sets, and between the discs, both maps are blended linearly, so that they are continuous.
    """
    line = centers[:, 0]
    if not (np.diff(line) > 4.0).all() or np.abs(centers[:, 1:]).max(initial=0.0) > 0.0:
        raise UsageError("The centres of the parts lie on the first axis, in order and more than 4 apart.")

    def blend(position: FloatArray, at: FloatArray, pieces: list[FloatArray], reach: float) -> FloatArray:
        total = np.zeros_like(pieces[0])
        for i, piece in enumerate(pieces):
            left = 1.0 if i == 0 else np.clip((position - (at[i] - reach - 0.4)) / 0.4, 0.0, 1.0)
            right = 1.0 if i == len(pieces) - 1 else np.clip((at[i] + reach + 0.4 - position) / 0.4, 0.0, 1.0)
            total += np.broadcast_to(left * right, position.shape)[:, None] * piece
        return total

    steps = np.array([3.0 * i for i in range(len(parts))], dtype=np.float64)

    def encode(points: FloatArray) -> FloatArray:
        pieces = []
        for i, part in enumerate(parts):
            z = part.encode(points - centers[i])
            z = z / (1.0 + np.linalg.norm(z, axis=1)[:, None])
            z[:, 0] += steps[i]
            pieces.append(z)
        return blend(points[:, 0], line, pieces, 1.05)

    def decode(codes: FloatArray) -> FloatArray:
        pieces = []
        for i, part in enumerate(parts):
            z = codes.copy()
            z[:, 0] -= steps[i]
            size = np.minimum(np.linalg.norm(z, axis=1)[:, None], 0.99)
            pieces.append(part.decode(np.clip(z / (1.0 - size), -50.0, 50.0)) + centers[i])
        return blend(codes[:, 0], steps, pieces, 1.0)

    first = parts[0]
    return Autoencoder.from_callables(
        encode, decode, ambient_dim=first.ambient_dim, latent_dim=first.latent_dim, name=name, continuous=True
    )

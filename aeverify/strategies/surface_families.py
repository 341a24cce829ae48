"""Surfaces and sets of more dimensions: how a set of each family is drawn, products among them."""

from __future__ import annotations

import math

from hypothesis import strategies as st

from aeverify.core.spec import Spec
from aeverify.strategies.curve_families import ellipse
from aeverify.strategies.parts import (
    MARGIN,
    MOST_AMBIENT,
    MOST_DIM,
    Ask,
    Draw,
    Family,
    Part,
    drawn_length,
    drawn_stretch,
    resized,
)


def _sphere(draw: Draw, dim: int, ask: Ask) -> Part:
    r = drawn_length(draw)
    return Part(Spec("sphere", {"dim": dim, "radius": r}), dim + 1, r)


def _ellipsoid(draw: Draw, dim: int, ask: Ask) -> Part:
    b, most = drawn_length(draw), math.sqrt(min(ask.ratio, 16.0))
    axes = (b * drawn_stretch(draw, 1.05, most), *(b * drawn_stretch(draw, 1.0, most) for _ in range(dim - 1)), b)
    return Part(Spec("ellipsoid", {"axes": axes}), dim + 1, max(axes))


def _ball(draw: Draw, dim: int, ask: Ask) -> Part:
    r = drawn_length(draw)
    return Part(Spec("ball", {"dim": dim, "radius": r}), dim, r)


def _hemisphere(draw: Draw, dim: int, ask: Ask) -> Part:
    r = drawn_length(draw)
    return Part(Spec("hemisphere", {"dim": dim, "radius": r}), dim + 1, r)


def _annulus(draw: Draw, dim: int, ask: Ask) -> Part:
    inner = drawn_length(draw)
    outer = inner * drawn_stretch(draw, 1.05, min(ask.ratio, 5.0))
    return Part(Spec("annulus", {"inner": inner, "outer": outer}), 2, outer)


def _torus(draw: Draw, dim: int, ask: Ask) -> Part:
    # (R + r) / min(r, R - r) with R = t r: t + 1 from t = 2 on, (t + 1) / (t - 1) below.
    r, q = drawn_length(draw), ask.ratio
    low = 1.1 if q == math.inf else max(1.1, (q + 1) / (q - 1) / MARGIN)
    high = min(q - 1, 6.0)
    t = 2.0 if draw(st.booleans()) is False else drawn_stretch(draw, low, high)
    return Part(Spec("torus", {"R": r * t, "r": r}), 3, r * t + r)


def _klein(draw: Draw, dim: int, ask: Ask) -> Part:
    r = drawn_length(draw)
    t = drawn_stretch(draw, 2.0, min(ask.ratio - 1, 6.0))
    return Part(Spec("klein", {"R": r * t, "r": r}), 4, r * t + r)


def _clifford(draw: Draw, dim: int, ask: Ask) -> Part:
    r = drawn_length(draw)
    s = r * drawn_stretch(draw, 1.0, math.sqrt(min(ask.ratio, 5.0) ** 2 - 1))
    return Part(Spec("clifford", {"r1": r, "r2": s}), 4, math.hypot(r, s))


def _flat_torus(draw: Draw, dim: int, ask: Ask) -> Part:
    r = drawn_length(draw)
    most = 4.0 if ask.ratio == math.inf else math.sqrt((ask.ratio**2 - 1) / (dim - 1))
    radii = (r, *(r * drawn_stretch(draw, 1.0, max(1.0, min(most, 4.0))) for _ in range(dim - 1)))
    return Part(Spec("flat_torus", {"radii": radii}), 2 * dim, math.hypot(*radii))


def _moebius(draw: Draw, dim: int, ask: Ask) -> Part:
    big = drawn_length(draw)
    h = big * draw(st.integers(1, 8)) / 10
    return Part(Spec("moebius", {"R": big, "h": h}), 3, big + h)


def _projective_plane(draw: Draw, dim: int, ask: Ask) -> Part:
    return resized(draw, Part(Spec("projective_plane"), 4, 1.0))


def _veronese(draw: Draw, dim: int, ask: Ask) -> Part:
    return resized(draw, Part(Spec("veronese"), 5, 1.001))


def _swiss_roll(draw: Draw, dim: int, ask: Ask) -> Part:
    start, turns = drawn_stretch(draw, 0.75, 2.0), drawn_stretch(draw, 0.5, 2.0)
    return Part(Spec("swiss_roll", {"start": start, "end": start + turns, "width": 21 * drawn_length(draw)}), 3, None)


def _blob(draw: Draw, dim: int, ask: Ask) -> Part:
    p = draw(st.integers(3, min(10, math.isqrt(ask.room))))
    return Part(Spec("blob", {"pixels": p}), p * p, None)


def _genus_two(draw: Draw, dim: int, ask: Ask) -> Part:
    return Part(Spec("genus2", {"c": draw(st.sampled_from((0.1, 0.05, 0.15, 0.2)))}), 3, None)


def _closed_product(draw: Draw, dim: int, ask: Ask) -> Part:
    split = 1 + draw(st.integers(0, dim - 2))
    if ask.ratio < math.inf:
        # Round spheres of radii r and t r: the circumradius is r sqrt(1 + t^2), the reach r.
        r = drawn_length(draw)
        t = drawn_stretch(draw, 1.0, math.sqrt(min(ask.ratio, 5.0) ** 2 - 1))
        return _product(*(_round(d, x) for d, x in ((split, r), (dim - split, r * t))))
    return _product(*(_closed_factor(draw, d) for d in (split, dim - split)))


def _closed_factor(draw: Draw, dim: int) -> Part:
    ask = Ask(dim, MOST_AMBIENT, True, True, math.inf)
    if draw(st.booleans()):
        return (ellipse if dim == 1 else _ellipsoid)(draw, dim, ask)
    return _round(dim, drawn_length(draw))


def _round(dim: int, r: float) -> Part:
    return (
        Part(Spec("circle", {"radius": r, "ambient_dim": 2}), 2, r)
        if dim == 1
        else Part(Spec("sphere", {"dim": dim, "radius": r}), dim + 1, r)
    )


def _full(draw: Draw, dim: int) -> Part:
    r = drawn_length(draw)
    return (
        Part(Spec("segment", {"length": r, "ambient_dim": 1}), 1, r)
        if dim == 1
        else Part(Spec("ball", {"dim": dim, "radius": r}), dim, r)
    )


def _product(*parts: Part) -> Part:
    spec = Spec("product", {"factors": tuple(str(p.spec) for p in parts)})
    return Part(spec, sum(p.ambient_dim for p in parts), math.hypot(*(p.size or 0.0 for p in parts)))


def _bounded_product(draw: Draw, dim: int, ask: Ask) -> Part:
    split = 1 + draw(st.integers(0, dim - 2))
    return _product(_closed_factor(draw, split), _full(draw, dim - split))


def _twisted_product(draw: Draw, dim: int, ask: Ask) -> Part:
    return _product(_klein(draw, 2, ask), _round(dim - 2, drawn_length(draw)))


def _bounded_twisted_product(draw: Draw, dim: int, ask: Ask) -> Part:
    return _product(_moebius(draw, 2, ask), _full(draw, dim - 2))


# The simplest first.
SURFACES: tuple[Family, ...] = (
    Family("sphere", _sphere, dims=(2, MOST_DIM), ratio=lambda d: 1.0),
    Family("ellipsoid", _ellipsoid, dims=(2, MOST_DIM), ratio=lambda d: 1.05**2),
    Family("torus", _torus, dims=(2, 2), ratio=lambda d: 3.0),
    Family("genus2", _genus_two, dims=(2, 2), in_unions=False, transforms=False),
    Family("ball", _ball, dims=(2, MOST_DIM), ambient=lambda d: d, closed=False, ratio=lambda d: 0.0),
    Family("annulus", _annulus, dims=(2, 2), ambient=lambda d: 2, closed=False, ratio=lambda d: 1.05),
    Family("hemisphere", _hemisphere, dims=(2, MOST_DIM), closed=False, ratio=lambda d: 1.0),
    Family("swiss_roll", _swiss_roll, dims=(2, 2), closed=False, in_unions=False),
    Family(
        "projective_plane", _projective_plane, dims=(2, 2), ambient=lambda d: 4, orientable=False, ratio=lambda d: 2.0
    ),
    Family("moebius", _moebius, dims=(2, 2), closed=False, orientable=False),
    Family("clifford", _clifford, dims=(2, 2), ambient=lambda d: 4, ratio=lambda d: math.sqrt(2)),
    Family("klein", _klein, dims=(2, 2), ambient=lambda d: 4, orientable=False, ratio=lambda d: 3.0),
    Family("veronese", _veronese, dims=(2, 2), ambient=lambda d: 5, orientable=False, ratio=lambda d: 1.1548),
    Family("flat_torus", _flat_torus, dims=(2, 50), ambient=lambda d: 2 * d, ratio=lambda d: math.sqrt(d)),
    Family("blob", _blob, dims=(2, 2), ambient=lambda d: 9, ratio=lambda d: 1.291, in_unions=False),
    Family("product", _closed_product, dims=(2, MOST_DIM), ambient=lambda d: d + 2, ratio=lambda d: math.sqrt(2)),
    Family("product", _bounded_product, dims=(2, MOST_DIM), closed=False),
    Family("product", _twisted_product, dims=(3, MOST_DIM), ambient=lambda d: d + 3, orientable=False),
    Family("product", _bounded_twisted_product, dims=(3, MOST_DIM), closed=False, orientable=False),
)

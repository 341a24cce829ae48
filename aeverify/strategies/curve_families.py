"""Curves: how a set of each family of dimension 1 is drawn."""

from __future__ import annotations

import math

from hypothesis import strategies as st

from aeverify.core.spec import Spec
from aeverify.strategies.parts import Ask, Draw, Family, Part, drawn_length, drawn_seed, drawn_stretch, resized


def _circle(draw: Draw, dim: int, ask: Ask) -> Part:
    r = drawn_length(draw)
    return Part(Spec("circle", {"radius": r, "ambient_dim": 2}), 2, r)


def ellipse(draw: Draw, dim: int, ask: Ask) -> Part:
    """An ellipse that is no circle; which semi-axis is the longer one is drawn."""
    # Circumradius a over reach b^2 / a is (a / b)^2.
    b, t = drawn_length(draw), drawn_stretch(draw, 1.05, math.sqrt(min(ask.ratio, 16.0)))
    a, b = (b * t, b) if draw(st.booleans()) is False else (b, b * t)
    return Part(Spec("ellipse", {"a": a, "b": b}), 2, max(a, b))


def _star(draw: Draw, dim: int, ask: Ask) -> Part:
    a, k, r = drawn_stretch(draw, 0.05, 0.8), draw(st.integers(1, 8)), drawn_length(draw)
    return Part(Spec("star", {"a": a, "k": k, "radius": r}), 2, (1 + a) * r)


def _reuleaux(draw: Draw, dim: int, ask: Ask) -> Part:
    w, k, s = drawn_length(draw), draw(st.sampled_from((3, 5, 7))), drawn_stretch(draw, 0.1, 0.9)
    return Part(Spec("reuleaux", {"width": w, "sides": k, "sharpness": s}), 2, w)


def _triod(draw: Draw, dim: int, ask: Ask) -> Part:
    legs = tuple(drawn_length(draw) for _ in range(3))
    return Part(Spec("triod", {"legs": legs}), 2, max(legs))


def _fourier(draw: Draw, dim: int, ask: Ask) -> Part:
    n = draw(st.integers(2, min(6, ask.room)))
    amplitude = drawn_stretch(draw, 0.05, 0.9)
    spec = {
        "seed": drawn_seed(draw),
        "degree": draw(st.integers(1, 6)),
        "ambient_dim": n,
        "decay": draw(st.sampled_from((2.0, 1.0, 3.0, 0.0))),
        "amplitude": amplitude,
    }
    # The drawn part is at most sum |a_k| + |b_k| <= 4 amplitude / (2 pi).
    return Part(Spec("fourier", spec), n, 1 + amplitude)


def _trefoil(draw: Draw, dim: int, ask: Ask) -> Part:
    return resized(draw, Part(Spec("trefoil"), 3, 3.1))


def _torus_knot(draw: Draw, dim: int, ask: Ask) -> Part:
    p, q = draw(st.sampled_from(((2, 3), (3, 2), (1, 2), (2, 5), (3, 4), (4, 3))))
    r = drawn_length(draw)
    big = r * drawn_stretch(draw, 1.5, 4.0)
    return Part(Spec("torus_knot", {"p": p, "q": q, "R": big, "r": r}), 3, big + r)


def _rotating_bar(draw: Draw, dim: int, ask: Ask) -> Part:
    p = draw(st.integers(3, min(8, math.isqrt(ask.room))))
    return Part(Spec("rotating_bar", {"pixels": p, "width": drawn_stretch(draw, 0.3, 1.0)}), p * p, float(p))


def _segment(draw: Draw, dim: int, ask: Ask) -> Part:
    length = drawn_length(draw)
    return Part(Spec("segment", {"length": length, "ambient_dim": 2}), 2, length)


def _helix(draw: Draw, dim: int, ask: Ask) -> Part:
    r = drawn_length(draw)
    pitch, turns = r * drawn_stretch(draw, 1.0, 4.0), drawn_stretch(draw, 0.5, 3.0)
    return Part(Spec("helix", {"radius": r, "pitch": pitch, "turns": turns}), 3, math.hypot(r, pitch * turns) * 1.001)


def _spiral_arc(draw: Draw, dim: int, ask: Ask) -> Part:
    end = drawn_length(draw)
    start = end * draw(st.integers(0, 8)) / 10
    return Part(
        Spec("spiral_arc", {"start": start, "end": end, "turns": drawn_stretch(draw, 0.5, 3.0)}), 2, end * 1.001
    )


def _spiral(draw: Draw, dim: int, ask: Ask) -> Part:
    return resized(draw, Part(Spec("spiral"), 2, 2.001))


# The simplest first.
CURVES: tuple[Family, ...] = (
    Family("circle", _circle, ambient=lambda d: 2, ratio=lambda d: 1.0),
    Family("ellipse", ellipse, ambient=lambda d: 2, ratio=lambda d: 1.05**2),
    Family("star", _star, ambient=lambda d: 2),
    Family("reuleaux", _reuleaux, ambient=lambda d: 2),
    Family("fourier", _fourier, ambient=lambda d: 2),
    Family("trefoil", _trefoil, ambient=lambda d: 3, ratio=lambda d: 5.0),
    Family("torus_knot", _torus_knot, ambient=lambda d: 3),
    Family("rotating_bar", _rotating_bar, ambient=lambda d: 9),
    Family("segment", _segment, ambient=lambda d: 2, closed=False, ratio=lambda d: 0.0),
    Family("spiral_arc", _spiral_arc, ambient=lambda d: 2, closed=False),
    Family("spiral", _spiral, ambient=lambda d: 2, closed=False),
    Family("helix", _helix, ambient=lambda d: 3, closed=False),
    Family("triod", _triod, ambient=lambda d: 2, closed=False, in_unions=False, transforms=False),
)

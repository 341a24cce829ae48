"""Hypothesis strategies that draw what claims are about: compact sets, samples of them, networks, models, recipes.

    from hypothesis import given
    from aeverify.strategies import curves, manifolds

    @given(K=manifolds(dim=2, closed=True))
    def test_something(K):
        space = K.build()

They draw *specifications*, plain frozen parameters, never arrays or trained models; `build` makes the thing. The repr
of what was drawn is code that rebuilds it. Everything drawn can be built: parameters are constructed within their
ranges, nothing is filtered, and arguments that no family can meet are refused when the strategy is made. Drawn sets
shrink toward `circle:radius=1,ambient_dim=2`: the first family, one component, the lowest codimension, lengths of 1;
networks toward one hidden layer of one unit.

This is the only module of the package that knows hypothesis.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, final

from hypothesis import HealthCheck, Phase, Verbosity, settings
from hypothesis import strategies as st

from aeverify.autoencoders.architectures import Architecture
from aeverify.autoencoders.layers import ACTIVATIONS
from aeverify.autoencoders.oracles import Oracle, oracle
from aeverify.autoencoders.protocol import Autoencoder
from aeverify.autoencoders.recipes import RECIPES, Recipe
from aeverify.core.dimensions import require_latent_dim, require_positive
from aeverify.core.spec import Spec
from aeverify.errors import UsageError
from aeverify.manifolds import Manifold, Sample, manifold

Draw: TypeAlias = Callable[[st.SearchStrategy[Any]], Any]

_ANY_DIM = 3
_MOST_DIM = 100
_MOST_AMBIENT = 10_000
_MOST_COMPONENTS = 16
# Families whose reach is their circumradius.
_ROUND = ("circle", "sphere", "hemisphere")
# Parameters keep this far from the bound that an argument sets, so that no rounding carries a fact across it.
_MARGIN = 1 - 1e-9


@final
class ManifoldSpec(str):
    """A compact set by its one-line specification: a string, so that it serves wherever a specification does."""

    __slots__ = ()

    def build(self) -> Manifold:
        """The set; made once a specification."""
        return _built(str(self))

    def __repr__(self) -> str:
        return f"ManifoldSpec({str(self)!r})"


@functools.lru_cache(maxsize=1024)
def _built(text: str) -> Manifold:
    return manifold(text)


@final
class OracleSpec(str):
    """A model of which the truth is known, by its one-line specification."""

    __slots__ = ()

    def build(self) -> Oracle:
        """The oracle."""
        return oracle(str(self))

    def __repr__(self) -> str:
        return f"OracleSpec({str(self)!r})"


@final
@dataclass(frozen=True)
class NetworkSpec:
    """An untrained network: its architecture and the seed that its weights are drawn from."""

    architecture: Architecture
    seed: int

    def build(self) -> Autoencoder:
        """The network, in float32 weights; equal specs give equal weights."""
        from aeverify.autoencoders.networks import ModuleAutoencoder

        encoder, decoder = self.architecture.build(self.seed)
        return ModuleAutoencoder(encoder, decoder, name=f"untrained {self.architecture}, seed {self.seed}")


@final
@dataclass(frozen=True)
class SampleSpec:
    """Points of a set: which set, how many, how they are drawn, and the seed."""

    manifold: ManifoldSpec
    n: int
    seed: int
    method: Literal["uniform", "stratified", "sobol"] = "uniform"

    def build(self) -> Sample:
        """The points."""
        return self.manifold.build().sample(self.n, self.seed, method=self.method)


@dataclass(frozen=True)
class _Ask:
    """What one part is asked for: `room` is the largest ambient dimension (`exact`: that one and no other),
    `ratio` the largest circumradius over reach."""

    dim: int | None
    room: int
    closed: bool | None
    orientable: bool | None
    ratio: float
    exact: bool = False


@dataclass(frozen=True)
class _Part:
    """A drawn part: its spec, its ambient dimension, and a radius about the origin that holds it (None: not known)."""

    spec: Spec
    ambient_dim: int
    size: float | None


@dataclass(frozen=True)
class _Family:
    """One family: which dimensions it has, the least ambient dimension and the least ratio for each, how to draw it."""

    name: str
    draw: Callable[[Draw, int, _Ask], _Part]
    dims: tuple[int, int] = (1, 1)
    ambient: Callable[[int], int] = lambda d: d + 1
    closed: bool = True
    orientable: bool = True
    ratio: Callable[[int], float] = lambda d: math.inf
    in_unions: bool = True
    transforms: bool = True

    def serves(self, ask: _Ask, dim: int) -> bool:
        """Whether a set of this dimension can be drawn for what is asked."""
        return (
            self.dims[0] <= dim <= self.dims[1]
            and self.ambient(dim) <= ask.room
            and (self.transforms or not ask.exact or self.ambient(dim) == ask.room)
            and ask.closed in (None, self.closed)
            and ask.orientable in (None, self.orientable)
            and (ask.ratio == math.inf or self.ratio(dim) <= ask.ratio * _MARGIN)
        )


def _length(draw: Draw) -> float:
    """A length: 1, then up to 4, then down to 0.02."""
    k: int = draw(st.integers(0, 149))
    return (100 + 3 * k) / 100 if k < 100 else round((150 - k) / 51, 4)


def _stretch(draw: Draw, least: float, most: float) -> float:
    """A number from `least` to `most`, both included up to the margin, `least` being the simplest."""
    k: int = draw(st.integers(0, 100))
    return float(f"{least + (most - least) * _MARGIN * k / 100:.9g}") if most > least else least


def _seed(draw: Draw) -> int:
    return int(draw(st.integers(0, 2**31 - 1)))


def _most(ratio: float, otherwise: float) -> float:
    return min(ratio, otherwise)


def _circle(draw: Draw, dim: int, ask: _Ask) -> _Part:
    r = _length(draw)
    return _Part(Spec("circle", {"radius": r, "ambient_dim": 2}), 2, r)


def _ellipse(draw: Draw, dim: int, ask: _Ask) -> _Part:
    # Circumradius a over reach b^2 / a is (a / b)^2.
    b, t = _length(draw), _stretch(draw, 1.05, math.sqrt(_most(ask.ratio, 16.0)))
    a, b = (b * t, b) if draw(st.booleans()) is False else (b, b * t)
    return _Part(Spec("ellipse", {"a": a, "b": b}), 2, max(a, b))


def _star(draw: Draw, dim: int, ask: _Ask) -> _Part:
    a, k, r = _stretch(draw, 0.05, 0.8), draw(st.integers(1, 8)), _length(draw)
    return _Part(Spec("star", {"a": a, "k": k, "radius": r}), 2, (1 + a) * r)


def _reuleaux(draw: Draw, dim: int, ask: _Ask) -> _Part:
    w, k, s = _length(draw), draw(st.sampled_from((3, 5, 7))), _stretch(draw, 0.1, 0.9)
    return _Part(Spec("reuleaux", {"width": w, "sides": k, "sharpness": s}), 2, w)


def _triod(draw: Draw, dim: int, ask: _Ask) -> _Part:
    legs = tuple(_length(draw) for _ in range(3))
    return _Part(Spec("triod", {"legs": legs}), 2, max(legs))


def _fourier(draw: Draw, dim: int, ask: _Ask) -> _Part:
    n = draw(st.integers(2, min(6, ask.room)))
    amplitude = _stretch(draw, 0.05, 0.9)
    spec = {
        "seed": _seed(draw),
        "degree": draw(st.integers(1, 6)),
        "ambient_dim": n,
        "decay": draw(st.sampled_from((2.0, 1.0, 3.0, 0.0))),
        "amplitude": amplitude,
    }
    # The drawn part is at most sum |a_k| + |b_k| <= 4 amplitude / (2 pi).
    return _Part(Spec("fourier", spec), n, 1 + amplitude)


def _resized(draw: Draw, part: _Part) -> _Part:
    """A set without parameters, in some size."""
    factor = _length(draw)
    return part if factor == 1 else _scaled(part, factor)


def _scaled(part: _Part, factor: float) -> _Part:
    size = None if part.size is None else part.size * factor
    return _Part(Spec("scaled", {"base": str(part.spec), "factor": factor}), part.ambient_dim, size)


def _trefoil(draw: Draw, dim: int, ask: _Ask) -> _Part:
    return _resized(draw, _Part(Spec("trefoil"), 3, 3.1))


def _torus_knot(draw: Draw, dim: int, ask: _Ask) -> _Part:
    p, q = draw(st.sampled_from(((2, 3), (3, 2), (1, 2), (2, 5), (3, 4), (4, 3))))
    r = _length(draw)
    big = r * _stretch(draw, 1.5, 4.0)
    return _Part(Spec("torus_knot", {"p": p, "q": q, "R": big, "r": r}), 3, big + r)


def _rotating_bar(draw: Draw, dim: int, ask: _Ask) -> _Part:
    p = draw(st.integers(3, min(8, math.isqrt(ask.room))))
    return _Part(Spec("rotating_bar", {"pixels": p, "width": _stretch(draw, 0.3, 1.0)}), p * p, float(p))


def _segment(draw: Draw, dim: int, ask: _Ask) -> _Part:
    length = _length(draw)
    return _Part(Spec("segment", {"length": length, "ambient_dim": 2}), 2, length)


def _helix(draw: Draw, dim: int, ask: _Ask) -> _Part:
    r = _length(draw)
    pitch, turns = r * _stretch(draw, 1.0, 4.0), _stretch(draw, 0.5, 3.0)
    return _Part(Spec("helix", {"radius": r, "pitch": pitch, "turns": turns}), 3, math.hypot(r, pitch * turns) * 1.001)


def _spiral_arc(draw: Draw, dim: int, ask: _Ask) -> _Part:
    end = _length(draw)
    start = end * draw(st.integers(0, 8)) / 10
    return _Part(Spec("spiral_arc", {"start": start, "end": end, "turns": _stretch(draw, 0.5, 3.0)}), 2, end * 1.001)


def _spiral(draw: Draw, dim: int, ask: _Ask) -> _Part:
    return _resized(draw, _Part(Spec("spiral"), 2, 2.001))


def _sphere(draw: Draw, dim: int, ask: _Ask) -> _Part:
    r = _length(draw)
    return _Part(Spec("sphere", {"dim": dim, "radius": r}), dim + 1, r)


def _ellipsoid(draw: Draw, dim: int, ask: _Ask) -> _Part:
    b, most = _length(draw), math.sqrt(_most(ask.ratio, 16.0))
    axes = (b * _stretch(draw, 1.05, most), *(b * _stretch(draw, 1.0, most) for _ in range(dim - 1)), b)
    return _Part(Spec("ellipsoid", {"axes": axes}), dim + 1, max(axes))


def _ball(draw: Draw, dim: int, ask: _Ask) -> _Part:
    r = _length(draw)
    return _Part(Spec("ball", {"dim": dim, "radius": r}), dim, r)


def _hemisphere(draw: Draw, dim: int, ask: _Ask) -> _Part:
    r = _length(draw)
    return _Part(Spec("hemisphere", {"dim": dim, "radius": r}), dim + 1, r)


def _annulus(draw: Draw, dim: int, ask: _Ask) -> _Part:
    inner = _length(draw)
    outer = inner * _stretch(draw, 1.05, _most(ask.ratio, 5.0))
    return _Part(Spec("annulus", {"inner": inner, "outer": outer}), 2, outer)


def _torus(draw: Draw, dim: int, ask: _Ask) -> _Part:
    # (R + r) / min(r, R - r) with R = t r: t + 1 from t = 2 on, (t + 1) / (t - 1) below.
    r, q = _length(draw), ask.ratio
    low = 1.1 if q == math.inf else max(1.1, (q + 1) / (q - 1) / _MARGIN)
    high = _most(q - 1, 6.0)
    t = 2.0 if draw(st.booleans()) is False else _stretch(draw, low, high)
    return _Part(Spec("torus", {"R": r * t, "r": r}), 3, r * t + r)


def _klein(draw: Draw, dim: int, ask: _Ask) -> _Part:
    r = _length(draw)
    t = _stretch(draw, 2.0, _most(ask.ratio - 1, 6.0))
    return _Part(Spec("klein", {"R": r * t, "r": r}), 4, r * t + r)


def _clifford(draw: Draw, dim: int, ask: _Ask) -> _Part:
    r = _length(draw)
    s = r * _stretch(draw, 1.0, math.sqrt(min(ask.ratio, 5.0) ** 2 - 1))
    return _Part(Spec("clifford", {"r1": r, "r2": s}), 4, math.hypot(r, s))


def _flat_torus(draw: Draw, dim: int, ask: _Ask) -> _Part:
    r = _length(draw)
    most = 4.0 if ask.ratio == math.inf else math.sqrt((ask.ratio**2 - 1) / (dim - 1))
    radii = (r, *(r * _stretch(draw, 1.0, max(1.0, min(most, 4.0))) for _ in range(dim - 1)))
    return _Part(Spec("flat_torus", {"radii": radii}), 2 * dim, math.hypot(*radii))


def _moebius(draw: Draw, dim: int, ask: _Ask) -> _Part:
    big = _length(draw)
    h = big * draw(st.integers(1, 8)) / 10
    return _Part(Spec("moebius", {"R": big, "h": h}), 3, big + h)


def _projective_plane(draw: Draw, dim: int, ask: _Ask) -> _Part:
    return _resized(draw, _Part(Spec("projective_plane"), 4, 1.0))


def _veronese(draw: Draw, dim: int, ask: _Ask) -> _Part:
    return _resized(draw, _Part(Spec("veronese"), 5, 1.001))


def _swiss_roll(draw: Draw, dim: int, ask: _Ask) -> _Part:
    start, turns = _stretch(draw, 0.75, 2.0), _stretch(draw, 0.5, 2.0)
    return _Part(Spec("swiss_roll", {"start": start, "end": start + turns, "width": 21 * _length(draw)}), 3, None)


def _blob(draw: Draw, dim: int, ask: _Ask) -> _Part:
    p = draw(st.integers(3, min(10, math.isqrt(ask.room))))
    return _Part(Spec("blob", {"pixels": p}), p * p, None)


def _genus_two(draw: Draw, dim: int, ask: _Ask) -> _Part:
    return _Part(Spec("genus2", {"c": draw(st.sampled_from((0.1, 0.05, 0.15, 0.2)))}), 3, None)


def _closed_product(draw: Draw, dim: int, ask: _Ask) -> _Part:
    split = 1 + draw(st.integers(0, dim - 2))
    if ask.ratio < math.inf:
        # Round spheres of radii r and t r: the circumradius is r sqrt(1 + t^2), the reach r.
        r = _length(draw)
        t = _stretch(draw, 1.0, math.sqrt(min(ask.ratio, 5.0) ** 2 - 1))
        return _product(*(_round(d, x) for d, x in ((split, r), (dim - split, r * t))))
    return _product(*(_closed_factor(draw, d) for d in (split, dim - split)))


def _closed_factor(draw: Draw, dim: int) -> _Part:
    ask = _Ask(dim, _MOST_AMBIENT, True, True, math.inf)
    if draw(st.booleans()):
        return (_ellipse if dim == 1 else _ellipsoid)(draw, dim, ask)
    return _round(dim, _length(draw))


def _round(dim: int, r: float) -> _Part:
    return (
        _Part(Spec("circle", {"radius": r, "ambient_dim": 2}), 2, r)
        if dim == 1
        else _Part(Spec("sphere", {"dim": dim, "radius": r}), dim + 1, r)
    )


def _full(draw: Draw, dim: int) -> _Part:
    r = _length(draw)
    return (
        _Part(Spec("segment", {"length": r, "ambient_dim": 1}), 1, r)
        if dim == 1
        else _Part(Spec("ball", {"dim": dim, "radius": r}), dim, r)
    )


def _product(*parts: _Part) -> _Part:
    spec = Spec("product", {"factors": tuple(str(p.spec) for p in parts)})
    return _Part(spec, sum(p.ambient_dim for p in parts), math.hypot(*(p.size or 0.0 for p in parts)))


def _bounded_product(draw: Draw, dim: int, ask: _Ask) -> _Part:
    split = 1 + draw(st.integers(0, dim - 2))
    return _product(_closed_factor(draw, split), _full(draw, dim - split))


def _twisted_product(draw: Draw, dim: int, ask: _Ask) -> _Part:
    return _product(_klein(draw, 2, ask), _round(dim - 2, _length(draw)))


def _bounded_twisted_product(draw: Draw, dim: int, ask: _Ask) -> _Part:
    return _product(_moebius(draw, 2, ask), _full(draw, dim - 2))


# In the order in which they are simpler: what is drawn shrinks toward the first family that serves.
_FAMILIES: tuple[_Family, ...] = (
    _Family("circle", _circle, ambient=lambda d: 2, ratio=lambda d: 1.0),
    _Family("ellipse", _ellipse, ambient=lambda d: 2, ratio=lambda d: 1.05**2),
    _Family("star", _star, ambient=lambda d: 2),
    _Family("reuleaux", _reuleaux, ambient=lambda d: 2),
    _Family("fourier", _fourier, ambient=lambda d: 2),
    _Family("trefoil", _trefoil, ambient=lambda d: 3, ratio=lambda d: 5.0),
    _Family("torus_knot", _torus_knot, ambient=lambda d: 3),
    _Family("rotating_bar", _rotating_bar, ambient=lambda d: 9),
    _Family("segment", _segment, ambient=lambda d: 2, closed=False, ratio=lambda d: 0.0),
    _Family("spiral_arc", _spiral_arc, ambient=lambda d: 2, closed=False),
    _Family("spiral", _spiral, ambient=lambda d: 2, closed=False),
    _Family("helix", _helix, ambient=lambda d: 3, closed=False),
    _Family("triod", _triod, ambient=lambda d: 2, closed=False, in_unions=False, transforms=False),
    _Family("sphere", _sphere, dims=(2, _MOST_DIM), ratio=lambda d: 1.0),
    _Family("ellipsoid", _ellipsoid, dims=(2, _MOST_DIM), ratio=lambda d: 1.05**2),
    _Family("torus", _torus, dims=(2, 2), ratio=lambda d: 3.0),
    _Family("genus2", _genus_two, dims=(2, 2), in_unions=False, transforms=False),
    _Family("ball", _ball, dims=(2, _MOST_DIM), ambient=lambda d: d, closed=False, ratio=lambda d: 0.0),
    _Family("annulus", _annulus, dims=(2, 2), ambient=lambda d: 2, closed=False, ratio=lambda d: 1.05),
    _Family("hemisphere", _hemisphere, dims=(2, _MOST_DIM), closed=False, ratio=lambda d: 1.0),
    _Family("swiss_roll", _swiss_roll, dims=(2, 2), closed=False, in_unions=False),
    _Family(
        "projective_plane", _projective_plane, dims=(2, 2), ambient=lambda d: 4, orientable=False, ratio=lambda d: 2.0
    ),
    _Family("moebius", _moebius, dims=(2, 2), closed=False, orientable=False),
    _Family("clifford", _clifford, dims=(2, 2), ambient=lambda d: 4, ratio=lambda d: math.sqrt(2)),
    _Family("klein", _klein, dims=(2, 2), ambient=lambda d: 4, orientable=False, ratio=lambda d: 3.0),
    _Family("veronese", _veronese, dims=(2, 2), ambient=lambda d: 5, orientable=False, ratio=lambda d: 1.1548),
    _Family("flat_torus", _flat_torus, dims=(2, 50), ambient=lambda d: 2 * d, ratio=lambda d: math.sqrt(d)),
    _Family("blob", _blob, dims=(2, 2), ambient=lambda d: 9, ratio=lambda d: 1.291, in_unions=False),
    _Family("product", _closed_product, dims=(2, _MOST_DIM), ambient=lambda d: d + 2, ratio=lambda d: math.sqrt(2)),
    _Family("product", _bounded_product, dims=(2, _MOST_DIM), closed=False),
    _Family("product", _twisted_product, dims=(3, _MOST_DIM), ambient=lambda d: d + 3, orientable=False),
    _Family("product", _bounded_twisted_product, dims=(3, _MOST_DIM), closed=False, orientable=False),
)


def _candidates(ask: _Ask, *, in_unions: bool = False) -> list[tuple[_Family, int]]:
    dims = range(1, _ANY_DIM + 1) if ask.dim is None else (ask.dim,)
    return [(f, d) for d in dims for f in _FAMILIES if f.serves(ask, d) and (f.in_unions or not in_unions)]


def manifolds(
    dim: int | None = None,
    ambient_dim: int | None = None,
    closed: bool | None = None,
    components: int | None = None,
    orientable: bool | None = None,
    max_reach_ratio: float | None = None,
) -> st.SearchStrategy[ManifoldSpec]:
    """Specifications of compact sets from every family of the catalog, with unions and transforms of them.

    Args:
        dim: dimension of the set (of a union: the largest of its components'), from 1 to 100; left out, 1 to 3.
        ambient_dim: of the space; left out, what the family needs, sometimes a little more.
        closed: True for sets all of whose components are without boundary, False for sets with a boundary.
        components: how many, from 1 to 16; left out, mostly 1, up to 3.
        orientable: True for sets all of whose components are orientable, False for sets with one that is not.
        max_reach_ratio: largest circumradius over reach, a number that no similarity changes: 1 for a round sphere, 0
            for a convex set; large where a set is thin or nearly meets itself. Families for which no formula bounds
            it are left out where it is given, and so are unions but those of equal round spheres or half spheres.

    Raises:
        UsageError: no set of the catalog is like that; says why.
    """
    if dim is not None and require_positive(dim, "dim") > _MOST_DIM:
        raise UsageError(f"dim of drawn sets may be at most {_MOST_DIM}, got {dim}.")
    if ambient_dim is not None and require_positive(ambient_dim, "ambient_dim") > _MOST_AMBIENT:
        raise UsageError(f"ambient_dim of drawn sets may be at most {_MOST_AMBIENT}, got {ambient_dim}.")
    if components is not None and require_positive(components, "components") > _MOST_COMPONENTS:
        raise UsageError(f"Drawn unions have at most {_MOST_COMPONENTS} components, got {components}.")
    for name, value in (("closed", closed), ("orientable", orientable)):
        if value not in (None, True, False):
            raise UsageError(f"{name} must be True, False or None, got {value!r}.")
    ratio = math.inf
    if max_reach_ratio is not None:
        number = not isinstance(max_reach_ratio, bool) and isinstance(max_reach_ratio, int | float)
        if not number or not math.isfinite(max_reach_ratio) or max_reach_ratio < 0:
            raise UsageError(f"max_reach_ratio must be a finite number from 0, got {max_reach_ratio!r}.")
        # The bound itself may be met: a round sphere has the ratio 1 exactly.
        ratio = float(max_reach_ratio) / _MARGIN / _MARGIN
    room = _MOST_AMBIENT if ambient_dim is None else ambient_dim
    ask = _Ask(dim, room, closed, orientable, ratio, exact=ambient_dim is not None)
    _refuse_impossible(ask, components)
    many = [(f, d) for f, d in _candidates(ask, in_unions=True) if ratio == math.inf or f.name in _ROUND]
    if components is None:
        counts: Sequence[int] = (1, 1, 1, 1, 1, 1, 2, 3) if many and ratio == math.inf else (1,)
    else:
        counts = (components,)
    single = _candidates(ask)
    return _manifolds(ask, ambient_dim, tuple(counts), tuple(single), tuple(many))


def _refuse_impossible(ask: _Ask, components: int | None) -> None:
    """Arguments that nothing meets.

    Raises:
        UsageError: with the reason.
    """
    asked = _asked(ask)
    if ask.closed and ask.dim is not None and ask.room < ask.dim + 1:
        raise UsageError(
            f"No closed set of dimension {ask.dim} lies in R^{ask.room}: it would be open in it, and compact. "
            f"Take ambient_dim={ask.dim + 1} or more, or closed=False."
        )
    if ask.dim is not None and ask.room < ask.dim:
        raise UsageError(f"No set of dimension {ask.dim} lies in R^{ask.room}. Take ambient_dim={ask.dim} or more.")
    if ask.orientable is False and ask.dim == 1:
        raise UsageError("Every curve is orientable: orientable=False needs dim=2 or more.")
    if ask.orientable is False and ask.room < (4 if ask.closed else 3):
        raise UsageError(
            f"No {'closed ' if ask.closed else ''}set that is not orientable lies in R^{ask.room}"
            + (": a closed hypersurface bounds. Take ambient_dim=4 or more." if ask.closed else ".")
        )
    if not _candidates(ask):
        raise UsageError(
            f"No family of the catalog gives {asked}. Allow a larger ambient_dim"
            + (" or max_reach_ratio" if ask.ratio < math.inf else "")
            + ", or ask for less."
        )
    if components is None or components == 1:
        return
    if ask.ratio < 2 * components - 1:
        raise UsageError(
            f"Unions of {components} components are drawn with a circumradius of at least {2 * components - 1} times "
            f"the reach (equal spheres in a row, with gaps of two radii), got max_reach_ratio={ask.ratio:.6g}."
        )
    if not any(ask.ratio == math.inf or f.name in _ROUND for f, _ in _candidates(ask, in_unions=True)):
        raise UsageError(f"No family of the catalog gives unions of components like {asked}.")


def _asked(ask: _Ask) -> str:
    words = [] if ask.closed is None else ["closed" if ask.closed else "with boundary"]
    words += [] if ask.orientable is None else ["orientable" if ask.orientable else "not orientable"]
    words += [] if ask.dim is None else [f"of dimension {ask.dim}"]
    words += [f"in R^{ask.room}"]
    words += [] if ask.ratio == math.inf else [f"with a circumradius of at most {ask.ratio:.6g} times the reach"]
    return "a set " + ", ".join(words)


@st.composite
def _manifolds(
    draw: Draw,
    ask: _Ask,
    ambient_dim: int | None,
    counts: tuple[int, ...],
    single: tuple[tuple[_Family, int], ...],
    many: tuple[tuple[_Family, int], ...],
) -> ManifoldSpec:
    count = counts[0] if len(counts) == 1 else draw(st.sampled_from(counts))
    if count > 1:
        return ManifoldSpec(str(_union(draw, ask, ambient_dim, count, many)))
    family, dim = draw(st.sampled_from(single))
    # Drawn for every family, so that no set is a shorter draw than a circle: hypothesis prefers shorter ones.
    codimension, transform = max(0, draw(st.integers(0, 5)) - 3), max(0, draw(st.integers(0, 7)) - 5)
    part = family.draw(draw, dim, ask)
    if not family.transforms:
        return ManifoldSpec(str(part.spec))
    part = _included(draw, part, part.ambient_dim + codimension if ambient_dim is None else ambient_dim)
    return ManifoldSpec(str(_transformed(draw, part, transform).spec))


def _included(draw: Draw, part: _Part, ambient_dim: int) -> _Part:
    if ambient_dim == part.ambient_dim:
        return part
    if part.spec.name in ("circle", "segment"):
        return _Part(Spec(part.spec.name, {**part.spec.parameters, "ambient_dim": ambient_dim}), ambient_dim, part.size)
    spec = Spec("included", {"base": str(part.spec), "ambient_dim": ambient_dim, "seed": draw(st.integers(0, 1000))})
    return _Part(spec, ambient_dim, part.size)


def _transformed(draw: Draw, part: _Part, choice: int) -> _Part:
    if choice == 1:
        return _scaled(part, 1 + _length(draw))
    if choice == 2 and part.ambient_dim <= 16:
        shift = tuple(draw(st.integers(-3, 3)) / 10 for _ in range(part.ambient_dim))
        parameters = {"base": str(part.spec), "rotation": draw(st.integers(0, 1000))}
        if any(shift):
            parameters["shift"] = shift
        return _Part(Spec("moved", parameters), part.ambient_dim, None)
    return part


def _union(draw: Draw, ask: _Ask, ambient_dim: int | None, count: int, many: tuple[tuple[_Family, int], ...]) -> Spec:
    """A row of parts along the first axis, each in a ball of its own."""
    family, dim = draw(st.sampled_from(many))
    first = family.draw(draw, dim, ask)
    if ask.ratio < math.inf:
        parts = [first] * count
    else:
        others = _Ask(None, ask.room, True if ask.closed else None, True if ask.orientable else None, ask.ratio)
        choices = [(f, d) for f, d in _candidates(others, in_unions=True) if d <= dim]
        parts = [first]
        for _ in range(count - 1):
            other, other_dim = draw(st.sampled_from(choices))
            parts.append(other.draw(draw, other_dim, others))
    linked = count == 2 and ask.dim in (None, 1) and ask.closed is not False and ask.orientable is not False
    if linked and ambient_dim in (None, 3) and draw(st.integers(0, 5)) == 5:
        return Spec("two_circles")
    n = max(p.ambient_dim for p in parts) if ambient_dim is None else ambient_dim
    placed, at = [], 0.0
    for i, part in enumerate(parts):
        part = _included(draw, part, n)
        assert part.size is not None
        if i:
            at += part.size + (parts[i - 1].size or 0.0) + 2 * (parts[0].size or 0.0)
        shift = (at, *(0.0,) * (n - 1))
        placed.append(part.spec if not i else Spec("moved", {"base": str(part.spec), "shift": shift}))
    return Spec("union", {"parts": tuple(str(p) for p in placed)})


def curves(
    ambient_dim: int | None = None,
    closed: bool | None = None,
    components: int | None = None,
    max_reach_ratio: float | None = None,
) -> st.SearchStrategy[ManifoldSpec]:
    """Specifications of curves; arguments and errors as those of `manifolds`."""
    return manifolds(1, ambient_dim, closed, components, None, max_reach_ratio)


def surfaces(
    ambient_dim: int | None = None,
    closed: bool | None = None,
    components: int | None = None,
    orientable: bool | None = None,
    max_reach_ratio: float | None = None,
) -> st.SearchStrategy[ManifoldSpec]:
    """Specifications of surfaces; arguments and errors as those of `manifolds`."""
    return manifolds(2, ambient_dim, closed, components, orientable, max_reach_ratio)


def networks(
    ambient_dim: int | None = None, latent_dim: int | None = None, max_width: int = 24, max_depth: int = 3
) -> st.SearchStrategy[Architecture]:
    """Architectures of fully connected autoencoders with every activation of the registry.

    Args:
        ambient_dim: n; left out, from 2 (or latent_dim) to 6.
        latent_dim: m; left out, from 1 to n.
        max_width, max_depth: of the encoder's hidden layers.

    Raises:
        UsageError: not 1 <= latent_dim <= ambient_dim, or a bound is not positive.
    """
    width, depth = require_positive(max_width, "max_width"), require_positive(max_depth, "max_depth")
    if latent_dim is not None:
        require_latent_dim(latent_dim, latent_dim if ambient_dim is None else ambient_dim)
    elif ambient_dim is not None:
        require_positive(ambient_dim, "ambient_dim")

    @st.composite
    def draw_network(draw: Draw) -> Architecture:
        least = max(2, latent_dim or 1)
        n = draw(st.integers(least, max(6, least))) if ambient_dim is None else ambient_dim
        m = draw(st.integers(1, n)) if latent_dim is None else latent_dim
        hidden = draw(st.lists(st.integers(1, width), min_size=1, max_size=depth))
        return Architecture(n, m, tuple(hidden), draw(st.sampled_from(tuple(ACTIVATIONS))))

    return draw_network()


def _fractions(most: float) -> st.SearchStrategy[float]:
    return st.integers(1, 99).map(lambda k: most * k / 100)


_RADII = st.integers(1, 40).map(lambda k: k / 4)
_SEMI_AXES = st.integers(4, 40).map(lambda k: k / 4)
_HALF_WIDTHS = _fractions(math.pi)
# Oracles that are what they declare to be; the mutants are for the tests of the claims. (n, m) of each.
_ORACLES: dict[str, tuple[tuple[int, int], dict[str, st.SearchStrategy[Any]]]] = {
    "constant": ((2, 1), {"radius": _RADII}),
    "cut": ((2, 1), {"half_width": _HALF_WIDTHS, "radius": _RADII}),
    "fold": ((2, 1), {"a": _SEMI_AXES, "b": _fractions(1.0)}),
    "double_wrap": ((2, 2), {"radius": _RADII}),
    "identity": ((2, 2), {}),
    "spiral_arc": ((2, 1), {}),
    "label": ((3, 1), {}),
    "cut_two_circles": ((3, 1), {"half_width": _HALF_WIDTHS}),
}


def autoencoders(
    ambient_dim: int | None = None, latent_dim: int | None = None
) -> st.SearchStrategy[OracleSpec | NetworkSpec]:
    """Specifications of models: untrained networks with a seed, and oracles of which the truth is known.

    Networks take any dimensions; oracles are drawn where they have those that are asked for.

    Raises:
        UsageError: not 1 <= latent_dim <= ambient_dim.
    """
    plain = networks(ambient_dim, latent_dim)
    known = [
        (name, parameters)
        for name, (dims, parameters) in _ORACLES.items()
        if ambient_dim in (None, dims[0]) and latent_dim in (None, dims[1])
    ]

    @st.composite
    def draw_model(draw: Draw) -> OracleSpec | NetworkSpec:
        # The network first, so that no oracle is a shorter draw: what fails for every model shrinks to a network.
        network = NetworkSpec(draw(plain), _seed(draw))
        choice = draw(st.integers(0, 2 * len(known))) - len(known) if known else 0
        if choice <= 0:
            return network
        name, parameters = known[choice - 1]
        return OracleSpec(str(Spec(name, draw(st.fixed_dictionaries(parameters)))))

    return draw_model()


def recipes(max_epochs: int = 50) -> st.SearchStrategy[Recipe]:
    """Training recipes: the named ones with settings replaced, at most `max_epochs` epochs long.

    Raises:
        UsageError: max_epochs is not a positive integer.
    """
    epochs = require_positive(max_epochs, "max_epochs")

    def adapted(name: str, changes: dict[str, Any]) -> Recipe:
        return RECIPES[name].adapted(**changes)

    changes = st.fixed_dictionaries(
        {
            "epochs": st.integers(1, epochs),
            "batch_size": st.integers(1, 64),
            "learning_rate": st.sampled_from((1e-3, 1e-4, 1e-2, 3e-3)),
            "optimizer": st.sampled_from(("adam", "rmsprop")),
            "schedule": st.sampled_from(("constant", "cosine")),
            "warmup": st.sampled_from((0.0, 0.1, 0.5)),
            "shuffle": st.sampled_from((True, False)),
        }
    )
    return st.builds(adapted, st.sampled_from(("paper", "quick", "default", "spiral", "narrow")), changes)


def samples(
    manifolds: st.SearchStrategy[ManifoldSpec] | None = None, min_size: int = 1, max_size: int = 1000
) -> st.SearchStrategy[SampleSpec]:
    """Specifications of samples: a set, a number of points, a seed and a method of sampling.

    Args:
        manifolds: where the sets come from; left out, `manifolds()`.
        min_size, max_size: of the number of points.

    Raises:
        UsageError: the sizes are not 1 <= min_size <= max_size <= 10^8.
    """
    least, most = require_positive(min_size, "min_size"), require_positive(max_size, "max_size")
    if not least <= most <= 10**8:
        raise UsageError(f"Sizes of samples must be 1 <= min_size <= max_size <= 10^8, got {least} and {most}.")
    sets = _any_manifolds() if manifolds is None else manifolds
    methods = st.sampled_from(("uniform", "stratified", "sobol"))
    return st.builds(SampleSpec, sets, st.integers(least, most), st.integers(0, 2**31 - 1), methods)


_any_manifolds = manifolds


def register_profiles() -> None:
    """Register the settings profiles `aeverify-dev`, `aeverify-ci` and `aeverify-nightly` with hypothesis; load one by
    `hypothesis.settings.load_profile`. They differ in the number of examples and in whether draws repeat: `-ci` draws
    the same every time and keeps no database, `-dev` and `-nightly` remember failures. None has a deadline."""
    every = (Phase.explicit, Phase.reuse, Phase.generate, Phase.target, Phase.shrink, Phase.explain)
    for name, examples, derandomize, phases in (
        ("aeverify-dev", 25, False, every),
        ("aeverify-ci", 100, True, tuple(p for p in every if p is not Phase.reuse)),
        ("aeverify-nightly", 2000, False, every),
    ):
        plain = settings.get_profile("default")
        settings.register_profile(
            name,
            max_examples=examples,
            derandomize=derandomize,
            database=None if derandomize else plain.database,
            verbosity=Verbosity.normal,
            phases=phases,
            stateful_step_count=50,
            report_multiple_bugs=True,
            suppress_health_check=(HealthCheck.too_slow,),
            deadline=None,
            print_blob=True,
            backend="hypothesis",
        )

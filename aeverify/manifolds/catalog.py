"""Catalog: every family of manifolds by name, the specifications that build them, and the facts in words."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from aeverify.core.interval import Interval
from aeverify.core.seeds import Seed
from aeverify.core.spec import Spec
from aeverify.errors import SpecError, UsageError
from aeverify.manifolds import (  # noqa: F401 - each registers its families
    arcs,
    blob,
    discs,
    flat,
    fourier,
    genus_two,
    images,
    knots,
    nonorientable,
    products,
    reuleaux,
    spheres,
    star,
    surfaces,
    transforms,
    triod,
)
from aeverify.manifolds.base import Manifold, Sample
from aeverify.manifolds.curves import Circle, Ellipse, Spiral
from aeverify.manifolds.entry import MANIFOLDS, Entry, Parameter
from aeverify.manifolds.links import Union, two_circles
from aeverify.manifolds.sampling import covering_radius, evaluation_error


def manifold(spec: str | Spec | Manifold) -> Manifold:
    """The manifold of a specification; a manifold is returned as it is.

    Example:
        >>> manifold("ellipse:a=3,b=2").truth.circumradius
        Interval(lower=3.0, upper=3.0)

    Raises:
        UnknownNameError: there is no such family; the message lists the nearest names.
        SpecError: the text is not a specification, or a parameter is unknown, missing or out of range.
    """
    if isinstance(spec, Manifold):
        return spec
    if not isinstance(spec, Spec):
        spec = Spec.parse(spec)
    entry = MANIFOLDS[spec.name]
    known = [p.name for p in entry.parameters]
    for name in spec.parameters:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
            hint = f"Did you mean {near[0]!r}? " if near else ""
            takes = f"It takes {', '.join(known)}." if known else "It takes no parameters."
            raise SpecError(f"{str(spec)!r}: {entry.name} has no parameter {name!r}. {hint}{takes}")
    missing = [p.name for p in entry.parameters if p.default is None and p.name not in spec.parameters]
    if missing:
        example = f", such as {entry.examples[0]!r}" if entry.examples else ""
        raise SpecError(f"{str(spec)!r}: {entry.name} needs {' and '.join(missing)}{example}.")
    return entry.build(**spec.parameters)


def training_points(K: str | Spec | Manifold, n: int | str, seed: Seed | int = 0) -> Sample:
    """Points to train on: n independent uniform ones, or the published data set of the manifold.

    Args:
        K: a manifold or its specification.
        n: how many points, or "paper" for the data set that the paper which introduced K used (then the seed plays
            no part): 500 points on each of `two_circles`, 100 on `spiral`.
        seed: of the draws.

    Raises:
        UsageError: n is neither a count nor "paper", or no data set is published for K.
    """
    k = manifold(K)
    if not isinstance(n, str):
        return k.sample(n, seed)
    if n != "paper":
        raise UsageError(f'The number of training points must be a positive integer or "paper", got {n!r}.')
    published = _published(k)
    if published is not None:
        return published()
    having = ", ".join(e.name for e in MANIFOLDS.values() if e.published is not None)
    raise UsageError(f"No data set is published for {k}; give a number of points. Published ones: {having}.")


def has_published_data(K: str | Spec | Manifold) -> bool:
    """Whether `training_points(K, "paper")` has a data set to give."""
    return _published(manifold(K)) is not None


def _published(k: Manifold) -> Callable[[], Sample] | None:
    return next((e.published for e in MANIFOLDS.values() if str(k) == e.name), None)


def facts(K: Manifold) -> dict[str, str]:
    """What is known of a manifold, in words, for reports and the terminal: a label and a short text each."""
    t = K.truth
    size = {1: "length", 2: "area"}.get(t.dimension, "volume")
    out = {
        "spec": str(K),
        "dimension": f"{t.dimension} in R^{K.ambient_dim}",
        "kind": f"{'closed' if t.closed else 'with boundary'}, {'orientable' if t.orientable else 'not orientable'}",
        "components": str(t.components),
        size: _words(t.volume),
        "reach": _words(t.reach),
        "Betti numbers": "; ".join(f"{f}: {', '.join(map(str, numbers))}" for f, numbers in t.betti.items()),
        "circumradius": _words(t.circumradius),
        "diameter": _words(t.diameter),
    }
    if t.curvature is not None:
        out["largest normal curvature"] = _words(t.curvature)
    if t.weak_feature_size is not None:
        out["weak feature size"] = _words(t.weak_feature_size)
    if t.components > 1:
        out["reach of each component"] = ", ".join(_words(c.truth.reach) for c in K.components)
    if t.symmetry_center is not None:
        out["centre of symmetry"] = f"({', '.join(f'{v:g}' for v in t.symmetry_center)})"
    if t.embedding_dim is not None:
        out["embeds in"] = f"R^{t.embedding_dim}"
    return out


def _words(x: Interval) -> str:
    """An interval that is narrower than its printed digits as one number."""
    return f"{x.lower:.10g}" if x.width <= 1e-12 * abs(x.lower) else str(x)


def paper_grid() -> Sample:
    """The data set of Kvalheim and Sontag 2024, appendix A: 500 points on each of the two circles, bit for bit.

    t = numpy.linspace(0, 2 pi, 500) repeats the end point, up to the rounding of sin(2 pi): 1000 rows, of which 499 a
    circle are distinct points of the set. The chart parameters are i / 499 turns.
    """
    t = np.linspace(0, 2 * np.pi, 500)
    zero = 0 * np.ones_like(t)
    points = np.vstack(
        (np.column_stack((np.cos(t), np.sin(t), zero)), np.column_stack((1 + np.sin(t), zero, np.cos(t))))
    )
    turns = (np.arange(500) / 499.0)[:, None]
    chart = two_circles().components[0].chart
    # The paper's points differ from the chart's by rounding, which is what `evaluation_error` bounds.
    radius = covering_radius(chart, turns).upper + evaluation_error(chart, points)
    return Sample(
        points=points,
        parameters=np.concatenate((turns, turns)),
        component=np.repeat(np.arange(2, dtype=np.int64), 500),
        covering_radius=Interval(0.0, math.nextafter(radius, math.inf)),
        method="the paper's grid: numpy.linspace(0, 2 pi, 500) on each circle, 1000 rows; the end point is repeated, "
        "so 499 points a circle are distinct (Kvalheim and Sontag 2024, appendix A)",
    )


def paper_sample() -> Sample:
    """The data set of source 003, an autoencoder tutorial: 100 points of the spiral, t = default_rng(0).uniform(0, 1).

    Uniform in t, hence denser in arc length near the inner end.
    """
    t = np.random.default_rng(0).uniform(0, 1, 100)
    points = np.empty((100, 2))
    points[:, 0] = (t + 1) * np.cos(5 * t + 1.5)
    points[:, 1] = (t + 1) * np.sin(5 * t + 1.5)
    return Sample(
        points=points,
        parameters=t[:, None],
        component=np.zeros(100, dtype=np.int64),
        covering_radius=covering_radius(Spiral().chart, t[:, None]),
        method="the tutorial's sample: 100 points, t uniform on [0, 1] from numpy.random.default_rng(0) (source 003)",
    )


def _union(parts: Any) -> Manifold:
    if isinstance(parts, str) or not isinstance(parts, Sequence) or not all(isinstance(p, str) for p in parts):
        raise SpecError(f"parts of a union must be a list of quoted specifications, got {parts!r}.")
    return Union([manifold(part) for part in parts])


MANIFOLDS.register(
    "circle",
    Entry(
        name="circle",
        summary="a circle in a plane of R^n",
        build=Circle,
        parameters=(
            Parameter("radius", "radius, from 1e-100 to 1e100", "1"),
            Parameter("ambient_dim", "dimension n of the space, from 2 to 10000", "2"),
            Parameter("center", "centre, a list of n numbers, or 0 for the origin", "0"),
            Parameter("plane", "the two axes (from 0) of its plane, the first being where t = 0 points", "[0,1]"),
            Parameter("frame", "two orthonormal vectors of R^n that span its plane, instead of plane", "that of plane"),
        ),
        examples=(
            "circle:radius=1,ambient_dim=2",
            "circle:radius=0.5,ambient_dim=4,center=[1,0,0,-2],plane=[3,1]",
            "circle:radius=2,ambient_dim=3,frame=[[0.6,0.8,0],[-0.8,0.6,0]]",
        ),
    ),
)
MANIFOLDS.register(
    "ellipse",
    Entry(
        name="ellipse",
        summary="an ellipse in the plane, about the origin",
        build=Ellipse,
        parameters=(
            Parameter("a", "semi-axis along the first coordinate, from 1e-100 to 1e100"),
            Parameter("b", "semi-axis along the second coordinate, from 1e-100 to 1e100"),
        ),
        examples=("ellipse:a=3,b=2", "ellipse:a=0.25,b=1"),
    ),
)
MANIFOLDS.register(
    "two_circles",
    Entry(
        name="two_circles",
        summary="the two linked unit circles of Kvalheim and Sontag 2024, in R^3",
        build=two_circles,
        examples=("two_circles",),
        published=paper_grid,
    ),
)
MANIFOLDS.register(
    "spiral",
    Entry(
        name="spiral",
        summary="an open spiral arc in the plane, the contrast without obstruction (source 003)",
        build=Spiral,
        examples=("spiral",),
        published=paper_sample,
    ),
)
MANIFOLDS.register(
    "union",
    Entry(
        name="union",
        summary="a disjoint union of other manifolds in one space",
        build=_union,
        parameters=(Parameter("parts", 'specifications, such as ["circle:radius=1","circle:radius=2"]'),),
        examples=('union:parts=["circle:radius=1,ambient_dim=2","ellipse:a=4,b=3"]',),
    ),
)

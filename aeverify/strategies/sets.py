"""Sets: the strategies that draw manifolds, curves and surfaces, with unions and transforms of them."""

from __future__ import annotations

import math
from collections.abc import Sequence

from hypothesis import strategies as st

from aeverify.core.dimensions import require_positive
from aeverify.core.spec import Spec
from aeverify.errors import UsageError
from aeverify.strategies.curve_families import CURVES
from aeverify.strategies.parts import MARGIN, MOST_AMBIENT, MOST_DIM, Ask, Draw, Family, Part, drawn_length, scaled
from aeverify.strategies.specs import ManifoldSpec
from aeverify.strategies.surface_families import SURFACES

_ANY_DIM = 3
_MOST_COMPONENTS = 16
# Families whose reach is their circumradius.
_ROUND = ("circle", "sphere", "hemisphere")
# In the order in which they are simpler: what is drawn shrinks toward the first family that serves.
_FAMILIES = (*CURVES, *SURFACES)


def _candidates(ask: Ask, *, in_unions: bool = False) -> list[tuple[Family, int]]:
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
    if dim is not None and require_positive(dim, "dim") > MOST_DIM:
        raise UsageError(f"dim of drawn sets may be at most {MOST_DIM}, got {dim}.")
    if ambient_dim is not None and require_positive(ambient_dim, "ambient_dim") > MOST_AMBIENT:
        raise UsageError(f"ambient_dim of drawn sets may be at most {MOST_AMBIENT}, got {ambient_dim}.")
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
        ratio = float(max_reach_ratio) / MARGIN / MARGIN
    room = MOST_AMBIENT if ambient_dim is None else ambient_dim
    ask = Ask(dim, room, closed, orientable, ratio, exact=ambient_dim is not None)
    _refuse_impossible(ask, components)
    many = [(f, d) for f, d in _candidates(ask, in_unions=True) if ratio == math.inf or f.name in _ROUND]
    if components is None:
        counts: Sequence[int] = (1, 1, 1, 1, 1, 1, 2, 3) if many and ratio == math.inf else (1,)
    else:
        counts = (components,)
    single = _candidates(ask)
    return _manifolds(ask, ambient_dim, tuple(counts), tuple(single), tuple(many))


def _refuse_impossible(ask: Ask, components: int | None) -> None:
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


def _asked(ask: Ask) -> str:
    words = [] if ask.closed is None else ["closed" if ask.closed else "with boundary"]
    words += [] if ask.orientable is None else ["orientable" if ask.orientable else "not orientable"]
    words += [] if ask.dim is None else [f"of dimension {ask.dim}"]
    words += [f"in R^{ask.room}"]
    words += [] if ask.ratio == math.inf else [f"with a circumradius of at most {ask.ratio:.6g} times the reach"]
    return "a set " + ", ".join(words)


@st.composite
def _manifolds(
    draw: Draw,
    ask: Ask,
    ambient_dim: int | None,
    counts: tuple[int, ...],
    single: tuple[tuple[Family, int], ...],
    many: tuple[tuple[Family, int], ...],
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


def _included(draw: Draw, part: Part, ambient_dim: int) -> Part:
    if ambient_dim == part.ambient_dim:
        return part
    if part.spec.name in ("circle", "segment"):
        return Part(Spec(part.spec.name, {**part.spec.parameters, "ambient_dim": ambient_dim}), ambient_dim, part.size)
    spec = Spec("included", {"base": str(part.spec), "ambient_dim": ambient_dim, "seed": draw(st.integers(0, 1000))})
    return Part(spec, ambient_dim, part.size)


def _transformed(draw: Draw, part: Part, choice: int) -> Part:
    if choice == 1:
        return scaled(part, 1 + drawn_length(draw))
    if choice == 2 and part.ambient_dim <= 16:
        shift = tuple(draw(st.integers(-3, 3)) / 10 for _ in range(part.ambient_dim))
        parameters = {"base": str(part.spec), "rotation": draw(st.integers(0, 1000))}
        if any(shift):
            parameters["shift"] = shift
        return Part(Spec("moved", parameters), part.ambient_dim, None)
    return part


def _union(draw: Draw, ask: Ask, ambient_dim: int | None, count: int, many: tuple[tuple[Family, int], ...]) -> Spec:
    """A row of parts along the first axis, each in a ball of its own."""
    family, dim = draw(st.sampled_from(many))
    first = family.draw(draw, dim, ask)
    if ask.ratio < math.inf:
        parts = [first] * count
    else:
        others = Ask(None, ask.room, True if ask.closed else None, True if ask.orientable else None, ask.ratio)
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

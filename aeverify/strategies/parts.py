"""Parts: what a family of sets is asked for, what it gives, and the lengths that all families draw."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from hypothesis import strategies as st

from aeverify.core.spec import Spec

Draw: TypeAlias = Callable[[st.SearchStrategy[Any]], Any]

MOST_DIM = 100
MOST_AMBIENT = 10_000
# Parameters keep this far from the bound that an argument sets, so that no rounding carries a fact across it.
MARGIN = 1 - 1e-9


@dataclass(frozen=True)
class Ask:
    """What one part is asked for: `room` is the largest ambient dimension (`exact`: that one and no other),
    `ratio` the largest circumradius over reach."""

    dim: int | None
    room: int
    closed: bool | None
    orientable: bool | None
    ratio: float
    exact: bool = False


@dataclass(frozen=True)
class Part:
    """A drawn part: its spec, its ambient dimension, and a radius about the origin that holds it (None: not known)."""

    spec: Spec
    ambient_dim: int
    size: float | None


@dataclass(frozen=True)
class Family:
    """One family: which dimensions it has, the least ambient dimension and the least ratio for each, how to draw it."""

    name: str
    draw: Callable[[Draw, int, Ask], Part]
    dims: tuple[int, int] = (1, 1)
    ambient: Callable[[int], int] = lambda d: d + 1
    closed: bool = True
    orientable: bool = True
    ratio: Callable[[int], float] = lambda d: math.inf
    in_unions: bool = True
    transforms: bool = True

    def serves(self, ask: Ask, dim: int) -> bool:
        """Whether a set of this dimension can be drawn for what is asked."""
        return (
            self.dims[0] <= dim <= self.dims[1]
            and self.ambient(dim) <= ask.room
            and (self.transforms or not ask.exact or self.ambient(dim) == ask.room)
            and ask.closed in (None, self.closed)
            and ask.orientable in (None, self.orientable)
            and (ask.ratio == math.inf or self.ratio(dim) <= ask.ratio * MARGIN)
        )


def drawn_length(draw: Draw) -> float:
    """A length: 1, then up to 4, then down to 0.02."""
    k: int = draw(st.integers(0, 149))
    return (100 + 3 * k) / 100 if k < 100 else round((150 - k) / 51, 4)


def drawn_stretch(draw: Draw, least: float, most: float) -> float:
    """A number from `least` to `most`, both included up to the margin, `least` being the simplest."""
    k: int = draw(st.integers(0, 100))
    return float(f"{least + (most - least) * MARGIN * k / 100:.9g}") if most > least else least


def drawn_seed(draw: Draw) -> int:
    """A seed for what is drawn later, 0 being the simplest."""
    return int(draw(st.integers(0, 2**31 - 1)))


def resized(draw: Draw, part: Part) -> Part:
    """A set without parameters, in some size."""
    factor = drawn_length(draw)
    return part if factor == 1 else scaled(part, factor)


def scaled(part: Part, factor: float) -> Part:
    """The part `factor` times as large."""
    size = None if part.size is None else part.size * factor
    return Part(Spec("scaled", {"base": str(part.spec), "factor": factor}), part.ambient_dim, size)

"""Entry: what the catalog says of one family of manifolds; each family registers its own where it is defined."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from aeverify.core.registry import Registry
from aeverify.manifolds.base import Manifold, Sample


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a family.

    Attributes:
        name: as in a specification.
        meaning: one sentence with the range.
        default: the text of the default in a specification; None where the parameter is required.
    """

    name: str
    meaning: str
    default: str | None = None


@dataclass(frozen=True)
class Entry:
    """One family of manifolds.

    Attributes:
        name: by which specifications call it.
        summary: one line.
        build: makes the manifold of the parameters given by keyword.
        parameters: what may be given.
        examples: specifications in canonical form: each prints as itself.
        published: the data set that the family's paper used, where it has one; of the family without parameters.
    """

    name: str
    summary: str
    build: Callable[..., Manifold]
    parameters: tuple[Parameter, ...] = ()
    examples: tuple[str, ...] = ()
    published: Callable[[], Sample] | None = field(default=None, compare=False)


MANIFOLDS: Registry[Entry] = Registry("manifold")

"""What can go wrong, said so that the reader can mend it.

Every error that aeverify raises on purpose is an `AeverifyError`; its message is one paragraph that says what was
got, what was expected and what to do. Anything else that escapes is a bug of ours.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any


class AeverifyError(Exception):
    """Base class of all errors that aeverify raises on purpose."""


class UsageError(AeverifyError):
    """The caller asked for something that cannot be: a bad parameter, an unknown name, an unreadable file."""


class SpecError(UsageError):
    """A specification such as `ellipse:a=3,b=2` does not parse or has parameters out of range."""


class UnknownNameError(UsageError):
    """A name that no registry entry has; the message lists the nearest ones."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        self.kind, self.name, self.known = kind, name, tuple(sorted(known))
        near = difflib.get_close_matches(name, self.known, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(repr(n) for n in near)}? " if near else ""
        super().__init__(f"There is no {kind} named {name!r}; {hint}Known: {', '.join(self.known) or 'none'}.")


class ModelError(AeverifyError):
    """The model under test has the wrong shape, a wrong file or crashed."""


class ModelFileError(ModelError, UsageError):
    """A model file is missing, truncated, corrupted or of another kind."""


class NonFiniteOutputError(ModelError):
    """The model returned NaN or infinity on points of K; nothing can be decided from it.

    Attributes:
        witness: a core `Witness` of kind "non_finite" with such a point, where one is known; else None.
    """

    def __init__(self, message: str, witness: Any = None) -> None:
        super().__init__(message)
        self.witness = witness


class MeasurementError(AeverifyError):
    """A measurement could not be carried out (too large, impossible premise, engine failure)."""


class InvariantError(AeverifyError):
    """One of our own invariants is broken (an empty interval, contradictory enclosures): a bug of ours."""


class Interrupted(AeverifyError):
    """The user or a time budget stopped the run; what had been finished is kept."""

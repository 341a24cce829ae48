"""Settings of the test that is running: seed, error budget, time budget and device, as its marker and the plugin say.

Importing this module loads no torch.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from aeverify.core.seeds import Seed
from aeverify.errors import UsageError


@dataclass(eq=False)
class Settings:
    """What the checks of one test have in common; the plugin makes one for each test that asks for it.

    Attributes:
        seed: root seed of every random stream of the test.
        root_seed: seed of the session, from which `seed` was derived unless the marker gave it.
        alpha: error probability of all statistical statements of the test together.
        budget: seconds that the measurements of the test may take together; None: each enclosure has its own limit.
        device: "auto", "cpu", "cuda" or "cuda:N"; where models of the test are to be trained and evaluated.
        origin: where the seed comes from, in words.
    """

    seed: int = 0
    root_seed: int = 0
    alpha: float = 0.01
    budget: float | None = None
    device: str = "auto"
    origin: str = ""
    _statistical: int = field(default=0, repr=False)
    _spent: float = field(default=0.0, repr=False)

    def next_alpha(self) -> float:
        """The share of alpha for one more statistical claim.

        How many will follow is not known, so the k-th gets alpha / (k (k + 1)); these add up to alpha, since
        1/(k (k + 1)) = 1/k - 1/(k + 1), and by the union bound all statements of the test hold with probability at
        least 1 - alpha.
        """
        self._statistical += 1
        return self.alpha / (self._statistical * (self._statistical + 1))

    @property
    def seconds_left(self) -> float | None:
        """What is left of the budget, None where there is none; 0 or less: it is spent."""
        return None if self.budget is None else self.budget - self._spent

    def spend(self, seconds: float) -> None:
        """Note that a check took so long."""
        self._spent += seconds


Marker: TypeAlias = tuple[tuple[object, ...], Mapping[str, Any]]
"""Positional arguments and keywords of one marker."""

_DEVICE = re.compile(r"auto|cpu|cuda(:[0-9]{1,3})?")


def _is_number(value: object, most: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0.0 < value < most


_KEYWORDS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "alpha": (lambda v: _is_number(v, 1.0), "a number between 0 and 1, such as 0.01"),
    "seed": (
        lambda v: isinstance(v, int) and not isinstance(v, bool) and 0 <= v < 2**63,
        "an integer from 0 to 2^63 - 1",
    ),
    "budget": (lambda v: _is_number(v, 1e9), "a number of seconds above 0"),
    "device": (lambda v: isinstance(v, str) and bool(_DEVICE.fullmatch(v)), "'auto', 'cpu', 'cuda' or 'cuda:N'"),
}


def settings_of(test: str, root_seed: int, markers: Sequence[Sequence[Marker]]) -> Settings:
    """The settings of a test.

    Args:
        test: its name, from which its seed is derived.
        root_seed: seed of the session.
        markers: what its markers say, place by place, the nearest place first; of each keyword the nearest counts.

    Raises:
        UsageError: a positional argument, an unknown keyword, a wrong value, or two markers at one place that
            contradict each other.
    """
    found: dict[str, Any] = {}
    for place in markers:
        here: dict[str, Any] = {}
        for arguments, keywords in place:
            _require_sense(test, arguments, keywords)
            for name, value in keywords.items():
                if here.setdefault(name, value) != value:
                    raise UsageError(
                        f"{test}: two markers aeverify at one place contradict each other: {name}={here[name]!r} and "
                        f"{name}={value!r}. Keep one."
                    )
        found = {**here, **found}
    derived = Seed(root_seed).child("pytest", test).value
    origin = f"derived from --aeverify-seed={root_seed} and the name of the test"
    return Settings(
        **{"seed": derived, **found}, root_seed=root_seed, origin="from the marker" if "seed" in found else origin
    )


def _require_sense(test: str, arguments: Sequence[object], keywords: Mapping[str, Any]) -> None:
    names = ", ".join(_KEYWORDS)
    if arguments:
        raise UsageError(f"{test}: the marker aeverify takes keywords ({names}), got {arguments[0]!r} without one.")
    for name, value in keywords.items():
        if name not in _KEYWORDS:
            raise UsageError(f"{test}: the marker aeverify has no keyword {name!r}; it has {names}.")
        fits, words = _KEYWORDS[name]
        if not fits(value):
            raise UsageError(f"{test}: aeverify({name}=...) must be {words}, got {value!r}.")


_active: list[Settings] = []


def active() -> Settings | None:
    """The settings of the test that is running; None outside of tests that have the marker or the fixture."""
    return _active[-1] if _active else None


@contextmanager
def activated(settings: Settings) -> Iterator[Settings]:
    """While it lasts, checks take these settings where they are not told otherwise."""
    _active.append(settings)
    try:
        yield settings
    finally:
        _active.remove(settings)

"""Seeds: one root seed a run, from which every random stream is derived by name."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from aeverify.errors import UsageError


@dataclass(frozen=True, slots=True)
class Seed:
    """A root seed and the path of names that leads from it to one random stream.

    The same root and path give the same 63-bit integer on every machine and in every version of Python (SHA-256 of
    the path), and different paths give independent-looking integers, so that adding a stream moves no other.

    Example:
        >>> Seed(0).child("train", 3).value == Seed(0).child("train").child(3).value
        True
    """

    root: int
    path: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if isinstance(self.root, bool) or not isinstance(self.root, int) or not 0 <= self.root < 2**63:
            raise UsageError(f"A seed must be an integer from 0 to 2^63 - 1, got {self.root!r}.")

    def child(self, *names: str | int) -> Seed:
        """The stream of that name under this one."""
        return Seed(self.root, self.path + tuple(str(n) for n in names))

    @property
    def value(self) -> int:
        """A 63-bit integer for numpy's and torch's generators. The root itself gives its own value."""
        if not self.path:
            return self.root
        text = "\x1f".join((str(self.root), *self.path))
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1

    def __str__(self) -> str:
        return "/".join((str(self.root), *self.path))


def as_seed(seed: Seed | int) -> Seed:
    """A Seed from a Seed or an integer."""
    return seed if isinstance(seed, Seed) else Seed(seed)

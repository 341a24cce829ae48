"""Registry: names to things, with the error that a mistyped name deserves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Generic, TypeVar

from aeverify.errors import InvariantError, UnknownNameError

T = TypeVar("T")


def letters_of(name: object) -> str:
    """What the spellings of one name ("Theorem 1", `theorem-1`) have in common: its letters and digits, in small."""
    return "".join(c for c in str(name).lower() if c.isalnum())


class Registry(Mapping[str, T], Generic[T]):
    """A mapping from names to things of one kind, in order of registration.

    Looking up an unknown name raises `UnknownNameError` with the nearest known names.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._entries: dict[str, T] = {}

    def register(self, name: str, entry: T) -> T:
        """Add an entry and return it.

        Raises:
            InvariantError: the name is taken.
        """
        if name in self._entries:
            raise InvariantError(f"The {self.kind} {name!r} is registered already.")
        self._entries[name] = entry
        return entry

    def spelled(self, name: object) -> T | None:
        """The entry of that name, where case, spaces, '-' and '_' do not matter; None where there is none."""
        wanted = letters_of(name)
        return next((entry for known, entry in self._entries.items() if letters_of(known) == wanted), None)

    def __getitem__(self, name: str) -> T:
        try:
            return self._entries[name]
        except KeyError:
            raise UnknownNameError(self.kind, name, self._entries) from None

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

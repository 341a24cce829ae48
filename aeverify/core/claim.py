"""Claim: a statement that evidence can decide, and the premises without which it says nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from aeverify.core.evidence import Citation, Evidence


class ClaimKind(StrEnum):
    """What FAIL means. THEOREM: a premise is unmet, a bug of ours, or news. REQUIREMENT: the release must not ship.
    PUBLISHED: a printed claim is impossible or was not reproduced."""

    THEOREM = "theorem"
    REQUIREMENT = "requirement"
    PUBLISHED = "published"


class Quantifier(StrEnum):
    """Over the restarts of one run: EVERY model must satisfy the claim, or SOME model must (an existence theorem)."""

    EVERY = "every"
    SOME = "some"


class Relation(StrEnum):
    """How a quantity is compared with a threshold."""

    AT_LEAST = ">="
    AT_MOST = "<="
    LESS = "<"
    GREATER = ">"
    EQUAL = "=="


@dataclass(frozen=True, slots=True)
class Claim:
    """A statement about an autoencoder on a compact set.

    Attributes:
        id: kebab-case name by which users ask for it.
        title: a few words.
        kind: theorem, requirement or published.
        statement: the whole statement, with its parameters named.
        citation: where it is proved or printed.
        quantity: the quantity that is compared.
        relation: how it is compared with the threshold.
        quantifier: whether every restart of a run must satisfy it or some restart.
        ledger: ids of the rows of the claims ledger that it answers.
    """

    id: str
    title: str
    kind: ClaimKind
    statement: str
    citation: Citation
    quantity: str
    relation: Relation
    quantifier: Quantifier = Quantifier.EVERY
    ledger: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.id

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "id": self.id,
            "title": self.title,
            "kind": str(self.kind),
            "statement": self.statement,
            "citation": self.citation.to_dict(),
            "quantity": self.quantity,
            "relation": str(self.relation),
            "quantifier": str(self.quantifier),
            "ledger": list(self.ledger),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Claim:
        """The inverse of `to_dict`."""
        return cls(
            id=data["id"],
            title=data["title"],
            kind=ClaimKind(data["kind"]),
            statement=data["statement"],
            citation=Citation.from_dict(data["citation"]),
            quantity=data["quantity"],
            relation=Relation(data["relation"]),
            quantifier=Quantifier(data["quantifier"]),
            ledger=tuple(data["ledger"]),
        )


@dataclass(frozen=True, slots=True)
class Premise:
    """One assumption of a claim, and whether it was found to hold.

    Attributes:
        id: kebab-case name ("continuous", "closed", "finite-outputs").
        statement: what is assumed.
        holds: True (shown), False (refuted), None (not decided).
        evidence: what decided it; None only where it holds by construction, which `statement` then says.
    """

    id: str
    statement: str
    holds: bool | None
    evidence: Evidence | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "id": self.id,
            "statement": self.statement,
            "holds": self.holds,
            "evidence": self.evidence.to_dict() if self.evidence else None,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Premise:
        """The inverse of `to_dict`."""
        evidence = Evidence.from_dict(data["evidence"]) if data["evidence"] else None
        return cls(data["id"], data["statement"], data["holds"], evidence)

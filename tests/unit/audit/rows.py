"""Rows and ledgers that the tests of the audit share."""

from __future__ import annotations

from typing import Any

from aeverify.audit.ledger import Ledger, Row, parse_ledger

CIRCLE = "circle:radius=1,ambient_dim=2"


def table(statement: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    """A row as TOML would hold it."""
    given = {"id": "r-1", "source": "text", "claim": "something is claimed", **fields}
    return given if statement is None else {**given, "statement": statement}


def stated(quantity: str, relation: str, threshold: float, **fields: Any) -> dict[str, Any]:
    """A statement on the unit circle with a scalar code."""
    return {
        "set": CIRCLE,
        "latent_dim": 1,
        "quantity": quantity,
        "relation": relation,
        "threshold": threshold,
        **fields,
    }


def ledger(*rows: dict[str, Any], name: str = "trial") -> Ledger:
    """A ledger of these rows."""
    return parse_ledger(whole(*rows), name)


def whole(*rows: dict[str, Any]) -> dict[str, Any]:
    """The mapping of a ledger of these rows."""
    return {
        "schema": "aeverify-ledger/1",
        "title": "Trial",
        "sources": {"text": {"title": "A text", "year": 2020}},
        "rows": list(rows),
    }


def row(statement: dict[str, Any] | None = None, **fields: Any) -> Row:
    """One row that was read."""
    return ledger(table(statement, **fields)).rows[0]

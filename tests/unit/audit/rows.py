"""Rows and ledgers that the tests of the audit share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from aeverify.audit.auditing import audit
from aeverify.audit.context import AuditContext
from aeverify.audit.findings import Finding
from aeverify.audit.ledger import Ledger, Row, parse_ledger
from aeverify.audit.rows import load_rows

CIRCLE = "circle:radius=1,ambient_dim=2"
LEDGERS = Path(__file__).parents[3] / "properties" / "ledgers"


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


def findings_of(source: Ledger, only: list[str], folder: Path) -> dict[str, Finding]:
    """What these rows of a ledger find under the quick budget."""
    return {row.row.id: row.finding for row in audit([source], only=only, folder=folder).rows}


def checked(source: Ledger, row_id: str, tolerance: float | None = None, **parameters: Any) -> Finding:
    """What the check of a row finds, with another tolerance or other parameters than its ledger gives."""
    (given,) = (r for r in source.rows if r.id == row_id)
    update: dict[str, Any] = {"parameters": {**given.parameters, **parameters}}
    if tolerance is not None:
        update["tolerance"] = tolerance
    assert given.check is not None
    return load_rows()[given.check].check(AuditContext(given.model_copy(update=update)))

"""Row checks: what a ledger row's `check` names, a function from an `AuditContext` to a `Finding`.

A check is written in a module `aeverify.audit.rows_...` of this room and registered by its decorator:

    @row("S-15", "The decoder's range is the span of the leading principal components.")
    def linear_decoder(context: AuditContext) -> Finding: ...

What the source prints is in the ledger (`context.row.statement.threshold`, `context.row.parameters`); what is found is
measured. Every module of that name is found by itself; none is imported before a ledger names a check.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import aeverify.audit
from aeverify.audit.findings import Finding
from aeverify.core.registry import Registry

if TYPE_CHECKING:
    from aeverify.audit.context import AuditContext

RowCheck = Callable[["AuditContext"], Finding]


@dataclass(frozen=True)
class RowEntry:
    """A registered check: its name, what it does in a sentence, and the function."""

    name: str
    summary: str
    check: RowCheck


ROWS: Registry[RowEntry] = Registry("row check")


def row(name: str, summary: str) -> Callable[[RowCheck], RowCheck]:
    """Register a function under the name by which ledgers call it.

    Raises:
        InvariantError: the name is taken.
    """

    def register(check: RowCheck) -> RowCheck:
        ROWS.register(name, RowEntry(name, summary, check))
        return check

    return register


@cache
def load_rows() -> Registry[RowEntry]:
    """All row checks, from every module `aeverify.audit.rows_...`."""
    for module in pkgutil.iter_modules(aeverify.audit.__path__):
        if module.name.startswith("rows_"):
            importlib.import_module(f"aeverify.audit.{module.name}")
    return ROWS

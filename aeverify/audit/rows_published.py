"""Checks of published claims that hold on one kind of set and fail on another, which their text does not tell apart."""

from __future__ import annotations

from typing import Any

from aeverify import widths
from aeverify.audit.context import AuditContext
from aeverify.audit.findings import AuditReason, Figure, Finding
from aeverify.audit.rows import row
from aeverify.core.evidence import Citation, Evidence, Rigor
from aeverify.core.interval import Interval
from aeverify.errors import UsageError
from aeverify.manifolds import manifold

TIETZE = Citation("J. R. Munkres, Topology, 2000", "Theorem 35.1 (Tietze)", "the inverse extends to all of R^m")


@row(
    "obstructed-only-if",
    "A claim that models must fail, on a set that obstructs them and one that does not.",
)
def obstructed_only_if(context: AuditContext) -> Finding:
    """LOOSE where every continuous model fails on the set `with` the premise and a perfect one exists `without` it.

    Parameters of the row: `with` and `without`, each a table of set and latent_dim, and `premise` in words. Models
    must fail where a positive lower bound of the width is known. A perfect one exists where the set is homeomorphic to
    a subset of R^m: take such a homeomorphism for E and extend its inverse to D (Tietze).
    """
    named, other = (_case(context, name) for name in ("with", "without"))
    premise = context.text("premise")
    fails = widths.best_lower(*named)
    room = manifold(other[0]).truth.embedding_dim
    perfect = room is not None and room <= other[1]
    obstacle = widths.best_lower(*other)
    figures: dict[str, Figure] = {
        f"w_{named[1]} of {named[0]}": widths.bounds(*named).interval,
        f"w_{other[1]} of {other[0]}": widths.bounds(*other).interval,
    }
    commands = tuple(f"aeverify width '{spec}' --latent-dim {m} --explain" for spec, m in (named, other))
    if fails.lower <= 0:
        return Finding(
            AuditReason.UNDECIDED, f"No lower bound of w_{named[1]}({named[0]}) is known.", (fails,), figures
        )
    said = (
        f"w_{named[1]}({named[0]}) >= {fails.lower:.6g} ({fails.details['name']}), so that every continuous model fails"
    )
    proof = str(fails.details["proof"])
    if perfect:
        exact = Evidence(
            "width",
            Interval.exactly(0.0),
            Rigor.EXACT,
            f"{other[0]} is homeomorphic to a subset of R^{room}: E is that homeomorphism, D extends its inverse.",
            citations=(TIETZE,),
        )
        text = (
            f"{said}; but {other[0]} lies in R^{room}, so that with m = {other[1]} a perfect continuous model exists."
        )
        return Finding(
            AuditReason.LOOSE, text, (fails, exact), figures, proof=proof, premise=premise, commands=commands
        )
    if obstacle.lower > 0:
        text = f"{said}, and so does every one on {other[0]} with m = {other[1]}: w >= {obstacle.lower:.6g}."
        return Finding(AuditReason.FORCED, text, (fails, obstacle), figures, proof=proof, commands=commands)
    return Finding(
        AuditReason.UNDECIDED, f"{said}; of {other[0]} nothing is known.", (fails,), figures, commands=commands
    )


def _case(context: AuditContext, name: str) -> tuple[str, int]:
    table: Any = context.parameter(name)
    if not isinstance(table, dict) or set(table) != {"set", "latent_dim"}:
        raise UsageError(f"Row {context.row.id}: parameter {name!r} must be a table of set and latent_dim.")
    return str(table["set"]), int(table["latent_dim"])

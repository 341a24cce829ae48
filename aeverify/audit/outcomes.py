"""Outcomes: one finding of several verdicts, and the two plainest kinds of evidence that row checks make themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aeverify.audit.findings import AuditReason, Finding
from aeverify.autoencoders.protocol import Autoencoder
from aeverify.core.evidence import Citation, Evidence, Rigor
from aeverify.core.interval import Interval
from aeverify.core.verdict import Outcome, Verdict
from aeverify.errors import MeasurementError
from aeverify.manifolds import manifold
from aeverify.measure import code_separation

KVALHEIM_SONTAG = Citation(
    "M. D. Kvalheim and E. D. Sontag, Why should autoencoders work?, TMLR 2024 (arXiv:2310.02250)",
    "Theorems 1 to 3",
    "continuous autoencoders fail somewhere on closed manifolds, and only on a set as small as one likes",
)


def exactly(quantity: str, value: float, method: str, *citations: Citation) -> Evidence:
    """EXACT evidence: a closed form, an integer, or a fact of algebra."""
    return Evidence(quantity, Interval.exactly(value), Rigor.EXACT, method, citations=citations)


def observed(quantity: str, interval: Interval, method: str, **details: Any) -> Evidence:
    """EMPIRICAL evidence: true of the points that were looked at, in float64."""
    return Evidence(quantity, interval, Rigor.EMPIRICAL, method, details=details)


def agreed(
    verdicts: Sequence[Verdict],
    text: str,
    reason: AuditReason = AuditReason.SUPPORTED,
    *,
    first: Sequence[Evidence] = (),
    **parts: Any,
) -> Finding:
    """The finding of verdicts that must all pass: `reason` where they do, else what the worst of them says.

    A FAIL is REFUTED; an INCONCLUSIVE is UNDECIDED; a VACUOUS is PREMISE_UNMET. `text` is said in front of the messages
    of those that did not pass.

    Args:
        first: evidence that stands before that of the verdicts where all pass; without it the weakest comes first.
        parts: further arguments of `Finding`.

    Raises:
        MeasurementError: a verdict is ERROR, so that nothing was decided, or there is none.
    """
    order = (Outcome.ERROR, Outcome.FAIL, Outcome.INCONCLUSIVE, Outcome.VACUOUS, Outcome.PASS)
    ranked = sorted(verdicts, key=lambda v: (order.index(v.outcome), v.rigor.rank if v.rigor else 0))
    if not ranked:
        raise MeasurementError("There is no verdict to judge by: name at least one model and one claim.")
    worst = ranked[0]
    if worst.outcome is Outcome.ERROR:
        raise MeasurementError(f"{worst.claim.id} on {worst.subject} and {worst.manifold}: {worst.message}")
    evidence = tuple(v.evidence for v in ranked if v.evidence is not None)
    if worst.outcome is Outcome.PASS:
        return Finding(reason, text, (*first, *evidence), **parts)
    became = {
        Outcome.FAIL: AuditReason.REFUTED,
        Outcome.INCONCLUSIVE: AuditReason.UNDECIDED,
        Outcome.VACUOUS: AuditReason.PREMISE_UNMET,
    }[worst.outcome]
    others = "; ".join(
        f"{v.claim.id} on {v.subject} and {v.manifold}: {v.reason} {v.message}".strip()
        for v in ranked
        if v.outcome is worst.outcome
    )
    parts.pop("premise", None)
    return Finding(became, f"{text} Not so: {others}"[:1900], (*evidence, *first), **parts)


def disjoint(models: Sequence[Autoencoder], text: str, **parts: Any) -> Finding:
    """SUPPORTED where the codes of the two circles are certified to be apart in every model."""
    found = [code_separation(m, manifold("two_circles"), limit=0.0, time_budget=60.0) for m in models]
    known = [e for e in found if isinstance(e, Evidence)]
    figures = {f"code distance, {m.name}": e.interval for m, e in zip(models, known, strict=False)}
    apart = len(known) == len(models) and all(e.lower > 0 for e in known)
    parts["figures"] = {**figures, **parts.get("figures", {})}
    return Finding(AuditReason.SUPPORTED if apart else AuditReason.UNDECIDED, text, tuple(known), **parts)

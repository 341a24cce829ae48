"""Restarts: what several models of one run say together about a claim that some model must satisfy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from aeverify.claims.study import Study
from aeverify.core.claim import Quantifier
from aeverify.core.verdict import Outcome, Reason, Verdict


def combine(verdicts: Sequence[Verdict], studies: Sequence[Study]) -> Verdict:
    """The verdict on "some restart satisfies the claim", from the verdicts on each.

    The best one stands for all: PASS where one passes (the error budget has been split over the restarts, so looking at
    all of them costs nothing). Where none does, models that the run trained itself refute no existence claim:
    INCONCLUSIVE. A single model that was given from outside keeps its own verdict.
    """
    if not any(s.trained_here for s in studies):
        return verdicts[0]
    order = (Outcome.PASS, Outcome.INCONCLUSIVE, Outcome.FAIL, Outcome.VACUOUS, Outcome.ERROR)
    best = min(verdicts, key=lambda v: (order.index(v.outcome), v.evidence.interval.upper if v.evidence else 0.0))
    if best.claim.quantifier is not Quantifier.SOME:
        return best
    passed = sum(v.outcome is Outcome.PASS for v in verdicts)
    words = f"{passed} of {len(verdicts)} restarts satisfy it; shown is the best. {best.message}".strip()
    if best.outcome is Outcome.FAIL:
        return replace(best, outcome=Outcome.INCONCLUSIVE, reason=Reason.EXISTENTIAL, message=words)
    return replace(best, message=words)

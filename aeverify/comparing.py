"""Comparing: two reports side by side, and which verdicts got worse beyond noise.

A verdict is WORSE than its counterpart where

* its outcome is another one and not PASS (PASS to anything, INCONCLUSIVE to FAIL), or it is not PASS for another
  reason than before: the earlier report does not speak for what is new; FAIL to INCONCLUSIVE is BETTER; or
* the claim is a requirement with <=, <, >= or >, and the enclosures of its quantity, at the same side of the threshold
  or not, are disjoint in the bad direction with a gap of more than `noise` times the larger magnitude of the two ends.

Two enclosures that meet may enclose one and the same number, so a difference inside them is no change: this is the
statistical width of STATISTICAL evidence, the tolerance of CERTIFIED evidence, and for a sampled maximum, whose upper
end is infinite, everything. A theorem has no bad direction: of theorems and published claims the outcomes alone are
compared.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence

from aeverify.core.claim import ClaimKind, Relation
from aeverify.core.comparison import Change, Compared, Comparison
from aeverify.core.report import Report
from aeverify.core.verdict import Outcome, Verdict
from aeverify.errors import UsageError

NOISE = 0.01
"""Relative change of a quantity, beyond both enclosures, that counts as none."""

_SEVERITY = {
    Outcome.PASS: 0,
    Outcome.INCONCLUSIVE: 1,
    Outcome.VACUOUS: 1,
    Outcome.ERROR: 2,
    Outcome.FAIL: 3,
}


def compare(before: Report, after: Report, *, noise: float = NOISE, source: str = "") -> Comparison:
    """Each verdict of `after` beside that of `before` on the same claim and subject.

    Subjects are matched by name; where each report has exactly one, these two are matched whatever their names.

    Args:
        before, after: reports on the same set and latent dimension.
        noise: relative change, beyond both enclosures, that counts as none.
        source: what the result calls the earlier report.

    Raises:
        UsageError: the reports are about other sets, latent dimensions or models, or noise is negative.
    """
    if not (math.isfinite(noise) and noise >= 0):
        raise UsageError(f"The noise is a relative change >= 0, got {noise!r}.")
    for what, old, new in (
        ("is about K =", before.manifold, after.manifold),
        ("has latent dimension", str(before.latent_dim), str(after.latent_dim)),
    ):
        if old != new:
            raise UsageError(
                f"The reports cannot be compared: the earlier one {what} {old}, the later one {new}. "
                "Compare reports of the same job, or write a new baseline."
            )
    one_each = len({v.subject for v in before.verdicts}) == 1 == len({v.subject for v in after.verdicts})
    earlier: dict[tuple[str, str], list[Verdict]] = defaultdict(list)
    for verdict in before.verdicts:
        earlier[_key(verdict, one_each)].append(verdict)
    rows = []
    for verdict in after.verdicts:
        waiting = earlier[_key(verdict, one_each)]
        rows.append(_compared(waiting.pop(0), verdict, noise) if waiting else _alone(verdict, Change.NEW))
    gone = tuple(_alone(v, Change.GONE) for v in before.verdicts if any(v is w for w in earlier[_key(v, one_each)]))
    if before.verdicts and after.verdicts and all(r.change is Change.NEW for r in rows):
        raise UsageError(
            f"The reports cannot be compared: they have no verdict in common. The earlier one has "
            f"{_names(before.verdicts)}; the later one {_names(after.verdicts)}. Give the model the same name, or "
            "write a new baseline."
        )
    return Comparison(source or before.title, noise, tuple(rows), gone)


def _key(verdict: Verdict, one_each: bool) -> tuple[str, str]:
    return verdict.claim.id, "" if one_each else verdict.subject


def _names(verdicts: Sequence[Verdict]) -> str:
    names = list(dict.fromkeys(f"{v.claim.id} on {v.subject}" for v in verdicts))
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _alone(verdict: Verdict, change: Change) -> Compared:
    before, after = ("", str(verdict.outcome)) if change is Change.NEW else (str(verdict.outcome), "")
    where = "later" if change is Change.NEW else "earlier"
    return Compared(verdict.claim.id, verdict.subject, change, before, after, f"Only the {where} report has it.")


def _compared(before: Verdict, after: Verdict, noise: float) -> Compared:
    change, text = _change(before, after, noise)
    if before.threshold != after.threshold:
        text += f" The threshold was {before.threshold or 'none'} and is {after.threshold or 'none'}."
    return Compared(after.claim.id, after.subject, change, str(before.outcome), str(after.outcome), text)


def _change(before: Verdict, after: Verdict, noise: float) -> tuple[Change, str]:
    if before.outcome is not after.outcome:
        better = _SEVERITY[after.outcome] < _SEVERITY[before.outcome]
        return (Change.BETTER if better else Change.WORSE), f"{before.outcome} became {after.outcome}."
    if after.outcome is not Outcome.PASS and before.reason is not after.reason:
        return Change.WORSE, f"{after.outcome} for another reason: {before.reason.name} became {after.reason.name}."
    moved = _moved(before, after, noise)
    if moved == 0:
        return Change.SAME, "No change beyond noise."
    assert before.evidence is not None and after.evidence is not None
    words = f"{after.evidence.quantity} was in {before.evidence.interval} and is in {after.evidence.interval}."
    return (Change.WORSE if moved > 0 else Change.BETTER), words


def _moved(before: Verdict, after: Verdict, noise: float) -> int:
    """1 where the quantity moved in the bad direction beyond noise, -1 in the good one, 0 where neither is shown."""
    old, new = before.evidence, after.evidence
    if after.claim.kind is not ClaimKind.REQUIREMENT or old is None or new is None or old.quantity != new.quantity:
        return 0
    bad = {Relation.AT_MOST: 1, Relation.LESS: 1, Relation.AT_LEAST: -1, Relation.GREATER: -1}.get(
        after.claim.relation, 0
    )
    up = new.lower - old.upper > noise * max(abs(new.lower), abs(old.upper))
    down = old.lower - new.upper > noise * max(abs(old.lower), abs(new.upper))
    return bad * (int(up) - int(down))

"""Stages one and two of an audit: is the claim possible, and is it forced? From widths and theorems, without training.

Let Q be the quantity of the claim, t its threshold and F a floor: Q >= F for every model of the stated class
(`aeverify.audit.floors`). Then

- Q <= t is impossible where F > t (and Q < t where F >= t), whichever models and trainings are meant;
- Q >= t is forced where F >= t: it is true of every model and no achievement of one;
- a printed value (==, about) below F is impossible.

A claim over models, not over trainings of a stated recipe, is decided further: some model has Q <= t where a ceiling
lies below t, and not every model has, since a constant decoder that is far away has errors as large as one likes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from aeverify import widths
from aeverify.audit.facts import judge_codes, judge_facts
from aeverify.audit.findings import AuditReason, Figure, Finding, lies
from aeverify.audit.floors import ceiling, floors, is_positive_but_small
from aeverify.audit.ledger import Row, Statement
from aeverify.core.evidence import Evidence, Rigor
from aeverify.core.interval import Interval

ONE_SIDED = {
    "sampled-maximum": "a maximum over sampled points bounds the supremum from below only",
    "mean-error": "a mean bounds the supremum from below only",
    "training-error": "an error at the training points bounds the supremum over the set from below only",
}
_BELOW, _ABOVE, _VALUE = ("<=", "<"), (">=", ">"), ("==", "about")


def judge(row: Row) -> Finding | None:
    """The finding on a row from its formal statement alone; None where theory does not decide it and there is a model
    or a recipe to look at.

    Raises:
        UsageError: the statement names a set or a dimension that cannot be.

    Cost: milliseconds where closed forms decide, else up to a few seconds of searches for a better width bound.
    """
    s = row.statement
    if s is None:
        return None
    if s.quantity in ("betti", "width"):
        return judge_facts(row, s)
    if s.quantity in ("injective-codes", "latent-betti"):
        found = judge_codes(row, s)
    else:
        found = next(_decided_by_floor(row, s), None)
    if found is None and _is_over_models(row):
        found = _over_models(row, s)
    if found is not None:
        return replace(found, text=found.text + _sold_as(s)) if found.reason is AuditReason.IMPOSSIBLE else found
    if row.training is not None or row.model is not None:
        return None
    return _left_open(row, s)


def _is_over_models(row: Row) -> bool:
    return row.training is None and row.model is None


def _decided_by_floor(row: Row, s: Statement) -> Iterator[Finding]:
    """A finding as soon as some floor decides."""
    t = s.threshold
    for floor in floors(s):
        f = floor.lower
        beyond = f > t + row.tolerance or (s.relation == "<" and f >= t + row.tolerance)
        if s.relation not in _ABOVE and beyond:
            yield _finding(
                AuditReason.IMPOSSIBLE,
                s,
                floor,
                f"Every {_class(s)} model of {s.set} with m = {s.latent_dim} has {s.quantity} >= {f:.6g} "
                f"({floor.details['name']}), and the claim asks for {s.relation} {t:.6g}.",
            )
        elif s.relation in _ABOVE and (f > t or (s.relation == ">=" and f == t)):
            yield _finding(
                AuditReason.FORCED,
                s,
                floor,
                f"Every {_class(s)} model of {s.set} with m = {s.latent_dim} has {s.quantity} >= {f:.6g} "
                f"({floor.details['name']}): the claim is true of all and an achievement of none.",
            )
    positive = is_positive_but_small(s)
    if positive is not None and t + row.tolerance <= 0.0:
        what = (
            f"e exceeds {s.level:g} on an open part of {s.set}" if s.level is not None else "e is not 0 on an open part"
        )
        words = f"{what}: w_{s.latent_dim} >= {positive.lower:.6g} ({positive.details['name']}) and e is continuous"
        if s.relation in (*_BELOW, *_VALUE):
            yield _finding(AuditReason.IMPOSSIBLE, s, positive, f"{words}, so that {s.quantity} is above 0.")
        elif s.relation == ">" or t < 0.0:
            yield _finding(AuditReason.FORCED, s, positive, f"{words}, so that {s.quantity} is above 0 for all models.")


def _over_models(row: Row, s: Statement) -> Finding | None:
    """A claim on some model, or on all of a class, that no floor has decided."""
    if s.quantity not in ("sup-error", "mean-error", "mean-squared-error", "bad-set-share", "sampled-maximum"):
        return None
    t, top = s.threshold, ceiling(s)
    if s.relation in _BELOW and s.quantifier == "some" and top is not None and top.upper < t:
        return _finding(
            AuditReason.SUPPORTED,
            s,
            top,
            f"Some {_class(s)} model of {s.set} with m = {s.latent_dim} has {s.quantity} as near to {top.upper:.6g} as "
            f"one likes ({top.details['name']}), which is below {t:.6g}.",
        )
    if s.relation in _ABOVE and s.quantifier == "all" and top is not None and top.upper < t:
        return _finding(
            AuditReason.REFUTED,
            s,
            top,
            f"Some {_class(s)} model of {s.set} with m = {s.latent_dim} has {s.quantity} as near to {top.upper:.6g} as "
            f"one likes ({top.details['name']}), which is below {t:.6g}.",
        )
    most = 1.0 if s.quantity == "bad-set-share" else float("inf")
    far = Evidence(
        s.quantity,
        Interval.at_least(max(t, 0.0)) if most > 1.0 else Interval.exactly(1.0),
        Rigor.EXACT,
        "A constant decoder far away from K errs everywhere, by as much as one likes.",
        details={"name": "far constant", "proof": "e(x) = |c - x| >= |c| - |x|, and |c| is free."},
    )
    if s.quantifier == "all" and s.relation in _BELOW and t < most:
        return _finding(
            AuditReason.REFUTED, s, far, "Not every model: a constant decoder that is far away violates it."
        )
    if s.quantifier == "some" and s.relation in _ABOVE and t < most:
        return _finding(AuditReason.FORCED, s, far, "A constant decoder that is far away satisfies it on every set.")
    return None


def _left_open(row: Row, s: Statement) -> Finding:
    """Nothing excludes the claim, and the row has neither a model nor a recipe to look at."""
    if s.measured in ONE_SIDED and s.relation not in _ABOVE and s.quantity == "sup-error":
        return Finding(
            AuditReason.WRONG_SIDE,
            f"The claim is on the supremum, and {ONE_SIDED[s.measured]}. Theory does not exclude it, and no model or "
            "recipe is given from which the supremum could be bounded.",
        )
    of_codes = s.quantity in ("injective-codes", "latent-betti")
    if s.quantifier == "average" or (s.relation in _VALUE and not of_codes):
        return Finding(
            AuditReason.NOT_CHECKABLE,
            "Theory does not exclude the printed number, and the source gives neither a model nor a recipe to repeat.",
        )
    known = widths.bounds(s.set, s.latent_dim or 1)
    return Finding(
        AuditReason.UNDECIDED,
        f"What is known, that w_{s.latent_dim} {lies(known.interval)}, neither excludes nor implies the claim.",
        evidence=(known,),
    )


def _sold_as(s: Statement) -> str:
    if s.measured not in ONE_SIDED or s.quantity != "sup-error":
        return ""
    return (
        f" What was measured is a {s.measured.replace('-', ' ')}: {ONE_SIDED[s.measured]}, so that the number may be "
        "right and the claim is not."
    )


def _class(s: Statement) -> str:
    return {
        "continuous": "continuous",
        "lipschitz": f"continuous, {s.lipschitz:g}-Lipschitz" if s.lipschitz is not None else "",
        "affine-decoder": "continuous, affinely decoding",
        "any": "",
    }[s.functions]


def _finding(reason: AuditReason, s: Statement, evidence: Evidence, text: str) -> Finding:
    figures: dict[str, Figure] = {"threshold": s.threshold, evidence.quantity: evidence.interval}
    command = () if s.latent_dim is None else (f"aeverify width '{s.set}' --latent-dim {s.latent_dim} --explain",)
    return Finding(reason, text, (evidence,), figures, proof=str(evidence.details.get("proof", "")), commands=command)

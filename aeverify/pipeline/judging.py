"""Judging: every claim on every model, within the run's time and memory; what was not reached is there as NOT RUN."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from aeverify.claims.lipschitz_price import LipschitzPrice
from aeverify.claims.restarts import combine
from aeverify.core.claim import Quantifier
from aeverify.core.events import VerdictReached
from aeverify.core.verdict import Outcome, Reason, Verdict
from aeverify.errors import AeverifyError
from aeverify.pipeline.budget import OutOfTime, is_out_of_memory
from aeverify.pipeline.state import Member, Run

TOGETHER = "read both, a small bad set alone is no evidence for m."


def judge(state: Run, deadline: float | None = None) -> None:
    """Every claim on every model; a claim that some model must satisfy is judged over the restarts together.

    Raises:
        OutOfTime: `deadline` (of time.monotonic) passed before every claim had its turn.
    """
    restarts = [m for m in state.members if m.trained_here]
    for member in state.members:
        if not member.trained_here:
            for each in member.checks:
                _decide(state, [member], each, deadline, (member.record.name, each))
    checks = state.ground.checks(state.plan.claims, state.latent_dim) if state.plan.training else ()
    for each in checks:
        if not restarts:
            state.verdicts.append(undecided(each, state, "the restarts", Reason.DIVERGED))
            state.pending.remove(("the restarts", each))
        elif each.claim.quantifier is Quantifier.SOME:
            _decide(state, restarts, each, deadline, ("the restarts", each))
        else:
            for member in restarts:
                last = member is restarts[-1]
                _decide(state, [member], each, deadline, ("the restarts", each) if last else None)
    trained = [r for r in state.records if r.converged is not None]
    if trained:
        state.notes.append(f"{sum(bool(r.converged) for r in trained)} of {len(trained)} restarts converged.")
    for verdict in state.verdicts:
        if verdict.claim.id == LipschitzPrice.claim.id and verdict.evidence and verdict.supporting:
            share, steepness = verdict.supporting[0].interval, verdict.evidence.interval
            state.notes.append(
                f"{verdict.subject}: bad set {share} of K' and Lipschitz constant {steepness}: {TOGETHER}"
            )


def _decide(
    state: Run, members: Sequence[Member], each: Any, deadline: float | None, settles: tuple[str, Any] | None
) -> None:
    """One verdict on one claim, over one model or over all restarts of an existence claim, and what it settles of the
    run's pending work."""
    if deadline is not None and time.monotonic() >= deadline:
        raise OutOfTime
    label = members[0].record.name if len(members) == 1 else f"{len(members)} restarts"
    started = state.begin(f"{each.claim.id} on {label}")
    verdict = _within_memory(state, members, each)
    state.verdicts.append(verdict)
    if settles is not None:
        state.pending.remove(settles)
    state.emit(VerdictReached(verdict))
    state.end(started, str(verdict.outcome))


def _within_memory(state: Run, members: Sequence[Member], each: Any) -> Verdict:
    """The verdict, which is NOT RUN where the memory budget did not suffice."""
    budget = state.plan.budget.memory_mib
    verdicts = [each.check(m.study) for m in members]
    verdict = combine(verdicts, [m.study for m in members]) if members[0].trained_here else verdicts[0]
    if budget is not None and verdict.outcome is Outcome.ERROR and is_out_of_memory(verdict.message):
        words = f"The memory budget of {budget} MiB was not enough. {verdict.message}"
        return replace(verdict, outcome=Outcome.INCONCLUSIVE, reason=Reason.NOT_RUN, message=words)
    return verdict


def deploy(state: Run) -> None:
    """The gap between the judged function and its float32 program, beside the figures of each model on a manifold."""
    for i, member in enumerate(state.members):
        if not hasattr(member.study, "deployment_gap"):
            continue
        try:
            gap = member.study.deployment_gap()
        except AeverifyError:
            continue  # the verdicts have told of it
        if isinstance(gap, str):
            continue
        record = replace(
            member.record, figures={**member.record.figures, "float32_gap_at_least": float(f"{gap.lower:.3g}")}
        )
        state.records[state.records.index(member.record)] = record
        state.members[i] = replace(member, record=record)
        if gap.details["non_finite"]:
            state.notes.append(
                f"{record.name}: its float32 program returned NaN or infinity at {gap.details['non_finite']} of "
                f"{gap.details['samples']} points."
            )


def undecided(each: Any, state: Run, subject: str, reason: Reason, message: str = "") -> Verdict:
    """A verdict that decides nothing."""
    return Verdict(each.claim, subject, state.ground.spec, Outcome.INCONCLUSIVE, reason, message=message)


def fill_in(state: Run, reason: Reason, message: str = "") -> None:
    """Every claim that was not reached is there, INCONCLUSIVE, for the reason that the run ended."""
    if not state.pending and not state.verdicts:
        names = [s.name or s.oracle or s.file or s.baseline or "model" for s in state.plan.subjects]
        subjects = [*names, *(["the restarts"] if state.plan.training else [])]
        checks = state.plan.checks(state.latent_dim or None)
        state.pending = [(name, each) for name in subjects for each in checks]
    for name, each in state.pending:
        state.verdicts.append(undecided(each, state, name, reason, message))
    state.pending = []

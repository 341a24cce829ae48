"""The gate: which verdicts stop a release, which are excused, and that it cannot fail open."""

from __future__ import annotations

from dataclasses import replace

import pytest

from aeverify.core import (
    Citation,
    Claim,
    ClaimKind,
    ErrorBudget,
    Evidence,
    ExitCode,
    GatePolicy,
    Ignore,
    Interval,
    Outcome,
    Reason,
    Relation,
    Rigor,
    Verdict,
)
from aeverify.errors import InvariantError, UsageError

CLAIM = Claim("error-bound", "t", ClaimKind.REQUIREMENT, "s", Citation("c"), "sup_error", Relation.AT_MOST)
EVIDENCE = Evidence("sup_error", Interval(0.0, 1.0), Rigor.CERTIFIED, "m")


def verdict(outcome: str, claim: str = "error-bound", subject: str = "model", reason: Reason | None = None) -> Verdict:
    """A verdict of an outcome."""
    found = Outcome(outcome)
    why = reason or (Reason.SATISFIED if found is Outcome.PASS else Reason.STRADDLES)
    return Verdict(replace(CLAIM, id=claim), subject, "circle", found, why, Rigor.CERTIFIED, EVIDENCE)


@pytest.mark.parametrize(
    ("outcomes", "policy", "expected"),
    [
        (["PASS"], GatePolicy(), 0),
        (["PASS", "FAIL"], GatePolicy(), 1),
        (["ERROR", "FAIL"], GatePolicy(), 1),
        (["PASS", "ERROR"], GatePolicy(), 3),
        (["PASS", "ERROR"], GatePolicy(allow_inconclusive=True), 3),
        (["PASS", "ERROR"], GatePolicy(fail_on=(Outcome.ERROR,)), 1),
        (["PASS", "INCONCLUSIVE"], GatePolicy(), 4),
        (["PASS", "INCONCLUSIVE"], GatePolicy(fail_on=(Outcome.INCONCLUSIVE,)), 1),
        (["PASS", "VACUOUS"], GatePolicy(fail_on=(Outcome.INCONCLUSIVE,)), 4),
        (["PASS", "VACUOUS"], GatePolicy(allow_inconclusive=True), 0),
        ([], GatePolicy(), 4),
        ([], GatePolicy(allow_inconclusive=True), 4),
        (["PASS"], GatePolicy(("theorem-1",)), 4),
        (["PASS"], GatePolicy(("theorem-1",), allow_inconclusive=True), 4),
        (["PASS"], GatePolicy(("error-bound", "theorem-1")), 4),
    ],
)
def test_exit_codes(outcomes: list[str], policy: GatePolicy, expected: int):
    """Every combination that matters, the empty run among them."""
    assert policy.exit_code([verdict(o) for o in outcomes]) == expected


def test_a_run_that_reached_nothing_is_undecided_whatever_is_allowed():
    """Budgets that end before the first claim open no gate."""
    late = verdict("INCONCLUSIVE", reason=Reason.NOT_RUN)
    assert GatePolicy(allow_inconclusive=True).exit_code([late]) is ExitCode.UNDECIDED
    assert GatePolicy(allow_inconclusive=True).exit_code([late, verdict("PASS")]) is ExitCode.PASSED
    assert GatePolicy().exit_code([late, verdict("PASS")]) is ExitCode.UNDECIDED


def test_an_ignore_excuses_until_it_expires():
    """A FAIL that is ignored does not stop the release beside a PASS; expired, it does."""
    ignore = Ignore("error-bound", "known", "2027-01-31")
    others = [verdict("PASS", "theorem-1"), verdict("FAIL")]
    assert GatePolicy(ignores=(ignore,)).exit_code(others) is ExitCode.PASSED
    assert GatePolicy(ignores=(replace(ignore, expired=True),)).exit_code(others) is ExitCode.FAILED
    assert GatePolicy(ignores=(replace(ignore, claim="theorem-1"),)).exit_code(others) is ExitCode.FAILED


def test_an_ignore_of_everything_opens_no_gate():
    """Nothing is left that was checked."""
    policy = GatePolicy(ignores=(Ignore("error-bound", "known", "2027-01-31"),), allow_inconclusive=True)
    assert policy.exit_code([verdict("FAIL")]) is ExitCode.UNDECIDED


def test_an_ignore_is_of_one_subject_and_of_no_pass():
    """Other models count as before, and what passes needs no excuse."""
    ignore = Ignore("error-bound", "known", "2027-01-31", subject="old")
    policy = GatePolicy(ignores=(ignore,))
    assert policy.exit_code([verdict("PASS"), verdict("FAIL", subject="old")]) is ExitCode.PASSED
    assert policy.exit_code([verdict("PASS"), verdict("FAIL", subject="new")]) is ExitCode.FAILED
    assert not ignore.covers(verdict("PASS", subject="old"))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: GatePolicy(()), "no gated claim"),
        (lambda: GatePolicy(fail_on=(Outcome.PASS,)), "cannot fail on PASS"),
        (lambda: GatePolicy(None, True, (Outcome.VACUOUS,)), "both fail on undecided claims and allow"),
        (lambda: Ignore("theorem-1", "  ", "2027-01-31"), "no reason"),
    ],
)
def test_policies_that_contradict_themselves_are_refused(make: object, words: str):
    """An empty gate, a gate that fails on PASS, one that allows what it fails on, an ignore without a reason."""
    with pytest.raises(UsageError, match=words):
        make()  # type: ignore[operator]


def test_a_policy_is_read_back():
    """JSON and back."""
    policy = GatePolicy(("theorem-1",), False, (Outcome.ERROR,), (Ignore("theorem-1", "why", "2027-01-31", "a", True),))
    assert GatePolicy.from_dict(policy.to_dict()) == policy


def test_shares_of_alpha_cannot_be_more_than_alpha():
    """Three statements of 0.01 each need a budget of 0.03."""
    assert ErrorBudget(0.03, 0.01, {"theorem-2": 2, "paradox": 1}).spent == pytest.approx(0.03)
    with pytest.raises(InvariantError, match="more than the error budget"):
        ErrorBudget(0.02, 0.01, {"theorem-2": 3})

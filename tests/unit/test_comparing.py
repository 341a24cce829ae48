"""Comparing: what counts as worse beside an earlier report, and what the gate makes of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from aeverify.comparing import compare
from aeverify.core import (
    Change,
    ClaimKind,
    Evidence,
    ExitCode,
    GatePolicy,
    Ignore,
    Interval,
    Outcome,
    Provenance,
    Reason,
    Relation,
    Report,
    Rigor,
    Verdict,
)
from aeverify.errors import InvariantError, UsageError

from .core.test_policy import CLAIM

PROVENANCE = Provenance({}, "cpu", "AVX2", "float64", 0, "aeverify check", "2026-01-01T00:00:00+00:00", 1.0)

SMALL = Interval(0.010, 0.011)


def verdict(
    outcome: str,
    interval: Interval = SMALL,
    subject: str = "model",
    reason: Reason = Reason.VIOLATED,
    **claim: object,
) -> Verdict:
    """A verdict on a requirement `sup_error <= 0.1`, or on another claim."""
    found = Outcome(outcome)
    return Verdict(
        replace(CLAIM, **claim),  # type: ignore[arg-type]
        subject,
        "circle",
        found,
        Reason.SATISFIED if found is Outcome.PASS else reason,
        Rigor.CERTIFIED,
        Evidence("sup_error", interval, Rigor.CERTIFIED, "m"),
        Interval.exactly(0.1),
    )


def report(*verdicts: Verdict, policy: GatePolicy | None = None, manifold: str = "circle", m: int = 1) -> Report:
    """A report of these verdicts."""
    return Report("t", manifold, {}, m, verdicts, (), (), PROVENANCE, policy or GatePolicy())


def beside(before: Report, after: Report, **options: float) -> Report:
    """The later report with the earlier one as its baseline."""
    return replace(after, baseline=compare(before, after, **options))


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("PASS", "PASS", "same"),
        ("PASS", "FAIL", "worse"),
        ("PASS", "INCONCLUSIVE", "worse"),
        ("INCONCLUSIVE", "VACUOUS", "worse"),
        ("VACUOUS", "INCONCLUSIVE", "worse"),
        ("ERROR", "FAIL", "worse"),
        ("FAIL", "FAIL", "same"),
        ("FAIL", "INCONCLUSIVE", "better"),
        ("FAIL", "PASS", "better"),
        ("INCONCLUSIVE", "PASS", "better"),
    ],
)
def test_outcomes(before: str, after: str, expected: str):
    """An outcome that is another one and not PASS is worse, unless it was more severe."""
    found = compare(report(verdict(before)), report(verdict(after)))
    assert found.verdicts[0].change == expected


def test_the_same_outcome_for_another_reason_is_worse():
    """VACUOUS since nothing obstructs is no excuse for VACUOUS since the model jumps."""
    before = report(verdict("VACUOUS", reason=Reason.NO_OBSTRUCTION))
    after = report(verdict("VACUOUS", reason=Reason.NOT_CONTINUOUS))
    assert compare(before, after).verdicts[0].change is Change.WORSE


@pytest.mark.parametrize(
    ("old", "new", "noise", "expected"),
    [
        (Interval(0.010, 0.011), Interval(0.0105, 0.02), 0.0, "same"),  # they meet: it may be one number
        (Interval(0.010, 0.011), Interval(0.020, 0.021), 0.01, "worse"),
        (Interval(0.020, 0.021), Interval(0.010, 0.011), 0.01, "better"),
        (Interval(0.010, 0.011), Interval(0.0111, 0.0112), 0.01, "same"),  # a gap of 0.9 % is noise
        (Interval(0.010, 0.011), Interval(0.0111, 0.0112), 0.005, "worse"),
        (Interval.at_least(0.01), Interval.at_least(0.09), 0.0, "same"),  # a sampled maximum is bounded from below only
        (Interval(0.0, 0.011), Interval.at_least(0.05), 0.01, "worse"),
        (Interval.exactly(0.0), Interval.exactly(0.0), 0.0, "same"),
    ],
)
def test_numbers(old: Interval, new: Interval, noise: float, expected: str):
    """Enclosures of a requirement's quantity that are disjoint in the bad direction, by more than the noise."""
    found = compare(report(verdict("PASS", old)), report(verdict("PASS", new)), noise=noise)
    assert found.verdicts[0].change == expected


def test_the_direction_is_that_of_the_relation():
    """Of `>=` the smaller number is the worse one."""
    before = report(verdict("PASS", Interval(0.2, 0.21), relation=Relation.AT_LEAST))
    after = report(verdict("PASS", Interval(0.15, 0.16), relation=Relation.AT_LEAST))
    assert compare(before, after).verdicts[0].change is Change.WORSE
    assert compare(after, before).verdicts[0].change is Change.BETTER


def test_a_theorem_has_no_bad_direction():
    """A worst error further above the width bound is no regression of the theorem."""
    before = report(verdict("PASS", Interval(1.0, 1.1), kind=ClaimKind.THEOREM))
    after = report(verdict("PASS", Interval(2.0, 2.1), kind=ClaimKind.THEOREM))
    assert compare(before, after).verdicts[0].change is Change.SAME


def test_one_model_on_each_side_is_matched_whatever_its_name():
    """A renamed file is the same job; of several models each needs its name."""
    before, after = report(verdict("FAIL", subject="v1")), report(verdict("FAIL", subject="v2"))
    assert compare(before, after).verdicts[0].change is Change.SAME
    two = report(verdict("FAIL", subject="v1"), verdict("PASS", subject="v3"))
    with pytest.raises(UsageError, match="no verdict in common"):
        compare(two, report(verdict("FAIL", subject="a"), verdict("FAIL", subject="b")))
    found = compare(two, after=report(verdict("PASS", subject="v3"), verdict("FAIL", subject="v4")))
    assert [c.change for c in found.verdicts] == [Change.SAME, Change.NEW]
    assert [(c.subject, c.change) for c in found.gone] == [("v1", Change.GONE)]


@pytest.mark.parametrize("other", [{"manifold": "ellipse:a=2,b=1"}, {"m": 2}])
def test_reports_of_other_jobs_are_refused(other: dict[str, object]):
    """Another set or latent dimension."""
    with pytest.raises(UsageError, match="cannot be compared"):
        compare(report(verdict("PASS")), report(verdict("PASS"), **other))  # type: ignore[arg-type]


@pytest.mark.parametrize("noise", [-1.0, float("nan"), float("inf")])
def test_noise_is_a_number_of_zero_or_more(noise: float):
    """Anything else would excuse everything, or nothing."""
    with pytest.raises(UsageError, match="noise"):
        compare(report(), report(), noise=noise)


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        (verdict("FAIL"), verdict("FAIL"), ExitCode.PASSED),
        (verdict("PASS"), verdict("FAIL"), ExitCode.FAILED),
        (verdict("INCONCLUSIVE"), verdict("INCONCLUSIVE"), ExitCode.PASSED),
        (verdict("PASS"), verdict("INCONCLUSIVE"), ExitCode.UNDECIDED),
        (verdict("FAIL"), verdict("INCONCLUSIVE"), ExitCode.PASSED),
        (verdict("ERROR"), verdict("ERROR"), ExitCode.INTERNAL),
        (verdict("PASS"), verdict("PASS", Interval(0.05, 0.06)), ExitCode.FAILED),
        (verdict("FAIL"), verdict("FAIL", Interval(0.5, 0.6)), ExitCode.FAILED),
        (
            verdict("INCONCLUSIVE", reason=Reason.NOT_RUN),
            verdict("INCONCLUSIVE", reason=Reason.NOT_RUN),
            ExitCode.UNDECIDED,
        ),
    ],
)
def test_the_gate_beside_a_baseline(before: Verdict, after: Verdict, code: ExitCode):
    """What is no worse does not stop the release; what got worse does; a crash or an unreached claim is never known."""
    assert beside(report(before), report(after)).exit_code is code


def test_a_new_fail_counts():
    """The baseline does not speak for a claim that it has not."""
    before = report(verdict("PASS"))
    after = report(verdict("PASS"), verdict("FAIL", id="theorem-2"))
    assert beside(before, after).exit_code is ExitCode.FAILED


def test_a_verdict_that_is_gone_was_not_run():
    """Dropping a gated claim opens no gate; dropping one that does not gate may."""
    before = report(verdict("PASS"), verdict("PASS", id="theorem-2"))
    assert beside(before, report(verdict("PASS"))).exit_code is ExitCode.UNDECIDED
    only = GatePolicy(("error-bound",))
    assert beside(before, report(verdict("PASS"), policy=only)).exit_code is ExitCode.PASSED


def test_an_ignore_covers_what_got_worse():
    """Who ignores a claim ignores its regressions until the day."""
    policy = GatePolicy(ignores=(Ignore("error-bound", "known", "2027-01-31"),))
    after = report(verdict("FAIL"), verdict("PASS", id="theorem-2"), policy=policy)
    before = report(verdict("PASS"), verdict("PASS", id="theorem-2"))
    assert beside(before, after).exit_code is ExitCode.PASSED


def test_the_outcome_stays_what_was_found():
    """A known FAIL is a FAIL; only the exit code forgives it."""
    found = beside(report(verdict("FAIL")), report(verdict("FAIL")))
    assert (found.outcome, found.exit_code) == (Outcome.FAIL, ExitCode.PASSED)


def test_a_comparison_belongs_to_its_report():
    """That of other verdicts is refused, and a report with one is read back."""
    good = beside(report(verdict("PASS")), report(verdict("FAIL")))
    assert Report.from_dict(good.to_dict()) == good
    with pytest.raises(InvariantError, match="not one of the verdicts"):
        replace(report(verdict("PASS")), baseline=good.baseline)

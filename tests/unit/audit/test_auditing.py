"""Audits: what is kept, what is decided again, counts, and the gate."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from aeverify.audit import possible
from aeverify.audit.auditing import Audit, AuditedRow, audit
from aeverify.audit.context import AuditContext
from aeverify.audit.findings import AuditReason, Finding
from aeverify.audit.ledger import Row
from aeverify.audit.rows import ROWS, RowEntry, load_rows
from aeverify.core.evidence import Evidence, Rigor
from aeverify.core.interval import Interval
from aeverify.core.policy import ExitCode
from aeverify.core.verdict import Outcome
from aeverify.errors import InvariantError, MeasurementError, UsageError
from tests.unit.audit.rows import ledger, stated, table

IMPOSSIBLE = stated("sup-error", "<=", 0.5)
FORCED = stated("sup-error", ">=", 0.5)
OPEN = stated("sup-error", "<=", 1.0, quantifier="some")
SHOWN = Evidence("number", Interval.exactly(1.0), Rigor.EXACT, "counted")


def check(name: str, monkeypatch: pytest.MonkeyPatch, function: Any) -> None:
    """Register a row check for one test."""
    load_rows()
    monkeypatch.setitem(ROWS._entries, name, RowEntry(name, "of a test", function))


def exit_code(*rows: dict[str, Any]) -> ExitCode:
    """Of an audit of these rows."""
    return audit([ledger(*rows)]).exit_code


def test_rows_come_in_the_order_of_the_ledgers_and_are_counted():
    """Outcomes and reasons are counted, also those that do not occur."""
    report = audit(
        [
            ledger(table(FORCED, id="b"), table(IMPOSSIBLE, id="a")),
            ledger(table(id="c", not_checkable="none"), name="two"),
        ]
    )
    assert [r.row.id for r in report.rows] == ["b", "a", "c"]
    assert report.outcomes == {"PASS": 1, "FAIL": 1, "INCONCLUSIVE": 0, "VACUOUS": 1, "ERROR": 0}
    assert report.reasons == {"forced": 1, "impossible": 1, "not-checkable": 1}
    assert [r.stage for r in report.rows] == ["possible", "possible", "none"]


@pytest.mark.parametrize(
    ("statement", "expected", "code"),
    [
        (FORCED, None, ExitCode.PASSED),
        (FORCED, "forced", ExitCode.PASSED),
        (FORCED, "impossible", ExitCode.FAILED),
        (IMPOSSIBLE, None, ExitCode.FAILED),
        (IMPOSSIBLE, "impossible", ExitCode.PASSED),
        (IMPOSSIBLE, "refuted", ExitCode.FAILED),
        (OPEN, None, ExitCode.UNDECIDED),
        (OPEN, "undecided", ExitCode.PASSED),
    ],
)
def test_the_gate_holds_rows_to_what_is_expected(statement: dict[str, Any], expected: str | None, code: ExitCode):
    """The expected reason holds the row; another one fails it; without one PASS holds, FAIL fails, the rest is open."""
    assert exit_code(table(statement, **({"expected": expected} if expected else {}))) is code


def test_a_check_that_crashes_is_told_of_its_row_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch):
    """An error of ours and a bug both end in ERROR, exit code 3, and a crash holds no expectation."""

    def crash(context: AuditContext) -> Finding:
        raise MeasurementError("too large") if context.row.id == "a" else RuntimeError("oh")

    check("crash", monkeypatch, crash)
    rows = [table(id=i, check="crash") for i in "ab"]
    report = audit([ledger(*rows, table(FORCED, id="c"))])
    assert [r.finding.outcome for r in report.rows] == [Outcome.ERROR, Outcome.ERROR, Outcome.PASS]
    assert [r.finding.text for r in report.rows[:2]] == [
        "MeasurementError: too large",
        "internal error, RuntimeError: oh",
    ]
    assert report.exit_code is ExitCode.INTERNAL
    assert [r.status for r in report.rows] == ["crashed", "crashed", "held"]


def test_a_check_gets_its_row_and_its_share_of_alpha(monkeypatch: pytest.MonkeyPatch):
    """Half of alpha goes to the rows that are not reproduced, equally, whatever is selected."""
    seen: dict[str, float] = {}

    def note(context: AuditContext) -> Finding:
        seen[context.row.id] = context.alpha
        assert context.parameter("printed") == 3
        return Finding(AuditReason.SUPPORTED, "counted", (SHOWN,))

    check("note", monkeypatch, note)
    rows = [table(id=i, check="note", parameters={"printed": 3}) for i in "abcd"]
    assert audit([ledger(*rows)], only=["b"], alpha=0.08).exit_code is ExitCode.PASSED
    assert seen == {"b": 0.01}


def test_results_are_kept_by_content_and_a_killed_audit_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """What was decided before the interrupt is taken up; a row that changed, or another budget, is decided again."""
    calls: list[str] = []

    def work(context: AuditContext) -> Finding:
        calls.append(context.row.id)
        if context.row.id == "b" and len(calls) == 2:
            raise KeyboardInterrupt
        return Finding(
            AuditReason.SUPPORTED, "counted", (SHOWN,), {"n": 3, "x": 0.5, "of": Interval(0, 1), "w": "word"}
        )

    check("work", monkeypatch, work)
    rows = [table(id=i, check="work") for i in "abc"]
    stopped = audit([ledger(*rows)], folder=tmp_path)
    assert (stopped.interrupted, stopped.left, stopped.exit_code) == ("b", ("b", "c"), ExitCode.INTERRUPTED)
    assert [r.row.id for r in stopped.rows] == ["a"]
    whole = audit([ledger(*rows)], folder=tmp_path)
    assert calls == ["a", "b", "b", "c"]
    assert [r.kept for r in whole.rows] == [True, False, False]
    assert whole.rows[0].finding == stopped.rows[0].finding
    changed = [*rows[:2], table(id="c", check="work", tolerance=0.5)]
    audit([ledger(*changed)], folder=tmp_path)
    audit([ledger(*rows)], folder=tmp_path, budget="full", only=["a"])
    assert calls == ["a", "b", "b", "c", "c", "a"]


def test_a_kept_result_that_is_damaged_is_decided_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Half a file is no result, and a crash is not kept."""
    calls = []

    def work(context: AuditContext) -> Finding:
        calls.append(1)
        if len(calls) == 1:
            raise MeasurementError("not yet")
        return Finding(AuditReason.SUPPORTED, "counted", (SHOWN,))

    check("work", monkeypatch, work)
    whole = ledger(table(check="work"))
    assert audit([whole], folder=tmp_path).exit_code is ExitCode.INTERNAL
    assert audit([whole], folder=tmp_path).exit_code is ExitCode.PASSED
    (file,) = (tmp_path / "rows").iterdir()
    file.write_text(file.read_text()[:40])
    assert audit([whole], folder=tmp_path).rows[0].kept is False
    assert len(calls) == 3


def test_the_quick_budget_leaves_out_what_asks_for_the_full_one(monkeypatch: pytest.MonkeyPatch):
    """The check is not called, and what the quick budget is expected to say may differ."""
    check("work", monkeypatch, lambda context: Finding(AuditReason.SUPPORTED, "counted", (SHOWN,)))
    row = table(check="work", budget="full", expected="supported", expected_quick="full-budget")
    assert audit([ledger(row)]).rows[0].finding.reason is AuditReason.FULL_BUDGET
    assert audit([ledger(row)]).exit_code is ExitCode.PASSED
    assert audit([ledger(row)], budget="full").rows[0].finding.reason is AuditReason.SUPPORTED


def test_unusable_requests_are_refused():
    """No ledger, ledgers or rows of one name, an unknown row, an alpha that is no probability."""
    one = ledger(table(FORCED))
    with pytest.raises(UsageError, match="No ledger"):
        audit([])
    with pytest.raises(UsageError, match="Two ledgers are called 'trial'"):
        audit([one, one])
    with pytest.raises(UsageError, match="Two rows are called 'r-1'"):
        audit([one, ledger(table(FORCED), name="other")])
    with pytest.raises(UsageError, match="no row 'x'"):
        audit([one], only=["x"])
    with pytest.raises(UsageError, match="alpha"):
        audit([one], alpha=0.0)


def test_an_impossible_claim_needs_no_training(monkeypatch: pytest.MonkeyPatch):
    """Theory ends the row before anything is trained."""

    def never(*_: Any) -> Finding:
        raise AssertionError("trained")

    monkeypatch.setattr("aeverify.audit.reproduce.reproduce", never)
    training = {"architecture": "paper", "seeds": 3, "quick_seeds": 3}
    report = audit([ledger(table(IMPOSSIBLE, training=training))])
    assert report.rows[0].finding.reason is AuditReason.IMPOSSIBLE
    assert possible.judge(Row.model_validate(table(stated("sup-error", "<=", 1.5), training=training))) is None


def test_findings_without_evidence_are_refused():
    """Nothing is decided by nothing, and a loose claim names its premise."""
    for reason in (AuditReason.SUPPORTED, AuditReason.FORCED, AuditReason.IMPOSSIBLE, AuditReason.REFUTED):
        with pytest.raises(InvariantError, match="without evidence"):
            Finding(reason, "said")
    with pytest.raises(InvariantError, match="names the premise"):
        Finding(AuditReason.LOOSE, "said", (SHOWN,))
    with pytest.raises(InvariantError, match="without a word"):
        Finding(AuditReason.UNDECIDED, " ")


def test_every_reason_has_an_outcome_and_a_code():
    """Supported and forced are PASS; impossible, refuted and not reproduced FAIL; codes read back."""
    outcomes = {r.code: str(r.outcome) for r in AuditReason}
    assert {c for c, o in outcomes.items() if o == "PASS"} == {"supported", "forced"}
    assert {c for c, o in outcomes.items() if o == "FAIL"} == {"impossible", "refuted", "not-reproduced"}
    assert {c for c, o in outcomes.items() if o == "INCONCLUSIVE"} == {"loose", "undecided", "full-budget"}
    assert {c for c, o in outcomes.items() if o == "VACUOUS"} == {"not-checkable", "premise-unmet", "wrong-side"}
    assert [AuditReason.of_code(r.code) for r in AuditReason] == list(AuditReason)


def test_findings_read_back():
    """JSON and back, with all kinds of figures."""
    finding = Finding(
        AuditReason.LOOSE,
        "said",
        (SHOWN,),
        {"count": 3, "size": 0.5, "range": Interval.at_least(1.0), "word": "w"},
        premise="closed",
        commands=("aeverify width circle --latent-dim 1",),
    )
    assert Finding.from_dict(finding.to_dict()) == finding


def test_an_empty_audit_is_no_pass():
    """Nothing reached is undecided."""
    assert Audit((), {}, "quick", 0, 0.05, 0.0).exit_code is ExitCode.UNDECIDED
    assert AuditedRow.__doc__

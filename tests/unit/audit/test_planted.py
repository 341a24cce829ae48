"""Planted claims: the false ones are refuted for the right reason, the true ones supported, by thresholds that a rule
draws."""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType

import numpy as np
import pytest

from aeverify.audit.auditing import AuditedRow, audit
from aeverify.audit.ledger import Row, load_ledger
from aeverify.audit.possible import judge
from aeverify.core.policy import ExitCode
from aeverify.core.seeds import Seed
from aeverify.core.verdict import Outcome
from tests.unit.audit.rows import LEDGERS

SIDES = ("false", "true")


def script() -> ModuleType:
    """The script that writes both ledgers."""
    spec = importlib.util.spec_from_file_location("planted", LEDGERS / "planted.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["planted"] = module
    spec.loader.exec_module(module)
    return module


def rows(side: str) -> tuple[Row, ...]:
    """Rows of one side."""
    return load_ledger(LEDGERS / f"planted_{side}.toml").rows


def everything(audited: AuditedRow) -> str:
    """All words of a finding."""
    finding = audited.finding
    return " ".join([finding.text, finding.proof, *(e.method for e in finding.evidence)])


@pytest.mark.parametrize(("side", "outcome"), [("false", Outcome.FAIL), ("true", Outcome.PASS)])
def test_planted_claims_come_out_for_the_right_reason(side: str, outcome: Outcome):
    """Twelve claims of each side have the outcome of their side, the expected reason, and the words that show it."""
    report = audit([load_ledger(LEDGERS / f"planted_{side}.toml")])
    assert [r.finding.outcome for r in report.rows] == [outcome] * 12
    assert report.exit_code is ExitCode.PASSED
    for audited in report.rows:
        assert audited.expected == audited.finding.reason.code
        assert audited.row.parameters["because"] in everything(audited)


@pytest.mark.parametrize("side", SIDES)
def test_the_ledgers_are_what_the_rule_writes(side: str):
    """planted_false.toml and planted_true.toml are what `python properties/ledgers/planted.py` writes."""
    assert (LEDGERS / f"planted_{side}.toml").read_text(encoding="utf-8") == script().ledger(side)


@pytest.mark.parametrize("side", SIDES)
def test_thresholds_are_closed_forms_times_draws_of_named_streams(side: str):
    """Worked out again here: no threshold of one side was tuned by an answer or by the other side."""
    below, above = (0.2, 0.9), (1.1, 3.0)
    drawn = 0
    for i, row in enumerate(rows(side), start=1):
        assert row.statement is not None
        form, t = row.parameters["closed_form"], row.statement.threshold
        if "Times a factor" not in row.derivation:
            assert t == form == int(form)
            continue
        low, high = below if str(below) in row.derivation else above
        assert f"({low}, {high}) by the stream 2026/planted_{side}/{i}." in row.derivation
        rng = np.random.Generator(np.random.PCG64(Seed(2026).child(f"planted_{side}", i).value))
        assert t == float(f"{form * rng.uniform(low, high):.4g}")
        drawn += 1
    assert drawn >= 7


def test_the_kinds_of_mistakes_that_papers_make_are_planted():
    """Thresholds below a floor, too few dimensions, sampled maxima and means sold as suprema, a field that sees
    nothing."""
    statements = [row.statement for row in rows("false")]
    assert {s.measured for s in statements if s is not None} >= {"sampled-maximum", "mean-error"}
    quantities = {s.quantity for s in statements if s is not None}
    assert quantities >= {
        "sup-error", "injective-codes", "betti", "latent-betti", "bad-set-share", "mean-squared-error"
    }  # fmt: skip


def test_false_claims_are_refuted_by_theory_alone():
    """No false claim gets as far as a training."""
    assert {r.stage for r in audit([load_ledger(LEDGERS / "planted_false.toml")]).rows} == {"possible"}


def test_a_threshold_on_the_other_side_of_its_closed_form_comes_out_otherwise():
    """The audit reads thresholds: each false claim whose threshold was drawn is not refuted beyond its closed form."""
    for row in rows("false"):
        assert row.statement is not None
        if "Times a factor" not in row.derivation:
            continue
        factor = 1.5 if row.statement.relation == "<=" else 0.5
        moved = row.statement.model_copy(update={"threshold": row.parameters["closed_form"] * factor})
        finding = judge(row.model_copy(update={"statement": moved}))
        assert finding is not None
        assert finding.outcome is not Outcome.FAIL, row.id

"""Rows of source 002: the cheap ones with the verdicts that their ledger expects, and what the checks rest on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from aeverify.audit.auditing import audit
from aeverify.audit.findings import AuditReason, Finding
from aeverify.audit.ledger import Ledger, load_ledger
from aeverify.audit.rows import load_rows
from aeverify.audit.rows_s_copying import copier
from tests.unit.audit.rows import LEDGERS, checked, findings_of

CHEAP = [f"S-{i}" for i in (2, 3, 4, 6, 7, 8, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21)]


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    """The ledger of source 002."""
    return load_ledger(LEDGERS / "s.toml")


@pytest.fixture(scope="module")
def findings(ledger: Ledger, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Finding]:
    """What the cheap rows find under the quick budget."""
    return findings_of(ledger, CHEAP, tmp_path_factory.mktemp("audit"))


def test_every_row_of_the_source_is_there_and_has_a_check(ledger: Ledger) -> None:
    """S-1 to S-26, none without a check."""
    assert [f"S-{i}" for i in range(1, 27)] == [row.id for row in ledger.rows]
    assert all(row.check in load_rows() for row in ledger.rows)


@pytest.mark.parametrize("row_id", CHEAP)
def test_the_verdict_is_the_expected_one(row_id: str, ledger: Ledger, findings: dict[str, Finding]) -> None:
    """Each cheap row comes out as its ledger says."""
    expected = next(row.expected for row in ledger.rows if row.id == row_id)
    assert expected == findings[row_id].reason.code


def test_the_order_of_composition_is_refuted_by_integers(findings: dict[str, Finding]) -> None:
    """x = (0, 1) loses its second coordinate: the squared error is 1, exactly."""
    assert AuditReason.REFUTED is findings["S-17"].reason
    assert 1.0 == findings["S-17"].evidence[0].lower == findings["S-17"].evidence[0].upper


def test_a_point_that_the_counterexample_keeps_refutes_nothing(ledger: Ledger) -> None:
    """At x = (1, 0) both orders agree, and the row says so."""
    assert AuditReason.UNDECIDED is checked(ledger, "S-17", x=[1, 0]).reason


def test_the_copier_is_exact_with_more_codes_than_inputs() -> None:
    """Its codes are the inputs and zeros, its outputs the inputs."""
    x = np.random.Generator(np.random.PCG64(0)).standard_normal((50, 2))
    model = copier(2, 5)
    assert np.array_equal(np.hstack([x, np.zeros((50, 3))]), model.encode(x))
    assert np.array_equal(x, model.reconstruct(x))


def test_equal_eigenvalues_are_the_premise_of_the_subspace(findings: dict[str, Finding]) -> None:
    """The angle is small where there is a gap, and the premise is named."""
    assert findings["S-15"].evidence[0].upper < 1e-3
    assert "eigengap" in findings["S-15"].premise


def test_codes_of_the_knot_meet(findings: dict[str, Finding]) -> None:
    """Two points at least 0.5 apart have one code to rounding."""
    apart, meets = findings["S-2"].evidence[:2]
    assert apart.lower >= 0.5
    assert meets.upper <= 1e-10


def test_a_set_that_is_near_its_own_kind_is_not_told_apart(ledger: Ledger) -> None:
    """A slightly larger spiral is no other kind of data for the network: specificity is not supported."""
    near = 'scaled:base="spiral",factor=1.01'
    assert AuditReason.UNDECIDED is checked(ledger, "S-6", other=near).reason


@pytest.mark.slow
def test_every_row_comes_out_as_expected(ledger: Ledger, tmp_path: Path) -> None:
    """The whole ledger under the quick budget."""
    report = audit([ledger], folder=tmp_path)
    assert {"held"} == {row.status for row in report.rows}
    first = next(row.finding for row in report.rows if row.row.id == "S-1")
    assert first.text.startswith("Six of the seven are shown")

"""Rows of source 001: the cheap ones with the verdicts that their ledger expects, and what the checks rest on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from aeverify.audit.auditing import audit
from aeverify.audit.findings import AuditReason, Finding
from aeverify.audit.ledger import Ledger, load_ledger
from aeverify.audit.rows import load_rows
from tests.unit.audit.rows import LEDGERS, checked, findings_of

CHEAP = ["V-1", "V-2", "V-3", "V-4", "V-5", "V-6", "V-7", "V-12"]


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    """The ledger of source 001."""
    return load_ledger(LEDGERS / "v.toml")


@pytest.fixture(scope="module")
def findings(ledger: Ledger, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Finding]:
    """What the cheap rows find under the quick budget."""
    return findings_of(ledger, CHEAP, tmp_path_factory.mktemp("audit"))


def test_every_row_of_the_source_is_there_and_has_a_check(ledger: Ledger) -> None:
    """V-1 to V-15, none without a check."""
    assert [f"V-{i}" for i in range(1, 16)] == [row.id for row in ledger.rows]
    assert all(row.check in load_rows() for row in ledger.rows)


@pytest.mark.parametrize("row_id", CHEAP)
def test_the_verdict_is_the_expected_one(row_id: str, ledger: Ledger, findings: dict[str, Finding]) -> None:
    """Each cheap row comes out as its ledger says."""
    expected = next(row.expected for row in ledger.rows if row.id == row_id)
    assert expected == findings[row_id].reason.code


def test_the_printed_loss_is_refuted_by_the_closed_form(findings: dict[str, Finding]) -> None:
    """At x = 1/2 the excess of the exact output is ln(2)/2, enclosed in ball arithmetic."""
    (excess,) = findings["V-4"].evidence
    assert AuditReason.REFUTED is findings["V-4"].reason
    assert float(np.log(2.0)) / 2.0 in excess.interval
    assert excess.interval.width < 1e-12


def test_the_printed_loss_drives_outputs_to_one(findings: dict[str, Finding]) -> None:
    """Training on it ends far from the data; the missing term mends it."""
    figures = findings["V-4"].figures
    printed, mended = (figures[f"RMSE after training, {n}"] for n in ("printed", "with the missing term"))
    assert isinstance(printed, float) and isinstance(mended, float)
    assert printed > 10.0 * mended


def test_the_divergence_check_notices_a_wrong_formula(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a divergence that is off by a constant in sigma the row is refuted."""
    from aeverify.autoencoders.kinds.priors import GaussianPrior

    right = GaussianPrior.divergence
    monkeypatch.setattr(GaussianPrior, "divergence", lambda self, p: 1.001 * right(self, p))
    assert AuditReason.REFUTED is checked(ledger, "V-12").reason


def test_the_memoriser_of_a_straight_line_does_not_fail(ledger: Ledger) -> None:
    """On a segment the same pair interpolates exactly: the claim needs a set that leaves the line."""
    found = checked(ledger, "V-7", set="segment:length=1,ambient_dim=2")
    assert AuditReason.UNDECIDED is found.reason


def test_a_loose_row_names_its_premise(findings: dict[str, Finding]) -> None:
    """Generation needs a distribution of codes and connected data."""
    assert "connected" in findings["V-1"].premise


@pytest.mark.slow
def test_every_row_comes_out_as_expected(ledger: Ledger, tmp_path: Path) -> None:
    """The whole ledger under the quick budget."""
    report = audit([ledger], folder=tmp_path)
    assert {"held"} == {row.status for row in report.rows}


@pytest.mark.slow
def test_completeness_is_impossible_on_two_parts_and_undecided_on_one(ledger: Ledger) -> None:
    """On a connected set the obstruction says nothing, and the row does not claim it."""
    assert AuditReason.IMPOSSIBLE is checked(ledger, "V-10").reason
    assert AuditReason.UNDECIDED is checked(ledger, "V-10", set="circle:radius=1,ambient_dim=2", points=100).reason

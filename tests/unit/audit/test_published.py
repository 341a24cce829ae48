"""Published claims: at least six, each with its source, premises and the verdict whatever it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from aeverify.audit.auditing import audit
from aeverify.audit.context import AuditContext
from aeverify.audit.ledger import load_ledger
from aeverify.audit.rows import load_rows
from aeverify.errors import UsageError
from tests.unit.audit.rows import LEDGERS, row

LEDGER = LEDGERS / "published.toml"
CIRCLE = {"set": "circle", "latent_dim": 1}
ANNULUS = {"set": "annulus:inner=1,outer=2", "latent_dim": 2}
SPHERE = {"set": "sphere:dim=2,radius=1", "latent_dim": 2}


def obstructed(named: dict[str, object], other: dict[str, object]) -> tuple[str, str]:
    """Reason and premise of the check of claims that hold on one set."""
    parameters = {"with": named, "without": other, "premise": "closed"}
    context = AuditContext(row=row(check="obstructed-only-if", parameters=parameters))
    finding = load_rows()["obstructed-only-if"].check(context)
    return finding.reason.code, finding.premise


def test_rows_that_need_no_training_come_out_as_expected():
    """Every published row but the reproduced one."""
    ledger = load_ledger(LEDGER)
    instant = [r.id for r in ledger.rows if r.training is None]
    report = audit([ledger], only=instant)
    assert {r.row.id: r.finding.reason.code for r in report.rows} == {
        r.id: r.expected for r in ledger.rows if r.id in instant
    }


def test_sources_and_premises_are_told():
    """At least six papers, each with an identifier; every checkable row has premises and a short quotation."""
    ledger = load_ledger(LEDGER)
    assert len({r.source for r in ledger.rows}) >= 6
    assert all(s.identifier and s.year for s in ledger.sources.values())
    assert {r.source for r in ledger.rows} == set(ledger.sources)
    for r in ledger.rows:
        assert 0 < len(r.quotation) <= 200
        assert r.not_checkable or r.premises.unstated
        assert r.expected is not None


def test_a_claim_that_holds_on_one_set_alone_is_loose():
    """Obstructed on the circle, perfect on the annulus: loose. Obstructed on both: forced. On neither: undecided."""
    assert obstructed(CIRCLE, ANNULUS) == ("loose", "closed")
    assert obstructed(CIRCLE, SPHERE) == ("forced", "")
    assert obstructed(ANNULUS, CIRCLE) == ("undecided", "")
    with pytest.raises(UsageError, match="must be a table of set and latent_dim"):
        obstructed({"set": "circle"}, ANNULUS)


@pytest.mark.slow
def test_the_reproduced_row_comes_out_as_expected(tmp_path: Path):
    """Trained in quick budget."""
    report = audit([load_ledger(LEDGER)], only=["P-7"], folder=tmp_path)
    assert report.rows[0].finding.reason.code == "supported"

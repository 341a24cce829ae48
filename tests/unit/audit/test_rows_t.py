"""Rows of source 003: the cheap ones come out as the ledger says, and the checks notice what is printed wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from aeverify.audit.auditing import audit
from aeverify.audit.ledger import Ledger, load_ledger
from aeverify.audit.rows_t_use import ranked
from tests.unit.audit.rows import LEDGERS, checked

CHEAP = ["T-1", "T-2", "T-4", "T-7", "T-8", "T-13", "T-14", "T-19", "T-20", "T-21", "T-22", "T-23", "T-24"]
TRAINED = ["T-10", "T-11", "T-12", "T-16"]


@pytest.fixture(scope="module")
def source() -> Ledger:
    """The ledger of source 003."""
    return load_ledger(LEDGERS / "t.toml")


def test_every_row_of_the_source_is_there_once_with_an_expectation(source: Ledger):
    """T-1 to T-24."""
    assert [r.id for r in source.rows] == [f"T-{i}" for i in range(1, 25)]
    assert [r.id for r in source.rows if r.expected is None] == []


def test_rows_without_training_come_out_as_expected(source: Ledger):
    """Algebra, closed forms and the data themselves: T-2, T-4, T-7, T-8, T-13, T-14, T-19 to T-23."""
    report = audit([source], only=CHEAP)
    assert {r.row.id: r.status for r in report.rows} == dict.fromkeys(CHEAP, "held")


def test_printed_numbers_of_the_training_are_draws_as_others(source: Ledger, tmp_path: Path):
    """T-10, T-16: 0.0380 and 2.8293 lie among 20 trainings; T-12: order is forced beyond a gap below 1."""
    report = audit([source], only=TRAINED, folder=tmp_path)
    found = {r.row.id: r.finding for r in report.rows}
    assert {i: f.reason.code for i, f in found.items()} == {
        "T-10": "supported",
        "T-11": "supported",
        "T-12": "loose",
        "T-16": "supported",
    }
    assert 0.0 < found["T-12"].evidence[0].upper < 0.3
    assert {p.id for p in found["T-11"].plots} == {"data-codes", "data-reconstructed"}


@pytest.mark.slow
def test_all_rows_come_out_as_expected(source: Ledger, tmp_path: Path):
    """The quick budget of the whole ledger."""
    report = audit([source], folder=tmp_path)
    assert {r.row.id: r.finding.reason.code for r in report.rows} == {r.id: r.expectation("quick") for r in source.rows}


@pytest.mark.parametrize(
    ("row_id", "parameters"),
    [
        ("T-4", {"seed": 1}),
        ("T-4", {"angle_at_0": 1.4}),
        ("T-7", {"decoder": [20, 110, 21]}),
        ("T-7", {"totals": {"encoder": 151, "decoder": 152, "autoencoder": 304}}),
        ("T-13", {"rmse": 0.9049436506783132}),
    ],
)
def test_a_wrong_print_is_refuted(source: Ledger, row_id: str, parameters: dict[str, Any]):
    """Each printed number is compared, and not only the check run."""
    assert checked(source, row_id, **parameters).reason.code == "refuted"


def test_the_perfect_pair_is_not_exact_in_floating_point(source: Ledger):
    """T-5: a tolerance of nothing is below the rounding of the pair, which the check notices."""
    finding = checked(source, "T-5", tolerance=0.0)
    assert finding.reason.code == "refuted"
    assert 0.0 < finding.evidence[0].lower < 1e-12


def test_a_floor_beyond_what_pca_collides_is_not_supported(source: Ledger):
    """T-14: no two points of the spiral are 5 apart, so that no floor of 2.5 is found."""
    assert checked(source, "T-14", floor=2.5).reason.code == "undecided"


@pytest.mark.parametrize(("printed", "expected"), [(0.5, 2 / 10), (5.0, 1.0), (9.5, 2 / 10), (8.5, 4 / 10)])
def test_rank_of_a_printed_number(printed: float, expected: float):
    """p = 2 (rank from the nearer end)/(N + 1) among N = 9 trainings, at most 1."""
    assert ranked([float(i) for i in range(1, 10)], printed, 0.05).lower == pytest.approx(expected)

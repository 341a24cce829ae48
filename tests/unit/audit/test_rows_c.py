"""Rows of source 004: the cheap ones come out as the ledger says, and their counterexamples are what they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from aeverify.audit.auditing import audit
from aeverify.audit.ledger import Ledger, load_ledger
from aeverify.audit.rows_c_layers import ranks_by_layer
from aeverify.audit.rows_c_theory import copying_network
from tests.unit.audit.rows import LEDGERS, checked

CHEAP = ["C-2", "C-4", "C-8", "C-10", "C-14", "C-16", "C-17", "C-19", "C-20", "C-21", "C-22"]
TRAINED = ["C-1", "C-15", "C-18"]


@pytest.fixture(scope="module")
def source() -> Ledger:
    """The ledger of source 004."""
    return load_ledger(LEDGERS / "c.toml")


def test_every_row_of_the_source_is_there_once_with_an_expectation(source: Ledger):
    """C-1 to C-22."""
    assert [r.id for r in source.rows] == [f"C-{i}" for i in range(1, 23)]
    assert [r.id for r in source.rows if r.expected is None] == []


def test_rows_without_training_come_out_as_expected(source: Ledger):
    """C-2, C-4, C-8, C-10, C-16, C-17, C-20, C-21 and the rows that are not checkable."""
    report = audit([source], only=CHEAP)
    assert {r.row.id: r.status for r in report.rows} == dict.fromkeys(CHEAP, "held")


def test_an_overcomplete_network_does_not_copy_and_walks(source: Ledger, tmp_path: Path):
    """C-1, C-15, C-18: one network of more units than inputs, trained once for all three."""
    report = audit([source], only=TRAINED, folder=tmp_path)
    assert {r.row.id: r.status for r in report.rows} == dict.fromkeys(TRAINED, "held")
    assert len(list((tmp_path / "models").glob("*.safetensors"))) == 1


@pytest.mark.slow
def test_all_rows_come_out_as_expected(source: Ledger, tmp_path: Path):
    """The quick budget of the whole ledger."""
    report = audit([source], folder=tmp_path)
    assert {r.row.id: r.finding.reason.code for r in report.rows} == {r.id: r.expectation("quick") for r in source.rows}


def test_a_network_with_wide_layers_copies_and_keeps_its_rank():
    """C-2, C-6: five hidden layers copy integers within the bound exactly; outside of it a ReLU cuts them off."""
    model = copying_network(3, 4, 5, 8.0)
    inside = np.array([[-8.0, 0.0, 7.0]])
    assert model.reconstruct(inside).tolist() == inside.tolist()
    assert model.reconstruct(np.array([[-9.0, 0.0, 7.0]])).tolist() == [[-8.0, 0.0, 7.0]]
    assert ranks_by_layer(model, inside + 0.5) == [3.0] * 5
    assert ranks_by_layer(model, np.array([[-9.0, 0.0, 7.0]])) == [2.0] * 5


def test_two_inputs_with_a_sum_are_uniform_and_refute_nothing(source: Ledger):
    """C-17: for n = 2 the coordinate is uniform, P(a_1 <= 1/2) = 1/2; for n = 4 it is 7/8."""
    assert checked(source, "C-17", inputs=2).reason.code == "undecided"
    assert checked(source, "C-17", inputs=4).evidence[0].lower == 0.875


def test_without_corruption_copying_has_the_least_loss(source: Ledger):
    """C-21: at s = 0 the excess s^2 - s^2/(1 + s^2) is 0; at s = 1 it is 1/2."""
    assert checked(source, "C-21", levels=[0.0]).reason.code == "undecided"
    assert checked(source, "C-21", levels=[1.0]).evidence[0].lower == 0.5


def test_two_terms_are_no_limit(source: Ledger):
    """C-16: the sums must be long enough to have reached the limit -1.2 x 3/5 of their kurtosis."""
    assert checked(source, "C-16", sizes=[1, 2]).reason.code == "undecided"
    assert checked(source, "C-16").evidence[0].lower == pytest.approx(-0.72)

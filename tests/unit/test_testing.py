from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from aeverify import testing
from aeverify.autoencoders.oracles import oracle
from aeverify.core import Outcome, Witness, WitnessPoint
from aeverify.errors import UnknownNameError, UsageError

drain = testing.drain


@pytest.fixture(autouse=True)
def _out_of_the_session_report(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What is checked here, failures included, is no finding of this session."""
    monkeypatch.setattr(testing, "drain", list)
    yield
    drain()


def test_passing_claim_returns_its_verdict():
    """What was found can be looked at further."""
    verdict = testing.assert_claim(oracle("constant"), "circle", "theorem-1")
    assert (verdict.outcome, verdict.claim.id) == (Outcome.PASS, "theorem-1")


def test_vacuous_claim_fails_the_test():
    """A claim that says nothing about the model has not been shown."""
    with pytest.raises(AssertionError, match=r"^theorem-1 is VACUOUS for identity"):
        testing.assert_claim(oracle("identity"), "circle", "theorem-1")


def test_parameters_reach_the_claim():
    """The share of the circle beyond epsilon decides theorem 2, so delta does."""
    with pytest.raises(AssertionError, match=r"needed +bad_set_measure < 0\.001"):
        testing.assert_claim(oracle("cut:half_width=0.3"), "circle", "theorem-2", delta=0.001, training=False)


def test_unknown_claim_or_parameter_is_a_usage_error():
    """A mistake of the test's author is no verdict."""
    with pytest.raises(UnknownNameError, match="did you mean 'theorem-"):
        testing.check_claim(oracle("constant"), "circle", "theorem-7")
    with pytest.raises(UsageError, match="no parameter 'epsilom'"):
        testing.check_claim(oracle("constant"), "circle", "theorem-2", epsilom=0.1)


def test_description_shows_the_first_points_of_a_long_witness():
    """Three points stand for all, and the reader is told how many are left out."""
    verdict = testing.assert_claim(oracle("constant"), "circle", "theorem-1")
    points = tuple(WitnessPoint(0, (i / 8,), (float(i), 0.0), (0.0,), (0.0, 0.0), float(i)) for i in range(5))
    text = testing.describe(replace(verdict, witness=Witness("point", "circle", "", points, "look here")))
    assert text.count("  x = (") == 3
    assert "witness    look here" in text
    assert "... and 2 more points" in text


def test_claims_of_a_test_are_recorded_for_the_plugin_once():
    """What was checked inside a test is handed over once, without figures."""
    drain()
    testing.check_claim(oracle("constant"), "circle", "theorem-1")
    found = drain()
    assert [[v.claim.id for v in r.verdicts] for r in found] == [["theorem-1"]]
    assert drain() == []


def test_claims_outside_of_tests_are_not_recorded(monkeypatch: pytest.MonkeyPatch):
    """A program that uses aeverify.testing without pytest keeps nothing in memory."""
    drain()
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    testing.check_claim(oracle("constant"), "circle", "theorem-1")
    assert drain() == []

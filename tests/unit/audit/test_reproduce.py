"""The stage that trains or evaluates: a distribution against the printed number, quantifiers, given models."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from aeverify.audit.context import AuditContext, Trained
from aeverify.audit.ledger import Budget, Statement
from aeverify.audit.reproduce import _average, _every, _printed, _some, reproduce
from aeverify.core.evidence import Evidence, Rigor
from aeverify.core.interval import Interval
from aeverify.errors import UsageError
from aeverify.manifolds import manifold
from tests.unit.audit.rows import CIRCLE, row, stated

TRAINING = {"architecture": "mlp:hidden=[4]", "recipe": "quick", "points": 50, "seeds": 6, "quick_seeds": 3}
SETTINGS = {"settings": {"epochs": 2, "batch_size": 25}}


def statement(relation: str, threshold: float) -> Statement:
    """A statement on a worst error."""
    found = row(stated("sup-error", relation, threshold)).statement
    assert found is not None
    return found


def exact(*values: float) -> list[Evidence]:
    """Evidence on these values."""
    return [Evidence("rmse", Interval.exactly(v), Rigor.EXACT, "given", details={"value": v}) for v in values]


def trained(diverged: int = 0) -> Trained:
    """No models, of which some diverged."""
    return Trained((), (), manifold(CIRCLE).grid(3), diverged)


def context(tmp_path: Path | None = None, budget: Budget = "quick", **fields: Any) -> AuditContext:
    """The context of one row."""
    given = {"statement": stated("sup-error", "<=", 1.5), **fields}
    return AuditContext(row=row(given.pop("statement"), **given), budget=budget, alpha=0.05, folder=tmp_path)


@pytest.mark.parametrize(
    ("printed", "count", "expected", "p"),
    [
        (50.5, 99, "supported", 1.0),
        (0.5, 99, "not-reproduced", 0.02),
        (99.5, 99, "not-reproduced", 0.02),
        (1.5, 99, "not-reproduced", 0.04),
        (2.5, 99, "supported", 0.06),
        (0.5, 20, "undecided", 2 / 21),
        (10.0, 20, "supported", 1.0),
    ],
)
def test_a_printed_number_is_ranked_among_the_trainings_on_both_sides(
    printed: float, count: int, expected: str, p: float
):
    """p = 2 (rank from the nearer end)/(N + 1); too few seeds cannot reject, and do not support what lies outside."""
    values = [float(i) for i in range(1, count + 1)]
    reason, _, (ranked,) = _printed(statement("about", printed), exact(*values), 0.0, 0.05)
    assert reason.code == expected
    assert ranked.lower == pytest.approx(p)


def test_the_tolerance_of_a_printed_number_counts_as_equal():
    """Printed to two digits: every value that rounds to it counts on both sides."""
    reason, _, (ranked,) = _printed(statement("about", 0.04), exact(*[0.038] * 99), 0.005, 0.05)
    assert (reason.code, ranked.lower) == ("supported", 1.0)


def test_false_rejections_are_rarer_than_alpha():
    """Each of N + 1 exchangeable numbers taken as the printed one: at most a share alpha of them is rejected."""
    values = [float(i) for i in range(200)]
    rejected = 0
    for i, printed in enumerate(values):
        others = values[:i] + values[i + 1 :]
        rejected += _printed(statement("about", printed), exact(*others), 0.0, 0.05)[0].code == "not-reproduced"
    assert 0 < rejected <= 0.05 * len(values)


def test_for_all_is_refuted_by_one_and_never_shown_by_many():
    """One violation refutes; none bounds the share of exceptions by 1 - alpha^(1/N)."""
    claim = statement("<=", 1.0)
    refuted, _, (worst,) = _every(claim, exact(0.5, 2.0, 0.1), trained(), 0.0, 0.05)
    assert (refuted.code, worst.lower) == ("refuted", 2.0)
    open_, _, (share,) = _every(claim, exact(0.5, 0.6), trained(), 0.0, 0.05)
    assert open_.code == "undecided"
    assert share.upper == pytest.approx(1 - 0.05**0.5)


def test_for_some_is_shown_by_one_and_never_refuted():
    """One success supports; failures alone refute nothing."""
    claim = statement("<=", 1.0)
    shown, _, (best,) = _some(claim, exact(2.0, 0.5), trained(), 0.0, 0.05)
    assert (shown.code, best.upper) == ("supported", 0.5)
    none, text, (share,) = _some(claim, exact(2.0, 3.0), trained(1), 0.0, 0.05)
    assert none.code == "undecided"
    assert "refutes no claim that some do" in text
    assert share.upper == pytest.approx(1 - 0.05 ** (1 / 3))


def test_on_average_compares_an_interval_of_the_mean():
    """The Student interval of the mean decides only where all of it lies on one side."""
    values = exact(1.0, 1.1, 0.9, 1.0, 1.05, 0.95)
    assert _average(statement("<=", 1.5), values, trained(), 0.0, 0.05)[0].code == "supported"
    assert _average(statement("<=", 0.5), values, trained(), 0.0, 0.05)[0].code == "not-reproduced"
    assert _average(statement("<=", 1.0), values, trained(), 0.0, 0.05)[0].code == "undecided"
    one_sided = [Evidence("x", Interval.at_least(v), Rigor.EMPIRICAL, "found") for v in (1.0, 1.1, 0.9)]
    reason, _, (mean,) = _average(statement("<=", 1.5), one_sided, trained(), 0.0, 0.05)
    assert (reason.code, mean.upper) == ("undecided", float("inf"))


def test_a_given_model_is_evaluated():
    """The constant at the centre errs by 1 exactly; a worst error of 0.5 is refuted of it, one of 1.5 supported."""
    assert reproduce(context(model="oracle:constant")).reason.code == "supported"
    refuted = reproduce(
        context(model="oracle:constant", statement=stated("sup-error", "<=", 0.5, measured="mean-error"))
    )
    assert refuted.reason.code == "refuted"
    assert "bounds the supremum from below only" in refuted.text
    share = reproduce(context(model="oracle:constant", statement=stated("bad-set-share", ">=", 0.99, level=0.5)))
    assert share.reason.code == "supported"
    with pytest.raises(UsageError, match="no oracle named 'constnat'"):
        reproduce(context(model="oracle:constnat"))
    with pytest.raises(UsageError, match="2 latent dimensions"):
        reproduce(context(model="oracle:double_wrap"))


def test_trainings_are_told_as_a_distribution_and_kept(tmp_path: Path):
    """Median, quartiles and share of all trainings; a second run loads the same models, and more seeds add to them."""
    fields = {"training": {**TRAINING, **SETTINGS}, "statement": stated("rmse", "about", 0.7)}
    first = reproduce(context(tmp_path, **fields))
    files = sorted(p.name for p in tmp_path.iterdir())
    assert len(files) == 3
    assert first.figures["trainings"] == 3
    least, median, largest = (first.figures[name] for name in ("least", "median", "largest"))
    assert isinstance(least, float) and isinstance(median, float) and isinstance(largest, float)
    assert least <= median <= largest
    assert first.plots[0].lines == ((0.7, "printed"),)
    stamps = {p.name: p.stat().st_mtime_ns for p in tmp_path.iterdir()}
    assert reproduce(context(tmp_path, **fields)).figures == first.figures
    assert {p.name: p.stat().st_mtime_ns for p in tmp_path.iterdir()} == stamps
    full = reproduce(context(tmp_path, "full", **fields))
    assert full.figures["trainings"] == 6
    assert stamps.items() <= {p.name: p.stat().st_mtime_ns for p in tmp_path.iterdir()}.items()


def test_without_quick_seeds_the_quick_budget_trains_nothing(tmp_path: Path):
    """The row says that it needs the full budget, and no model is made."""
    training = {k: v for k, v in TRAINING.items() if k != "quick_seeds"}
    finding = reproduce(context(tmp_path, training=training))
    assert finding.reason.code == "full-budget"
    assert list(tmp_path.iterdir()) == []


def test_a_training_that_was_interrupted_goes_on_as_the_group_that_it_was(tmp_path: Path):
    """After an interrupt the same restarts are trained, whatever was asked for next, and nothing is left over."""
    settings = {"recipe": "quick", "latent_dim": 1, "points": 50, "epochs": 2, "batch_size": 25}
    base = AuditContext(row=row(stated("sup-error", "<=", 1.5)), folder=tmp_path)
    whole = base.training("mlp:hidden=[4]", CIRCLE, restarts=2, **settings)
    digest = sorted(tmp_path.iterdir())[0].name.rsplit("-", 1)[0]
    for file in tmp_path.iterdir():
        file.unlink()
    (tmp_path / f"{digest}-checkpoint.json").write_text(json.dumps([0, 1]))
    again = base.training("mlp:hidden=[4]", CIRCLE, restarts=3, **settings)
    assert [m.fingerprint() for m in again.models[:2]] == [m.fingerprint() for m in whole.models]
    assert sorted(p.name for p in tmp_path.iterdir()) == [f"{digest}-{i}.safetensors" for i in range(3)]

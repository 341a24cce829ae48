"""Quantities of one model: each enclosed, and true of models whose errors are known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from aeverify import measure
from aeverify.audit.context import AuditContext
from aeverify.audit.floors import floors
from aeverify.audit.ledger import Quantity
from aeverify.audit.values import measured, value_of
from aeverify.autoencoders.oracles import oracle
from aeverify.core.evidence import Evidence, Rigor
from aeverify.core.interval import Interval
from aeverify.errors import UsageError
from aeverify.manifolds import manifold
from tests.unit.audit.rows import CIRCLE, row, stated


def of(model: str, quantity: Quantity, relation: str = "<=", threshold: float = 0.5, **fields: object) -> Evidence:
    """Evidence on a quantity of an oracle on the circle."""
    subject = row(stated(quantity, relation, threshold, **fields), model=f"oracle:{model}")
    assert subject.statement is not None
    return measured(AuditContext(row=subject, alpha=0.01), subject.statement, oracle(model), None, 1)


def test_the_constant_errs_by_one_everywhere():
    """Sup, sampled maximum, mean, mean square and bad share of the constant at the centre; its codes collide."""
    assert 1.0 in of("constant", "sup-error", "==", 1.0).interval
    assert 1.0 in of("constant", "sampled-maximum", points=100).interval
    assert 1.0 in of("constant", "mean-error").interval
    assert 1.0 in of("constant", "mean-squared-error").interval
    assert of("constant", "bad-set-share", level=0.5).lower > 0.99
    assert 0.0 in of("constant", "injective-codes", "==", 1).interval


def test_a_worst_error_is_enclosed_as_far_as_the_comparison_needs():
    """Below and above the error of the constant, which is 1."""
    assert of("constant", "sup-error", "<=", 0.5).lower > 0.5
    assert of("constant", "sup-error", "<=", 1.5).upper < 1.5


def test_codes_of_a_fold_are_found_to_collide():
    """Both halves of the ellipse have the same codes; nothing is concluded where no collision is found."""
    subject = row({**stated("injective-codes", "==", 1), "set": "ellipse:a=3,b=2"}, model="oracle:fold:a=3,b=2")
    assert subject.statement is not None
    found = measured(AuditContext(row=subject), subject.statement, oracle("fold:a=3,b=2"), None, 1)
    assert found.interval == Interval.exactly(0.0)


def test_rmse_needs_the_training_points():
    """A given model has none."""
    with pytest.raises(UsageError, match="training points"):
        of("constant", "rmse")


@pytest.mark.parametrize("half_width", [0.05, 0.3, 1.0])
def test_floors_hold_for_the_cut_map(half_width: float):
    """Mean errors and bad shares of the map that tears the circle are above the floors of its Lipschitz constant."""
    model = oracle(f"cut:half_width={half_width}")
    bound = measure.lipschitz(model, manifold(CIRCLE), samples=0, time_budget=1.0).upper
    assert math.isfinite(bound)
    t = np.linspace(-math.pi, math.pi, 200_001)
    errors = model.errors(np.column_stack([np.cos(t), np.sin(t)]))
    known = {
        "mean-error": float(errors.mean()),
        "mean-squared-error": float(np.mean(errors**2)),
        "bad-set-share": float(np.mean(errors > 0.5)),
    }
    for quantity, value in known.items():
        level = {"level": 0.5} if quantity == "bad-set-share" else {}
        statement = row(stated(quantity, "<=", 0.0, functions="lipschitz", lipschitz=bound, **level)).statement
        assert statement is not None
        (floor,) = floors(statement)
        assert 0 < floor.lower <= value


def test_one_number_for_a_distribution():
    """The measured value where there is one, the largest error found of a sup, else the middle or the finite end."""
    given = Evidence("x", Interval(0, 2), Rigor.EMPIRICAL, "m", details={"value": 0.5})
    assert value_of(given) == 0.5
    assert value_of(Evidence("sup_error", Interval(1, 4), Rigor.CERTIFIED, "m")) == 1.0
    assert value_of(Evidence("x", Interval(1, 4), Rigor.CERTIFIED, "m")) == 2.5
    assert value_of(Evidence("x", Interval.at_least(3), Rigor.CERTIFIED, "m")) == 3.0
    assert value_of(Evidence("x", Interval.at_most(3), Rigor.CERTIFIED, "m")) == 3.0

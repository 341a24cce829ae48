"""The value of a statement's quantity on one model, with the enclosure that `aeverify.measure` gives it."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from aeverify import measure
from aeverify.audit.context import AuditContext
from aeverify.audit.ledger import Statement
from aeverify.autoencoders.protocol import Autoencoder
from aeverify.claims import Study
from aeverify.claims.base import decided
from aeverify.core.claim import Relation
from aeverify.core.evidence import Evidence, Rigor
from aeverify.core.interval import Interval
from aeverify.errors import UsageError
from aeverify.manifolds import Sample


def measured(context: AuditContext, s: Statement, model: Autoencoder, training: Sample | None, share: int) -> Evidence:
    """Evidence on the quantity of a statement for one model; of a worst error, as narrow as the comparison needs.

    Args:
        context: of the row.
        s: the statement.
        model: the subject.
        training: the points that it was trained on; rmse needs them.
        share: of the row's alpha, each statistical statement takes one `share`-th.

    Raises:
        UsageError: a quantity that no model has, or rmse without training points.
        NonFiniteOutputError: the model returned NaN or infinity.
    """
    study = context.study(model, s.set, training=training, share=share)
    tolerance = context.row.tolerance
    if s.quantity == "sup-error":
        if s.relation in ("==", "about"):
            return study.sup_error()
        allowed = tolerance if s.relation in ("<=", "<") else -tolerance
        bar = max(s.threshold + allowed, 0.0)
        return decided(Relation.AT_MOST, study.requirement(bar, 0.0), Interval.exactly(bar))[1]
    if s.quantity == "sampled-maximum":
        assert s.points is not None
        points = study.manifold.sample(s.points, study.seed.child("sampled maximum"))
        return replace(measure.training_error(model, points), quantity="sampled_maximum")
    if s.quantity == "mean-error":
        return study.mean_error()
    if s.quantity == "mean-squared-error":
        return _mean_square(study)
    if s.quantity == "bad-set-share":
        assert s.level is not None
        return study.bad_set(s.level)
    if s.quantity == "rmse":
        if training is None:
            raise UsageError("rmse is taken over training points, and the row has none: give it a training table.")
        return measure.root_mean_squared_error(model, training)
    if s.quantity == "injective-codes":
        return _injective(study)
    raise UsageError(f"{s.quantity} of one model is not enclosed: leave the row to theory or give it a check.")


def value_of(evidence: Evidence) -> float:
    """One number for a distribution: of a worst error the largest that was found, else the value that was measured
    where there is one, else the middle of a finite interval, else its finite end."""
    if evidence.quantity == "sup_error":
        return evidence.lower
    for name in ("value", "sample_mean", "share_in_draws"):
        if isinstance(evidence.details.get(name), float):
            return float(evidence.details[name])
    if evidence.interval.is_finite:
        return evidence.lower / 2 + evidence.upper / 2
    return evidence.lower if math.isfinite(evidence.lower) else evidence.upper


def _mean_square(study: Study) -> Evidence:
    """The mean of e^2 over K, enclosed by the empirical Bernstein inequality of Maurer and Pontil 2009 where an upper
    bound U of e is known: |mean - true| <= sqrt(2 V log(4/alpha)/n) + 7 U^2 log(4/alpha)/(3 (n - 1)), each side with
    probability 1 - alpha/2; without U the lower end is 0 and the upper infinite."""
    n = study.effort.draws
    points = study.manifold.sample(n, study.seed.child("mean square")).points
    squares = np.square(study.autoencoder.errors(points))
    mean, variance, top = float(squares.mean()), float(squares.var(ddof=1)), study.sup_error().upper
    rigor, interval = Rigor.STATISTICAL, Interval.at_least(0.0)
    if math.isfinite(top):
        log = math.log(4.0 / study.alpha)
        slack = math.sqrt(2.0 * variance * log / n) + 7.0 * top * top * log / (3.0 * (n - 1))
        interval = Interval(max(mean - slack, 0.0), mean + slack)
    return Evidence(
        "mean_squared_error",
        interval,
        rigor,
        f"Both ends: empirical Bernstein inequality from {n} uniform draws, with a sup error of at most {top:.6g}.",
        confidence=1.0 - study.alpha,
        details={"sample_mean": mean, "draws": n},
    )


def _injective(study: Study) -> Evidence:
    """0 where two distant points were shown to have one code; nothing is shown by finding none."""
    floor = measure.encoder_floor(study.autoencoder, study.manifold, seed=study.seed.child("injective"))
    collides = floor.lower > 0
    return Evidence(
        "injective_codes",
        Interval.exactly(0.0) if collides else Interval(0.0, 1.0),
        floor.rigor,
        f"Two points with one code, and no decoder below an error of {floor.lower:.6g}."
        if collides
        else "No two points with one code were found, which shows nothing.",
        confidence=floor.confidence,
        witness=floor.witness,
    )

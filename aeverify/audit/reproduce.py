"""Stage three of an audit: does the claim reproduce? Models are trained by the stated recipe over seeds, and what they
show is a distribution, not one draw.

**A printed number** ("about"). If it came from the stated recipe with a seed of its own, it is exchangeable with the N
values found here, so that its rank among the N + 1 is uniform. With b values at most and a values at least as large,
p = 2 min(b + 1, a + 1)/(N + 1) is at most alpha with probability at most alpha, without any assumption on the
distribution. p <= alpha: not reproduced. N seeds cannot reach less than 2/(N + 1), so that a printed number outside of
all N values is undecided where alpha is smaller, and not supported.

**"For all" trainings** is refuted by one training that violates the claim. N that satisfy it bound the share of
exceptions by 1 - alpha^(1/N), which is not 0: undecided. **"For some"** is supported by one training that satisfies
it; N that do not refute nothing. **"On average"** compares the mean over trainings: its Student interval at 1 - alpha,
which takes the values for normal and says so.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from aeverify.audit.context import AuditContext, Trained
from aeverify.audit.findings import AuditReason, Figure, Finding, lies
from aeverify.audit.ledger import Statement
from aeverify.audit.possible import ONE_SIDED
from aeverify.audit.values import measured, value_of
from aeverify.autoencoders.oracles import oracle
from aeverify.autoencoders.protocol import Autoencoder
from aeverify.core.evidence import Evidence, Rigor
from aeverify.core.interval import Interval
from aeverify.core.report import Plot, Series
from aeverify.core.verdict import Outcome, decide
from aeverify.errors import UsageError


def reproduce(context: AuditContext) -> Finding:
    """The finding on a row by its model, or by models that are trained as it says.

    Half of the row's alpha is for what is measured of the models, half for what is concluded from them.

    Raises:
        UsageError: the row names a model, a recipe or an architecture that there is not.
    """
    row = context.row
    s = row.statement
    if s is None:
        raise UsageError(f"Row {row.id} has no statement to reproduce.")
    if row.model is not None:
        return _of_model(context, s, _given(context, row.model))
    assert row.training is not None
    if context.quick and (row.training.quick_seeds is None or row.budget == "full"):
        return context.needs_full(f"it takes {row.training.seeds} trainings of {row.training.architecture}.")
    count = row.training.quick_seeds if context.quick and row.training.quick_seeds else row.training.seeds
    found = context.training(
        row.training.architecture,
        s.set,
        row.training.recipe,
        count,
        latent_dim=s.latent_dim,
        points=row.training.points,
        **row.training.settings,
    )
    if not found.models:
        return Finding(AuditReason.UNDECIDED, f"All {count} trainings diverged: the recipe gives no model to look at.")
    share = 2 * len(found.models)
    evidence = [measured(context, s, m, found.sample, share) for m in found.models]
    figures = _distribution(s, evidence, found)
    plots = (_plot(s, evidence),)
    if s.relation in ("==", "about"):
        reason, text, deciding = _printed(s, evidence, row.tolerance, context.alpha / 2)
        text += f" {found.diverged} more trainings diverged and are left out." if found.diverged else ""
    else:
        reason, text, deciding = _QUANTIFIED[s.quantifier](s, evidence, found, row.tolerance, context.alpha / 2)
    return Finding(reason, text, deciding, figures, plots)


def _given(context: AuditContext, name: str) -> Autoencoder:
    kind, _, rest = name.partition(":")
    return oracle(rest) if kind == "oracle" else context.fixture(rest)


def _of_model(context: AuditContext, s: Statement, model: Autoencoder) -> Finding:
    if model.latent_dim != s.latent_dim:
        raise UsageError(f"{model.name} has {model.latent_dim} latent dimensions and the statement {s.latent_dim}.")
    found = measured(context, s, model, None, 1)
    outcome = _compared(s, found, context.row.tolerance)
    reason = {Outcome.PASS: AuditReason.SUPPORTED, Outcome.FAIL: AuditReason.REFUTED}.get(
        outcome, AuditReason.UNDECIDED
    )
    text = (
        f"{s.quantity} of {model.name} {lies(found.interval)} ({found.rigor}); claimed: {s.relation} {s.threshold:.6g}."
    )
    if reason is AuditReason.REFUTED and s.measured in ONE_SIDED:
        text += f" What was measured is a {s.measured.replace('-', ' ')}: {ONE_SIDED[s.measured]}."
    return Finding(reason, text, (found,), {"claimed": s.threshold, s.quantity: found.interval})


def _compared(s: Statement, found: Evidence, tolerance: float) -> Outcome:
    """PASS, FAIL or INCONCLUSIVE of one model; the tolerance is given to the claim."""
    t = s.threshold
    if s.relation in ("==", "about"):
        allowed = Interval(t - tolerance, t + tolerance)
        if allowed.encloses(found.interval):
            return Outcome.PASS
        return Outcome.INCONCLUSIVE if allowed.intersects(found.interval) else Outcome.FAIL
    given = t + tolerance if s.relation in ("<=", "<") else t - tolerance
    return decide(s.core_relation, found.interval, Interval.exactly(given))


def _printed(
    s: Statement, evidence: Sequence[Evidence], tolerance: float, alpha: float
) -> tuple[AuditReason, str, tuple[Evidence, ...]]:
    """The printed number against the distribution, on both sides."""
    values, t, n = [value_of(e) for e in evidence], s.threshold, len(evidence)
    below, above = sum(v <= t + tolerance for v in values), sum(v >= t - tolerance for v in values)
    p = min(1.0, 2.0 * (min(below, above) + 1) / (n + 1))
    ranked = Evidence(
        "rank_p_value",
        Interval.exactly(p),
        Rigor.STATISTICAL,
        f"Rank of the printed number among {n} trainings: {below} gave at most it, {above} at least it; two-sided.",
        confidence=1.0 - alpha,
        assumptions=("the printed number is one draw, not the best of several",),
        details={"least_possible": 2.0 / (n + 1)},
    )
    low, high = min(values), max(values)
    text = (
        f"{n} trainings gave {s.quantity} from {low:.4g} to {high:.4g}, median {float(np.median(values)):.4g}; printed "
        f"{t:.6g}: p = {p:.3g}, at alpha = {alpha:.3g}."
    )
    if p <= alpha:
        return AuditReason.NOT_REPRODUCED, text, (ranked,)
    if min(below, above) == 0:
        needed = math.ceil(2.0 / alpha) - 1
        return AuditReason.UNDECIDED, f"{text} It lies outside of all of them; {needed} seeds would decide.", (ranked,)
    return AuditReason.SUPPORTED, f"{text} It is a draw as any other of them.", (ranked,)


def _every(
    s: Statement, evidence: Sequence[Evidence], found: Trained, tolerance: float, alpha: float
) -> tuple[AuditReason, str, tuple[Evidence, ...]]:
    outcomes = [_compared(s, e, tolerance) for e in evidence]
    violating = [e for e, o in zip(evidence, outcomes, strict=True) if o is Outcome.FAIL]
    n = len(outcomes)
    if violating:
        text = f"{len(violating)} of {n} trainings violate it, one with {s.quantity} in {violating[0].interval}."
        return AuditReason.REFUTED, text, (violating[0],)
    shown = sum(o is Outcome.PASS for o in outcomes)
    if shown < n:
        return AuditReason.UNDECIDED, f"{shown} of {n} trainings were shown to satisfy it, the others not.", ()
    share = _share_evidence(n, alpha, "violate")
    text = (
        f"All {n} trainings satisfy it; with confidence {1 - alpha:.4g} at most {share.upper:.3g} of trainings do not."
    )
    if found.diverged:
        text += f" {found.diverged} more diverged."
    return AuditReason.UNDECIDED, text, (share,)


def _some(
    s: Statement, evidence: Sequence[Evidence], found: Trained, tolerance: float, alpha: float
) -> tuple[AuditReason, str, tuple[Evidence, ...]]:
    outcomes = [_compared(s, e, tolerance) for e in evidence]
    shown = [e for e, o in zip(evidence, outcomes, strict=True) if o is Outcome.PASS]
    n = len(outcomes)
    if shown:
        text = f"{len(shown)} of {n} trainings satisfy it, one with {s.quantity} in {shown[0].interval}."
        return AuditReason.SUPPORTED, text, (shown[0],)
    if any(o is not Outcome.FAIL for o in outcomes):
        return AuditReason.UNDECIDED, f"None of {n} trainings was shown to satisfy it, and not all to violate it.", ()
    share = _share_evidence(n + found.diverged, alpha, "satisfy")
    text = f"None of {n} trainings satisfies it; with confidence {1 - alpha:.4g} at most {share.upper:.3g} of them do."
    return AuditReason.UNDECIDED, f"{text} That refutes no claim that some do.", (share,)


def _average(
    s: Statement, evidence: Sequence[Evidence], found: Trained, tolerance: float, alpha: float
) -> tuple[AuditReason, str, tuple[Evidence, ...]]:
    n = len(evidence)
    if n < 3:
        return AuditReason.UNDECIDED, f"An average of {n} trainings has no spread to judge it by.", ()
    low, high = (_student([getattr(e, end) for e in evidence], alpha) for end in ("lower", "upper"))
    mean = Evidence(
        f"mean_{s.quantity.replace('-', '_')}",
        Interval(low[0] if low else -math.inf, high[1] if high else math.inf),
        Rigor.STATISTICAL,
        f"Student interval of the mean over {n} trainings, of the enclosures that were measured of each.",
        confidence=1.0 - 2.0 * alpha,
        assumptions=("the values of the trainings are normal",),
    )
    reason = {Outcome.PASS: AuditReason.SUPPORTED, Outcome.FAIL: AuditReason.NOT_REPRODUCED}.get(
        _compared(s, mean, tolerance), AuditReason.UNDECIDED
    )
    text = f"The mean over {n} trainings {lies(mean.interval)}; the claim: {s.relation} {s.threshold:.6g}."
    if found.diverged:
        text += f" {found.diverged} more diverged and are not in it."
    return reason, text, (mean,)


_QUANTIFIED = {"all": _every, "some": _some, "average": _average}


def _student(values: Sequence[float], alpha: float) -> tuple[float, float] | None:
    from scipy import stats

    if not all(math.isfinite(v) for v in values):
        return None
    mean, error = float(np.mean(values)), float(np.std(values, ddof=1)) / math.sqrt(len(values))
    half = float(stats.t.ppf(1.0 - alpha / 2.0, len(values) - 1)) * error
    return mean - half, mean + half


def _share_evidence(n: int, alpha: float, do: str) -> Evidence:
    return Evidence(
        "share_of_trainings",
        Interval(0.0, -math.expm1(math.log(alpha) / n)),
        Rigor.STATISTICAL,
        f"Upper end: none of {n} trainings was seen to {do} the claim; exact binomial limit 1 - alpha^(1/n).",
        confidence=1.0 - alpha,
    )


def _distribution(s: Statement, evidence: Sequence[Evidence], found: Trained) -> dict[str, Figure]:
    values = [value_of(e) for e in evidence]
    quartiles = np.quantile(values, [0.25, 0.5, 0.75])
    outcomes = [_compared(s, e, 0.0) for e in evidence] if s.relation not in ("==", "about") else []
    figures: dict[str, Figure] = {
        "claimed": s.threshold,
        "trainings": len(values) + found.diverged,
        "diverged": found.diverged,
        "converged": sum(bool(r.get("converged")) for r in found.records),
        "median": float(quartiles[1]),
        "quartiles": f"{quartiles[0]:.5g} and {quartiles[2]:.5g}",
        "least": min(values),
        "largest": max(values),
    }
    if outcomes:
        figures["satisfied by"] = f"{sum(o is Outcome.PASS for o in outcomes)} of {len(outcomes)}"
        figures["violated by"] = f"{sum(o is Outcome.FAIL for o in outcomes)} of {len(outcomes)}"
    return figures


def _plot(s: Statement, evidence: Sequence[Evidence]) -> Plot:
    values = sorted(value_of(e) for e in evidence)
    ranks = tuple((i + 0.5) / len(values) for i in range(len(values)))
    return Plot(
        "distribution",
        f"{s.quantity} over trainings",
        "Each point is one training, in order; the dashed line is the printed number.",
        ("share of the trainings", s.quantity),
        (Series("trainings", (ranks, tuple(values)), style="marker"),),
        lines=((s.threshold, "printed"),),
    )

"""Assert a claim about a model, and read in the failure what was found."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

from aeverify import pipeline
from aeverify.autoencoders.protocol import Autoencoder
from aeverify.claims import Effort
from aeverify.core.report import Report
from aeverify.core.verdict import Outcome, Verdict
from aeverify.core.witness import Witness, WitnessPoint
from aeverify.manifolds import Manifold, Sample
from aeverify.reporting import wording

_SHOWN_POINTS = 3

_recorded: list[Report] = []


def check_claim(
    model: Autoencoder,
    manifold: Manifold | str,
    claim: str,
    *,
    seed: int = 0,
    alpha: float = 0.01,
    training_points: Sample | None = None,
    effort: Effort | None = None,
    **parameters: Any,
) -> Report:
    """The report on one claim about one model on one set; never raises for what the model does.

    Args:
        model: the subject.
        manifold: the compact set K, or its specification such as "ellipse:a=3,b=2".
        claim: id of the claim; `aeverify list claims` shows them.
        seed: root seed of every random stream.
        alpha: error probability of all statistical statements together.
        training_points: those that the model was trained on, where the claim asks for them.
        effort: sample sizes.
        parameters: of the claim; `aeverify explain CLAIM` shows them.

    Raises:
        UsageError: an unknown claim, parameter or manifold, or dimensions that do not fit together.
    """
    report = pipeline.check(
        model, manifold, claims={claim: parameters}, seed=seed, alpha=alpha, training=training_points, effort=effort
    )
    if "PYTEST_CURRENT_TEST" in os.environ:
        _recorded.append(replace(report, plots=()))
    return report


def assert_claim(model: Autoencoder, manifold: Manifold | str, claim: str, **options: Any) -> Verdict:
    """The verdict on a claim, which is PASS: anything else, VACUOUS and INCONCLUSIVE too, fails the test.

    Args and usage errors: those of `check_claim`.

    Raises:
        AssertionError: the outcome is not PASS; the message shows evidence, threshold, rigor, witness and replay line.
    """
    __tracebackhide__ = True
    report = check_claim(model, manifold, claim, **options)
    failed = [v for v in report.verdicts if v.outcome is not Outcome.PASS]
    if failed or not report.verdicts:
        raise AssertionError("\n\n".join(describe(v) for v in failed) or f"{claim}: nothing was checked.")
    return report.verdicts[0]


def describe(verdict: Verdict) -> str:
    """A verdict in plain lines: what was found, what was needed, why, where to look and how to see it again."""
    found, claim = verdict.evidence, verdict.claim
    rows = [("statement", claim.statement)]
    if found is not None:
        rows += [("evidence", wording.evidence_text(verdict)), ("method", found.method)]
    if verdict.threshold is not None:
        rows.append(("needed", f"{claim.quantity} {wording.threshold_text(verdict)}"))
    rows += [("rigor", wording.rigor_text(verdict)), ("reason", wording.why(verdict))]
    rows += [("premise", f"{p.id} {wording.premise_text(p)}: {p.statement}") for p in verdict.premises]
    if verdict.witness is not None:
        rows += _witness_rows(verdict.witness)
    rows += [("replay", verdict.replay or "no witness to replay"), ("source", str(claim.citation))]
    head = f"{claim.id} is {verdict.outcome} for {verdict.subject} on {verdict.manifold}"
    return "\n".join([head, *(f"  {name:<11}{text}" for name, text in rows)])


def _witness_rows(witness: Witness) -> list[tuple[str, str]]:
    rows = [("witness", witness.note or witness.kind)]
    rows += [("", _point(p)) for p in witness.points[:_SHOWN_POINTS]]
    hidden = len(witness.points) - _SHOWN_POINTS
    return [*rows, ("", f"... and {hidden} more points")] if hidden > 0 else rows


def _point(point: WitnessPoint) -> str:
    text = f"x = {wording.vector(point.point)}"
    if point.code:
        text += f", E(x) = {wording.vector(point.code)}, D(E(x)) = {wording.vector(point.reconstruction)}"
        text += f", error {wording.number(point.error)}"
    return text


def drain() -> list[Report]:
    """The reports of every claim that was checked inside a pytest test since the last call; for the plugin."""
    found = list(_recorded)
    _recorded.clear()
    return found

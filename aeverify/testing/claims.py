"""Assert a claim about a model, and read in the failure what was found.

Importing this module loads no torch; the first check does.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias, TypedDict

from aeverify.core.report import Report
from aeverify.core.spec import Spec
from aeverify.core.verdict import Outcome, Reason, Verdict
from aeverify.core.witness import Witness, WitnessPoint
from aeverify.errors import UsageError
from aeverify.reporting import wording
from aeverify.testing.expectations import ClaimCase, ExpectationError, ExpectedFailure
from aeverify.testing.settings import Settings, active

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from aeverify.autoencoders.protocol import Autoencoder
    from aeverify.claims import Check, Effort
    from aeverify.data import DataSet
    from aeverify.manifolds import Manifold, Sample
    from aeverify.pipeline.grounds import Ground

    On: TypeAlias = Manifold | Spec | DataSet | NDArray[Any] | str

_SHOWN_POINTS = 3


class Options(TypedDict, total=False):
    """What every assertion takes beside the parameters of its claim.

    seed: root seed of every random stream; that of the test, or 0. alpha: error probability of the check's statistical
    statements together; a share of the test's, or 0.01. training_points: those that the model was trained on, where the
    claim asks for them. effort: sample sizes and seconds; the default, with the seconds that the test's budget leaves.
    """

    seed: int
    alpha: float
    training_points: Sample | None
    effort: Effort | None


@dataclass(frozen=True, eq=False)
class Checked:
    """What was checked in a test, for the plugin.

    Attributes:
        report: on one claim, without figures.
        model: the subject.
        expected_failure: why it had to come out FAIL, where it did; else "".
    """

    report: Report
    model: Autoencoder
    expected_failure: str = ""


_recorded: list[Checked] = []


def check_claim(
    model: Autoencoder,
    on: On,
    claim: str | Check | ClaimCase,
    *,
    seed: int | None = None,
    alpha: float | None = None,
    training_points: Sample | None = None,
    effort: Effort | None = None,
    **parameters: Any,
) -> Report:
    """The report on one claim about one model on one set; never raises for what the model does.

    Args:
        model: the subject.
        on: the compact set K, or its specification such as "ellipse:a=3,b=2"; or a data set (`aeverify.data.load_data`)
            or an array (N, n), all of whose rows count as held-out, independent draws.
        claim: id of the claim, which `aeverify list claims` shows; a check; or a case of `parametrize_with_claims`.
        seed: root seed of every random stream; that of the test where it has the marker or the fixture, else 0.
        alpha: error probability of the check's statistical statements together; a share of the test's, else 0.01.
        training_points: those that the model was trained on, where the claim asks for them.
        effort: sample sizes and seconds of an enclosure.
        parameters: of the claim; `aeverify explain CLAIM` shows them.

    Raises:
        UsageError: an unknown claim, parameter or manifold, or dimensions that do not fit together.
    """
    checked = _checked(model, on, claim, seed, alpha, training_points, effort, parameters)
    _record(checked)
    return checked.report


def assert_claim(model: Autoencoder, on: On, claim: str | Check | ClaimCase, **options: Any) -> Verdict:
    """The verdict on a claim, which is PASS: anything else, VACUOUS and INCONCLUSIVE too, fails the test.

    Args and usage errors: those of `check_claim`.

    Raises:
        AssertionError: the outcome is not PASS; the message shows evidence, threshold, rigor, witness and replay line.
        ExpectedFailure: a case that had to come out FAIL did.
        ExpectationError: a case that had to come out FAIL was not decided.
    """
    __tracebackhide__ = True
    given = {name: options.pop(name, None) for name in ("seed", "alpha", "training_points", "effort")}
    checked = _checked(model, on, claim, **given, parameters=options)
    verdict = checked.report.verdicts[0]
    if isinstance(claim, ClaimCase) and claim.expected_failure:
        _expect_failure(checked, verdict, claim)
    _record(checked)
    if verdict.outcome is not Outcome.PASS:
        raise AssertionError(describe(verdict))
    return verdict


def _expect_failure(checked: Checked, verdict: Verdict, case: ClaimCase) -> None:
    __tracebackhide__ = True
    if verdict.outcome is Outcome.FAIL:
        _record(replace(checked, expected_failure=case.expected_failure))
        raise ExpectedFailure(case, f"Expected: {case.expected_failure}\n\n{describe(verdict)}")
    _record(checked)
    if verdict.outcome is Outcome.PASS:
        raise AssertionError(
            f"{case} had to FAIL and is PASS. It was to fail because: {case.expected_failure}\n\n{describe(verdict)}"
        )
    raise ExpectationError(
        f"{case} had to FAIL because: {case.expected_failure}\nIt is {verdict.outcome}, which is not the failure that "
        f"was expected.\n\n{describe(verdict)}"
    )


def _record(checked: Checked) -> None:
    if "PYTEST_CURRENT_TEST" in os.environ:
        _recorded.append(checked)


def _checked(
    model: Autoencoder,
    on: On,
    claim: str | Check | ClaimCase,
    seed: int | None,
    alpha: float | None,
    training_points: Sample | None,
    effort: Effort | None,
    parameters: dict[str, Any],
) -> Checked:
    from aeverify import pipeline
    from aeverify.autoencoders.protocol import Autoencoder
    from aeverify.pipeline.grounds import ground

    if not isinstance(model, Autoencoder):
        raise UsageError(
            f"Expected an aeverify.Autoencoder, got {type(model).__name__}; wrap the model with "
            "Autoencoder.from_modules(encoder, decoder) or Autoencoder.from_callables(encode, decode, ...)."
        )
    given = _given(on)
    settings, place = active() or Settings(), ground(given)
    check, cases = _configured(place, model.latent_dim, claim, parameters)
    seed = settings.seed if seed is None else seed
    if alpha is None:
        one_of_many = active() is not None and check.statistical_statements
        alpha = (settings.next_alpha() if one_of_many else settings.alpha) / cases
    left = settings.seconds_left
    if left is not None and left <= 0.0:
        return Checked(_out_of_time(model, place, check, settings, seed), model)
    began = time.monotonic()
    report = pipeline.check(
        model,
        given,
        claims=[check],
        seed=seed,
        alpha=alpha,
        training=training_points,
        effort=_effort(effort, left, place),
    )
    settings.spend(time.monotonic() - began)
    return Checked(replace(report, plots=()), model)


def is_data(on: object) -> bool:
    """Whether K is a data set or an array, of which nothing is known but its rows."""
    import numpy as np

    from aeverify.data import DataSet

    return isinstance(on, np.ndarray | DataSet)


def _given(on: On) -> Manifold | Spec | DataSet | str:
    """K; an array of rows as a data set of which all rows are held out, by the caller's word."""
    import numpy as np

    from aeverify.data import DataSet, load_data
    from aeverify.manifolds import Manifold

    if isinstance(on, np.ndarray):
        return load_data(on, held_out=1.0, name="array")
    if not isinstance(on, Manifold | Spec | DataSet | str):
        raise UsageError(
            f"Expected a manifold, its specification such as 'circle', a data set or an array of rows, got "
            f"{type(on).__name__}; aeverify.data.load_data reads torch's datasets and loaders."
        )
    return on


def _configured(
    place: Ground, latent_dim: int, claim: str | Check | ClaimCase, parameters: dict[str, Any]
) -> tuple[Check, int]:
    """The check with its parameters, and the number of cases that share alpha with it."""
    case = claim if isinstance(claim, ClaimCase) else ClaimCase(claim)
    wanted = {**case.parameters, **parameters}
    if isinstance(case.claim, str):
        return place.checks({case.claim: wanted}, latent_dim)[0], case.cases
    if not hasattr(case.claim, "configured"):
        raise UsageError(f"Expected the id of a claim or a check, got {type(case.claim).__name__} {case.claim!r}.")
    return case.claim.configured(wanted), case.cases


def _effort(effort: Effort | None, left: float | None, place: Ground) -> Effort | None:
    """The effort with what is left of the budget, shared by the components of K."""
    if left is None:
        return effort
    from aeverify.claims import Effort

    return replace(effort or Effort(), enclosure_seconds=left / place.parts)


def _out_of_time(model: Autoencoder, place: Ground, check: Check, settings: Settings, seed: int) -> Report:
    """A report that says that the claim was not reached."""
    from aeverify.provenance import provenance

    verdict = Verdict(
        check.claim,
        model.name,
        place.spec,
        Outcome.INCONCLUSIVE,
        Reason.NOT_RUN,
        message=f"The budget of {settings.budget:g} s of this test was spent by the claims before this one.",
    )
    made = provenance(seed, "aeverify.testing", datetime.now(UTC), 0.0, "cpu")
    title = f"{model.name} on {place.spec}"
    return Report(title, place.spec, place.facts(), model.latent_dim, (verdict,), (), (), made)


def describe(verdict: Verdict) -> str:
    """A verdict in plain lines: what was found, what was needed, why, where to look and how to see it again."""
    found, claim = verdict.evidence, verdict.claim
    rows = [("statement", claim.statement)]
    if found is not None:
        rows += [("evidence", wording.evidence_text(verdict)), ("method", found.method)]
    if verdict.threshold is not None:
        quantity = found.quantity if found is not None else claim.quantity
        rows.append(("needed", f"{quantity} {wording.threshold_text(verdict)}"))
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


def drain() -> list[Checked]:
    """What was checked inside a pytest test since the last call; for the plugin."""
    found = list(_recorded)
    _recorded.clear()
    return found


__all__ = ["Checked", "Options", "assert_claim", "check_claim", "describe", "drain", "is_data"]

"""Conformance of a claim: a check of a third party held to what every check of this package keeps to.

The cases are the caller's: models that satisfy the claim, that violate it, and of which it says nothing. From the good
ones others are made of which nothing may be concluded: models that return NaN or infinity, and models that crash.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from aeverify.autoencoders.protocol import Autoencoder, Continuity, FloatArray
from aeverify.claims import CLAIMS, Effort
from aeverify.claims.base import CheckOf
from aeverify.core.claim import Claim, ClaimKind, Quantifier, Relation
from aeverify.core.evidence import Citation, Rigor
from aeverify.core.seeds import Seed
from aeverify.core.verdict import Outcome, Verdict
from aeverify.errors import UsageError
from aeverify.pipeline.grounds import Ground, ground

if TYPE_CHECKING:
    from aeverify.data import DataSet
    from aeverify.manifolds import Manifold

AnyCheck: TypeAlias = CheckOf[Any, Any]
Case: TypeAlias = "tuple[Autoencoder, Manifold | DataSet | str]"

_ALPHA = 0.01
_WANTED = {
    "good": ((Outcome.PASS,), Outcome.FAIL),
    "bad": ((Outcome.FAIL, Outcome.INCONCLUSIVE, Outcome.ERROR), Outcome.PASS),
    "vacuous": ((Outcome.VACUOUS,), Outcome.PASS),
}
"""For each kind of case: what it comes out as, and what it never is."""


def check_claim_conformance(
    check: AnyCheck,
    *,
    good: Sequence[Case],
    bad: Sequence[Case],
    vacuous: Sequence[Case],
    effort: Effort | None = None,
    seed: int = 0,
) -> None:
    """Hold a check to what checks keep to.

    Its claim has an id, a statement and a citation; its parameters have defaults and meanings, and wrong ones are usage
    errors. Good cases come out PASS, bad ones FAIL, INCONCLUSIVE or ERROR, vacuous ones VACUOUS, and the same with the
    same seed; with the least effort no good case is FAIL and no bad one PASS. Of models that return NaN or infinity, or
    raise, nothing is concluded and nothing escapes. Statistical evidence is covered by `statistical_statements`.

    Args:
        check: the check, with the parameters of the cases.
        good, bad, vacuous: (model, set) pairs, at least one of each.
        effort: of the cases.
        seed: root seed.

    Raises:
        AssertionError: it does not keep to that; the message says to what.
        UsageError: a kind of case is missing, or a model and a set do not fit together.
    """
    __tracebackhide__ = True
    cases = {"good": good, "bad": bad, "vacuous": vacuous}
    missing = [name for name, given in cases.items() if not given]
    if missing:
        raise UsageError(f"{check.claim.id}: give at least one case of each kind; {', '.join(missing)} has none.")
    check_statement(check)
    check_parameters(check)
    for kind, given in cases.items():
        for model, on in given:
            _check_case(check, kind, model, on, effort or Effort(), seed)
    for model, on in good:
        _check_broken(check, model, on, effort or Effort(), seed)


def _check_case(
    check: AnyCheck, kind: str, model: Autoencoder, on: Manifold | DataSet | str, effort: Effort, seed: int
) -> None:
    """One case comes out as its kind has it, again and with the least effort."""
    __tracebackhide__ = True
    wanted, never = _WANTED[kind]
    place = ground(on)
    place.require_fit(model)
    what = f"the {kind} case {model.name} on {place.spec}"
    found = _judged(check, model, place, effort, seed, what)
    _require(found.outcome in wanted, check, f"{what} to come out {' or '.join(wanted)}", found)
    _require_budget(check, found, what)
    again = _judged(check, model, place, effort, seed, what)
    _require(_lasting(found) == _lasting(again), check, f"{what} to come out the same again with the same seed", again)
    least = dataclasses.replace(effort, samples=10, draws=10, homology_samples=10, enclosure_seconds=0.0)
    found = _judged(check, model, place, least, seed, what)
    _require(found.outcome is not never, check, f"{what} never to be {never}, with any effort", found)


def _check_broken(check: AnyCheck, model: Autoencoder, on: Manifold | DataSet | str, effort: Effort, seed: int) -> None:
    """Nothing is concluded of models that are broken."""
    __tracebackhide__ = True
    place = ground(on)
    for name, broken in _broken(model).items():
        what = f"nothing to be concluded of {model.name} on {place.spec} where {name}"
        found = _judged(check, broken, place, effort, seed, what)
        _require(found.outcome not in (Outcome.PASS, Outcome.FAIL), check, what, found)


def check_statement(check: AnyCheck) -> None:
    """The claim says what it is: an id of its own, words, a citation, a quantity and a relation; the check says why.

    Raises:
        AssertionError: it does not.
    """
    said = getattr(type(check), "claim", None)
    if not isinstance(said, Claim):
        raise AssertionError(f"{type(check).__name__}: expected a class attribute `claim`, got {type(said).__name__}.")
    _require(bool(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", said.id)), check, f"an id in kebab-case, got {said.id!r}")
    snake = re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)*", said.quantity) is not None
    _require(snake, check, f"a quantity in snake_case, got {said.quantity!r}")
    for name in ("title", "statement"):
        text = getattr(said, name)
        _require(isinstance(text, str) and text.strip() != "", check, f"a {name}, got {text!r}")
    cited = isinstance(said.citation, Citation) and said.citation.source.strip() != ""
    _require(cited, check, f"a citation with a source, got {said.citation!r}")
    kinds = (said.kind, ClaimKind), (said.relation, Relation), (said.quantifier, Quantifier)
    for value, kind in kinds:
        _require(isinstance(value, kind), check, f"a {kind.__name__}, got {value!r}")
    known = next((c for name, c in CLAIMS.items() if name == said.id), None)
    own = known is None or type(known) is type(check)
    _require(own, check, f"an id of its own, and {said.id!r} is that of {type(known).__name__}")
    words = (type(check).__doc__ or "").strip()
    # a dataclass without a docstring gets its signature as one
    written = words != "" and not words.startswith(f"{type(check).__name__}(")
    _require(written, check, "a docstring that derives it or says why it is asked")
    count = check.statistical_statements
    _require(type(count) is int and count >= 0, check, f"a count of statistical statements, got {count!r}")


def check_parameters(check: AnyCheck) -> None:
    """Every parameter is a field of a frozen dataclass, with a default and a meaning; a parameter that does not exist,
    or a value of another kind, is a usage error.

    Raises:
        AssertionError: they are not.
    """
    frozen = dataclasses.is_dataclass(check) and type(check).__dataclass_params__.frozen  # type: ignore[attr-defined]
    _require(frozen, check, "a frozen dataclass")
    names = {f.name: f for f in dataclasses.fields(check)}
    for name, told in check.parameters().items():
        _require(told["default"] is not dataclasses.MISSING, check, f"a default of the parameter {name!r}")
        _require(bool(str(told["meaning"]).strip()), check, f"a meaning of the parameter {name!r}")
        wrong = "not a value" if not isinstance(told["default"], str) else 3
        _refuses(check, {name: wrong}, f"{name}={wrong!r}")
        same = check.configured({name: getattr(check, name)})
        _require(same == check, check, f"the parameter {name!r} to be kept as it is given")
    _refuses(check, {_unknown(names): 1.0}, "a parameter that does not exist")
    _require(hash(check) == hash(dataclasses.replace(check)), check, "a hash of its parameters")


def _unknown(names: Iterable[str]) -> str:
    return "no_such_parameter" + "_" * sum(name.startswith("no_such_parameter") for name in names)


def _refuses(check: AnyCheck, parameters: dict[str, Any], what: str) -> None:
    try:
        check.configured(parameters)
    except UsageError:
        return
    except Exception as error:
        raise AssertionError(
            f"{check.claim.id}: expected a UsageError for {what}, got {type(error).__name__}: {error}."
        ) from error
    raise AssertionError(f"{check.claim.id}: expected a UsageError for {what}, and it was taken.")


def _judged(check: AnyCheck, model: Autoencoder, place: Ground, effort: Effort, seed: int, what: str) -> Verdict:
    __tracebackhide__ = True
    try:
        found = check.check(place.study(model, Seed(seed).child("check"), _ALPHA, effort))
    except Exception as error:
        raise AssertionError(
            f"{check.claim.id}: expected a verdict on {what}; {type(error).__name__} escaped: {error}"
        ) from error
    if not isinstance(found, Verdict):
        raise AssertionError(f"{check.claim.id}: expected a verdict on {what}, got {type(found).__name__}.")
    named = (found.claim, found.subject, found.manifold) == (check.claim, model.name, place.spec)
    _require(named, check, f"the verdict to name claim, model and set of {what}", found)
    return found


def _lasting(verdict: Verdict) -> dict[str, Any]:
    """The verdict without what may differ from run to run: times in the details of evidence."""
    told = verdict.to_dict()
    return {name: told[name] for name in ("outcome", "reason", "rigor", "threshold")} | {
        "interval": (told["evidence"] or {}).get("interval"),
        "premises": [(p["id"], p["holds"]) for p in told["premises"]],
    }


def _require_budget(check: AnyCheck, verdict: Verdict, what: str) -> None:
    """Statistical evidence needs a share of the run's error budget, and what decides keeps to it."""
    used = [verdict.evidence, *verdict.supporting, *(p.evidence for p in verdict.premises)]
    count = check.statistical_statements
    drawn = any(e is not None and e.rigor is Rigor.STATISTICAL for e in used)
    _require(count > 0 or not drawn, check, f"statistical_statements above 0, since {what} rests on draws", verdict)
    decides = verdict.evidence
    if decides is not None and decides.confidence is not None:
        least = 1.0 - _ALPHA * count
        held = decides.confidence >= least - 1e-12
        _require(held, check, f"a confidence of at least {least:g} in {what}, got {decides.confidence:g}", verdict)


class _Broken(Autoencoder):
    """A model that is like another one but for what it returns."""

    def __init__(self, model: Autoencoder, change: Callable[[FloatArray], FloatArray]) -> None:
        super().__init__(model.name, model.ambient_dim, model.latent_dim)
        self._model, self._change = model, change

    def _encode(self, points: FloatArray) -> FloatArray:
        return self._change(self._model.encode(points))

    def _decode(self, codes: FloatArray) -> FloatArray:
        return self._change(self._model.decode(np.where(np.isfinite(codes), codes, 0.0)))

    @property
    def continuity(self) -> Continuity:
        return self._model.continuity

    @property
    def affine_decoder(self) -> bool:
        return self._model.affine_decoder

    def fingerprint(self) -> str:
        return hashlib.sha256(f"{self._change} {self._model.fingerprint()}".encode()).hexdigest()


def _broken(model: Autoencoder) -> dict[str, Autoencoder]:
    """Models of which nothing can be concluded, and what is wrong with them."""

    def crash(rows: FloatArray) -> FloatArray:
        raise RuntimeError("the model crashed")

    return {
        "the model returns NaN": _Broken(model, lambda rows: np.full_like(rows, np.nan)),
        "the model returns infinity": _Broken(model, lambda rows: np.full_like(rows, np.inf)),
        "the model raises": _Broken(model, crash),
        "the model returns too few rows": _Broken(model, lambda rows: rows[:-1]),
    }


def _require(holds: bool, check: AnyCheck, what: str, found: Verdict | None = None) -> None:
    __tracebackhide__ = True
    if not holds:
        got = f"; got {found.outcome} ({found.reason.name}) {found.message}".rstrip() if found is not None else ""
        raise AssertionError(f"{check.claim.id}: expected {what}{got}.")


__all__ = ["check_claim_conformance", "check_parameters", "check_statement"]

"""Check: one claim with its parameters, its premises and the evidence that decides it."""

from __future__ import annotations

import dataclasses
import itertools
import math
import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Generic, Self, TypeVar

from aeverify.claims.study import Study
from aeverify.core.claim import Claim, ClaimKind, Premise, Quantifier, Relation
from aeverify.core.evidence import Citation, Evidence, Rigor
from aeverify.core.interval import Interval
from aeverify.core.verdict import Outcome, Reason, Verdict, decide, reason_of
from aeverify.errors import AeverifyError, InvariantError, NonFiniteOutputError, UsageError
from aeverify.manifolds.base import Manifold

StudyT = TypeVar("StudyT")
SetT = TypeVar("SetT")
CheckT = TypeVar("CheckT", bound="CheckOf[Any, Any]")

_SAME = 1e-4
"""Relative change of a reconstruction with its batch that rounding in float32 can explain."""

KVALHEIM_SONTAG = "M. D. Kvalheim and E. D. Sontag, Why should autoencoders work?, TMLR 2024 (arXiv:2310.02250)"


@dataclass(frozen=True)
class Finding:
    """What a check found once its premises hold: an outcome of `decide`, on which evidence, against what."""

    outcome: Outcome
    evidence: Evidence
    threshold: Interval
    supporting: tuple[Evidence, ...] = ()
    needed: tuple[Evidence, ...] = ()
    reason: Reason | None = None
    message: str = ""
    witness: Any = None


@dataclass(frozen=True)
class CheckOf(ABC, Generic[StudyT, SetT]):
    """A claim that can be decided about a study of a model on a set. The dataclass fields of a subclass are its
    parameters. `Check` is that of a manifold, `aeverify.claims.data.DataCheck` that of a data set."""

    claim: ClassVar[Claim]
    statistical_statements: ClassVar[int] = 0
    """How many statistical statements one check may need; the run's error budget is split by their sum."""

    by_name_only: ClassVar[bool] = False
    """A run that names no claims leaves this one out: only the user knows its numbers, or only models of known layers
    can be decided by it."""

    @abstractmethod
    def applies(self, manifold: SetT, latent_dim: int) -> bool:
        """Whether the claim says something about this set and latent dimension; a run that names no claims takes those
        that apply. A claim that is named and does not apply comes out VACUOUS."""

    def chosen(self, manifold: SetT, latent_dim: int) -> bool:
        """Whether a run that names no claims takes this one."""
        return not self.by_name_only and self.applies(manifold, latent_dim)

    @abstractmethod
    def names(self, study: StudyT) -> tuple[str, str]:
        """Names of the model and of the set, for the verdict."""

    @abstractmethod
    def premises(self, study: StudyT) -> Iterator[Premise]:
        """The premises in order, each decided when it is asked for; the first that does not hold ends the check."""

    @abstractmethod
    def find(self, study: StudyT) -> Finding:
        """Measure and decide; called when every premise holds."""

    @classmethod
    def parameters(cls) -> dict[str, dict[str, Any]]:
        """Name, default and meaning of each parameter."""
        return {
            f.name: {"default": f.default, "meaning": f.metadata.get("meaning", "")} for f in dataclasses.fields(cls)
        }

    def configured(self, parameters: Mapping[str, Any]) -> Self:
        """This check with other parameter values.

        Raises:
            UsageError: an unknown parameter, or a value out of range.
        """
        known = self.parameters()
        for name, value in parameters.items():
            if name not in known:
                raise UsageError(
                    f"The claim {self.claim.id} has no parameter {name!r}; it has: {', '.join(known) or 'none'}."
                )
            _require_kind(value, known[name]["default"], f"{self.claim.id}.{name}")
        return dataclasses.replace(self, **parameters)

    def refuted(self, study: StudyT) -> Iterator[Premise]:
        """Premises of every claim, those only that were found not to hold."""
        yield from ()

    def check(self, study: StudyT) -> Verdict:
        """The verdict on one model. Never raises for what the model does: that ends in ERROR with the reason."""
        seen: list[Premise] = []
        try:
            for premise in itertools.chain(self.refuted(study), self.premises(study)):
                seen.append(premise)
                if premise.holds is not True:
                    return self._unmet(study, tuple(seen))
            return self._decided(study, tuple(seen), self.find(study))
        except NonFiniteOutputError as error:
            return self._verdict(
                study,
                Outcome.ERROR,
                Reason.NON_FINITE_OUTPUT,
                premises=tuple(seen),
                witness=getattr(error, "witness", None),
                message=str(error),
            )
        except InvariantError as error:
            return self._verdict(study, Outcome.ERROR, Reason.CONTRADICTION, premises=tuple(seen), message=str(error))
        except AeverifyError as error:
            return self._verdict(study, Outcome.ERROR, Reason.CRASHED, premises=tuple(seen), message=str(error))
        except Exception as error:  # a bug in one claim loses no other claim's verdict
            place = traceback.extract_tb(error.__traceback__)[-1]
            message = (
                f"{type(error).__name__}: {error} ({Path(place.filename).name}, line {place.lineno}). This is a bug of "
                f"the claim {self.claim.id} or of what it measures with; please report it."
            )
            return self._verdict(study, Outcome.ERROR, Reason.CRASHED, premises=tuple(seen), message=message)

    def _unmet(self, study: StudyT, premises: tuple[Premise, ...]) -> Verdict:
        last = premises[-1]
        if last.holds is None:
            outcome, reason = Outcome.INCONCLUSIVE, Reason.PREMISE_UNDECIDED
        else:
            special = {"continuous": Reason.NOT_CONTINUOUS, "obstruction": Reason.NO_OBSTRUCTION}
            outcome, reason = Outcome.VACUOUS, special.get(last.id, Reason.PREMISE_UNMET)
        return self._verdict(
            study,
            outcome,
            reason,
            evidence=last.evidence,
            rigor=last.evidence.rigor if last.evidence else None,
            premises=premises,
            witness=last.evidence.witness if last.evidence else None,
            message=f"Premise {last.id!r}: {last.statement}",
        )

    def _decided(self, study: StudyT, premises: tuple[Premise, ...], found: Finding) -> Verdict:
        used = [found.evidence, *found.needed, *(p.evidence for p in premises if p.evidence)]
        return self._verdict(
            study,
            found.outcome,
            found.reason or reason_of(found.outcome),
            rigor=min((e.rigor for e in used), default=Rigor.EMPIRICAL),
            evidence=found.evidence,
            threshold=found.threshold,
            supporting=found.supporting,
            premises=premises,
            witness=found.witness or found.evidence.witness,
            message=found.message,
        )

    def _verdict(self, study: StudyT, outcome: Outcome, reason: Reason, **fields: Any) -> Verdict:
        subject, place = self.names(study)
        return Verdict(
            claim=self.claim,
            subject=subject,
            manifold=place,
            outcome=outcome,
            reason=reason,
            **fields,
        )


class Check(CheckOf[Study, Manifold]):
    """A claim that can be decided about a `Study` of a model on a manifold."""

    def names(self, study: Study) -> tuple[str, str]:
        """Name of the model and spec of the manifold."""
        return study.autoencoder.name, str(study.manifold)

    def refuted(self, study: Study) -> Iterator[Premise]:
        """That the model is a function of one point, where it is not: then no number about points means anything."""
        gap = study.batch_gap()
        if gap is not None and gap.lower > _SAME:
            statement = (
                f"The reconstruction of a point changes by {gap.lower:.3g} of its size with the points beside it: the "
                "model is no function of one point. Put it in evaluation mode (batch norm, dropout)."
            )
            yield Premise("function-of-one-point", statement, False, gap)


def named_checks(
    claims: Mapping[str, Mapping[str, Any]] | Iterable[Any] | str, kind: type[Any], find: Callable[[str], CheckT]
) -> tuple[CheckT, ...]:
    """The configured checks of claims that are named: ids with parameters, or ids, or checks, in the order given.

    Args:
        claims: what was named.
        kind: the class of the checks.
        find: gives the check of an id.

    Raises:
        UsageError: an unknown claim or parameter, a value out of range, or no claim at all.
    """
    if isinstance(claims, str):
        claims = [claims]
    if isinstance(claims, Mapping):
        chosen = tuple(find(name).configured(parameters) for name, parameters in claims.items())
    else:
        chosen = tuple(c if isinstance(c, kind) else find(c) for c in claims)
    if not chosen:
        raise UsageError("No claim was named: nothing checked is not a pass. Name at least one, or give claims=None.")
    return chosen


def decided(relation: Relation, candidates: Iterable[Evidence], threshold: Interval) -> tuple[Outcome, Evidence]:
    """The first of several enclosures of one number that decides, most rigorous first, or the last one.

    Raises:
        ValueError: there is none.
    """
    found: Evidence | None = None
    for found in candidates:
        outcome = decide(relation, found.interval, threshold)
        if outcome is not Outcome.INCONCLUSIVE:
            return outcome, found
    if found is None:
        raise ValueError("no evidence to decide from")
    return Outcome.INCONCLUSIVE, found


def together(findings: Sequence[Finding]) -> Finding:
    """One finding for several components, all of which have to satisfy the claim: the worst, of these the one with the
    least margin; the evidence on the others is shown and counted."""
    order = (Outcome.FAIL, Outcome.INCONCLUSIVE, Outcome.PASS)
    first = min(findings, key=lambda f: (order.index(f.outcome), f.evidence.interval.lower - f.threshold.upper))
    rest = [f.evidence for f in findings if f is not first]
    return dataclasses.replace(
        first, supporting=(*first.supporting, *rest), needed=(*first.needed, *(n for f in findings for n in f.needed))
    )


def closed_obstructed(study: Study) -> list[int]:
    """Indices of the components that are closed manifolds with a positive lower bound on their width."""
    parts = study.manifold.components
    return [i for i in study.obstructed_components() if parts[i].truth.closed]


def some_obstructed(manifold: Manifold, latent_dim: int) -> bool:
    """Whether a positive lower bound on the width of K or of some component is known."""
    from aeverify import widths

    return any(widths.best_lower(k, latent_dim).interval.lower > 0 for k in (manifold, *manifold.components))


def some_closed_obstructed(manifold: Manifold, latent_dim: int) -> bool:
    """Whether some component is a closed manifold with a positive lower bound on its width."""
    from aeverify import widths

    return any(
        part.truth.closed and widths.best_lower(part, latent_dim).interval.lower > 0 for part in manifold.components
    )


def bound_to_meet(bound: Evidence, found: Evidence) -> Interval:
    """The threshold that a worst error has to meet: the lower bound of the width, as one point.

    The lower end of an EMPIRICAL enclosure is a float64 value less an allowance for rounding. A model that attains the
    bound (the constant at a circle's centre) would be undecided for ever, so the same allowance is taken off the bound.
    A CERTIFIED lower end has none and meets the bound itself; only where it was rounded down to the very number below
    the bound is that number the threshold.
    """
    wanted = bound.interval.lower - float(found.details.get("rounding_allowance", 0.0))
    below = math.nextafter(wanted, -math.inf)
    return Interval.exactly(below if found.interval.lower == below else wanted)


def _require_kind(value: Any, like: Any, name: str) -> None:
    """Raise UsageError unless `value` is of the kind of the default: true/false, integer, number or string."""
    kinds: tuple[tuple[type, type | tuple[type, ...], str], ...] = (
        (bool, bool, "true or false"),
        (int, int, "an integer"),
        (float, (int, float), "a number"),
        (str, str, "a string"),
    )
    for kind, accepted, words in kinds:
        if type(like) is kind:
            if not isinstance(value, accepted) or (kind is not bool and isinstance(value, bool)):
                raise UsageError(f"{name} must be {words}, got {value!r}.")
            return


def finite_outputs(study: Study) -> Premise:
    """The premise that E and D return finite numbers on K; measuring raises as soon as one does not."""
    study.sup_errors()
    return Premise("finite-outputs", "E and D returned finite numbers at every point of K that was evaluated.", True)


def compact(study: Study) -> Premise:
    """The premise that K is compact: it is the image of a box under a continuous chart, or a finite union of such."""
    return Premise("compact", "K is a finite union of images of closed boxes under continuous charts.", True)


def obstructed(study: Study) -> Premise:
    """The premise that a positive lower bound on the width of some component, or of K, is known."""
    width = study.width()
    parts = bool(study.obstructed_components())
    found = parts or study.whole_obstruction() is not None
    statement = (
        f"{'Some component of K' if parts else 'K'} has w_{study.latent_dim} > 0, so that no continuous autoencoder is "
        "perfect on it."
        if found
        else f"No positive lower bound on w_{study.latent_dim}(K) is known."
    )
    return Premise("obstruction", statement, found, width)


def obstruction_premises(study: Study, *, closed: bool = False) -> Iterator[Premise]:
    """The premises of what a width forces on a model: K compact and obstructed (with `closed`, on a component that is a
    closed manifold), E and D continuous and finite."""
    yield compact(study)
    yield study.continuity()
    yield obstructed(study)
    if closed:
        yield Premise("closed", "Some obstructed component is a closed manifold.", bool(closed_obstructed(study)))
    yield finite_outputs(study)


def known_lipschitz(study: Study, components: Sequence[int]) -> Premise:
    """The premise that an upper bound of the Lipschitz constant of D after E is known along each of these components; a
    sampled constant is a lower bound and would not do."""
    bounds = [study.lipschitz_upper(i) for i in components]
    missing = [i for i, b in zip(components, bounds, strict=True) if b is None]
    where = f"component {missing[0]} of K" if missing else "K"
    return Premise(
        "lipschitz",
        f"No upper bound of the Lipschitz constant of D after E along {where} is known, so there is no floor."
        if missing
        else "An upper bound of the Lipschitz constant of D after E along K is known.",
        not missing,
    )


def positive(value: float, name: str, below: float = math.inf) -> None:
    """Raise UsageError unless 0 < value < below."""
    if not (math.isfinite(value) and 0 < value < below):
        limit = f" and below {below:g}" if math.isfinite(below) else ""
        raise UsageError(f"{name} must be a finite number above 0{limit}, got {value!r}.")


__all__ = [
    "KVALHEIM_SONTAG",
    "Check",
    "CheckOf",
    "Citation",
    "ClaimKind",
    "Finding",
    "Quantifier",
    "bound_to_meet",
    "closed_obstructed",
    "compact",
    "decided",
    "finite_outputs",
    "known_lipschitz",
    "named_checks",
    "obstructed",
    "obstruction_premises",
    "positive",
    "some_closed_obstructed",
    "some_obstructed",
    "together",
]

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from aeverify import testing
from aeverify.autoencoders.oracles import oracle
from aeverify.claims import CLAIMS, Check, Effort, Study
from aeverify.claims import claim as named
from aeverify.claims.base import Finding
from aeverify.claims.data import DATA_CLAIMS, data_claim
from aeverify.core import Citation, Claim, ClaimKind, Evidence, Interval, Premise, Relation, Rigor, decide
from aeverify.data import load_data
from aeverify.errors import NonFiniteOutputError, UsageError
from aeverify.testing.claim_conformance import check_parameters, check_statement

SMALL = Effort(samples=300, draws=2_000, homology_samples=60, enclosure_seconds=0.2)
CUT, CONSTANT, IDENTITY = oracle("cut:half_width=0.01"), oracle("constant"), oracle("identity")


@pytest.mark.parametrize("name", [*CLAIMS, *DATA_CLAIMS])
def test_claims_of_the_package_say_what_they_are(name: str):
    """Ids, words, citations, parameters with defaults and meanings that refuse what they are not."""
    check = CLAIMS[name] if name in CLAIMS else DATA_CLAIMS[name]
    check_statement(check)
    # parameters that may be None are refused by beartype here, before the check sees what they were given
    if all(told["default"] is not None for told in check.parameters().values()):
        check_parameters(check)


def ring(count: int) -> np.ndarray:
    """Rows on the unit circle."""
    angle = np.linspace(0.0, 2 * np.pi, count, endpoint=False)
    return np.column_stack([np.cos(angle), np.sin(angle)])


RING = load_data(ring(900), held_out=1.0, name="ring")
SERIES = load_data(ring(900), held_out=1.0, independent=False, name="series")
CASES: list[tuple[Any, Any, Any, Any]] = [
    (named("theorem-1"), (CUT, "circle"), (oracle("liar_lipschitz"), "circle"), (IDENTITY, "circle")),
    (
        named("error-bound").configured({"epsilon": 1.5}),
        (CONSTANT, "circle"),
        (CUT, "circle"),
        (oracle("liar_continuity"), "circle"),
    ),
    (
        named("noise-robustness").configured({"noise": 0.1, "share": 0.3}),
        (IDENTITY, "circle"),
        (oracle("shift:offset=0.19"), "circle"),
        (CONSTANT, "circle"),
    ),
    (
        data_claim("population-error").configured({"delta": 0.02}),
        (IDENTITY, RING),
        (CONSTANT, RING),
        (IDENTITY, SERIES),
    ),
]


@pytest.mark.parametrize(("check", "good", "bad", "vacuous"), CASES, ids=[row[0].claim.id for row in CASES])
def test_claims_of_the_package_behave(check: Any, good: Any, bad: Any, vacuous: Any):
    """A theorem, requirements and a claim about data keep to what is asked of third parties."""
    testing.check_claim_conformance(check, good=[good], bad=[bad], vacuous=[vacuous], effort=SMALL)


SAID = Claim(
    id="mean-on-grid",
    title="Small mean on a grid",
    kind=ClaimKind.REQUIREMENT,
    statement="The mean error on a grid of 99 points is at most `level`.",
    citation=Citation("A requirement of the tests"),
    quantity="grid_mean",
    relation=Relation.AT_MOST,
)


@dataclass(frozen=True)
class MeanOnGrid(Check):
    """The mean error on a grid of K is at most a level; a subclass is wrong in one way."""

    claim = SAID

    level: float = field(default=0.1, metadata={"meaning": "largest mean, in the units of the data"})

    def applies(self, manifold: Any, latent_dim: int) -> bool:
        return True

    def premises(self, study: Study) -> Iterator[Premise]:
        curve = study.manifold.truth.dimension == 1
        yield Premise("curve", "K is a curve.", curve)

    def find(self, study: Study) -> Finding:
        return self.found(study, self.mean(study))

    def mean(self, study: Study) -> float:
        mean = float(study.autoencoder.errors(study.manifold.grid(99).points).mean())
        if not np.isfinite(mean):
            raise NonFiniteOutputError("The model returned NaN.")
        return mean

    def found(self, study: Study, mean: float) -> Finding:
        bar = Interval.exactly(self.level)
        seen = Evidence("grid_mean", Interval.exactly(mean), Rigor.EMPIRICAL, "Both ends: the mean of 99 errors.")
        return Finding(decide(self.claim.relation, seen.interval, bar), seen, bar)


GIVEN: dict[str, Any] = {
    "good": [(IDENTITY, "circle")],
    "bad": [(CONSTANT, "circle")],
    "vacuous": [(oracle("identity:ambient_dim=3"), "sphere")],
    "effort": SMALL,
}


def test_the_right_one_conforms():
    """What the wrong ones are changed from is right."""
    testing.check_claim_conformance(MeanOnGrid(), **GIVEN)


def statistical(self: MeanOnGrid, study: Study, mean: float) -> Finding:
    found = MeanOnGrid.found(self, study, mean)
    drawn = Evidence("grid_mean", found.evidence.interval, Rigor.STATISTICAL, "Both ends: by draws.", confidence=0.9)
    return dataclasses.replace(found, evidence=drawn)


def drifting(self: MeanOnGrid, study: Study) -> float:
    object.__setattr__(self, "_count", getattr(self, "_count", 0.0) + 1e-3)
    return MeanOnGrid.mean(self, study) + self._count  # type: ignore[attr-defined]


def ignoring_nan(self: MeanOnGrid, study: Study) -> float:
    return float(np.nan_to_num(study.autoencoder.errors(study.manifold.grid(99).points), posinf=0.0).mean())


def swallowing(self: MeanOnGrid, study: Study) -> float:
    try:
        return MeanOnGrid.mean(self, study)
    except Exception:
        return 0.0


def hasty(self: MeanOnGrid, study: Study) -> float:
    return MeanOnGrid.mean(self, study) if study.effort.samples > 10 else 0.0


def hasty_the_other_way(self: MeanOnGrid, study: Study) -> float:
    return MeanOnGrid.mean(self, study) if study.effort.samples > 10 else 1.0


def crashing(self: MeanOnGrid, study: Study) -> float:
    raise KeyError("forgotten")


WRONG_BEHAVIOUR: list[tuple[str, dict[str, Any], str]] = [
    ("fails the good", {"mean": lambda self, study: 1.0}, "the good case .* to come out PASS; got FAIL"),
    ("passes the bad", {"mean": lambda self, study: 0.0}, "the bad case .* to come out FAIL or INCONCLUSIVE or ERROR"),
    (
        "no premise",
        {"premises": lambda self, study: iter([Premise("none", "Nothing.", True)])},
        "the vacuous case .* to come out VACUOUS; got PASS",
    ),
    ("no budget", {"found": statistical}, "statistical_statements above 0"),
    ("confidence", {"found": statistical, "statistical_statements": 2}, "a confidence of at least 0.98 in .* got 0.9"),
    ("drift", {"mean": drifting}, "the good case .* to come out the same again with the same seed"),
    ("hasty pass", {"mean": hasty}, "the bad case .* never to be PASS, with any effort"),
    ("hasty fail", {"mean": hasty_the_other_way}, "the good case .* never to be FAIL, with any effort"),
    ("NaN", {"mean": ignoring_nan}, "nothing to be concluded of .* where the model returns NaN; got PASS"),
    ("swallowed", {"mean": swallowing}, "nothing to be concluded of .*; got PASS"),
    ("crash", {"mean": crashing}, "the good case .* to come out PASS; got ERROR .*KeyError: .forgotten."),
    (
        "another claim",
        {"check": lambda self, study: dataclasses.replace(Check.check(self, study), subject="somebody")},
        "the verdict to name claim, model and set",
    ),
    ("no verdict", {"check": lambda self, study: None}, "a verdict on the good case .* got NoneType"),
]
WRONG_WORDS: list[tuple[str, dict[str, Any], str]] = [
    ("id", {"claim": dataclasses.replace(SAID, id="Mean on grid")}, "an id in kebab-case"),
    ("known id", {"claim": dataclasses.replace(SAID, id="theorem-1")}, "an id of its own, .* that of Theorem1"),
    ("quantity", {"claim": dataclasses.replace(SAID, quantity="grid mean")}, "a quantity in snake_case"),
    ("statement", {"claim": dataclasses.replace(SAID, statement=" ")}, "a statement"),
    ("title", {"claim": dataclasses.replace(SAID, title="")}, "a title"),
    ("citation", {"claim": dataclasses.replace(SAID, citation=Citation(""))}, "a citation with a source"),
    ("relation", {"claim": dataclasses.replace(SAID, relation="<=")}, "a Relation"),
    ("docstring", {"__doc__": ""}, "a docstring"),
    ("count", {"statistical_statements": -1}, "a count of statistical statements"),
    ("no claim", {"claim": "mean-on-grid"}, "a class attribute `claim`, got str"),
    ("takes anything", {"configured": lambda self, parameters: self}, "a UsageError for level='not a value'"),
    ("meaning", {"level": field(default=0.1)}, "a meaning of the parameter 'level'"),
    ("hash", {"__hash__": lambda self: id(self)}, "a hash of its parameters"),
]


def wrong(changes: dict[str, Any]) -> MeanOnGrid:
    """A `MeanOnGrid` with other attributes."""
    body = {"__doc__": MeanOnGrid.__doc__, "__module__": __name__, "__annotations__": {}, **changes}
    if "level" in changes:
        body["__annotations__"] = {"level": "float"}
    made: MeanOnGrid = dataclass(frozen=True)(type("Wrong", (MeanOnGrid,), body))()
    return made


@pytest.mark.parametrize(
    ("changes", "phrase"),
    [row[1:] for row in (*WRONG_BEHAVIOUR, *WRONG_WORDS)],
    ids=[row[0] for row in (*WRONG_BEHAVIOUR, *WRONG_WORDS)],
)
def test_wrong_checks_are_refused_for_what_is_wrong(changes: dict[str, Any], phrase: str):
    """Each check is refused by name, for the one thing that was changed."""
    with pytest.raises(AssertionError, match=f"expected {phrase}") as refused:
        testing.check_claim_conformance(wrong(changes), **GIVEN)
    assert re.match(r"mean-on-grid|Mean on grid|theorem-1|Wrong", str(refused.value))


@pytest.mark.parametrize("kind", ["good", "bad", "vacuous"])
def test_every_kind_of_case_is_needed(kind: str):
    """A suite without a bad case would pass a check that passes everything."""
    with pytest.raises(UsageError, match=f"{kind} has none"):
        testing.check_claim_conformance(MeanOnGrid(), **{**GIVEN, kind: []})


def test_cases_that_do_not_fit_together_are_usage_errors():
    """A model of another space is a mistake of the caller."""
    with pytest.raises(UsageError, match="takes points of"):
        testing.check_claim_conformance(MeanOnGrid(), **{**GIVEN, "bad": [(IDENTITY, "sphere")]})

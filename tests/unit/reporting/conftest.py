"""Random reports, hostile and otherwise: whatever a Report may hold, every renderer must bear."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

import pytest

from aeverify.core import (
    Change,
    Citation,
    Claim,
    ClaimKind,
    Compared,
    Comparison,
    ErrorBudget,
    Evidence,
    GatePolicy,
    Ignore,
    Interval,
    ModelRecord,
    Outcome,
    Plot,
    Premise,
    Provenance,
    Quantifier,
    Reason,
    Relation,
    Report,
    Rigor,
    Series,
    Verdict,
    Witness,
    WitnessPoint,
)

HOSTILE = (
    "<script>alert(1)</script>",
    "</script><img src=x onerror=alert(1)>",
    "</style><style>*{display:none}",
    "]]><!--",
    "--> {{ 7*7 }} {% raw %}",
    '" onmouseover="alert(1)',
    "'; DROP TABLE verdicts; --",
    "\x1b[31mred\x1b[0m\x9b2J\x07",
    "NUL\x00 and \x0b and \x7f",
    "| a | b |\n| --- |",
    "`code` ```fence``` *bold* [link](javascript:alert(1)) ![i](x) # h",
    "\u202egnp.exe\u2066",
    "円周率と自己符号化器の報告書",
    "e\u0301\u0301\u0301 combining, \U0001f600 emoji",
    "\ufffe\uffff\ufeff",
    "line\nbreak\r\nand\ttab\rreturn\u2028separator",
    "&lt;b&gt; &amp; &#x3c;",
    "x" * 5000,
    "a b " * 2000,
    "$E = mc^2$ $(rm -rf /)",
    "javascript:alert(1)",
    "=cmd|' /C calc'!A0",
    "@SUM(1;=2)",
    "zero\u200bwidth \u05d0\u05d1\u05d2 \u200f \U000e0041",
    "",
    "plain",
)


class Builder:
    """Draws reports from one seed; every branch of the vocabulary is reached over a few dozen seeds."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def text(self) -> str:
        return self.random.choice(HOSTILE)

    def number(self) -> float:
        r = self.random
        return r.choice([0.0, -0.0, 1.0, r.gauss(0, 1), r.gauss(0, 1) * 10.0 ** r.randint(-300, 300), 5e-324, 1.7e308])

    def interval(self) -> Interval:
        a, b = sorted((self.number(), self.number()))
        return self.random.choice(
            [Interval(a, b), Interval.exactly(a), Interval.at_least(a), Interval.at_most(a), Interval.unknown()]
        )

    def maybe(self, make: Callable[[], Any]) -> Any:
        return make() if self.random.random() < 0.6 else None

    def some(self, make: Callable[[], Any], most: int = 3) -> tuple[Any, ...]:
        return tuple(make() for _ in range(self.random.randint(0, most)))

    def citation(self) -> Citation:
        return Citation(self.text(), self.text(), self.text())

    def point(self) -> WitnessPoint:
        n = self.random.choice([1, 3, 40])
        numbers = tuple(self.number() for _ in range(n))
        return WitnessPoint(self.random.randint(0, 3), numbers[:1], numbers, numbers[:1], numbers, self.number())

    def witness(self) -> Witness:
        return Witness("point", self.text(), "a" * 64, self.some(self.point), self.text())

    def evidence(self) -> Evidence:
        rigor = self.random.choice(list(Rigor))
        return Evidence(
            quantity=self.text() or "sup_error",
            interval=self.interval(),
            rigor=rigor,
            method=self.text(),
            confidence=0.99 if rigor is Rigor.STATISTICAL else None,
            witness=self.maybe(self.witness),
            citations=self.some(self.citation),
            assumptions=self.some(self.text),
            details={self.text(): [self.number(), {"deep": [None, True, self.text()]}], "n": 3},
        )

    def claim(self) -> Claim:
        return Claim(
            id=self.random.choice(["theorem-1", "thick-set", "latent-topology", self.text()]),
            title=self.text(),
            kind=self.random.choice(list(ClaimKind)),
            statement=self.text(),
            citation=self.citation(),
            quantity="sup_error",
            relation=self.random.choice(list(Relation)),
            quantifier=self.random.choice(list(Quantifier)),
            ledger=("K-1",),
        )

    def verdict(self) -> Verdict:
        outcome = self.random.choice(list(Outcome))
        decided = outcome in (Outcome.PASS, Outcome.FAIL)
        evidence = self.evidence() if decided else self.maybe(self.evidence)
        holds = [True] if outcome is Outcome.PASS else [True, False, None]
        return Verdict(
            claim=self.claim(),
            subject=self.text(),
            manifold=self.text(),
            outcome=outcome,
            reason=self.random.choice(list(Reason)),
            rigor=evidence.rigor if evidence else None,
            evidence=evidence,
            threshold=self.maybe(self.interval),
            supporting=self.some(self.evidence, 2),
            premises=self.some(
                lambda: Premise(self.text(), self.text(), self.random.choice(holds), self.maybe(self.evidence))
            ),
            witness=self.maybe(self.witness),
            replay=self.random.choice([self.text(), "aeverify replay report.json theorem-1 --subject 'restart 0'"]),
            message=self.text(),
        )

    def plot(self) -> Plot:
        n = self.random.choice([2, 3])
        coordinate = [0.0, 1.0, 2.5, -3.25, 1e-300, 1e300, math.inf, -math.inf]
        return Plot(
            id=self.random.choice(
                ["data", "decoded-0", "codes-0", "error-0", "loss", "persistence-0", self.text()[:99]]
            ),
            title=self.text(),
            caption=self.text(),
            axes=tuple(self.text() for _ in range(n)),
            series=self.some(
                lambda: Series(
                    self.text(),
                    tuple(tuple(self.random.choice(coordinate) for _ in range(5)) for _ in range(n)),
                    self.random.choice(["points", "line", "marker"]),
                    self.random.choice([None, 0, 1, 11]),
                )
            ),
            log_axes=self.random.choice([(), (0,), (1,), (0, 1)]),
            bands=self.some(lambda: (self.number(), self.number(), self.text())),
            lines=self.some(lambda: (self.number(), self.text())),
        )

    def policy(self) -> GatePolicy:
        r = self.random
        gated = r.choice([None, ("theorem-1", self.text())])
        allow = r.random() < 0.3
        fail_on = () if allow else r.choice([(), (Outcome.INCONCLUSIVE,), (Outcome.ERROR, Outcome.VACUOUS)])
        subjects = [None, self.text()]
        ignores = self.some(
            lambda: Ignore(
                r.choice(["theorem-1", "thick-set", self.text()]),
                self.text() or "why",
                "2027-01-31",
                r.choice(subjects),
                r.random() < 0.5,
            )
        )
        return GatePolicy(gated, allow, fail_on, ignores)

    def comparison(self, verdicts: tuple[Verdict, ...]) -> Comparison:
        changes = [c for c in Change if c is not Change.GONE]
        rows = tuple(
            Compared(v.claim.id, v.subject, self.random.choice(changes), "PASS", str(v.outcome), self.text())
            for v in verdicts
        )
        gone = self.some(lambda: Compared(self.text(), self.text(), Change.GONE, "PASS", "", self.text()))
        return Comparison(self.text(), 0.05, rows, gone)

    def report(self) -> Report:
        r = self.random
        verdicts = self.some(self.verdict, 6)
        return Report(
            title=self.text(),
            manifold=self.text(),
            manifold_facts={self.text(): self.text() for _ in range(3)},
            latent_dim=r.randint(1, 9),
            verdicts=verdicts,
            models=self.some(
                lambda: ModelRecord(
                    self.text(),
                    self.text(),
                    self.text(),
                    "f" * 64,
                    r.choice([True, False, None]),
                    {self.text(): self.number(), "loss": math.inf},
                    self.text(),
                )
            ),
            plots=self.some(self.plot),
            provenance=Provenance(
                {"aeverify": "0.1", self.text(): self.text()},
                self.text(),
                self.text(),
                "float64",
                r.randint(0, 2**63 - 1),
                self.text(),
                "2026-01-05T10:22:31Z",
                r.random() * 1000,
            ),
            policy=self.policy(),
            interrupted=r.choice(["", "", self.text()]),
            notes=self.some(self.text),
            error_budget=self.maybe(lambda: ErrorBudget(0.01, 0.001, {self.text(): 2, "theorem-1": 8})),
            baseline=self.maybe(lambda: self.comparison(verdicts)),
        )


@pytest.fixture
def builder() -> Callable[[int], Builder]:
    """A Builder of a seed."""
    return Builder


@pytest.fixture(params=range(25))
def report(request: pytest.FixtureRequest) -> Report:
    """A random report."""
    return Builder(request.param).report()

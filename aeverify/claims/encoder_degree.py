"""Encoder degree: how often the encoder wraps a closed curve round a hole of its codes in the plane."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

from aeverify.claims.base import Check, Finding, compact, finite_outputs
from aeverify.claims.encoder_evidence import closed_parts, winding
from aeverify.claims.study import Study
from aeverify.core.claim import Claim, ClaimKind, Premise, Relation
from aeverify.core.evidence import Citation
from aeverify.core.interval import Interval
from aeverify.core.verdict import decide
from aeverify.errors import UsageError
from aeverify.manifolds.base import Manifold


@final
@dataclass(frozen=True)
class EncoderDegree(Check):
    """The codes of every closed curve of K wind `turns` times, up to direction, about the deepest hole among them.

    An embedded closed curve in the plane winds once round each point inside it (Jordan), so a faithful code of two
    numbers has the degree 1, which is the default. A curve that is wrapped twice has a perfect circle for its codes:
    no persistence diagram and no scatter plot of them differs, and yet antipodes share a code. The winding number is an
    integer from certified ranges that keep off the hole's middle; see `measure.winding`.
    """

    claim = Claim(
        id="encoder-degree",
        title="The encoder wraps closed curves the stated number of times",
        kind=ClaimKind.REQUIREMENT,
        statement=(
            "The absolute winding number of the codes of each closed curve of K about the deepest hole among them "
            "equals `turns`."
        ),
        citation=Citation(
            "C. Jordan, Cours d'analyse, 1887; H. Hopf, Compositio Math. 2 (1935)",
            "",
            "a simple closed curve of the plane winds once round the points inside it",
        ),
        quantity="winding_number",
        relation=Relation.EQUAL,
        ledger=("K-22", "K-36"),
    )

    turns: int = dataclasses.field(default=1, metadata={"meaning": "the absolute winding number that is asked for"})

    def __post_init__(self) -> None:
        if self.turns < 0:
            raise UsageError(f"encoder-degree.turns must be 0 or a positive integer, got {self.turns}.")

    def applies(self, manifold: Manifold, latent_dim: int) -> bool:
        """Where K has closed curves and codes have two numbers."""
        return latent_dim == 2 and bool(closed_parts(manifold, 1))

    def premises(self, study: Study) -> Iterator[Premise]:
        """K compact with a closed curve, m = 2; E continuous; finite outputs."""
        yield compact(study)
        yield Premise(
            "loops",
            f"K has closed curves as components, and codes have 2 numbers (here {study.latent_dim}).",
            self.applies(study.manifold, study.latent_dim),
        )
        yield study.continuity()
        yield finite_outputs(study)

    def find(self, study: Study) -> Finding:
        """The winding number of each closed curve; the one that is off, or the weakest, is shown."""
        wanted = Interval.exactly(float(self.turns))
        findings = []
        for i in closed_parts(study.manifold, 1):
            found = winding(study, i)
            outcome = decide(self.claim.relation, found.interval, wanted)
            times = int(found.lower)
            words = f"Component {i} is wrapped {times} {'time' if times == 1 else 'times'} round the hole of its codes."
            findings.append(Finding(outcome, found, wanted, message=words))
        order = ("FAIL", "INCONCLUSIVE", "PASS")
        first = min(findings, key=lambda f: (order.index(f.outcome), f.evidence.rigor.rank))
        rest = tuple(f.evidence for f in findings if f is not first)
        return dataclasses.replace(first, supporting=rest, needed=rest)

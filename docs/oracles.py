"""Write the table of oracles and what each claim says of them: `python docs/oracles.py` makes docs/oracles.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from aeverify.autoencoders.oracles import ORACLES, oracle
from aeverify.claims import Effort
from aeverify.pipeline import check

PAGE = Path(__file__).with_suffix(".md")
SMALL = Effort(samples=2000, draws=5000, homology_samples=100)

CLAIMS = (
    "theorem-1",
    "theorem-2",
    "thick-set",
    "lipschitz-price",
    "latent-topology",
    "paradox",
    "order-preservation",
    "pca-floor",
    "error-bound",
    "mse-floor",
    "retracing",
    "latent-price",
    "latent-separation",
    "injectivity-gap",
    "latent-homology-survives",
    "encoder-degree",
    "even-preimages",
    "encoder-blame",
    "tear-sweep",
    "tear-every-slice",
)
"""Columns of the table, in this order; the first `MAIN` of them stand in the README too."""
MAIN = 6

ROWS = (
    "constant",
    "cut:half_width=0.05",
    "cut:half_width=1e-09",
    "fold:a=3,b=2",
    "double_wrap",
    "identity",
    "spiral_arc",
    "label",
    "cut_two_circles",
    "shift:offset=0.5",
    "collapsed",
    "nan",
    "atan2",
    "interval_exchange",
    "liar_continuity",
    "liar_lipschitz",
    "liar_affine",
    "liar_order",
)

HEAD = """# Oracles

Hand-built autoencoders whose worst error, bad set and latent topology are known exactly, and mutants with one known
defect each. Written by `python docs/oracles.py` (`make docs`), which judges every one by every claim, named, at its
default parameters; the tests hold each outcome to what is expected of it. VACUOUS: a premise does not hold. An oracle
has no layers to enclose, so requirements that only an enclosure could prove come out INCONCLUSIVE.

"""


def table(outcomes: Mapping[str, Sequence[str]], claims: Sequence[str]) -> str:
    """One row an oracle, one column for each of these claims; outcomes are in the order of `CLAIMS`."""
    rows = ["| oracle | what it is | " + " | ".join(claims) + " |", "|---" * (2 + len(claims)) + "|"]
    for spec, found in outcomes.items():
        summary = ORACLES[spec.partition(":")[0]].summary
        chosen = [outcome for name, outcome in zip(CLAIMS, found, strict=True) if name in claims]
        rows.append(f"| `{spec}` | {summary} | " + " | ".join(chosen) + " |")
    return "\n".join(rows)


def outcomes_of(spec: str) -> tuple[str, ...]:
    """What each claim says of one oracle on the set that its truth is about."""
    subject = oracle(spec)
    report = check(subject, subject.truth.manifold, claims=CLAIMS, effort=SMALL)
    return tuple(str(v.outcome) for v in report.verdicts)


def render(outcomes: Mapping[str, Sequence[str]]) -> str:
    """The whole page."""
    return HEAD + table(outcomes, CLAIMS) + "\n"


if __name__ == "__main__":
    PAGE.write_text(render({spec: outcomes_of(spec) for spec in ROWS}), encoding="utf-8")

"""Trend: whether a measured number rises along a row of models (with the weight of a penalty, with the width)."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from aeverify.core.evidence import Evidence, Rigor
from aeverify.core.interval import Interval
from aeverify.errors import UsageError


def kendall_tau(row: Sequence[Evidence]) -> Evidence:
    """Enclosure of Kendall's rank correlation of the true values of a row of enclosed numbers with their order.

    tau = (C - D)/(N (N - 1)/2), where C counts the pairs i < j with a rise, D those with a fall. A pair of disjoint
    intervals is a rise or a fall for certain; of one that is not, nothing is known, and it may count -1, 0 or 1. So tau
    lies within U/(N (N - 1)/2) of the known part, U the number of undecided pairs: 1 exactly where every later interval
    lies above every earlier one.

    Args:
        row: evidence on one quantity of N >= 2 models, in the order in which it should rise.

    Returns:
        Evidence "kendall_tau" in [-1, 1], as rigorous as the weakest of the row; the error probabilities of STATISTICAL
        ones add up (union bound). Small N cannot tell a trend from chance: a row of N models rises with probability
        1/N! where the order does not matter.

    Raises:
        UsageError: fewer than two, or of different quantities.
    """
    if len(row) < 2 or len({e.quantity for e in row}) != 1:
        names = sorted({e.quantity for e in row})
        raise UsageError(f"A trend needs two or more enclosures of one quantity, got {len(row)} of {names}.")
    pairs = list(itertools.combinations(row, 2))
    rises = sum(b.lower > a.upper for a, b in pairs)
    falls = sum(b.upper < a.lower for a, b in pairs)
    undecided, total = len(pairs) - rises - falls, len(pairs)
    rigor = min(e.rigor for e in row)
    missed = sum(1.0 - e.confidence for e in row if e.confidence is not None)
    return Evidence(
        quantity="kendall_tau",
        interval=Interval((rises - falls - undecided) / total, (rises - falls + undecided) / total),
        rigor=rigor,
        method=f"Both ends: of {total} pairs of {len(row)} enclosures of {row[0].quantity}, {rises} rise and {falls} "
        f"fall for certain; the {undecided} others may do either.",
        confidence=max(1.0 - missed, 1e-300) if rigor is Rigor.STATISTICAL else None,
        details={"rises": rises, "falls": falls, "undecided": undecided, "values": [str(e.interval) for e in row]},
    )

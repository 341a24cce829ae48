"""Write the table of the catalog of manifolds: `python docs/manifolds.py` makes docs/manifolds.md."""

from __future__ import annotations

import math
from decimal import ROUND_CEILING, ROUND_FLOOR
from pathlib import Path

from aeverify import widths
from aeverify.core import Interval
from aeverify.core.interval import rounded
from aeverify.manifolds import MANIFOLDS, Manifold, manifold
from aeverify.manifolds.base import INFINITE

PAGE = Path(__file__).with_suffix(".md")
DIGITS = 5
# Widths end in searches, whose last digits are not the same on every machine.
WIDTH_DIGITS = 4
MOST_CODES = 3

HEAD = """# Manifolds

The families of the catalog, each with its examples. Written by `python docs/manifolds.py` (`make docs`) from the
catalog itself; pictures are in the [gallery](gallery.md). `aeverify list manifolds` shows every parameter, and
`aeverify.manifold(spec).truth.sources` where each fact is proved.

A number stands for an enclosure that is narrower than its digits; a wider one is shown as an interval, rounded outward.
Volume is the length of a curve, the area of a surface. The reach of a convex set is infinite. Betti numbers are b_0,
b_1, ... over the rationals, the integers modulo 2 and modulo 3; a set that is not orientable shows the difference.
w_m is the width: no continuous autoencoder with m latent dimensions has a sup error below it, and some come as close
to it as one likes. The methods of its two ends are named in the last column; w_m = 0 from the first m on that is left
out, if it is known to be.

| family | spec | dim | in R^n | kind | volume | reach | Betti numbers over Q; Z/2; Z/3 | widths | methods |
|---|---|---|---|---|---|---|---|---|---|
"""


def number(x: Interval, digits: int = DIGITS) -> str:
    """An enclosure in few digits: a number where it is narrower than they are, else an interval rounded outward."""
    if x == INFINITE:
        return "infinite"
    if x.is_finite and x.width <= 10.0**-digits * abs(x.lower):
        return f"{x.lower / 2 + x.upper / 2:.{digits}g}"
    low = rounded(x.lower, digits, ROUND_FLOOR) if math.isfinite(x.lower) else "-inf"
    return f"[{low}, {rounded(x.upper, digits, ROUND_CEILING)}]" if math.isfinite(x.upper) else f"[{low}, inf)"


def width_cells(k: Manifold) -> tuple[str, str]:
    """The widths w_1, w_2, ... that are not known to vanish, at most three, and how they are found."""
    values, methods = [], []
    for m in range(1, min(k.ambient_dim, MOST_CODES) + 1):
        found = widths.bounds(k, m)
        if found.interval.upper == 0:
            break
        values.append(f"w_{m} = {number(found.interval, WIDTH_DIGITS)}")
        methods.append(f"w_{m}: {found.details['lower']['method']}; {found.details['upper']['method']}")
    return "<br>".join(values) or "w_1 = 0", "<br>".join(methods)


def row(family: str, spec: str) -> str:
    """One line of the table."""
    k = manifold(spec)
    t = k.truth
    kind = [
        "closed" if t.closed else "with boundary",
        "orientable" if t.orientable else "not orientable",
        *([f"{t.components} components"] if t.components > 1 else []),
    ]
    betti = "; ".join(" ".join(map(str, t.betti[field])) if field in t.betti else "-" for field in ("Q", "Z/2", "Z/3"))
    cells = [
        family,
        f"`{spec}`",
        str(t.dimension),
        str(k.ambient_dim),
        ", ".join(kind),
        number(t.volume),
        number(t.reach),
        betti,
        *width_cells(k),
    ]
    return f"| {' | '.join(c.replace('|', '/') for c in cells)} |"


def render() -> str:
    """The whole page."""
    rows = [row(name, spec) for name, entry in sorted(MANIFOLDS.items()) for spec in entry.examples]
    return HEAD + "\n".join(rows) + "\n"


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")

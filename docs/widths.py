"""Write the table of widths: `python docs/widths.py` makes docs/widths.md (a minute on one core)."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from aeverify.manifolds import Manifold, manifold
from aeverify.reporting.wording import brief_interval_text
from aeverify.widths import bounds, catalog

PAGE = Path(__file__).with_suffix(".md")
DUMBBELL = "fourier:cosine=[[2,0]],sine=[[0,0.6],[0,0],[0,0.25]]"
CYLINDER = 'product:factors=["segment:length=1,ambient_dim=1","ball:dim=2,radius=1"]'

# Set, the latent dimensions of interest, and the exact widths where they are proved ("?" where they are not).
ROWS: tuple[tuple[str, str, tuple[tuple[int, str], ...]], ...] = (
    ("sphere", "sphere:dim=2,radius=1", ((1, "1"), (2, "1"), (3, "0"))),
    ("ellipsoid", "ellipsoid:axes=[3,2,1]", ((1, "2"), (2, "1"), (3, "0"))),
    ("torus, fat", "torus:R=1,r=0.7", ((1, "R + r = 1.7"), (2, "r = 0.7"), (3, "0"))),
    ("Clifford torus", "clifford:r1=0.6,r2=1.1", ((1, "(r1^2 + r2^2)^(1/2) = 1.25300"), (2, "0.6"), (3, "0"))),
    ("Klein bottle", "klein:R=1,r=0.7", ((1, "1.7"), (2, "0.7"), (3, "0.7"), (4, "0"))),
    ("projective plane in R^4", "projective_plane", ((1, "1"), (2, "1/2"), (3, "1/2"), (4, "0"))),
    ("Veronese surface", "veronese", ((1, "?"), (2, "?"), (3, "1/2^(1/2) = 0.707107"), (4, "0"))),
    ("two linked circles", "two_circles", ((1, "1"), (2, "0"))),
    ("Moebius band", "moebius:R=1,h=0.4", ((1, "?"), (2, "h = 0.4"), (3, "0"))),
    ("Moebius band, wide", "moebius:R=1,h=0.48", ((2, "?"),)),
    ("Moebius band, very wide", "moebius:R=1,h=0.7", ((2, "?"),)),
    ("triod", "triod:legs=[1,1,1]", ((1, "1/2"), (2, "0"))),
    ("cylinder, full", CYLINDER, ((1, "1"), (2, "1/2"), (3, "0"))),
    ("ellipse", "ellipse:a=4,b=1", ((1, "1"),)),
    ("curve of constant width", "reuleaux:width=1,sides=3,sharpness=0.9", ((1, "1/2"),)),
    ("1 + 0.3 cos 3t", "star:a=0.3,k=3,radius=1", ((1, "?"),)),
    ("dumbbell", DUMBBELL, ((1, "?"),)),
    ("random curve in R^3", "fourier:seed=0,degree=3,ambient_dim=3,decay=2", ((1, "?"),)),
    ("pictures of a bar in R^64", "rotating_bar:pixels=8,width=0.3", ((1, "?"),)),
    ("trefoil", "trefoil", ((1, "?"),)),
    ("torus knot (2, 3)", "torus_knot:p=2,q=3,R=2,r=1", ((1, "?"),)),
    ("torus knot (2, 5)", "torus_knot:p=2,q=5,R=3,r=1", ((1, "?"),)),
    ("genus 2", "genus2:c=0.1", ((1, "?"), (2, "0.1"), (3, "0"))),
    ("Swiss roll", "swiss_roll:start=0.75,end=2.25,width=21", ((1, "?"), (2, "0"))),
)

HEAD = """# Widths

The width w_m(K) is the least worst error that autoencoders with m latent dimensions can have on K: the infimum of
sup |D(E(x)) - x| over x in K, over all continuous E: R^n -> R^m and D: R^m -> R^n (the manifold width of DeVore, Howard
and Micchelli 1989, of a subset of Euclidean space). `aeverify.widths.bounds(K, m)` encloses it, and
`aeverify width K --latent-dim m --explain` prints every bound with its method, proof and witness.

Written by `python docs/widths.py`. Intervals are certified, rounding included, and printed rounded outward; a single
number is exact, or a few units in the last place wide. "?" means that no closed form is known to us; "reach" is the
lower bound of Kvalheim and Sontag 2024, Theorems 1 and 3, alone. Seconds are those of one core of an AMD EPYC with
AVX-512, at default effort, without the facts of the set itself.

## Methods

| side | method | what it uses |
|---|---|---|
| lower | reach | cohomology in degree m or more, and the reach of the component |
| lower | antipodes, of a subsphere too | Borsuk and Ulam: antipodes share a code |
| lower | minimal width | convex bodies: opposite boundary points share a code |
| lower | swap path | two points that change places share a code on the way (m = 1; closed curves, loops on surfaces) |
| lower | triod | the same on three legs: no homology, yet not a line |
| lower | a drawn K_{3,3} | van Kampen and Flores: two disjoint edges share a code (m = 2) |
| lower | winding number, linking number, inradius | points, lines, loops that K winds around, at a certified distance |
| lower | persistence | homology of a dense sample, born within the reach |
| lower | first Steenrod square, reach of a manifold that is not orientable | one latent dimension more, over Z/2 |
| upper | centre | the constant decoder: the circumradius |
| upper | truncation, linear truncation | what PCA does, with the residual enclosed |
| upper | fold map | a closed curve folded flat: half the Frechet distance of two arcs (m = 1) |
| upper | cut map | a closed curve cut at a point: the eccentricity, with as small a bad set as one likes |
| upper | collapse | circles, rungs or legs collapse to their centres |
| upper | embedding | K embeds in R^m: no error |
| upper | a model | the certified sup error of any autoencoder that you have |

## Table

| set | spec | m | w_m | bounds found | gap | lower end by | upper end by | reach | s |
|---|---|---|---|---|---|---|---|---|---|
"""


def forget() -> None:
    """Drop what is remembered, so that the seconds of a row are its own."""
    for name in dir(catalog):
        clear = getattr(getattr(catalog, name), "cache_clear", None)
        if clear is not None:
            clear()


def row(name: str, k: Manifold, m: int, exact: str) -> str:
    """One line of the table."""
    forget()
    start = time.process_time()
    found = bounds(k, m)
    seconds = time.process_time() - start
    x, details = found.interval, found.details
    gap = "0" if x.width <= 1e-14 * max(x.upper, 1e-300) else f"{x.width / x.upper:.1g}"
    reach: Any = details["reach"]
    cells = [
        name,
        f"`{k}`",
        str(m),
        exact,
        f"{x.lower:.9g}" if gap == "0" else brief_interval_text(x),
        gap,
        details["lower"]["method"] if x.upper > 0 else "",
        details["upper"]["method"],
        "" if reach is None or x.upper == 0 else f"{reach:.5g}",
        f"{seconds:.1f}",
    ]
    return f"| {' | '.join(cells)} |"


def render() -> str:
    """The whole page."""
    rows = []
    for name, spec, entries in ROWS:
        k = manifold(spec)
        for part in (k, *k.components):
            _ = part.truth
        rows += [row(name, k, m, exact) for m, exact in entries]
    return HEAD + "\n".join(rows) + "\n"


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")

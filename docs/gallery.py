"""Draw one picture a family of manifolds: `python docs/gallery.py` makes docs/gallery/*.svg and docs/gallery.md.

A curve is drawn as a line that passes over what lies behind it, a surface as shaded cells of its chart from back to
front, a set of higher dimension as points of a sample. Sets of R^n, n > 3, are projected to the three principal axes
of their points; the page says so. Lines and numbers are rounded so that each picture stays below 60 kB.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aeverify.manifolds import MANIFOLDS, Manifold, manifold

HERE = Path(__file__).parent
PAGE = HERE / "gallery.md"
FOLDER = HERE / "gallery"
# The viewBox is in tenths of a pixel, so that coordinates are short whole numbers.
SIZE, MARGIN = 3200, 160
# Colour-blind safe: one a component.
COLORS = ((0, 114, 178), (213, 94, 0), (0, 158, 115), (204, 121, 167))
CURVE, CELLS, POINTS = 240, 640, 700
# Seen from above and from the side, as mathematicians draw tori.
TURN, TILT = math.radians(30), math.radians(32)

Array = NDArray[np.float64]


def projection(k: Manifold) -> tuple[Array, Array, str]:
    """Origin and three axes (rows) of the projection, the last one toward the reader, and what it is in words."""
    n = k.ambient_dim
    if n <= 3:
        frame = np.eye(3)[:, :n]
        words = f"in R^{n}"
    else:
        x = k.sample(2000, 0).points
        axes = np.linalg.svd(x - x.mean(axis=0), full_matrices=False)[2][:3]
        signs = np.array([math.copysign(1.0, row[int(np.abs(row).argmax())]) for row in axes])
        frame = axes * signs[:, None]
        words = f"in R^{n}, projected to its three principal axes"
    if n == 2:
        return np.zeros(2), frame, words
    c, s = math.cos(TURN), math.sin(TURN)
    a, b = math.cos(TILT), math.sin(TILT)
    # Right, up, toward the reader.
    view = np.array([[c, s, 0.0], [-s * b, c * b, a], [s * a, -c * a, b]])
    return np.zeros(n), view @ frame, words


def to_page(k: Manifold, axes: Array) -> tuple[Array, float]:
    """Middle of the picture in the projection's plane, and pixels a unit of length."""
    x = np.concatenate([part.grid(400).points for part in k.components]) @ axes.T
    low, high = x[:, :2].min(axis=0), x[:, :2].max(axis=0)
    side = float((high - low).max())
    return (low + high) / 2, (SIZE - 2 * MARGIN) / (side if side > 0 else 1.0)


def shade(color: tuple[int, int, int], light: float) -> str:
    """The colour between a dark tone (0) and a light one (1), in 12 steps."""
    t = round(min(1.0, max(0.0, light)) * 12) / 12
    mixed = [round(v * (0.45 + 0.55 * t) + (255 - v) * 0.55 * t**2) for v in color]
    return "#" + "".join(f"{v:02x}" for v in mixed)


def draw(k: Manifold) -> tuple[str, str]:
    """The picture of a set as SVG, and what is seen in words."""
    _, axes, words = projection(k)
    middle, scale = to_page(k, axes)

    def flat(points: Array) -> tuple[Array, Array]:
        y = points @ axes.T
        page = np.empty((len(y), 2))
        page[:, 0] = SIZE / 2 + (y[:, 0] - middle[0]) * scale
        page[:, 1] = SIZE / 2 - (y[:, 1] - middle[1]) * scale
        return page, y[:, 2] if y.shape[1] > 2 else np.zeros(len(y))

    pieces: list[tuple[float, str]] = []
    for i, part in enumerate(k.components):
        color = COLORS[i % len(COLORS) if k.truth.components > 1 else 0]
        if part.chart.dim == 1:
            pieces += curve(part, flat, color)
        elif part.chart.dim == 2:
            pieces += surface(part, flat, color, axes, CELLS // len(k.components))
        else:
            pieces += cloud(part, flat, color)
            words += f"; {POINTS} points of a sample"
    pieces.sort(key=lambda p: p[0])
    body = "".join(text for _, text in pieces)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SIZE} {SIZE}" width="{SIZE // 10}" '
        f'height="{SIZE // 10}" role="img"><rect width="{SIZE}" height="{SIZE}" fill="#fff"/>'
        '<g stroke="#fff" stroke-width="4" stroke-linecap="round" stroke-linejoin="round">'
    )
    return f"{head}{body}</g></svg>\n", words


def path(points: Array) -> str:
    """Line through points, in steps."""
    whole = np.round(points).astype(int)
    steps = "".join(f"l{x} {y}" for x, y in np.diff(whole, axis=0))
    return f"M{whole[0, 0]} {whole[0, 1]}{steps}"


def curve(part: Manifold, flat, color) -> list[tuple[float, str]]:  # type: ignore[no-untyped-def]
    """Pieces of three steps, each with a white edge that hides what it passes over."""
    low, high = part.chart.lower[0], part.chart.upper[0]
    u = np.linspace(low, high, CURVE + 1)[:, None]
    page, depth = flat(part.chart.embed(u))
    spread = float(np.ptp(depth)) or 1.0
    out = []
    for start in range(0, CURVE, 3):
        line, z = path(page[start : start + 4]), float(depth[start : start + 4].mean())
        tone = shade(color, 0.5 - 0.4 * (z - float(depth.min())) / spread)
        out.append((z - 1e-3 * spread, f'<path d="{line}" fill="none" stroke-width="70" stroke-linecap="butt"/>'))
        out.append((z, f'<path d="{line}" fill="none" stroke="{tone}" stroke-width="30"/>'))
    return out


def surface(part: Manifold, flat, color, axes: Array, cells: int) -> list[tuple[float, str]]:  # type: ignore[no-untyped-def]
    """Cells of the chart, lighter the more they face the reader."""
    chart = part.chart
    extents = [s * (b - a) for s, a, b in zip(chart.speed, chart.lower, chart.upper, strict=True)]
    ratio = min(3.0, max(1 / 3, extents[0] / extents[1]))
    counts = [max(8, round(math.sqrt(cells * ratio))), max(8, round(math.sqrt(cells / ratio)))]
    ticks = [np.linspace(a, b, n + 1) for a, b, n in zip(chart.lower, chart.upper, counts, strict=True)]
    u = np.stack(np.meshgrid(*ticks, indexing="ij"), axis=-1)
    page, depth = flat(chart.embed(u.reshape(-1, 2)))
    page, depth = page.reshape(*u.shape[:2], 2), depth.reshape(u.shape[:2])
    middles = np.stack(np.meshgrid(*[(t[1:] + t[:-1]) / 2 for t in ticks], indexing="ij"), axis=-1)
    tangents = np.einsum("ij,njk->nik", axes, chart.jacobian(middles.reshape(-1, 2)))
    normal = np.cross(tangents[:, :, 0], tangents[:, :, 1]) if len(axes) == 3 and tangents.shape[1] == 3 else None
    facing = np.ones(len(tangents))
    if normal is not None:
        facing = np.abs(normal[:, 2]) / np.maximum(np.linalg.norm(normal, axis=1), 1e-300)
    facing = facing.reshape(middles.shape[:2])
    out = []
    for i in range(counts[0]):
        for j in range(counts[1]):
            corners = page[[i, i + 1, i + 1, i], [j, j, j + 1, j + 1]]
            z = float(depth[i : i + 2, j : j + 2].mean())
            tone = shade(color, 0.15 + 0.75 * float(facing[i, j]))
            out.append((z, f'<path d="{path(corners)}z" fill="{tone}"/>'))
    return out


def cloud(part: Manifold, flat, color) -> list[tuple[float, str]]:  # type: ignore[no-untyped-def]
    """Points of a sample, nearer ones larger and darker."""
    page, depth = flat(part.sample(POINTS, 0).points)
    near = (depth - depth.min()) / (float(np.ptp(depth)) or 1.0)
    out = []
    for (x, y), z, t in zip(np.round(page).astype(int), depth, near, strict=True):
        tone = shade(color, 0.8 - 0.6 * float(t))
        out.append((float(z), f'<circle cx="{x}" cy="{y}" r="{round(14 + 14 * t)}" fill="{tone}"/>'))
    return out


def render() -> tuple[str, dict[str, str]]:
    """The page, and the picture of each family by name."""
    lines = [
        "# Gallery",
        "",
        "One picture a family of the [catalog](manifolds.md), drawn by `python docs/gallery.py` (`make docs`).",
        "",
    ]
    pictures = {}
    for name, entry in sorted(MANIFOLDS.items()):
        k = manifold(entry.examples[0])
        pictures[name], words = draw(k)
        lines += [f"## {name}", "", f"![{entry.summary}](gallery/{name}.svg)", ""]
        lines += [f"`{k}`: {entry.summary}. Dimension {k.truth.dimension}, {words}.", ""]
    return "\n".join(lines).rstrip("\n") + "\n", pictures


if __name__ == "__main__":
    page, pictures = render()
    FOLDER.mkdir(exist_ok=True)
    for stale in FOLDER.glob("*.svg"):
        stale.unlink()
    for name, picture in pictures.items():
        (FOLDER / f"{name}.svg").write_text(picture, encoding="utf-8")
    PAGE.write_text(page, encoding="utf-8")

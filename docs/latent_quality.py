"""Write the two tables of docs/latent_quality.md: `python docs/latent_quality.py`. About 10 seconds of one core."""

from __future__ import annotations

import math
import re
from pathlib import Path

from aeverify import measure
from aeverify.autoencoders.oracles import oracle
from aeverify.manifolds import manifold
from aeverify.measure.latent_quality import SCORES, Score

PAGE = Path(__file__).with_suffix(".md")
MODELS = ("identity", "cut:half_width=0.0005", "cut:half_width=0.05", "double_wrap", "constant")


def _end(value: float) -> str:
    return "∞" if math.isinf(value) else f"{value:g}"


def _range(score: Score) -> str:
    return f"[{_end(score.lowest)}, {_end(score.highest)}{')' if math.isinf(score.highest) else ']'}"


def described() -> str:
    """The table of all scores."""
    lines = [
        "| score | what it is | range | better | needs | of each point | over K | source |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for s in SCORES.values():
        over = "enclosed" if s.over_set else ""
        if s.pointwise and not s.mean:
            over = "share, worst"
        cells = (f"`{s.name}`", s.meaning, _range(s), s.better or "neither", s.premise, "yes" if s.pointwise else "")
        lines.append(f"| {' | '.join((*cells, over, s.citation.source))} |")
    return "\n".join(lines)


def torn() -> str:
    """Means and worst points of models of the circle, side by side."""
    lines = [
        "| model | trustworthiness | its worst point | continuity | its worst point | Q_NX(10) | stress, scale-free | "
        "share of K with continuity below 0.9 |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for spec in MODELS:
        found = measure.latent_quality(oracle(spec), manifold("circle"), draws=0)
        missed = measure.missed_share(oracle(spec), manifold("circle"), "continuity", 0.9, draws=20_000)
        cells = []
        for name in ("trustworthiness", "continuity"):
            cells += [f"{found.scores[name]:.5f}", f"{found.worst_of(name)[0].value:.2f}"]
        cells += [f"{found.scores[name]:.3f}" for name in ("neighbours_kept", "scale_free_stress")]
        lines.append(f"| `{spec}` | {' | '.join(cells)} | [{missed.lower:.4f}, {missed.upper:.4f}] |")
    return "\n".join(lines)


def written(page: str) -> str:
    """The page with both tables written anew."""
    for name, table in (("scores", described()), ("torn", torn())):
        pattern = re.compile(rf"(<!-- {name} -->\n).*?(\n<!-- /{name} -->)", re.S)
        page = pattern.sub(lambda m, table=table: f"{m[1]}{table}{m[2]}", page)
    return page


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")

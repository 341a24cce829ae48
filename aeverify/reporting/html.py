"""The HTML form: one file that works from disk, offline, without any other.

Everything from outside is escaped by the template engine; figures travel as JSON data, not as code; a content security
policy lets nothing run but the two scripts written here (by their hashes), and nothing be fetched. Without JavaScript
or WebGL the static drawings stay.
"""

from __future__ import annotations

import base64
import hashlib
from importlib import resources
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from aeverify.core import Interval, Outcome, Plot, Report, Verdict
from aeverify.reporting import wording
from aeverify.reporting.escaping import plain, script_json, shortened
from aeverify.reporting.plots import INK, PALETTE, drawing, figure
from aeverify.reporting.svg import color_class, interval_bar, scale_of, static_figure

_LONG_CELL = 160
_TEMPLATES = resources.files("aeverify.reporting") / "templates"


def render_html(report: Report, *, plotly_js: str | None = None) -> str:
    """One self-contained HTML document (about 5 MB, nearly all of it plotly.js, which is left out where the report
    has no figure).

    Args:
        report: what to show.
        plotly_js: another plotly.js than the installed one; a test's stand-in.
    """
    library = get_plotlyjs() if report.plots and plotly_js is None else plotly_js or ""
    figures = [library, _template("figures.js")] if report.plots else []
    scripts = [*figures, _template("page.js")]
    scales = _scales(report)
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_shown,
    )
    environment.globals.update(
        wording=wording,
        bar=lambda verdict: Markup(interval_bar(verdict, scales.get(_axis(verdict), (0.0, 1.0)))),
        multiline=lambda text: Markup.escape(plain(text, keep_newlines=True)),
        PASS=Outcome.PASS,
    )
    environment.filters["short"] = lambda text: shortened(plain(str(text)), _LONG_CELL)
    return environment.from_string(_template("report.html.j2")).render(
        report=report,
        css=Markup(_template("report.css") + _palette()),
        scripts=[Markup(s) for s in scripts],
        policy=f"default-src 'none'; style-src 'unsafe-inline'; img-src data: blob:; "
        f"script-src {' '.join(_hash(s) for s in scripts)}; base-uri 'none'; form-action 'none'",
        figures=[_figure(plot) for plot in report.plots],
    )


def _template(name: str) -> str:
    return (_TEMPLATES / name).read_text(encoding="utf-8")


def _shown(value: Any) -> Any:
    """What an expression of the template writes: Markup as it is, everything else with no character that acts."""
    return value if isinstance(value, Markup) else plain(str(value))


def _hash(script: str) -> str:
    """The source expression by which a content security policy admits one inline script."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def _palette() -> str:
    classes = [*((color_class(c), c) for c in PALETTE), (color_class(INK), INK)]
    return "".join(f".{name} {{ --series: {color}; }}\n" for name, color in classes)


def _axis(verdict: Verdict) -> tuple[str, str]:
    """Verdicts of one claim on one quantity share an axis."""
    return verdict.claim.id, verdict.evidence.quantity if verdict.evidence else ""


def _scales(report: Report) -> dict[tuple[str, str], tuple[float, float]]:
    intervals: dict[tuple[str, str], list[Interval]] = {}
    for v in report.verdicts:
        if v.evidence:
            found = intervals.setdefault(_axis(v), [])
            found += [v.evidence.interval] if v.threshold is None else [v.evidence.interval, v.threshold]
    return {axis: scale_of(found) for axis, found in intervals.items()}


def _figure(plot: Plot) -> dict[str, Any]:
    d = drawing(plot)
    return {
        "plot": plot,
        "solid": len(plot.axes) == 3,
        "static": Markup(static_figure(d)),
        "legend": [
            (color_class(layer.color), layer.style, layer.name) for layer in d.layers if layer.name and not d.rows
        ],
        "undrawn": d.undrawn,
        "json": Markup(script_json(figure(plot).to_json(engine="json"))),
    }

"""The HTML form: one page that works from disk, offline, and without any other file.

Everything from outside is escaped by the template engine; figures travel as JSON data, not as code; a content security
policy lets nothing run but the scripts written here (by their hashes) and what these load, and nothing be fetched. The
scripts switch between views, filter, sort and copy; without them all views stand one below the other. plotly.js alone
is a file of its own, beside the page or one folder above it, where several reports share it; without it, or without
WebGL, the static drawings stay.
"""

from __future__ import annotations

import base64
import hashlib
import json
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from aeverify.core import Outcome, Report, Rigor
from aeverify.reporting import intervals, theme, wording
from aeverify.reporting.escaping import plain, script_json, shortened
from aeverify.reporting.pages import claim_pages
from aeverify.reporting.plots import INK, PALETTE, Drawing, drawing, figure
from aeverify.reporting.svg import color_class, static_figure

_TEMPLATES = resources.files("aeverify.reporting") / "templates"
_LONG_CELL = 160
_BRIEF = 90
_LONG_HEADING = 600
_LONG_TEXT = 4_000
_PICTURE_WIDTH = 440

_environment = Environment(
    loader=PackageLoader("aeverify.reporting"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
    finalize=lambda value: _shown(value),
)


def render_html(report: Report, *, library: str | None = None) -> str:
    """One HTML document, complete but for plotly.js, which `library_script` gives.

    Args:
        report: what to show.
        library: file name of plotly.js; that of the installed one where it is not given.
    """
    scripts = [_source("page.js"), *([_source("figures.js")] if report.plots else [])]
    head = _source("head.js")
    hashes = " ".join(_hash(s) for s in (head, *scripts))
    pages = claim_pages(report)
    return _environment.get_template("report.html.j2").render(
        report=report,
        pages=pages,
        entries=sorted((e for page in pages for e in page.entries), key=lambda e: e.number),
        subjects={name: i for i, name in enumerate(dict.fromkeys(v.subject for v in report.verdicts), start=1)},
        rigors=[r for r in Rigor if any(v.rigor is r for v in report.verdicts)],
        css=Markup(theme.stylesheet() + _source("report.css") + _palette()),
        head=Markup(head),
        scripts=[Markup(s) for s in scripts],
        # What an admitted script inserts may run ('strict-dynamic'), which is how plotly.js is let in: no address has
        # to be trusted, and a script element that somebody wrote into the page stays dead.
        policy=f"default-src 'none'; script-src 'strict-dynamic' {hashes}; style-src 'unsafe-inline'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'",
        library=(library or library_name()) if report.plots else "",
        figures=[
            {**_picture(d), "json": Markup(script_json(json.dumps(figure(d), allow_nan=False)))}
            for d in map(drawing, report.plots)
        ],
        wording=wording,
        Outcome=Outcome,
        bar=lambda entry: Markup(intervals.bar(entry.verdict, entry.axis)),
        strip=lambda row, axis: Markup(intervals.strip(row.interval, axis, row.threshold, row.relation)),
        scale=lambda axis: Markup(intervals.scale(axis)),
    )


def library_name() -> str:
    """File name of plotly.js; it has the version in it, so that reports of different versions can stand together."""
    from plotly.offline import get_plotlyjs_version

    return f"plotly-{get_plotlyjs_version()}.min.js"


def library_script() -> str:
    """plotly.js itself, about 5 MB."""
    from plotly.offline import get_plotlyjs

    return str(get_plotlyjs())


def _source(name: str) -> str:
    return (_TEMPLATES / name).read_text(encoding="utf-8")


def _shown(value: Any) -> Any:
    """What an expression of the template writes: Markup as it is, everything else with no character that acts, and cut
    off visibly where it is so long that a reader would have to search for the rest of the page."""
    return value if isinstance(value, Markup) else plain(shortened(str(value), _LONG_TEXT))


def _cut(value: object, limit: int) -> str:
    return plain(shortened(str(value), limit))


def _brief(value: str) -> str:
    """The beginning of a text that stands in full elsewhere on the page."""
    text = plain(value[: 2 * _BRIEF])
    return text if len(text) <= _BRIEF else f"{text[:_BRIEF].rsplit(' ', 1)[0]}…"


def _multiline(value: str) -> Markup:
    return Markup.escape(plain(shortened(value, _LONG_TEXT), keep_newlines=True))


def _picture_of(d: Drawing) -> dict[str, Any]:
    return _picture(d, _PICTURE_WIDTH)


_environment.filters.update(
    short=lambda text: _cut(text, _LONG_CELL),
    heading=lambda text: _cut(text, _LONG_HEADING),
    multiline=_multiline,
    brief=_brief,
    long=lambda text: len(text) > _LONG_TEXT,
    picture=_picture_of,
)


def _hash(script: str) -> str:
    """The source expression by which a content security policy admits one inline script."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def _palette() -> str:
    classes = [*((color_class(c), c) for c in PALETTE), (color_class(INK), INK)]
    return "".join(f".{name} {{ --series: {color}; }}\n" for name, color in classes)


def _picture(d: Drawing, width: int = 640) -> dict[str, Any]:
    return {
        "plot": d.plot,
        "solid": len(d.plot.axes) == 3,
        "static": Markup(static_figure(d, width)),
        "legend": [
            (color_class(layer.color), layer.style, layer.name) for layer in d.layers if layer.name and not d.rows
        ],
        "undrawn": d.undrawn,
    }

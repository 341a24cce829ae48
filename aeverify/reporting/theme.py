"""The colours of the page in light and in dark, on screen and on paper.

Text has a contrast of at least 4.5 against every surface that it stands on, and what is drawn at least 3 (WCAG 2, AA);
a test computes both. No colour carries a meaning alone: outcomes have a word and a shape, sides of a threshold a hatch.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

SURFACES = ("page", "raised")
"""What text stands on; `page` is also the text of a filled badge."""
TEXTS = ("text", "minor", "link", "pass", "fail", "inconclusive", "vacuous", "error")
DRAWN = ("bar", "threshold", "focus", "control")
FILLED = ("fail", "error")
"""Outcomes whose badge is filled: its word has the colour of the page."""

LIGHT: Mapping[str, str] = MappingProxyType(
    {
        "page": "#ffffff",
        "raised": "#f4f6f8",
        "text": "#1a1d21",
        "minor": "#525962",
        "line": "#d5d9de",
        "link": "#1558a8",
        "focus": "#1558a8",
        "control": "#7d8590",
        "pass": "#176638",
        "fail": "#b3261e",
        "inconclusive": "#805300",
        "vacuous": "#4a5a8c",
        "error": "#8a2a86",
        "claimed": "#dcefe3",
        "hatch": "#8fbfa2",
        "bar": "#3b4754",
        "threshold": "#b3261e",
    }
)
DARK: Mapping[str, str] = MappingProxyType(
    {
        "page": "#15181c",
        "raised": "#1e2227",
        "text": "#e6e8eb",
        "minor": "#a9b0b9",
        "line": "#363c44",
        "link": "#8ab8f0",
        "focus": "#8ab8f0",
        "control": "#757d88",
        "pass": "#6fcf97",
        "fail": "#ff8a80",
        "inconclusive": "#f0b954",
        "vacuous": "#a9b8f0",
        "error": "#e79be3",
        "claimed": "#1d3327",
        "hatch": "#3f6f54",
        "bar": "#c3cad3",
        "threshold": "#ff8a80",
    }
)
PAPER: Mapping[str, str] = MappingProxyType(
    {**LIGHT, "raised": "#ffffff", "text": "#000000", "minor": "#444444", "line": "#bbbbbb", "link": "#000000"}
)


def stylesheet() -> str:
    """Custom properties of both themes: the reader's system chooses, the page's switch overrides it, and paper is
    light whatever was chosen."""
    dark = f"color-scheme: dark; {_properties(DARK)}"
    return "\n".join(
        [
            f":root {{ color-scheme: light; {_properties(LIGHT)} }}",
            f'@media (prefers-color-scheme: dark) {{ :root:not([data-theme="light"]) {{ {dark} }} }}',
            f':root[data-theme="dark"] {{ {dark} }}',
            f"@media print {{ :root:root:root {{ color-scheme: light; {_properties(PAPER)} }} }}",
            "",
        ]
    )


def _properties(colors: Mapping[str, str]) -> str:
    return " ".join(f"--{name}: {color};" for name, color in colors.items())

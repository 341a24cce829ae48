"""The JSON form: everything that the report holds, deterministic to the byte."""

from __future__ import annotations

import json
from typing import Any

from aeverify.core import Report
from aeverify.reporting.escaping import json_value


def to_plain(report: Report) -> dict[str, Any]:
    """`report.to_dict()` with nothing in it but JSON values: see `json_value` for what becomes of other numbers.

    Raises:
        InvariantError: a detail is of a type that JSON does not have, or an Interval or figure is NaN.
    """
    plain: dict[str, Any] = json_value(report.to_dict(), "report")
    return plain


def render_json(report: Report) -> str:
    """One JSON document; below the top, keys in the order of the report, so that one that is read back is shown alike;
    one line a value (one line a plot), ASCII only, so that no terminal acts on it. Infinite numbers are the strings
    "inf" and "-inf"; NaN never occurs, and a gap in a curve is null.

    Raises:
        InvariantError: as `to_plain`.
    """
    plain = to_plain(report)
    entries = []
    for key in sorted(plain):
        if key == "plots" and plain[key]:
            value = "[\n" + ",\n".join(f"  {_dumps(plot)}" for plot in plain[key]) + "\n ]"
        else:
            value = _dumps(plain[key], indent=1).replace("\n", "\n ")
        entries.append(f' "{key}": {value}')
    return "{\n" + ",\n".join(entries) + "\n}\n"


def _dumps(value: Any, indent: int | None = None) -> str:
    return json.dumps(value, indent=indent, ensure_ascii=True, allow_nan=False)

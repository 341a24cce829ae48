"""What each format must not see raw: every string of a report may come from outside, and none may act.

`plain` is the first step of every format but JSON: it makes characters visible that are invisible or that act on
terminals, parsers and readers. The second step is the format's own escaping.
"""

from __future__ import annotations

import math
import re
import shlex
import unicodedata
from collections.abc import Mapping
from typing import Any

from aeverify.errors import InvariantError

# C0 and C1 controls and DEL act on terminals (ANSI sequences) and are invalid in XML; lone surrogates cannot be
# written as UTF-8; U+FFFE and U+FFFF are no characters; embedding, override and direction marks reorder what a reader
# sees, and what has no width at all makes two names look like one (joiners, which scripts and emoji need, stay).
_UNSAFE = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\xad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff"
    "\ufff9-\ufffb\ufffe\uffff\U000e0000-\U000e007f]"
)
_MARKDOWN = re.compile(r"([\\`*_\[\]|~$])")
# What opens a list, a heading, a quotation or a rule where a line begins with it.
_MARKDOWN_BLOCK = re.compile(r"^([-+=#>]|\d+[.)](?=\s|$))")
MAX_DEPTH = 40
_LONG_LABEL = 400
_SURROGATE = re.compile("[\ud800-\udfff]")


def plain(text: str, *, keep_newlines: bool = False) -> str:
    """`text` with what is invisible or acts written as a visible escape (`\\x1b`); newlines are spaces unless kept."""
    text = text.replace("\r\n", "\n").replace("\t", " ")
    if not keep_newlines:
        text = text.replace("\n", " ")
    return _UNSAFE.sub(lambda m: _visible(ord(m[0])), text)


def _visible(code: int) -> str:
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def shortened(text: str, limit: int) -> str:
    """At most `limit` characters of `text`, and how many were left out."""
    return text if len(text) <= limit else f"{text[:limit]}... ({len(text) - limit} characters more in report.json)"


def markdown(text: str) -> str:
    """One line of Markdown that shows `text` and nothing else: no emphasis, link, table cell, HTML or mathematics."""
    text = plain(text).strip().replace("&", "&amp;").replace("<", "&lt;")
    return _MARKDOWN_BLOCK.sub(lambda m: f"{m[1][:-1]}\\{m[1][-1]}", _MARKDOWN.sub(r"\\\1", text))


def markdown_code(text: str) -> str:
    """A fenced block whose fence is longer than any run of backticks in `text`."""
    text = plain(text, keep_newlines=True)
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall(r"`+", text)), default=0))
    return f"{fence}sh\n{text}\n{fence}"


def plotly_label(text: str) -> str:
    """`text` for plotly, whose labels understand a dialect of HTML (`<b>`, `<a href>`) and entities; cut off visibly
    where no figure has room for it."""
    return plain(shortened(text, _LONG_LABEL)).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def script_json(text: str) -> str:
    """JSON text that may stand in an HTML script element: neither `</script>` nor `<!--` can occur in it."""
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def columns(text: str) -> int:
    """How many terminal columns `text` takes: wide East Asian characters take two, combining ones none."""
    return sum(_columns(c) for c in text)


def _columns(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def fitted(text: str, width: int) -> str:
    """`text` padded or cut ("...") to exactly `width` terminal columns."""
    taken = columns(text)
    if taken > width:
        end, used = 0, 0
        while used + _columns(text[end]) <= width - 3:
            used += _columns(text[end])
            end += 1
        text = text[:end] + "..."[: width - used]
        taken = columns(text)
    return text + " " * (width - taken)


def wrapped(text: str, width: int) -> list[str]:
    """`text` in lines of at most `width` terminal columns, broken at spaces where that is possible."""
    lines: list[str] = []
    line = ""
    for word in text.split():
        while columns(word) > width:
            if line:
                lines.append(line)
                line = ""
            end, used = 0, 0
            while end < len(word) and used + _columns(word[end]) <= width:
                used += _columns(word[end])
                end += 1
            lines.append(word[:end])
            word = word[end:]
        if line and columns(line) + 1 + columns(word) > width:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}" if line else word
    return [*lines, line] if line else lines


def continued(command: str, width: int) -> list[str] | None:
    """A shell command in lines of at most `width` columns, broken between words by a backslash, so that pasting it
    runs it; None where no such lines exist (a word that is too long, not a shell command, or characters that act)."""
    if plain(command) != command:
        return None
    if columns(command) <= width:
        return [command]
    try:
        words = [shlex.quote(w) for w in shlex.split(command)]
    except ValueError:
        return None
    lines: list[str] = []
    for word in words:
        if lines and columns(lines[-1]) + columns(word) + 3 <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(f"  {word}" if lines else word)
        if columns(lines[-1]) + 2 > width:
            return None
    return [*(f"{line} \\" for line in lines[:-1]), lines[-1]]


def json_value(value: Any, where: str, depth: int = 0) -> Any:
    """`value` as JSON can hold it: tuples are lists, numpy scalars numbers, infinities "inf" and "-inf", NaN (no
    number) null, a lone surrogate U+FFFD; keys are strings.

    Raises:
        InvariantError: a value of another type, or nested deeper than `read_report` reads; `where` names it.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        if math.isnan(value):
            return None
        return float(value) if math.isfinite(value) else ("inf" if value > 0 else "-inf")
    if depth >= MAX_DEPTH:
        raise InvariantError(f"{shortened(where, 200)} is nested deeper than {MAX_DEPTH} levels; reports are not.")
    if isinstance(value, Mapping):
        return {json_value(str(k), where): json_value(v, f"{where}.{k}", depth + 1) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [json_value(v, f"{where}[{i}]", depth + 1) for i, v in enumerate(value)]
    if hasattr(value, "tolist"):
        return json_value(value.tolist(), where, depth)
    raise InvariantError(f"{where} holds a {type(value).__name__}; a report holds JSON values only.")

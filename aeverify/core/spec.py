"""Spec: one line that names a thing and its parameters, such as `ellipse:a=3,b=2`, and rebuilds it."""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aeverify.errors import SpecError

_MAX_LENGTH = 10_000


@dataclass(frozen=True, slots=True)
class Spec:
    """A name and keyword parameters: numbers, booleans, strings, or (nested) lists of them.

    Grammar: `name` or `name:key=value,key=value`; a value is a Python literal number, `true`/`false`, a list in
    brackets (`[3,2,1]`), a quoted string or a bare word. `str(spec)` parses back to an equal spec.

    Raises:
        SpecError: the text does not follow the grammar, or a number is NaN or infinite.
    """

    name: str
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> Spec:
        """Read a spec from its one-line form."""
        if not isinstance(text, str) or not text.strip():
            raise SpecError(f"Expected a spec such as 'ellipse:a=3,b=2', got {text!r}.")
        if len(text) > _MAX_LENGTH:
            raise SpecError(f"A spec of {len(text)} characters is too long: at most {_MAX_LENGTH} are read.")
        name, colon, rest = text.strip().partition(":")
        name = name.strip()
        if not name.replace("_", "").replace("-", "").isalnum():
            raise SpecError(f"{text!r}: a spec begins with a name of letters, digits, '_' and '-', got {name!r}.")
        if colon and not rest.strip():
            raise SpecError(f"{text!r}: parameters are missing after the colon; write 'name:key=value,...' or 'name'.")
        parameters: dict[str, Any] = {}
        for item in _split(rest) if colon else ():
            key, equals, value = item.partition("=")
            key = key.strip()
            if not equals or not key.isidentifier():
                raise SpecError(f"{text!r}: expected key=value, got {item!r}.")
            if key in parameters:
                raise SpecError(f"{text!r}: the parameter {key!r} is given twice.")
            parameters[key] = _value(value.strip(), text)
        return cls(name, parameters)

    def __str__(self) -> str:
        if not self.parameters:
            return self.name
        return f"{self.name}:{','.join(f'{k}={_format(v)}' for k, v in self.parameters.items())}"


def _split(text: str) -> list[str]:
    """Split at the commas that are outside brackets and quotes."""
    items, depth, start, quote, escaped = [], 0, 0, "", False
    for i, character in enumerate(text):
        if escaped or (quote and character == "\\"):
            escaped = not escaped
            continue
        if quote or character in "'\"":
            quote = character if not quote else "" if character == quote else quote
            continue
        depth += (character in "[(") - (character in "])")
        if character == "," and depth == 0:
            items.append(text[start:i])
            start = i + 1
    return [*items, text[start:]]


def _value(text: str, whole: str) -> Any:
    lowered = text.lower()
    if lowered in ("true", "false"):
        return lowered == "true"
    if lowered in ("nan", "inf", "-inf", "+inf", "infinity", "-infinity"):
        raise SpecError(f"{whole!r}: {text!r} is not a finite number; give a finite one.")
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        if text.replace("_", "").replace("-", "").replace(".", "").isalnum():
            return text
        raise SpecError(f"{whole!r}: cannot read the value {text!r}; expected a number, a list or a word.") from None
    return _checked(value, whole)


def _checked(value: Any, whole: str) -> Any:
    if isinstance(value, list | tuple):
        return tuple(_checked(v, whole) for v in value)
    if isinstance(value, bool | str):
        return value
    if isinstance(value, int | float):
        try:
            finite = math.isfinite(value)
        except OverflowError:
            finite = False
        if not finite:
            raise SpecError(f"{whole!r}: {value!r} is not a finite number; give a finite one.")
        return value
    raise SpecError(f"{whole!r}: cannot use a value of type {type(value).__name__}.")


def _format(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return "[" + ",".join(_quoted(v) if isinstance(v, str) else _format(v) for v in value) + "]"
    if isinstance(value, str):
        return value if _is_bare(value) else _quoted(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e16:
        return str(int(value))
    return str(value)


def _is_bare(text: str) -> bool:
    """Whether the text, unquoted, reads back as itself."""
    try:
        return bool(_value(text, text) == text)
    except SpecError:
        return False


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'

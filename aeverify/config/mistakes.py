"""Mistakes in a claims file, all at once: what its tables refuse, and names and values that mean nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from aeverify.autoencoders.recipes import recipe
from aeverify.claims import Effort, claim
from aeverify.config.tables import ClaimsFile
from aeverify.core.registry import letters_of
from aeverify.errors import AeverifyError
from aeverify.manifolds import manifold

Place = tuple[int | str, ...]
_SHOWN = 50


@dataclass(frozen=True)
class Mistake:
    """What is wrong, and where."""

    place: Place
    text: str


def told(name: str, mistakes: Sequence[Mistake]) -> str:
    """One paragraph with every mistake (of more than 50, the first 50) and its place."""
    lines = [f"{'.'.join(map(str, m.place)) or '(top level)'}: {m.text.rstrip('.')}" for m in mistakes[:_SHOWN]]
    more = f"; and {len(mistakes) - _SHOWN} more" if len(mistakes) > _SHOWN else ""
    count = f"{len(mistakes)} mistake{'s' * (len(mistakes) > 1)}"
    return f"The plan {name!r} has {count}: " + "; ".join(lines) + more + "."


def misspelt(error: ValidationError) -> Iterator[Mistake]:
    """What the tables refuse: keys, types and ranges."""
    for item in error.errors(include_url=False):
        place = tuple(p for p in item["loc"] if not _is_branch(p))
        if item["type"] == "extra_forbidden":
            valid = ", ".join(sorted(_table(place[:-1]).model_fields))
            yield Mistake(place, f"unknown key; valid here: {valid}")
        else:
            yield Mistake(place, f"{item['msg'].removeprefix('Value error, ')} (got {str(item['input'])[:80]!r})")


def _is_branch(part: int | str) -> bool:
    """Whether pydantic names a branch of a union, which is no place in the file."""
    return isinstance(part, str) and (part in ("str", "int", "float", "bool") or "[" in part or "constrained" in part)


def _table(place: Iterable[int | str]) -> type[BaseModel]:
    """The table at a place."""
    found: type[BaseModel] = ClaimsFile
    for part in place:
        if isinstance(part, str) and part in found.model_fields:
            inner = _inner(found.model_fields[part].annotation)
            found = inner or found
    return found


def _inner(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for a in get_args(annotation) if (found := _inner(a))), None)


def misused(data: Mapping[str, Any], known: set[Place]) -> list[Mistake]:
    """Names and values of the right type that mean nothing: unknown manifolds, claims, parameters, oracles; what the
    tables have refused already (`known`) is not told twice."""
    found: list[Mistake] = []

    def attempt(place: Place, act: Callable[[], object]) -> None:
        if any(place[: len(k)] == k for k in known):
            return
        try:
            act()
        except AeverifyError as error:
            found.append(Mistake(place, str(error)))

    spec = data.get("manifold")
    if isinstance(spec, str):
        attempt(("manifold",), partial(manifold, spec))
    on_data = data.get("data") is not None
    if ("manifold" in data and data["manifold"] is not None) == on_data:
        found.append(Mistake(("manifold",), "give exactly one K: manifold = ..., or a [data] table"))
    train = data.get("train")
    if isinstance(train, Mapping) and isinstance(name := train.get("recipe", "default"), str):
        attempt(("train", "recipe"), partial(recipe, name))
    claims = data.get("claims")
    found += _claims_twice(claims)
    for name, parameters in claims.items() if isinstance(claims, Mapping) else ():
        if isinstance(parameters, Mapping):
            attempt(("claims", name), partial(_configure, name, parameters, on_data))
    for i, model in enumerate(_tables(data.get("models"))):
        if isinstance(oracle := model.get("oracle"), str):
            attempt(("models", i, "oracle"), partial(_oracle, oracle))
        for name in _strings(model.get("claims")):
            attempt(("models", i, "claims"), partial(_find, name, on_data))
    names = [m["name"] for m in _tables(data.get("models")) if isinstance(m.get("name"), str)]
    for name in sorted({n for n in names if names.count(n) > 1}):
        found.append(Mistake(("models",), f"the name {name!r} is given to {names.count(name)} models"))
    gate = data.get("gate")
    for name in _strings(gate.get("claims")) if isinstance(gate, Mapping) else ():
        attempt(("gate", "claims"), partial(_find, name, on_data))
    for i, entry in enumerate(_tables(data.get("ignore"))):
        if isinstance(name := entry.get("claim"), str):
            attempt(("ignore", i, "claim"), partial(_find, name, on_data))
    found += _twice(data.get("ignore"))
    measure = data.get("measure")
    if isinstance(measure, Mapping) and not any(k[:1] == ("measure",) for k in known):
        for key, value in measure.items():
            attempt(("measure", key), partial(Effort, **{key: value}))
    return found


def _tables(value: Any) -> list[Mapping[str, Any]]:
    return [v if isinstance(v, Mapping) else {} for v in value] if isinstance(value, list) else []


def _strings(value: Any) -> list[str]:
    return [v for v in value if isinstance(v, str)] if isinstance(value, list) else []


def _claims_twice(claims: Any) -> Iterator[Mistake]:
    """Two spellings of one claim ("Theorem 1", theorem-1): one of them would be lost."""
    seen: dict[str, str] = {}
    for name in claims if isinstance(claims, Mapping) else ():
        plain = letters_of(name)
        if plain in seen:
            yield Mistake(("claims", name), f"the same claim as {seen[plain]!r}: keep one of the two")
        seen.setdefault(plain, str(name))


def _twice(ignores: Any) -> Iterator[Mistake]:
    seen: dict[tuple[Any, Any], int] = {}
    for i, entry in enumerate(_tables(ignores)):
        key = str(entry.get("claim")), str(entry.get("subject"))
        if key in seen:
            yield Mistake(("ignore", i), f"the same claim and subject as ignore.{seen[key]}: keep one of the two")
        seen.setdefault(key, i)


def _find(name: str, on_data: bool) -> Any:
    if on_data:
        from aeverify.claims.data import data_claim

        return data_claim(name)
    return claim(name)


def _configure(name: str, parameters: Mapping[str, Any], on_data: bool) -> object:
    return _find(name, on_data).configured(parameters)


def _oracle(spec: str) -> object:
    from aeverify.autoencoders.oracles import oracle

    return oracle(spec)

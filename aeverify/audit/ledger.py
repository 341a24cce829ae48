"""Ledger: printed claims as rows of a TOML file. Every mistake in a file is reported at once, each with its place."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from aeverify.audit.findings import AuditReason
from aeverify.core.claim import Relation
from aeverify.core.dimensions import require_latent_dim
from aeverify.errors import AeverifyError, UsageError
from aeverify.manifolds import manifold

SCHEMA = "aeverify-ledger/1"
_MAX_BYTES = 4_000_000

Words = Annotated[str, Field(min_length=1, max_length=2000)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Identifier = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=80)]
Budget = Literal["quick", "full"]
Functions = Literal["continuous", "lipschitz", "affine-decoder", "any"]
Quantity = Literal[
    "sup-error",
    "sampled-maximum",
    "mean-error",
    "mean-squared-error",
    "rmse",
    "bad-set-share",
    "injective-codes",
    "latent-betti",
    "betti",
    "width",
]
Quantifier = Literal["some", "all", "average"]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Source(_Table):
    """A document that claims are taken from."""

    title: Words
    authors: str = ""
    year: Annotated[int, Field(ge=1000, le=3000)] | None = None
    identifier: str = Field(default="", description="DOI, arXiv number, address or file name")


class Statement(_Table):
    """What a row states, in the vocabulary of aeverify: quantity relation threshold, for models on a set.

    Quantities, for a model (E, D) on the set K with e(x) = |D(E(x)) - x|: sup-error is the supremum of e over K,
    sampled-maximum its maximum over `points` drawn points, mean-error its mean by the intrinsic measure,
    mean-squared-error the mean of e^2, rmse the root of the mean of e^2 over the training points, bad-set-share the
    share of K with e > `level`, injective-codes is 1 where E is injective on K (E is then a homeomorphism of K onto its
    codes) and 0 elsewhere, latent-betti the Betti number of E(K) in `degree` over `field`. Two are of K alone: betti,
    its Betti number in `degree` over `field`, and width, w_m(K).
    """

    set: Words = Field(description="specification of K, as of `aeverify list manifolds`")
    latent_dim: Annotated[int, Field(ge=1, le=1_000_000)] | None = Field(
        default=None, description="m; codes lie in R^m. Of betti alone it may be left out"
    )
    functions: Functions = Field(
        default="continuous",
        description="what E and D are: continuous; lipschitz: and D after E has the constant `lipschitz` along K; "
        "affine-decoder: and D is affine; any: they may jump",
    )
    lipschitz: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    latent_set: Words | None = Field(
        default=None, description="specification of a set in R^m that the codes are said to lie in, such as a sphere"
    )
    quantity: Quantity
    relation: Literal["<=", "<", ">=", ">", "==", "about"] = Field(
        description="about: the printed number is one draw of what the recipe gives, compared on both sides"
    )
    threshold: Number
    quantifier: Quantifier = Field(
        default="all",
        description="over the trainings where the row has a [rows.training] table, else over all models of the class",
    )
    level: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = Field(
        default=None, description="of bad-set-share: the error above which a point is bad"
    )
    degree: Annotated[int, Field(ge=0, le=1000)] | None = None
    field: Literal["Q", "Z/2", "Z/3"] | None = None
    points: Annotated[int, Field(ge=1, le=10_000_000)] | None = Field(default=None, description="of sampled-maximum")
    measured: Literal["supremum", "sampled-maximum", "mean-error", "training-error"] | None = Field(
        default=None, description="what the source measured, where that is not what it claims"
    )

    @field_validator("set", "latent_set")
    @classmethod
    def _known_set(cls, value: str | None) -> str | None:
        return value if value is None else _said(lambda: str(manifold(value)))

    @model_validator(mode="after")
    def _whole(self) -> Statement:
        wanted: dict[str, bool] = {
            "latent_dim": self.quantity != "betti",
            "lipschitz": self.functions == "lipschitz",
            "level": self.quantity == "bad-set-share",
            "degree": self.quantity in ("betti", "latent-betti"),
            "field": self.quantity in ("betti", "latent-betti"),
            "points": self.quantity == "sampled-maximum",
        }
        wrong = [
            f"{name} is {'missing' if needed else 'given'}, and it {'belongs' if needed else 'does not belong'} to "
            f"{'functions = ' + self.functions if name == 'lipschitz' else 'quantity = ' + self.quantity}"
            for name, needed in wanted.items()
            if needed != (getattr(self, name) is not None) and not (name == "latent_dim" and not needed)
        ]
        if self.quantity in ("betti", "width") and self.functions == "any":
            wrong.append(f"functions = any does not belong to quantity = {self.quantity}, which is a fact of the set")
        if wrong:
            raise ValueError("; ".join(wrong))
        if self.latent_dim is not None:
            _said(lambda: require_latent_dim(self.latent_dim, manifold(self.set).ambient_dim))
        if self.latent_set is not None and manifold(self.latent_set).ambient_dim != self.latent_dim:
            raise ValueError(f"latent_set {self.latent_set} does not lie in R^{self.latent_dim}")
        return self

    def __str__(self) -> str:
        """One line for a reader."""
        of = {"bad-set-share": f" above {self.level}", "sampled-maximum": f" of {self.points} points"}
        topology = f" in degree {self.degree} over {self.field}" if self.degree is not None else ""
        number = f"{self.quantity}{of.get(self.quantity, '')}{topology} {self.relation} {self.threshold:.12g}"
        if self.quantity in ("betti", "width"):
            return f"{number} for {self.set}" + (f", m = {self.latent_dim}" if self.latent_dim else "")
        kind = {"lipschitz": f"{self.lipschitz:g}-Lipschitz" if self.lipschitz else "", "any": "possibly jumping"}
        who = {"some": "some", "all": "every", "average": "the average"}[self.quantifier]
        models = f"{kind.get(self.functions, self.functions)} model of {self.set} with m = {self.latent_dim}"
        return f"for {who} {models}: {number}"

    @property
    def core_relation(self) -> Relation:
        """The relation as `decide` takes it; "about" is asked of a distribution and is none.

        Raises:
            UsageError: the relation is "about".
        """
        if self.relation == "about":
            raise UsageError("'about' compares a number with a distribution and not with a threshold.")
        return Relation(self.relation)


class Premises(_Table):
    """What the claim rests on: what its text says, and what it leaves out."""

    stated: list[Words] = []
    unstated: list[Words] = []


class Recipe(_Table):
    """How the source trains its models; a row with one is reproduced."""

    architecture: Words = Field(default="paper", description="architecture or model kind")
    recipe: Words = "default"
    points: Literal["paper"] | Annotated[int, Field(ge=1, le=10_000_000)] = 1000
    seeds: Annotated[int, Field(ge=1, le=10_000)] = Field(default=40, description="models of the full budget")
    quick_seeds: Annotated[int, Field(ge=1, le=10_000)] | None = Field(
        default=None, description="models of the quick budget; without it the quick budget trains none"
    )
    settings: dict[str, bool | int | float | str] = {}


class Row(_Table):
    """One claim."""

    id: Identifier
    source: Identifier
    place: str = ""
    quotation: Annotated[str, Field(max_length=1000)] = Field(default="", description="short, as printed")
    claim: Words = Field(description="what it says, in our words")
    statement: Statement | None = None
    premises: Premises = Premises()
    check: Identifier | None = Field(default=None, description="name of a row check; else the statement is decided")
    not_checkable: Words | None = Field(default=None, description="why nothing in the claim can be computed")
    model: Words | None = Field(default=None, description="oracle:SPEC or fixture:NAME, of a claim on one given model")
    training: Recipe | None = None
    derivation: str = Field(default="", description="where the threshold comes from, of a row that we made ourselves")
    parameters: dict[str, Any] = Field(default={}, description="further printed numbers, for the row check")
    budget: Budget = Field(default="quick", description="the least budget that can decide it")
    tolerance: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    expected: str | None = Field(default=None, description="the audit reason that is expected, once known")
    expected_quick: str | None = Field(default=None, description="that of the quick budget, where it differs")

    @field_validator("expected", "expected_quick")
    @classmethod
    def _known_reason(cls, value: str | None) -> str | None:
        return value if value is None else _said(lambda: AuditReason.of_code(value).code)

    @model_validator(mode="after")
    def _decidable(self) -> Row:
        if self.not_checkable is not None and (self.check or self.statement):
            raise ValueError("not_checkable excludes check and statement")
        if not (self.check or self.statement or self.not_checkable):
            raise ValueError("give a statement, a check or the reason why it is not checkable")
        if self.model is not None and self.model.partition(":")[0] not in ("oracle", "fixture"):
            raise ValueError(f"model must be oracle:SPEC or fixture:NAME, got {self.model!r}")
        if self.model is not None and self.training is not None:
            raise ValueError("give model or training, not both")
        if self.expected is None and self.expected_quick is not None:
            raise ValueError("expected_quick needs expected")
        return self

    def expectation(self, budget: Budget) -> str | None:
        """Code of the audit reason that is expected of a budget; None where nothing is known yet."""
        return (self.expected_quick or self.expected) if budget == "quick" else self.expected

    def digest(self) -> str:
        """Hash of everything in the row but what is expected of it."""
        data = self.model_dump(mode="json", exclude={"expected", "expected_quick"})
        return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()


class LedgerFile(_Table):
    """A ledger as TOML holds it."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, title="aeverify ledger")

    schema_: Literal["aeverify-ledger/1"] = Field(alias="schema")
    title: Words
    about: str = ""
    sources: dict[Identifier, Source]
    rows: Annotated[list[Row], Field(min_length=1)]


@dataclass(frozen=True)
class Ledger:
    """A ledger that was read: its rows in order, and where it came from."""

    name: str
    title: str
    about: str
    sources: Mapping[str, Source]
    rows: tuple[Row, ...]
    folder: Path = Path()


def load_ledger(path: str | Path) -> Ledger:
    """The ledger in a TOML file.

    Raises:
        UsageError: the file is missing, too large, not TOML, or not a ledger; the message lists every mistake with its
            place and, for an unknown key, the keys that are valid there.
    """
    file = Path(path)
    try:
        if file.stat().st_size > _MAX_BYTES:
            raise UsageError(f"{file} has {file.stat().st_size} bytes; a ledger has at most {_MAX_BYTES}.")
        data = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(f"There is no ledger {str(file)!r}; expected the path of a TOML file.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The ledger {str(file)!r} cannot be read: {error}.") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UsageError(f"The ledger {str(file)!r} is not TOML: {error}.") from None
    return parse_ledger(data, name=file.stem, folder=file.parent)


def parse_ledger(data: Mapping[str, Any], name: str = "ledger", folder: Path = Path()) -> Ledger:
    """The ledger in a mapping of the TOML file's form.

    Raises:
        UsageError: see `load_ledger`.
    """
    mistakes = list(_across_rows(data))
    try:
        parsed = LedgerFile.model_validate(data)
    except ValidationError as error:
        mistakes = [*_of_fields(data, error), *mistakes]
    if mistakes:
        count = f"{len(mistakes)} mistake{'s' * (len(mistakes) > 1)}"
        raise UsageError(f"The ledger {name!r} has {count}: {'; '.join(mistakes)}.")
    return Ledger(name, parsed.title, parsed.about, parsed.sources, tuple(parsed.rows), folder)


def schema() -> dict[str, Any]:
    """JSON Schema of a ledger, for editors and other programs."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **LedgerFile.model_json_schema(by_alias=True)}


def _across_rows(data: Mapping[str, Any]) -> Iterator[str]:
    """Mistakes that no single row shows: an id that is given twice, a source or a check that there is not."""
    rows = [r for r in data.get("rows", ()) if isinstance(r, Mapping)] if isinstance(data.get("rows"), list) else []
    known = data.get("sources")
    seen: set[str] = set()
    for i, row in enumerate(rows):
        name, source, check = row.get("id"), row.get("source"), row.get("check")
        if isinstance(name, str):
            if name in seen:
                yield f"{_place(data, ('rows', i, 'id'))}: the id {name!r} is given twice"
            seen.add(name)
        if isinstance(known, Mapping) and isinstance(source, str) and source not in known:
            yield f"{_place(data, ('rows', i, 'source'))}: no source {source!r}; known: {', '.join(known) or 'none'}"
        if isinstance(check, str):
            from aeverify.audit.rows import load_rows

            if check not in load_rows():
                yield f"{_place(data, ('rows', i, 'check'))}: no row check {check!r}"


def _of_fields(data: Mapping[str, Any], error: ValidationError) -> Iterator[str]:
    for item in error.errors(include_url=False):
        place = _place(data, item["loc"])
        if item["type"] == "extra_forbidden":
            yield f"{place}: unknown key; valid here: {', '.join(_valid_keys(item['loc']))}"
        elif isinstance(item["input"], Mapping):
            yield f"{place}: {item['msg'].removeprefix('Value error, ')}"
        else:
            yield f"{place}: {item['msg'].removeprefix('Value error, ')} (got {str(item['input'])[:80]!r})"


def _place(data: Mapping[str, Any], loc: Sequence[int | str]) -> str:
    """Where a mistake is, with the row's id beside its number."""
    parts = [str(p) for p in loc]
    if len(loc) > 1 and loc[0] == "rows" and isinstance(loc[1], int):
        row = data["rows"][loc[1]]
        name = row.get("id") if isinstance(row, Mapping) else None
        parts = [f"rows[{loc[1]}]" + (f" ({name})" if isinstance(name, str) else ""), *parts[2:]]
    return ".".join(parts) or "(top level)"


def _valid_keys(loc: Sequence[int | str]) -> list[str]:
    tables: dict[str, type[BaseModel]] = {"statement": Statement, "premises": Premises, "training": Recipe}
    if loc[0] == "sources":
        return sorted(Source.model_fields)
    if loc[0] == "rows":
        return sorted((tables.get(str(loc[2]), Row) if len(loc) > 3 else Row).model_fields)
    return sorted(f.alias or name for name, f in LedgerFile.model_fields.items())


def _said(ask: Any) -> Any:
    """The answer; an error of aeverify becomes a mistake at this place of the file."""
    try:
        return ask()
    except AeverifyError as error:
        raise ValueError(str(error)) from None

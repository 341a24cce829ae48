"""Plans: what a run does, written in TOML. Every mistake in a file is reported at once, each with its place."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from aeverify.autoencoders.protocol import require_latent_dim
from aeverify.autoencoders.recipes import Loss, Optimizer, Recipe, Schedule, recipe
from aeverify.claims import CLAIMS, Check, Effort, claim
from aeverify.core.policy import GatePolicy
from aeverify.errors import AeverifyError, UsageError
from aeverify.manifolds import manifold

_MAX_BYTES = 1_000_000


@dataclass(frozen=True)
class Training:
    """Which models a run trains: architecture and recipe by name, how many restarts, on which points.

    Attributes:
        architecture: spec such as `paper` or `mlp:hidden=[64,64]`.
        recipe: name of a recipe.
        restarts: how many models, each with its own named seed.
        points: "paper" (the data set that the set's source published), a number of uniform draws, or None: the former
            where there is one, else 1000 draws.
        epochs, batch_size, learning_rate: override the recipe's.
        settings: further settings of the recipe by name, to override; see `Recipe`.
        workers: models that are trained at a time, or groups of them; None for the number of cores.
        checkpoint_interval: seconds of training that a kill can lose.
    """

    architecture: str = "paper"
    recipe: str = "default"
    restarts: int = 4
    points: str | int | None = None
    epochs: int | None = None
    batch_size: int | None = None
    learning_rate: float | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    workers: int | None = None
    checkpoint_interval: float = 30.0

    def how(self) -> Recipe:
        """The recipe with the settings that override its own.

        Raises:
            UsageError: an unknown recipe or setting, or a value out of range.
        """
        own = {"epochs": self.epochs, "batch_size": self.batch_size, "learning_rate": self.learning_rate}
        return recipe(self.recipe, **own, **self.settings)


@dataclass(frozen=True)
class Subject:
    """A model that a run judges without training it: exactly one of oracle spec, saved file and baseline is given."""

    oracle: str | None = None
    file: str | None = None
    baseline: str | None = None
    name: str | None = None
    claims: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Plan:
    """What a run does.

    Attributes:
        title: a line for the report.
        manifold: spec of K.
        latent_dim: code dimension.
        seed: root seed.
        alpha: error probability of all statistical statements of the run together.
        device: "auto", "cpu" or "cuda".
        training: what to train, or None.
        subjects: further models to judge.
        claims: id -> parameters, or None for all claims that apply to K and latent_dim.
        policy: the gate.
        effort: sample sizes.
        out: folder of the reports, or None for `reports/<name>`.
    """

    title: str
    manifold: str
    latent_dim: int
    seed: int = 0
    alpha: float = 0.01
    device: str = "auto"
    training: Training | None = None
    subjects: tuple[Subject, ...] = ()
    claims: Mapping[str, Mapping[str, Any]] | None = None
    policy: GatePolicy = field(default_factory=GatePolicy)
    effort: Effort = field(default_factory=Effort)
    out: str | None = None

    def __post_init__(self) -> None:
        require_latent_dim(self.latent_dim, manifold(self.manifold).ambient_dim)
        if self.training is None and not self.subjects:
            raise UsageError("The plan names no model: give a [train] table or at least one [[models]] entry.")
        if self.device not in ("auto", "cpu", "cuda"):
            raise UsageError(f"device must be auto, cpu or cuda, got {self.device!r}.")
        if not 0.0 < self.alpha < 1.0:
            raise UsageError(f"alpha must lie in (0, 1), got {self.alpha!r}.")
        if self.training is not None:
            self.training.how()
        self.checks()
        for name in self.policy.gated or ():
            claim(name)

    def checks(self) -> tuple[Check, ...]:
        """The configured checks, in the order of the plan or of the catalog.

        Raises:
            UsageError: an unknown claim or parameter, a value out of range, or no claim at all.
        """
        if self.claims is not None:
            if not self.claims:
                raise UsageError("The plan's [claims] table is empty: name a claim, or leave the table out.")
            return tuple(claim(name).configured(parameters) for name, parameters in self.claims.items())
        space = manifold(self.manifold)
        return tuple(check for check in CLAIMS.values() if check.chosen(space, self.latent_dim))


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


Count = Annotated[int, Field(ge=1, le=100_000_000)]


Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class _Settings(_Table):
    """Settings of a recipe, as `Recipe` names them; None leaves the recipe's."""

    steps: Count | None = None
    batch_share: Positive | None = None
    optimizer: Optimizer | None = None
    momentum: NotNegative | None = None
    schedule: Schedule | None = None
    warmup: NotNegative | None = None
    epsilon: Positive | None = None
    shuffle: bool | None = None
    loss: Loss | None = None
    weight_decay: NotNegative | None = None
    code_l1: NotNegative | None = None
    contraction: NotNegative | None = None
    input_noise: NotNegative | None = None
    stop_epsilon: Positive | None = None
    stop_delta: NotNegative | None = None
    stop_every: Count | None = None
    patience: Count | None = None
    converged_below: Positive | None = None


class _Train(_Settings):
    architecture: str = "paper"
    recipe: str = "default"
    restarts: Annotated[int, Field(ge=1, le=10_000)] = 4
    points: Literal["paper"] | Count | None = None
    epochs: Count | None = None
    batch_size: Count | None = None
    learning_rate: Positive | None = None
    workers: Annotated[int, Field(ge=1, le=10_000)] | None = None
    checkpoint_interval: NotNegative = 30.0


class _Model(_Table):
    oracle: str | None = None
    file: str | None = None
    baseline: Literal["pca"] | None = None
    name: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    claims: list[str] | None = None

    @model_validator(mode="after")
    def _one_source(self) -> _Model:
        if sum(x is not None for x in (self.oracle, self.file, self.baseline)) != 1:
            raise ValueError("give exactly one of oracle, file, baseline")
        return self


class _Gate(_Table):
    claims: list[str] | None = None
    allow_inconclusive: bool = False


class _Measure(_Table):
    samples: int = 20_000
    draws: int = 100_000
    homology_samples: int = 500
    sup_tolerance: float = 1e-3
    share_tolerance: float = 1e-6
    enclosure_seconds: float = 3.0


class _PlanFile(_Table):
    title: Annotated[str, Field(max_length=500)] = ""
    manifold: str
    latent_dim: int
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    alpha: Annotated[float, Field(gt=0, lt=1)] = 0.01
    device: Literal["auto", "cpu", "cuda"] = "auto"
    out: str | None = None
    train: _Train | None = None
    models: list[_Model] = []
    claims: dict[str, dict[str, bool | int | float | str]] | None = None
    gate: _Gate = _Gate()
    measure: _Measure = _Measure()


def load_plan(path: str | Path) -> Plan:
    """The plan in a TOML file.

    Raises:
        UsageError: the file is missing, too large, not TOML, or not a plan; the message lists every mistake with its
            place and, for an unknown key, the keys that are valid there.
    """
    file = Path(path)
    try:
        size = file.stat().st_size
        if size > _MAX_BYTES:
            raise UsageError(f"{file} has {size} bytes; a plan has at most {_MAX_BYTES}.")
        data = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(f"There is no plan file {str(file)!r}; expected the path of a TOML file.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The plan {str(file)!r} cannot be read: {error}.") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UsageError(f"The plan {str(file)!r} is not TOML: {error}.") from None
    return parse_plan(data, name=file.stem, folder=file.parent)


def parse_plan(data: Mapping[str, Any], name: str = "plan", folder: Path = Path()) -> Plan:
    """The plan in a mapping of the TOML file's form; relative model files are looked for beside the plan.

    Raises:
        UsageError: see `load_plan`.
    """
    try:
        parsed = _PlanFile.model_validate(data)
    except ValidationError as error:
        raise UsageError(_mistakes(name, error)) from None
    try:
        return _plan_of(parsed, name, folder)
    except AeverifyError as error:
        raise UsageError(f"The plan {name!r} cannot be used: {error}") from None


def _plan_of(parsed: _PlanFile, name: str, folder: Path) -> Plan:
    gated = None if parsed.gate.claims is None else tuple(claim(c).claim.id for c in parsed.gate.claims)
    return Plan(
        title=parsed.title or name,
        manifold=str(manifold(parsed.manifold)),
        latent_dim=parsed.latent_dim,
        seed=parsed.seed,
        alpha=parsed.alpha,
        device=parsed.device,
        out=parsed.out,
        training=None if parsed.train is None else _training(parsed.train),
        subjects=tuple(
            Subject(
                oracle=m.oracle,
                file=None if m.file is None else str(folder / m.file),
                baseline=m.baseline,
                name=m.name,
                claims=None if m.claims is None else tuple(claim(c).claim.id for c in m.claims),
            )
            for m in parsed.models
        ),
        claims=parsed.claims,
        policy=GatePolicy(gated, parsed.gate.allow_inconclusive),
        effort=Effort(**parsed.measure.model_dump()),
    )


def _training(parsed: _Train) -> Training:
    given = parsed.model_dump()
    settings = {key: given.pop(key) for key in _Settings.model_fields}
    return Training(**given, settings={key: value for key, value in settings.items() if value is not None})


def _mistakes(name: str, error: ValidationError) -> str:
    lines = []
    for item in error.errors(include_url=False):
        place = ".".join(str(p) for p in item["loc"]) or "(top level)"
        if item["type"] == "extra_forbidden":
            lines.append(f"{place}: unknown key; valid here: {', '.join(_valid_keys(item['loc']))}")
        else:
            lines.append(f"{place}: {item['msg']} (got {str(item['input'])[:80]!r})")
    return f"The plan {name!r} has {len(lines)} mistake{'s' * (len(lines) > 1)}: " + "; ".join(lines) + "."


def _valid_keys(place: tuple[int | str, ...]) -> list[str]:
    tables: dict[str, type[BaseModel]] = {"train": _Train, "models": _Model, "gate": _Gate, "measure": _Measure}
    table = tables.get(str(place[0])) if len(place) > 1 else None
    return sorted((table or _PlanFile).model_fields)


LAYERED_CLAIMS = ("retracing", "latent-separation")
"""Claims of the main job that a run takes only by name: they can be decided because its models have known layers."""


def default_plan(seed: int = 0, restarts: int | None = None, recipe: str | None = None) -> Plan:
    """The main job: restarts of the paper's network on the paper's two circles, beside a PCA baseline."""
    base, spec = Training(), "two_circles"
    space = manifold(spec)
    named = [c.claim.id for c in CLAIMS.values() if c.chosen(space, 1)]
    return Plan(
        title="Autoencoders on the two circles of Kvalheim and Sontag",
        manifold=spec,
        latent_dim=1,
        seed=seed,
        training=Training(restarts=restarts or base.restarts, recipe=recipe or base.recipe),
        subjects=(Subject(baseline="pca", name="PCA baseline", claims=("theorem-1", "pca-floor")),),
        claims={name: {} for name in (*named, *LAYERED_CLAIMS)},
        out="reports/two_circles",
    )

"""The tables of a claims file, as pydantic reads them and as docs/claims.schema.json publishes them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from aeverify.autoencoders.recipes import Loss, Optimizer, Schedule

Count = Annotated[int, Field(ge=1, le=100_000_000)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
File = Annotated[str, Field(min_length=1, max_length=4096)]


def _day(value: Any) -> Any:
    """A day, which TOML has and JSON writes as a string; a time of day is no day."""
    if isinstance(value, str):
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise ValueError("expected a date such as 2027-01-31") from None
    if isinstance(value, datetime):
        raise ValueError("expected a date such as 2027-01-31, without a time")
    return value


class Table(BaseModel):
    """A table that refuses keys it does not know and values of another type."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Settings(Table):
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


class Train(Settings):
    """Models that the run trains."""

    architecture: str = "paper"
    recipe: str = "default"
    restarts: Annotated[int, Field(ge=1, le=10_000)] = 4
    points: Literal["paper"] | Count | None = None
    epochs: Count | None = None
    batch_size: Count | None = None
    learning_rate: Positive | None = None
    workers: Annotated[int, Field(ge=1, le=10_000)] | None = None
    checkpoint_interval: NotNegative = 30.0


class Model(Table):
    """A model that the run judges: an oracle, a file, or a baseline that is fitted."""

    oracle: str | None = None
    file: File | None = None
    baseline: Literal["pca"] | None = None
    name: Name | None = None
    claims: list[str] | None = None
    decoder: Annotated[File | None, Field(description="File of the decoder, where it has one of its own.")] = None
    architecture: Annotated[str | None, Field(description="Architecture of a file of bare weights.")] = None
    trust: Annotated[
        bool, Field(description="The file may run code, if the command line says --trust-model as well.")
    ] = False
    latent: Annotated[str | None, Field(description="Tensor of the code in one ONNX graph of both maps.")] = None
    batch_size: Annotated[Count | None, Field(description="Most points that the model is given at once.")] = None

    @model_validator(mode="after")
    def _one_source(self) -> Model:
        if sum(x is not None for x in (self.oracle, self.file, self.baseline)) != 1:
            raise ValueError("give exactly one of oracle, file, baseline")
        if self.file is None:
            own = {
                "decoder": self.decoder,
                "architecture": self.architecture,
                "latent": self.latent,
                "batch_size": self.batch_size,
                "trust": self.trust or None,
            }
            wrong = [name for name, value in own.items() if value is not None]
            if wrong:
                raise ValueError(f"{', '.join(wrong)}: only a file has that")
        return self


class Data(Table):
    """A data set that stands for K."""

    path: File
    held_out: Annotated[
        NotNegative | str | None,
        Field(description="Share of the rows that is held out, column:NAME, or a second data set, all of it held out."),
    ] = None
    columns: Annotated[list[str | int] | None, Field(description="Columns to read; all by default.")] = None
    limit: Annotated[Count | None, Field(description="A data set of more rows is refused.")] = None
    independent: Annotated[bool | None, Field(description="Rows are independent draws; false for a series.")] = None
    channels_last: Annotated[bool | None, Field(description="Pictures have shape (H, W, 3), as Keras has them.")] = None


class Gate(Table):
    """What stops a release."""

    claims: Annotated[list[str] | None, Field(description="Claims that gate; all by default.")] = None
    allow_inconclusive: bool = False
    fail_on: Annotated[
        list[Literal["fail", "error", "inconclusive", "vacuous"]],
        Field(description="Outcomes that exit 1; FAIL always does."),
    ] = []
    baseline: Annotated[File | None, Field(description="An earlier report.json: only what got worse fails.")] = None
    noise: Annotated[
        NotNegative, Field(description="Relative change, beyond both enclosures, that counts as none.")
    ] = 0.01


class IgnoreEntry(Table):
    """A verdict that is excused until a day; it is shown as ignored, never as PASS."""

    claim: Name
    reason: Annotated[str, Field(min_length=1, max_length=2000, pattern=r"\S")]
    until: Annotated[date, BeforeValidator(_day), Field(description="The last day on which it holds.")]
    subject: Annotated[Name | None, Field(description="Name of the model; every model by default.")] = None


class BudgetTable(Table):
    """What the run may take; claims that are not reached are NOT RUN."""

    seconds: Positive | None = None
    memory_mib: Annotated[int, Field(ge=1, le=2**31)] | None = None


class Measure(Table):
    """How hard the measurements try."""

    samples: int = 20_000
    draws: int = 100_000
    homology_samples: int = 500
    sup_tolerance: float = 1e-3
    share_tolerance: float = 1e-6
    enclosure_seconds: float = 3.0


class ClaimsFile(Table):
    """A claims file of aeverify: which models are held to which claims, on which set, and what stops a release."""

    model_config = ConfigDict(title="aeverify claims file")

    title: Annotated[str, Field(max_length=500)] = ""
    manifold: Annotated[str | None, Field(description="K as a manifold, such as circle or torus:R=2,r=1.")] = None
    data: Annotated[Data | None, Field(description="K as a data set.")] = None
    latent_dim: Annotated[int | None, Field(description="Code dimension; that of the models by default.")] = None
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    alpha: Annotated[
        float, Field(gt=0, lt=1, description="Error probability of all statistical statements together.")
    ] = 0.01
    device: Literal["auto", "cpu", "cuda"] = "auto"
    out: File | None = None
    train: Train | None = None
    models: list[Model] = []
    claims: Annotated[
        dict[str, dict[str, bool | int | float | str]] | None,
        Field(description="Claim -> its parameters; every claim that applies by default. See 'aeverify list claims'."),
    ] = None
    gate: Gate = Gate()
    ignore: Annotated[list[IgnoreEntry], Field(max_length=10_000)] = []
    budget: BudgetTable = BudgetTable()
    measure: Measure = Measure()

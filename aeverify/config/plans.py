"""Plans: what a run does, as one value. A claims file is a plan in TOML; `aeverify run` and `check` carry it out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aeverify.autoencoders.protocol import require_latent_dim
from aeverify.autoencoders.recipes import Recipe, recipe
from aeverify.claims import CLAIMS, Check, Effort, claim
from aeverify.core.policy import GatePolicy
from aeverify.errors import UsageError
from aeverify.manifolds import manifold


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
    """A model that a run judges without training it: exactly one of oracle spec, file and baseline is given.

    Attributes:
        oracle: spec of an oracle.
        file: path of a model file, or `module:factory` for a Python function that returns a model.
        baseline: "pca", fitted to the points of the run.
        name: as verdicts call it.
        claims: ids of the claims that it is judged by, or None for those of the run.
        decoder: path of the decoder, where it has a file of its own.
        architecture: spec of the architecture that a file of bare weights belongs to.
        trust: the file may run code when it is opened. A claims file cannot say so alone: the command line has to.
        latent: name of the tensor that is the code, in one ONNX graph that holds the whole autoencoder.
        batch_size: most points that the model is given at once.
    """

    oracle: str | None = None
    file: str | None = None
    baseline: str | None = None
    name: str | None = None
    claims: tuple[str, ...] | None = None
    decoder: str | None = None
    architecture: str | None = None
    trust: bool = False
    latent: str | None = None
    batch_size: int | None = None


@dataclass(frozen=True)
class DataSource:
    """A data set that stands for K.

    Attributes:
        path: a file or folder that `aeverify.data.load_data` reads.
        options: further arguments of it (held_out, columns, limit, independent, channels_last).
    """

    path: str
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Budget:
    """What a run may take. Claims that are not reached are reported as NOT RUN.

    Attributes:
        seconds: wall clock; None for no limit.
        memory_mib: memory of the process, in MiB; None for no limit.
    """

    seconds: float | None = None
    memory_mib: int | None = None

    def __post_init__(self) -> None:
        if self.seconds is not None and not (math.isfinite(self.seconds) and self.seconds > 0):
            raise UsageError(f"A time budget is a number of seconds above 0, got {self.seconds!r}.")
        if self.memory_mib is not None and self.memory_mib < 1:
            raise UsageError(f"A memory budget is a number of MiB above 0, got {self.memory_mib!r}.")


@dataclass(frozen=True)
class Plan:
    """What a run does.

    Attributes:
        title: a line for the report.
        manifold: spec of K, "" where `data` stands for it.
        latent_dim: code dimension; None takes that of the models.
        seed: root seed.
        alpha: error probability of all statistical statements of the run together.
        device: "auto", "cpu" or "cuda".
        training: what to train, or None.
        subjects: further models to judge.
        claims: id -> parameters, or None for all claims that apply to K and latent_dim.
        policy: the gate.
        effort: sample sizes.
        out: folder of the reports, or None for `reports/<name>`.
        data: the data set that stands for K, or None.
        budget: time and memory.
        baseline: path of an earlier report, or None: then only what got worse stops the release.
        noise: relative change of a quantity, beyond both enclosures, that counts as none beside the baseline.
    """

    title: str
    manifold: str = ""
    latent_dim: int | None = None
    seed: int = 0
    alpha: float = 0.01
    device: str = "auto"
    training: Training | None = None
    subjects: tuple[Subject, ...] = ()
    claims: Mapping[str, Mapping[str, Any]] | None = None
    policy: GatePolicy = field(default_factory=GatePolicy)
    effort: Effort = field(default_factory=Effort)
    out: str | None = None
    data: DataSource | None = None
    budget: Budget = field(default_factory=Budget)
    baseline: str | None = None
    noise: float = 0.01

    def __post_init__(self) -> None:
        if bool(self.manifold) == (self.data is not None):
            raise UsageError("The plan needs exactly one K: a manifold, or a data set.")
        if self.latent_dim is not None and self.manifold:
            require_latent_dim(self.latent_dim, manifold(self.manifold).ambient_dim)
        if self.training is None and not self.subjects:
            raise UsageError("The plan names no model: give a [train] table or at least one [[models]] entry.")
        fitted = self.training is not None or any(s.baseline is not None for s in self.subjects)
        if fitted and not (self.manifold and self.latent_dim):
            raise UsageError("Models are trained and baselines fitted on a manifold, with a latent_dim: give both.")
        if self.device not in ("auto", "cpu", "cuda"):
            raise UsageError(f"device must be auto, cpu or cuda, got {self.device!r}.")
        if not 0.0 < self.alpha < 1.0:
            raise UsageError(f"alpha must lie in (0, 1), got {self.alpha!r}.")
        if self.claims is not None and not self.claims:
            raise UsageError("The plan's [claims] table is empty: name a claim, or leave the table out.")
        if self.training is not None:
            self.training.how()
        if self.claims is not None or self.latent_dim is not None:
            self.checks()

    def checks(self, latent_dim: int | None = None) -> tuple[Check, ...]:
        """The configured checks on a manifold, in the order of the plan or of the catalog; none where K is a data set.

        Args:
            latent_dim: that of the models, where the plan leaves it to them.

        Raises:
            UsageError: an unknown claim or parameter, or a value out of range.
        """
        if self.data is not None:
            return ()
        if self.claims is not None:
            return tuple(claim(name).configured(parameters) for name, parameters in self.claims.items())
        space, m = manifold(self.manifold), self.latent_dim or latent_dim
        return () if m is None else tuple(check for check in CLAIMS.values() if check.chosen(space, m))


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

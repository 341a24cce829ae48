"""Recipe: how a model is trained, as plain data, and the registry of the named ones."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, final, get_args

import numpy as np
from numpy.typing import NDArray

from aeverify.autoencoders.validation import is_count, is_real
from aeverify.core.registry import Registry
from aeverify.errors import UsageError

Optimizer = Literal["adam", "rmsprop", "sgd"]
Schedule = Literal["constant", "cosine"]
Loss = Literal["mse", "mae"]


def _meaning(text: str) -> dict[str, str]:
    return {"meaning": text}


@final
@dataclass(frozen=True)
class Recipe:
    """Training by minibatch gradient descent on the mean error over all coordinates, as plain data.

    Optimisers, with gradient g and rate r. adam: m <- 0.9 m + 0.1 g, v <- 0.999 v + 0.001 g^2,
    w <- w - r m/(1 - 0.9^t) / (sqrt(v/(1 - 0.999^t)) + epsilon). rmsprop: v <- 0.9 v + 0.1 g^2,
    w <- w - r g/sqrt(v + epsilon), with epsilon inside the root as in Keras (torch has it outside).
    sgd: m <- momentum m + g, w <- w - r m.

    The stopping rule is asked every `stop_every` epochs; a rule whose numbers are None never stops. It looks at points
    (the training points unless others are given), so that what it sees is EMPIRICAL: a bad set that lies between
    the points stays unseen.

    Raises:
        UsageError: a value is out of range.
    """

    name: str
    summary: str
    epochs: int = field(metadata=_meaning("passes over the data, at least 1"))
    batch_size: int = field(metadata=_meaning("rows a step; the last batch of an epoch may be smaller"))
    learning_rate: float = field(metadata=_meaning("largest step size, positive"))
    batch_share: float = field(
        default=1.0, metadata=_meaning("a batch is at most this share of the rows, at least one; 1 leaves batch_size")
    )
    steps: int | None = field(default=None, metadata=_meaning("steps to take in place of epochs; none: as epochs say"))
    optimizer: Optimizer = field(
        default="adam", metadata=_meaning("adam (0.9, 0.999), rmsprop (0.9) as in Keras, or sgd with momentum")
    )
    momentum: float = field(default=0.0, metadata=_meaning("of sgd, from 0 to below 1"))
    schedule: Schedule = field(default="constant", metadata=_meaning("constant, or cosine: falls to 0 along a cosine"))
    warmup: float = field(default=0.0, metadata=_meaning("share of the steps over which the rate rises from 0"))
    epsilon: float = field(default=1e-7, metadata=_meaning("the optimiser's epsilon; 1e-7 in Keras"))
    shuffle: bool = field(default=True, metadata=_meaning("a new order of the rows in every epoch"))
    loss: Loss = field(
        default="mse", metadata=_meaning("mean over rows and coordinates of squared (mse) or absolute (mae) errors")
    )
    weight_decay: float = field(default=0.0, metadata=_meaning("weights shrink by rate x this at every step"))
    code_l1: float = field(default=0.0, metadata=_meaning("weight of the mean absolute code, for sparse codes"))
    contraction: float = field(
        default=0.0, metadata=_meaning("weight of the mean of ||J||_F^2, J the exact Jacobian of the encoder")
    )
    input_noise: float = field(
        default=0.0, metadata=_meaning("standard deviation of the noise added to what is encoded (denoising)")
    )
    stop_epsilon: float | None = field(
        default=None,
        metadata=_meaning("with stop_delta: stop once at most that share of points errs by more than this"),
    )
    stop_delta: float | None = field(
        default=None, metadata=_meaning("share of bad points at which training stops, from 0 to below 1")
    )
    stop_every: int = field(default=10, metadata=_meaning("epochs between two looks at the stopping rule"))
    patience: int | None = field(
        default=None, metadata=_meaning("stop after so many epochs without a smaller loss; none: never")
    )
    converged_below: float = field(
        default=0.01,
        metadata=_meaning("converged: final mean squared error at most this share of the variance of the data"),
    )

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "stop_every", "steps", "patience"):
            value = getattr(self, name)
            if value is None and name in ("steps", "patience"):
                continue
            if not is_count(value):
                raise UsageError(f"{name} must be a positive whole number, got {value!r}.")
        for name in ("learning_rate", "epsilon", "converged_below"):
            value = getattr(self, name)
            if not is_real(value) or value <= 0.0:
                raise UsageError(f"{name} must be a positive finite number, got {value!r}.")
        for name in ("weight_decay", "code_l1", "contraction", "input_noise"):
            value = getattr(self, name)
            if not is_real(value) or value < 0.0:
                raise UsageError(f"{name} must be a finite number from 0 on, got {value!r}.")
        self._check_stopping()
        if not is_real(self.momentum) or not 0.0 <= self.momentum < 1.0:
            raise UsageError(f"momentum must be from 0 to below 1, got {self.momentum!r}.")
        if self.momentum and self.optimizer != "sgd":
            raise UsageError(f"momentum is a setting of sgd; {self.optimizer} has its own. Leave it out.")
        if not is_real(self.batch_share) or not 0.0 < self.batch_share <= 1.0:
            raise UsageError(
                f"batch_share must be a share of the rows above 0 and at most 1, got {self.batch_share!r}."
            )
        if not is_real(self.warmup) or not 0.0 <= self.warmup < 1.0:
            raise UsageError(f"warmup must be a share of the steps from 0 to below 1, got {self.warmup!r}.")
        for name, kind in (("optimizer", Optimizer), ("schedule", Schedule), ("loss", Loss)):
            if getattr(self, name) not in get_args(kind):
                raise UsageError(f"{name} must be one of {', '.join(get_args(kind))}, got {getattr(self, name)!r}.")
        if self.shuffle not in (True, False):
            raise UsageError(f"shuffle must be true or false, got {self.shuffle!r}.")

    def _check_stopping(self) -> None:
        if (self.stop_epsilon is None) != (self.stop_delta is None):
            raise UsageError(
                f"stop_epsilon and stop_delta make one rule, got {self.stop_epsilon!r} and {self.stop_delta!r}: "
                "give both or neither."
            )
        if self.stop_epsilon is None or self.stop_delta is None:
            return
        if not is_real(self.stop_epsilon) or self.stop_epsilon <= 0.0:
            raise UsageError(f"stop_epsilon must be a positive finite number, got {self.stop_epsilon!r}.")
        if not is_real(self.stop_delta) or not 0.0 <= self.stop_delta < 1.0:
            raise UsageError(f"stop_delta must be a share from 0 to below 1, got {self.stop_delta!r}.")

    @property
    def is_plain(self) -> bool:
        """True where the loss is the mean squared error alone, for which the gradient is written out by hand."""
        return self.loss == "mse" and not (self.code_l1 or self.contraction or self.input_noise)

    @property
    def parameters(self) -> dict[str, dict[str, Any]]:
        """For each setting its value here and its meaning."""
        return {
            f.name: {"default": getattr(self, f.name), "meaning": f.metadata["meaning"]}
            for f in dataclasses.fields(self)
            if f.metadata
        }

    def adapted(self, **settings: Any) -> Recipe:
        """The recipe with some settings replaced; None leaves a setting as it is. A batch_size that is set this way is
        meant as it stands: it lifts the recipe's batch_share.

        Raises:
            UsageError: an unknown setting, or a value out of range.
        """
        changes = {name: value for name, value in settings.items() if value is not None}
        unknown = sorted(set(changes) - set(self.parameters))
        if unknown:
            raise UsageError(f"A recipe has no setting {unknown[0]!r}; it has {', '.join(self.parameters)}.")
        if "batch_size" in changes:
            changes.setdefault("batch_share", 1.0)
        return dataclasses.replace(self, **changes)

    def rows_a_step(self, count: int) -> int:
        """Rows of a batch when there are `count` training points.

        Raises:
            UsageError: the batch is larger than the data.
        """
        if self.batch_share < 1.0:
            return max(1, min(self.batch_size, int(self.batch_share * count)))
        if self.batch_size > count:
            raise UsageError(
                f"A batch of {self.batch_size} rows is larger than the {count} training points: "
                "choose a smaller batch_size or more points."
            )
        return self.batch_size

    def steps_an_epoch(self, count: int) -> int:
        """Steps of one pass over `count` points; raises as `rows_a_step`."""
        return math.ceil(count / self.rows_a_step(count))

    def total_steps(self, count: int) -> int:
        """Steps of the whole training on `count` points; raises as `rows_a_step`."""
        return self.steps if self.steps is not None else self.epochs * self.steps_an_epoch(count)

    def factors(self, start: int, stop: int, steps: int) -> NDArray[np.float64]:
        """The learning rates of steps start <= s < stop of `steps`, as shares of the largest one: linear warm-up, then
        the schedule (a cosine ends near 0)."""
        s = np.arange(start, stop)
        rising = round(self.warmup * steps)
        after = np.ones(len(s)) if self.schedule == "constant" else 0.5 * (1.0 + np.cos(math.pi * s / steps))
        return np.where(s < rising, (s + 1) / max(1, rising), after)

    def rate(self, step: int, steps: int) -> float:
        """The learning rate of step 0 <= step < steps; see `factors`."""
        return self.learning_rate * float(self.factors(step, step + 1, steps)[0])

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Recipe:
        """The inverse of `to_dict`."""
        return cls(**data)


RECIPES: Registry[Recipe] = Registry("recipe")


def recipe(named: str | Recipe, **settings: Any) -> Recipe:
    """The recipe of that name (or the one given), with settings replaced as by `Recipe.adapted`.

    Raises:
        UnknownNameError: no such recipe.
        UsageError: an unknown setting, or a value out of range.
    """
    return (named if isinstance(named, Recipe) else RECIPES[named]).adapted(**settings)


def described(how: Recipe) -> str:
    """The name of a recipe, with the settings in which it differs from the registered one of that name."""
    if how.name not in RECIPES:
        return how.name
    named = RECIPES[how.name]
    changed = [f"{s}={getattr(how, s)}" for s in how.parameters if getattr(how, s) != getattr(named, s)]
    return f"{how.name} with {', '.join(changed)}" if changed else how.name


def _register(entry: Recipe) -> None:
    RECIPES.register(entry.name, entry)


_register(
    Recipe(
        "default",
        "Adam at 2e-3, warm-up and a cosine to zero, 2000 epochs of batches of 100: better than `paper` and cheaper.",
        epochs=2000,
        batch_size=100,
        batch_share=0.1,
        learning_rate=2e-3,
        schedule="cosine",
        warmup=0.025,
    )
)
_register(
    Recipe(
        "paper",
        "Kvalheim and Sontag 2024, section 4: Adam at 1e-3, 2000 epochs of shuffled batches of 20, mean squared error.",
        epochs=2000,
        batch_size=20,
        learning_rate=1e-3,
        converged_below=0.05,
    )
)
_register(
    Recipe(
        "spiral",
        "The Keras tutorial on the spiral (source 003), its defaults: RMSprop at 1e-3, batches of 32, 1000 epochs.",
        epochs=1000,
        batch_size=32,
        learning_rate=1e-3,
        optimizer="rmsprop",
    )
)
_register(
    Recipe(
        "thorough",
        "As `default`, with five times its epochs at half its rate: for the models that a conclusion rests on.",
        epochs=10_000,
        batch_size=100,
        batch_share=0.1,
        learning_rate=1e-3,
        schedule="cosine",
        warmup=0.025,
    )
)
_register(
    Recipe(
        "narrow",
        "For networks of a few hundred weights, which need larger steps: Adam at 1e-2, 4000 epochs of batches of 20.",
        epochs=4000,
        batch_size=20,
        learning_rate=1e-2,
        schedule="cosine",
        warmup=0.025,
    )
)
_register(
    Recipe(
        "quick",
        "For a first look: 200 epochs of batches of 50, cosine to zero; often not converged.",
        epochs=200,
        batch_size=50,
        batch_share=0.1,
        learning_rate=2e-3,
        schedule="cosine",
        warmup=0.025,
        converged_below=0.05,
    )
)

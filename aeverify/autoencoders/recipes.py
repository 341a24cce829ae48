"""Recipe: how a model is trained, as plain data, and the registry of the named ones."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, final, get_args

from aeverify.autoencoders.validation import is_count, is_real
from aeverify.core.registry import Registry
from aeverify.errors import UsageError

Optimizer = Literal["adam", "rmsprop"]
Schedule = Literal["constant", "cosine"]


def _meaning(text: str) -> dict[str, str]:
    return {"meaning": text}


@final
@dataclass(frozen=True)
class Recipe:
    """Plain training by minibatch gradient descent on the mean squared error over all coordinates.

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
    optimizer: Optimizer = field(default="adam", metadata=_meaning("adam (0.9, 0.999) or rmsprop (0.9), as in Keras"))
    schedule: Schedule = field(default="constant", metadata=_meaning("constant, or cosine: falls to 0 along a cosine"))
    warmup: float = field(default=0.0, metadata=_meaning("share of the steps over which the rate rises from 0"))
    epsilon: float = field(default=1e-7, metadata=_meaning("the optimiser's epsilon; 1e-7 in Keras"))
    shuffle: bool = field(default=True, metadata=_meaning("a new order of the rows in every epoch"))
    loss: Literal["mse"] = field(default="mse", metadata=_meaning("mean over rows and coordinates of squared errors"))
    converged_below: float = field(
        default=0.01,
        metadata=_meaning("converged: final mean squared error at most this share of the variance of the data"),
    )

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size"):
            value = getattr(self, name)
            if not is_count(value):
                raise UsageError(f"{name} must be a positive whole number, got {value!r}.")
        for name in ("learning_rate", "epsilon", "converged_below"):
            value = getattr(self, name)
            if not is_real(value) or value <= 0.0:
                raise UsageError(f"{name} must be a positive finite number, got {value!r}.")
        if not is_real(self.batch_share) or not 0.0 < self.batch_share <= 1.0:
            raise UsageError(
                f"batch_share must be a share of the rows above 0 and at most 1, got {self.batch_share!r}."
            )
        if not is_real(self.warmup) or not 0.0 <= self.warmup < 1.0:
            raise UsageError(f"warmup must be a share of the steps from 0 to below 1, got {self.warmup!r}.")
        for name, kind in (("optimizer", Optimizer), ("schedule", Schedule), ("loss", Literal["mse"])):
            if getattr(self, name) not in get_args(kind):
                raise UsageError(f"{name} must be one of {', '.join(get_args(kind))}, got {getattr(self, name)!r}.")
        if self.shuffle not in (True, False):
            raise UsageError(f"shuffle must be true or false, got {self.shuffle!r}.")

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

    def rate(self, step: int, steps: int) -> float:
        """The learning rate of step 0 <= step < steps: linear warm-up, then the schedule (which ends near 0)."""
        rising = round(self.warmup * steps)
        if step < rising:
            return self.learning_rate * (step + 1) / rising
        if self.schedule == "constant":
            return self.learning_rate
        return self.learning_rate * 0.5 * (1.0 + math.cos(math.pi * step / steps))

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

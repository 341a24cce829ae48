"""Kind: what sort of autoencoder a spec such as `variational:latent_dim=1,beta=0.1` means, and the registry of kinds.

A kind is plain data. A `TrainedKind` says which torch modules it has, what training makes small, and what the trained
model computes when theorems are asked about it: always two deterministic maps, evaluated in float64. A `FittedKind` is
found from the points directly. Importing this package loads no torch.
"""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, final

from aeverify.autoencoders.architectures import Architecture
from aeverify.autoencoders.members import Modules
from aeverify.autoencoders.protocol import Autoencoder, FloatArray
from aeverify.autoencoders.validation import is_count, is_real
from aeverify.core.dimensions import require_positive
from aeverify.core.registry import Registry
from aeverify.core.seeds import Seed, as_seed
from aeverify.core.spec import Spec
from aeverify.errors import SpecError

if TYPE_CHECKING:
    import torch

    from aeverify.autoencoders.engines.objectives import Objective

_MOST_UNITS = 1_000_000


def setting(default: Any, meaning: str) -> Any:
    """A dataclass field with a default and what it means."""
    return field(default=default, metadata={"meaning": meaning})


@dataclass(frozen=True)
class Kind(ABC):
    """A model kind with its settings.

    Attributes:
        ambient_dim: n.
        latent_dim: m, the number of reals in a code.

    Raises:
        SpecError: a setting is of the wrong type or out of range.
        UsageError: a dimension is not a positive integer.
    """

    name: ClassVar[str] = ""
    sources: ClassVar[tuple[str, ...]] = ()

    ambient_dim: int = field(metadata={"meaning": "n, the number of coordinates of a point"})
    latent_dim: int = field(metadata={"meaning": "m, the number of coordinates of a code"})

    def __post_init__(self) -> None:
        require_positive(self.ambient_dim, "ambient_dim")
        require_positive(self.latent_dim, "latent_dim")

    @property
    def spec(self) -> Spec:
        """The one-line form that rebuilds this kind; settings at their defaults are left out."""
        values: dict[str, Any] = {}
        for f in dataclasses.fields(self):
            value = getattr(self, f.name)
            if f.default is dataclasses.MISSING or value != f.default:
                values[f.name] = value
        return Spec(self.name, values)

    def __str__(self) -> str:
        return str(self.spec)

    @property
    @abstractmethod
    def trained(self) -> bool:
        """Whether gradient descent finds the weights; else they are computed from the points."""

    def _require(self, name: str, accepted: Callable[[Any], bool], expected: str) -> None:
        value = getattr(self, name)
        if not accepted(value):
            raise SpecError(f"{name} of {self.name} must be {expected}, got {value!r}.")

    def _require_positive(self, *names: str) -> None:
        for name in names:
            self._require(name, lambda v: is_real(v) and v > 0.0, "a positive finite number")

    def _require_widths(self, name: str) -> None:
        value = getattr(self, name)
        if isinstance(value, list):
            object.__setattr__(self, name, tuple(value))
        self._require(
            name,
            lambda v: isinstance(v, tuple | list) and all(is_count(w) and w <= _MOST_UNITS for w in v),
            f"a list of whole numbers from 1 to {_MOST_UNITS}",
        )

    def _require_choice(self, name: str, *choices: str) -> None:
        self._require(name, lambda v: v in choices, f"one of {', '.join(choices)}")


@dataclass(frozen=True)
class TrainedKind(Kind):
    """A kind whose weights are found by gradient descent."""

    @property
    def trained(self) -> bool:
        """True."""
        return True

    @abstractmethod
    def build(self, seed: Seed) -> tuple[torch.nn.Module, torch.nn.Module]:
        """Encoder and decoder in float32 and train mode, drawn from `seed` alone."""

    def objective(self) -> Objective | None:
        """What training makes small; None for the loss of the recipe."""
        return None

    def network(self) -> Architecture | Modules:
        """What `train`, `train_restarts` and `train_ensemble` take."""
        return Modules(self._marked, str(self), self.objective())

    def _marked(self, seed: Seed) -> tuple[torch.nn.Module, torch.nn.Module]:
        from aeverify.autoencoders.forms import marked

        encoder, decoder = self.build(seed)
        return marked(encoder, str(self)), decoder

    def untrained(self, seed: Seed | int = 0) -> Autoencoder:
        """The model before any training."""
        from aeverify.autoencoders.networks import ModuleAutoencoder

        encoder, decoder = self._marked(as_seed(seed))
        return ModuleAutoencoder(
            encoder, decoder, ambient_dim=self.ambient_dim, latent_dim=self.latent_dim, name=str(self)
        )


@dataclass(frozen=True)
class FittedKind(Kind):
    """A kind that is computed from the points, without gradients."""

    @property
    def trained(self) -> bool:
        """False."""
        return False

    @abstractmethod
    def fit(self, points: FloatArray, seed: Seed | int = 0) -> Autoencoder:
        """The model of points (N, n).

        Raises:
            UsageError: unusable points.
        """


@final
@dataclass(frozen=True)
class KindEntry:
    """A registered kind.

    Attributes:
        make: the class.
        summary: what it is.
        sources: ids of the statements about it in the source documents.
        parameters: for each setting its default (None: from the data) and its meaning.
    """

    make: type[Kind]
    summary: str
    sources: tuple[str, ...]
    parameters: Mapping[str, Mapping[str, Any]]


KINDS: Registry[KindEntry] = Registry("model kind")
K = TypeVar("K", bound=type[Kind])


def register(make: K) -> K:
    """Class decorator: the kind is known by its `name`; the first sentence of its docstring is its summary."""
    parameters = {
        f.name: {
            "default": None if f.default is dataclasses.MISSING else f.default,
            "meaning": f.metadata["meaning"],
        }
        for f in dataclasses.fields(make)
    }
    text = " ".join((make.__doc__ or "").split("\n\n")[0].split())
    KINDS.register(make.name, KindEntry(make, text, make.sources, parameters))
    return make


def kind(spec: str | Spec | Kind, *, ambient_dim: int | None = None, latent_dim: int | None = None) -> Kind:
    """The kind that a spec names. `ambient_dim` and `latent_dim` say what the data need: they fill in what the spec
    leaves open, and must agree with what it says.

    Raises:
        UnknownNameError: no such kind.
        SpecError: an unknown, missing or unusable setting, or one that disagrees with the data.
    """
    wanted = {k: v for k, v in (("ambient_dim", ambient_dim), ("latent_dim", latent_dim)) if v is not None}
    if isinstance(spec, Kind):
        made = spec
    else:
        parsed = spec if isinstance(spec, Spec) else Spec.parse(spec)
        entry = KINDS[parsed.name]
        unknown = sorted(set(parsed.parameters) - set(entry.parameters))
        if unknown:
            raise SpecError(f"{parsed.name} has no setting {unknown[0]!r}; it has {', '.join(entry.parameters)}.")
        settings = {**wanted, **parsed.parameters}
        missing = [
            f.name
            for f in dataclasses.fields(entry.make)
            if f.default is dataclasses.MISSING and f.name not in settings
        ]
        if missing:
            raise SpecError(f"{parsed.name} needs {' and '.join(missing)}, as in '{parsed.name}:{missing[0]}=3'.")
        made = entry.make(**settings)
    for key, value in wanted.items():
        if getattr(made, key) != value:
            raise SpecError(f"{made} has {key} {getattr(made, key)}, and {value} is needed here.")
    return made

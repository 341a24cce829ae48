"""Architecture: the shape of a fully connected autoencoder as plain data, and the registry of the named ones.

An architecture is a spec: `paper`, `spiral`, or `mlp:ambient_dim=3,latent_dim=1,hidden=[128,128,128],activation=relu`.
The decoder mirrors the encoder; bottleneck and output are linear. Nothing here loads torch until `build` is called.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

from aeverify.autoencoders.layers import ACTIVATIONS
from aeverify.autoencoders.protocol import require_latent_dim
from aeverify.autoencoders.validation import is_count, is_real
from aeverify.core.registry import Registry
from aeverify.core.seeds import Seed, as_seed
from aeverify.core.spec import Spec
from aeverify.errors import SpecError

if TYPE_CHECKING:
    import torch

MAX_PARAMETERS = 100_000_000
"""Larger architectures are refused before anything is allocated."""


@final
@dataclass(frozen=True)
class Architecture:
    """A fully connected autoencoder: n -> hidden -> m -> reversed hidden -> n.

    Attributes:
        ambient_dim: n.
        latent_dim: m, from 1 to n.
        hidden: widths of the encoder's hidden layers; the decoder has them in reverse order.
        activation: name in `ACTIVATIONS`, after every hidden layer.
        parameter: parameter of the activation; None for its default.

    Raises:
        SpecError: a width is not a positive integer, the activation is unknown, or the network is too large.
        UsageError: the dimensions are not 1 <= m <= n.
    """

    ambient_dim: int
    latent_dim: int
    hidden: tuple[int, ...] = (128, 128, 128)
    activation: str = "relu"
    parameter: float | None = None

    def __post_init__(self) -> None:
        require_latent_dim(self.latent_dim, self.ambient_dim)
        object.__setattr__(self, "hidden", _widths(self.hidden))
        kind = ACTIVATIONS[self.activation]
        if self.parameter is None:
            object.__setattr__(self, "parameter", kind.default)
        elif not is_real(self.parameter):
            raise SpecError(f"The activation's parameter must be a finite number, got {self.parameter!r}.")
        elif not kind.parameter and self.parameter != 0.0:
            raise SpecError(f"{self.activation} takes no parameter {self.parameter!r}; leave it out.")
        elif self.activation == "softplus" and self.parameter <= 0.0:
            raise SpecError(f"softplus needs beta > 0, got {self.parameter!r}.")
        elif self.activation in ("sin", "cos") and not 0 < abs(self.parameter) <= 1e6:
            raise SpecError(f"{self.activation} needs 0 < |frequency| <= 1e6, got {self.parameter!r}.")
        if self.parameter_count > MAX_PARAMETERS:
            raise SpecError(
                f"An architecture of {self.parameter_count} parameters is too large: at most {MAX_PARAMETERS} are "
                "built. Choose narrower or fewer hidden layers."
            )

    @property
    def encoder_sizes(self) -> tuple[int, ...]:
        """Widths from input to code."""
        return (self.ambient_dim, *self.hidden, self.latent_dim)

    @property
    def decoder_sizes(self) -> tuple[int, ...]:
        """Widths from code to output."""
        return self.encoder_sizes[::-1]

    @property
    def encoder_parameter_count(self) -> int:
        """Number of weights and biases of E."""
        return _count(self.encoder_sizes)

    @property
    def decoder_parameter_count(self) -> int:
        """Number of weights and biases of D."""
        return _count(self.decoder_sizes)

    @property
    def parameter_count(self) -> int:
        """Number of weights and biases of both."""
        return self.encoder_parameter_count + self.decoder_parameter_count

    @property
    def spec(self) -> Spec:
        """The one-line form that rebuilds this architecture."""
        parameters: dict[str, Any] = {
            "ambient_dim": self.ambient_dim,
            "latent_dim": self.latent_dim,
            "hidden": self.hidden,
            "activation": self.activation,
        }
        if ACTIVATIONS[self.activation].parameter:
            parameters["parameter"] = self.parameter
        return Spec("mlp", parameters)

    def __str__(self) -> str:
        return str(self.spec)

    def build(self, seed: Seed | int) -> tuple[torch.nn.Sequential, torch.nn.Sequential]:
        """Encoder and decoder in float32, drawn from `seed` alone as Keras draws a Dense layer.

        Weights are uniform in [-l, l] with l = sqrt(6/(in + out)) (Glorot and Bengio 2010), biases are zero: the
        default of the library that sources 000 and 003 use, where torch's own default differs. No global random state
        is read or changed.
        """
        from aeverify.autoencoders.building import build_modules

        return build_modules(self, as_seed(seed))


def _widths(hidden: object) -> tuple[int, ...]:
    if not isinstance(hidden, list | tuple):
        raise SpecError(f"hidden must be a list of layer widths such as [128,128,128], got {hidden!r}.")
    for width in hidden:
        if not is_count(width):
            raise SpecError(f"A hidden layer must have a positive whole number of units, got {width!r}.")
    return tuple(hidden)


def _count(sizes: tuple[int, ...]) -> int:
    return sum(a * b + b for a, b in itertools.pairwise(sizes))


@final
@dataclass(frozen=True)
class ArchitectureEntry:
    """A named architecture: its parameters with their defaults (None: must be given), and what it is."""

    defaults: Mapping[str, Any]
    doc: str


ARCHITECTURES: Registry[ArchitectureEntry] = Registry("architecture")
ARCHITECTURES.register(
    "paper",
    ArchitectureEntry(
        {"ambient_dim": 3, "latent_dim": 1, "hidden": (128, 128, 128), "activation": "relu"},
        "The network of Kvalheim and Sontag 2024, section 4: 3-128-128-128-1-128-128-128-3, ReLU, linear bottleneck "
        "and output; 33,665 + 33,667 parameters.",
    ),
)
ARCHITECTURES.register(
    "spiral",
    ArchitectureEntry(
        {"ambient_dim": 2, "latent_dim": 1, "hidden": (10, 10), "activation": "relu"},
        "The network of the Keras tutorial on the spiral (source 003): 2-10-10-1-10-10-2, ReLU; 151 + 152 parameters.",
    ),
)
ARCHITECTURES.register(
    "mlp",
    ArchitectureEntry(
        {"ambient_dim": None, "latent_dim": None, "hidden": (128, 128, 128), "activation": "relu", "parameter": None},
        "A fully connected autoencoder whose decoder mirrors its encoder; parameter: slope, alpha, beta or frequency.",
    ),
)


def architecture(
    spec: str | Spec | Architecture, *, ambient_dim: int | None = None, latent_dim: int | None = None
) -> Architecture:
    """The architecture that a spec names.

    `ambient_dim` and `latent_dim` say what the data need: they replace the defaults of the named architecture (so
    that `paper` serves any set), and must agree with what the spec itself says.

    Raises:
        UnknownNameError: no such architecture or activation.
        SpecError: an unknown, missing or unusable parameter, or one that disagrees with the data.
        UsageError: the dimensions are not 1 <= m <= n.
    """
    if isinstance(spec, Architecture):
        built = spec
        wanted = {"ambient_dim": built.ambient_dim, "latent_dim": built.latent_dim}
    else:
        parsed = spec if isinstance(spec, Spec) else Spec.parse(spec)
        entry = ARCHITECTURES[parsed.name]
        unknown = sorted(set(parsed.parameters) - set(entry.defaults))
        if unknown:
            raise SpecError(f"{parsed.name} has no parameter {unknown[0]!r}; it has {', '.join(entry.defaults)}.")
        wanted = dict(parsed.parameters)
        merged = {**entry.defaults, **dict(_named(ambient_dim, latent_dim).items()), **wanted}
        missing = [k for k in ("ambient_dim", "latent_dim") if merged[k] is None]
        if missing:
            raise SpecError(f"{parsed.name} needs {' and '.join(missing)}, as in '{parsed.name}:{missing[0]}=3'.")
        built = Architecture(**merged)
    for key, value in _named(ambient_dim, latent_dim).items():
        if key in wanted and wanted[key] != value:
            raise SpecError(f"The architecture has {key} {wanted[key]!r}, and {value} is needed here.")
    return built


def _named(ambient_dim: int | None, latent_dim: int | None) -> dict[str, int]:
    return {k: v for k, v in (("ambient_dim", ambient_dim), ("latent_dim", latent_dim)) if v is not None}

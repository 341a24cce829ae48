"""Variational autoencoders: a distribution of codes in training, its continuous mean when theorems are asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, final

from aeverify.autoencoders.kinds.base import register, setting
from aeverify.autoencoders.kinds.dense import DenseKind
from aeverify.autoencoders.validation import is_real
from aeverify.core.seeds import Seed
from aeverify.errors import SpecError

if TYPE_CHECKING:
    from torch import nn

    from aeverify.autoencoders.engines.objectives import Objective
    from aeverify.autoencoders.kinds.priors import Prior


@register
@final
@dataclass(frozen=True)
class Variational(DenseKind):
    """A fully connected variational autoencoder (Kingma and Welling 2014) with weight beta of the divergence.

    Training makes -log p(x | z) + beta KL(q(z | x) || p(z)) small for one draw z of the posterior. The model that is
    evaluated takes the posterior's mean for z and the decoder's mean for x: two continuous deterministic maps.
    prior=normal: KL = 1/2 sum s^2 + mu^2 - 1 - log s^2. prior=torus (latent_dim 2 d): uniform on d circles, wrapped
    normal posteriors. prior=sphere (latent_dim 3): uniform, von Mises-Fisher posteriors; see `kinds.priors`.
    """

    name: ClassVar[str] = "variational"
    sources: ClassVar[tuple[str, ...]] = ("V-11", "V-12", "V-15", "C-4")

    activation: str = setting("tanh", "after every hidden layer, with its default parameter")
    prior: str = setting("normal", "normal, torus or sphere")
    likelihood: str = setting("gaussian", "gaussian, or bernoulli for coordinates in [low, high]")
    beta: float = setting(1.0, "weight of the divergence")
    variance: float = setting(0.01, "of the gaussian likelihood, in squared units of the data")
    low: float = setting(0.0, "least coordinate, for bernoulli")
    high: float = setting(1.0, "largest coordinate, for bernoulli")

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require_choice("prior", "normal", "torus", "sphere")
        self._require_choice("likelihood", "gaussian", "bernoulli")
        self._require("beta", lambda v: is_real(v) and v >= 0.0, "a finite number from 0 on")
        self._require_positive("variance")
        for name in ("low", "high"):
            self._require(name, is_real, "a finite number")
        if self.low >= self.high:
            raise SpecError(f"variational needs low < high, got {self.low!r} and {self.high!r}.")
        if self.prior == "torus" and self.latent_dim % 2:
            raise SpecError(
                f"A torus of d circles has codes in R^(2d), and latent_dim {self.latent_dim} is odd: "
                "choose an even one."
            )
        if self.prior == "sphere" and self.latent_dim != 3:
            raise SpecError(
                f"The sphere prior has latent_dim 3 (the 2-sphere), got {self.latent_dim}; for a circle take "
                "prior=torus with latent_dim 2."
            )

    def build(self, seed: Seed) -> tuple[nn.Module, nn.Module]:
        """See `TrainedKind`."""
        from aeverify.autoencoders.kinds.modules import dense, drawn
        from aeverify.autoencoders.kinds.priors import Bernoulli, Posterior

        family = self._family()
        sizes = self.encoder_sizes

        def build() -> tuple[nn.Module, nn.Module]:
            stack = dense((*sizes[:-1], family.outputs), self.activation)
            decoder = dense(sizes[::-1], self.activation)
            outputs = Bernoulli(decoder, self.low, self.high) if self.likelihood == "bernoulli" else decoder
            return Posterior(stack, family), outputs

        return drawn(build, seed)

    def objective(self) -> Objective:
        """See `TrainedKind`."""
        from aeverify.autoencoders.kinds.objectives import NegativeElbo

        return NegativeElbo(self._family(), self.likelihood, self.beta, self.variance, self.low, self.high)

    def _family(self) -> Prior:
        from aeverify.autoencoders.kinds.priors import GaussianPrior, SpherePrior, TorusPrior

        if self.prior == "torus":
            return TorusPrior(self.latent_dim // 2)
        return SpherePrior() if self.prior == "sphere" else GaussianPrior(self.latent_dim)

"""Kinds whose architecture is fully connected and whose training keeps them from copying."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, final

from aeverify.autoencoders.kinds.base import register, setting
from aeverify.autoencoders.kinds.dense import DenseKind
from aeverify.autoencoders.recipes import recipe
from aeverify.autoencoders.validation import is_count, is_real
from aeverify.core.seeds import Seed

if TYPE_CHECKING:
    from torch import nn

    from aeverify.autoencoders.engines.objectives import Objective


@register
@final
@dataclass(frozen=True)
class Sparse(DenseKind):
    """A fully connected autoencoder with sparse codes, by an L1 or a KL penalty; the code may be overcomplete.

    penalty=l1: mean squared error + weight times the mean absolute code. penalty=kl: codes in (0, 1) by a sigmoid, and
    weight times sum_j KL(target || mean of coordinate j over the batch).
    """

    name: ClassVar[str] = "sparse"
    sources: ClassVar[tuple[str, ...]] = ("T-3", "S-24")

    penalty: str = setting("l1", "l1, or kl with a sigmoid at the code")
    weight: float = setting(1e-3, "weight of the penalty")
    target: float = setting(0.05, "mean activity that kl aims at, between 0 and 1")

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require_choice("penalty", "l1", "kl")
        self._require_positive("weight")
        self._require("target", lambda v: is_real(v) and 0.0 < v < 1.0, "a number between 0 and 1")

    def build(self, seed: Seed) -> tuple[nn.Module, nn.Module]:
        """See `TrainedKind`."""
        from torch import nn

        from aeverify.autoencoders.kinds.modules import dense, drawn

        sizes, last = self.encoder_sizes, [nn.Sigmoid()] if self.penalty == "kl" else []
        return drawn(lambda: (dense(sizes, self.activation, *last), dense(sizes[::-1], self.activation)), seed)

    def objective(self) -> Objective:
        """See `TrainedKind`."""
        from aeverify.autoencoders.engines.objectives import RecipeObjective
        from aeverify.autoencoders.kinds.objectives import SparseKl

        if self.penalty == "kl":
            return SparseKl(self.weight, self.target)
        return RecipeObjective(recipe("default", code_l1=self.weight), self.ambient_dim)


@register
@final
@dataclass(frozen=True)
class Contractive(DenseKind):
    """A fully connected autoencoder with a penalty on the Jacobian of its encoder (Rifai et al. 2011).

    Mean squared error + weight times the mean of ||J_E||_F^2, exact or by Hutchinson's estimator. Since
    ||J||_2 <= ||J||_F, the root of the penalty at x bounds the local Lipschitz constant of E at x. For one layer of
    sigmoids h = s(W x + b), ||J_E||_F^2 = sum_j (h_j (1 - h_j))^2 |W_j|^2.
    """

    name: ClassVar[str] = "contractive"
    sources: ClassVar[tuple[str, ...]] = ("C-3", "S-24")

    activation: str = setting("tanh", "after every hidden layer, with its default parameter")
    weight: float = setting(1e-3, "weight of the penalty")
    estimator: str = setting("exact", "exact (a derivative for each code coordinate), or hutchinson")
    probes: int = setting(1, "random directions of hutchinson for each row and step")

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require_choice("estimator", "exact", "hutchinson")
        self._require_positive("weight")
        self._require("probes", lambda v: is_count(v) and v <= 1000, "a whole number from 1 to 1000")

    def objective(self) -> Objective:
        """See `TrainedKind`."""
        from aeverify.autoencoders.engines.objectives import RecipeObjective
        from aeverify.autoencoders.kinds.objectives import HutchinsonContraction

        if self.estimator == "hutchinson":
            return HutchinsonContraction(self.weight, self.latent_dim, self.probes)
        return RecipeObjective(recipe("default", contraction=self.weight), self.ambient_dim)


@register
@final
@dataclass(frozen=True)
class Denoising(DenseKind):
    """A fully connected autoencoder trained to give back x from x with Gaussian noise (Vincent et al. 2008).

    The best such map is the conditional mean of x given what was seen; for data N(0, 1) and noise s it is
    y -> y/(1 + s^2), with loss s^2/(1 + s^2), below that of a perfect copy, s^2.
    """

    name: ClassVar[str] = "denoising"
    sources: ClassVar[tuple[str, ...]] = ("C-21", "S-24")

    noise: float = setting(0.1, "standard deviation of the noise on each coordinate")

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require_positive("noise")

    def objective(self) -> Objective:
        """See `TrainedKind`."""
        from aeverify.autoencoders.engines.objectives import RecipeObjective

        return RecipeObjective(recipe("default", input_noise=self.noise), self.ambient_dim)


@register
@final
@dataclass(frozen=True)
class Masked(DenseKind):
    """A fully connected autoencoder trained to give back x from x with some coordinates set to 0."""

    name: ClassVar[str] = "masked"
    sources: ClassVar[tuple[str, ...]] = ("S-24",)

    share: float = setting(0.2, "probability that a coordinate is hidden, between 0 and 1")

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require("share", lambda v: is_real(v) and 0.0 < v < 1.0, "a number between 0 and 1")

    def objective(self) -> Objective:
        """See `TrainedKind`."""
        from aeverify.autoencoders.kinds.objectives import Masking

        return Masking(self.share, self.ambient_dim)


@register
@final
@dataclass(frozen=True)
class Topological(DenseKind):
    """A fully connected autoencoder whose codes keep the topology of degree 0 (Moor et al. 2020).

    Only components are looked at (minimum spanning trees), not loops. A step takes about a millisecond for a batch of
    50 and models are trained one by one.
    """

    name: ClassVar[str] = "topological"
    sources: ClassVar[tuple[str, ...]] = ("K-35", "K-36")

    weight: float = setting(0.1, "weight of the mismatch of distances")

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require_positive("weight")

    def objective(self) -> Objective:
        """See `TrainedKind`."""
        from aeverify.autoencoders.kinds.objectives import Topological as Mismatch

        return Mismatch(self.weight)

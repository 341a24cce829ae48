"""Grounds: what models are judged on, a manifold or a data set, as the pipeline sees it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, final

from aeverify.autoencoders.protocol import Autoencoder
from aeverify.claims import CLAIMS, Check, Effort, Study, claim
from aeverify.claims.base import named_checks
from aeverify.config import DataSource
from aeverify.core.report import ErrorBudget
from aeverify.core.seeds import Seed
from aeverify.core.spec import Spec
from aeverify.errors import UsageError
from aeverify.manifolds import Manifold, facts, manifold
from aeverify.manifolds.base import Sample

if TYPE_CHECKING:
    from aeverify.data import DataSet

Claims = Iterable[Any] | Mapping[str, Mapping[str, Any]] | str | None
"""Ids of claims, ids with parameters, checks, or None for every claim that applies."""


class Ground(ABC):
    """K as the pipeline needs it."""

    parts: int
    """Number of components, each of which a statistical claim may speak of."""

    @property
    @abstractmethod
    def spec(self) -> str:
        """What the report calls K."""

    @property
    @abstractmethod
    def ambient_dim(self) -> int:
        """Dimension of the points."""

    @abstractmethod
    def facts(self) -> dict[str, str]:
        """What is known of K, for the reader."""

    @abstractmethod
    def checks(self, claims: Claims, latent_dim: int) -> tuple[Any, ...]:
        """The configured checks; with None those that apply.

        Raises:
            UsageError: an unknown claim or parameter, or an empty list of claims.
        """

    @abstractmethod
    def study(
        self,
        model: Autoencoder,
        seed: Seed,
        alpha: float,
        effort: Effort,
        training: Sample | None = None,
        trained_here: bool = False,
    ) -> Any:
        """A study of a model on K."""

    def require_fit(self, model: Autoencoder) -> None:
        """Check that a model takes the points of K.

        Raises:
            UsageError: it takes points of another dimension.
        """
        if model.ambient_dim != self.ambient_dim:
            raise UsageError(
                f"{model.name} takes points of R^{model.ambient_dim}, but {self.spec} lies in R^{self.ambient_dim}. "
                "Give a model and a set of one ambient dimension."
            )

    def error_budget(self, alpha: float, groups: Sequence[Sequence[Any]]) -> ErrorBudget:
        """The split of alpha over the statistical statements of the run (union bound over models, claims, components).

        Args:
            alpha: error probability of all of them together.
            groups: the checks of each model.

        Raises:
            UsageError: alpha outside (0, 1).
        """
        if not 0.0 < alpha < 1.0:
            raise UsageError(f"alpha must lie in (0, 1), got {alpha!r}.")
        statements: dict[str, int] = {}
        for check in (c for group in groups for c in group):
            if check.statistical_statements:
                name = check.claim.id
                statements[name] = statements.get(name, 0) + check.statistical_statements * self.parts
        return ErrorBudget(alpha, alpha / max(1, sum(statements.values())), statements)


@final
class ManifoldGround(Ground):
    """K as a manifold of known truth."""

    def __init__(self, space: Manifold) -> None:
        self.space, self.parts = space, len(space.components)

    @property
    def spec(self) -> str:
        """Spec of the manifold."""
        return str(self.space)

    @property
    def ambient_dim(self) -> int:
        """n."""
        return self.space.ambient_dim

    def facts(self) -> dict[str, str]:
        """Its truth in words."""
        return dict(facts(self.space))

    def checks(self, claims: Claims, latent_dim: int) -> tuple[Check, ...]:
        """From the catalog of claims about manifolds."""
        if claims is None:
            return tuple(c for c in CLAIMS.values() if c.chosen(self.space, latent_dim))
        return named_checks(claims, Check, claim)

    def study(
        self,
        model: Autoencoder,
        seed: Seed,
        alpha: float,
        effort: Effort,
        training: Sample | None = None,
        trained_here: bool = False,
    ) -> Study:
        """A `Study`."""
        return Study(model, self.space, seed, alpha, training, trained_here, effort)


@final
class DataGround(Ground):
    """K as a data set, of which everything is estimated or drawn."""

    parts = 1

    def __init__(self, data: DataSet) -> None:
        self.data = data

    @property
    def spec(self) -> str:
        """Name of the data set."""
        return str(self.data)

    @property
    def ambient_dim(self) -> int:
        """Numbers in a row."""
        return int(self.data.ambient_dim)

    def facts(self) -> dict[str, str]:
        """What was counted and estimated."""
        return dict(self.data.facts())

    def checks(self, claims: Claims, latent_dim: int) -> tuple[Any, ...]:
        """From the catalog of claims about data."""
        from aeverify.claims.data import checks_for

        if isinstance(claims, str):
            claims = [claims]
        named: Mapping[str, Mapping[str, Any]] | None
        if claims is None or isinstance(claims, Mapping):
            named = claims
        else:
            given = tuple(claims)
            if given and not any(isinstance(c, str) for c in given):
                return given
            named = {str(name): {} for name in given}
        return checks_for(self.data, latent_dim, named)

    def study(
        self,
        model: Autoencoder,
        seed: Seed,
        alpha: float,
        effort: Effort,
        training: Sample | None = None,
        trained_here: bool = False,
    ) -> Any:
        """A `DataStudy`."""
        from aeverify.claims.data import DataStudy

        return DataStudy(model, self.data, seed, alpha, effort)


def ground(given: Manifold | Spec | str | DataSet | DataSource) -> Ground:
    """The ground of a manifold, its spec, a data set or the place of one.

    Raises:
        UsageError: an unknown manifold, or data that cannot be read.
    """
    if isinstance(given, Manifold | Spec | str):
        return ManifoldGround(manifold(given))
    if isinstance(given, DataSource):
        from aeverify.data import load_data

        return DataGround(load_data(given.path, **given.options))
    return DataGround(given)

"""The claims about data sets that can be asked for by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from aeverify.claims.base import named_checks
from aeverify.claims.catalog import CLAIMS
from aeverify.claims.data.base import DataCheck
from aeverify.claims.data.population import PopulationError, PopulationMean, PopulationQuantile
from aeverify.claims.data.rows import DataLatentHomology, DataSup, NoDataCollisions
from aeverify.claims.data.width import DataWidth
from aeverify.core.registry import Registry
from aeverify.data import DataSet
from aeverify.errors import UnknownNameError, UsageError

DATA_CLAIMS: Registry[DataCheck] = Registry("claim about data")
for _check in (
    PopulationError(),
    PopulationQuantile(),
    PopulationMean(),
    DataSup(),
    NoDataCollisions(),
    DataLatentHomology(),
    DataWidth(),
):
    DATA_CLAIMS.register(_check.claim.id, _check)


def data_claim(name: str) -> DataCheck:
    """The check of that id; case, spaces, '-' and '_' do not matter.

    Raises:
        UsageError: the claim is one about manifolds, whose truth is known; of data nothing is.
        UnknownNameError: there is no such claim; the message lists the nearest ones.
    """
    found = DATA_CLAIMS.spelled(name)
    if found is not None:
        return found
    if CLAIMS.spelled(name) is not None:
        raise UsageError(
            f"{name!r} is a claim about a manifold, whose truth is known; of a data set nothing is. Claims about data: "
            f"{', '.join(DATA_CLAIMS)}."
        )
    raise UnknownNameError("claim about data", name, DATA_CLAIMS)


def checks_for(
    data: DataSet,
    latent_dim: int,
    claims: Mapping[str, Mapping[str, Any]] | Iterable[str | DataCheck] | str | None = None,
) -> tuple[DataCheck, ...]:
    """The configured checks of a run on a data set, in the order of the caller or of the catalog.

    Args:
        data: the data set.
        latent_dim: m.
        claims: ids with parameters, or ids, or checks; None takes those that need no number of the caller's.

    Raises:
        UsageError: an unknown claim or parameter, a value out of range, or no claim at all.
    """
    if claims is None:
        return tuple(c for c in DATA_CLAIMS.values() if c.chosen(data, latent_dim))
    return named_checks(claims, DataCheck, data_claim)

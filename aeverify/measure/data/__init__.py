"""Evidence on data sets: the model at the rows, and what held-out rows say of the population.

A number about the rows is a fact about finitely many points; one about the population is STATISTICAL, with what it
takes from the caller's word among its assumptions. Nothing here bounds the worst error off the rows from above.
"""

from aeverify.measure.data.collisions import DataCollisions, data_collisions
from aeverify.measure.data.finite import sup_on_data
from aeverify.measure.data.homology import LEAST_ROWS, CloudHomology, DataHomology, data_homology
from aeverify.measure.data.population import (
    bootstrap_mean,
    population_band,
    population_mean,
    population_quantile,
    population_share,
)
from aeverify.measure.data.values import (
    RowErrors,
    batch_gap,
    reevaluate_rows,
    require_same_space,
    row_errors,
    row_witness,
)

__all__ = [
    "LEAST_ROWS",
    "CloudHomology",
    "DataCollisions",
    "DataHomology",
    "RowErrors",
    "batch_gap",
    "bootstrap_mean",
    "data_collisions",
    "data_homology",
    "population_band",
    "population_mean",
    "population_quantile",
    "population_share",
    "reevaluate_rows",
    "require_same_space",
    "row_errors",
    "row_witness",
    "sup_on_data",
]

"""Claims about a model on a data set: about the population that held-out rows were drawn from, or about the rows."""

from aeverify.claims.data.base import DataCheck, DataStudy
from aeverify.claims.data.catalog import DATA_CLAIMS, checks_for, data_claim

__all__ = ["DATA_CLAIMS", "DataCheck", "DataStudy", "checks_for", "data_claim"]

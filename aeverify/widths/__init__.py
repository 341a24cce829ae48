"""Widths: two-sided bounds on the best that ANY continuous autoencoder can do on a set; no model appears here."""

from aeverify.widths.catalog import best_lower, bounds, closed_lower_bound, lower_bounds, upper_bounds
from aeverify.widths.models import upper_from_model

__all__ = ["best_lower", "bounds", "closed_lower_bound", "lower_bounds", "upper_bounds", "upper_from_model"]

"""Widths: two-sided bounds on the best that ANY continuous autoencoder can do on a set; no model appears here."""

from aeverify.widths.catalog import best_lower, bounds, lower_bounds, upper_bounds

__all__ = ["best_lower", "bounds", "lower_bounds", "upper_bounds"]

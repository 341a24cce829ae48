"""Oracles: hand-built autoencoders of which the truth is known, and mutants with known defects; see `base`."""

from aeverify.autoencoders.oracles import circle, liars, spiral, two_circles  # noqa: F401  (each registers its oracles)
from aeverify.autoencoders.oracles.base import ORACLES, Oracle, OracleEntry, OracleTruth, oracle

__all__ = ["ORACLES", "Oracle", "OracleEntry", "OracleTruth", "oracle"]

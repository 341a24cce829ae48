"""Pipeline: a plan in, a report out. Train or load, measure, decide, collect; others render and exit."""

from aeverify.pipeline.checking import check
from aeverify.pipeline.running import run

__all__ = ["check", "run"]

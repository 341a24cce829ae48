"""One theorem or property a file: premises, evidence, relation, citation."""

from aeverify.claims.base import Check, Finding
from aeverify.claims.catalog import CLAIMS, claim
from aeverify.claims.study import Effort, Study

__all__ = ["CLAIMS", "Check", "Effort", "Finding", "Study", "claim"]

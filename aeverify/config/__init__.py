"""Plans and claims files: what a run does, as a value and in TOML."""

from aeverify.config.files import Given, load_plan, parse_plan
from aeverify.config.plans import (
    LAYERED_CLAIMS,
    Budget,
    DataSource,
    Plan,
    Subject,
    Training,
    default_plan,
)

__all__ = [
    "LAYERED_CLAIMS",
    "Budget",
    "DataSource",
    "Given",
    "Plan",
    "Subject",
    "Training",
    "default_plan",
    "load_plan",
    "parse_plan",
]

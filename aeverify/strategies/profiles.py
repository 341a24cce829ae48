"""Profiles: settings of hypothesis for development, for continuous integration and for the night."""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, Verbosity, settings


def register_profiles() -> None:
    """Register the settings profiles `aeverify-dev`, `aeverify-ci` and `aeverify-nightly` with hypothesis; load one by
    `hypothesis.settings.load_profile`. They differ in the number of examples and in whether draws repeat: `-ci` draws
    the same every time and keeps no database, `-dev` and `-nightly` remember failures. None has a deadline."""
    every = (Phase.explicit, Phase.reuse, Phase.generate, Phase.target, Phase.shrink, Phase.explain)
    for name, examples, derandomize, phases in (
        ("aeverify-dev", 25, False, every),
        ("aeverify-ci", 100, True, tuple(p for p in every if p is not Phase.reuse)),
        ("aeverify-nightly", 2000, False, every),
    ):
        plain = settings.get_profile("default")
        settings.register_profile(
            name,
            max_examples=examples,
            derandomize=derandomize,
            database=None if derandomize else plain.database,
            verbosity=Verbosity.normal,
            phases=phases,
            stateful_step_count=50,
            report_multiple_bugs=True,
            suppress_health_check=(HealthCheck.too_slow,),
            deadline=None,
            print_blob=True,
            backend="hypothesis",
        )

"""Merge: one report of many, as a test session needs it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from aeverify.core.report import Provenance, Report


def merge(reports: Iterable[Report], title: str, provenance: Provenance) -> Report:
    """One report with the verdicts of many; every verdict gates. Models that occur more than once are listed once.

    Of no reports: a report that checked nothing, whose outcome is VACUOUS and whose exit code is 4. What `provenance`
    leaves empty (versions, device, CPU capability, dtype) is taken from the reports.
    """
    parts = list(reports)
    spaces = list(dict.fromkeys(r.manifold for r in parts))
    models = {(m.name, m.hash): m for r in parts for m in r.models}
    made = [r.provenance for r in parts]
    return Report(
        title=title,
        manifold="; ".join(spaces),
        manifold_facts={
            f"{r.manifold}: {name}" if len(spaces) > 1 else name: fact
            for r in parts
            for name, fact in r.manifold_facts.items()
        },
        latent_dim=max((r.latent_dim for r in parts), default=0),
        verdicts=tuple(v for r in parts for v in r.verdicts),
        models=tuple(models.values()),
        plots=(),
        provenance=replace(
            provenance,
            versions={**provenance.versions, **{name: v for p in made for name, v in p.versions.items()}},
            device=provenance.device or _each(p.device for p in made),
            cpu_capability=provenance.cpu_capability or _each(p.cpu_capability for p in made),
            dtype=provenance.dtype or _each(p.dtype for p in made),
        ),
        interrupted="; ".join(dict.fromkeys(r.interrupted for r in parts if r.interrupted)),
        notes=tuple(dict.fromkeys(n for r in parts for n in r.notes)),
    )


def _each(values: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(values)) or "none"

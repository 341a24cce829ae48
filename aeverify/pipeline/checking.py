"""Checking: one autoencoder, given as an object, on one compact set or data set."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aeverify.autoencoders.protocol import Autoencoder
from aeverify.claims import Check, Effort
from aeverify.core.clock import counted
from aeverify.core.events import Listener, VerdictReached, silent
from aeverify.core.policy import GatePolicy
from aeverify.core.report import Report
from aeverify.core.seeds import Seed
from aeverify.core.spec import Spec
from aeverify.errors import UsageError
from aeverify.manifolds import Manifold
from aeverify.manifolds.base import Sample
from aeverify.pipeline.grounds import ground
from aeverify.pipeline.running import python_replay
from aeverify.pipeline.state import record_of
from aeverify.provenance import provenance

if TYPE_CHECKING:
    from aeverify.data import DataSet


def check(
    autoencoder: Autoencoder,
    manifold: Manifold | Spec | str | DataSet,
    claims: Iterable[str | Check] | Mapping[str, Mapping[str, Any]] | str | None = None,
    seed: int = 0,
    *,
    training: Sample | None = None,
    alpha: float = 0.01,
    effort: Effort | None = None,
    policy: GatePolicy | None = None,
    listener: Listener = silent,
) -> Report:
    """Judge one autoencoder on one compact set, or on a data set.

    Args:
        autoencoder: the subject; see `Autoencoder.from_modules` and `Autoencoder.from_callables`.
        manifold: the set K, or its spec, or a data set from `aeverify.data`.
        claims: ids, or ids with parameters; None takes every claim that applies to K and the latent dimension.
        seed: root seed.
        training: the points that the model was trained on, where a claim asks for them.
        alpha: error probability of all statistical statements together.
        effort: sample sizes.
        policy: which claims gate; all by default.
        listener: takes the events.

    Returns:
        The report; `.outcome` and `.verdicts` are what to look at. What the model does wrong (NaN, an exception, a
        wrong shape) comes back as an ERROR verdict, not as an exception.

    Raises:
        UsageError: unknown claim or manifold, no claim at all, or an autoencoder of another ambient dimension than K.

    Example:
        >>> import aeverify
        >>> from aeverify.autoencoders.oracles import oracle
        >>> aeverify.check(oracle("cut:half_width=0.01"), "circle", claims=["theorem-1"]).outcome
        <Outcome.PASS: 'PASS'>
    """
    begun, clock = datetime.now(UTC), time.perf_counter()
    on = ground(manifold)
    if not isinstance(autoencoder, Autoencoder):
        raise UsageError(
            f"Expected an aeverify.Autoencoder, got {type(autoencoder).__name__}; wrap the model with "
            "Autoencoder.from_modules(encoder, decoder) or Autoencoder.from_callables(encode, decode, ...)."
        )
    on.require_fit(autoencoder)
    checks = on.checks(claims, autoencoder.latent_dim)
    budget = on.error_budget(alpha, [checks])
    study = on.study(autoencoder, Seed(seed).child("check"), budget.each, effort or Effort(), training)
    verdicts = []
    with counted():
        for each in checks:
            verdict = each.check(study)
            verdicts.append(verdict)
            listener(VerdictReached(verdict))
    return Report(
        title=f"{autoencoder.name} on {on.spec}",
        manifold=on.spec,
        manifold_facts=on.facts(),
        latent_dim=autoencoder.latent_dim,
        verdicts=tuple(replace(v, replay=python_replay(v)) for v in verdicts),
        models=(record_of(autoencoder),),
        plots=(),
        provenance=provenance(seed, "aeverify.check(...)", begun, time.perf_counter() - clock, "cpu"),
        policy=policy or GatePolicy(),
        notes=() if checks else ("No claim applies to this set and latent dimension, so nothing was checked.",),
        error_budget=budget,
    )

"""AuditContext: what a row check works with. It trains each model once, and keeps it for the next row or run."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from aeverify import pipeline
from aeverify.audit.findings import AuditReason, Finding
from aeverify.audit.kept import write_whole
from aeverify.audit.ledger import Budget, Row
from aeverify.autoencoders.checkpoints import discard
from aeverify.autoencoders.ensembles import train_ensemble
from aeverify.autoencoders.kinds import KINDS, FittedKind, kind, network
from aeverify.autoencoders.loading import load, save, training_record
from aeverify.autoencoders.members import Member
from aeverify.autoencoders.protocol import Autoencoder
from aeverify.autoencoders.recipes import recipe as recipe_named
from aeverify.claims import Effort, Study
from aeverify.core.events import Listener, silent
from aeverify.core.seeds import Seed
from aeverify.core.spec import Spec
from aeverify.core.verdict import Verdict
from aeverify.errors import AeverifyError, UsageError
from aeverify.manifolds import Manifold, Sample, has_published_data, manifold, training_points

QUICK = Effort(samples=2_000, draws=20_000, homology_samples=200, enclosure_seconds=0.5)
FULL = Effort()


@dataclass(frozen=True)
class Trained:
    """What became of several trainings of one network, in the order of their seeds.

    Attributes:
        models: those that did not diverge.
        records: of these, as `TrainingResult.record()` gives them: recipe, mean_squared_error, converged and so on.
        sample: the points that all were trained on.
        diverged: how many diverged.
    """

    models: tuple[Autoencoder, ...]
    records: tuple[Mapping[str, Any], ...]
    sample: Sample
    diverged: int = 0


@dataclass(eq=False)
class AuditContext:
    """What one row is checked with.

    Attributes:
        row: the row of the ledger; what its source prints is read from here.
        seed: root of the row's random streams.
        budget: "quick" or "full".
        alpha: error probability of everything statistical in this row.
        folder: of the models that were trained, shared by all rows and runs; None keeps nothing.
        fixtures: folder of committed weights.
        effort: sample sizes of the budget.
        listener: hears the events of trainings.
    """

    row: Row
    seed: Seed = field(default_factory=lambda: Seed(0))
    budget: Budget = "quick"
    alpha: float = 0.01
    folder: Path | None = None
    fixtures: Path = Path()
    listener: Listener = silent

    @property
    def quick(self) -> bool:
        """Whether the budget is the quick one."""
        return self.budget == "quick"

    @property
    def effort(self) -> Effort:
        """Sample sizes of the budget."""
        return QUICK if self.quick else FULL

    def either(self, quick: Any, full: Any) -> Any:
        """The first of two values under the quick budget, the second under the full one."""
        return quick if self.quick else full

    def parameter(self, name: str) -> Any:
        """A printed number of the row, from its [rows.parameters] table.

        Raises:
            UsageError: the row has none of that name.
        """
        if name not in self.row.parameters:
            known = ", ".join(self.row.parameters) or "none"
            raise UsageError(f"Row {self.row.id} has no parameter {name!r}; it has: {known}.")
        return self.row.parameters[name]

    def number(self, name: str) -> float:
        """A parameter that is a finite number; raises as `parameter`, and where it is anything else."""
        found = self.parameter(name)
        if isinstance(found, bool) or not isinstance(found, int | float) or not math.isfinite(found):
            raise self._wrong(name, "a finite number")
        return float(found)

    def count(self, name: str) -> int:
        """A parameter that is an integer, 0 or more; raises as `number`."""
        found = self.parameter(name)
        if isinstance(found, bool) or not isinstance(found, int) or found < 0:
            raise self._wrong(name, "an integer, 0 or more")
        return found

    def text(self, name: str) -> str:
        """A parameter that is a text, such as a spec; raises as `number`."""
        found = self.parameter(name)
        if not isinstance(found, str):
            raise self._wrong(name, "a text")
        return found

    def listed(self, name: str) -> Sequence[Any]:
        """A parameter that is a list with something in it; raises as `number`."""
        found = self.parameter(name)
        if not isinstance(found, list | tuple) or not found:
            raise self._wrong(name, "a list that is not empty")
        return found

    def table(self, name: str) -> Mapping[str, Any]:
        """A parameter that is a table; raises as `number`."""
        found = self.parameter(name)
        if not isinstance(found, Mapping):
            raise self._wrong(name, "a table")
        return found

    def _wrong(self, name: str, expected: str) -> UsageError:
        return UsageError(f"Parameter {name!r} of row {self.row.id} must be {expected}, got {self.parameter(name)!r}.")

    def rng(self, *names: str | int) -> np.random.Generator:
        """The generator of that name of this row."""
        return np.random.Generator(np.random.PCG64(self.seed.child("row", self.row.id, *names).value))

    def sample(self, on: str | Manifold, points: int | str | None = None, *names: str | int) -> Sample:
        """Training points: "paper" for the published data set, a count of uniform draws; None takes the former where
        there is one, else 1000. The same for all rows that ask for the same."""
        space = manifold(on)
        wanted = points if points is not None else ("paper" if has_published_data(space) else 1000)
        return training_points(space, wanted, self.seed.child("data", str(space), *names))

    def trained(
        self,
        network_spec: str,
        on: str | Manifold | Sample,
        recipe: str = "default",
        restarts: int = 1,
        *,
        latent_dim: int | None = None,
        points: int | str | None = None,
        **settings: Any,
    ) -> list[Autoencoder]:
        """Models of an architecture (`paper`, `mlp:hidden=[64,64]`) or kind (`variational:beta=0.1`), one a restart.

        See `training`, which also tells how each training went.
        """
        found = self.training(network_spec, on, recipe, restarts, latent_dim=latent_dim, points=points, **settings)
        return list(found.models)

    def training(
        self,
        network_spec: str,
        on: str | Manifold | Sample,
        recipe: str = "default",
        restarts: int = 1,
        *,
        latent_dim: int | None = None,
        points: int | str | None = None,
        **settings: Any,
    ) -> Trained:
        """Train through `train_ensemble`, or load what an earlier row or run trained of the same content.

        Restart i is the same whatever `restarts` is, so that more of them only add to those that there are.

        Args:
            network_spec: architecture or kind.
            on: the set, or the points themselves.
            recipe: name of a recipe; `settings` override its own.
            restarts: how many models.
            latent_dim: m, where the spec does not give it.
            points: as `sample` takes them.
        """
        data = on if isinstance(on, Sample) else self.sample(on, points)
        how = recipe_named(recipe, **settings)
        ambient = data.points.shape[1]
        key = {
            "network": network_spec,
            "latent_dim": latent_dim,
            "recipe": how.to_dict(),
            "points": hashlib.sha256(np.ascontiguousarray(data.points).tobytes()).hexdigest(),
            "seed": str(self.seed),
        }
        digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:24]
        places = [None if self.folder is None else self.folder / f"{digest}-{i}.safetensors" for i in range(restarts)]
        known = {i: _kept(p) for i, p in enumerate(places) if p is not None}
        found: dict[int, tuple[Autoencoder | None, Mapping[str, Any]]] = {i: k for i, k in known.items() if k}
        seeds = [self.seed.child("training", network_spec, i) for i in range(restarts)]

        def take(i: int, model: Autoencoder | None, record: Mapping[str, Any]) -> None:
            found[i] = (model, record)
            _keep(model, places[i], record)

        if Spec.parse(network_spec).name in KINDS:
            chosen = kind(network_spec, ambient_dim=ambient, latent_dim=latent_dim)
            if isinstance(chosen, FittedKind):
                for i in (i for i in range(restarts) if i not in found):
                    take(i, chosen.fit(data.points, seeds[i]), {"recipe": "fitted", "seed": str(seeds[i])})
        unfinished = None if self.folder is None else _Unfinished(self.folder / f"{digest}-checkpoint")
        while missing := [i for i in range(restarts) if i not in found]:
            batch = missing if unfinished is None else unfinished.begin(missing, restarts)
            results = train_ensemble(
                network(network_spec, ambient_dim=ambient, latent_dim=latent_dim),
                [Member(seeds[i], data.points, name=f"{network_spec} {i}") for i in batch],
                how,
                checkpoint=None if unfinished is None else unfinished.folder,
                listener=self.listener,
            )
            for j, result in results:
                take(batch[j], result.model, result.record())
            if unfinished is not None:
                unfinished.end()
        alive = [found[i] for i in range(restarts) if found[i][0] is not None]
        return Trained(
            tuple(m for m, _ in alive if m is not None), tuple(r for _, r in alive), data, restarts - len(alive)
        )

    def fixture(self, name: str) -> Autoencoder:
        """The model of committed weights.

        Raises:
            UsageError: there is no such file.
        """
        return load(self.fixtures / f"{name}.safetensors")

    def study(self, model: Autoencoder, on: str | Manifold, *, training: Sample | None = None, share: int = 1) -> Study:
        """One model on one set, with the effort of the budget; each statistical statement takes alpha / `share`."""
        return Study(
            model,
            manifold(on),
            self.seed.child("row", self.row.id, model.name),
            alpha=self.alpha / share,
            training=training,
            effort=self.effort,
        )

    def verdict(
        self,
        model: Autoencoder,
        on: str | Manifold,
        claim: str,
        *,
        training: Sample | None = None,
        share: int = 1,
        **parameters: Any,
    ) -> Verdict:
        """The verdict on one claim of `aeverify list claims`; `share` as in `study`."""
        report = pipeline.check(
            model,
            on,
            claims={claim: parameters},
            seed=self.seed.child("row", self.row.id, claim).value,
            training=training,
            alpha=self.alpha / share,
            effort=self.effort,
        )
        return report.verdicts[0]

    def needs_full(self, what: str) -> Finding:
        """The finding of a row that the quick budget leaves out."""
        return Finding(AuditReason.FULL_BUDGET, f"The quick budget leaves this out: {what}")


def _kept(path: Path) -> tuple[Autoencoder | None, Mapping[str, Any]] | None:
    """A model that was kept, or (None, record) of one that diverged; None where there is nothing usable."""
    gone = path.with_suffix(".diverged.json")
    try:
        if gone.exists():
            return None, json.loads(gone.read_text(encoding="utf-8"))
        return (load(path), training_record(path)) if path.exists() else None
    except (AeverifyError, OSError, ValueError):
        return None


def _keep(model: Autoencoder | None, path: Path | None, record: Mapping[str, Any]) -> None:
    if path is None:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    if model is None:
        write_whole(path.with_suffix(".diverged.json"), json.dumps(dict(record)))
        return
    try:
        save(model, path, record)
    except UsageError:
        # A model of layers that no file format of ours holds is trained again by the next run.
        return


@dataclass(frozen=True)
class _Unfinished:
    """The checkpoints of a training that a kill may interrupt, and which restarts it is of: a group of models goes on
    only as the group that it was."""

    folder: Path

    def begin(self, missing: list[int], restarts: int) -> list[int]:
        """The restarts to train: those of the training that was interrupted, else those that are missing."""
        note = self.folder.with_suffix(".json")
        try:
            batch = [int(i) for i in json.loads(note.read_text(encoding="utf-8"))]
        except (OSError, ValueError, TypeError):
            batch = []
        if not batch or not set(batch) <= set(range(restarts)) or not set(batch) & set(missing):
            self.end()
            batch = missing
        write_whole(note, json.dumps(batch))
        return batch

    def end(self) -> None:
        """Forget the checkpoints."""
        if self.folder.exists():
            discard(self.folder)
        self.folder.with_suffix(".json").unlink(missing_ok=True)

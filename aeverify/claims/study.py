"""Study: one model on one set. Evidence is measured once, on demand, and shared by every check of the run."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from aeverify import measure, widths
from aeverify.autoencoders.protocol import Autoencoder
from aeverify.core.claim import Premise
from aeverify.core.evidence import Evidence
from aeverify.core.seeds import Seed
from aeverify.errors import UsageError
from aeverify.manifolds.base import Manifold, Sample

T = TypeVar("T")


@dataclass(frozen=True)
class Effort:
    """How hard the measurements try.

    Attributes:
        samples: points with which the search for the worst error starts, for each component.
        draws: independent uniform draws behind every statistical enclosure.
        homology_samples: points of a persistence diagram, for each component.
    """

    samples: int = 20_000
    draws: int = 100_000
    homology_samples: int = 500

    def __post_init__(self) -> None:
        for name in ("samples", "draws", "homology_samples"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or not 10 <= value <= 10_000_000:
                raise UsageError(f"measure.{name} must be an integer from 10 to 10,000,000, got {value!r}.")


@dataclass(eq=False)
class Study:
    """One model on one compact set, with everything that was measured of it so far.

    Attributes:
        autoencoder: the subject.
        manifold: the compact set K.
        seed: root of the random streams of this study.
        alpha: error probability of each single statistical statement; the run's budget has been split already.
        training: the points that the model was trained on, where that is known.
        trained_here: the model is one of the run's own restarts (existence claims then look at all of them).
        effort: sample sizes.
        known_sup_error: evidence on the worst error from another engine, used beside our own.
    """

    autoencoder: Autoencoder
    manifold: Manifold
    seed: Seed
    alpha: float = 0.01
    training: Sample | None = None
    trained_here: bool = False
    effort: Effort = field(default_factory=Effort)
    _cache: dict[Hashable, Any] = field(default_factory=dict, repr=False)

    def _once(self, key: Hashable, measure_it: Callable[[], T]) -> T:
        if key not in self._cache:
            self._cache[key] = measure_it()
        found: T = self._cache[key]
        return found

    @property
    def latent_dim(self) -> int:
        """m, the code dimension."""
        return self.autoencoder.latent_dim

    def width(self) -> Evidence:
        """Two-sided bounds on w_m(K)."""
        return self._once("width", lambda: widths.bounds(self.manifold, self.latent_dim))

    def obstruction(self, component: int) -> Evidence:
        """The best lower bound on w_m of one component."""
        part = self.manifold.components[component]
        return self._once(("obstruction", component), lambda: widths.best_lower(part, self.latent_dim))

    def obstructed_components(self) -> tuple[int, ...]:
        """Indices of the components on which a positive lower bound on w_m is known."""
        return tuple(i for i in range(len(self.manifold.components)) if self.obstruction(i).interval.lower > 0)

    def whole_obstruction(self) -> Evidence | None:
        """The best lower bound on w_m of K as a whole, where it is better than that of each of its components; it is
        not where these are the connected components, as the width of a disjoint union is the largest of theirs."""
        whole = self._once("whole_obstruction", lambda: widths.best_lower(self.manifold, self.latent_dim))
        best = max(self.obstruction(i).interval.lower for i in range(len(self.manifold.components)))
        return whole if whole.interval.lower > best else None

    def sup_errors(self) -> tuple[Evidence, ...]:
        """Enclosure of the worst error on each component."""
        return self._once(
            "sup_errors",
            lambda: measure.sup_error_by_component(
                self.autoencoder, self.manifold, seed=self.seed.child("sup_error"), samples=self.effort.samples
            ),
        )

    def sup_error(self) -> Evidence:
        """Enclosure of the worst error on K: the maximum over the components."""
        parts = self.sup_errors()
        best = max(parts, key=lambda e: e.interval.lower)
        interval = parts[0].interval
        for part in parts[1:]:
            interval = interval.maximum(part.interval)
        rigor = min(p.rigor for p in parts)
        return replace(best, interval=interval, rigor=rigor, details={**best.details, "components": len(parts)})

    def bad_set(self, threshold: float, component: int | None = None) -> Evidence:
        """Enclosure of the share of K (or of one component) on which the error exceeds the threshold."""
        part = self.manifold if component is None else self.manifold.components[component]
        name = "all" if component is None else component
        return self._once(
            ("bad_set", threshold, component),
            lambda: measure.bad_set(
                self.autoencoder,
                part,
                threshold,
                seed=self.seed.child("bad_set", repr(threshold), name),
                draws=self.effort.draws,
                alpha=self.alpha,
            ),
        )

    def mean_error(self) -> Evidence:
        """Enclosure of the mean error on K; its upper end needs a finite upper bound of the worst error."""
        return self._once(
            "mean_error",
            lambda: measure.mean_error(
                self.autoencoder,
                self.manifold,
                bound=self.sup_error().interval,
                seed=self.seed.child("mean_error"),
                draws=self.effort.draws,
                alpha=self.alpha,
            ),
        )

    def median_error(self) -> Evidence:
        """Enclosure of the median error on K."""
        return self._once(
            "median_error",
            lambda: measure.quantile_error(
                self.autoencoder,
                self.manifold,
                0.5,
                seed=self.seed.child("median_error"),
                draws=self.effort.draws,
                alpha=self.alpha,
            ),
        )

    def continuity(self) -> Premise:
        """Whether E and D are continuous functions on K."""
        return self._once(
            "continuity",
            lambda: measure.continuity(self.autoencoder, self.manifold, seed=self.seed.child("continuity")),
        )

    def latent_homology(self, **options: Any) -> measure.LatentHomology:
        """Persistence diagrams of K's sample and of its codes, for each component."""
        return self._once(
            ("latent_homology", *sorted(options.items())),
            lambda: measure.latent_homology(
                self.autoencoder,
                self.manifold,
                seed=self.seed.child("latent_homology"),
                **{"samples": self.effort.homology_samples, **options},
            ),
        )

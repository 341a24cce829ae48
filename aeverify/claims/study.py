"""Study: one model on one set. Evidence is measured once, on demand, and shared by every check of the run."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from aeverify import measure, widths
from aeverify.autoencoders.protocol import Autoencoder, Continuity, Part
from aeverify.claims.width_bound import require_width_bound
from aeverify.core.claim import Premise
from aeverify.core.evidence import Evidence, Rigor
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
        sup_tolerance: width asked of a certified enclosure of the worst error, as a share of K's circumradius.
        share_tolerance: width asked of a certified enclosure of the bad set's share of K.
        enclosure_seconds: work that one certified enclosure may take (each question, each component); what was reached
            by then is used. Lipschitz constants take half of it. 0 leaves the enclosures out. In a run or a check these
            are seconds of counted work (`aeverify.core.clock`), about as long as those of the wall, so that the same
            job ends in the same enclosure every time.
    """

    samples: int = 20_000
    draws: int = 100_000
    homology_samples: int = 500
    sup_tolerance: float = 1e-3
    share_tolerance: float = 1e-6
    enclosure_seconds: float = 3.0

    def __post_init__(self) -> None:
        for name in ("samples", "draws", "homology_samples"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or not 10 <= value <= 10_000_000:
                raise UsageError(f"measure.{name} must be an integer from 10 to 10,000,000, got {value!r}.")
        for name, least in (("sup_tolerance", 1e-12), ("share_tolerance", 1e-12), ("enclosure_seconds", 0.0)):
            number = getattr(self, name)
            if isinstance(number, bool) or not isinstance(number, int | float) or not least <= number <= 1e6:
                raise UsageError(f"measure.{name} must be a number from {least:g} to 1,000,000, got {number!r}.")


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

    def batch_gap(self) -> Evidence | None:
        """How much a reconstruction changes with the points beside it; None where the layers are known, and each is a
        function of one row."""
        if self.autoencoder.continuity is Continuity.KNOWN:
            return None
        seed = self.seed.child("batch_gap")
        return self._once("batch_gap", lambda: measure.batch_gap(self.autoencoder, self.manifold, seed=seed))

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
        """Enclosure of the worst error on each component: certified from boxes where layers and charts allow it, else
        the evidence says why not.

        Raises:
            InvariantError: a certified enclosure lies below the width bound of its component (a bug of aeverify).
        """
        return self._once("sup_errors", self._sup_errors)

    def _sup_errors(self) -> tuple[Evidence, ...]:
        wanted = self.effort.sup_tolerance * self.manifold.truth.circumradius.lower
        found = measure.sup_error_by_component(
            self.autoencoder,
            self.manifold,
            seed=self.seed.child("sup_error"),
            samples=self.effort.samples,
            tolerance=max(wanted, 1e-12) if self._budget else None,
            time_budget=self._budget,
        )
        for i, evidence in enumerate(found):
            if "boxes" in evidence.details:
                require_width_bound(evidence, self.obstruction(i), f"component {i} of {self.manifold}")
        return found

    @property
    def _budget(self) -> float | None:
        """Seconds for one certified enclosure; None where the effort leaves them out."""
        return self.effort.enclosure_seconds or None

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
        """Enclosure of the share of K (or of one component) on which the error exceeds the threshold: CERTIFIED where
        branch and bound reached its tolerance, else STATISTICAL, with the reason, and no wider than what it reached."""
        found = tuple(self.bad_sets(threshold, component))
        return found[-1]

    def bad_sets(self, threshold: float, component: int | None = None) -> Iterator[Evidence]:
        """What is known of that share, most rigorous first: a certified enclosure, and behind one that ran out of time
        the narrower statistical one. A claim takes the first that decides it."""
        first = self._once(
            ("bad_set", threshold, component),
            lambda: self._bad_set(threshold, component, self._budget),
        )
        yield first
        if first.rigor is Rigor.CERTIFIED and not first.details["finished"]:
            yield self._once(("bad_set", threshold, component, "drawn"), lambda: self._narrowed(first, component))

    def _bad_set(self, threshold: float, component: int | None, seconds: float | None) -> Evidence:
        name = "all" if component is None else component
        return measure.bad_set(
            self.autoencoder,
            self.manifold if component is None else self.manifold.components[component],
            threshold,
            seed=self.seed.child("bad_set", repr(threshold), name),
            draws=self.effort.draws,
            alpha=self.alpha,
            tolerance=self.effort.share_tolerance if seconds else None,
            time_budget=seconds,
        )

    def _narrowed(self, certified: Evidence, component: int | None) -> Evidence:
        """The statistical enclosure cut to what is certified; where they do not meet, which has probability at most
        alpha, the certified one stands alone."""
        drawn = self._bad_set(float(certified.details["threshold"]), component, None)
        if not drawn.interval.intersects(certified.interval):
            return certified
        return replace(
            drawn,
            interval=drawn.interval.intersect(certified.interval),
            method=f"The certified enclosure {certified.interval} was not finished ({certified.details['stopped']}). "
            + drawn.method,
        )

    def requirement(self, epsilon: float, share: float) -> Iterator[Evidence]:
        """What decides whether e <= epsilon off a share of K (0: everywhere), most rigorous first: a certified
        enclosure as narrow as it takes, then the draws (0: the witness and the best upper end), with the reason."""
        seconds = self.effort.enclosure_seconds
        found: Evidence | str = "no time was given to it"
        if seconds > 0:
            found = self._once(
                ("required", epsilon, share),
                lambda: measure.required(self.autoencoder, self.manifold, epsilon, share, time_budget=seconds),
            )
        if isinstance(found, Evidence):
            yield found
            found = f"{found.interval} was reached and decides nothing ({found.details['stopped']})"
        other = self.bad_set(epsilon) if share else self.sup_error()
        yield measure.without_enclosure(other, found)

    def lipschitz_upper(self, component: int, part: Part = Part.RECONSTRUCTION) -> Evidence | None:
        """Upper bound of the Lipschitz constant of D after E (or of another part) along one component; None where none
        is known."""
        found = self._once(
            ("lipschitz_upper", component, part),
            lambda: measure.lipschitz(
                self.autoencoder,
                self.manifold.components[component],
                part=part,
                samples=0,
                time_budget=self.effort.enclosure_seconds / 2,
            ),
        )
        return found if math.isfinite(found.upper) else None

    def deployment_gap(self) -> Evidence | str:
        """Lower bound of the distance of the float32 program from the real function, or why there is none."""
        return self._once(
            "deployment_gap",
            lambda: measure.deployment_gap(self.autoencoder, self.manifold, seed=self.seed.child("deployment_gap")),
        )

    def lipschitz(self, component: int) -> Evidence:
        """Enclosure of the Lipschitz constant of D after E along one component: a steep pair of points from below."""
        return self._once(("lipschitz", component), lambda: self._lipschitz(component))

    def _lipschitz(self, component: int) -> Evidence:
        above = self.lipschitz_upper(component)
        seed = self.seed.child("lipschitz", component)
        below = measure.lipschitz(
            self.autoencoder,
            self.manifold.components[component],
            samples=max(self.effort.samples // 10, 10),
            time_budget=0,
            seed=seed,
        )
        if above is None:
            return below
        return replace(
            below,
            interval=below.interval.intersect(above.interval),
            rigor=min(Rigor(below.details["lower_rigor"]), above.rigor),
            method=f"{below.method.partition(' Upper end')[0]} Upper end{above.method.partition('Upper end')[2]}",
            assumptions=above.assumptions,
            details={**below.details, **above.details, "lower_rigor": below.details["lower_rigor"]},
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

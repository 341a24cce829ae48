"""Specs: what is drawn, plain frozen parameters whose `build` makes the thing."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Literal, final

from aeverify.autoencoders.architectures import Architecture
from aeverify.autoencoders.oracles import Oracle, oracle
from aeverify.autoencoders.protocol import Autoencoder
from aeverify.manifolds import Manifold, Sample, manifold


@final
class ManifoldSpec(str):
    """A compact set by its one-line specification: a string, so that it serves wherever a specification does."""

    __slots__ = ()

    def build(self) -> Manifold:
        """The set; made once a specification."""
        return _built(str(self))

    def __repr__(self) -> str:
        return f"ManifoldSpec({str(self)!r})"


@functools.lru_cache(maxsize=1024)
def _built(text: str) -> Manifold:
    return manifold(text)


@final
class OracleSpec(str):
    """A model of which the truth is known, by its one-line specification."""

    __slots__ = ()

    def build(self) -> Oracle:
        """The oracle."""
        return oracle(str(self))

    def __repr__(self) -> str:
        return f"OracleSpec({str(self)!r})"


@final
@dataclass(frozen=True)
class NetworkSpec:
    """An untrained network: its architecture and the seed that its weights are drawn from."""

    architecture: Architecture
    seed: int

    def build(self) -> Autoencoder:
        """The network, in float32 weights; equal specs give equal weights."""
        from aeverify.autoencoders.networks import ModuleAutoencoder

        encoder, decoder = self.architecture.build(self.seed)
        return ModuleAutoencoder(encoder, decoder, name=f"untrained {self.architecture}, seed {self.seed}")


@final
@dataclass(frozen=True)
class SampleSpec:
    """Points of a set: which set, how many, how they are drawn, and the seed."""

    manifold: ManifoldSpec
    n: int
    seed: int
    method: Literal["uniform", "stratified", "sobol"] = "uniform"

    def build(self) -> Sample:
        """The points."""
        return self.manifold.build().sample(self.n, self.seed, method=self.method)

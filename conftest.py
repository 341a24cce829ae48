"""What tests and properties share: certified enclosures are held to the theory wherever one is made."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture(autouse=True)
def enclosures_respect_the_width(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every certified enclosure of a worst error that a test makes is held to the width bound of its manifold.

    No continuous autoencoder gets below the width, whatever its weights are, so this is a test of the enclosures in
    every test that makes one.
    """
    from aeverify.measure import certified

    make = certified.sup_enclosure

    def held(autoencoder: Any, manifold: Any, network: Any, parts: Any, *rest: Any) -> Any:
        from aeverify import widths
        from aeverify.claims.width_bound import require_width_bound

        found = make(autoencoder, manifold, network, parts, *rest)
        for i in parts:
            bound = widths.best_lower(manifold.components[i], autoencoder.latent_dim)
            require_width_bound(found, bound, f"component {i} of {manifold}")
        if len(parts) == len(manifold.components):
            require_width_bound(found, widths.best_lower(manifold, autoencoder.latent_dim), str(manifold))
        return found

    monkeypatch.setattr(certified, "sup_enclosure", held)

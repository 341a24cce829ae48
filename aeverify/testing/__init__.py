"""For test suites: assert claims about models, and hold manifolds to what they say of themselves.

from aeverify.testing import assert_autoencodes, assert_claim, check_manifold

def test_the_tear_exists():
    assert_claim(model, "circle", "theorem-1")

def test_release():
    assert_autoencodes(model, "torus", 0.05)

def test_my_manifold():
    check_manifold(MyManifold(3.0), rebuild=my_manifold)

Importing it, or the assertions, loads no torch: the first check does, so that collecting tests stays fast.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aeverify.testing.assertions import (
        assert_autoencodes,
        assert_denoises,
        assert_error_bounded,
        assert_homology_survives,
        assert_no_collisions,
        assert_obstructed,
        assert_pca_subspace,
    )
    from aeverify.testing.autoencoder_conformance import (
        AUTOENCODER_PARTS,
        check_affine_declaration,
        check_autoencoder,
        check_balls,
        check_batch_independence,
        check_continuity_declaration,
        check_determinism,
        check_identity,
        check_lipschitz_declaration,
        check_purity,
        check_shapes,
    )
    from aeverify.testing.claim_conformance import check_claim_conformance
    from aeverify.testing.claims import assert_claim, check_claim, describe
    from aeverify.testing.conformance import (
        PARTS,
        check_chart,
        check_covering,
        check_manifold,
        check_reach,
        check_sampler,
        check_similarity,
        check_spec,
        check_tangents,
        check_topology,
        check_transforms,
        check_volume,
    )
    from aeverify.testing.expectations import ClaimCase, ExpectationError, ExpectedFailure, parametrize_with_claims
    from aeverify.testing.fixture import Claims

_HOME = {
    "assertions": (
        "assert_autoencodes",
        "assert_denoises",
        "assert_error_bounded",
        "assert_homology_survives",
        "assert_no_collisions",
        "assert_obstructed",
        "assert_pca_subspace",
    ),
    "autoencoder_conformance": (
        "AUTOENCODER_PARTS",
        "check_affine_declaration",
        "check_autoencoder",
        "check_balls",
        "check_batch_independence",
        "check_continuity_declaration",
        "check_determinism",
        "check_identity",
        "check_lipschitz_declaration",
        "check_purity",
        "check_shapes",
    ),
    "claim_conformance": ("check_claim_conformance",),
    "claims": ("assert_claim", "check_claim", "describe"),
    "conformance": (
        "PARTS",
        "check_chart",
        "check_covering",
        "check_manifold",
        "check_reach",
        "check_sampler",
        "check_similarity",
        "check_spec",
        "check_tangents",
        "check_topology",
        "check_transforms",
        "check_volume",
    ),
    "expectations": ("ClaimCase", "ExpectationError", "ExpectedFailure", "parametrize_with_claims"),
    "fixture": ("Claims",),
}
_MODULES = {name: module for module, names in _HOME.items() for name in names}

__all__ = [
    "AUTOENCODER_PARTS",
    "PARTS",
    "ClaimCase",
    "Claims",
    "ExpectationError",
    "ExpectedFailure",
    "assert_autoencodes",
    "assert_claim",
    "assert_denoises",
    "assert_error_bounded",
    "assert_homology_survives",
    "assert_no_collisions",
    "assert_obstructed",
    "assert_pca_subspace",
    "check_affine_declaration",
    "check_autoencoder",
    "check_balls",
    "check_batch_independence",
    "check_chart",
    "check_claim",
    "check_claim_conformance",
    "check_continuity_declaration",
    "check_covering",
    "check_determinism",
    "check_identity",
    "check_lipschitz_declaration",
    "check_manifold",
    "check_purity",
    "check_reach",
    "check_sampler",
    "check_shapes",
    "check_similarity",
    "check_spec",
    "check_tangents",
    "check_topology",
    "check_transforms",
    "check_volume",
    "describe",
    "parametrize_with_claims",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'aeverify.testing' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"aeverify.testing.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

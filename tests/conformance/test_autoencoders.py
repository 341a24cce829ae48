from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from flint import arb
from torch import nn

from aeverify import testing
from aeverify.autoencoders.kinds import network
from aeverify.autoencoders.linear import PcaAutoencoder
from aeverify.autoencoders.loading import load
from aeverify.autoencoders.oracles import ORACLES, oracle
from aeverify.autoencoders.protocol import Autoencoder, Continuity, Part
from aeverify.core import Evidence, Interval, Rigor, Seed
from aeverify.errors import UsageError
from aeverify.manifolds import manifold

LIARS = {
    "liar_continuity": "continuous",
    "liar_lipschitz": "a Lipschitz constant",
    "liar_affine": "an affine decoder",
    "liar_order": "a Lipschitz constant",
}


@pytest.mark.parametrize("name", [name for name in ORACLES if name not in LIARS])
def test_oracles_keep_their_word(name: str):
    """Every oracle that is no liar is what it says of itself."""
    model = oracle(name)
    testing.check_autoencoder(model, model.truth.manifold, rebuild=oracle)


@pytest.mark.parametrize("name", LIARS)
def test_liars_are_found(name: str):
    """Every liar is refused for what it lies about."""
    model = oracle(name)
    with pytest.raises(AssertionError, match=f"expected {LIARS[name]}"):
        testing.check_autoencoder(model, model.truth.manifold)


def test_networks_and_pca_keep_their_word(root: Any):
    """Models that are trained here, from files and from memory."""
    testing.check_autoencoder(load(root / "tests/fixtures/spiral_0.safetensors"), "spiral", rebuild=load)
    data = manifold("ellipse:a=3,b=2").sample(200, 0)
    testing.check_autoencoder(PcaAutoencoder.fit(data.points, 1), "ellipse:a=3,b=2")
    encoder, decoder = network("mlp:hidden=[4]", ambient_dim=2, latent_dim=1).build(Seed(0))
    testing.check_autoencoder(Autoencoder.from_modules(encoder, decoder), "circle")


class Shrunk(Autoencoder):
    """Codes are points, and decoded points are half as large; a subclass is wrong in one way."""

    def __init__(self) -> None:
        super().__init__("shrunk", 2, 2)
        self.calls = 0

    def _encode(self, points: np.ndarray) -> np.ndarray:
        return points.copy()

    def _decode(self, codes: np.ndarray) -> np.ndarray:
        return 0.5 * codes

    def fingerprint(self) -> str:
        return "a" * 64

    @property
    def continuity(self) -> Continuity:
        return Continuity.DECLARED

    @property
    def affine_decoder(self) -> bool:
        return True

    @property
    def source(self) -> str:
        return "shrunk"

    def lipschitz(self, part: Part) -> Evidence:
        bound = 1.0 if part is Part.ENCODER else 0.5
        return Evidence("lipschitz_constant", Interval(0.0, bound), Rigor.EXACT, "Both ends: by formula.")

    def encode_balls(self, point: Any) -> list[Any]:
        return list(point)

    def reconstruct_balls(self, point: Any) -> list[Any]:
        return [x / 2 for x in point]


def shrunk(**changes: Any) -> Shrunk:
    """A `Shrunk` with other methods."""
    return type("Wrong", (Shrunk,), changes)()


def batch_norm(self: Shrunk, rows: np.ndarray) -> np.ndarray:
    return rows - rows.mean(axis=0)


def counting(self: Shrunk, rows: np.ndarray) -> np.ndarray:
    self.calls += 1
    return rows + 1e-6 * self.calls


def overwriting(self: Shrunk, rows: np.ndarray) -> np.ndarray:
    if rows.flags.writeable:
        rows *= 1.0 + 1e-12
    return rows.copy()


def tender(self: Shrunk, rows: np.ndarray) -> np.ndarray:
    rows += 0.0
    return rows.copy()


def jumping(self: Shrunk, rows: np.ndarray) -> np.ndarray:
    return np.where(rows > 0.3, 0.5 * rows, 0.5 * rows - 1.0)


def claiming(constant: float, rigor: Rigor = Rigor.EXACT) -> Callable[..., Evidence]:
    return lambda self, part: Evidence("lipschitz_constant", Interval(0.0, constant), rigor, "Both ends: guessed.")


def short(self: Shrunk, points: np.ndarray) -> np.ndarray:
    return points[:, :1]


WRONG: list[tuple[str, Callable[..., None], dict[str, Any], str]] = [
    ("fingerprint", testing.check_identity, {"fingerprint": lambda self: "abc"}, "a SHA-256 in hex, got 'abc'"),
    (
        "fingerprint that changes",
        testing.check_identity,
        {"_encode": counting, "fingerprint": lambda self: f"{self.calls:064x}"},
        "one fingerprint, and it changed",
    ),
    ("source", testing.check_identity, {"source": property(lambda self: None)}, "a source that is a string"),
    ("errors", testing.check_shapes, {"errors": lambda self, x: np.zeros(len(x))}, r"errors are \|D\(E\(x\)\) - x\|"),
    (
        "reconstruct",
        testing.check_shapes,
        {"reconstruct": lambda self, x: np.asarray(x, dtype=float)},
        "reconstruct is decode after encode",
    ),
    (
        "single precision",
        testing.check_shapes,
        {"encode": lambda self, x: np.asarray(x, dtype=np.float32)},
        "codes of 1 points are float64 .* got float32",
    ),
    ("noise", testing.check_determinism, {"_encode": counting}, "the same codes of the same points"),
    ("noise of D", testing.check_determinism, {"_decode": counting}, "the same reconstructions of the same points"),
    ("batch", testing.check_batch_independence, {"_encode": batch_norm}, "one code alone and among others"),
    ("batch of D", testing.check_batch_independence, {"_decode": batch_norm}, "one decoded point alone and among"),
    (
        "order",
        testing.check_batch_independence,
        {"_encode": lambda self, x: x + (np.arange(len(x)) % 7 == 6)[:, None]},
        "one code in any order of the rows",
    ),
    ("mutation", testing.check_purity, {"_encode": overwriting}, "the encoder leaves its input as it is"),
    ("read-only", testing.check_purity, {"_decode": tender}, "the decoder takes a read-only array"),
    ("word", testing.check_continuity_declaration, {"continuity": "yes"}, "a Continuity, got 'yes'"),
    ("jump", testing.check_continuity_declaration, {"_decode": jumping}, r"continuous \(declared\), and a jump of"),
    (
        "known jump",
        testing.check_continuity_declaration,
        {"_decode": jumping, "continuity": Continuity.KNOWN},
        r"continuous \(known\), and a jump of",
    ),
    (
        "NaN",
        testing.check_continuity_declaration,
        {"_decode": lambda self, z: np.where(z > 0.9, np.nan, z)},
        "values; .*NaN",
    ),
    (
        "constant",
        testing.check_lipschitz_declaration,
        {"lipschitz": claiming(0.9)},
        "a Lipschitz constant of the encoder of at most",
    ),
    (
        "constant of D",
        testing.check_lipschitz_declaration,
        {"_decode": lambda self, z: 2.0 * z},
        "a Lipschitz constant of the decoder of at most 0.5, found 2",
    ),
    (
        "guess",
        testing.check_lipschitz_declaration,
        {"lipschitz": claiming(9.0, Rigor.EMPIRICAL)},
        "a bound of the encoder that holds",
    ),
    ("affine", testing.check_affine_declaration, {"_decode": lambda self, z: z**2}, "an affine decoder"),
    (
        "balls",
        testing.check_balls,
        {"encode_balls": lambda self, point: [x + arb(1e-3) for x in point]},
        r"balls of E\(x\) over a box of radius 0 contain",
    ),
    (
        "middles",
        testing.check_balls,
        {"reconstruct_balls": lambda self, point: [x.mid() / 2 for x in point]},
        r"balls of D\(E\(x\)\) over a box of radius [^0]",
    ),
    ("too few balls", testing.check_balls, {"encode_balls": lambda self, point: [point[0]]}, "2 balls of E"),
]


def test_the_right_one_passes_every_part():
    """What the wrong ones are changed from is right."""
    testing.check_autoencoder(Shrunk(), "circle", rebuild=lambda source: Shrunk())


@pytest.mark.parametrize(("part", "changes", "phrase"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_each_part_refuses_what_is_wrong_in_its_own_way(
    part: Callable[..., None], changes: dict[str, Any], phrase: str
):
    """A part refuses the model by name and says what it expected."""
    with pytest.raises(AssertionError, match=f"^shrunk: expected (that )?{phrase}"):
        part(shrunk(**changes), manifold("circle"))


def test_every_part_has_a_wrong_model():
    """No part is there that has not refused something."""
    assert {row[1] for row in WRONG} == {testing.check_identity, *testing.AUTOENCODER_PARTS}


def test_source_that_rebuilds_another_model_is_refused():
    """The fingerprint, or the values, tell."""
    with pytest.raises(AssertionError, match="rebuilds another fingerprint"):
        testing.check_autoencoder(Shrunk(), "circle", rebuild=lambda source: oracle("identity"))
    with pytest.raises(AssertionError, match="rebuilds a model that is off by"):
        testing.check_autoencoder(Shrunk(), "circle", rebuild=lambda source: shrunk(_decode=lambda self, z: z))
    with pytest.raises(AssertionError, match="expected a source"):
        testing.check_autoencoder(shrunk(source=""), "circle", rebuild=lambda source: Shrunk())


def test_unused_dropout_and_batch_norm_are_found():
    """Callables over modules in train mode are what the suite is for."""
    import torch

    module = nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8), nn.Linear(8, 2)).double().train()

    def run(rows: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return module(torch.from_numpy(np.ascontiguousarray(rows))).numpy()

    model = Autoencoder.from_callables(run, run, ambient_dim=2, latent_dim=2, name="train mode")
    with pytest.raises(AssertionError, match=r"^train mode: expected values; .* more than 1 value per channel"):
        testing.check_batch_independence(model, manifold("circle"))


def test_set_of_another_space_is_a_usage_error():
    """The suite looks at a model where it is defined."""
    with pytest.raises(UsageError, match="takes points of R"):
        testing.check_autoencoder(Shrunk(), "sphere")

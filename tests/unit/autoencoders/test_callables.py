from __future__ import annotations

import numpy as np
import pytest

from aeverify.autoencoders.protocol import Autoencoder, Continuity
from aeverify.errors import ModelError, UsageError


def halve(x: np.ndarray) -> np.ndarray:
    return x[:, :1] / 2


def pad(z: np.ndarray) -> np.ndarray:
    return np.column_stack([2 * z, 0 * z])


def test_evaluates_the_two_functions() -> None:
    """D(E(x)) is the decoder of the encoder's rows."""
    ae = Autoencoder.from_callables(halve, pad, ambient_dim=2, latent_dim=1)
    assert ae.reconstruct(np.array([[3.0, 4.0]])).tolist() == [[3.0, 0.0]]
    assert ae.errors(np.array([[3.0, 4.0]])).tolist() == [4.0]


@pytest.mark.parametrize(
    ("declared", "expected"),
    [(True, Continuity.DECLARED), (False, Continuity.DISCONTINUOUS), (None, Continuity.OPAQUE)],
)
def test_continuity_is_what_the_author_declares(declared: bool | None, expected: Continuity) -> None:
    """True, False and nothing declared are three different things."""
    ae = Autoencoder.from_callables(halve, pad, ambient_dim=2, latent_dim=1, continuous=declared)
    assert expected == ae.continuity


def test_fingerprint_tells_functions_apart() -> None:
    """Two models of the same functions agree, and a third does not."""
    first, second = (Autoencoder.from_callables(halve, pad, ambient_dim=2, latent_dim=1) for _ in range(2))
    other = Autoencoder.from_callables(lambda x: x[:, :1], pad, ambient_dim=2, latent_dim=1)
    assert first.fingerprint() == second.fingerprint()
    assert first.fingerprint() != other.fingerprint()


def test_a_raising_function_becomes_a_model_error() -> None:
    """What the user's function raises is named in one paragraph."""
    ae = Autoencoder.from_callables(lambda x: 1 / 0, pad, ambient_dim=2, latent_dim=1)
    with pytest.raises(ModelError, match="ZeroDivisionError"):
        ae.encode(np.zeros((1, 2)))


def test_a_wrong_output_shape_becomes_a_model_error() -> None:
    """A decoder of R^1 that returns R^3 is found out."""
    ae = Autoencoder.from_callables(halve, lambda z: np.zeros((len(z), 3)), ambient_dim=2, latent_dim=1)
    with pytest.raises(ModelError, match=r"expected \(1, 2\)"):
        ae.reconstruct(np.zeros((1, 2)))


@pytest.mark.parametrize(("ambient", "latent"), [(2, 3), (0, 1), (2, 0), (2.0, 1), (True, 1)])
def test_impossible_dimensions_are_refused(ambient: int, latent: int) -> None:
    """1 <= m <= n, both integers."""
    with pytest.raises(UsageError):
        Autoencoder.from_callables(halve, pad, ambient_dim=ambient, latent_dim=latent)


def test_what_is_not_callable_is_refused() -> None:
    """An array is not an encoder."""
    with pytest.raises(UsageError, match="encode must be a function"):
        Autoencoder.from_callables(np.zeros(3), pad, ambient_dim=2, latent_dim=1)  # type: ignore[arg-type]


def test_an_odd_declaration_is_refused() -> None:
    """Only True, False and None declare anything."""
    with pytest.raises(UsageError, match="continuous must be"):
        Autoencoder.from_callables(halve, pad, ambient_dim=2, latent_dim=1, continuous="yes")  # type: ignore[arg-type]

"""What the pytest fixture `aeverify` gives: the settings of the test, and every assertion as a method."""

from __future__ import annotations

from typing import final

from aeverify.testing import assertions, claims
from aeverify.testing.settings import Settings


@final
class Claims:
    """The fixture `aeverify`: claims are checked with the seed, error budget and time budget of the test.

    The methods are the functions of `aeverify.testing`.
    """

    check = staticmethod(claims.check_claim)
    assert_claim = staticmethod(claims.assert_claim)
    assert_autoencodes = staticmethod(assertions.assert_autoencodes)
    assert_error_bounded = staticmethod(assertions.assert_error_bounded)
    assert_obstructed = staticmethod(assertions.assert_obstructed)
    assert_homology_survives = staticmethod(assertions.assert_homology_survives)
    assert_no_collisions = staticmethod(assertions.assert_no_collisions)
    assert_denoises = staticmethod(assertions.assert_denoises)
    assert_pca_subspace = staticmethod(assertions.assert_pca_subspace)

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @property
    def seed(self) -> int:
        """Root seed of the test: derived from the session's by the test's name, or that of the marker."""
        return self._settings.seed

    @property
    def root_seed(self) -> int:
        """Seed of the session, from --aeverify-seed."""
        return self._settings.root_seed

    @property
    def alpha(self) -> float:
        """Error probability of all statistical statements of the test together."""
        return self._settings.alpha

    @property
    def budget(self) -> float | None:
        """Seconds that the measurements of the test may take together; None: no limit but that of each enclosure."""
        return self._settings.budget

    @property
    def device(self) -> str:
        """ "cpu", "cuda" or "cuda:N": where models of the test are to be trained and evaluated.

        Raises:
            UsageError: the marker asks for a device that is not there.
        """
        from aeverify.autoencoders.devices import require_device

        return require_device(self._settings.device)

"""Assertions by name: one function for each requirement that test suites ask for most.

K is a manifold (or its specification), whose truth is known, or a data set or an array of rows (N, n), of which nothing
is known but the rows; what each assertion says of either is told in its docstring. All rows of an array count as
held-out, independent draws, by the caller's word; `aeverify.data.load_data` makes data sets that say otherwise.

Each checks one claim and returns its verdict, which is PASS; what `assert_claim` says of usage errors, failures and
options (`seed`, `alpha`, `training_points`, `effort`) holds for all. Importing this module loads no torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from aeverify.core.verdict import Verdict
from aeverify.errors import UsageError
from aeverify.testing.claims import Options, assert_claim, is_data

if TYPE_CHECKING:
    from aeverify.autoencoders.protocol import Autoencoder
    from aeverify.testing.claims import On


def assert_autoencodes(model: Autoencoder, on: On, epsilon: float, **options: Unpack[Options]) -> Verdict:
    """|D(E(x)) - x| <= epsilon at every x in K (claim `error-bound` with delta = 0).

    PASS needs a certified upper end, so layers with rules and charts that can be enclosed; without them a large error
    is still found, and what is not found is INCONCLUSIVE, which fails the test too. On a set with a width bound above
    epsilon no continuous autoencoder can pass: see `assert_obstructed`. Of a data set: at every row, which says nothing
    of other points (claim `data-sup`).

    Args:
        model: the subject.
        on: the compact set K, or a data set.
        epsilon: error level, in the units of the data.
        options: see `assert_claim`.

    Raises:
        AssertionError: not PASS.
        UsageError: a wrong argument.
    """
    __tracebackhide__ = True
    if is_data(on):
        return assert_claim(model, on, "data-sup", epsilon=epsilon, **options)
    return assert_claim(model, on, "error-bound", epsilon=epsilon, delta=0.0, **options)


def assert_error_bounded(
    model: Autoencoder, on: On, epsilon: float, share: float, **options: Unpack[Options]
) -> Verdict:
    """|D(E(x)) - x| <= epsilon off a set of measure at most `share` of K (claim `error-bound`).

    CERTIFIED where layers have rules and charts can be enclosed, else STATISTICAL by Clopper-Pearson limits of uniform
    draws. Of a data set: on all but a share of the population that its held-out rows were drawn from (claim
    `population-error`).

    Args:
        model: the subject.
        on: the compact set K, or a data set.
        epsilon: error level, in the units of the data.
        share: of K's volume, or of the population, that may exceed it, in [0, 1).
        options: see `assert_claim`.

    Raises:
        AssertionError: not PASS.
        UsageError: a wrong argument.
    """
    __tracebackhide__ = True
    name = "population-error" if is_data(on) else "error-bound"
    return assert_claim(model, on, name, epsilon=epsilon, delta=share, **options)


def assert_obstructed(model: Autoencoder, on: On, **options: Any) -> Verdict:
    """The worst error on K is at least the proved width bound, as Theorem 1 has it (claim `theorem-1`).

    It expects the obstruction: a set on which none is known, or a model that is not continuous, is VACUOUS and fails
    the test. FAIL means a premise that was declared falsely, or a bug of aeverify. Of a data set: the bound that its
    rows show if they cover K as `covering_radius`, `reach` and `noise` say, which is the caller's word (claim
    `data-width`).

    Args:
        model: the subject.
        on: the compact set K, or a data set.
        options: see `assert_claim`; for a data set also the three numbers.

    Raises:
        AssertionError: not PASS.
        UsageError: a wrong argument.
    """
    __tracebackhide__ = True
    return assert_claim(model, on, "data-width" if is_data(on) else "theorem-1", **options)


def assert_homology_survives(model: Autoencoder, on: On, *, field: int = 2, **options: Any) -> Verdict:
    """The codes keep K's homology in degrees 1 to m - 1 over Z/field (claim `latent-homology-survives`).

    The classes are long bars of the diagram of sampled codes, at the scale that the worst error forces; a model whose
    error is too large to force any is VACUOUS and fails the test. Of a data set: rows and codes have the same number of
    bars longer than the sampling noise, over Z/2 (claim `data-latent-homology`).

    Args:
        model: the subject.
        on: the compact set K, or a data set.
        field: prime p of the coefficient field Z/p; 2 sees sets that are not orientable.
        options: see `assert_claim`; for a data set also `mismatch`, `max_degree` and `distance`.

    Raises:
        AssertionError: not PASS.
        UsageError: a wrong argument, such as another field than Z/2 for a data set.
    """
    __tracebackhide__ = True
    if not is_data(on):
        return assert_claim(model, on, "latent-homology-survives", field=field, **options)
    if field != 2:
        raise UsageError(f"The homology of data is computed over Z/2; got field={field!r}. Leave it out.")
    return assert_claim(model, on, "data-latent-homology", **options)


def assert_no_collisions(
    model: Autoencoder, on: On, *, apart: float, gap: float | None = None, **options: Unpack[Options]
) -> Verdict:
    """|E(x) - E(y)| > gap for all x, y in K with |x - y| >= apart (claim `injectivity-gap`).

    Of a data set: no two of its rows that are more than `apart` from each other have codes within `gap`, both as shares
    of the diagonals of the boxes around rows and codes (claim `data-collisions`).

    Args:
        model: the subject.
        on: the compact set K, or a data set.
        apart: distance from which on points count as far, in the units of K; for a data set a share in (0, 1).
        gap: least distance of their codes, in code units, 0 by default: distinct; for a data set a share in (0, 1),
            0.001 by default.
        options: see `assert_claim`.

    Raises:
        AssertionError: not PASS; the witness is a pair of far points with nearly one code.
        UsageError: a wrong argument.
    """
    __tracebackhide__ = True
    if is_data(on):
        tolerance = 1e-3 if gap is None else gap
        return assert_claim(model, on, "data-collisions", separation=apart, tolerance=tolerance, **options)
    return assert_claim(model, on, "injectivity-gap", rho=apart, gap=0.0 if gap is None else gap, **options)


def assert_denoises(
    model: Autoencoder,
    on: On,
    *,
    noise: float = 0.2,
    levels: int = 3,
    share: float = 0.5,
    **options: Unpack[Options],
) -> Verdict:
    """The output is nearer to the clean point than the noisy input, with a probability above `share`, at each of the
    noise levels `noise`, `noise`/2, ... (claim `untrained-denoising`).

    Args:
        model: the subject.
        on: the compact set K, or its specification.
        noise: largest standard deviation, in the units of the data.
        levels: how many levels.
        share: probability that must be exceeded, in (0, 1).
        options: see `assert_claim`.

    Raises:
        AssertionError: not PASS.
        UsageError: a wrong argument.
    """
    __tracebackhide__ = True
    return assert_claim(model, on, "untrained-denoising", noise=noise, levels=levels, share=share, **options)


def assert_pca_subspace(
    model: Autoencoder,
    on: On,
    *,
    tolerance: float = 1e-3,
    gap: float = 1e-3,
    **options: Unpack[Options],
) -> Verdict:
    """The image of the affine decoder is the principal subspace of the data (claim `pca-subspace`).

    Args:
        model: the subject; its decoder must be affine.
        on: the compact set K, or its specification; the data are `training_points`, or draws of K without them.
        tolerance: largest sine of a principal angle, in (0, 1).
        gap: least eigengap, as a share of the largest eigenvalue; below it the subspace is not determined.
        options: see `assert_claim`.

    Raises:
        AssertionError: not PASS.
        UsageError: a wrong argument.
    """
    __tracebackhide__ = True
    return assert_claim(model, on, "pca-subspace", tolerance=tolerance, gap=gap, **options)

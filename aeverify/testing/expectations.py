"""One test for each of several claims, some of which must fail.

Importing this module loads no torch. It knows no test library: the pytest plugin makes the tests of what
`parametrize_with_claims` leaves at the function.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from aeverify.core.registry import letters_of
from aeverify.errors import AeverifyError, UsageError

if TYPE_CHECKING:
    from aeverify.claims import Check

Test = TypeVar("Test", bound=Callable[..., object])

ATTRIBUTE = "aeverify_claims"


@dataclass(frozen=True)
class ClaimCase:
    """A claim with its parameters, as `parametrize_with_claims` hands it to a test.

    Attributes:
        claim: id of the claim, or a check.
        parameters: of the claim.
        expected_failure: why the claim must come out FAIL, or "" where it must come out PASS.
        cases: how many cases there are; they share alpha.
    """

    claim: str | Check
    parameters: Mapping[str, Any] = field(default_factory=dict)
    expected_failure: str = ""
    cases: int = 1

    def __str__(self) -> str:
        return self.claim if isinstance(self.claim, str) else self.claim.claim.id


class ExpectedFailure(AssertionError):
    """A claim came out FAIL, as it had to; the plugin reports the test as an expected failure (xfail).

    Attributes:
        case: the case with the reason.
    """

    def __init__(self, case: ClaimCase, message: str) -> None:
        super().__init__(message)
        self.case = case


class ExpectationError(AeverifyError):
    """A claim that had to come out FAIL was not decided, so that the expectation was neither met nor refuted."""


def parametrize_with_claims(
    claims: Iterable[str | Check | tuple[str, Mapping[str, Any]]] | Mapping[str, Mapping[str, Any]],
    *,
    expected_failures: Mapping[str, str] | None = None,
    argument: str = "claim",
) -> Callable[[Test], Test]:
    """A decorator that makes one test of each claim, under pytest with the plugin.

    The test takes an argument `claim` and hands it to `assert_claim` in the place of a claim's id:

        @parametrize_with_claims(
            {"theorem-1": {}, "error-bound": {"epsilon": 0.1}},
            expected_failures={"error-bound": "a circle has no continuous code of one number"},
        )
        def test_model(aeverify, claim):
            aeverify.assert_claim(model, "circle", claim)

    A claim among `expected_failures` must come out FAIL, and its test is then reported as xfailed. An unexpected PASS
    fails the test with the reason. INCONCLUSIVE, VACUOUS and ERROR are not the failure that was expected: the test
    fails with what was found. So does a test that never asserts its claim. alpha is divided by the number of claims.

    Args:
        claims: ids, (id, parameters) pairs or checks; or parameters by id.
        expected_failures: reasons, by id of the claim.
        argument: name of the test's argument.

    Raises:
        UsageError: no claim, an expected failure of a claim that is not among them or occurs twice, no reason, or
            something that is not a test function. An unknown claim or parameter is found when its test runs.
    """
    if isinstance(claims, str):
        raise UsageError(
            f"parametrize_with_claims takes a list of claims, got the string {claims!r}; write [{claims!r}]."
        )
    pairs = list(claims.items()) if isinstance(claims, Mapping) else [_pair(c) for c in claims]
    if not pairs:
        raise UsageError("parametrize_with_claims got no claim: nothing checked is not a pass. Name at least one.")
    reasons = _reasons(expected_failures or {}, [_name(claim) for claim, _ in pairs])
    cases = tuple(
        ClaimCase(c, parameters, reasons.get(letters_of(_name(c)), ""), len(pairs)) for c, parameters in pairs
    )

    def mark(test: Test) -> Test:
        if not inspect.isroutine(test):
            raise UsageError(f"parametrize_with_claims decorates a test function, got {type(test).__name__} {test!r}.")
        marked = getattr(test, ATTRIBUTE, ())
        if argument in dict(marked):
            raise UsageError(
                f"{test.__name__} is given claims twice under the argument {argument!r}; put them into one list."
            )
        setattr(test, ATTRIBUTE, (*marked, (argument, cases)))
        return test

    return mark


def _pair(given: Any) -> tuple[str | Check, Mapping[str, Any]]:
    if isinstance(given, tuple) and len(given) == 2 and isinstance(given[0], str) and isinstance(given[1], Mapping):
        return given
    if isinstance(given, str) or hasattr(given, "claim"):
        return given, {}
    raise UsageError(
        f"parametrize_with_claims takes ids of claims, (id, parameters) pairs or checks, got {type(given).__name__} "
        f"{given!r}."
    )


def _name(claim: str | Check) -> str:
    return claim if isinstance(claim, str) else claim.claim.id


def _reasons(expected: Mapping[str, str], names: list[str]) -> dict[str, str]:
    known = [letters_of(n) for n in names]
    for name, reason in expected.items():
        if known.count(letters_of(name)) != 1:
            times = f"{known.count(letters_of(name))} times" if letters_of(name) in known else "not"
            raise UsageError(
                f"expected_failures names {name!r}, which is {times} among the claims of this test "
                f"({', '.join(names)}); an expected failure belongs to exactly one of them."
            )
        if not isinstance(reason, str) or not reason.strip():
            raise UsageError(f"expected_failures[{name!r}] must say why the claim fails, got {reason!r}.")
    return {letters_of(name): reason.strip() for name, reason in expected.items()}

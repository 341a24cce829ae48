"""Known-good, known-bad and vacuous plans of every claim, through the real command line.

`tests/corpus/<claim>/{good,bad,vacuous}*.toml` is a plan, on a manifold or on a table of `tables/`; beside it
`<plan>.expect` (TOML too) says what must come out:

    [expect]
    outcome = "PASS"          # of every verdict on <claim>
    reason = "SATISFIED"      # name of the Reason
    exit_code = 0
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aeverify.claims import CLAIMS
from aeverify.claims.data import DATA_CLAIMS
from aeverify.core import Outcome, Reason

CORPUS = Path(__file__).parent
PLANS = sorted(CORPUS.glob("*/*.toml"))
ALLOWED = {
    "good": {Outcome.PASS},
    "bad": {Outcome.FAIL, Outcome.ERROR, Outcome.INCONCLUSIVE},
    "vacuous": {Outcome.VACUOUS},
}


def named(path: Path) -> str:
    """Short name of a plan."""
    return f"{path.parent.name}/{path.stem}"


def kind(path: Path) -> str:
    """ "good", "bad" or "vacuous"."""
    return path.stem.partition("-")[0]


def expected(path: Path) -> dict[str, object]:
    """What the file beside a plan says must come out."""
    return tomllib.loads(path.with_suffix(".expect").read_text())["expect"]


def judged(plan: Path, finished: Any) -> dict[str, object]:
    """What came out: outcome and reason of every verdict on the claim that the folder is named after."""
    assert finished.stdout, finished.stderr
    verdicts = [v for v in json.loads(finished.stdout)["verdicts"] if v["claim"]["id"] == plan.parent.name]
    assert verdicts, finished.stderr
    found = {(v["outcome"], v["reason"]["code"]) for v in verdicts}
    assert len(found) == 1, found
    outcome, reason = found.pop()
    return {"outcome": outcome, "reason": reason, "exit_code": finished.exit_code}


@pytest.mark.parametrize("plan", PLANS, ids=named)
def test_plan_comes_out_as_expected(plan: Path, cli: Callable[..., Any]):
    """The command line gives the outcome, the reason and the exit code that the corpus expects."""
    assert judged(plan, cli("run", str(plan), "--format", "json", "--quiet", "--out", "out")) == expected(plan)


@pytest.mark.parametrize("plan", [p for p in PLANS if p.parent.name == "theorem-1"], ids=named)
def test_plan_comes_out_as_expected_in_a_process_of_its_own(plan: Path, python: Callable[..., Any]):
    """The same as a user runs it."""
    finished = python("-m", "aeverify", "run", str(plan), "--format", "json", "--quiet", "--out", "out")
    assert judged(plan, finished) == expected(plan)


@pytest.mark.parametrize("plan", PLANS, ids=named)
def test_expectation_suits_its_kind(plan: Path):
    """Good plans pass, bad ones do not, vacuous ones are VACUOUS; reasons are those of the program."""
    wanted = expected(plan)
    assert set(wanted) == {"outcome", "reason", "exit_code"}
    assert wanted["outcome"] in ALLOWED[kind(plan)]
    assert wanted["reason"] in Reason.__members__


@pytest.mark.parametrize("claim", [*CLAIMS, *DATA_CLAIMS])
def test_every_claim_has_its_cases(claim: str):
    """A claim without a known-good, a known-bad and a vacuous case is not finished."""
    assert {kind(p) for p in PLANS if p.parent.name == claim} == set(ALLOWED)


def test_every_case_is_of_a_claim():
    """No folder is left behind by a claim that was renamed."""
    assert {p.parent.name for p in PLANS} <= {*CLAIMS, *DATA_CLAIMS}


def test_no_claim_about_data_has_the_name_of_one_about_manifolds():
    """A claims file names either by its id alone."""
    assert set(CLAIMS) & set(DATA_CLAIMS) == set()

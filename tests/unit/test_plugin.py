from __future__ import annotations

import importlib.metadata
import json
import math
import os
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).resolve().parents[2]
INSTALLED = any(e.name == "aeverify" for e in importlib.metadata.entry_points(group="pytest11"))
HEAVY = ("torch", "numpy", "scipy", "gudhi", "click", "aeverify")

PASSES = """
import aeverify as library
from aeverify.testing import assert_claim

def test_plain():
    assert_claim(library.oracle("constant"), "circle", "theorem-1")

def test_fixture(aeverify):
    assert aeverify.assert_claim(library.oracle("constant"), "circle", "theorem-1").outcome == "PASS"
"""
FAILS = """
import aeverify as library
import numpy as np

def test_fails(aeverify):
    below = library.Autoencoder.from_callables(
        lambda x: np.arctan2(x[:, 1:2], x[:, 0:1]),
        lambda z: np.hstack([np.cos(z), np.sin(z)]),
        ambient_dim=2, latent_dim=1, name="angle",
    )
    aeverify.assert_claim(below, "circle", "theorem-1")
"""


@pytest.fixture
def session(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A test session of its own that has this plugin, as users have it, and xdist."""
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTEST_ADDOPTS", f"-p {'aeverify' if INSTALLED else '_aeverify_pytest'} -p xdist")
    pytester.makeini("[pytest]")
    return pytester


def test_unused_plugin_imports_nothing(session: pytest.Pytester):
    """A suite that does not use the plugin pays for no import beyond the standard library and pytest."""
    session.makepyfile(f"import sys\n\ndef test_it():\n    assert [m for m in {HEAVY!r} if m in sys.modules] == []\n")
    session.runpytest_subprocess().assert_outcomes(passed=1)


def test_session_of_one_process(session: pytest.Pytester):
    """Both ways of asserting a claim are counted in the terminal, described on failure, kept in JUnit properties and
    merged into one report."""
    session.makepyfile(test_a=PASSES, test_b=FAILS)
    result = session.runpytest_subprocess(
        "--aeverify-report=out", "--aeverify-seed=5", "--junit-xml=junit.xml", "-o", "junit_family=xunit1"
    )
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(
        ["*= aeverify =*", "2 PASS, 1 VACUOUS", "VACUOUS*theorem-1 for angle*", "report: out/report.html"]
    )
    text = result.stdout.str()
    assert "theorem-1 is VACUOUS for angle on circle" in text
    for row in ("statement", "evidence", "rigor", "reason", "premise", "witness", "replay", "source"):
        assert f"  {row} " in text
    assert "aeverify/testing" not in text
    assert kept_properties(session.path / "junit.xml") == [("PASS", 1.0), ("PASS", 1.0), ("VACUOUS", math.tau)]
    assert_merged(session.path / "out")


def kept_properties(junit: Path) -> list[tuple[str, float]]:
    """Outcome and lower end of the evidence of each verdict, from the properties of a JUnit file."""
    properties = [p.attrib for p in ElementTree.parse(junit).iter("property") if p.attrib["name"] == "aeverify"]
    verdicts = [json.loads(p["value"]) for p in properties]
    return [(v["outcome"], pytest.approx(v["interval"]["lower"], abs=1e-3)) for v in verdicts]


def assert_merged(folder: Path) -> None:
    """The report in the folder has what the whole session checked."""
    document = json.loads((folder / "report.json").read_text())
    assert document["counts"] == {"PASS": 2, "FAIL": 0, "INCONCLUSIVE": 0, "VACUOUS": 1, "ERROR": 0}
    assert document["provenance"]["root_seed"] == 5
    assert "--aeverify-report=out" in document["provenance"]["command"]
    assert {m["name"].partition(":")[0] for m in document["models"]} == {"angle", "constant"}
    assert (folder / "report.html").exists()


def test_session_over_several_workers(session: pytest.Pytester):
    """Under xdist one report holds what every worker checked."""
    session.makepyfile(test_a=PASSES, test_b=FAILS)
    session.runpytest_subprocess("--aeverify-report=out", "--aeverify-seed=5", "-n", "2")
    assert_merged(session.path / "out")


def test_report_of_a_session_that_checked_nothing_passes_nothing(session: pytest.Pytester):
    """An older report is replaced by one that says that nothing was checked."""
    (session.path / "out").mkdir()
    (session.path / "out/report.json").write_text('{"outcome": "PASS"}')
    session.makepyfile("def test_it(): pass")
    session.runpytest_subprocess("--aeverify-report=out").assert_outcomes(passed=1)
    document = json.loads((session.path / "out/report.json").read_text())
    assert (document["outcome"], document["exit_code"], document["verdicts"]) == ("VACUOUS", 4, [])


def test_seed_reaches_the_fixture(session: pytest.Pytester):
    """`--aeverify-seed` is the root seed of the session."""
    session.makepyfile("def test_it(aeverify): assert aeverify.seed == 11")
    session.runpytest_subprocess("--aeverify-seed=11").assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("option", "phrase"),
    [("--aeverify-seed=-1", "must be an integer from 0"), ("--aeverify-report=test_it.py/out", "cannot be made")],
)
def test_wrong_options_are_usage_errors(session: pytest.Pytester, option: str, phrase: str):
    """A wrong option ends the session before any test, with pytest's exit code for usage errors."""
    session.makepyfile(test_it="def test_it(): pass")
    result = session.runpytest_subprocess(option)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*{phrase}*"])


@pytest.mark.skipif(not INSTALLED, reason="the entry point exists where the package is installed")
@pytest.mark.parametrize(("option", "outcome"), [([], "passed"), (["-p", "no:aeverify"], "errors")])
def test_plugin_comes_with_the_package_and_can_be_turned_off(
    session: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, option: list[str], outcome: str
):
    """Installing the package is enough to have the fixture; `-p no:aeverify` is enough to be rid of it."""
    monkeypatch.delenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD")
    monkeypatch.delenv("PYTEST_ADDOPTS")
    session.makepyfile("def test_it(aeverify): pass")
    session.runpytest_subprocess(*option).assert_outcomes(**{outcome: 1})

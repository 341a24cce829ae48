from __future__ import annotations

import importlib
import importlib.metadata
import json
import math
import os
import pkgutil
import shlex
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from aeverify import reporting, testing
from aeverify.autoencoders.loading import save
from aeverify.autoencoders.oracles import oracle
from aeverify.autoencoders.protocol import Autoencoder
from aeverify.testing.claims import drain

ROOT = Path(__file__).resolve().parents[2]
INSTALLED = any(e.name == "aeverify" for e in importlib.metadata.entry_points(group="pytest11"))
PLUGIN = "aeverify" if INSTALLED else "_aeverify_pytest"
HEAVY = ("torch", "numpy", "scipy", "gudhi", "click", "aeverify")

PASSES = """
import aeverify as library
from aeverify.testing import assert_claim, parametrize_with_claims

def test_plain():
    assert_claim(library.oracle("constant"), "circle", "theorem-1")

def test_fixture(aeverify):
    assert aeverify.assert_claim(library.oracle("constant"), "circle", "theorem-1").outcome == "PASS"

@parametrize_with_claims(
    {"theorem-1": {}, "error-bound": {"epsilon": 0.1}},
    expected_failures={"error-bound": "a circle has no continuous code of one number"},
)
def test_claims(aeverify, claim):
    aeverify.assert_claim(library.oracle("cut:half_width=0.01"), "circle", claim)
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
USES = "import pytest, aeverify as library\nfrom aeverify.testing import *\nCIRCLE = library.oracle('constant')\n"


@pytest.fixture(scope="module", autouse=True)
def _loaded(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Everything that sessions inside this process load is loaded before: pytester unloads what it saw being loaded,
    and libraries in C cannot be loaded twice."""
    report = testing.check_claim(oracle("cut"), "circle", "error-bound")
    for name in ("theorem-1", "theorem-2"):
        testing.check_claim(oracle("constant"), "circle", name, seed=1)
    reporting.write_report(report, tmp_path_factory.mktemp("report"))
    save(bar(), tmp_path_factory.mktemp("model") / "bar.safetensors")
    for module in pkgutil.iter_modules(testing.__path__):
        importlib.import_module(f"aeverify.testing.{module.name}")
    drain()


def bar() -> Autoencoder:
    """A torch model."""
    from torch import nn

    return Autoencoder.from_modules(nn.Linear(2, 1), nn.Linear(1, 2), name="bar")


@pytest.fixture
def session(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A folder for test sessions that have this plugin, as users have it, and xdist; the summary, which repeats
    whole failures where CI or BUILD_NUMBER is set, is the short one."""
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.delenv("BUILD_NUMBER", raising=False)
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTEST_ADDOPTS", f"-p {PLUGIN} -p xdist")
    pytester.makeini("[pytest]")
    return pytester


@pytest.fixture
def run(session: pytest.Pytester) -> Iterator[Callable[..., pytest.RunResult]]:
    """A test session of its own inside this process, on a file with the given text."""

    def call(text: str, *options: str) -> pytest.RunResult:
        session.makepyfile(test_it=text)
        return session.runpytest_inprocess(*options)

    yield call
    drain()


def document(folder: Path) -> dict[str, Any]:
    """The report in a folder."""
    found: dict[str, Any] = json.loads((folder / "report.json").read_text())
    return found


@pytest.mark.parametrize(
    "text",
    [
        "def test_it(): pass",
        "from aeverify.testing import assert_claim, parametrize_with_claims\n"
        "@parametrize_with_claims(['theorem-1'])\n"
        "def test_it(aeverify, claim): assert aeverify.alpha == 0.01",
    ],
    ids=["unused", "used"],
)
def test_nothing_heavy_is_imported_before_a_claim_is_checked(session: pytest.Pytester, text: str):
    """A suite pays for no import beyond the standard library and pytest; one that uses the plugin does not pay for
    torch before its first check, when tests are collected, say."""
    heavy = HEAVY if "aeverify" not in text else HEAVY[:-1]
    session.makepyfile(
        f"import sys\n{text}\ndef test_modules():\n    assert [m for m in {heavy!r} if m in sys.modules] == []\n"
    )
    session.runpytest_subprocess().assert_outcomes(passed=2)


def test_unused_plugin_adds_itself_alone_to_the_modules(session: pytest.Pytester, monkeypatch: pytest.MonkeyPatch):
    """The modules of a session with the plugin are those of a session without it, and the plugin."""
    session.makepyfile("import sys\ndef test_it():\n    open('modules', 'w').write(' '.join(sys.modules))")
    found = []
    for options in (f"-p {PLUGIN}", ""):
        monkeypatch.setenv("PYTEST_ADDOPTS", options)
        session.runpytest_subprocess().assert_outcomes(passed=1)
        found.append(set((session.path / "modules").read_text().split()))
    assert found[0] - found[1] == {"_aeverify_pytest"}


def test_session_of_one_process(session: pytest.Pytester):
    """Both ways of asserting a claim are counted in the terminal, described on failure, kept in JUnit properties and
    merged into one report."""
    session.makepyfile(test_a=PASSES, test_b=FAILS)
    result = session.runpytest_inprocess(
        "--aeverify-report=out", "--aeverify-seed=5", "--junit-xml=junit.xml", "-o", "junit_family=xunit1"
    )
    result.assert_outcomes(passed=3, failed=1, xfailed=1)
    result.stdout.fnmatch_lines(
        [
            "*= aeverify =*",
            "1 FAIL as expected, 3 PASS, 1 VACUOUS",
            "FAIL*error-bound for cut*as expected: a circle has no continuous code of one number",
            "VACUOUS*theorem-1 for angle*in test_b.py::test_fails: *",
            "report: out/report.html",
        ]
    )
    text = result.stdout.str()
    assert "theorem-1 is VACUOUS for angle on circle" in text
    for row in ("statement", "evidence", "rigor", "reason", "premise", "witness", "replay", "source", "seed", "saved"):
        assert f"  {row} " in text
    assert "aeverify/testing" not in text
    assert kept_properties(session.path / "junit.xml") == [
        ("PASS", 1.0, None),
        ("PASS", 1.0, None),
        ("PASS", pytest.approx(2.0, abs=1e-3), None),
        ("FAIL", pytest.approx(2.0, abs=1e-3), "a circle has no continuous code of one number"),
        ("VACUOUS", pytest.approx(math.tau, abs=1e-3), None),
    ]
    assert_merged(session.path / "out")


def kept_properties(junit: Path) -> list[tuple[str, float, str | None]]:
    """Outcome, lower end of the evidence and expectation of each verdict, from the properties of a JUnit file."""
    properties = [p.attrib for p in ElementTree.parse(junit).iter("property") if p.attrib["name"] == "aeverify"]
    verdicts = [json.loads(p["value"]) for p in properties]
    return [(v["outcome"], v["interval"]["lower"], v["expected_failure"]) for v in verdicts]


def assert_merged(folder: Path) -> None:
    """The report in the folder has what the whole session checked, in the order of the tests' names."""
    found = document(folder)
    assert found["counts"] == {"PASS": 3, "FAIL": 1, "INCONCLUSIVE": 0, "VACUOUS": 1, "ERROR": 0}
    assert found["exit_code"] == 4
    assert [(i["claim"], i["reason"]) for i in found["policy"]["ignores"]] == [
        ("error-bound", "expected to fail: a circle has no continuous code of one number")
    ]
    assert found["provenance"]["root_seed"] == 5
    assert "--aeverify-report=out" in found["provenance"]["command"]
    assert {m["name"].partition(":")[0] for m in found["models"]} == {"angle", "constant", "cut"}
    assert [(v["claim"]["id"], v["subject"].partition(":")[0]) for v in found["verdicts"]] == [
        ("error-bound", "cut"),
        ("theorem-1", "cut"),
        ("theorem-1", "constant"),
        ("theorem-1", "constant"),
        ("theorem-1", "angle"),
    ]
    assert found["notes"] == []
    assert reporting.read_report(folder).counts == found["counts"]
    assert (folder / "report.html").exists()


def test_session_over_several_workers(session: pytest.Pytester):
    """Under xdist one report holds what every worker checked, in the same order; witness files are written, and a
    marker that says nothing sensible is an error of its test."""
    session.makepyfile(test_a=PASSES, test_b=FAILS)
    result = session.runpytest_subprocess("--aeverify-report=out", "--aeverify-seed=5", "-n", "2")
    result.assert_outcomes(passed=3, failed=1, xfailed=1)
    assert_merged(session.path / "out")
    assert len(list((session.path / "out/witnesses").glob("*.json"))) == 1
    session.makepyfile(test_a="import pytest\n@pytest.mark.aeverify(alfa=1)\ndef test_it(): pass", test_b="")
    result = session.runpytest_subprocess("-n", "2")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*UsageError: test_a.py::test_it: the marker aeverify has no keyword 'alfa'*"])


def test_worker_that_crashes_leaves_no_green_report(session: pytest.Pytester):
    """What a worker had checked when it died is lost, so the report says that the session was not finished."""
    session.makepyfile("import os\ndef test_it(): os._exit(1)")
    session.runpytest_subprocess("--aeverify-report=out", "-n", "1", "--max-worker-restart=0")
    found = document(session.path / "out")
    assert (found["outcome"], found["exit_code"]) == ("VACUOUS", 130)
    assert "crashed" in found["interrupted"]


def test_report_of_a_session_that_checked_nothing_passes_nothing(
    session: pytest.Pytester, run: Callable[..., pytest.RunResult]
):
    """An older report is replaced by one that says that nothing was checked."""
    (session.path / "out").mkdir()
    (session.path / "out/report.json").write_text('{"outcome": "PASS"}')
    run("def test_it(): pass", "--aeverify-report=out").assert_outcomes(passed=1)
    found = document(session.path / "out")
    assert (found["outcome"], found["exit_code"], found["verdicts"]) == ("VACUOUS", 4, [])


def test_report_tells_of_tests_that_broke(session: pytest.Pytester, run: Callable[..., pytest.RunResult]):
    """A test that ended before its claim, and a file that could not be collected, are named in the report."""
    session.makepyfile(test_broken="import no_such_module")
    text = USES + "def test_early():\n    assert False\n    assert_obstructed(CIRCLE, 'circle')\n"
    result = run(text, "--aeverify-report=out", "--continue-on-collection-errors")
    result.assert_outcomes(failed=1, errors=1)
    found = document(session.path / "out")
    assert found["notes"] == [
        "1 could not be collected: test_broken.py.",
        "1 failed, and no verdict says so: test_it.py::test_early.",
    ]


def test_report_of_an_interrupted_session_is_not_green(session: pytest.Pytester, run: Callable[..., pytest.RunResult]):
    """Ctrl-C after a PASS leaves a report that is not PASS."""
    text = USES + "def test_a(): assert_obstructed(CIRCLE, 'circle')\ndef test_b(): raise KeyboardInterrupt\n"
    with suppress(KeyboardInterrupt):
        run(text, "--aeverify-report=out")
    found = document(session.path / "out")
    assert (found["counts"]["PASS"], found["outcome"], found["exit_code"]) == (1, "INCONCLUSIVE", 130)


SETTINGS = """
import pytest
from aeverify.testing.settings import active

pytestmark = pytest.mark.aeverify(alpha=0.5)

def test_derived(aeverify):
    assert (aeverify.root_seed, aeverify.alpha, aeverify.budget, aeverify.device) == (11, 0.5, None, "cpu")
    assert aeverify.seed == 7107918399705955258

@pytest.mark.aeverify(seed=3)
class TestClass:
    def test_of_a_class(self, aeverify):
        assert (aeverify.seed, aeverify.alpha) == (3, 0.5)

    @pytest.mark.aeverify(seed=4, budget=9, device="cpu")
    def test_nearest_wins(self, aeverify):
        assert (aeverify.seed, aeverify.alpha, aeverify.budget, aeverify.device) == (4, 0.5, 9, "cpu")

    @pytest.mark.parametrize("value", [pytest.param(5, marks=pytest.mark.aeverify(seed=5)), 4])
    @pytest.mark.aeverify(seed=4)
    def test_of_a_parameter(self, value, aeverify):
        assert aeverify.seed == value

    def test_without_the_fixture(self):
        assert (active().seed, active().alpha) == (3, 0.5)
"""


def test_settings_come_from_the_session_and_the_nearest_marker(run: Callable[..., pytest.RunResult]):
    """Each test has a seed of its own, of the session's and its name; markers of modules, classes, functions and
    parameter sets add up, the nearest of one keyword wins."""
    run(SETTINGS, "--aeverify-seed=11", "--strict-markers").assert_outcomes(passed=6)


def test_settings_end_with_their_test(run: Callable[..., pytest.RunResult]):
    """A test without marker and fixture has no settings, before or after one that has them."""
    text = (
        "import pytest\nfrom aeverify.testing.settings import active\n"
        "def test_a(): assert active() is None\n"
        "@pytest.mark.aeverify(seed=1)\ndef test_b(): assert active().seed == 1\n"
        "def test_c(): assert active() is None\n"
    )
    run(text).assert_outcomes(passed=3)


@pytest.mark.parametrize(
    ("marker", "phrase"),
    [
        ("alfa=0.1", "the marker aeverify has no keyword 'alfa'; it has alpha, seed, budget, device."),
        ("0.1", "takes keywords (alpha, seed, budget, device), got 0.1 without one."),
        ("alpha=1.0", "aeverify(alpha=...) must be a number between 0 and 1, such as 0.01, got 1.0."),
        ("alpha=float('nan')", "aeverify(alpha=...) must be a number between 0 and 1, such as 0.01, got nan."),
        ("alpha=True", "aeverify(alpha=...) must be a number between 0 and 1, such as 0.01, got True."),
        ("seed=-1", "aeverify(seed=...) must be an integer from 0 to 2^63 - 1, got -1."),
        ("seed=2**63", "aeverify(seed=...) must be an integer from 0 to 2^63 - 1, got 9223372036854775808."),
        ("seed=1.0", "aeverify(seed=...) must be an integer from 0 to 2^63 - 1, got 1.0."),
        ("budget=0", "aeverify(budget=...) must be a number of seconds above 0, got 0."),
        ("device='tpu'", "aeverify(device=...) must be 'auto', 'cpu', 'cuda' or 'cuda:N', got 'tpu'."),
        ("seed=1)\n@pytest.mark.aeverify(seed=2", "two markers aeverify at one place contradict each other: seed=2"),
    ],
)
@pytest.mark.parametrize("place", ["function", "class"])
def test_markers_that_say_nothing_sensible_are_usage_errors(
    run: Callable[..., pytest.RunResult], marker: str, phrase: str, place: str
):
    """The session ends before any test, with pytest's exit code for usage errors; so it does for a test that -k leaves
    out."""
    subject = {"function": "def test_it(): pass", "class": "class TestIt:\n    def test_it(self): pass"}[place]
    result = run(f"import pytest\n@pytest.mark.aeverify({marker})\n{subject}\ndef test_other(): pass", "-k", "other")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert phrase in result.stderr.str()


@pytest.mark.parametrize("option", ["--aeverify-seed=-1", "--aeverify-seed=9223372036854775808"])
def test_seeds_out_of_range_are_usage_errors(run: Callable[..., pytest.RunResult], option: str):
    """A wrong seed ends the session before any test."""
    result = run("def test_it(): pass", option)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "--aeverify-seed must be an integer from 0 to 2^63 - 1" in result.stderr.str()


def test_report_folder_that_cannot_be_made_is_a_usage_error(run: Callable[..., pytest.RunResult]):
    """It is found before any test and not after all of them."""
    result = run("def test_it(): pass", "--aeverify-report=test_it.py/out")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "--aeverify-report: test_it.py/out cannot be made" in result.stderr.str()


def test_marker_is_registered(run: Callable[..., pytest.RunResult]):
    """`pytest --markers` explains it, and strict sessions know it."""
    result = run("def test_it(): pass", "--markers")
    result.stdout.fnmatch_lines(["@pytest.mark.aeverify(alpha=, seed=, budget=, device=): *"])


WRONG = (
    USES
    + """
import numpy as np

def test_claim(aeverify): aeverify.assert_claim(CIRCLE, "circle", "theorem-7")
def test_parameter(aeverify): aeverify.assert_claim(CIRCLE, "circle", "theorem-2", epsilom=1)
def test_option(aeverify): aeverify.assert_autoencodes(CIRCLE, "circle", 0.1, delta=0.5)
def test_value(aeverify): aeverify.assert_autoencodes(CIRCLE, "circle", -1.0)
def test_manifold(aeverify): aeverify.assert_obstructed(CIRCLE, "circel")
def test_model(aeverify): aeverify.assert_obstructed("constant", "circle")
def test_dimension(aeverify): aeverify.assert_obstructed(CIRCLE, "sphere")
def test_alpha(aeverify): aeverify.assert_obstructed(CIRCLE, "circle", alpha=2.0)
def test_seed(aeverify): aeverify.assert_obstructed(CIRCLE, "circle", seed=-1)
def test_no_claim(aeverify): aeverify.assert_claim(CIRCLE, "circle", 3)
@parametrize_with_claims(["theorem-7"], expected_failures={"theorem-7": "there is no such theorem"})
def test_case(aeverify, claim): aeverify.assert_claim(CIRCLE, "circle", claim)
"""
)


def test_wrong_arguments_are_named_in_the_failure(run: Callable[..., pytest.RunResult]):
    """A mistake of the test's author is a failure that says what was expected; an expected failure does not hide it."""
    result = run(WRONG)
    result.assert_outcomes(failed=11)
    text = result.stdout.str()
    for phrase in (
        "There is no claim named 'theorem-7'; did you mean 'theorem-",
        "The claim theorem-2 has no parameter 'epsilom'; it has: epsilon, delta, training.",
        "got multiple values for keyword argument 'delta'",
        "error-bound.epsilon must be a finite number above 0, got -1.0.",
        "There is no manifold named 'circel'; did you mean 'circle'",
        "Expected an aeverify.Autoencoder, got str;",
        "takes points of R^2, but sphere",
        "alpha must lie in (0, 1), got 2.0.",
        "A seed must be an integer from 0 to 2^63 - 1, got -1.",
        "Expected the id of a claim or a check, got int 3.",
    ):
        assert phrase in text
    assert text.count("There is no claim named 'theorem-7'") >= 2


EXPECTED = (
    USES
    + """
IDENTITY = library.oracle("identity")
WHY = {"theorem-1": "the moon is made of cheese"}

@parametrize_with_claims({"error-bound": {"epsilon": 0.1}}, expected_failures={"error-bound": "no code of a circle"})
def test_fails_as_expected(claim): assert_claim(CIRCLE, "circle", claim)

@parametrize_with_claims(["theorem-1"], expected_failures=WHY)
def test_passes(claim): assert_claim(CIRCLE, "circle", claim)

@parametrize_with_claims(["theorem-1"], expected_failures=WHY)
def test_vacuous(claim): assert_claim(IDENTITY, "circle", claim)

@parametrize_with_claims({"error-bound": {"epsilon": 1.005}}, expected_failures={"error-bound": "between the ends"})
def test_inconclusive(claim): assert_claim(CIRCLE, "circle", claim)

@parametrize_with_claims(["theorem-1"], expected_failures=WHY)
def test_error(claim): assert_claim(library.oracle("nan"), "circle", claim)

@parametrize_with_claims(["theorem-1"], expected_failures=WHY)
def test_never_asserted(claim): check_claim(IDENTITY, "circle", claim)

@parametrize_with_claims(["theorem-1"], expected_failures=WHY)
def test_other_assertion(claim): assert 1 == 2

@parametrize_with_claims(["theorem-1"], expected_failures=WHY)
def test_skipped(claim): pytest.skip("not here")

@parametrize_with_claims({"error-bound": {"epsilon": 0.1}}, expected_failures={"error-bound": "swallowed"})
def test_swallowed(claim):
    with pytest.raises(AssertionError):
        assert_claim(CIRCLE, "circle", claim)
"""
)


def test_only_the_expected_failure_is_one(run: Callable[..., pytest.RunResult]):
    """An unexpected PASS fails the test with the reason; INCONCLUSIVE, VACUOUS, ERROR, other assertions and a claim
    that was not asserted are no expected failures."""
    result = run(EXPECTED, "-rA")
    result.assert_outcomes(xfailed=1, failed=7, skipped=1)
    result.stdout.fnmatch_lines(["XFAIL test_it.py::test_fails_as_expected* - *no code of a circle"])
    text = result.stdout.str()
    assert "theorem-1 had to FAIL and is PASS. It was to fail because: the moon is made of cheese" in text
    for outcome in ("VACUOUS", "INCONCLUSIVE", "ERROR"):
        assert f"It is {outcome}, which is not the failure that was expected." in text
    for name in ("theorem-1", "error-bound"):
        assert f"[strict] {name} had to FAIL in this test, and the test ended without that." in text


def test_expected_failure_does_not_hide_another_one(session: pytest.Pytester, run: Callable[..., pytest.RunResult]):
    """Where the same claim on the same model fails in a test that did not expect it, the report ignores neither."""
    text = (
        USES
        + "@parametrize_with_claims({'error-bound': {'epsilon': 0.1}}, expected_failures={'error-bound': 'known'})\n"
        "def test_a(claim): assert_claim(CIRCLE, 'circle', claim)\n"
        "def test_b(): assert_autoencodes(CIRCLE, 'circle', 0.2)\n"
    )
    run(text, "--aeverify-report=out").assert_outcomes(xfailed=1, failed=1)
    found = document(session.path / "out")
    assert (found["policy"]["ignores"], found["exit_code"], found["counts"]["FAIL"]) == ([], 1, 2)


UNDECIDED = (
    USES
    + """
def test_vacuous(): assert_obstructed(library.oracle("identity"), "circle")
def test_inconclusive(): assert_autoencodes(CIRCLE, "circle", 1.005)
@pytest.mark.aeverify(budget=1e-9)
def test_out_of_time():
    assert_obstructed(CIRCLE, "circle")
    assert_obstructed(CIRCLE, "circle")
"""
)


def test_undecided_claims_never_pass(run: Callable[..., pytest.RunResult]):
    """VACUOUS, INCONCLUSIVE and a claim that the budget did not reach fail their tests."""
    result = run(UNDECIDED)
    result.assert_outcomes(failed=3)
    result.stdout.fnmatch_lines(["*2 INCONCLUSIVE, 1 PASS, 1 VACUOUS"])
    assert "The budget of 1e-09 s of this test was spent by the claims before this one." in result.stdout.str()


WITNESSES = (
    USES
    + """
import os, numpy as np
from torch import nn

def linear():
    encoder, decoder = nn.Linear(2, 1), nn.Linear(1, 2)
    for p in (*encoder.parameters(), *decoder.parameters()): nn.init.constant_(p, 0.5)
    return library.Autoencoder.from_modules(encoder, decoder, name="line")

def test_oracle(): assert_autoencodes(CIRCLE, "circle", 0.1)
def test_modules(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert_autoencodes(linear(), "circle", 0.1)
def test_memory():
    zero = lambda rows: lambda x: np.zeros((len(x), rows))
    model = library.Autoencoder.from_callables(zero(1), zero(2), ambient_dim=2, latent_dim=1, name="zero")
    assert_autoencodes(model, "circle", 0.1)
def test_passes(): assert_obstructed(CIRCLE, "circle")
def test_other():
    assert check_claim(CIRCLE, "circle", "error-bound").verdicts[0].outcome == "PASS", "../<b>"
"""
)


@pytest.mark.parametrize("option", [["--aeverify-report=out"], [], ["-p", "no:cacheprovider"]])
def test_failures_leave_witness_files(
    session: pytest.Pytester,
    run: Callable[..., pytest.RunResult],
    cli: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    option: list[str],
):
    """Each failure names a report of its verdict, with its model, that the command line replays wherever pytest had
    been started; without a report folder it lies in pytest's cache."""
    monkeypatch.chdir(session.path)
    result = run(WITNESSES, *option)
    monkeypatch.chdir(ROOT)
    result.assert_outcomes(failed=4, passed=1)
    again = [line.partition("again ")[2].strip() for line in result.outlines if "  again " in line]
    if "no:cacheprovider" in option:
        assert again == []
        assert result.stdout.str().count("nothing: pytest's cache is off; give --aeverify-report FOLDER") == 4
        return
    folder = session.path / ("out/witnesses" if option else ".pytest_cache/d/aeverify")
    assert len(list(folder.glob("*.json"))) == 4
    assert len(list(folder.glob("models/*.safetensors"))) == 1
    commands = [shlex.split(line) for line in again if line.startswith("aeverify replay ")]
    assert len(commands) == 3
    for command in commands:
        report = session.path / command[2]
        finished = cli("replay", str(report), *command[3:])
        assert (finished.exit_code, finished.stdout.partition(" ")[0]) == (0, "REPRODUCED")
        assert reporting.read_report(report).verdicts[0].replay == shlex.join(command)
    assert [line for line in again if line.startswith("aeverify.replay(aeverify.reporting.read_report(")] != []


def test_failures_say_the_seed_of_their_test(run: Callable[..., pytest.RunResult]):
    """A failure of any kind in a test with settings names its seed, and where that comes from."""
    text = (
        "import pytest\ndef test_a(aeverify): assert False\n@pytest.mark.aeverify(seed=7)\ndef test_b(): assert False\n"
        "@pytest.mark.aeverify(seed=8)\ndef test_c(): pytest.fail('no')\n"
    )
    result = run(text, "--aeverify-seed=2")
    result.stdout.re_match_lines(
        [r"E +seed +\d+ \(derived from --aeverify-seed=2 and the name of the test\)", r"E +seed +7 \(from the marker\)"]
    )
    assert "seed       8 (from the marker)" in result.stdout.str()


def test_selections_and_stops_change_no_verdict(session: pytest.Pytester, run: Callable[..., pytest.RunResult]):
    """Under -x, --lf and -k each test that runs finds what it found in the whole session."""
    text = WITNESSES.replace("test_memory", "ignored_memory").replace("test_modules", "ignored_modules")
    run(text, "--aeverify-report=all")
    run(text, "--aeverify-report=first", "-x")
    run(text, "--aeverify-report=last", "--lf")
    run(text, "--aeverify-report=chosen", "-k", "passes or other")
    found = {name: document(session.path / name)["verdicts"] for name in ("all", "first", "last", "chosen")}
    whole = {key(v): v for v in found["all"]}
    assert {name: len(verdicts) for name, verdicts in found.items()} == {"all": 3, "first": 1, "last": 2, "chosen": 2}
    for verdict in (v for name in ("first", "last", "chosen") for v in found[name]):
        assert verdict["evidence"] == whole[key(verdict)]["evidence"]


def key(verdict: dict[str, Any]) -> tuple[str, str]:
    """Claim and subject of a verdict."""
    return verdict["claim"]["id"], verdict["subject"]


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

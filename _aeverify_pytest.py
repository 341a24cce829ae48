"""The pytest plugin of aeverify: a fixture, a marker, tests made of claims, a session report and a terminal section.

It stands beside the package, not in it, and imports nothing but the standard library and pytest at start, so that test
suites that do not use it pay nothing; what it does when it is used stands in `aeverify.testing`. `-p no:aeverify` turns
it off. PYTEST_DONT_REWRITE: it asserts nothing.
"""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Generator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, final

import pytest

if TYPE_CHECKING:
    from aeverify.testing import Claims
    from aeverify.testing.session import Session
    from aeverify.testing.settings import Settings

_NAME = "aeverify"
_ATTRIBUTE = "aeverify_checked"
_CLAIMS = "aeverify_claims"
_MOST = 2**63 - 1
_STACK = pytest.StashKey[ExitStack]()
_NO_FAILURES = (pytest.skip.Exception, pytest.xfail.Exception, pytest.exit.Exception, KeyboardInterrupt)
_STOPPED = {2: "the session was interrupted", 3: "pytest had an internal error"}
_MARKER = (
    "aeverify(alpha=, seed=, budget=, device=): for checks of aeverify in this test: error probability of all its "
    "statistical statements, root seed, seconds that its measurements may take together, and device "
    "('auto', 'cpu', 'cuda' or 'cuda:N')"
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --aeverify-report and --aeverify-seed."""
    group = parser.getgroup("aeverify", "claims about autoencoders")
    group.addoption(
        "--aeverify-report",
        metavar="FOLDER",
        help="write one report (JSON, JUnit, Markdown, HTML) of every claim that the session checked",
    )
    group.addoption(
        "--aeverify-seed",
        metavar="N",
        type=int,
        default=0,
        help="root seed of the session, from which that of each test is derived (default 0)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Collect verdicts for the session; under xdist every worker sends its own with its test reports."""
    config.addinivalue_line("markers", _MARKER)
    seed = config.getoption("--aeverify-seed")
    if not 0 <= seed <= _MOST:
        raise pytest.UsageError(f"--aeverify-seed must be an integer from 0 to 2^63 - 1, got {seed}.")
    config.pluginmanager.register(_Collector(config), "aeverify-session")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test of each claim that `aeverify.testing.parametrize_with_claims` left at the function."""
    for argument, cases in getattr(metafunc.function, _CLAIMS, ()):
        metafunc.parametrize(argument, cases, ids=[str(case) for case in cases])


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: Sequence[pytest.Item]) -> None:
    """A marker that says nothing sensible ends the session before any test; in a worker of xdist, which cannot end it,
    the test itself ends in that error."""
    for item in items if not hasattr(config, "workerinput") else ():
        if item.get_closest_marker(_NAME) is not None:
            _settings(item)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """The settings of a test hold until its last finalizer."""
    with ExitStack() as stack:
        item.stash[_STACK] = stack
        return (yield)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """A test with the marker or the fixture gets its settings, before its fixtures are made."""
    if item.get_closest_marker(_NAME) is not None or _NAME in getattr(item, "fixturenames", ()):
        from aeverify.testing.settings import activated

        item.stash[_STACK].enter_context(activated(_settings(item)))


@pytest.fixture
def aeverify(request: pytest.FixtureRequest) -> Claims:
    """Check claims about autoencoders: `aeverify.assert_claim(model, "circle", "theorem-1")`."""
    from aeverify.testing import Claims
    from aeverify.testing.settings import active

    settings = active()
    return Claims(_settings(request.node) if settings is None else settings)


def _settings(item: pytest.Item) -> Settings:
    """Seed, error budget, time budget and device of a test, of its markers and of the session.

    Raises:
        pytest.UsageError: a marker says nothing sensible, or two at one place contradict each other.
    """
    __tracebackhide__ = True
    from aeverify.errors import UsageError
    from aeverify.testing.settings import settings_of

    inner = [m for m in getattr(getattr(item, "callspec", None), "marks", ()) if m.name == _NAME]
    places: dict[int, list[pytest.Mark]] = {0: inner}
    for node, mark in item.iter_markers_with_node(_NAME):
        if not any(mark is m for m in inner):
            places.setdefault(id(node), []).append(mark)
    markers = [[(m.args, m.kwargs) for m in marks] for marks in places.values()]
    try:
        return settings_of(item.nodeid, item.config.getoption("--aeverify-seed"), markers)
    except UsageError as error:
        raise pytest.UsageError(str(error)) from None


@final
class _Collector:
    """Hands what every test checked to the `Session`, and has it tell that at the end."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._made: Session | None = None
        folder = config.getoption("--aeverify-report")
        self._folder: Path | None = None if folder is None else config.invocation_params.dir / folder
        if self._folder is not None:
            try:
                self._folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise pytest.UsageError(f"--aeverify-report: {folder} cannot be made: {error.strerror}.") from error
            self._session()

    def _session(self) -> Session:
        """The session, made when it is first needed."""
        if self._made is None:
            from aeverify.testing.session import Session

            started = self._config.invocation_params
            command = shlex.join(["pytest", *map(str, started.args)])
            self._made = Session(self._config.getoption("--aeverify-seed"), command, started.dir, self._folder)
        return self._made

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Attach what was checked to the test's report, which is what xdist carries from its workers; say at a failure
        how to see it again; report a claim that failed as it had to as an expected failure."""
        rows = []
        if "aeverify.testing.settings" in sys.modules:
            from aeverify.testing.claims import drain
            from aeverify.testing.session import summary

            error = call.excinfo.value if call.excinfo is not None else None
            error = None if isinstance(error, _NO_FAILURES) else error
            rows = self._session().keep(item.nodeid, error, drain(), self._witnesses(error))
            for row in rows:
                item.user_properties += [(_NAME, summary(v, row["expected"])) for v in row["report"]["verdicts"]]
        report = yield
        if rows:
            setattr(report, _ATTRIBUTE, json.dumps(rows))
        if call.when == "call" and hasattr(getattr(item, "function", None), _CLAIMS):
            _settle_expectation(item, call, report)
        return report

    def _witnesses(self, error: BaseException | None) -> Path | None:
        """Where witness files go: into the folder of the report, else into pytest's cache."""
        if error is None or self._folder is not None:
            return None if self._folder is None else self._folder / "witnesses"
        cache: pytest.Cache | None = getattr(self._config, "cache", None)
        return None if cache is None else cache.mkdir("aeverify")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Collect, on the controller."""
        rows = json.loads(getattr(report, _ATTRIBUTE, "[]"))
        if rows or self._made is not None:
            self._session().take(report.nodeid, rows, report.failed)
        if self._made is not None and report.when not in ("setup", "call", "teardown"):
            self._made.lose(report.nodeid, crashed=True)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note what could not be collected: its claims are not in the report."""
        if report.failed and self._made is not None:
            self._made.lose(report.nodeid)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Write the session's report, also where nothing was checked: it then says so, in place of an older one."""
        is_worker = hasattr(self._config, "workerinput")
        if self._folder is not None and not is_worker and not self._session().write(_STOPPED.get(int(exitstatus), "")):
            session.exitstatus = pytest.ExitCode.INTERNAL_ERROR

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Count the verdicts; name those that are not PASS."""
        lines = self._made.lines() if self._made is not None else []
        if lines:
            terminalreporter.section(_NAME)
        for line in lines:
            terminalreporter.line(line)


def _settle_expectation(item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport) -> None:
    """A test whose claim had to come out FAIL: xfailed where it did, failed where it ended otherwise."""
    parameters = getattr(getattr(item, "callspec", None), "params", {})
    cases = [parameters[argument] for argument, _ in getattr(getattr(item, "function", None), _CLAIMS)]
    wanted = [case for case in cases if case.expected_failure]
    if not wanted or report.skipped:
        return
    error = call.excinfo.value if call.excinfo is not None else None
    if any(case is getattr(error, "case", None) for case in wanted):
        report.outcome = "skipped"
        report.wasxfail = f"reason: {wanted[0].expected_failure}"
    elif error is None:
        report.outcome = "failed"
        report.longrepr = (
            f"[strict] {wanted[0]} had to FAIL in this test, and the test ended without that. It was to fail because: "
            f"{wanted[0].expected_failure}"
        )

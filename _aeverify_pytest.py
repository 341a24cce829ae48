"""The pytest plugin of aeverify: a fixture, a session report and a terminal section.

It stands beside the package, not in it, and imports nothing but the standard library and pytest at start, so that test
suites that do not use it pay nothing. `-p no:aeverify` turns it off.
"""

from __future__ import annotations

import json
import platform
import shlex
import sys
import time
from collections import Counter
from collections.abc import Generator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import pytest

if TYPE_CHECKING:
    from aeverify.autoencoders.protocol import Autoencoder
    from aeverify.core import Report, Verdict
    from aeverify.manifolds import Manifold

_ATTRIBUTE = "aeverify_reports"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --aeverify-report and --aeverify-seed."""
    group = parser.getgroup("aeverify", "claims about autoencoders")
    group.addoption(
        "--aeverify-report",
        metavar="FOLDER",
        help="write one report (JSON, JUnit, Markdown, HTML) of every claim that the session checked",
    )
    group.addoption(
        "--aeverify-seed", metavar="N", type=int, default=0, help="root seed of the aeverify fixture (default 0)"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Collect verdicts for the session; under xdist every worker sends its own with its test reports."""
    seed = config.getoption("--aeverify-seed")
    if not 0 <= seed < 2**63:
        raise pytest.UsageError(f"--aeverify-seed must be an integer from 0 to 2^63 - 1, got {seed}.")
    config.pluginmanager.register(_Session(config), "aeverify-session")


@final
class Claims:
    """What the `aeverify` fixture gives: claims are checked with the session's root seed.

    Attributes:
        seed: the root seed, from --aeverify-seed.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def assert_claim(self, model: Autoencoder, manifold: Manifold | str, claim: str, **parameters: Any) -> Verdict:
        """The verdict, which is PASS; see `aeverify.testing.assert_claim`."""
        __tracebackhide__ = True
        from aeverify.testing import assert_claim

        return assert_claim(model, manifold, claim, seed=self.seed, **parameters)

    def check(self, model: Autoencoder, manifold: Manifold | str, claim: str, **parameters: Any) -> Report:
        """The report on one claim, whatever its outcome; see `aeverify.testing.check_claim`."""
        from aeverify.testing import check_claim

        return check_claim(model, manifold, claim, seed=self.seed, **parameters)


@pytest.fixture
def aeverify(request: pytest.FixtureRequest) -> Claims:
    """Check claims about autoencoders: `aeverify.assert_claim(model, "circle", "theorem-1")`."""
    return Claims(request.config.getoption("--aeverify-seed"))


@final
class _Session:
    """Collects what every test checked, and tells it at the end."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._began = time.monotonic()
        self._started = datetime.now(UTC).isoformat(timespec="seconds")
        self._documents: list[dict[str, Any]] = []
        self._written = ""
        folder = config.getoption("--aeverify-report")
        self._folder = None if folder is None else Path(folder)
        if self._folder is not None:
            try:
                self._folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise pytest.UsageError(f"--aeverify-report: {folder} cannot be made: {error.strerror}.") from error

    @property
    def _is_worker(self) -> bool:
        return hasattr(self._config, "workerinput")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Attach what was checked to the test's report, which is what xdist carries from its workers."""
        testing = sys.modules.get("aeverify.testing")
        documents = [report.to_dict() for report in testing.drain()] if testing else []
        for document in documents:
            item.user_properties += [("aeverify", _summary(verdict)) for verdict in document["verdicts"]]
        report = yield
        if documents:
            setattr(report, _ATTRIBUTE, json.dumps(documents))
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Collect, on the controller."""
        if hasattr(report, _ATTRIBUTE):
            self._documents += json.loads(getattr(report, _ATTRIBUTE))

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the session's report, also where nothing was checked: it then says so, in place of an older one."""
        if self._folder is None or self._is_worker:
            return
        from aeverify.errors import AeverifyError
        from aeverify.reporting import write_report

        try:
            write_report(self._merged(), self._folder)
            self._written = f"report: {self._folder / 'report.html'}"
        except (AeverifyError, OSError) as error:
            session.exitstatus = pytest.ExitCode.INTERNAL_ERROR
            self._written = f"the report could not be written: {error}"

    def _merged(self) -> Report:
        from aeverify import __version__
        from aeverify.core import Provenance, Report
        from aeverify.reporting.merge import merge

        provenance = Provenance(
            versions={"aeverify": __version__, "python": platform.python_version()},
            device="",
            cpu_capability="",
            dtype="",
            root_seed=self._config.getoption("--aeverify-seed"),
            command=shlex.join(["pytest", *map(str, self._config.invocation_params.args)]),
            started=self._started,
            duration_seconds=round(time.monotonic() - self._began, 3),
        )
        return merge((Report.from_dict(d) for d in self._documents), "pytest session", provenance)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Count the verdicts; name those that are not PASS."""
        if not self._documents and not self._written:
            return
        verdicts = [v for d in self._documents for v in d["verdicts"]]
        terminalreporter.section("aeverify")
        if verdicts:
            counts = Counter(v["outcome"] for v in verdicts)
            terminalreporter.line(", ".join(f"{n} {outcome}" for outcome, n in sorted(counts.items())))
        for verdict in verdicts:
            if verdict["outcome"] != "PASS":
                terminalreporter.line(
                    f"{verdict['outcome']:<12} {verdict['claim']['id']} for {verdict['subject']} "
                    f"on {verdict['manifold']}: {verdict['reason']['advice']}"
                )
        if self._written:
            terminalreporter.line(self._written)


def _summary(verdict: dict[str, Any]) -> str:
    """A verdict in one line of JSON, for user_properties and so for JUnit files."""
    evidence = verdict["evidence"] or {}
    return json.dumps(
        {
            "claim": verdict["claim"]["id"],
            "subject": verdict["subject"],
            "manifold": verdict["manifold"],
            "outcome": verdict["outcome"],
            "reason": verdict["reason"]["code"],
            "rigor": verdict["rigor"],
            "quantity": evidence.get("quantity"),
            "interval": evidence.get("interval"),
            "threshold": verdict["threshold"],
            "replay": verdict["replay"],
        }
    )

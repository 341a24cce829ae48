"""Budgets: time ends what runs, memory ends what grows, and both leave the process as it was."""

from __future__ import annotations

import contextlib
import importlib
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from aeverify.config import Budget, Plan, Subject, Training
from aeverify.core import ExitCode, Outcome, Reason
from aeverify.core.clock import counted, seconds, work
from aeverify.core.events import Event, VerdictReached
from aeverify.errors import UsageError
from aeverify.pipeline import budget, judging, run
from aeverify.pipeline.budget import OutOfTime, is_out_of_memory, time_limit

from .claims.test_checks import SMALL

PLAN = Plan("t", "circle", 1, subjects=(Subject(oracle="cut:half_width=0.01"),), effort=SMALL)


def endless() -> None:
    """A computation that takes what is an Exception for a fault of its own, and goes on."""
    while True:
        with contextlib.suppress(Exception):
            time.sleep(0.001)


def import_and_go_on(name: str) -> None:
    """What imports a module late, and works with it."""
    importlib.import_module(name)
    endless()


def test_time_ends_what_runs():
    """The limit is raised inside the block, is no Exception, and the alarm of the process is what it was."""
    before = signal.getsignal(signal.SIGALRM)
    with pytest.raises(OutOfTime), time_limit(0.02):
        endless()
    assert signal.getsignal(signal.SIGALRM) is before
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_no_module_is_imported_by_half(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The limit waits for the end of an import, also where a module imports another."""
    (tmp_path / "slow_inner.py").write_text("import time\nfor _ in range(30):\n    time.sleep(0.005)\nwhole = True\n")
    (tmp_path / "slow_outer.py").write_text("import slow_inner\nwhole = True\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(OutOfTime), time_limit(0.02):
        import_and_go_on("slow_outer")
    assert sys.modules["slow_outer"].whole and sys.modules["slow_inner"].whole
    for name in ("slow_outer", "slow_inner"):
        monkeypatch.delitem(sys.modules, name)


def test_an_import_without_end_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """After some patience."""
    monkeypatch.setattr(budget, "_PATIENCE", 0.1)
    (tmp_path / "endless_module.py").write_text("import time\nwhile True:\n    time.sleep(0.001)\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(OutOfTime), time_limit(0.02):
        import_and_go_on("endless_module")


def test_a_block_that_ends_in_time_is_left_alone():
    """And without a limit nothing is armed."""
    with time_limit(60.0):
        armed = signal.getitimer(signal.ITIMER_REAL)[0]
    with time_limit(None):
        assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    assert 0 < armed <= 60.0
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_in_another_thread_the_clock_is_looked_at_between_claims(monkeypatch: pytest.MonkeyPatch):
    """Signals belong to the main thread; elsewhere the claim that runs ends, and the others are NOT RUN."""
    found, passed = [], [0.0]
    clock = SimpleNamespace(monotonic=lambda: time.monotonic() + passed[0])
    monkeypatch.setattr(judging, "time", clock)

    def late(event: Event) -> None:
        if isinstance(event, VerdictReached):
            passed[0] = 1000.0

    thread = threading.Thread(target=lambda: found.append(run(replace(PLAN, budget=Budget(900.0)), late)))
    thread.start()
    thread.join()
    (report,) = found
    reasons = [v.reason for v in report.verdicts]
    assert reasons[0] is Reason.SATISFIED
    assert set(reasons[1:]) == {Reason.NOT_RUN}
    assert report.exit_code is ExitCode.UNDECIDED


def test_time_that_ends_in_training_keeps_the_claims(tmp_path: Path):
    """Every claim of the plan is NOT RUN on the restarts."""
    training = Training(architecture="mlp:hidden=[64]", recipe="quick", restarts=2, points=512, epochs=1_000_000)
    plan = replace(PLAN, subjects=(), training=training, budget=Budget(3.0))
    report = run(plan, out=tmp_path)
    assert {v.reason for v in report.verdicts} == {Reason.NOT_RUN}
    assert [v.claim.id for v in report.verdicts] == [c.claim.id for c in plan.checks()]
    assert report.exit_code is ExitCode.UNDECIDED


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
def test_a_time_budget_is_a_number_of_seconds(value: float):
    """Nothing else."""
    with pytest.raises(UsageError, match="number of seconds"):
        Budget(seconds=value)


@pytest.mark.skipif(sys.platform == "win32", reason="no resource limits")
def test_memory_is_limited(root: Path):
    """What asks for more than the budget gets a MemoryError; a budget that the program alone exceeds is refused."""
    code = (
        "from aeverify.pipeline.budget import limit_memory\n"
        "limit_memory(800)\n"
        "small = bytearray(2**20)\n"
        "try:\n    bytearray(2**30)\nexcept MemoryError:\n    print('refused')\n"
        "try:\n    limit_memory(1)\nexcept Exception as error:\n    print(error)\n"
    ).replace("\\\n", "\n")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=True)
    first, second = done.stdout.splitlines()
    assert first == "refused"
    assert "the program alone takes" in second


def test_signs_of_exhausted_memory():
    """Those of Python, numpy and torch, and no other error."""
    assert is_out_of_memory(MemoryError())
    assert is_out_of_memory(RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"))
    assert is_out_of_memory("Unable to allocate 7.45 GiB for an array")
    assert not is_out_of_memory(RuntimeError("shape mismatch"))


@pytest.mark.parametrize(
    ("error", "budget", "expected"),
    [
        (RuntimeError("bug"), Budget(memory_mib=10_000), (Outcome.ERROR, Reason.CRASHED)),
        (MemoryError(), Budget(), (Outcome.ERROR, Reason.CRASHED)),
        (MemoryError(), Budget(memory_mib=10_000), (Outcome.INCONCLUSIVE, Reason.NOT_RUN)),
    ],
)
def test_an_error_that_is_no_lack_of_memory_is_not_hidden(
    monkeypatch: pytest.MonkeyPatch, error: Exception, budget: Budget, expected: tuple[Outcome, Reason]
):
    """A bug stays an ERROR under a memory budget, and so does a lack of memory without one."""
    from aeverify.claims.theorem_1 import Theorem1

    def failing(*_: object) -> None:
        raise error

    monkeypatch.setattr(Theorem1, "find", failing)
    (verdict,) = run(replace(PLAN, claims={"theorem-1": {}}, budget=budget)).verdicts
    assert (verdict.outcome, verdict.reason) == expected


def test_counted_seconds_are_work_and_not_time():
    """They stand still while nothing is computed, begin at 0 in each block, and outside are those of the wall."""
    with counted():
        first = seconds()
        time.sleep(0.01)
        assert (first, seconds()) == (0.0, 0.0)
        work(3e9)
        assert seconds() > 0
        with counted():
            assert seconds() == 0.0
        assert seconds() > 0
    begun = seconds()
    work(1e30)
    assert 0 <= seconds() - begun < 60

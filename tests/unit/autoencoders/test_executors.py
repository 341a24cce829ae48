from __future__ import annotations

import math
import operator
import os
import signal
import time

import pytest

from aeverify.autoencoders.executors import Inline, WorkerCrashedError, WorkerPool


def test_calls_are_answered_in_other_processes() -> None:
    """Values and exceptions come back; the two workers are not this process."""
    with WorkerPool(2) as pool:
        assert [f.result() for f in [pool.submit(math.factorial, n) for n in (5, 6, 7)]] == [120, 720, 5040]
        with pytest.raises(ZeroDivisionError):
            pool.submit(operator.truediv, 1, 0).result()
        with pytest.raises(FileNotFoundError):
            pool.submit(os.stat, "/nonexistent/file").result()
        ids = {pool.submit(os.getpid).result() for _ in range(4)}
        assert os.getpid() not in ids
        assert ids <= set(pool.processes)
        assert pool.submit(os.getenv, "OMP_NUM_THREADS").result() == "1"
    assert pool.processes == ()
    with pytest.raises(RuntimeError, match="shut down"):
        pool.submit(os.getpid)


def test_a_worker_that_dies_fails_its_own_call_alone() -> None:
    """The call that was killed ends in WorkerCrashedError, and the next one has a new worker."""
    with WorkerPool(1) as pool:
        before = pool.submit(os.getpid).result()
        doomed = pool.submit(os._exit, 3)
        with pytest.raises(WorkerCrashedError, match="exit status 3"):
            doomed.result()
        after = pool.submit(os.getpid).result()
        assert after != before
        sleeping = pool.submit(time.sleep, 60)
        while not sleeping.running():
            time.sleep(0.01)
        os.kill(after, signal.SIGKILL)
        with pytest.raises(WorkerCrashedError, match="-9"):
            sleeping.result()


def test_shutting_down_at_once_does_not_wait_for_the_work() -> None:
    """What runs is killed, what waits is cancelled."""
    pool = WorkerPool(1)
    running, waiting = pool.submit(time.sleep, 600), pool.submit(time.sleep, 600)
    while not running.running():
        time.sleep(0.01)
    began = time.monotonic()
    pool.shutdown(cancel_futures=True)
    assert time.monotonic() - began < 60
    assert isinstance(running.exception(), WorkerCrashedError)
    assert waiting.cancelled()


def test_an_answer_that_cannot_be_sent_is_an_error_that_says_so() -> None:
    """A module cannot be pickled; the worker goes on."""
    with WorkerPool(1) as pool:
        with pytest.raises(TypeError, match="pickle"):
            pool.submit(__import__, "math").result()
        assert pool.submit(abs, -1).result() == 1


def test_inline_keeps_exceptions_in_the_future() -> None:
    """But not an interrupt, which is the caller's."""

    def interrupt() -> None:
        raise KeyboardInterrupt

    assert Inline().submit(abs, -3).result() == 3
    assert isinstance(Inline().submit(operator.truediv, 1, 0).exception(), ZeroDivisionError)
    with pytest.raises(KeyboardInterrupt):
        Inline().submit(interrupt)

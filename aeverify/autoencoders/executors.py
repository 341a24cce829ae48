"""WorkerPool: an Executor of one-thread processes that outlives a crashed worker.

`concurrent.futures.ProcessPoolExecutor` is broken for good by one worker that is killed, and its spawned workers import
the caller's main module, which starts a script without a `__main__` guard again. Here each worker is a fresh
interpreter that reads calls from a pipe: one that dies fails its own call alone, and the next call gets a new one.
"""

from __future__ import annotations

import os
import pickle
import queue
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future
from typing import Any, final

_START = (
    "import pickle, sys; sys.path[:] = pickle.load(sys.stdin.buffer); "
    "from aeverify.autoencoders.worker import serve; serve()"
)
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")


class WorkerCrashedError(BrokenExecutor):
    """The process that carried a call out ended before it answered."""


@final
class WorkerPool(Executor):
    """Up to `workers` processes, each started when there is work for it.

    A call whose worker dies (killed, out of memory) ends in `WorkerCrashedError`; the pool goes on. Functions are sent
    by name, so that they must live in a module other than `__main__`.
    """

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._calls: queue.SimpleQueue[tuple[Future[Any], bytes] | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._processes: set[subprocess.Popen[bytes]] = set()
        self._waiting = 0
        self._lock = threading.Lock()
        self._closed = False

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **keywords: Any) -> Future[Any]:
        """See `concurrent.futures.Executor`; keywords are not taken.

        Raises:
            RuntimeError: the pool was shut down.
            TypeError: keywords were given.
        """
        if keywords:
            raise TypeError("WorkerPool.submit takes positional arguments only.")
        call = pickle.dumps((function, arguments), protocol=pickle.HIGHEST_PROTOCOL)
        future: Future[Any] = Future()
        with self._lock:
            if self._closed:
                raise RuntimeError("The pool was shut down.")
            self._waiting += 1
            if self._waiting > len(self._threads) and len(self._threads) < self._workers:
                thread = threading.Thread(target=self._work, name="aeverify-worker", daemon=True)
                self._threads.append(thread)
                thread.start()
        self._calls.put((future, call))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the workers; with `cancel_futures` at once, whatever they do."""
        with self._lock:
            self._closed = True
            if cancel_futures:
                for process in self._processes:
                    process.kill()
                while not self._calls.empty():
                    call = self._calls.get()
                    if call is not None:
                        call[0].cancel()
        for _ in self._threads:
            self._calls.put(None)
        if wait:
            for thread in self._threads:
                thread.join()

    @property
    def processes(self) -> tuple[int, ...]:
        """The ids of the workers that are alive."""
        with self._lock:
            return tuple(p.pid for p in self._processes if p.poll() is None)

    def _work(self) -> None:
        process: subprocess.Popen[bytes] | None = None
        while (call := self._calls.get()) is not None:
            future, message = call
            if future.set_running_or_notify_cancel():
                process = process or self._start()
                try:
                    succeeded, answer = _ask(process, message)
                except (OSError, EOFError, pickle.UnpicklingError):
                    succeeded, code, process = False, self._end(process), None
                    answer = WorkerCrashedError(f"A worker ended with exit status {code}.")
                if succeeded:
                    future.set_result(answer)
                else:
                    future.set_exception(answer)
            with self._lock:
                self._waiting -= 1
        if process is not None:
            self._end(process)

    def _start(self) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-c", _START],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **_ONE_THREAD},
        )
        with self._lock:
            self._processes.add(process)
            if self._closed:
                process.kill()
        return process

    def _end(self, process: subprocess.Popen[bytes]) -> int:
        """Close the pipes and wait; returns the exit status."""
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:
                    continue
        code = process.wait()
        with self._lock:
            self._processes.discard(process)
        return code


def _ask(process: subprocess.Popen[bytes], message: bytes) -> tuple[bool, Any]:
    assert process.stdin is not None and process.stdout is not None
    if not hasattr(process, "_greeted"):
        process.stdin.write(pickle.dumps(sys.path))
        process._greeted = True  # type: ignore[attr-defined]
    process.stdin.write(message)
    process.stdin.flush()
    answer: tuple[bool, Any] = pickle.load(process.stdout)
    return answer


@final
class Inline(Executor):
    """An executor that carries each call out at once, in this process."""

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **keywords: Any) -> Future[Any]:
        """See `concurrent.futures.Executor`. Ctrl-C is raised here and not kept in the future."""
        future: Future[Any] = Future()
        try:
            future.set_result(function(*arguments, **keywords))
        except Exception as error:
            future.set_exception(error)
        return future

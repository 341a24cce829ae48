"""The other end of `executors.WorkerPool`: a process that calls what it is sent, one call at a time."""

from __future__ import annotations

import os
import pickle
import signal
import sys


def serve() -> None:
    """Read pickled calls (function, arguments) from standard input and answer each with (True, value) or
    (False, exception), until the input ends.

    What a call prints goes to standard error; Ctrl-C is left to the parent, whose end closes the input.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    calls = sys.stdin.buffer
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    while True:
        try:
            function, arguments = pickle.load(calls)
        except EOFError:
            return
        try:
            answer = pickle.dumps((True, function(*arguments)), protocol=pickle.HIGHEST_PROTOCOL)
        except Exception as error:
            answer = _failure(error)
        try:
            answers.write(answer)
            answers.flush()
        except BrokenPipeError:
            return


def _failure(error: Exception) -> bytes:
    """The exception, or one that says the same where it cannot be pickled."""
    try:
        answer = pickle.dumps((False, error))
        pickle.loads(answer)
    except Exception:
        answer = pickle.dumps((False, RuntimeError(f"{type(error).__name__}: {error}")))
    return answer

"""Runs command lines on hostile files, each in a forked process with limits, and watches what it does.

Not a test module: `python -m tests.hostile.server CASES.json RESULTS.json`, in a process of its own, since torch's and
numba's threads do not survive a fork once they have worked. One import serves all cases.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import resource
import select
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import Any

SECONDS = 10.0
MEMORY = 1 << 30
"""Bytes beyond what the process has when it begins."""

_RUNS = (
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.fork",
    "subprocess.Popen",
    "socket.connect",
    "socket.getaddrinfo",
)


def main(cases: str, results: str) -> None:
    """Run all cases and write what came of each."""
    import aeverify.cli  # noqa: F401
    from aeverify import autoencoders, claims, data, manifolds, measure, pipeline, reporting  # noqa: F401
    from aeverify.autoencoders import building, files, loading, networks  # noqa: F401
    from aeverify.autoencoders.onnx import opening  # noqa: F401

    import onnx  # noqa: F401  isort: skip
    import torch  # noqa: F401  isort: skip

    found = [_run(case) for case in json.loads(Path(cases).read_text())]
    Path(results).write_text(json.dumps(found))


def _run(case: dict[str, Any]) -> dict[str, Any]:
    """One case in a process of its own: exit code, output, seconds, and what the audit hook saw."""
    reading, writing = os.pipe()
    began = time.monotonic()
    child = os.fork()
    if child == 0:
        os.close(reading)
        os.setsid()
        with os.fdopen(writing, "w") as out:
            json.dump(_inside(case), out)
        os._exit(0)
    os.close(writing)
    text, late = b"", False
    with os.fdopen(reading, "rb") as stream:
        while True:
            left = SECONDS - (time.monotonic() - began)
            if left <= 0 or not select.select([stream], [], [], left)[0]:
                late = True
                os.killpg(child, signal.SIGKILL)
                break
            part = os.read(stream.fileno(), 1 << 16)
            if not part:
                break
            text += part
    _, status = os.waitpid(child, 0)
    result: dict[str, Any] = {"name": case["name"], "seconds": time.monotonic() - began, "late": late}
    try:
        result |= json.loads(text)
    except ValueError:
        result |= {"code": None, "stdout": "", "stderr": f"died with status {status}", "seen": []}
    return result


def _inside(case: dict[str, Any]) -> dict[str, Any]:
    from aeverify.cli import command_line

    folder = Path(case["folder"]).resolve()
    os.chdir(folder)
    tempfile.tempdir = str(folder)
    now = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    resource.setrlimit(resource.RLIMIT_AS, (now + MEMORY, now + MEMORY))
    seen: list[str] = []
    watching = True

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if not watching:
            return
        if event in _RUNS or (event == "ctypes.dlopen" and arguments[0] and "llvmlite" not in str(arguments[0])):
            seen.append(f"{event} {arguments!r}"[:300])
        elif event in ("shutil.rmtree", "os.remove") and not Path(arguments[0]).resolve().is_relative_to(folder):
            seen.append(f"removed {arguments[0]}")
        elif event == "open" and isinstance(arguments[0], str) and _writes(arguments):
            path = Path(arguments[0]).resolve()
            if not path.is_relative_to(folder) and "__pycache__" not in path.parts and str(path) != os.devnull:
                seen.append(f"wrote {path}")

    sys.addaudithook(hook)
    out, err = io.StringIO(), io.StringIO()
    code: object = 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            command_line.main(case["arguments"])
        except SystemExit as error:
            code = error.code
        except BaseException:
            traceback.print_exc(file=err)
            code = None
    watching = False
    return {"code": code, "stdout": out.getvalue()[-5000:], "stderr": err.getvalue()[-5000:], "seen": seen}


def _writes(arguments: tuple[Any, ...]) -> bool:
    mode, flags = arguments[1], arguments[2]
    if isinstance(mode, str):
        return any(letter in mode for letter in "wax+")
    return isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))


if __name__ == "__main__":
    main(*sys.argv[1:])

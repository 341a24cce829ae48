"""Hostile files run no code, write nowhere else, end within seconds and within memory, in one paragraph."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("onnx")

from tests.hostile.cases import Case, cases
from tests.hostile.server import SECONDS

ROOT = Path(__file__).parent.parent.parent
CASES = cases()
KINDS = tuple(dict.fromkeys(case.kind for case in CASES))


def run(chosen: list[Case], folder: Path) -> list[dict[str, Any]]:
    """What came of the cases, from a process that imports the library once and forks for each."""
    listed = []
    for case in chosen:
        own = folder / case.name
        own.mkdir()
        for name, content in case.files.items():
            (own / name).parent.mkdir(exist_ok=True)
            (own / name).write_bytes(content)
        listed.append({"name": case.name, "folder": str(own), "arguments": list(case.arguments)})
    (folder / "cases.json").write_text(json.dumps(listed))
    threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    program = [sys.executable, "-W", "ignore", "-m", "tests.hostile.server"]
    subprocess.run(
        [*program, str(folder / "cases.json"), str(folder / "results.json")],
        cwd=ROOT,
        env={**os.environ, **threads},
        check=True,
    )
    found: list[dict[str, Any]] = json.loads((folder / "results.json").read_text())
    return found


def wrong(case: Case, found: dict[str, Any], folder: Path) -> list[str]:
    """What a case did that it must not do."""
    shown = found["stderr"] + found["stdout"]
    lines = [row for row in found["stderr"].splitlines() if row.startswith("aeverify: ")]
    checks = {
        "ran code": not list((folder / case.name).rglob("canary")),
        f"did {found['seen']}": not found["seen"],
        f"took {found['seconds']:.1f} s": not found["late"] and found["seconds"] < SECONDS,
        f"exit code {found['code']}": found["code"] in case.codes,
        "traceback": "Traceback" not in shown and "internal error" not in shown,
        "one paragraph": found["code"] != 2 or (len(lines) == 1 and 30 < len(lines[0]) < 4000),
        "control characters": not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", shown),
    }
    return [what for what, right in checks.items() if not right]


def test_there_are_two_hundred():
    """The corpus is as large as the documentation says, and no name is there twice."""
    assert len(CASES) >= 200
    assert len({case.name for case in CASES}) == len(CASES)


@pytest.mark.parametrize("kind", KINDS)
def test_hostile_input_is_harmless(kind: str, tmp_path: Path):
    """No code, no traceback, no hang, no memory beyond the limit, the right exit code, one paragraph that says why."""
    chosen = [case for case in CASES if case.kind == kind]
    found = run(chosen, tmp_path)
    assert [case.name for case in chosen] == [result["name"] for result in found]
    told = {
        case.name: (mistakes, case.arguments, result["stderr"][-500:], result["stdout"][-300:])
        for case, result in zip(chosen, found, strict=True)
        if (mistakes := wrong(case, result, tmp_path))
    }
    assert not told


def test_the_watch_sees_what_it_is_for(tmp_path: Path):
    """The same watch on a file that is trusted: its code runs, is seen, and leaves the canary."""
    (evil,) = (case for case in CASES if case.arguments[1] == "evil:factory")
    trusted = Case(evil.name, evil.files, (*evil.arguments, "--trust-model"))
    (found,) = run([trusted], tmp_path)
    assert {"ran code", f"did {found['seen']}"} <= set(wrong(trusted, found, tmp_path))
    assert any(event.startswith("os.system") for event in found["seen"])

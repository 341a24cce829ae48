from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

HEAVY = ("torch", "numpy", "scipy", "gudhi", "hypothesis", "plotly", "pydantic", "jinja2", "flint", "safetensors")
SHOW = "import sys; print(sorted(set(sys.argv[1:]) & set(sys.modules)))"


@pytest.mark.parametrize("statement", ["import aeverify", "import aeverify.core", "import aeverify.cli"])
def test_importing_the_package_loads_nothing_heavy(python: Callable[..., Any], statement: str):
    """The package, its vocabulary and its command line load no third-party library but click."""
    assert python("-c", f"{statement}; {SHOW}", *HEAVY).stdout == "[]\n"


@pytest.mark.parametrize("command", [[], ["run"], ["width"], ["list"], ["explain"], ["replay"]])
def test_help_loads_nothing_heavy(python: Callable[..., Any], command: list[str]):
    """Help is instant, since nothing heavy is imported for it."""
    script = (
        "import sys, aeverify.cli as c\n"
        f"try: c.command_line.main({[*command, '--help']!r})\n"
        "except SystemExit as e: assert e.code == 0\n"
        f"print(sorted({set(HEAVY)!r} & set(sys.modules)))"
    )
    assert python("-c", script).stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("module", ["aeverify.manifolds", "aeverify.widths", "aeverify.reporting"])
def test_rooms_without_models_load_no_torch(python: Callable[..., Any], module: str):
    """What knows no model needs no torch, no gudhi and no hypothesis."""
    assert python("-c", f"import {module}; {SHOW}", "torch", "gudhi", "hypothesis").stdout == "[]\n"


def test_hypothesis_and_pytest_stay_out_of_the_whole_library(python: Callable[..., Any]):
    """Judging a model never loads a test library."""
    statement = "import aeverify.pipeline, aeverify.testing, aeverify.reporting"
    assert python("-c", f"{statement}; {SHOW}", "hypothesis", "pytest").stdout == "[]\n"

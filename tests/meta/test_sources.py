from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = [*sorted((ROOT / "aeverify").rglob("*.py")), ROOT / "_aeverify_pytest.py"]
FORBIDDEN = {"utils", "util", "helpers", "helper", "misc", "manager", "common", "stuff"}


def public(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.ClassDef]:
    """Public functions and classes of a module."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            yield node


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_public_name_has_a_docstring(path: Path):
    """Modules, public functions and public classes say what they are."""
    tree = ast.parse(path.read_text())
    silent = [node.name for node in public(tree) if not ast.get_docstring(node)]
    if tree.body and not ast.get_docstring(tree):
        silent.insert(0, "(module)")
    assert silent == []


def test_no_file_is_a_drawer_for_everything():
    """Files are named after what they hold."""
    found = [p for p in [*SOURCES, *(ROOT / "tests").rglob("*.py")] if set(re.split(r"[_.]", p.name)) & FORBIDDEN]
    assert found == []


def test_no_module_uses_a_global_random_state():
    """Every random number comes from a generator with a named seed."""
    pattern = re.compile(r"default_rng\(\)|np\.random\.(seed|RandomState)|torch\.(manual_)?seed\(|^import random", re.M)
    assert [p for p in SOURCES if pattern.search(p.read_text())] == []


def requirement_name(requirement: str) -> str:
    """The name of a requirement such as "pytest-xdist>=3.6", as package indexes write it."""
    return re.sub(r"[-_.]+", "-", re.split(r"[<>=!~\[; ]", requirement)[0]).lower()


def test_every_dependency_is_pinned():
    """constraints.txt has one exact version for each dependency: no local version, no index line, no duplicate."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *(r for extra in project["optional-dependencies"].values() for r in extra)]
    lines = [x for x in (ROOT / "constraints.txt").read_text().splitlines() if x and not x.startswith("#")]
    assert [x for x in lines if not re.fullmatch(r"[a-z0-9-]+==[0-9][0-9a-z.]*", x)] == []
    names = [x.partition("==")[0] for x in lines]
    assert len(names) == len(set(names))
    assert {requirement_name(r) for r in wanted} - set(names) == set()


def test_version_is_written_once():
    """The version lives in the package; the metadata reads it from there."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert "version" in settings["project"]["dynamic"]
    assert settings["tool"]["hatch"]["version"]["path"] == "aeverify/__init__.py"

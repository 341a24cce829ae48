"""The README is executed: its Python, its cheap commands, its tables."""

from __future__ import annotations

import importlib.util
import json
import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner

from aeverify.cli import command_line
from aeverify.core import ExitCode, Outcome, Rigor
from aeverify.reporting import read_report, render

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
EXAMPLES = re.findall(r"```python\n(.*?)```", README, re.S)
COMMANDS = [line[2:].partition("  #")[0].strip() for line in README.splitlines() if line.startswith("$ ")]


def rows(heading: str) -> list[list[str]]:
    """The cells of the README's table whose first heading is the given one."""
    lines = README.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(f"| {heading} |"))
    body = lines[start + 2 :]
    table = body[: next(i for i, line in enumerate(body) if not line.startswith("|"))]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table]


def test_first_example_prints_what_the_text_says(capsys: pytest.CaptureFixture[str]):
    """The angle as a code is no continuous autoencoder, so the theorem says nothing about it."""
    exec(compile(EXAMPLES[0], "README.md", "exec"), {})
    assert capsys.readouterr().out.split()[0] == "VACUOUS"


def test_test_suite_example_passes():
    """The example of a test runs and its test passes."""
    names: dict[str, Any] = {}
    exec(compile(EXAMPLES[1], "README.md", "exec"), names)
    for name in [n for n in names if n.startswith("test_")]:
        names[name]()


def test_every_python_block_is_executed():
    """A new block needs a test here."""
    assert len(EXAMPLES) == 2


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.startswith("aeverify ")])
def test_documented_command_works(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Each documented command of `aeverify` ends with exit code 0 and says something."""
    (tmp_path / "properties").symlink_to(ROOT / "properties")
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(command_line, shlex.split(command)[1:])
    assert (result.exit_code, bool(result.stdout.strip())) == (0, True)


def test_the_counts_of_the_audit_are_those_of_the_ledgers():
    """The README shows what `docs/audit_counts.py` writes; that the ledgers come out so, `make audit` shows."""
    spec = importlib.util.spec_from_file_location("audit_counts", ROOT / "docs" / "audit_counts.py")
    assert spec is not None and spec.loader is not None
    page = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(page)
    shown = README.partition(page.MARK)[2].partition(page.END)[0].strip()
    assert shown == page.table()
    assert {path.stem for path in page.LEDGERS.glob("*.toml")} == {ledger.name for ledger in page.ledgers()}


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.startswith("make ")])
def test_documented_make_target_exists(command: str):
    """Each documented target of make is in the Makefile."""
    assert f"\n{command.split()[1]}:" in (ROOT / "Makefile").read_text()


def test_every_command_is_of_a_kind_that_is_tested():
    """No documented command escapes the two tests above."""
    assert [c for c in COMMANDS if not c.startswith(("aeverify ", "make "))] == []


def test_exit_codes_are_those_of_the_program():
    """The table, and the help of the command line, have each exit code once, with its name."""
    expected = [[str(int(c)), c.name] for c in ExitCode]
    assert [row[:2] for row in rows("code")] == expected
    shown = CliRunner().invoke(command_line, ["run", "--help"]).stdout
    assert re.findall(r"^ +(\d+)  ", shown.partition("Exit codes:")[2], re.M) == [code for code, _ in expected]


def test_outcomes_are_those_of_the_program():
    """The table of verdicts has each outcome once."""
    assert [row[0] for row in rows("outcome")] == [str(o) for o in Outcome]


def test_rigor_is_in_the_order_of_the_program():
    """The table of rigor goes from the weakest to the strongest."""
    assert [row[0] for row in rows("rigor")] == [str(r) for r in Rigor]


def test_limits_begin_with_what_matters_most():
    """The first sentence says that no counterexample is no proof."""
    assert README.partition("## Limits\n\n")[2].startswith("That no counterexample was found is no proof")


def test_layers_are_those_that_the_linter_enforces():
    """The picture of the layers shows the rooms in the order of the import-linter contract."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    layers = next(c for c in settings["contracts"] if c["id"] == "layers")["layers"]
    enforced = [set(re.findall(r"[a-z]+", layer)) - {"main"} for layer in layers]
    picture = README.partition("Imports point down only:\n\n")[2].partition("\n\n")[0]
    drawn = [set(re.findall(r"[a-z]+", line.replace("pytest plugin", ""))) for line in picture.splitlines()]
    assert drawn == enforced


def test_links_inside_the_project_lead_somewhere():
    """A relative link names a file that exists."""
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert [link for link in links if not link.startswith("https://") and not (ROOT / link).exists()] == []


def test_make_targets_of_the_text_exist():
    """Every `make target` in the text is a target."""
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))
    assert set(re.findall(r"`make ([a-z]+)`", README)) <= targets


def test_the_sample_report_is_one_of_this_version():
    """It reads back as what `make run` writes now, and its Markdown is its own."""
    report = read_report(ROOT / "reports" / "sample" / "report.json")
    schema = json.loads((ROOT / "docs" / "report.schema.json").read_text())
    raw = json.loads((ROOT / "reports" / "sample" / "report.json").read_text())
    jsonschema.validate(raw, schema)
    assert report.outcome is Outcome.PASS
    assert render(report, "markdown") == (ROOT / "reports" / "sample" / "report.md").read_text()

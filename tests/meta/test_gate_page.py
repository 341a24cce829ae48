"""docs/gate.md is true: its commands run in order, its snippets are valid, its tables are the program's."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from aeverify.cli import command_line
from aeverify.config.tables import BudgetTable, ClaimsFile, Data, Gate, IgnoreEntry, Model
from aeverify.core import ExitCode

PAGE = (Path(__file__).resolve().parents[2] / "docs/gate.md").read_text(encoding="utf-8")
COMMANDS = [line[2:] for line in PAGE.splitlines() if line.startswith("$ ")]


def test_the_commands_of_the_page_run_in_order(cli: Callable[..., Any]):
    """Each ends with 0, from the first `init` to the last `diff`."""
    for command in COMMANDS:
        program, *arguments = shlex.split(command)
        finished = cli(*arguments)
        assert (program, finished.exit_code) == ("aeverify", 0), (command, finished.stdout, finished.stderr)
    assert len(COMMANDS) == 7


def test_the_ignore_of_the_page_is_one():
    """Its TOML is what the claims file takes."""
    (text,) = re.findall(r"```toml\n(.*?)```", PAGE, re.S)
    (entry,) = tomllib.loads(text)["ignore"]
    assert IgnoreEntry.model_validate(entry).until.isoformat() in PAGE


def test_the_keys_of_the_page_are_those_of_the_file():
    """Every key of the tables that the page lists is named there, and every name there is a key."""
    table = PAGE.partition("| key |")[2].partition("\n\n")[0]
    named = set(re.findall(r"`\[*([a-z_]+)\]*`", table)) | {"claims"}
    known = {k for m in (ClaimsFile, Data, Model, Gate, IgnoreEntry, BudgetTable) for k in m.model_fields}
    assert named <= known
    assert set(ClaimsFile.model_fields) <= named
    assert {k for m in (Model, Gate, IgnoreEntry, BudgetTable) for k in m.model_fields} <= named


def test_the_exit_codes_of_the_page_are_those_of_the_program():
    """Each once, in order."""
    table = PAGE.partition("| code |")[2].partition("\n\n")[0]
    assert re.findall(r"^\| (\d+) \|", table, re.M) == [str(int(c)) for c in ExitCode]


def test_the_options_of_the_page_exist():
    """Every option that the page names is one of some command, those of the workflow of `check`."""
    options = {
        o
        for command in command_line.commands.values()
        for p in command.params
        if isinstance(p, click.Option)
        for o in (*p.opts, *p.secondary_opts)
    }
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", PAGE)) <= options
    (line,) = re.findall(r"- run: aeverify (check .*)", PAGE)
    context = command_line.commands["check"].make_context("check", shlex.split(line)[1:], obj={})
    assert (context.params["model"], context.params["time_budget"]) == ("model.onnx", 1200)

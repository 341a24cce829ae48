"""The worked example of docs/audit.md is executed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from aeverify.audit.findings import AuditReason
from aeverify.cli import command_line

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "audit.md").read_text(encoding="utf-8")


def test_the_worked_example_prints_what_the_page_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The TOML of the page, audited by the command of the page, gives the lines of the page."""
    (text,) = re.findall(r"```toml\n(.*?)```", PAGE, re.S)
    (session,) = re.findall(r"```console\n(.*?)```", PAGE, re.S)
    command, _, expected = session.partition("\n")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "torus.toml").write_text(text, encoding="utf-8")
    result = CliRunner().invoke(command_line, command.removeprefix("$ aeverify ").split())
    assert result.exit_code == 1

    def timeless(lines: str) -> str:
        return re.sub(r"in \d+\.\d s", "in a moment", lines).strip()

    assert timeless(result.stdout) == timeless(expected)


def test_every_reason_is_on_the_page_beside_its_outcome():
    """The table of outcomes names every reason that there is."""
    table = dict(re.findall(r"^\| (PASS|FAIL|INCONCLUSIVE|VACUOUS|ERROR) \| (.*) \|$", PAGE, re.M))
    for reason in AuditReason:
        assert re.search(rf"\b{reason.code}\b", table[str(reason.outcome)]), reason.code

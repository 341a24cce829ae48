"""The command line of the audit: exit codes, what goes where, files."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from aeverify.audit.auditing import audit
from aeverify.audit.page import html, markdown
from aeverify.cli import command_line
from tests.unit.audit.rows import ledger, stated, table

LEDGER = """
schema = "aeverify-ledger/1"
title = "Trial <script>alert(1)</script>"
[sources.text]
title = "A text & more"
[[rows]]
id = "a"
source = "text"
claim = "The error is small <b>everywhere</b>."
quotation = "small | error"
expected = "{expected}"
[rows.statement]
set = "circle"
latent_dim = 1
quantity = "sup-error"
relation = "<="
threshold = 0.5
[[rows]]
id = "b"
source = "text"
claim = "It is good."
not_checkable = "No quantity is named."
expected = "not-checkable"
"""


def written(folder: Path, expected: str = "impossible") -> Path:
    """A ledger file."""
    file = folder / "trial.toml"
    file.write_text(LEDGER.format(expected=expected))
    return file


def run(*arguments: object) -> Result:
    """The command in this process."""
    return CliRunner().invoke(command_line, ["audit", *map(str, arguments)], prog_name="aeverify")


def test_the_report_goes_to_the_folder_and_the_result_to_stdout(tmp_path: Path):
    """JSON, Markdown and HTML are written; stdout has one block a row and the counts; stderr the progress."""
    result = run(written(tmp_path), "--out", tmp_path / "out")
    assert result.exit_code == 0
    assert "a: FAIL (impossible)" in result.stdout
    assert "2 rows" in result.stdout and "gate: 2 held, 0 failed" in result.stdout
    assert "[1/2] a: FAIL impossible (held" in result.stderr
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["report.html", "report.json", "report.md", "rows"]
    again = run(written(tmp_path), "--out", tmp_path / "out")
    assert "(held, kept)" in again.stderr
    fresh = run(written(tmp_path), "--out", tmp_path / "out", "--fresh")
    assert "kept" not in fresh.stderr


def test_json_is_the_report(tmp_path: Path):
    """stdout is one JSON document, the same as the file."""
    result = run(written(tmp_path), "--out", tmp_path / "out", "--format", "json", "--quiet")
    document = json.loads(result.stdout)
    assert result.stderr == ""
    assert document == json.loads((tmp_path / "out" / "report.json").read_text())
    assert (document["schema"], document["exit_code"]) == ("aeverify-audit/1", 0)
    assert document["outcomes"] == {"PASS": 0, "FAIL": 1, "INCONCLUSIVE": 0, "VACUOUS": 1, "ERROR": 0}
    first = document["rows"][0]
    assert first["reason"]["code"] == "impossible"
    assert first["evidence"][0]["interval"] == {"lower": 1.0, "upper": "inf"}


@pytest.mark.parametrize(
    ("arguments", "code"), [((), 1), (("--row", "b"), 0), (("--row", "x"), 2), (("--alpha", "2"), 2)]
)
def test_exit_codes(tmp_path: Path, arguments: tuple[str, ...], code: int):
    """An unexpected verdict exits 1, one row alone by what it is, a row that there is not 2."""
    command = [sys.executable, "-m", "aeverify", "audit", str(written(tmp_path, "refuted")), "--out", str(tmp_path)]
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr


def test_a_folder_that_cannot_be_written_is_a_usage_error(tmp_path: Path):
    """The message names it."""
    (tmp_path / "file").write_text("")
    result = run(written(tmp_path), "--out", tmp_path / "file")
    assert (result.exit_code, "cannot be written" in result.output) == (2, True)


def test_the_page_is_one_file_that_runs_nothing(tmp_path: Path):
    """No script, nothing fetched, everything from the ledger escaped, every row there with its verdict."""
    run(written(tmp_path), "--out", tmp_path / "out")
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "&lt;b&gt;everywhere" in page
    assert not re.search(r"(src|href)=[\"']?http", page)
    assert "default-src &#39;none&#39;" in page
    assert page.count("<details") == 2
    assert "No quantity is named." in page
    text = (tmp_path / "out" / "report.md").read_text(encoding="utf-8")
    assert "<b>" not in text
    assert "| a | " in text


def test_the_command_of_a_row_decides_it_again(tmp_path: Path):
    """With the options of the run; from the JSON, and on the page with the same words."""
    run(written(tmp_path), "--out", tmp_path / "out", "--seed", "4", "--alpha", "0.01")
    row = json.loads((tmp_path / "out" / "report.json").read_text())["rows"][0]
    assert row["again"] in (tmp_path / "out" / "report.html").read_text()
    command = shlex.split(row["again"])
    assert command[:2] == ["aeverify", "audit"] and command[-2:] == ["--row", "a"]
    assert "--seed" in command and "--alpha" in command and "--budget" not in command
    result = run(*command[2:], "--out", tmp_path / "again", "--format", "json")
    (found,) = json.loads(result.stdout)["rows"]
    assert {**found, "seconds": 0} == {**row, "seconds": 0}


def test_the_page_has_colours_a_way_to_each_ledger_and_a_filter(tmp_path: Path):
    """Every variable that the style uses is defined, every link leads somewhere, every outcome can be hidden."""
    page = html(audit([ledger(table(stated("sup-error", "<=", 0.5)))]))
    used = set(re.findall(r"var\((--[\w-]+)", page))
    defined = set(re.findall(r"(--[\w-]+):", page))
    assert used <= defined
    links = re.findall(r'href="#([^"]+)"', page)
    assert links and all(f'id="{link}"' in page for link in links)
    for outcome in re.findall(r'id="show-(\w+)"', page):
        assert f"body:has(#show-{outcome}:not(:checked)) .row.{outcome} " in page


def test_a_row_that_failed_is_open_on_the_page():
    """Readers see at once what is not as expected."""
    report = audit([ledger(table(stated("sup-error", "<=", 0.5), expected="refuted"))])
    assert '<details class="row FAIL" id="trial-r-1" open>' in html(report)
    assert "| r-1 | something is claimed | FAIL | impossible | failed |" in markdown(report)


def test_figures_of_trainings_are_drawn(tmp_path: Path):
    """A distribution is a static drawing with the printed number."""
    training = {
        "architecture": "mlp:hidden=[4]",
        "recipe": "quick",
        "points": 50,
        "seeds": 2,
        "quick_seeds": 2,
        "settings": {"epochs": 2, "batch_size": 25},
    }
    page = html(audit([ledger(table(stated("rmse", "about", 0.7), training=training))], folder=tmp_path))
    assert '<svg class="static"' in page
    assert "printed" in page
    assert '<th scope="row">median</th>' in page


def test_the_command_line_loads_nothing_heavy():
    """Help and other commands do not pay for the audit."""
    code = "import sys, aeverify.cli; print([m for m in ('torch', 'numpy', 'pydantic') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

"""What GitHub reads: workflow commands that no string of a report can forge, a summary, a model card."""

from __future__ import annotations

from pathlib import Path

import pytest

from aeverify.core import Outcome, Report
from aeverify.errors import UsageError
from aeverify.reporting import render
from aeverify.reporting.github import step_summary, workflow_commands
from aeverify.reporting.model_card import BEGIN, END, replaced, update_model_card
from aeverify.reporting.wording import excused


def test_a_command_is_one_line_whatever_the_report_holds(report: Report):
    """Each begins as ours do; no second command, line break or raw percent sign is in its message."""
    for line in workflow_commands(report):
        head, _, message = line[2:].partition("::")
        level, _, title = head.partition(" title=")
        assert level in ("error", "warning", "notice")
        assert line.isprintable()
        assert ":" not in title and "," not in title
        assert "%" not in message.replace("%25", "").replace("%0A", "").replace("%0D", "")


def test_every_verdict_that_is_not_pass_is_annotated(report: Report):
    """FAIL and ERROR that gate and are not excused are errors, an expired ignore's too."""
    lines = workflow_commands(report)
    gated = report.policy.select(report.verdicts)
    wrong = [v for v in gated if v.outcome in (Outcome.FAIL, Outcome.ERROR) and not excused(report, v)]
    assert sum(line.startswith("::error ") for line in lines) == len(wrong)
    assert sum("title=aeverify::" not in line for line in lines) == sum(
        v.outcome is not Outcome.PASS for v in report.verdicts
    )


def test_the_summary_cannot_be_left_by_a_string(report: Report):
    """No markup is open in it, and it ends with an empty line, so that what another step appends stands by itself."""
    text = step_summary(report)
    assert text.endswith("\n\n")
    assert "<" not in text.replace("&lt;", "")


def test_a_section_stays_inside_its_marks(report: Report):
    """The marks stand once each, whatever the report holds, so that the next report finds them."""
    text = render(report, "model-card")
    assert (text.count(BEGIN), text.count(END)) == (1, 1)
    card = replaced("before\n", text)
    again = replaced(card, text)
    assert again == card


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "S\n"),
        ("a", "a\n\nS\n"),
        ("a\n", "a\n\nS\n"),
        (f"a\n{BEGIN}\nold\n{END}\nb\n", "a\nS\nb\n"),
        (f"{BEGIN}{END}", "S"),
    ],
)
def test_a_section_is_replaced_or_appended(text: str, expected: str):
    """What stands around it is left as it is."""
    assert replaced(text, "S\n") == expected


@pytest.mark.parametrize("text", [BEGIN, END, END + BEGIN, BEGIN + BEGIN + END, BEGIN + END + BEGIN + END])
def test_broken_marks_are_refused(tmp_path: Path, report: Report, text: str):
    """Nothing is guessed, and the file stays as it is."""
    (tmp_path / "card.md").write_text(text)
    with pytest.raises(UsageError, match="must each stand once"):
        update_model_card(tmp_path / "card.md", report)
    assert (tmp_path / "card.md").read_text() == text


def test_a_card_that_is_no_text_is_refused(tmp_path: Path, report: Report):
    """A binary file is not rewritten."""
    (tmp_path / "card.md").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="not UTF-8"):
        update_model_card(tmp_path / "card.md", report)

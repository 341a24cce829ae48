"""report.json: what is written can be read, follows the published schema, and nothing else is read."""

from __future__ import annotations

import copy
import json
import math
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from aeverify.core import Report
from aeverify.errors import InvariantError, UsageError
from aeverify.reporting import read_report, render, report_json_schema
from aeverify.reporting.schema import write_json_schema

DOCS = Path(__file__).parents[3] / "docs"


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    """A validator of the published schema."""
    jsonschema.Draft202012Validator.check_schema(report_json_schema())
    return jsonschema.Draft202012Validator(report_json_schema())


@pytest.fixture
def full(builder: Callable[[int], Any]) -> dict[str, Any]:
    """The JSON form of a report that has a verdict with evidence, a model and a plot with a series."""
    for seed in range(1000):
        report = builder(seed).report()
        if any(v.evidence for v in report.verdicts[:1]) and report.models and report.plots and report.plots[0].series:
            return json.loads(render(report, "json"))
    raise AssertionError("no such report")


def read(data: object, folder: Path) -> Report:
    path = folder / "report.json"
    path.write_text(data if isinstance(data, str) else json.dumps(data), encoding="utf-8")
    return read_report(path)


def test_what_is_written_is_read_back(
    report: Report, tmp_path: Path, validator: jsonschema.Draft202012Validator
) -> None:
    """The JSON form validates against the schema, and reading it gives an equal report and the same bytes."""
    text = render(report, "json")
    validator.validate(json.loads(text))
    back = read(text, tmp_path)
    assert back == report
    assert render(back, "json") == text


def test_published_schema_is_current(tmp_path: Path) -> None:
    """docs/report.schema.json is what `python -m aeverify.reporting.schema docs/report.schema.json` writes."""
    write_json_schema(tmp_path / "schema.json")
    assert (DOCS / "report.schema.json").read_text("utf-8") == (tmp_path / "schema.json").read_text("utf-8")


@pytest.mark.parametrize("value", ["nan", "NaN", "Infinity", None, True, [1.0]])
def test_numbers_are_finite_or_named_infinities(
    full: dict[str, Any], value: object, tmp_path: Path, validator: jsonschema.Draft202012Validator
) -> None:
    """An end of an interval is a number, "inf" or "-inf", for the schema and for the reader."""
    full["verdicts"][0]["evidence"]["interval"]["lower"] = value
    assert not validator.is_valid(full)
    with pytest.raises(UsageError, match="does not follow"):
        read(full, tmp_path)


@pytest.mark.parametrize("literal", ["NaN", "Infinity", "-Infinity", "1e999", "1" + "0" * 5000])
def test_literals_that_are_no_finite_numbers_are_refused(full: dict[str, Any], literal: str, tmp_path: Path) -> None:
    """Neither Python's extensions of JSON nor numbers too large for a float get in."""
    full["verdicts"][0]["evidence"]["interval"]["upper"] = "@"
    with pytest.raises(UsageError, match="report"):
        read(json.dumps(full).replace('"@"', literal), tmp_path)


@pytest.mark.parametrize(
    "path",
    [
        (),
        ("provenance",),
        ("policy",),
        ("counts",),
        ("verdicts", 0),
        ("verdicts", 0, "claim"),
        ("verdicts", 0, "evidence"),
        ("verdicts", 0, "evidence", "interval"),
        ("models", 0),
        ("plots", 0),
        ("plots", 0, "series", 0),
    ],
)
def test_unknown_and_missing_keys_are_refused(
    full: dict[str, Any], path: tuple[Any, ...], tmp_path: Path, validator: jsonschema.Draft202012Validator
) -> None:
    """No object may have a key more or a key less."""
    for change in ("more", "less"):
        data = copy.deepcopy(full)
        place = data
        for step in path:
            place = place[step]
        if change == "more":
            place["surprise"] = 1
        else:
            del place[next(k for k in place if k != "schema")]
        assert not validator.is_valid(data)
        with pytest.raises(UsageError, match="does not follow"):
            read(data, tmp_path)


@pytest.mark.parametrize(
    ("key", "value"),
    [("outcome", "PASS"), ("outcome", "FAIL"), ("exit_code", 0), ("exit_code", 1), ("counts", None)],
)
def test_edited_summary_is_refused(full: dict[str, Any], key: str, value: object, tmp_path: Path) -> None:
    """Outcome, exit code and counts that do not follow from the verdicts are an edit."""
    if key == "counts":
        value = {**full["counts"], "PASS": full["counts"]["PASS"] + 1}
    if full[key] == value:
        value = {"outcome": "ERROR", "exit_code": 3}[key]
    full[key] = value
    with pytest.raises(UsageError, match="was edited"):
        read(full, tmp_path)


def test_pass_without_evidence_is_refused(full: dict[str, Any], tmp_path: Path) -> None:
    """A verdict that the vocabulary forbids is not read."""
    full["verdicts"][0] |= {"outcome": "PASS", "evidence": None}
    with pytest.raises(UsageError, match="contradicts itself"):
        read(full, tmp_path)


def test_empty_interval_is_refused(full: dict[str, Any], tmp_path: Path) -> None:
    """An enclosure with no number in it is not read."""
    full["verdicts"][0]["evidence"]["interval"] = {"lower": 2.0, "upper": 1.0}
    with pytest.raises(UsageError, match="contradicts itself"):
        read(full, tmp_path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not JSON, or is cut off"),
        ('{"schema": "aeverify-report/1", "title": "x', "not JSON, or is cut off"),
        ("[]", "is not a report of schema"),
        ("null", "is not a report of schema"),
        ('{"schema": "aeverify-report/2"}', "aeverify-report/2"),
        ('{"schema": "aeverify-report/1"}', "does not follow"),
        ('{"schema": "aeverify-report/1", "schema": "aeverify-report/1"}', "one key twice"),
        ("[" * 100_000, "deeper"),
        ('{"a":' * 60 + "1" + "}" * 60, "deeper"),
    ],
)
def test_what_is_no_report_is_refused_in_one_paragraph(text: str, said: str, tmp_path: Path) -> None:
    """Empty, truncated, foreign, other versions and hostile nesting each have their sentence."""
    with pytest.raises(UsageError, match=said) as caught:
        read(text, tmp_path)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 2000


def test_missing_binary_large_and_irregular_files_are_refused(tmp_path: Path) -> None:
    """A file that is not there, not text, too large or not a file never gets as far as the parser."""
    with pytest.raises(UsageError, match="does not exist"):
        read_report(tmp_path / "none.json")
    with pytest.raises(UsageError, match="does not exist"):
        read_report(tmp_path)
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="not UTF-8"):
        read_report(tmp_path / "binary.json")
    with (tmp_path / "large.json").open("wb") as stream:
        stream.truncate(2**30)
    with pytest.raises(UsageError, match="larger than 32 MiB"):
        read_report(tmp_path / "large.json")
    os.mkfifo(tmp_path / "pipe.json")
    with pytest.raises(UsageError, match="not a regular file"):
        read_report(tmp_path / "pipe.json")


def test_long_strings_and_hostile_paths_do_not_flood_the_message(full: dict[str, Any], tmp_path: Path) -> None:
    """Errors quote little, and nothing that acts on a terminal."""
    full["verdicts"][0]["\x1b[31m" + "k" * 100_000] = 1
    with pytest.raises(UsageError) as caught:
        read(full, tmp_path)
    assert len(str(caught.value)) < 2000
    assert "\x1b" not in str(caught.value)


def test_details_become_json_values(builder: Callable[[int], Any]) -> None:
    """Tuples, numpy numbers, infinities and NaN in details are written as JSON has them; what JSON has not is named."""
    evidence = replace(
        builder(1).evidence(),
        details={"a": (1, np.float64(2.5)), "b": math.inf, "c": math.nan, "d": np.arange(2), "e": "\ud800"},
    )
    report = builder(2).report()
    verdict = replace(builder(3).verdict(), supporting=(evidence,))
    written = json.loads(render(replace(report, verdicts=(verdict,)), "json"))
    details = written["verdicts"][0]["supporting"][0]["details"]
    assert details == {"a": [1, 2.5], "b": "inf", "c": None, "d": [0, 1], "e": "\ufffd"}
    strange = replace(verdict, supporting=(replace(evidence, details={"x": object()}),))
    with pytest.raises(InvariantError, match=r"details\.x holds a object"):
        render(replace(report, verdicts=(strange,)), "json")
    loop: dict[str, Any] = {}
    loop["self"] = loop
    endless = replace(verdict, supporting=(replace(evidence, details=loop),))
    with pytest.raises(InvariantError, match="deeper than 40"):
        render(replace(report, verdicts=(endless,)), "json")

"""Ledgers: what a TOML file may say, and how its mistakes are told."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from aeverify.audit.ledger import load_ledger, parse_ledger, schema
from aeverify.errors import UsageError
from tests.unit.audit.rows import CIRCLE, row, stated, table, whole

ROOT = Path(__file__).resolve().parents[3]


def test_a_ledger_is_read(tmp_path: Path):
    """Every table of a row reaches it, and relative folders are known."""
    file = tmp_path / "mine.toml"
    file.write_text(
        """
        schema = "aeverify-ledger/1"
        title = "Mine"
        [sources.text]
        title = "A text"
        year = 2020
        [[rows]]
        id = "r-1"
        source = "text"
        quotation = "small error"
        claim = "The error is small."
        tolerance = 0.01
        expected = "impossible"
        [rows.premises]
        stated = ["closed"]
        [rows.parameters]
        noise = 0.1
        [rows.statement]
        set = "circle"
        latent_dim = 1
        quantity = "sup-error"
        relation = "<="
        threshold = 1
        """
    )
    found = load_ledger(file)
    assert (found.name, found.folder, found.sources["text"].year) == ("mine", tmp_path, 2020)
    first = found.rows[0]
    assert first.statement is not None
    assert (first.statement.threshold, first.parameters, first.premises.stated) == (1.0, {"noise": 0.1}, ["closed"])
    assert first.statement.set == CIRCLE
    assert first.expectation("quick") == first.expectation("full") == "impossible"


def test_every_mistake_is_told_at_once_with_its_place():
    """Wrong keys, sets, reasons, sources, checks and doubled ids, each beside the row's id."""
    good = stated("sup-error", "<=", 0.5)
    with pytest.raises(UsageError) as caught:
        parse_ledger(
            whole(
                table(good, id="a", extra=1),
                table({**good, "set": "circel"}, id="b"),
                table(good, id="c", expected="perfect"),
                table(good, id="a", source="nobody"),
                table(id="d", check="no-such-check"),
                table({**good, "quantity": "bad-set-share"}, id="e"),
                table(id="f"),
            ),
            "wrong",
        )
    message = str(caught.value)
    assert "has 8 mistakes" in message
    for told in (
        "rows[0] (a).extra: unknown key; valid here: budget, check, claim",
        "rows[1] (b).statement.set: There is no manifold named 'circel'",
        "rows[2] (c).expected: There is no audit reason 'perfect'",
        "rows[3] (a).id: the id 'a' is given twice",
        "rows[3] (a).source: no source 'nobody'; known: text",
        "rows[4] (d).check: no row check 'no-such-check'",
        "rows[5] (e).statement: level is missing, and it belongs to quantity = bad-set-share",
        "rows[6] (f): give a statement, a check or the reason why it is not checkable",
    ):
        assert told in message


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"latent_dim": 3}, "latent_dim"),
        ({"threshold": float("nan")}, "finite"),
        ({"functions": "lipschitz"}, "lipschitz is missing"),
        ({"lipschitz": 2.0}, "lipschitz is given"),
        ({"quantity": "betti"}, "degree is missing"),
        ({"quantity": "sampled-maximum"}, "points is missing"),
        ({"quantity": "width", "functions": "any"}, "fact of the set"),
        ({"latent_set": "circle"}, "does not lie in"),
    ],
)
def test_a_statement_that_says_nothing_is_refused(change: dict[str, object], told: str):
    """A code of more dimensions than the space, NaN, and fields that are missing or belong to another quantity."""
    with pytest.raises(UsageError, match=told):
        row({**stated("sup-error", "<=", 0.5), **change})


def test_files_that_are_no_ledgers_are_refused(tmp_path: Path):
    """A missing file, bytes that are not TOML, and a TOML file of another kind."""
    with pytest.raises(UsageError, match="There is no ledger"):
        load_ledger(tmp_path / "none.toml")
    file = tmp_path / "odd.toml"
    file.write_text("= 1")
    with pytest.raises(UsageError, match="is not TOML"):
        load_ledger(file)
    file.write_text("title = 'only this'")
    with pytest.raises(UsageError, match="schema: Field required"):
        load_ledger(file)
    file.write_bytes(b"\xff")
    with pytest.raises(UsageError, match="cannot be read"):
        load_ledger(file)


def test_the_digest_of_a_row_leaves_out_what_is_expected():
    """Another threshold is another row; another expectation is the same."""
    first = row(stated("sup-error", "<=", 0.5))
    assert first.digest() == row(stated("sup-error", "<=", 0.5), expected="impossible").digest()
    assert first.digest() != row(stated("sup-error", "<=", 0.4)).digest()


def test_the_schema_is_current_and_takes_the_ledgers():
    """docs/ledger.schema.json is what `python docs/audit_schema.py` writes; it takes a good ledger and no bad one."""
    text = (ROOT / "docs" / "ledger.schema.json").read_text(encoding="utf-8")
    assert text == json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"
    good = whole(table(stated("sup-error", "<=", 0.5)))
    jsonschema.validate(good, json.loads(text))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(whole(table(stated("sup-error", "=<", 0.5))), json.loads(text))

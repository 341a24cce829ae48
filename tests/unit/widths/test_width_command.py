import json
from collections.abc import Callable
from typing import Any

import pytest


@pytest.mark.parametrize(("spec", "m"), [("ellipse:a=3,b=2", 1), ("moebius:R=1,h=0.4", 2), ("triod", 1)])
def test_explain_prints_every_method_with_its_proof_and_witness(cli: Callable[..., Any], spec: str, m: int):
    """The terminal names every bound of the JSON document, each with a proof, and a witness where it has one, within
    100 columns."""
    text = cli("width", spec, "-m", str(m), "--explain").stdout
    document = json.loads(cli("width", spec, "-m", str(m), "--explain", "--format", "json").stdout)
    every = [*document["lower_bounds"], *document["upper_bounds"]]
    for bound in every:
        assert f"{bound['details']['name']} ({bound['rigor']})" in text
        assert bound["details"]["proof"]
        assert bound["citations"]
    assert text.count("Proof.") == len(every)
    assert text.count("Witness:") == sum(b["witness"] is not None for b in every)
    assert text.count("Source:") == sum(len(b["citations"]) for b in every)
    assert max(map(len, text.splitlines())) <= 100


def test_explain_runs_methods_that_cannot_improve_the_bounds(cli: Callable[..., Any]):
    """Without it closed forms that meet are all; with it the searches run too."""
    short = cli("width", "circle", "-m", "1").stdout
    full = cli("width", "circle", "-m", "1", "--explain").stdout
    assert "swap path" not in short
    assert "swap path" in full
    assert "fold map" in full


def test_the_witness_of_a_line_says_where_it_is(cli: Callable[..., Any]):
    """The trefoil winds twice around the third axis."""
    text = " ".join(cli("width", "trefoil", "-m", "1").stdout.split())
    assert "linking number with a line" in text
    assert "around which K goes twice" in text
    assert "Witness: the point of K that is nearest to the line" in text

"""The Python examples of docs/pytest.md are a test suite, and come to what the page says."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aeverify import testing
from aeverify.claims import CLAIMS
from aeverify.claims.data import DATA_CLAIMS

PAGE = (Path(__file__).resolve().parents[2] / "docs/pytest.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"<!-- outcome: (.*?) -->\n\n```python\n(.*?)```", PAGE, re.S)


def test_every_example_comes_to_what_the_page_says(python: Callable[..., Any], tmp_path: Path):
    """Each block is a file of one session, in a process of its own as users have it."""
    assert len(EXAMPLES) == PAGE.count("```python")
    for i, (_, text) in enumerate(EXAMPLES):
        (tmp_path / f"test_{i}.py").write_text(text)
    (tmp_path / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")
    options = ["-p", "_aeverify_pytest", "-rA", "--strict-markers"]
    finished = python("-m", "pytest", *options, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1", PYTEST_ADDOPTS="")
    found = Counter(re.findall(r"^(PASSED|FAILED|XFAIL|ERROR|XPASS|SKIPPED) test_(\d+)\.py", finished.stdout, re.M))
    words = {"passed": "PASSED", "failed": "FAILED", "xfailed": "XFAIL"}
    expected = {
        (words[word], str(i)): int(count)
        for i, (outcome, _) in enumerate(EXAMPLES)
        for count, word in (part.split() for part in outcome.split(", "))
    }
    assert dict(found) == expected, finished.stdout
    assert "E         evidence   sup_error in [0.0299999, " in finished.stdout
    assert re.search(
        r"again +aeverify replay \.pytest_cache/d/aeverify/test_1\.py-test_too_much-error-bound-", finished.stdout
    )


def test_table_has_every_assertion_and_its_claims():
    """The table names the assertions of the package, and claims that exist."""
    lines = [line for line in PAGE.splitlines() if line.startswith("| `assert")]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]
    names = [row[0].strip("`").partition("(")[0] for row in rows]
    assert sorted(names) == sorted(name for name in testing.__all__ if name.startswith("assert_"))
    assert {row[2].strip("`") for row in rows} - {""} <= set(CLAIMS)
    assert {row[3].strip("`") for row in rows} - {""} <= set(DATA_CLAIMS)

"""Printed numbers never say more than is known."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aeverify.core import Interval
from aeverify.reporting.escaping import columns, continued, fitted, markdown, plain, plotly_label, wrapped
from aeverify.reporting.wording import interval_text

FINITE = st.floats(allow_nan=False, allow_infinity=False)


@given(FINITE, FINITE)
def test_printed_intervals_enclose_the_interval(a: float, b: float) -> None:
    """The printed lower end is at most the lower end, the printed upper end at least the upper end; equality of
    floating-point numbers counts, since a short decimal names the number that it reads back as."""
    interval = Interval(min(a, b), max(a, b))
    text = interval_text(interval)
    if interval.is_exact:
        assert float(text) == interval.lower
        return
    left, right = text[1:-1].split(", ")
    assert Decimal(left) <= Decimal(interval.lower) or float(left) == interval.lower
    assert Decimal(right) >= Decimal(interval.upper) or float(right) == interval.upper


@pytest.mark.parametrize(
    ("interval", "expected"),
    [
        (Interval.at_least(0.99999999), "[0.999999, inf)"),
        (Interval.at_most(1.00000001), "(-inf, 1.00001]"),
        (Interval.unknown(), "(-inf, inf)"),
        (Interval(0.0081, 0.0322), "[0.0081, 0.0322]"),
        (Interval(0.123456789, 0.987654321), "[0.123456, 0.987655]"),
        (Interval.exactly(1.0), "1"),
        (Interval.exactly(4 / 3), "1.3333333333333333"),
    ],
)
def test_interval_examples(interval: Interval, expected: str) -> None:
    """Outward at six digits; a single number in full."""
    assert interval_text(interval) == expected


def test_narrow_intervals_get_the_digits_they_need() -> None:
    """An enclosure to twelve digits is not printed as one to six."""
    left, right = interval_text(Interval(0.99999999999, 1.0000000001))[1:-1].split(", ")
    assert float(right) - float(left) < 2e-10


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\x1b[31mb", "a\\x1b[31mb"),
        ("a\r\nb\tc", "a b c"),
        ("\ud800\u202e", "\\ud800\\u202e"),
        ("円 é", "円 é"),
    ],
)
def test_plain_shows_what_would_act(text: str, expected: str) -> None:
    """Controls, lone surrogates and reordering marks become visible; letters stay."""
    assert plain(text) == expected


@given(st.text(), st.integers(3, 40))
def test_fitted_is_exactly_as_wide_as_asked(text: str, width: int) -> None:
    """Cells of a table are cut and padded to their width in terminal columns, wide characters included."""
    assert columns(fitted(plain(text), width)) == width


@given(st.text(), st.integers(3, 40))
def test_wrapped_lines_fit_and_lose_no_word(text: str, width: int) -> None:
    """Lines are no wider than asked and hold all that is not white space."""
    lines = wrapped(text, width)
    assert all(columns(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


@given(st.lists(st.text(st.characters(codec="ascii", categories=["L", "N", "P", "Zs"]), max_size=12), min_size=1))
def test_continued_commands_are_the_same_command(words: list[str]) -> None:
    """A command that is broken over lines by backslashes is read by a shell as it was."""
    import shlex

    command = shlex.join(words)
    lines = continued(command, 30)
    if lines is not None:
        assert all(columns(line) <= 30 for line in lines)
        assert shlex.split("\n".join(lines).replace("\\\n", "")) == words


def test_a_long_word_is_not_broken() -> None:
    """No line continuation inside a word: pasting it would run another command."""
    assert continued("aeverify replay " + "x" * 50, 40) is None
    assert continued("aeverify replay 'restart\n0'", 40) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a|b*c_d`e", r"a\|b\*c\_d\`e"),
        ("<b>&", "&lt;b>&amp;"),
        ("> x", r"\> x"),
        ("# x", r"\# x"),
        ("2-10-1", "2-10-1"),
        ("1. x", r"1\. x"),
        ("- x", r"\- x"),
        ("[a](b)", r"\[a\](b)"),
    ],
)
def test_markdown_escapes(text: str, expected: str) -> None:
    """A string from outside is shown, not read."""
    assert markdown(text) == expected


def test_plotly_labels_are_text() -> None:
    """plotly's own dialect of HTML sees entities only."""
    assert plotly_label('<a href="x">&</a>') == '&lt;a href="x"&gt;&amp;&lt;/a&gt;'


def test_nan_is_no_interval_to_print() -> None:
    """The vocabulary keeps NaN out long before it could be printed."""
    with pytest.raises(Exception, match="NaN"):
        Interval(math.nan, 1.0)

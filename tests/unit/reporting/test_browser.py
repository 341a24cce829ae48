"""The page in a headless Chromium, opened from disk: views, filters, themes, figures, paper, keyboard."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aeverify.core import Outcome, Report
from aeverify.reporting import write_report
from aeverify.reporting.html import library_name, library_script, render_html
from tests.golden.test_reports import sample
from tests.unit.reporting.browser import Browser, executable

pytestmark = [pytest.mark.slow, pytest.mark.skipif(executable() is None, reason="needs a Chromium")]

VISIBLE = "[...document.querySelectorAll('main > section')].filter(s => s.checkVisibility())"
SEARCH = "(e => {{ e.value = '{}'; e.dispatchEvent(new Event('input')); }})(document.getElementById('find'))"
ROWS = "[...document.querySelectorAll('#table tbody tr')].filter(r => r.checkVisibility())"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for all tests of this module."""
    with Browser() as browser:
        yield browser


@pytest.fixture
def tab(chromium: Browser) -> Browser:
    """The browser in a light theme, on a screen, as wide as a desk's."""
    chromium.media()
    chromium.width(1280)
    return chromium


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A written report, plotly.js beside it."""
    write_report(sample(), tmp_path / "run")
    return tmp_path / "run"


def wait(tab: Browser, condition: str) -> None:
    """Until an expression is true in the page."""
    for _ in range(200):
        if tab.run(condition):
            return
        time.sleep(0.05)
    raise AssertionError(f"never true: {condition}")


def headings(tab: Browser) -> list[str]:
    """Headings of the views in sight."""
    found: list[str] = tab.run(f"{VISIBLE}.map(s => s.querySelector('h2').textContent)")
    return found


def test_one_view_is_shown_and_the_address_says_which(tab: Browser, folder: Path) -> None:
    """The table first; a link of the table shows the claim's page with the verdict open and in focus; back leads
    back; nothing but the file itself is asked for."""
    tab.open(folder / "report.html")
    assert headings(tab) == ["Verdicts"]
    tab.run("document.querySelector('a[href=\"#verdict-2\"]').click()")
    wait(tab, "document.title.startsWith('Small bad set')")
    assert headings(tab) == ["Small bad set"]
    assert tab.run("document.getElementById('verdict-2').open")
    assert tab.run("document.activeElement.parentElement.id") == "verdict-2"
    tab.run("history.back()")
    wait(tab, "document.title.startsWith('FAIL')")
    assert headings(tab) == ["Verdicts"]
    tab.open(folder / "report.html", "#models")
    assert headings(tab) == ["Models"]
    assert tab.run("document.querySelector('nav.views [aria-current]').textContent") == "Models"
    tab.open(folder / "report.html", "#nothing-of-that-name")
    assert headings(tab) == ["Verdicts"]
    assert tab.requests() == [(folder / "report.html").as_uri()]
    assert tab.complaints() == []


def test_verdicts_are_filtered_searched_and_ordered(tab: Browser, folder: Path) -> None:
    """By outcome, rigor and model, by words of the verdict's own page, and by column; the count is said aloud."""
    tab.open(folder / "report.html")

    def shown() -> list[str]:
        found: list[str] = tab.run(f"{ROWS}.map(r => r.dataset.outcome ?? 'NOT RUN')")
        return found

    everything = ["PASS", "FAIL", "INCONCLUSIVE", "VACUOUS", "ERROR", "NOT RUN"]
    assert shown() == everything
    tab.run("document.querySelector('input[value=PASS]').click()")
    assert shown() == everything[1:]
    assert tab.run("document.getElementById('shown').textContent") == "5 of 6 rows"
    tab.run("document.getElementById('clear').click()")
    for field, value, expected in (
        ("rigor", "STATISTICAL", ["FAIL", "INCONCLUSIVE"]),
        ("subject", "1", ["PASS", "FAIL"]),
    ):
        tab.run(f"(e => {{ e.value = '{value}'; e.dispatchEvent(new Event('change')); }})({field})")
        assert shown() == expected
        tab.run("document.getElementById('clear').click()")
    for words, expected in (("clopper 500", ["FAIL", "INCONCLUSIVE"]), ("E, D jump", ["VACUOUS"]), ("zebra", [])):
        tab.run(SEARCH.format(words))
        wait(tab, f"{ROWS}.length === {len(expected)}")
        assert shown() == expected
    assert tab.run("document.getElementById('shown').textContent") == "no row is like that"
    tab.run("document.getElementById('clear').click()")
    head = "document.querySelector('th[data-sort=outcome]')"
    order = ["FAIL", "ERROR", "INCONCLUSIVE", "VACUOUS", "NOT RUN", "PASS"]
    for said, expected in (("ascending", order), ("descending", order[::-1]), ("none", everything)):
        tab.run(f"{head}.firstChild.click()")
        assert (tab.run(f"{head}.getAttribute('aria-sort')"), shown()) == (said, expected)
    assert tab.complaints() == []


def test_the_theme_follows_the_system_until_it_is_chosen(tab: Browser, folder: Path) -> None:
    """Dark where the system is dark; a choice overrides it and is remembered."""
    background = "getComputedStyle(document.body).backgroundColor"
    light, dark = "rgb(255, 255, 255)", "rgb(21, 24, 28)"
    tab.open(folder / "report.html")
    assert tab.run(background) == light
    tab.media(dark=True)
    assert tab.run(background) == dark
    tab.run("document.getElementById('theme').click()")
    assert tab.run(background) == light
    tab.open(folder / "report.html")
    assert (tab.run(background), tab.run("theme.textContent")) == (light, "Theme: light")
    tab.run("theme.click(); theme.click()")
    assert (tab.run(background), tab.run("theme.textContent")) == (dark, "Theme: system")


@pytest.mark.parametrize("place", ["beside", "above", "nowhere"])
def test_figures_are_drawn_with_the_shared_file_and_without(tab: Browser, tmp_path: Path, place: str) -> None:
    """plotly.js beside the page, or above it for the reports of several folders; without it the drawings stay and the
    page says which file is missing."""
    if place == "above":
        (tmp_path / library_name()).write_text(library_script(), encoding="utf-8")
    paths = write_report(sample(), tmp_path / "run")
    assert (library_name() in {p.name for p in paths}) == (place != "above")
    if place == "nowhere":
        (tmp_path / "run" / library_name()).unlink()
    tab.open(tmp_path / "run" / "report.html", "#figures")
    if place == "nowhere":
        wait(tab, "document.getElementById('still-only').checkVisibility()")
        drawn = "[...document.querySelectorAll('#figures ~ .figures svg.static')].map(s => s.checkVisibility())"
        assert tab.run(drawn) == [True] * 3
    else:
        wait(tab, "document.querySelectorAll('figure.drawn').length === 3")
        assert not tab.run("document.getElementById('still-only').checkVisibility()")
        assert [c for c in tab.complaints() if "Content Security Policy" in c] == []
    assert {address.split(":", 1)[0] for address in tab.requests()} <= {"file", "data", "blob"}


def test_without_scripts_everything_is_there(tab: Browser, folder: Path) -> None:
    """All views one below the other, no dead controls, and links that lead."""
    tab.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        tab.open(folder / "report.html")
        assert len(headings(tab)) == len(tab.run("[...document.querySelectorAll('main > section')].map(s => 1)")) == 7
        assert not tab.run("document.querySelector('.controls').checkVisibility()")
        assert not tab.run("document.getElementById('theme').checkVisibility()")
    finally:
        tab.call("Emulation.setScriptExecutionDisabled", value=False)


def test_paper_has_every_view_every_verdict_and_no_controls(tab: Browser, folder: Path, tmp_path: Path) -> None:
    """Whatever is shown or filtered on the screen, and light whatever the theme; it prints."""
    tab.media(dark=True)
    tab.open(folder / "report.html")
    tab.run("document.querySelector('input[value=FAIL]').click()")
    tab.media(dark=True, medium="print")
    assert len(headings(tab)) == 7
    assert tab.run(f"{ROWS}.length") == 6
    assert not tab.run("document.querySelector('.controls').checkVisibility()")
    heads = "[...document.querySelectorAll('table.verdicts th[data-sort]')]"
    assert tab.run(f"{heads}.every(h => getComputedStyle(h, '::before').content === JSON.stringify(h.textContent))")
    assert not tab.run(f"{heads}.some(h => h.querySelector('button').checkVisibility())")
    assert tab.run("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    tab.pdf(tmp_path / "page.pdf")
    assert (tmp_path / "page.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize("pixels", [400, 794, 1280])
def test_nothing_is_wider_than_the_page(
    tab: Browser, builder: Callable[[int], Any], tmp_path: Path, pixels: int
) -> None:
    """On a telephone, on paper and on a desk, with names of 5000 letters: what is wide scrolls in its own box."""
    path = tmp_path / "report.html"
    for seed in (1, 5, 8):
        built = builder(seed)
        verdicts = tuple(built.verdict() for _ in range(8))
        report: Report = replace(built.report(), verdicts=verdicts, baseline=built.comparison(verdicts))
        path.write_text(render_html(report), encoding="utf-8")
        tab.width(pixels)
        for anchor in ("", *(f"#claim-{i}" for i in range(1, 9)), "#models", "#manifold", "#figures", "#provenance"):
            tab.open(path, anchor)
            wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            assert (anchor, tab.run(wide)) == (anchor, 0)
        assert [c for c in tab.complaints() if "ERR_FILE_NOT_FOUND" not in c] == []


def test_written_markup_stays_dead(tab: Browser, folder: Path) -> None:
    """Even where somebody edits the file: the policy lets no script run that is not ours, nor an image load."""
    path = folder / "report.html"
    evil = folder / "evil.js"
    evil.write_text("window.evil = 1")
    attack = "<script>window.evil = 1</script><script src='evil.js'></script>"
    attack += "<img src='evil.js' onerror='window.evil=1'>"
    path.write_text(path.read_text("utf-8").replace("<main", f"{attack}<main", 1), encoding="utf-8")
    tab.open(path)
    assert tab.run("window.evil === undefined")
    assert sum("Content Security Policy" in c for c in tab.complaints()) >= 3
    assert headings(tab) == ["Verdicts"]


def test_the_keyboard_is_enough(tab: Browser, folder: Path) -> None:
    """The first stop is the way past the header; what has the focus is outlined; Enter follows links and opens."""

    def press(key: str, code: int) -> None:
        for kind in ("keyDown", "keyUp"):
            text = "\r" if key == "Enter" and kind == "keyDown" else ""
            tab.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, text=text)

    tab.open(folder / "report.html")
    press("Tab", 9)
    assert tab.run("document.activeElement.textContent") == "Skip to the report"
    assert tab.run("document.activeElement.getBoundingClientRect().left >= 0")
    seen = []
    for _ in range(40):
        press("Tab", 9)
        seen.append(tab.run("document.activeElement.outerHTML.slice(0, 60)"))
        outlined = "getComputedStyle(document.activeElement).outlineStyle"
        assert (seen[-1], tab.run(outlined)) == (seen[-1], "solid")
        if "#verdict-1" in seen[-1]:
            break
    assert any('id="find"' in s for s in seen) and any('name="outcome"' in s for s in seen)
    press("Enter", 13)
    wait(tab, "document.activeElement.tagName === 'SUMMARY'")
    assert headings(tab) == ["Sup error at least the width"]


def test_a_command_can_be_copied(tab: Browser, folder: Path) -> None:
    """The button writes the command to the clipboard, or selects it where that is refused, and says which."""
    tab.open(folder / "report.html", "#verdict-1")
    tab.run("document.querySelector('#verdict-1 .replay button').click()")
    wait(tab, "document.querySelector('#verdict-1 .replay button').textContent !== 'Copy'")
    said = tab.run("document.querySelector('#verdict-1 .replay button').textContent")
    assert said in ("Copied", "Selected")
    if said == "Selected":
        assert tab.run("getSelection().toString()") == sample().verdicts[0].replay


def test_three_hundred_verdicts_are_read_at_once(tab: Browser, tmp_path: Path) -> None:
    """All rows are there, and a word finds those whose pages have it."""
    first = sample().verdicts[1]
    verdicts = tuple(replace(first, subject=f"restart {i}", message="a needle" if i == 200 else "") for i in range(300))
    path = tmp_path / "report.html"
    path.write_text(render_html(replace(sample(), verdicts=verdicts)), encoding="utf-8")
    tab.open(path)
    assert tab.run(f"{ROWS}.length") == 302
    tab.run(SEARCH.format("needle"))
    wait(tab, f"{ROWS}.length === 1")
    assert tab.run(f"{ROWS}[0].dataset.verdict") == "201"
    assert all(v.outcome is Outcome.FAIL for v in verdicts)

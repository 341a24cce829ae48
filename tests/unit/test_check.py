"""`aeverify check` and its neighbours: from a claims file or options to a report, an exit code and a second look."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aeverify.core import Rigor
from aeverify.reporting import read_report

QUICK = """
manifold = "circle"
[claims.theorem-1]
[claims.error-bound]
epsilon = 0.5
[measure]
samples = 500
draws = 2000
enclosure_seconds = 0.2
"""
ORACLE = "cut:half_width=0.01"
"""Torn, so that its worst error is 2: theorem-1 is PASS, and error-bound FAIL."""
ON_CIRCLE = ("check", "constant", "--on", "circle")
CASE = ("check", ORACLE, "--claims", "quick.toml", "--quiet", "--out", "out")


@pytest.fixture
def quick(tmp_path: Path) -> Path:
    """A claims file of small sizes without a model."""
    (tmp_path / "quick.toml").write_text(QUICK)
    return tmp_path


@pytest.fixture
def saved(tmp_path: Path) -> str:
    """A network with the weights that it was made with, in a file."""
    from aeverify.autoencoders.building import from_architecture
    from aeverify.autoencoders.loading import save

    save(from_architecture("mlp:ambient_dim=2,latent_dim=1,hidden=[16,16]", 0), tmp_path / "mine.safetensors")
    return "mine.safetensors"


def outcomes(folder: Path | str) -> dict[str, str]:
    """Outcome of each claim in a report."""
    return {v.claim.id: str(v.outcome) for v in read_report(folder).verdicts}


def test_the_claims_file_of_init_runs_as_it_is(cli: Callable[..., Any]):
    """`init` writes it once, `check` passes it, and nothing is overwritten without --force."""
    assert cli("init").exit_code == 0
    assert cli("check", "--claims", "claims.toml", "--quiet").exit_code == 0
    assert outcomes("reports/claims") == {"theorem-1": "PASS", "theorem-2": "PASS"}
    Path("claims.toml").write_text("mine")
    refused = cli("init", "claims.toml")
    assert (refused.exit_code, Path("claims.toml").read_text()) == (2, "mine")
    assert "--force" in refused.stderr
    assert cli("init", "--force").exit_code == 0
    assert Path("claims.toml").read_text() != "mine"


def test_what_init_comments_out_is_right_too(cli: Callable[..., Any], tmp_path: Path):
    """Every commented key is one that the file may have."""
    from aeverify.config import parse_plan
    from aeverify.config.files import tomllib
    from aeverify.config.starter import STARTER

    text = re.sub(r"^# (?=[a-z_]+ = |\[)", "", STARTER, flags=re.M).replace("manifold =", "# manifold =")
    data = tomllib.loads(text.replace("oracle = ", "# oracle = "))
    data["claims"] = None
    data["gate"]["claims"], data["ignore"][0]["claim"] = ["population-error"], "population-error"
    plan = parse_plan(data)
    assert (plan.data is not None, plan.budget.seconds, plan.policy.ignores[0].until) == (True, 600.0, "2027-01-31")


def test_a_model_on_a_manifold_without_a_claims_file(cli: Callable[..., Any]):
    """MODEL, K and claims with parameters are all it takes."""
    claims = ("--claim", "theorem-1", "--claim", "error-bound:epsilon=0.5,delta=0.1")
    finished = cli("check", ORACLE, "--on", "circle", *claims, "--quiet")
    assert (finished.exit_code, outcomes("reports/cut")) == (0, {"theorem-1": "PASS", "error-bound": "PASS"})


def test_a_fail_exits_1_and_replays(cli: Callable[..., Any], quick: Path):
    """The replay line of a FAIL reproduces it; a better model is told to have fixed it."""
    assert cli(*CASE).exit_code == 1
    assert outcomes("out") == {"theorem-1": "PASS", "error-bound": "FAIL"}
    again = cli("replay", "out", "error-bound")
    assert (again.exit_code, again.stdout.split()[0]) == (0, "REPRODUCED")
    fixed = cli("replay", "out", "error-bound", "--model", "atan2")
    assert (fixed.exit_code, fixed.stdout.split()[0]) == (1, "FIXED")
    worse = cli("replay", "out", "error-bound", "--model", "constant")
    assert (worse.exit_code, worse.stdout.split()[0]) == (1, "CHANGED")


def test_a_saved_model_is_replayed_from_where_it_lies(cli: Callable[..., Any], quick: Path, saved: str):
    """The replay line names the file, which the report alone is not believed about."""
    options = ("--claims", "quick.toml", "--claim", "theorem-1", "--out", "out", "--quiet")
    assert cli("check", saved, *options).exit_code == 0
    (verdict,) = read_report("out").verdicts
    line = verdict.replay.split()
    assert line[-2:] == ["--model", saved]
    assert cli(*line[1:]).exit_code == 0
    refused = cli("replay", "out")
    assert refused.exit_code == 2
    assert "--model" in refused.stderr


def test_a_data_set_stands_for_k(cli: Callable[..., Any], quick: Path):
    """A path is data; its claims are those about data, and the witness is a row of it."""
    angles = np.linspace(0.0, 6.0, 50)
    np.save("points.npy", np.column_stack([np.cos(angles), np.sin(angles)]))
    finished = cli(
        "check", "constant", "--on", "points.npy", "--claim", "data-sup:epsilon=0.5", "--out", "out", "--quiet"
    )
    report = read_report("out")
    assert (finished.exit_code, report.manifold, report.latent_dim) == (1, "data:points.npy", 1)
    assert cli("replay", "out").stdout.split()[0] == "REPRODUCED"


@pytest.mark.parametrize(
    ("arguments", "phrase"),
    [
        (["check"], "Nothing to check"),
        (["check", "constant"], "Missing option '--on'"),
        (["check", "gone.onnx", "--on", "circle"], "gone.onnx"),
        (["check", "konstant", "--on", "circle"], "konstant"),
        (["check", "constant", "--on", "cirlce"], "did you mean 'circle'"),
        (["check", "constant", "--on", "gone.npy"], "gone.npy"),
        (["check", "constant", "--on", "two_circles"], "R^3"),
        ([*ON_CIRCLE, "--claim", "theorem-9"], "did you mean"),
        ([*ON_CIRCLE, "--claim", "theorem-2:eps=1"], "no parameter 'eps'"),
        ([*ON_CIRCLE, "--claim", "theorem-2:"], "parameters are missing"),
        ([*ON_CIRCLE, "--claim", "theorem-1", "--claim", "theorem-1"], "given twice"),
        ([*ON_CIRCLE, "--latent-dim", "2"], "latent_dim 2"),
        ([*ON_CIRCLE, "--decoder", "x.onnx"], "is an oracle"),
        (["check", "--claims", "quick.toml", "--decoder", "x.onnx"], "is about MODEL"),
        (["check", "--claims", "quick.toml"], "names no model"),
        (["check", "--claims", "gone.toml"], "no plan file"),
        ([*ON_CIRCLE, "--fail-on", "pass"], "'pass' is not one of"),
        ([*ON_CIRCLE, "--fail-on", "vacuous", "--allow-inconclusive"], "choose one"),
        ([*ON_CIRCLE, "--time-budget", "0"], "--time-budget"),
        ([*ON_CIRCLE, "--time-budget", "nan"], "number of seconds"),
        ([*ON_CIRCLE, "--memory-budget", "1"], "MiB"),
        ([*ON_CIRCLE, "--baseline", "gone.json"], "does not exist"),
        (["check", "os:system", "--on", "circle"], "--trust-model"),
        (["check", "/dev/zero", "--on", "circle"], "/dev/zero"),
        (
            [*ON_CIRCLE, "--claim", "theorem-1", "--model-card", "gone/card.md"],
            "gone/card.md",
        ),
        (["diff", "gone", "gone"], "does not exist"),
        (["report", "gone"], "does not exist"),
        (["init", "gone/claims.toml"], "Cannot write"),
    ],
)
def test_wrong_input_is_one_paragraph_and_exit_code_2(
    cli: Callable[..., Any], quick: Path, arguments: list[str], phrase: str
):
    """A mistake of the caller is answered with what is wrong, never with a traceback."""
    finished = cli(*arguments, *(["--quiet"] if arguments[0] == "check" else []))
    assert finished.exit_code == 2, finished.stderr
    assert finished.stderr.startswith("aeverify: ") and finished.stderr.count("\n") == 1
    assert phrase in finished.stderr


def test_a_baseline_excuses_what_was_so_before(cli: Callable[..., Any], quick: Path):
    """The same FAIL again opens the gate; a model that newly fails closes it, and the report says what got worse."""
    cli(*CASE)
    Path("out").rename("before")
    known = cli(*CASE, "--baseline", "before/report.json")
    assert known.exit_code == 0, known.stdout
    assert "in the baseline too" in Path("out/report.md").read_text()
    relaxed = QUICK.replace("epsilon = 0.5", "epsilon = 0.5\ndelta = 0.1")
    Path("quick.toml").write_text(relaxed)
    cli(*CASE)
    Path("out").rename("good")
    Path("quick.toml").write_text(QUICK)
    finished = cli(*CASE, "--baseline", "good")
    assert finished.exit_code == 1
    assert "Worse: error-bound" in finished.stdout
    assert "PASS became FAIL" in finished.stdout


def test_a_baseline_of_another_job_is_refused_before_the_work(cli: Callable[..., Any], quick: Path):
    """Another set; and a report that is none."""
    cli(*CASE)
    Path("out").rename("before")
    finished = cli("check", "fold:a=3,b=2", "--on", "ellipse:a=3,b=2", "--baseline", "before", "--quiet")
    assert finished.exit_code == 2
    assert "The baseline before is about K = circle" in finished.stderr
    document = json.loads(Path("before/report.json").read_text())
    Path("before/report.json").write_text(json.dumps({**document, "schema": "aeverify-report/99"}))
    finished = cli(*CASE, "--baseline", "before")
    assert finished.exit_code == 2
    assert "aeverify-report/99" in finished.stderr


def test_diff_tells_what_changed(cli: Callable[..., Any], quick: Path):
    """Text and JSON, and the exit code of each direction."""
    cli(*CASE)
    Path("out").rename("bad")
    cli("check", "atan2", "--claims", "quick.toml", "--quiet", "--out", "other")
    same = cli("diff", "bad", "bad")
    assert (same.exit_code, same.stdout.count("SAME")) == (0, 0)
    assert "2 same, 0 better, 0 worse, 0 new, 0 gone" in same.stdout
    found = json.loads(cli("diff", "bad", "other", "--format", "json").stdout)
    rows = {(r["claim"], r["before"], r["after"], r["change"]) for r in found["verdicts"]}
    assert ("theorem-1", "PASS", "VACUOUS", "worse") in rows
    assert cli("diff", "bad", "other").exit_code == 1


def test_a_report_is_rendered_again(cli: Callable[..., Any], quick: Path):
    """The same bytes as when it was written, and the exit code of its gate."""
    cli(*CASE)
    files = {"json": "report.json", "junit": "junit.xml", "markdown": "report.md", "html": "report.html"}
    for form, name in files.items():
        again = cli("report", "out", "--format", form, "--out", f"again.{form}")
        assert again.exit_code == 1
        assert Path(f"again.{form}").read_bytes() == Path("out", name).read_bytes()


def test_the_time_budget_drops_no_claim(cli: Callable[..., Any], quick: Path):
    """Nothing was reached: every claim is there as NOT RUN, and no option opens the gate."""
    finished = cli(*CASE, "--time-budget", "0.000001", "--allow-inconclusive")
    report = read_report("out")
    assert (finished.exit_code, {v.reason.name for v in report.verdicts}) == (4, {"NOT_RUN"})
    assert [v.claim.id for v in report.verdicts] == ["theorem-1", "error-bound"]
    assert "NOT RUN" in finished.stdout


def test_what_was_reached_in_time_is_kept(cli: Callable[..., Any], quick: Path, monkeypatch: pytest.MonkeyPatch):
    """The budget ends inside the second claim: the first verdict stands, the second is NOT RUN, the gate stays shut."""
    import signal
    import time

    from aeverify.claims.error_bound import ErrorBound

    def endless(*_: Any) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0.01)  # the rest of the budget passes quickly
        while True:
            time.sleep(0.01)

    monkeypatch.setattr(ErrorBound, "find", endless)
    finished = cli(*CASE, "--time-budget", "900")
    assert (finished.exit_code, outcomes("out")) == (4, {"theorem-1": "PASS", "error-bound": "INCONCLUSIVE"})
    assert [v.reason.name for v in read_report("out").verdicts] == ["SATISFIED", "NOT_RUN"]


def test_what_needs_more_memory_than_there_is_was_not_run(python: Callable[..., Any], quick: Path):
    """A claim whose draws do not fit is NOT RUN; it neither crashes the run nor passes."""
    (quick / "quick.toml").write_text(QUICK.replace("draws = 2000", "draws = 10000000"))
    options = ("--claim", "error-bound:delta=0.01", "--memory-budget", "600")
    finished = python("-m", "aeverify", *CASE, *options)
    (verdict,) = read_report(quick / "out").verdicts
    assert (finished.exit_code, verdict.reason.name) == (4, "NOT_RUN"), finished.stderr
    assert "memory" in verdict.message


def test_an_ignored_fail_stays_visible(cli: Callable[..., Any], quick: Path):
    """It is FAIL in every format and never PASS, the gate lets it through, and says until when and why."""
    entry = '[[ignore]]\nclaim = "error-bound"\nreason = "retraining is under way"\nuntil = 2999-01-01\n'
    Path("quick.toml").write_text(QUICK + entry)
    finished = cli(*CASE)
    assert finished.exit_code == 0, finished.stdout
    assert outcomes("out")["error-bound"] == "FAIL"
    written = [Path("out", name).read_text() for name in ("report.md", "junit.xml", "report.html")]
    for text in (" ".join(finished.stdout.split()), *written):
        assert "2999-01-01" in text
        assert "retraining is under way" in text
    suite = ET.parse("out/junit.xml").getroot()
    assert (suite.get("failures"), suite.get("skipped")) == ("0", "1")
    assert "FAIL, ignored until 2999-01-01" in Path("out/junit.xml").read_text()


def test_an_expired_ignore_fails_again(cli: Callable[..., Any], quick: Path):
    """The day has passed: exit 1, and the report says that the ignore ended."""
    entry = '[[ignore]]\nclaim = "error-bound"\nreason = "retraining"\nuntil = 2020-01-01\n'
    Path("quick.toml").write_text(QUICK + entry)
    finished = cli(*CASE)
    assert finished.exit_code == 1
    assert "its ignore ended on 2020-01-01 (retraining)" in " ".join(finished.stdout.split())


def test_an_ignore_that_excuses_nothing_is_told_of(cli: Callable[..., Any], quick: Path):
    """So that it is taken out of the file."""
    entry = '[[ignore]]\nclaim = "theorem-1"\nreason = "retraining"\nuntil = 2999-01-01\n'
    Path("quick.toml").write_text(QUICK + entry)
    assert "The ignore of theorem-1 excuses no verdict" in cli(*CASE).stdout


def test_fail_on_names_further_outcomes(cli: Callable[..., Any], quick: Path):
    """VACUOUS exits 4, or 1 where the gate fails on it."""
    case = ("check", "atan2", "--claims", "quick.toml", "--claim", "theorem-1", "--quiet")
    assert cli(*case).exit_code == 4
    assert cli(*case, "--fail-on", "vacuous").exit_code == 1
    assert cli(*case, "--allow-inconclusive").exit_code == 0


def test_the_error_budget_is_stated_and_kept(cli: Callable[..., Any], quick: Path):
    """The confidences of all statistical evidence of a run leave together at most alpha."""
    models = '[[models]]\noracle = "cut:half_width=0.3"\n[[models]]\noracle = "constant"\n'
    claims = "".join(f"[claims.{c}]\n" for c in ("theorem-2", "thick-set", "paradox", "lipschitz-price"))
    body = QUICK.replace("[claims.theorem-1]\n[claims.error-bound]\nepsilon = 0.5\n", claims)
    Path("quick.toml").write_text("alpha = 0.02\n" + body + models)
    cli("check", "--claims", "quick.toml", "--quiet", "--out", "out", "--alpha", "0.03")
    report = read_report("out")
    budget = report.error_budget
    assert budget is not None
    assert (budget.alpha, budget.statements["theorem-2"]) == (0.03, 2)
    assert budget.spent <= 0.03 * (1 + 1e-12)
    evidence = [e for v in report.verdicts for e in (v.evidence, *v.supporting) if e and e.rigor is Rigor.STATISTICAL]
    assert evidence
    distinct = {(v.subject, e.quantity, e.interval, e.confidence) for v in report.verdicts for e in evidence}
    assert all(1 - e.confidence <= budget.each * (1 + 1e-9) for e in evidence if e.confidence)
    drawn = {(q, i, c) for _, q, i, c in distinct}
    assert sum(1 - c for _, _, c in drawn if c) <= 0.03 * (1 + 1e-9)
    assert "alpha 0.03 over all statistical statements together" in Path("out/report.md").read_text()


TIMES = re.compile(
    r'"duration_seconds": [\d.e-]+|"started": "[^"]*"|time="[\d.]+"|timestamp="[^"]*"|'
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00|\d+\.\d s\b"
)


@pytest.mark.parametrize("model", [ORACLE, "mine.safetensors"])
def test_the_same_command_gives_the_same_bytes(cli: Callable[..., Any], quick: Path, saved: str, model: str):
    """Two runs differ in nothing but times, although the enclosures of the network end with their budget, not done."""
    text = QUICK.replace("enclosure_seconds = 0.2", "sup_tolerance = 1e-12\nenclosure_seconds = 0.01")
    Path("quick.toml").write_text(text + "[claims.lipschitz-price]\n[claims.theorem-2]\n")
    written = []
    for _ in range(2):
        cli("check", model, "--claims", "quick.toml", "--quiet", "--out", "out", "--seed", "5")
        written.append({p.name: TIMES.sub("T", p.read_text()) for p in Path("out").iterdir() if p.suffix != ".js"})
    assert set(written[0]) == {"report.json", "junit.xml", "report.md", "report.html"}
    assert written[0] == written[1]
    if model == saved:
        assert '"stopped": "time budget"' in written[0]["report.json"]


def test_a_github_workflow_is_told(cli: Callable[..., Any], quick: Path, monkeypatch: pytest.MonkeyPatch):
    """Where one runs: annotations on stderr, a summary in its file, stdout still one document."""
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(quick / "summary.md"))
    (quick / "summary.md").write_text("before\n")
    finished = cli(*CASE, "--format", "json")
    json.loads(finished.stdout)
    assert re.search(r"^::error title=FAIL%3A error-bound on cut%3A", finished.stderr, re.M)
    assert (quick / "summary.md").read_text().startswith("before\n## aeverify")
    assert "::error" not in cli(*CASE, "--no-github").stderr


def test_a_model_card_is_kept_up_to_date(cli: Callable[..., Any], quick: Path):
    """The section is appended once and then replaced in place."""
    Path("card.md").write_text("# My model\n\nText.\n")
    for _ in range(2):
        cli(*CASE, "--model-card", "card.md")
    text = Path("card.md").read_text()
    assert text.startswith("# My model\n\nText.\n\n<!-- aeverify: begin -->")
    assert text.count("## Verification") == 1
    assert "| FAIL | error-bound |" in text


def test_events_are_written(cli: Callable[..., Any], quick: Path):
    """One JSON object a line, the verdicts among them."""
    cli(*CASE, "--events", "events.jsonl")
    kinds = [json.loads(line)["kind"] for line in Path("events.jsonl").read_text().splitlines()]
    assert (kinds[0], kinds.count("VerdictReached")) == ("RunStarted", 2)

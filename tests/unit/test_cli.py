from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aeverify.cli import KINDS
from aeverify.core import Interval

CONSTANT = """
manifold = "circle"
latent_dim = 1

[[models]]
oracle = "constant"

[claims.theorem-1]

[measure]
samples = 1000
draws = 1000
"""
TRAINED = """
manifold = "circle"
latent_dim = 1

[train]
architecture = "mlp:hidden=[16]"
recipe = "quick"
restarts = 2
points = 64
batch_size = 32
checkpoint_interval = 0.0

[claims.theorem-1]

[measure]
samples = 1000
draws = 1000
enclosure_seconds = 0.2
"""
ANSI = re.compile(r"\x1b\[")


@pytest.fixture
def plan(tmp_path: Path) -> str:
    """A plan that takes no time: the constant autoencoder on the circle, whose worst error is exactly the radius."""
    (tmp_path / "plan.toml").write_text(CONSTANT)
    return "plan.toml"


def one_paragraph(text: str) -> bool:
    """One line that begins with the program's name, and nothing else."""
    return text.startswith("aeverify: ") and text.count("\n") == 1 and "Traceback" not in text


@pytest.mark.parametrize("command", ["run", "width", "list", "explain", "replay"])
def test_help_of_every_command(cli: Callable[..., Any], command: str):
    """Each command says how it is used."""
    finished = cli(command, "--help")
    assert finished.exit_code == 0
    assert finished.stdout.startswith(f"Usage: aeverify {command} ")


def test_no_command_shows_help_as_a_usage_error(cli: Callable[..., Any]):
    """`aeverify` alone is a mistake that the help mends."""
    finished = cli()
    assert finished.exit_code == 2
    assert "Usage: aeverify" in finished.stderr


@pytest.mark.parametrize(
    ("arguments", "phrase"),
    [
        (["widht"], "Did you mean 'width'?"),
        (["width"], "Missing argument 'MANIFOLD'"),
        (["width", "circle"], "Missing option '--latent-dim'"),
        (["width", "circle", "--latent-dim", "one"], "'one' is not a valid integer"),
        (["width", "circle", "--latent-dim", "0"], "positive integer"),
        (["width", "circle:ambient_dim=2", "--latent-dim", "3"], "larger than the data dimension"),
        (["width", "elipse:a=3,b=2", "--latent-dim", "1"], "did you mean 'ellipse'"),
        (["width", "ellipse:a=0,b=2", "--latent-dim", "1"], "positive"),
        (["width", "ellipse:a=nan,b=2", "--latent-dim", "1"], "not a finite number"),
        (["width", "circle:", "--latent-dim", "1"], "parameters are missing"),
        (["explain", "theorem-9"], "did you mean 'theorem-"),
        (["list", "models"], "'models' is not one of"),
        (["run", "missing.toml"], "There is no plan file"),
        (["run", "--format", "yaml"], "'yaml' is not one of"),
        (["run", "--device", "tpu"], "'tpu' is not one of"),
        (["run", "--seed", "-1"], "-1 is not in the range 0<=x"),
        (["run", "--recipe", "papper", "--out", "x"], "did you mean 'paper'?"),
        (["replay", "missing"], "missing"),
        (["run", "--restart", "3"], "Did you mean"),
    ],
)
def test_wrong_input_is_one_paragraph_and_exit_code_2(cli: Callable[..., Any], arguments: list[str], phrase: str):
    """A mistake of the caller is answered with what is wrong, never with a traceback."""
    finished = cli(*arguments)
    assert (finished.exit_code, finished.stdout) == (2, "")
    assert one_paragraph(finished.stderr), finished.stderr
    assert phrase in finished.stderr


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("latent_dim = 1", "manifold"),
        (CONSTANT.replace("latent_dim = 1", "latent_dim = 0"), "latent_dim"),
        (CONSTANT.replace("latent_dim = 1", "latent_dim = 9"), "larger than the data dimension"),
        (CONSTANT.replace('"circle"', '"cirlce"'), "did you mean 'circle'"),
        (CONSTANT.replace("theorem-1", "theorem-11"), "did you mean"),
        (CONSTANT.replace('oracle = "constant"', 'file = "gone.safetensors"'), "gone.safetensors"),
        (CONSTANT + "\nspeling = 1\n", "unknown key"),
        ("manifold = ", "not TOML"),
        (TRAINED.replace("batch_size = 32", "batch_size = 65"), "larger than the 64 training points"),
        (TRAINED.replace("batch_size = 32", "epochs = 0"), "train.epochs"),
        (TRAINED.replace("batch_size = 32", "learning_rate = -0.1"), "train.learning_rate"),
        (TRAINED.replace("batch_size", "batchsize"), "unknown key; valid here: architecture, batch_share, batch_size"),
    ],
)
def test_wrong_plan_is_one_paragraph_and_exit_code_2(cli: Callable[..., Any], tmp_path: Path, text: str, phrase: str):
    """A mistake in a plan is named with its place."""
    (tmp_path / "plan.toml").write_text(text)
    finished = cli("run", "plan.toml", "--quiet")
    assert (finished.exit_code, finished.stdout) == (2, "")
    assert one_paragraph(finished.stderr), finished.stderr
    assert phrase in finished.stderr


def test_truncated_model_file_is_a_usage_error(cli: Callable[..., Any], tmp_path: Path):
    """A model file that ends too early is named as such."""
    (tmp_path / "cut.safetensors").write_bytes(b"\x10\x00\x00\x00\x00\x00\x00\x00{")
    (tmp_path / "plan.toml").write_text(CONSTANT.replace('oracle = "constant"', 'file = "cut.safetensors"'))
    finished = cli("run", "plan.toml", "--quiet")
    assert finished.exit_code == 2
    assert one_paragraph(finished.stderr), finished.stderr
    assert "cut.safetensors" in finished.stderr


def test_unwritable_output_folder_is_found_before_the_work(cli: Callable[..., Any], plan: str, tmp_path: Path):
    """A folder that cannot be made is a usage error, before any model is trained."""
    (tmp_path / "taken").write_text("a file, not a folder")
    finished = cli("run", plan, "--out", "taken/report")
    assert (finished.exit_code, finished.stdout) == (2, "")
    assert one_paragraph(finished.stderr), finished.stderr
    assert "Choose another with --out" in finished.stderr


def test_width_of_the_two_circles_is_exactly_one(cli: Callable[..., Any]):
    """The two circles have width 1 for a code of one number, with the proof."""
    finished = cli("width", "two_circles", "--latent-dim", "1")
    assert finished.exit_code == 0
    assert finished.stdout.startswith("w_1(two_circles) = 1 exactly   (EXACT)")
    assert "Proof." in finished.stdout


def test_width_of_the_ellipse_and_what_reach_alone_gives(cli: Callable[..., Any]):
    """Antipodes give the exact width 2 of the ellipse with semi-axes 3 and 2, where the reach gives 4/3."""
    document = json.loads(cli("width", "ellipse:a=3,b=2", "--latent-dim", "1", "--format", "json").stdout)
    by_name = {e["details"]["name"]: e["interval"] for e in document["lower_bounds"]}
    assert document["interval"] == {"lower": 2.0, "upper": 2.0}
    assert by_name["antipodes"] == {"lower": 2.0, "upper": "inf"}
    assert by_name["reach"]["lower"] == pytest.approx(4 / 3, abs=1e-12)
    assert by_name["reach"]["lower"] <= 4 / 3
    assert "1.33333" in cli("width", "ellipse:a=3,b=2", "--latent-dim", "1").stdout


def test_width_explain_gives_every_proof(cli: Callable[..., Any]):
    """`--explain` shows a proof for each bound, not only for the best two."""
    short = cli("width", "ellipse:a=3,b=2", "-m", "1").stdout
    full = cli("width", "ellipse:a=3,b=2", "-m", "1", "--explain").stdout
    bounds = len(re.findall(r"\((?:EXACT|CERTIFIED)\)$", full, re.M)) - 1
    assert (short.count("Proof."), full.count("Proof.")) == (2, bounds)


@pytest.mark.parametrize("kind", KINDS)
def test_list_names_every_entry(cli: Callable[..., Any], kind: str):
    """Terminal and JSON list the same names, each with a sentence, within 100 columns."""
    document = json.loads(cli("list", kind, "--format", "json").stdout)
    text = cli("list", kind).stdout
    assert document["kind"] == kind
    assert document["entries"]
    for entry in document["entries"]:
        assert entry["summary"]
        assert re.search(rf"^{re.escape(entry['name'])}\s", text, re.M)
    assert max(map(len, text.splitlines())) <= 100


def test_explain_every_claim(cli: Callable[..., Any]):
    """Each claim is explained with its statement, its source and its parameters, within 100 columns."""
    for entry in json.loads(cli("list", "claims", "--format", "json").stdout)["entries"]:
        document = json.loads(cli("explain", entry["name"], "--format", "json").stdout)
        text = cli("explain", entry["name"]).stdout
        assert document["statement"].split()[0] in text
        assert set(document["parameters"]) == set(entry["parameters"])
        assert all(f"{name}:" in text for name in entry["parameters"])
        assert max(map(len, text.splitlines())) <= 100


def test_run_writes_every_format_and_prints_the_table(cli: Callable[..., Any], plan: str, tmp_path: Path):
    """stdout has the verdicts in 100 columns; the folder is named after the plan and has four files."""
    finished = cli("run", plan)
    assert finished.exit_code == 0
    assert "theorem-1" in finished.stdout
    assert max(map(len, finished.stdout.splitlines())) <= 100
    assert "Report: reports/plan/report.html" in finished.stderr
    written = {p.name for p in (tmp_path / "reports/plan").iterdir()}
    assert {"report.json", "junit.xml", "report.md", "report.html"} <= written


def test_run_prints_one_json_document(cli: Callable[..., Any], plan: str):
    """`--format json` is one document, the same as the file but for nothing, and stderr stays empty with --quiet."""
    finished = cli("run", plan, "--format", "json", "--quiet", "--out", "here", "--seed", "7")
    document = json.loads(finished.stdout)
    assert finished.stderr == ""
    assert document == json.loads(Path("here/report.json").read_text())
    assert document["provenance"]["root_seed"] == 7
    assert document["provenance"]["command"].startswith("aeverify run plan.toml --format json")
    interval = document["verdicts"][0]["evidence"]["interval"]
    assert 1.0 in Interval.from_dict(interval)


@pytest.mark.parametrize(("form", "start"), [("markdown", "# "), ("junit", "<?xml")])
def test_run_prints_other_formats(cli: Callable[..., Any], plan: str, form: str, start: str):
    """Markdown and JUnit go to stdout too."""
    assert cli("run", plan, "--quiet", "--format", form).stdout.startswith(start)


def test_allow_inconclusive_opens_an_undecided_gate(cli: Callable[..., Any], tmp_path: Path):
    """A VACUOUS claim exits 4, or 0 where the caller allows it."""
    vacuous = CONSTANT.replace('"circle"', '"spiral"')
    (tmp_path / "plan.toml").write_text(vacuous)
    assert cli("run", "plan.toml", "--quiet").exit_code == 4
    assert cli("run", "plan.toml", "--quiet", "--allow-inconclusive").exit_code == 0


def test_restarts_need_a_plan_that_trains(cli: Callable[..., Any], plan: str):
    """A plan of given models has nothing to restart."""
    finished = cli("run", plan, "--restarts", "2")
    assert finished.exit_code == 2
    assert "[train]" in finished.stderr


def test_replay_reproduces_the_witness(cli: Callable[..., Any], plan: str):
    """The witness of a report gives the same numbers again; of another claim there is nothing to replay."""
    cli("run", plan, "--quiet", "--out", "here")
    finished = cli("replay", "here", "theorem-1")
    assert (finished.exit_code, finished.stdout.split()[0]) == (0, "REPRODUCED")
    document = json.loads(cli("replay", "here/report.json", "--format", "json").stdout)
    assert [r["status"] for r in document["results"]] == ["REPRODUCED"]


def test_replay_of_an_unknown_claim_is_a_usage_error(cli: Callable[..., Any], plan: str):
    """A mistyped claim is not silently nothing."""
    cli("run", plan, "--quiet", "--out", "here")
    assert cli("replay", "here", "theorem-9").exit_code == 2


def test_internal_error_is_a_short_message(cli: Callable[..., Any], plan: str, monkeypatch: pytest.MonkeyPatch):
    """A bug of ours exits 3 and says how to report it; the traceback comes with --debug only."""
    from aeverify import pipeline

    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("float division by zero")

    monkeypatch.setattr(pipeline, "run", broken)
    finished = cli("run", plan, "--quiet")
    assert (finished.exit_code, finished.stdout) == (3, "")
    assert one_paragraph(finished.stderr), finished.stderr
    assert "ZeroDivisionError" in finished.stderr
    assert "--debug" in finished.stderr
    assert "Traceback" in cli("run", plan, "--quiet", "--debug").stderr


def test_interrupt_outside_a_run_exits_130(cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch):
    """Ctrl-C is no crash."""
    from aeverify import widths

    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(widths, "bounds", interrupted)
    finished = cli("width", "circle", "-m", "1")
    assert (finished.exit_code, finished.stderr.strip()) == (130, "aeverify: interrupted.")


def test_no_colour_where_none_is_wanted(cli: Callable[..., Any], plan: str, monkeypatch: pytest.MonkeyPatch):
    """NO_COLOR leaves no escape sequence in the output."""
    monkeypatch.setenv("NO_COLOR", "1")
    assert not ANSI.search(cli("run", plan).stdout)


def started(tmp_path: Path, *arguments: str) -> subprocess.Popen[str]:
    """A process of the command line that can be interrupted and whose pipes can be closed."""
    return subprocess.Popen(
        [sys.executable, "-m", "aeverify", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])},
    )


def test_closed_pipe_does_not_change_the_exit_code(tmp_path: Path, plan: str):
    """A reader that goes away early neither crashes the command nor closes or opens the gate."""
    with started(tmp_path, "run", plan, "--quiet") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert (process.stderr.read(), process.wait(timeout=120)) == ("", 0)


def test_a_killed_run_is_resumed_to_the_same_models(cli: Callable[..., Any], tmp_path: Path):
    """SIGKILL in mid-training: `--resume` goes on from the checkpoints and ends as if nothing had happened."""
    (tmp_path / "plan.toml").write_text(TRAINED.replace("restarts = 2", "restarts = 1\nepochs = 3000"))
    with started(tmp_path, "run", "plan.toml", "--quiet", "--out", "cut", "--events", "cut.jsonl") as process:
        while not any((tmp_path / "cut/checkpoints").glob("*.checkpoint")) and process.poll() is None:
            time.sleep(0.01)
        process.kill()
    assert process.returncode == -signal.SIGKILL
    assert not (tmp_path / "cut/report.json").exists()
    cli("run", "plan.toml", "--quiet", "--out", "cut", "--events", "cut.jsonl", "--resume")
    cli("run", "plan.toml", "--quiet", "--out", "whole")
    cut, whole = (json.loads((tmp_path / name / "report.json").read_text()) for name in ("cut", "whole"))
    assert [m["hash"] for m in cut["models"]] == [m["hash"] for m in whole["models"]]
    begun = [e["done"] for e in lines(tmp_path / "cut.jsonl") if e["kind"] == "StageStarted" and e["stage"][-1] == "0"]
    assert begun[0] == 0 < begun[1] < 3000
    assert not (tmp_path / "cut/checkpoints").exists()


def lines(path: Path) -> list[dict[str, Any]]:
    """The objects of a file of JSON lines; the last one may have been cut off."""
    found = []
    for line in path.read_text().splitlines():
        try:
            found.append(json.loads(line))
        except json.JSONDecodeError:
            continue
    return found


def test_a_run_can_be_watched(cli: Callable[..., Any], tmp_path: Path):
    """`--events` writes every event as a line of JSON: stages, progress with the loss, verdicts."""
    (tmp_path / "plan.toml").write_text(TRAINED)
    cli("run", "plan.toml", "--quiet", "--events", "events.jsonl")
    heard = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    kinds = [event["kind"] for event in heard]
    assert kinds[0] == "RunStarted"
    assert {"StageStarted", "Progress", "StageFinished", "VerdictReached"} <= set(kinds)
    losses = [e["figures"]["loss"] for e in heard if e["kind"] == "Progress" and e["stage"] == "train restart 1"]
    assert losses and all(loss > 0 for loss in losses)


def test_an_events_file_that_cannot_be_written_is_a_usage_error(cli: Callable[..., Any], plan: str):
    """Its folder is not there."""
    finished = cli("run", plan, "--events", "gone/events.jsonl")
    assert (finished.exit_code, finished.stdout) == (2, "")
    assert one_paragraph(finished.stderr), finished.stderr
    assert "Choose another with --events" in finished.stderr


def test_a_device_that_is_not_there_is_a_usage_error(cli: Callable[..., Any], tmp_path: Path):
    """CUDA without CUDA."""
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device here")
    (tmp_path / "plan.toml").write_text(TRAINED)
    finished = cli("run", "plan.toml", "--device", "cuda", "--quiet")
    assert (finished.exit_code, finished.stdout) == (2, "")
    assert "torch sees none" in finished.stderr


def test_interrupt_in_training_reports_what_was_finished(tmp_path: Path):
    """Ctrl-C in mid-training writes the partial report, prints it and exits 130."""
    arguments = ("run", "--recipe", "paper", "--restarts", "2", "--out", "here", "--format", "json")
    with started(tmp_path, *arguments) as process:
        assert process.stderr is not None
        next(line for line in process.stderr if line.startswith("train"))
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        stdout, _ = process.communicate(timeout=120)
    document = json.loads(stdout)
    assert (process.returncode, document["exit_code"]) == (130, 130)
    assert document["interrupted"].startswith("train")
    assert document == json.loads((tmp_path / "here/report.json").read_text())

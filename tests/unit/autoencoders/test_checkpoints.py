from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aeverify.autoencoders.checkpoints import Checkpoints
from aeverify.autoencoders.engines.state import ModelState, Status
from aeverify.errors import ModelFileError, UsageError

IDENTITY: dict[str, Any] = {"architecture": "mlp:hidden=[4]", "seeds": ["0/a"]}


def state(step: int) -> ModelState:
    """A state that is told from others by its step."""
    rng = np.random.default_rng(step)
    return ModelState(
        rng.normal(size=7).astype(np.float32),
        rng.normal(size=(2, 7)).astype(np.float32),
        {"0.running_mean": rng.normal(size=3), "0.count": np.array(step)},
        step=step,
        status=Status.STOPPED,
        epoch_loss=0.1 * step,
        epochs=[1, 2],
        losses=[1.0, 0.1],
    )


def same(a: ModelState, b: ModelState) -> bool:
    """Every field, to the last bit."""
    arrays = [(a.weights, b.weights), (a.moments, b.moments), *((a.buffers[k], b.buffers[k]) for k in a.buffers)]
    plain = [
        (s.step, s.status, s.epoch_loss, s.epochs, s.losses, s.best, s.best_epoch, s.seconds, set(s.buffers))
        for s in (a, b)
    ]
    return plain[0] == plain[1] and all(x.tobytes() == y.tobytes() and x.dtype == y.dtype for x, y in arrays)


@pytest.fixture
def written(tmp_path: Path) -> tuple[Checkpoints, list[Path]]:
    """A folder with the states of the steps 1, 2 and 3; the last two have files, older first."""
    checkpoints = Checkpoints(tmp_path / "new" / "folder")
    for step in (1, 2, 3):
        checkpoints.save("group", IDENTITY, [state(step), state(step + 10)])
    files = sorted((tmp_path / "new" / "folder").iterdir(), key=lambda p: p.stat().st_mtime_ns)
    return checkpoints, files


def load(files: list[Path], identity: dict[str, Any] = IDENTITY) -> list[ModelState] | None:
    return Checkpoints(files[0].parent).load("group", identity)


def test_states_come_back_to_the_last_bit(written: tuple[Checkpoints, list[Path]]) -> None:
    """The newest of two files, with all fields; a group without files has none."""
    checkpoints, files = written
    assert len(files) == 2
    found = load(files)
    assert found is not None and same(found[0], state(3)) and same(found[1], state(13))
    assert checkpoints.load("other", IDENTITY) is None


@pytest.mark.parametrize("damage", ["truncated", "empty", "flipped", "foreign"])
def test_a_damaged_file_is_replaced_by_the_one_before(written: tuple[Checkpoints, list[Path]], damage: str) -> None:
    """Whatever became of the newest file, the states of step 2 are found, and the next save is newer than both."""
    _, files = written
    content = files[1].read_bytes()
    middle = len(content) // 2
    changed = {
        "truncated": content[:middle],
        "empty": b"",
        "flipped": content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :],
        "foreign": b"PK\x03\x04" + content,
    }
    files[1].write_bytes(changed[damage])
    found = load(files)
    assert found is not None and same(found[0], state(2))
    again = Checkpoints(files[0].parent)
    again.load("group", IDENTITY)
    again.save("group", IDENTITY, [state(4)])
    newest = load(files)
    assert newest is not None and same(newest[0], state(4))


def test_a_file_that_was_half_written_is_not_looked_at(written: tuple[Checkpoints, list[Path]]) -> None:
    """A kill during a save leaves a partial file beside the whole ones."""
    _, files = written
    files[0].with_suffix(".123.partial").write_bytes(files[1].read_bytes()[:100])
    found = load(files)
    assert found is not None and same(found[0], state(3))


def test_two_damaged_files_are_an_error(written: tuple[Checkpoints, list[Path]]) -> None:
    """Training does not silently start again where there was something."""
    _, files = written
    for file in files:
        file.write_bytes(b"nothing")
    with pytest.raises(ModelFileError, match="Remove them to train from the start"):
        load(files)


@pytest.mark.parametrize(("key", "value"), [("architecture", "mlp:hidden=[5]"), ("seeds", ["0/b"])])
def test_a_checkpoint_of_other_models_is_refused(
    written: tuple[Checkpoints, list[Path]], key: str, value: object
) -> None:
    """The message names what differs and both values."""
    with pytest.raises(UsageError, match=rf"another {key}: .*this run has .*"):
        load(written[1], {**IDENTITY, key: value})


def test_a_folder_that_cannot_be_is_refused(tmp_path: Path) -> None:
    """A file stands where the folder should."""
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be made"):
        Checkpoints(tmp_path / "file")


def test_a_save_that_fails_leaves_the_one_before(written: tuple[Checkpoints, list[Path]], tmp_path: Path) -> None:
    """A folder that went away is an error that says so, not a traceback."""
    checkpoints, files = written
    for file in files:
        file.unlink()
    files[0].parent.rmdir()
    with pytest.raises(UsageError, match="cannot be written"):
        checkpoints.save("group", IDENTITY, [state(5)])

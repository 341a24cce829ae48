"""Writing: a report folder changes in one step, or not at all.

All formats are rendered first. The new folder is built beside the old one: the files of the report, and of everything
else in the old folder (models, checkpoints, pictures) a second name for the same file. Then the two folders change
places in one step of the file system, and the old one is removed. Killed at any moment, the folder is the old one or
the complete new one; what may be left is a hidden folder beside it, which a later report sweeps away.

Where folders cannot change places (a file system or platform that does not have it, a working directory inside the
folder, a mount point), each file is moved onto its name in one step, report.json last: then every single file is whole,
and a kill within these few milliseconds can leave files of two reports side by side.
"""

from __future__ import annotations

import ctypes
import errno
import os
import secrets
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

_EXCHANGE = 2
_HERE = -100
_OLD = 600.0
"""Seconds after which a folder that was left behind is taken for one whose writer is dead."""


def write_folder(target: Path, files: Mapping[str, str]) -> list[Path]:
    """Write the files into a folder, which is made where it is missing, in one step; what else is in it stays.

    Returns:
        The paths, in the order given.

    Raises:
        OSError, ValueError: the folder cannot be made or written, or the disk is full; nothing has changed then.
    """
    target = Path(os.path.realpath(target))
    for name in files:
        if (target / name).is_dir():
            raise IsADirectoryError(errno.EISDIR, "there is a folder of that name", str(target / name))
    target.parent.mkdir(parents=True, exist_ok=True)
    staging = target.with_name(f".{target.name}.{secrets.token_hex(6)}.aeverify")
    if _can_stage(target):
        try:
            _sweep(target)
            _staged(target, staging, files)
            return [target / name for name in files]
        except _NoExchange:
            pass
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    target.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        replace_file(target / name, text)
    return [target / name for name in files]


def replace_file(path: Path, text: str, *, replace: bool = True) -> None:
    """Write a text file in one step; without `replace` an existing one is left and FileExistsError is raised.

    Raises:
        OSError, ValueError: it cannot be written; nothing has changed then.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}.tmp")
    try:
        _write(temporary, text)
        if replace:
            os.replace(temporary, path)
        else:
            os.link(temporary, path)
            temporary.unlink()
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


class _NoExchange(Exception):
    """Two folders cannot change places here."""


def _can_stage(target: Path) -> bool:
    """Whether the folder may be replaced by another: it is not where somebody stands, and its parent is writable."""
    try:
        here = Path(os.path.realpath(os.getcwd()))
    except OSError:
        return False
    if here.is_relative_to(target) or os.path.ismount(target):
        return False
    return os.access(target.parent, os.W_OK | os.X_OK)


def _staged(target: Path, staging: Path, files: Mapping[str, str]) -> None:
    staging.mkdir()
    exists = target.is_dir()
    if exists:
        _link_all(target, staging, set(files))
        shutil.copystat(target, staging)
    for name, text in files.items():
        _write(staging / name, text)
    _sync_folder(staging)
    if exists:
        _exchange(staging, target)
    else:
        os.rename(staging, target)
    _sync_folder(target.parent)


def _link_all(source: Path, target: Path, without: set[str]) -> None:
    """Give everything in a folder a second name in another; `without` names what is left out at the top."""
    try:
        for entry in os.scandir(source):
            if entry.name in without:
                continue
            inner = target / entry.name
            if entry.is_dir(follow_symlinks=False):
                inner.mkdir()
                _link_all(Path(entry.path), inner, set())
                shutil.copystat(entry.path, inner)
            elif entry.is_symlink():
                os.symlink(os.readlink(entry.path), inner)
            else:
                os.link(entry.path, inner, follow_symlinks=False)
    except OSError as error:
        raise _NoExchange from error


def _write(path: Path, text: str) -> None:
    # "x" refuses to follow a link that somebody put there; the mode is what the umask allows.
    with path.open("x", encoding="utf-8", newline="\n") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())


def _sync_folder(folder: Path) -> None:
    """Make the names in a folder last through a loss of power, where the system can."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    except OSError:
        return
    finally:
        os.close(handle)


def _exchange(first: Path, second: Path) -> None:
    """Two folders change places in one step."""
    function = _renamer()
    if function is None or function(os.fsencode(first), os.fsencode(second)) != 0:
        raise _NoExchange


def _renamer() -> Callable[[bytes, bytes], int] | None:
    """The C library's function for it; None where there is none."""
    if sys.platform == "win32":
        return None
    library = ctypes.CDLL(None, use_errno=True)
    if sys.platform == "darwin":
        swap = getattr(library, "renamex_np", None)
        return None if swap is None else lambda a, b: int(swap(a, b, _EXCHANGE))
    rename = getattr(library, "renameat2", None)
    return None if rename is None else lambda a, b: int(rename(_HERE, a, _HERE, b, _EXCHANGE))


def _sweep(target: Path) -> None:
    """Remove what dead writers left beside the folder."""
    for left in target.parent.glob(f".{_quoted(target.name)}.*.aeverify"):
        try:
            if time.time() - left.stat().st_mtime > _OLD:
                shutil.rmtree(left, ignore_errors=True)
        except OSError:
            continue


def _quoted(name: str) -> str:
    return "".join(f"[{c}]" if c in "*?[" else c for c in name)

"""The pages that are written by a command are what the command writes."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

from aeverify.manifolds import MANIFOLDS, manifold

DOCS = Path(__file__).resolve().parents[2] / "docs"


def script(name: str) -> ModuleType:
    """A script of the docs as a module."""
    spec = importlib.util.spec_from_file_location(f"docs_{name}", DOCS / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_table_of_manifolds_is_current():
    """docs/manifolds.md is what `python docs/manifolds.py` writes."""
    assert (DOCS / "manifolds.md").read_text(encoding="utf-8") == script("manifolds").render()


def test_the_table_of_kinds_is_current():
    """The first table of docs/kinds.md is what `python docs/kinds.py` writes, and every spec of the last one is trained
    there."""
    kinds, page = script("kinds"), (DOCS / "kinds.md").read_text(encoding="utf-8")
    assert kinds.described() in page
    assert re.findall(r"^\| `([a-z]+:[^`]+)` \|", page, re.MULTILINE) == list(kinds.SPECS)


def test_the_gallery_shows_every_family_once():
    """One picture a family, none of a family that is gone, each small and shown on the page."""
    page = (DOCS / "gallery.md").read_text(encoding="utf-8")
    files = sorted((DOCS / "gallery").glob("*.svg"))
    assert [f.stem for f in files] == sorted(MANIFOLDS)
    assert re.findall(r"\(gallery/(\w+)\.svg\)", page) == sorted(MANIFOLDS)
    assert max(f.stat().st_size for f in files) < 60_000


def test_pictures_are_what_the_command_draws():
    """A curve and a surface, drawn again, are the files."""
    gallery = script("gallery")
    for name in ("circle", "torus"):
        picture, _ = gallery.draw(manifold(MANIFOLDS[name].examples[0]))
        assert (DOCS / "gallery" / f"{name}.svg").read_text(encoding="utf-8") == picture

from __future__ import annotations

import pytest

import aeverify


@pytest.mark.parametrize("name", aeverify.__all__)
def test_every_public_name_is_there(name: str):
    """Each name of `__all__` loads from where it is said to live."""
    assert getattr(aeverify, name) is not None


def test_unknown_name_is_an_attribute_error():
    """A mistyped name raises what Python raises for any module."""
    with pytest.raises(AttributeError, match="has no attribute 'manifodl'"):
        aeverify.manifodl  # noqa: B018


def test_dir_shows_names_that_are_not_loaded_yet():
    """Completion sees every public name."""
    assert set(aeverify.__all__) <= set(dir(aeverify))

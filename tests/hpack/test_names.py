"""The names of `fasth2.hpack` are hpack's."""
import importlib

import hpack
import pytest

import fasth2.hpack


@pytest.mark.parametrize("name", fasth2.hpack.__all__)
def test_hpack_has_it_too(name):
    ours, theirs = getattr(fasth2.hpack, name), getattr(hpack, name)
    assert ours.__name__ == theirs.__name__
    assert issubclass(ours, BaseException) == issubclass(theirs, BaseException)


def test_it_is_imported_as_a_module():
    assert importlib.import_module("fasth2.hpack").Encoder().encode([(b":method", b"GET")]) == b"\x82"

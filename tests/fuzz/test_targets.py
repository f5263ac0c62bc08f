"""A short pass of the fuzz targets: the committed inputs, and others near them, on whatever build is tested."""
from __future__ import annotations

import os
import types

import fuzz.peer
import fuzz.targets.facade
import fuzz.targets.frames
import fuzz.targets.hpack_encoder
import fuzz.targets.two_connections
import hpack
import pytest
from fuzz import corpora, replay
from fuzz.windows import Windows

from tests.support import frames
from tests.support.long_runs import SLOW
from tests.support.paths import ROOT

#: Inputs beside the committed ones, so many that no target takes longer than two seconds.
NEAR = {
    "agreement_client": 60, "agreement_server": 60, "connection_client": 800, "connection_server": 800, "facade": 500, "frames": 600,
    "hpack_decoder": 2500, "hpack_encoder": 400, "server_protocol": 200, "two_connections": 20,
}
FEWER = 4 if os.environ.get("FASTH2_SANITIZE") else 1


@pytest.mark.parametrize("target", corpora.TARGETS)
def test_the_invariants_hold_for_the_corpus_and_near_it(target):
    inputs = corpora.read(target)
    play = replay.target_of(target)
    for data in [*inputs, *replay.changed(inputs, NEAR[target] * (10 if SLOW else 1) // FEWER, seed=1)]:
        play(data)


@pytest.mark.parametrize("target", corpora.TARGETS)
def test_a_corpus_is_small(target):
    inputs = corpora.read(target)
    assert 10 <= len(inputs) <= corpora.MOST_INPUTS
    assert max(map(len, inputs)) <= corpora.MOST_OCTETS
    assert len(set(inputs)) == len(inputs)


def test_each_target_is_described_and_measured():
    """fuzz/README.md has what each one checks, and how far it got."""
    text = (ROOT / "fuzz" / "README.md").read_text()
    for target in corpora.TARGETS:
        assert text.count(f"| `{target}` |") == 2, target


def fails(target: str) -> bool:
    """Return True if a committed input finds a fault."""
    for data in corpora.read(target):
        try:
            replay.target_of(target)(data)
        except (AssertionError, hpack.HPACKError):
            return True
    return False


def _received_but_for_updates(self, frame, received=Windows.received):
    if frame.type != frames.WINDOW_UPDATE:
        received(self, frame)


#: What is changed: a model, or one of two that are compared, so that it stands for a fault of the other.
PLANTED = [
    ("agreement_client", "tests.oracle.pair.Pair", "state", lambda self, connection, stream_ids: {"": id(connection)}),
    ("agreement_server", "tests.oracle.pair.Pair", "state", lambda self, connection, stream_ids: {"": id(connection)}),
    ("connection_client", Windows, "received", _received_but_for_updates),
    ("connection_server", Windows, "received", _received_but_for_updates),
    ("connection_server", fuzz.peer.hpack, "Encoder", lambda Encoder=hpack.Encoder: types.SimpleNamespace(
        encode=Encoder().encode, header_table_size=4096, header_table=hpack.table.HeaderTable())),
    ("facade", fuzz.targets.facade, "content", lambda frame: b""),
    ("frames", fuzz.targets.frames, "describe_all", id),
    ("hpack_decoder", hpack.Decoder, "decode", lambda self, block, raw=False: []),
    ("hpack_encoder", fuzz.targets.hpack_encoder, "Encoder", hpack.Encoder),
    ("server_protocol", Windows, "received", _received_but_for_updates),
    ("two_connections", fuzz.targets.two_connections.Talk, "damage", lambda self, sender: setattr(sender, "wire", sender.wire[1:])),
]


@pytest.mark.parametrize("target, where, name, wrong", PLANTED)
def test_a_fault_is_noticed(monkeypatch, target, where, name, wrong):
    if isinstance(where, str):
        monkeypatch.setattr(f"{where}.{name}", wrong)
    else:
        monkeypatch.setattr(where, name, wrong)
    assert fails(target)


def test_every_target_notices_one():
    assert {plant[0] for plant in PLANTED} == set(corpora.TARGETS)

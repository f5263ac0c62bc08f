"""L5: PING and SETTINGS acknowledgements that wait to be sent, 1000 (Ping Flood, Settings Flood)."""
import pytest

from tests.support import frames

from .flood import Victim, both_modes, many

floods = pytest.mark.parametrize("frame", [frames.ping(b"flooding"), frames.settings()], ids=["ping", "settings"])


@both_modes
@floods
def test_a_peer_that_reads_nothing_is_ended(frame, rfc_errors):
    """The thousand-and-first acknowledgement."""
    victim = Victim(rfc_errors)
    victim.endures(many(frame, 1000), drain=False)
    victim.crosses(frame, "ack_backlog")


@both_modes
def test_both_kinds_count_together(rfc_errors):
    """500 of each."""
    victim = Victim(rfc_errors)
    victim.endures(many(frames.ping(), 500), many(frames.settings(), 500), drain=False)
    victim.crosses(frames.ping(), "ack_backlog")


@both_modes
@floods
def test_a_peer_that_reads_is_not_ended(frame, rfc_errors):
    """Nine tenths, read, and again: every acknowledgement in order."""
    victim = Victim(rfc_errors)
    for n in range(8):
        victim.clock.now += 60
        opaque = n.to_bytes(8, "big")
        one = frames.ping(opaque) if frame.type == frames.PING else frame
        victim.endures(many(one, 900), drain=False)
        sent = victim.output()
        assert len(sent) == 900
        assert {(ack.kind, ack.ack) for ack in sent} == {("PING" if frame.type == frames.PING else "SETTINGS", True)}
        if frame.type == frames.PING:
            assert {ack.opaque for ack in sent} == {opaque}
    assert victim.connection.counters == {}


@both_modes
def test_reading_a_part_of_the_output_makes_room_for_a_part(rfc_errors):
    """What is still waiting counts, what is gone doesn't."""
    victim = Victim(rfc_errors)
    victim.endures(many(frames.ping(), 1000), drain=False)
    victim.reader.read(victim.connection.data_to_send(17 * 1000))
    victim.endures(many(frames.ping(), 1000), drain=False)
    victim.crosses(frames.ping(), "ack_backlog")


@both_modes
def test_acknowledgements_received_provoke_nothing(rfc_errors):
    """PING and SETTINGS with ACK are not answered."""
    victim = Victim(rfc_errors)
    victim.endures(many(frames.ping(ack=True), 3000), many(frames.settings_ack(), 3000), drain=False)
    assert victim.connection.data_to_send() == b""
    assert victim.connection.counters == {}


@both_modes
@floods
def test_none_switches_it_off(frame, rfc_errors):
    """The backstop for control octets (L6) is then the next."""
    victim = Victim(rfc_errors, ack_backlog=None, control_backlog=None)
    victim.endures(many(frame, 5000), drain=False)
    assert len(victim.output()) == 5000


@both_modes
def test_the_setting_limits_the_backlog_of_acknowledgements(rfc_errors):
    """Ten."""
    victim = Victim(rfc_errors, ack_backlog=10)
    victim.endures(many(frames.ping(), 10), drain=False)
    victim.crosses(frames.ping(), "ack_backlog")

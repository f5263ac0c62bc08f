"""The order in which ``pull`` sends queued bodies: RFC 9218's urgency, then incremental (section 10)."""
import random

import pytest

from tests.support import frames
from tests.support.fields import request

from .responding import Peer

FRAME = 16384
LARGE = 3 * FRAME


def peer_with(requests, **options):
    """A server whose windows are wide, and requests with these priority fields (None: no field)."""
    peer = Peer(window=2**24, **options)
    peer.feed(frames.window_update(0, 2**24), *asked(requests))
    return peer


def asked(requests):
    """Requests from a dict of stream to the value of its priority field, or to several values."""
    for stream_id, values in requests.items():
        values = [] if values is None else [values] if isinstance(values, str) else values
        yield request(stream_id, *(("priority", value) for value in values))


def answered(peer, sizes, headers_out=True):
    """Answer streams with bodies of so many octets; their headers are out, or wait too."""
    for stream_id in sizes:
        peer.connection.respond(stream_id, 200, [], end_stream=False)
    if headers_out:
        peer.output()
    for stream_id, size in sizes.items():
        peer.connection.write(stream_id, b"%d" % (stream_id % 10) * size, end_stream=True)


def order(sent):
    """The streams of the DATA frames."""
    return [one.stream_id for one in sent if one.kind == "DATA"]


def order_of(requests, sizes=None):
    """The order in which answers to such requests are sent."""
    peer = peer_with(requests)
    answered(peer, dict.fromkeys(requests, LARGE) if sizes is None else dict(zip(requests, sizes)))
    return order(peer.output())


def test_the_lowest_urgency_is_sent_first():
    """"sending higher urgency responses before lower urgency responses"; without a field it is 3."""
    requests = {1: "u=7", 3: "u=4", 5: "u=0", 7: None, 9: "u=2"}
    assert order_of(requests) == [5] * 3 + [9] * 3 + [7] * 3 + [3] * 3 + [1] * 3


@pytest.mark.parametrize("value", ["u=3", "u=3, i=?0", "", "x", "u=5"])
def test_what_is_not_incremental_is_sent_one_by_one(value):
    """"Non-incremental responses of the same urgency SHOULD be served by prioritizing bandwidth allocation in ascending
    order of the stream ID".
    """
    requests = dict.fromkeys((1, 3, 5), value)
    peer = peer_with(requests)
    answered(peer, {5: LARGE, 1: LARGE, 3: LARGE})
    assert order(peer.output()) == [1] * 3 + [3] * 3 + [5] * 3


@pytest.mark.parametrize("value", ["i", "u=3, i", "u=1,i=?1", "i, u=7"])
def test_what_is_incremental_takes_turns(value):
    """"Incremental responses of the same urgency SHOULD be served by sharing bandwidth among them"."""
    assert order_of(dict.fromkeys((1, 3, 5), value)) == [1, 3, 5] * 3


def test_what_was_given_no_priority_takes_turns_too():
    """Clients that know nothing of priorities are served as before."""
    assert order_of({1: None, 3: None, 5: "i"}) == [1, 3, 5] * 3


def test_a_small_answer_goes_before_a_large_one_of_its_urgency():
    """Its rest fits one frame; one octet more, and it waits for its place."""
    requests = dict.fromkeys((1, 3, 5, 7), "u=3")
    assert order_of(requests, [LARGE, FRAME + 1, FRAME, 10]) == [5, 7, 1, 1, 1, 3, 3]


def test_the_peers_frame_size_says_what_is_small():
    """SETTINGS_MAX_FRAME_SIZE."""
    peer = peer_with({1: "u=3", 3: "u=3"})
    peer.feed(frames.settings((frames.MAX_FRAME_SIZE, 20000)))
    peer.reader.max_frame_size = 20000
    answered(peer, {1: 50000, 3: 20000})
    assert order(peer.output()) == [3, 1, 1, 1]


def test_a_small_part_of_an_answer_that_goes_on_does_not_go_first():
    """Nobody knows how large it is."""
    peer = peer_with({1: "u=3", 3: "u=3"})
    for stream_id, size in ((1, LARGE), (3, 10)):
        peer.connection.respond(stream_id, 200, [], end_stream=False)
        peer.connection.write(stream_id, b"x" * size)
    assert order(peer.output()) == [1] * 3 + [3]


def test_END_STREAM_and_trailers_are_sent_before_DATA():
    """They are small."""
    peer = peer_with({1: "u=3", 3: "u=3", 5: "u=3"})
    answered(peer, {1: LARGE})
    peer.connection.respond(3, 200, [], b"", end_stream=False)
    peer.connection.write(3, b"", end_stream=True)
    peer.connection.respond(5, 200, [], b"x" * 5000, trailers=[("a", "b")])
    sent = [(one.kind, one.stream_id) for one in peer.output()]
    assert sent == [("HEADERS", 3), ("HEADERS", 5), ("DATA", 3), ("DATA", 5), ("HEADERS", 5)] + [("DATA", 1)] * 3


def test_each_stream_has_its_turn_and_the_first_in_line_uses_those_of_its_line():
    """Large answers in line do not shut out those that take turns, nor the other way round."""
    requests = {1: None, 3: "u=3", 5: "u=3", 7: "i"}
    assert order_of(requests) == [1, 3, 3, 7, 1, 3, 5, 7, 1, 5, 7, 5]


@pytest.mark.parametrize("value", [None, "i", "u=3"])
def test_a_small_answer_waits_for_one_round_at_most(value):
    """Among downloads of its urgency, whatever they said."""
    requests = {1: None, 3: "i", 5: "u=3", 7: "u=3", 9: value}
    peer = peer_with(requests)
    answered(peer, {1: 50 * FRAME, 3: 50 * FRAME, 5: 50 * FRAME, 7: 50 * FRAME})
    peer.output(FRAME * 3)
    answered(peer, {9: 100}, headers_out=False)
    assert order(peer.output())[:5].count(9) == 1


def test_a_stream_whose_window_is_shut_holds_nobody_up():
    """Neither by its urgency nor by its place in line; and it goes first again when its window opens."""
    peer = Peer(window=10)
    peer.feed(frames.window_update(0, 2**24), *asked({1: "u=0", 3: "u=1", 5: "u=1"}),
              frames.window_update(5, 2**24))
    answered(peer, {1: LARGE, 3: LARGE, 5: 8 * FRAME})
    assert order(peer.output(2 * FRAME)) == [1, 3, 5, 5]
    peer.feed(frames.window_update(1, 5))
    assert order(peer.output(2 * FRAME))[0] == 1
    peer.feed(frames.window_update(3, 2**24), frames.window_update(1, 2**24))
    sent = order(peer.output())
    assert sent == sorted(sent)
    assert peer.connection.open_inbound_streams == 0


def test_a_shut_connection_lets_ends_and_trailers_through():
    """They need no window; the rest waits, and keeps its order."""
    peer = Peer(window=2**24)
    peer.feed(*asked({1: "u=0", 3: "u=1", 5: None}))
    answered(peer, {1: 65535 + 10})
    assert order(peer.output()) == [1] * 4
    for stream_id in (3, 5):
        peer.connection.respond(stream_id, 200, [], end_stream=False)
        peer.connection.write(stream_id, b"", end_stream=True)
    assert order(peer.output()) == [3, 5]
    assert peer.connection.pull() == b""
    peer.feed(frames.window_update(0, 10))
    assert order(peer.output()) == [1]


def test_a_window_of_few_octets_is_spent_by_urgency():
    """On the connection's window too."""
    peer = Peer(window=2**24)
    peer.feed(*asked({1: "u=5", 3: "u=2"}))
    answered(peer, {1: 65535, 3: 65535})
    assert set(order(peer.output())) == {3}
    peer.feed(frames.window_update(0, 20000))
    assert set(order(peer.output())) == {1}


@pytest.mark.parametrize("most", [10, 500, 1000, 65536])
def test_blocks_of_any_size_keep_the_order(most):
    """And give at most what was asked for."""
    peer = peer_with({1: "u=5", 3: "u=2", 5: "u=2", 7: "u=2, i", 9: None})
    answered(peer, dict.fromkeys((1, 3, 5, 7, 9), 20000))
    pieces = []
    while piece := peer.connection.pull(most):
        assert len(piece) <= most
        pieces.append(piece)
    sent = peer.reader.read(b"".join(pieces))
    seen = list(dict.fromkeys(order(sent)))
    assert seen.index(9) > seen.index(5) and seen[-1] == 1 and set(seen[:2]) == {3, 7}
    for stream_id in (1, 3, 5, 7, 9):
        body = b"".join(one.data for one in sent if one.kind == "DATA" and one.stream_id == stream_id)
        assert body == b"%d" % stream_id * 20000


def test_an_answer_of_greater_urgency_overtakes_one_that_is_being_sent():
    """Between two frames."""
    peer = peer_with({1: "u=5", 3: "u=1"})
    answered(peer, {1: 10 * FRAME})
    assert order(peer.output(FRAME + 9)) == [1]
    answered(peer, {3: 2 * FRAME}, headers_out=False)
    assert order(peer.output()) == [3] * 2 + [1] * 9


# PRIORITY_UPDATE, section 7


def test_an_update_takes_effect_at_once():
    """On streams that are being sent, with and without a priority before."""
    peer = peer_with({1: None, 3: None, 5: "u=1"})
    answered(peer, {1: LARGE, 3: LARGE, 5: LARGE})
    assert order(peer.output(FRAME + 9)) == [5]
    peer.feed(frames.priority_update(3, b"u=0"))
    assert order(peer.output(FRAME + 9)) == [3]
    peer.feed(frames.priority_update(5, b"u=7"), frames.priority_update(3, b""))
    assert order(peer.output()) == [1, 3, 1, 3, 1, 5, 5]


def test_an_update_back_to_turns():
    """All parameters are set anew: "Omitting a priority parameter is a signal to use its default value"."""
    peer = peer_with({1: "u=1", 3: "u=1"})
    answered(peer, {1: LARGE, 3: LARGE})
    peer.feed(frames.priority_update(1, b"i"), frames.priority_update(3, b"i"))
    assert order(peer.output()) == [1, 3] * 3


def test_an_update_before_the_request_is_kept():
    """"Servers SHOULD buffer the most recently received PRIORITY_UPDATE frame and apply it once the referenced stream is
    opened"; it "overrides any other signal", so the request's field does not count.
    """
    peer = peer_with({})
    peer.feed(frames.priority_update(5, b"u=2"), frames.priority_update(3, b"u=7"), frames.priority_update(3, b"u=0"),
              *asked({1: "u=1", 3: "u=6", 5: None}))
    answered(peer, dict.fromkeys((1, 3, 5), LARGE))
    assert order(peer.output()) == [3] * 3 + [1] * 3 + [5] * 3


def test_an_update_with_the_default_overrides_the_field_too():
    """It says something, even if it says nothing new."""
    peer = peer_with({})
    peer.feed(frames.priority_update(3, b""), *asked({1: "u=2", 3: "u=0"}))
    answered(peer, {1: LARGE, 3: LARGE})
    assert order(peer.output()) == [1] * 3 + [3] * 3


def test_an_update_for_a_stream_that_was_skipped_is_forgotten():
    """Streams below a new one are closed (RFC 9113 section 5.1.1)."""
    peer = peer_with({})
    peer.feed(*(frames.priority_update(n, b"u=0") for n in range(1, 199, 2)), *asked({199: "u=5", 201: None}))
    answered(peer, {199: LARGE, 201: LARGE})
    assert order(peer.output()) == [201] * 3 + [199] * 3
    peer.feed(*(frames.priority_update(n, b"u=0") for n in range(203, 399, 2)))


def test_priorities_of_streams_that_are_over_leave_nothing_behind():
    """The plain turns are back."""
    peer = peer_with({1: "u=0", 3: "u=7"})
    answered(peer, {1: LARGE, 3: LARGE})
    peer.output(FRAME)
    peer.feed(frames.rst_stream(1), frames.priority_update(1, b"u=7"))
    peer.connection.reset_stream(3)
    peer.feed(*asked({5: None, 7: None}))
    answered(peer, {5: LARGE, 7: LARGE})
    assert order(peer.output())[-6:] == [5, 7] * 3


def test_an_update_for_a_pushed_stream():
    """7.1: PRIORITY_UPDATE may "reprioritize a response or a push stream"."""
    peer = Peer(window=2**24, rfc_errors=True)
    peer.feed(frames.window_update(0, 2**24), request(1))
    promise = [(":method", "GET"), (":scheme", "https"), (":authority", "a"), (":path", "/")]
    peer.connection.push_stream(1, 2, promise)
    peer.connection.send_headers(2, [(":status", "200")])
    peer.output()
    answered(peer, {1: LARGE})
    peer.connection.write(2, b"2" * LARGE, end_stream=True)
    peer.feed(frames.priority_update(2, b"u=7"))
    assert order(peer.output()) == [1] * 3 + [2] * 3


# The response's own field, section 8


@pytest.mark.parametrize("use", ["respond", "send_headers"])
def test_the_responses_field_is_merged_with_the_requests(use):
    """A parameter that the response has counts, another stays as the client wants it."""
    requests = {1: "u=5, i", 3: "u=5, i", 5: "u=2", 7: None, 9: "u=0"}
    own = {1: "u=1", 3: "u=1", 5: None, 7: "u=9, x=1", 9: "u=6"}
    peer = peer_with(requests)
    for stream_id, value in own.items():
        headers = [] if value is None else [("priority", value)]
        if use == "respond":
            peer.connection.respond(stream_id, 200, headers, end_stream=False)
        else:
            peer.connection.send_headers(stream_id, [(":status", "200"), *headers])
    peer.output()
    for stream_id in requests:
        peer.connection.write(stream_id, b"x" * LARGE, end_stream=True)
    assert order(peer.output()) == [1, 3] * 3 + [5] * 3 + [7] * 3 + [9] * 3


def test_the_field_of_a_response_with_its_body():
    """In the same call, again and again: fields that were sent before are looked up, not read."""
    peer = peer_with(dict.fromkeys(range(1, 13, 2), "u=3"))
    for n in range(1, 13, 2):
        peer.connection.respond(n, 200, [("a", "b"), ("priority", "u=1" if n > 5 else "u=4")], b"x" * 2 * FRAME)
    assert order(peer.output()) == [7, 7, 9, 9, 11, 11, 1, 1, 3, 3, 5, 5]


def test_an_informational_response_changes_nothing():
    """Its fields say nothing of the response."""
    peer = peer_with({1: "u=3", 3: "u=3"})
    peer.connection.respond(3, 103, [("priority", "u=0")], end_stream=False)
    answered(peer, {1: LARGE, 3: LARGE})
    assert order(peer.output()) == [1] * 3 + [3] * 3


# The value, sections 4 and 5


@pytest.mark.parametrize("value", [
    "u=1", "u=1, i=?0", "u=01", "u=1;x", "u=1; x=\"a, u=5\"; y=?0,a", "u=5, u=1", "u=5,\tu=1", "a, u=1",
    "a=\"u=5, \\\"\", u=1", "a=(u i);x=1, u=1", "a=( 1  2.5 \"b\";c ), u=1", "a=:aGk=:, u=1", "a=t/k:n*, u=1",
    "a=?1, u=1", "a=-1.5, u=1", "*a-b_c.d=1, u=1", "u=1, i=1", "u=1, i=2.5", "u=1, i=\"?1\"", "i, u=1, i=?0",
    "u=1, urgent=5, ii",
])
def test_values_that_say_urgency_1_and_not_incremental(value):
    """A Dictionary of Structured Fields (RFC 8941 section 3.2): members that mean nothing here are skipped."""
    requests = {1: "u=2", 3: value, 5: "u=1", 7: "u=0"}
    assert order_of(requests) == [7] * 3 + [3] * 3 + [5] * 3 + [1] * 3


@pytest.mark.parametrize("value", [
    "", "u=8", "u=-1", "u=9999999999999999", "u", "u=?1", "u=1.0", "u=x", "u=\"1\"", "u=(1)", "u=1, u=9", "x", "U=1",
    # cannot be parsed: "SHOULD use default priority parameter values"
    "u=1,", "u=1 u=1", "u=1 ; x", "u=1,,a", "=1, u=1", "u=1, I", "u=", "u=1, a=\"x", "u=1, a=\"\\x\"", "u=1, a=(1",
    "u=1, a=(1)2", "u=1, a=:a?:", "u=1, a=:a", "u=1, a=?2", "u=1, a=?", "u=1, a=1.", "u=1, a=1.2345", "u=1, a=-",
    "u=1, a=1234567890123456", "u=1, a=1234567890123.1", "u=1;", "u=1;X", "u=1;a=", "u=1, \u00e9", "u=1, a=\"\u00e9\"",
    "u=1, a={}", ",u=1", "u=1, a=(1(2))", "u=1, a=(1,2)", "u=1, i\x7f", "u=+1",
])
def test_values_that_say_nothing_or_are_none(value):
    """Urgency 3, not incremental."""
    requests = {1: "u=4", 3: "u=3", 5: value, 7: "u=2"}
    assert order_of(requests) == [7] * 3 + [3] * 3 + [5] * 3 + [1] * 3


@pytest.mark.parametrize("values", [["u=5", "u=1"], ["a", "u=1"], ["u=1", "a"], ["u=1, i", "i=?0"]])
def test_several_lines_are_one_field(values):
    """The later of two members of one name counts (RFC 8941 section 4.2)."""
    requests = {1: "u=2", 3: values, 5: "u=1", 7: "u=0"}
    assert order_of(requests) == [7] * 3 + [3] * 3 + [5] * 3 + [1] * 3


@pytest.mark.parametrize("values", [["u=1", "u=9"], ["u=1", "?"], ["?", "u=1"]])
def test_several_lines_with_one_that_is_none(values):
    """The whole field is none, or its last word is ignored."""
    requests = {1: "u=4", 3: "u=3", 5: values, 7: "u=2"}
    assert order_of(requests) == [7] * 3 + [3] * 3 + [5] * 3 + [1] * 3


def test_an_update_is_read_by_the_same_rules():
    """Up to the octet: the value ends where the frame ends."""
    peer = peer_with({1: "u=2", 3: "u=5", 5: "u=0"})
    answered(peer, {1: LARGE, 3: LARGE, 5: LARGE})
    peer.feed(frames.priority_update(3, b"  x=\"y, u=9\",\tu=1;z  "), frames.priority_update(5, b"u=0, a=\""))
    assert order(peer.output()) == [3] * 3 + [1] * 3 + [5] * 3


# Any conversation


class Model:
    """What is known of each stream from outside: its priority, its unsent octets, its window."""

    def __init__(self):
        self.urgency, self.line, self.unsent, self.window = {}, {}, {}, {}
        self.connection = 65535

    def ready(self, stream_id):
        """Whether a frame of the stream could be sent now."""
        return self.unsent[stream_id] == 0 or min(self.window[stream_id], self.connection) > 0

    def check(self, sent):
        """Each frame is of the lowest urgency that is ready, and of the first in line if its stream stands in line."""
        for one in sent:
            if one.kind != "DATA" or one.stream_id not in self.unsent:
                continue
            n = one.stream_id
            ready = [other for other in self.unsent if self.ready(other)]
            assert n in ready
            assert self.urgency[n] == min(self.urgency[other] for other in ready)
            if self.line[n]:
                assert n == min((self.unsent[other] > FRAME, other) for other in ready
                                if self.line[other] and self.urgency[other] == self.urgency[n])[1]
            self.unsent[n] -= len(one.data)
            self.window[n] -= len(one.data)
            self.connection -= len(one.data)
            if one.end_stream:
                assert self.unsent.pop(n) == 0


def whole_frames(peer, most):
    """What ``pull`` gives, with the rest of a frame that the block cut, which is in the output already."""
    octets = peer.connection.pull(most)
    at = 0
    while at < len(octets):
        if len(octets) < at + 9:
            octets += peer.connection.pull(at + 9 - len(octets))
        at += 9 + int.from_bytes(octets[at:at + 3], "big")
        if len(octets) < at:
            octets += peer.connection.pull(at - len(octets))
    return peer.reader.read(octets)


@pytest.mark.parametrize("seed", range(60))
def test_any_conversation_keeps_the_order(seed):
    """Requests, updates, credit, resets and blocks of any size at random; in the end all bodies are out."""
    chance = random.Random(seed)
    model = Model()
    peer = Peer(window=0, rfc_errors=chance.random() < 0.5)
    following = 1

    def say(stream_id, value):
        model.urgency[stream_id] = int(value[2])
        model.line[stream_id] = "i" not in value

    for _ in range(400):
        action = chance.choice(["request", "request", "update", "credit", "credit", "reset", "pull", "pull"])
        value = f"u={chance.randrange(2, 5)}" + chance.choice(["", ", i"])
        known = chance.choice(list(model.unsent)) if model.unsent else None
        if action == "request" and len(model.unsent) < 20:
            n, following = following, following + 2
            early, copied, field = (chance.random() < 0.3 for _ in range(3))
            model.urgency[n], model.line[n], model.window[n] = 3, False, 0
            peer.feed(*([frames.priority_update(n, value.encode())] if early else []),
                      *asked({n: "u=0" if early else value if field else None}))
            if early or field:
                say(n, value)
            model.unsent[n] = chance.choice([1, 100, FRAME, FRAME + 1, 60000])
            body = b"x" * model.unsent[n]
            peer.connection.respond(n, 200, [], memoryview(body) if copied else body)
        elif action == "update" and known:
            peer.feed(frames.priority_update(known, value.encode()))
            say(known, value)
        elif action == "credit":
            octets = chance.choice([1, 10, 5000, FRAME, 50000])
            peer.feed(frames.window_update(known or 0, octets), frames.window_update(0, octets))
            model.connection += octets
            if known:
                model.window[known] += octets
            else:
                model.connection += octets
        elif action == "reset" and known and chance.random() < 0.3:
            del model.unsent[known]
            if chance.random() < 0.5:
                peer.feed(frames.rst_stream(known))
            else:
                peer.connection.reset_stream(known)
        else:
            model.check(whole_frames(peer, chance.choice([-1, 10, 600, FRAME, 50000])))
    for n in list(model.unsent):
        peer.feed(frames.window_update(n, 2**24))
        model.window[n] += 2**24
    peer.feed(frames.window_update(0, 2**24))
    model.connection += 2**24
    model.check(peer.output())
    assert model.unsent == {}
    assert peer.connection.pull() == b""

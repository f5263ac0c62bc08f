"""A transport that has room again, and is full again with the first that is written."""
import asyncio

from fasth2.gunicorn.dropin.push_input import push_input


class Writer(asyncio.Protocol):
    """Half of a gunicorn protocol: it is told, each time, of a change."""

    def __init__(self):
        self.reader = asyncio.StreamReader()
        self.paused = False

    def pause_writing(self):
        assert not self.paused
        self.paused = True

    def resume_writing(self):
        assert self.paused
        self.paused = False


class Transport:
    def __init__(self, protocol):
        self.get_protocol = lambda: protocol

    def get_extra_info(self, name):
        return None


class Connection:
    """It has always more to send than the transport takes."""

    def __init__(self, protocol):
        self.protocol = protocol
        self.reader = protocol.reader
        self.writer = Transport(protocol)
        self.left = 3

    def attach(self, transport):
        pass

    def data_received(self, data):
        pass

    eof_received = data_received

    def input_ended(self):
        return False

    def pause_writing(self):
        pass

    def resume_writing(self):
        self.left -= 1
        if self.left:
            self.protocol.pause_writing()


def test_gunicorns_protocol_is_told_of_each_change_in_order():
    async def steps():
        protocol = Writer()
        connection = Connection(protocol)
        assert push_input(connection)
        protocol.pause_writing()
        assert protocol.paused
        while connection.left:
            protocol.resume_writing()
            assert protocol.paused == bool(connection.left)

    asyncio.run(steps())

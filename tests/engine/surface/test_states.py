"""States where h2 has them: `connection.state_machine.state` and `stream.state_machine.state`; names from other modules."""
import h2.connection
import h2.stream
import pytest

import fasth2.connection
import fasth2.events
import fasth2.settings
import fasth2.stream
from fasth2.config import H2Configuration
from tests.support import frames
from tests.support.fields import request, request_fields


def names(connection, stream_id=None):
    found = [connection.state_machine.state.name]
    if stream_id is not None:
        found.append(connection.streams[stream_id].state_machine.state.name)
    return found


@pytest.mark.parametrize("module", [h2, fasth2])
def test_a_client(module):
    client = module.connection.H2Connection()
    client.initiate_connection()
    assert names(client) == ["IDLE"]
    client.send_headers(1, request_fields())
    assert names(client, 1) == ["CLIENT_OPEN", "OPEN"]
    client.end_stream(1)
    assert names(client, 1) == ["CLIENT_OPEN", "HALF_CLOSED_LOCAL"]
    client.close_connection()
    assert client.state_machine.state is module.connection.ConnectionState.CLOSED
    assert client.streams[1].state_machine.state is module.stream.StreamState.HALF_CLOSED_LOCAL


@pytest.mark.parametrize("module", [h2, fasth2])
def test_a_server(module):
    configuration = h2.config.H2Configuration if module is h2 else H2Configuration
    server = module.connection.H2Connection(configuration(client_side=False))
    server.initiate_connection()
    assert names(server) == ["IDLE"]
    server.receive_data(frames.PREFACE + frames.settings() + request(1))
    assert names(server, 1) == ["SERVER_OPEN", "HALF_CLOSED_REMOTE"]
    server.receive_data(bytes(frames.goaway()))
    assert names(server) == ["CLOSED"]


def test_the_states_are_h2s():
    ours, theirs = fasth2.connection.ConnectionState, h2.connection.ConnectionState
    assert {one.name: one.value for one in ours} == {one.name: one.value for one in theirs}


def test_names_that_h2s_modules_have_from_others():
    assert fasth2.connection.SettingCodes is fasth2.events.SettingCodes is fasth2.settings.SettingCodes
    assert fasth2.events.ChangedSetting is fasth2.settings.ChangedSetting


def test_a_constant_can_be_set_on_an_instance():
    """As mitmproxy does."""
    connection = fasth2.connection.H2Connection()
    connection.DEFAULT_MAX_INBOUND_FRAME_SIZE = 2**20
    assert connection.DEFAULT_MAX_INBOUND_FRAME_SIZE == 2**20
    assert fasth2.connection.H2Connection.DEFAULT_MAX_INBOUND_FRAME_SIZE == 2**24

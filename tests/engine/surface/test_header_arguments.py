"""Header lists that are no lists of pairs get the exception h2 raises, and nothing is sent."""
from __future__ import annotations

import h2.config
import h2.connection
import pytest

import fasth2.config
import fasth2.connection


def opened(package):
    """A server connection with a request on stream 1."""
    client = h2.connection.H2Connection()
    client.initiate_connection()
    client.send_headers(1, [(":method", "GET"), (":path", "/"), (":scheme", "https"), (":authority", "a")], True)
    connection = package.connection.H2Connection(package.config.H2Configuration(client_side=False))
    connection.initiate_connection()
    connection.receive_data(client.data_to_send())
    connection.data_to_send()
    return connection


@pytest.mark.parametrize("wrong", [(), ("a",), [], ["a"], "", "a", 5, None, {}], ids=repr)
def test_an_item_that_is_no_pair(wrong):
    headers = [(":status", "200"), wrong]
    raised = []
    for package in (h2, fasth2):
        connection = opened(package)
        with pytest.raises(Exception) as info:
            connection.send_headers(1, headers)
        raised.append(info.type)
        assert connection.data_to_send() == b""
    assert raised[0] is raised[1]

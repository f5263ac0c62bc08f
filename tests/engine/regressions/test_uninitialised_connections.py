"""A connection whose __init__ was left out, ran twice or is being undermined: an exception, never a crash."""
import subprocess
import sys
import textwrap

import pytest

from fasth2.config import H2Configuration
from fasth2.exceptions import H2Error
from fasth2.settings import Settings
from tests.support import frames
from tests.support.fields import request
from tests.support.play import server


def run_alone(script):
    """Runs a script in an interpreter of its own, which a crash takes down; returns what it printed."""
    result = subprocess.run([sys.executable, "-c", textwrap.dedent(script)],
                            capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, (result.returncode, result.stderr[-2000:])
    return result.stdout.split()


def test_a_subclass_that_forgets_init_gets_exceptions():
    """Every public method and property of a bare object can be used."""
    [calls] = run_alone("""
        from fasth2.connection import H2Connection

        class Forgetful(H2Connection):
            def __init__(self):
                pass

        arguments = [(), (1,), (1, [(":status", "200")]), (1, 2, [(":method", "GET")]), (b"PRI * HTTP/2.0\\r\\n\\r\\n",),
                     (b"12345678",), (1, b"body"), (1, 200, []), ({4: 5},), (None, 5)]
        calls = 0
        for name in dir(H2Connection):
            if name.startswith("__"):
                continue
            for given in arguments:
                connection = Forgetful()
                try:
                    member = getattr(connection, name)
                    member(*given)
                except Exception:
                    pass
                calls += 1
                try:
                    connection.data_to_send()
                    connection.streams
                except Exception:
                    pass
        print(calls)
    """)
    assert int(calls) > 100


def test_init_runs_once():
    """A second __init__ would pull tables away from under streams that are open."""
    connection = server()
    connection.receive_data(frames.PREFACE + bytes(frames.settings()) + bytes(request(1, end_stream=False)))
    with pytest.raises(RuntimeError):
        connection.__init__(H2Configuration(client_side=False))
    assert list(connection.streams) == [1]


@pytest.mark.parametrize("name", ["local_settings", "remote_settings"])
def test_settings_are_not_replaced_while_they_are_read(name):
    """A callback of the connection that is running cannot free what it reads."""
    refused = []

    class Logger:
        def debug(self, *args):
            try:
                setattr(connection, name, Settings(client=False))
            except RuntimeError as error:
                refused.append(error)

        error = trace = debug

    connection = server(logger=Logger())
    before = getattr(connection, name)
    connection.receive_data(frames.PREFACE + bytes(frames.settings()))
    assert refused
    assert getattr(connection, name) is before


def test_a_configuration_that_is_refused_changes_nothing():
    """An unknown encoding, or the client's side, is found before anything is taken over."""
    connection = server(rfc_errors=False)
    before = connection.config
    with pytest.raises(LookupError):
        connection.config = H2Configuration(client_side=False, rfc_errors=True, header_encoding="nope")
    with pytest.raises(H2Error):
        connection.config = H2Configuration(client_side=True, rfc_errors=True)
    assert connection.config is before

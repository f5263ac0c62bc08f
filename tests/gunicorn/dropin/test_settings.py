"""Limits and the connection's window, from the configuration file and from the environment."""
import dataclasses

import pytest

from fasth2.gunicorn import settings
from fasth2.limits import Limits
from tests.support.facade_peer import frame, frames


@pytest.fixture(autouse=True)
def as_before(monkeypatch):
    for name in ("FASTH2_LIMITS", *settings._VARIABLES.values()):
        monkeypatch.delenv(name, raising=False)
    settings.set_from_configuration(None, None)
    yield
    settings.set_from_configuration(None, None)


def install(limits=None, connection_window=None, **others):
    """What install() does with its arguments, and not what it does with gunicorn."""
    settings.set_from_configuration(limits, connection_window, **others)
    settings.current()


def limits_of(connect):
    return connect().server.h2_conn.config.limits


def window_of(peer):
    """What the peer may send on the connection."""
    return peer.client.outbound_flow_control_window


def test_defaults_hold_without_any_setting(connect):
    peer = connect(http2_initial_window_size=1 << 20)
    assert window_of(peer) == 65535
    assert peer.server.h2_conn.config.limits.reset_burst == 200
    assert peer.server.h2_conn.config.limits.header_fields == Limits().header_fields


def test_limits_from_the_configuration_file(connect):
    install(limits={"header_fields": 17, "reset_burst": None})
    limits = limits_of(connect)
    assert (limits.header_fields, limits.reset_burst) == (17, None)
    assert limits.concurrent_streams == 100
    install()
    assert limits_of(connect).reset_burst == 200


def test_a_limit_from_the_configuration_file_holds(connect):
    install(limits={"suspicious_burst": 5, "suspicious_rate": 1})
    peer = connect()
    with pytest.raises(peer.server.errors.HTTP2ProtocolError):
        peer.server.receive_data(frame("PING", 0, 0, b"12345678") * 50)
    assert peer.server.counters["suspicious_frames"] == 1


def test_the_environment_comes_first_one_by_one(connect, monkeypatch):
    monkeypatch.setenv("FASTH2_LIMITS", " reset_burst = 100, window_updates=none,unreleased_requests=false,")
    settings.forget()
    install(limits={"header_fields": 17, "reset_burst": 50})
    limits = limits_of(connect)
    assert (limits.header_fields, limits.reset_burst, limits.window_updates) == (17, 100, None)
    assert limits.unreleased_requests is False


def test_the_window(connect, monkeypatch):
    install(connection_window=1 << 20)
    peer = connect()
    assert window_of(peer) == 1 << 20
    # It leaves with the settings.
    assert {sent.kind for sent in frames(peer.sock.writes[0])} == {"SETTINGS", "WINDOW_UPDATE"}
    monkeypatch.setenv("FASTH2_CONNECTION_WINDOW", "200000")
    settings.forget()
    assert window_of(connect()) == 200000
    monkeypatch.setenv("FASTH2_CONNECTION_WINDOW", "")
    settings.forget()
    assert window_of(connect()) == 1 << 20


@pytest.mark.parametrize("text, why", [
    ("reset_burst", "FASTH2_LIMITS: 'reset_burst' is not of the form name=value"),
    ("reset_burst=many", "FASTH2_LIMITS: reset_burst is 'many', neither a number nor none"),
    ("reset_burst=-1", "FASTH2_LIMITS: reset_burst must be from 0 to 2147483647, not -1"),
    ("resets=1", "FASTH2_LIMITS: there is no limit 'resets'; there are ack_backlog, "),
    ("unreleased_requests=3", "FASTH2_LIMITS: unreleased_requests must be a bool or None, not int"),
    ("concurrent_streams=3", "FASTH2_LIMITS: concurrent_streams is set by gunicorn's http2_max_concurrent_streams"),
])
def test_what_is_wrong_with_limits_in_the_environment(monkeypatch, text, why):
    monkeypatch.setenv("FASTH2_LIMITS", text)
    settings.forget()
    with pytest.raises((ValueError, TypeError)) as caught:
        install()
    assert str(caught.value).startswith(why)


@pytest.mark.parametrize("text, why", [
    ("64k", "FASTH2_CONNECTION_WINDOW is '64k', not a number of octets"),
    ("65534", "FASTH2_CONNECTION_WINDOW must be from 65535 to 2147483647 octets, not 65534"),
    ("2147483648", "FASTH2_CONNECTION_WINDOW must be from 65535 to 2147483647 octets, not 2147483648"),
])
def test_what_is_wrong_with_a_window_in_the_environment(monkeypatch, text, why):
    monkeypatch.setenv("FASTH2_CONNECTION_WINDOW", text)
    settings.forget()
    with pytest.raises(ValueError) as caught:
        install()
    assert str(caught.value) == why


@pytest.mark.parametrize("name, text, value, default", [
    ("keepalive_pings", "1", True, False),
    ("allow_connect", "on", True, False),
    ("unread_upload_octets", "1000", 1000, 65536),
    ("unread_upload_seconds", "0.5", 0.5, 2.0),
    ("max_body", "1000", 1000, 1 << 30),
    ("min_body_rate", "0", 0, 128),
    ("gathered_body", "0", 0, 65536),
    ("gathered_bodies", "1000", 1000, 64 << 20),
    ("gather_pause", "0.25", 0.25, 1.0),
    ("unsent_connection", "1000", 1000, 2 << 20),
    ("unsent_process", "1000", 1000, 64 << 20),
])
def test_the_other_settings(monkeypatch, name, text, value, default):
    assert getattr(settings.current(), name) == default
    install(**{name: value})
    assert getattr(settings.current(), name) == value
    install()
    assert getattr(settings.current(), name) == default
    monkeypatch.setenv(settings._VARIABLES[name], text)
    settings.forget()
    assert getattr(settings.current(), name) == value
    monkeypatch.setenv(settings._VARIABLES[name], "perhaps")
    settings.forget()
    with pytest.raises(ValueError, match=settings._VARIABLES[name] + " is 'perhaps', n"):
        settings.current()


def test_a_flag_in_the_environment_takes_the_place_of_the_file(monkeypatch):
    install(keepalive_pings=True)
    monkeypatch.setenv("FASTH2_KEEPALIVE_PINGS", "0")
    settings.forget()
    assert settings.current().keepalive_pings is False


def test_every_setting_has_a_kind():
    assert {"limits", *settings._KINDS} == {field.name for field in dataclasses.fields(settings.Settings)}


@pytest.mark.parametrize("arguments, error, why", [
    ({"limits": Limits()}, TypeError, "limits must map names to values, as {'reset_burst': 100} does, not Limits()"),
    ({"limits": {"reset_burst": "9"}}, TypeError, "limits: reset_burst must be an int or None, not str"),
    ({"limits": {"header_list_size": 9}}, ValueError,
     "limits: header_list_size is set by gunicorn's http2_max_header_list_size"),
    ({"connection_window": 1.5}, TypeError, "connection_window must be an int, not float"),
    ({"keepalive_pings": 1}, TypeError, "keepalive_pings must be a bool, not int"),
    ({"unread_upload_seconds": True}, TypeError, "unread_upload_seconds must be a number, not bool"),
    ({"unread_upload_seconds": -1}, ValueError, "unread_upload_seconds must be from 0 to 3600 seconds, not -1"),
    ({"allow_pigs": True}, TypeError, "there is no setting 'allow_pigs'; there are limits, "
                                      + ", ".join(settings._KINDS)),
    ({"connection_window": 1}, ValueError, "connection_window must be from 65535 to 2147483647 octets, not 1"),
])
def test_what_is_wrong_in_the_configuration_file(connect, arguments, error, why):
    with pytest.raises(error) as caught:
        install(**arguments)
    assert str(caught.value) == why
    assert window_of(connect()) == 65535

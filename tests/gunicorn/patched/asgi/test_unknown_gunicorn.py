"""A gunicorn whose protocol is not the one that the worker class knows keeps its own."""
from tests.gunicorn.patched.asgi.setups import APP, ask
from tests.support.tls_client import Client

#: A configuration file in which a later gunicorn's method has one more parameter.
LATER = """\
from gunicorn.asgi.protocol import ASGIProtocol
_plain = ASGIProtocol._handle_http2_connection
async def _handle_http2_connection(self, transport, ssl_object, upgrade=None, later=None):
    return await _plain(self, transport, ssl_object, upgrade)
ASGIProtocol._handle_http2_connection = _handle_http2_connection
"""


def test_it_serves_with_gunicorns_own_requests_and_says_so(start):
    server = start("-k", "fasth2.gunicorn.asgi", app=APP, config=LATER)
    with Client(server) as client:
        assert ask(client, 1, "/show")["http_version"] == "2"
    assert server.log.count(
        "fasth2 leaves HTTP/2 requests to gunicorn's protocol, whose _handle_http2_connection it does not know") == 1
    assert "HTTP/2 by fasth2" in server.log


def test_the_known_one_is_replaced_without_a_word(start):
    server = start("-k", "fasth2.gunicorn.asgi", app=APP)
    with Client(server) as client:
        assert ask(client, 1, "/show")["http_version"] == "2"
    assert "fasth2 leaves" not in server.log

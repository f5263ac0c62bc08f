"""Twisted's server with thirteen octets: ``hello_twisted.py PORT CERT KEY``."""
import sys

from twisted.internet import endpoints, reactor
from twisted.web.resource import Resource
from twisted.web.server import Site


class Hello(Resource):
    """Answers every request."""

    isLeaf = True

    def render_GET(self, request):
        request.setHeader("content-type", "text/plain")
        return b"Hello, world!"


port, cert, key = sys.argv[1:]
endpoints.serverFromString(reactor, f"ssl:port={port}:interface=127.0.0.1:privateKey={key}:certKey={cert}").listen(Site(Hello()))
reactor.run()

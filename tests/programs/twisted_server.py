"""Twisted's HTTP/2 server: ``twisted_server.py CERT KEY``; prints its port. It has paths of `service_wsgi`."""
import hashlib
import json
import sys

from twisted.internet import endpoints, reactor
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Site

from tests.programs.asgi_app import engine
from tests.support.service_wsgi import blocks


class Hello(Resource):
    def render_GET(self, request):
        request.setHeader("content-type", "text/plain")
        return b"Hello, world!"


class Digest(Resource):
    def render_POST(self, request):
        return hashlib.sha256(request.content.read()).hexdigest().encode()

    render_PUT = render_POST


class Producer:
    """A body, given when it is asked for."""

    def __init__(self, request, parts):
        self.request = request
        self.parts = parts

    def resumeProducing(self):
        part = next(self.parts, None)
        if part is None:
            self.request.unregisterProducer()
            self.request.finish()
        else:
            self.request.write(part)

    def stopProducing(self):
        self.parts.close()


class Big(Resource):
    def render_GET(self, request):
        size = int(request.uri.partition(b"?")[2])
        request.registerProducer(Producer(request, blocks(size)), False)
        return NOT_DONE_YET


class Engine(Resource):
    def render_GET(self, request):
        return json.dumps(engine()).encode()


def main(cert, key):
    root = Resource()
    for name, resource in (("hello", Hello()), ("digest", Digest()), ("big", Big()), ("engine", Engine())):
        root.putChild(name.encode(), resource)
    endpoint = endpoints.serverFromString(reactor, f"ssl:port=0:interface=127.0.0.1:privateKey={key}:certKey={cert}")
    endpoint.listen(Site(root)).addCallback(lambda port: print("port", port.getHost().port, flush=True))
    reactor.run()


if __name__ == "__main__":
    main(*sys.argv[1:])

"""A connection that has ended is freed, whatever its client did."""
import gc

from fasth2.limits import Limits
from fasth2.wsgi.session import Session
from tests.support.fields import request
from tests.wsgi.without_sockets import Connection, Worker


def application(environ, start_response):
    start_response("200 OK", [("content-length", "2")])
    return [b"ok"]


def sessions():
    gc.collect()
    return sum(type(thing) is Session for thing in gc.get_objects())


def test_one_that_had_streams_refused_is_freed():
    """The requests before the refusals lead back to the connection, and the garbage collector does not look into them."""
    before = sessions()
    connection = Connection(Worker(application), limits=Limits(concurrent_streams=4, early_refusals=3, reset_burst=3))
    connection.end_after_answers = lambda reason: None
    connection.feed(b"".join(bytes(request(number)) for number in range(1, 41, 2)))
    connection.session.run()
    connection.flush()
    assert len(connection.wrote("DATA")) == 4
    assert connection.wrote("GOAWAY")
    connection.session.close()
    del connection
    assert sessions() == before

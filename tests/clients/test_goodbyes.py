"""A client that closes when it has asked gets what it asked for, from every worker."""
import pytest

from tests.clients.programs import is_hello, node
from tests.support import service

pytestmark = pytest.mark.ecosystem

FACES = service.chosen((*service.CLASSES, *service.INSTALLED), *service.CLASSES)

#: GOAWAY and HEADERS may be written in either order.
TIMES = 10 if service.ECOSYSTEM else 1


@pytest.fixture(params=FACES)
def server(request, faces):
    return faces(request.param)


def test_node_that_closes_after_the_head_of_a_long_answer(server):
    for _ in range(TIMES):
        assert node(server, "close_after_headers", "/big?1000000") == {"status": 200, "length": 1_000_000, "code": 0}


def test_node_that_closes_as_soon_as_it_is_connected(server):
    for _ in range(TIMES):
        [seen] = node(server, "close_on_connect")
        assert is_hello(seen)

"""h2load, of nghttp2, against gunicorn on fasth2."""
import hashlib

from tests.support.h2load import h2load, succeeded


def test_one_request(server):
    counts = h2load(server, "/hello")
    assert succeeded(counts, 1)
    assert counts["octets"] == 13


def test_many_requests_one_after_another(server):
    assert succeeded(h2load(server, "/hello", "-n", "2000"), 2000)


def test_a_hundred_streams_at_once(server):
    counts = h2load(server, "/hello", "-n", "5000", "-c", "1", "-m", "100")
    assert succeeded(counts, 5000)
    assert counts["octets"] == 5000 * 13


def test_a_hundred_streams_on_each_of_several_connections(installed):
    assert succeeded(h2load(installed, "/hello", "-n", "4000", "-c", "8", "-m", "100"), 4000)


def test_ten_mebibytes_up(server, body, body_file):
    digest = hashlib.sha256(body).hexdigest()
    assert succeeded(h2load(server, f"/verify?{digest}", "-d", str(body_file)), 1)
    assert h2load(server, f"/verify?{digest[:-1]}", "-d", str(body_file))["4xx"] == 1


def test_ten_mebibytes_up_and_down(server, body_file):
    counts = h2load(server, "/echo", "-n", "2", "-d", str(body_file))
    assert succeeded(counts, 2)
    assert counts["octets"] == 2 * (10 << 20)


def test_uploads_of_a_hundred_streams_at_once(server, tmp_path):
    path = tmp_path / "body"
    path.write_bytes(b"0123456789abcdef" * 6000)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert succeeded(h2load(server, f"/verify?{digest}", "-n", "200", "-m", "100", "-d", str(path)), 200)


def test_downloads_of_a_hundred_streams_at_once_through_narrow_windows(server):
    counts = h2load(server, "/big?30000", "-n", "200", "-m", "100", "-w", "12", "-W", "16")
    assert succeeded(counts, 200)
    assert counts["octets"] == 200 * 30000


def test_HEAD(server):
    counts = h2load(server, "/hello", "-n", "100", "-m", "10", "-H", ":method: HEAD")
    assert succeeded(counts, 100)
    assert counts["octets"] == 0


def test_204_and_304(server):
    assert succeeded(h2load(server, "/empty", "-n", "100", "-m", "10"), 100)
    counts = h2load(server, "/unchanged", "-n", "100", "-m", "10", "-H", 'if-none-match: "same"')
    assert succeeded(counts, 100, "3xx")
    assert counts["octets"] == 0


def test_early_hints(server):
    """An older h2load counts the first status of each response, 103; a newer one the last."""
    counts = h2load(server, "/hints", "-n", "300", "-m", "100")
    assert (counts["succeeded"], counts["4xx"], counts["5xx"]) == (300, 0, 0)
    assert counts["2xx"] in (0, 300)
    assert counts["octets"] == 300 * 13


def test_trailers(server):
    counts = h2load(server, "/trailers", "-n", "300", "-m", "100")
    assert succeeded(counts, 300)
    assert counts["octets"] == 300 * 13


def test_long_cookies(server):
    cookie = "; ".join(f"name{number}={number:070d}" for number in range(90))
    assert succeeded(h2load(server, "/hello", "-n", "300", "-m", "100", "-H", f"cookie: {cookie}"), 300)


def test_too_many_fields_fail_every_stream_and_no_connection(server):
    """All are made on the one connection, though each is refused."""
    fields = [arg for number in range(150) for arg in ("-H", f"x-field-{number}: {number}")]
    counts = h2load(server, "/hello", "-n", "50", "-m", "10", *fields)
    assert (counts["done"], counts["failed"], counts["succeeded"]) == (50, 50, 0)


def test_clients_that_go_away_with_requests_under_way(server):
    """With a duration h2load stops in the middle."""
    counts = h2load(server, "/hello", "-D", "1", "-c", "2", "-m", "100")
    assert counts["succeeded"] > 100
    assert counts["failed"] == 0
    assert succeeded(h2load(server, "/hello"), 1)

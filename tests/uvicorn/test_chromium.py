"""Headless Chromium and uvicorn on fasth2: events, a WebSocket over HTTP/2, an upload."""
import hashlib

import pytest

from tests.support.browser import headless_chromium

pytestmark = pytest.mark.ecosystem

EVENTS = """
() => new Promise((resolve, reject) => {
    const source = new EventSource("/events"), seen = [];
    source.onmessage = event => { seen.push(event.data); if (seen.length == 5) { source.close(); resolve(seen); } };
    source.onerror = reject;
})
"""

WEBSOCKET = """
() => new Promise((resolve, reject) => {
    const socket = new WebSocket(`wss://${location.host}/echo`), seen = [];
    socket.onmessage = event => {
        seen.push(event.data);
        if (seen.length == 1) socket.send("hello");
        else if (seen.length == 2) socket.send("many");
        else if (seen.length == 102) socket.send("close");
    };
    socket.onclose = event => resolve([seen[0], seen[1], seen.length, event.code]);
    socket.onerror = reject;
})
"""

UPLOAD = """
async () => {
    const body = new Uint8Array(10 << 20);
    for (let at = 0; at < body.length; at++) body[at] = at % 251;
    return await (await fetch("/digest", {method: "POST", body})).text();
}
"""

PROTOCOLS = """
() => [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")].map(e => e.nextHopProtocol)
"""


def test_chromium(serve, certificate):
    server = serve(certificate=certificate, ws="websockets")
    with headless_chromium(certificate) as browser:
        page = browser.new_page()
        page.goto(server.url + "/hello")
        assert page.evaluate(EVENTS) == ["0", "1", "2", "3", "4"]
        scope, echo, messages, code = page.evaluate(WEBSOCKET)
        assert (eval(scope)["http_version"], echo, messages, code) == ("2", "hello", 102, 4000)
        body = bytes(at % 251 for at in range(10 << 20))
        assert page.evaluate(UPLOAD) == hashlib.sha256(body).hexdigest()
        assert set(page.evaluate(PROTOCOLS)) == {"h2"}
        page.goto(server.url + "/seen")
        assert "http.disconnect" in page.inner_text("body")
    assert "Traceback" not in server.log

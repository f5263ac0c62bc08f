"""Headless Chromium loads a site from gunicorn on fasth2, over TLS: everything over HTTP/2, every octet right."""
import hashlib
import time

from tests.clients.browser.pages import EVENTS, IMAGES, PAUSE, image, image_colour, image_size, octets
from tests.support.waiting import wait_until

#: In the page: the hexadecimal SHA-256 of a buffer.
SHA = """
async function sha(data) {
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", data));
    return Array.from(digest, octet => octet.toString(16).padStart(2, "0")).join("");
}
"""


def sha(data):
    return hashlib.sha256(data).hexdigest()


def call(page, code, argument=None):
    """Run an async function's body in the page, a minute at most; `sha` is there, and `argument`."""
    return page.evaluate(f"""argument => Promise.race([
        (async () => {{ {SHA} {code} }})(),
        new Promise((_, reject) => setTimeout(() => reject(new Error("not done within a minute")), 60000))])""", argument)


def protocols(page):
    """The protocols of all that the page and its scripts have loaded, the page itself too."""
    return set(page.evaluate("""
        () => [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
              .map(entry => entry.nextHopProtocol)"""))


def test_a_page_with_many_images(page, server):
    page.evaluate("performance.setResourceTimingBufferSize(1000)")
    page.goto(server.url + "/")
    page.wait_for_load_state("load")
    seen = page.evaluate("""
        () => Array.from(document.images, image => {
            const canvas = document.createElement("canvas");
            canvas.width = image.naturalWidth;
            canvas.height = image.naturalHeight;
            const context = canvas.getContext("2d");
            context.drawImage(image, 0, 0);
            const last = context.getImageData(image.naturalWidth - 1, image.naturalHeight - 1, 1, 1).data;
            return [image.naturalWidth, image.naturalHeight, last[0], last[1], last[2]];
        })""")
    assert seen == [[*image_size(number), *image_colour(number)] for number in range(IMAGES)]
    assert page.evaluate('performance.getEntriesByType("resource").length') >= IMAGES
    assert protocols(page) == {"h2"}


def test_many_fetches_at_once(page):
    got = call(page, """
        const one = async number => {
            const response = await fetch("/image/" + number, {cache: "no-store"});
            return await sha(await response.arrayBuffer());
        };
        return await Promise.all(Array.from({length: argument}, (_, number) => one(number)));
    """, IMAGES)
    assert got == [sha(image(number)) for number in range(IMAGES)]
    assert protocols(page) == {"h2"}


def test_downloads(page):
    sizes = [0, 1, 16384, 65535, 65536, 1 << 20, 5_000_000]
    got = call(page, """
        return await Promise.all(argument.map(async size => {
            const body = await (await fetch("/download?" + size, {cache: "no-store"})).arrayBuffer();
            return [body.byteLength, await sha(body)];
        }));
    """, sizes)
    assert got == [[size, sha(octets(size))] for size in sizes]
    assert protocols(page) == {"h2"}


def test_uploads(page):
    sizes = [0, 1, 16384, 65535, 65536, 1 << 20, 5_000_000]
    got = call(page, """
        return await Promise.all(argument.map(async size => {
            const body = new Uint8Array(size);
            for (let at = 0; at < size; at += 65536)
                crypto.getRandomValues(body.subarray(at, at + 65536));
            const response = await fetch("/upload", {method: "POST", body});
            return [await sha(body), await response.text()];
        }));
    """, sizes)
    assert len(got) == len(sizes)
    assert all(sent == received for sent, received in got)
    assert protocols(page) == {"h2"}


def test_fetches_that_are_aborted_half_way(page):
    before = int(call(page, 'return await (await fetch("/stopped")).text()'))
    got = call(page, """
        const one = async () => {
            const controller = new AbortController();
            const response = await fetch("/endless", {signal: controller.signal});
            const reader = response.body.getReader();
            let size = 0;
            while (size < 200000)
                size += (await reader.read()).value.length;
            controller.abort();
            try {
                while (!(await reader.read()).done);
                return "ended";
            } catch (error) {
                return error.name;
            }
        };
        const names = [];
        for (let count = 0; count < argument; count++)
            names.push(await one());
        const body = await (await fetch("/download?100000", {cache: "no-store"})).arrayBuffer();
        return [names, await sha(body)];
    """, 5)
    assert got == [["AbortError"] * 5, sha(octets(100000))]
    wait_until(lambda: int(call(page, 'return await (await fetch("/stopped")).text()')) >= before + 5)
    assert protocols(page) == {"h2"}


def test_an_upload_that_is_aborted(page):
    got = call(page, """
        const controller = new AbortController();
        let parts = 0;
        const body = new ReadableStream({
            async pull(stream) {
                stream.enqueue(new Uint8Array(10000));
                if (++parts == 20)
                    controller.abort();
                await new Promise(resolve => setTimeout(resolve, 1));
            }
        });
        let name = "answered";
        try {
            await fetch("/upload", {method: "POST", body, duplex: "half", signal: controller.signal});
        } catch (error) {
            name = error.name;
        }
        const after = await (await fetch("/download?100000", {cache: "no-store"})).arrayBuffer();
        return [name, parts >= 20, await sha(after)];
    """)
    assert got == ["AbortError", True, sha(octets(100000))]
    # What had no answer has no protocol.
    assert protocols(page) == {"", "h2"}


def test_an_event_source(page):
    """Each event arrives as it is made, not with the last one."""
    got = call(page, """
        return await new Promise(resolve => {
            const source = new EventSource("/events");
            const events = [];
            source.onmessage = event => {
                events.push([event.lastEventId, event.data, performance.now()]);
                if (events.length == argument) {
                    source.close();
                    resolve(events);
                }
            };
        });
    """, EVENTS)
    assert [(number, data) for number, data, _ in got] == [(str(n), f"event {n}") for n in range(EVENTS)]
    # The application waits longer between the first and the last; a busy machine reads the first one late.
    assert got[-1][2] - got[0][2] > 1000 * PAUSE
    assert call(page, 'return (await fetch("/download?1")).status') == 200
    assert protocols(page) == {"h2"}


def test_early_hints(page, server):
    """The browser fetches what only the hints name. It may leave hints alone when the page comes soon after them."""
    asked = 'return Number(await (await fetch("/asked?/hinted-only.css")).text())'
    before = call(page, asked)
    deadline = time.monotonic() + 20
    while call(page, asked) == before:
        assert time.monotonic() < deadline, "the browser did not follow the hints"
        page.goto(server.url + "/hinted")
        page.wait_for_load_state("load")
        assert page.evaluate("getComputedStyle(document.body).color") == "rgb(1, 2, 3)"
        assert protocols(page) == {"h2"}

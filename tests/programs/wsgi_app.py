"""The WSGI application of our worker here: `service_wsgi`, and Apple's push service as far as its client asks."""
import json

from tests.support import service_wsgi


def app(environ, start_response):
    """Answer ``/3/device/TOKEN`` and the paths of `service_wsgi`."""
    if not environ["PATH_INFO"].startswith("/3/device/"):
        return service_wsgi.app(environ, start_response)
    told = json.loads(environ["wsgi.input"].read())
    fields = [("apns-id", environ["HTTP_APNS_ID"])]
    if environ["PATH_INFO"].endswith("/bad"):
        start_response("400 Bad Request", fields)
        return [json.dumps({"reason": "BadDeviceToken"}).encode()]
    assert told["aps"] and environ["HTTP_APNS_TOPIC"] == "com.example.app"
    start_response("200 OK", fields)
    return []

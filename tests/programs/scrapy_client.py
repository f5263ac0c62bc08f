"""Scrapy with its HTTP/2 download handler: ``scrapy_client.py URL``; prints what it has got."""
import hashlib
import json
import random
import sys

import scrapy
from scrapy.crawler import CrawlerProcess

from tests.programs.asgi_app import engine

URL = sys.argv[1]
SIZE = 10 << 20
BODY = random.Random(9).randbytes(SIZE)
SEEN = {"hello": 0, "protocols": []}


class Spider(scrapy.Spider):
    """A hundred requests at once, a large answer, a large body, an answer with trailers, a failure."""

    name = "spider"

    async def start(self):
        for number in range(100):
            yield scrapy.Request(f"{URL}/hello?{number}", self.hello)
        yield scrapy.Request(f"{URL}/big?{SIZE}", self.big)
        yield scrapy.Request(f"{URL}/digest", self.digest, method="POST", body=BODY)
        yield scrapy.Request(f"{URL}/trailers", self.trailers)
        yield scrapy.Request(f"{URL}/refused", self.refused, method="POST", body=BODY[:100_000],
                             meta={"handle_httpstatus_list": [413]})

    def hello(self, response):
        SEEN["hello"] += response.text == "Hello, world!"
        if response.protocol not in SEEN["protocols"]:
            SEEN["protocols"].append(response.protocol)

    def big(self, response):
        SEEN["big"] = len(response.body)

    def digest(self, response):
        SEEN["digest"] = response.text == hashlib.sha256(BODY).hexdigest()

    def trailers(self, response):
        SEEN["trailers"] = response.text

    def refused(self, response):
        SEEN["refused"] = response.status


def main():
    process = CrawlerProcess({
        "DOWNLOAD_HANDLERS": {"https": "scrapy.core.downloader.handlers.http2.H2DownloadHandler"},
        "CONCURRENT_REQUESTS": 100, "CONCURRENT_REQUESTS_PER_DOMAIN": 100, "DOWNLOAD_DELAY": 0, "DOWNLOAD_TIMEOUT": 20,
        "RETRY_ENABLED": False, "LOG_LEVEL": "INFO", "TELNETCONSOLE_ENABLED": False, "ROBOTSTXT_OBEY": False,
    })
    process.crawl(Spider)
    process.start()
    print(json.dumps({**SEEN, "engine": engine()}))


if __name__ == "__main__":
    main()

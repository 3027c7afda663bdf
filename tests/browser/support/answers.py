"""Answers in a server's stead: a front in trouble, for the requests of one page."""

import contextlib
import json
import threading
from collections.abc import Iterator
from typing import Any

import websocket

from tests.browser.support.browser import SECONDS, Browser


@contextlib.contextmanager
def answered(browser: Browser, pattern: str, status: int) -> Iterator[None]:
    """Answer what the page sends (POST) to addresses of a pattern (`*` for anything) by a status, before it leaves."""
    at = browser.driver.capabilities["goog:chromeOptions"]["debuggerAddress"]
    page = f"ws://{at}/devtools/page/{browser.driver.current_window_handle}"
    link = websocket.create_connection(page, timeout=SECONDS, suppress_origin=True)
    ended = threading.Event()

    def ask(number: int, method: str, **parameters: Any) -> None:
        link.send(json.dumps({"id": number, "method": method, "params": parameters}))

    def serve() -> None:
        number = 1
        while not ended.is_set():
            try:
                told = json.loads(link.recv())
            except websocket.WebSocketTimeoutException:
                continue
            except (websocket.WebSocketException, OSError, ValueError):
                return
            if told.get("method") == "Fetch.requestPaused":
                number += 1
                paused = told["params"]
                if paused["request"]["method"] == "POST":
                    ask(number, "Fetch.fulfillRequest", requestId=paused["requestId"], responseCode=status)
                else:
                    ask(number, "Fetch.continueRequest", requestId=paused["requestId"])

    ask(1, "Fetch.enable", patterns=[{"urlPattern": pattern}])
    while json.loads(link.recv()).get("id") != 1:
        pass
    link.settimeout(1)
    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(SECONDS)
        link.close()

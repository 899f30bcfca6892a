"""Browser windows that take note of everything that must not happen in any of them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, WebSocket

from tests.journeys.shop import Shop

# Before any script of a page: the page as in a browser, or behind a proxy, without WebSocket.
WITHOUT_WEBSOCKET = "delete window.WebSocket"
_REFUSED = re.compile(r"the server responded with a status of ([45]\d\d)")


@dataclass
class Windows:
    """Opens windows, each with its own cookies, and knows what went wrong in them."""

    browser: Browser
    faults: list[str] = field(default_factory=list)
    expected_statuses: set[int] = field(default_factory=set)
    _contexts: list[BrowserContext] = field(default_factory=list)

    def open(self, shop: Shop, *, websocket: bool = True, **options: Any) -> Page:
        """A new window on another device, with nobody signed in; addresses may be paths.

        `options` are those of a browser context (`java_script_enabled`, `color_scheme`, …).
        """
        context = self.browser.new_context(base_url=shop.url, **options)
        context.set_default_timeout(20_000)
        if not websocket:
            context.add_init_script(WITHOUT_WEBSOCKET)
        context.on("console", self._said)
        context.on("weberror", lambda error: self.faults.append(f"uncaught: {error.error}"))
        context.on("request", self._asked)
        context.on("page", lambda page: page.on("websocket", self._connected))
        self._contexts.append(context)
        return context.new_page()

    def close(self) -> None:
        """Close all windows."""
        for context in self._contexts:
            context.close()

    def _said(self, message: ConsoleMessage) -> None:
        refused = _REFUSED.search(message.text)
        if refused and int(refused[1]) in self.expected_statuses:
            return
        if message.type == "error" or "Content Security Policy" in message.text:
            self.faults.append(f"console: {message.text} ({message.location.get('url')})")

    def _asked(self, request: Request) -> None:
        self._check_address(request.url)

    def _connected(self, socket: WebSocket) -> None:
        self._check_address(socket.url)

    def _check_address(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"data", "blob"} and parts.hostname != "127.0.0.1":
            self.faults.append(f"asked for {url}")

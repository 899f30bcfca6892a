"""nginx with the deployed configuration, really in front of Gunicorn."""

from __future__ import annotations

import contextlib
import io
import re
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests
from PIL import Image
from playwright.sync_api import Browser, expect

from tests.deploy.hosts import Hosts
from tests.realtime.processes import ear
from tests.waiting import until

SPOOFED = {
    "X-Forwarded-For": "203.0.113.9",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Prefix": "/evil",
    "X-Real-IP": "203.0.113.9",
    "Forwarded": "for=203.0.113.9;host=evil.example;proto=https",
    "X-Request-ID": "spoofed-request-id",
}


def picture() -> bytes:
    held = io.BytesIO()
    Image.new("RGB", (900, 600), "teal").save(held, "PNG")
    return held.getvalue()


def test_tls_is_spoken_and_plain_http_leads_to_it(hosts: Hosts) -> None:
    front = hosts.front
    page = requests.get(front.tls_url, verify=str(front.certificate), timeout=10)
    assert page.status_code == 200
    sent = requests.get(f"{front.redirect_url}/help?x=1", allow_redirects=False, timeout=10)
    assert sent.status_code == 308
    assert sent.headers["Location"] == "https://bids.example.com/help?x=1"


def test_another_name_is_not_answered(hosts: Hosts) -> None:
    with pytest.raises(requests.ConnectionError):
        requests.get(hosts.front.redirect_url, headers={"Host": "evil.example"}, timeout=10)


def test_what_a_client_says_about_proxies_is_not_believed(hosts: Hosts) -> None:
    buyer = hosts.buyer()
    answer = requests.get(f"{hosts.url}/api/auth/me", headers=SPOOFED | buyer.bearer, timeout=10)
    given = answer.headers["X-Request-ID"]
    assert re.fullmatch("[0-9a-f]{32}", given)
    logs = [hosts.web.log, hosts.second[0].log]
    until(lambda: any(given in log.read_text() for log in logs))
    [line] = [line for log in logs for line in log.read_text().splitlines() if given in line]
    assert f"from_address={hosts.front.address}" in line
    assert "203.0.113.9" not in line

    page = requests.get(f"{hosts.url}/login", headers=SPOOFED, timeout=10)
    assert "evil" not in page.text
    moved = requests.get(f"{hosts.url}/seller", headers=SPOOFED, timeout=10, allow_redirects=False)
    assert "evil" not in moved.headers["Location"]


# What the application refuses, and what nginx does not even let through.
@pytest.mark.parametrize("megabytes", [2, 13])
def test_what_is_too_large_is_refused_in_the_products_words(hosts: Hosts, megabytes: int) -> None:
    body = b"x" * (megabytes * 1024 * 1024)
    for _ in range(12):
        page = requests.post(f"{hosts.url}/login", data=body, timeout=30)
        assert page.status_code == 413
        assert "Too large" in page.text
        assert "Guess The Worth" in page.text
        assert page.headers["X-Request-ID"]
        said = hosts.seller.bearer | {"Content-Type": "application/json"}
        api = requests.post(f"{hosts.url}/api/bids", data=body, headers=said, timeout=30)
        assert api.status_code == 413
        assert api.headers["Content-Type"] == "application/problem+json"
        assert api.json()["status"] == 413


def test_a_picture_sent_to_one_host_is_seen_on_both(hosts: Hosts) -> None:
    artwork_id = hosts.artwork()
    sent = requests.put(
        f"{hosts.urls[0]}/api/artworks/{artwork_id}/image",
        files={"image": ("boats.png", picture(), "image/png")},
        data={"alt": "Boats"},
        headers=hosts.seller.bearer,
        timeout=30,
    )
    assert sent.status_code == 200, sent.text
    page = requests.get(f"{hosts.url}/artworks/{artwork_id}", timeout=10).text
    found = re.search(r'src="(/pictures/[^"]+)"', page) or re.search(
        r'src="([^"]+\.(?:webp|jpg|jpeg))"', page
    )
    assert found, page
    seen = [requests.get(url + found[1], timeout=10) for url in [*hosts.urls, hosts.url]]
    assert [each.status_code for each in seen] == [200, 200, 200]
    assert len({each.content for each in seen}) == 1


def test_static_files_are_kept_and_compressed_and_pages_are_neither(hosts: Hosts) -> None:
    asked = {"Accept-Encoding": "gzip"}
    page = requests.get(f"{hosts.url}/login", headers=asked, timeout=10)
    assert "Content-Encoding" not in page.headers
    assert "max-age=31536000" not in page.headers["Cache-Control"]
    found = re.search(r'href="(/static/css/app\.css\?v=\w+)"', page.text)
    assert found
    sheet = requests.get(hosts.url + found[1], headers=asked, timeout=10)
    assert sheet.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert sheet.headers["Content-Encoding"] == "gzip"


def test_metrics_are_not_for_the_world(hosts: Hosts) -> None:
    assert requests.get(f"{hosts.url}/metrics", timeout=10).status_code == 404
    assert requests.get(f"{hosts.urls[0]}/metrics", timeout=10).status_code == 200


def test_the_log_of_requests_holds_no_reset_link_and_no_query(hosts: Hosts) -> None:
    requests.get(f"{hosts.url}/password/reset/secret-token-in-link", timeout=10)
    requests.get(f"{hosts.url}/?q=what-they-look-for", timeout=10)
    until(lambda: '"GET / " 200' in hosts.front.log.read_text().replace('/"', '/ "'))
    log = hosts.front.log.read_text()
    assert "/password/reset/[hidden]" in log
    assert "secret-token-in-link" not in log
    assert "what-they-look-for" not in log


def test_live_updates_cross_hosts_through_nginx(hosts: Hosts) -> None:
    artwork_id, end_of_log = hosts.artwork(), hosts.front.log.stat().st_size
    buyer = hosts.buyer()
    for bidder_host, amount in zip(hosts.urls, ("20.00", "30.00"), strict=True):
        with ear(hosts.url) as first, ear(hosts.url) as second:
            for each in (first, second):
                each.watch(artwork_id)
            said = requests.post(
                f"{bidder_host}/api/bids",
                json={"artwork_id": artwork_id, "amount": amount},
                headers=buyer.bearer,
                timeout=10,
            )
            assert said.status_code == 201, said.text
            for each in (first, second):
                until(lambda each=each: each.heard)
    log = hosts.front.log.read_text()[end_of_log:]
    used = set(re.findall(r'"GET /socket\.io/" 101 .*?from=(\S+)', log))
    assert used == set(hosts.webs)


def test_a_page_in_a_browser_goes_live_through_tls(hosts: Hosts, browser: Browser) -> None:
    artwork_id = hosts.artwork()
    context = browser.new_context(ignore_https_errors=True)
    try:
        page = context.new_page()
        with page.expect_websocket() as opened:
            page.goto(f"{hosts.front.tls_url}/artworks/{artwork_id}")
        assert opened.value.url.startswith("wss://")
        expect(page.locator("body")).not_to_contain_text("42.17")
        requests.post(
            f"{hosts.urls[1]}/api/bids",
            json={"artwork_id": artwork_id, "amount": "42.17"},
            headers=hosts.buyer().bearer,
            timeout=10,
        )
        expect(page.locator("main")).to_contain_text("42.17", timeout=10_000)
    finally:
        context.close()


class Busy(BaseHTTPRequestHandler):
    """A host that shows its help, and refuses everything else for now."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/help" else 503)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_POST = do_GET

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def busy() -> Iterator[str]:
    """Such a host; its address and port."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Busy) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


def test_hosts_that_refuse_for_now_are_not_left_out(hosts: Hosts) -> None:
    with busy() as one, busy() as other:
        hosts.front.reload([one, other])
        try:
            for method, path in (("GET", "/health/ready"), ("GET", "/"), ("POST", "/api/bids")):
                for _ in range(4):
                    said = requests.request(method, hosts.url + path, timeout=10)
                    assert (said.status_code, said.text) == (503, "")
                assert requests.get(f"{hosts.url}/help", timeout=10).status_code == 200
        finally:
            hosts.front.reload(hosts.webs)


def test_without_any_host_pages_and_programs_are_told_so(hosts: Hosts) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        hosts.front.reload([f"127.0.0.1:{nobody.getsockname()[1]}"])
        try:
            until(lambda: requests.get(hosts.url, timeout=10).status_code == 503, 10)
            page = requests.get(hosts.url, timeout=10)
            assert "Back in a moment" in page.text
            api = requests.get(f"{hosts.url}/api/artworks", timeout=10)
            assert (api.status_code, api.json()["status"]) == (503, 503)
        finally:
            hosts.front.reload(hosts.webs)
            until(lambda: requests.get(f"{hosts.url}/health", timeout=5).ok, 10)

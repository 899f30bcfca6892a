"""A whole sale by the JSON API: list an artwork, lose a bid, win, pay, wait until it is sold.

    python examples/sell_and_buy.py --url http://127.0.0.1:5000

It registers a seller and a buyer of its own and needs nothing but `requests`. The payment itself
is made by a person: open the address that it prints, and pay there.
"""

from __future__ import annotations

import argparse
import secrets
import sys
import time
from typing import Any

import requests


class Refused(Exception):
    """The API's answer was no."""


class Caller:
    """Somebody who asks the API; once registered, with a bearer token."""

    def __init__(self, url: str) -> None:
        self._api = f"{url.rstrip('/')}/api"
        self._http = requests.Session()

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """The answer's JSON. Raises Refused with what the API said."""
        while True:
            answer = self._http.request(method, self._api + path, json=body, timeout=30)
            if answer.status_code not in (429, 503):
                break
            # Too many requests, or back in a moment: the API says when to ask again.
            time.sleep(int(answer.headers.get("Retry-After", "5")))
        if not answer.ok:
            # Problems are told as RFC 9457 says: `detail` for people, `code` for programs.
            problem = answer.json()
            raise Refused(f"{method} {path}: {answer.status_code} {problem['detail']}")
        return answer.json() if answer.content else None

    def register(self, role: str) -> None:
        """Open an account under a new address, and sign in."""
        email = f"{role.lower()}-{secrets.token_hex(4)}@example.com"
        password = secrets.token_urlsafe(16)
        account = {"email": email, "name": f"Example {role.lower()}", "role": role}
        self.ask("POST", "/auth/register", account | {"password": password})
        token = self.ask("POST", "/auth/token", {"email": email, "password": password})["token"]
        self._http.headers["Authorization"] = f"Bearer {token}"


def wait_for_payment(buyer: Caller, payment_id: int, bid_id: int) -> str:
    """The page on which to pay. It is not there yet while Stripe cannot be reached."""
    while True:
        checkout = buyer.ask("POST", "/payments/checkout-session", {"bid_id": bid_id})
        if checkout["checkout_url"]:
            return str(checkout["checkout_url"])
        print(f"Payment {payment_id} is being prepared.", flush=True)
        time.sleep(2)


def main() -> int:
    """Play a sale; 0 once it is sold, 1 if it was not paid in time."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument("--url", default="http://127.0.0.1:5000", help="where the product is")
    url = options.parse_args().url

    seller, buyer = Caller(url), Caller(url)
    seller.register("SELLER")
    buyer.register("BUYER")

    artwork = seller.ask(
        "POST", "/artworks", {"title": "Harbour at dawn", "secret_threshold": "100.00"}
    )
    print(f"Listed: {url.rstrip('/')}/artworks/{artwork['id']}", flush=True)

    for amount in ("50.00", "120.00"):
        bid = buyer.ask("POST", "/bids", {"artwork_id": artwork["id"], "amount": amount})
        print(f"Bid {amount}: {'it wins' if bid['is_winning'] else 'not this time'}", flush=True)

    payment = bid["payment"]
    address = payment["checkout_url"] or wait_for_payment(buyer, payment["id"], bid["id"])
    print(f"Pay until {payment['expires_at']}: {address}", flush=True)

    while True:
        status = buyer.ask("GET", f"/payments/{payment['id']}")["status"]
        artwork = seller.ask("GET", f"/artworks/{artwork['id']}")
        if artwork["status"] == "SOLD":
            print(f"SOLD for {artwork['sold_price']}", flush=True)
            return 0
        if status in ("CANCELED", "FAILED"):
            print(f"Not paid in time: {status}. The artwork is {artwork['status']}.", flush=True)
            return 1
        time.sleep(1)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (Refused, requests.RequestException) as wrong:
        sys.exit(str(wrong))

"""Asking for a reset link tells nothing about who has an account."""

from __future__ import annotations

import time

from tests.people import Browser, TestPerson


def test_words_status_and_time_are_the_same_for_an_address_that_nobody_has(
    client: Browser, buyer: TestPerson
) -> None:
    seen = []
    for email in (buyer.email, "nobody@example.com"):
        began = time.perf_counter()
        answer = client.submit("/password/forgot", email=email)
        took = time.perf_counter() - began
        said = client.get("/login").text.count(f"If {email} has an account")
        seen.append((answer.status_code, answer.location, said))
        # Nobody is answered before the mail for somebody would have been written down.
        assert took >= 0.4
    assert seen == [(303, "/login", 1)] * 2

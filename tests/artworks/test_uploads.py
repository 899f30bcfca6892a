"""What is sent in files does not outlive its request."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask, request, request_tearing_down
from urllib3.filepost import encode_multipart_formdata

from tests.people import TestPerson

# Werkzeug keeps what is larger than 500 kB in a temporary file.
LARGE = 600_000


@pytest.fixture
def closed(app: Flask) -> Iterator[list[bool]]:
    """For each file that was sent, whether it is closed when its request is over."""
    found: list[bool] = []

    def look(_sender: Any, **_: Any) -> None:
        found.extend(file.stream.closed for file in request.files.values())

    with request_tearing_down.connected_to(look, app):
        yield found


@pytest.mark.parametrize("by", ["api", "page"])
def test_the_file_of_a_large_upload_is_closed_with_its_request(
    by: str, seller: TestPerson, make_artwork: Callable[..., int], closed: list[bool]
) -> None:
    token = {"csrf_token": seller.browser.csrf_token()} if by == "page" else {}
    body, kind = encode_multipart_formdata({**token, "image": ("a.png", b"x" * LARGE)})
    if by == "page":
        answer = seller.browser.post("/seller/artworks/new", data=body, content_type=kind)
    else:
        path = f"/api/artworks/{make_artwork(seller)}/image"
        answer = seller.browser.put(path, data=body, content_type=kind, headers=seller.bearer)
    assert answer.status_code == 422
    assert closed == [True]

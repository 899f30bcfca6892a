"""What is sent in files does not outlive its request, and may find no room."""

from __future__ import annotations

import logging
import resource
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any

import pytest
from flask import Flask, request, request_tearing_down
from PIL import Image
from urllib3.filepost import encode_multipart_formdata
from werkzeug.test import TestResponse

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


def send(
    by: str, seller: TestPerson, make_artwork: Callable[..., int], data: bytes
) -> TestResponse:
    """Send a picture for a new artwork's page, or for one that there is."""
    token = {"csrf_token": seller.browser.csrf_token()} if by == "page" else {}
    body, kind = encode_multipart_formdata({**token, "image": ("a.png", data)})
    if by == "page":
        return seller.browser.post("/seller/artworks/new", data=body, content_type=kind)
    path = f"/api/artworks/{make_artwork(seller)}/image"
    return seller.browser.put(path, data=body, content_type=kind, headers=seller.bearer)


@pytest.mark.parametrize("by", ["api", "page"])
def test_the_file_of_a_large_upload_is_closed_with_its_request(
    by: str, seller: TestPerson, make_artwork: Callable[..., int], closed: list[bool]
) -> None:
    answer = send(by, seller, make_artwork, b"x" * LARGE)
    assert answer.status_code == 422
    assert closed == [True]


# Werkzeug's file is given up with what it could not write, and Python says so.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
@pytest.mark.parametrize("where", ["as it arrives", "as it is kept"])
@pytest.mark.parametrize("by", ["api", "page"])
def test_an_upload_that_finds_no_room_is_put_off(
    by: str,
    where: str,
    app: Flask,
    seller: TestPerson,
    make_artwork: Callable[..., int],
    caplog: pytest.LogCaptureFixture,
) -> None:
    data = b"x" * LARGE
    if where == "as it is kept":
        file = BytesIO()
        Image.effect_noise((1000, 1000), 50).convert("RGB").save(file, "JPEG", quality=30)
        data = file.getvalue()
        assert 50_000 < len(data) < 500_000
    folder = app.config["SETTINGS"].upload_dir
    before = sorted(folder.rglob("*-*.*"))
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    # The picture's smallest size is smaller, and is written before a larger one fails.
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, usual[1]))
    try:
        answer = send(by, seller, make_artwork, data)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert "There is no room for files here right now." in answer.text
    assert sorted(folder.rglob("*-*.*")) == before
    [told] = [each for each in caplog.records if each.levelno >= logging.ERROR]
    assert told.exc_info is None

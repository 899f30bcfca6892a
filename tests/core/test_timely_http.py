"""An HTTP request ends in time, however its answer comes."""

from __future__ import annotations

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from app.core import timely_http
from app.core.timely_http import TimelySession
from tests.slow_server import ANSWER, answering, dripping
from tests.waiting import until


@pytest.mark.parametrize("head", [0, 5, 60])
def test_an_answer_that_drips_is_waited_for_no_longer_than_said(head: int) -> None:
    with answering(dripping(head)) as address, TimelySession(0.3) as session:
        began = time.monotonic()
        with pytest.raises(requests.Timeout):
            session.get(address, timeout=(0.2, 0.2))
        assert time.monotonic() - began < 0.8


def test_answers_that_were_left_are_no_more_than_a_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(timely_http, "_MOST_LEFT", 2)
    drip_on = threading.Event()

    def speak(one: socket.socket) -> None:
        while not drip_on.wait(0.05):
            one.sendall(b"x")
        one.shutdown(socket.SHUT_RDWR)

    with answering(speak) as address, TimelySession(0.2) as session:
        for _ in range(2):
            with pytest.raises(requests.Timeout, match="no whole answer"):
                session.get(address, timeout=5)
        began = time.monotonic()
        with pytest.raises(requests.Timeout, match="2 earlier answers"):
            session.get(address, timeout=5)
        assert time.monotonic() - began < 0.1
        drip_on.set()
        with answering(lambda one: one.sendall(ANSWER)) as well:
            until(lambda: _answers(session, well))


def _answers(session: TimelySession, address: str) -> bool:
    try:
        return session.get(address, timeout=5).ok
    except requests.Timeout:
        return False


def test_silence_is_told_as_before_and_so_is_a_server_that_is_not_there() -> None:
    with answering(lambda _: time.sleep(2)) as address, TimelySession(5) as session:
        began = time.monotonic()
        with pytest.raises(requests.ReadTimeout):
            session.get(address, timeout=(0.2, 0.2))
        assert time.monotonic() - began < 1
    with TimelySession(5) as session, pytest.raises(requests.ConnectionError):
        session.get(address, timeout=1)


def test_many_threads_ask_by_the_same_connections_and_no_cookie_is_kept() -> None:
    with answering(lambda one: one.sendall(ANSWER)) as address, TimelySession(5) as session:
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: session.get(address, timeout=5), range(200)))
        assert {answer.content for answer in answers} == {b"x" * 20}
        assert len(session.cookies) == 0

"""A server on loopback that answers as slowly as a test wants it to."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

ANSWER = b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 20\r\n\r\n" + b"x" * 20


@contextmanager
def answering(speak: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that reads each request and then speaks; gives its address."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve(one: socket.socket) -> None:
            with one:
                while b"\r\n\r\n" in one.recv(65536):
                    try:
                        speak(one)
                    except OSError:
                        return

        def listen() -> None:
            while True:
                try:
                    one, _ = server.accept()
                except OSError:
                    return
                threading.Thread(target=serve, args=[one], daemon=True).start()

        threading.Thread(target=listen, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"
        server.shutdown(socket.SHUT_RDWR)


def dripping(head: int, seconds: float = 0.05) -> Callable[[socket.socket], None]:
    """So many bytes at once, and then one after every so many seconds."""

    def speak(one: socket.socket) -> None:
        one.sendall(ANSWER[:head])
        for byte in ANSWER[head:]:
            time.sleep(seconds)
            one.sendall(bytes([byte]))

    return speak

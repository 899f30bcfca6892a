"""The yardstick for live updates: a loop that writes the same bytes to every socket, and no more.

`python -m bench.bare_live PORT PER_SECOND`. It answers websocket handshakes, and from then on sends
everybody one `new_bid` as often; its amount is the number of the update.
"""

import asyncio
import base64
import hashlib
import sys
import time

_RFC_6455 = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


async def _serve(port: int, per_second: float) -> None:
    everybody: set[asyncio.StreamWriter] = set()

    async def welcome(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        key = head.split(b"Sec-WebSocket-Key: ", 1)[1].split(b"\r\n", 1)[0]
        accept = base64.b64encode(hashlib.sha1(key + _RFC_6455).digest())  # noqa: S324 - its rule
        writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
        everybody.add(writer)
        try:
            while await reader.read(4096):
                pass
        finally:
            everybody.discard(writer)
            writer.close()

    server = await asyncio.start_server(welcome, "127.0.0.1", port, backlog=2048)
    began = time.monotonic()
    async with server:
        for number in range(1, sys.maxsize):
            await asyncio.sleep(max(0.0, began + number / per_second - time.monotonic()))
            # The moment in cents: whoever listens knows when it was sent.
            amount = f"{int(time.monotonic() * 10_000) / 100:.2f}"
            told = (
                f'42["new_bid",{{"artwork_id":1,"current_highest_bid":"{amount}",'
                f'"bid_count":{number}}}]'
            ).encode()
            frame = bytes([0x81, len(told)]) + told
            for writer in everybody:
                writer.write(frame)


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), float(sys.argv[2])))

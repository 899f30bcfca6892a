"""The catcher's SMTP side."""

import asyncio
import threading
from concurrent.futures import Future
from typing import AnyStr, NoReturn

from aiosmtpd.smtp import SMTP, Envelope, Session

from dev.loopback import LOOPBACK
from dev.mail_catcher.faults import Fault, FaultSwitch
from dev.mail_catcher.store import MessageStore


class _Connection(SMTP):
    """One client's connection, which can be cut right after an answer."""

    cut_after_answer = False
    fault = Fault()

    async def push(self, status: AnyStr) -> None:
        await super().push(status)
        if self.cut_after_answer:
            self.cut()

    def cut(self) -> NoReturn:
        """Close the connection, once what is on its way has been sent, and end its task."""
        if self.transport is not None:
            self.transport.close()
        raise asyncio.CancelledError


class _Handler:
    """Decides about each transaction; the hooks are named and called by aiosmtpd."""

    def __init__(self, store: MessageStore, faults: FaultSwitch) -> None:
        self.store = store
        self.faults = faults

    async def handle_MAIL(
        self,
        server: _Connection,
        session: Session,
        envelope: Envelope,
        address: str,
        options: list[str],
    ) -> str:
        """Begin a transaction: what is to go wrong with it is settled here."""
        server.fault = self.faults.take()
        if server.fault.mode == "slow":
            await asyncio.sleep(server.fault.seconds)
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(
        self,
        server: _Connection,
        session: Session,
        envelope: Envelope,
        address: str,
        options: list[str],
    ) -> str:
        """Take or refuse a recipient."""
        if server.fault.mode == "refuse_4xx":
            return "451 4.3.0 Refused for now, as told"
        if server.fault.mode == "refuse_5xx":
            return "550 5.1.1 Refused for good, as told"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, server: _Connection, session: Session, envelope: Envelope) -> str:
        """Keep the message, unless the connection is to break before that."""
        if server.fault.mode == "drop_before_250":
            server.cut()
        content = envelope.content
        raw = content.encode() if isinstance(content, str) else content or b""
        message = self.store.add(envelope.mail_from or "", envelope.rcpt_tos, raw)
        server.cut_after_answer = server.fault.mode == "drop_after_250"
        return f"250 OK kept as {message.id}"


class SmtpServer:
    """SMTP on an address of this machine, in a thread of its own."""

    def __init__(
        self, store: MessageStore, faults: FaultSwitch, port: int = 0, address: str = LOOPBACK
    ) -> None:
        """Prepare to listen on `port`, or on a free one."""
        self.address = address
        self.port = port
        self._handler = _Handler(store, faults)
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._listening: Future[int] = Future()
        self._thread = threading.Thread(target=self._run, name="smtp", daemon=True)

    def start(self) -> None:
        """Listen; raises OSError when the port is taken."""
        self._thread.start()
        self.port = self._listening.result(10)

    def stop(self) -> None:
        """Close every connection and stop listening; safe twice, and when start failed."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(10)

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
        except OSError as error:
            self._listening.set_exception(error)
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        server = await self._loop.create_server(
            lambda: _Connection(
                self._handler, hostname="localhost", enable_SMTPUTF8=True, loop=self._loop
            ),
            self.address,
            self.port,
        )
        self._listening.set_result(server.sockets[0].getsockname()[1])
        await self._stop.wait()
        server.close()
        connections = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in connections:
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
        await asyncio.sleep(0)  # lets the transports close

"""The catcher as a whole: SMTP in, web pages and JSON out."""

import threading
from pathlib import Path

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from dev.loopback import LOOPBACK
from dev.mail_catcher.faults import Fault, FaultSwitch
from dev.mail_catcher.smtp import SmtpServer
from dev.mail_catcher.store import Message, MessageStore
from dev.mail_catcher.viewer import create_viewer


class _QuietHandler(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing: pages ask again every few seconds."""


class MailCatcher:
    """A mail catcher in this process, as a context manager; ports 0 mean free ones."""

    def __init__(
        self,
        keep: Path | None = None,
        smtp_port: int = 0,
        http_port: int = 0,
        smtp_address: str = LOOPBACK,
    ) -> None:
        """Prepare one; `keep` is a folder in which messages survive a restart.

        Mail is taken on `smtp_address`, and shown on the loopback address.
        """
        self.store = MessageStore(keep)
        self.faults = FaultSwitch()
        self._http_port = http_port
        self._smtp = SmtpServer(self.store, self.faults, smtp_port, smtp_address)
        self._http: BaseWSGIServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def smtp_port(self) -> int:
        """Where mail is taken; known once started."""
        return self._smtp.port

    @property
    def url(self) -> str:
        """Where mail is shown; known once started."""
        return f"http://{LOOPBACK}:{self._http_port}"

    def start(self) -> "MailCatcher":
        """Begin to listen; raises OSError when a port is taken."""
        self._smtp.start()
        try:
            self._http = make_server(
                LOOPBACK,
                self._http_port,
                create_viewer(self.store, self.faults),
                threaded=True,
                request_handler=_QuietHandler,
            )
        except (OSError, SystemExit) as error:  # werkzeug exits on a port that is taken
            self._smtp.stop()
            raise OSError(f"cannot listen on port {self._http_port}") from error
        self._http_port = self._http.server_port
        self._thread = threading.Thread(
            target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop listening; safe twice."""
        if self._http is not None and self._thread is not None:
            self._http.shutdown()
            self._thread.join(10)
            self._http.server_close()
            self._http = None
        self._smtp.stop()

    def __enter__(self) -> "MailCatcher":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def messages(self, to: str = "", kind: str = "") -> list[Message]:
        """Return what has arrived, newest first."""
        return [message for message in self.store.all(to) if not kind or message.kind == kind]

    def break_down(self, mode: str, *, seconds: float = 5.0, times: int | None = None) -> None:
        """Put a fault in force (see Fault for the modes)."""
        self.faults.set(Fault.from_json({"mode": mode, "seconds": seconds, "times": times}))

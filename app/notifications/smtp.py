"""Flask-Mail's connection, with a limit on every wait and certificates checked."""

import contextlib
import io
import re
import smtplib
import socket
import ssl
import time
from types import TracebackType
from typing import Any

from flask import current_app
from flask_mail import BadHeaderError, Connection, Message

from app.notifications import rules

STEP_SECONDS = 10.0
TOTAL_SECONDS = 30.0
# A server on this port speaks TLS from the first byte (RFC 8314, section 3.3).
TLS_PORT = 465
# Answers that speak of our sign-in and not of the mail (RFC 4954, section 6).
_SIGN_IN_CODES = (530, 534, 535, 538)


class MailRefused(Exception):
    """The mail server refuses this mail for good; trying again would change nothing."""


class MailPutOff(Exception):
    """The mail could not be handed over now; trying again later is right."""


class _Impatient(smtplib.SMTP):
    """SMTP in which the waits together, not only each by itself, have an end.

    Python's own limit begins anew with every byte that arrives.
    """

    ends_at: float

    def wait_no_longer(self) -> float:
        """Limit the next wait to what is left; the limit in seconds. Raises TimeoutError."""
        left = min(STEP_SECONDS, self.ends_at - time.monotonic())
        if left <= 0:
            raise TimeoutError("the mail server took too long")
        if self.sock is not None:
            self.sock.settimeout(left)
        return left

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        failure = OSError(f"{host} has no address")
        for *_, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            left = self.wait_no_longer()
            try:
                made: socket.socket = super()._get_socket(  # type: ignore[misc]
                    str(address[0]), port, left
                )
            except OSError as silent:
                failure = silent
            else:
                return made
        raise failure

    def send(self, s: Any) -> None:
        self.wait_no_longer()
        super().send(s)

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None:
            self.file = io.BufferedReader(_Replies(self))
        return super().getreply()


class _Replies(io.RawIOBase):
    """What the mail server says, each piece of it waited for no longer than time is left."""

    def __init__(self, connection: _Impatient) -> None:
        self._connection = connection

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._connection.wait_no_longer()
        sock = self._connection.sock
        return 0 if sock is None else sock.recv_into(buffer)


class _ImpatientTLS(_Impatient, smtplib.SMTP_SSL):
    """The same, inside TLS from the first byte."""


class TimedConnection(Connection):
    """A connection that is never waited for longer than TOTAL_SECONDS in all.

    Only the time in which the server's name is looked up is the machine's own affair.
    Flask-Mail's own has no time limit, and checks no certificate. How a server says goodbye
    changes nothing about a mail that it has already accepted.
    """

    host: smtplib.SMTP | None

    def __enter__(self) -> "TimedConnection":
        self.host = self.configure_host()
        self.num_emails = 0
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        if self.host is None:
            return
        if exc_type is None:
            with contextlib.suppress(OSError, smtplib.SMTPException):
                self.host.quit()
        self.host.close()

    def configure_host(self) -> smtplib.SMTP:
        """Connect, begin TLS and sign in as the settings say; raises MailPutOff."""
        mail = self.mail
        context = ssl.create_default_context()
        inside_tls = mail.use_tls and mail.port == TLS_PORT
        host: _Impatient = (
            _ImpatientTLS(timeout=STEP_SECONDS, context=context)
            if inside_tls
            else _Impatient(timeout=STEP_SECONDS)
        )
        host.ends_at = time.monotonic() + TOTAL_SECONDS
        # What smtplib checks a certificate against; it sets it only when it connects by itself.
        host._host = mail.server  # type: ignore[attr-defined]
        try:
            code, said = host.connect(mail.server, mail.port)
            if code != 220:
                raise smtplib.SMTPConnectError(code, said)
            if mail.use_tls and not inside_tls:
                host.starttls(context=context)
            if mail.username and mail.password:
                host.login(mail.username, mail.password)
        except (smtplib.SMTPException, OSError) as failure:
            host.close()
            # The server refuses us, not this mail: when that is mended, every mail can go.
            raise MailPutOff(describe(failure)) from failure
        return host


def greet() -> None:
    """Connect, begin TLS and sign in as for a mail, and leave again; raises MailPutOff."""
    with TimedConnection(current_app.extensions["mail"]) as connection:
        if connection.host is not None:
            code, said = connection.host.noop()
            if code != 250:
                raise MailPutOff(f"{code} {_text(said)}")


def send(message: Message) -> None:
    """Hand one message over to the mail server of the settings.

    Returns once the server has accepted it. Raises MailRefused when it never will, MailPutOff when
    it may later (busy, away, too slow, or refusing us rather than the mail).
    """
    try:
        with TimedConnection(current_app.extensions["mail"]) as connection:
            connection.send(message)
    except smtplib.SMTPRecipientsRefused as refused:
        codes = [code for code, _ in refused.recipients.values()]
        for_good = codes and all(500 <= code < 600 for code in codes)
        raise (MailRefused if for_good else MailPutOff)(describe(refused)) from refused
    except smtplib.SMTPResponseException as answer:
        raise _answered(answer)(describe(answer)) from answer
    except smtplib.SMTPNotSupportedError as failure:
        raise MailRefused(describe(failure)) from failure
    except BadHeaderError as failure:
        raise MailRefused("a header holds a line break") from failure
    except (smtplib.SMTPException, OSError) as failure:
        raise MailPutOff(describe(failure)) from failure


def _answered(answer: smtplib.SMTPResponseException) -> type[MailRefused] | type[MailPutOff]:
    about_us = isinstance(answer, smtplib.SMTPHeloError) or answer.smtp_code in _SIGN_IN_CODES
    return MailRefused if 500 <= answer.smtp_code < 600 and not about_us else MailPutOff


def describe(failure: Exception) -> str:
    """What went wrong in one line: the server's own answer, or the kind of failure."""
    if isinstance(failure, smtplib.SMTPRecipientsRefused):
        answers = [f"{code} {_text(said)}" for code, said in failure.recipients.values()]
        text = "; ".join(answers) or "recipient refused"
    elif isinstance(failure, smtplib.SMTPAuthenticationError):
        # Some servers repeat what was sent; a name or a password has no place in the outbox.
        text = f"{failure.smtp_code} the mail server does not accept the user name and password"
    elif isinstance(failure, smtplib.SMTPResponseException):
        text = f"{failure.smtp_code} {_text(failure.smtp_error)}"
    elif isinstance(failure, TimeoutError):
        text = "the mail server took too long"
    else:
        text = f"{type(failure).__name__}: {failure}"
    return rules.one_line(re.sub(r"\s+", " ", text), rules.ERROR_LENGTH)


def _text(said: bytes | str) -> str:
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else said

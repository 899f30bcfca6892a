"""A mail server that wants TLS and a log-in, as those on the internet do."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from app.notifications import service, smtp
from app.notifications.states import EmailStatus
from dev.loopback import free_port
from tests.notifications.conftest import Outbox

NAME, PASSWORD = "shop@example.com", "quite a secret"


class MailServer:
    """Takes mail from who signed in; what it saw is in `arrived`."""

    def __init__(
        self, certificate: trustme.LeafCert, *, inside_tls: bool, offers_tls: bool
    ) -> None:
        self.arrived: list[tuple[bool, Any, str]] = []
        self.opened: list[str] = []
        self.knows = {NAME: PASSWORD}
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        certificate.configure_cert(context)
        starttls = offers_tls and not inside_tls
        self.port = free_port()
        self._controller = Controller(
            self,
            hostname="127.0.0.1",
            port=self.port,
            ssl_context=context if inside_tls else None,
            tls_context=context if starttls else None,
            require_starttls=starttls,
            auth_required=starttls,
            auth_require_tls=starttls,
            authenticator=self.lets_in,
        )

    def lets_in(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _how: str, given: Any
    ) -> AuthResult:
        """Whether name and password are right."""
        assert isinstance(given, LoginPassword)
        right = self.knows.get(given.login.decode()) == given.password.decode()
        return AuthResult(success=right, handled=False, auth_data=given.login.decode())

    async def handle_MAIL(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Somebody begins to hand a mail over."""
        self.opened.append(address)
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, session: Session, envelope: Envelope) -> str:
        """Take the mail."""
        encrypted = session.ssl is not None
        self.arrived.append((encrypted, session.auth_data, envelope.rcpt_tos[0]))
        return "250 OK"

    def start(self) -> None:
        """Begin to listen."""
        self._controller.start()

    def stop(self) -> None:
        """Stop listening."""
        self._controller.stop()


@pytest.fixture
def authority() -> trustme.CA:
    """Who signs the server's certificate."""
    return trustme.CA()


@pytest.fixture
def offers() -> dict[str, bool]:
    """How the server begins TLS."""
    return {"inside_tls": False, "offers_tls": True}


@pytest.fixture
def server(authority: trustme.CA, offers: dict[str, bool]) -> Iterator[MailServer]:
    server = MailServer(authority.issue_cert("127.0.0.1"), **offers)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def settings_given(server: MailServer) -> dict[str, Any]:
    return {
        "mail_server": "127.0.0.1",
        "mail_port": server.port,
        "mail_use_tls": True,
        "mail_username": NAME,
        "mail_password": PASSWORD,
        "public_url": "https://bids.example.com",
    }


@pytest.fixture
def trusted(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine trusts who signed the certificate."""
    file = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(file)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))


Deliver = Callable[[], bool]


@pytest.fixture
def deliver(outbox: Outbox) -> Deliver:
    """Try to deliver the one mail that is owed."""
    outbox.happen(outbox.expired())

    def try_once() -> bool:
        with outbox.app.app_context():
            return service.deliver_email(outbox.row().id)

    return try_once


pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.mark.usefixtures("trusted")
def test_it_begins_tls_signs_in_and_hands_the_mail_over(
    outbox: Outbox, server: MailServer, deliver: Deliver
) -> None:
    assert deliver(), outbox.row().last_error

    assert server.arrived == [(True, NAME, outbox.seller.email)]
    assert outbox.row().status == EmailStatus.SENT


@pytest.mark.usefixtures("trusted")
def test_a_wrong_password_puts_the_mail_off_and_is_told_without_it(
    outbox: Outbox, server: MailServer, deliver: Deliver
) -> None:
    server.knows = {NAME: "another"}
    assert not deliver()
    row = outbox.row()
    assert (row.status, server.opened) == (EmailStatus.PENDING, [])
    assert "does not accept the user name and password" in str(row.last_error)
    assert PASSWORD not in str(row.last_error)

    server.knows = {NAME: PASSWORD}
    outbox.make_due()
    assert deliver()


def test_a_certificate_that_nobody_vouches_for_gets_neither_password_nor_mail(
    outbox: Outbox, server: MailServer, deliver: Deliver
) -> None:
    assert not deliver()

    row = outbox.row()
    assert (row.status, server.opened) == (EmailStatus.PENDING, [])
    assert "CERTIFICATE_VERIFY_FAILED" in str(row.last_error)


@pytest.mark.usefixtures("trusted")
class TestInsideTls:
    """The port that speaks TLS from the first byte."""

    @pytest.fixture
    def offers(self) -> dict[str, bool]:
        return {"inside_tls": True, "offers_tls": True}

    def test_the_mail_goes_inside_tls(
        self,
        outbox: Outbox,
        server: MailServer,
        deliver: Deliver,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(smtp, "TLS_PORT", server.port)
        assert deliver(), outbox.row().last_error
        [(_, signed_in_as, recipient)] = server.arrived
        assert (signed_in_as, recipient) == (NAME, outbox.seller.email)


@pytest.mark.usefixtures("trusted")
class TestWithoutTls:
    """A server, or somebody between, that does not offer TLS."""

    @pytest.fixture
    def offers(self) -> dict[str, bool]:
        return {"inside_tls": False, "offers_tls": False}

    def test_nothing_is_sent_in_the_open(
        self, outbox: Outbox, server: MailServer, deliver: Deliver
    ) -> None:
        assert not deliver()
        row = outbox.row()
        assert (row.status, server.opened) == (EmailStatus.PENDING, [])
        assert "STARTTLS" in str(row.last_error)

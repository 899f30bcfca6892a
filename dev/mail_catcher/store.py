"""The caught messages: in memory, and in a folder when told."""

import email
import email.policy
import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path


@dataclass(frozen=True)
class Attachment:
    """A part of a message that is neither its text nor its HTML."""

    name: str
    content_type: str
    size: int


@dataclass(frozen=True)
class Message:
    """One mail as it arrived; sender and recipients are the envelope's."""

    id: int
    sender: str
    recipients: tuple[str, ...]
    received_at: datetime
    raw: bytes
    subject: str
    kind: str
    message_id: str
    text: str
    html: str
    headers: tuple[tuple[str, str], ...]
    attachments: tuple[Attachment, ...]

    def summary(self) -> dict[str, object]:
        """Return what a list shows of the message, ready for JSON."""
        return {
            "id": self.id,
            "from": self.sender,
            "to": list(self.recipients),
            "subject": self.subject,
            "kind": self.kind,
            "message_id": self.message_id,
            "received_at": self.received_at.isoformat(timespec="milliseconds").replace(
                "+00:00", "Z"
            ),
        }

    def details(self) -> dict[str, object]:
        """Return everything about the message, ready for JSON."""
        return {
            **self.summary(),
            "text": self.text,
            "html": self.html,
            "headers": [list(pair) for pair in self.headers],
            "attachments": [vars(attachment) for attachment in self.attachments],
        }


def read_message(
    number: int, sender: str, recipients: Sequence[str], received_at: datetime, raw: bytes
) -> Message:
    """Read a raw mail; whatever is wrong with it, what can be shown is shown."""
    parsed = email.message_from_bytes(raw, policy=email.policy.default)
    if not isinstance(parsed, EmailMessage):
        raise TypeError("the default policy makes an EmailMessage")
    headers = tuple((name, _header(parsed, index)) for index, name in enumerate(parsed.keys()))
    by_name = {name.lower(): value for name, value in reversed(headers)}
    bodies = {"text/plain": "", "text/html": ""}
    attachments = []
    for part in parsed.walk():
        content_type = part.get_content_type()
        if part.is_multipart():
            continue
        if part.get_content_disposition() != "attachment" and not bodies.get(content_type, "-"):
            bodies[content_type] = _text(part)
        else:
            size = len(_payload(part))
            name = _printable(part.get_filename() or "(no name)")
            attachments.append(Attachment(name, content_type, size))
    return Message(
        id=number,
        sender=sender,
        recipients=tuple(recipients),
        received_at=received_at,
        raw=raw,
        subject=by_name.get("subject", ""),
        kind=by_name.get("x-mail-kind", ""),
        message_id=by_name.get("message-id", ""),
        text=bodies["text/plain"],
        html=bodies["text/html"],
        headers=headers,
        attachments=tuple(attachments),
    )


def _header(message: EmailMessage, index: int) -> str:
    """Return a header decoded, or as it came when it cannot be."""
    try:
        return _printable(str(message.values()[index]))
    except Exception:  # the standard library's header parser fails in many ways on bad input
        return _printable(str(message._headers[index][1]))  # type: ignore[attr-defined]


def _printable(value: str) -> str:
    """Return the text without the lone surrogates that stand for undecodable bytes."""
    return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _payload(part: EmailMessage | email.message.Message) -> bytes:
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _text(part: EmailMessage | email.message.Message) -> str:
    charset = part.get_content_charset("utf-8")
    try:
        return _payload(part).decode(charset, "replace")
    except LookupError:  # no such character set
        return _payload(part).decode("utf-8", "replace")


class MessageStore:
    """All messages of a run, safe to use from several threads."""

    def __init__(self, keep: Path | None = None) -> None:
        """Read what an earlier run left in the folder `keep`, if one is given."""
        self._lock = threading.Lock()
        self._messages: dict[int, Message] = {}
        self._keep = keep
        self._next = 1
        if keep is not None:
            keep.mkdir(mode=0o700, parents=True, exist_ok=True)
            for file in keep.glob("*.json"):
                self._load(file)
            self._next = max(self._messages, default=0) + 1

    def add(self, sender: str, recipients: Sequence[str], raw: bytes) -> Message:
        """Keep a message that has just arrived."""
        with self._lock:
            message = read_message(self._next, sender, recipients, datetime.now(UTC), raw)
            self._next += 1
            if self._keep is not None:
                self._save(message, self._keep)
            self._messages[message.id] = message
            return message

    def all(self, recipient: str = "") -> list[Message]:
        """Return the messages, newest first; only those to `recipient` when given."""
        wanted = recipient.strip().lower()
        with self._lock:
            messages = sorted(self._messages.values(), key=lambda m: m.id, reverse=True)
        return [
            message
            for message in messages
            if not wanted or wanted in (address.lower() for address in message.recipients)
        ]

    def get(self, number: int) -> Message | None:
        """Return one message, or None."""
        with self._lock:
            return self._messages.get(number)

    def clear(self) -> None:
        """Forget all messages, and remove their files."""
        with self._lock:
            if self._keep is not None:
                for number in self._messages:
                    for ending in ("json", "eml"):
                        self._file(self._keep, number, ending).unlink(missing_ok=True)
            self._messages.clear()

    @staticmethod
    def _file(folder: Path, number: int, ending: str) -> Path:
        return folder / f"{number:06}.{ending}"

    def _save(self, message: Message, folder: Path) -> None:
        # The envelope is written last: it is what makes the message count.
        self._file(folder, message.id, "eml").write_bytes(message.raw)
        envelope = {
            "from": message.sender,
            "to": message.recipients,
            "received_at": message.received_at.isoformat(),
        }
        partial = self._file(folder, message.id, "part")
        partial.write_text(json.dumps(envelope))
        partial.replace(self._file(folder, message.id, "json"))

    def _load(self, file: Path) -> None:
        try:
            envelope = json.loads(file.read_text())
            raw = file.with_suffix(".eml").read_bytes()
            message = read_message(
                int(file.stem),
                str(envelope["from"]),
                [str(address) for address in envelope["to"]],
                datetime.fromisoformat(envelope["received_at"]),
                raw,
            )
        except (OSError, ValueError, KeyError, TypeError):
            return  # somebody else's file, or half of one: nothing that we could show
        self._messages[message.id] = message

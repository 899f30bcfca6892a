"""Live updates: who hears what, and when it is said. The only place that emits."""

import logging
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, current_app, request
from flask_socketio import ConnectionRefusedError, join_room, leave_room
from socketio.packet import BINARY_ACK, BINARY_EVENT, Packet
from sqlalchemy import select

from app.accounts import queries as accounts
from app.accounts.states import TokenKind
from app.artworks import states as artworks
from app.artworks.models import Artwork
from app.config import Settings
from app.core import events, secrets
from app.core.access import Viewer, viewer_or_none
from app.core.extensions import db, socketio
from app.payments.states import told_reason
from app.realtime import rules
from app.realtime.budget import LARGEST_MESSAGE
from app.realtime.doors import GREENLETS, THREADS, Doors, SocketsOnly, runs_greenlets
from app.realtime.exchange import Exchange
from app.realtime.pacing import Pace

log = logging.getLogger(__name__)

CHANNEL = "guess-the-worth:live"

Ack = dict[str, Any]


class _WithoutAttachments(Packet):
    """What is said on a socket, which is JSON: no packet is kept until its attachments have come.

    They may be as many as a client says, and need never come to an end.
    """

    def decode(self, encoded_packet: str) -> int:
        attachments: int = super().decode(encoded_packet)
        if self.packet_type in {BINARY_EVENT, BINARY_ACK}:
            raise ValueError("attachments are not taken")
        return attachments


def init_realtime(app: Flask, settings: Settings) -> None:
    """Bind Socket.IO to the application, shared through the settings' Redis if there is one.

    A process that never accepts a socket, such as a worker, only publishes.
    """
    # Pub/sub knows no database numbers: two deployments on one Redis would hear each other.
    whose = secrets.keyed_digest(settings.secret_key, "live-channel")[:16]
    greenlets = runs_greenlets()
    socketio.init_app(
        app,
        async_mode="gevent" if greenlets else "threading",
        # Long-polling would need sticky sessions as soon as there are two processes.
        transports=["websocket"],
        manage_session=False,
        client_manager=Exchange(settings.redis_url, f"{CHANNEL}:{whose}"),
        cors_allowed_origins=_origin_check(settings),
        # One message of a socket after another: joins and leaves keep their order.
        async_handlers=False,
        max_http_buffer_size=LARGEST_MESSAGE,
        serializer=_WithoutAttachments,
    )
    capacity = GREENLETS if greenlets else THREADS
    app.wsgi_app = Doors(app.wsgi_app, capacity)  # type: ignore[method-assign]
    if greenlets:
        app.wsgi_app = SocketsOnly(app.wsgi_app)  # type: ignore[method-assign]
    socketio.on_event("connect", _connect)
    socketio.on_event("watch", _watch)
    socketio.on_event("unwatch", _unwatch)
    socketio.on_error_default(_failed)


def emit(event: rules.LiveEvent) -> None:
    """Send one live update. Never raises and waits for nobody: it is a hint, the page is true."""
    if socketio.server is None:
        return
    if isinstance(event, rules.ArtworkStatus):
        _pace.flush(event.artwork_id)
    try:
        socketio.emit(event.name, event.payload(), to=event.room)
    except Exception:
        log.exception("%s could not be sent", event.name)


def _emit_figures(newest: Sequence[rules.NewBid]) -> None:
    if socketio.server is not None:
        with socketio.server.manager.together():
            for update in newest:
                emit(update)


_pace = Pace[rules.NewBid](_emit_figures)


def listen() -> None:
    """Send live updates on what happens; safe to call again."""
    events.after_commit(events.BidOutbid, _bid_outbid)
    events.after_commit(events.ArtworkReserved, _artwork_reserved)
    events.after_commit(events.CheckoutReady, _payment_required)
    events.after_commit(events.ArtworkStatusChanged, _status_changed)
    events.after_commit(events.PaymentDeclined, _payment_declined)
    events.after_commit(events.PaymentReleased, _payment_released)
    events.after_commit(events.SaleCompleted, _sale_completed)
    events.after_commit(events.SignedOut, _signed_out)


def _origin_check(settings: Settings) -> Any:
    parts = urlsplit(settings.public_url)
    public = f"{parts.scheme}://{parts.netloc}"

    def allowed(origin: str | None, environ: dict[str, Any]) -> bool:
        # A browser names the page's origin and sends our cookie along: only our own pages may.
        asked = f"{environ.get('wsgi.url_scheme')}://{environ.get('HTTP_HOST')}"
        return origin in (public, asked)

    return allowed


# ---- what sockets ask


def _connect(auth: Any = None) -> None:
    try:
        person = _who(auth)
        seen = {"user_id": person.id, "is_admin": person.is_admin} if person else {}
        socketio.server.save_session(_sid(), seen | {"watched": frozenset()})
        if person:
            join_room(rules.user_room(person.id))
            join_room(rules.token_room(person.token_id))
            # A log-out between the first look and the joining has found nobody to disconnect.
            if _by_token(person.token, person.by_bearer) is None:
                raise ConnectionRefusedError("not signed in any more")
    except ConnectionRefusedError:
        raise
    except Exception:
        log.exception("a socket could not be connected")
        raise ConnectionRefusedError("try again in a moment") from None


def _who(auth: Any) -> Viewer | None:
    token = auth.get("token") if isinstance(auth, dict) else auth
    if token is None:
        return viewer_or_none()
    person = _by_token(token, by_bearer=True) if isinstance(token, str) else None
    if person is None:
        raise ConnectionRefusedError("the token is not valid")
    return person


def _by_token(token: str, by_bearer: bool) -> Viewer | None:
    return accounts.viewer_by_token(token, TokenKind.API if by_bearer else TokenKind.BROWSER)


def _watch(message: Any = None, *_: Any) -> Ack:
    _let_others_speak()
    try:
        artwork_id = rules.read_artwork_id(message)
    except ValueError as wrong:
        return {"ok": False, "error": str(wrong)}
    seen = socketio.server.get_session(_sid())
    if artwork_id in seen["watched"]:
        return {"ok": True}
    if len(seen["watched"]) >= rules.WATCHED_AT_MOST:
        return {"ok": False, "error": f"watch at most {rules.WATCHED_AT_MOST} artworks"}
    if not _may_watch(artwork_id, seen):
        return {"ok": False, "error": "there is no such artwork"}
    join_room(rules.artwork_room(artwork_id))
    _keep_watched(seen, seen["watched"] | {artwork_id})
    return {"ok": True}


def _unwatch(message: Any = None, *_: Any) -> Ack:
    _let_others_speak()
    try:
        artwork_id = rules.read_artwork_id(message)
    except ValueError as wrong:
        return {"ok": False, "error": str(wrong)}
    seen = socketio.server.get_session(_sid())
    if artwork_id in seen["watched"]:
        leave_room(rules.artwork_room(artwork_id))
        _keep_watched(seen, seen["watched"] - {artwork_id})
    return {"ok": True}


def _let_others_speak() -> None:
    # Greenlets share a thread: one that has many messages to answer would answer all of them first.
    socketio.sleep(0)


def _may_watch(artwork_id: int, seen: dict[str, Any]) -> bool:
    found = db.session.execute(
        select(Artwork.status, Artwork.seller_id).where(Artwork.id == artwork_id)
    ).one_or_none()
    if found is None:
        return False
    if found.status != artworks.ArtworkStatus.ARCHIVED:
        return True
    return bool(seen.get("is_admin")) or seen.get("user_id") == found.seller_id


def _keep_watched(seen: dict[str, Any], watched: frozenset[int]) -> None:
    socketio.server.save_session(_sid(), seen | {"watched": watched})


def _sid() -> str:
    return str(request.sid)  # type: ignore[attr-defined]


def _failed(failure: Exception) -> Ack:
    log.error("a socket's message failed", exc_info=failure)
    return {"ok": False, "error": "try again in a moment"}


# ---- what happened


def _bid_outbid(event: events.BidOutbid) -> None:
    _pace.offer(rules.NewBid(event.artwork_id, event.highest_bid_cents, event.bid_count))


def _payment_required(event: events.ArtworkReserved | events.CheckoutReady) -> None:
    settings: Settings = current_app.config["SETTINGS"]
    emit(
        rules.PaymentRequired(
            user_id=event.buyer_id,
            artwork_id=event.artwork_id,
            bid_id=event.bid_id,
            payment_id=event.payment_id,
            amount=event.amount_cents,
            pay_url=f"{settings.public_url}/payments/{event.payment_id}/pay",
            expires_at=event.deadline_at,
        )
    )


def _artwork_reserved(event: events.ArtworkReserved) -> None:
    emit(rules.ArtworkStatus(event.artwork_id, artworks.ArtworkStatus.PENDING_PAYMENT.value))
    _payment_required(event)
    emit(
        rules.SalePending(
            user_id=event.seller_id,
            artwork_id=event.artwork_id,
            payment_id=event.payment_id,
            amount=event.amount_cents,
            expires_at=event.deadline_at,
        )
    )


def _status_changed(event: events.ArtworkStatusChanged) -> None:
    emit(rules.ArtworkStatus(event.artwork_id, str(event.status)))


def _payment_declined(event: events.PaymentDeclined) -> None:
    reason = told_reason(event.reason)
    emit(rules.PaymentFailed(event.buyer_id, event.artwork_id, event.payment_id, reason))


def _payment_released(event: events.PaymentReleased) -> None:
    about = (event.artwork_id, event.payment_id, str(event.reason))
    emit(rules.PaymentReleased(event.buyer_id, *about))
    emit(rules.ArtworkStatus(event.artwork_id, str(event.artwork_status)))
    emit(rules.SaleReleased(event.seller_id, *about))


def _sale_completed(event: events.SaleCompleted) -> None:
    sold = artworks.ArtworkStatus.SOLD.value
    emit(rules.ArtworkStatus(event.artwork_id, sold, sold_price=event.amount_cents))
    emit(rules.PaymentCompleted(event.artwork_id, sold))
    emit(
        rules.SaleCompleted(event.seller_id, event.artwork_id, event.payment_id, event.amount_cents)
    )


def _signed_out(event: events.SignedOut) -> None:
    if socketio.server is None:
        return
    room = (
        rules.user_room(event.user_id)
        if event.token_id is None
        else rules.token_room(event.token_id)
    )
    socketio.server.manager.disconnect_room(room)

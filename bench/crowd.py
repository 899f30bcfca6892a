"""A product with a past: many artworks, bids and sales, written by a few statements.

One artwork has a tenth of all bids, one seller a tenth of all artworks, one buyer a tenth of all
bids; four of ten artworks are sold, and every sale has left its events, mails and audit rows.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, text

from app.accounts.states import Role, TokenKind
from app.bidding import service as bidding
from app.core import clock
from app.core.extensions import db
from app.core.figures import count_figures
from app.core.secrets import new_token, token_digest
from app.core.transaction import for_writing

# The people with numbers of their own; the others follow.
ADMIN, SELLER, BUYER = 1, 2, 3
# Open, with a tenth of all bids.
HOT = 4
# The past is so long, and evenly busy.
PAST = timedelta(days=365)
_OPEN_PAYMENTS = 20
_EVENTS, _MAILS, _DEEDS, _SIGN_INS = 3, 4, 4, 5


@dataclass(frozen=True)
class Crowd:
    """What was written. The tokens are of the administrator, the seller and the buyer, by role;
    `sold` is an artwork of the seller's that is sold, and its payment has the same number.
    """

    bids: int
    artworks: int
    people: int
    browser_tokens: dict[Role, str]
    api_tokens: dict[Role, str]
    sold: int


class _Writer:
    """The words that the databases do not share."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._sqlite = connection.dialect.name == "sqlite"
        self._now = clock.now()

    def ago(self, seconds: str) -> str:
        """A moment so many seconds ago; `seconds` is an SQL expression."""
        if self._sqlite:
            # As the product stores moments, to the microsecond.
            return f"strftime('%Y-%m-%d %H:%M:%f000', :now, (-({seconds})) || ' seconds')"
        return f"(CAST(:now AS timestamptz) - ({seconds}) * interval '1 second')"

    def json(self, words: str) -> str:
        """An SQL text as JSON."""
        return words if self._sqlite else f"CAST({words} AS json)"

    def run(self, statement: str, count: int = 0, **values: Any) -> None:
        """Run a statement in which `n(i)` are the numbers from 1 to `count`."""
        numbers = (
            "WITH RECURSIVE n(i) AS (SELECT CAST(1 AS bigint) UNION ALL "
            f"SELECT i + 1 FROM n WHERE i < {int(count)}) "
        )
        now = self._now.replace(tzinfo=None).isoformat(" ") if self._sqlite else self._now
        head, found, rest = statement.partition("SELECT")
        whole = f"{head}{numbers}{found}{rest}" if count else statement
        used = {"now": now} if ":now" in whole else {}
        self._connection.execute(text(whole), used | values)

    def freely(self) -> None:
        """Write without looking up each reference: they are right by construction."""
        if not self._sqlite:
            self._connection.execute(text("SET LOCAL session_replication_role = replica"))
            self._connection.execute(text("SET LOCAL statement_timeout = 0"))

    def texts(self) -> None:
        """Write of the artworks what PostgreSQL itself writes otherwise."""
        if not self._sqlite:
            self.run(
                r"""INSERT INTO artwork_texts (artwork_id, text)
                SELECT id, lower(title || E'\n' || artist_name || E'\n' || description)
                FROM artworks"""
            )

    def finish(self) -> None:
        """Have the next rows numbered after these."""
        if self._sqlite:
            return
        for table in ("users", "access_tokens", "artworks", "bids", "payments", "stripe_events",
                      "emails", "audit_logs", "attentions", "password_resets"):  # fmt: skip
            self._connection.execute(
                text(
                    f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), "
                    f"(SELECT max(id) FROM {table}))"
                )
            )


def gather(bids: int, artworks: int) -> Crowd:
    """Fill the empty database of the present application; the planner knows about it afterwards."""
    if artworks < 100 or bids < artworks:
        raise ValueError("artworks must be at least 100, and bids as many")
    people = max(50, min(artworks, 10_000))
    sqlite = db.engine.dialect.name == "sqlite"
    with db.engine.connect().execution_options(**for_writing(db.engine)) as connection:
        if sqlite:
            connection.connection.execute("PRAGMA foreign_keys=OFF")
        with connection.begin():
            writer = _Writer(connection)
            writer.freely()
            tokens = _people(writer, people)
            _artworks(writer, artworks, people)
            _bids(writer, bids, artworks, people)
            # Numbers follow time, those of wins lie between those of the other bids.
            apart = 2 * (bids // artworks)
            _sales(writer, apart, people)
            _records(writer, apart)
            writer.finish()
        if sqlite:
            connection.connection.execute("PRAGMA foreign_keys=ON")
    # What a worker has done by now.
    while bidding.count_bids_by_day(settled_seconds=0):
        pass
    settle_statistics()
    count_figures()
    return Crowd(bids, artworks, people, *tokens, sold=11)


def settle_statistics() -> None:
    """Do what the database's own housekeeping does after many changes."""
    limits = ("lock_timeout", "statement_timeout")
    words = [
        *(f"SET {limit} = 0" for limit in limits),
        "VACUUM ANALYZE",
        "CHECKPOINT",
        *(f"RESET {limit}" for limit in limits),
    ]
    if db.engine.dialect.name == "sqlite":
        words = ["ANALYZE"]
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for word in words:
            connection.exec_driver_sql(word)


def _people(writer: _Writer, people: int) -> tuple[dict[Role, str], dict[Role, str]]:
    writer.run(
        f"""INSERT INTO users (id, email, name, password_hash, role, active, created_at)
        SELECT i, 'person' || i || '@example.com', 'Person ' || i, '-',
               CASE WHEN i = {ADMIN} THEN 'ADMIN' WHEN i % 20 = {SELLER} THEN 'SELLER'
               ELSE 'BUYER' END, i % 100 <> 99, {writer.ago(f"({people} - i) * 3000 + 1000")}
        FROM n""",
        people,
    )
    writer.run(
        f"""INSERT INTO access_tokens (id, user_id, kind, digest, label, created_at, expires_at,
                                      revoked_at)
        SELECT i, 1 + i % {people}, CASE WHEN i % 2 = 0 THEN 'API' ELSE 'BROWSER' END,
               'digest ' || i, 'somewhere', {writer.ago("i % 1000 * 2000")},
               {writer.ago("i % 1000 * 2000 - 2000000")},
               CASE WHEN i % 4 = 0 THEN {writer.ago("i % 1000 * 1900")} END
        FROM n""",
        people * _SIGN_INS,
    )
    writer.run(
        f"""INSERT INTO password_resets (id, user_id, digest, created_at, expires_at)
        SELECT i, i, 'digest ' || i, {writer.ago("i % 1000 * 2000")},
               {writer.ago("i % 1000 * 2000 - 3600")} FROM n""",
        people // 2,
    )
    roles = {ADMIN: Role.ADMIN, SELLER: Role.SELLER, BUYER: Role.BUYER}
    made: list[dict[Role, str]] = []
    number = people * _SIGN_INS
    for kind in (TokenKind.BROWSER, TokenKind.API):
        made.append({})
        for person, role in roles.items():
            number += 1
            token = made[-1][role] = new_token()
            writer.run(
                f"""INSERT INTO access_tokens (id, user_id, kind, digest, label, created_at,
                                              expires_at)
                VALUES ({number}, {person}, :kind, :digest, 'bench', {writer.ago("0")},
                        {writer.ago("-86400 * 2")})""",
                kind=kind.value, digest=token_digest(token),
            )  # fmt: skip
    return made[0], made[1]


def _artworks(writer: _Writer, artworks: int, people: int) -> None:
    age = f"({artworks} - i) * {PAST.total_seconds():.0f} / {artworks}"
    seller = f"CASE WHEN i / 10 % 10 = 1 THEN {SELLER} ELSE {SELLER} + i % {people // 20} * 20 END"
    status = (
        "CASE WHEN i % 10 < 4 THEN 'SOLD' "
        f"WHEN i % 10 = 5 AND i <= {10 * _OPEN_PAYMENTS} THEN 'PENDING_PAYMENT' "
        "WHEN i % 10 < 7 THEN 'ACTIVE' WHEN i % 10 < 9 THEN 'EXPIRED' ELSE 'ARCHIVED' END"
    )
    writer.run(
        f"""INSERT INTO artworks (id, seller_id, title, artist_name, description, category,
            picture_key, picture_width, picture_height, image_alt, threshold_cents, status, end_at,
            highest_bid_cents, bid_count, sold_cents, created_at, updated_at)
        SELECT i, {seller}, 'Still life ' || i, 'Painter ' || i % 997,
               'Oil on canvas, number ' || i || ', with a frame made for it.',
               CASE i % 4 WHEN 0 THEN 'Painting' WHEN 1 THEN 'Photography' WHEN 2 THEN 'Sculpture'
               ELSE 'Other' END,
               'picture' || i, 800, 600, '', 99999999, {status},
               CASE WHEN i % 3 = 0 THEN
                    CASE WHEN i % 10 BETWEEN 4 AND 6 THEN {writer.ago("-86400 - i")}
                    ELSE {writer.ago("86400 + i")} END END,
               NULL, 0, CASE WHEN i % 10 < 4 THEN 5000 + i END, {writer.ago(age)}, {writer.ago(age)}
        FROM n""",
        artworks,
    )
    writer.texts()
    # Several for a person: with one each, any index of a person's favourites is as good to the
    # planner as that of the one asked for.
    writer.run(
        f"""INSERT INTO favourites (user_id, artwork_id, created_at)
        SELECT CASE WHEN i % 10 = 0 THEN {BUYER} ELSE 1 + i % {people // 10} END, i,
               {writer.ago(age)}
        FROM n""",
        artworks,
    )


def _bids(writer: _Writer, bids: int, artworks: int, people: int) -> None:
    age = f"({bids} - i) * {PAST.total_seconds():.0f} / {bids}"
    writer.run(
        f"""INSERT INTO bids (id, artwork_id, bidder_id, amount_cents, status, created_at)
        SELECT 2 * i, CASE WHEN i % 10 = 0 THEN {HOT} ELSE 1 + i * 7919 % {artworks} END,
               CASE WHEN i % 10 = 1 THEN {BUYER} ELSE 1 + i * 104729 % {people} END,
               1000 + i, 'OUTBID', {writer.ago(age)}
        FROM n""",
        bids,
    )
    writer.run(
        """UPDATE artworks SET bid_count = found.bids, highest_bid_cents = found.highest
        FROM (SELECT artwork_id, count(*) AS bids, max(amount_cents) AS highest
              FROM bids GROUP BY artwork_id) AS found
        WHERE found.artwork_id = artworks.id"""
    )


def _sales(writer: _Writer, apart: int, people: int) -> None:
    won = "FROM artworks WHERE id % 10 < 4 OR id % 10 = 6 OR status = 'PENDING_PAYMENT'"
    buyer = f"CASE WHEN id % 10 = 3 THEN {BUYER} ELSE 1 + id * 31 % {people} END"
    writer.run(
        f"""INSERT INTO bids (id, artwork_id, bidder_id, amount_cents, status, created_at)
        SELECT {apart} * id + 1, id, {buyer}, 5000 + id,
               CASE WHEN id % 10 = 6 THEN 'RELEASED' ELSE 'WON' END, created_at {won}"""
    )
    nothing = writer.json("'{}'")
    writer.run(
        f"""INSERT INTO payments (id, bid_id, artwork_id, buyer_id, seller_id, amount_cents,
            currency, livemode, status, deadline_at, attempt, server_errors, idempotency_key,
            checkout_params, stripe_session_id, checkout_url, payable_at,
            stripe_payment_intent_id, failure_reason, refunded_cents, asked_at, answered_at,
            paid_at, closed_at, created_at, updated_at)
        SELECT id, {apart} * id + 1, id, {buyer}, seller_id, 5000 + id, 'usd', false,
               CASE WHEN status = 'PENDING_PAYMENT' THEN 'PENDING' WHEN id % 10 = 6 THEN 'CANCELED'
               WHEN id % 40 = 0 THEN 'REFUNDED' ELSE 'SUCCEEDED' END,
               CASE WHEN status = 'PENDING_PAYMENT' THEN {writer.ago("-600")} ELSE created_at END,
               1, 0, 'key ' || id, {nothing}, 'cs_test_' || id, 'https://pay.example',
               created_at, 'pi_' || id,
               CASE WHEN id % 10 <> 6 THEN NULL WHEN id % 20 = 6 THEN 'deadline'
               ELSE 'buyer_gave_up' END,
               CASE WHEN id % 40 = 0 THEN 5000 + id ELSE 0 END,
               {writer.ago("60")}, {writer.ago("60")},
               CASE WHEN id % 10 < 4 THEN created_at END,
               CASE WHEN status <> 'PENDING_PAYMENT' THEN created_at END, created_at, created_at
        {won}"""
    )


def _records(writer: _Writer, apart: int) -> None:
    nothing, where, why = (
        writer.json(f"'{text}'")
        for text in ("{}", '{"artwork_id": 1}', '{"reason": "card_declined"}')
    )

    def each(times: int) -> str:
        return f"FROM payments, (SELECT 0 AS k UNION ALL {_numbers(times)}) AS times"

    writer.run(
        f"""INSERT INTO stripe_events (id, stripe_event_id, type, payload, outcome, attempts,
            payment_id, received_at, handled_at)
        SELECT payments.id * {_EVENTS} + k, 'evt_' || payments.id || '_' || k,
               CASE k WHEN 0 THEN 'checkout.session.completed'
               WHEN 1 THEN 'payment_intent.succeeded' ELSE 'charge.updated' END,
               {nothing}, CASE WHEN k = 0 THEN 'APPLIED' ELSE 'NO_EFFECT' END, 1,
               payments.id, created_at, created_at {each(_EVENTS)}"""
    )
    writer.run(
        f"""INSERT INTO emails (id, kind, recipient, subject, facts, occasion, message_id, status,
            attempts, next_attempt_at, created_at, sent_at)
        SELECT payments.id * {_MAILS} + k,
               CASE k WHEN 0 THEN 'payment_required' WHEN 1 THEN 'sale_pending'
               WHEN 2 THEN 'payment_receipt' ELSE 'sale_completed' END,
               'person' || buyer_id || '@example.com', 'A mail', {nothing},
               'occasion ' || payments.id || ' ' || k, 'message ' || payments.id || ' ' || k,
               CASE WHEN payments.id % 500 = 1 THEN 'DEAD' ELSE 'SENT' END, 1, created_at,
               created_at, created_at {each(_MAILS)}"""
    )
    writer.run(
        f"""INSERT INTO audit_logs (id, action, resource_type, resource_id, user_id, details,
            created_at)
        SELECT 5 * id, 'bid.placed', 'bid', id, bidder_id,
               {where}, created_at FROM bids
        """
    )
    writer.run(
        f"""INSERT INTO audit_logs (id, action, resource_type, resource_id, details, created_at)
        SELECT 5 * {apart} * payments.id + 1 + k,
               CASE k WHEN 0 THEN 'payment.opened' WHEN 1 THEN 'payment.declined'
               WHEN 2 THEN 'payment.moved' ELSE 'artwork.sold' END,
               CASE k WHEN 3 THEN 'artwork' ELSE 'payment' END, payments.id,
               {why}, created_at {each(_DEEDS)}
        """
    )
    writer.run(
        """INSERT INTO attentions (id, kind, reference, payment_id, detail, created_at,
            acknowledged_at, acknowledged_by)
        SELECT id, 'payment_disagrees', 'reference ' || id, id, 'Look.', created_at,
               CASE WHEN id > 100 THEN created_at END, CASE WHEN id > 100 THEN 1 END
        FROM payments WHERE id % 2 = 1"""
    )


def _numbers(times: int) -> str:
    return " UNION ALL ".join(f"SELECT {number}" for number in range(1, times))

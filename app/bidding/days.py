"""How many bids were placed on each day: counted once, as they fall into the past.

The worker adds what has come since to `bid_days`; who asks adds the few newest by themselves. So
the answer is exact, and costs the same however many bids there are.
"""

from datetime import date
from typing import Any

from sqlalchemy import Date, func, literal, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.artworks.models import Artwork
from app.bidding.models import Bid
from app.core.columns import Identifier
from app.core.counters import Counter
from app.core.days import begin, day_of, last_days
from app.core.extensions import Model, db
from app.core.transaction import transaction
from app.core.upsert import insert_into

# The seller whose rows hold everybody's bids.
EVERYBODY = 0
# The number of the last bid that `bid_days` holds.
_COUNTED = "bids.counted_by_day"
# The newest bid that was there when the worker looked, and when that was by the database's clock:
# web hosts put the time into a bid, and theirs may differ.
_SEEN = "bids.newest_seen"
_SEEN_AT = "bids.newest_seen_at"
# A bid gets its number before it is committed. So long after one was seen, all with smaller
# numbers are there: the few statements of a bid, of which each is broken off after seconds
# (`statement_timeout`), come nowhere near it.
_SETTLED_SECONDS = 120


class BidDay(Model):
    """How many bids were placed on one seller's artworks on one day in UTC."""

    __tablename__ = "bid_days"

    seller_id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=False)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    bids: Mapped[int]


def count_bids_by_day(limit: int = 50_000, settled_seconds: int = _SETTLED_SECONDS) -> int:
    """Add bids that were not counted yet, up to so many; how many bids were looked at.

    Only those that were there `settled_seconds` ago, when an earlier call looked. Safe to run at
    once with itself: one of the two then counts nothing.
    """
    with transaction() as session:
        names = _COUNTED, _SEEN, _SEEN_AT
        rows = session.execute(select(Counter.name, Counter.value).where(Counter.name.in_(names)))
        known: dict[str, int] = {row.name: row.value for row in rows}
        counted, seen, seen_at = (known.get(name, 0) for name in names)
        moment = _database_seconds(session)
        if seen <= counted or seen_at > moment:
            seen, seen_at = session.scalar(select(func.max(Bid.id))) or 0, moment
            _note_seen(session, seen, moment)
        until = min(seen, counted + limit)
        if until <= counted or moment - seen_at < settled_seconds:
            return 0
        taken = session.execute(
            update(Counter)
            .where(Counter.name == _COUNTED, Counter.value == counted)
            .values(value=until)
            .returning(Counter.name)
        ).first()
        if taken is None:
            return 0
        _add(session, counted, until)
    return until - counted


def _database_seconds(session: Session) -> int:
    """Seconds by the database's clock, which is one for all hosts."""
    if session.get_bind().dialect.name == "sqlite":
        seconds: Any = func.strftime("%s", "now")
    else:
        seconds = func.extract("epoch", func.now())
    return int(session.execute(select(seconds)).scalar_one())


def _note_seen(session: Session, seen: int, moment: int) -> None:
    first = insert_into(session, Counter).values(name=_COUNTED, value=0)
    session.execute(first.on_conflict_do_nothing(index_elements=["name"]))
    noted = insert_into(session, Counter).values(
        [{"name": _SEEN, "value": seen}, {"name": _SEEN_AT, "value": moment}]
    )
    session.execute(
        noted.on_conflict_do_update(index_elements=["name"], set_={"value": noted.excluded.value})
    )


def _add(session: Session, last: int, until: int) -> None:
    day = day_of(Bid.created_at)
    among = Bid.id.between(last + 1, until)
    of_sellers = (
        select(Artwork.seller_id, day, func.count())
        .join(Artwork, Artwork.id == Bid.artwork_id)
        .where(among)
        .group_by(Artwork.seller_id, day)
    )
    of_all = select(literal(EVERYBODY), day, func.count()).where(among).group_by(day)
    for found in (of_sellers, of_all):
        adding = insert_into(session, BidDay).from_select(["seller_id", "day", "bids"], found)
        session.execute(
            adding.on_conflict_do_update(
                index_elements=["seller_id", "day"],
                set_={"bids": BidDay.bids + adding.excluded.bids},
            )
        )


def bids_by_day(days: int, seller_id: int = EVERYBODY) -> dict[date, int]:
    """How many bids were placed on each of the last days (losing and winning), today last."""
    shown = last_days(days)
    last = select(func.coalesce(func.max(Counter.value), 0)).where(Counter.name == _COUNTED)
    # Never beyond what the statement itself finds: a number that the planner knows tells it how
    # few bids there are to add.
    at_least = db.session.scalar(last) or 0
    day = day_of(Bid.created_at)
    newest = (
        select(day, func.count())
        .where(Bid.id > at_least, Bid.id > last.scalar_subquery())
        .where(Bid.created_at >= begin(shown[0]))
        .group_by(day)
    )
    if seller_id != EVERYBODY:
        newest = newest.join(Artwork, Artwork.id == Bid.artwork_id).where(
            Artwork.seller_id == seller_id
        )
    older = select(BidDay.day, BidDay.bids).where(
        BidDay.seller_id == seller_id, BidDay.day >= shown[0]
    )
    found = dict.fromkeys(shown, 0)
    # One statement: no bid is counted twice or not at all while the worker adds some.
    for when, number in db.session.execute(older.union_all(newest)):
        placed = when if isinstance(when, date) else date.fromisoformat(str(when))
        if placed in found:
            found[placed] += int(number)
    return found

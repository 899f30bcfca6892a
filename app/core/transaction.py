"""One use case, one transaction; never open across a call to Stripe, SMTP or Redis."""

import select
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from flask import Flask
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.orm import Session

from app.core import events
from app.core.at_hand import notes_at_hand
from app.core.crash_points import reached
from app.core.extensions import db
from app.core.lanes import leave_lane
from app.core.sqlite import begin_to_write, tune_sqlite, writers_turn
from app.core.statements import Found, end_reads, execute, with_connection


class NestedTransaction(RuntimeError):
    """A use case was called from inside another one's transaction."""


class TransactionOpen(RuntimeError):
    """A vendor was about to be called while a transaction holds locks."""


class _Mine(threading.local):
    """What this thread is at: `at_once` while a change of `transact_at_once` is open."""

    at_once = False


_mine = _Mine()


@contextmanager
def transaction() -> Iterator[Session]:
    """Run a block as one write transaction; commit at its end, roll back if it raises.

    A read that this thread has open is ended first. Events recorded inside are published after the
    commit.
    Raises NestedTransaction when one is open already.
    """
    session, engine = _fresh_session(), db.engine
    session.info["events"] = recorded = list[events.Event]()
    with writers_turn() if engine.dialect.name == "sqlite" else nullcontext():
        try:
            session.info["writing"] = session.connection(execution_options=for_writing(engine))
            yield session
            session.commit()
        except BaseException:
            session.rollback()
            raise
        finally:
            session.info["writing"] = None
            _close(session)
    if recorded:
        reached("commit.before_hints")
    events.publish(recorded)


def for_writing(engine: Engine) -> dict[str, Any]:
    """The execution options by which a connection of ours runs transactions.

    Without them, on PostgreSQL, each statement is a transaction of its own: it sees what it would
    see in a transaction of READ COMMITTED, nothing goes to the database and back to begin and end
    one, and whoever reads a page keeps no transaction open meanwhile.
    """
    if engine.dialect.name == "sqlite":
        return {"begins_to_write": True}
    return {"isolation_level": "READ COMMITTED"}


def reading_through() -> Session:
    """A session for rows that are fetched some at a time.

    PostgreSQL keeps the rest for as long as the transaction lasts
    (postgresql.org/docs/current/sql-declare.html), which ends with the request.
    Raises NestedTransaction when a write transaction is open: it would be undone.
    """
    session = _fresh_session()
    if db.engine.dialect.name != "sqlite":
        session.connection(execution_options=for_writing(db.engine))
    return session


def one_statement_changes_all() -> bool:
    """Whether the database takes one statement that changes several tables."""
    return db.engine.dialect.name != "sqlite"


def transact_at_once(
    change: Callable[[Connection], Found | None], happened: Callable[[Found], events.Event]
) -> Found | None:
    """Make a change as a transaction of its own, without a session; what `change` returns.

    Where `one_statement_changes_all`, `change` runs one alone: nothing goes to the database and
    back to begin and to commit, and what the statement locks waits for the database alone, never
    for this process. Elsewhere it runs as many as it takes. None is for a change that was refused
    and wrote nothing. Else what `happened` makes of it is published behind the commit; nobody hears
    of it inside the transaction. `change` runs statements on the connection that it is given, and
    asks the session for nothing.
    Raises NestedTransaction when a transaction is open already.
    """
    _refuse_inside_at_once()
    # Few requests that come here have made a session.
    if db.session.registry.has():
        _fresh_session()
    if one_statement_changes_all():
        found = with_connection(change)
    else:
        with writers_turn():
            found = with_connection(lambda connection: _committed(change, connection))
    if found is not None:
        reached("commit.before_hints")
        end_reads()
        events.publish([happened(found)])
    return found


def _committed(change: Callable[[Connection], Found], connection: Connection) -> Found:
    _mine.at_once = True
    try:
        begin_to_write(connection)
        found = change(connection)
        execute(connection, "COMMIT")
    except BaseException:
        _roll_back(connection)
        raise
    finally:
        _mine.at_once = False
    return found


def _roll_back(connection: Connection) -> None:
    try:
        connection.connection.rollback()
    except connection.dialect.loaded_dbapi.Error:
        # What went wrong first is what is told; the transaction ends with its connection.
        connection.invalidate()


def _refuse_inside_at_once() -> None:
    if _mine.at_once:
        raise NestedTransaction("finish the open transaction first")


def _fresh_session() -> Session:
    """This thread's session, with nothing open in it."""
    _refuse_inside_at_once()
    session = db.session()
    # The connection of a write transaction.
    if session.info.get("writing"):
        raise NestedTransaction("finish the open transaction first")
    _close(session)
    return session


def _close(session: Session) -> None:
    """Close it, unless nothing is open and it holds no objects: most have never held any."""
    if session.in_transaction() or session.identity_map:
        session.close()


def leave_database() -> None:
    """Give the connection back, and let another request work, before what may take long.

    Raises TransactionOpen when a write transaction is open.
    """
    session = db.session()
    if session.info.get("writing") or _mine.at_once:
        raise TransactionOpen("a vendor may not be called inside a transaction")
    session.close()
    end_reads()
    leave_lane()


def init_database(app: Flask) -> None:
    """Bind the database and teach SQLite to behave as PostgreSQL does where we rely on it."""
    db.init_app(app)

    @app.teardown_request
    def give_back(_error: BaseException | None) -> None:
        here = notes_at_hand()
        here.pop("body_is_here", None)
        if "reading" in here:
            end_reads()

    with app.app_context():
        engine = db.engine
    if engine.dialect.name == "sqlite":
        tune_sqlite(engine)
    else:
        _check_connections(engine)


def _check_connections(engine: Engine) -> None:
    """Replace a pooled connection that the server closed before anybody meets it.

    A server that closes a connection leaves something to be read on it, and an idle one has
    nothing to say: no round trip is needed to tell, as `pool_pre_ping` would take.
    """

    @event.listens_for(engine, "checkout")
    def check(connection: Any, _record: Any, _proxy: Any) -> None:
        if connection.closed or _has_something_to_say(connection.fileno()):
            raise DisconnectionError("closed by the server")
        # Somebody was broken off as they prepared it for a transaction: what is written at once
        # would be undone with the next.
        if not connection.autocommit:
            connection.autocommit = True


def _has_something_to_say(descriptor: int) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))

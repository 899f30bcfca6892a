"""Counts that every process shares and a restart keeps."""

from sqlalchemy import BigInteger, String, select
from sqlalchemy.orm import Mapped, mapped_column

from app.core.extensions import Model, db
from app.core.transaction import transaction
from app.core.upsert import insert_into


class Counter(Model):
    """How often something happened."""

    __tablename__ = "counters"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[int] = mapped_column(BigInteger)


def count(name: str) -> None:
    """Add one to `name`."""
    count_all({name: 1})


def count_all(added: dict[str, int]) -> None:
    """Add so many to each name."""
    with transaction() as session:
        # In one order everywhere: two that count the same names never wait for each other.
        for name, more in sorted(added.items()):
            session.execute(
                insert_into(session, Counter)
                .values(name=name, value=more)
                .on_conflict_do_update(
                    index_elements=["name"], set_={"value": Counter.value + more}
                )
            )


def counted(name: str) -> int:
    """How often `name` was counted."""
    return db.session.scalar(select(Counter.value).where(Counter.name == name)) or 0


def counted_under(prefix: str) -> dict[str, int]:
    """The counts of all names that begin so, by the rest of the name."""
    rows = db.session.execute(
        select(Counter.name, Counter.value)
        .where(Counter.name.startswith(prefix, autoescape=True))
        .order_by(Counter.name)
    ).all()
    return {row.name.removeprefix(prefix): int(row.value) for row in rows}

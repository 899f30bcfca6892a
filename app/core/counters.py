"""Counts that every process shares and a restart keeps."""

from sqlalchemy import BigInteger, String, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Mapped, mapped_column

from app.core.extensions import Model, db
from app.core.transaction import transaction


class Counter(Model):
    """How often something happened."""

    __tablename__ = "counters"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[int] = mapped_column(BigInteger)


def count(name: str) -> None:
    """Add one to `name`."""
    with transaction() as session:
        dialect = session.get_bind().dialect.name
        insert = postgresql_insert if dialect == "postgresql" else sqlite_insert
        session.execute(
            insert(Counter)
            .values(name=name, value=1)
            .on_conflict_do_update(index_elements=["name"], set_={"value": Counter.value + 1})
        )


def counted(name: str) -> int:
    """How often `count(name)` was called."""
    return db.session.scalar(select(Counter.value).where(Counter.name == name)) or 0

"""On PostgreSQL, a table of the artworks' texts for searching, which the database writes itself.

Apart from the artworks, since every bid writes an artwork anew, and with it all indexes of its row.
By a trigger, since the version before this one goes on listing artworks, which must be found.
"""

import sys

import sqlalchemy as sa
from alembic import op
from psycopg.errors import FeatureNotSupported, InsufficientPrivilege, UndefinedFile

from migrations import indexes

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

# Joined by line breaks, as nobody can search for one. In lower case, as ILIKE makes it: pg_trgm may
# do so by another locale, and miss letters that are not ASCII's.
_FUNCTION = r"""
CREATE OR REPLACE FUNCTION write_artwork_text() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO artwork_texts (artwork_id, text)
    VALUES (NEW.id, lower(NEW.title || E'\n' || NEW.artist_name || E'\n' || NEW.description))
    ON CONFLICT (artwork_id) DO UPDATE SET text = excluded.text
    WHERE artwork_texts.text <> excluded.text;
    RETURN NULL;
END $$
"""
# No bid names one of these columns.
_TRIGGER = """
CREATE TRIGGER write_artwork_text AFTER INSERT OR UPDATE OF title, artist_name, description
ON artworks FOR EACH ROW EXECUTE FUNCTION write_artwork_text()
"""
_HAS_TRIGGER = """
SELECT EXISTS (SELECT FROM pg_trigger
WHERE tgrelid = to_regclass('artworks') AND tgname = 'write_artwork_text')
"""
# What the trigger wrote in the meantime is newer.
_FILL = sa.text(
    r"""
INSERT INTO artwork_texts (artwork_id, text)
SELECT id, lower(title || E'\n' || artist_name || E'\n' || description)
FROM artworks WHERE id > :after AND id <= :after + :number ORDER BY id
ON CONFLICT (artwork_id) DO NOTHING
"""
)
_AT_ONCE = 5_000
_HAS_TRIGRAMS = """
SELECT EXISTS (SELECT FROM pg_opclass WHERE opcname = 'gin_trgm_ops' AND pg_opclass_is_visible(oid))
"""
_NEW: indexes.Indexes = {"ix_artwork_texts_text": ("artwork_texts", ["text"], None)}


def upgrade() -> None:
    connection = op.get_bind()
    if connection.dialect.name == "sqlite":
        return
    op.create_table(
        "artwork_texts",
        sa.Column("artwork_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("artwork_id", name="pk_artwork_texts"),
        sa.ForeignKeyConstraint(
            ["artwork_id"],
            ["artworks.id"],
            name="fk_artwork_texts_artwork_id_artworks",
            ondelete="CASCADE",
        ),
        # The table stays when what follows is broken off.
        if_not_exists=True,
    )
    op.execute(_FUNCTION)
    if not connection.scalar(sa.text(_HAS_TRIGGER)):
        op.execute(_TRIGGER)
    # Artworks are listed and bid on meanwhile.
    with op.get_context().autocommit_block():
        connection = op.get_bind()
        last = connection.scalar(sa.text("SELECT max(id) FROM artworks")) or 0
        for after in range(0, last, _AT_ONCE):
            connection.execute(_FILL, {"after": after, "number": _AT_ONCE})
        op.execute("ANALYZE artwork_texts")
        has_trigrams = _make_trigrams(connection)
    if has_trigrams:
        indexes.make(
            _NEW,
            postgresql_using="gin",
            postgresql_ops={"text": "gin_trgm_ops"},
            # A list of what is new would be read from end to end by every search.
            postgresql_with={"fastupdate": "off"},
        )


def _make_trigrams(connection: sa.Connection) -> bool:
    """Whether texts can be indexed by their trigrams; a server may lack that, or not allow it."""
    try:
        op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    except sa.exc.DBAPIError as failure:
        refusals = (FeatureNotSupported, InsufficientPrivilege, UndefinedFile)
        if not isinstance(failure.orig, refusals):
            raise
        print("Searches read every text: `flask doctor` says why", file=sys.stderr, flush=True)
    return bool(connection.scalar(sa.text(_HAS_TRIGRAMS)))


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        return
    op.execute("DROP TRIGGER IF EXISTS write_artwork_text ON artworks")
    op.execute("DROP FUNCTION IF EXISTS write_artwork_text()")
    op.drop_table("artwork_texts", if_exists=True)

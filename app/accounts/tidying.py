"""What nobody can sign in with any more is deleted after a while."""

from datetime import timedelta

from sqlalchemy import delete, or_, select

from app.accounts.models import AccessToken, PasswordReset
from app.core import clock
from app.core.transaction import transaction

# Long enough to look into what happened; a reset's row is needed while its mail may be sent.
KEPT = timedelta(days=30)


def delete_old_sign_ins(limit: int = 500) -> int:
    """Delete up to `limit` ended sign-ins and as many reset links, a month after their end."""
    before = clock.now() - KEPT
    old_tokens = select(AccessToken.id).where(
        or_(AccessToken.expires_at < before, AccessToken.revoked_at < before)
    )
    old_resets = select(PasswordReset.id).where(PasswordReset.expires_at < before)
    deleted = 0
    for table, old in ((AccessToken, old_tokens), (PasswordReset, old_resets)):
        with transaction() as session:
            ids = session.scalars(old.limit(limit)).all()
            session.execute(delete(table).where(table.id.in_(ids)))
        deleted += len(ids)
    return deleted

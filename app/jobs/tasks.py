"""What RQ calls. Each takes an id, may run twice, and is never the only record of what is owed."""

from datetime import timedelta

from app.core import clock
from app.core.errors import NotFound
from app.core.jobs import hint
from app.notifications import service as notifications
from app.payments import service as payments


def settle_payment(payment_id: int) -> None:
    """Ask Stripe about a payment whose deadline has come; wait for the deadline when early."""
    try:
        left = payments.seconds_to_deadline(payment_id)
    except NotFound:
        return
    if left > 0:
        # RQ's scheduler may fire a little early; the database's deadline decides.
        hint(
            "payments",
            "app.jobs.tasks.settle_payment",
            payment_id,
            at=clock.now() + timedelta(seconds=left + 0.05),
        )
        return
    payments.settle_payment(payment_id, patient=True)


def deliver_email(email_id: int) -> None:
    """Send one mail of the outbox, if it is still owed."""
    notifications.deliver_email(email_id)

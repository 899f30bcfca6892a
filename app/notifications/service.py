"""What others may ask of notifications."""

from app.notifications.delivery import deliver_due, deliver_email, send_again
from app.notifications.outbox import listen

__all__ = ["deliver_due", "deliver_email", "listen", "send_again"]

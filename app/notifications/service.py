"""What others may ask of notifications."""

from app.notifications.delivery import deliver_due, deliver_email, send_again
from app.notifications.outbox import listen
from app.notifications.smtp import MailPutOff
from app.notifications.smtp import greet as greet_mail_server

__all__ = [
    "MailPutOff",
    "deliver_due",
    "deliver_email",
    "greet_mail_server",
    "listen",
    "send_again",
]

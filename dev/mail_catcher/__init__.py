"""Receives every mail of a development or test run and shows it; sends nothing on."""

from dev.mail_catcher.catcher import MailCatcher
from dev.mail_catcher.faults import Fault
from dev.mail_catcher.store import Message

__all__ = ["Fault", "MailCatcher", "Message"]

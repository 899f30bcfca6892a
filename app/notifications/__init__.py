"""The outbox and the mails."""
